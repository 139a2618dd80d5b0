"""A hostile repository, machine and network: nothing of theirs runs, nothing of ours leaks."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.git.commit import Made, make_commit
from pipelinegen.edge.git.deliver import plan_and_push
from pipelinegen.edge.git.history import read_log
from pipelinegen.edge.git.remote import open_tree
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.errors import InputError, PipelinegenError
from tests.support.githttp import GitServer, Redirect, ResetAfter, Status, anything, fetch, push
from tests.support.repos import LINK, ROBOT, SUBMODULE, Files, Odd, World, git, replace, served

CANARY = "c4n4ry/+%\"'$token"
SPELLINGS = [
    CANARY,
    urllib.parse.quote(CANARY, safe=""),
    base64.b64encode(CANARY.encode()).decode(),
    base64.b64encode(f"robot:{CANARY}".encode()).decode(),
    repr(CANARY)[1:-1],
    "c4n4ry",
]


def leaks(data: bytes) -> bool:
    return any(spelling.encode() in data for spelling in SPELLINGS)


def bump(tree: GitTree, current: str | None) -> Made | None:
    return replace(tree, "app.yaml", b"1.0.0", b"1.1.0")


# What others have put into the repository.


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder in which a file would appear if any program of theirs ran, and a program that makes one."""
    folder = tmp_path / "trap"
    folder.mkdir()
    program = folder / "spring"
    program.write_text(f'#!/bin/sh\ntouch {folder}/sprung-by-"$(basename "$1")"\ncat\n')
    program.chmod(0o755)
    return folder


def sprung(trap: Path) -> list[str]:
    return sorted(name for name in os.listdir(trap) if name != "spring")


@pytest.fixture
def evil(tmp_path: Path, trap: Path) -> Iterator[World]:
    (tmp_path / "outside.yaml").write_text("image: ghcr.io/acme/api:1.0.0\n")
    spring = trap / "spring"
    files: Files = {
        "app.yaml": "image: ghcr.io/acme/api:1.0.0\n",
        ".gitattributes": "* filter=evil diff=evil merge=evil text eol=crlf ident working-tree-encoding=UTF-16\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = sub\n\turl = {tmp_path}\n\tupdate = none\n',
        ".gitconfig": f'[filter "evil"]\n\tclean = {spring} clean\n\tsmudge = {spring} smudge\n',
        "hooks/pre-push": Odd("100755", f"#!/bin/sh\n{spring} hook\n".encode()),
        "outside.yaml": Odd(LINK, str(tmp_path / "outside.yaml").encode()),
        "folder": Odd(LINK, str(tmp_path).encode()),
        "sub": Odd(SUBMODULE, b"1" * 40),
        "APP.yaml": "image: ghcr.io/acme/api:1.0.0\n",
        "aux.yaml": "image: ghcr.io/acme/api:1.0.0\n",
        "-c": "image: ghcr.io/acme/api:1.0.0\n",
        "--output=x": "image: ghcr.io/acme/api:1.0.0\n",
        ":(glob)**": "image: ghcr.io/acme/api:1.0.0\n",
    }
    with served(tmp_path, files) as world:
        yield world


def evil_configuration(trap: Path) -> str:
    spring = trap / "spring"
    return f"""
[core]
    fsmonitor = {spring} fsmonitor
    hooksPath = {trap}/hooks
    sshCommand = {spring} ssh
    pager = {spring} pager
    editor = {spring} editor
    askPass = {spring} askpass
    gitProxy = {spring} proxy
[credential]
    helper = !{spring} helper
[filter "evil"]
    clean = {spring} clean
    smudge = {spring} smudge
    required = true
[diff "evil"]
    textconv = {spring} textconv
    command = {spring} diff
[diff]
    external = {spring} external
[gpg]
    program = {spring} gpg
[commit]
    gpgSign = true
[include]
    path = {trap}/more
[url "http://127.0.0.1:1/"]
    insteadOf = http://127.0.0.1
[push]
    followTags = true
    recurseSubmodules = on-demand
[alias]
    push = !{spring} alias
"""


