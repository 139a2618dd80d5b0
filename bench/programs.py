"""The command lines of the benchmark: the subject, the floors, and the peers that are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

Argv = tuple[str, ...]

# One expression of yq for every place that it can address; what it makes of the other bytes is its own matter.
_YQ = """
(.. | select(tag == "!!str" and test("^{image}:[^@]+(@sha256:.*)?$"))) = "{image}:{tag}"
| (.. | select(tag == "!!map" and .repository == "{image}" and has("tag")) | .tag) = "{tag}"
| (.. | select(tag == "!!map" and .registry == "{registry}" and .repository == "{path}") | .tag) = "{tag}"
| (.images[]? | select((.newName // .name) == "{image}") | .newTag) = "{tag}"
"""
_RUAMEL = """
import sys
from ruamel.yaml import YAML
path, image, tag = sys.argv[1:]
yaml = YAML()
yaml.preserve_quotes = True
with open(path, encoding="utf-8", newline="") as file:
    document = yaml.load(file)
for entry in document["images"]:
    if entry.get("newName", entry["name"]) == image:
        entry["newTag"] = tag
with open(path, "w", encoding="utf-8", newline="") as file:
    yaml.dump(document, file)
"""


def measured_environment() -> dict[str, str]:
    """The same small environment for everything that is measured: no CI variables, no user's configuration of git."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def bare_python(python: str, code: str = "pass") -> Argv:
    return (python, "-I", "-c", code)


def subject(python: str, *arguments: str) -> Argv:
    return (python, "-I", "-m", "pipelinegen", *arguments)


def console_script(python: str, *arguments: str) -> Argv | None:
    """The installed `pipelinegen` of the same Python, where there is one."""
    script = Path(python).with_name("pipelinegen")
    return (str(script), *arguments) if script.is_file() else None


def git_grep(names: Sequence[str]) -> Argv:
    return ("git", "grep", "-lzF", *(word for name in names for word in ("-e", name)))


def git_grep_sed(image: str, tag: str) -> Argv:
    """What many pipelines do: every text that looks like the image, wherever it stands."""
    script = f"s#{image}:[A-Za-z0-9._-]*#{image}:{tag}#g"
    return ("sh", "-c", f"git grep -lzF -e {image} | xargs -0 sed -i '{script}'")


def sed(file: str, old: str, tag: str) -> Argv:
    return ("sed", "-i", f"s/newTag: {old}/newTag: {tag}/", file)


def git_grep_yq(image: str, tag: str) -> Argv | None:
    """Mikefarah's yq over the files that hold the name; None where it is not installed (jq's wrapper is another yq)."""
    if not _is_mikefarah_yq():
        return None
    registry, _, path = image.partition("/")
    expression = _YQ.format(image=image, tag=tag, registry=registry, path=path).strip()
    # One process for each file, since in place it writes one; a file that does not parse must not end the others.
    files = f"git grep -lzF -e {image} -- '*.yaml' '*.yml'"
    return ("sh", "-c", f'{files} | xargs -0 -n 1 yq -i "$1" 2>/dev/null || true', "sh", expression)


def yq(file: str, image: str, tag: str) -> Argv | None:
    if not _is_mikefarah_yq():
        return None
    return ("yq", "-i", f'(.images[] | select(.name == "{image}") | .newTag) = "{tag}"', file)


def kustomize(image: str, tag: str) -> Argv | None:
    return ("kustomize", "edit", "set", "image", f"{image}:{tag}") if shutil.which("kustomize") else None


def renovate() -> Argv | None:
    """Renovate's reading alone, of the files it knows by default: it looks nothing up and writes nothing."""
    options = ("--platform=local", "--dry-run=extract", "--onboarding=false", "--require-config=ignored")
    return ("renovate", *options) if shutil.which("renovate") else None


def ruamel(python: str, file: str, image: str, tag: str) -> Argv | None:
    """A round trip by a script, as people write it; None where ruamel.yaml is not installed beside `python`."""
    probe = subprocess.run(bare_python(python, "import ruamel.yaml"), check=False, capture_output=True)
    return (python, "-I", "-c", _RUAMEL, file, image, tag) if probe.returncode == 0 else None


def _is_mikefarah_yq() -> bool:
    if not shutil.which("yq"):
        return False
    said = subprocess.run(["yq", "--version"], check=False, capture_output=True, text=True)
    return "mikefarah" in said.stdout
