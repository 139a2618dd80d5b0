"""A commit made by GitHub itself, and so verified, through GraphQL."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelinegen.edge.forge.address import Address
from pipelinegen.edge.forge.port import ApiCommit, BackOff, do_once
from pipelinegen.errors import WorldError

if TYPE_CHECKING:
    from github.Requester import Requester

NOWHERE = "0" * 40

_REPOSITORY = """
query($owner: String!, $name: String!, $branch: String!, $scratch: String!) {
  repository(owner: $owner, name: $name) {
    id
    branch: ref(qualifiedName: $branch) { target { oid } }
    scratch: ref(qualifiedName: $scratch) { target { oid } }
  }
}
"""
_MOVE = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }"
_COMMIT = "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid url } } }"


def commit(
    requester: Requester,
    address: Address,
    branch: str,
    expected: str | None,
    base_sha: str,
    message: str,
    contents: Mapping[str, bytes],
    back_off: BackOff,
) -> ApiCommit:
    """Put a commit of these whole files on top of `base_sha`, and the branch on it if it still is where we saw it.

    createCommitOnBranch only adds to a branch. To start again from a newer base without an instant in which the branch
    holds nothing of its own (GitHub would close the pull request), the commit is made on a scratch branch, and then
    both are moved in one atomic step. The files keep no mode but 100644. `expected` None: the branch is not there.
    """
    scratch = f"{branch}-next"
    made: list[ApiCommit] = []

    def attempt() -> ApiCommit:
        repository, there, left_over = _look(requester, address, branch, scratch)
        if there != expected:
            raise raced(address, branch)
        _move(requester, repository, [(scratch, left_over, base_sha)])
        made.append(_create(requester, address, scratch, base_sha, message, contents))
        _move(requester, repository, [(branch, expected, made[-1].sha), (scratch, made[-1].sha, NOWHERE)])
        return made[-1]

    def landed() -> ApiCommit | None:
        there = _look(requester, address, branch, scratch)[1]
        return next((one for one in made if one.sha == there), None)

    done = do_once(attempt, landed, back_off)
    if do_once(landed, lambda: None, back_off) is None:
        raise raced(address, branch)
    return done


def _create(
    requester: Requester, address: Address, branch: str, base_sha: str, message: str, contents: Mapping[str, bytes]
) -> ApiCommit:
    headline, _, body = message.partition("\n")
    additions = [{"path": path, "contents": b64encode(octets).decode("ascii")} for path, octets in contents.items()]
    content = {
        "branch": {"repositoryNameWithOwner": address.path, "branchName": branch},
        "expectedHeadOid": base_sha,
        "message": {"headline": headline, "body": body.strip("\n")},
        "fileChanges": {"additions": additions},
    }
    made = _mutate(requester, _COMMIT, content)["createCommitOnBranch"]["commit"]
    return ApiCommit(made["oid"], made["url"])


def _look(requester: Requester, address: Address, branch: str, scratch: str) -> tuple[str, str | None, str | None]:
    owner, _, name = address.path.partition("/")
    variables = {
        "owner": owner,
        "name": name,
        "branch": f"refs/heads/{branch}",
        "scratch": f"refs/heads/{scratch}",
    }
    _, answer = requester.graphql_query(_REPOSITORY, variables)
    found = answer["data"]["repository"]
    tips = [ref["target"]["oid"] if ref else None for ref in (found["branch"], found["scratch"])]
    return found["id"], tips[0], tips[1]


def _move(requester: Requester, repository: str, moves: list[tuple[str, str | None, str]]) -> None:
    updates = [
        {"name": f"refs/heads/{name}", "beforeOid": before or NOWHERE, "afterOid": after, "force": True}
        for name, before, after in moves
        if before != after
    ]
    if updates:
        _mutate(requester, _MOVE, {"repositoryId": repository, "refUpdates": updates})


def _mutate(requester: Requester, mutation: str, content: Mapping[str, object]) -> dict[str, dict[str, dict[str, str]]]:
    _, answer = requester.graphql_query(mutation, {"input": dict(content)})
    data: dict[str, dict[str, dict[str, str]]] = answer["data"]
    return data


def raced(address: Address, branch: str) -> WorldError:
    return WorldError(f"the branch {branch} was moved by someone else", id="push-race", where=address.web)