def test_nothing_of_a_hostile_repository_or_home_runs(
    evil: World, trap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".gitconfig").write_text(evil_configuration(trap))
    (home / ".config" / "git" / "config").write_text(evil_configuration(trap))
    (home / ".config" / "git" / "attributes").write_text("* filter=evil diff=evil\n")
    spring = str(trap / "spring")
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": f"{spring} environment",
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor'='{spring} parameters'",
        "GIT_DIR": str(evil.upstream.folder),
        "GIT_WORK_TREE": str(tmp_path),
        "GIT_INDEX_FILE": str(trap / "sprung-index"),
        "GIT_SSH_COMMAND": f"{spring} ssh",
        "GIT_ASKPASS": spring,
        "SSH_ASKPASS": spring,
        "GIT_EXTERNAL_DIFF": f"{spring} external",
        "GIT_PAGER": f"{spring} pager",
        "GIT_EXEC_PATH": str(trap),
        "GIT_TEMPLATE_DIR": str(trap),
        "GIT_TRACE": str(trap / "sprung-trace"),
        "GIT_TRACE2_EVENT": str(trap / "sprung-trace2"),
        "GIT_TRACE_CURL": str(trap / "sprung-curl"),
        "GIT_TRACE_REDACT": "0",
        "GIT_PROXY_COMMAND": spring,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(trap),
        "PAGER": spring,
        "EDITOR": spring,
    }.items():
        monkeypatch.setenv(name, value)
    git(evil.upstream.folder, "config", "receive.advertisePushOptions", "true")
    with evil.remote() as remote:
        tree = open_tree(remote)
        assert tree.search([[b"acme/api"]])[0] == sorted(
            ["app.yaml", "APP.yaml", "aux.yaml", "-c", "--output=x", ":(glob)**"]
        )
        assert tree.oddities() == {"outside.yaml": "a symbolic link", "folder": "a symbolic link", "sub": "a submodule"}
        done = plan_and_push(remote, bump)
        read_log(remote, "main", 5)
    assert sprung(trap) == []
    assert done.commit is not None
    assert evil.upstream.changed(done.commit) == ["100644 100644 M app.yaml"]
    assert (tmp_path / "outside.yaml").read_text() == "image: ghcr.io/acme/api:1.0.0\n"


