"""A pipeline as a Jenkinsfile: conditions, order, names and credentials. What they come to is run elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from pipelinegen.pipelines.application import DeployerName
from pipelinegen.pipelines.deployers import DEPLOYERS
from pipelinegen.pipelines.design import design
from pipelinegen.pipelines.model import (
    Answer,
    Condition,
    Credential,
    Deployment,
    Event,
    Job,
    Literally,
    Pipeline,
    Question,
    Secret,
    Triggers,
)
from pipelinegen.pipelines.model import Run as Step
from pipelinegen.pipelines.rendering import jenkins, jenkins_when
from pipelinegen.pipelines.rendering.jenkins_values import credential_kind, credentials_id, listed
from pipelinegen.pipelines.rendering.languages import nested
from tests.support import applications

PUSH = Condition(("branch", "tag"))
KEY = Credential("KEY", "token", "server", "everything", "to try")


def job(id: str = "work", when: Condition = PUSH, *steps: Step, **more: Any) -> Job:
    return Job(id, more.pop("title", id), ("build",), when, steps or (Step("Say", ("echo it",)),), **more)


def pipeline(*jobs: Job, **more: Any) -> Pipeline:
    triggers = more.pop("triggers", Triggers(("main",), ("v*",)))
    return Pipeline("push", "jenkins", "shop", triggers, jobs or (job(),), **{"runner": "linux", **more})


def text_of(made: Pipeline) -> str:
    (file,) = jenkins.files(made)
    assert file.path == "Jenkinsfile"
    return file.text


def conditions(events: tuple[Event, ...], triggers: Triggers, **more: Any) -> tuple[str, ...]:
    work = job("work", Condition(events, **more))
    return jenkins_when.conditions(jenkins_when.with_nothing_asked(pipeline(work, triggers=triggers)), work)


ONE = Triggers(("main",), ("v*",))
CONDITIONS: dict[str, tuple[tuple[Event, ...], Triggers, dict[str, Any], tuple[str, ...]]] = {
    "a branch": (("branch",), ONE, {}, ("branch 'main'", "not { buildingTag() }")),
    "any branch": (("branch",), Triggers(()), {}, ("not { buildingTag() }", "not { changeRequest() }")),
    "a pattern, which a change's name may match": (
        ("branch",),
        Triggers(("*",)),
        {},
        ("branch '*'", "not { buildingTag() }", "not { changeRequest() }"),
    ),
    "a name that is no plain one": (
        ("branch",),
        Triggers(("it's",)),
        {},
        ("branch(pattern: 'it\\'s', comparator: 'EQUALS')", "not { buildingTag() }"),
    ),
    "two branches": (
        ("branch",),
        Triggers(("main", "release/*")),
        {},
        ("anyOf {\n  branch 'main'\n  branch 'release/*'\n}", "not { buildingTag() }", "not { changeRequest() }"),
    ),
    "a tag": (("tag",), ONE, {}, ("tag 'v*'",)),
    "any tag": (("tag",), Triggers(("main",)), {}, ("buildingTag()",)),
    "a branch or a tag": (
        ("branch", "tag"),
        ONE,
        {},
        ("anyOf {\n  allOf {\n    branch 'main'\n    not { buildingTag() }\n  }\n  tag 'v*'\n}",),
    ),
    "not by the clock": (
        ("tag",),
        replace(ONE, schedule="0 5 * * *"),
        {},
        ("tag 'v*'", "not { triggeredBy 'TimerTrigger' }"),
    ),
    "by the clock": (("schedule",), ONE, {}, ("triggeredBy 'TimerTrigger'", "branch 'main'")),
    "a change": (("change",), ONE, {}, ("changeRequest(target: 'main')",)),
    "a change to a pattern": (
        ("change",),
        Triggers(("release/*",)),
        {},
        ("changeRequest(target: 'release/*', comparator: 'GLOB')",),
    ),
    "a change of this repository": (
        ("change",),
        ONE,
        {"forks": False},
        ("changeRequest(target: 'main')", "expression { env.CHANGE_FORK == null }"),
    ),
    "a person": (("manual",), ONE, {}, ("triggeredBy 'UserIdCause'", "not { changeRequest() }", "branch 'main'")),
    "a person who answers": (
        ("manual",),
        replace(ONE, questions=(Question("what", "?", ("a", "b")),)),
        {"answered": ("what", "b")},
        (
            "triggeredBy 'UserIdCause'",
            "equals(expected: 'b', actual: params.what)",
            "not { changeRequest() }",
            "branch 'main'",
        ),
    ),
}


@pytest.mark.parametrize(("events", "triggers", "more", "expected"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_an_event_is_a_condition(
    events: tuple[Event, ...], triggers: Triggers, more: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert conditions(events, triggers, **more) == expected


def test_a_push_is_told_from_a_person_who_asks_for_something() -> None:
    back = job("back", Condition(("manual",), answered=("what", "b")))
    asked = replace(ONE, questions=(Question("what", "?", ("a", "b"), "a"),))
    made = jenkins_when.with_nothing_asked(pipeline(job(), back, triggers=asked))
    assert made.triggers.questions[0].choices == ("", "a", "b")
    assert jenkins_when.conditions(made, made.jobs[0])[1:] == ("equals(expected: '', actual: params.what)",)


def test_a_push_is_told_from_a_person_where_nothing_is_asked() -> None:
    by_hand = job("back", Condition(("manual",)))
    made = pipeline(job("work", Condition(("tag",))), by_hand)
    assert jenkins_when.conditions(made, made.jobs[0]) == ("tag 'v*'", "not { triggeredBy 'UserIdCause' }")


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        (("main",), "env.BRANCH_NAME == 'main' ? 'TZ=UTC\\n1 2 * * *' : ''"),
        (("release/*", "main"), "env.BRANCH_NAME == 'main' ? 'TZ=UTC\\n1 2 * * *' : ''"),
        (("release/*",), "'TZ=UTC\\n1 2 * * *'"),
    ],
)
def test_the_clock_is_for_the_first_branch_that_is_no_pattern(branches: tuple[str, ...], expected: str) -> None:
    assert jenkins_when.schedule_of(pipeline(triggers=Triggers(branches, schedule="1 2 * * *"))) == expected
    assert jenkins_when.schedule_of(pipeline()) is None


KINDS = {
    "token": (KEY, "key", "Secret text"),
    "of an environment": (replace(KEY, environment="pre production"), "key-pre-production", "Secret text"),
    "login": (
        replace(KEY, name="REGISTRY_GHCR_IO", parts=("username", "password")),
        "registry-ghcr-io",
        "Username with password",
    ),
    "kubeconfig": (
        Credential("KUBE_CONFIG", "kubeconfig", "cluster", "x", "y", file=True),
        "kube-config",
        "Secret file",
    ),
    "ssh": (Credential("SSH_KEY", "ssh-key", "host", "x", "y", file=True), "ssh-key", "SSH Username with private key"),
    "app": (Credential("APP", "app", "forge", "x", "y"), "app", "GitHub App"),
}


@pytest.mark.parametrize(("credential", "id", "kind"), KINDS.values(), ids=KINDS.keys())
def test_a_credential_has_an_id_and_a_kind_of_jenkins(credential: Credential, id: str, kind: str) -> None:
    assert (credentials_id(credential), credential_kind(credential)) == (id, kind)


def test_a_credential_is_bound_around_one_script() -> None:
    use = Step("Use", ('use "$TOKEN"',), {"TOKEN": Secret("KEY"), "WHERE": Literally("$HOME")})
    text = text_of(pipeline(job("work", PUSH, Step("Say", ("echo it",)), use, credentials=(KEY,))))
    assert text.count("withCredentials(") == 1
    inner = "\n".join(line.strip() for line in text.splitlines())
    assert (
        "withEnv(['WHERE=$$HOME']) {\nwithCredentials([string(credentialsId: 'key', variable: 'TOKEN')]) {\n"
        "sh(label: 'Use', script: '''#!/usr/bin/env bash\nset -euo pipefail\nuse \"$TOKEN\"\n''')\n}\n}\n" in inner
    )
    assert "// key (Secret text): everything; to try" in inner


def test_names_that_jenkins_cannot_have_are_refused() -> None:
    odd = Step("Say", ("echo",), {"A": Answer("odd name")})
    with pytest.raises(ValueError, match="odd name"):
        jenkins.files(pipeline(job("work", PUSH, odd)))
    with pytest.raises(ValueError, match="variable of a shell"):
        jenkins.files(pipeline(job("work", PUSH, Step("Say", ("echo",), {"a b": Literally("x")}))))
    with pytest.raises(ValueError, match="none of its credentials"):
        jenkins.files(pipeline(job("work", PUSH, Step("Say", ("echo",), {"A": Secret("KEY")}))))


def stages(text: str) -> list[str]:
    return re.findall(r"^ +stage\('(.*)'\)", text, re.MULTILINE)


def test_jobs_that_start_together_stand_side_by_side_and_deployments_do_not() -> None:
    staging, production = (Deployment(name) for name in ("staging", "production"))
    made = pipeline(
        job("lint"),
        job("build", matrix=("api", "web")),
        job("a", environment=staging, needs=("build",)),
        job("b", environment=production, needs=("build",)),
        job("look-a", Condition(("schedule",)), environment=replace(staging, action="look")),
        job("look-b", Condition(("schedule",)), environment=replace(production, action="look")),
    )
    text = text_of(made)
    assert stages(text) == [
        *("lint, build", "lint", "build: api", "build: web"),
        *("a", "b"),
        *("look-a, look-b", "look-a", "look-b"),
    ]
    assert text.count("parallel {") == 2
    assert jenkins.files(made) == jenkins.files(made)


def test_no_agent_is_named_where_none_is_configured() -> None:
    assert "agent any" in text_of(pipeline(runner=""))
    assert "label" not in text_of(pipeline(runner="")).replace("sh(label:", "")


def test_the_time_of_a_run_is_bounded_and_a_person_has_a_week() -> None:
    assert "timeout(time: 1, unit: 'HOURS')" in text_of(pipeline(job(timeout=30)))
    assert "timeout(time: 3, unit: 'HOURS')" in text_of(pipeline(job("a", timeout=60), job("b", timeout=15)))
    waiting = job(environment=Deployment("production", approval=True), timeout=30)
    assert "timeout(time: 168, unit: 'HOURS')" in text_of(pipeline(waiting))


def test_the_lines_of_a_script_stay_where_they_are() -> None:
    code = "a {\n  sh '''x\n y\n'''\n}\n// it'''s\nb\n"
    assert nested(code) == "  a {\n    sh '''x\n y\n'''\n  }\n  // it'''s\n  b\n"


def test_a_long_list_has_a_line_for_each() -> None:
    assert listed(()) == ""
    assert listed(["'a'", "'b'"]) == "['a', 'b']"
    assert listed(["'" + "a" * 60 + "'", "'" + "b" * 60 + "'"]).count("\n") == 3


@pytest.mark.parametrize("deployer", [None, "kubectl", "ansible"])
def test_nothing_is_put_into_a_text_by_groovy(deployer: DeployerName | None) -> None:
    with_it = DEPLOYERS[deployer] if deployer else None
    made = design(applications.shop(), "push" if deployer else "pull", "jenkins", with_it)
    code = re.sub(r"'''(?s:.*?)'''|'(?:[^'\\\n]|\\.)*'|//.*", "", text_of(made))
    assert '"' not in code
