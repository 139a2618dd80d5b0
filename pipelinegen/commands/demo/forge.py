"""The demo's forge: the part of GitHub's REST API that is needed for pull requests, over a real bare repository."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from pipelinegen.commands.demo.repositories import git

API = "/api/v3"
GRAPHQL = "/api/graphql"
ROBOT = "shop-ci"

Answer = tuple[int, Any]


class Exchange(NamedTuple):
    """One request and its answer."""

    method: str
    path: str
    query: Mapping[str, str]
    content: Any
    status: int
    answer: Any


class Report(NamedTuple):
    """What an agent reports on a commit."""

    context: str
    state: str
    description: str


@dataclass(slots=True)
class Pull:
    """One pull request."""

    number: int
    head: str
    base: str
    title: str
    body: str
    head_sha: str
    state: str = "open"
    merged_sha: str | None = None
    merged_at: str | None = None
    comments: list[str] = field(default_factory=list)


class Refusal(Exception):
    """An answer that is a no."""

    def __init__(self, status: int, message: str, *errors: Mapping[str, str]) -> None:
        super().__init__(message)
        self.answer: Answer = (status, {"message": message, **({"errors": list(errors)} if errors else {})})


class Forge:
    """The pull requests and commit statuses of one repository: answers requests, and does what people do on its pages.

    The server asks it one request at a time.
    """

    def __init__(self, repository: str, path: str) -> None:
        self.repository = repository
        self.path = path
        self.origin = ""  # known when the server listens
        self.pulls: list[Pull] = []
        self.log: list[Exchange] = []
        self._coming: dict[str, list[Report]] = {}
        root = f"{re.escape(API)}/repos/{re.escape(path)}"
        self._routes: list[tuple[re.Pattern[str], Callable[..., Answer]]] = [
            (re.compile(f"GET {root}"), lambda _query, _content: (200, self._repository_json())),
            (re.compile(f"GET {root}/git/matching-refs/heads/(.+)"), self._matching_refs),
            (re.compile(f"GET {root}/pulls"), self._list),
            (re.compile(f"POST {root}/pulls"), self._open),
            (re.compile(f"GET {root}/pulls/([0-9]+)"), self._get),
            (re.compile(f"PATCH {root}/pulls/([0-9]+)"), self._edit),
            (re.compile(f"PUT {root}/pulls/([0-9]+)/merge"), self._merge),
            (re.compile(f"GET {root}/issues/([0-9]+)/comments"), self._comments),
            (re.compile(f"POST {root}/issues/([0-9]+)/comments"), self._comment),
            (re.compile(f"GET {root}/commits/([0-9a-f]+)/status"), self._status),
            (re.compile(f"GET {root}/commits/([0-9a-f]+)/check-runs"), self._check_runs),
        ]

    # What people and agents do.

    def merge(self, number: int) -> str:
        """Merge as a reviewer does on the page; the merge commit. Real git makes it."""
        pull = self._pull(number)
        pull.merged_sha = merge(
            self.repository, pull.base, pull.head_sha, f"Merge pull request #{number}: {pull.title}"
        )
        pull.state, pull.merged_at = "closed", f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        return pull.merged_sha

    def expect(self, commit: str, *reports: Report) -> None:
        """What an agent will report on a commit, one after the other, each time somebody looks."""
        self._coming[commit] = list(reports)

    def writes(self) -> int:
        return sum(exchange.method != "GET" and exchange.path != GRAPHQL for exchange in self.log)

    # The API.

    def respond(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        content = json.loads(body) if body else None
        for pull in self.pulls:
            self._follow(pull)
        try:
            status, answer = self._answer(method, path, query, content)
        except Refusal as no:
            status, answer = no.answer
        self.log.append(Exchange(method, path, query, content, status, answer))
        return status, answer

    def _answer(self, method: str, path: str, query: Mapping[str, str], content: Any) -> Answer:
        if path == GRAPHQL and "viewer" in content["query"]:
            return 200, {"data": {"viewer": {"login": ROBOT}}}
        for pattern, route in self._routes:
            if found := pattern.fullmatch(f"{method} {path}"):
                return route(query, content, *found.groups())
        raise Refusal(404, "Not Found")

    def _pull(self, number: str | int) -> Pull:
        if not 0 < int(number) <= len(self.pulls):
            raise Refusal(404, "Not Found")
        return self.pulls[int(number) - 1]

    def _follow(self, pull: Pull) -> None:
        """An open pull request follows its branch, and ends with it."""
        if pull.state == "open":
            tip = branches(self.repository).get(pull.head)
            pull.state, pull.head_sha = ("open", tip) if tip else ("closed", pull.head_sha)

    def _matching_refs(self, _query: object, _content: object, prefix: str) -> Answer:
        found = branches(self.repository).items()
        return 200, [
            {"ref": f"refs/heads/{name}", "object": {"type": "commit", "sha": sha}}
            for name, sha in found
            if name.startswith(prefix)
        ]

    def _list(self, query: Mapping[str, str], _content: object) -> Answer:
        owner, state = self.path.partition("/")[0], query.get("state", "open")
        chosen = (
            pull
            for pull in reversed(self.pulls)
            if state in ("all", pull.state)
            and query.get("head", f"{owner}:{pull.head}") == f"{owner}:{pull.head}"
            and query.get("base", pull.base) == pull.base
        )
        return 200, list(_page(query, [self._json(pull) for pull in chosen]))

    def _open(self, _query: object, content: Mapping[str, Any]) -> Answer:
        head, base, known = content["head"], content["base"], branches(self.repository)
        for name in ("head", "base"):
            if content[name] not in known:
                raise _invalid(field=name, code="invalid")
        if any((pull.head, pull.base, pull.state) == (head, base, "open") for pull in self.pulls):
            raise _invalid(code="custom", message=f"A pull request already exists for {head}.")
        pull = Pull(len(self.pulls) + 1, head, base, content["title"], content.get("body") or "", known[head])
        self.pulls.append(pull)
        return 201, self._json(pull)

    def _get(self, _query: object, _content: object, number: str) -> Answer:
        pull = self._pull(number)
        return 200, {**self._json(pull), "merged": pull.merged_sha is not None, "mergeable": True}

    def _edit(self, query: Mapping[str, str], content: Mapping[str, Any], number: str) -> Answer:
        pull = self._pull(number)
        pull.title, pull.body = content.get("title", pull.title), content.get("body", pull.body)
        pull.state = content.get("state", pull.state)
        return self._get(query, content, number)

    def _merge(self, _query: object, content: Mapping[str, Any], number: str) -> Answer:
        pull = self._pull(number)
        if pull.state != "open":
            raise Refusal(405, "Pull Request is not mergeable")
        if content.get("sha", pull.head_sha) != pull.head_sha:
            raise Refusal(409, "Head branch was modified. Review and try the merge again.")
        return 200, {"sha": self.merge(pull.number), "merged": True, "message": "Pull Request successfully merged"}

    def _comments(self, query: Mapping[str, str], _content: object, number: str) -> Answer:
        comments = enumerate(self._pull(number).comments, start=1)
        return 200, list(_page(query, [{"id": place, "body": text} for place, text in comments]))

    def _comment(self, _query: object, content: Mapping[str, Any], number: str) -> Answer:
        comments = self._pull(number).comments
        comments.append(content["body"])
        return 201, {"id": len(comments), "body": content["body"]}

    def _status(self, _query: object, _content: object, commit: str) -> Answer:
        coming = self._coming.get(commit, [])
        now = [coming.pop(0) if len(coming) > 1 else coming[0]] if coming else []
        statuses = [{**report._asdict(), "id": 1, "target_url": None} for report in now]
        state = now[0].state if now else "pending"
        return 200, {"state": state, "statuses": statuses, "sha": commit, "total_count": len(statuses)}

    def _check_runs(self, _query: object, _content: object, _commit: str) -> Answer:
        return 200, {"total_count": 0, "check_runs": []}

    # JSON.

    def _repository_json(self) -> dict[str, Any]:
        permissions = {"admin": False, "push": True, "pull": True}
        return {"full_name": self.path, "default_branch": "main", "private": True, "permissions": permissions}

    def _json(self, pull: Pull) -> dict[str, Any]:
        tips = branches(self.repository)
        return {
            "number": pull.number,
            "node_id": f"PR_{pull.number}",
            "html_url": f"{self.origin}/{self.path}/pull/{pull.number}",
            "state": pull.state,
            "title": pull.title,
            "body": pull.body,
            "draft": False,
            "user": {"login": ROBOT},
            "head": {"ref": pull.head, "sha": pull.head_sha, "repo": self._repository_json()},
            "base": {"ref": pull.base, "sha": tips.get(pull.base, ""), "repo": self._repository_json()},
            "merged_at": pull.merged_at,
            "merge_commit_sha": pull.merged_sha,
            "auto_merge": None,
            "milestone": None,
            **{name: [] for name in ("labels", "assignees", "requested_reviewers", "requested_teams")},
        }


def branches(repository: str) -> dict[str, str]:
    """The branches of a bare repository and their tips."""
    lines = git(repository, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
    return {name: sha for name, _, sha in (line.partition(" ") for line in lines)}


def merge(repository: str, base: str, head: str, message: str) -> str:
    """Merge a commit into a branch of a bare repository, whole files at a time; the merge commit."""
    onto = branches(repository)[base]
    common = git(repository, "merge-base", onto, head).strip()
    index = {"GIT_INDEX_FILE": os.path.join(repository, "demo-index")}
    git(repository, "read-tree", "-i", "-m", "--aggressive", common, onto, head, **index)
    tree = git(repository, "write-tree", **index).strip()
    os.remove(index["GIT_INDEX_FILE"])
    now = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S+00:00}"
    reviewer = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@shop.example"}
    dates = {"GIT_AUTHOR_DATE": now, "GIT_COMMITTER_DATE": now}
    parents = ("-p", onto, "-p", head)
    made = git(repository, "commit-tree", tree, *parents, "-m", message, **reviewer, **dates).strip()
    git(repository, "update-ref", f"refs/heads/{base}", made, onto)
    return made


def _page(query: Mapping[str, str], items: list[Any]) -> Iterator[Any]:
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return iter(items[(page - 1) * size : page * size])


def _invalid(**error: str) -> Refusal:
    return Refusal(422, "Validation Failed", {"resource": "PullRequest", **error})
