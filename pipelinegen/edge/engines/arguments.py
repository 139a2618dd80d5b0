"""A build request in the words of command lines: buildx's options, of which every engine has its part."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timezone
from pathlib import Path
from typing import NamedTuple

from pipelinegen.config.rules import attributes
from pipelinegen.edge.engines.port import BuildRequest
from pipelinegen.errors import InputError

# What BuildKit's own check SecretsUsedInArgOrEnv looks at, and how well-known tokens begin.
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:api_?key|auth|credentials?|key|pass(?:word|wd|phrase)?|pword|secrets?|token)(?:_|$)", re.IGNORECASE
)
_PUBLIC_NAME = re.compile(r"(?:^|_)(?:public|url|host|file|path|id)(?:_|$)", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"gh[pousr]_[0-9A-Za-z]{20}|github_pat_|glpat-|AKIA[0-9A-Z]{16}|xox[abprs]-|npm_[0-9A-Za-z]{30}|eyJ[\w-]{10,}\.eyJ"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)


# Variables that an engine, its caches or its helpers would take for their own.
_ENGINE_PREFIXES = (
    *("DOCKER_", "BUILDX_", "BUILDKIT_", "BUILDAH_", "CONTAINER", "REGISTRY_", "STORAGE_", "XDG_", "SSH_", "GIT_"),
    *("AWS_", "AZURE_", "GOOGLE_", "ACTIONS_"),
)


class BuildSecret(NamedTuple):
    """A build secret and where its value comes from: a variable of ours, else a file."""

    id: str
    variable: str | None
    file: Path | None

    def spelled(self) -> str:
        """As buildx, docker, podman and buildah take it."""
        source = f"env={self.variable}" if self.variable is not None else f"src={self.file}"
        return _csv([f"id={self.id}", source])


def context_of(request: BuildRequest) -> Path:
    return Path(os.path.abspath(request.root / request.context))


def dockerfile_of(request: BuildRequest) -> Path:
    if request.dockerfile is None:
        return context_of(request) / "Dockerfile"
    return Path(os.path.abspath(request.root / request.dockerfile))


def common(request: BuildRequest) -> list[str]:
    """The options that every engine spells alike."""
    words = [f"--file={dockerfile_of(request)}"]
    words += [f"--target={request.target}"] if request.target else []
    words += [f"--platform={','.join(request.platforms)}"] if request.platforms else []
    secret = hidden(request.build_args)
    words += [
        f"--build-arg={name}" + ("" if name in secret else f"={value}") for name, value in request.build_args.items()
    ]
    words += [f"--label={name}={value}" for name, value in request.labels.items()]
    words += [f"--ssh={each}" for each in request.ssh]
    words += ["--no-cache"] if request.no_cache else []
    return words


def contexts(request: BuildRequest) -> list[str]:
    """Named contexts. A folder is made absolute: engines do not agree on where a relative one starts."""
    return [f"--build-context={name}={_place(value, request.root)}" for name, value in request.contexts.items()]


def epoch(request: BuildRequest) -> int | None:
    """The seconds of `created`; a time without a zone is UTC."""
    if request.created is None:
        return None
    created = request.created
    return int((created if created.tzinfo else created.replace(tzinfo=timezone.utc)).timestamp())


def read_secrets(request: BuildRequest, environ: Mapping[str, str]) -> list[BuildSecret]:
    """The secrets of a request; InputError where a variable or file that one names is not there."""
    return [_checked(_secret(text, request.root, environ), environ) for text in request.secrets]


def secret_looking(build_args: Mapping[str, str]) -> Iterator[str]:
    """A warning for each build argument that looks like a secret. Its value is not shown."""
    for name, value in build_args.items():
        if value and (_is_secret_name(name) or _SECRET_VALUE.search(value)):
            yield (
                f"the build argument {name} looks like a secret; whoever has the image can read it. "
                f"Give it as a build secret instead: secrets: [id={name.lower()},env={name}]"
            )


def hidden(build_args: Mapping[str, str]) -> dict[str, str]:
    """The build arguments that go to the engine by its environment, for others can read a command line."""
    return {
        name: value
        for name, value in build_args.items()
        if _is_secret_name(name) and not name.startswith(_ENGINE_PREFIXES)
    }


def registry_caches(caches: Iterable[str]) -> tuple[list[str], list[str]]:
    """The references of caches that are images in a registry, and the other caches as they are written."""
    references, others = [], []
    for cache in caches:
        given = attributes(cache, bare="ref")
        kind = given.get("type", "registry")
        if kind == "registry" and given.get("ref"):
            references.append(given["ref"])
        else:
            others.append(cache)
    return references, others


def cache_types(request: BuildRequest) -> set[str]:
    return {attributes(cache, bare="ref").get("type", "registry") for cache in (*request.cache_from, *request.cache_to)}


def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None and _PUBLIC_NAME.search(name) is None


def _secret(text: str, root: Path, environ: Mapping[str, str]) -> BuildSecret:
    """As buildx reads it: with neither source, the variable of the secret's own name, else the file of that name."""
    given = attributes(text)
    name = given.get("id", "")
    variable, file = given.get("env"), given.get("src") or given.get("source")
    if given.get("type") == "env" and not variable:
        variable, file = file or name, None
    if not variable and not file:
        variable, file = (name, None) if name in environ and given.get("type") != "file" else (None, name)
    return BuildSecret(name, variable or None, Path(os.path.abspath(root / file)) if file and not variable else None)


def _checked(secret: BuildSecret, environ: Mapping[str, str]) -> BuildSecret:
    if secret.variable is not None and not environ.get(secret.variable):
        raise InputError(
            f"the build secret {secret.id} comes from the variable {secret.variable}, which is not set",
            id="bad-secret",
            next=f"set {secret.variable}, or name another source: id={secret.id},src=FILE",
        )
    if secret.file is not None and not os.access(secret.file, os.R_OK):
        raise InputError(
            f"the build secret {secret.id} comes from a file that is not there or cannot be read",
            id="bad-secret",
            where=str(secret.file),
        )
    return secret


def _place(value: str, root: Path) -> str:
    return value if "://" in value else os.path.abspath(root / value)


def _csv(fields: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue()
