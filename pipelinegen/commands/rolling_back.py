"""A rollback: which versions stood there before, which later commits it undoes, and the plan that brings them back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipelinegen.commands.asked import BumpOptions, candidate, selection_of
from pipelinegen.commands.earlier import Found, Later, Search, date_of
from pipelinegen.commands.history import History
from pipelinegen.commands.judge import judge
from pipelinegen.commands.named import repositories_of
from pipelinegen.commands.order import way_back
from pipelinegen.commands.provenance import origin_of, origins_of
from pipelinegen.commands.settings import deliveries
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.reference import parse
from pipelinegen.manifests.earlier import Key, Remembered, Then, Versions, brought_back, versions_of
from pipelinegen.manifests.inventory import Standing, Version, inventory
from pipelinegen.manifests.near import nearest
from pipelinegen.manifests.plan import Plan, Skip
from pipelinegen.manifests.planning import make_plan
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree
from pipelinegen.report import Report
from pipelinegen.trailers import Deployed

if TYPE_CHECKING:
    from pipelinegen.config import Config

_LATER_SHOWN = 20


class RollbackOptions(NamedTuple):
    """The options of `rollback`, as the command line gives them; `common` are those that bump has, too."""

    images: tuple[str, ...] = ()
    to_commit: str | None = None
    steps: int | None = None
    max_commits: int | None = None
    common: BumpOptions = BumpOptions()


class Left(NamedTuple):
    """An image in a file that is left as it is, and why."""

    file: str
    repository: str
    reason: str


class Rollback:
    """One rollback, a job. What it found is there once it is prepared."""

    action: Literal["rollback"] = "rollback"

    def __init__(self, options: RollbackOptions, config: Config | None, report: Report) -> None:
        common = options.common
        self.selection = selection_of(common, config)
        self.named = repositories_of(options.images, config)
        _check(options)
        self.environment = common.env[0] if common.env else None
        # With an address, environments that were not asked for are none of ours; a title is for what is deployed.
        settled = deliveries(common._replace(repo=common.repo or "."), config)[0]
        self.options = settled._replace(repo=common.repo, title=common.title, allow_missing=True)
        self.selection = selection_of(self.options, config)._replace(allow_downgrade=True, only_tag=None)
        self.asked = options
        self.report = report
        self.now: dict[Key, tuple[Version, ...]] = {}
        self.wanted: dict[Key, tuple[Version | None, ...]] = {}
        self.left: list[Left] = []
        self.requests: list[Request] = []
        self.origins: Mapping[str, Deployed] = {}
        self.notes: tuple[str, ...] = ()
        self.undone: tuple[Deployed, ...] = ()
        self.found: Found | None = None
        self.later: list[Later] = []
        self._tip = ""

    @property
    def scope(self) -> tuple[str, ...]:
        """What tells its branch from others: the images and files that were named."""
        word = self.named[0].rpartition("/")[2] if len(self.named) == 1 else "images"
        return (word, *self.named, *(f"path {path}" for path in self.options.path))

    def way_back(self, repository: str) -> str:
        return way_back(repository, self.environment, self.options.path, self.named, self._tip)

    def prepare(self, tree: Tree, history: History) -> None:
        """Find the earlier versions, and say what that undoes."""
        sources = Sources(Remembered(tree))
        standing = inventory(sources, self.selection, self.named or None, self._unread)
        missing = set(self.named) - {each.repository for each in standing}
        if missing or not standing:
            raise self._nowhere(sorted(missing), tree)
        self.now = versions_of(standing)
        with history.past() as past:
            then = Then(sources, self.selection, standing)
            search = Search(past, history.prefix, then, self.now, self.asked.max_commits)
            to, steps = self.asked.to_commit, self.asked.steps
            found = search.at(to) if to is not None else search.steps(steps or 1)
            self.found, self._tip = found, past.remote.tip
            changed = self._want(found)
            self.later = list(search.later(found, changed))
            self._learn(changed, search.messages())
        self.notes = tuple(_notes(found, self.later))

    def plan(self, tree: Tree) -> Plan:
        """The plan on a tip: each place gets what stood there."""
        sources = Sources(tree)
        standing = inventory(sources, self.selection, {key.repository for key in self.now})
        if self._moved(versions_of(standing)):
            raise WorldError(
                "the versions that are to be taken back were changed meanwhile",
                id="push-race",
                state="nothing was changed",
                next="run the same command again",
            )
        places = dict(self._requests_by_place(standing))

        def choose(file: str, line: int, column: int, repository: str) -> Request | None:
            return places.get((file, line, column, repository))

        plan = make_plan(sources, self.requests, self.selection, choose)
        judge(plan, tree, self.options, self.selection)
        return plan

    def _moved(self, now: Versions) -> bool:
        return any(now.get(key) != self.now[key] for key in self.wanted)

    def _requests_by_place(self, standing: Sequence[Standing]) -> Iterator[tuple[tuple[str, int, int, str], Request]]:
        passed: dict[Key, int] = {}
        for each in standing:
            key = Key(each.file, each.repository)
            place = passed.get(key, 0)
            passed[key] = place + 1
            version = self.wanted[key][place] if key in self.wanted else None
            if version is not None:
                yield (each.file, each.line, each.column, each.repository), _request(key, version)

    def _want(self, found: Found) -> list[Key]:
        """Note what each place is to have, and what is left; the images in files that change."""
        before, unknown = brought_back(self.now, found.versions)
        at = found.commit.id[:12]
        for key in unknown:
            reason = "stood in another number of places" if key in found.versions else "was not in it"
            self.left.append(Left(*key, f"{reason} at {at}"))
        for key, versions in before.items():
            pairs = zip(self.now[key], versions, strict=True)
            self.wanted[key] = tuple(self._possible(key, now, then, at) for now, then in pairs)
        for left in self.left:
            self.report.warn(f"{left.file}: {parse(left.repository).familiar} {left.reason}: left as it is")
        changed = [key for key, versions in self.wanted.items() if _changes(self.now[key], versions)]
        names = {key.repository for key in changed or self.wanted}
        asked = [_request(key, version) for key, versions in self.wanted.items() for version in versions if version]
        self.requests = [each for each in dict.fromkeys(asked) if each.repository in names]
        return changed

    def _possible(self, key: Key, now: Version, before: Version, at: str) -> Version | None:
        """The version to write at a place; None where it cannot be written there."""
        if before == now:
            return before or None
        if not before or (before.tag is None and now.tag is not None):
            self.left.append(Left(*key, f"had {'no version' if not before else 'a digest and no tag'} at {at}"))
            return None
        return before

    def _learn(self, changed: Sequence[Key], messages: Sequence[str]) -> None:
        """What is known of the versions that come back and of those that go."""
        names = [each.repository for each in self.requests]
        self.origins = origins_of([each for each in self.requests if names.count(each.repository) == 1], messages)
        gone = dict.fromkeys(
            _request(key, version)
            for key in changed
            for version, kept in zip(self.now[key], self.wanted[key], strict=True)
            if version and kept not in (None, version)
        )
        self.undone = tuple(origin_of(each, messages) or Deployed(each.reference) for each in gone)

    def _unread(self, skip: Skip) -> None:
        self.report.warn(f"{skip.file}:{skip.line}:{skip.column}: left alone: {skip.reason}")

    def _nowhere(self, missing: Sequence[str], tree: Tree) -> InputError:
        names = ", ".join(parse(name).familiar for name in missing)
        near = [each for name in missing for each in nearest(tree, name, candidate(self.selection))]
        return InputError(
            f"{names} stands in none of the selected files" if names else "no image stands in the selected files",
            id="no-match",
            state="nothing was changed",
            next="correct the name, --env or --path",
            details=[f"{each.file}:{each.line} names {each.name}" for each in near],
        )


def _request(key: Key, version: Version) -> Request:
    return Request(key.repository, version.tag, version.digest)


def _changes(now: Sequence[Version], wanted: Sequence[Version | None]) -> bool:
    return any(version is not None and version != present for present, version in zip(now, wanted, strict=True))


def _check(options: RollbackOptions) -> None:
    """Raises InputError for options that contradict each other, or that would take everything back."""
    if options.to_commit is not None and options.steps is not None:
        raise InputError("--to and --steps are two answers to one question", id="bad-config", next="give one of them")
    common = options.common
    if not (common.env or common.path or options.images):
        raise InputError(
            "what is to be brought back is not said",
            id="bad-config",
            next="name an environment with --env, files with --path, or an image with --image",
        )


def _notes(found: Found, later: Sequence[Later]) -> Iterator[str]:
    commit = found.commit
    yield f"As at {commit.id[:12]} of {date_of(commit)}: {commit.subject}"
    for each in later[:_LATER_SHOWN]:
        built = next((one for one in each.trailers.deployed if one.revision), None)
        source = f" (built from {built.source_url}@{built.revision[:12]})" if built and built.revision else ""
        yield f"Undoes {each.commit.id[:12]} of {each.commit.author.name}, {each.date}: {each.commit.subject}{source}"
    if len(later) > _LATER_SHOWN:
        yield f"Undoes {len(later) - _LATER_SHOWN} earlier commits."
