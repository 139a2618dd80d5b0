"""The JSON Schema and the model are one: what one accepts or refuses, so does the other, where a schema can say it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelinegen import config
from pipelinegen.commands import schema as command
from pipelinegen.config import json_schema
from pipelinegen.config.model import Config
from pipelinegen.errors import InputError

ROOT = Path(__file__).parents[3]
EXAMPLE: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "pipelinegen.yaml").read_text())
VALIDATOR = jsonschema.Draft202012Validator(config.schema())


def refused_by_schema(data: object) -> bool:
    return not VALIDATOR.is_valid(data)


def tuples(data: object) -> object:
    """The data as the loader makes it: lists that cannot be changed."""
    if isinstance(data, dict):
        return {key: tuples(value) for key, value in data.items()}
    return tuple(tuples(item) for item in data) if isinstance(data, list) else data


def refused_by_model(data: object) -> set[str]:
    """The kinds of error that are found; "rule" is one of ours that no schema can say whole."""
    kinds = {"null"} if None in [holder[key] for holder, key in _walk(data)] else set()
    try:
        Config.model_validate(tuples(data))
    except ValidationError as error:
        kinds |= {str(told["type"]) for told in error.errors(include_url=False)}
    return kinds


def refused_as_a_file(data: object) -> bool:
    """JSON is YAML: what the command does with these data."""
    try:
        config.loads(json.dumps(data).encode(), "pipelinegen.yaml")
    except InputError:
        return True
    return False


def _walk(data: Any) -> list[tuple[Any, Any]]:
    """Each place of the data: what holds it, and its key or index."""
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for key, value in pairs for place in [(data, key), *_walk(value)]]


def test_it_is_a_schema_of_its_dialect() -> None:
    made = config.schema()
    jsonschema.Draft202012Validator.check_schema(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert made["$id"].startswith("urn:pipelinegen:")
    assert made["title"] == "pipelinegen.yaml"


def test_the_command_prints_it() -> None:
    text = command.run()
    assert json.loads(text) == config.schema()
    assert text.endswith("}\n")
    assert command.run() == text


def test_every_key_is_described() -> None:
    made = config.schema()
    bare = [
        f"{name}.{key}"
        for name, definition in {"": made, **made["$defs"]}.items()
        for key, value in definition["properties"].items()
        if "description" not in value and "$ref" not in value
    ]
    assert bare == []
    assert all("description" in definition for definition in made["$defs"].values())


def test_null_is_nowhere_accepted() -> None:
    assert '"null"' not in json.dumps(config.schema())
    assert "null" not in json.dumps(config.schema()).replace('"null"', "")


@pytest.mark.parametrize("data", [EXAMPLE, *config.schema()["examples"], {}, {"images": []}, {"version": 1}])
def test_examples_are_accepted_by_both(data: object) -> None:
    assert refused_by_model(data) == set()
    assert not refused_as_a_file(data)
    assert not refused_by_schema(data)


def examples_of_keys() -> list[tuple[str, dict[str, Any], object]]:
    made = config.schema()
    return [
        (f"{name}.{key}", value, example)
        for name, definition in {"top": made, **made["$defs"]}.items()
        for key, value in definition["properties"].items()
        for example in value.get("examples", [])
    ]


@pytest.mark.parametrize(
    ("key", "value", "example"), examples_of_keys(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_examples_of_keys_fit_their_keys(key: str, value: dict[str, Any], example: object) -> None:
    VALIDATOR.evolve(schema={**value, "$defs": config.schema()["$defs"]}).validate(example)
    name, _, field = key.partition(".")
    model = {cls.__name__: cls for cls in _models()}["Config" if name == "top" else name]
    required: dict[str, dict[str, Any]] = {
        "Image": {"repository": "a/b"},
        "Environment": {"paths": ["x"]},
        "FileExistenceTest": {"name": "x", "path": "/x"},
        "HttpTest": {"name": "x", "port": 80},
    }
    model.model_validate(tuples({**required.get(name, {}), field: example}))


def _models() -> list[Any]:
    from pipelinegen.config import images, model, types

    return [
        cls
        for module in (images, model)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, types.Model)
    ]


IMAGE = {"repository": "a/b"}
STAGING = {"paths": ["x"]}


def image(**keys: object) -> dict[str, object]:
    return {"images": {"api": {**IMAGE, **{key.replace("_", "-"): value for key, value in keys.items()}}}}


def environment(**keys: object) -> dict[str, object]:
    return {
        "manifests": {
            "environments": {"a": {**STAGING, **{key.replace("_", "-"): value for key, value in keys.items()}}}
        }
    }


REFUSED_BY_BOTH: dict[str, object] = {
    "unknown key": {"a": 1},
    "unknown key of an image": image(tag="x"),
    "version 2": {"version": 2},
    "version as a truth value": {"version": True},
    "number for a text": {"project": 12},
    "project in capitals": {"project": "Shop"},
    "null": {"project": None},
    "null for a section": {"images": None},
    "list of images": {"images": [IMAGE]},
    "image without a repository": {"images": {"api": {}}},
    "image name": {"images": {"a/b": IMAGE}},
    "repository with a blank": image(repository="a b"),
    "repository with a digest": image(repository="a@sha256:" + "0" * 64),
    "platform": image(platforms=["linux"]),
    "text for a list": image(platforms="linux/amd64"),
    "build argument that is a number": image(build_args={"V": 1.1}),
    "build argument's name": image(build_args={"1V": "x"}),
    "context upwards": image(context="../x"),
    "context from the root": image(context="/x"),
    "cache": image(cache={"from": [""]}),
    "secret": image(secrets=["npm"]),
    "attestation": image(attest=["sbom"]),
    "no port": image(tests={"httpTests": [{"name": "a"}]}),
    "port 0": image(tests={"httpTests": [{"name": "a", "port": 0}]}),
    "port 65536": image(tests={"httpTests": [{"name": "a", "port": 65536}]}),
    "path of a request": image(tests={"httpTests": [{"name": "a", "port": 1, "path": "x"}]}),
    "duration without a unit": image(tests={"logTests": [{"name": "a", "pattern": "x", "timeout": 30}]}),
    "duration": image(tests={"logTests": [{"name": "a", "pattern": "x", "timeout": "1d"}]}),
    "test without a name": image(tests={"commandTests": [{"command": "x"}]}),
    "exit code": image(tests={"commandTests": [{"name": "a", "command": "x", "exitCode": 256}]}),
    "schema version": image(tests={"schemaVersion": "1.0.0"}),
    "kebab-case in a test": image(tests={"command-tests": []}),
    "no paths": {"manifests": {"environments": {"a": {}}}},
    "empty paths": environment(paths=[]),
    "paths upwards": environment(paths=["a/../b"]),
    "paths from the root": environment(paths=["/a"]),
    "paths that are a comment": environment(paths=["# a"]),
    "environment name": {"manifests": {"environments": {"a/b": STAGING}}},
    "long environment name": {"manifests": {"environments": {"a" * 41: STAGING}}},
    "deliver": environment(deliver="pr"),
    "branch with a blank": environment(base="a b"),
    "branch that is an option": environment(base="-x"),
    "text for a truth value": environment(draft="true"),
    "address with a blank": {"manifests": {"repository": "https://h/a b"}},
    "forge": {"manifests": {"forge": "gitea"}},
    "address of the forge": {"manifests": {"forge-url": "ghe.example"}},
    "address of the forge with a user": {"manifests": {"forge-url": "https://a@ghe.example"}},
    "max-files": {"manifests": {"max-files": 0}},
    "engine": {"build": {"engine": "kaniko"}},
    "ci": {"pipelines": {"ci": "travis"}},
    "list of ci": {"pipelines": {"ci": ["github", "travis"]}},
    "agent": {"pipelines": {"pull": {"agent": "fleet"}}},
    "list of agents": {"pipelines": {"pull": {"agent": ["flux"]}}},
    "deployer": {"pipelines": {"push": {"deploy": "nomad"}}},
    "cron": {"pipelines": {"triggers": {"schedule": "daily"}}},
    "a list": [],
    "a text": "x",
}


@pytest.mark.parametrize("data", REFUSED_BY_BOTH.values(), ids=REFUSED_BY_BOTH)
def test_refused_by_both(data: object) -> None:
    assert refused_by_model(data) != set()
    assert refused_as_a_file(data)
    assert refused_by_schema(data)


ODD_VALUES: list[Any] = [
    *(
        None,
        True,
        0,
        1,
        -1,
        8080,
        1.5,
        "",
        "x",
        "a b",
        "../x",
        "/x",
        "a:1",
        "30s",
        "type=sha",
        "linux/amd64",
        "é\u00a0",
        "\n",
    ),
    *(
        [],
        {},
        ["x"],
        [1],
        [[]],
        [["x"]],
        {"x": "y"},
        {"x": 1},
        {"name": "x"},
        [{"name": "x"}],
        "https://h/x",
        "!x",
        "TYPE=x",
    ),
    *("x@y", "$(id)", "@daily", "~x", "github", ["github"], {"a b": "x"}, "#x", "./x", "x\u2028", ["type=sbom", "x"]),
]


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(data=st.data())
def test_near_copies_of_the_example_are_judged_alike(data: st.DataObject) -> None:
    """The schema never refuses what the model accepts, and refuses all that is wrong in kind, not only by a rule."""
    changed = copy.deepcopy(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(_walk(changed)))
        match data.draw(st.sampled_from(["replace", "remove", "rename", "add"])):
            case "replace":
                holder[key] = copy.deepcopy(data.draw(st.sampled_from(ODD_VALUES)))
            case "remove":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[data.draw(st.sampled_from(["x", "tags", "a b", "", "paths", f"{key}s"]))] = holder.pop(key)
            case _ if isinstance(holder, list):
                holder.append(copy.deepcopy(data.draw(st.sampled_from(ODD_VALUES))))
    kinds = refused_by_model(changed)
    refused = refused_as_a_file(changed)
    assert refused or not kinds
    if not refused:
        assert not refused_by_schema(changed), [error.message for error in VALIDATOR.iter_errors(changed)]
    elif kinds - {"rule"}:
        assert refused_by_schema(changed), kinds


def test_the_reference_is_up_to_date() -> None:
    """Written again by `make docs`."""
    assert (ROOT / "docs" / "configuration.md").read_text() == json_schema.reference()


def test_the_reference_names_every_key() -> None:
    text, made = json_schema.reference(), config.schema()
    for definition in (made, *made["$defs"].values()):
        for key in definition["properties"]:
            assert f"| `{key}` |" in text
