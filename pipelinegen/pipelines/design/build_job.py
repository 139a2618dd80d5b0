"""The jobs that build: `test` for changes, without any credential, and `build`, which pushes what it has tested."""

from __future__ import annotations

from collections.abc import Mapping

from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.design import releasing
from pipelinegen.pipelines.design.credentials import Login, logins
from pipelinegen.pipelines.design.parts import CONTENTS, INSTALL, in_order, job_id, permissions
from pipelinegen.pipelines.model import (
    Artifact,
    Checkout,
    Condition,
    Custom,
    Each,
    Event,
    Job,
    Literally,
    Run,
    Step,
    Style,
    System,
    Use,
    Value,
)

METADATA = "build-metadata"
PUSHES: tuple[Event, ...] = ("branch", "tag")
_REPORTS = Artifact("test-reports", "reports/*.xml", "junit")


def matrix_of(application: Application) -> tuple[str, ...]:
    """The images, each for a leg of its own; none where one is built upon another, for then one run builds all."""
    alone = len(application.images) == 1 or any(image.based_on for image in application.images)
    return () if alone else tuple(image.name for image in application.images)


def delivering(application: Application) -> tuple[Event, ...]:
    """What starts a delivery of the pull style: pushes, and the clock where images are to be built anew by it."""
    return (*PUSHES, "schedule") if application.schedule else PUSHES


def handoffs(application: Application) -> tuple[Artifact, ...]:
    """What the build hands on: which digest was pushed under which tag."""
    legs = matrix_of(application)
    if not legs:
        return (Artifact(METADATA, f"{METADATA}.json", "handoff"),)
    return tuple(Artifact(job_id(METADATA, leg), f"{METADATA}-{leg}.json", "handoff", leg) for leg in legs)


def from_metadata(application: Application) -> tuple[tuple[str, ...], str]:
    """Lines of shell, and words, by which `pipelinegen bump` gets what was built."""
    if not matrix_of(application):
        return (), f"--from {METADATA}.json"
    return (f"metadata=({METADATA}-*.json)",), '"${metadata[@]/#/--from=}"'


def test_job(application: Application, style: Style) -> Job:
    """For changes: build and test, push nothing, hold nothing."""
    return Job(
        id="test",
        title="Build and test",
        stages=("build-and-test",) if style == "pull" else ("build", "test"),
        when=Condition(("change",)),
        steps=(
            *_prepared(application, "before-test"),
            _build(application, "Build and test, without a push", push=False, environ={}),
        ),
        timeout=application.timeout,
        cancel=True,
        permissions=(CONTENTS,),
        matrix=matrix_of(application),
        produces=(_REPORTS,),
        image="docker",
    )


def build_job(application: Application, style: Style, system: System) -> Job:
    """For branches and tags: build, test, push what was tested, sign and scan it where that is asked for."""
    opened = logins(application, system)
    identity = releasing.identity(application, system)
    credentials = (*(login.credential for login in opened), *identity)
    by_file = len(opened) > 1 or releasing.wanted(application)
    events = delivering(application) if style == "pull" else PUSHES
    return Job(
        id="build",
        title="Build, test and push",
        stages=("build-and-test",) if style == "pull" else ("build", "test", "release"),
        when=Condition(events),
        steps=in_order(
            (
                *_prepared(application, "before-build"),
                *(_log_in(login) for login in opened if by_file),
                _build(application, "Build, test and push", push=True, environ={} if by_file else _pair(opened[0])),
                *releasing.steps(application, style, system),
                Custom("after-build"),
                *([_LOG_OUT] if by_file else []),
            )
        ),
        timeout=application.timeout,
        permissions=permissions(system, credentials),
        credentials=credentials,
        matrix=matrix_of(application),
        produces=(*handoffs(application), _REPORTS),
        image="docker",
    )


def _prepared(application: Application, block: str) -> tuple[Step, ...]:
    foreign = any(platform != "linux/amd64" for image in application.images for platform in image.platforms)
    return (
        Checkout(history=application.versions),
        *((Use("Set up QEMU for other platforms", "setup-qemu-action"),) if foreign else ()),
        Use("Set up Docker Buildx", "setup-buildx-action"),
        INSTALL,
        Custom(block),
    )


def _build(application: Application, name: str, *, push: bool, environ: Mapping[str, Value]) -> Run:
    legs = matrix_of(application)
    words = ["pipelinegen build"]
    words += ['"$IMAGE"'] if legs else []
    words += [] if push else ["--no-push"]
    words += [f'--metadata-file "{METADATA}-$IMAGE.json"'] if legs and push else []
    words += ["--junit reports"]
    before: tuple[str, ...] = ()
    values = dict(environ)
    if push and not environ:
        before, values = ('export DOCKER_CONFIG="$TEMPORARY/docker"',), {"TEMPORARY": releasing.TEMPORARY}
    words += [f"| tee {releasing.PUSHED}"] if push and releasing.wanted(application) else []
    return Run(name, (*before, " ".join(words)), {**({"IMAGE": Each()} if legs else {}), **values})


def _pair(login: Login) -> dict[str, Value]:
    return {"PIPELINEGEN_REGISTRY_USERNAME": login.username, "PIPELINEGEN_REGISTRY_PASSWORD": login.password}


def _log_in(login: Login) -> Run:
    return Run(
        f"Log in to {login.host}",
        (
            'docker --config "$TEMPORARY/docker" login --username "$USERNAME" --password-stdin "$REGISTRY" \\',
            '  <<< "$PASSWORD"',
        ),
        {
            "TEMPORARY": releasing.TEMPORARY,
            "REGISTRY": Literally(login.host),
            "USERNAME": login.username,
            "PASSWORD": login.password,
        },
    )


_LOG_OUT = Run("Log out", ('rm -rf "$TEMPORARY/docker"',), {"TEMPORARY": releasing.TEMPORARY}, when="always")
