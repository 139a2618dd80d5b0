"""A commit in the user's own checkout, of exactly the planned files: all of it happens, or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from pipelinegen.edge.process import Completed, capture
from pipelinegen.edge.worktree import Worktree
from pipelinegen.errors import Refused, WorldError
from pipelinegen.manifests.plan import Plan


def commit(tree: Worktree, contents: Mapping[str, bytes], text: str) -> tuple[str, str]:
    """Write the files and commit them as `git commit` would (identity, hooks, signing). The branch and the new SHA.

    Raises Refused where a file has changes that are not ours, WorldError where git refuses; no file is changed then.
    """
    paths = list(contents)
    if not tree.in_git:
        raise Refused("this folder is not in git", id="not-git", where=tree.root, next="use --deliver worktree")
    dirty = _git(tree, ["status", "--porcelain", "-z", "--untracked-files=no", "--", *paths])
    if dirty.stdout:
        names = [os.fsdecode(entry[3:]) for entry in dirty.stdout.split(b"\0") if entry]
        raise Refused(
            "a file to change holds changes that are not committed",
            id="uncommitted-changes",
            where=names[0],
            state="nothing was changed",
            next="commit or stash them, or use --deliver worktree",
            details=names[1:10],
        )
    before = {path: tree.read(path) for path in paths}
    tree.write(contents)
    try:
        _git(tree, ["commit", "--quiet", "--only", "--message", text, "--", *paths])
    except BaseException:
        tree.write(before)
        raise
    branch = _git(tree, ["rev-parse", "--abbrev-ref", "HEAD"]).stdout.decode().strip()
    return branch, _git(tree, ["rev-parse", "HEAD"]).stdout.decode().strip()


def message(plan: Plan) -> str:
    """The commit message: subject, and a trailer for each image that changed."""
    changed = [image for image in plan.images if image.changed]
    references = [
        image.repository + (f":{image.tag}" if image.tag else "") + (f"@{image.digest}" if image.digest else "")
        for image in changed
    ]
    subject = f"Bump {references[0].rpartition('/')[2]}" if len(changed) == 1 else f"Bump {len(changed)} images"
    return "\n".join([subject, "", *(f"Pipelinegen-Image: {reference}" for reference in references)]) + "\n"


def _environment() -> dict[str, str]:
    """The user's own, since it is the user's git; without the repository that a calling hook or CI may have set."""
    kept = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_SSH")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "PIPELINEGEN_")) or name.startswith(kept)
    } | {"GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1"}


def _git(tree: Worktree, arguments: Sequence[str]) -> Completed:
    done = capture(["git", "-c", "core.fsmonitor=false", *arguments], cwd=tree.root, env=_environment())
    if done.returncode != 0:
        words = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()
        raise WorldError(
            f"git {arguments[0]} failed",
            id="git-failed",
            where=tree.root,
            state="no file has changed",
            next="mend what git says, then run the command again",
            details=words[:10],
        )
    return done
