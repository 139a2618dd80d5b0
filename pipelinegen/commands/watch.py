"""Watching one pull request or commit until it is merged and its agent has reported, each change told once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from pipelinegen.commands.holding import LaterCommit
from pipelinegen.commands.subjects import Subject
from pipelinegen.commands.verdict import Reported, Verdict, Wanted, judge_statuses
from pipelinegen.edge.backoff import Timing
from pipelinegen.edge.forge.port import CommitStatus, Forge, PullRequest, Rejected
from pipelinegen.errors import InputError, PipelinegenError, Refused, WorldError
from pipelinegen.markdown import visible
from pipelinegen.report import Report

# Each commit costs two requests a look.
_HOLDING_LOOKED_AT = 10
_OTHERS_LOOKED_AT = 3
_NONE = Verdict("waiting", (), (), ())

T = TypeVar("T")


class Patience(NamedTuple):
    """Until when to wait, by which clock, and how long between two looks (seconds)."""

    timing: Timing
    end: float
    interval: float

    def spent(self) -> bool:
        return self.timing.now() >= self.end

    def nap(self) -> None:
        self.timing.sleep(max(0.0, min(self.interval, self.end - self.timing.now())))


class Watch:
    """One subject, and what is known of it."""

    def __init__(self, subject: Subject, forge: Forge, wanted: Wanted, patience: Patience, report: Report) -> None:
        self.subject = subject
        self.forge = forge
        self.wanted = wanted
        self.patience = patience
        self.report = report
        self.pull: PullRequest | None = None
        self.commit: str | None = subject.commit
        self.verdict = _NONE
        self._told: dict[str, str] = {}
        self._trouble: WorldError | None = None

    def until_merged(self) -> str:
        """The commit on the base branch. Raises Refused when it is closed, or not merged in time."""
        if self.commit is not None:
            return self.commit
        while True:
            pull = self._ask(self._find)
            if pull is not None:
                self._tell_pull(pull)
                if pull.state == "merged" and pull.merged_sha:
                    self.commit = pull.merged_sha
                    return pull.merged_sha
                if pull.state == "closed":
                    raise Refused(
                        f"the {self.forge.noun} was closed without a merge",
                        id="closed-unmerged",
                        where=pull.url,
                        next="open it again, or run the command that made it with --reopen",
                    )
            self._wait(self._not_merged)

    def _find(self) -> PullRequest:
        number = self.pull.number if self.pull is not None else self.subject.number
        if number is not None:
            return self.forge.get(number)
        found = self.forge.find_any(self.subject.branch or "")
        if found is None:
            raise InputError(
                f"there is no {self.forge.noun} of the branch {self.subject.branch}",
                id="no-match",
                where=self.forge.address.web,
                next="name the branch as the delivery did, or give --pull-request or --commit",
            )
        return found

    def _tell_pull(self, pull: PullRequest) -> None:
        self.pull = pull
        where = f" as {pull.merged_sha[:12]} into {pull.base_branch}" if pull.merged_sha else ""
        draft = ", a draft" if pull.draft and pull.state == "open" else ""
        merging = ", to be merged when its checks allow" if pull.auto_merge and pull.state == "open" else ""
        self._tell("state", f"{self.forge.noun} #{pull.number} is {pull.state}{where}{draft}{merging}: {pull.url}")

    def until_reported(self, commit: str, later: Callable[[], Sequence[LaterCommit]]) -> None:
        """Returns when the agent has reported the commit as healthy. Raises Refused when it failed, or said nothing."""
        self._tell("waiting", f"waiting for {self.wanted} on {commit[:12]}")
        while True:
            verdict = self._ask(lambda: judge_statuses(self._reported(commit, later), self.wanted))
            if verdict is not None:
                self.verdict = verdict
                self._tell_statuses(verdict)
                if verdict.outcome == "healthy":
                    return
                if verdict.outcome == "failed":
                    raise self._failed(verdict)
                if verdict.outcome == "replaced":
                    raise self._replaced(commit)
            self._wait(lambda: self._silent(commit))

    def _reported(self, commit: str, later: Callable[[], Sequence[LaterCommit]]) -> list[Reported]:
        commits = later()
        holding = [each for each in commits if each.holds and each.id != commit][:_HOLDING_LOOKED_AT]
        others = [each for each in commits if not each.holds][:_OTHERS_LOOKED_AT]
        looked = [each for each in commits if each in holding or each in others or each.id == commit]
        return [Reported(each.id, each.holds, self._statuses(each.id)) for each in looked]

    def _statuses(self, commit: str) -> tuple[CommitStatus, ...]:
        try:
            return self.forge.statuses(commit)
        except Rejected as no:
            if commit != self.subject.commit or no.status not in {404, 422}:
                raise
            raise InputError(
                f"there is no commit {commit[:12]} here", id="no-such-commit", where=self.forge.address.web
            ) from no

    def _tell_statuses(self, verdict: Verdict) -> None:
        for commit, status in verdict.said:
            words = f": {status.description}" if status.description else ""
            self._tell(status.context, f"{status.context} is {status.state} on {commit[:12]}{words}")
        for context in verdict.ignored:
            if context not in self._told:
                self._told[context] = ""
                self.report.detail(f"{visible(context)}: not waited for")

    def _tell(self, about: str, text: str) -> None:
        """Say something, unless it was the last thing said about this."""
        if self._told.get(about) != text:
            self._told[about] = text
            self.report.say(visible(text))

    def _ask(self, look: Callable[[], T]) -> T | None:
        """One look; None where the world is troubled, which may be over at the next one."""
        try:
            found = look()
        except Rejected:
            raise
        except WorldError as error:
            self._tell("trouble", f"{error.what}, looking again")
            self._trouble = error
            return None
        self._trouble = None
        self._told.pop("trouble", None)
        return found

    def _wait(self, over: Callable[[], PipelinegenError]) -> None:
        if self.patience.spent():
            raise self._trouble or over()
        self.patience.nap()

    def _not_merged(self) -> Refused:
        pull = self.pull
        return Refused(
            f"the {self.forge.noun} was not merged in time",
            id="timed-out",
            where=pull.url if pull else self.forge.address.web,
            state="it is open" if pull else None,
            next="merge it and run the same command again, or wait longer with --timeout",
        )

    def _silent(self, commit: str) -> Refused:
        said = [f"{word.status.context}: {word.status.state}: {word.status.description}" for word in self.verdict.said]
        ignored = [f"not waited for: {context}" for context in self.verdict.ignored]
        missing = [f"never seen: {pattern}" for pattern in self.verdict.missing]
        return Refused(
            "the agent did not report the commit as healthy in time",
            id="timed-out",
            where=self.forge.address.commit_url(commit),
            state=f"{commit[:12]} is merged",
            next="look at the agent; --status names what it reports, --timeout waits longer",
            details=[visible(line) for line in (*said, *missing, *ignored)][:20],
        )

    def _failed(self, verdict: Verdict) -> Refused:
        bad = [word for word in verdict.said if word.status.state == "failure"]
        return Refused(
            "the agent reported a failure",
            id="agent-failed",
            where=self.forge.address.commit_url(bad[0].commit),
            state=f"{bad[0].commit[:12]} is merged",
            next="look at the agent; `pipelinegen rollback` brings back the versions before",
            details=[visible(_words_of(status)) for _, status in bad],
        )

    def _replaced(self, commit: str) -> Refused:
        return Refused(
            "a later commit replaced the change before the agent reported it",
            id="replaced",
            where=self.forge.address.commit_url(commit),
            next="observe the commit that replaced it",
        )

    def data(self, result: str) -> dict[str, Any]:
        """What is known, for the JSON document."""
        pull = self.pull
        return {
            "result": result,
            "pull_request": {"number": pull.number, "url": pull.url, "state": pull.state} if pull else None,
            "commit": self.commit,
            "statuses": [
                {
                    "context": status.context,
                    "state": status.state,
                    "description": status.description,
                    "url": status.url,
                    "commit": commit,
                }
                for commit, status in self.verdict.said
            ],
            "ignored": list(self.verdict.ignored),
        }


def _words_of(status: CommitStatus) -> str:
    where = f" ({status.url})" if status.url else ""
    return f"{status.context}: {status.description or 'no words'}{where}"
