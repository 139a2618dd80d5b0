"""A push and what became of it: the ref decides, the words only explain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.git.askpass import Credentials
from pipelinegen.edge.git.commit import Made
from pipelinegen.edge.git.push import Landed, Lost, Refused, push
from pipelinegen.edge.git.remote import RemoteRepository, open_tree
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, WorldError
from pipelinegen.redact import Secret
from tests.support.githttp import (
    Fault,
    Hang,
    Redirect,
    ResetAfter,
    ResetBefore,
    Slow,
    Status,
    Truncate,
    discovery,
    fetch,
    push_discovery,
)
from tests.support.githttp import push as pushing
from tests.support.repos import World, replace, served


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with served(tmp_path) as world:
        yield world


def bumped(remote: RemoteRepository, tag: str = "1.1.0") -> Made:
    made = replace(open_tree(remote), "app.yaml", b"1.0.0", tag.encode())
    assert made is not None
    return made


def test_a_push_moves_the_branch(world: World) -> None:
    with world.remote() as remote:
        made = bumped(remote)
        assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)
    assert world.upstream.head() == made.commit
    assert world.upstream.subjects() == ["bump", "first"]


def test_a_new_branch_is_made_replaced_and_deleted(world: World) -> None:
    with world.remote() as remote:
        one, two = bumped(remote), bumped(remote, "1.2.0")
        assert push(remote, "pipelinegen-x", one.commit, None) == Landed(one.commit)
        assert push(remote, "pipelinegen-x", two.commit, one.commit) == Landed(two.commit)
        assert world.upstream.head("pipelinegen-x") == two.commit
        assert push(remote, "pipelinegen-x", None, two.commit) == Landed(None)
    assert world.upstream.branches() == ["main"]


def test_pushing_what_is_there_is_landed(world: World) -> None:
    with world.remote() as remote:
        made = bumped(remote)
        for _ in range(2):
            assert push(remote, "x", made.commit, None) == Landed(made.commit)


@pytest.mark.parametrize("moment", [push_discovery, pushing], ids=["before the push looks", "after the push looked"])
@pytest.mark.parametrize("target", ["main", "topic"])
def test_somebody_elses_commit_is_never_overwritten(world: World, target: str, moment: Callable[..., bool]) -> None:
    if target == "topic":
        world.upstream.move("topic", world.upstream.head())
    with world.remote() as remote:
        made = bumped(remote)
        theirs: list[str] = []
        world.server.before(
            moment, lambda: theirs.append(world.upstream.commit({"b": "1"}, branch=target, message="a person's"))
        )
        outcome = push(remote, target, made.commit, made.parent)
    assert isinstance(outcome, Lost)
    assert [outcome.current] == theirs == [world.upstream.head(target)]
    assert world.upstream.subjects(target) == ["a person's", "first"]


def test_a_branch_that_somebody_made_meanwhile_is_left_alone(world: World) -> None:
    with world.remote() as remote:
        made = bumped(remote)
        world.server.before(pushing, lambda: world.upstream.move("topic", world.upstream.head()))
        assert push(remote, "topic", made.commit, None)[0] == world.upstream.head("main")
    assert world.upstream.subjects("topic") == ["first"]


def test_a_branch_that_somebody_deleted_meanwhile_stays_deleted(world: World) -> None:
    world.upstream.move("topic", world.upstream.head())
    with world.remote() as remote:
        made = bumped(remote)
        world.server.before(push_discovery, lambda: world.upstream.move("topic", None))
        assert push(remote, "topic", made.commit, made.parent)[0] is None
    assert world.upstream.branches() == ["main"]


def test_a_branch_with_new_commits_is_not_deleted(world: World) -> None:
    ours = world.upstream.commit({"a": "1"}, branch="topic")
    with world.remote() as remote:
        bumped(remote)
        theirs = world.upstream.commit({"a": "2"}, branch="topic")
        outcome = push(remote, "topic", None, ours)
    assert isinstance(outcome, Lost)
    assert outcome.current == theirs == world.upstream.head("topic")


@pytest.mark.parametrize("fault", [ResetAfter(), Truncate(0), Truncate(20), Slow(4000)], ids=repr)
def test_a_push_whose_answer_is_lost_has_landed(world: World, fault: Fault) -> None:
    with world.remote() as remote:
        made = bumped(remote)
        world.server.fail(pushing, fault, times=2)
        assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)
    assert world.upstream.subjects() == ["bump", "first"]
    assert world.naps.taken == []


@pytest.mark.parametrize("fault", [ResetBefore(), Status(500), Status(503), Status(502)], ids=repr)
@pytest.mark.parametrize("moment", [push_discovery, pushing], ids=["looking", "sending"])
def test_a_push_that_failed_once_is_pushed_again(world: World, moment: Callable[..., bool], fault: Fault) -> None:
    with world.remote() as remote:
        made = bumped(remote)
        world.server.fail(moment, fault)
        assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)
    assert world.upstream.subjects() == ["bump", "first"]
    # curl repeats a request on a reset connection by itself; then there was nothing for us to heal.
    assert len(world.told) <= 1


def test_a_push_that_fails_for_ever_is_tried_four_times_and_changes_nothing(world: World) -> None:
    with world.remote() as remote:
        made = bumped(remote)
        world.server.fail(pushing, Status(503), times=None)
        outcome = push(remote, "main", made.commit, made.parent)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.error.exit_code) == ("net", 3)
    assert world.naps.taken == [1.0, 2.0, 4.0]
    assert world.server.count(pushing) == 4
    assert world.upstream.subjects() == ["first"]
    assert outcome.error.state == "main is as it was"


def test_a_rate_limit_is_waited_for(world: World) -> None:
    with world.remote(seconds=100) as remote:
        made = bumped(remote)
        world.server.fail(push_discovery, Status(429))
        assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)
    assert world.naps.taken == [60.0]


def test_a_rate_limit_past_the_deadline_is_told(world: World) -> None:
    with world.remote(seconds=50) as remote:
        made = bumped(remote)
        world.server.fail(push_discovery, Status(429), times=None)
        outcome = push(remote, "main", made.commit, made.parent)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.error.exit_code, world.naps.taken) == ("rate-limited", 3, [])


def test_when_the_ref_cannot_be_read_afterwards_this_is_said(world: World) -> None:
    with world.remote() as remote:
        made = bumped(remote)
        world.server.fail(discovery, Status(503), times=None)
        world.server.fail(pushing, Status(503), times=None)
        with pytest.raises(WorldError) as told:
            push(remote, "main", made.commit, made.parent)
    assert "may or may not be at" in (told.value.state or "")
    assert told.value.exit_code == 3


REFUSALS = {
    "a rule": ("pre-receive", "echo 'GH013: Repository rule violations found' >&2; exit 1", NotPermitted, "protected"),
    "a hook": ("update", "echo 'go away' >&2; exit 1", NotPermitted, "protected"),
    "a right": (
        "pre-receive",
        "echo 'You are not allowed to push code to this project' >&2; exit 1",
        NotPermitted,
        "scope-missing",
    ),
    "a full disk": ("pre-receive", "echo 'No space left on device' >&2; exit 1", WorldError, "disk"),
}


@pytest.mark.parametrize(("hook", "script", "kind", "id"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_told_once_in_the_words_of_the_server(
    world: World, hook: str, script: str, kind: type[PipelinegenError], id: str
) -> None:
    world.upstream.hook(hook, script)
    with world.remote() as remote:
        made = bumped(remote)
        outcome = push(remote, "main", made.commit, made.parent)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, type(outcome.error), outcome.error.id) == (id, kind, id)
    said = script.split("'")[1]
    assert any(said in line for line in outcome.error.details)
    assert world.server.count(pushing) == 1
    assert world.upstream.subjects() == ["first"]


def test_a_hook_that_refuses_with_the_words_of_a_race_is_no_landing(world: World) -> None:
    world.upstream.hook("update", "echo 'cannot lock ref: is at 1 but expected 2' >&2; exit 1")
    with world.remote() as remote:
        made = bumped(remote)
        outcome = push(remote, "main", made.commit, made.parent)
    assert not isinstance(outcome, Landed)


def test_a_hook_after_the_fact_that_fails_changes_nothing_for_us(world: World) -> None:
    world.upstream.hook("post-receive", "echo 'pre-receive hook declined' >&2; exit 1")
    with world.remote() as remote:
        made = bumped(remote)
        assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)


def test_a_branch_below_another_branch_is_our_input(world: World) -> None:
    world.upstream.move("b6", world.upstream.head())
    with world.remote() as remote:
        made = bumped(remote)
        outcome = push(remote, "b6/x", made.commit, None)
    assert isinstance(outcome, Refused)
    assert (type(outcome.error), outcome.error.id) == (InputError, "bad-branch")


def test_a_tag_of_the_same_name_is_in_nobodys_way(world: World) -> None:
    tags = world.upstream.folder / "refs/tags"
    tags.mkdir(parents=True, exist_ok=True)
    (tags / "main").write_text(f"{world.upstream.head()}\n")
    with world.remote() as remote:
        made = bumped(remote)
        assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)


def test_a_lock_that_somebody_left_is_a_race_and_not_a_refusal(world: World) -> None:
    (world.upstream.folder / "refs/heads").mkdir(exist_ok=True)
    (world.upstream.folder / "refs/heads/main.lock").touch()
    with world.remote() as remote:
        made = bumped(remote)
        assert push(remote, "main", made.commit, made.parent)[0] == made.parent


@pytest.mark.parametrize("branch", ["-x", "a..b", "+main", ":main", "a b", "", "refs/heads/.x"])
def test_no_name_becomes_an_option_or_a_refspec(world: World, branch: str) -> None:
    with world.remote() as remote:
        made = bumped(remote)
        with pytest.raises(InputError):
            push(remote, branch, made.commit, None)
    assert world.server.count(pushing) == 0


# Who we are.

TOKEN = "s3cr3t-t0k3n/+%\"'x"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[World]:
    with served(tmp_path, users={"robot": TOKEN}, readers={"guest": "gu3st-password"}) as world:
        yield world


def test_the_right_token_reads_and_writes(guarded: World) -> None:
    guarded.upstream.hook("update", 'test "$REMOTE_USER" = robot')
    with guarded.remote() as remote:
        made = bumped(remote)
        assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)


def test_without_a_token_the_message_names_the_variable(guarded: World) -> None:
    with guarded.remote(credentials=None) as remote, pytest.raises(NotPermitted) as told:
        open_tree(remote)
    assert told.value.id == "no-token"
    assert "PIPELINEGEN_TOKEN" in (told.value.next or "")


def test_a_wrong_token_is_told_at_once(guarded: World) -> None:
    wrong = Credentials("robot", Secret("PIPELINEGEN_TOKEN", "wr0ng-t0ken"))
    with guarded.remote(credentials=wrong) as remote, pytest.raises(NotPermitted) as told:
        open_tree(remote)
    assert told.value.id == "bad-token"
    assert guarded.naps.taken == []
    assert "wr0ng" not in "\n".join(told.value.lines())


def test_a_token_that_may_only_read_is_told_which_right_is_missing(guarded: World) -> None:
    guest = Credentials("guest", Secret("PIPELINEGEN_TOKEN", "gu3st-password"))
    with guarded.remote(credentials=guest) as remote:
        made = bumped(remote)
        outcome = push(remote, "main", made.commit, made.parent)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.error.exit_code) == ("scope-missing", 4)
    assert "write" in (outcome.error.next or "")


def test_a_token_that_dies_before_the_push_is_told(guarded: World) -> None:
    with guarded.remote() as remote:
        made = bumped(remote)
        guarded.server.fail(pushing, Status(401, headers=(("WWW-Authenticate", 'Basic realm="x"'),)), times=None)
        guarded.server.fail(push_discovery, Status(401, headers=(("WWW-Authenticate", 'Basic realm="x"'),)), times=None)
        outcome = push(remote, "main", made.commit, made.parent)
    assert isinstance(outcome, Refused)
    assert (outcome.kind, outcome.error.exit_code) == ("bad-token", 4)


# Reading.


@pytest.mark.parametrize("fault", [ResetBefore(), Status(503), Truncate(100), Status(500)], ids=repr)
@pytest.mark.parametrize("moment", [discovery, fetch], ids=["looking", "fetching"])
def test_a_fetch_that_failed_once_is_healed(world: World, moment: Callable[..., bool], fault: Fault) -> None:
    world.server.fail(moment, fault)
    with world.remote() as remote:
        assert open_tree(remote).read("app.yaml") == b"image: ghcr.io/acme/api:1.0.0\n"
        remote.refresh()


@pytest.mark.parametrize(
    ("fault", "code", "id"),
    [
        (Status(503), 3, "net"),
        (Status(429), 3, "rate-limited"),
        (ResetBefore(), 3, "net"),
        (Status(404), 4, "scope-missing"),
        (Status(403), 4, "scope-missing"),
        (Status(407), 3, "net"),
        (Redirect("http://127.0.0.1:1"), 3, "redirected"),
    ],
    ids=repr,
)
def test_a_fetch_that_fails_for_ever_is_told(world: World, fault: Fault, code: int, id: str) -> None:
    world.server.fail(discovery, fault, times=None)
    with world.remote(seconds=50) as remote, pytest.raises(PipelinegenError) as told:
        open_tree(remote)
    assert (told.value.exit_code, told.value.id) == (code, id)
    assert told.value.next


def test_a_repository_that_is_not_there_is_told(world: World) -> None:
    world.upstream.folder.rename(world.upstream.folder.with_name("elsewhere.git"))
    with world.remote() as remote, pytest.raises(NotPermitted, match="not there, or the token may not see it"):
        open_tree(remote)


@pytest.mark.parametrize("fault", [Hang(), Slow(20)], ids=repr)
def test_a_server_that_stalls_is_left(world: World, fault: Fault) -> None:
    world.server.fail(fetch, fault, times=None)
    with world.remote(seconds=2.5, stall_seconds=1) as remote, pytest.raises(WorldError) as told:
        open_tree(remote)
    assert told.value.id == "timeout"


def test_a_push_that_stalls_and_landed_is_found(world: World) -> None:
    with world.remote(stall_seconds=1) as remote:
        made = bumped(remote)
        world.server.fail(pushing, Slow(10))
        assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)
