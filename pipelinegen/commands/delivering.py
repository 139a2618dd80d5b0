"""Deliver an order to a remote manifest repository: push to its branch, or push a branch and propose it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelinegen.commands.asked import BumpOptions
from pipelinegen.commands.connect import Connection
from pipelinegen.commands.effects import rendered_text, tell_effects
from pipelinegen.commands.local import Delivery
from pipelinegen.commands.order import Order, PartialTree
from pipelinegen.commands.proposing import closed_by_a_person, facts, propose, withdraw_stale
from pipelinegen.commands.show import show
from pipelinegen.edge.git.commit import NEW_FILE_MODE, Made, Person, make_commit
from pipelinegen.edge.git.deliver import plan_and_push
from pipelinegen.edge.git.history import Commit, commits_beyond
from pipelinegen.edge.git.push import Landed, Lost, Outcome, push
from pipelinegen.edge.git.remote import open_tree
from pipelinegen.edge.git.signing import Signing, read_identity, read_signing
from pipelinegen.edge.process import Interrupted
from pipelinegen.errors import Defect, InputError, PipelinegenError, Refused, WorldError
from pipelinegen.images.reference import parse
from pipelinegen.manifests.plan import Plan
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.splice import apply
from pipelinegen.report import Report
from pipelinegen.trailers import Deployed, Trailers, commit_message, read_trailers

if TYPE_CHECKING:
    from pipelinegen.edge.forge.port import Forge, PullRequest
    from pipelinegen.edge.git.remote import RemoteRepository
    from pipelinegen.edge.git.tree import GitTree

OURS = Person("pipelinegen", "pipelinegen@users.noreply.github.com")
_FORGE_COMMITTER = "noreply@github.com"


class Delivered(NamedTuple):
    """The plan on the tip that counted, the files it was made of, and how far it went."""

    plan: Plan
    tree: GitTree
    delivery: Delivery


def carry_out(connection: Connection, order: Order, options: BumpOptions, report: Report) -> tuple[Plan, Delivery]:
    """Show what the order would do (--dry-run), or carry it out and show what was done."""
    if options.dry_run:
        tree = open_tree(connection.remote, order.known_paths)
        outcome = Delivered(*_planned(connection.remote, order, tree), Delivery(order.how))
    else:
        outcome = deliver(connection, order, report)
    sources = Sources(outcome.tree)
    show(outcome.plan, sources, options, report)
    if options.explain:
        _tell_oddities(outcome.tree, order, report)
    with _garnish(report):
        tell_effects(outcome.plan, apply(outcome.plan, sources), sources, options, order.selection, report)
    return outcome.plan, outcome.delivery


def _tell_oddities(tree: GitTree, order: Order, report: Report) -> None:
    for path, what in tree.oddities().items():
        if order.selection.selects(path):
            report.say(f"{path}: left alone: {what}")


@contextmanager
def _garnish(report: Report) -> Iterator[None]:
    """What is told beside a delivery, and must not make it fail: what it means for environments and the cluster."""
    try:
        yield
    except PipelinegenError as error:
        report.warn(f"what this means in the cluster cannot be told: {error.what}")


def deliver(connection: Connection, order: Order, report: Report) -> Delivered:
    """Carry the order out. The same call again finishes what was begun, and does nothing twice.

    The connection has a forge unless the order is to push.
    """
    remote, forge = connection.remote, connection.forge
    attempt = _Attempt(remote, forge, order, report)
    report.progress(f"fetching {remote.address.url}")
    branch = order.branch if order.how == "pull-request" else None
    try:
        verified = forge is not None and forge.makes_commits and connection.by_app and not order.sign
        done = plan_and_push(
            remote,
            attempt.make,
            branch=branch,
            max_attempts=order.max_attempts,
            send=attempt.send if verified else None,
            known_paths=order.known_paths,
        )
    except PipelinegenError as error:
        error.state = error.state or (None if attempt.made_one else "nothing was pushed")
        raise
    plan, tree = attempt.planned()
    if done.made is not None:
        report.say(f"pushed {(done.commit or '')[:12]} to {branch or remote.base}")
    if branch is None or forge is None:
        commit = done.commit if done.made is not None else None
        return Delivered(plan, tree, Delivery(order.how, (branch or remote.base) if commit else None, commit))
    if attempt.closed is not None:
        return Delivered(_without_edits(plan), tree, Delivery(order.how, branch, None, facts(attempt.closed, "closed")))
    if plan.superseded and attempt.overtaken:
        return Delivered(_without_edits(plan), tree, Delivery(order.how, branch, done.commit))
    if not plan.edits:
        stale = done.commit is not None and not plan.superseded
        pull = attempt.withdraw(forge, done.commit or "") if stale else None
        return Delivered(plan, tree, Delivery(order.how, None, None, pull))
    head = done.commit or ""
    try:
        rendered = None
        with _garnish(report):
            rendered = rendered_text(apply(plan, tree), tree)
        pull = propose(remote, forge, order, plan, rendered, head, pushed=done.made is not None, report=report)
    except (PipelinegenError, Interrupted) as error:
        there = f"; {error.state}" if error.state else f", without a {forge.noun}"
        error.state = f"the branch {branch} is pushed at {head[:12]}{there}"
        raise
    if pull is not None and pull["state"] == "merged":
        return _planned_again(connection, order, pull, report)
    return Delivered(plan, tree, Delivery(order.how, branch, head, pull))


def _planned(remote: RemoteRepository, order: Order, tree: GitTree) -> tuple[Plan, GitTree]:
    """The plan, and the files it was made of: all of them where the known paths do not tell enough."""
    try:
        return order.plan(tree), tree
    except PartialTree:
        if remote.filtered:
            remote.open_whole()
        whole = open_tree(remote)
        return order.plan(whole), whole


def _planned_again(connection: Connection, order: Order, merged: dict[str, Any], report: Report) -> Delivered:
    """The delivery on a base branch into which a pull request of ours was merged after the plan was made.

    What was planned without it would be in conflict with it, or is done by it.
    """
    connection.remote.refresh()
    done = deliver(connection, order._replace(seen=merged["number"]), report)
    if done.delivery.pull_request is None:
        return done._replace(delivery=done.delivery._replace(pull_request=merged))
    return done


def _without_edits(plan: Plan) -> Plan:
    """The plan of a delivery that was not made."""
    return plan._replace(edits=(), images=tuple(image._replace(changed=0) for image in plan.images))


class _Attempt:
    """What is made of each tip; it remembers the last plan, and asks about a branch's commits once."""

    def __init__(self, remote: RemoteRepository, forge: Forge | None, order: Order, report: Report) -> None:
        self.remote = remote
        self.forge = forge
        self.order = order
        self.report = report
        self.closed: PullRequest | None = None
        self._for_forge: tuple[str, dict[str, bytes]] | None = None
        self.made_one = self.overtaken = False
        self._planned: tuple[Plan, GitTree] | None = None
        self._signing, self._author = _signer(order)

    def planned(self) -> tuple[Plan, GitTree]:
        """The last plan and the files it was made of."""
        if self._planned is None:
            raise Defect("nothing was planned", id="no-plan")
        return self._planned

    def make(self, tree: GitTree, current: str | None) -> Made | None:
        """The commit to push on this tip, or None where what is wanted stands already."""
        plan, tree = self._planned = _planned(self.remote, self.order, tree)
        if not plan.edits:
            return None
        contents = apply(plan, tree)
        key = self.order.key(self.remote.address.url, self.remote.base)
        if self.order.how == "pull-request":
            self.closed = closed_by_a_person(self.forge, self.order, key, self.report) if self.forge else None
            if self.closed is not None:
                return None
            if current is not None and self._stands(tree, current, key, contents, late=bool(plan.superseded)):
                return None
        message = message_for(self.order, plan, key)
        self.made_one = True
        self.report.progress(f"pushing to {self.remote.address.url}")
        plain = all(entry is None or entry.mode == NEW_FILE_MODE for entry in map(tree.entry, contents))
        self._for_forge = (message, contents) if plain else None
        return make_commit(tree, contents, message, self._author, signing=self._signing)

    def send(self, remote: RemoteRepository, branch: str, made: Made, expected: str | None) -> Outcome:
        """Let the forge make the commit, which signs it; one that only git can make (file modes) is pushed."""
        if self.forge is None or self._for_forge is None:
            return push(remote, branch, made.commit, expected)
        try:
            return Landed(self.forge.commit(branch, expected, made.parent, *self._for_forge).sha)
        except WorldError as error:
            if error.id != "push-race":
                raise
            return Lost(remote.branch(branch))

    def _stands(self, tree: GitTree, current: str, key: str, contents: dict[str, bytes], *, late: bool) -> bool:
        """Whether our branch holds just this already. Raises Refused where it holds somebody else's commits.

        late: also where a newer run of ours put it there, under the key of what it was asked for.
        """
        commits = commits_of(self.remote, self.order.branch)
        if foreign := self._strangers(commits):
            raise _foreign(self.order.branch, foreign)
        if not commits or commits[0].id != current:
            return False
        same = read_trailers(commits[0].message).key == key
        if not same and not late:
            return False
        there = open_tree(self.remote, contents, commit=current)
        if any(there.read(path) != data for path, data in contents.items()):
            return False
        self.overtaken = not same
        return self.overtaken or self._fits(tree, current, contents)

    def _fits(self, tree: GitTree, current: str, paths: Iterable[str]) -> bool:
        """Whether our branch was made of the files as they are now: else it says the right thing, in conflict."""
        before = self.remote.objects.commit(current).parents[0]
        if before == tree.commit:
            return True
        try:
            below = open_tree(self.remote, paths, commit=before)
        except WorldError:
            return False  # a server that does not give single commits; a new commit on the tip fits
        return all(below.entry(path) == tree.entry(path) for path in paths)

    def _strangers(self, commits: Sequence[Commit]) -> list[Commit]:
        return [commit for commit in commits if not is_ours(commit, self._author)]

    def withdraw(self, forge: Forge, head: str) -> dict[str, Any] | None:
        """Close our open pull request, of which nothing is left; one with commits of somebody else stays."""
        branch, base = self.order.branch, self.remote.base
        if forge.find_open(branch, base) is None:
            return None
        if foreign := self._strangers(commits_of(self.remote, branch)):
            self.report.warn(f"{branch} stays, since it holds commits of someone else: {', '.join(_people(foreign))}")
            return None
        return withdraw_stale(self.remote, forge, branch, head, self.report)


