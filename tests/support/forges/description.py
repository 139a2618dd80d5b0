"""Holds every exchange of a stand-in to the service's published description: what it would refuse is a violation."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

HERE = Path(__file__).parent


class Description:
    """One of the files that describe.py writes."""

    def __init__(self, name: str) -> None:
        document = json.loads((HERE / name).read_text(encoding="utf-8"))
        self.operations: dict[str, Any] = document["operations"]
        self.recorded: dict[str, Any] = document.get("recorded", {})
        self._schemas: dict[str, Any] = document["schemas"]
        self._patterns = [(_pattern(operation), operation) for operation in self.operations]
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> str | None:
        """The operation that a request is for, as "GET /path/{with}/{holes}"."""
        line = f"{method} {path}"
        return next((operation for pattern, operation in self._patterns if pattern.fullmatch(line)), None)

    def request_faults(self, operation: str, query: dict[str, str], body: Any) -> list[str]:
        """What the service would refuse, or quietly not understand."""
        described = self.operations[operation]
        known = described["query"]
        faults = [f"{operation}: no query parameter {name!r}" for name in query if name not in known]
        for name, text in query.items():
            if name in known:
                faults += self._faults(f"{operation}: query {name}", known[name], _typed(known[name], text))
        if described["body"] is None:
            return faults + ([f"{operation}: takes no body"] if body not in (None, {}) else [])
        properties = self._resolve(described["body"]).get("properties", {})
        if isinstance(body, dict) and properties:
            faults += [f"{operation}: no field {name!r} in the body" for name in body if name not in properties]
        return faults + self._faults(f"{operation}: body", described["body"], body)

    def answer_faults(self, operation: str, status: int, body: Any) -> list[str]:
        """Where an answer is not what the service would give."""
        answers = self.operations[operation]["answers"]
        if str(status) not in answers:
            # Every operation may answer these, and the descriptions leave most of them out.
            return [] if status in (401, 403, 404, 405, 406, 409, 422, 400) else [f"{operation}: no answer {status}"]
        schema = answers[str(status)]
        return self._faults(f"{operation}: answer {status}", schema, body) if schema else []

    def completed(self, operation: str, status: int, body: Any) -> Any:
        """The answer with every required field that the stand-in has no opinion on."""
        schema = self.operations[operation]["answers"].get(str(status))
        return self._complete(schema, body) if schema else body

    def _faults(self, place: str, schema: Any, value: Any) -> list[str]:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator({**schema, "schemas": self._schemas})
        return [
            f"{place}{error.json_path.removeprefix('$')}: {error.message[:300]}"
            for error in self._validators[key].iter_errors(value)
        ]

    def _resolve(self, schema: Any) -> Any:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].removeprefix("#/schemas/")]
        return schema

    def _complete(self, schema: Any, value: Any) -> Any:
        schema = self._resolve(schema)
        choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
        if value is not None and choices:
            return self._complete(choices[0], value)
        for part in schema.get("allOf", []):
            value = self._complete(part, value)
        if isinstance(value, list) and "items" in schema:
            return [self._complete(schema["items"], item) for item in value]
        if not isinstance(value, dict):
            return value
        properties = schema.get("properties", {})
        made = {
            name: self._sample(properties.get(name, {})) for name in schema.get("required", []) if name not in value
        }
        had = {name: self._complete(properties.get(name, {}), inner) for name, inner in value.items()}
        return {**made, **had}

    def _sample(self, schema: Any) -> Any:
        schema = self._resolve(schema)
        choices = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
        if {"type": "null"} in choices:
            return None
        if choices:
            return self._sample(choices[0])
        if "default" in schema or "enum" in schema:
            return schema.get("default", schema.get("enum", [None])[0])
        if "allOf" in schema:
            return functools.reduce(lambda made, part: {**made, **self._sample(part)}, schema["allOf"], {})
        return _SAMPLES[schema.get("type", "object")](schema, self._complete)


_STRINGS = {"uri": "https://example.invalid/", "date-time": "2024-01-02T03:04:05Z", "email": "nobody@example.invalid"}
_SAMPLES: dict[str, Any] = {
    "string": lambda schema, _: _STRINGS.get(schema.get("format", ""), "sample"),
    "integer": lambda schema, _: max(1, schema.get("minimum", 1)),
    "number": lambda schema, _: max(1, schema.get("minimum", 1)),
    "boolean": lambda schema, _: False,
    "array": lambda schema, _: [],
    "object": lambda schema, complete: complete(schema, {}),
    "null": lambda schema, _: None,
}


def _pattern(operation: str) -> re.Pattern[str]:
    method, _, path = operation.partition(" ")
    parts = re.split(r"\{(\w*)\}", path)
    body = "".join(
        re.escape(part) if place % 2 == 0 else (".+?" if part == "ref" else "[^/]+") for place, part in enumerate(parts)
    )
    return re.compile(f"{method} {body}")


def _typed(schema: Any, text: str) -> Any:
    """A query's text as the type that its description gives it."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if schema.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text
