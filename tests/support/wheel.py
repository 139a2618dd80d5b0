"""A wheel of pipelinegen for jobs that install it: this checkout, with the libraries that are here already.

With the variables of `thin_wheel(folder)`, `pip install pipelinegen==VERSION` takes it without a network, in a second.
"""

from __future__ import annotations

import base64
import hashlib
import sysconfig
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipelinegen import __version__

ROOT = Path(__file__).parents[2]


def thin_wheel(folder: Path) -> dict[str, str]:
    """Make the wheel in the folder; the variables by which pip finds it, and nothing else."""
    return thin(folder, "pipelinegen", __version__, {"pipelinegen": "pipelinegen.__main__:main"}, (ROOT,))


def thin(
    folder: Path, name: str, version: str, scripts: Mapping[str, str], places: Iterable[Path] = ()
) -> dict[str, str]:
    """The same for any distribution that this Python has. places: where its modules are, if not beside the others."""
    project = name.replace("-", "_")
    info = f"{project}-{version}.dist-info"
    found = (*map(str, places), sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    commands = "".join(f"{command} = {function}\n" for command, function in scripts.items())
    files = {
        f"{project}.pth": "\n".join((*found, "")),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{commands}",
    }
    record = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{project}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
