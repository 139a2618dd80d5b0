"""`promote` against a real git server and both forges, and in a checkout: tag and digest as they stand, one request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forges.service import KINDS
from tests.support.world import Ran, World, world

API, WEB = "ghcr.io/acme/api", "ghcr.io/acme/web"
DIGEST = "sha256:" + "ab" * 32
STAGING = "apps/shop/overlays/staging/kustomization.yaml"
PRODUCTION = "apps/shop/overlays/production/kustomization.yaml"
VALUES = "apps/shop/overlays/production/values.yaml"

FILES = {
    STAGING: f"""\
images:
  - name: {API}
    newTag: 1.1.0
    digest: {DIGEST}
  - name: {WEB}
    newTag: 2.0.0
  - name: ghcr.io/acme/only-here
    newTag: 7.0.0
""",
    PRODUCTION: f"""\
# kept
images:
  - name: {API}
    newTag: 1.0.0  # the application
    digest: {"sha256:" + "cd" * 32}
  - name: {WEB}
    newTag: 1.9.0
""",
    VALUES: f"sidecar:\n  image: {{repository: {API}, tag: '1.0.0@{'sha256:' + 'cd' * 32}'}}\n",
}


def configure(place: World, images: str = "", more: str = "") -> None:
    """The configuration of the application repository in which the command runs."""
    (place.folder / "pipelinegen.yaml").write_text(
        f"""\
