"""The port against both stand-ins over real HTTP: what it does, once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.forge.port import CommitStatus, PullRequest, Wishes
from pipelinegen.edge.http import RateLimited
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, WorldError
from pipelinegen.pull_request import Marker, mark, read_marker
from tests.support.forges import github, gitlab
from tests.support.forges.server import Reply, Request, StandIn
from tests.support.forges.service import CANARIES, KINDS, Service, running

BRANCH = "pipelinegen-bump"
BODY = f"Words.\n\n{mark(Marker('ab' * 16, 'cd' * 32))}"
OPEN = {"github": "/pulls$", "gitlab": "/merge_requests$"}
ONE = {"github": "/pulls/1$", "gitlab": "/merge_requests/1$"}
TALK = {"github": "/comments$", "gitlab": "/notes$"}


@pytest.fixture(params=KINDS)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    with running(request.param, tmp_path) as started:
        yield started


def opened(service: Service, **more: Any) -> tuple[Any, PullRequest]:
    service.push()
    forge = service.open()
    return forge, forge.open(BRANCH, "main", "Bump", BODY, **more)


def test_open_find_and_get_agree(service: Service) -> None:
    sha = service.push()
    forge = service.open()
    assert forge.find_open(BRANCH, "main") is None
    assert forge.find_any(BRANCH) is None
    pull = forge.open(BRANCH, "main", "Bump", BODY)
    assert (pull.number, pull.state, pull.head_branch, pull.head_sha) == (1, "open", BRANCH, sha)
    assert (pull.base_branch, pull.title, pull.body, pull.author) == ("main", "Bump", BODY, "deployer")
    assert pull.url.startswith(service.stand_in.url)
    assert not pull.draft
    assert pull.merged_sha is None
    assert forge.find_open(BRANCH, "main") == forge.find_any(BRANCH) == forge.get(1) == pull


def test_only_our_branch_into_this_base_is_found(service: Service) -> None:
    forge, _ = opened(service)
    service.repository.commit("other", {"x": "1"}, "Other")
    assert forge.find_open("pipelinegen", "main") is None
    assert forge.find_open(BRANCH, "other") is None
    assert forge.find_any("other") is None


def test_the_head_follows_what_is_pushed(service: Service) -> None:
    forge, _ = opened(service)
    sha = service.push(tag="1.2.0")
    assert forge.get(1).head_sha == sha


def test_default_branch_and_tips(service: Service) -> None:
    forge = service.open()
    sha = service.push(f"{BRANCH}-x")
    assert forge.default_branch() == "main"
    assert forge.tip("main") == service.repository.tip("main")
    assert forge.tip(f"{BRANCH}-x") == sha
    assert forge.tip(BRANCH) is None


def test_update_writes_title_and_body(service: Service) -> None:
    forge, _ = opened(service)
    pull = forge.update(1, title="Bump again", body="New words\nin two lines")
    assert (pull.title, pull.body) == ("Bump again", "New words\nin two lines")
    assert forge.get(1) == pull


def test_a_draft_stays_one_when_it_is_updated(service: Service) -> None:
    forge, pull = opened(service, draft=True)
    assert (pull.draft, pull.title) == (True, "Bump")
    pull = forge.update(1, title="Bump again", body=BODY)
    assert (pull.draft, pull.title) == (True, "Bump again")


def test_close_says_why_and_notes_that_it_was_us(service: Service) -> None:
    forge, _ = opened(service)
    closed = forge.close(1, "Nothing is left to change.", "nothing-left")
    assert closed.state == "closed"
    assert service.comments(1) == ["Nothing is left to change."]
    marker = read_marker(forge.get(1).body)
    assert marker is not None
    assert marker.closed == "nothing-left"
    assert forge.find_open(BRANCH, "main") is None
    assert forge.find_any(BRANCH) == closed
    writes = len(service.stand_in.writes())
    assert forge.close(1, "Nothing is left to change.", "nothing-left") == closed
    assert len(service.stand_in.writes()) == writes


def test_a_comment_is_said_once(service: Service) -> None:
    forge, _ = opened(service)
    for _ in range(2):
        forge.comment(1, "Superseded by !2.\n\nReally.")
    assert service.comments(1) == ["Superseded by !2.\n\nReally."]


def test_a_comment_among_many_is_still_found(service: Service) -> None:
    forge, _ = opened(service)
    said = [("grace", f"number {place}") for place in range(150)]
    one = service.all()[0]
    (one.comments if service.kind == "github" else one.notes).extend([("deployer", "mine"), *said])
    forge.comment(1, "mine")
    forge.comment(1, "number 149")
    assert len(service.comments(1)) == 151


@pytest.mark.parametrize("squash", [False, True], ids=["merge", "squash"])
def test_merged_by_a_person(service: Service, squash: bool) -> None:
    forge, _ = opened(service)
    sha = service.stand_in.merge_by_hand(1, squash=squash)
    pull = forge.find_any(BRANCH)
    assert pull is not None
    assert (pull.state, pull.merged_sha) == ("merged", sha)
    assert forge.find_open(BRANCH, "main") is None
    assert service.repository.contains("main", sha)


def test_closed_by_a_person(service: Service) -> None:
    forge, _ = opened(service)
    service.stand_in.close_by_hand(1)
    pull = forge.find_any(BRANCH)
    assert pull is not None
    assert pull.state == "closed"
    marker = read_marker(pull.body)
    assert marker is not None
    assert marker.closed is None


def test_the_latest_of_several_is_found(service: Service) -> None:
    forge, _ = opened(service)
    service.stand_in.close_by_hand(1)
    second = forge.open(BRANCH, "main", "Again", BODY)
    assert second.number == 2
    assert forge.find_any(BRANCH) == second


def test_one_that_is_already_there_is_returned(service: Service) -> None:
    forge, first = opened(service)
    assert forge.open(BRANCH, "main", "Bump", BODY) == first
    assert len(service.all()) == 1


@pytest.mark.parametrize("fault", ["reset-after", "truncate", "reset-before", "status"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_answer_never_makes_a_second(service: Service, fault: Any, times: int) -> None:
    service.push()
    service.stand_in.fail(fault, method="POST", path=OPEN[service.kind], times=times)
    pull = service.open().open(BRANCH, "main", "Bump", BODY)
    assert pull.number == 1
    assert len(service.all()) == 1


def test_an_answer_lost_for_ever_is_found_all_the_same(service: Service) -> None:
    service.push()
    service.stand_in.fail("reset-after", method="POST", path=OPEN[service.kind], times=-1)
    assert service.open().open(BRANCH, "main", "Bump", BODY).number == 1
    assert service.stand_in.lines("POST") == service.stand_in.lines("POST")[:1]


def test_a_forge_that_is_away_is_reported_and_a_rerun_finishes(service: Service) -> None:
    service.push()
    service.stand_in.fail("status", method="POST", path=OPEN[service.kind], times=-1, status=502)
    with pytest.raises(WorldError) as caught:
        service.open().open(BRANCH, "main", "Bump", BODY)
    assert caught.value.id == "server-refused"
    assert service.all() == []
    service.stand_in.faults.clear()
    assert service.open().open(BRANCH, "main", "Bump", BODY).number == 1


@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "truncate", "status"])
def test_comments_and_updates_survive_a_lost_answer(service: Service, fault: Any) -> None:
    forge, _ = opened(service)
    service.stand_in.fail(fault, method="POST", path=TALK[service.kind])
    service.stand_in.fail(fault, method="PATCH|PUT", path=ONE[service.kind])
    forge.comment(1, "Said.")
    assert service.comments(1) == ["Said."]
    assert forge.update(1, title="Bump again", body=BODY).title == "Bump again"
    assert forge.close(1, "Said.", "nothing-left").state == "closed"
    assert service.comments(1) == ["Said."]


def test_a_branch_that_the_forge_does_not_see_yet_is_waited_for(service: Service) -> None:
    sha = service.push()
    stand_in: Any = service.stand_in
    if service.kind == "gitlab":
        stand_in.unseen = 5
    else:
        body = {
            "message": "Validation Failed",
            "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}],
        }
        stand_in.fail("status", method="POST", path=OPEN["github"], times=5, status=422, body=body)
    assert service.open().open(BRANCH, "main", "Bump", BODY).head_sha == sha
    assert service.time.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_branch_that_is_never_seen_is_a_matter_of_the_world(service: Service) -> None:
    with pytest.raises(WorldError) as caught:
        service.open().open(BRANCH, "main", "Bump", BODY)
    assert not isinstance(caught.value, InputError)
    assert len(service.time.slept) == 6


def test_a_base_that_is_not_there_is_the_users_matter(service: Service) -> None:
    service.push()
    with pytest.raises(InputError) as caught:
        service.open().open(BRANCH, "mian", "Bump", BODY)
    assert caught.value.id == "bad-branch"
    assert "mian" in caught.value.what


def test_a_branch_like_its_base_has_nothing_to_propose(tmp_path: Path) -> None:
    with running("github", tmp_path) as service:
        service.repository.move(BRANCH, str(service.repository.tip("main")))
        with pytest.raises(WorldError, match="refused") as caught:
            service.open().open(BRANCH, "main", "Bump", BODY)
        assert "No commits between main and pipelinegen-bump" in "\n".join(caught.value.lines())


# Labels, reviewers, assignees, milestone.

EVERYTHING = Wishes(("bump", "production"), ("ada", "grace"), (), ("ada",), "1.0")


def test_wishes_are_granted_and_asked_for_once(service: Service) -> None:
    forge, pull = opened(service)
    assert forge.grant(pull, EVERYTHING) == ()
    pull = forge.get(1)
    assert (pull.labels, pull.reviewers, pull.assignees) == (("bump", "production"), ("ada", "grace"), ("ada",))
    assert pull.milestone == "1.0"
    writes = service.stand_in.writes()
    assert forge.grant(pull, EVERYTHING) == ()
    assert service.stand_in.writes() == writes


def test_what_people_added_stays(service: Service) -> None:
    forge, _ = opened(service)
    one = service.all()[0]
    one.labels.append("by-hand")
    one.reviewers.append("grace")
    forge.grant(forge.get(1), Wishes(labels=("bump",), reviewers=("ada",)))
    assert (one.labels, one.reviewers) == (["by-hand", "bump"], ["grace", "ada"])


@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "status"])
def test_wishes_survive_a_lost_answer(service: Service, fault: Any) -> None:
    forge, pull = opened(service)
    service.stand_in.fail(fault, method="POST|PUT|PATCH", path="/1", times=2)
    assert forge.grant(pull, EVERYTHING) == ()
    assert forge.get(1).labels == ("bump", "production")


def test_a_wish_that_is_refused_is_a_warning_and_the_others_come_true(service: Service) -> None:
    forge, pull = opened(service)
    unmet = forge.grant(pull, Wishes(("bump",), ("nobody", "grace"), ("platform", "unknown"), ("nobody",), "9.9"))
    wishes = [one.wish for one in unmet]
    assert [wish for wish in wishes if wish.startswith("reviewers")] == ["reviewers nobody"]
    assert "assignees nobody" in wishes
    assert "milestone 9.9" in wishes
    assert any(wish.startswith("teams") for wish in wishes)
    assert all(one.why for one in unmet)
    pull = forge.get(1)
    assert (pull.labels, pull.reviewers, pull.state) == (("bump",), ("grace",), "open")


def test_a_team_is_asked_on_github_and_told_apart_on_gitlab(service: Service) -> None:
    forge, pull = opened(service)
    unmet = forge.grant(pull, Wishes(teams=("platform",)))
    if service.kind == "github":
        assert unmet == ()
        assert forge.get(1).teams == ("platform",)
    else:
        assert [str(one) for one in unmet] == ["teams platform: GitLab asks people, not groups, for a review"]


def test_gitlab_free_tier_keeps_one_reviewer_and_says_so(tmp_path: Path) -> None:
    with running("gitlab", tmp_path) as service:
        stand_in: Any = service.stand_in
        stand_in.single = True
        forge, pull = opened(service)
        unmet = forge.grant(pull, Wishes(reviewers=("ada", "grace")))
        assert [one.wish for one in unmet] == ["reviewers grace"]


def test_who_has_reviewed_is_not_asked_again(tmp_path: Path) -> None:
    with running("github", tmp_path) as service:
        forge, pull = opened(service)
        forge.grant(pull, Wishes(reviewers=("ada",)))
        one = service.all()[0]
        one.reviewers, one.reviews = [], ["Ada"]
        writes = service.stand_in.writes()
        assert forge.grant(forge.get(1), Wishes(reviewers=("ada",))) == ()
        assert service.stand_in.writes() == writes


def test_a_token_that_dies_among_the_wishes_is_no_warning(service: Service) -> None:
    forge, pull = opened(service)
    service.stand_in.fail("status", method="POST|PUT|PATCH", times=-1, status=401, body={"message": "401 Unauthorized"})
    with pytest.raises(NotPermitted) as caught:
        forge.grant(pull, EVERYTHING)
    assert caught.value.id == "bad-token"


def test_a_forge_without_drafts_still_opens_it(tmp_path: Path) -> None:
    with running("github", tmp_path) as service:
        stand_in: Any = service.stand_in
        stand_in.drafts = False
        _, pull = opened(service, draft=True)
        assert (pull.number, pull.draft) == (1, False)


# Auto-merge.


def finish(service: Service, sha: str) -> None:
    stand_in: Any = service.stand_in
    if service.kind == "github":
        stand_in.report(sha, "ci/test", "success")
    else:
        stand_in.finish_pipeline()


@pytest.mark.parametrize("method", [None, "squash"])
def test_auto_merge_waits_and_then_merges(service: Service, method: Any) -> None:
    forge, pull = opened(service)
    assert forge.merge_when_ready(pull, method) == ()
    waiting = forge.get(1)
    assert (waiting.auto_merge, waiting.state) == (True, "open")
    writes = service.stand_in.writes()
    assert forge.merge_when_ready(waiting, method) == ()
    assert service.stand_in.writes() == writes
    finish(service, pull.head_sha)
    merged = forge.get(1)
    assert merged.state == "merged"
    parents = service.repository.git("log", "-1", "--format=%P", str(merged.merged_sha)).split()
    assert len(parents) == (1 if method == "squash" else 2)


def test_auto_merge_with_nothing_to_wait_for_merges(service: Service) -> None:
    stand_in: Any = service.stand_in
    stand_in.required_checks, stand_in.pipeline = False, None
    forge, pull = opened(service)
    assert forge.merge_when_ready(pull, None) == ()
    assert forge.get(1).state == "merged"


@pytest.mark.parametrize("fault", ["reset-after", "reset-before", "status"])
@pytest.mark.parametrize("waits", [True, False], ids=["waits", "at once"])
def test_auto_merge_survives_a_lost_answer(service: Service, fault: Any, waits: bool) -> None:
    stand_in: Any = service.stand_in
    if not waits:
        stand_in.required_checks, stand_in.pipeline = False, None
    forge, pull = opened(service)
    service.stand_in.fail(fault, method="PUT|POST", path="/merge$|/graphql$")
    assert forge.merge_when_ready(pull, None) == ()
    now = forge.get(1)
    assert (now.state, now.auto_merge) == (("open", True) if waits else ("merged", False))


def test_auto_merge_never_merges_another_commit(service: Service) -> None:
    stand_in: Any = service.stand_in
    stand_in.required_checks, stand_in.pipeline = False, None
    forge, pull = opened(service)
    service.push(tag="6.6.6")
    assert [one.wish for one in forge.merge_when_ready(pull, None)] == ["auto-merge"]
    assert forge.get(1).state == "open"


def test_auto_merge_that_is_not_allowed_is_a_warning(service: Service) -> None:
    stand_in: Any = service.stand_in
    forge, pull = opened(service)
    if service.kind == "github":
        stand_in.allow_auto_merge = False
    else:
        stand_in.tokens["glpat-canary-token"].level = gitlab.DEVELOPER
    unmet = forge.merge_when_ready(pull, None)
    assert [one.wish for one in unmet] == ["auto-merge"]
    assert unmet[0].why
    assert forge.get(1).state == "open"


def test_a_merge_waits_while_the_forge_is_checking(service: Service) -> None:
    stand_in: Any = service.stand_in
    stand_in.required_checks, stand_in.pipeline = False, None
    forge, pull = opened(service)
    stand_in.checking = 3 if service.kind == "github" else 2  # GitHub's node id is read before
    assert forge.merge_when_ready(pull, None) == ()
    assert service.time.slept == [1.0, 2.0]
    assert forge.get(1).state == "merged"


def test_a_lock_of_gitlab_is_waited_for(tmp_path: Path) -> None:
    with running("gitlab", tmp_path) as service:
        service.push()
        forge = service.open()
        service.stand_in.fail(
            "status", method="POST|PUT", times=2, status=409, body={"message": "409 Conflict: Resource lock"}
        )
        forge.open(BRANCH, "main", "Bump", BODY)
        service.stand_in.fail(
            "status", method="POST|PUT", times=2, status=409, body={"message": "409 Conflict: Resource lock"}
        )
        assert forge.update(1, title="Bump again", body=BODY).title == "Bump again"
        service.stand_in.fail(
            "status", method="PUT", times=1, status=409, body={"message": "409 Conflict: Resource lock"}
        )
        assert forge.merge_when_ready(forge.get(1), None) == ()
        assert len(service.all()) == 1


def test_a_base_that_moves_while_github_merges_is_tried_again(tmp_path: Path) -> None:
    with running("github", tmp_path) as service:
        stand_in: Any = service.stand_in
        stand_in.required_checks = False
        forge, pull = opened(service)
        moved = {"message": "Base branch was modified. Review and try the merge again."}
        stand_in.fail("status", method="PUT", path="/merge$", times=2, status=405, body=moved)
        assert forge.merge_when_ready(pull, None) == ()
        assert forge.get(1).state == "merged"


def test_a_draft_is_not_merged(service: Service) -> None:
    forge, pull = opened(service, draft=True)
    assert [one.wish for one in forge.merge_when_ready(pull, None)] == ["auto-merge"]


# What others report.


def test_statuses_of_a_commit(service: Service) -> None:
    sha = service.push()
    stand_in: Any = service.stand_in
    failed = "failure" if service.kind == "github" else "failed"
    stand_in.report(sha, "argocd/shop", "pending")
    stand_in.report(sha, "argocd/shop", "success", "Healthy", "https://argocd.example/shop")
    stand_in.report(sha, "kustomization/apps", failed, "timeout")
    stand_in.report(sha, "flux/later", "pending")
    forge = service.open()
    assert set(forge.statuses(sha)) == {
        CommitStatus("argocd/shop", "success", "Healthy", "https://argocd.example/shop"),
        CommitStatus("kustomization/apps", "failure", "timeout"),
        CommitStatus("flux/later", "pending"),
    }
    assert forge.statuses(str(service.repository.tip("main"))) == ()


def test_more_statuses_than_one_page(service: Service) -> None:
    sha = service.push()
    for place in range(230):
        service.stand_in.report(sha, f"app-{place}", "success")
    assert len({one.context for one in service.open().statuses(sha)}) == 230


@pytest.mark.parametrize(
    ("status", "conclusion", "state"),
    [
        ("completed", "success", "success"),
        ("completed", "neutral", "success"),
        ("completed", "skipped", "success"),
        ("completed", "failure", "failure"),
        ("completed", "cancelled", "failure"),
        ("completed", "timed_out", "failure"),
        ("completed", "action_required", "failure"),
        ("in_progress", None, "pending"),
        ("queued", None, "pending"),
    ],
)
def test_check_runs_count_as_statuses(tmp_path: Path, status: str, conclusion: Any, state: str) -> None:
    with running("github", tmp_path) as service:
        sha = service.push()
        stand_in: Any = service.stand_in
        stand_in.checks[sha] = [("kustomization/apps", status, conclusion)]
        (found,) = service.open().statuses(sha)
        assert (found.context, found.state, found.description) == (
            "kustomization/apps",
            state,
            "kustomization/apps ran",
        )


# Tokens.


def test_a_good_token(service: Service) -> None:
    check = service.open().check_token()
    assert (check.login, check.can_push, check.missing) == ("deployer", True, ())
    assert check.scopes == (("repo",) if service.kind == "github" else ("api",))
    assert check.expires == (None if service.kind == "github" else "2030-01-01")


def test_what_a_weak_token_lacks(service: Service) -> None:
    stand_in: Any = service.stand_in
    if service.kind == "github":
        stand_in.tokens["weak-canary-token"] = github.Token(scopes=None, rights={"contents": "read"})
        assert service.open("weak-canary-token").check_token().missing == ("contents: write",)
        stand_in.private = False
        stand_in.tokens["weak-canary-token"] = github.Token(scopes=("repo:status",))
    else:
        weak = gitlab.Token(scopes=("read_api",), level=gitlab.REPORTER)
        stand_in.tokens["weak-canary-token"] = weak
        assert service.open("weak-canary-token").check_token().missing == ("api", "the role Developer")


def test_an_apps_token_can_ask_who_it_is(tmp_path: Path) -> None:
    with running("github", tmp_path) as service:
        stand_in: Any = service.stand_in
        stand_in.tokens["ghs_canary_token"] = github.Token("deployer[bot]", None, {"contents": "write"})
        check = service.open("ghs_canary_token").check_token()
        assert (check.login, check.scopes, check.missing) == ("deployer[bot]", None, ())


@pytest.mark.parametrize("task", ["find", "open", "update", "comment"])
def test_a_right_that_is_missing_is_named(service: Service, task: str) -> None:
    opened(service)
    stand_in: Any = service.stand_in
    if service.kind == "github":
        stand_in.tokens["weak-canary-token"] = github.Token(scopes=None, rights={"pull_requests": "read"})
        named = "pull_requests: write"
    else:
        stand_in.tokens["weak-canary-token"] = gitlab.Token(scopes=("read_api",))
        named = "api (the scope) and Developer (the role)"
    forge = service.open("weak-canary-token")
    tasks: dict[str, Callable[[], object]] = {
        "find": lambda: forge.find_open(BRANCH, "main"),
        "open": lambda: forge.open("other", "main", "x", "y"),
        "update": lambda: forge.update(1, title="x", body="y"),
        "comment": lambda: forge.comment(1, "x"),
    }
    if task == "find":
        assert tasks[task]() is not None
        return
    before = len(service.stand_in.log)
    with pytest.raises(NotPermitted) as caught:
        tasks[task]()
    assert caught.value.id == "scope-missing"
    assert named in "\n".join(caught.value.lines())
    assert "PIPELINEGEN_TOKEN" in str(caught.value.next)
    assert len(service.stand_in.log) - before <= 2
    assert service.time.slept == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "id", "words"),
    [
        pytest.param(
            {"status": 401, "body": {"message": "Bad credentials"}}, "bad-token", "was not accepted", id="wrong"
        ),
        pytest.param(
            {"status": 401, "body": {"error": "invalid_token", "error_description": "Token is expired."}},
            "expired",
            "expired",
            id="expired",
        ),
        pytest.param(
            {"status": 403, "body": {"message": "Repository was archived so is read-only."}},
            "protected",
            "archived",
            id="archived",
        ),
        pytest.param({"status": 404, "body": {"message": "Not Found"}}, "scope-missing", "not there, or", id="unseen"),
    ],
)
def test_a_no_is_not_tried_again(kind: str, fault: dict[str, Any], id: str, words: str, tmp_path: Path) -> None:
    with running(kind, tmp_path) as service:
        service.stand_in.fail("status", times=-1, **fault)
        with pytest.raises(NotPermitted) as caught:
            service.open().find_open(BRANCH, "main")
        assert caught.value.id == id
        assert words in caught.value.what
        assert len(service.stand_in.log) == 1


def test_single_sign_on_is_named(tmp_path: Path) -> None:
    with running("github", tmp_path) as service:
        headers = {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso"}
        service.stand_in.fail("status", status=403, headers=headers, body={"message": "Resource protected by SAML"})
        with pytest.raises(NotPermitted) as caught:
            service.open().get(1)
        assert "single sign-on" in str(caught.value.next)


@pytest.mark.parametrize("status", [429, 403])
def test_a_rate_limit_is_waited_for_or_told(service: Service, status: int) -> None:
    service.push()
    headers = {"Retry-After": "20"}
    service.stand_in.fail("status", method="POST", status=status, headers=headers, body={"message": "slow down"})
    assert service.open().open(BRANCH, "main", "Bump", BODY).number == 1
    assert service.time.slept == [20.0]
    headers = {"Retry-After": "7200"}
    service.stand_in.fail("status", status=status, headers=headers, body={"message": "slow down"})
    with pytest.raises(RateLimited) as caught:
        service.open().get(1)
    assert caught.value.retry_at.endswith("Z")


def test_a_rate_limit_of_graphql_comes_in_an_answer_of_200(tmp_path: Path) -> None:
    with running("github", tmp_path) as service:
        body = {"data": None, "errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
        headers = {"X-RateLimit-Reset": "1700000000"}
        service.stand_in.fail("status", path="/graphql", status=200, body=body, headers=headers)
        with pytest.raises(RateLimited) as caught:
            service.open().login()
        assert caught.value.retry_at == "2023-11-14T22:13:20Z"


def test_an_enterprise_server_has_its_api_in_a_folder(tmp_path: Path) -> None:
    with running("github", tmp_path) as service:
        stand_in: Any = service.stand_in
        stand_in.prefix = "/api/v3"
        forge, pull = opened(service)
        assert forge.login() == "deployer"
        assert forge.merge_when_ready(pull, None) == ()
        assert forge.find_open(BRANCH, "main").auto_merge
        paths = {exchange.request.path.partition("/acme/")[0] for exchange in stand_in.log}
        assert paths == {"/api/v3/repos", "/api/graphql"}


# Redirects and hostile answers.


class Thief(StandIn):
    def respond(self, request: Request) -> Reply:
        return Reply(200, [])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_token_goes_to_one_host_only(service: Service, status: int) -> None:
    with Thief() as thief:
        location = {"Location": f"{thief.url}/api/v4/steal"}
        service.stand_in.fail("status", times=-1, status=status, headers=location)
        forge = service.open()
        acts: list[Callable[[], object]] = [
            lambda: forge.find_open(BRANCH, "main"),
            lambda: forge.open(BRANCH, "main", "x", "y"),
            forge.check_token,
        ]
        for act in acts:
            with pytest.raises(WorldError) as caught:
                act()
            assert caught.value.id == "redirected"
        assert thief.log == []


def test_a_next_link_to_another_host_is_not_followed(service: Service) -> None:
    with Thief() as thief:
        opened(service)
        link = {"Link": f'<{thief.url}/api/v4/next?page=2>; rel="next"', "X-Next-Page": "2"}
        rows = [{"id": number, "body": f"n{number}", "user": None} for number in range(100)]
        service.stand_in.fail("status", method="GET", path=TALK[service.kind], status=200, headers=link, body=rows)
        service.open().comment(1, "Said.")
        assert thief.log == []
        pages = [
            exchange.request.query.get("page") for exchange in service.stand_in.log if "/1/" in exchange.request.path
        ]
        assert pages[:2] == ["1", "2"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="empty"),
        pytest.param([], id="a list"),
        pytest.param("text", id="a text"),
        pytest.param(None, id="nothing"),
        pytest.param(b"<html>welcome</html>", id="a page"),
        pytest.param(b"{", id="half of it"),
        pytest.param({"number": None, "iid": None, "merged_at": None}, id="no number"),
    ],
)
def test_an_answer_without_its_fields_is_an_error(service: Service, body: Any) -> None:
    service.push()
    forge = service.open()
    service.stand_in.fail("status", method="POST", status=201, body=body)
    with pytest.raises(WorldError) as caught:
        forge.open(BRANCH, "main", "Bump", BODY)
    assert caught.value.id == "server-refused"
    assert "look" in str(caught.value.next)


def test_no_error_shows_the_token(service: Service) -> None:
    canary = CANARIES[service.kind]
    forge = service.open()
    texts = [repr(forge), str(forge.__class__)]
    for fault in ({"status": 401}, {"status": 403}, {"status": 418}, {"status": 500}):
        service.stand_in.fail("status", times=-1, body={"message": "no"}, **fault)
        with pytest.raises(PipelinegenError) as caught:
            forge.get(1)
        texts += ["\n".join(caught.value.lines()), str(caught.value.data()), repr(caught.value.__cause__)]
        service.stand_in.faults.clear()
    assert canary not in "\n".join(texts)
    assert all(canary not in exchange.request.path for exchange in service.stand_in.log)
    assert all(canary not in str(exchange.request.query) for exchange in service.stand_in.log)
