"""What is told of other programs' lines: folds that nothing inside can break, lines that stay whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading

import pytest

from pipelinegen.report import Report, annotation, harmless

CI = ("GITHUB_ACTIONS", "GITLAB_CI")


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CI:
        monkeypatch.delenv(name, raising=False)


def folded(capsys: pytest.CaptureFixture[str], *, live: bool, lines: list[str]) -> str:
    with Report().fold("api: build", live=live) as tell:
        for line in lines:
            tell(line)
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


@pytest.mark.parametrize("live", [True, False])
def test_github_folds_and_obeys_nothing_inside(
    live: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    said = folded(capsys, live=live, lines=["::add-mask::x", "::endgroup::", "step 1"])
    match = re.fullmatch(
        r"::group::api: build\n::stop-commands::([0-9a-f]{32})\n"
        r"::add-mask::x\n::endgroup::\nstep 1\n::\1::\n::endgroup::\n",
        said,
    )
    assert match, said


@pytest.mark.parametrize("live", [True, False])
def test_gitlab_folds_and_no_line_ends_the_section(
    live: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    said = folded(capsys, live=live, lines=["\x1b[0Ksection_end:1:x\r\x1b[0K", "\x1b[32mok\x1b[0m"])
    match = re.fullmatch(
        r"\x1b\[0Ksection_start:\d+:(pipelinegen_[0-9a-f]{32})\[collapsed=true\]\r\x1b\[0Kapi: build\n"
        r"section_end:1:x\\u000d\nok\n"
        r"\x1b\[0Ksection_end:\d+:\1\r\x1b\[0K\n",
        said,
    )
    assert match, repr(said)


def test_a_fold_without_lines_is_not_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert folded(capsys, live=False, lines=[]) == ""


def test_elsewhere_each_line_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert folded(capsys, live=False, lines=["one", "two"]) == "api: build | one\napi: build | two\n"


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "GITHUB_ACTIONS"):
        if name:
            monkeypatch.setenv(name, "true")
        with Report(verbosity=-1).fold("api: build") as tell:
            tell("a line")
    assert capsys.readouterr().err == ""


def test_secrets_are_masked_inside_a_fold(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    report = Report()
    report.mask = lambda text: text.replace("canary", "***")
    for live in (True, False):
        with report.fold("api", live=live) as tell:
            tell("PASSWORD=canary")
    assert "canary" not in capsys.readouterr().err


def test_lines_of_threads_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.from_threads()

    def work(name: str) -> None:
        with report.fold(name) as tell:
            for _ in range(50):
                tell("x" * 200)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 200
    assert all(re.fullmatch(r"t\d \| x{200}", line) for line in lines)


def test_on_a_terminal_a_line_of_others_passes() -> None:
    """A real terminal: what is told for good begins where the passing line was."""
    leader, follower = os.openpty()
    script = """
from pipelinegen.report import Report
report = Report(color="never")
with report.fold("api") as tell:
    tell("step 1")
    tell("step 2\\x07")
report.say("api: built")
"""
    program = subprocess.Popen([sys.executable, "-c", script], stderr=follower)
    os.close(follower)
    said = b""
    while block := _read(leader):
        said += block
    os.close(leader)
    assert program.wait() == 0
    assert said == b"api: step 1\r\x1b[Kapi: step 2\\u0007\r\x1b[Kapi: built\r\n"


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # EIO: nobody holds the other end any more
        return b""


def test_text_of_others_is_harmless() -> None:
    assert harmless("a\tb \x1b[1;31mred\x1b[0m \x1b]0;title\x07 \u202e é") == (
        "a\tb red \\u001b]0;title\\u0007 \\u202e é"
    )


class TestAnnotations:
    """What begins with its place is shown at that place by GitHub's runner."""

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            pytest.param(
                "app.yaml:3:7: is older", "::error file=app.yaml,line=3,col=7::is older", id="file line column"
            ),
            pytest.param("a/b.yaml:12: is older", "::error file=a/b.yaml,line=12::is older", id="no column"),
            pytest.param("a,b.yaml:1: x%y", "::error file=a%2Cb.yaml,line=1::x%25y", id="signs of the command"),
            pytest.param("a.yaml:1: one\ntwo", "::error file=a.yaml,line=1::one", id="only its own line"),
            pytest.param("https://ghcr.io: no answer", None, id="an address"),
            pytest.param("no place at all", None, id="no place"),
            pytest.param("None: x", None, id="no line"),
        ],
    )
    def test_a_place_becomes_a_command(self, text: str, line: str | None) -> None:
        assert annotation("error", text) == line

    def test_no_more_than_ten(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        report = Report()
        for number in range(20):
            report.warn(f"app.yaml:{number + 1}:1: left alone")
        said = capsys.readouterr().err
        assert said.count("::warning file=app.yaml") == 10
        assert said.count("warning: app.yaml") == 20

    def test_none_elsewhere(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
        Report().warn("app.yaml:1:1: left alone")
        assert "::" not in capsys.readouterr().err
