"""What is to be observed: a pull request or a commit, by options or by what a delivery wrote with --json."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pipelinegen.errors import InputError

_DOCUMENT_LIMIT = 20 * 1024 * 1024


class ObserveOptions(NamedTuple):
    """The options of `observe`, as the command line gives them."""

    directory: str = "."
    commit: str | None = None
    branch: str | None = None
    pull_request: int | None = None
    from_document: str | None = None
    env: str | None = None
    status: tuple[str, ...] = ()
    timeout: str | None = None
    interval: str | None = None
    repo: str | None = None
    base: str | None = None
    forge: str | None = None
    forge_url: str | None = None


class Subject(NamedTuple):
    """One of: a pull request by its number, the one of a branch, a commit."""

    number: int | None = None
    branch: str | None = None
    commit: str | None = None

    def __str__(self) -> str:
        return f"#{self.number}" if self.number else self.branch or (self.commit or "")[:12]


class Asked(NamedTuple):
    """The subjects, and the environment that a document names."""

    subjects: tuple[Subject, ...]
    environment: str | None = None


def asked_for(options: ObserveOptions) -> Asked:
    """What is to be observed. Raises InputError where that is not said, or said twice."""
    said = {
        "--commit": options.commit,
        "--branch": options.branch,
        "--pull-request": options.pull_request,
        "--from": options.from_document,
    }
    given = [name for name, value in said.items() if value is not None]
    if len(given) != 1:
        raise InputError(
            f"{' and '.join(given)} are given, and one thing is observed" if given else "what to observe is not said",
            id="bad-config",
            next=f"give one of {', '.join(said)}",
        )
    if options.from_document is not None:
        return _read(os.path.join(options.directory, options.from_document))
    if options.commit is not None and not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", options.commit):
        raise InputError(
            f"{ascii(options.commit[:80])[1:-1]} is not the whole SHA of a commit",
            id="no-such-commit",
            where="--commit",
            next="give all of it, as `git rev-parse` prints it",
        )
    return Asked((Subject(options.pull_request, options.branch, options.commit),))


def _read(path: str) -> Asked:
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read(_DOCUMENT_LIMIT))
    except OSError as error:
        raise _unreadable(path, (error.strerror or str(error)).lower()) from None
    except (ValueError, RecursionError):
        raise _unreadable(path, "it is not JSON") from None
    if not isinstance(document, dict) or not str(document.get("schema")).startswith("pipelinegen."):
        raise _unreadable(path, "it is not what --json writes")
    deliveries = document.get("deliveries") or [document.get("delivery")]
    subjects = [subject for each in deliveries if isinstance(each, dict) and (subject := _subject(each))]
    environments = {edit.get("environment") for edit in document.get("edits") or () if isinstance(edit, dict)}
    one = next(iter(environments)) if len(environments) == 1 else None
    return Asked(tuple(subjects), one if isinstance(one, str) else None)


def _subject(delivery: Mapping[str, Any]) -> Subject | None:
    """What became of one delivery; None where nothing was delivered."""
    pull = delivery.get("pull_request")
    if isinstance(pull, dict) and isinstance(pull.get("number"), int):
        return Subject(number=pull["number"])
    commit = delivery.get("commit")
    return Subject(commit=commit) if isinstance(commit, str) and delivery.get("how") != "pull-request" else None


def _unreadable(path: str, why: str) -> InputError:
    return InputError(
        f"cannot read what was delivered: {why}",
        id="bad-metadata",
        where=path,
        next="give the file into which `pipelinegen bump --json` was written",
    )
