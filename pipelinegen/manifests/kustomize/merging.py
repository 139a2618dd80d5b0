"""Patches as kustomize applies them, strategic merges and JSON patches, on values that remember what they replaced."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeAlias

from pipelinegen.manifests.kustomize.objects import Value, Word, lay_over, mapping, text
from pipelinegen.manifests.spans import MAX_DEPTH


class Gone(Enum):
    """What is left of a value that a patch removes."""

    GONE = "gone"


Merged: TypeAlias = "Value | Gone"

# The kinds that hold pods and whose schema kustomize ships: only in these it merges lists by a key of their items.
_KNOWN = {
    "v1": {"Pod", "PodTemplate", "ReplicationController"},
    "apps/v1": {"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"},
    "batch/v1": {"CronJob", "Job"},
    "batch/v1beta1": {"CronJob"},
}
# Of the lists that are merged these can hold an image; all of them are merged by the name of their items.
_BY_NAME = {"containers", "initContainers", "ephemeralContainers", "env", "volumes"}
_DIRECTIVE = "$patch"


class Inapplicable(Exception):
    """A patch that does not fit what it is applied to; kustomize fails there."""


class By:
    """Who patches: the kustomization, and whether the lists of the object are merged by name."""

    __slots__ = ("known", "kustomization")

    def __init__(self, kustomization: str, object_: dict[str, Value]) -> None:
        self.kustomization = kustomization
        self.known = text(object_.get("kind")) in _KNOWN.get(text(object_.get("apiVersion")), ())


def merge(old: Value, patch: Value, by: By, key: str = "") -> Merged:
    """The value that a strategic merge patch makes of the old one."""
    if patch is None:
        return Gone.GONE
    if isinstance(patch, dict):
        return _merge_mapping(old, patch, by)
    if isinstance(patch, list):
        if by.known and key in _BY_NAME:
            return _merge_list(old, patch, by)
        return supplant(old, patch, by)
    if old is not None and not isinstance(old, Word):
        raise Inapplicable(f"{patch.at}: a scalar where the object has a mapping or a list")
    return lay_over(patch, patch, old, by.kustomization, "patch")


def _merge_mapping(old: Value, patch: dict[str, Value], by: By) -> Merged:
    directive = text(patch.get(_DIRECTIVE))
    fields = {key: value for key, value in patch.items() if key != _DIRECTIVE}
    if directive == "delete":
        return Gone.GONE
    if directive == "replace":
        return supplant(old, fields, by)
    if old is not None and not isinstance(old, dict):
        raise Inapplicable("a mapping where the object has a scalar or a list")
    merged = dict(old or {})
    for key, value in fields.items():
        result = merge(merged.get(key), value, by, key)
        if isinstance(result, Gone):
            merged.pop(key, None)
        else:
            merged[key] = result
    return merged


def _merge_list(old: Value, patch: list[Value], by: By) -> Merged:
    """The patch's items come first, in its order, then those of the object that it does not name."""
    if old is not None and not isinstance(old, list):
        raise Inapplicable("a list where the object has a scalar or a mapping")
    directives = [text(mapping(item).get(_DIRECTIVE)) for item in patch if list(mapping(item)) == [_DIRECTIVE]]
    items = [item for item in patch if list(mapping(item)) != [_DIRECTIVE]]
    if "delete" in directives:
        return Gone.GONE
    if "replace" in directives:
        return supplant(old, items, by)
    rest = {name: item for item in old or () if (name := _name(item))}
    unnamed = [item for item in old or () if not _name(item)]
    merged: list[Value] = []
    for item in items:
        present = rest.pop(_name(item), None)
        # kustomize 5 computes the replaced item and then puts the present one back (appendListNode in kyaml's walk).
        kept = present is not None and text(mapping(item).get(_DIRECTIVE)) == "replace"
        result = present if kept else merge(present, item, by)
        if not isinstance(result, Gone):
            merged.append(result)
    return [*merged, *rest.values(), *unnamed]


