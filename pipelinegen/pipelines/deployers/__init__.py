"""The deployers of the push style: what each writes beside the pipeline, and the steps by which its jobs work."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import ansible, chef, helm, kubectl, kustomize, puppet, terraform
from pipelinegen.pipelines.model import Credential, GeneratedFile, Run, System


class Deployer(Protocol):
    """What a module of this folder gives.

    Before any step that takes an environment, the job has set the images to be deployed in the workspace, with
    `pipelinegen bump --repo . --deliver worktree` on IMAGE_PATHS; only `drift` looks at the images that were deployed
    last, and sets them by itself. `pipelinegen` is on PATH in every job. What else a script reads is in its `env`.
    """

    NAME: str
    # Keys of tools.lock, or other names of programs that `install` brings.
    TOOLS: tuple[str, ...]
    # Patterns in gitignore's syntax of the files in which `bump` sets the images; {env} is the environment's name.
    IMAGE_PATHS: tuple[str, ...]
    # The file that `dry_run` leaves for `deploy` ({env} as above), carried from a job before the approval to the job
    # after it: an artifact of the kind "binary". Without it `deploy` plans by itself. "" where the tool has none.
    PLAN: str

    def credentials(
        self, application: Application, environment: AppEnvironment, system: System
    ) -> tuple[Credential, ...]:
        """For the jobs that deploy to one environment, look for drift in it, or roll it back."""

    def files(self, application: Application) -> tuple[GeneratedFile, ...]:
        """Under deploy/NAME/, for all environments."""

    def install(self, application: Application) -> tuple[Run, ...]:
        """The tools on PATH, by version and checksum."""

    def dry_run(self, application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
        """The stage "plan", for changes and before an approval: says what would change, and changes nothing."""

    def deploy(self, application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
        """Show the difference, apply, wait, verify; undo where a step before has failed."""

    def drift(self, application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
        """By the tool's own dry run: exit 0 where the target is as it was deployed, 1 where not, with what differs."""

    def health(self, application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
        """The stage "monitor": does what was deployed answer?"""


# A member is one module and one line.
DEPLOYERS: Mapping[str, Deployer] = MappingProxyType(
    {
        "kubectl": kubectl,
        "helm": helm,
        "kustomize": kustomize,
        "terraform": terraform,
        "ansible": ansible,
        "chef": chef,
        "puppet": puppet,
    }
)
