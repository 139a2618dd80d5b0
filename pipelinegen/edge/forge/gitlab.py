"""Merge requests on GitLab, gitlab.com and self-managed, through python-gitlab on our own pinned session."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipelinegen.edge.forge.address import Address
from pipelinegen.edge.forge.gitlab_client import connect
from pipelinegen.edge.forge.gitlab_values import plain_title, pull_request, status
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
from pipelinegen.edge.forge.refusals import incomplete, refusal, spoken
from pipelinegen.edge.forge.wishes import grant
from pipelinegen.edge.http import Session
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError
from pipelinegen.pull_request import mark_closed
from pipelinegen.redact import Secret

if TYPE_CHECKING:
    from gitlab import GitlabError

READ = "read_api (the scope) and Reporter (the role)"
WRITE = "api (the scope) and Developer (the role)"
MERGE = "api (the scope) and a role that may merge into the branch"
DEVELOPER = 30

DRAFT = "Draft: "
# https://docs.gitlab.com/api/merge_requests/#merge-status: until these pass, a request to merge is answered 405.
_BEING_CHECKED = frozenset({"unchecked", "checking", "preparing", "approvals_syncing"})
# What GitLab says of a branch that was pushed a moment ago (renovatebot/renovate#44498).
_SOON = ("source branch", "source_branch")


class GitLab:
    """The port for one project of GitLab."""

    noun = "merge request"
    makes_commits = False

    def __init__(self, address: Address, token: Secret, session: Session) -> None:
        self.address = address
        self._session = session
        self._variable = token.name
        self._client = connect(address.api, token, session)
        self._root = f"/projects/{quote(address.path, safe='')}"

    def shutdown(self) -> None:
        self._session.close()

    def default_branch(self) -> str:
        with self._asking("read the project", READ):
            return _text(self._send("get", ""), "default_branch")

    def tip(self, branch: str) -> str | None:
        with self._asking("read a branch", READ):
            # A list: for one branch, GitLab answers 404 for a branch and for a project alike.
            for one in self._pages("/repository/branches", {"search": f"^{branch}"}):
                if one["name"] == branch:
                    return _text(one["commit"], "id")
        return None

    def find_open(self, branch: str, base: str) -> PullRequest | None:
        return self._find(branch, state="opened", target_branch=base)

    def find_any(self, branch: str) -> PullRequest | None:
        return self._find(branch, state="all", order_by="created_at", sort="desc")

    def _find(self, branch: str, **filters: str) -> PullRequest | None:
        with self._asking("look for the merge request", READ):
            query = {"source_branch": branch, "per_page": 100, **filters}
            for data in self._send("get", "/merge_requests", query):
                # A fork's branch may have the same name.
                if data["source_branch"] == branch and data["source_project_id"] == data["target_project_id"]:
                    return pull_request(data)
        return None

    def get(self, number: int) -> PullRequest:
        with self._asking("read the merge request", READ):
            return pull_request(self._send("get", f"/merge_requests/{number}"))

    def open(self, branch: str, base: str, title: str, body: str, *, draft: bool = False) -> PullRequest:
        content = {
            "source_branch": branch,
            "target_branch": base,
            "title": f"{DRAFT}{title}" if draft else title,
            "description": body,
        }

        def create() -> PullRequest:
            try:
                with self._asking("open the merge request", WRITE):
                    return pull_request(self._send("post", "/merge_requests", content=content))
            except Rejected as no:
                return self._after_no(no, branch, base)

        opened = do_once(create, lambda: self.find_open(branch, base), self._session.back_off)
        if (opened.state, opened.head_branch, opened.base_branch) != ("open", branch, base):
            raise incomplete("open the merge request", "the branches that were asked for", self.address.web)
        return opened

    def _after_no(self, no: Rejected, branch: str, base: str) -> PullRequest:
        """A no because the merge request is there is an answer; because the branch is not seen yet, a wait."""
        if (found := self.find_open(branch, base)) is not None:
            return found
        words = " ".join(no.details).lower()
        if "target_branch" in words or "target branch" in words:
            raise InputError(
                f"there is no branch {base} to merge into", id="bad-branch", where=self.address.web
            ) from no
        if any(word in words for word in _SOON):
            raise NotYet(" ".join(no.details), id="net", where=self.address.web) from no
        raise no

    def update(self, number: int, *, title: str, body: str) -> PullRequest:
        draft = self.get(number).draft
        content = {"title": f"{DRAFT}{title}" if draft else title, "description": body}
        updated = self._edit(number, "update the merge request", content)
        if updated.title.split() != plain_title(title).split():
            raise incomplete("update the merge request", "the new title", updated.url)
        return updated

    def _edit(self, number: int, task: str, content: Mapping[str, Any]) -> PullRequest:
        def put() -> PullRequest:
            with self._asking(task, WRITE):
                return pull_request(self._send("put", f"/merge_requests/{number}", content=content))

        return do_once(put, lambda: None, self._session.back_off)

    def comment(self, number: int, text: str) -> None:
        def post() -> bool:
            with self._asking("comment on the merge request", WRITE):
                return bool(self._send("post", f"/merge_requests/{number}/notes", content={"body": text})["id"])

        if not self._has_comment(number, text):
            do_once(post, lambda: self._has_comment(number, text) or None, self._session.back_off)

    def _has_comment(self, number: int, text: str) -> bool:
        with self._asking("read the comments of the merge request", READ):
            notes = self._pages(f"/merge_requests/{number}/notes")
            return any((note["body"] or "").replace("\r\n", "\n").strip() == text.strip() for note in notes)

    def close(self, number: int, comment: str, reason: str) -> PullRequest:
        pull = self.get(number)
        if pull.state != "open":
            return pull
        self.comment(number, comment)
        content = {"state_event": "close", "description": mark_closed(pull.body, reason)}
        closed = self._edit(number, "close the merge request", content)
        if closed.state == "open":
            raise incomplete("close the merge request", "the state closed", closed.url)
        return closed

    def grant(self, pull: PullRequest, wishes: Wishes) -> tuple[Unmet, ...]:
        return grant(self, pull, wishes, self._grant, self._session.back_off)

    def _grant(self, number: int, wish: str, values: tuple[str, ...]) -> None:
        task = f"set the {wish} of the merge request"
        if wish == "teams":
            raise Rejected("GitLab asks people, not groups, for a review", status=400, where=self.address.web)
        if wish == "labels":
            self._edit(number, task, {"add_labels": ",".join(values)})
        elif wish == "milestone":
            self._edit(number, task, {"milestone_id": self._milestone(values[0])})
        else:
            pull = self.get(number)
            held = pull.reviewers if wish == "reviewers" else pull.assignees
            people = [self._person(name) for name in (*held, *values)]
            self._edit(number, task, {f"{wish.removesuffix('s')}_ids": people})

    def _person(self, name: str) -> int:
        with self._asking(f"look up {name}", "read_api (the scope)"):
            for user in self._get("/users", {"username": name}):
                if user["username"].lower() == name.lower():
                    return int(user["id"])
        raise Rejected(f"there is no user {name!r}", status=404, where=self.address.server)

    def _milestone(self, title: str) -> int:
        with self._asking("look up the milestone", READ):
            found = self._send("get", "/milestones", {"title": title, "include_ancestors": "true"})
            for milestone in found:
                if milestone["title"] == title:
                    return int(milestone["id"])
        raise Rejected(f"there is no milestone {title!r}", status=404, where=self.address.web)

    def merge_when_ready(self, pull: PullRequest, method: Method | None) -> tuple[Unmet, ...]:
        if pull.auto_merge or pull.state != "open":
            return ()
        if method == "rebase":
            return (Unmet("auto-merge", "GitLab has no merge by rebase; the project's merge method decides"),)
        content: dict[str, Any] = {"sha": pull.head_sha, **({"squash": True} if method == "squash" else {})}
        # auto_merge since GitLab 17.11, merge_when_pipeline_succeeds before; what is not known is ignored.
        waiting = {**content, "auto_merge": True, "merge_when_pipeline_succeeds": True}
        try:
            do_once(lambda: self._accept(pull.number, waiting), lambda: self._is_set(pull), self._session.back_off)
        except (Rejected, NotPermitted) as no:
            if self._is_set(pull):
                return ()  # the PUT was repeated after its answer was lost, and the second was told that it is done
            if isinstance(no, Rejected) and no.status == 405 and self._merge_status(pull.number) == "mergeable":
                return self._merge_now(pull, content)
            return (Unmet("auto-merge", " ".join(no.details) or no.what),)
        return ()

    def _merge_now(self, pull: PullRequest, content: Mapping[str, Any]) -> tuple[Unmet, ...]:
        """With nothing to wait for, GitLab does not wait and answers 405; what was asked for is then a merge."""
        try:
            do_once(lambda: self._accept(pull.number, content), lambda: self._is_set(pull), self._session.back_off)
        except (Rejected, NotPermitted) as no:
            return () if self._is_set(pull) else (Unmet("auto-merge", " ".join(no.details) or no.what),)
        return ()

    def _accept(self, number: int, content: Mapping[str, Any]) -> bool:
        self._wait_until_checked(number)
        with self._asking("enable auto-merge", MERGE):
            self._send("put", f"/merge_requests/{number}/merge", content=content)
        return True

    def _merge_status(self, number: int) -> str:
        with self._asking("read the merge request", READ):
            return str(self._send("get", f"/merge_requests/{number}").get("detailed_merge_status"))

    def _wait_until_checked(self, number: int) -> None:
        for attempt in range(1, TRIES):
            state = self._merge_status(number)
            if state not in _BEING_CHECKED:
                return
            checking = NotYet(f"GitLab is still {state} the merge request", id="net", where=self.address.web)
            self._session.back_off(attempt, checking, TRIES)

    def _is_set(self, pull: PullRequest) -> bool | None:
        now = self.get(pull.number)
        return True if now.auto_merge or now.state == "merged" else None

    def statuses(self, sha: str) -> tuple[CommitStatus, ...]:
        with self._asking("read what was reported on the commit", READ):
            return tuple(map(status, self._pages(f"/repository/commits/{sha}/statuses")))

    def check_token(self) -> TokenCheck:
        with self._asking("read the project", READ):
            level = self._level()
        can_push = level >= DEVELOPER if level is not None else None
        scopes, expires = self._token()
        missing = []
        if scopes is not None and "api" not in scopes:
            missing.append("api")
        if can_push is False:
            missing.append("the role Developer")
        return TokenCheck(self.login(), scopes, can_push, expires, tuple(missing))

    def _token(self) -> tuple[tuple[str, ...] | None, str | None]:
        """Scopes and last day of the token. Only personal, project and group access tokens can be asked about."""
        try:
            with self._asking("read the token", "read_api (the scope)"):
                token = self._get("/personal_access_tokens/self")
                return tuple(token["scopes"]), token["expires_at"]
        except (Rejected, NotPermitted) as no:
            if no.id == "expired":
                raise
            return None, None

    def guards(self, branch: str) -> tuple[str, ...]:
        """By the protected branch of that name, or the wildcard that covers it, and our own access level."""
        with self._asking("read the project", READ):
            level = self._level()
        with self._asking("read the protected branches", READ):
            for rule in self._pages("/protected_branches"):
                if fnmatch.fnmatchcase(branch, _text(rule, "name")):
                    return _refusing(rule, level)
        return ()

    def clock_skew(self) -> float | None:
        return self._session.skew

    def _level(self) -> int | None:
        permissions = self._send("get", "").get("permissions") or {}
        levels = [(permissions.get(name) or {}).get("access_level") for name in ("project_access", "group_access")]
        return max((level for level in levels if isinstance(level, int)), default=None)

    def login(self) -> str | None:
        try:
            with self._asking("ask who we are", "read_user (the scope)"):
                return _text(self._get("/user"), "username")
        except (Rejected, NotPermitted):
            return None

    def commit(
        self, branch: str, expected: str | None, base_sha: str, message: str, contents: Mapping[str, bytes]
    ) -> ApiCommit:
        del branch, expected, base_sha, message, contents
        raise InputError(
            "GitLab does not sign commits that are made through its API",
            id="bad-config",
            where="--sign",
            next="sign with a key of your own (git's user.signingKey)",
        )

    def _send(self, method: str, path: str, query: Mapping[str, Any] | None = None, *, content: Any = None) -> Any:
        return self._call(method, f"{self._root}{path}", query, content)

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self._call("get", path, query, None)

    def _call(self, method: str, path: str, query: Mapping[str, Any] | None, content: Any) -> Any:
        answer = self._client.http_request(
            method, path, query_data=dict(query or {}), post_data=content, obey_rate_limit=False, max_retries=0
        )
        return answer.json()

    def _pages(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """All items, page by page, up to our limit. Links in answers are not followed; the pages are counted."""
        for page in range(1, PAGES + 1):
            items = self._send("get", path, {**(query or {}), "per_page": 100, "page": page})
            yield from items
            if len(items) < 100:
                return

    @contextmanager
    def _asking(self, task: str, needs: str) -> Iterator[None]:
        """Turns what python-gitlab raises, and an answer that is not as described, into our errors."""
        from gitlab import GitlabError

        try:
            yield
        except PipelinegenError:
            raise
        except GitlabError as error:
            raise self._refused(error, task, needs) from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise incomplete(task, f"a field ({type(error).__name__}: {error})"[:200], self.address.web) from error

    def _refused(self, error: GitlabError, task: str, needs: str) -> PipelinegenError:
        said, status, where = error.response_body or error.error_message, error.response_code or 400, self.address.web
        words = " ".join(spoken(said))
        # GitLab holds a lock on a merge request for a moment after a push ("Resource lock").
        if status == 409 and "lock" in words.lower():
            return NotYet(words, id="net", where=where)
        return refusal(status, said, {}, task=task, needs=needs, where=where, variable=self._variable)


def _text(data: Any, key: str) -> str:
    if not isinstance(data[key], str) or not data[key]:
        raise TypeError(f"{key} is {data[key]!r}"[:100])
    return str(data[key])


def _refusing(rule: Any, level: int | None) -> tuple[str, ...]:
    """What a protected branch has against a push of ours. https://docs.gitlab.com/api/protected_branches/"""
    allowed = [one.get("access_level") for one in rule.get("push_access_levels") or []]
    numbers = [one for one in allowed if isinstance(one, int)]
    # 0 is "no one"; an entry without a level names a user, a group or a key, who may be us.
    if len(numbers) < len(allowed) or (level is not None and any(0 < one <= level for one in numbers)):
        return ()
    who = "no one" if not any(numbers) else f"who has the access level {min(filter(None, numbers))} or more"
    return (f"it is a protected branch, to which {who} may push",)
