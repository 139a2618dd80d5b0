"""Generated workflows run by act: conditions, hand-overs, credentials, hostile texts, and commits on their way."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.pipelines.model import (
    Answer,
    Artifact,
    Condition,
    Credential,
    Custom,
    Deployment,
    Each,
    Event,
    Literally,
    Permission,
    Pipeline,
    Question,
    Run,
    Secret,
    Triggers,
)
from pipelinegen.pipelines.rendering import github
from tests.support.forges.github import GitHub, Token
from tests.support.forges.service import Service
from tests.support.hostile_values import MARK, VALUES
from tests.support.registry import PASSWORD, USERNAME, Reply, Request, RunningRegistry, serve, start_registry
from tests.support.runner import Runner
from tests.support.wheel import thin_wheel
from tests.support.workflows import job, pipeline, steps, text_of
from tests.support.world import world

ONLY = (Run("Say hello", ("echo hello",)),)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    made = Runner(tmp_path)
    made.repository.mkdir()
    return made


def put(runner: Runner, pipeline: Pipeline) -> None:
    runner.commit({github.PATH: text_of(pipeline)})


# Conditions.

EVENTS: dict[str, tuple[Event, ...]] = {
    "changes": ("change",),
    "branches": ("branch",),
    "tags": ("tag",),
    "pushes": ("branch", "tag"),
    "clock": ("schedule",),
    "hand": ("manual",),
    "all": ("change", "branch", "tag", "schedule", "manual"),
}
OWN = {"user": {"login": "ada"}, "head": {"ref": "fix", "repo": {"full_name": "acme/shop"}}, "base": {"ref": "main"}}
FORK = {**OWN, "head": {"ref": "fix", "repo": {"full_name": "eve/shop"}}}
BOT = {**OWN, "user": {"login": "dependabot[bot]"}}


@pytest.mark.parametrize(
    ("event", "payload", "names"),
    [
        ("push", {"ref": "refs/heads/main"}, ["branches", "pushes", "all"]),
        ("push", {"ref": "refs/tags/v1.0.0"}, ["tags", "pushes", "all"]),
        ("pull_request", {"pull_request": OWN}, ["changes", "all", "secrets"]),
        ("pull_request", {"pull_request": FORK}, ["changes", "all"]),
        ("pull_request", {"pull_request": BOT}, ["changes", "all"]),
        ("schedule", {}, ["clock", "all"]),
        ("workflow_dispatch", {"inputs": {"target": "it's"}}, ["hand", "all", "answered"]),
        ("workflow_dispatch", {"inputs": {"target": "b"}}, ["hand", "all"]),
    ],
    ids=["branch", "tag", "own", "fork", "bot", "schedule", "answer", "other answer"],
)
def test_an_event_runs_the_jobs_that_are_for_it(
    runner: Runner, event: str, payload: dict[str, Any], names: list[str]
) -> None:
    """With each job also in the place of one that the next of it needs, which then runs although that one did not."""
    conditions = {name: Condition(events) for name, events in EVENTS.items()}
    conditions["secrets"] = Condition(("change",), forks=False)
    conditions["answered"] = Condition(("manual",), answered=("target", "it's"))
    jobs = [job(name, *ONLY, title=name, when=when) for name, when in conditions.items()]
    jobs += [job(f"{one.id}-2", *ONLY, title=f"{one.id}-2", when=EVERY, needs=(one.id,)) for one in jobs]
    triggers = Triggers(
        ("main",), ("v*",), schedule="1 1 * * *", questions=(Question("target", "Which?", ("it's", "b")),)
    )
    put(runner, pipeline(*jobs, triggers=triggers))
    ran = runner.run(event, payload=payload)
    assert ran.code == 0, ran.log
    assert {name for name in ran.jobs if not name.endswith("-2")} == set(names)
    assert {name for name in ran.jobs if name.endswith("-2")} == {f"{name}-2" for name in conditions}


EVERY = Condition(EVENTS["all"])


# What goes from step to step, and from job to job.

KEY = Credential("SSH_KEY", "ssh-key", "host", "log in", "to deploy", file=True)
SECRET = "-----BEGIN KEY-----\n'\"$(touch pwned)`\\\n-----END KEY-----"
SHOW = 'stat -c %a "$KEY" > "$OUT/mode"; cp "$KEY" "$OUT/key"'


@pytest.mark.parametrize("hosted", [True, False], ids=["github.com", "a server of one's own"])
def test_files_programs_and_secrets_reach_the_steps_that_take_them(
    runner: Runner, tmp_path: Path, hosted: bool
) -> None:
    """By outputs, artifacts, a file of the job's own, and PATH; the steps for a failure run after a failure."""
    out = tmp_path / "out"
    out.mkdir()
    document = json.dumps({"digest": "sha256:1", "text": "a 'b' \"c\" $(touch pwned) ${{ github.token }} ü"}, indent=2)
    write = (
        'printf "%s\\n" "$DOCUMENT" > metadata.json',
        "mkdir -p deploy/.work reports",
        "head -c 1000 /dev/zero > deploy/.work/plan",
        "echo '<testsuites/>' > reports/api.xml",
    )
    tool = ('printf "#!/bin/sh\\necho tool\\n" > "$TOOLS/bin/tool-of-test"', 'chmod +x "$TOOLS/bin/tool-of-test"')
    build = job(
        "build",
        Run("Write", write, {"DOCUMENT": Literally(document)}),
        produces=(
            Artifact("metadata", "metadata.json", "handoff"),
            Artifact("plan", "deploy/.work/plan", "binary"),
            Artifact("reports", "reports/*.xml", "junit"),
        ),
    )
    use = job(
        "use",
        Run("Install", tool, installs=True),
        Run("Call", ('tool-of-test > "$OUT/tool"',)),
        Run("Look", ('cp metadata.json "$OUT/"; cp deploy/.work/plan "$OUT/"', SHOW), {"KEY": Secret("SSH_KEY")}),
        Run("Fail", ("false | true",)),
        Run("Undo", ('touch "$OUT/undone"',), when="failure"),
        Run("Tidy", ('touch "$OUT/tidied"',), when="always"),
        Run("Go on", ('touch "$OUT/gone-on"',)),
        needs=("build",),
        takes=("metadata", "plan"),
        credentials=(KEY,),
        title="Use",
    )
    put(runner, pipeline(build, use, anchors=hosted))
    runner.secrets["SSH_KEY"] = SECRET
    runner.environment["OUT"] = str(out)
    ran = runner.run("push")
    assert ran.jobs == {"Build": "succeeded"} | {"Build-1": "failed"} or list(ran.jobs.values())[-1] == "failed", (
        ran.log
    )
    assert {path.name for path in out.iterdir()} == {"tool", "metadata.json", "plan", "mode", "key", "undone", "tidied"}
    assert json.loads((out / "metadata.json").read_text()) == json.loads(document)
    assert (out / "plan").read_bytes() == bytes(1000)
    assert (out / "key").read_text() == SECRET + "\n"
    assert (out / "mode").read_text() == "600\n"
    assert (runner.artifacts / "reports" / "api.xml").is_file() == hosted


