"""What an edit changes in the cluster: manifests rendered by kustomize and helm before and after, compared by field."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pipelinegen.edge.process import MIB, capture, find_program
from pipelinegen.errors import InputError, PipelinegenError, WorldError
from pipelinegen.manifests.effect import Change, compare
from pipelinegen.manifests.kustomize.kustomization import is_kustomization_name
from pipelinegen.manifests.releases import Release
from pipelinegen.manifests.renderings import Replaced, renderings
from pipelinegen.manifests.source import Refused
from pipelinegen.manifests.spans import Unparsable
from pipelinegen.manifests.tree import Tree, Unreadable

TIMEOUT = 60.0
OUTPUT_LIMIT = 64 * MIB
MAX_CHANGES = 200
MAX_MATERIALISED = 256 * MIB

_SAID = 150
_HELM_ADVICE = "Use --debug flag to render out invalid YAML"
# kubectl 1.32 and later tell kustomize's errors as log records.
_LOGGED = re.compile(r'"command failed" err=(?:"(.*)"|<(.*)>)')

# A proxy that nobody listens at, and git without a protocol: what slips past the check is not fetched.
_NOWHERE = "http://127.0.0.1:9"


class Rendered(NamedTuple):
    """The changes, and plain sentences about what could not be rendered."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]


class Program(NamedTuple):
    """A program that renders: what it is called, and its first words."""

    name: str
    words: tuple[str, ...]


def show_effect(tree: Tree, replacements: Mapping[str, bytes], roots: Sequence[str] | None = None) -> Rendered:
    """What the cluster gets when files have these bytes instead.

    roots: the kustomizations to render; those that the changed files reach when None.
    """
    after = Replaced(tree, replacements)
    old, new = renderings(tree, sorted(replacements), roots), renderings(after, sorted(replacements), roots)
    files = sorted({*old.files, *new.files})
    with tempfile.TemporaryDirectory(prefix="pipelinegen-render-") as folder:
        places = Path(folder, "before"), Path(folder, "after")
        try:
            for place, version in zip(places, (tree, after), strict=True):
                materialise(version, files, place)
        except (OSError, WorldError, InputError) as error:
            return Rendered((), (f"nothing is rendered: {error}",))
        found = render(*places, new.roots, new.releases, old.releases)
    return Rendered(found.changes, tuple(dict.fromkeys((*new.notes, *found.notes))))


def materialise(tree: Tree, paths: Sequence[str], into: Path, replacements: Mapping[str, bytes] | None = None) -> None:
    """Write files of a tree into a new folder: regular files, inside it only. What the tree refuses is left out."""
    into.mkdir(mode=0o700)
    given = replacements or {}
    left = MAX_MATERIALISED
    for path in paths:
        parts = path.split("/")
        if path.startswith("/") or "\0" in path or any(part in {"", ".", ".."} for part in parts):
            raise InputError("not a path inside the repository", id="bad-path", where=path)
        try:
            data = given[path] if path in given else tree.read(path)
        except (KeyError, Unreadable):
            continue
        left -= len(data)
        if left < 0:
            raise WorldError(f"more than {MAX_MATERIALISED // MIB} MiB of manifests", id="too-big")
        target = into.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        # The folder is new and ours; an existing name can only be one file twice in the list.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


def render(
    before: Path,
    after: Path,
    roots: Sequence[str],
    releases: Sequence[Release] = (),
    releases_before: Sequence[Release] | None = None,
) -> Rendered:
    """Render two versions of a repository and compare the objects.

    roots: kustomizations or their folders.  releases: of Helm charts, after the edit; before it the same unless given.
    """
    changes: list[Change] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pipelinegen-tools-") as home:
        if roots:
            _render_roots(before, after, roots, Path(home), changes, notes)
        if releases:
            old = {(found.named_in, found.name, found.chart): found for found in (releases_before or releases)}
            pairs = [(old.get((found.named_in, found.name, found.chart)), found) for found in releases]
            _render_releases(before, after, pairs, Path(home), changes, notes)
    if len(changes) > MAX_CHANGES:
        notes.append(f"{len(changes) - MAX_CHANGES} more fields change")
    return Rendered(tuple(changes[:MAX_CHANGES]), tuple(notes))


