"""The program that answers git: one host's question, word for word, and only through the pipe."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipelinegen.edge.git.address import parse_address
from pipelinegen.edge.git.askpass import ANSWERS, DESCRIPTOR, Credentials, offered, write_askpass
from pipelinegen.edge.process import Completed, capture
from pipelinegen.errors import InputError
from pipelinegen.redact import Secret

SECRET = "s3cr3t \\n/+%\"'$x`id`"


def credentials(username: str = "x-access-token") -> Credentials:
    return Credentials(username, Secret("PIPELINEGEN_TOKEN", SECRET))


def ask(program: str, question: str, who: Credentials | None) -> Completed:
    with offered(who) as descriptors:
        return capture([program, question], env={"PATH": "/usr/bin:/bin"}, descriptors=descriptors)


@pytest.fixture
def program(tmp_path: Path) -> str:
    return write_askpass(str(tmp_path), parse_address("https://git.example:8443/a/b"), credentials())


def test_it_answers_the_two_questions_of_its_host(program: str) -> None:
    who = credentials()
    assert ask(program, "Username for 'https://git.example:8443': ", who).stdout == b"x-access-token\n"
    answer = ask(program, "Password for 'https://x-access-token@git.example:8443': ", who)
    assert answer.stdout == SECRET.encode() + b"\n"


@pytest.mark.parametrize(
    "question",
    [
        "Password for 'https://x-access-token@evil.example': ",
        "Password for 'https://x-access-token@git.example': ",
        "Password for 'http://x-access-token@git.example:8443': ",
        "Password for 'https://x-access-token@git.example:8443.evil.example': ",
        "Password for 'https://evil.example/@git.example:8443': ",
        "Password for 'https://other@git.example:8443': ",
        "Password for 'https://git.example:8443': ",
        "Username for 'https://evil.example': ",
        "Enter passphrase for key '/home/me/.ssh/id_ed25519': ",
        "",
    ],
)
def test_it_answers_nothing_else(program: str, question: str) -> None:
    answer = ask(program, question, credentials())
    assert (answer.returncode, answer.stdout) == (1, b"")


def test_it_can_be_asked_several_times_within_one_command(program: str) -> None:
    question = "Password for 'https://x-access-token@git.example:8443': "
    script = f'for i in $(seq {ANSWERS + 1}); do "$0" "$1"; done'
    with offered(credentials()) as descriptors:
        done = capture(["sh", "-c", script, program, question], descriptors=descriptors)
    assert done.stdout == (SECRET.encode() + b"\n") * ANSWERS
    assert done.returncode == 1


def test_a_token_longer_than_a_pipe_takes_at_once_is_whole_or_absent(tmp_path: Path) -> None:
    long = Secret("PIPELINEGEN_TOKEN", "abcdefgh" * 2000)
    who = Credentials("u", long)
    program = write_askpass(str(tmp_path), parse_address("https://h/a"), who)
    assert ask(program, "Password for 'https://u@h': ", who).stdout.decode() == long.value + "\n"


def test_there_is_no_secret_in_the_file_and_nobody_else_may_read_it(program: str) -> None:
    assert SECRET not in Path(program).read_text()
    assert Path(program).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("username", ["a b", "it's", "$(id)", "me@example.com", "a/b", "%41"])
def test_any_printable_user_name_is_asked_for_raw_and_encoded(tmp_path: Path, username: str) -> None:
    who = credentials(username)
    program = write_askpass(str(tmp_path), parse_address("https://h/a"), who)
    assert ask(program, "Username for 'https://h': ", who).stdout.decode() == username + "\n"
    encoded = "".join(c if c.isalnum() or c in "-._~" else f"%{ord(c):02X}" for c in username)
    for name in (username, encoded):
        assert ask(program, f"Password for 'https://{name}@h': ", who).stdout.decode() == SECRET + "\n"


@pytest.mark.parametrize("username", ["", "a\nb", "ü", "a\x1bb"])
def test_an_unprintable_user_name_is_refused(tmp_path: Path, username: str) -> None:
    with pytest.raises(InputError, match="user name"):
        write_askpass(str(tmp_path), parse_address("https://h/a"), credentials(username))


def test_the_script_is_sound_for_the_shell(program: str) -> None:
    assert subprocess.run(["sh", "-n", program], check=False).returncode == 0


def test_the_descriptor_has_one_digit_because_dash_reads_no_more() -> None:
    assert 2 < DESCRIPTOR < 10
