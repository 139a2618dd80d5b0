"""The command run in this process, by the doors of its own entry: what it says and does, without starting Python."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from pipelinegen import calls
from pipelinegen.cli import run
from pipelinegen.quick import bump_options


class Said(NamedTuple):
    """How a run of the command ended."""

    code: int
    out: bytes
    err: bytes


def run_inside(words: Sequence[str], variables: Mapping[str, str], folder: Path | None = None) -> Said:
    """The command with these words and exactly these variables, in a folder; without signals, and with no terminal."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        _in_folder(folder),
        environment(variables),
        open(os.devnull) as nothing,
        mock.patch.object(sys, "stdin", nothing),
        mock.patch.object(sys, "stdout", io.TextIOWrapper(out, write_through=True)),
        mock.patch.object(sys, "stderr", io.TextIOWrapper(err, write_through=True)),
    ):
        options = bump_options(words, os.environ)
        code = run(list(words)) if options is None else calls.bump(options)
        return Said(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _in_folder(folder: Path | None) -> Iterator[None]:
    before = os.getcwd()
    try:
        os.chdir(folder or before)
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Exactly these variables. Not cleared first: the servers' threads read PATH at any time."""
    before = dict(os.environ)
    try:
        _set(variables)
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
