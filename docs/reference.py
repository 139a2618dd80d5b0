"""The text of docs/reference.md: options from their table, exit codes and error ids from the code that raises them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from pipelinegen import errors, options
from pipelinegen.cli import cli
from pipelinegen.options import Option

_PACKAGE = Path(errors.__file__).parent

_EXITS = (
    (0, "done, or nothing to do (`result` in the JSON says which)"),
    (1, "the answer is no: a rule forbids it, or there are changes and `--exit-code` was given"),
    (2, "your input: options, configuration, an invalid reference, an image that occurs nowhere"),
    (3, "the world: network, forge, registry, git, disk, a lost race. The same command again finishes what was begun"),
    (4, "not authenticated or not permitted; the message names the right that is missing"),
    (70, "a defect of ours; the message names the file to report"),
    (130, "interrupted (SIGINT; 143 for SIGTERM); nothing half-done is left"),
)

# What each error id means, by exit code. A test holds this table to the code: nothing missing, nothing left over.
MEANINGS: Mapping[int, Mapping[str, str]] = {
    1: {
        "agent-failed": "`observe`: the agent reported a failure; its words are told.",
        "base-failed": "`build`: an image was not built, since one that it is built from could not be made.",
        "build-failed": "`build`: a step of the Dockerfile failed; its last words are told.",
        "config-exists": "`init`: there is a configuration already; it is never overwritten.",
        "changes-pending": "`generate --check`: a file is not as pipelinegen.yaml says.",
        "closed-unmerged": "`observe`: the pull request was closed without a merge.",
        "downgrade-refused": "A newer version is deployed than the one that was asked for.",
        "edited-file": "`generate`: a file was edited outside of its blocks, and would lose that.",
        "hook-failed": "`build`: a command around the push failed.",
        "human-commits-on-branch": "The branch of the pull request holds commits of someone else.",
        "merge-conflict": "`generate --merge`: edits and what is generated now change the same lines.",
        "no-earlier-version": "`rollback`: nothing else stood there in the history that was searched.",
        "not-git": "`--deliver commit` in a folder that is not in git.",
        "replaced": "`observe`: a later commit replaced the change before the agent reported it.",
        "tag-holds-other-content": "A fixed tag holds another image than the one that was built, or was given with it.",
        "tests-failed": "`build`: a test of an image failed; nothing of the image was pushed.",
        "timed-out": "`observe`: not merged, or not reported as healthy, in time.",
        "too-many-files": "More files would change than `--max-files` allows.",
        "uncommitted-changes": "`--deliver commit`, and a file to change holds changes that are not committed.",
        "versions-differ": "One environment holds several versions of an image, so it is not clear which one is meant.",
    },
    2: {
        "bad-branch": "There is no such branch, or no branch of that name can be made.",
        "bad-config": "pipelinegen.yaml is wrong; each problem is told with file, line and column.",
        "bad-dockerfile": "`build`: a Dockerfile cannot be built as it is written; each problem is told at its place.",
        "bad-dockerignore": "`build`: a .dockerignore cannot be read.",
        "bad-image": "An image reference is invalid, incomplete, or given twice with different versions.",
        "bad-lock": "`generate`: .pipelinegen.lock cannot be read.",
        "bad-metadata": "The build's metadata of `--from` cannot be read.",
        "bad-path": "A folder or file that was named is not there, or not of the right kind.",
        "bad-pipeline": "`compare`: a pipeline file cannot be read; the place is told.",
        "bad-platform": "`build`: there is no such platform, or no base for it.",
        "bad-secret": "`build`: a build secret has no value.",
        "bad-tag": "The tag or digest is invalid, or the registry has no image under it.",
        "bad-url": "The address of the manifest repository cannot be used.",
        "engine-lacks": "`build`: the engine cannot do what is asked; others can.",
        "file-refused": "A file is too big, or of a kind that is never changed.",
        "no-match": "The image occurs nowhere in the selected manifests. The nearest names are told.",
        "no-such-commit": "The commit that was named is not on the branch, or not among its last commits.",
    },
    3: {
        "archive-unreadable": "`build`: an image's archive is broken or not one.",
        "changed-meanwhile": "A file changed between planning and writing.",
        "container-failed": "`build`: the engine cannot run a container of the image.",
        "digest-mismatch": "The registry sent other bytes than the digest names.",
        "disk": "No space, or the folder cannot be written.",
        "engine-closed": "`build`: the engine was closed while it was at work.",
        "engine-missing": "`build`: the engine that was named does not work here.",
        "file-too-big": "`build`: a file in an image is too big to be looked at.",
        "git-failed": "git refused; its words are told.",
        "git-missing": "git is not installed.",
        "git-too-old": "git is older than what the safe options need.",
        "image-differs": "`build`: the engine gave out another image than it built.",
        "interrupted": "`build`: stopped before it was done.",
        "layout-broken": "`build`: the folder that holds an image is not as its index says.",
        "net": "The network, a proxy or a server failed.",
        "no-resources": "No further process or open file is possible on this machine.",
        "output-too-big": "A program wrote more than is plausible and was ended.",
        "program-failed": "A credential helper failed.",
        "program-missing": "A program that is needed is not installed.",
        "push-race": "Others pushed during every attempt.",
        "rate-limited": "The server limits the rate of requests.",
        "redirected": "A server pointed to another host; nothing was sent there.",
        "server-refused": "The server's answer is an error, or none that can be used.",
        "tag-not-confirmed": "`build`: the registry shows another image under a tag than was pushed.",
        "timeout": "A server or program did not answer in time.",
        "tls": "The certificate of the server is not trusted.",
        "too-big": "The repository or an answer is larger than the limits allow.",
        "zstd-missing": "`build`: a layer is packed by zstd, which this Python cannot read.",
    },
    4: {
        "bad-token": "The token or credential was not accepted.",
        "expired": "The token has expired or was revoked.",
        "no-token": "The server asks for a token, and none was found.",
        "protected": "The server's rules do not allow the push.",
        "scope-missing": "The token lacks a right; the message names it.",
    },
}

_KINDS = {"PipelinegenError": 70} | {
    kind.__name__: kind.exit_code
    for kind in (errors.Refused, errors.InputError, errors.WorldError, errors.NotPermitted, errors.Defect)
}


_TEXT = """# Reference

