"""From a pushed branch to exactly one pull request: found, updated or opened, and never one that a person closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from pipelinegen.edge.forge.none import by_hand
from pipelinegen.edge.forge.port import Forge, Method, PullRequest, Unmet, Wishes
from pipelinegen.edge.process import Interrupted
from pipelinegen.errors import PipelinegenError
from pipelinegen.pull_request import Marker, read_marker

NO_WISHES = Wishes()

Outcome = Literal["opened", "updated", "unchanged", "merged", "closed", "none"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be proposed. `base_sha` is the tip on which it was planned; `pushed`: the branch was just moved.

    seen: the number of the last pull request of this branch whose merge the plan has seen.
    """

    branch: str
    base: str
    base_sha: str
    head_sha: str
    title: str
    body: str
    pushed: bool = True
    wishes: Wishes = NO_WISHES
    draft: bool = False
    auto_merge: bool = False
    method: Method | None = None
    reopen: bool = False
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Proposed:
    """What came of it. `text` is for a person where there is no forge; `warnings` are wishes that were refused."""

    outcome: Outcome
    pull_request: PullRequest | None = None
    warnings: tuple[Unmet, ...] = ()
    text: str | None = None


def propose(
    forge: Forge,
    proposal: Proposal,
    tell: Callable[[str], None] = lambda _: None,
    *,
    tip: Callable[[], str | None] | None = None,
) -> Proposed:
    """Open or update the pull request of this branch. The same proposal again changes nothing.

    tip: where the branch stands on the git server now. Where another run has moved it since, the text is left to that
    run, which may have set it already.
    The outcome "closed": a person closed it, and the same content is not proposed again. "merged": it was merged after
    this plan was made, so that the plan is old; plan again.
    """
    if forge.address.kind == "none":
        return Proposed("none", text=by_hand(proposal.branch, proposal.base, proposal.title, proposal.body))
    found = forge.find_open(proposal.branch, proposal.base)
    outcome: Outcome = "updated" if proposal.pushed else "unchanged"
    if found is None:
        ended = _ended(forge, proposal)
        if ended is not None:
            return Proposed("merged" if ended.state == "merged" else "closed", ended)
        opened = forge.open(proposal.branch, proposal.base, proposal.title, proposal.body, draft=proposal.draft)
        outcome, found = "opened", opened
        tell(f"step=pull-request state=opened number={found.number}")
    try:
        if not _same_text(found, proposal):
            if tip is not None and tip() != proposal.head_sha:
                tell(f"step=pull-request state=left number={found.number}: {proposal.branch} was moved by another run")
                return Proposed("unchanged", found)
            found = forge.update(found.number, title=proposal.title, body=proposal.body)
            outcome = "opened" if outcome == "opened" else "updated"
            tell(f"step=pull-request state=updated number={found.number}")
        return _with_wishes(forge, proposal, outcome, found)
    except (PipelinegenError, Interrupted) as error:
        error.state = error.state or f"{found.url} is open"
        raise


def _ended(forge: Forge, proposal: Proposal) -> PullRequest | None:
    """The last pull request of this branch, where its end is a reason not to open another."""
    last = forge.find_any(proposal.branch)
    if last is None or last.state == "open":
        return None
    if last.state == "merged":
        # Planned on the present tip, the change is needed: the merge was of something older, or undone since.
        old = last.number > proposal.seen and forge.tip(proposal.base) != proposal.base_sha
        return last if old else None
    then, now = read_marker(last.body), read_marker(proposal.body)
    if then is None or now is None or then.key != now.key:
        return None
    if then.closed or proposal.reopen:
        return None
    return last


def _same_text(pull: PullRequest, proposal: Proposal) -> bool:
    """By the marker: the body also names the run that built it, which is no reason to write."""
    now = read_marker(proposal.body)
    if isinstance(now, Marker):
        return pull.title == proposal.title and read_marker(pull.body) == now
    return (pull.title, pull.body.strip()) == (proposal.title, proposal.body.strip())


def _with_wishes(forge: Forge, proposal: Proposal, outcome: Outcome, pull: PullRequest) -> Proposed:
    warnings = forge.grant(pull, proposal.wishes) if proposal.wishes.missing(pull) else ()
    if proposal.auto_merge and not pull.auto_merge:
        # The commit that we pushed, which the forge may not have noticed yet: only that one may be merged.
        warnings += forge.merge_when_ready(replace(pull, head_sha=proposal.head_sha), proposal.method)
    if proposal.draft and outcome == "opened" and not pull.draft:
        warnings += (Unmet("draft", "the forge has no drafts here"),)
    if proposal.wishes or proposal.auto_merge:
        pull = forge.get(pull.number)
    return Proposed(outcome, pull, warnings)


def withdraw(forge: Forge, branch: str, base: str, comment: str, reason: str = "nothing-left") -> PullRequest | None:
    """Close our open pull request of this branch with a reason, marked as closed by us. None: there is none of ours."""
    found = forge.find_open(branch, base)
    if found is None or read_marker(found.body) is None or not _is_ours(forge, found):
        return None
    return forge.close(found.number, comment, reason)


def _is_ours(forge: Forge, pull: PullRequest) -> bool:
    """A marker can be copied; the author cannot. GraphQL and REST differ in whether an App's name ends in [bot]."""
    login = forge.login()
    return login is not None and login.removesuffix("[bot]") == pull.author.removesuffix("[bot]")