def commits_of(remote: RemoteRepository, branch: str) -> list[Commit]:
    """The commits of a branch that are not on the base branch, newest first; none where it was deleted meanwhile."""
    try:
        return commits_beyond(remote, branch, remote.base)
    except InputError as error:
        if error.id == "bad-branch" and remote.branch(branch) is None:
            return []
        raise


def is_ours(commit: Commit, author: Person) -> bool:
    """Whether a commit was made by this tool, and by nobody after it.

    A person who amends or rebases leaves the author and becomes the committer. A commit that GitHub made for an app has
    GitHub as its committer, the app as its author, and our trailers.
    """
    if commit.committer.email in {OURS.email, author.email}:
        return bool(read_trailers(commit.message).key)
    by_app = commit.committer.email == _FORGE_COMMITTER and commit.author.name.endswith("[bot]")
    return by_app and bool(read_trailers(commit.message).key)


def _foreign(branch: str, commits: Sequence[Commit]) -> Refused:
    return Refused(
        f"the branch {branch} holds commits of someone else: {', '.join(_people(commits))}",
        id="human-commits-on-branch",
        state="nothing was pushed",
        next="merge or close its pull request, or delete the branch; then run the command again",
        details=[f"{commit.id[:12]} {commit.subject}" for commit in commits[:10]],
    )


