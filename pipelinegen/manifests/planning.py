"""From the files of a manifest repository and the requests to the plan: search, locate, match, guard, rewrite."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from pipelinegen.manifests import guards
from pipelinegen.manifests.finding import Selection, find
from pipelinegen.manifests.place import Found, LeftAlone, Place
from pipelinegen.manifests.plan import Edit, ImageCount, Plan, Skip
from pipelinegen.manifests.request import Request, names_of
from pipelinegen.manifests.rewrite import Rewrite, rewrite
from pipelinegen.manifests.source import Source
from pipelinegen.manifests.sources import Sources, sources_of
from pipelinegen.manifests.tree import Tree

# From file, line, column and repository of a place to the one of the requests that it is to have (None: leave it).
Choose = Callable[[str, int, int, str], "Request | None"]


# `repository: ghcr.io/acme/api` and its like, up to the name and behind it.
_VALUE = re.compile(r"""[^#]*:[ \t]+["']?[\w.:/-]*""")
_END = re.compile(r"""["']?[ \t]*(?:[,}#]|$)""")


class _Ledger:
    """What planning has found so far."""

    def __init__(self, requests: Sequence[Request], choose: Choose | None) -> None:
        self.requests = {request.repository: request for request in requests}
        self.choose = choose
        self.occurrences = dict.fromkeys(requests, 0)
        self.changed = dict.fromkeys(requests, 0)
        self.edits: list[Edit] = []
        self.skipped: list[Skip] = []
        self.downgrades: list[Skip] = []
        self.outside: list[Skip] = []

    def plan(self) -> Plan:
        images = tuple(
            ImageCount(request.repository, request.tag, request.digest, count, self.changed[request])
            for request, count in self.occurrences.items()
        )
        edits = sorted(self.edits, key=lambda edit: (edit.file, edit.start, edit.end))
        lists = (tuple(sorted(set(skips))) for skips in (self.skipped, self.downgrades, self.outside))
        return Plan(images, tuple(edits), *lists)


def make_plan(
    files: Tree | Sources,
    requests: Sequence[Request],
    selection: Selection | None = None,
    choose: Choose | None = None,
) -> Plan:
    """The plan for the requests (one for each repository; with `choose`, for each place) on some files."""
    selection = selection or Selection()
    ledger = _Ledger(requests, choose)
    names = names_of(requests)
    for finding in find(sources_of(files), names, selection):
        if finding.skip is not None and finding.selected:
            ledger.skipped.append(finding.skip)
        elif finding.source is None:
            continue
        elif finding.selected:
            _plan_file(finding.source, finding.found, selection, ledger)
            if selection.explain:
                ledger.skipped += _mentions(finding.source, finding.found, names.pattern)
        else:
            ledger.outside += [
                _skip(finding.source, place.at, "outside the selection")
                for place in finding.found
                if isinstance(place, Place) and place.repository in ledger.requests
            ]
    return ledger.plan()


def _plan_file(source: Source, found: Sequence[Found], selection: Selection, ledger: _Ledger) -> None:
    edits: list[Edit] = []
    changed: list[Request] = []
    duplicate = _duplicate(found, ledger)
    if duplicate is not None:
        ledger.skipped.append(_skip(source, *duplicate, warn=True))
        return
    for item in found:
        if isinstance(item, LeftAlone):
            ledger.skipped.append(_skip(source, item.at, item.reason, warn=item.warn))
            continue
        request = ledger.requests.get(item.repository)
        if request is None:
            ledger.skipped.append(_skip(source, item.at, f"another repository: {item.written}"))
            continue
        if ledger.choose is not None:
            request = ledger.choose(source.path, *source.place(item.at), item.repository)
            if request is None:
                continue
        ledger.occurrences[request] += 1
        new = list(_edits(source, item, request, selection, ledger))
        if new:
            edits += new
            changed.append(request)
    ledger.edits += _without_repeats(edits)
    for request in changed:
        ledger.changed[request] += 1


def _duplicate(found: Sequence[Found], ledger: _Ledger) -> tuple[int, str] | None:
    """The first place that readers would not agree on: its file is left alone as a whole."""
    for item in found:
        if isinstance(item, Place) and item.repository in ledger.requests:
            key = guards.duplicate_key(item)
            if key is not None:
                reason = f"the key {key} stands twice on the way to the reference; readers differ on which one counts"
                return item.at, reason
    return None


def _edits(source: Source, place: Place, request: Request, selection: Selection, ledger: _Ledger) -> Iterator[Edit]:
    reason = guards.shared(place, ledger.requests)
    if reason is not None:
        ledger.skipped.append(_skip(source, place.at, reason, warn=True))
        return
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
        before = source.text[source.lines.start(match.start()) : match.start()]
        if line not in seen and not _is_name(source, match):
            seen.add(line)
            yield _skip(source, match.start(), "in a comment" if "#" in before else "inside a longer text")


def _is_name(source: Source, match: re.Match[str]) -> bool:
    """Whether the name stands there alone: its version stands beside it, and that is what is told of."""
    before = source.text[source.lines.start(match.start()) : match.start()]
    after = source.text[match.end() : source.lines.end(match.end())]
    value = _VALUE.fullmatch(before)
    return value is not None and _END.match(after) is not None


def _skip(source: Source, at: int, reason: str, *, warn: bool = False) -> Skip:
    line, column = source.place(at)
    return Skip(source.path, line, column, reason, warn)
