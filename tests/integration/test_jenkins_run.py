"""Jenkinsfiles run on this machine: what starts which stage, what a stage finds, what a failure leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.pipelines.model import (
    Answer,
    Artifact,
    Checkout,
    Condition,
    Credential,
    Custom,
    Deployment,
    Each,
    Fact,
    FactName,
    Job,
    Literally,
    Pipeline,
    Question,
    Secret,
    Triggers,
)
from pipelinegen.pipelines.model import Run as Step
from pipelinegen.pipelines.rendering import jenkins
from tests.support.hostile_values import MARK, VALUES
from tests.support.jenkins import BY_HAND, BY_TIMER, Run, World, judge
from tests.support.repos import git

PUSH = Condition(("branch", "tag"))
KEY = Credential("KEY", "token", "server", "everything", "to try", environment="production")
LOGIN = Credential("LOGIN", "password", "registry", "push", "to push", parts=("username", "password"))
FILE = Credential("KUBE_CONFIG", "kubeconfig", "cluster", "all", "to deploy", file=True)
SSH = Credential("SSH_KEY", "ssh-key", "host", "root", "to deploy", file=True)
CLOUD = Credential("CLOUD", "cloud-key", "cloud", "all", "to deploy", parts=("id", "secret"))
APP = Credential("APP", "app", "manifest-repository", "contents", "to push")
STORE = {
    "key-production": {"kind": "string", "secret": "s3cret $HOME `id` 'x'"},
    "login": {"kind": "usernamePassword", "username": "robot", "secret": "p4ssword-of-robot"},
    "kube-config": {"kind": "file", "secret": "clusters: [production]\n", "name": "kubeconfig"},
    "ssh-key": {"kind": "sshUserPrivateKey", "username": "root", "secret": "PRIVATE KEY\nof root\n"},
    "cloud-id": {"kind": "string", "secret": "AKIA-of-cloud"},
    "cloud-secret": {"kind": "string", "secret": "secret-of-cloud"},
    "app": {"kind": "usernamePassword", "username": "1234", "secret": "ghs_of_the_app"},
}


def job(id: str, when: Condition, *steps: Step, **more: Any) -> Job:
    return Job(id, more.pop("title", id), ("build",), when, steps, **more)


def pipeline(*jobs: Job, **more: Any) -> Pipeline:
    triggers = more.pop("triggers", Triggers(("main",), ("v*",)))
    return Pipeline("push", "jenkins", "shop", triggers, jobs, runner="linux", **more)


def text_of(made: Pipeline) -> str:
    (file,) = jenkins.files(made)
    assert judge().check(file.text) == [[]]
    return file.text


def run(made: Pipeline, world: World) -> Run:
    return judge().run(text_of(made), world)


def saying(name: str = "Say", **more: Any) -> Step:
    return Step(name, ('echo "said $WORD"',), {"WORD": Literally("it")}, **more)


# What starts what.

ASKED = Triggers(
    ("main", "release/*"),
    ("v*",),
    schedule="17 4 * * *",
    questions=(Question("environment", "Which?", ("staging", "production"), "staging"), Question("words", "What?")),
)
WORK = pipeline(
    job("check", Condition(("change", "branch")), saying()),
    job("test", Condition(("change",)), saying(), matrix=("api", "web")),
    job("plan", Condition(("change",), forks=False), saying(), environment=Deployment("staging", "look")),
    job("build", PUSH, saying()),
    job("deploy", PUSH, saying(), needs=("build",), environment=Deployment("production", approval=True)),
    job("drift", Condition(("schedule",)), saying()),
    job("back-staging", Condition(("manual",), answered=("environment", "staging")), saying()),
    job("back-production", Condition(("manual",), answered=("environment", "production")), saying()),
    triggers=ASKED,
)
CHANGE = {"BRANCH_NAME": "PR-7", "CHANGE_ID": "7", "CHANGE_TARGET": "main", "CHANGE_BRANCH": "feature"}
TAG = {"BRANCH_NAME": "v1.0.0", "TAG_NAME": "v1.0.0"}
DELIVERED = ["check", "build", "deploy"]
TESTED = ["test: api", "test: web"]
EVENTS: dict[str, tuple[Mapping[str, Any], list[str]]] = {
    "a push": ({}, DELIVERED),
    "a push to a branch of the pattern": ({"env": {"BRANCH_NAME": "release/1"}}, DELIVERED),
    "a push to another branch": ({"env": {"BRANCH_NAME": "feature"}}, []),
    "a branch below the pattern": ({"env": {"BRANCH_NAME": "release/1/x"}}, []),
    "a tag": ({"env": TAG}, ["build", "deploy"]),
    "another tag": ({"env": {"BRANCH_NAME": "nightly", "TAG_NAME": "nightly"}}, []),
    "a tag that is called like the branch": ({"env": {"BRANCH_NAME": "main", "TAG_NAME": "main"}}, []),
    "a change": ({"env": CHANGE}, ["check", *TESTED, "plan"]),
    "a change of a fork": ({"env": {**CHANGE, "CHANGE_FORK": "somebody"}}, ["check", *TESTED]),
    "a change to another branch": ({"env": {**CHANGE, "CHANGE_TARGET": "feature"}}, []),
    "the clock": ({"cause": BY_TIMER}, ["drift"]),
    "the clock on another branch": ({"cause": BY_TIMER, "env": {"BRANCH_NAME": "feature"}}, []),
    "a person who asks for nothing": ({"cause": BY_HAND}, DELIVERED),
    "a person who goes back": ({"cause": BY_HAND, "params": {"environment": "production"}}, ["back-production"]),
    "a person at a change": (
        {"cause": BY_HAND, "env": CHANGE, "params": {"environment": "staging"}},
        ["check", *TESTED, "plan"],
    ),
    "a person at a tag": ({"cause": BY_HAND, "env": TAG}, ["build", "deploy"]),
}


@pytest.mark.parametrize(("more", "expected"), EVENTS.values(), ids=EVENTS.keys())
def test_an_event_starts_its_stages(more: Mapping[str, Any], expected: list[str], tmp_path: Path) -> None:
    ran = run(WORK, World(tmp_path, answers={"deploy?": {"by": "ann"}}, **more))
    assert ran.result == "SUCCESS", ran.text
    # The stage around the legs of a matrix has the name of the job.
    assert sorted(set(ran.done()) - {"test"}) == sorted(expected)


def test_a_change_stops_its_older_runs_and_a_branch_queues(tmp_path: Path) -> None:
    made = replace(WORK, jobs=tuple(replace(job, cancel=True) for job in WORK.jobs))
    for env, stops in (({"BRANCH_NAME": "main"}, False), (CHANGE, True)):
        ran = run(made, World(tmp_path / env["BRANCH_NAME"], env=env, answers={"deploy?": {"by": "ann"}}))
        assert ran.properties["options"]["disableConcurrentBuilds"] == {"abortPrevious": stops}
    assert "abortPrevious" not in text_of(WORK)


def test_the_clock_and_the_questions_are_those_of_the_pipeline(tmp_path: Path) -> None:
    """The clock is for one branch, or each would have a run of its own; no answer is the first choice."""
    ran = run(WORK, World(tmp_path, answers={"deploy?": {"by": "ann"}}))
    assert ran.properties["triggers"] == ["TZ=UTC\n17 4 * * *"]
    assert ran.properties["parameters"]["environment"]["choices"] == ["", "staging", "production"]
    assert ran.properties["parameters"]["words"]["default"] == ""
    other = run(WORK, World(tmp_path, env={"BRANCH_NAME": "feature"}))
    assert other.properties["triggers"] == [""]


# Approvals.


def test_a_person_of_the_list_approves_before_an_agent_is_taken(tmp_path: Path) -> None:
    deploy = job("deploy", PUSH, saying(), environment=Deployment("p", approval=True, reviewers=("ann", "ops")))
    answered = {"ops": ("SUCCESS", ["deploy"]), "eve": ("ABORTED", []), None: ("ABORTED", [])}
    for by, (result, done) in answered.items():
        folder = tmp_path / str(by)
        ran = run(pipeline(deploy), World(folder, answers={"deploy?": {"by": by}} if by else {}))
        assert (ran.result, ran.done()) == (result, done), ran.text
        assert len(ran.shells) == len(done)
    refused = run(pipeline(deploy), World(tmp_path / "no", answers={"deploy?": {"by": "ann", "refused": True}}))
    assert (refused.result, refused.shells) == ("ABORTED", [])


def test_what_only_looks_waits_for_nobody(tmp_path: Path) -> None:
    look = job("plan", PUSH, saying(), environment=Deployment("p", "look", approval=True))
    assert run(pipeline(look), World(tmp_path)).done() == ["plan"]


# Values.


def test_thirty_hostile_values_arrive_and_nothing_of_them_runs(tmp_path: Path) -> None:
    """In every free text: as values of steps and pipelines, answers, names, questions, reviewers, rights, headers."""
    out = tmp_path / "out"
    out.mkdir()
    write = ('printf "%s" "$VALUE" > "$OUT/$NUMBER"', 'printf "%s" "$WHOLE" > "$OUT/$NUMBER-whole"')
    texts = []
    for at, value in enumerate(VALUES):
        name = value or "nothing"
        values = {"VALUE": Literally(value), "NUMBER": Literally(str(at))}
        late = replace(Step(f"Late {name}", ('printf "%s" "$VALUE" > "$OUT/$NUMBER-late"',), values), when="always")
        asked = Step("Asked", ('printf "%s" "$VALUE" > "$OUT/$NUMBER-asked"',), {**values, "VALUE": Answer("words")})
        leg = Step(
            "Leg", ('printf "%s" "$VALUE" > "$(mktemp "$OUT/$NUMBER-leg-XXXXXX")"',), {**values, "VALUE": Each()}
        )
        odd = replace(KEY, rights=name, why=name)
        where = Deployment(name, "look", url=name, reviewers=(name,))
        kept = (Artifact("report", "r.xml", "junit"), Artifact("plan", "p.txt", "text"))
        jobs = (
            job("write", PUSH, Step(name, write, values), asked, late, title=name, environment=where, produces=kept),
            replace(job("legs", PUSH, leg, title=f"Legs {name}"), matrix=(name, "b"), credentials=(odd,)),
            job(
                "deploy", Condition(("manual",), ("words", name)), saying(), environment=replace(where, action="deploy")
            ),
        )
        questions = (Question("words", value, (), value), Question("choice", value, ("a", name), name))
        triggers = Triggers(("main", name), (name,), questions=questions)
        made = pipeline(*jobs, triggers=triggers, header=(name,), variables={"WHOLE": Literally(value)})
        texts.append(text_of(replace(made, runner=value)))
    for at, (text, value) in enumerate(zip(texts, VALUES, strict=True)):
        env = {"BRANCH_NAME": "main", "OUT": str(out), "words": value}
        world = World(tmp_path / str(at), env=env, params={"words": value} if value else {})
        ran = judge().run(text, world)
        assert ran.result == "SUCCESS", ran.text
        for suffix in ("", "-whole", "-late", "-asked"):
            assert (out / f"{at}{suffix}").read_bytes().decode() == value, suffix
        legs = {path.read_bytes().decode() for path in out.glob(f"{at}-leg-*")}
        assert legs == {value or "nothing", "b"}
        assert not list(tmp_path.rglob(MARK))


def test_a_step_finds_the_facts_of_the_run(tmp_path: Path) -> None:
    upstream, commit = repository(tmp_path)
    facts: tuple[FactName, ...] = (
        "commit",
        "branch",
        "tag",
        "ref",
        "actor",
        "event",
        "repository-url",
        "run-url",
        "workspace",
    )
    look = Step("Look", ("env -0",), {f"F_{at}": Fact(name) for at, name in enumerate(facts)})
    made = pipeline(
        Job(
            "look", "look", ("build",), Condition(("branch", "tag", "change", "schedule", "manual")), (Checkout(), look)
        ),
        triggers=Triggers((), ()),
    )
    url = f"file://{upstream}"
    expected = {
        "main": [commit, "main", "", "refs/heads/main", "", "branch"],
        "tag": [commit, "", "v1.0.0", "refs/tags/v1.0.0", "", "tag"],
        "change": [commit, "feature", "", "refs/pull/7/head", "ann", "change"],
        "schedule": [commit, "main", "", "refs/heads/main", "", "schedule"],
        "manual": [commit, "main", "", "refs/heads/main", "", "manual"],
    }
    told: dict[str, Mapping[str, Any]] = {
        "tag": {"env": TAG},
        "change": {"env": {**CHANGE, "CHANGE_AUTHOR": "ann"}},
        "schedule": {"cause": BY_TIMER},
        "manual": {"cause": BY_HAND},
    }
    for name, values in expected.items():
        ran = run(made, World(tmp_path / name, url=url, **told.get(name, {})))
        found = dict(line.split("=", 1) for each in ran.log for line in each.split("\0") if line.startswith("F_"))
        workspace = str(tmp_path / name / "workspace")
        assert [found[f"F_{at}"] for at in range(len(facts))] == [
            *values,
            url,
            "http://127.0.0.1/job/shop/1/",
            workspace,
        ]


def repository(folder: Path) -> tuple[Path, str]:
    upstream = folder / "upstream"
    upstream.mkdir()
    git(upstream, "init", "--quiet", "--initial-branch=main")
    git(upstream, "commit", "--quiet", "--allow-empty", "--message", "first")
    return upstream, git(upstream, "rev-parse", "HEAD").decode().strip()


def test_a_first_run_was_asked_nothing_and_finds_the_default(tmp_path: Path) -> None:
    """Jenkins knows the questions of a file when its first run is over."""
    asked = Triggers(("main",), questions=(Question("words", "Which?", (), "usual $HOME"),))
    say = Step("Say", ('echo "one ($ONE) two ($WORDS)"',), {"ONE": Answer("words"), "WORDS": Answer("words")})
    made = pipeline(job("say", PUSH, say), triggers=asked)
    assert "one (usual $HOME) two ()" in run(made, World(tmp_path / "1")).text
    ran = run(made, World(tmp_path / "2", params={"words": "other $PATH"}))
    assert "one (other $PATH) two (other $PATH)" in ran.text


# Credentials.


def test_a_credential_is_seen_by_the_script_that_asks_for_it_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    values: dict[str, Any] = {
        "TOKEN": Secret("KEY"),
        "AGAIN": Secret("KEY"),
        "USER_NAME": Secret("LOGIN", "username"),
        "PASSWORD": Secret("LOGIN", "password"),
        "KUBECONFIG": Secret("KUBE_CONFIG"),
        "SSH_KEY": Secret("SSH_KEY"),
        "CLOUD_SECRET": Secret("CLOUD", "secret"),
        "APP_TOKEN": Secret("APP"),
    }
    lines = (
        'printf "%s\\n" "$TOKEN" "$AGAIN" "$USER_NAME" "$PASSWORD" "$CLOUD_SECRET" "$APP_TOKEN" > "$OUT/seen"',
        'cat "$KUBECONFIG" "$SSH_KEY" >> "$OUT/seen"',
        'stat --format %a "$KUBECONFIG" > "$OUT/mode"',
        'echo "$PASSWORD $APP_TOKEN"',
        'env > "$OUT/env"',
    )
    after = Step("After", ('env > "$OUT/after"', 'find "$WORKSPACE_TMP" -type f -path "*secret*" > "$OUT/left"'))
    held = (KEY, LOGIN, FILE, SSH, CLOUD, APP)
    made = pipeline(job("use", PUSH, Step("Use", lines, values), after, credentials=held))
    env = {"BRANCH_NAME": "main", "OUT": str(tmp_path / "out")}
    ran = run(made, World(tmp_path / "run", env=env, credentials=STORE))
    assert ran.result == "SUCCESS", ran.text
    read = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    key = STORE["key-production"]["secret"]
    seen = [key, key, "robot", "p4ssword-of-robot", "secret-of-cloud", "ghs_of_the_app"]
    assert read["seen"] == "\n".join(seen) + "\nclusters: [production]\nPRIVATE KEY\nof root\n"
    assert read["mode"] == "600\n"
    assert "AKIA" not in read["env"]
    secrets = [kept["secret"].strip() for kept in STORE.values()]
    assert not [secret for secret in secrets if secret in ran.text or secret in read["after"]]
    assert "**** ****" in ran.text
    assert read["left"] == ""
    assert not list((tmp_path / "run").rglob("*"))[2:]


def test_a_credential_that_is_not_there_fails_the_run(tmp_path: Path) -> None:
    made = pipeline(job("use", PUSH, Step("Use", ("true",), {"T": Secret("KEY")}), credentials=(KEY,)))
    ran = run(made, World(tmp_path))
    assert ran.result == "FAILURE"
    assert "key-production" in ran.text


def test_a_job_that_does_not_hold_a_credential_cannot_use_it() -> None:
    made = pipeline(job("use", PUSH, Step("Use", ("true",), {"T": Secret("OTHER")}), credentials=(KEY,)))
    with pytest.raises(ValueError, match="OTHER"):
        jenkins.files(made)


# From job to job, and what failures do.


def test_jobs_hand_over_files_tools_and_reports(tmp_path: Path) -> None:
    report = '<testsuite><testcase name="a"/><testcase name="b"/></testsuite>'
    install = Step(
        "Install greet",
        ('printf "#!/bin/sh\\necho hello" > "$TOOLS/bin/greet"', 'chmod +x "$TOOLS/bin/greet"'),
        installs=True,
    )
    build = Step(
        "Build",
        ('echo "$IMAGE" > "made-$IMAGE.txt"', "mkdir reports", f"echo '{report}' > reports/a.xml", "greet > said.txt"),
        {"IMAGE": Each()},
    )
    use = Step("Use", ("cat made-api.txt made-web.txt said.txt", "! command -v greet"))
    made = (
        Artifact("made-api", "made-api.txt", "handoff", "api"),
        Artifact("made-web", "made-web.txt", "handoff", "web"),
        Artifact("said", "said.txt", "binary"),
        Artifact("reports", "reports/*.xml", "junit"),
        Artifact("words", "said.txt", "text"),
    )
    jobs = (
        job("build", PUSH, install, build, matrix=("api", "web"), produces=made),
        job("use", PUSH, use, needs=("build",), takes=("made-api", "made-web", "said")),
    )
    ran = run(pipeline(*jobs), World(tmp_path))
    assert ran.result == "SUCCESS", ran.text
    assert ran.stashes == {
        "made-api": ["made-api.txt"],
        "made-web": ["made-web.txt"],
        "said-api": ["said.txt"],
        "said-web": ["said.txt"],
    }
    assert ran.log[-3:] == ["api", "web", "hello"]
    assert [each["tests"] for each in ran.reports] == [2, 2]
    assert ran.archived == ["said.txt", "said.txt"]
    assert not (tmp_path / "workspace").exists(), "the workspace is left"


def test_a_failed_test_makes_the_run_unstable_and_nothing_is_deployed(tmp_path: Path) -> None:
    failed = '<testsuite><testcase name="a"><failure/></testcase></testsuite>'
    report = Step("Test", (f"echo '{failed}' > a.xml",))
    test = job("test", PUSH, report, produces=(Artifact("r", "*.xml", "junit"),))
    ran = run(pipeline(test, job("deploy", PUSH, saying(), needs=("test",))), World(tmp_path))
    assert (ran.result, ran.done()) == ("UNSTABLE", ["test"])


def test_a_failure_undoes_keeps_others_from_beginning_and_cleans_up(tmp_path: Path) -> None:
    steps = (
        Step("Deploy", ("echo new > state", "exit 7")),
        Step("Verify", ("echo never",)),
        Step("Undo", ("echo undone", "cat state"), when="failure"),
        Step("Log out", ("echo out",), when="always"),
    )
    where = [Deployment(name) for name in ("staging", "production")]
    jobs = (job("a", PUSH, *steps, environment=where[0]), job("b", PUSH, *steps, environment=where[1], needs=("a",)))
    ran = run(pipeline(*jobs), World(tmp_path))
    assert ran.result == "FAILURE"
    assert [shell["label"] for shell in ran.shells] == ["Deploy", "Undo", "Log out"]
    assert ran.stages == {"a": "failed", "b": "skipped after a failure"}
    assert [line for line in ran.log if line in ("undone", "new", "out")] == ["undone", "new", "out"]
    assert not (tmp_path / "workspace").exists()


def test_a_success_undoes_nothing(tmp_path: Path) -> None:
    steps = (saying(), Step("Undo", ("false",), when="failure"), Step("End", ("echo end",), when="always"))
    ran = run(pipeline(job("a", PUSH, *steps)), World(tmp_path))
    assert (ran.result, [shell["label"] for shell in ran.shells]) == ("SUCCESS", ["Say", "End"])


@pytest.mark.parametrize(
    ("codes", "result", "tries"),
    [
        ("0", "SUCCESS", 1),
        ("3 3 0", "SUCCESS", 3),
        ("3 3 3 0", "FAILURE", 3),
        ("1 0", "FAILURE", 1),
        ("3 4 0", "FAILURE", 2),
    ],
)
def test_a_command_of_ours_is_run_again_where_that_may_help(
    codes: str, result: str, tries: int, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "pipelinegen"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/bash\necho x >> {tmp_path}/n\ncodes=({codes})\nexit "${{codes[$(wc -l < {tmp_path}/n) - 1]}}"\n'
    )
    program.chmod(0o755)
    env = {"BRANCH_NAME": "main", "PATH": f"{program.parent}:/usr/bin:/bin"}
    ran = run(pipeline(job("bump", PUSH, Step("Bump", ("pipelinegen bump x",)))), World(tmp_path / "run", env=env))
    assert (ran.result, len(ran.shells), ran.slept) == (result, tries, [20] * (tries - 1))


def test_the_code_of_another_program_is_not_taken_for_ours(tmp_path: Path) -> None:
    ran = run(pipeline(job("curl", PUSH, Step("Curl", ("exit 3",)))), World(tmp_path))
    assert (ran.result, len(ran.shells)) == ("FAILURE", 1)


def test_a_script_runs_by_bash_and_stops_at_the_first_failure(tmp_path: Path) -> None:
    lines = ("[[ a == a ]]", 'echo "it\'s $((1 + 1))" \\', "  'two'", "false | true", "echo never")
    ran = run(pipeline(job("a", PUSH, Step("Odd", lines))), World(tmp_path))
    assert ran.result == "FAILURE"
    assert "it's 2 two" in ran.log
    assert "never" not in ran.log
    assert "++" not in ran.text, "commands are printed"


def test_jobs_that_start_together_run_at_the_same_time(tmp_path: Path) -> None:
    meet = Step(
        "Meet", ('touch "$OUT/$IMAGE"', 'until [ "$(ls "$OUT" | wc -l)" = 2 ]; do sleep 0.05; done'), {"IMAGE": Each()}
    )
    (tmp_path / "out").mkdir()
    world = World(tmp_path / "run", env={"BRANCH_NAME": "main", "OUT": str(tmp_path / "out")})
    ran = run(pipeline(job("meet", PUSH, meet, matrix=("a", "b"), timeout=1)), world)
    assert ran.result == "SUCCESS"


def test_blocks_of_the_user_stand_once_where_their_steps_would_run(tmp_path: Path) -> None:
    steps = (Step("First", ("true",)), Custom("between"), Step("Last", ("true",)))
    legs = Job("m", "m", ("build",), PUSH, steps, needs=("a",), matrix=("x", "y"))
    made = pipeline(Job("a", "a", ("build",), PUSH, steps, lock="a"), legs)
    text = text_of(made)
    names = [line.split()[-1] for line in text.splitlines() if line.strip().startswith("// pipelinegen:begin")]
    assert names == ["functions", "options-a", "stages", "post", "between", "between-x", "between-y"]
    for name, own in OWN.items():
        text = text.replace(f"// pipelinegen:begin {name}\n", f"// pipelinegen:begin {name}\n{own}\n")
    assert judge().check(text) == [[]]
    ran = judge().run(text, World(tmp_path))
    assert ran.result == "SUCCESS", ran.text
    labels = [shell["label"] for shell in ran.shells]
    assert labels[:3] == ["First", "mine", "Last"]
    assert labels[-1] == "more"
    assert ran.log[-1] == "at the end"


OWN = {
    "functions": "void mine() { sh(label: 'mine', script: 'true') }",
    "between": "mine()",
    "stages": "stage('More') {\nagent any\nsteps {\nsh(label: 'more', script: 'true')\n}\n}",
    "options-a": "options {\ntimeout(time: 1, unit: 'DAYS')\n}",
    "post": "post {\nalways {\necho 'at the end'\n}\n}",
}


def test_the_same_pipeline_is_the_same_text() -> None:
    assert text_of(WORK) == text_of(WORK)
