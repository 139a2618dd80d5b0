"""`bump` against a real git server and both forges: one pull request, whatever happens, and nobody overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges.service import KINDS
from tests.support.world import FILES, USERS, World, world

API = "ghcr.io/acme/api"
STAGING = "apps/api/overlays/staging/kustomization.yaml"


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with world(request.param, tmp_path) as made:
        yield made


def test_one_pull_request_is_opened_then_unchanged_then_updated(place: World) -> None:
    first = place.bump(f"{API}:1.1.0")
    assert first.code == 0, first.err
    pull = first.document["delivery"]["pull_request"]
    assert (pull["number"], pull["state"]) == (1, "opened")
    branch = first.document["delivery"]["branch"]
    assert place.repository.tip(branch) == first.document["delivery"]["commit"]
    assert "newTag: 1.1.0" in place.repository.read(branch, STAGING)
    assert "newTag: 1.0.0" in place.repository.read("main", STAGING)

    again = place.bump(f"{API}:1.1.0")
    assert again.code == 0, again.err
    assert again.document["delivery"]["pull_request"]["state"] == "unchanged"
    assert again.document["delivery"]["commit"] == first.document["delivery"]["commit"]

    newer = place.bump(f"{API}:1.2.0")
    assert newer.code == 0, newer.err
    assert newer.document["delivery"]["branch"] == branch
    assert newer.document["delivery"]["pull_request"]["state"] == "updated"
    assert [one.number for one in place.service.open_ones()] == [1] if place.kind == "github" else True
    assert len(place.service.open_ones()) == 1
    assert "newTag: 1.2.0" in place.repository.read(branch, STAGING)
    assert place.repository.ahead("main", branch) == 1


def test_the_commit_says_what_it_deploys(place: World) -> None:
    done = place.bump_here(
        f"{API}:1.1.0",
        "--source-url",
        "https://github.com/acme/shop",
        "--source-revision",
        "0123456789abcdef" * 2 + "01234567",
    )
    message = place.repository.message(done.document["delivery"]["branch"])
    assert f"Pipelinegen-Image: {API}:1.1.0" in message
    assert "Pipelinegen-Source: https://github.com/acme/shop@0123456789abcdef" in message


def test_push_changes_the_base_branch_and_opens_nothing(place: World) -> None:
    done = place.bump_here(f"{API}:1.1.0", "--deliver", "push")
    assert done.code == 0, done.err
    assert place.repository.tip("main") == done.document["delivery"]["commit"]
    assert not place.service.all()
    again = place.bump_here(f"{API}:1.1.0", "--deliver", "push")
    assert (again.code, again.document["result"]) == (0, "unchanged")


def test_a_dry_run_writes_nothing(place: World) -> None:
    before = place.repository.branches()
    done = place.bump_here(f"{API}:1.1.0", "--dry-run")
    assert done.code == 0, done.err
    assert done.document["result"] == "updated"
    assert place.repository.branches() == before
    assert not place.service.all()


def test_somebody_elses_commit_on_our_branch_is_not_overwritten(place: World) -> None:
    branch = place.bump_here(f"{API}:1.1.0").document["delivery"]["branch"]
    mine = place.repository.commit(branch, {"notes.txt": "careful\n"}, "A note from a person")
    done = place.bump_here(f"{API}:1.2.0")
    assert done.code == 1
    assert done.document["error"]["id"] == "human-commits-on-branch"
    assert "Person <person@example.invalid>" in done.err
    assert place.repository.tip(branch) == mine


def test_what_a_person_closed_is_not_proposed_again_but_something_newer_is(place: World) -> None:
    place.bump_here(f"{API}:1.1.0")
    place.service.stand_in.close_by_hand(1)
    again = place.bump_here(f"{API}:1.1.0")
    assert again.code == 0, again.err
    assert not place.service.open_ones()
    assert "--reopen" in again.err
    newer = place.bump_here(f"{API}:1.2.0")
    assert newer.document["delivery"]["pull_request"]["state"] == "opened", newer.err
    assert len(place.service.open_ones()) == 1


def test_reopen_proposes_what_was_closed(place: World) -> None:
    place.bump_here(f"{API}:1.1.0")
    place.service.stand_in.close_by_hand(1)
    again = place.bump_here(f"{API}:1.1.0", "--reopen")
    assert again.code == 0, again.err
    assert len(place.service.open_ones()) == 1


def test_a_stale_pull_request_is_closed_with_a_reason(place: World) -> None:
    branch = place.bump_here(f"{API}:1.1.0").document["delivery"]["branch"]
    # By hand: our own push in the same second would be the very same commit, and so a merge.
    files = {path: place.repository.read(branch, path) for path in FILES}
    place.repository.commit("main", files, "The same by hand")
    done = place.bump_here(f"{API}:1.1.0")
    assert done.code == 0, done.err
    assert done.document["result"] == "unchanged"
    assert not place.service.open_ones()
    assert place.repository.tip(branch) is None
    assert any("already" in text for text in place.service.comments(1))


def test_nothing_is_born_again_after_the_merge(place: World) -> None:
    place.bump_here(f"{API}:1.1.0")
    place.service.stand_in.merge_by_hand(1)
    done = place.bump_here(f"{API}:1.1.0")
    assert (done.code, done.document["result"]) == (0, "unchanged"), done.err
    assert not place.service.open_ones()


def test_labels_reviewers_and_a_draft_are_asked_for(place: World) -> None:
    done = place.bump_here(f"{API}:1.1.0", "--label", "deploy", "--reviewer", "ada", "--assignee", "grace", "--draft")
    assert done.code == 0, done.err
    one = place.service.all()[0]
    assert "deploy" in one.labels


def test_a_wish_that_the_forge_refuses_is_a_warning(place: World) -> None:
    done = place.bump_here(f"{API}:1.1.0", "--reviewer", "nobody-of-that-name")
    assert done.code == 0, done.err
    assert "warning:" in done.err
    assert len(place.service.open_ones()) == 1


def test_a_wrong_token_is_exit_4_and_never_shown(place: World) -> None:
    done = place.bump_here(f"{API}:1.1.0", PIPELINEGEN_TOKEN="wrong-canary-0815-secret")
    assert done.code == 4
    assert "wrong-canary" not in done.out + done.err
    assert not place.service.all()


def test_no_forge_means_a_branch_and_the_text(place: World) -> None:
    words = ("bump", f"{API}:1.1.0", "--repo", place.url, "--forge", "none", "--no-verify-image")
    done = place.here(*words, PIPELINEGEN_USERNAME=USERS[place.kind])
    assert done.code == 0, done.err
    assert "Bump ghcr.io/acme/api to 1.1.0" in done.out
    assert any(name.startswith("pipelinegen-bump-api-") for name in place.repository.branches())


APP = "ghs_canary_app_token"


def test_with_an_apps_token_github_makes_the_commit_and_signs_it(tmp_path: Path) -> None:
    with world("github", tmp_path, tokens={APP: "deployer[bot]"}) as place:
        first = place.bump_here(f"{API}:1.1.0", PIPELINEGEN_TOKEN=APP)
        assert first.code == 0, first.err
        delivery = first.document["delivery"]
        made = place.repository.tip(delivery["branch"])
        assert made == delivery["commit"]
        assert place.repository.git("log", "-1", "--format=%cn %ce %an", str(made)) == (
            "GitHub noreply@github.com deployer[bot]"
        )
        again = place.bump_here(f"{API}:1.1.0", PIPELINEGEN_TOKEN=APP)
        assert again.document["delivery"]["pull_request"]["state"] == "unchanged", again.err
        newer = place.bump_here(f"{API}:1.2.0", PIPELINEGEN_TOKEN=APP)
        assert newer.code == 0, newer.err
        assert newer.document["delivery"]["pull_request"]["state"] == "updated"
        assert place.repository.ahead("main", delivery["branch"]) == 1
        assert "newTag: 1.2.0" in place.repository.read(delivery["branch"], STAGING)
        assert len(place.service.open_ones()) == 1


def test_a_push_of_named_files_fetches_nothing_else(tmp_path: Path) -> None:
    manual = "".join(f"{number * 7919 % 999_983:x} is a number\n" for number in range(20_000))
    with world("github", tmp_path, {**FILES, "docs/manual.txt": manual}) as place:
        place.server.requests.clear()
        done = place.bump_here(f"{API}:1.1.0", "--deliver", "push", "--path", STAGING)
        assert done.code == 0, done.err
        assert "newTag: 1.1.0" in place.repository.read("main", STAGING)
        assert "newTag: 1.0.0" in place.repository.read("main", STAGING.replace("staging", "production"))
        by_name = place.server.bytes_sent
        place.server.requests.clear()
        done = place.bump_here(f"{API}:1.2.0", "--deliver", "push", "--path", "apps/**")
        assert done.code == 0, done.err
        assert by_name < 10_000 < 50_000 < place.server.bytes_sent


def test_a_named_file_with_only_a_tag_is_understood_by_its_siblings(tmp_path: Path) -> None:
    files = {
        "charts/api/values.yaml": "image:\n  repository: ghcr.io/acme/api\n  tag: 1.0.0\n",
        "charts/api/values-production.yaml": "image:\n  tag: 1.0.0\n",
    }
    with world("github", tmp_path, files) as place:
        done = place.bump_here(f"{API}:1.1.0", "--deliver", "push", "--path", "charts/api/values-production.yaml")
        assert done.code == 0, done.err
        assert place.repository.read("main", "charts/api/values-production.yaml") == "image:\n  tag: 1.1.0"
        assert "tag: 1.0.0" in place.repository.read("main", "charts/api/values.yaml")
