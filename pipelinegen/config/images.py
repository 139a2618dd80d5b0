"""The typed model of `images`: how each image is built, tagged and tested."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from pipelinegen.config.types import (
    Attestation,
    BuildSecret,
    Cache,
    CamelModel,
    Duration,
    FlavorRule,
    Frozen,
    HeaderName,
    ImageRepository,
    Model,
    Name,
    Path,
    Platform,
    Port,
    Regex,
    Ssh,
    TagRule,
    Text,
    UrlPath,
    Variable,
    Word,
    default,
    empty,
)

Command = tuple[str, ...]


class KeyValue(CamelModel):
    """A variable or a label of container-structure-test."""

    key: Word = Field(description="Its name.")
    value: str = Field(default="", description="What it must be.")
    is_regex: bool = Field(default=False, description="Is `value` a regular expression?")


class CommandTest(CamelModel):
    """A command run in a container of the image."""

    name: Word = Field(description="What the report calls it.")
    command: Word = Field(description="The program.")
    args: Command = Field(default=(), description="Its arguments.")
    setup: tuple[Command, ...] = Field(default=(), description="Commands before it, each a list.")
    teardown: tuple[Command, ...] = Field(default=(), description="Commands after it, each a list.")
    env_vars: tuple[KeyValue, ...] = Field(default=(), description="Variables of the container.")
    expected_output: tuple[Regex, ...] = Field(default=(), description="Each is found in its standard output.")
    excluded_output: tuple[Regex, ...] = Field(default=(), description="None is found in its standard output.")
    expected_error: tuple[Regex, ...] = Field(default=(), description="Each is found in its standard error.")
    excluded_error: tuple[Regex, ...] = Field(default=(), description="None is found in its standard error.")
    exit_code: int = Field(default=0, ge=0, le=255, description="With what it must exit.")


class FileExistenceTest(CamelModel):
    """A file or folder that is in the image, or is not."""

    name: Word = Field(description="What the report calls it.")
    path: Word = Field(description="The path in the image.")
    should_exist: bool = Field(default=True, description="Must it be there?")
    permissions: str | None = Field(
        default=None,
        description="As container-structure-test writes them, which is Go's way: `-rw-r--r--`; `drwxr-xr-x`, a folder; "
        "`Lrwxrwxrwx`, a link; set-uid, set-gid and sticky stand in front, as `urwxr-xr-x`, `grwxr-xr-x` and "
        "`dtrwxrwxrwx`.",
        examples=["-rwxr-xr-x"],
    )
    uid: int | None = Field(default=None, description="The owner's number.")
    gid: int | None = Field(default=None, description="The group's number.")
    is_executable_by: Literal["any", "owner", "group", "other"] | None = Field(
        default=None, description="Who must be allowed to execute it."
    )


class FileContentTest(CamelModel):
    """What is written in a file of the image."""

    name: Word = Field(description="What the report calls it.")
    path: Word = Field(description="The path in the image.")
    expected_contents: tuple[Regex, ...] = Field(default=(), description="Each is found in the file.")
    excluded_contents: tuple[Regex, ...] = Field(default=(), description="None is found in the file.")


class MetadataTest(CamelModel):
    """The configuration of the image."""

    env_vars: tuple[KeyValue, ...] = Field(default=(), description="Variables that are set.")
    env: tuple[KeyValue, ...] = Field(default=(), description="The older spelling of `envVars`.")
    unbound_env: tuple[KeyValue, ...] = Field(default=(), description="Variables that are not set.")
    labels: tuple[KeyValue, ...] = Field(default=(), description="Labels that are set.")
    exposed_ports: tuple[str, ...] = Field(default=(), description='Ports that are exposed, in quotes: `["8080"]`.')
    unexposed_ports: tuple[str, ...] = Field(default=(), description="Ports that are not exposed.")
    volumes: tuple[str, ...] = Field(default=(), description="Volumes that are declared.")
    unmounted_volumes: tuple[str, ...] = Field(default=(), description="Volumes that are not declared.")
    entrypoint: Command | None = Field(default=None, description="The entrypoint, whole.")
    cmd: Command | None = Field(default=None, description="The command, whole.")
    workdir: str | None = Field(default=None, description="The working directory.")
    user: str | None = Field(default=None, description="The user.")

    @property
    def variables(self) -> tuple[KeyValue, ...]:
        """The variables that must be set, under either spelling of the key."""
        return self.env_vars + self.env


class HttpTest(CamelModel):
    """A request from outside to a container of the image; it needs no shell in the image."""

    name: Word = Field(description="What the report calls it.")
    path: UrlPath = Field(default="/", description="The path of the request.")
    port: Port = Field(description="The port that the container listens on.")
    status: int = Field(default=200, ge=100, le=599, description="The status of the answer.")
    headers: Frozen[HeaderName, Regex] = Field(
        default_factory=empty,
        description="For a header of the answer a regular expression that is found in it.",
        examples=[{"Content-Type": "^application/json"}],
    )
    body: tuple[Regex, ...] = Field(
        default=(), description="Each is found in the body of the answer.", examples=[['"status": *"ok"']]
    )
    timeout: Duration = Field(default=timedelta(seconds=30), description="How long to wait for it.")


class LogTest(CamelModel):
    """A line that a container of the image logs after its start."""

    name: Word = Field(description="What the report calls it.")
    pattern: Regex = Field(description="A regular expression that is found in the log.", min_length=1)
    timeout: Duration = Field(default=timedelta(seconds=30), description="How long to wait for it.")


class HostCommand(CamelModel):
    """A command on this machine, with the image's reference in the variable `IMAGE`."""

    name: Word = Field(description="What the report calls it.")
    command: Word = Field(description="The program; no shell reads it.")
    args: Command = Field(default=(), description="Its arguments.")
    timeout: Duration = Field(default=timedelta(minutes=5), description="How long it may take.")


