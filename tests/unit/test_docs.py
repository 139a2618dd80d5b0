"""The documents: command lines do what is shown, tables are those of the code, links lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest

from docs import consoles, reference
from pipelinegen import errors
from pipelinegen.cli import cli

ROOT = consoles.ROOT
AGAIN = "if the new output is right, `make docs` writes it"
COMMANDS = (
    "init",
    "build",
    "bump",
    "promote",
    "rollback",
    "observe",
    "generate",
    "compare",
    "doctor",
    "schema",
    "demo",
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


WITH_CONSOLES = [name for name in consoles.documents() if consoles.lines_of(read(name))]


@pytest.mark.parametrize("name", WITH_CONSOLES)
def test_command_lines_write_what_the_document_shows(name: str) -> None:
    text = read(name)
    assert consoles.run_again(text) == text, AGAIN


def test_the_readme_shows_the_two_commands_and_the_example() -> None:
    commands = [line.command for line in consoles.lines_of(read("README.md"))]
    assert commands[:2] == ["make demo", "make test"]
    example = commands[2]
    assert example.startswith("pipelinegen bump ")
    assert "--dry-run" in example
    assert commands.index("echo $?") > 3


def test_a_console_runs_in_one_terminal() -> None:
    shown = "```console\n$ cd ../manifests\n$ cat legacy/none\n$ echo $?\n$ git ls-files legacy\n```\n"
    assert [line.command for line in consoles.lines_of(shown)][0::3] == ["cd ../manifests", "git ls-files legacy"]
    again = consoles.run_again(shown)
    assert "No such file" in again
    assert "$ echo $?\n1\n$ git ls-files legacy\nlegacy/batch.yaml\n```\n" in again


def test_a_console_that_lies_is_seen() -> None:
    assert consoles.run_again("```console\n$ echo true\nfalse\n```\n") == "```console\n$ echo true\ntrue\n```\n"
    assert "No rule to make target" in consoles.run_again("```console\n$ make no-such-target\n```\n")
    network = "```console network\n$ exit 1\nnever run\n```\n"
    assert consoles.run_again(network) == network


@pytest.mark.parametrize("name", consoles.documents())
def test_every_shown_command_is_in_a_console(name: str) -> None:
    """A fence of another kind with a prompt in it would escape the tests."""
    for fence in re.finditer(r"(?ms)^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", read(name)):
        if fence["kind"] not in {"console", "console network"}:
            assert not re.search(r"(?m)^\$ ", fence["body"]), fence[0]


def test_the_reference_is_that_of_the_code() -> None:
    assert read("docs/reference.md") == reference.text(), AGAIN


def test_every_error_id_has_a_meaning() -> None:
    raised = {name for name, codes in reference.ids_in_code().items() if codes != {errors.Defect.exit_code}}
    told = {name for meanings in reference.MEANINGS.values() for name in meanings}
    assert raised - told == set(), "docs/reference.py: say in MEANINGS what these mean"
    assert told - raised == set(), "docs/reference.py: nothing raises these any more"


def test_an_error_id_has_one_exit_code() -> None:
    told = {name: code for code, meanings in reference.MEANINGS.items() for name in meanings}
    wrong = {
        name: codes
        for name, codes in reference.ids_in_code().items()
        if codes - {told.get(name, errors.Defect.exit_code)}
    }
    assert not wrong


def test_the_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    told = {int(code) for code in re.findall(r"(?m)^\| (\d+) \|", read("README.md"))}
    kinds = (errors.Refused, errors.InputError, errors.WorldError, errors.NotPermitted, errors.Defect)
    assert told == {0, *(kind.exit_code for kind in kinds)}


def test_the_status_says_which_commands_are_there() -> None:
    status = read("README.md").partition("## Status")[2]
    rows = re.findall(r"(?m)^\| (`.*?) \| (.*?) \|$", status)
    there = {name for cell, state in rows for name in re.findall(r"`(\w+)`", cell) if state.startswith("today")}
    planned = {name for cell, state in rows for name in re.findall(r"`(\w+)`", cell) if state.startswith("planned")}
    assert there == set(cli.commands)
    assert planned - there == set(COMMANDS) - set(cli.commands)


# Where a command line ends: a pipe, a redirection, another command, a comment.
SHELL = re.compile(r"\s(?:[|;>&]|\d?>|#)")
MENTIONED = re.compile(r"(?m)(?:`|^(?:    |\$ )?)(pipelinegen [a-z][^`\n]*)")


def mentions(text: str) -> list[str]:
    """The command lines of the program, wherever they stand: in a fence, indented, or in a sentence."""
    return [SHELL.split(found[1])[0].strip() for found in MENTIONED.finditer(text)]


@pytest.mark.parametrize("name", [name for name in consoles.documents() if name != "docs/reference.md"])
def test_every_command_line_that_is_mentioned_is_understood(name: str) -> None:
    """Those in a console are run; those in a sentence or another fence must at least be accepted as they stand."""
    for line in mentions(read(name)):
        command, *words = shlex.split(line)[1:]
        assert command in cli.commands, f"{name}: {line}"
        if not words:
            continue  # the command by its name
        try:
            cli.commands[command].make_context(command, [word for word in words if word != "…"])
        except click.exceptions.Exit:
            continue  # --help
        except click.ClickException as error:
            pytest.fail(f"{name}: {line}: {error.format_message()}")


def test_a_command_line_with_an_option_that_is_gone_is_seen() -> None:
    assert mentions("Run `pipelinegen bump a:1 --gone` now.\n    pipelinegen demo > x\n") == [
        "pipelinegen bump a:1 --gone",
        "pipelinegen demo",
    ]
    with pytest.raises(click.NoSuchOption):
        cli.commands["bump"].make_context("bump", ["a:1", "--gone"])


@pytest.mark.parametrize("name", consoles.documents())
def test_modules_and_targets_that_are_named_are_there(name: str) -> None:
    for module in re.findall(r"python -m ((?:bench|docs|tests)\.[\w.]+)", read(name)):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), f"{name}: {module}"
    for path in re.findall(r"`(\.ci/[\w-]+|bench/\w+\.py|tests/[\w/]+\.py)`", read(name)):
        assert (ROOT / path).is_file(), f"{name}: {path}"
    for target in re.findall(r"`make ([a-z]+)`", read(name)):
        assert re.search(rf"(?m)^{target}:", read("Makefile")), f"{name}: make {target}"


@pytest.mark.parametrize("name", consoles.documents())
def test_links_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"(?ms)^```.*?^```$", "", read(name))):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = folder / path if path else ROOT / name
        assert file.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{name} links to {target}"


def anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of the headings, and those that are written."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    made = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


def test_every_document_is_on_the_map() -> None:
    index = read("docs/index.md")
    missing = [name for name in consoles.documents() if not re.search(rf"\]\((?:\.\./)?{Path(name).name}\)", index)]
    assert missing == ["docs/index.md"]


def test_the_changelog_has_a_place_for_what_comes() -> None:
    assert re.search(r"(?m)^## \[Unreleased\]$", read("CHANGELOG.md"))
