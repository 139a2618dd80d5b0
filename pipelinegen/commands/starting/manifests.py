"""Find the manifest repository: the one that was named, a checkout beside this one, files in this one, or a guess."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from pipelinegen.commands.starting.findings import FoundEnvironment, FoundManifests, forge_of
from pipelinegen.commands.starting.looking import Repository
from pipelinegen.edge.git.address import is_url
from pipelinegen.errors import InputError, PipelinegenError
from pipelinegen.images.reference import parse

if TYPE_CHECKING:
    from pipelinegen.report import Report

REACH_SECONDS = 30.0
_BESIDE = ("manifests", "{name}-manifests", "{name}-gitops", "gitops", "{name}-deploy", "deployments", "k8s")
# The order of a promotion. What is not known comes before production, in the order of its name.
_ORDER = ("dev", "develop", "development", "test", "testing", "int", "integration", "qa", "uat", "stage", "staging")
_LAST = ("preprod", "pre-production", "canary", "live", "prod", "production")
_FOLDER = re.compile(
    r"(?P<before>(?:.*/)?(?:overlays|environments|envs?|clusters|stages)/)(?P<name>[A-Za-z0-9._-]+)/.+"
)
# What stands beside environments in such folders: the agents' own files, and what all environments share.
_NONE = frozenset(("argocd", "argo-cd", "flux", "flux-system", "base", "common", "shared"))
_VALUES = re.compile(r"(?:.*/)?(?:values[-.](?P<name>[A-Za-z0-9_-]+)|(?P<other>[\w-]+)[-.]values)\.ya?ml")
_PACKAGED = re.compile(r"(?:.*/)?(?:Chart\.yaml|kustomization\.ya?ml|Kustomization)")
_IMAGE = re.compile(
    r"^[ \t-]*[\"']?(?:image|repository|newName|name)[\"']?:[ \t]*[\"']?([a-z0-9][\w.-]*(?::[0-9]+)?/[\w./-]+)", re.M
)


def in_folder(repository: Repository, location: str, why: str) -> FoundManifests | None:
    """The manifest repository in a folder; None where nothing in it looks like manifests."""
    manifests = [path for path in repository.paths if path.endswith((".yaml", ".yml")) and not path.startswith(".")]
    environments = _environments(manifests)
    texts = (repository.text(path) for path in manifests)
    references = sorted({name for text in texts for name in _named(text)})
    if not environments and not references:
        return None
    return FoundManifests(location, True, why, environments, tuple(references))


def find(
    repository: Repository, origin: str | None, names: Collection[str], named: str | None, report: Report
) -> FoundManifests:
    """names: of the images.  named: what the user gave.  InputError: that is a path, and no folder, or no address."""
    folder = repository.folder
    if named is not None:
        return _named_by_user(folder, named, report)
    name = os.path.basename(os.path.abspath(folder))
    beside = [found for pattern in _BESIDE if (found := _beside(folder, pattern.format(name=name))) is not None]
    known = {name.lower(), *names}
    naming = (each for each in beside if known & {reference.rpartition("/")[2] for reference in each.references})
    # One that names our images, then our own files, then one that holds manifests of whatever kind.
    return next(naming, None) or _own_manifests(repository) or next(iter(beside), None) or _guess(name, origin)


def _beside(folder: str, name: str) -> FoundManifests | None:
    place = os.path.join(folder, os.pardir, name)
    if not os.path.lexists(os.path.join(place, ".git")):
        return None
    return in_folder(Repository(place), f"../{name}", "a checkout beside this one")


def _named_by_user(folder: str, named: str, report: Report) -> FoundManifests:
    if is_url(named):
        return _seen_from_afar(named, report)
    path = os.path.join(folder, named)
    if not os.path.isdir(path):
        raise InputError("not a folder", id="bad-path", where=named, next="give --repo a checkout, or an address")
    relative = os.path.relpath(path, folder).replace(os.sep, "/")
    location = relative if relative.startswith("../") or relative == ".." else f"./{relative}"
    found = in_folder(Repository(path), location, "given with --repo")
    return found or FoundManifests(location, True, "given with --repo; nothing in it looks like manifests yet")


def _seen_from_afar(address: str, report: Report) -> FoundManifests:
    """What a repository that can be reached holds; of one that cannot, only its address."""
    from pipelinegen.commands.connect import Place, connect
    from pipelinegen.edge.git.remote import open_tree

    try:
        with connect(Place(address), report, with_forge=False, seconds=REACH_SECONDS) as connection:
            paths = open_tree(connection.remote).paths()
    except PipelinegenError as error:
        if isinstance(error, InputError):
            raise
        return FoundManifests(address, True, f"given with --repo; not reached: {error.what}")
    manifests = [path for path in paths if path.endswith((".yaml", ".yml")) and not path.startswith(".")]
    return FoundManifests(address, True, "given with --repo", _environments(manifests))


def _own_manifests(repository: Repository) -> FoundManifests | None:
    """Charts and kustomizations of the application repository itself."""
    if not any(
        re.fullmatch(r"(?:.*/)?(?:Chart\.yaml|kustomization\.ya?ml|Kustomization)", path) for path in repository.paths
    ):
        return None
    found = in_folder(repository, "./", "the charts and kustomizations of this repository")
    return found if found is not None and (found.environments or found.references) else None


def _guess(name: str, origin: str | None) -> FoundManifests:
    host, path = forge_of(origin)
    if not host:
        return FoundManifests(f"../{name}-manifests", False, "a guess: nothing shows where it is")
    owner = path.rpartition("/")[0] or path
    why = "a guess: nothing shows where it is, so it is named beside this one"
    return FoundManifests(f"https://{host}/{owner}/manifests", False, why)


def _named(text: str) -> Iterable[str]:
    for found in _IMAGE.finditer(text):
        first = found[1].partition("/")[0]
        if "." in first or ":" in first or first == "localhost":
            try:
                yield parse(found[1]).repository
            except InputError:
                continue


def _environments(paths: Sequence[str]) -> tuple[FoundEnvironment, ...]:
    """Folders and values files named after environments, each environment with all its patterns."""
    patterns: dict[str, dict[str, None]] = defaultdict(dict)
    for path in paths:
        folder = _FOLDER.fullmatch(path)
        values = _VALUES.fullmatch(path)
        if folder is not None and folder["name"].lower() not in _NONE:
            before = re.sub(r"^apps/[^/]+/", "apps/*/", folder["before"])
            patterns[folder["name"]][f"{before}{folder['name']}/**"] = None
        elif values is not None and (name := values["name"] or values["other"]).lower() in (*_ORDER, *_LAST):
            patterns[name][path] = None
    known = [name for name in patterns if re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", name)]
    return tuple(FoundEnvironment(name, tuple(patterns[name])) for name in sorted(known, key=_rank))


def _rank(name: str) -> tuple[int, int, str]:
    word = name.lower()
    if word in _ORDER:
        return 0, _ORDER.index(word), word
    return (2, _LAST.index(word), word) if word in _LAST else (1, 0, word)