def test_each_leg_of_a_matrix_hands_over_its_own_file(tmp_path: Path) -> None:
    """act cannot tell it: it evaluates the outputs of a job once for all legs. So the script of the step alone runs."""
    legs = tuple(Artifact(f"meta-{name}", f"out/{name} 1.json", "handoff", name) for name in ("api", "web"))
    script = steps(pipeline(job("build", *ONLY, matrix=("api", "web"), produces=legs)))[-1]
    found = []
    for name in ("api", "web"):
        place = tmp_path / name / "out" / f"{name} 1.json"
        place.parent.mkdir(parents=True)
        place.write_text(f'{{\n "{name}": "a=b"\n}}\n')
        output = tmp_path / f"{name}.output"
        env = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(output), **script["env"]}
        subprocess.run(["bash", "-euo", "pipefail", "-c", script["run"]], cwd=tmp_path / name, env=env, check=True)
        found.append(output.read_text())
    assert found == ['meta-api={ "api": "a=b"}\n', 'meta-web={ "web": "a=b"}\n']


def test_the_token_of_an_identity_is_asked_for_with_its_audience(runner: Runner, tmp_path: Path) -> None:
    cloud = Credential("CLOUD", "oidc", "cloud", "deploy", "to deploy", parts=("AUDIENCE",))
    use = Run("Use", ('printf "%s" "$TOKEN" > "$OUT"; echo "it is $TOKEN"',), {"TOKEN": Secret("CLOUD")})
    put(runner, pipeline(job("build", use, credentials=(cloud,))))
    runner.variables["CLOUD_AUDIENCE"] = "https://a.example/?b=c&d e"

    def answer(request: Request) -> Reply:
        asked = request.query == {"api-version": ["2.0"], "audience": ["https://a.example/?b=c&d e"]}
        known = request.headers["Authorization"] == "bearer of-the-run"
        return Reply(200, b'{"count": 1, "value": "eyJ.token-of-test"}') if asked and known else Reply(403)

    with serve(answer) as server:
        runner.environment |= {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-run",
            "OUT": str(tmp_path / "out"),
        }
        ran = runner.run("push")
    assert ran.code == 0, ran.log
    assert (tmp_path / "out").read_text() == "eyJ.token-of-test"
    assert "it is ***" in ran.log