class Tests(CamelModel):
    """What must be true of an image before it is pushed: container-structure-test's keys, and three kinds of ours."""

    schema_version: Literal["2.0.0"] = Field(default="2.0.0", description="container-structure-test's version.")
    global_env_vars: tuple[KeyValue, ...] = Field(default=(), description="Variables of every command test.")
    command_tests: tuple[CommandTest, ...] = Field(default=(), description="Commands in a container.")
    file_existence_tests: tuple[FileExistenceTest, ...] = Field(default=(), description="Files that exist, or not.")
    file_content_tests: tuple[FileContentTest, ...] = Field(default=(), description="What files hold.")
    metadata_test: MetadataTest | None = Field(default=None, description="The configuration of the image.")
    http_tests: tuple[HttpTest, ...] = Field(default=(), description="Requests from outside.")
    log_tests: tuple[LogTest, ...] = Field(default=(), description="Lines of the log.")
    host_tests: tuple[HostCommand, ...] = Field(default=(), description="Commands on this machine.")


class CacheUse(Model):
    """Where build caches come from and go to, as buildx spells them."""

    from_: tuple[Cache, ...] = Field(
        default=(), description="Sources.", examples=[["type=registry,ref=ghcr.io/acme/api:cache"]]
    )
    to: tuple[Cache, ...] = Field(default=(), description="Destinations.", examples=[["type=gha,mode=max"]])


class Image(Model):
    """One image. The keys are those of `docker buildx bake`, in the words of the command `pipelinegen build`."""

    repository: ImageRepository = Field(
        description="Where it is pushed, without a tag: what `bump` looks for in the manifests.",
        examples=["ghcr.io/acme/api"],
    )
    mirrors: tuple[ImageRepository, ...] = Field(
        default=(), description="Further repositories that get the same bytes under the same tags."
    )
    context: Path = Field(default=".", description="The folder that is built, from the root of the repository.")
    contexts: Frozen[Name, Word] = Field(
        default_factory=empty,
        description="Named contexts: a folder, `docker-image://REFERENCE`, or `target:NAME` for another image of this "
        "file, which is then built first.",
        examples=[{"base": "target:base"}],
    )
    dockerfile: Path = Field(default="Dockerfile", description="The Dockerfile, from `context`.")
    target: Word | None = Field(default=None, description="The stage to build; the last one if not given.")
    platforms: tuple[Platform, ...] = Field(
        default=(), description="Platforms; this machine's if not given.", examples=[["linux/amd64", "linux/arm64"]]
    )
    build_args: Frozen[Variable, str] = Field(
        default_factory=empty, description="Values of the Dockerfile's ARG. Never a secret."
    )
    secrets: tuple[BuildSecret, ...] = Field(
        default=(),
        description="Build secrets by name: where each comes from, never its value.",
        examples=[["id=npm,env=NPM_TOKEN"]],
    )
    ssh: tuple[Ssh, ...] = Field(default=(), description="Agents or keys for `RUN --mount=type=ssh`.")
    labels: Frozen[Word, Text] = Field(
        default_factory=empty, description="Labels beside the OCI ones, which are always set."
    )
    cache: CacheUse = Field(default_factory=default(CacheUse), description="Build caches.")
    attest: tuple[Attestation, ...] = Field(
        default=(), description="Attestations as buildx spells them.", examples=[["type=provenance,mode=max"]]
    )
    tags: tuple[TagRule, ...] = Field(
        default=(),
        description="Rules for tags in docker/metadata-action's words.",
        examples=[["type=semver,pattern={{version}}", "type=sha"]],
    )
    flavor: tuple[FlavorRule, ...] = Field(
        default=(),
        description="What holds for all tags, in docker/metadata-action's words: `latest=auto` (or `true`, `false`), "
        "`prefix=TEXT` and `suffix=TEXT` (with `,onlatest=true` also around `latest`).",
        examples=[["latest=false", "suffix=-alpine,onlatest=true"]],
    )
    tests: Tests = Field(default_factory=default(Tests), description="What must be true of it before it is pushed.")
