"""Where the files that are shipped beside the code stand: `templates/` of the checkout, or of the wheel."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Traversable


def template_root() -> Traversable:
    """The folder of templates: the packaged one, else the one beside the package (a checkout, an editable install)."""
    packaged = resources.files("pipelinegen").joinpath("templates")
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "templates"


def files_under(*folder: str) -> dict[str, bytes]:
    """The files below a folder of templates: paths with slashes, and bytes, in the order of the paths."""
    return dict(sorted(_files(template_root().joinpath(*folder), "")))


def _files(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        found += _files(entry, f"{path}/") if entry.is_dir() else [(path, entry.read_bytes())]
    return found
