"""Pull requests on GitHub and GitHub Enterprise Server, through PyGithub on our own pinned session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipelinegen.edge.forge import github_commit
from pipelinegen.edge.forge.address import Address
from pipelinegen.edge.forge.github_client import connect
from pipelinegen.edge.forge.github_values import checks, pull_request, statuses, within
from pipelinegen.edge.forge.port import (
    PAGES,
    TRIES,
    ApiCommit,
    CommitStatus,
    Method,
    NotYet,
    PullRequest,
    Rejected,
    TokenCheck,
    Unmet,
    Wishes,
    do_once,
)
from pipelinegen.edge.forge.refusals import incomplete, refusal
from pipelinegen.edge.forge.wishes import grant
from pipelinegen.edge.http import RateLimited, Session, moment
from pipelinegen.errors import InputError, PipelinegenError
from pipelinegen.pull_request import mark_closed
from pipelinegen.redact import Secret

if TYPE_CHECKING:
    from github import GithubException

READ = "pull_requests: read (a classic token: the scope repo)"
WRITE = "pull_requests: write (a classic token: the scope repo)"
MERGE = "contents: write and pull_requests: write (a classic token: the scope repo)"
CONTENTS_READ = "contents: read (a classic token: the scope repo)"
CONTENTS = "contents: write (a classic token: the scope repo)"
STATUSES = "checks: read and commit statuses: read (a classic token: the scope repo)"

_VIEWER = "query { viewer { login } }"
_AUTO_MERGE = (
    "mutation($input: EnablePullRequestAutoMergeInput!) "
    "{ enablePullRequestAutoMerge(input: $input) { clientMutationId } }"
)
# GitHub refuses to wait where nothing has to be waited for: `gh pr merge --auto` then merges, and so do we.
_NOTHING_TO_WAIT_FOR = "clean status"
_BASE_MOVED = "Base branch was modified"
_STALE = "Expected branch to point to"

# Rules of rulesets that refuse a push of ours.
# https://docs.github.com/rest/repos/rules#get-rules-for-a-branch
_RULES = {
    "pull_request": "every change needs a pull request",
    "required_status_checks": "every commit needs checks that have passed",
    "required_signatures": "every commit needs a signature",
    "update": "nobody may change it but who may pass by the rule",
    "merge_queue": "every change goes through the merge queue",
}


class GitHub:
    """The port for one repository of GitHub."""

    noun = "pull request"
    makes_commits = True

    def __init__(self, address: Address, token: Secret, session: Session) -> None:
        self.address = address
        self._session = session
        self._variable = token.name
        self._requester = connect(address.api, token, session)
        self._root = f"/repos/{quote(address.path)}"

    def shutdown(self) -> None:
        self._requester.close()
        self._session.close()

    def default_branch(self) -> str:
        with self._asking("read the repository", CONTENTS_READ):
            return str(within(self._send("GET", ""), str, "default_branch"))

    def tip(self, branch: str) -> str | None:
        with self._asking("read a branch", CONTENTS_READ):
            # A list: for one ref, GitHub answers 404 for a branch and for a repository alike.
            for ref in self._send("GET", f"/git/matching-refs/heads/{quote(branch)}"):
                if within(ref, str, "ref") == f"refs/heads/{branch}":
                    return str(within(ref, str, "object", "sha"))
        return None

    def find_open(self, branch: str, base: str) -> PullRequest | None:
        return self._find(branch, state="open", base=base)

    def find_any(self, branch: str) -> PullRequest | None:
        return self._find(branch, state="all", sort="created", direction="desc")

    def _find(self, branch: str, **filters: str) -> PullRequest | None:
        with self._asking("look for the pull request", READ):
            query = {"head": f"{self.address.owner}:{branch}", "per_page": 100, **filters}
            for data in self._send("GET", "/pulls", query):
                # A fork's branch may have the same name, and its owner the same word.
                home = (data["head"].get("repo") or {}).get("full_name") or ""
                if data["head"]["ref"] == branch and home.lower() == self.address.path.lower():
                    return pull_request(data)
        return None

    def get(self, number: int) -> PullRequest:
        with self._asking("read the pull request", READ):
            return pull_request(self._send("GET", f"/pulls/{number}"))

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool = False) -> PullRequest:
        def create() -> PullRequest:
            content = {"title": title, "body": body, "head": branch, "base": base, "draft": draft}
            try:
                with self._asking("open the pull request", WRITE):
                    return pull_request(self._send("POST", "/pulls", content=content))
            except Rejected as no:
                return self._after_no(no, branch, base, title, body, draft)

        opened = do_once(create, lambda: self.find_open(branch, base), self._session.back_off)
        if (opened.state, opened.head_branch, opened.base_branch) != ("open", branch, base):
            raise incomplete("open the pull request", "the branches that were asked for", self.address.web)
        return opened

    def _after_no(self, no: Rejected, branch: str, base: str, title: str, body: str, draft: bool) -> PullRequest:
        """A no because the pull request is there is an answer; because the branch is not seen yet, a wait."""
        if (found := self.find_open(branch, base)) is not None:
            return found
        words = " ".join(no.details)
        if "PullRequest.base is invalid" in words:
            raise InputError(
                f"there is no branch {base} to merge into", id="bad-branch", where=self.address.web
            ) from no
        if "PullRequest.head is invalid" in words:
            raise NotYet(f"the branch {branch} is not seen yet", id="net", where=self.address.web) from no
        if draft and "draft" in words.lower():
            # Private repositories of the free plan have none; the pull request matters more.
            return self.open(branch, base, title, body)
        raise no

    def update(self, number: int, *, title: str, body: str) -> PullRequest:
        updated = self._edit(number, "update the pull request", {"title": title, "body": body})
        if updated.title.split() != title.split():
            raise incomplete("update the pull request", "the new title", updated.url)
        return updated

    def _edit(self, number: int, task: str, content: dict[str, str]) -> PullRequest:
        with self._asking(task, WRITE):
            return pull_request(self._send("PATCH", f"/pulls/{number}", content=content))

    def comment(self, number: int, text: str) -> None:
        def post() -> bool:
            with self._asking("comment on the pull request", WRITE):
                sent = self._send("POST", f"/issues/{number}/comments", content={"body": text})
                return bool(within(sent, int, "id"))

        if not self._has_comment(number, text):
            do_once(post, lambda: self._has_comment(number, text) or None, self._session.back_off)

    def _has_comment(self, number: int, text: str) -> bool:
        with self._asking("read the comments of the pull request", READ):
            comments = self._pages(f"/issues/{number}/comments")
            return any((comment.get("body") or "").replace("\r\n", "\n") == text for comment in comments)

    def close(self, number: int, comment: str, reason: str) -> PullRequest:
        pull = self.get(number)
        if pull.state != "open":
            return pull
        self.comment(number, comment)
        content = {"state": "closed", "body": mark_closed(pull.body, reason)}
        closed = self._edit(number, "close the pull request", content)
        if closed.state == "open":
            raise incomplete("close the pull request", "the state closed", closed.url)
        return closed

    def grant(self, pull: PullRequest, wishes: Wishes) -> tuple[Unmet, ...]:
        return grant(self, pull, self._after_review(pull, wishes), self._grant, self._session.back_off)

    def _after_review(self, pull: PullRequest, wishes: Wishes) -> Wishes:
        """Without the reviewers who have reviewed: GitHub takes them off the list, and to ask again is a nuisance."""
        if not wishes.missing(pull).reviewers:
            return wishes
        with self._asking("read the reviews of the pull request", READ):
            reviews = self._pages(f"/pulls/{pull.number}/reviews")
            done = {review["user"]["login"].lower() for review in reviews if review["user"]}
        return replace(wishes, reviewers=tuple(name for name in wishes.reviewers if name.lower() not in done))

    def _grant(self, number: int, wish: str, values: tuple[str, ...]) -> None:
        with self._asking(f"set the {wish} of the pull request", WRITE):
            names = list(values)
            if wish == "labels":
                self._send("POST", f"/issues/{number}/labels", content={"labels": names})
            elif wish == "reviewers":
                self._send("POST", f"/pulls/{number}/requested_reviewers", content={"reviewers": names})
            elif wish == "teams":
                self._send("POST", f"/pulls/{number}/requested_reviewers", content={"team_reviewers": names})
            elif wish == "assignees":
                self._send("POST", f"/issues/{number}/assignees", content={"assignees": names})
            else:
                self._send("PATCH", f"/issues/{number}", content={"milestone": self._milestone(names[0])})

    def _milestone(self, title: str) -> int:
        for milestone in self._pages("/milestones", {"state": "open"}):
            if milestone["title"] == title:
                return int(within(milestone, int, "number"))
        raise Rejected(f"there is no open milestone {title!r}", status=404, where=self.address.web)

    def merge_when_ready(self, pull: PullRequest, method: Method | None) -> tuple[Unmet, ...]:
        if pull.auto_merge or pull.state != "open":
            return ()
        wanted = method or "merge"
        try:
            do_once(lambda: self._enable_auto_merge(pull, wanted), lambda: self._is_set(pull), self._session.back_off)
        except Rejected as no:
            if _NOTHING_TO_WAIT_FOR in " ".join(no.details).lower():
                return self._merge_now(pull, wanted)
            return (Unmet("auto-merge", " ".join(no.details) or no.what),)
        return ()

    def _enable_auto_merge(self, pull: PullRequest, method: Method) -> bool:
        with self._asking("enable auto-merge", MERGE):
            node = within(self._send("GET", f"/pulls/{pull.number}"), str, "node_id")
            content = {"pullRequestId": node, "mergeMethod": method.upper(), "expectedHeadOid": pull.head_sha}
            self._requester.graphql_query(_AUTO_MERGE, {"input": content})
        return True

    def _is_set(self, pull: PullRequest) -> bool | None:
        now = self.get(pull.number)
        return True if now.auto_merge or now.state == "merged" else None

    def _merge_now(self, pull: PullRequest, method: Method) -> tuple[Unmet, ...]:
        def merge() -> bool:
            self._wait_until_checked(pull.number)
            content = {"merge_method": method, "sha": pull.head_sha}
            try:
                with self._asking("merge the pull request", MERGE):
                    return bool(
                        within(self._send("PUT", f"/pulls/{pull.number}/merge", content=content), bool, "merged")
                    )
            except Rejected as no:
                if no.status == 405 and _BASE_MOVED in " ".join(no.details):
                    raise NotYet(" ".join(no.details), id="net", where=self.address.web) from no
                raise

        try:
            do_once(merge, lambda: self._is_set(pull), self._session.back_off)
        except Rejected as no:
            if self._is_set(pull):
                return ()  # the PUT was repeated after its answer was lost, and the second was told "already merged"
            return (Unmet("auto-merge", " ".join(no.details) or no.what),)
        return ()

    def _wait_until_checked(self, number: int) -> None:
        """GitHub works out in the background whether a pull request can be merged, and refuses to merge meanwhile."""
        for attempt in range(1, TRIES):
            with self._asking("read the pull request", READ):
                data = self._send("GET", f"/pulls/{number}")
            if data["state"] != "open" or data["mergeable"] is not None:
                return
            checking = NotYet("GitHub is still checking the pull request", id="net", where=self.address.web)
            self._session.back_off(attempt, checking, TRIES)

    def statuses(self, sha: str) -> tuple[CommitStatus, ...]:
        with self._asking("read what was reported on the commit", STATUSES):
            # Of each context the combined status has the latest, which the plain list leaves to the reader.
            said = self._pages(f"/commits/{sha}/status", within_key="statuses")
            ran = self._pages(f"/commits/{sha}/check-runs", {"filter": "latest"}, within_key="check_runs")
            return (*map(statuses, said), *map(checks, ran))

    def check_token(self) -> TokenCheck:
        with self._asking("read the repository", CONTENTS_READ):
            headers, repository = self._requester.requestJsonAndCheck("GET", self._root)
            can_push = bool((repository.get("permissions") or {}).get("push"))
            private = within(repository, bool, "private")
        told = headers.get("x-oauth-scopes")
        scopes = None if told is None else tuple(scope.strip() for scope in told.split(",") if scope.strip())
        missing = []
        if scopes is not None and "repo" not in scopes and (private or "public_repo" not in scopes):
            missing.append("repo")
        if not can_push:
            missing.append("contents: write")
        expires = headers.get("github-authentication-token-expiration")
        return TokenCheck(self.login(), scopes, can_push, expires, tuple(missing))

    def guards(self, branch: str) -> tuple[str, ...]:
        """By the rules that are active for the branch, and by the older protection, of which only its being is told."""
        name = quote(branch, safe="")
        with self._asking("read the rules of the branch", "metadata: read"):
            kinds = {within(rule, str, "type") for rule in self._pages(f"/rules/branches/{name}")}
        told = [words for kind, words in _RULES.items() if kind in kinds]
        try:
            with self._asking("read the branch", CONTENTS_READ):
                if within(self._send("GET", f"/branches/{name}"), bool, "protected") and not told:
                    told.append("the branch is protected; who may push to it, only administrators can read")
        except Rejected:
            pass  # there is no such branch yet
        return tuple(told)

    def clock_skew(self) -> float | None:
        return self._session.skew

    def login(self) -> str | None:
        """Who we are. GET /user is refused to the tokens of Apps and Actions; the viewer of GraphQL is not."""

        def ask() -> str:
            with self._asking("ask who we are", "metadata: read"):
                _, answer = self._requester.graphql_query(_VIEWER, {})
                return str(within(answer, str, "data", "viewer", "login"))

        try:
            return do_once(ask, lambda: None, self._session.back_off)
        except Rejected:
            return None

    def commit(
        self, branch: str, expected: str | None, base_sha: str, message: str, contents: Mapping[str, bytes]
    ) -> ApiCommit:
        try:
            with self._asking("commit to a branch", CONTENTS):
                return github_commit.commit(
                    self._requester,
                    self.address,
                    branch,
                    expected,
                    base_sha,
                    message,
                    contents,
                    self._session.back_off,
                )
        except Rejected as no:
            # GitHub's words for a lost race are not fixed; the refs are.
            if self.tip(branch) != expected or _STALE in " ".join(no.details):
                raise github_commit.raced(self.address, branch) from no
            raise

    def _send(self, method: str, path: str, query: Mapping[str, Any] | None = None, *, content: Any = None) -> Any:
        _, answer = self._requester.requestJsonAndCheck(
            method, f"{self._root}{path}", parameters=dict(query or {}), input=content
        )
        return answer

    def _pages(self, path: str, query: Mapping[str, Any] | None = None, within_key: str = "") -> Iterator[Any]:
        """All items, page by page, up to our limit. Links in answers are not followed; the pages are counted."""
        for page in range(1, PAGES + 1):
            answer = self._send("GET", path, {**(query or {}), "per_page": 100, "page": page})
            items = answer[within_key] if within_key else answer
            yield from items
            if len(items) < 100:
                return

    @contextmanager
    def _asking(self, task: str, needs: str) -> Iterator[None]:
        """Turns what PyGithub raises, and an answer that is not as described, into our errors."""
        from github import GithubException

        try:
            yield
        except PipelinegenError:
            raise
        except GithubException as error:
            raise self._refused(error, task, needs) from error
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise incomplete(task, f"a field ({type(error).__name__}: {error})"[:200], self.address.web) from error

    def _refused(self, error: GithubException, task: str, needs: str) -> PipelinegenError:
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        status, kinds = error.status, _graphql_kinds(error.data)
        if "RATE_LIMITED" in kinds:
            reset = headers.get("x-ratelimit-reset", "")
            # The limit of GraphQL is counted by the hour.
            at = float(reset) if reset.isdecimal() else self._session.clock.now() + 3600
            return RateLimited("rate limit reached (GraphQL)", where=self.address.api, retry_at=moment(at))
        if kinds:
            status = 403 if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"} else 422
        return refusal(
            status, error.data, headers, task=task, needs=needs, where=self.address.web, variable=self._variable
        )


def _graphql_kinds(data: Any) -> set[str]:
    """The types of the errors of GraphQL, which come in an answer of 200 that PyGithub reports as a 400."""
    errors = data.get("errors") if isinstance(data, dict) and "message" not in data else None
    if not isinstance(errors, list):
        return set()
    return {str(error.get("type", "UNKNOWN")) for error in errors if isinstance(error, dict)}
