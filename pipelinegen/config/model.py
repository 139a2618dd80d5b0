"""The typed model of pipelinegen.yaml. Attributes are in snake_case, keys in kebab-case."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr

from pipelinegen.config.images import HostCommand, Image
from pipelinegen.config.source import Place, where
from pipelinegen.config.types import (
    Branch,
    Count,
    Cron,
    Deployers,
    Duration,
    EnvironmentName,
    Files,
    Filled,
    Frozen,
    Model,
    Name,
    Page,
    Path,
    PathPattern,
    ProjectName,
    Remote,
    Systems,
    Text,
    WebAddress,
    Word,
    default,
    empty,
    refuse,
)


class Delivery(Model):
    """How a change reaches the manifest repository. What an environment does not say is taken from `manifests`."""

    deliver: Literal["worktree", "commit", "push", "pull-request"] | None = Field(
        default=None, description="How far: only change files, commit, push to `base`, or open a pull request."
    )
    base: Branch | None = Field(
        default=None, description="The branch to change; the default branch of the repository if not given."
    )
    title: Text | None = Field(default=None, description="The title of the pull request.")
    body_file: Path | None = Field(default=None, description="A file with the text that goes above the table.")
    labels: tuple[Word, ...] | None = Field(default=None, description="Labels of the pull request.")
    reviewers: tuple[Word, ...] | None = Field(
        default=None, description="Who is asked to review: users, or teams as ORGANISATION/TEAM."
    )
    assignees: tuple[Word, ...] | None = Field(default=None, description="To whom it is assigned.")
    milestone: Word | None = Field(default=None, description="The milestone of the pull request.")
    draft: bool | None = Field(default=None, description="Open it as a draft?")
    auto_merge: bool | None = Field(default=None, description="Merge it as soon as its checks and reviews allow?")
    squash: bool | None = Field(default=None, description="Ask for one commit when it is merged?")
    sign: bool | None = Field(default=None, description="Sign the commit, as git is configured?")
    pin_digest: bool | None = Field(default=None, description="Look the digest up and write TAG@DIGEST?")
    verify_image: bool | None = Field(
        default=None,
        description="Ask the registry first whether the image exists? If not given: yes, where it answers.",
    )
    only_tag: Word | None = Field(default=None, description="Change only references whose present tag matches this.")
    set_in_overlay: bool | None = Field(
        default=None, description="Give the overlay an `images:` entry where only a shared base names the image?"
    )
    include_managed: bool | None = Field(
        default=None, description="Also change tags that Flux or Argo CD image automation owns?"
    )
    allow_downgrade: bool | None = Field(default=None, description="Allow a lower version than the present one?")


class Observe(Model):
    """What `observe` waits for after the merge."""

    status: Word | None = Field(
        default=None,
        description="The name of the commit status that the agent reports, `*` for any text.",
        examples=["argocd/shop-*", "kustomization/shop-*"],
    )
    timeout: Duration | None = Field(default=None, description="How long to wait.")


class Environment(Delivery):
    """One environment: which files of the manifest repository are its own, and how they are changed."""

    paths: Filled[PathPattern] = Field(
        description="Its files, as patterns in gitignore's syntax; `!` takes files out again.",
        examples=[["apps/*/overlays/staging/**"]],
    )
    observe: Observe = Field(default_factory=default(Observe), description="How it is told that the agent is done.")
    namespace: Name | None = Field(default=None, description="The Kubernetes namespace, for generated pipelines.")
    cluster: Word | None = Field(default=None, description="The API address or context of its cluster.")
    hosts: tuple[Word, ...] = Field(default=(), description="Its hosts, for Ansible, Chef and Puppet.")
    url: Page | None = Field(default=None, description="Where it can be seen, shown beside a deployment.")
    approval: bool | None = Field(default=None, description="Must a person agree before it is deployed (push style)?")
    auto_sync: bool | None = Field(default=None, description="Does the agent apply changes by itself (pull style)?")


class Manifests(Delivery):
    """The manifest repository, and what holds for all its environments."""

    repository: Remote | None = Field(
        default=None,
        description="Its URL, or a folder (`./`, `../`, from this file) that holds a checkout.",
        examples=["https://github.com/acme/manifests", "git@gitlab.example.com:acme/manifests.git"],
    )
    forge: Literal["github", "gitlab", "none"] | None = Field(
        default=None, description="Who keeps the pull requests; found by the address if not given."
    )
    forge_url: WebAddress | None = Field(
        default=None, description="The API of a forge of your own.", examples=["https://github.acme.example/api/v3"]
    )
    text_files: tuple[PathPattern, ...] = Field(
        default=(),
        description="Files, as patterns in gitignore's syntax, in which a whole word or quoted string that is a "
        "reference to the image is changed, whatever their format.",
        examples=[["*.tf", "*.tfvars", "*.hcl", ".env", "Dockerfile"]],
    )
    max_files: Count | None = Field(default=None, description="Refuse a change of more files than this.")
    max_attempts: Count | None = Field(default=None, description="How often to try when others push at the same time.")
    environments: Frozen[EnvironmentName, Environment] = Field(
        default_factory=empty, description="Environments by name."
    )

    def delivery(self, environment: str | None = None) -> Delivery:
        """What holds for an environment: its own words, else those of `manifests`."""
        own = self.environments[environment] if environment is not None else self
        names = Delivery.model_fields
        values = {name: getattr(own, name) for name in names}
        shared = {name: getattr(self, name) for name, value in values.items() if value is None}
        return Delivery.model_construct(**{**values, **shared})


class Hooks(Model):
    """Commands around the push, for scanners, bills of materials and signatures."""

    before_push: tuple[HostCommand, ...] = Field(default=(), description="After the tests; a failure ends the build.")
    after_push: tuple[HostCommand, ...] = Field(default=(), description="With the pushed digest in `IMAGE`.")


class Build(Model):
    """What holds for the build of all images."""

    engine: Literal["auto", "buildx", "docker", "podman", "buildah", "oci"] = Field(
        default="auto", description="What builds; `auto` takes the first that works here and says which."
    )
    jobs: Count | None = Field(default=None, description="How many images are built at the same time.")
    bake: Files = Field(
        default=(),
        description="Bake files, read by `docker buildx bake --print`: their targets are images too, and say of those "
        "in `images` what these do not say themselves.",
        examples=[["docker-bake.hcl"]],
    )
    compose: Files = Field(
        default=(),
        description="Compose files, read by `docker compose config` in the same way: their services that are built.",
        examples=[["compose.yaml"]],
    )
    hooks: Hooks = Field(default_factory=default(Hooks), description="Commands around the push.")


class Triggers(Model):
    """What starts the generated pipelines."""

    branches: tuple[Word, ...] = Field(default=(), description="Pushes to these branches.", examples=[["main"]])
    tags: tuple[Word, ...] = Field(default=(), description="Pushes of these tags.", examples=[["v*"]])
    paths: tuple[PathPattern, ...] = Field(default=(), description="Only where one of these files changed.")
    schedule: Cron | None = Field(default=None, description="Also at these times.", examples=["0 5 * * 1"])


class PullStyle(Model):
    """GitOps: an agent in the cluster applies what the manifest repository holds."""

    agent: Literal["argocd", "flux"] | None = Field(default=None, description="The agent.")
    interval: Duration | None = Field(default=None, description="How often it looks.")
    prune: bool | None = Field(default=None, description="Does it delete what is no longer in the repository?")
    self_heal: bool | None = Field(default=None, description="Does it undo changes made by hand?")


class PushStyle(Model):
    """DevOps: the CI system deploys."""

    deploy: Deployers = Field(default=(), description="With what.")
    auth: Literal["oidc", "kubeconfig", "token", "ssh"] | None = Field(
        default=None,
        description="How it proves to the target who it is; `oidc` and `token` are refused until deployers know them.",
    )
    drift_schedule: Cron | None = Field(default=None, description="When to look for drift.", examples=["17 4 * * *"])


class Pipelines(Model):
    """What `generate` writes."""

    style: Literal["pull", "push", "both"] | None = Field(default=None, description="Which style.")
    ci: Systems = Field(default=(), description="For which CI systems.")
    pull: PullStyle = Field(default_factory=default(PullStyle), description="The pull style (GitOps).")
    push: PushStyle = Field(default_factory=default(PushStyle), description="The push style (DevOps).")
    triggers: Triggers = Field(default_factory=default(Triggers), description="What starts them.")
    runner: Word | None = Field(default=None, description="The runner's label or tag.", examples=["ubuntu-24.04"])
    timeout: Duration | None = Field(default=None, description="The longest time of one job.")
    sign: Literal["cosign", "none"] | None = Field(default=None, description="Sign the pushed images, with what?")
    scan: Literal["grype", "trivy", "none"] | None = Field(default=None, description="Scan the images, with what?")


def _version(number: int) -> int:
    if number != 1:
        raise refuse(f"version {number} is not known to this pipelinegen: it reads version 1")
    return number


def _no_images(value: object) -> object:
    return {} if value == () else value


def _or_empty_list(schema: dict[str, Any]) -> None:
    mapping = {key: schema.pop(key) for key in list(schema) if key not in ("description", "examples")}
    schema["anyOf"] = [mapping, {"type": "array", "maxItems": 0}]


class Config(Model):
    """The configuration of pipelinegen, at the root of the application repository."""

    version: Annotated[int, AfterValidator(_version)] = Field(
        default=1, description="The version of this format.", json_schema_extra={"const": 1}
    )
    project: ProjectName | None = Field(
        default=None, description="The name of the application; the folder's name if not given.", examples=["shop"]
    )
    images: Annotated[Frozen[Name, Image], BeforeValidator(_no_images)] = Field(
        default_factory=empty,
        description="Images by name, as in `pipelinegen bump NAME=TAG`. An empty list is read as none.",
        json_schema_extra=_or_empty_list,
    )
    build: Build = Field(default_factory=default(Build), description="What holds for the build of all images.")
    manifests: Manifests = Field(default_factory=default(Manifests), description="The manifest repository.")
    pipelines: Pipelines = Field(default_factory=default(Pipelines), description="What `generate` writes.")

    _name: str = PrivateAttr(default="pipelinegen.yaml")
    _places: Mapping[str, Place] = PrivateAttr(default_factory=empty)

    def placed(self, name: str, places: Mapping[str, Place]) -> Config:
        """The same, with the places of its values."""
        self._name, self._places = name, MappingProxyType(dict(places))
        return self

    def named_after(self, folder: str) -> Config:
        """The same, with a project called like a folder where the file names none."""
        if self.project is not None:
            return self
        name = re.sub(r"[^a-z0-9]+", "-", folder.lower())[:63].strip("-")
        return self.model_copy(update={"project": name or "app"})

    def where(self, address: str) -> str:
        """`manifests.environments.staging.paths[0]` → `pipelinegen.yaml:12:7`.

        What the file does not say is placed at the nearest thing above it that the file does say.
        """
        while address and address not in self._places:
            address = address[: max(address.rfind("."), address.rfind("["), 0)]
        return where(self._name, self._places.get(address, Place(1, 1)))

    @property
    def file_name(self) -> str:
        """The name of the file, without its folder."""
        return pathlib.Path(self._name).name

    @property
    def folder(self) -> pathlib.Path:
        """The folder of the file: relative paths in it begin here."""
        return pathlib.Path(self._name).parent
