"""What is to be observed: one of the options, or what a delivery wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.commands.subjects import Asked, ObserveOptions, Subject, asked_for
from pipelinegen.errors import InputError

SHA = "1" * 40


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        (ObserveOptions(commit=SHA), Subject(commit=SHA)),
        (ObserveOptions(commit="a" * 64), Subject(commit="a" * 64)),
        (ObserveOptions(branch="pipelinegen-bump"), Subject(branch="pipelinegen-bump")),
        (ObserveOptions(pull_request=3), Subject(number=3)),
    ],
    ids=["a commit", "a commit of SHA-256", "a branch", "a number"],
)
def test_an_option_names_it(options: ObserveOptions, subject: Subject) -> None:
    assert asked_for(options) == Asked((subject,))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (ObserveOptions(), "what to observe is not said"),
        (ObserveOptions(commit=SHA, branch="x"), "--commit and --branch are given"),
        (ObserveOptions(commit="1234567"), "is not the whole SHA"),
        (ObserveOptions(commit="main"), "is not the whole SHA"),
        (ObserveOptions(commit="A" * 40), "is not the whole SHA"),
        (ObserveOptions(from_document="nowhere.json"), "cannot read what was delivered: no such file"),
    ],
    ids=["nothing", "two", "short", "a branch", "upper case", "no file"],
)
def test_what_cannot_be_observed(options: ObserveOptions, words: str) -> None:
    with pytest.raises(InputError, match=words):
        asked_for(options)


def delivered(**delivery: Any) -> dict[str, Any]:
    return {"how": "pull-request", "branch": "b", "commit": SHA, "pull_request": None, **delivery}


PULL = {"number": 7, "url": "https://x.example/7", "state": "opened"}
DOCUMENTS: dict[str, tuple[dict[str, Any], Asked]] = {
    "a pull request": ({"delivery": delivered(pull_request=PULL)}, Asked((Subject(number=7),))),
    "a push": ({"delivery": delivered(how="push")}, Asked((Subject(commit=SHA),))),
    "a branch without a pull request": ({"delivery": delivered()}, Asked(())),
    "nothing to do": ({"delivery": delivered(how="push", commit=None)}, Asked(())),
    "an error": ({"error": {"id": "net"}}, Asked(())),
    "an environment": (
        {"delivery": delivered(how="push"), "edits": [{"environment": "qa"}, {"environment": "qa"}]},
        Asked((Subject(commit=SHA),), "qa"),
    ),
    "two environments": (
        {"delivery": delivered(how="push"), "edits": [{"environment": "qa"}, {"environment": None}]},
        Asked((Subject(commit=SHA),)),
    ),
    "several deliveries": (
        {"delivery": delivered(), "deliveries": [delivered(how="push"), delivered(pull_request=PULL), delivered()]},
        Asked((Subject(commit=SHA), Subject(number=7))),
    ),
}


@pytest.mark.parametrize(("document", "asked"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_names_what_was_delivered(tmp_path: Path, document: dict[str, Any], asked: Asked) -> None:
    (tmp_path / "bump.json").write_text(json.dumps({"schema": "pipelinegen.bump/1", **document}))
    assert asked_for(ObserveOptions(directory=str(tmp_path), from_document="bump.json")) == asked


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": "other/1"}', "[" * 100_000, "\x00", '"x"'])
def test_a_file_that_is_no_such_document(tmp_path: Path, text: str) -> None:
    (tmp_path / "bump.json").write_text(text)
    with pytest.raises(InputError) as raised:
        asked_for(ObserveOptions(directory=str(tmp_path), from_document="bump.json"))
    assert raised.value.id == "bad-metadata"


def test_a_subject_in_a_word() -> None:
    assert [str(one) for one in (Subject(number=7), Subject(branch="b"), Subject(commit=SHA))] == ["#7", "b", SHA[:12]]
