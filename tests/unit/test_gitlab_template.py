"""`.gitlab-ci-template.yml`: one name for each option through every door, pins and version from one place."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipelinegen import __version__, options
from pipelinegen.pipelines.pins import images
from tests.support.gitlab_ci import documents, jobs, tree
from tests.support.hostile_values import VALUES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".gitlab-ci-template.yml").read_text(encoding="utf-8")
HEADER, BODY = documents(TEXT)
INPUTS: dict[str, dict[str, Any]] = HEADER["spec"]["inputs"]
# What is of the template and not of the command.
OWN = {
    *("build", "bump", "observe", "if", "prefix", "build-stage", "bump-stage", "observe-stage"),
    *("version", "image", "docker-image", "token-variable", "username", "references"),
}
OBSERVE = {"--status", "--timeout", "--interval"}
OPTIONS = [*options.BUMP, *(option for option in options.OBSERVE if option.names[-1] in OBSERVE)]
TYPES = {"many": "array", "flag": "boolean"}


def named(option: options.Option) -> str:
    return option.names[-1].removeprefix("--")


@pytest.mark.parametrize("option", OPTIONS, ids=named)
def test_an_option_is_an_input_of_its_name(option: options.Option) -> None:
    found = INPUTS[named(option)]
    assert found.get("type", "string") == TYPES.get(option.kind, "string")
    assert found["default"] == {"many": [], "flag": False}.get(option.kind, "")
    choices = ("true", "false") if option.kind == "toggle" else option.choices
    assert tuple(found.get("options", ())) == (("", *choices) if choices else ())
    one_line = "^.*$" if option.kind == "value" else None
    assert found.get("regex") == ("^[0-9]*$" if option.kind == "number" else one_line)
    said = re.sub(r"(; repeatable| \(repeatable\))", "", option.help)
    assert found["description"].removeprefix("observe: ") == said


@pytest.mark.parametrize("option", OPTIONS, ids=named)
def test_an_input_reaches_the_variable_of_its_option(option: options.Option) -> None:
    variables = BODY[".pipelinegen-inputs"]["variables"]
    prefix = {"many": "list:", "flag": "flag:"}.get(option.kind, "")
    assert variables[option.variable.replace("PIPELINEGEN_", "INPUT_")] == f"{prefix}$[[ inputs.{named(option)} ]]"


def test_there_is_no_other_input() -> None:
    assert set(INPUTS) == OWN | {named(option) for option in OPTIONS}
    assert all(value["description"] for value in INPUTS.values())


def test_every_input_is_used_and_only_those_are() -> None:
    used = set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", json.dumps(BODY)))
    assert used == set(INPUTS)


def test_version_and_images_are_those_of_this_release() -> None:
    assert INPUTS["version"]["default"] == __version__
    assert INPUTS["image"]["default"] == str(images()["python"])
    assert INPUTS["docker-image"]["default"] == str(images()["docker"])


def test_no_input_stands_in_a_script() -> None:
    for name, job in jobs(BODY):
        for key in ("before_script", "script", "after_script"):
            assert "$[[" not in json.dumps(job.get(key, [])), name


def interpolated(**inputs: Any) -> dict[str, Any]:
    """The file as GitLab makes it: the text of an input is put in before the file is read as YAML."""
    values = {name: value["default"] for name, value in INPUTS.items()} | inputs
    body = TEXT.partition("\n---\n")[2]

    def text(found: re.Match[str]) -> str:
        value = values[found[1]]
        return value if isinstance(value, str) else json.dumps(value)

    return tree(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", text, body))


@pytest.mark.parametrize("value", [value for value in VALUES if "\n" not in value])
def test_a_text_of_an_input_stays_in_its_value(value: str) -> None:
    inputs = {named(option): value for option in OPTIONS if option.kind == "value"}
    lists = {named(option): [value, "second"] for option in OPTIONS if option.kind == "many"}
    found = interpolated(**inputs, **lists, references=value, username=value, **{"if": value})
    variables = found["pipelinegen-bump"]["variables"]
    assert variables["REFERENCES"] == variables["INPUT_USERNAME"] == value
    assert all(variables[f"INPUT_{name.upper().replace('-', '_')}"] == value for name in inputs)
    for name in lists:
        head, _, rest = variables[f"INPUT_{name.upper()}"].partition(":")
        assert (head, json.loads(rest)) == ("list", [value, "second"])
    assert found["pipelinegen-bump"]["rules"][1] == {"if": value}
    assert set(found) == set(interpolated())


@pytest.mark.parametrize("name", [name for name, value in INPUTS.items() if value.get("type", "string") == "string"])
def test_a_text_of_an_input_has_one_line(name: str) -> None:
    if options_of := INPUTS[name].get("options"):
        assert not any("\n" in option for option in options_of)
    else:
        assert re.search(INPUTS[name]["regex"], "a") or name in ("version", "max-files", "max-attempts")
        assert not re.search(INPUTS[name]["regex"].replace("$", r"\Z"), "a\nscript: [touch pwned]")


def test_the_component_is_the_template() -> None:
    assert (ROOT / "templates" / "pipelinegen.yml").read_text(encoding="utf-8") == TEXT


EXAMPLES = re.findall(r"(?ms)^```yaml\n(.*?)^```$", (ROOT / "docs" / "gitlab.md").read_text(encoding="utf-8"))
PYTHON_TYPES = {"array": list, "boolean": bool, "string": str}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_document_is_one_that_gitlab_takes(example: str) -> None:
    found = documents(example)[-1]
    stages = {".pre", ".post", *found.get("stages", ("build", "test", "deploy"))}
    for include in found["include"]:
        values = {name: value["default"] for name, value in INPUTS.items()} | include["inputs"]
        for name, value in values.items():
            assert isinstance(value, PYTHON_TYPES[INPUTS[name].get("type", "string")]), name
            assert value in INPUTS[name].get("options", (value,)), name
        assert {values[name] for name in ("build-stage", "bump-stage", "observe-stage")} <= stages
    for name, job in found.items():
        if isinstance(job, dict):
            assert job["extends"] in BODY, name
            known = {option.variable for option in options.BUMP} | {"REFERENCES"}
            assert set(job["variables"]) <= known


def test_the_document_has_an_example_of_each_way() -> None:
    assert len(EXAMPLES) == 4
    text = (ROOT / "docs" / "gitlab.md").read_text(encoding="utf-8")
    assert all(f"`{way}: " in text for way in ("remote", "project", "local", "component"))
    assert f"v{__version__}/.gitlab-ci-template.yml" in text
