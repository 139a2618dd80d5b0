"""Look at an application repository: Dockerfiles, compose and bake files, remotes, CI files, charts, kustomizations."""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pipelinegen.commands.starting.findings import (
    AgentName,
    DeployerName,
    Findings,
    FoundImage,
    Stack,
)
from pipelinegen.edge.git.application import Application
from pipelinegen.edge.process import capture
from pipelinegen.images.dockerfile.model import Dockerfile, Malformed
from pipelinegen.images.dockerfile.parse import parse
from pipelinegen.pipelines.model import System

if TYPE_CHECKING:
    from pipelinegen.commands.starting.findings import FoundManifests

T = TypeVar("T")
Finder: TypeAlias = "Callable[[Repository, str | None, Sequence[str]], FoundManifests]"
_LARGEST = 1024 * 1024
_MOST = 20_000
# What is vendored, generated, or there for tests and editors is no image of the application.
_ASIDE = re.compile(
    r"node_modules|vendor|third_party|testdata|fixtures|tests?|e2e|\.git|\.venv|venv|dist|target|\.devcontainer|\.github"
    r"|examples|docs"
)
_DOCKERFILE = re.compile(r"(?:Dockerfile|Containerfile)(?:\.(?P<suffix>[A-Za-z0-9_-]+))?|(?P<stem>[\w-]+)\.Dockerfile")
_COMPOSE = re.compile(r"(?:docker-)?compose\.ya?ml")
_TARGET = re.compile(r'target\s+"(?P<name>[\w-]+)"\s*\{(?P<body>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}')


