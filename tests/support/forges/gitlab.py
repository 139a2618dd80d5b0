"""A stand-in for GitLab over a real bare repository: only the JSON is ours, and it is held to GitLab's own client.

The refusals are those of lib/api/merge_requests.rb and lib/api/helpers of GitLab.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.forges.description import Description
from tests.support.forges.repository import Repository
from tests.support.forges.server import Reply, Request, StandIn

NOW = "2024-01-02T03:04:05.678Z"
REPORTER, DEVELOPER, MAINTAINER = 20, 30, 40

_WRITES = ("POST", "PUT", "DELETE")
# What an update must hold at least one of (API::MergeRequests.update_params_at_least_one_of).
_UPDATES = frozenset(
    [
        *("assignee_id", "assignee_ids", "reviewer_ids", "labels", "add_labels", "remove_labels", "milestone_id"),
        *("title", "description", "squash", "remove_source_branch", "allow_collaboration", "target_branch"),
        *("state_event", "discussion_locked"),
    ]
)


@dataclass
class Token:
    """Who has it, its scopes, the role on the project, and whether it has run out."""

    login: str = "deployer"
    scopes: tuple[str, ...] = ("api",)
    level: int = MAINTAINER
    expired: bool = False
    expires_at: str | None = "2030-01-01"


@dataclass
class Merge:
    iid: int
    source: str
    target: str
    title: str
    description: str | None
    author: str
    state: str = "opened"
    sha: str = ""
    merge_commit: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    milestone: str | None = None
    notes: list[tuple[str, str]] = field(default_factory=list)
    auto_merge: bool = False
    squash: bool = False

    @property
    def draft(self) -> bool:
        return self.title.lower().startswith("draft:")


class No(Exception):
    """The service refuses, with this answer."""

    def __init__(self, status: int, content: Any) -> None:
        super().__init__(status)
        self.reply = Reply(status, content if isinstance(content, dict) else {"message": content})


class GitLab(StandIn):
    """One project. Tests reach into the attributes to be the people who use the web pages."""

    def __init__(self, repository: Repository, path: str = "acme/team/manifests") -> None:
        super().__init__()
        self.repository = repository
        self.path = path
        self.protected: dict[str, int] = {}  # names of branches, * for any text, and the access level that may push
        self.archived = False
        self.pipeline: str | None = "running"
        self.checking = 0  # how many more readings say that mergeability is being checked
        self.unseen = 0  # how many more requests do not see a branch that was pushed just now
        self.tokens: dict[str, Token] = {"glpat-canary-token": Token()}
        self.people = {"ada": 11, "grace": 12, "deployer": 13}
        self.single = False  # the free tier keeps one assignee and one reviewer
        self.milestones = {"1.0": 101}
        self.merges: list[Merge] = []
        self.reports: dict[str, dict[str, tuple[str, str, str | None]]] = {}
        self.description = _description()

    @property
    def api(self) -> str:
        return f"{self.url}/api/v4"

    # What people and other systems do.

    def merge_by_hand(self, number: int, *, squash: bool = False) -> str:
        self.merges[number - 1].squash = squash
        return self._merge(self.merges[number - 1])

    def close_by_hand(self, number: int) -> None:
        self.merges[number - 1].state = "closed"

    def report(self, sha: str, context: str, state: str, description: str = "", url: str | None = None) -> None:
        self.reports.setdefault(sha, {})[context] = (state, description, url)

    def finish_pipeline(self) -> None:
        self.pipeline = "success"
        for merge in self.merges:
            if merge.auto_merge and merge.state == "opened":
                self._merge(merge)

    # The API.

    def respond(self, request: Request) -> Reply:
        for merge in self.merges:
            self._refresh(merge)
        try:
            return self._respond(request)
        except No as no:
            return no.reply

    def _respond(self, request: Request) -> Reply:
        path = request.path.removeprefix("/api/v4")
        operation = self.description.operation(request.method, path)
        if operation is None or not request.path.startswith("/api/v4/"):
            self.violations.append(f"not in GitLab's client: {request.method} {request.path}")
            raise No(404, {"error": "404 Not Found"})
        token = self._token(request)
        if faults := self.description.request_faults(operation, request.query, request.json()):
            self.violations += faults
            raise No(400, {"error": "; ".join(faults)})
        if operation.startswith(("GET /projects", "POST /projects", "PUT /projects")):
            self._allow(token, request)
        status, body = self._routes()[operation](token, request)
        self.violations += self.description.answer_faults(operation, status, body)
        return Reply(status, body, {"RateLimit-Remaining": "1990", "RateLimit-Reset": "1700000000"})

    def _token(self, request: Request) -> Token:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        value = value if scheme == "Bearer" else request.headers.get("private-token", "")
        if value not in self.tokens:
            raise No(401, "401 Unauthorized")
        token = self.tokens[value]
        if token.expired:
            text = "Token is expired. You can either do re-authorization or token refresh."
            raise No(401, {"error": "invalid_token", "error_description": text})
        needed = {"api"} if request.method in _WRITES else {"api", "read_api"}
        if not needed.intersection(token.scopes) and not request.path.endswith(("/user", "/self")):
            text = "The request requires higher privileges than provided by the access token."
            raise No(403, {"error": "insufficient_scope", "error_description": text, "scope": " ".join(sorted(needed))})
        return token

    def _allow(self, token: Token, request: Request) -> None:
        if request.parts()[3] != self.path or token.level < REPORTER:
            raise No(404, "404 Project Not Found")
        if request.method in _WRITES and (self.archived or token.level < DEVELOPER):
            raise No(403, "403 Forbidden")

    def _routes(self) -> dict[str, Callable[[Token, Request], tuple[int, Any]]]:
        project = "/projects/{}"
        one = f"{project}/merge_requests/{{}}"
        return {
            f"GET {project}": lambda token, _: (200, self._project_json(token)),
            f"GET {project}/repository/branches": self._branches,
            f"GET {project}/protected_branches": lambda _, request: (200, self._page(request, self._protected_json())),
            f"GET {project}/merge_requests": self._list,
            f"POST {project}/merge_requests": self._open,
            f"GET {one}": lambda _, request: (200, self._json(self._merge_of(request))),
            f"PUT {one}": self._edit,
            f"PUT {one}/merge": self._accept,
            f"GET {one}/notes": lambda _, request: (200, self._page(request, self._notes(self._merge_of(request)))),
            f"POST {one}/notes": self._note,
            f"GET {project}/milestones": self._find_milestones,
            f"GET {project}/repository/commits/{{}}/statuses": self._statuses,
            "GET /users": self._users,
            "GET /user": lambda token, _: (200, self._user(token.login)),
            "GET /personal_access_tokens/self": lambda token, _: (200, self._token_json(token)),
        }

    def _merge_of(self, request: Request) -> Merge:
        number = int(request.parts()[5])
        if not 0 < number <= len(self.merges):
            raise No(404, "404 Not found")
        return self.merges[number - 1]

    def _page(self, request: Request, items: list[Any]) -> list[Any]:
        size, page = int(request.query.get("per_page", 20)), int(request.query.get("page", 1))
        return items[(page - 1) * size : page * size]

    def _list(self, _: Token, request: Request) -> tuple[int, Any]:
        query = request.query
        chosen = [
            merge
            for merge in self.merges
            if query.get("state", "all") in ("all", merge.state)
            and query.get("source_branch", merge.source) == merge.source
            and query.get("target_branch", merge.target) == merge.target
        ]
        return 200, self._page(request, [self._json(merge, short=True) for merge in reversed(chosen)])

    def _open(self, token: Token, request: Request) -> tuple[int, Any]:
        content = request.json()
        source, target = content["source_branch"], content["target_branch"]
        self.unseen -= 1
        if self.repository.tip(source) is None or self.unseen >= 0:
            raise No(400, {"message": {"source_branch": ["does not exist"]}})
        if self.repository.tip(target) is None:
            raise No(400, {"message": {"target_branch": ["does not exist"]}})
        for merge in self.merges:
            if (merge.source, merge.target, merge.state) == (source, target, "opened"):
                raise No(409, [f"Another open merge request already exists for this source branch: !{merge.iid}"])
        merge = Merge(len(self.merges) + 1, source, target, content["title"], content.get("description"), token.login)
        self.merges.append(merge)
        self._refresh(merge)
        return 201, self._json(merge)

    def _edit(self, _: Token, request: Request) -> tuple[int, Any]:
        merge, content = self._merge_of(request), request.json()
        if not _UPDATES.intersection(content):
            raise No(
                400, {"error": f"{', '.join(sorted(_UPDATES))} are missing, at least one parameter must be provided"}
            )
        merge.title = content.get("title", merge.title)
        merge.description = content.get("description", merge.description)
        if content.get("state_event") == "close" and merge.state == "opened":
            merge.state = "closed"
        if added := content.get("add_labels"):
            merge.labels += [name for name in added.split(",") if name not in merge.labels]
        if "milestone_id" in content:
            titles = {number: title for title, number in self.milestones.items()}
            merge.milestone = titles.get(content["milestone_id"], merge.milestone)
        for key in ("assignee", "reviewer"):
            if f"{key}_ids" in content:
                setattr(merge, f"{key}s", self._named(content[f"{key}_ids"]))
        return 200, self._json(merge)

    def _named(self, numbers: list[int]) -> list[str]:
        names = {number: name for name, number in self.people.items()}
        kept = [names[number] for number in numbers if number in names]
        return kept[:1] if self.single else kept

    def _accept(self, token: Token, request: Request) -> tuple[int, Any]:
        merge, content = self._merge_of(request), request.json()
        if token.level < MAINTAINER:
            raise No(401, "401 Unauthorized")
        auto = bool(content.get("auto_merge") or content.get("merge_when_pipeline_succeeds"))
        mergeable = merge.state == "opened" and not merge.draft and self.checking <= 0
        done = self.pipeline in (None, "success")
        waits = auto and mergeable and not done
        at_once = mergeable and (self.pipeline == "success" if auto else done)
        if not waits and not at_once:
            raise No(405, "405 Method Not Allowed")
        if content.get("sha", merge.sha) != merge.sha:
            raise No(409, f"SHA does not match HEAD of source branch: {merge.sha}")
        merge.squash = bool(content.get("squash", merge.squash))
        if waits:
            merge.auto_merge = True
        else:
            self._merge(merge)
        return 200, self._json(merge)

    def _merge(self, merge: Merge) -> str:
        message = (
            f"Merge branch '{merge.source}' into '{merge.target}'\n\n{merge.title}\n\nSee merge request !{merge.iid}"
        )
        if merge.squash:
            message = self.repository.message(merge.sha)
        merge.merge_commit = self.repository.merge(merge.target, merge.sha, message, squash=merge.squash)
        merge.state, merge.auto_merge = "merged", False
        return merge.merge_commit

    def _refresh(self, merge: Merge) -> None:
        """Open merge requests follow their branch; they stay open without it, and are merged when the target has it."""
        tip = self.repository.tip(merge.source) if merge.state == "opened" else None
        if tip is not None:
            if tip == merge.sha and self.repository.contains(merge.target, tip):
                merge.state, merge.merge_commit = "merged", None
            merge.sha = tip

    def _notes(self, merge: Merge) -> list[Any]:
        return [
            {"id": number, "body": text, "author": self._user(login), "noteable_iid": merge.iid, "system": False}
            for number, (login, text) in enumerate(merge.notes, 1)
        ]

    def _note(self, token: Token, request: Request) -> tuple[int, Any]:
        merge = self._merge_of(request)
        merge.notes.append((token.login, request.json()["body"].rstrip()))
        return 201, self._notes(merge)[-1]

    def _branches(self, _: Token, request: Request) -> tuple[int, Any]:
        search = request.query.get("search", "^").removeprefix("^")
        found = [
            {"name": name, "commit": {"id": sha, "message": self.repository.message(sha)}, "merged": False}
            for name, sha in self.repository.branches(search).items()
        ]
        return 200, self._page(request, found)

    def _find_milestones(self, _: Token, request: Request) -> tuple[int, Any]:
        found = [self._milestone(title) for title in self.milestones if request.query.get("title", title) == title]
        return 200, self._page(request, found)

    def _statuses(self, _: Token, request: Request) -> tuple[int, Any]:
        sha = request.parts()[6]
        found = [
            {"id": number, "sha": sha, "name": name, "status": state, "description": text or None, "target_url": url}
            for number, (name, (state, text, url)) in enumerate(self.reports.get(sha, {}).items(), 1)
        ]
        return 200, self._page(request, found)

    def _users(self, _: Token, request: Request) -> tuple[int, Any]:
        wanted = request.query.get("username", "").lower()
        return 200, [self._user(name) for name in self.people if name == wanted]

    # JSON.

    def _user(self, login: str) -> dict[str, Any]:
        return {"id": self.people.get(login, 99), "username": login, "name": login.title(), "state": "active"}

    def _milestone(self, title: str) -> dict[str, Any]:
        return {"id": self.milestones[title], "iid": 1, "title": title, "state": "active", "description": ""}

    def _token_json(self, token: Token) -> dict[str, Any]:
        return {
            "id": 1,
            "name": "pipelinegen",
            "revoked": False,
            "active": True,
            "scopes": list(token.scopes),
            "expires_at": token.expires_at,
            "user_id": self.people.get(token.login, 99),
        }

    def _protected_json(self) -> list[Any]:
        return [
            {
                "id": number,
                "name": name,
                "push_access_levels": [
                    {
                        "id": number,
                        "access_level": level,
                        "access_level_description": "",
                        "user_id": None,
                        "group_id": None,
                    }
                ],
                "merge_access_levels": [],
                "allow_force_push": False,
            }
            for number, (name, level) in enumerate(self.protected.items(), 1)
        ]

    def _project_json(self, token: Token) -> dict[str, Any]:
        return {
            "id": 7,
            "path_with_namespace": self.path,
            "default_branch": "main",
            "web_url": f"{self.url}/{self.path}",
            "archived": self.archived,
            "visibility": "private",
            "permissions": {
                "project_access": {"access_level": token.level, "notification_level": 3},
                "group_access": None,
            },
        }

    def _merge_status(self, merge: Merge, *, short: bool) -> str:
        if not short and self.checking > 0:
            self.checking -= 1
            return "checking"
        if merge.state != "opened":
            return "not_open"
        if merge.draft:
            return "draft_status"
        return "mergeable" if self.pipeline in (None, "success") else "ci_still_running"

    def _json(self, merge: Merge, *, short: bool = False) -> dict[str, Any]:
        merged = merge.state == "merged"
        content: dict[str, Any] = {
            "id": 1000 + merge.iid,
            "iid": merge.iid,
            "project_id": 7,
            "source_project_id": 7,
            "target_project_id": 7,
            "title": merge.title,
            "description": merge.description,
            "state": merge.state,
            "created_at": NOW,
            "updated_at": NOW,
            "merged_at": NOW if merged else None,
            "source_branch": merge.source,
            "target_branch": merge.target,
            "sha": merge.sha,
            "merge_commit_sha": None if merge.squash else merge.merge_commit,
            "squash_commit_sha": merge.merge_commit if merge.squash else None,
            "squash": merge.squash,
            "draft": merge.draft,
            "author": self._user(merge.author),
            "labels": merge.labels,
            "assignees": [self._user(name) for name in merge.assignees],
            "reviewers": [self._user(name) for name in merge.reviewers],
            "milestone": self._milestone(merge.milestone) if merge.milestone else None,
            "merge_when_pipeline_succeeds": merge.auto_merge,
            "detailed_merge_status": self._merge_status(merge, short=short),
            "web_url": f"{self.url}/{self.path}/-/merge_requests/{merge.iid}",
        }
        if not short:
            content["work_in_progress"] = merge.draft
        return content


@functools.cache
def _description() -> Description:
    return Description("gitlab.json")


def new(folder: Path) -> GitLab:
    return GitLab(Repository.new(folder / "manifests.git"))
