"""The words of git and of servers, as they were seen, and the errors that they become."""

from __future__ import annotations

import base64

import pytest

from pipelinegen.edge.git.address import parse_address
from pipelinegen.edge.git.askpass import Credentials
from pipelinegen.edge.git.failures import failure, is_race, refusal_in, words
from pipelinegen.edge.process import Completed
from pipelinegen.redact import Secret

ADDRESS = parse_address("https://git.example/acme/manifests")
SEEN = [
    (4, "no-token", "fatal: could not read Username for 'https://git.example': terminal prompts disabled"),
    (4, "no-token", "fatal: could not read Password for 'https://me@git.example': terminal prompts disabled"),
    (4, "bad-token", "fatal: Authentication failed for 'https://git.example/acme/manifests/'"),
    (4, "bad-token", "remote: HTTP Basic: Access denied. The provided password or token is incorrect"),
    (4, "bad-token", "git@git.example: Permission denied (publickey)."),
    (
        4,
        "scope-missing",
        "remote: Write access to repository not granted.\nfatal: unable to access: returned error: 403",
    ),
    (4, "scope-missing", "remote: Permission to acme/manifests.git denied to robot."),
    (4, "scope-missing", "remote: This repository was archived so it is read-only.\nreturned error: 403"),
    (4, "scope-missing", "remote: You are not allowed to push code to this project.\nreturned error: 403"),
    (
        4,
        "scope-missing",
        " ! [remote rejected] x -> x (refusing to allow a GitHub App to create or update workflow `a.yml` without ...)",
    ),
    (4, "scope-missing", "remote: TF401027: You need the Git 'GenericContribute' permission"),
    (4, "scope-missing", "remote: Repository not found.\nfatal: repository 'https://git.example/a/b/' not found"),
    (
        4,
        "scope-missing",
        "fatal: '/srv/x.git' does not appear to be a git repository\nfatal: Could not read from remote",
    ),
    (4, "protected", "remote: error: GH006: Protected branch update failed for refs/heads/main."),
    (4, "protected", "remote: error: GH013: Repository rule violations found for refs/heads/main."),
    (4, "protected", " ! [remote rejected] x -> main (protected branch hook declined)"),
    (4, "protected", " ! [remote rejected] x -> main (pre-receive hook declined)"),
    (4, "protected", "remote: GitLab: You are not allowed to push code to protected branches on this project."),
    (4, "protected", "remote: denying non-fast-forward refs/heads/main (you should pull first)"),
    (
        2,
        "bad-branch",
        "remote: error: cannot lock ref 'refs/heads/b6/x': 'refs/heads/b6' exists; cannot create 'refs/heads/b6/x'",
    ),
    (2, "bad-branch", "fatal: Remote branch nope not found in upstream origin"),
    (2, "bad-branch", "fatal: couldn't find remote ref refs/heads/nope"),
    (2, "bad-branch", "error: dst refspec main matches more than one"),
    (2, "file-refused", "fatal: write error: File too large\nfatal: fetch-pack: invalid index-pack output"),
    (2, "file-refused", "error: object 1234: hasDotgit: contains '.git'\nfatal: fsck error in packed object"),
    (3, "disk", "fatal: write error: No space left on device"),
    (3, "tls", "fatal: unable to access 'https://git.example/a/': SSL certificate problem: unable to get local issuer"),
    (3, "tls", "fatal: unable to access 'x': server certificate verification failed. CAfile: none CRLfile: none"),
    (3, "tls", "fatal: unable to access 'x': SSL: no alternative certificate subject name matches target host name"),
    (3, "tls", "Host key verification failed.\nfatal: Could not read from remote repository."),
    (
        3,
        "redirected",
        "fatal: unable to access 'https://git.example/acme/manifests/': The requested URL returned error: 302",
    ),
    (3, "rate-limited", "fatal: unable to access 'x': The requested URL returned error: 429"),
    (
        3,
        "timeout",
        "error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds",
    ),
    (3, "net", "fatal: unable to access 'x': The requested URL returned error: 503"),
    (3, "net", "fatal: unable to access 'x': Could not resolve host: git.example"),
    (3, "net", "fatal: unable to access 'x': Failed to connect to git.example port 443: Connection refused"),
    (
        3,
        "net",
        "error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: expected flush after ref listing",
    ),
    (3, "net", "fatal: early EOF\nfatal: the remote end hung up unexpectedly"),
    (3, "net", "fatal: unable to access 'x': The requested URL returned error: 407"),
    (3, "git-failed", "fatal: something that nobody has seen before"),
]


@pytest.mark.parametrize(("code", "id", "text"), SEEN, ids=[f"{word}: {text[:60]}" for _, word, text in SEEN])
def test_seen(code: int, id: str, text: str) -> None:
    error = failure("fetch", Completed(128, b"", text.encode()), ADDRESS, None)
    assert (error.exit_code, error.id) == (code, id)
    assert error.details == tuple(line.rstrip() for line in text.splitlines())
    assert error.where == ADDRESS.url
    assert error.next or id == "git-failed"


def test_the_name_of_the_repository_means_nothing() -> None:
    odd = parse_address("https://git.example/acme/gh013-not-found-403")
    text = f"fatal: unable to access '{odd.url}/': Could not resolve host: git.example"
    assert failure("fetch", Completed(128, b"", text.encode()), odd, None).id == "net"


RACES = [
    " ! [rejected]        x -> main (fetch first)",
    " ! [rejected]        x -> main (stale info)",
    " ! [rejected]        x -> main (non-fast-forward)",
    " ! [remote rejected] x -> main (failed to update ref)",
    "remote: error: cannot lock ref 'refs/heads/main': is at 1a but expected 2b",
    " ! [remote rejected] x -> main (incorrect old value provided)",
    " ! [remote rejected] x -> main (reference already exists)",
    "remote: error: Unable to create '/srv/x.git/refs/heads/main.lock': File exists.",
]


@pytest.mark.parametrize("text", RACES)
def test_a_race_is_no_refusal(text: str) -> None:
    assert is_race([text])
    assert refusal_in([text], ADDRESS) is None


@pytest.mark.parametrize("text", [text for _, word, text in SEEN if word == "protected" and "fast" not in text])
def test_a_rule_is_no_race(text: str) -> None:
    assert not is_race(text.splitlines())


def test_words_are_few_clean_and_without_the_secret() -> None:
    secret = 's3cr3t/+%"x'
    credentials = Credentials("robot", Secret("PIPELINEGEN_TOKEN", secret))
    basic = base64.b64encode(f"robot:{secret}".encode()).decode()
    noise = b"".join(b"remote: line %d\r\n" % number for number in range(50))
    stderr = noise + f"remote: \x1b[31mred\x1b[0m \u202e {secret} {basic}\n".encode() + b"\xff" * 3000
    lines = words(Completed(1, b"To https://git.example\n!\tx:y\t[rejected]\nDone\n", stderr), credentials)
    assert len(lines) == 10
    assert all(line.isprintable() and len(line) <= 500 for line in lines)
    assert "s3cr3t" not in "".join(lines)
    assert basic[8:20] not in "".join(lines)
    assert lines[-1] == "! x:y [rejected]"
    assert r"remote: \u001B[31mred\u001B[0m \u202E *** cm9ib3Q***" in lines
