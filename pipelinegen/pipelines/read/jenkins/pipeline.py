"""A Jenkinsfile as a whole: its stages as jobs, in their order, and what starts it."""

from __future__ import annotations

from collections.abc import Sequence

from pipelinegen.config.source import Place as Spot
from pipelinegen.pipelines.read.jenkins.declarative import declarative
from pipelinegen.pipelines.read.jenkins.scripted import scripted
from pipelinegen.pipelines.read.jenkins.stages import Outer, Stages
from pipelinegen.pipelines.read.jenkins.steps import Around, State
from pipelinegen.pipelines.read.jenkins.syntax import parse
from pipelinegen.pipelines.read.jenkins.tokens import Broken
from pipelinegen.pipelines.read.jenkins.values import Call, Method, Statement, words_of
from pipelinegen.pipelines.read.jenkins.values import Sequence as Items
from pipelinegen.pipelines.read.tree import bad_pipeline, read_text
from pipelinegen.pipelines.reading import Files, Reading


def read(file: str, data: bytes, files: Files) -> Reading:
    """What a Jenkinsfile says. Raises InputError."""
    del files
    text = read_text(file, data)
    try:
        statements = parse(text)
    except RecursionError:
        raise bad_pipeline(file, text, Spot(1, 1), "nested too deep") from None
    except Broken as error:
        raise bad_pipeline(file, text, Spot(error.line, 1), error.what) from None
    state = State(file)
    for each in statements:
        if isinstance(each, Method):
            state.methods[each.name] = each
    stages = Stages()
    try:
        _top(state, statements, stages)
    except RecursionError:
        raise bad_pipeline(file, text, Spot(1, 1), "nested too deep") from None
    if not stages.jobs and not state.unknown:
        raise bad_pipeline(
            file, text, Spot(1, 1), "this is no Jenkinsfile: there is neither `pipeline` nor `node` in it"
        )
    unknown = tuple(sorted(state.unknown))
    return Reading(file, "jenkins", "", tuple(stages.triggers), tuple(stages.jobs), unknown, {file: text})


def _top(state: State, statements: Sequence[Statement], stages: Stages) -> None:
    rest: list[Statement] = []
    for each in statements:
        if isinstance(each, Call) and each.name in {"@Library", "library"}:
            words = ", ".join(words_of(value) for value in each.arguments) or "a library"
            if each.arguments and isinstance(each.arguments[0], Items):
                words = ", ".join(words_of(value) for value in each.arguments[0].items)
            state.say(each.line, f"the shared library {words} is not read; what its steps do is not known")
        elif isinstance(each, Call) and each.name == "pipeline" and each.block is not None:
            declarative(state, each, stages)
        elif not isinstance(each, Method):
            rest.append(each)
    if rest:
        scripted(state, rest, stages, Outer(Around()), [])


_BLOCKS = frozenset(
    [
        "node",
        "timestamps",
        "ansiColor",
        "timeout",
        "lock",
        "withEnv",
        "withCredentials",
        "dir",
        "ws",
        "retry",
        "catchError",
        "warnError",
        "podTemplate",
        "container",
        "sshagent",
        "docker.withRegistry",
        "withDockerRegistry",
        "withKubeConfig",
        "withAWS",
        "parallel",
        "script",
    ]
)
