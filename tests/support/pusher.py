"""One process that sets one line of one file in a manifest repository, for races and for being killed.

python -m tests.support.pusher URL FILE KEY VALUE [branch]
"""

from __future__ import annotations

import json
import os
import sys

from pipelinegen.edge.backoff import Deadline
from pipelinegen.edge.git import push
from pipelinegen.edge.git.address import parse_address
from pipelinegen.edge.git.askpass import Credentials
from pipelinegen.edge.git.commit import Made, make_commit
from pipelinegen.edge.git.deliver import plan_and_push
from pipelinegen.edge.git.remote import RemoteRepository
from pipelinegen.edge.git.tree import GitTree
from pipelinegen.edge.process import Interrupted, raise_on_signals
from pipelinegen.errors import PipelinegenError
from pipelinegen.redact import Secret
from tests.support.repos import ROBOT


def main(url: str, path: str, key: str, value: str, branch: str | None = None) -> int:
    raise_on_signals()
    setattr(push, "PUSH_GRACE", float(os.environ.get("PUSHER_GRACE", "5")))  # noqa: B010 - not exported there
    token = os.environ.get("PIPELINEGEN_TOKEN")
    credentials = Credentials("robot", Secret("PIPELINEGEN_TOKEN", token)) if token else None

    def attempt(tree: GitTree, current: str | None) -> Made | None:
        lines = tree.read(path).decode().splitlines()
        wanted = [f"{key}: {value}" if line.startswith(f"{key}: ") else line for line in lines]
        if wanted == lines:
            return None
        made = make_commit(tree, {path: "".join(f"{line}\n" for line in wanted).encode()}, f"set {key}", ROBOT, date=1)
        return None if made.commit == current else made

    try:
        with RemoteRepository(parse_address(url), credentials, deadline=Deadline(300.0)) as remote:
            done = plan_and_push(remote, attempt, branch=branch, max_attempts=int(os.environ.get("PUSHER_TRIES", "10")))
    except Interrupted as stop:
        print(json.dumps({"state": stop.state}))
        return stop.exit_code
    except PipelinegenError as error:
        print(json.dumps(error.data()))
        return error.exit_code
    print(json.dumps({"result": done.result, "commit": done.commit, "attempts": done.attempts}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
