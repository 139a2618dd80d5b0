"""From nodes with places to the model, and from what the model refuses to problems with places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from pipelinegen.config.document import Mapping, Node, Scalar, Sequence, resolve
from pipelinegen.config.model import Config
from pipelinegen.config.rules import suggestion
from pipelinegen.config.source import Place, Problem, shown

Location = tuple[str | int, ...]
# Words of bake, compose and the forges for what has another name here.
_OTHER_WORDS = {
    "args": "build-args",
    "cache-from": "cache: {from: […]}",
    "cache-to": "cache: {to: […]}",
    "secret": "secrets",
    "additional-contexts": "contexts",
    "engine": "build: {engine: …}",
    "branch": "base",
    "on": "triggers",
    "deployer": "deploy",
}


class _Spot(NamedTuple):
    """Where a value and its key stand, and the node itself."""

    value: Place
    key: Place
    node: Node


def check(root: Node, name: str) -> tuple[Config | None, list[Problem]]:
    """The configuration, or what is wrong: first as YAML, then by the model, then between its parts."""
    spots: dict[Location, _Spot] = {}
    doubtful: dict[Location, Problem] = {}
    if not isinstance(root, Mapping):
        return None, [Problem(root.place, "the configuration is a mapping: version: 1, project: …, images: …")]
    data = _data(root, (), Place(1, 1), spots, doubtful)
    problems = list(doubtful.values())
    config = None
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        for told in error.errors(include_url=False):
            location = tuple(part for part in told["loc"] if part != "[key]")
            # A value that readers of YAML doubt is told once, as that.
            if location not in doubtful or told["type"] == "extra_forbidden":
                problems.append(_problem(told, location, spots))
    if config is not None:
        config = config.placed(name, {address(location): spot.value for location, spot in spots.items()})
        problems += [Problem(spots[location].value, what) for location, what in _between(config)]
    return config, problems


def address(location: Location) -> str:
    """`manifests.environments.staging.paths[0]`; a key that is no plain word stands in brackets and quotes."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def _data(
    node: Node, location: Location, key: Place, spots: dict[Location, _Spot], doubtful: dict[Location, Problem]
) -> object:
    """The node as plain data. What has no certain value is told, and stands in it as the text that was written."""
    spots[location] = _Spot(node.place, key, node)
    if isinstance(node, Sequence):
        return tuple(
            _data(item, (*location, index), item.place, spots, doubtful) for index, item in enumerate(node.items)
        )
    if isinstance(node, Mapping):
        data = {}
        for name, value in node.entries:
            below = (*location, name.text)
            data[name.text] = _data(value, below, name.place, spots, doubtful)
            if not isinstance(resolve(name)[0], str) or resolve(name)[1]:
                doubtful[below] = Problem(name.place, f'a key is a text: write it in quotes, "{shown(name.text)}"')
        return data
    scalar, what = resolve(node)
    if what is not None:
        doubtful[location] = Problem(node.place if node.text else key, what)
        return node.text
    return scalar


def _problem(told: Any, location: Location, spots: dict[Location, _Spot]) -> Problem:
    spot = spots.get(location) or _nearest(location, spots)
    if told["type"] == "missing":
        owner = _nearest(location, spots)
        return Problem(owner.key, f'"{location[-1]}" is missing here')
    if told["type"] == "extra_forbidden":
        return Problem(spot.key, _unknown_key(location))
    if told["loc"][-1] == "[key]":
        return Problem(spot.key, _told(told, spot.node))
    return Problem(spot.value, _told(told, spot.node))


def _nearest(location: Location, spots: dict[Location, _Spot]) -> _Spot:
    """The spot of the thing, or of what holds it: a word given for a list of words has no place of its own inside."""
    while location not in spots:
        location = location[:-1]
    return spots[location]