def _name(item: Value) -> str:
    return text(mapping(item).get("name"))


def supplant(old: Value, new: Value, by: By) -> Value:
    """The new value in the place of the old one, each scalar over the one it stands for."""
    if isinstance(new, Word):
        return lay_over(new, new, old if isinstance(old, Word) else None, by.kustomization, "patch")
    if isinstance(new, dict):
        below = mapping(old)
        return {key: supplant(below.get(key), value, by) for key, value in new.items()}
    if isinstance(new, list):
        named = {_name(item): item for item in old if _name(item)} if isinstance(old, list) else {}
        return [supplant(named.get(_name(item)), item, by) for item in new]
    return None


def patch_json(value: Value, operations: Sequence[Value], by: By) -> Value:
    """The value after the operations of a JSON patch (RFC 6902). Raises Inapplicable."""
    for operation in operations:
        fields = mapping(operation)
        path = _pointer(text(fields.get("path")))
        if len(path) > MAX_DEPTH:
            raise Inapplicable(f"a path of more than {MAX_DEPTH} steps is not followed")
        value = _operate(value, text(fields.get("op")), path, fields, by)
    return value


def _operate(value: Value, op: str, path: list[str], fields: dict[str, Value], by: By) -> Value:
    if op in {"add", "replace"}:
        return _put(value, path, fields.get("value"), by, insert=op == "add")
    if op == "remove":
        return _remove(value, path)
    if op in {"move", "copy"}:
        source = _pointer(text(fields.get("from")))
        taken = _get(value, source)
        if op == "copy" and not isinstance(taken, Word):
            # A few copies of a mapping into itself would outgrow any memory.
            raise Inapplicable("a copy of more than a scalar is not followed")
        return _put(_remove(value, source) if op == "move" else value, path, taken, by, insert=True)
    if op == "test":
        if _plain(_get(value, path)) != _plain(fields.get("value")):
            raise Inapplicable(f"the test of /{'/'.join(path)} fails")
        return value
    raise Inapplicable(f"{op or 'nothing'} is not an operation of a JSON patch")


def _pointer(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise Inapplicable(f"{pointer or 'an empty path'} is not a path of a JSON patch")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _get(value: Value, path: list[str]) -> Value:
    for step in path:
        if isinstance(value, list):
            value = value[_index(step, len(value) - 1)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            raise Inapplicable(f"the object has no {step}")
    return value


def _put(value: Value, path: list[str], new: Value, by: By, *, insert: bool) -> Value:
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        last = not rest and insert
        at = len(value) if last and step == "-" else _index(step, len(value) - (not last))
        items = list(value)
        if last:
            items.insert(at, supplant(None, new, by))
        else:
            items[at] = _put(items[at], rest, new, by, insert=insert) if rest else supplant(items[at], new, by)
        return items
    # The library that kustomize uses also "replaces" what is not there (evanphx/json-patch v4).
    if not isinstance(value, dict) or (rest and step not in value):
        raise Inapplicable(f"the object has no {step}")
    below = value.get(step)
    return {**value, step: _put(below, rest, new, by, insert=insert) if rest else supplant(below, new, by)}


def _remove(value: Value, path: list[str]) -> Value:
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        at = _index(step, len(value) - 1)
        return [*value[:at], *([_remove(value[at], rest)] if rest else []), *value[at + 1 :]]
    if not isinstance(value, dict) or step not in value:
        raise Inapplicable(f"the object has no {step}")
    if rest:
        return {**value, step: _remove(value[step], rest)}
    return {key: item for key, item in value.items() if key != step}


def _index(step: str, highest: int) -> int:
    if not step.isascii() or not step.isdigit() or int(step) > highest:
        raise Inapplicable(f"the list has no item {step}")
    return int(step)


def _plain(value: Value) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None else str(value)