<!-- Written by docs/reference.py from the code (`make docs`); a test keeps it up to date. -->

An option wins over its variable, which wins over [pipelinegen.yaml](configuration.md). Several values of one variable
stand on lines of their own. Text for people goes to standard error; standard output carries only the result: the diff,
the schema, or with `--json` one document.

{commands}

## Every command

{common}

## Exit codes

| code | means |
| --- | --- |
{exits}

## Error ids

`error.id` in the JSON; stable words that scripts may match.

| id | exit | means |
| --- | --- | --- |
{ids}

A defect of ours (70) has an id, too, which helps us and nobody else.
"""


def text() -> str:
    """The whole document."""
    return _TEXT.format(
        commands="\n\n".join(_command(name, command) for name, command in cli.commands.items()),
        common=_table(options.COMMON),
        exits="\n".join(f"| {code} | {meaning} |" for code, meaning in _EXITS),
        ids="\n".join(
            f'| <a id="{name}"></a>`{name}` | {code} | {meaning} |'
            for code, meanings in MEANINGS.items()
            for name, meaning in meanings.items()
        ),
    )


def _command(name: str, command: click.Command) -> str:
    """Its usage, what its help says before the examples, and its own options."""
    arguments = [str(parameter.metavar) for parameter in command.params if isinstance(parameter, click.Argument)]
    said = "\n\n".join(" ".join(part.split()) for part in str(command.help).partition("\b")[0].strip().split("\n\n"))
    table = getattr(options, name.upper(), ())
    parts = [f"## `{' '.join(['pipelinegen', name, *arguments])}`", said, *([_table(table)] if table else [])]
    return "\n\n".join(parts)


def _table(table: Sequence[Option]) -> str:
    rows = [f"| `{_spelled(option)}` | `{option.variable}` | {' '.join(option.help.split())} |" for option in table]
    return "\n".join(["| option | variable | |", "| --- | --- | --- |", *rows])


def _spelled(option: Option) -> str:
    names = ", ".join(option.names)
    if option.kind == "toggle":
        return f"{names}, {option.names[-1].replace('--', '--no-', 1)}"
    value = "\\|".join(option.choices) or option.metavar.replace("|", "\\|")
    return f"{names} {value}" if value else names


def ids_in_code() -> dict[str, set[int]]:
    """Every error id that the package can raise, with the exit codes of the errors that carry it."""
    found: dict[str, set[int]] = {}
    for path in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                for name, code in _ids(node):
                    found.setdefault(name, set()).update(code)
    return found


def _ids(call: ast.Call) -> Iterator[tuple[str, set[int]]]:
    """The constants of `id=` (or of a table of refusals, whose second column is the error and third the id)."""
    name = ast.unparse(call.func).rpartition(".")[2]
    # A job of a pipeline has an id, too.
    values = [keyword.value for keyword in call.keywords if keyword.arg == "id" and name != "Job"]
    if name == "Refusal" and len(call.args) > 2:
        name, values = ast.unparse(call.args[1]), [call.args[2]]
    code = {_KINDS[name]} if name in _KINDS else set()
    for value in values:
        yield from ((constant, code) for constant in _constants(value))


def _constants(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from _constants(value.body)
        yield from _constants(value.orelse)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
