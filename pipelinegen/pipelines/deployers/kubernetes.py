"""What the deployers to Kubernetes share: names of objects, the credential, and steps that ask and change a cluster."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipelinegen.pipelines.application import AppEnvironment, AppImage, Application
from pipelinegen.pipelines.deployers.images import DIGEST, unset
from pipelinegen.pipelines.deployers.scripts import TEMPORARY, script
from pipelinegen.pipelines.model import Credential, Environ, Fact, GeneratedFile, Literally, Run, Secret
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.header import header

KUBE_CONFIG = "KUBE_CONFIG"
# Who has set a field, in the words of server-side apply.
FIELD_MANAGER = "pipelinegen"
# The service account of the pipeline, in each namespace.
ACCOUNT = "pipelinegen"
SETUP = "setup/{env}.yaml"

_NAME_MAX = 50  # a Deployment's pods get 17 characters more, and a label holds 63


@dataclass(frozen=True, slots=True)
class Workload:
    """One image as it runs in a cluster: a Deployment, and where a port is known a Service."""

    name: str
    image: AppImage
    reference: str
    replicas: int


def workloads(application: Application) -> tuple[Workload, ...]:
    """Two replicas of what answers requests, so that one may be replaced or evicted; one of what does not."""
    return tuple(
        Workload(label(image.name), image, unset(image), 1 if image.port is None else 2) for image in application.images
    )


def label(name: str) -> str:
    """A name for objects and labels: RFC 1035's, which Services ask for, and another for each name."""
    text = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")
    if not re.match(r"[a-z]", text):
        text = f"app-{text}".rstrip("-")
    if text == name and len(text) <= _NAME_MAX:
        return text
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{text[: _NAME_MAX - 7].rstrip('-')}-{digest}"


def credential(environment: AppEnvironment, verbs: str, more: str = ", list ReplicaSets") -> Credential:
    """A kubeconfig of the account that `setup_files` makes."""
    kinds = "Deployments, Services and PodDisruptionBudgets"
    rights = f"in the namespace {environment.namespace}: {verbs} {kinds}{more}"
    return Credential(
        name=KUBE_CONFIG,
        kind="kubeconfig",
        target="cluster",
        rights=rights,
        why=f"deploys to {environment.name}, looks for drift there, and rolls back",
        environment=environment.name,
        file=True,
    )


def written(path: str, template: str, lines: tuple[str, ...] = (), **values: object) -> GeneratedFile:
    """A file of a deployer, from a template below templates/deploy/."""
    text = render(f"deploy/{template}", header=header("#", lines, blocks=True).rstrip("\n"), **values)
    return GeneratedFile(path, text)


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one environment. images: the pattern of the files in which `bump` sets versions.

    more: further variables of the scripts; MANIFESTS is what kubectl applies, a file or a folder.  prepare: scripts
    that make MANIFESTS, in every step that reads it.
    """

    application: Application
    environment: AppEnvironment
    images: str
    more: Mapping[str, str]
    prepare: tuple[str, ...] = ()

    def _env(self) -> Environ:
        values = {
            "NAMESPACE": self.environment.namespace,
            "PROJECT": self.application.project,
            "IMAGES": self.images,
            "UNSET": DIGEST,
            "WORKLOADS": " ".join(each.name for each in workloads(self.application)),
            # Waiting for what comes up, and for what comes back where it does not, fit in the job's time.
            "PATIENCE": str(self.application.timeout * 20),
            **self.more,
        }
        return {
            "KUBECONFIG": Secret(KUBE_CONFIG),
            "TEMPORARY": TEMPORARY,
            "COMMIT": Fact("commit"),
            **{name: Literally(text) for name, text in values.items()},
        }

    def run(
        self,
        name: str,
        *paths: str,
        when: Literal["success", "failure"] = "success",
        stage: str | None = None,
    ) -> Run:
        """A step of scripts below templates/deploy/, with those variables that they read."""
        lines = script(*paths)
        read = set(re.findall(r"[A-Z_]+", "\n".join(lines)))
        if any(f"{program} " in line for line in lines for program in ("kubectl", "helm", "terraform")):
            read.add("KUBECONFIG")
        env = {key: value for key, value in self._env().items() if key in read}
        return Run(f"{name} {self.environment.name}", lines, env, when=when, stage=stage)

    def keep(self) -> Run:
        return self.run("Keep the versions that this run does not set, in", "kubernetes/keep.sh")

    def demand(self) -> Run:
        return self.run("Be sure of every version for", *self.prepare, "kubernetes/demand.sh")

    def try_out(self) -> Run:
        return self.run(
            "Ask what would change in", *self.prepare, "kubernetes/try.sh", "kubernetes/diff.sh", stage="plan"
        )

    def diff(self) -> Run:
        return self.run("Show what changes in", *self.prepare, "kubernetes/diff.sh")

    def apply(self) -> Run:
        return self.run("Apply to", *self.prepare, "kubernetes/apply.sh")

    def wait(self) -> Run:
        return self.run("Wait for", "kubernetes/wait.sh")

    def prune(self) -> Run:
        return self.run("Delete what the repository has no more from", *self.prepare, "kubernetes/prune.sh")

    def undo(self) -> Run:
        return self.run("Undo the failed deployment to", "kubernetes/undo.sh", when="failure", stage="operate")

    def drift(self) -> Run:
        scripts = (*self.prepare, "kubernetes/by_hand.sh", "kubernetes/drift.sh")
        return self.run("Look for drift in", *scripts, stage="operate")

    def health(self) -> tuple[Run, ...]:
        """All replicas are there, and the environment's page answers where it has one."""
        available = self.run("Look at the health of", "kubernetes/health.sh", stage="monitor")
        if self.environment.url is None:
            return (available,)
        return (available, smoke_test(self.environment))


def smoke_test(environment: AppEnvironment) -> Run:
    """Does the page of the environment answer?"""
    env = {"URL": Literally(environment.url or "")}
    return Run(f"Ask the page of {environment.name}", script("tools/smoke.sh"), env, stage="monitor")


def setup_files(application: Application, folder: str, template: str, **values: object) -> tuple[GeneratedFile, ...]:
    """For each environment, what an administrator applies once: the namespace and the pipeline's account in it."""
    return tuple(
        written(
            f"{folder}/{SETUP.format(env=environment.name)}",
            template,
            (
                "An administrator of the cluster applies this, once and after each change of it. A kubeconfig of its",
                f"account {ACCOUNT} in {environment.namespace} is the pipeline's {KUBE_CONFIG} for {environment.name}.",
            ),
            application=application,
            environment=environment,
            account=ACCOUNT,
            **values,
        )
        for environment in application.environments
    )
