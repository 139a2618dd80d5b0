"""A delivery pipeline as data: jobs, steps, triggers, approvals and credentials, for any CI system and both styles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

Style = Literal["pull", "push"]
System = Literal["github", "gitlab", "jenkins"]

# The eight stages of the DevOps loop and the seven of the GitOps flow, in their order (contract, section 4).
DEVOPS = ("plan", "code", "build", "test", "release", "deploy", "operate", "monitor")
GITOPS = ("develop", "build-and-test", "update-manifests", "review", "reconcile", "apply", "observe")

# What starts a job. "change" is a pull request, "manual" a run that a person starts.
Event = Literal["change", "branch", "tag", "schedule", "manual"]

# What is known of a run wherever it runs; each CI system has its own name for it.
FactName = Literal[
    "commit", "branch", "tag", "ref", "actor", "event", "repository-url", "run-url", "temporary-folder", "workspace"
]


@dataclass(frozen=True, slots=True)
class Literally:
    """A text of the configuration. It reaches a shell as the value of a variable, never as part of a script."""

    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that the CI system knows of the run."""

    name: FactName


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person typed who started the run: the name of one of `Triggers.questions`."""

    name: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A part of a credential of the job: `part` is one of its parts, "" where it has only one."""

    credential: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Each:
    """The image that this leg of the job's matrix is for."""


Value: TypeAlias = "Literally | Fact | Answer | Secret | Each"
Environ: TypeAlias = Mapping[str, Value]
NOTHING: Environ = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Credential:
    """What a job needs to prove who it is.

    name: upper case with underscores, such as KUBE_CONFIG; the variable, secret or credentials id is made from it.
    kind: "app" is a GitHub App whose token lives for the job; "oidc" is the CI system's own identity; "job-token" is
    the token that the CI system gives to every job.  parts: names of its values, such as ("username", "password");
    empty for one value.  rights: what it may do, in words.  environment: the environment that it is for, if one.
    repository, grants: of an "app", OWNER/NAME of the one repository that its token opens, and the rights asked for.
    """

    name: str
    kind: Literal["oidc", "job-token", "app", "token", "kubeconfig", "ssh-key", "password", "cloud-key"]
    target: Literal["registry", "manifest-repository", "forge", "cluster", "host", "cloud", "server"]
    rights: str
    why: str
    environment: str | None = None
    parts: tuple[str, ...] = ()
    file: bool = False  # its value is used as a file (a kubeconfig, a key): the variable holds the path
    repository: str = ""
    grants: tuple[Permission, ...] = ()

    @property
    def stored(self) -> bool:
        """Does it lie in the CI system between runs?"""
        return self.kind not in ("oidc", "job-token")


@dataclass(frozen=True, slots=True)
class Permission:
    """A right of the CI system's own token in this job (GitHub: `permissions`), and why it is needed."""

    scope: str
    level: Literal["read", "write"]
    why: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """The application repository at the run's commit. No credential stays in it."""

    history: bool = False  # all commits and tags, not only this one
    name: str = "Check out the application repository"


@dataclass(frozen=True, slots=True)
class Run:
    """A shell script (bash, `set -euo pipefail` is put before it); values come only through `env`.

    script: lines of shell without any value in them.  when: "always" also after a failure, "failure" only then.
    installs: it puts programs into the folder `$TOOLS/bin`. The renderer sets TOOLS (a folder of the job's own, outside
    of the workspace) for such a step, makes the folder, and puts `$TOOLS/bin` first on PATH for all later steps.
    """

    name: str
    script: tuple[str, ...]
    env: Environ = field(default_factory=lambda: NOTHING)
    when: Literal["success", "failure", "always"] = "success"
    stage: str | None = None  # the stage that this step does, where it is another than the job's
    installs: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """Third-party code by its key in actions.lock (GitHub alone; elsewhere the step is left out)."""

    name: str
    action: str
    inputs: Environ = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Custom:
    """A named block for steps of the user's own, kept when the file is written again."""

    name: str


Step: TypeAlias = "Checkout | Run | Use | Custom"


@dataclass(frozen=True, slots=True)
class Artifact:
    """Files that a job hands to later ones, or to people.

    kind: "handoff" goes to the jobs that take it and is a small text file; "binary" goes to jobs as it is;
    "junit" is a test report; "text" is for people (a plan, a diff).  name: unique in the pipeline.  path: from the
    workspace, and the same in the jobs that take it.  leg: of a job with a matrix, the image whose leg alone makes it;
    without one each leg makes its own, and the renderer adds the image's name.
    """

    name: str
    path: str
    kind: Literal["handoff", "binary", "junit", "text"]
    leg: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The environment that a job works on.

    action: "deploy" changes it, "look" only reads (drift, dry runs), and never waits for an approval: where the CI
    system knows no such difference (GitHub), it is an environment of its own, NAME-look.  approval: a person must agree
    first.
    reviewers: who may, in the configuration's words.
    """

    name: str
    action: Literal["deploy", "look"] = "deploy"
    url: str | None = None
    approval: bool = False
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """When a job runs. answered: name and value of a question, for runs that a person starts.

    forks: also for changes that come from a fork, which gets no secret: False for jobs that need one.
    """

    events: tuple[Event, ...]
    answered: tuple[str, str] | None = None
    default_branch_only: bool = True  # of "branch" events: only those of the triggers' branches
    forks: bool = True


@dataclass(frozen=True, slots=True)
class Job:
    """One job. stages: those it does, of DEVOPS or of GITOPS by the pipeline's style.

    lock: jobs with the same lock never run at the same time, and wait for each other.  cancel: a newer run may stop it.
    image: key of the container image that the job runs in, where the CI system runs jobs in containers (GitLab).
    matrix: names of images; the job runs once for each, at the same time.
    """

    id: str
    title: str
    stages: tuple[str, ...]
    when: Condition
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    environment: Deployment | None = None
    timeout: int = 30  # minutes
    lock: str | None = None
    cancel: bool = False
    permissions: tuple[Permission, ...] = ()
    credentials: tuple[Credential, ...] = ()
    matrix: tuple[str, ...] = ()
    produces: tuple[Artifact, ...] = ()
    takes: tuple[str, ...] = ()  # names of artifacts of jobs in `needs`
    image: str = "python"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person who starts a run is asked. choices: empty for free text."""

    name: str
    help: str
    choices: tuple[str, ...] = ()
    default: str = ""


@dataclass(frozen=True, slots=True)
class Triggers:
    branches: tuple[str, ...]
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()  # gitignore's patterns; empty for all
    schedule: str | None = None  # cron, UTC
    changes: bool = True  # pull requests to those branches
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A stage that no job of this pipeline does: who does it, and how."""

    stage: str
    who: str
    how: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole pipeline, ready to be written for one CI system."""

    style: Style
    system: System
    name: str
    triggers: Triggers
    jobs: tuple[Job, ...]
    elsewhere: tuple[Elsewhere, ...] = ()
    deployer: str | None = None  # push style
    agent: str | None = None  # pull style
    header: tuple[str, ...] = ()  # the lines of the comment at the top, without the comment sign
    runner: str = "ubuntu-24.04"
    anchors: bool = True  # what jobs have in common may be written once, where the CI system reads anchors of YAML
    variables: Environ = field(default_factory=lambda: NOTHING)  # for all jobs; never a secret

    def job(self, id: str) -> Job:
        return next(job for job in self.jobs if job.id == id)


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file as it is to be written: its path with slashes, from the root of the tree it belongs to, and its text."""

    path: str
    text: str
    executable: bool = False
