"""What a merged commit changed, and which later commits of the branch still hold it.

An agent applies the newest commit of its branch and reports on that one; in a busy repository it may never see ours.
"""

from __future__ import annotations

from typing import NamedTuple

from pipelinegen.edge.git.history import Commit, commits_between
from pipelinegen.edge.git.past import Past
from pipelinegen.edge.git.remote import RemoteRepository
from pipelinegen.manifests.earlier import Given, Key, Versions, versions_of
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.inventory import Version, inventory

LOOKED = 100


class LaterCommit(NamedTuple):
    """Ours, or a commit of the branch after it, and whether the images that ours changed are as it left them."""

    id: str
    holds: bool


class Change:
    """One commit of a branch, by the images that it changed; a commit that changed none, by its files."""

    def __init__(self, remote: RemoteRepository, commit: str, selection: Selection) -> None:
        self._past = Past(remote)
        self._selection = selection
        self._commit = commit
        self._tip = remote.tip
        self._known: dict[str, bool] = {commit: True}
        remote.fetch(commit, depth=2)
        own, *before = commits_between(remote, commit, first_parent=True)
        self._paths = self._past.changed_paths(before[0].tree if before else None, own.tree)
        self._objects = self._files(own)
        after, earlier = self._images(own), self._images(before[0]) if before else {}
        self._images_after = {key: versions for key, versions in after.items() if earlier.get(key) != versions}

    def later(self, tip: str) -> list[LaterCommit]:
        """The commits along first parents from the tip of the branch down to ours, newest first."""
        if tip != self._tip:
            self._tip = self._past.remote.refresh()
        found = []
        for commit in self._past.line(LOOKED):
            if commit.id == self._commit or not self._is_after(commit):
                break
            found.append(LaterCommit(commit.id, self._holds(commit)))
        return [*found, LaterCommit(self._commit, True)]

    def _is_after(self, commit: Commit) -> bool:
        asked = self._past.remote.local("merge-base", "--is-ancestor", self._commit, commit.id, may_fail=True)
        return asked.returncode == 0

    def _holds(self, commit: Commit) -> bool:
        if commit.id not in self._known:
            same = self._files(commit) == self._objects
            self._known[commit.id] = same or (bool(self._images_after) and self._still(self._images(commit)))
        return self._known[commit.id]

    def _still(self, images: Versions) -> bool:
        return all(images.get(key) == versions for key, versions in self._images_after.items())

    def _files(self, commit: Commit) -> dict[str, str]:
        return self._past.files([commit.tree], self._paths)[0]

    def _images(self, commit: Commit) -> dict[Key, tuple[Version, ...]]:
        files = self._files(commit)
        contents = self._past.contents(files.values())
        given = {path: contents[name] for path, name in files.items() if name in contents}
        return dict(versions_of(inventory(Given(given), self._selection, None)))
