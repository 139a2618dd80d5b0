"""One branch, one pull request: opened, updated, left alone, and not opened again against a person's will."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.ci import CiContext
from pipelinegen.edge.forge import forge_for
from pipelinegen.edge.forge.port import Wishes
from pipelinegen.edge.forge.propose import Proposal, Proposed, propose, withdraw
from pipelinegen.errors import NotPermitted, PipelinegenError, WorldError
from pipelinegen.pull_request import Change, Place, Story, body, title
from tests.support.forges.service import KINDS, Service, running

BRANCH = "pipelinegen-production-api-0123456789ab"


@pytest.fixture(params=KINDS)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    with running(request.param, tmp_path) as started:
        yield started


def story(tag: str, run: int = 1) -> Story:
    return Story(
        key=tag.encode().hex().ljust(32, "0"),
        action="bump",
        changes=(Change("ghcr.io/acme/api", ("1.0.0",), tag),),
        places=(Place("kustomization.yaml", 1, "1.0.0", tag, "production"),),
        environments=("production",),
        run_url=f"https://ci.example/runs/{run}",
    )


def proposal(service: Service, tag: str = "1.1.0", *, run: int = 1, push: bool = True, **more: Any) -> Proposal:
    """What a run of `bump` brings to the forge: the branch pushed, the text told."""
    base = str(service.repository.tip("main"))
    sha = service.push(BRANCH, tag) if push else str(service.repository.tip(BRANCH))
    told = story(tag, run)
    return Proposal(BRANCH, "main", base, sha, title(told), body(told), pushed=push, **more)


def outcome(proposed: Proposed) -> tuple[str, int | None]:
    return proposed.outcome, proposed.pull_request.number if proposed.pull_request else None


def test_the_same_tag_twice_and_then_a_newer_one(service: Service) -> None:
    forge = service.open()
    assert outcome(propose(forge, proposal(service))) == ("opened", 1)
    writes = service.stand_in.writes()
    assert outcome(propose(forge, proposal(service, run=2, push=False))) == ("unchanged", 1)
    assert service.stand_in.writes() == writes
    assert outcome(propose(forge, proposal(service, "1.2.0"))) == ("updated", 1)
    pull = forge.get(1)
    assert pull.title == "Bump ghcr.io/acme/api to 1.2.0 in production"
    assert "`1.2.0`" in pull.body
    assert pull.head_sha == service.repository.tip(BRANCH)
    assert len(service.all()) == 1


def test_the_same_text_with_a_new_commit_is_updated_without_a_write(service: Service) -> None:
    forge = service.open()
    propose(forge, proposal(service))
    writes = service.stand_in.writes()
    service.repository.commit("main", {"other.yaml": "x"}, "Someone else's")
    assert outcome(propose(forge, proposal(service))) == ("updated", 1)
    assert service.stand_in.writes() == writes


def test_closed_by_a_person_is_not_opened_again_for_the_same_content(service: Service) -> None:
    forge = service.open()
    propose(forge, proposal(service))
    service.stand_in.close_by_hand(1)
    writes = service.stand_in.writes()
    assert outcome(propose(forge, proposal(service, run=2, push=False))) == ("closed", 1)
    assert service.stand_in.writes() == writes
    assert outcome(propose(forge, proposal(service, push=False, reopen=True))) == ("opened", 2)


def test_a_newer_tag_is_new_content(service: Service) -> None:
    forge = service.open()
    propose(forge, proposal(service))
    service.stand_in.close_by_hand(1)
    assert outcome(propose(forge, proposal(service, "1.2.0"))) == ("opened", 2)


def test_closed_by_us_is_no_persons_no(service: Service) -> None:
    forge = service.open()
    propose(forge, proposal(service))
    closed = withdraw(forge, BRANCH, "main", "Nothing is left to change: production has it already.")
    assert closed is not None
    assert closed.state == "closed"
    assert service.comments(1) == ["Nothing is left to change: production has it already."]
    assert withdraw(forge, BRANCH, "main", "Again.") is None
    assert outcome(propose(forge, proposal(service))) == ("opened", 2)


def test_only_our_own_is_withdrawn(service: Service) -> None:
    forge = service.open()
    service.push(BRANCH)
    forge.open(BRANCH, "main", "By hand", "no marker")
    assert withdraw(forge, BRANCH, "main", "x") is None
    propose(forge, proposal(service, push=False))
    one = service.all()[0]
    setattr(one, "user" if service.kind == "github" else "author", "grace")
    assert withdraw(forge, BRANCH, "main", "x") is None
    assert len(service.open_ones()) == 1


def test_merged_after_the_plan_is_not_born_again(service: Service) -> None:
    forge = service.open()
    first = proposal(service)
    propose(forge, first)
    service.stand_in.merge_by_hand(1)
    service.repository.delete(BRANCH)
    late = replace(first, head_sha=service.push(BRANCH, "1.1.0", onto=first.base_sha))
    assert outcome(propose(forge, late)) == ("merged", 1)
    assert len(service.all()) == 1


def test_merged_and_then_undone_is_proposed_again(service: Service) -> None:
    forge = service.open()
    propose(forge, proposal(service))
    service.stand_in.merge_by_hand(1)
    service.repository.commit("main", {"kustomization.yaml": "newTag: 1.0.0\n"}, "Revert")
    assert outcome(propose(forge, proposal(service))) == ("opened", 2)


def test_wishes_are_granted_once_and_a_refusal_is_a_warning(service: Service) -> None:
    forge = service.open()
    wishes = Wishes(labels=("bump",), reviewers=("ada", "nobody"), assignees=("grace",), milestone="1.0")
    first = propose(forge, proposal(service, wishes=wishes, auto_merge=True))
    assert first.outcome == "opened"
    assert [str(warning.wish) for warning in first.warnings] == ["reviewers nobody"]
    assert first.pull_request is not None
    assert (first.pull_request.labels, first.pull_request.reviewers) == (("bump",), ("ada",))
    assert first.pull_request.auto_merge
    granted = replace(wishes, reviewers=("ada",))
    writes = service.stand_in.writes()
    again = propose(forge, proposal(service, run=2, push=False, wishes=granted, auto_merge=True))
    assert (again.outcome, again.warnings) == ("unchanged", ())
    assert service.stand_in.writes() == writes


def test_draft_and_what_became_of_it(service: Service) -> None:
    forge = service.open()
    first = propose(forge, proposal(service, draft=True))
    assert first.pull_request is not None
    assert first.pull_request.draft
    one = service.all()[0]
    if service.kind == "github":
        one.draft = False
    else:
        one.title = one.title.removeprefix("Draft: ")
    again = propose(forge, proposal(service, "1.2.0", draft=True))
    assert again.pull_request is not None
    assert not again.pull_request.draft, "a person said that it is ready"


def test_a_run_that_died_between_opening_and_wishes_is_finished_by_the_next(service: Service) -> None:
    wishes = Wishes(labels=("bump",), reviewers=("ada",))
    propose(service.open(), proposal(service))
    done = propose(service.open(), proposal(service, push=False, wishes=wishes, auto_merge=True))
    assert done.outcome == "unchanged"
    assert done.pull_request is not None
    assert (done.pull_request.labels, done.pull_request.reviewers, done.pull_request.auto_merge) == (
        ("bump",),
        ("ada",),
        True,
    )


def test_a_token_that_dies_before_the_pull_request_costs_only_the_rest(service: Service) -> None:
    asked = proposal(service)
    service.stand_in.fail("status", method="POST", times=-1, status=401, body={"message": "401 Token is expired"})
    with pytest.raises(NotPermitted) as caught:
        propose(service.open(), asked)
    assert caught.value.id == "expired"
    service.stand_in.faults.clear()
    assert outcome(propose(service.open(), replace(asked, pushed=False))) == ("opened", 1)
    assert service.repository.tip(BRANCH) == asked.head_sha


@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "truncate", "status"])
@pytest.mark.parametrize("nth", range(6))
def test_any_lost_answer_heals_within_the_run(service: Service, fault: Any, nth: int) -> None:
    asked = proposal(service, wishes=Wishes(labels=("bump",), reviewers=("ada",)), auto_merge=True)
    seen = iter(range(1000))
    service.stand_in.fail(fault)
    takes = service.stand_in.faults[0].takes
    service.stand_in.faults[0].takes = lambda request: next(seen) >= nth and takes(request)  # type: ignore[method-assign]
    done = propose(service.open(), asked)
    assert done.warnings == ()
    assert done.pull_request is not None
    assert (done.pull_request.number, done.pull_request.auto_merge) == (1, True)
    assert len(service.all()) == 1
    assert propose(service.open(), replace(asked, pushed=False)).outcome == "unchanged"


def test_twenty_runs_of_the_same_key_open_one(service: Service) -> None:
    asked = proposal(service)
    done: list[Proposed | PipelinegenError] = []
    start = threading.Barrier(20)

    def run() -> None:
        forge = service.open()
        start.wait()
        try:
            done.append(propose(forge, asked))
        except PipelinegenError as error:
            done.append(error)

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one for one in done if not isinstance(one, Proposed)] == []
    assert {one.pull_request.number for one in done if isinstance(one, Proposed) and one.pull_request} == {1}
    assert len(service.all()) == 1


def test_a_forge_that_is_away_for_ever_leaves_nothing_half_done(service: Service) -> None:
    asked = proposal(service)
    service.stand_in.fail("status", times=-1, status=503)
    with pytest.raises(WorldError):
        propose(service.open(), asked)
    assert service.all() == []


def test_without_a_forge_the_text_is_for_a_person() -> None:
    forge = forge_for("https://git.example/acme/manifests.git", "none", None, None, CiContext(), environ={})
    told = story("1.1.0")
    asked = Proposal(BRANCH, "main", "0" * 40, "1" * 40, title(told), body(told))
    done = propose(forge, asked)
    assert (done.outcome, done.pull_request, done.warnings) == ("none", None, ())
    assert done.text is not None
    assert title(told) in done.text
    assert body(told) in done.text
    assert f"git diff origin/main...origin/{BRANCH}" in done.text
    assert withdraw(forge, BRANCH, "main", "x") is None
