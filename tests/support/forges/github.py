"""A stand-in for GitHub over a real bare repository: only the JSON is ours, and it is held to GitHub's description."""

from __future__ import annotations

import functools
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import GraphQLError, build_schema, graphql_sync

from tests.support.forges.description import HERE, Description
from tests.support.forges.repository import NOWHERE, Repository
from tests.support.forges.server import Reply, Request, StandIn

NOW = "2024-01-02T03:04:05Z"

_LEVELS = {"read": 1, "write": 2}
# https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
_RIGHTS = {
    "GET ": ("metadata", "read"),
    "GET /git/matching-refs/{ref}": ("contents", "read"),
    "GET /pulls": ("pull_requests", "read"),
    "POST /pulls": ("pull_requests", "write"),
    "GET /pulls/{pull_number}": ("pull_requests", "read"),
    "PATCH /pulls/{pull_number}": ("pull_requests", "write"),
    "PUT /pulls/{pull_number}/merge": ("contents", "write"),
    "GET /pulls/{pull_number}/reviews": ("pull_requests", "read"),
    "POST /pulls/{pull_number}/requested_reviewers": ("pull_requests", "write"),
    "GET /issues/{issue_number}/comments": ("pull_requests", "read"),
    "POST /issues/{issue_number}/comments": ("pull_requests", "write"),
    "POST /issues/{issue_number}/labels": ("pull_requests", "write"),
    "POST /issues/{issue_number}/assignees": ("pull_requests", "write"),
    "PATCH /issues/{issue_number}": ("pull_requests", "write"),
    "GET /milestones": ("pull_requests", "read"),
    "GET /commits/{ref}/status": ("statuses", "read"),
    "GET /commits/{ref}/check-runs": ("checks", "read"),
    "GET /branches/{branch}": ("contents", "read"),
    "GET /rules/branches/{branch}": ("metadata", "read"),
}


@dataclass
class Token:
    """Who has it and what it may do: classic scopes, or the rights of a fine-grained or App token."""

    login: str = "deployer"
    scopes: tuple[str, ...] | None = ("repo",)
    rights: dict[str, str] = field(default_factory=dict)

    def may(self, right: str, level: str) -> bool:
        if self.scopes is not None:
            return "repo" in self.scopes
        return right == "metadata" or _LEVELS.get(self.rights.get(right, ""), 0) >= _LEVELS[level]


@dataclass
class Pull:
    number: int
    head: str
    base: str
    title: str
    body: str | None
    user: str
    draft: bool = False
    state: str = "open"
    head_sha: str = ""
    merged_sha: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)
    milestone: str | None = None
    comments: list[tuple[str, str]] = field(default_factory=list)
    auto_merge: str | None = None


