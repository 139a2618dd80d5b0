"""Which commit statuses are an agent's, and what they say together: healthy, failed, or not known yet."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from pipelinegen.edge.forge.port import CommitStatus

# Agents report under names that their users choose, and these are the customary ones.
# Argo CD notifications write the `label` of the user's template on the revision that was synced; the documentation has
# `continuous-delivery/APPLICATION`, and `argocd/APPLICATION` is as common. A template may write a check run instead;
# GitLab gets its status by a webhook of the user's.
# https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/github/
# Flux's notification-controller writes `KIND/NAME/UID` in lower case, such as `kustomization/shop/0c9c2e41`, with the
# first part of its Provider's UID (older ones without); since Flux 2.6 anything that `commitStatusExpr` makes, such as
# `kustomization/shop/production`. It writes success or failure, and nothing while it works.
# https://fluxcd.io/flux/components/notification/providers/#git-commit-status-updates
AGENTS = (
    *("argocd/*", "continuous-delivery/*", "kustomization/*", "helmrelease/*"),
    *("*/kustomization/*", "*/helmrelease/*"),
)

Outcome = Literal["healthy", "failed", "replaced", "waiting"]


class Wanted(NamedTuple):
    """The statuses to wait for: those that match one of the patterns, each of which must be matched (`strict`)."""

    patterns: tuple[str, ...]
    strict: bool
    environment: str | None = None
    others: frozenset[str] = frozenset()

    def counts(self, context: str) -> bool:
        """Whether a status is one of them. A customary name that names another environment is of that one."""
        if self.strict:
            return any(fnmatchcase(context.lower(), pattern.lower()) for pattern in self.patterns)
        named = named_environment(context, {*self.others, *([self.environment] if self.environment else [])})
        if named is not None and named != self.environment:
            return False
        return any(fnmatchcase(context.lower(), pattern) for pattern in self.patterns)

    def unmatched(self, contexts: Collection[str]) -> tuple[str, ...]:
        """The patterns that none of the names matches, where each must be."""
        if not self.strict:
            return ()
        return tuple(
            pattern
            for pattern in self.patterns
            if not any(fnmatchcase(context.lower(), pattern.lower()) for context in contexts)
        )

    def __str__(self) -> str:
        return " or ".join(self.patterns) if not self.strict else " and ".join(self.patterns)


def wanted_statuses(asked: Sequence[str], environment: str | None, others: Collection[str]) -> Wanted:
    """What to wait for: the names that were asked for, else the customary ones of agents."""
    if asked:
        return Wanted(tuple(asked), True, environment)
    own = (f"*/{environment.lower()}",) if environment else ()
    return Wanted((*AGENTS, *own), False, environment, frozenset(others) - {environment or ""})


def named_environment(context: str, environments: Collection[str]) -> str | None:
    """The environment that a name holds as a word of its own; of several the longest (`eu-production`)."""
    found = [
        name
        for name in environments
        if re.search(rf"(?<![a-z0-9]){re.escape(name.lower())}(?![a-z0-9])", context.lower())
    ]
    return max(found, key=len, default=None)


class Reported(NamedTuple):
    """What was reported on one commit, and whether that commit holds the change."""

    commit: str
    holds: bool
    statuses: tuple[CommitStatus, ...]


class Said(NamedTuple):
    """The last word on one name, and the commit on which it was said."""

    commit: str
    status: CommitStatus


class Verdict(NamedTuple):
    """What is known. said: the last word on each name that counts.  ignored: other names that were seen."""

    outcome: Outcome
    said: tuple[Said, ...]
    ignored: tuple[str, ...]
    missing: tuple[str, ...]


def judge_statuses(reported: Sequence[Reported], wanted: Wanted) -> Verdict:
    """What the reports (newest commit first) say together.

    A success on any commit that holds the change is a success; else the newest such commit that has the name decides.
    """
    contexts = list(dict.fromkeys(status.context for each in reported for status in each.statuses))
    counted = [context for context in contexts if wanted.counts(context)]
    said = [word for context in counted if (word := _last_word(context, reported)) is not None]
    missing = wanted.unmatched([word.status.context for word in said])
    ignored = tuple(context for context in contexts if context not in counted)
    passed_by = any(_passed_by(context, reported) for context in counted)
    outcome: Outcome = "waiting"
    if any(word.status.state == "failure" for word in said):
        outcome = "failed"
    elif said and not missing and all(word.status.state == "success" for word in said):
        outcome = "healthy"
    elif passed_by and not said:
        outcome = "replaced"
    return Verdict(outcome, tuple(said), ignored, missing)


def _last_word(context: str, reported: Sequence[Reported]) -> Said | None:
    words = [
        Said(each.commit, status)
        for each in reported
        if each.holds
        for status in each.statuses
        if status.context == context
    ]
    good = next((word for word in words if word.status.state == "success"), None)
    return good or next(iter(words), None)


def _passed_by(context: str, reported: Sequence[Reported]) -> bool:
    """Whether the agent has finished a later commit that holds the change no more, and was silent on those that do."""
    return any(
        status.context == context and status.state != "pending"
        for each in reported
        if not each.holds
        for status in each.statuses
    )
