"""From a pipeline file to what it says: one reader for each CI system, and which one a file is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pipelinegen.pipelines.read import github, gitlab, jenkins
from pipelinegen.pipelines.read.scripts import follow
from pipelinegen.pipelines.reading import Files, NoFiles, Reading, System

Reader = Callable[[str, bytes, Files], Reading]
READERS: Mapping[System, Reader] = {"github": github.read, "gitlab": gitlab.read, "jenkins": jenkins.read}


def system_of(file: str, data: bytes) -> System:
    """Which CI system a file is for: by its name, else by what stands in it."""
    name = file.rpartition("/")[2].lower()
    if ".github/workflows/" in f"/{file}" and name.endswith((".yml", ".yaml")):
        return "github"
    if re.search(r"\.gitlab-ci(?:\.|$)|^gitlab-ci\.", name):
        return "gitlab"
    if name.startswith("jenkinsfile") or name.endswith((".jenkinsfile", ".groovy", ".jenkins")):
        return "jenkins"
    text = data[:200_000].decode("utf-8", "replace")
    if re.search(r"^(?:pipeline|node|stage)\s*(?:\([^)]*\)\s*)?\{|^#!.*groovy|^@Library", text, re.MULTILINE):
        return "jenkins"
    if re.search(r"^[\"']?(?:on|true)[\"']?\s*:", text, re.MULTILINE) and re.search(r"^jobs\s*:", text, re.MULTILINE):
        return "github"
    return "github" if re.search(r"^jobs\s*:", text, re.MULTILINE) and "runs-on" in text else "gitlab"


def read(file: str, data: bytes, files: Files | None = None) -> Reading:
    """What a pipeline file says. Raises InputError for a file that is none."""
    others = files or NoFiles()
    return follow(READERS[system_of(file, data)](file, data, others), others)
