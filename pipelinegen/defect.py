"""A defect of ours: the traceback goes, masked, to a file, and the user gets the line to report."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback

from pipelinegen import __version__
from pipelinegen.errors import Defect
from pipelinegen.report import Report

_SECRET_WORDS = ("TOKEN", "PASSWORD", "SECRET", "KEY")


def save(error: Exception) -> int:
    """Write the masked traceback to a file, tell where it is, and return the exit code."""
    lines = [f"pipelinegen {__version__}, Python {platform.python_version()}, {platform.system()}\n"]
    lines += traceback.format_exception(error)
    text = _masked("".join(lines))
    handle, path = tempfile.mkstemp(prefix="pipelinegen-defect-", suffix=".txt")
    with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}:{place.lineno}"
    defect = Defect(
        f"a defect of pipelinegen: {type(error).__name__} at {where}",
        id="defect",
        next=f"report it with the text of {path} (secrets are masked in it)",
    )
    Report().error(defect)
    return Defect.exit_code


def _masked(text: str) -> str:
    """Values of variables that look like secrets, whatever they were for."""
    from pipelinegen.redact import Redactor, Secret, unfit

    secrets = [
        Secret(name, value)
        for name, value in os.environ.items()
        if any(word in name.upper() for word in _SECRET_WORDS) and not unfit(value)
    ]
    secrets += [
        Secret("argv", value) for value in sys.argv if value.startswith(("ghp_", "ghs_", "glpat-")) and not unfit(value)
    ]
    return Redactor(tuple(secrets)).mask(text)