version: 1
project: shop
images: {{{images}}}
manifests:
  repository: {place.url}
  forge: {place.kind}
  forge-url: {place.service.stand_in.api}
  environments:
    staging: {{paths: [apps/*/overlays/staging/**], deliver: push}}
    production: {{paths: [apps/*/overlays/production/**]{more}}}
"""
    )


def promote(place: World, *arguments: str) -> Ran:
    return place.here("promote", "--from", "staging", "--to", "production", "--json", *arguments)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[World]:
    with world("github", tmp_path, FILES) as made:
        configure(made)
        yield made


def _promoted(text: str) -> str:
    """A file of production with the versions of staging, and nothing else changed."""
    return text.replace("1.0.0", "1.1.0").replace("cd" * 32, "ab" * 32).replace("1.9.0", "2.0.0")


@pytest.mark.parametrize("kind", KINDS)
def test_one_pull_request_carries_what_stands_in_both(tmp_path: Path, kind: str) -> None:
    with world(kind, tmp_path, FILES) as place:
        configure(place, more=", labels: [promotion], reviewers: [ada]")
        first = place.run("promote", "--from", "staging", "--to", "production", "--json")
        assert first.code == 0, first.err
        assert first.document["schema"] == "pipelinegen.promote/1"
        delivery = first.document["delivery"]
        assert delivery["pull_request"]["state"] == "opened"
        branch = delivery["branch"]
        assert branch.startswith("pipelinegen-promotion-production-from-staging-")
        after = {PRODUCTION: _promoted(FILES[PRODUCTION]), VALUES: _promoted(FILES[VALUES]), STAGING: FILES[STAGING]}
        for path, text in after.items():
            assert place.repository.read(branch, path) == text.strip(), path
        (opened,) = place.service.all()
        assert opened.title == "Promote 2 images in production"
        assert opened.labels == ["promotion"]
        assert opened.reviewers == ["ada"]

        again = promote(place)
        assert (again.code, again.document["delivery"]["pull_request"]["state"]) == (0, "unchanged"), again.err

        place.service.stand_in.merge_by_hand(1)
        done = promote(place)
        assert (done.code, done.document["result"]) == (0, "unchanged"), done.err
        assert len(place.service.all()) == 1


def test_the_list_of_differences_and_the_diff_of_a_dry_run(place: World) -> None:
    done = place.here("promote", "--from", "staging", "--to", "production", "--dry-run")
    assert done.code == 0, done.err
    assert not place.service.all()
    assert place.repository.branches().keys() == {"main"}
    assert f"{API}: 1.0.0@sha256:{'cd' * 6} -> 1.1.0@sha256:{'ab' * 6} ({PRODUCTION}:3, {VALUES}:2)" in done.err
    assert f"{WEB}: 1.9.0 -> 2.0.0 ({PRODUCTION}:6)" in done.err
    assert "ghcr.io/acme/only-here: stands in staging only" in done.err
    assert "+    newTag: 1.1.0  # the application" in done.out
    assert "-    newTag: 1.9.0" in done.out


def test_the_differences_in_the_document(place: World) -> None:
    document = promote(place, "--dry-run", "--image", WEB).document
    assert (document["from"], document["to"], document["result"]) == ("staging", "production", "updated")
    assert document["differences"] == [
        {
            "repository": WEB,
            "tag": "2.0.0",
            "digest": None,
            "changed": True,
            "from": [{"file": STAGING, "line": 5, "column": 11, "tag": "2.0.0", "digest": None}],
            "to": [{"file": PRODUCTION, "line": 6, "column": 11, "tag": "1.9.0", "digest": None}],
        }
    ]


def test_where_a_version_came_from_goes_with_it(place: World) -> None:
    bumped = place.here(
        *("bump", f"{WEB}:2.1.0", "--env", "staging", "--no-verify-image", "--json"),
        *("--source-url", "https://github.com/acme/shop", "--source-revision", "1" * 40),
    )
    assert bumped.code == 0, bumped.err
    done = promote(place)
    assert done.code == 0, done.err
    message = place.repository.message(done.document["delivery"]["branch"])
    head, _, trailers = message.rpartition("\n\n")
    assert head.startswith("Promote 2 images in production")
    lines = trailers.splitlines()
    assert lines[:2] == [
        f"Pipelinegen-Image: {WEB}:2.1.0",
        f"Pipelinegen-Source: https://github.com/acme/shop@{'1' * 40}",
    ]
    assert lines[2].startswith("Pipelinegen-Created: ")
    assert lines[3:5] == [f"Pipelinegen-Image: {API}:1.1.0@{DIGEST}", "Pipelinegen-Environment: production"]


def test_a_configured_image_is_promoted_alone_and_has_a_name(place: World) -> None:
    configure(place, images=f"api: {{repository: {API}}}, worker: {{repository: ghcr.io/acme/worker}}")
    done = promote(place, "--dry-run")
    assert done.code == 0, done.err
    assert [one["repository"] for one in done.document["differences"]] == [API]
    assert "ghcr.io/acme/worker: does not stand in staging" in done.err
    assert [one["repository"] for one in promote(place, "--dry-run", "--image", "api").document["images"]] == [API]


def test_two_versions_in_the_first_environment_are_refused_with_both_places(place: World) -> None:
    place.repository.commit("main", {"apps/shop/overlays/staging/extra.yaml": f"image: {API}:1.2.0\n"}, "Another")
    done = promote(place)
    assert (done.code, done.document["error"]["id"]) == (1, "versions-differ")
    assert f"{STAGING}:2: 1.1.0@{DIGEST}" in done.err
    assert "apps/shop/overlays/staging/extra.yaml:1: 1.2.0" in done.err
    assert not place.service.all()
    other = promote(place, "--image", WEB)
    assert other.code == 0, other.err


def test_a_version_that_is_pinned_in_one_place_only_is_one_version(place: World) -> None:
    place.repository.commit("main", {"apps/shop/overlays/staging/extra.yaml": f"image: {API}:1.1.0\n"}, "Unpinned")
    done = promote(place, "--image", API, "--dry-run")
    assert done.code == 0, done.err
    assert done.document["images"][0]["digest"] == DIGEST


@pytest.mark.parametrize(
    ("arguments", "code", "id", "words"),
    [
        (["--image", "ghcr.io/acme/only-here"], 2, "no-match", "occurs nowhere in the selected manifests"),
        (["--image", "ghcr.io/acme/wib"], 2, "no-match", f"names {WEB}"),
        (["--image", f"{API}:1.1.0"], 2, "bad-image", f"write {API}"),
        (["--image", "Not An Image"], 2, "bad-image", "neither an image of pipelinegen.yaml nor a repository"),
        (["--image", "ghcr.io/acme/only-here", "--allow-missing"], 0, None, "does not stand in production"),
        (["--max-files", "1"], 1, "too-many-files", "--max-files 1"),
        (["--exit-code", "--dry-run"], 1, None, "would change"),
    ],
    ids=["not in the second", "a typo", "with a version", "no name", "missing allowed", "too many files", "exit code"],
)
def test_what_ends_a_promotion(place: World, arguments: list[str], code: int, id: str | None, words: str) -> None:
    done = promote(place, *arguments)
    assert done.code == code, done.err
    assert done.document.get("error", {}).get("id") == id
    assert words in done.err
    assert not place.service.all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "staging"], "--to is missing"),
        (["--to", "production"], "--from is missing"),
        (["--from", "staging", "--to", "staging"], "the same environment"),
        (["--from", "staging", "--to", "prod"], "no environment prod"),
        (["--from", "stagin", "--to", "production"], "no environment stagin"),
    ],
    ids=["no target", "no source", "the same", "unknown target", "unknown source"],
)
def test_environments_are_asked_for_in_words(place: World, arguments: list[str], words: str) -> None:
    done = place.here("promote", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "staging, production" in done.err


def test_a_downgrade_is_refused_unless_it_is_meant(place: World) -> None:
    back = ["promote", "--from", "production", "--to", "staging", "--image", WEB, "--json"]
    refused = place.here(*back)
    assert (refused.code, refused.document["error"]["id"]) == (1, "downgrade-refused")
    meant = place.here(*back, "--allow-downgrade")
    assert meant.code == 0, meant.err
    # The way in which the environment that gets them is delivered: pushed.
    assert meant.document["delivery"]["how"] == "push"
    assert "newTag: 1.9.0" in place.repository.read("main", STAGING)


def test_the_newer_version_updates_the_open_pull_request(place: World) -> None:
    promote(place, "--image", WEB)
    newer = FILES[STAGING].replace("2.0.0", "2.1.0")
    place.repository.commit("main", {STAGING: newer}, "Staging has moved on")
    done = promote(place, "--image", WEB)
    assert done.document["delivery"]["pull_request"] | {"url": ""} == {"number": 1, "url": "", "state": "updated"}
    assert "newTag: 2.1.0" in place.repository.read(done.document["delivery"]["branch"], PRODUCTION)
    assert place.repository.ahead("main", done.document["delivery"]["branch"]) == 1


def test_environments_may_be_branches(place: World) -> None:
    place.repository.move("production", place.repository.tip("main") or "")
    newer = FILES[STAGING].replace("2.0.0", "2.1.0")
    place.repository.commit("main", {STAGING: newer}, f"Bump\n\nPipelinegen-Image: {WEB}:2.1.0\n{_SOURCE}")
    configure(place, more=", base: production")
    done = promote(place, "--image", WEB)
    assert done.code == 0, done.err
    branch = done.document["delivery"]["branch"]
    assert place.repository.ahead("production", branch) == 1
    assert "newTag: 2.1.0" in place.repository.read(branch, PRODUCTION)
    assert "newTag: 2.0.0" in place.repository.read(branch, STAGING)
    assert _SOURCE in place.repository.message(branch)
    both = promote(place, "--image", WEB, "--base", "production", "--dry-run")
    assert [image["tag"] for image in both.document["images"]] == ["2.0.0"]


_SOURCE = f"Pipelinegen-Source: https://github.com/acme/shop@{'3' * 40}"


def git(folder: Path, *words: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    people = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", folder, *words], capture_output=True, text=True, check=True, env={**environment, **people}
    )
    return done.stdout


def test_in_a_checkout_files_are_changed_or_committed(tmp_path: Path) -> None:
    manifests = tmp_path / "manifests"
    for name, text in FILES.items():
        (manifests / name).parent.mkdir(parents=True, exist_ok=True)
        (manifests / name).write_text(text)
    git(manifests, "init", "--quiet", "--initial-branch=main")
    git(manifests, "add", ".")
    source = f"Pipelinegen-Image: {API}:1.1.0@{DIGEST}\nPipelinegen-Source: https://github.com/acme/shop@{'2' * 40}"
    git(manifests, "commit", "--quiet", "-m", f"First\n\n{source}")
    (tmp_path / "pipelinegen.yaml").write_text(
        "version: 1\nproject: shop\nmanifests:\n  repository: ./manifests\n  environments:\n"
        "    staging: {paths: [apps/*/overlays/staging/**]}\n"
        "    production: {paths: [apps/*/overlays/production/**]}\n"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipelinegen", "promote", "--from", "staging", "--to", "production"]
        people = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **people}
        return subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    changed = run("--image", WEB)
    assert changed.returncode == 0, changed.stderr
    assert git(manifests, "status", "--porcelain").split() == ["M", PRODUCTION]
    git(manifests, "checkout", "--quiet", ".")
    committed = run("--deliver", "commit", "--json")
    assert committed.returncode == 0, committed.stderr
    delivery = json.loads(committed.stdout)["delivery"]
    assert (delivery["how"], delivery["branch"]) == ("commit", "main")
    assert delivery["commit"] == git(manifests, "rev-parse", "HEAD").strip()
    message = git(manifests, "log", "-1", "--format=%B")
    assert message.startswith("Promote 2 images in production\n\n")
    assert source in message
    assert "Pipelinegen-Environment: production" in message
    assert json.loads(run("--json").stdout)["result"] == "unchanged"
    text = (tmp_path / "pipelinegen.yaml").read_text().replace("overlays/production/**]", "x/**], base: production")
    (tmp_path / "pipelinegen.yaml").write_text(text)
    other = run("--json")
    assert (other.returncode, json.loads(other.stdout)["error"]["id"]) == (2, "bad-path")
    assert "the default branch is needed beside the one that is checked out here" in other.stderr