def _told(told: Any, node: Node) -> str:
    kind, context, given = told["type"], told.get("ctx", {}), told["input"]
    if kind == "rule":
        return str(context["what"])
    if kind == "literal_error":
        words = tuple(re.findall(r"'([^']*)'", context["expected"]))
        word = given if isinstance(given, str) else ""
        return f"{_described(given)} is not known here{suggestion(word, words)}"
    expected = _EXPECTED.get(kind)
    if expected is not None:
        return f"{expected} belongs here, not {_described(given)}{_instead(kind, node)}"
    if kind == "string_too_short":
        return "this must not be empty"
    return str(told["msg"]).replace("Input should", "this should").replace("String should", "this should")


def _instead(kind: str, node: Node) -> str:
    """What to write for a scalar of the wrong kind, where that is plain."""
    if not isinstance(node, Scalar):
        return ""
    if kind == "string_type":
        return f': write it in quotes, "{shown(node.text)}"'
    return f": write [{shown(node.text)}]" if kind == "tuple_type" and node.plain else ""


_EXPECTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _described(value: object) -> str:
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return f'the text "{shown(value)}"'
    return "a list" if isinstance(value, tuple) else "a mapping"


def _unknown_key(location: Location) -> str:
    key = str(location[-1])
    said = f'unknown key "{shown(key)}"'
    known = _known_keys(location[:-1])
    other = _OTHER_WORDS.get(key.lower().replace("_", "-"))
    if other is not None and other.partition(":")[0] in known:
        return f"{said}: here it is {other}"
    near = suggestion(key, known)
    homes = [address(home) or "the top" for home, keys in _homes(Config, ()) if key in keys]
    if homes and not near.startswith(", did"):
        return f"{said} here: it belongs under {' or '.join(homes[:2])}"
    return said + near


def _known_keys(location: Location) -> tuple[str, ...]:
    """The keys of the mapping at a location."""
    kind: Any = Config
    for part in location:
        kind = _inside(kind, str(part))
    kind = _bare(kind)
    return tuple(_keys(kind)) if _is_model(kind) else ()


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _inside(kind: Any, part: str) -> Any:
    """The type of what stands under a key or an index of a type."""
    kind = _bare(kind)
    if _is_model(kind):
        return _keys(kind).get(part)
    inner = [each for each in get_args(kind) if each is not Ellipsis]
    return inner[-1] if inner else None


def _bare(kind: Any) -> Any:
    """`X` of `X | None` and of `Annotated[X, …]`."""
    if get_origin(kind) in (Union, UnionType, Annotated):
        return _bare(get_args(kind)[0])
    return kind


def _homes(model: type[BaseModel], location: Location) -> Iterator[tuple[Location, tuple[str, ...]]]:
    """Every mapping of the format, with a name in capitals where the user chooses it, and its keys."""
    keys = _keys(model)
    yield location, tuple(keys)
    for key, kind in keys.items():
        bare = _bare(kind)
        inner = _bare(_inside(bare, "NAME"))
        if _is_model(bare):
            yield from _homes(bare, (*location, key))
        elif _is_model(inner):
            yield from _homes(inner, (*location, key, "NAME" if get_origin(bare) is not tuple else 0))


def _between(config: Config) -> Iterator[tuple[Location, str]]:
    """What is right in each part and wrong between two."""
    bases = {
        name: {
            key: value.removeprefix("target:") for key, value in image.contexts.items() if value.startswith("target:")
        }
        for name, image in config.images.items()
    }
    for name, contexts in bases.items():
        for key, base in contexts.items():
            location = ("images", name, "contexts", key)
            if base not in bases:
                yield location, f'there is no image "{shown(base)}" in this file{suggestion(base, tuple(bases))}'
            elif name in _reached(base, bases):
                yield location, f'the image "{name}" would be built from itself'


def _reached(start: str, bases: dict[str, dict[str, str]]) -> set[str]:
    """The image and all the images that it is built from."""
    reached, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += bases.get(name, {}).values()
    return reached