def test_the_traps_do_spring_for_a_plain_git(
    evil: World, trap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the test above could not fail."""
    config = tmp_path / "gitconfig"
    config.write_text("\n".join(line for line in evil_configuration(trap).splitlines() if "insteadOf" not in line))
    clone = ["git", "clone", "--quiet", str(evil.upstream.folder), str(tmp_path / "clone")]
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": str(config)}
    subprocess.run(clone, env=environment, capture_output=True, check=False)
    assert sprung(trap) != []


@pytest.mark.parametrize("name", [".git/config", "a/.GIT/x", "../up.yaml", "a/.git "], ids=ascii)
def test_a_tree_with_names_that_attack_a_checkout_is_refused(tmp_path: Path, name: str) -> None:
    with served(tmp_path) as world:
        blob = git(world.upstream.folder, "hash-object", "-w", "--stdin", stdin=b"x").decode().strip()
        tree = blob
        kind = "100644 blob"
        for part in reversed(name.split("/")):
            line = f"{kind} {tree}\t{part}\n".encode()
            tree = git(world.upstream.folder, "mktree", stdin=line).decode().strip()
            kind = "040000 tree"
        commit = git(world.upstream.folder, "commit-tree", "-m", "evil", tree).decode().strip()
        world.upstream.move("main", commit)
        with world.remote() as remote, pytest.raises(InputError) as told:
            open_tree(remote)
        assert told.value.id == "file-refused"


def test_a_hook_of_the_server_may_say_what_it_likes(tmp_path: Path) -> None:
    shout = r"printf '\033[2J\033]0;owned\007fake: all is well\r\n::set-output name=x::y\n' >&2; exit 1"
    with served(tmp_path) as world:
        world.upstream.hook("pre-receive", shout)
        with world.remote() as remote, pytest.raises(PipelinegenError) as told:
            plan_and_push(remote, bump)
    assert all(line.isprintable() for line in told.value.lines())


# The token.


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with served(tmp_path, users={"robot": CANARY}) as world:
        yield world


class Watch:
    """Looks at the arguments and environments of all processes, and at a folder, for as long as it is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: set[str] = set()
        self.found: set[str] = set()
        self.files = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.002):
            self.look()

    def look(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    data = (process / name).read_bytes()
                    self.seen.add(os.path.basename(data.partition(b"\0")[0].decode("utf-8", "replace")))
                    if leaks(data):
                        self.found.add(f"{name} {data[:200]!r}")
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(OSError):
                    self.files += 1
                    if leaks(Path(folder, name).read_bytes()):
                        self.found.add(os.path.join(folder, name))


def recording_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git on PATH that notes its arguments and environment and then is git."""
    folder.mkdir()
    log = folder / "log"
    real = shutil.which("git")
    program = folder / "git"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {log}\nenv >> {log}\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="/proc is what this test looks at")
def test_the_token_is_in_no_argument_environment_or_file(
    guarded: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = recording_git(tmp_path / "bin", monkeypatch)
    with Watch(tmp_path / "temporary") as watch:
        for request in (fetch, push):
            guarded.server.before(request, watch.look)
        with guarded.remote() as remote:
            assert plan_and_push(remote, bump, known_paths=["app.yaml"]).result == "pushed"
            read_log(remote, "main", 2)
            watch.look()
    assert watch.found == set()
    assert "git-remote-http" in watch.seen | {name.rsplit("/", 1)[-1] for name in watch.seen}
    assert watch.files > 0
    assert "push" in log.read_text()
    assert not leaks(log.read_bytes())
    assert list((tmp_path / "temporary").iterdir()) == []
    # And yet it was used, for every one of the guarded requests.
    assert len(guarded.server.authorizations()) >= 4
    assert not any(leaks(path.read_bytes()) for path in guarded.upstream.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("moment", [anything, fetch, push], ids=["at once", "fetching", "pushing"])
@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_never_carries_the_token_away(guarded: World, moment: object, code: int) -> None:
    with GitServer(guarded.server.root, users={"robot": "another"}) as elsewhere:
        guarded.server.fail(moment, Redirect(elsewhere.origin, code), times=None)  # type: ignore[arg-type]
        with guarded.remote(seconds=3) as remote, pytest.raises(PipelinegenError) as told:
            plan_and_push(remote, bump)
        assert (told.value.exit_code, told.value.id) == (3, "redirected")
        assert elsewhere.authorizations() == []
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "fault", [Status(500, CANARY.encode()), Status(403, CANARY.encode()), Status(401, CANARY.encode())], ids=repr
)
def test_a_server_that_repeats_the_token_is_not_repeated(guarded: World, fault: Status) -> None:
    guarded.server.fail(anything, fault, times=None)
    with guarded.remote(seconds=3) as remote, pytest.raises(PipelinegenError) as told:
        plan_and_push(remote, bump)
    assert not leaks("\n".join(told.value.lines()).encode() + repr(told.value.data()).encode())
    assert not leaks("\n".join(guarded.told).encode())


def test_a_hook_that_repeats_the_token_is_not_repeated(guarded: World) -> None:
    quoted = base64.b64encode(f"robot:{CANARY}".encode()).decode()
    guarded.upstream.hook("pre-receive", f"cat <<'EOF' >&2\n{CANARY}\n{quoted}\nEOF\nexit 1")
    with guarded.remote() as remote, pytest.raises(PipelinegenError) as told:
        plan_and_push(remote, bump)
    assert any("***" in line for line in told.value.lines())
    assert not leaks("\n".join(told.value.lines()).encode())


def test_a_killed_run_leaves_no_secret_behind(guarded: World, tmp_path: Path) -> None:
    running: list[subprocess.Popen[bytes]] = []
    guarded.server.before(push, lambda: running[0].kill())  # noqa: PLW0108 - it is not there yet
    guarded.server.fail(push, ResetAfter())
    url = guarded.server.url("manifests.git")
    argv = [sys.executable, "-m", "tests.support.pusher", url, "app.yaml", "image", "ghcr.io/acme/api:2"]
    environment = {**os.environ, "PIPELINEGEN_TOKEN": CANARY}
    running.append(subprocess.Popen(argv, cwd=Path(__file__).parents[2], env=environment, stdout=subprocess.DEVNULL))
    assert running[0].wait(60) == -9
    left = [path for path in (tmp_path / "temporary").rglob("*") if path.is_file()]
    assert left
    assert not any(leaks(path.read_bytes()) for path in left)


def test_a_wide_open_umask_changes_nothing(guarded: World, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with guarded.remote() as remote:
            (folder,) = (tmp_path / "temporary").iterdir()
            assert folder.stat().st_mode & 0o077 == 0
            assert (folder / "askpass").stat().st_mode & 0o077 == 0
            assert plan_and_push(remote, bump).result == "pushed"
    finally:
        os.umask(before)


@pytest.mark.parametrize("locale", ["tr_TR.UTF-8", "de_DE.UTF-8", "C", "nonsense"])
def test_the_language_of_the_machine_changes_nothing(
    guarded: World, monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    for name in ("LANG", "LC_ALL", "LANGUAGE", "LC_MESSAGES"):
        monkeypatch.setenv(name, locale)
    guarded.upstream.hook("pre-receive", "exit 1")
    with guarded.remote() as remote, pytest.raises(PipelinegenError) as told:
        plan_and_push(remote, bump)
    assert told.value.id == "protected"


def test_without_a_home_all_is_the_same(guarded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USER", "LOGNAME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    with guarded.remote() as remote:
        assert plan_and_push(remote, bump).result == "pushed"


def test_no_git_on_path_is_told(guarded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with guarded.remote() as remote, pytest.raises(PipelinegenError) as told:
        open_tree(remote)
    assert told.value.id == "git-missing"


def test_a_temporary_folder_that_cannot_be_made_is_told(guarded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/proc/nowhere")
    with pytest.raises(PipelinegenError) as told, guarded.remote():
        pass
    assert (told.value.id, "TMPDIR" in (told.value.next or "")) == ("disk", True)


def test_a_message_may_hold_what_would_be_commands(guarded: World) -> None:
    text = "data 3\nM 100644 inline x\ndata <<END\n\nfrom 0\ndone\nget-mark :1\n"
    with guarded.remote() as remote:
        made = make_commit(open_tree(remote), {"app.yaml": b"done\nM\n" + text.encode()}, text, ROBOT)
        assert remote.objects.contents(made.commit).endswith(b"\n\n" + text.encode())
