"""From the files of a manifest repository and the requests to the plan: search, locate, match, guard, rewrite."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pipelinegen.manifests import guards
from pipelinegen.manifests.locate import locate
from pipelinegen.manifests.place import Found, LeftAlone, Place
from pipelinegen.manifests.plan import Edit, ImageCount, Plan, Skip
from pipelinegen.manifests.request import Request, names_pattern, search_words
from pipelinegen.manifests.rewrite import Rewrite, rewrite
from pipelinegen.manifests.source import Refused, Source, read_source
from pipelinegen.manifests.tree import Tree, Unreadable
from pipelinegen.manifests.values_files import Library, Values, named_in, values_in

_WORKFLOWS = (".github/", ".gitlab/", ".git/")
_LINK_WORDS = (b"valueFiles:", b"valuesFiles:", b"valuesFrom:", b"releases:")


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


class _Ledger:
    """What planning has found so far."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = {request.repository: request for request in requests}
        self.occurrences = dict.fromkeys(self.requests, 0)
        self.changed = dict.fromkeys(self.requests, 0)
        self.edits: list[Edit] = []
        self.skipped: list[Skip] = []
        self.downgrades: list[Skip] = []
        self.outside: list[Skip] = []

    def plan(self) -> Plan:
        images = tuple(
            ImageCount(name, request.tag, request.digest, self.occurrences[name], self.changed[name])
            for name, request in self.requests.items()
        )
        edits = sorted(self.edits, key=lambda edit: (edit.file, edit.start, edit.end))
        lists = (tuple(sorted(set(skips))) for skips in (self.skipped, self.downgrades, self.outside))
        return Plan(images, tuple(edits), *lists)


def make_plan(tree: Tree, requests: Sequence[Request], selection: Selection | None = None) -> Plan:
    """The plan for the requests (one for each repository) on the files of `tree`."""
    selection = selection or Selection()
    ledger = _Ledger(requests)
    names = names_pattern(requests)
    named, linking = tree.search((search_words(requests), _LINK_WORDS))
    sources: list[Source] = []
    values: list[Values] = []
    for path in named:
        source = _read(tree, path, selection, ledger)
        if source is None:
            continue
        found = list(locate(source, names))
        sources.append(source)
        values += [each for each in values_in(source) if any(named_in(each, ledger.requests))]
        if selection.selects(path):
            _plan_file(source, found, selection, ledger)
            if selection.explain:
                ledger.skipped += _mentions(source, found, names)
        else:
            ledger.outside += [
                _skip(source, place.at, "outside the selection")
                for place in found
                if isinstance(place, Place) and place.repository in ledger.requests
            ]
    if values:
        from pipelinegen.manifests.values_links import tag_only_places

        for source, places in tag_only_places(Library(tree, sources), values, ledger.requests, linking):
            if selection.selects(source.path):
                _plan_file(source, places, selection, ledger)
    return ledger.plan()


def _read(tree: Tree, path: str, selection: Selection, ledger: _Ledger) -> Source | None:
    if path.startswith(_WORKFLOWS):
        ledger.skipped.append(Skip(path, 1, 1, "belongs to the forge or to git, not to the environment"))
        return None
    text_file = selection.text_file(path)
    if not text_file and not is_manifest(path):
        return None
    try:
        return read_source(path, tree.read(path), text_file=text_file)
    except Unreadable as error:
        skip = Skip(path, 1, 1, error.reason, warn=True)
    except Refused as error:
        skip = Skip(path, error.line, error.column, error.reason, warn=True)
    if selection.selects(path):
        ledger.skipped.append(skip)
    return None


def is_manifest(path: str) -> bool:
    """Whether a file's name says that it holds YAML, JSON or a template of them."""
    name = path.rsplit("/", 1)[-1]
    return name == "Kustomization" or name.endswith((".yaml", ".yml", ".json", ".tpl", ".gotmpl", ".tmpl", ".j2"))


def _plan_file(source: Source, found: Sequence[Found], selection: Selection, ledger: _Ledger) -> None:
    edits: list[Edit] = []
    changed: list[str] = []
    for item in found:
        if isinstance(item, LeftAlone):
            ledger.skipped.append(_skip(source, item.at, item.reason, warn=item.warn))
            continue
        request = ledger.requests.get(item.repository)
        if request is None:
            ledger.skipped.append(_skip(source, item.at, f"another repository: {item.written}"))
            continue
        key = guards.duplicate_key(item)
        if key is not None:
            reason = f"the key {key} stands twice on the way to the reference; readers differ on which one counts"
            ledger.skipped.append(_skip(source, item.at, reason, warn=True))
            return
        ledger.occurrences[item.repository] += 1
        new = list(_edits(source, item, request, selection, ledger))
        if new:
            edits += new
            changed.append(item.repository)
    ledger.edits += _without_repeats(edits)
    for repository in changed:
        ledger.changed[repository] += 1


def _edits(source: Source, place: Place, request: Request, selection: Selection, ledger: _Ledger) -> Iterator[Edit]:
    reason = guards.only_tag(place, selection.only_tag)
    if reason is None and not selection.include_managed:
        reason = guards.owner(source, place)
    if reason is not None:
        ledger.skipped.append(_skip(source, place.at, reason))
        return
    if guards.is_downgrade(place, request) and not selection.allow_downgrade:
        line, column = source.place(place.at)
        ledger.downgrades.append(Skip(source.path, line, column, f"{place.tag} is newer than {request.tag}"))
        return
    result = rewrite(source, place, request)
    if isinstance(result, LeftAlone):
        ledger.skipped.append(_skip(source, result.at, result.reason, warn=result.warn))
        return
    if not result.changes:
        ledger.skipped.append(_skip(source, place.at, result.note or "already as wanted"))
    elif result.note:
        ledger.skipped.append(_skip(source, place.at, result.note, warn=True))
    yield from _edits_of(source, place, result, selection)


def _edits_of(source: Source, place: Place, result: Rewrite, selection: Selection) -> Iterator[Edit]:
    for change in result.changes:
        line, column = source.place(change.at)
        yield Edit(
            source.path,
            line,
            column,
            place.kind,
            place.repository,
            selection.environment(source.path),
            change.before,
            change.after,
            change.start,
            change.end,
            source.text[change.start : change.end],
            change.new,
            change.expectations,
        )


def _without_repeats(edits: list[Edit]) -> list[Edit]:
    """A scalar that two places share (an anchor, a merged mapping) is changed once."""
    return list({(edit.start, edit.end, edit.new): edit for edit in edits}.values())


def _mentions(source: Source, found: Sequence[Found], names: re.Pattern[str]) -> Iterator[Skip]:
    """Every line that holds the name and was not accounted for: comments and longer texts."""
    seen = {source.place(item.at)[0] for item in found}
    for match in names.finditer(source.text):
        line, _ = source.place(match.start())
        if line not in seen:
            seen.add(line)
            before = source.text[source.lines.start(match.start()) : match.start()]
            yield _skip(source, match.start(), "in a comment" if "#" in before else "inside a longer text")


def _skip(source: Source, at: int, reason: str, *, warn: bool = False) -> Skip:
    line, column = source.place(at)
    return Skip(source.path, line, column, reason, warn)
