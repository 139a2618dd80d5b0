"""The search for an earlier state of some places in the history of the manifest repository, deeper step by step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from pipelinegen.edge.git.history import Commit
from pipelinegen.edge.git.past import Past
from pipelinegen.errors import InputError, Refused
from pipelinegen.manifests.earlier import Key, Then, Versions, states, steps_back
from pipelinegen.trailers import Trailers, read_trailers

MAX_COMMITS = 1000
_FIRST_DEPTH = 200
_FEWEST_DIGITS = 4


class Later(NamedTuple):
    """A commit that changed the places since, and what it (or the commit that it merged) says of itself."""

    commit: Commit
    trailers: Trailers

    @property
    def date(self) -> str:
        return date_of(self.commit)


class Found(NamedTuple):
    """An earlier commit of the branch, what stood in the places there, and what changed them since, newest first."""

    commit: Commit
    versions: Versions
    states: Sequence[Versions]
    since: Sequence[Commit]


class Search:
    """A search over the states of the images that stand in the selected files now."""

    def __init__(self, past: Past, prefix: str, then: Then, now: Versions, max_commits: int | None) -> None:
        self._past = past
        self._prefix = prefix
        self._then = then
        self._now = now
        self._seen: dict[frozenset[tuple[str, str]], Versions] = {}
        bound = max_commits or MAX_COMMITS
        self._depths = [_FIRST_DEPTH, bound] if bound > _FIRST_DEPTH else [bound]

    def steps(self, steps: int) -> Found:
        """The newest commit at which the state `steps` before the present one stood. Raises Refused."""

        def look(line: list[Commit]) -> Found | None:
            moments = self._moments(line)
            there = steps_back(self._now, states(self._now, moments), steps)
            return self._found(line[there], moments[there]) if there is not None else None

        found, looked = self._deepen(look)
        if found is not None:
            return found
        raise Refused(
            f"no earlier version in the last {looked} commits" if steps == 1 else
            f"no {steps} earlier versions in the last {looked} commits",
            id="no-earlier-version",
            where=self._past.remote.address.url,
            state="nothing was changed",
            next="name a commit with --to, or look further back with --max-commits",
        )  # fmt: skip

    def at(self, text: str) -> Found:
        """The commit that is named. Raises InputError where it is not on the branch."""
        if not re.fullmatch(r"[0-9a-fA-F]{4,64}", text):
            raise _bad_commit(f"{ascii(text[:80])[1:-1]} is not the name of a commit")

        def look(line: list[Commit]) -> Found | None:
            del line
            named = [commit for commit in self._past.known() if commit.id.startswith(text.lower())]
            if len(named) > 1:
                raise _bad_commit(f"{text} names {len(named)} commits", [f"{each.id} {each.subject}" for each in named])
            return self._found(named[0], self._moments(named)[0]) if named else None

        found, looked = self._deepen(look)
        if found is None:
            raise _bad_commit(f"{text} is not among the last {looked} commits of {self._past.remote.base}")
        return found

    def _deepen(self, look: Callable[[list[Commit]], Found | None]) -> tuple[Found | None, int]:
        looked = 0
        for depth in self._depths:
            line = self._past.line(depth)
            looked = len(line)
            found = look(line)
            if found is not None or looked < depth:
                return found, looked
        return None, looked

    def _found(self, commit: Commit, versions: Versions) -> Found:
        since = self._past.since(commit.id)
        return Found(commit, versions, states(self._now, [*self._moments(since), versions]), since)

    def later(self, found: Found, keys: Sequence[Key]) -> Iterator[Later]:
        """The commits since that changed one of these."""
        for place, commit in enumerate(found.since):
            newer, older = found.states[place], found.states[place + 1]
            if any(newer[key] != older[key] for key in keys):
                yield Later(commit, self._said(commit))

    def _said(self, commit: Commit) -> Trailers:
        for message in (commit.message, *(each.message for each in self._past.merged_by(commit))):
            trailers = read_trailers(message)
            if trailers.deployed:
                return trailers
        return Trailers()

    def messages(self) -> list[str]:
        """The messages of all commits that were looked at, newest first."""
        return [commit.message for commit in self._past.known()]

    def _moments(self, commits: Sequence[Commit]) -> list[Versions]:
        """What stood in the places at each commit; the same files are read once."""
        paths = {f"{self._prefix}{path}": path for path in self._then.paths}
        listed = [frozenset(files.items()) for files in self._past.files([commit.tree for commit in commits], paths)]
        new = [files for files in dict.fromkeys(listed) if files not in self._seen]
        contents = self._past.contents(name for files in new for _, name in files)
        for files in new:
            there = {paths[path]: contents.get(name) for path, name in files}
            self._seen[files] = self._then.versions(dict.fromkeys(self._then.paths) | there)
        return [self._seen[files] for files in listed]


def date_of(commit: Commit) -> str:
    """When a commit was made, to the minute."""
    return f"{datetime.fromtimestamp(commit.time, timezone.utc):%Y-%m-%d %H:%M} UTC"


def _bad_commit(what: str, details: Sequence[str] = ()) -> InputError:
    return InputError(
        what,
        id="no-such-commit",
        where="--to",
        state="nothing was changed",
        next=f"name a commit of the branch by {_FEWEST_DIGITS} or more digits of its SHA; --max-commits looks further",
        details=[*details][:10],
    )
