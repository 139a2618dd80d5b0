"""The planning of one bump on whichever tip it is asked for: without the images of which a newer build is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipelinegen.commands.asked import BumpOptions, selection_of
from pipelinegen.commands.connect import Connection
from pipelinegen.commands.delivering import commits_of
from pipelinegen.commands.judge import judge
from pipelinegen.commands.known_paths import tell_all
from pipelinegen.commands.order import PartialTree
from pipelinegen.commands.planned import plan_of
from pipelinegen.commands.superseded import (
    Superseded,
    concerning,
    rolled_back,
    since_standing,
    superseded,
    versions_at,
)
from pipelinegen.edge.git.history import read_log
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.images.reference import parse
from pipelinegen.manifests.plan import Plan, Skip
from pipelinegen.manifests.request import Request, request_of
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree
from pipelinegen.report import Report
from pipelinegen.trailers import Deployed

if TYPE_CHECKING:
    from pipelinegen.config import Config

HISTORY = 100


class Late(NamedTuple):
    """An image of which something newer than ours is there; `proposed`: only on the branch of our pull request."""

    request: Request
    over: Superseded
    proposed: bool = False


class Bumping:
    """The planning of one delivery, on whichever tip it is asked for."""

    def __init__(
        self,
        options: BumpOptions,
        config: Config | None,
        connection: Connection,
        requests: Sequence[Request],
        built: Mapping[str, Deployed],
        report: Report,
    ) -> None:
        self.options = options
        self.connection = connection
        self.requests = requests
        self.built = built
        self.carried: dict[str, Deployed] = {}
        self.said: set[str] = set()
        self.report = report
        self.selection = selection_of(options, config)
        self.branch: str | None = None

    def plan(self, tree: Tree) -> Plan:
        """The plan on a tip, without the images of which a newer build is deployed or proposed there."""
        self.carried.clear()
        sources = Sources(tree)
        plan = self._planned(sources, self.requests)
        if isinstance(tree, GitTree) and tree.known is not None and not tell_all(plan, sources, tree.known):
            raise PartialTree
        if (plan.edits or plan.downgrades) and any(origin.revision for origin in self.built.values()):
            late = self._late(plan, sources)
            if late:
                plan = self._without(plan, sources, late)
        judge(plan, tree, self.options, self.selection)
        return plan

    def _planned(self, sources: Sources, requests: Sequence[Request], *, downgrades: bool = False) -> Plan:
        selection = self.selection._replace(allow_downgrade=True) if downgrades else self.selection
        return plan_of(sources, requests, self.options, selection)

    def _late(self, plan: Plan, sources: Sources) -> list[Late]:
        """The images of which something newer is there: on the base branch, where we would change it, or proposed."""
        remote = self.connection.remote
        log = self._about(commit.message for commit in read_log(remote, remote.base, HISTORY))
        proposed: list[str] = []
        if self.branch is not None and remote.branch(self.branch) is not None:
            proposed = self._about(commit.message for commit in commits_of(remote, self.branch))
        edits = self._planned(sources, self.requests, downgrades=True).edits if plan.downgrades else plan.edits
        found = []
        for request in self.requests:
            versions = versions_at(edits, request.repository)
            touched = any(edit.repository == request.repository for edit in edits)
            deployed = since_standing(log, request.repository, versions) if versions else log
            if touched and (over := self._overtaken(request, deployed)):
                found.append(Late(request, over))
            elif over := self._overtaken(request, proposed):
                found.append(Late(request, over, proposed=True))
        return found

    def _about(self, messages: Iterable[str]) -> list[str]:
        return concerning(messages, self.options.env[0] if self.options.env else None)

    def _overtaken(self, request: Request, messages: Sequence[str]) -> Superseded | None:
        ours, checkout = self.built[request.repository], self.options.directory
        if ours.revision is None:
            return None  # a person asks, not a pipeline
        name = parse(request.repository).familiar
        over = superseded(request, ours, messages, checkout, lambda why: self._say(f"{name}: {why}; ours goes on"))
        return over or rolled_back(request, ours, messages, checkout)

    def _say(self, text: str) -> None:
        """Say it once, however often a race makes us plan."""
        if text not in self.said:
            self.said.add(text)
            self.report.say(text)

    def _without(self, plan: Plan, sources: Sources, late: Sequence[Late]) -> Plan:
        """The plan for the other images. A newer build that is proposed stays in the proposal beside them."""
        for each in late:
            self._say(f"{parse(each.request.repository).familiar}: superseded: {each.over.reason}")
        names = {each.request.repository for each in late}
        live = [request for request in self.requests if request.repository not in names]
        rest = self._planned(sources, live) if live else Plan((), (), ())
        if rest.edits:
            self.carried.update(self._carried(late, sources))
            kept = [request_of(parse(build.image)) for build in self.carried.values()]
            rest = self._planned(sources, [*live, *kept]) if kept else rest
        counts = (image for image in plan.images if image.repository in names - set(self.carried))
        return rest._replace(
            images=(*rest.images, *(image._replace(changed=0) for image in counts)),
            superseded=tuple(Skip(each.request.repository, 0, 0, each.over.reason) for each in late),
        )

    def _carried(self, late: Sequence[Late], sources: Sources) -> dict[str, Deployed]:
        """The builds that are proposed and newer than ours, as far as the base branch has nothing higher."""
        found = {}
        for each in late:
            if each.proposed and each.over.by is not None:
                kept = self._planned(sources, [request_of(parse(each.over.by.image))])
                if kept.edits and not kept.downgrades:
                    found[each.request.repository] = each.over.by
        return found
