"""A change that is read out of the manifest repository itself, a promotion or a rollback: prepared, then delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from pipelinegen.commands.asked import BumpOptions, candidate, is_remote, url_of
from pipelinegen.commands.history import History, LocalHistory, RemoteHistory
from pipelinegen.commands.local import Delivery, deliver_here
from pipelinegen.commands.order import Order
from pipelinegen.commands.settings import MAX_ATTEMPTS, how_far, wanted
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.plan import Plan
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree
from pipelinegen.report import Report
from pipelinegen.trailers import Deployed

if TYPE_CHECKING:
    from pipelinegen.edge.ci import CiContext


class Job(Protocol):
    """What is asked for. `prepare` looks once, on the first tip; `plan` is then asked on each tip.

    The other values are those of an order; they may depend on what was seen.
    """

    @property
    def action(self) -> Literal["promotion", "rollback"]: ...
    @property
    def environment(self) -> str | None: ...
    @property
    def options(self) -> BumpOptions: ...
    @property
    def selection(self) -> Selection: ...
    @property
    def requests(self) -> Sequence[Request]: ...
    @property
    def origins(self) -> Mapping[str, Deployed]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def undone(self) -> tuple[Deployed, ...]: ...
    @property
    def scope(self) -> tuple[str, ...]: ...

    def prepare(self, tree: Tree, history: History) -> None: ...
    def plan(self, tree: Tree) -> Plan: ...
    def way_back(self, repository: str) -> str: ...


def carry(job: Job, repository: str, asked: str | None, report: Report) -> tuple[Plan, Delivery]:
    """Deliver the job to a URL, or into a checkout unless more was asked for (`asked`: --deliver)."""
    if is_remote(repository) or asked in {"push", "pull-request"}:
        return _carry_there(job, url_of(repository), report)
    return _carry_here(job, repository, asked or "worktree", report)


def _carry_here(job: Job, folder: str, how: str, report: Report) -> tuple[Plan, Delivery]:
    from pipelinegen.commands.effects import tell_effects
    from pipelinegen.commands.show import show
    from pipelinegen.edge.ci import CiContext
    from pipelinegen.edge.worktree import Worktree
    from pipelinegen.manifests.splice import apply

    tree = Worktree(folder, candidate(job.selection))
    job.prepare(tree, LocalHistory(tree.root))
    plan, sources = job.plan(tree), Sources(tree)
    contents = apply(plan, sources)
    show(plan, sources, job.options, report)
    tell_effects(plan, contents, sources, job.options, job.selection, report)
    delivery = Delivery(how)
    if contents and not job.options.dry_run:
        from pipelinegen.commands.delivering import message_for

        message = message_for(_order(job, folder, "push", CiContext()), plan, None)
        delivery = deliver_here(tree, contents, plan, delivery, report, message)
    return plan, delivery


def _carry_there(job: Job, url: str, report: Report) -> tuple[Plan, Delivery]:
    from pipelinegen.commands.connect import Place, connect
    from pipelinegen.commands.delivering import carry_out
    from pipelinegen.edge.git.remote import open_tree

    options = job.options
    how = how_far(options)
    place = Place(url, options.forge, options.forge_url, options.base)
    with connect(place, report, with_forge=how == "pull-request" and not options.dry_run) as connection:
        job.prepare(open_tree(connection.remote), RemoteHistory(connection.remote))
        return carry_out(connection, _order(job, url, how, connection.ci), options, report)


def _order(job: Job, repository: str, how: Literal["push", "pull-request"], ci: CiContext) -> Order:
    options = job.options
    return Order(
        action=job.action,
        how=how,
        environment=job.environment,
        requests=job.requests,
        plan=job.plan,
        origins=job.origins,
        wanted=wanted(options),
        notes=job.notes,
        rollback=job.way_back(repository),
        sign=bool(options.sign),
        max_attempts=options.max_attempts or MAX_ATTEMPTS,
        base=options.base,
        ci=ci,
        selection=job.selection,
        scope=job.scope,
        undone=job.undone,
    )