def _render_roots(
    before: Path, after: Path, roots: Sequence[str], home: Path, changes: list[Change], notes: list[str]
) -> None:
    program = _program(("kustomize", ("build",)), ("kubectl", ("kustomize",)))
    if program is None:
        notes.append("the effect is not rendered: neither kustomize nor kubectl is installed")
        return
    for root in roots:
        folder = root.rpartition("/")[0] if is_kustomization_name(root) else root
        old, new = (_run(program, (str(place / folder),), place, home) for place in (before, after))
        _compare(root, old, new, changes, notes)


def _render_releases(
    before: Path,
    after: Path,
    pairs: Sequence[tuple[Release | None, Release]],
    home: Path,
    changes: list[Change],
    notes: list[str],
) -> None:
    program = _program(("helm", ("template",)))
    if program is None:
        notes.append("the effect on Helm releases is not rendered: helm is not installed")
        return
    for old, new in pairs:
        was = _template(program, old, before, home) if old is not None else b""
        _compare(f"{new.named_in} ({new.name})", was, _template(program, new, after, home), changes, notes)


def _template(program: Program, release: Release, place: Path, home: Path) -> bytes | str:
    words = [f"--namespace={release.namespace}"] if release.namespace else []
    for item in release.values:
        file = place / item if isinstance(item, str) else _temporary(home, item)
        if not file.is_file():
            return f"{item!r} is not in the repository"
        if "," in str(file):
            # helm would take it for two files, the second anywhere on this machine.
            return f"{item!r} has a comma in its name"
        words.append(f"--values={file}")
    words += [f"--set={item}" for item in release.sets]
    return _run(program, (*words, "--", release.name or "release", str(place / release.chart)), place, home)


def _temporary(home: Path, data: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(suffix=".yaml", dir=home)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return Path(name)


def _program(*known: tuple[str, tuple[str, ...]]) -> Program | None:
    """The first of these programs that is installed."""
    for name, words in known:
        with contextlib.suppress(WorldError):
            return Program(name, (find_program(name), *words))
    return None


def _run(program: Program, words: Sequence[str], place: Path, home: Path) -> bytes | str:
    """What the program writes, or in one line why it does not."""
    try:
        done = capture(
            [*program.words, *words], cwd=str(place), env=_environment(home), timeout=TIMEOUT, limit=OUTPUT_LIMIT
        )
    except PipelinegenError as error:
        return error.what.replace(program.words[0], program.name)
    if done.returncode:
        said = _said(done.stderr.decode(errors="replace").replace(f"{place}/", ""))
        return f"{program.name} says: {said or f'exit code {done.returncode}'}"
    return done.stdout


def _said(stderr: str) -> str:
    """A program's complaint in one line: the beginning names the object, the end the cause."""
    line = " ".join(stderr.replace(_HELM_ADVICE, "").split())
    logged = _LOGGED.search(line)
    if logged:
        line = (logged[1] or logged[2] or "").replace('\\"', '"').strip()
    line = line.removeprefix("error: ").removeprefix("Error: ")
    return line if len(line) <= 2 * _SAID else f"{line[:_SAID]} … {line[-_SAID:]}"


def _environment(home: Path) -> dict[str, str]:
    """No home, no cluster, no plugins, no network."""
    folders = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_PLUGINS", "KUSTOMIZE_PLUGIN_HOME")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE)
    return {
        **proxies,
        **{name: str(home / name.lower()) for name in (*folders, "XDG_CONFIG_HOME", "XDG_CACHE_HOME")},
        "PATH": os.environ.get("PATH", os.defpath),
        "NO_PROXY": "",
        "GIT_ALLOW_PROTOCOL": "none",
        "HOME": str(home),
        "KUBECONFIG": os.devnull,
        "LC_ALL": "C",
        "TMPDIR": str(home),
    }


def _compare(source: str, old: bytes | str, new: bytes | str, changes: list[Change], notes: list[str]) -> None:
    if isinstance(new, str):
        notes.append(f"{source} can{'not' if isinstance(old, str) else ' no longer'} be rendered: {new}")
        return
    if isinstance(old, str):
        notes.append(f"{source} cannot be rendered before the change: {old}")
        return
    try:
        changes += compare(source, old, new)
    except (Refused, Unparsable) as error:
        notes.append(f"{source} is rendered to something that cannot be read: {error}")
