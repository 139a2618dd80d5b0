"""The JSON Schema of pipelinegen.yaml, and the reference in Markdown that is written from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from pipelinegen.config.model import Config
from pipelinegen.config.rules import written_duration

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:pipelinegen:pipelinegen.yaml:1"
EXAMPLE: dict[str, Any] = {
    "version": 1,
    "project": "shop",
    "images": {
        "api": {
            "repository": "ghcr.io/acme/api",
            "context": "services/api",
            "tags": ["type=semver,pattern={{version}}", "type=sha"],
        }
    },
    "manifests": {
        "repository": "https://github.com/acme/manifests",
        "environments": {
            "staging": {"paths": ["apps/*/overlays/staging/**"], "deliver": "push"},
            "production": {"paths": ["apps/*/overlays/production/**"], "deliver": "pull-request"},
        },
    },
    "pipelines": {"ci": ["github"], "pull": {"agent": "argocd"}, "push": {"deploy": "kubectl"}},
}


class _Generate(GenerateJsonSchema):
    """No titles made from names, which editors would show above the descriptions, and durations as they are written."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False

    def encode_default(self, dft: Any) -> Any:
        return written_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12). It never refuses what the command accepts."""
    made = Config.model_json_schema(by_alias=True, schema_generator=_Generate)
    definitions = made.pop("$defs", {})
    body = {key: value for key, value in made.items() if key not in ("title", "description")}
    return {
        "$schema": DIALECT,
        "$id": ID,
        "title": "pipelinegen.yaml",
        "description": "The configuration of pipelinegen, at the root of the application repository.",
        "examples": [EXAMPLE],
        **_closed(body),
        "$defs": {name: _closed(definitions[name]) for name in sorted(definitions)},
    }


def _closed(node: Any) -> Any:
    """The schema with closed mappings and without null.

    A key without a value is an error, and a key that is not there has its default.
    """
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: value for key, value in node.items() if not (key == "default" and value in (None, "", [], {}))}
    if "patternProperties" in node:
        node["additionalProperties"] = False
    # Older pydantic wraps a reference that has a description of its own; draft 2020-12 needs no wrapping.
    wrapped = node.pop("allOf", None)
    if wrapped is not None:
        node = {**wrapped[0], **node}
    choices = node.get("anyOf")
    if isinstance(choices, list):
        choices = [choice for choice in choices if choice != {"type": "null"}]
        node = {key: value for key, value in node.items() if key != "anyOf"}
        node = {**choices[0], **node} if len(choices) == 1 else {**node, "anyOf": choices}
    return {key: _closed(value) for key, value in node.items()}


def reference() -> str:
    """docs/configuration.md."""
    whole = schema()
    return "\n".join([_HEAD, *_section(whole, whole, "", set())]) + "\n"


def _section(whole: dict[str, Any], node: dict[str, Any], address: str, done: set[str]) -> Iterator[str]:
    """A table of the keys of one mapping, then those of the mappings in it, each described once."""
    yield f"## {f'`{address}`' if address else 'The top'}"
    yield ""
    if address:
        yield node.get("description", "")
        yield ""
    yield "| key | value | |"
    yield "| --- | --- | --- |"
    below = []
    for key, value in node["properties"].items():
        kind, inner, path = _kind(whole, value)
        need = "**required.** " if key in node.get("required", ()) else ""
        described = {"description": whole["$defs"][inner]["description"]} if inner is not None else {}
        yield f"| `{key}` | {kind} | {need}{_told({**described, **value})} |"
        if inner is not None and inner not in done:
            done.add(inner)
            below.append((inner, f"{address}.{key}{path}".lstrip(".")))
    yield ""
    for inner, place in below:
        yield from _section(whole, whole["$defs"][inner], place, done)


def _kind(whole: dict[str, Any], value: dict[str, Any]) -> tuple[str, str | None, str]:
    """What a value is in words, the definition that it is made of, and how it stands in the address."""
    if "$ref" in value:
        return "mapping", value["$ref"].rpartition("/")[2], ""
    if "anyOf" in value:
        kind, inner, path = _kind(whole, value["anyOf"][0])
        return (kind if inner else f"{kind}, or a list"), inner, path
    if value.get("type") == "array":
        kind, inner, path = _kind(whole, value["items"])
        return f"list of {_plural(kind)}", inner, f"[]{path}"
    if value.get("type") == "object":
        inside: Any = next(iter(value.get("patternProperties", {}).values()), value.get("additionalProperties"))
        kind, inner, path = _kind(whole, inside if isinstance(inside, dict) else {})
        return f"mapping of names to {_plural(kind)}", inner, f".NAME{path}"
    if "enum" in value:
        return " \\| ".join(f"`{word}`" for word in value["enum"]), None, ""
    if "const" in value:
        return f"`{value['const']}`", None, ""
    return {"integer": "number", "boolean": "`true` \\| `false`"}.get(value.get("type", ""), "text"), None, ""


def _plural(kind: str) -> str:
    if kind.startswith("`"):
        return kind
    first, of, rest = kind.partition(" of ")
    return f"{first}s{of}{rest}"


def _told(value: dict[str, Any]) -> str:
    said: str = value.get("description", "").replace("|", "\\|")
    if "default" in value and not isinstance(value["default"], dict | list):
        said += f" Default: `{_written(value['default'])}`."
    for example in value.get("examples", [])[:1]:
        said += f" Example: `{_written(example)}`."
    return said.strip()


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_HEAD = """\
# pipelinegen.yaml

<!-- Written from the JSON Schema by pipelinegen.config.json_schema.reference(); a test keeps it up to date. -->

The configuration stands in `pipelinegen.yaml` (or `pipelinegen.yml`, not both) at the root of the application
repository. Every command finds it from the folder it is started in upwards, up to the root of the git repository.
[examples/pipelinegen.yaml](../examples/pipelinegen.yaml) is a whole one with comments; `pipelinegen schema` prints its
JSON Schema, which editors take with a first line `# yaml-language-server: $schema=pipelinegen.schema.json`.

An option of a command wins over its variable `PIPELINEGEN_*`, which wins over this file. All that is wrong with the
file is told at once, each with file, line and column.

What is read is the part of YAML about which all readers agree:

- UTF-8, with or without a byte order mark, one document, up to 1 MiB, nested up to 64 deep; normal line breaks.
- A text that some reader would take for a number, a truth value or a date is written in quotes: `"1.10"`, `"yes"`.
- Truth values are `true` and `false`.
- Anchors and aliases stand for whole values, up to 100 of them. Merge keys (`<<`) and tags (`!x`, `!!str`) are errors.
- The same key twice in a mapping is an error, and so is a key without a value.
- Durations are written with their unit: `30s`, `5m`, `1h30m`.
- Credentials are refused wherever they stand: they come from the environment (`PIPELINEGEN_TOKEN` and its kin).
"""
