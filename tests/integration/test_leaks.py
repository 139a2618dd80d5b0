"""The token is nowhere: no argument, environment or file holds it while a delivery runs, and nothing that it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import canary
from tests.support.faults import API, Scene, Steps, When, run_here
from tests.support.forges.service import KINDS
from tests.support.githttp import GitServer, anything
from tests.support.world import Ran, world

# Everything that makes git, curl and Python talk.
LOUD = {
    **dict.fromkeys(("GIT_TRACE", "GIT_TRACE_CURL", "GIT_TRACE_PACKET", "GIT_TRACE_SETUP", "GIT_CURL_VERBOSE"), "1"),
    "GIT_TRACE_REDACT": "0",
    "GIT_TRACE2_CONFIG_PARAMS": "*",
    "GIT_TRACE2_ENV_VARS": "PIPELINEGEN_TOKEN,GH_TOKEN",
    "PYTHONDEVMODE": "1",
    "PYTHONWARNINGS": "ignore",
}


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with world(request.param, tmp_path) as place:
        yield Scene.of(place, tmp_path)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Scene]:
    with world("github", tmp_path) as place:
        yield Scene.of(place, tmp_path)


def outputs(folder: Path, kind: str) -> dict[str, str]:
    """The variables of a CI job whose outputs go into this folder."""
    folder.mkdir()
    if kind == "gitlab":
        return {
            "GITLAB_CI": "true",
            "CI_PROJECT_DIR": str(folder),
            "CI_PROJECT_URL": "https://gitlab.example/acme/shop",
            "CI_COMMIT_SHA": "2" * 40,
        }
    (folder / "output").touch()
    (folder / "summary").touch()
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_SHA": "1" * 40,
        "GITHUB_ACTOR": "ada",
    }


@pytest.mark.parametrize("optimized", ["", "2"])
def test_nothing_shows_the_token_while_a_delivery_runs(scene: Scene, tmp_path: Path, optimized: str) -> None:
    """Looked at in each moment in which the command waits for a server, and all the time beside that."""
    place = scene.world
    variables = {**LOUD, **outputs(tmp_path / "ci", place.kind), "PYTHONOPTIMIZE": optimized}
    variables |= {"GIT_TRACE2_EVENT": str(tmp_path / "ci" / "trace2"), "GIT_TRACE_SETUP": str(tmp_path / "ci" / "t")}
    words = [f"{API}:1.1.0", *place.place(), "--no-verify-image", "-vv", "--label", "deploy"]
    with place.start("bump", *words, **variables) as process:
        watch = canary.Watch(process.pid, [scene.home, scene.temporary, place.folder, tmp_path / "ci"])
        place.server.before(anything, watch.look, times=None)
        place.service.stand_in.faults.append(When(action=watch.look, times=-1))
        with watch:
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert watch.leaks == set()
    assert watch.looks > 20
    assert any(name.endswith("git") for name in watch.seen)
    assert canary.found(out + err) == []
    assert list(scene.home.iterdir()) == list(scene.temporary.iterdir()) == list(place.folder.iterdir()) == []
    ran = Ran(0, out.decode(), err.decode())
    assert scene.leaks(ran) == canary.in_files([tmp_path / "ci"]) == []
    repository = place.repository
    history = repository.git("log", "--all", "--format=raw", "-p")
    assert API in history
    assert canary.found(history) == []
    # The token was used, and by nobody else than these two servers.
    assert place.server.authorizations()
    assert len(place.service.open_ones()) == 1


@pytest.mark.parametrize("step", ["refs", "fetch", "push-refs", "push", "look", "open"])
def test_a_host_to_which_we_are_redirected_is_not_asked(plain: Scene, tmp_path: Path, step: str) -> None:
    with GitServer(tmp_path / "elsewhere") as elsewhere:
        Steps(plain.world).fail(step, "redirect", elsewhere=elsewhere.origin)
        plain.check(run_here(plain.world, f"{API}:1.1.0", "-v", "-v"), code=3, ids=frozenset({"redirected"}))
        assert elsewhere.requests == []


def test_a_server_that_says_the_token_back_is_not_quoted_with_it(scene: Scene) -> None:
    said = {"message": f"Validation failed for {canary.FORGE} and {quote(canary.FORGE, safe='')}"}
    scene.world.service.stand_in.faults.append(When(kind="status", method="POST", status=422, body=said, times=-1))
    ran = run_here(scene.world, f"{API}:1.1.0", "-v", "-v")
    scene.check(ran, code=3)
    assert "Validation failed for ***" in ran.err


def test_what_the_user_writes_into_a_pull_request_or_a_commit_is_masked(scene: Scene, tmp_path: Path) -> None:
    """A shell that expands too much is the likely way of a token into a text."""
    text = tmp_path / "body.md"
    text.write_text(f"Deployed with {canary.FORGE}\n")
    source = f"https://robot:{quote(canary.FORGE, safe='')}@github.com/acme/shop"
    words = ["--title", f"Bump by {canary.FORGE}", "--body-file", str(text)]
    ran = run_here(scene.world, f"{API}:1.1.0", *words, "--source-url", source, "--source-revision", "3" * 40)
    scene.check(ran, code=0)
    (one,) = scene.world.service.open_ones()
    assert one.title == "Bump by ***"
    assert canary.found(scene.world.repository.git("log", "--all", "--format=raw")) == []


@pytest.mark.parametrize("form", [canary.FORGE, quote(canary.FORGE, safe="")], ids=["raw", "quoted"])
def test_a_token_in_the_address_is_refused_without_showing_it(plain: Scene, form: str) -> None:
    """It would stand in every list of processes; so it is not taken, and not repeated."""
    address = plain.world.url.replace("//", f"//robot:{form}@")
    ran = plain.world.run("bump", f"{API}:1.1.0", "--repo", address, "--forge", "github", "--json")
    assert ran.code == 2, ran.err
    assert canary.found(ran.out + ran.err) == []
    assert plain.world.server.requests == []


DEFECT = """
import os, sys
from pipelinegen.commands import bump_remote
def broken(*_, **__):
    token = os.environ["PIPELINEGEN_TOKEN"]
    forms = [token, repr(token), json.dumps(token), quote(token, safe=""), b64encode(f"u:{token}".encode()).decode()]
    raise RuntimeError(" ".join(forms))
