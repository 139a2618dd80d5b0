"""`bump` on a remote manifest repository: one order for each environment, each delivered in its own way."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pipelinegen.commands.asked import BumpOptions, selection_of
from pipelinegen.commands.connect import Connection, Place, connect
from pipelinegen.commands.delivering import carry_out, commits_of
from pipelinegen.commands.facts import tell_ci
from pipelinegen.commands.judge import judge
from pipelinegen.commands.known_paths import known_paths, tell_all
from pipelinegen.commands.local import Delivery
from pipelinegen.commands.order import Order, PartialTree, way_back
from pipelinegen.commands.planned import plan_of
from pipelinegen.commands.settings import MAX_ATTEMPTS, deliveries, how_far, wanted
from pipelinegen.commands.show import combined, result_of
from pipelinegen.commands.superseded import Superseded, commit_time, concerning, rolled_back, superseded
from pipelinegen.commands.verifying import settle
from pipelinegen.edge.ci import CiContext, read_ci, web_url
from pipelinegen.edge.git.history import read_log
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.images.metadata import BuiltImage
from pipelinegen.images.reference import parse
from pipelinegen.manifests.plan import Plan, Skip
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree
from pipelinegen.report import Report
from pipelinegen.trailers import Deployed

if TYPE_CHECKING:
    from pipelinegen.config import Config

HISTORY = 100


def bump_remote(
    options: BumpOptions,
    config: Config | None,
    repository: str,
    requests: Sequence[Request],
    built: Sequence[BuiltImage],
    report: Report,
) -> int:
    """The exit code. `built`: what the build's metadata says of the images. Raises PipelinegenError."""
    results: list[tuple[Plan, Delivery]] = []
    ci = read_ci(os.environ)
    for each in deliveries(options, config):
        asked = settle(
            requests, verify=each.verify_image, pin=bool(each.pin_digest), by_default=not each.dry_run, report=report
        )
        origins = _origins(each, asked, built, ci)
        how = how_far(each)
        place = Place(repository, each.forge, each.forge_url, each.base)
        with connect(place, report, with_forge=how == "pull-request" and not each.dry_run) as connection:
            work = _Work(each, config, connection, asked, origins, report)
            order = Order(
                action="bump",
                how=how,
                environment=each.env[0] if each.env else None,
                requests=asked,
                plan=work.plan,
                origins=origins,
                wanted=wanted(each),
                rollback=way_back(repository, (*each.env, None)[0], each.path, [one.repository for one in asked]),
                sign=bool(each.sign),
                max_attempts=each.max_attempts or MAX_ATTEMPTS,
                base=each.base,
                ci=ci,
                selection=work.selection,
                known_paths=known_paths(each, how),
            )
            work.branch = order.branch if how == "pull-request" else None
            results.append(carry_out(connection, order, each, report))
    result = result_of([plan for plan, _ in results])
    tell_ci(results, result)
    report.document(combined(results))
    return 1 if options.exit_code and any(plan.edits for plan, _ in results) else 0


class _Work:
    """The planning of one delivery, on whichever tip it is asked for."""

    def __init__(
        self,
        options: BumpOptions,
        config: Config | None,
        connection: Connection,
        requests: Sequence[Request],
        origins: Mapping[str, Deployed],
        report: Report,
    ) -> None:
        self.options = options
        self.connection = connection
        self.requests = requests
        self.origins = origins
        self.report = report
        self.selection = selection_of(options, config)
        self.branch: str | None = None

    def plan(self, tree: Tree) -> Plan:
        """The plan on a tip, without the images of which a newer build is deployed there."""
        sources = Sources(tree)
        plan = plan_of(sources, self.requests, self.options, self.selection)
        if isinstance(tree, GitTree) and tree.known is not None and not tell_all(plan, sources, tree.known):
            raise PartialTree
        if plan.edits or plan.downgrades:
            late = self._late()
            if late:
                plan = self._without(plan, tree, late)
        judge(plan, tree, self.options, self.selection)
        return plan

    def _late(self) -> list[Superseded]:
        if not any(origin.revision for origin in self.origins.values()):
            return []
        remote = self.connection.remote
        messages = [commit.message for commit in read_log(remote, remote.base, HISTORY)]
        if self.branch is not None and remote.branch(self.branch) is not None:
            messages = [commit.message for commit in commits_of(remote, self.branch)] + messages
        messages = concerning(messages, self.options.env[0] if self.options.env else None)
        found = [self._overtaken(request, messages) for request in self.requests]
        return [each for each in found if each is not None]

    def _overtaken(self, request: Request, messages: Sequence[str]) -> Superseded | None:
        ours, checkout = self.origins.get(request.repository), self.options.directory
        if ours is None or ours.revision is None:
            return None  # a person asks, not a pipeline
        return superseded(request, ours, messages, checkout) or rolled_back(request, ours, messages, checkout)

    def _without(self, plan: Plan, tree: Tree, late: Sequence[Superseded]) -> Plan:
        names = {each.repository for each in late}
        for each in late:
            self.report.say(f"{parse(each.repository).familiar}: superseded: {each.reason}")
        live = [request for request in self.requests if request.repository not in names]
        rest = plan_of(Sources(tree), live, self.options, self.selection) if live else Plan((), (), ())
        counts = tuple(image._replace(changed=0) for image in plan.images if image.repository in names)
        return rest._replace(
            images=(*rest.images, *counts),
            superseded=tuple(Skip(each.repository, 0, 0, each.reason) for each in late),
        )


def _origins(
    options: BumpOptions, requests: Sequence[Request], built: Sequence[BuiltImage], ci: CiContext
) -> dict[str, Deployed]:
    """What each image was built from: by the options, the build's metadata, the CI system."""
    revision = options.source_revision or ci.revision
    url = web_url(options.source_url) or ci.source_url
    said = {image.reference.repository: image for image in built}
    found = {}
    for request in requests:
        image = said.get(request.repository)
        own = options.source_revision or (image.source_revision if image else None) or revision
        created = _time(image.created) if image else None
        created = created or (commit_time(options.directory, own) if own else None)
        found[request.repository] = Deployed(
            request.reference,
            web_url(options.source_url) or (image.source_url if image else None) or url,
            own,
            created or (datetime.now(timezone.utc) if own else None),
        )
    return found


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
