"""The inputs of an image, read from the disk and from registries."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipelinegen.commands.building.asked import Wanted, read_bytes
from pipelinegen.commands.building.based import bases_in, repository_of
from pipelinegen.commands.building.bench import Bench
from pipelinegen.commands.building.made import Made
from pipelinegen.images.inputs import Context, Entry, Hashes, Inputs, context_hash, hashes_of, names_of
from pipelinegen.images.reference import InvalidReference
from pipelinegen.images.reference import parse as parse_reference

if TYPE_CHECKING:
    from pipelinegen.edge.registry import Registry

_GIT = "/.git"


def read_hashes(wanted: Wanted, made: Mapping[str, Made], bench: Bench, registry: Registry | None) -> Hashes:
    """The hashes of the image's inputs. made: those of ours that it is built from. registry: who is asked what other
    base images are today; None: nobody."""
    image, folder = wanted.image, bench.config.folder
    plain = {name: value for name, value in image.contexts.items() if not value.startswith("target:")}
    folders = {name: value for name, value in plain.items() if "://" not in value}
    return hashes_of(
        Inputs(
            dockerfile=wanted.read_dockerfile(),
            context=read_context(wanted.context, wanted.dockerfile, bench),
            target=image.target,
            platforms=wanted.platforms,
            build_args=wanted.build_args,
            labels=image.labels,
            bases={**_bases(wanted, made, registry), **{name: each.digest for name, each in made.items()}},
            contexts={
                **{name: context_hash(read_context(folder / value, None, bench)) for name, value in folders.items()},
                **{name: value for name, value in plain.items() if name not in folders},
            },
            secrets=names_of(image.secrets),
            ssh=tuple(each.partition("=")[0] for each in image.ssh),
            attest=image.attest,
            tests=image.tests.model_dump_json(),
            test_files=_test_files(wanted, folder),
        )
    )


def read_context(folder: Path, dockerfile: Path | None, bench: Bench) -> Context:
    """The files of a context that .dockerignore leaves, but for what we write ourselves. Git's own folder, whose bytes
    change without a commit, counts as the commit."""
    from pipelinegen.edge.engines.builtin.context import Context as Files
    from pipelinegen.edge.engines.builtin.reading import ignored_in

    files = Files(folder, ignored_in(folder, dockerfile), 0)
    top, revision, entries = os.path.abspath(folder), None, []
    for entry in files.walk():
        if entry.path == _GIT or entry.path.startswith(f"{_GIT}/"):
            revision = bench.source.event.revision or ""
        elif entry.kind == "symlink":
            entries.append(Entry(entry.path, "link", entry.target))
        elif entry.kind == "file" and not _is_below(top + entry.path, bench.own_files):
            content = hashlib.sha256()
            for piece in files.pieces(entry):
                content.update(piece)
            entries.append(Entry(entry.path, "file", content.hexdigest(), bool(entry.mode & 0o111)))
    return Context(tuple(entries), revision)


def _is_below(path: str, tops: Collection[str]) -> bool:
    return any(path == top or path.startswith(f"{top}/") for top in tops)


def _test_files(wanted: Wanted, folder: Path) -> dict[str, str]:
    """The programs and files of the repository that commands on this machine are called with."""
    words = {word for test in wanted.image.tests.host_tests for word in (test.command, *test.args)}
    named = {word: folder / word for word in words if "/" in word or (folder / word).is_file()}
    return {word: hashlib.sha256(read_bytes(path)).hexdigest() for word, path in named.items() if path.is_file()}


def _bases(wanted: Wanted, made: Mapping[str, Made], registry: Registry | None) -> dict[str, str]:
    """What the other base images are today: their digests, and as they are written where nobody tells."""
    ours = {each.wanted.repository.repository for each in made.values()}
    found = {}
    for base in bases_in(wanted):
        if repository_of(base.reference) not in ours or base.variable is None:
            found[base.reference] = _today(base.reference, registry)
    return found


def _today(written: str, registry: Registry | None) -> str:
    from pipelinegen.edge.registry import Found

    try:
        reference = parse_reference(written)
    except InvalidReference:
        return written
    # `localhost` without a port is what podman and buildah call images that are in no registry.
    if reference.digest is not None or registry is None or reference.registry == "localhost":
        return reference.digest or written
    found = registry.exists(reference)
    return found.digest if isinstance(found, Found) else written
