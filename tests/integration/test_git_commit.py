"""Commits made without a work tree: exactly the planned bytes, the same every time, signed where asked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.git.commit import Made, Person, make_commit, with_trailers
from pipelinegen.edge.git.push import Landed, push
from pipelinegen.edge.git.remote import RemoteRepository, open_tree
from pipelinegen.edge.git.signing import read_identity, read_signing
from pipelinegen.errors import Defect, InputError
from tests.support.repos import EXECUTABLE, HUMAN, LINK, ROBOT, Files, Odd, World, git, served

FILES: Files = {
    "a/plain.yaml": "x: 1\r\n",
    "a/run.sh": Odd(EXECUTABLE, b"echo 1\n"),
    "a/beside.yaml": "y: 1\n",
    "link": Odd(LINK, b"a/plain.yaml"),
    'odd "name"\\\n.yaml': "z: 1\n",
    "ünïcode/\udcff.yaml": "z: 1\n",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with served(tmp_path, FILES) as world:
        yield world


def land(world: World, remote: RemoteRepository, made: Made) -> str:
    assert push(remote, "main", made.commit, made.parent) == Landed(made.commit)
    assert world.upstream.head() == made.commit
    return made.commit


@pytest.mark.parametrize("known", [False, True], ids=["whole", "known paths"])
def test_only_the_planned_bytes_change_and_modes_stay(world: World, known: bool) -> None:
    contents = {"a/plain.yaml": b"x: \xff2\r\n", "a/run.sh": b"", 'odd "name"\\\n.yaml': b"z: 2"}
    with world.remote() as remote:
        made = make_commit(open_tree(remote, contents if known else None), contents, "change", ROBOT)
        commit = land(world, remote, made)
    for path, data in contents.items():
        assert world.upstream.file(path) == data
    assert world.upstream.changed(commit) == [
        "100644 100644 M a/plain.yaml",
        "100755 100755 M a/run.sh",
        '100644 100644 M "odd \\"name\\"\\\\\\n.yaml"',
    ]


def test_bytes_that_are_no_text_are_fine_in_names(world: World) -> None:
    with world.remote() as remote:
        land(world, remote, make_commit(open_tree(remote), {"ünïcode/\udcff.yaml": b"z: 2\n"}, "change", ROBOT))
    assert world.upstream.file("ünïcode/\udcff.yaml") == b"z: 2\n"


def test_a_new_file_is_a_plain_one(world: World) -> None:
    with world.remote() as remote:
        commit = land(world, remote, make_commit(open_tree(remote), {"b/c/new.yaml": b"n: 1\n"}, "new", ROBOT))
    assert world.upstream.changed(commit) == ["000000 100644 A b/c/new.yaml"]


def test_the_same_input_makes_the_same_commit(world: World) -> None:
    def make(**changes: object) -> Made:
        given: dict[str, object] = {"message": "m", "author": ROBOT, "date": 1700000000, **changes}
        with world.remote() as remote:
            return make_commit(open_tree(remote), {"a/plain.yaml": b"2"}, **given)  # type: ignore[arg-type]

    first = make()
    assert make() == first
    for changes in ({"message": "other"}, {"author": HUMAN}, {"committer": HUMAN}, {"date": 1700000001}):
        other = make(**changes)
        assert (other.commit != first.commit, other.tree) == (True, first.tree)


def test_author_committer_date_and_message_are_written(world: World) -> None:
    message = with_trailers("Bump äpi\n\nwhy\n", [("Pipelinegen-Image", "ghcr.io/acme/api:2"), ("X", "y z")])
    with world.remote() as remote:
        made = make_commit(open_tree(remote), {"a/plain.yaml": b"2"}, message, HUMAN, committer=ROBOT, date=1700000000)
        commit = land(world, remote, made)
    shown = git(world.upstream.folder, "log", "-1", "--format=%an <%ae>%n%cn <%ce>%n%ad%n%cd%n%B", "--date=raw", commit)
    assert shown.decode().rstrip() == "\n".join(
        [
            "Hanna Human <hanna@example.com>",
            "pipelinegen <pipelinegen@example.com>",
            "1700000000 +0000",
            "1700000000 +0000",
            "Bump äpi\n\nwhy\n\nPipelinegen-Image: ghcr.io/acme/api:2\nX: y z",
        ]
    )
    trailers = git(world.upstream.folder, "log", "-1", "--format=%(trailers:only)", commit).decode().split("\n")
    assert trailers[:2] == ["Pipelinegen-Image: ghcr.io/acme/api:2", "X: y z"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("", "x"), ("a b", "x"), ("a:", "x"), ("a", ""), ("a", "x\ny"), ("a", "x\ry"), ("a", "\x1b"), ("ä", "x")],
)
def test_a_trailer_is_one_plain_line(name: str, value: str) -> None:
    with pytest.raises(Defect):
        with_trailers("text", [(name, value)])


@pytest.mark.parametrize(
    "person", [Person("a <b>", "c@d"), Person("a\nb", "c@d"), Person("a", ""), Person("a", "c@d>")]
)
def test_a_person_that_git_cannot_write_is_refused(world: World, person: Person) -> None:
    with world.remote() as remote, pytest.raises(InputError, match="name or address"):
        make_commit(open_tree(remote), {"a/plain.yaml": b"2"}, "m", person)


@pytest.mark.parametrize(
    "contents",
    [
        {"a/plain.yaml": b"x: 1\r\n"},
        {"a/plain.yaml": b"2", "a/beside.yaml": b"y: 1\n"},
        {"link": b"2"},
        {"a": b"2"},
        {},
    ],
    ids=["nothing changes", "one of two changes", "a link", "a folder", "no file"],
)
def test_a_commit_that_is_not_the_plan_is_never_made(world: World, contents: dict[str, bytes]) -> None:
    with world.remote() as remote, pytest.raises(Defect):
        make_commit(open_tree(remote), contents, "m", ROBOT)
    assert world.upstream.subjects() == ["first"]


# Signing, with real keys and the real programs.


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who signs; its git configuration is the only one."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "GNUPGHOME", "SSH_AUTH_SOCK", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    return home


def configure(home: Path, **settings: str) -> None:
    for name, value in {"user.name": "Signe", "user.email": "signe@example.com", **settings}.items():
        git(home, "config", "--file", str(home / ".gitconfig"), name.replace("__", "."), value)


def signed(world: World) -> tuple[str, str]:
    who = read_identity()
    assert who == ("Signe", "signe@example.com")
    with world.remote() as remote:
        made = make_commit(
            open_tree(remote), {"a/plain.yaml": b"2"}, "signed\n", Person(*who), date=1700000000, signing=read_signing()
        )
        unsigned = make_commit(open_tree(remote), {"a/plain.yaml": b"2"}, "signed\n", Person(*who), date=1700000000)
        assert made.tree == unsigned.tree
        return land(world, remote, made), unsigned.commit


def test_a_commit_is_signed_with_the_ssh_key_that_git_is_configured_for(world: World, home: Path) -> None:
    key = home / ".ssh" / "id"
    key.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "signe", "-f", str(key)], check=True)
    configure(home, gpg__format="ssh", user__signingkey="~/.ssh/id.pub")
    commit, unsigned = signed(world)
    assert commit != unsigned
    allowed = home / "allowed"
    allowed.write_text(f"signe@example.com {(home / '.ssh/id.pub').read_text()}")
    check = [f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", commit]
    git(world.upstream.folder, "-c", *check)
    allowed.write_text("")
    with pytest.raises(RuntimeError):
        git(world.upstream.folder, "-c", *check)


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_a_commit_is_signed_with_the_gpg_key_of_the_user(
    world: World,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The agent's socket has a path of at most 108 bytes.
    keyring = Path(subprocess.check_output(["mktemp", "-d", "/tmp/gXXXXXX"], text=True).strip())
    monkeypatch.setenv("GNUPGHOME", str(keyring))
    try:
        generate = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "Signe <signe@example.com>"]
        subprocess.run([*generate, "ed25519", "sign"], check=True, capture_output=True)
        configure(home)
        commit, _ = signed(world)
        shown = subprocess.run(
            [
                "git",
                "-C",
                str(world.upstream.folder),
                "-c",
                "safe.directory=*",
                "log",
                "-1",
                "--format=%G? %GS",
                commit,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        assert shown.stdout.strip() == "G Signe <signe@example.com>"
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False)
        shutil.rmtree(keyring)


def test_a_key_that_does_not_work_is_told_with_the_words_of_the_program(world: World, home: Path) -> None:
    configure(home, gpg__format="ssh", user__signingkey=str(home / "no-such-key"))
    with world.remote() as remote, pytest.raises(InputError, match="could not sign") as told:
        make_commit(open_tree(remote), {"a/plain.yaml": b"2"}, "m", ROBOT, signing=read_signing())
    assert any("no-such-key" in line for line in told.value.details)


def test_signing_with_ssh_needs_a_key(home: Path) -> None:
    configure(home, gpg__format="ssh")
    with pytest.raises(InputError, match="no key is configured"):
        read_signing()


def test_only_what_signing_needs_is_taken_from_the_users_configuration(home: Path) -> None:
    configure(
        home,
        user__signingkey="ABC",
        gpg__program="/opt/gpg",
        core__hooksPath="/evil",
        core__sshCommand="evil",
        alias__commitxtree="!evil",
        gpg__ssh__program="/opt/ssh",
    )
    settings = set(read_signing().settings)
    assert settings == {"user.signingkey=ABC", "gpg.program=/opt/gpg", "gpg.ssh.program=/opt/ssh"}


def test_a_repository_nearby_has_no_say_in_how_we_sign(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "checkout"
    trap.mkdir()
    git(trap, "init", "--quiet")
    git(trap, "config", "gpg.program", "/evil")
    monkeypatch.chdir(trap)
    configure(home, user__signingkey="ABC")
    assert read_signing().settings == ("user.signingkey=ABC",)
