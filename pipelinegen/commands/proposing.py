"""The pull request of a delivery: its text from the plan, and what the forge made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelinegen.commands.order import Order
from pipelinegen.edge.forge.port import PullRequest, Wishes
from pipelinegen.edge.forge.propose import Proposal, withdraw
from pipelinegen.edge.forge.propose import propose as offer
from pipelinegen.edge.git.push import Landed, push
from pipelinegen.manifests.plan import Plan
from pipelinegen.pull_request import Change, Place, Story, body, read_marker, title
from pipelinegen.report import Report
from pipelinegen.trailers import Deployed

if TYPE_CHECKING:
    from pipelinegen.edge.forge.port import Forge
    from pipelinegen.edge.git.remote import RemoteRepository


def closed_by_a_person(forge: Forge, order: Order, key: str, report: Report) -> PullRequest | None:
    """The pull request of just this content that a person closed; said, with the way to propose it again."""
    if forge.address.kind == "none" or order.wanted.reopen:
        return None
    pull = forge.find_any(order.branch)
    marker = read_marker(pull.body) if pull is not None and pull.state == "closed" else None
    if pull is None or marker is None or marker.key != key or marker.closed is not None:
        return None
    report.warn(f"{pull.url} proposed this and was closed by a person; --reopen proposes it again")
    return pull


def propose(
    remote: RemoteRepository,
    forge: Forge,
    order: Order,
    plan: Plan,
    rendered: str | None,
    head: str,
    *,
    pushed: bool,
    report: Report,
) -> dict[str, Any] | None:
    """Open the pull request or bring it up to date; the facts of it for the JSON document."""
    story = story_of(order, plan, rendered, order.key(remote.address.url, remote.base))
    text = body(story)
    wanted = order.wanted
    people = tuple(name for name in wanted.reviewers if "/" not in name)
    teams = tuple(name for name in wanted.reviewers if "/" in name)
    proposal = Proposal(
        branch=order.branch,
        base=remote.base,
        base_sha=remote.tip,
        head_sha=head,
        title=report.mask(wanted.title or title(story)),
        body=report.mask(f"{wanted.body.rstrip()}\n\n{text}" if wanted.body else text),
        pushed=pushed,
        wishes=Wishes(wanted.labels, people, teams, wanted.assignees, wanted.milestone),
        draft=wanted.draft,
        auto_merge=wanted.auto_merge,
        method="squash" if wanted.squash else None,
        reopen=wanted.reopen,
        seen=order.seen,
    )
    done = offer(forge, proposal, report.detail, tip=lambda: remote.branch(order.branch))
    if done.text is not None:
        report.say(f"{order.branch} is pushed; propose it by hand with the text on standard output")
        report.result([done.text])
    for warning in done.warnings:
        report.warn(f"{done.pull_request.url if done.pull_request else order.branch}: {warning}")
    if done.pull_request is None:
        return None
    report.say(f"{forge.noun} {done.outcome}: {done.pull_request.url}")
    return facts(done.pull_request, done.outcome)


def withdraw_stale(
    remote: RemoteRepository, forge: Forge, branch: str, head: str, report: Report
) -> dict[str, Any] | None:
    """Close our open pull request when the base branch says already what it proposes, and remove its branch."""
    if forge.address.kind == "none":
        return None
    reason = f"`{remote.base}` says already what this proposed, so there is nothing left to merge."
    pull = withdraw(forge, branch, remote.base, reason)
    if pull is None:
        return None
    outcome = push(remote, branch, None, head)
    if not isinstance(outcome, Landed):
        report.warn(f"the branch {branch} is left there: {'; '.join(outcome.lines) or 'it was moved meanwhile'}")
    report.say(f"closed {pull.url}: nothing is left to propose")
    return facts(pull, "closed")


def facts(pull: PullRequest, state: str) -> dict[str, Any]:
    """A pull request as the JSON document has it."""
    return {"number": pull.number, "url": pull.url, "state": state}


def story_of(order: Order, plan: Plan, rendered: str | None, key: str) -> Story:
    """What the pull request tells of a plan."""
    origin = _one_origin(order)
    environments = tuple(dict.fromkeys(edit.environment for edit in plan.edits if edit.environment))
    return Story(
        key=key,
        action=order.action,
        changes=tuple(_changes(plan)),
        places=tuple(
            Place(edit.file, edit.line, edit.before or "(none)", edit.after or "(removed)", edit.environment)
            for edit in plan.edits
        ),
        environments=(order.environment,) if order.environment else environments,
        notes=order.notes,
        rendered=rendered,
        source_url=origin.source_url if origin else None,
        revision=origin.revision if origin else None,
        run_url=order.ci.run_url,
        actor=order.ci.actor,
        rollback=order.rollback,
    )


def _one_origin(order: Order) -> Deployed | None:
    """What all images were built from, where that is one commit."""
    changed = {(one.source_url, one.revision): one for one in order.origins.values()}
    return next(iter(changed.values())) if len(changed) == 1 else None


def _changes(plan: Plan) -> list[Change]:
    changes = []
    for image in plan.images:
        edits = [edit for edit in plan.edits if edit.repository == image.repository]
        before = [edit.before for edit in edits if edit.before and edit.after]
        new = f"{image.tag}@{image.digest}" if image.digest and image.tag else image.digest or image.tag or ""
        if image.changed:
            changes.append(Change(image.repository, tuple(dict.fromkeys(map(_version, before))), new))
    return changes


def _version(before: str) -> str:
    """The tag and digest of a value as it stood, which may be a whole reference or the version alone."""
    last = before.rpartition("/")[2]
    name, mark, version = last.partition(":") if "/" in before else ("", "", before)
    return version if mark or not name else before