class Repository:
    """The files of a repository that git would take, and their texts."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.paths = _paths(folder)

    def text(self, path: str) -> str:
        """The text of a regular file, "" where it is no text, too large or a link."""
        whole = os.path.join(self.folder, path)
        try:
            if os.path.islink(whole) or not os.path.isfile(whole) or os.path.getsize(whole) > _LARGEST:
                return ""
            with open(whole, encoding="utf-8") as file:
                return file.read()
        except (OSError, ValueError):
            return ""


def look(folder: str, manifests: Finder) -> Findings:
    """What the repository at a folder holds.

    manifests: finds the manifest repository, from the origin's address and the names of the images.
    """
    repository = Repository(folder)
    application = Application(folder)
    origin = application.origin()
    head = application.head()
    images = _images(repository)
    return Findings(
        folder=os.path.basename(os.path.abspath(folder)),
        images=images,
        stack=None if images else _stack(repository),
        origin=origin,
        branch=application.default_branch() or (head.branch if head else "") or None,
        systems=_first_shown(repository, _SYSTEMS),
        deployers=_first_shown(repository, _DEPLOYERS),
        agents=_agents(repository),
        manifests=manifests(repository, origin, [image.name for image in images]),
    )


def _paths(folder: str) -> tuple[str, ...]:
    if os.path.lexists(os.path.join(folder, ".git")):
        done = capture(["git", "-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        if done.returncode == 0:
            return tuple(sorted(set(os.fsdecode(done.stdout).split("\0")[:-1]))[:_MOST])
    found: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _ASIDE.fullmatch(name) and not name.startswith("."))
        found += [os.path.relpath(os.path.join(place, name), folder) for name in files]
        if len(found) > _MOST:
            break
    return tuple(sorted(found))


# Images.


def _images(repository: Repository) -> tuple[FoundImage, ...]:
    """Those of bake and compose files first, since they know names and contexts; then every other Dockerfile."""
    found: list[FoundImage] = []
    for path in repository.paths:
        if _aside(path):
            continue
        if posixpath.basename(path) in ("docker-bake.json", "docker-bake.hcl"):
            found += _baked(repository, path)
        elif _COMPOSE.fullmatch(posixpath.basename(path)):
            found += _composed(repository, path)
    found = _once(found)
    built = {_path_of(image) for image in found}
    found += [_of_dockerfile(repository, path) for path in _dockerfiles(repository) if path not in built]
    return tuple(_renamed(_with_ports(repository, found)))


def _path_of(image: FoundImage) -> str:
    return posixpath.normpath(posixpath.join(image.context, image.dockerfile))


def _aside(path: str) -> bool:
    return any(_ASIDE.fullmatch(part) for part in path.split("/")[:-1])


def _once(images: Iterable[FoundImage]) -> list[FoundImage]:
    return list({(image.context, image.dockerfile, image.target): image for image in reversed(list(images))}.values())[
        ::-1
    ]


def _dockerfiles(repository: Repository) -> list[str]:
    return [
        path
        for path in repository.paths
        if not _aside(path)
        and (name := _DOCKERFILE.fullmatch(posixpath.basename(path)))
        and name["suffix"] not in ("dockerignore", "j2", "tmpl", "template", "dev", "test", "md")
        and "FROM" in repository.text(path).upper()
    ]


def _of_dockerfile(repository: Repository, path: str) -> FoundImage:
    """Named after its suffix, else its folder, else the repository. A suffixed one at the root builds the root."""
    folder, name = posixpath.split(path)
    found = _DOCKERFILE.fullmatch(name)
    label = (found and (found["suffix"] or found["stem"])) or posixpath.basename(folder) or _project(repository)
    if posixpath.basename(folder) in ("docker", "build", "deploy", "images"):
        # A folder that holds Dockerfiles alone: what they build lies above it.
        above = posixpath.dirname(folder) or "."
        return FoundImage(label, above, posixpath.relpath(path, above), path)
    return FoundImage(label, folder or ".", name, path)


def _project(repository: Repository) -> str:
    return os.path.basename(os.path.abspath(repository.folder))


def _composed(repository: Repository, path: str) -> list[FoundImage]:
    document = _yaml(repository.text(path))
    services = document.get("services") if isinstance(document, Mapping) else None
    here = posixpath.dirname(path) or "."
    found = []
    for name, service in services.items() if isinstance(services, Mapping) else ():
        build = service.get("build") if isinstance(service, Mapping) else None
        if isinstance(build, str):
            build = {"context": build}
        if not isinstance(build, Mapping) or not isinstance(build.get("context", "."), str):
            continue
        context = _inside(here, build.get("context", "."))
        dockerfile = _word(build.get("dockerfile")) or "Dockerfile"
        if context is not None and posixpath.normpath(posixpath.join(context, dockerfile)) in repository.paths:
            image = _repository_of(_word(service.get("image")))
            found.append(FoundImage(str(name), context, dockerfile, path, image, _word(build.get("target"))))
    return found


def _baked(repository: Repository, path: str) -> list[FoundImage]:
    """The targets of a bake file, as far as plain texts go: what is computed is left to bake itself."""
    text = repository.text(path)
    targets: dict[str, Mapping[str, Any]] = {}
    if path.endswith(".json"):
        document = _json(text)
        known = document.get("target") if isinstance(document, Mapping) else None
        targets = (
            {str(name): body for name, body in known.items() if isinstance(body, Mapping)}
            if isinstance(known, Mapping)
            else {}
        )
    else:
        for block in _TARGET.finditer(text):
            plain = dict(re.findall(r'^\s*(context|dockerfile|target)\s*=\s*"([^"$]*)"', block["body"], re.M))
            tags = re.search(r'^\s*tags\s*=\s*\[\s*"([^"$]+)"', block["body"], re.M)
            targets[block["name"]] = {**plain, "tags": [tags[1]] if tags else []}
    here = posixpath.dirname(path) or "."
    found = []
    for name, body in targets.items():
        context = _inside(here, _word(body.get("context")) or ".")
        dockerfile = _word(body.get("dockerfile")) or "Dockerfile"
        tags = body.get("tags")
        first = tags[0] if isinstance(tags, Sequence) and tags and isinstance(tags[0], str) else None
        if context is not None and posixpath.normpath(posixpath.join(context, dockerfile)) in repository.paths:
            found.append(FoundImage(name, context, dockerfile, path, _repository_of(first), _word(body.get("target"))))
    return found


def _inside(here: str, path: str) -> str | None:
    """A folder from the root of the repository; None where it lies outside, or is an address."""
    if "://" in path or path.startswith(("/", "~", "git@")) or "$" in path:
        return None
    normal = posixpath.normpath(posixpath.join(here, path))
    return None if normal == ".." or normal.startswith("../") else normal


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value and "$" not in value else None


def _repository_of(reference: str | None) -> str | None:
    """The repository of a reference with a registry; a name alone is what a local build is called."""
    from pipelinegen.errors import InputError
    from pipelinegen.images.reference import parse as parse_reference

    if reference is None or "/" not in reference:
        return None
    try:
        return parse_reference(reference).repository
    except InputError:
        return None


def _with_ports(repository: Repository, images: Iterable[FoundImage]) -> list[FoundImage]:
    return [
        replace(
            image, ports=_ports(repository.text(posixpath.normpath(posixpath.join(image.context, image.dockerfile))))
        )
        for image in images
    ]


def _ports(text: str) -> tuple[str, ...]:
    """What the last stage of a Dockerfile says that it listens on."""
    try:
        dockerfile: Dockerfile = parse(text)
    except Malformed:
        return ()
    words = (
        word.text
        for instruction in dockerfile.stages[-1].instructions
        if instruction.name == "EXPOSE"
        for word in instruction.words
    )
    return tuple(dict.fromkeys(word for word in words if re.fullmatch(r"[0-9]{1,5}(?:/tcp)?", word)))


def _renamed(images: Sequence[FoundImage]) -> list[FoundImage]:
    """Names as the configuration takes them, each once: what does not fit becomes `-`, what is twice gets a number."""
    taken: set[str] = set()
    renamed = []
    for image in images:
        name = re.sub(r"[^a-z0-9._-]+", "-", image.name.lower()).strip("-._")[:60] or "app"
        number, given = 2, name
        while given in taken:
            given, number = f"{name}-{number}", number + 1
        taken.add(given)
        renamed.append(replace(image, name=given))
    return renamed


def _stack(repository: Repository) -> tuple[Stack, str] | None:
    for stack, names in _STACKS:
        for name in names:
            if name in repository.paths:
                return stack, name
    return None


_STACKS: tuple[tuple[Stack, tuple[str, ...]], ...] = (
    ("go", ("go.mod",)),
    ("node", ("package.json",)),
    ("python", ("pyproject.toml", "requirements.txt", "setup.py")),
    ("static", ("index.html", "public/index.html")),
)


# Systems, deployers, agents.

_SYSTEMS: tuple[tuple[System, str], ...] = (
    ("github", r"\.github/workflows/[^/]+\.ya?ml"),
    ("gitlab", r"\.gitlab-ci\.ya?ml"),
    ("jenkins", r"Jenkinsfile"),
)
_DEPLOYERS: tuple[tuple[DeployerName, str], ...] = (
    ("helm", r"(?:.*/)?Chart\.yaml"),
    ("kustomize", r"(?:.*/)?kustomization\.ya?ml|(?:.*/)?Kustomization"),
    ("terraform", r".*\.tf"),
    ("ansible", r"(?:.*/)?ansible\.cfg|(?:.*/)?playbooks?/[^/]+\.ya?ml"),
    ("chef", r"(?:.*/)?Policyfile\.rb|(?:.*/)?recipes/[^/]+\.rb"),
    ("puppet", r"(?:.*/)?manifests/[^/]+\.pp"),
)


def _first_shown(repository: Repository, known: Sequence[tuple[T, str]]) -> tuple[tuple[T, str], ...]:
    """The members of a table for which there is a file, each with the first one."""
    shown = (
        (name, next((path for path in repository.paths if re.fullmatch(pattern, path)), None))
        for name, pattern in known
    )
    return tuple((name, path) for name, path in shown if path is not None)


def _agents(repository: Repository) -> tuple[tuple[AgentName, str], ...]:
    marks: tuple[tuple[AgentName, str], ...] = (("argocd", "argoproj.io/v1alpha1"), ("flux", "toolkit.fluxcd.io/"))
    texts = [(path, repository.text(path)) for path in repository.paths if path.endswith((".yaml", ".yml"))]
    found = ((name, next((path for path, text in texts if mark in text), None)) for name, mark in marks)
    return tuple((name, path) for name, path in found if path is not None)


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
