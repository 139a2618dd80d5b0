"""What is to be delivered to a remote manifest repository: the value that bump, promote and rollback share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from pipelinegen.branches import branch_name
from pipelinegen.edge.ci import CiContext
from pipelinegen.images.reference import parse
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.plan import Plan
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.tree import Tree
from pipelinegen.trailers import Deployed

How = Literal["push", "pull-request"]


class Wanted(NamedTuple):
    """How the pull request is to look and what is asked for it; `body` is the user's text above ours."""

    title: str | None = None
    body: str | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    milestone: str | None = None
    draft: bool = False
    auto_merge: bool = False
    squash: bool = False
    reopen: bool = False


class PartialTree(Exception):
    """Only the known paths were fetched, and they do not tell all that the plan needs."""


class Order(NamedTuple):
    """One delivery: to one branch, or one pull request.

    plan: from the files of a tip to the plan, judged; it is called again on each new tip.  requests: the versions that
    are asked for; they name the branch.  origins: what is known of the builds, by repository.  notes: lines for the
    pull request.  rollback: the command that takes it back.  seen: the number of the last pull request of its branch
    whose merge the plan has seen.  scope: what the branch is named after where that is not
    the images; the first is its word, all of them tell it from others.  undone: what a rollback takes out of place.
    """

    action: Literal["bump", "promotion", "rollback"]
    how: How
    environment: str | None
    requests: Sequence[Request]
    plan: Callable[[Tree], Plan]
    origins: Mapping[str, Deployed]
    wanted: Wanted = Wanted()
    notes: tuple[str, ...] = ()
    rollback: str | None = None
    sign: bool = False
    seen: int = 0
    max_attempts: int = 10
    base: str | None = None
    ci: CiContext = CiContext()
    selection: Selection = Selection()
    known_paths: tuple[str, ...] | None = None
    scope: tuple[str, ...] = ()
    undone: tuple[Deployed, ...] = ()

    @property
    def branch(self) -> str:
        """The branch of its pull request: the same for the same images and environment, whatever the tags."""
        names = list(self.scope or (request.repository for request in self.requests))
        slug = (
            self.scope[0] if self.scope else names[0].rpartition("/")[2] if len(names) == 1 else f"{len(names)}-images"
        )
        targets = [*names, *([f"base {self.base}"] if self.base else [])]
        environment = self.environment if self.action == "bump" else f"{self.action}-{self.environment or 'all'}"
        return branch_name(environment, slug, targets)

    def key(self, url: str, base: str) -> str:
        """What makes two runs the same: repository, branch, environment and versions."""
        facts = [url, base, self.action, self.environment, sorted(request.reference for request in self.requests)]
        return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def way_back(
    repository: str, environment: str | None, paths: Sequence[str], images: Sequence[str], to: str | None = None
) -> str:
    """The command that takes a delivery back."""
    import shlex

    where = [f"--env {environment}"] if environment else [f"--path {shlex.quote(path)}" for path in paths]
    named = [f"--image {parse(image).familiar}" for image in images[:5]]
    commit = [f"--to {to[:12]}"] if to else []
    return " ".join(["pipelinegen rollback", f"--repo {shlex.quote(repository)}", *where, *named, *commit])
