"""Reads `.gitlab-ci.yml` as GitLab does: YAML with `!reference`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    pass


class Reference(list[str]):
    """A `!reference`: the keys on the way to what stands elsewhere."""


def _reference(loader: yaml.CSafeLoader, node: yaml.SequenceNode) -> Reference:
    return Reference(loader.construct_sequence(node))


_Loader.add_constructor("!reference", _reference)


def documents(text: str) -> list[dict[str, Any]]:
    """The documents of a file as values: with `spec`, there are two."""
    return [dict(one) for one in yaml.load_all(text, Loader=_Loader)]


def tree(text: str) -> dict[str, Any]:
    """The file as values; with `spec`, what comes behind it."""
    return documents(text)[-1]


def jobs(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The jobs, hidden ones too."""
    for name, value in found.items():
        if isinstance(value, dict) and {"script", "before_script", "after_script", "extends"} & set(value):
            yield name, value


def items(job: dict[str, Any]) -> list[str]:
    """The shell of a job that stands in it: the steps, each with what goes before and after."""
    return [
        item for key in ("before_script", "script", "after_script") for item in job.get(key, []) if type(item) is str
    ]


def scripts_in(job: dict[str, Any]) -> str:
    """All shell of a job that stands in it, as one script."""
    return "\n".join(items(job))