import json
from base64 import b64encode
from urllib.parse import quote
bump_remote.carry_out = broken
from pipelinegen.__main__ import main
sys.argv[0] = "pipelinegen"
main()
"""


@pytest.mark.parametrize("variable", ["PIPELINEGEN_TOKEN", "GH_TOKEN"])
def test_the_file_of_a_defect_is_masked(plain: Scene, variable: str) -> None:
    words = ["bump", f"{API}:1.1.0", *plain.world.place(), "--no-verify-image", "-vv"]
    variables = plain.world.variables(**{variable: canary.FORGE, "PYTHONDEVMODE": "1", "PYTHONWARNINGS": "ignore"})
    argv = [sys.executable, "-c", DEFECT, *words]
    done = subprocess.run(argv, cwd=plain.world.folder, env=variables, capture_output=True, check=False)
    assert done.returncode == 70, done.stderr
    assert b"Traceback" not in done.stderr
    (saved,) = plain.temporary.glob("pipelinegen-defect-*")
    assert os.fsencode(saved) in done.stderr
    text = saved.read_text()
    assert "RuntimeError: ***" in text
    assert canary.found(text.encode() + done.stdout + done.stderr) == []
    assert saved.stat().st_mode & 0o077 == 0


def test_what_can_be_a_token_by_no_means_is_refused_before_anything_is_asked(plain: Scene) -> None:
    for value in ("short", "changeme", "aaaaaaaaaaaa"):
        ran = run_here(plain.world, f"{API}:1.1.0", PIPELINEGEN_TOKEN=value)
        assert ran.code == 4, ran.err
        assert json.loads(ran.out)["error"]["id"] == "bad-token"
    assert plain.world.server.requests == []


@pytest.mark.parametrize(
    "hidden",
    [
        f"x {canary.FORGE} y",
        quote(canary.FORGE, safe=""),
        json.dumps(canary.FORGE),
        f"Basic {b64encode(f'robot:{canary.FORGE}'.encode()).decode()}",
        canary.FORGE.encode().hex(),
    ],
    ids=["plain", "url", "json", "basic", "hex"],
)
def test_the_search_finds_what_it_is_to_find(hidden: str, tmp_path: Path) -> None:
    assert canary.found(hidden)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text(hidden)
    assert canary.in_files([tmp_path])
    assert not canary.found(hidden[:10])


def test_the_watch_sees_a_child_with_the_token(tmp_path: Path) -> None:
    shell = 'sleep 2 & TOKEN="$1" sh -c "sleep 1.5" & wait'
    variables: dict[str, Any] = {"PATH": os.environ["PATH"]}
    with subprocess.Popen(["sh", "-c", shell, "sh", canary.FORGE], env=variables) as process:
        watch = canary.Watch(process.pid, [tmp_path])
        with watch:
            process.wait()
    assert any(leak.startswith("environ") for leak in watch.leaks)
    assert any(leak.startswith("cmdline") for leak in watch.leaks)