def _people(commits: Sequence[Commit]) -> list[str]:
    return sorted({f"{commit.author.name} <{commit.author.email}>" for commit in commits})


def _signer(order: Order) -> tuple[Signing | None, Person]:
    if not order.sign:
        return None, OURS
    identity = read_identity()
    return read_signing(), Person(*identity) if identity else OURS


def _created(origin: Deployed) -> datetime | None:
    """When the build was made. Where only its revision is known, it was no later than now."""
    return origin.created or (datetime.now(timezone.utc) if origin.revision else None)


def message_for(order: Order, plan: Plan, key: str | None) -> str:
    """The commit message, with the trailers that promote, rollback, observe and later bumps read."""
    changed = [image for image in plan.images if image.changed]
    deployed = []
    for image in changed:
        origin = order.origins.get(image.repository)
        reference = (
            image.repository + (f":{image.tag}" if image.tag else "") + (f"@{image.digest}" if image.digest else "")
        )
        deployed.append(replace(origin, image=reference, created=_created(origin)) if origin else Deployed(reference))
    environments = (order.environment,) if order.environment else ()
    names = list(dict.fromkeys(image.repository for image in changed))
    undone = tuple(one for one in order.undone if parse(one.image).repository in names)
    trailers = Trailers(tuple(deployed), environments, key, undone)
    verb = {"bump": "Bump", "promotion": "Promote", "rollback": "Roll back"}[order.action]
    what = names[0].rpartition("/")[2] if len(names) == 1 else f"{len(names)} images"
    # A rollback may bring one image back in several versions.
    versions = dict.fromkeys(image.tag or image.digest or "" for image in changed)
    version = f" to {' and '.join(versions)}" if len(names) == 1 else ""
    where = f" in {order.environment}" if order.environment else ""
    return commit_message(f"{verb} {what}{version}{where}", order.notes, trailers)
