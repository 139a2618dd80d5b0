"""What the jobs of both styles are put together from: names, steps that all of them have, the check, the header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipelinegen import __version__
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.model import (
    DEVOPS,
    GITOPS,
    Checkout,
    Condition,
    Credential,
    Elsewhere,
    Job,
    Permission,
    Pipeline,
    Run,
    Step,
    Style,
    System,
    Triggers,
)

INSTALL = Run(
    name="Install pipelinegen",
    script=(
        'python3 -m venv "$TOOLS/pipelinegen"',
        '"$TOOLS/pipelinegen/bin/pip" install --quiet --disable-pip-version-check pipelinegen==' + __version__,
        'ln -sf ../pipelinegen/bin/pipelinegen "$TOOLS/bin/pipelinegen"',
    ),
    installs=True,
)
CONTENTS = Permission("contents", "read", "to check out the repository")
_HOSTED = re.compile(r"(?:ubuntu|windows|macos)-[\w.-]+", re.ASCII)
_IDENTITY = "to prove to others which job this is (OIDC)"


def job_id(*words: str) -> str:
    """An id that every CI system takes: small letters, digits and `-`."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")


def permissions(system: System, credentials: Iterable[Credential]) -> tuple[Permission, ...]:
    """The rights of the CI system's own token that the checkout and these credentials need."""
    found = [CONTENTS]
    for credential in credentials:
        if credential.kind == "oidc":
            found.append(Permission("id-token", "write", _IDENTITY))
        elif credential.kind == "job-token" and credential.target == "registry" and system == "github":
            found.append(Permission("packages", "write", credential.why))
    return tuple(dict.fromkeys(found))


def check_job(application: Application, style: Style, system: System, deployer: str | None = None) -> Job:
    """Is what is generated as the configuration says?"""
    chosen = f"--style {style} --ci {system} " + (
        f"--deploy {deployer}" if deployer else f"--agent {application.agent}"
    )
    return Job(
        id="check",
        title="Generated files are up to date",
        stages=("develop" if style == "pull" else "code",),
        when=Condition(("change", "branch")),
        steps=(Checkout(), INSTALL, Run("Compare with pipelinegen.yaml", (f"pipelinegen generate --check {chosen}",))),
        timeout=min(10, application.timeout),
        cancel=True,
        permissions=(CONTENTS,),
    )


def triggers(application: Application, schedule: str | None) -> Triggers:
    return Triggers(
        branches=application.branches, tags=application.tags, paths=application.paths, schedule=schedule, changes=True
    )


def runner_of(application: Application, system: System) -> str:
    """The label of the runner. GitHub has no default, and "latest" would change under the pipeline's feet.

    The label of one that GitHub hosts says nothing to another CI system.
    """
    if system == "github":
        return application.runner or "ubuntu-24.04"
    return "" if _HOSTED.fullmatch(application.runner) else application.runner


def reads_anchors(application: Application, system: System) -> bool:
    """GitHub reads them since September 2025; a server of one's own may be older.

    https://github.blog/changelog/2025-09-18-actions-yaml-anchors-and-non-public-workflow-templates/
    """
    forge = application.manifests
    own = forge.forge == "github" and forge.host != "github.com" and not forge.host.endswith(".ghe.com")
    return system == "gitlab" or (system == "github" and not own)


def stage_table(style: Style, jobs: Sequence[Job], elsewhere: Sequence[Elsewhere]) -> tuple[str, ...]:
    """Which job does which stage, and who does those that no job does: lines for the top of the file."""
    stages = GITOPS if style == "pull" else DEVOPS
    width = max(map(len, stages))
    lines = []
    for stage in stages:
        does = [job.id for job in jobs if stage in stages_of(job)]
        does += [f"{each.who} ({each.how})" for each in elsewhere if each.stage == stage]
        lines.append(f"  {stage.replace('-', ' '):{width}}  {', '.join(does)}")
    return tuple(lines)


def stages_of(job: Job) -> frozenset[str]:
    """The stages of a job and of its steps."""
    own = {step.stage for step in job.steps if isinstance(step, Run) and step.stage is not None}
    return frozenset({*job.stages, *own})


def with_header(pipeline_: Pipeline, *first: str) -> tuple[str, ...]:
    """The header of a pipeline: what it is, then who does which stage."""
    return ("", *first, *stage_table(pipeline_.style, pipeline_.jobs, pipeline_.elsewhere))


def in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, those that clean up or undo behind those that may fail."""
    steps = tuple(steps)
    last = [step for step in steps if isinstance(step, Run) and step.when != "success"]
    return (*(step for step in steps if step not in last), *last)