# Hostile texts.


def test_thirty_hostile_texts_arrive_and_nothing_of_them_runs(runner: Runner, tmp_path: Path) -> None:
    """As values of steps and of the whole pipeline, as answers of people, and as names of steps, jobs and all else."""
    out = tmp_path / "out"
    out.mkdir()
    write = 'printf "%s" "$VALUE" > "$OUT/$NUMBER'
    numbered = [{"VALUE": Literally(value), "NUMBER": Literally(str(at))} for at, value in enumerate(VALUES)]
    values = [Run(f"Write {each['VALUE'].text}", (f'{write}"',), each, stage=each["VALUE"].text) for each in numbered]
    answers = [
        Run(f"Write {at}", (f'{write}-asked"',), {"VALUE": Answer(f"q{at}"), "NUMBER": Literally(str(at))})
        for at in range(len(VALUES))
    ]
    whole = [Run(f"Write {at}", (f'printf "%s" "$G{at}" > "$OUT/{at}-global"',)) for at in range(len(VALUES))]
    look = Run("Look", (f'find . -name "{MARK}*" > "$OUT/found"',), when="always")
    hand = Condition(("manual",))
    others = [
        job(
            f"job-{at}",
            Run("Leg", (f'printf "%s" "$LEG" > "$OUT/{at}-leg"',), {"LEG": Each()}),
            when=hand,
            title=value,
            matrix=(value,),
            lock=value,
            environment=Deployment("staging", url=value),
            permissions=(Permission("contents", "read", value),),
        )
        for at, value in enumerate(VALUES)
    ]
    made = pipeline(
        *others,
        job("values", *values, *answers, *whole, Custom("own"), look, when=hand, title=VALUES[0], matrix=(VALUES[11],)),
        triggers=Triggers(("main",), questions=tuple(Question(f"q{at}", value) for at, value in enumerate(VALUES))),
        header=VALUES,
        name=VALUES[2],
        variables={f"G{at}": Literally(value) for at, value in enumerate(VALUES)},
    )
    put(runner, made)
    runner.environment["OUT"] = str(out)
    ran = runner.run("workflow_dispatch", payload={"inputs": {f"q{at}": value for at, value in enumerate(VALUES)}})
    assert ran.code == 0, ran.log
    arrived = {path.name: path.read_bytes().decode("utf-8") for path in out.iterdir()}
    for at, value in enumerate(VALUES):
        for name in (f"{at}", f"{at}-asked", f"{at}-global", f"{at}-leg"):
            assert arrived[name] == value, name
    assert arrived["found"] == ""
    assert not list(tmp_path.rglob(MARK))


# From a commit to a delivery.

APP_TOKEN = "ghs_token_of_the_app"
BOT_NAME = "shop-bot[bot]"
APP_KEY = "-----BEGIN RSA PRIVATE KEY-----\nnone\n-----END RSA PRIVATE KEY-----"
DOCKERFILE = 'FROM scratch\nCOPY hello.txt /hello.txt\nUSER 65532\nCMD ["/hello"]\n'
CONFIG = """\
version: 1
project: shop
images:
  api:
    repository: HOST/acme/api
    tags: [type=sha]
    tests:
      fileExistenceTests: [{name: the greeting is there, path: /hello.txt}]
      metadataTest: {user: "65532"}
build: {engine: oci}
manifests:
  repository: MANIFESTS
  forge: github
  forge-url: API
  environments:
    staging: {paths: [apps/*/overlays/staging/**], deliver: push}
    production: {paths: [apps/*/overlays/production/**], deliver: pull-request}
pipelines: {ci: [github], pull: {agent: argocd}, runner: ubuntu-24.04}
"""
OVERLAY = "resources: [../../base]\nimages:\n  - name: HOST/acme/api\n    newTag: 1.0.0  # the api\n"