class No(Exception):
    """The service refuses, with this answer."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None, **headers: str) -> None:
        super().__init__(message)
        content: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if errors is not None:
            content["errors"] = errors
        self.reply = Reply(status, content, {name.replace("_", "-"): value for name, value in headers.items()})


class GitHub(StandIn):
    """One repository. Tests reach into the attributes to be the people who use the web pages."""

    def __init__(self, repository: Repository, path: str = "acme/manifests", prefix: str = "") -> None:
        super().__init__()
        self.repository = repository
        self.path = path
        self.prefix = prefix  # "/api/v3" as on GitHub Enterprise Server
        self.private = True
        self.archived = False
        self.allow_auto_merge = True
        self.rules: tuple[str, ...] = ()  # types of the rules that are active for every branch
        self.protected: set[str] = set()  # branches with protection of the older kind
        self.required_checks = True
        self.drafts = True
        self.checking = 0  # how many more readings say that mergeability is being checked
        self.tokens: dict[str, Token] = {"ghp_canary_token": Token()}
        self.people = {"ada", "grace", "deployer"}
        self.groups = {"platform"}
        self.open_milestones = {"1.0": 1}
        self.pulls: list[Pull] = []
        self.reports: dict[str, dict[str, tuple[str, str, str | None]]] = {}
        self.checks: dict[str, list[tuple[str, str, str | None]]] = {}
        self.description = _description()

    @property
    def api(self) -> str:
        return self.url + self.prefix

    # What people and other systems do.

    def merge_by_hand(self, number: int, *, squash: bool = False) -> str:
        return self._merge(self.pulls[number - 1], "squash" if squash else "merge")

    def close_by_hand(self, number: int) -> None:
        self.pulls[number - 1].state = "closed"

    def report(self, sha: str, context: str, state: str, description: str = "", url: str | None = None) -> None:
        self.reports.setdefault(sha, {})[context] = (state, description, url)
        for pull in self.pulls:
            if pull.auto_merge and pull.head_sha == sha and state == "success":
                self._merge(pull, pull.auto_merge)

    # The API.

    def respond(self, request: Request) -> Reply:
        for pull in self.pulls:
            self._refresh(pull)
        try:
            return self._respond(request)
        except No as no:
            return no.reply

    def _respond(self, request: Request) -> Reply:
        token = self._token(request)
        if request.path == f"{self.prefix.removesuffix('/v3')}/graphql":
            return self._graphql(token, request)
        path = request.path.removeprefix(self.prefix)
        operation = self.description.operation(request.method, path)
        if operation is None:
            self.violations.append(f"not in GitHub's description: {request.method} {request.path}")
            raise No(404, "Not Found")
        if faults := self.description.request_faults(operation, request.query, request.json()):
            self.violations += faults
            raise No(422, "; ".join(faults))
        short = operation.replace("/repos/{owner}/{repo}", "")
        self._allow(token, short, path)
        status, body = self._routes()[short](token, request)
        body = self.description.completed(operation, status, body)
        self.violations += self.description.answer_faults(operation, status, body)
        return Reply(status, body, self._headers(token))

    def _headers(self, token: Token) -> dict[str, str]:
        limits = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4990", "X-RateLimit-Reset": "1700000000"}
        return {**limits, "X-OAuth-Scopes": ", ".join(token.scopes)} if token.scopes is not None else limits

    def _token(self, request: Request) -> Token:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or value not in self.tokens:
            raise No(401, "Bad credentials")
        if "user-agent" not in request.headers:
            raise No(403, "Request forbidden by administrative rules.")
        return self.tokens[value]

    def _allow(self, token: Token, short: str, path: str) -> None:
        if not path.startswith(f"/repos/{self.path}"):
            raise No(404, "Not Found")
        right, level = _RIGHTS[short]
        if not token.may(right, level):
            if token.scopes is not None:
                raise No(404, "Not Found", x_accepted_oauth_scopes="repo", x_oauth_scopes=", ".join(token.scopes))
            message = "Resource not accessible by personal access token"
            raise No(403, message, x_accepted_github_permissions=f"{right}={level}")
        if self.archived and level == "write":
            raise No(403, "Repository was archived so is read-only.")

    def _routes(self) -> dict[str, Callable[[Token, Request], tuple[int, Any]]]:
        return {
            "GET ": lambda token, _: (200, self._repository_json(token)),
            "GET /git/matching-refs/{ref}": self._matching_refs,
            "GET /pulls": self._list,
            "POST /pulls": self._open,
            "GET /pulls/{pull_number}": lambda _, request: (200, self._json(self._pull(request))),
            "PATCH /pulls/{pull_number}": self._edit,
            "PUT /pulls/{pull_number}/merge": self._merge_request,
            "GET /pulls/{pull_number}/reviews": self._reviews,
            "POST /pulls/{pull_number}/requested_reviewers": self._request_review,
            "GET /issues/{issue_number}/comments": self._comments,
            "POST /issues/{issue_number}/comments": self._comment,
            "POST /issues/{issue_number}/labels": self._label,
            "POST /issues/{issue_number}/assignees": self._assign,
            "PATCH /issues/{issue_number}": self._edit_issue,
            "GET /milestones": lambda _, request: (200, self._page(request, self._milestones())),
            "GET /commits/{ref}/status": self._status,
            "GET /commits/{ref}/check-runs": self._check_runs,
            "GET /branches/{branch}": self._branch,
            "GET /rules/branches/{branch}": lambda _, request: (200, self._page(request, self._rules_json())),
        }

    def _pull(self, request: Request) -> Pull:
        number = int(request.path.removeprefix(self.prefix).split("/")[5])
        if not 0 < number <= len(self.pulls):
            raise No(404, "Not Found")
        return self.pulls[number - 1]

    def _page(self, request: Request, items: list[Any]) -> list[Any]:
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        return items[(page - 1) * size : page * size]

    def _list(self, _: Token, request: Request) -> tuple[int, Any]:
        query = request.query
        owner = self.path.partition("/")[0]
        chosen = [
            pull
            for pull in self.pulls
            if query.get("state", "open") in ("all", "open" if pull.state == "open" else "closed")
            and query.get("head", f"{owner}:{pull.head}") == f"{owner}:{pull.head}"
            and query.get("base", pull.base) == pull.base
        ]
        return 200, self._page(request, [self._json(pull, short=True) for pull in reversed(chosen)])

    def _open(self, token: Token, request: Request) -> tuple[int, Any]:
        content = request.json()
        head, base = content["head"], content["base"]
        for name, branch in (("head", head), ("base", base)):
            if self.repository.tip(branch) is None:
                raise No(422, "Validation Failed", [{"resource": "PullRequest", "field": name, "code": "invalid"}])
        for pull in self.pulls:
            if (pull.head, pull.base, pull.state) == (head, base, "open"):
                self._invalid(f"A pull request already exists for {self.path.partition('/')[0]}:{head}.")
        if self.repository.ahead(base, head) == 0:
            self._invalid(f"No commits between {base} and {head}")
        if content.get("draft") and not self.drafts:
            raise No(422, "Draft pull requests are not supported in this repository.")
        pull = Pull(len(self.pulls) + 1, head, base, content["title"], content.get("body"), token.login)
        pull.draft = bool(content.get("draft"))
        self.pulls.append(pull)
        self._refresh(pull)
        return 201, self._json(pull)

    def _invalid(self, message: str) -> None:
        raise No(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])

    def _edit(self, _: Token, request: Request) -> tuple[int, Any]:
        pull, content = self._pull(request), request.json()
        pull.title = content.get("title", pull.title)
        pull.body = content.get("body", pull.body)
        if content.get("state") == "closed" and pull.state == "open":
            pull.state = "closed"
        return 200, self._json(pull)

    def _merge_request(self, _: Token, request: Request) -> tuple[int, Any]:
        pull, content = self._pull(request), request.json()
        if pull.state != "open":
            raise No(405, "Pull Request is not mergeable")
        if pull.draft:
            raise No(405, "Pull Request is still a draft")
        if content.get("sha", pull.head_sha) != pull.head_sha:
            raise No(409, "Head branch was modified. Review and try the merge again.")
        sha = self._merge(pull, content.get("merge_method", "merge"))
        return 200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}

    def _merge(self, pull: Pull, method: str) -> str:
        message = f"Merge pull request #{pull.number} from {pull.head}\n\n{pull.title}"
        if method == "squash":
            message = f"{pull.title} (#{pull.number})\n\n{self.repository.message(pull.head_sha).partition(chr(10))[2]}"
        pull.merged_sha = self.repository.merge(pull.base, pull.head_sha, message, squash=method == "squash")
        pull.state, pull.auto_merge = "merged", None
        return pull.merged_sha

    def _refresh(self, pull: Pull) -> None:
        """Open pull requests follow their branch, end with it, and are merged when the base has them."""
        if pull.state != "open":
            return
        tip = self.repository.tip(pull.head)
        if tip is None:
            pull.state = "closed"
            return
        if self.repository.contains(pull.base, tip):
            # The base was moved to the head, or the head back to the base.
            pull.state, pull.merged_sha = ("merged", tip) if tip == pull.head_sha else ("closed", None)
        pull.head_sha = tip

    def _reviews(self, _: Token, request: Request) -> tuple[int, Any]:
        pull = self._pull(request)
        reviews = [
            {"id": place, "user": self._user(login), "body": "ok", "state": "APPROVED"}
            for place, login in enumerate(pull.reviews, 1)
        ]
        return 200, self._page(request, reviews)

    def _request_review(self, _: Token, request: Request) -> tuple[int, Any]:
        pull, content = self._pull(request), request.json()
        people, groups = content.get("reviewers", []), content.get("team_reviewers", [])
        if pull.user in people:
            raise No(422, "Review cannot be requested from pull request author.")
        if not self.people.issuperset(people) or not self.groups.issuperset(groups):
            raise No(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
                f"is not a collaborator of the {self.path} repository.",
            )
        pull.reviewers += [name for name in people if name not in pull.reviewers]
        pull.teams += [name for name in groups if name not in pull.teams]
        return 201, self._json(pull, short=True)

    def _comments(self, _: Token, request: Request) -> tuple[int, Any]:
        return 200, self._page(request, self._comments_json(self._pull(request)))

    def _comment(self, token: Token, request: Request) -> tuple[int, Any]:
        pull = self._pull(request)
        pull.comments.append((token.login, request.json()["body"]))
        return 201, self._comments_json(pull)[-1]

    def _comments_json(self, pull: Pull) -> list[Any]:
        return [
            {"id": place, "body": text, "user": self._user(login)}
            for place, (login, text) in enumerate(pull.comments, 1)
        ]

    def _label(self, _: Token, request: Request) -> tuple[int, Any]:
        pull = self._pull(request)
        pull.labels += [name for name in request.json()["labels"] if name not in pull.labels]
        return 200, [self._label_json(name) for name in pull.labels]

    def _assign(self, _: Token, request: Request) -> tuple[int, Any]:
        pull = self._pull(request)
        wanted = request.json()["assignees"]
        # Who cannot be assigned is left out without a word.
        pull.assignees += [name for name in wanted if name in self.people and name not in pull.assignees]
        return 201, self._issue_json(pull)

    def _edit_issue(self, _: Token, request: Request) -> tuple[int, Any]:
        pull, number = self._pull(request), request.json()["milestone"]
        titles = {place: title for title, place in self.open_milestones.items()}
        if number not in titles:
            raise No(422, "Validation Failed", [{"resource": "Issue", "field": "milestone", "code": "invalid"}])
        pull.milestone = titles[number]
        return 200, self._issue_json(pull)

    def _matching_refs(self, _: Token, request: Request) -> tuple[int, Any]:
        prefix = "/".join(request.parts()).partition("/git/matching-refs/")[2]
        return 200, [
            {"ref": f"refs/heads/{name}", "node_id": f"REF_{name}", "object": {"type": "commit", "sha": sha}}
            for name, sha in self.repository.branches(prefix.removeprefix("heads/")).items()
        ]

    def _branch(self, _: Token, request: Request) -> tuple[int, Any]:
        name = "/".join(request.parts()).partition("/branches/")[2]
        sha = self.repository.branches("").get(name)
        if sha is None:
            raise No(404, "Branch not found")
        url = f"{self.api}/repos/{self.path}"
        protected = name in self.protected
        person = {"name": "Ada", "email": "ada@acme.example", "date": NOW}
        commit = {"author": person, "committer": person, "message": "x", "tree": {"sha": sha, "url": url}}
        return 200, {
            "name": name,
            "commit": {
                "sha": sha,
                "node_id": f"C_{sha}",
                "url": f"{url}/commits/{sha}",
                "html_url": f"{self.url}/{self.path}/commit/{sha}",
                "comments_url": f"{url}/commits/{sha}/comments",
                "commit": {**commit, "url": f"{url}/git/commits/{sha}", "comment_count": 0},
                "author": None,
                "committer": None,
                "parents": [],
            },
            "_links": {"self": f"{url}/branches/{name}", "html": f"{self.url}/{self.path}/tree/{name}"},
            "protected": protected,
            "protection": {"enabled": protected},
            "protection_url": f"{url}/branches/{name}/protection",
        }

    def _rules_json(self) -> list[Any]:
        source = {"ruleset_source_type": "Repository", "ruleset_source": self.path, "ruleset_id": 1}
        return [{"type": kind, **source} for kind in self.rules]

    def _status(self, _: Token, request: Request) -> tuple[int, Any]:
        sha = request.parts()[-2]
        reports = self.reports.get(sha, {})
        statuses = [
            {"context": context, "state": state, "description": text, "target_url": url, "id": 1}
            for context, (state, text, url) in reports.items()
        ]
        state = "success" if reports and all(one[0] == "success" for one in reports.values()) else "pending"
        body = {"state": state, "statuses": self._page(request, statuses), "sha": sha, "total_count": len(statuses)}
        return 200, {**body, "repository": self._repository_json(Token())}

    def _check_runs(self, _: Token, request: Request) -> tuple[int, Any]:
        sha = request.parts()[-2]
        runs: list[Any] = [
            {
                "id": place,
                "name": name,
                "head_sha": sha,
                "status": status,
                "conclusion": conclusion,
                "html_url": f"{self.url}/checks/{place}",
                "output": {"title": f"{name} ran", "summary": None, "text": None},
                "pull_requests": [],
            }
            for place, (name, status, conclusion) in enumerate(self.checks.get(sha, []), 1)
        ]
        return 200, {"total_count": len(runs), "check_runs": self._page(request, runs)}

    # JSON.

    def _user(self, login: str) -> dict[str, Any]:
        return {"login": login, "id": 1 + sum(login.encode()), "type": "Bot" if login.endswith("[bot]") else "User"}

    def _label_json(self, name: str) -> dict[str, Any]:
        return {"id": 1, "node_id": "L", "name": name, "color": "ededed", "default": False, "description": ""}

    def _milestones(self) -> list[Any]:
        return [{"number": number, "title": title, "state": "open"} for title, number in self.open_milestones.items()]

    def _repository_json(self, token: Token) -> dict[str, Any]:
        owner, _, name = self.path.partition("/")
        can_push = token.may("contents", "write") and not self.archived
        return {
            "id": 7,
            "name": name,
            "full_name": self.path,
            "owner": self._user(owner),
            "private": self.private,
            "archived": self.archived,
            "default_branch": "main",
            "html_url": f"{self.url}/{self.path}",
            "permissions": {"admin": False, "push": can_push, "pull": True},
        }

    def _issue_json(self, pull: Pull) -> dict[str, Any]:
        state = "open" if pull.state == "open" else "closed"
        titled = [one for one in self._milestones() if one["title"] == pull.milestone]
        return {
            "id": pull.number,
            "number": pull.number,
            "title": pull.title,
            "state": state,
            "user": self._user(pull.user),
            "labels": [self._label_json(name) for name in pull.labels],
            "assignees": [self._user(name) for name in pull.assignees],
            "milestone": titled[0] if titled else None,
            "html_url": f"{self.url}/{self.path}/pull/{pull.number}",
        }

    def _json(self, pull: Pull, *, short: bool = False) -> dict[str, Any]:
        content = self._issue_json(pull)
        api = f"{self.api}/repos/{self.path}"
        merged = pull.state == "merged"
        content.update(
            node_id=f"PR_{pull.number}",
            url=f"{api}/pulls/{pull.number}",
            issue_url=f"{api}/issues/{pull.number}",
            body=pull.body,
            draft=pull.draft,
            head=self._side(pull.head, pull.head_sha),
            base=self._side(pull.base, self.repository.tip(pull.base) or NOWHERE),
            merged_at=NOW if merged else None,
            merge_commit_sha=pull.merged_sha,
            requested_reviewers=[self._user(name) for name in pull.reviewers],
            requested_teams=[{"id": 1, "name": name.title(), "slug": name} for name in pull.teams],
            auto_merge=self._auto_merge_json(pull),
        )
        return content if short else {**content, "merged": merged, "mergeable": self._mergeable()}

    def _mergeable(self) -> bool | None:
        self.checking -= 1
        return None if self.checking >= 0 else True

    def _auto_merge_json(self, pull: Pull) -> dict[str, Any] | None:
        if pull.auto_merge is None:
            return None
        who = self._user(pull.user)
        return {"enabled_by": who, "merge_method": pull.auto_merge, "commit_title": "", "commit_message": ""}

    def _side(self, branch: str, sha: str) -> dict[str, Any]:
        owner = self.path.partition("/")[0]
        return {
            "ref": branch,
            "sha": sha,
            "label": f"{owner}:{branch}",
            "user": self._user(owner),
            "repo": self._repository_json(Token()),
        }

    # GraphQL, executed by graphql-core over GitHub's own types.

    def _graphql(self, token: Token, request: Request) -> Reply:
        content = request.json()
        root = {
            "viewer": {"id": "U", "login": token.login},
            "repository": lambda _, **asked: self._repository_node(token, asked),
            "createCommitOnBranch": lambda _, input: self._commit_on_branch(token, input),  # noqa: A006
            "updateRefs": lambda _, input: self._update_refs(token, input),  # noqa: A006
            "enablePullRequestAutoMerge": lambda _, input: self._enable(token, input),  # noqa: A006
        }
        result = graphql_sync(_schema(), content["query"], root, variable_values=content.get("variables"))
        if result.data is None and result.errors:
            self.violations += [f"GraphQL: {error.message}" for error in result.errors if not error.path]
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [
                {"message": error.message, "path": error.path, **(error.extensions or {})} for error in result.errors
            ]
        return Reply(200, answer, self._headers(token))

    def _need(self, token: Token, right: str) -> None:
        if not token.may(right, "write"):
            raise GraphQLError("Resource not accessible by personal access token", extensions={"type": "FORBIDDEN"})

    def _repository_node(self, token: Token, asked: dict[str, Any]) -> dict[str, Any]:
        if f"{asked['owner']}/{asked['name']}" != self.path or not token.may("contents", "read"):
            message = f"Could not resolve to a Repository with the name '{asked['owner']}/{asked['name']}'."
            raise GraphQLError(message, extensions={"type": "NOT_FOUND"})

        def ref(_: Any, *, qualifiedName: str) -> dict[str, Any] | None:  # noqa: N803
            sha = self.repository.tip(qualifiedName.removeprefix("refs/heads/"))
            target = {"__typename": "Commit", "id": f"C_{sha}", "oid": sha, "url": f"{self.url}/commit/{sha}"}
            return {"id": qualifiedName, "name": qualifiedName, "target": target} if sha else None

        return {"id": "R_7", "nameWithOwner": self.path, "ref": ref}

    def _commit_on_branch(self, token: Token, asked: dict[str, Any]) -> dict[str, Any]:
        self._need(token, "contents")
        branch = asked["branch"]["branchName"]
        if self.repository.tip(branch) != asked["expectedHeadOid"]:
            message = f'Expected branch to point to "{asked["expectedHeadOid"]}" but it did not.'
            raise GraphQLError(message, extensions={"type": "STALE_DATA"})
        files = {one["path"]: b64decode(one["contents"]) for one in asked["fileChanges"]["additions"]}
        message = asked["message"]["headline"] + "\n\n" + (asked["message"].get("body") or "")
        # What GitHub makes for an App has the App as its author and GitHub itself as its committer.
        sha = self.repository.commit(branch, files, message, people=(token.login, "GitHub", "noreply@github.com"))
        return {"commit": {"id": f"C_{sha}", "oid": sha, "url": f"{self.url}/{self.path}/commit/{sha}"}}

    def _update_refs(self, token: Token, asked: dict[str, Any]) -> dict[str, Any]:
        self._need(token, "contents")
        moves = [
            (one["name"].removeprefix("refs/heads/"), one["beforeOid"], one["afterOid"]) for one in asked["refUpdates"]
        ]
        for name, before, _ in moves:
            if before is not None and (self.repository.tip(name) or NOWHERE) != before:
                raise GraphQLError(f"refs/heads/{name} is not at {before}", extensions={"type": "UNPROCESSABLE"})
        for name, _, after in moves:
            self.repository.move(name, after)
        return {"clientMutationId": None}

    def _enable(self, token: Token, asked: dict[str, Any]) -> dict[str, Any]:
        self._need(token, "contents")
        pull = self.pulls[int(asked["pullRequestId"].removeprefix("PR_")) - 1]
        problem = None
        if not self.allow_auto_merge:
            problem = "Pull request Auto merge is not allowed for this repository"
        elif pull.draft:
            problem = "Pull request is in draft state"
        elif not self.required_checks:
            problem = "Pull request Pull request is in clean status"
        elif asked.get("expectedHeadOid", pull.head_sha) != pull.head_sha:
            problem = "Expected head oid does not match"
        if problem:
            raise GraphQLError(problem, extensions={"type": "UNPROCESSABLE"})
        pull.auto_merge = asked["mergeMethod"].lower()
        return {"clientMutationId": None}


@functools.cache
def _description() -> Description:
    return Description("github.json")


@functools.cache
def _schema() -> Any:
    return build_schema((HERE / "github.graphql").read_text(encoding="utf-8"))


def new(folder: Path) -> GitHub:
    return GitHub(Repository.new(folder / "manifests.git"))
