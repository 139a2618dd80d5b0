"""Equal shell steps of a Jenkinsfile become one function, called wherever they stood."""

import pytest

from pipelinegen.pipelines.rendering.functions import with_functions

SCRIPT = """\
sh(label: 'Apply it', script: '''#!/usr/bin/env bash
one
  two
three
''')
"""
ASKED = SCRIPT.replace("it', script", "it', returnStatus: true, script")


def stage(script: str) -> str:
    return f"void a() {{\n  {script}}}\n"


def test_equal_steps_are_a_function_at_the_end() -> None:
    text = with_functions(stage(SCRIPT) + stage(f"  {SCRIPT}"))
    assert text == (
        f"void a() {{\n  doApplyIt()\n}}\nvoid a() {{\n    doApplyIt()\n}}\n\nvoid doApplyIt() {{\n  {SCRIPT}}}\n"
    )


def test_a_function_returns_the_exit_code_where_the_step_does() -> None:
    assert f"int doApplyIt() {{\n  return {ASKED}}}\n" in with_functions(stage(ASKED) * 2)


def test_steps_alike_but_for_what_they_return_are_two_functions() -> None:
    text = with_functions(stage(ASKED) * 2 + stage(SCRIPT) * 2)
    assert "int doApplyIt() {" in text
    assert "void doApplyIt2() {" in text


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    assert "void doApplyIt2() {" in with_functions("void doApplyIt() {\n}\n" + stage(SCRIPT) * 2)


@pytest.mark.parametrize(
    "text",
    [
        stage(SCRIPT),
        stage(SCRIPT) + stage(SCRIPT.replace("two", "2")),
        stage(SCRIPT) + stage(SCRIPT.replace("Apply it", "Apply")),
        stage("sh(label: 'a', script: '''x''')\n") * 2,
        "pipeline {\n}\n",
    ],
    ids=["once", "other script", "other label", "short", "nothing"],
)
def test_what_is_not_equal_stays(text: str) -> None:
    assert with_functions(text) == text
