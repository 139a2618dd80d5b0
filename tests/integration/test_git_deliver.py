"""Planning again until it has landed: lost races, lost answers, many writers, processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.git.commit import Made, make_commit
from pipelinegen.edge.git.deliver import plan_and_push
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.errors import NotPermitted, WorldError
from tests.support.githttp import Hang, ResetAfter, Slow, Status, fetch, push, push_discovery, wait_until
from tests.support.repos import ROBOT, World, replace, served, tree_of

RACERS = int(os.environ.get("PIPELINEGEN_RACERS", "8"))
ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with served(tmp_path, {"app.yaml": "api: 1\nweb: 1\n", "other.yaml": "x: 1\n"}) as world:
        yield world


def set_api(tree: GitTree, current: str | None) -> Made | None:
    return replace(tree, "app.yaml", b"api: 1", b"api: 2")


@pytest.mark.parametrize("known", [None, ["app.yaml"]], ids=["whole", "known paths"])
def test_a_plan_is_pushed_and_the_second_time_there_is_nothing_to_do(world: World, known: list[str] | None) -> None:
    with world.remote() as remote:
        done = plan_and_push(remote, set_api, known_paths=known)
    assert (done.result, done.attempts, done.commit) == ("pushed", 1, world.upstream.head())
    assert world.upstream.file("app.yaml") == b"api: 2\nweb: 1\n"
    before = world.server.count(push)
    with world.remote() as remote:
        again = plan_and_push(remote, set_api, known_paths=known)
    assert (again.result, again.commit, again.attempts) == ("nothing", done.commit, 1)
    assert world.server.count(push) == before


@pytest.mark.parametrize("known", [None, ["app.yaml"]], ids=["whole", "known paths"])
@pytest.mark.parametrize("moment", [push_discovery, push], ids=["before the push looks", "after the push looked"])
def test_a_lost_race_is_planned_again_on_the_new_tip(world: World, moment: object, known: list[str] | None) -> None:
    def somebody() -> None:
        world.upstream.commit({"app.yaml": "# mine now\napi: 1\nweb: 7\n"}, message="a person's")

    world.server.before(moment, somebody)  # type: ignore[arg-type]
    tips: list[str] = []

    def attempt(tree: GitTree, current: str | None) -> Made | None:
        assert current == tree.commit
        tips.append(tree.commit)
        return set_api(tree, current)

    with world.remote() as remote:
        done = plan_and_push(remote, attempt, known_paths=known)
    assert (done.result, done.attempts, len(set(tips))) == ("pushed", 2, 2)
    assert world.upstream.file("app.yaml") == b"# mine now\napi: 2\nweb: 7\n"
    assert world.upstream.subjects() == ["bump", "a person's", "first"]
    assert world.told == ["main was moved by somebody else, planning again, 2 of 10"]


def test_the_new_tip_may_have_what_we_wanted(world: World) -> None:
    world.server.before(push, lambda: world.upstream.commit({"app.yaml": "api: 2\n"}, message="a person's"))
    with world.remote() as remote:
        done = plan_and_push(remote, set_api)
    assert (done.result, done.attempts, done.made) == ("nothing", 2, None)
    assert world.upstream.subjects() == ["a person's", "first"]


def test_a_lost_answer_is_no_lost_race(world: World) -> None:
    world.server.fail(push, ResetAfter(), times=2)
    with world.remote() as remote:
        done = plan_and_push(remote, set_api)
    assert (done.result, done.attempts) == ("pushed", 1)
    assert world.upstream.subjects() == ["bump", "first"]


@pytest.mark.parametrize("later", [1, 30], ids=["by one commit", "by many"])
def test_a_landed_push_is_recognised_below_the_commits_of_others(world: World, later: int) -> None:
    def others() -> None:
        for number in range(later):
            world.upstream.commit({"app.yaml": f"api: {number + 3}\n"}, message=f"later {number}")

    def attempt(tree: GitTree, current: str | None) -> Made | None:
        assert tree.read("app.yaml") == b"api: 1\nweb: 1\n", "it was planned again although it has landed"
        return set_api(tree, current)

    world.server.fail(push, ResetAfter(), times=2)
    # The push has its effect, its answer is lost, and the others are quicker than our look at the ref.
    world.server.before(lambda request: fetch(request) and world.server.count(push) > 0, others)
    with world.remote() as remote:
        done = plan_and_push(remote, attempt)
    assert (done.result, done.attempts) == ("pushed", 1)
    assert done.made is not None
    assert world.upstream.has(done.made.commit)
    assert done.commit == done.made.commit != world.upstream.head()
    assert world.upstream.subjects().count("bump") == 1


def test_a_race_that_is_never_won_ends_after_the_attempts(world: World) -> None:
    world.server.before(push, lambda: world.upstream.commit({"other.yaml": os.urandom(8)}), times=None)
    with world.remote(seconds=1000) as remote, pytest.raises(WorldError) as told:
        plan_and_push(remote, set_api, max_attempts=3)
    assert told.value.id == "push-race"
    assert "--max-attempts" in (told.value.next or "")
    assert len(world.naps.taken) == 2
    assert min(world.naps.taken) > 0
    assert "bump" not in world.upstream.subjects()


def test_no_wait_goes_past_the_deadline(world: World) -> None:
    world.server.before(push, lambda: world.upstream.commit({"other.yaml": os.urandom(8)}), times=None)
    with world.remote(seconds=4) as remote, pytest.raises(WorldError) as told:
        plan_and_push(remote, set_api, max_attempts=1000)
    assert told.value.id in ("push-race", "timeout")
    assert sum(world.naps.taken) < 4


def test_a_refusal_is_not_tried_again(world: World) -> None:
    world.upstream.hook("pre-receive", "exit 1")
    with world.remote() as remote, pytest.raises(NotPermitted):
        plan_and_push(remote, set_api)
    assert world.server.count(push) == 1


# Onto another branch, for a pull request.


def test_another_branch_is_made_from_the_base_and_moved_on(world: World) -> None:
    seen: list[str | None] = []

    def attempt(tree: GitTree, current: str | None) -> Made | None:
        seen.append(current)
        return replace(tree, "app.yaml", b"api: 1", f"api: {len(seen) + 1}".encode())

    with world.remote() as remote:
        one = plan_and_push(remote, attempt, branch="pipelinegen-x")
        two = plan_and_push(remote, attempt, branch="pipelinegen-x")
    assert seen == [None, one.commit]
    assert world.upstream.head("pipelinegen-x") == two.commit
    assert world.upstream.subjects("pipelinegen-x") == ["bump", "first"]
    assert world.upstream.subjects() == ["first"]


@pytest.mark.parametrize("known", [None, ["app.yaml"]], ids=["whole", "known paths"])
def test_a_base_that_moves_meanwhile_does_not_make_us_send_all_files(tmp_path: Path, known: list[str] | None) -> None:
    files = {f"f/{number}": os.urandom(2000) for number in range(200)}
    with served(tmp_path, {**files, "app.yaml": "api: 1\n"}) as world:
        world.server.before(push_discovery, lambda: world.upstream.commit({"f/0": "x"}))
        with world.remote() as remote:
            done = plan_and_push(remote, set_api, branch="topic", known_paths=known)
        assert (done.result, done.attempts) == ("pushed", 1)
        assert world.upstream.file("app.yaml", at="topic") == b"api: 2\n"
        assert max(request.received for request in world.server.requests if push(request)) < 3000


def test_a_commit_that_the_server_has_from_before_is_pushed_again(tmp_path: Path) -> None:
    """Known paths only, and the server still holds the very commit that we make: git then asks for all files."""

    def attempt(tree: GitTree, current: str | None) -> Made | None:
        return make_commit(tree, {"a/app.yaml": b"api: 2\n"}, "same", ROBOT, date=1)

    commits = set()
    with served(tmp_path, tree_of(["a/app.yaml", "a/b/c.yaml", "d/e/f.yaml"])) as world:
        for branch in ("one", "two"):
            with world.remote() as remote:
                commits.add(plan_and_push(remote, attempt, branch=branch, known_paths=["a/app.yaml"]).commit)
        assert len(commits) == 1
        assert world.upstream.head("one") == world.upstream.head("two")
        assert world.naps.taken == []


def test_a_persons_commit_on_our_branch_is_planned_on_and_not_overwritten(world: World) -> None:
    with world.remote() as remote:
        plan_and_push(remote, set_api, branch="topic")
    theirs: list[str] = []
    world.server.before(
        push, lambda: theirs.append(world.upstream.commit({"x": "1"}, branch="topic", message="a person's"))
    )

    def attempt(tree: GitTree, current: str | None) -> Made | None:
        if theirs:
            assert current == theirs[0]
            return None
        return replace(tree, "app.yaml", b"api: 1", b"api: 3")

    with world.remote() as remote:
        assert plan_and_push(remote, attempt, branch="topic").result == "nothing"
    assert world.upstream.head("topic") == theirs[0]
    assert world.upstream.has(theirs[0])


# Processes.


def pusher(world: World, *args: str, **environment: str) -> subprocess.Popen[str]:
    url = world.server.url(world.upstream.folder.name)
    # What a killed one leaves behind goes with the test's own folder.
    environment.setdefault("TMPDIR", str(world.upstream.folder.parent))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.pusher", url, *args],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, dict[str, object]]:
    with process:
        out, _ = process.communicate(timeout=600)
    return process.returncode, json.loads(out) if out else {}


def test_all_racers_on_one_branch_land(tmp_path: Path) -> None:
    lines = "".join(f"image-{number}: old\n" for number in range(RACERS))
    with served(tmp_path, {"kustomization.yaml": lines}) as world:
        racers = [
            pusher(world, "kustomization.yaml", f"image-{number}", "new", PUSHER_TRIES="20") for number in range(RACERS)
        ]
        results = [finish(racer) for racer in racers]
        assert [code for code, _ in results] == [0] * RACERS, results
        assert world.upstream.file("kustomization.yaml").decode() == lines.replace("old", "new")
        subjects = world.upstream.subjects()
        assert sorted(subjects) == sorted(["first", *(f"set image-{number}" for number in range(RACERS))])
        attempts = [report["attempts"] for _, report in results]
        print(f"{RACERS} racers: attempts {attempts}")


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT], ids=lambda signum: signum.name)
def test_a_signal_during_a_push_that_finishes_says_so(world: World, temporary: Path, signum: signal.Signals) -> None:
    racer: list[subprocess.Popen[str]] = []
    world.server.before(push, lambda: racer[0].send_signal(signum))
    world.server.fail(push, Slow(500))
    racer.append(pusher(world, "app.yaml", "api", "2", TMPDIR=str(temporary), PUSHER_GRACE="30"))
    code, report = finish(racer[0])
    assert (code, report) == (128 + signum, {"state": f"main was pushed at {world.upstream.head()}"})
    assert world.upstream.file("app.yaml") == b"api: 2\nweb: 1\n"
    assert list(temporary.iterdir()) == []


def test_a_signal_during_a_push_that_hangs_ends_it_and_says_so(world: World, temporary: Path) -> None:
    racer: list[subprocess.Popen[str]] = []
    world.server.before(push, lambda: racer[0].send_signal(signal.SIGTERM))
    world.server.fail(push, Hang())
    racer.append(pusher(world, "app.yaml", "api", "2", TMPDIR=str(temporary), PUSHER_GRACE="0.3"))
    code, report = finish(racer[0])
    assert (code, report) == (143, {"state": "main was not pushed"})
    assert world.upstream.subjects() == ["first"]
    assert list(temporary.iterdir()) == []


def test_a_signal_before_the_push_leaves_nothing(world: World, temporary: Path) -> None:
    racer: list[subprocess.Popen[str]] = []
    world.server.before(fetch, lambda: racer[0].send_signal(signal.SIGTERM))
    world.server.fail(fetch, Hang())
    racer.append(pusher(world, "app.yaml", "api", "2", TMPDIR=str(temporary)))
    assert finish(racer[0]) == (143, {"state": None})
    assert world.upstream.subjects() == ["first"]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("branch", [[], ["topic"]], ids=["base branch", "other branch"])
@pytest.mark.parametrize("moment", [fetch, push_discovery, push], ids=["fetching", "looking", "sending"])
def test_after_a_kill_the_same_command_finishes(world: World, moment: object, branch: list[str]) -> None:
    racer: list[subprocess.Popen[str]] = []
    world.server.before(moment, lambda: racer[0].send_signal(signal.SIGKILL))  # type: ignore[arg-type]
    racer.append(pusher(world, "app.yaml", "api", "2", *branch))
    assert finish(racer[0])[0] == -signal.SIGKILL
    # git itself may have lived on for a moment; its push ends in one way or the other.
    code, report = finish(pusher(world, "app.yaml", "api", "2", *branch))
    assert code == 0, report
    where = branch[0] if branch else "main"
    assert world.upstream.file("app.yaml", at=where) == b"api: 2\nweb: 1\n"
    assert world.upstream.subjects(where) == ["set api", "first"]
    before = world.server.count(push)
    assert finish(pusher(world, "app.yaml", "api", "2", *branch))[1]["result"] == "nothing"
    assert world.server.count(push) == before


def test_the_server_goes_away_and_comes_back(world: World) -> None:
    world.server.fail(lambda _: True, Status(503), times=3)
    with world.remote() as remote:
        assert plan_and_push(remote, set_api).result == "pushed"
    wait_until(lambda: world.upstream.subjects() == ["bump", "first"])