def overlay_of(environment: str) -> str:
    return f"apps/api/overlays/{environment}/kustomization.yaml"


def generate(folder: Path, *options: str) -> None:
    """What a person does once, and commits."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "pipelinegen", "generate", "-C", str(folder), *options]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()


def digest_in(registry: RunningRegistry, repository: str, tag: str) -> str | None:
    connection = http.client.HTTPConnection(registry.host, timeout=20)
    headers = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    headers["Authorization"] = registry.authorization(repository) or ""
    connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers=headers)
    answer = connection.getresponse()
    connection.close()
    return answer.headers["Docker-Content-Digest"]


@contextmanager
def agent(service: Service) -> Iterator[None]:
    """What an agent does: whatever comes to the branch is applied and reported."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            if tip := service.repository.tip("main"):
                service.stand_in.report(tip, "argocd/shop-staging", "success", "Synced")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_the_pull_workflow_from_a_commit_to_a_pull_request(runner: Runner, tmp_path: Path) -> None:
    """Built, tested and pushed to a registry with a password; staging changed and observed; production proposed."""
    names = ("staging", "production")
    with start_registry(tmp_path / "registry", auth="htpasswd") as registry:
        overlay = OVERLAY.replace("HOST", registry.host)
        files = {overlay_of(name): overlay for name in names}
        (tmp_path / "world").mkdir()
        with world("github", tmp_path / "world", files, tokens={f"{APP_TOKEN}_write": BOT_NAME}) as place:
            looking = {"contents": "read", "pull_requests": "read", "statuses": "read", "checks": "read"}
            assert isinstance(place.service.stand_in, GitHub)
            place.service.stand_in.tokens[f"{APP_TOKEN}_read"] = Token(BOT_NAME, None, looking)
            config = CONFIG.replace("HOST", registry.host).replace("MANIFESTS", place.url)
            sources = {
                "pipelinegen.yaml": config.replace("API", place.service.stand_in.api),
                "Dockerfile": DOCKERFILE,
                "hello.txt": "hello\n",
            }
            runner.commit(sources)
            generate(runner.repository, "--style", "pull", "--ci", "github")
            tag = f"sha-{runner.commit({})[:7]}"

            ran = runner.run("pull_request", payload={"pull_request": FORK})
            assert ran.jobs == {"Generated files are up to date": "succeeded", "Build and test": "succeeded"}, ran.log
            assert digest_in(registry, "acme/api", tag) is None

            runner.secrets |= {"REGISTRY_PASSWORD": PASSWORD, "MANIFESTS_APP_PRIVATE_KEY": APP_KEY}
            runner.variables |= {"REGISTRY_USERNAME": USERNAME, "MANIFESTS_APP_CLIENT_ID": "Iv23liTest"}
            runner.environment |= {
                "PIPELINEGEN_INTERVAL": "1s",
                "APP_OF_TEST": f"Iv23liTest {place.service.stand_in.path}",
                "KEY_OF_TEST": APP_KEY,
                "TOKEN_OF_TEST": APP_TOKEN,
            }
            with agent(place.service):
                ran = runner.run("push", payload={"ref": "refs/heads/main"})
            titles = (
                "Generated files are up to date",
                "Build, test and push",
                "Update the manifests of staging",
                "Observe staging",
                "Update the manifests of production",
            )
            assert ran.jobs == dict.fromkeys(titles, "succeeded"), ran.log
            written = f"newTag: {tag}  # the api\n    digest: {digest_in(registry, 'acme/api', tag)}"
            assert written in place.repository.read("main", overlay_of("staging"))
            assert place.repository.read("main", overlay_of("production")) == overlay.strip()
            (pull,) = place.service.open_ones()
            assert pull.user == BOT_NAME
            assert written in place.repository.read(pull.head, overlay_of("production"))
            assert "2 passed" in ran.log
            assert PASSWORD not in ran.log
            assert APP_TOKEN not in ran.log


@pytest.fixture(autouse=True)
def installed(runner: Runner, tmp_path: Path) -> None:
    runner.environment |= thin_wheel(tmp_path / "wheels")
