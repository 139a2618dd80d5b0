"""The pieces of YAML that documents show, each known by its form and made whole, so that its judges can read it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from docs import consoles
from pipelinegen.config.model import Config
from tests.support.gitlab_ci import _Loader

Kind = Literal["steps", "workflow", "gitlab", "config", "image", "manifest", "unknown"]
ROOT = consoles.ROOT
KINDS: tuple[Kind, ...] = ("steps", "workflow", "gitlab", "config", "image", "manifest")
_FENCE = re.compile(r"(?ms)^(?P<mark>```+)ya?ml\n(?P<body>.*?)^(?P=mark)$")
_OURS = re.compile(r"uses: acme/pipelinegen@COMMIT\b")
_KEYS = frozenset(name.replace("_", "-") for name in Config.model_fields)
_WORKFLOW = """\
name: a document
on: push
permissions: {{}}
concurrency: {{group: a-document, cancel-in-progress: false}}
jobs:
  shown:
    name: Shown
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    environment: delivery
    steps:
{steps}"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """document:line says where it begins."""

    document: str
    line: int
    text: str

    @property
    def name(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def kind(self) -> Kind:
        return _kind(self.text)

    def workflow(self, ours: str) -> str:
        """As a workflow. ours: what stands for our own action."""
        text = self.text
        if self.kind == "steps":
            text = _WORKFLOW.format(steps=textwrap.indent(self.text, "      "))
        return _OURS.sub(f"uses: {ours}", text)

    def config(self) -> str:
        """As a pipelinegen.yaml: a piece of one gets the keys that every image and environment must have."""
        if self.kind == "image":
            body = {"images": {"shown": {"repository": "ghcr.io/acme/shown", **yaml.safe_load(self.text)}}}
            return yaml.safe_dump(body)
        found = yaml.safe_load(self.text)
        missing = [*_missing(found)]
        for place, key, value in missing:
            place[key] = value
        return yaml.safe_dump(found, sort_keys=False) if missing else self.text


def _missing(found: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, Any]]:
    for image in (found.get("images") or {}).values():
        if "repository" not in image:
            yield image, "repository", "ghcr.io/acme/shown"
    for environment in ((found.get("manifests") or {}).get("environments") or {}).values():
        if "paths" not in environment:
            yield environment, "paths", ["**"]


def snippets() -> list[Snippet]:
    """All of them, in the order of the documents."""
    return [
        Snippet(name, text.count("\n", 0, fence.start()) + 1, textwrap.dedent(fence["body"]))
        for name in consoles.documents()
        for text in [(consoles.ROOT / name).read_text(encoding="utf-8")]
        for fence in _FENCE.finditer(text)
    ]


def read(text: str) -> Any:
    """Its last document as values, with what GitLab adds to YAML."""
    return [*yaml.load_all(text, Loader=_Loader)][-1]


def _kind(text: str) -> Kind:
    found = read(text)
    if isinstance(found, list):
        return "steps"
    keys = set(found)
    if "jobs" in keys:
        return "workflow"
    if "apiVersion" in keys or {"resources", "newTag"} & keys:
        return "manifest"
    if keys == {"tests"}:
        return "image"
    if keys <= _KEYS:
        return "config"
    jobs = (value for value in found.values() if isinstance(value, dict))
    if keys & {"include", "stages"} or any({"script", "extends"} & set(job) for job in jobs):
        return "gitlab"
    return "unknown"
