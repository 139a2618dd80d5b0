"""Pipelines as texts: read with the other files of their repository, and told in a few words."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from fnmatch import fnmatchcase

from pipelinegen.pipelines.compared import Facts, facts_of
from pipelinegen.pipelines.read import read
from pipelinegen.pipelines.reading import Reading

NAMES = {"github": ".github/workflows/w.yml", "gitlab": ".gitlab-ci.yml", "jenkins": "Jenkinsfile"}


class Repository:
    """Files in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = {path: textwrap.dedent(text).lstrip("\n") for path, text in files.items()}

    def read(self, path: str) -> bytes | None:
        text = self.files.get(path)
        return text.encode() if text is not None else None

    def match(self, pattern: str) -> list[str]:
        return sorted(path for path in self.files if fnmatchcase(path, pattern.lstrip("/")))

    def shown(self, path: str) -> str:
        return path


def reading(system: str, text: str, **files: str) -> Reading:
    """A pipeline, with files whose paths are given as a__b_yml for a/b.yml."""
    others = {path.replace("__", "/").replace("_yml", ".yml"): each for path, each in files.items()}
    return read(NAMES[system], textwrap.dedent(text).lstrip("\n").encode(), Repository(others))


def facts(system: str, text: str, **files: str) -> Facts:
    return facts_of(reading(system, text, **files))


def deliveries(found: Facts) -> list[str]:
    return [f"{each.environment or '-'} {each.model} {each.tool} {each.job}" for each in found.deliveries]


def credentials(found: Facts) -> list[str]:
    return [f"{each.name} {each.kind} {each.life} {each.target}" for each in found.credentials]


def unknown(found: Facts) -> list[int]:
    """The lines that are not understood."""
    return sorted({each.place.line for each in found.unknown})
