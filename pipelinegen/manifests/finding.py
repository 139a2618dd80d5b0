"""All places of a tree that name one of some repositories, file by file, selected or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from pipelinegen.manifests.locate import locate
from pipelinegen.manifests.place import Found
from pipelinegen.manifests.plan import Skip
from pipelinegen.manifests.request import Names
from pipelinegen.manifests.source import Refused, Source
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Unreadable
from pipelinegen.manifests.values_files import Values, named_in, values_in

_WORKFLOWS = (".github/", ".gitlab/", ".git/")
_ENDINGS = (".yaml", ".yml", ".json", ".tpl", ".gotmpl", ".tmpl", ".j2")
# valueFiles and valuesFiles, valuesFrom; a helmfile is known by its name.
_LINK_WORDS = (b"Files:", b"sFrom:")


def _every(path: str) -> bool:
    return bool(path)


def _none(path: str) -> bool:
    return not path


def _no_environment(path: str) -> str | None:
    del path
    return None


class Selection(NamedTuple):
    """Which files and references count.

    selects: whether a path is to be changed (`--path`, `--env`).  text_file: whether the configuration names it as a
    text file.  environment: the environment that a path belongs to.  explain: whether to account for every mention.
    """

    selects: Callable[[str], bool] = _every
    text_file: Callable[[str], bool] = _none
    environment: Callable[[str], str | None] = _no_environment
    only_tag: str | None = None
    include_managed: bool = False
    allow_downgrade: bool = False
    explain: bool = False


class Finding(NamedTuple):
    """What a file holds. skip: why the file as a whole is left alone (then there is no source)."""

    path: str
    selected: bool
    source: Source | None
    found: Sequence[Found]
    skip: Skip | None = None


def find(sources: Sources, names: Names, selection: Selection) -> Iterator[Finding]:
    """Each file that names one of the repositories, then each values file that holds only a tag of one."""
    answers = sources.tree.search((names.words, _LINK_WORDS))
    values: list[Values] = []
    for path in answers[0]:
        source, skip = _read(sources, path, selection)
        if source is None:
            if skip is not None:
                yield Finding(path, selection.selects(path), None, (), skip)
            continue
        values += [each for each in values_in(source) if _names_one(each, names.repositories)]
        yield Finding(path, selection.selects(path), source, list(locate(source, names.pattern)))
    if values:
        from pipelinegen.manifests.values_groups import tag_only_places
        from pipelinegen.manifests.values_links import is_helmfile

        helmfiles = list(filter(is_helmfile, sources.tree.paths()))
        for source, places in tag_only_places(sources, values, names.repositories, [*answers[1], *helmfiles]):
            yield Finding(source.path, selection.selects(source.path), source, places)


def _names_one(values: Values, repositories: Collection[str]) -> bool:
    return any(True for _ in named_in(values, repositories))


def _read(sources: Sources, path: str, selection: Selection) -> tuple[Source | None, Skip | None]:
    if path.startswith(_WORKFLOWS):
        return None, Skip(path, 1, 1, "belongs to the forge or to git, not to the environment")
    text_file = selection.text_file(path)
    if not text_file and not is_manifest(path):
        return None, None
    try:
        return sources.source(path, text_file=text_file), None
    except Unreadable as error:
        return None, Skip(path, 1, 1, error.reason, warn=True)
    except Refused as error:
        return None, Skip(path, error.line, error.column, error.reason, warn=True)


def is_manifest(path: str) -> bool:
    """Whether a file's name says that it holds YAML, JSON or a template of them."""
    return path.endswith(_ENDINGS) or path.rpartition("/")[2] == "Kustomization"
