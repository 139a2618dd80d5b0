"""What git and servers say when they refuse, and which error of ours that is; never what decides whether a push landed.

The wordings are those of git 2.39 to 2.5x in the C locale, GitHub, GitLab, Gitea, Bitbucket and Azure DevOps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipelinegen.edge.git.address import Address
from pipelinegen.edge.git.askpass import Credentials
from pipelinegen.edge.process import Completed
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, WorldError

SHOWN_LINES = 10
LONGEST_LINE = 500

CA_ADVICE = "set GIT_SSL_CAINFO or SSL_CERT_FILE to the file with your certificate authority"
ADMISSION_ADVICE = "set PIPELINEGEN_TOKEN to a token that may read and write this repository"
RIGHT_ADVICE = "GitHub: contents: write (and workflows); GitLab: write_repository, role Developer or higher"
AGAIN = "run the same command again"


class Refusal(NamedTuple):
    """One meaning: the words that show it, the error that it is, and what to do."""

    words: str
    error: type[PipelinegenError]
    id: str
    what: str
    next: str


REFUSALS = (
    Refusal("No space left on device|Disk quota exceeded", WorldError, "disk", "the disk is full", "free space"),
    Refusal(
        "File too large",
        InputError,
        "file-refused",
        "the repository is larger than 512 MiB without its history",
        "name the files with --path: only they are fetched, where the server can filter",
    ),
    Refusal(
        "SSL certificate|certificate verif|server certificate|unable to get local issuer|certificate has expired"
        "|self.signed|SSL: no alternative certificate|not match target host|Problem with the SSL CA"
        "|error setting certificate",
        WorldError,
        "tls",
        "the server's certificate is not trusted",
        CA_ADVICE,
    ),
    Refusal(
        "Remote branch .* not found|couldn't find remote ref|no matching remote head|no such remote ref",
        InputError,
        "bad-branch",
        "there is no such branch",
        "name one of its branches with --base",
    ),
    Refusal(
        "returned error: 30[12378]|unable to update url base from redirection",
        WorldError,
        "redirected",
        "the server sends us to another address, which is not followed with a token",
        "give the address to which it redirects",
    ),
    Refusal(
        "returned error: 407|HTTP code 407 from proxy|CONNECT tunnel failed, response 407",
        WorldError,
        "net",
        "the proxy asks for a password",
        "give https_proxy the user and password of the proxy",
    ),
    Refusal(
        "returned error: 429|rate limit|Too Many Requests",
        WorldError,
        "rate-limited",
        "the server limits the rate of requests",
        "run the same command again in a few minutes",
    ),
    Refusal(
        "could not read (Username|Password)|terminal prompts disabled",
        NotPermitted,
        "no-token",
        "the server asks for a token",
        ADMISSION_ADVICE,
    ),
    Refusal(
        r"Authentication failed|HTTP Basic: Access denied|returned error: 401|Permission denied \(|Invalid username",
        NotPermitted,
        "bad-token",
        "the server does not take our credentials",
        ADMISSION_ADVICE,
    ),
    Refusal(
        "refusing to allow|TF401027|not allowed to upload code|You are not allowed to push code to this project"
        "|Write access to repository not granted|Permission to .* denied|deploy key.*read.only"
        "|archived so it is read-only|returned error: 403",
        NotPermitted,
        "scope-missing",
        "the token may not do this",
        RIGHT_ADVICE,
    ),
    Refusal(
        r"protected branch|GH003|GH006|GH013|(pre-receive|update) hook declined|hook declined"
        "|denying non-fast-forward|denying ref|deny updating|You are not allowed to push|does not follow the pattern"
        "|is not a member of team|branch is currently checked out|hidden ref|prohibited by Gitea",
        NotPermitted,
        "protected",
        "the server's rules do not allow this push",
        "use --deliver pull-request, or let a person with the right change the rule",
    ),
    Refusal(
        "'refs/heads/[^']*' exists; cannot create|directory file conflict|matches more than one|funny refname",
        InputError,
        "bad-branch",
        "a branch of that name cannot be made beside those that are there",
        "delete or rename the branch that the server names",
    ),
    Refusal(
        "repository .* not found|not found|does not appear to be a git repository|returned error: 404|does not exist",
        NotPermitted,
        "scope-missing",
        "the repository is not there, or the token may not see it",
        "check the address, and that the token may read this repository",
    ),
    Refusal(
        "dubious ownership",
        NotPermitted,
        "scope-missing",
        "the repository belongs to another user",
        "git config --global --add safe.directory FOLDER, if you trust it",
    ),
    Refusal(
        "Host key verification failed",
        WorldError,
        "tls",
        "the server's host key is not known",
        "add it to known_hosts",
    ),
    Refusal(
        "fsck|badTree|hasDot|invalid index-pack|zeroPaddedFilemode|gitmodules",
        InputError,
        "file-refused",
        "the repository holds an object that git refuses",
        "run git fsck on it and mend what it names",
    ),
    Refusal(
        "Operation too slow|timed out|Timeout was reached",
        WorldError,
        "timeout",
        "the server was too slow",
        AGAIN,
    ),
    Refusal("returned error: 5", WorldError, "net", "the server failed", AGAIN),
    Refusal(
        "Could not resolve|Connection (refused|reset)|Failed to connect|Couldn't connect|Recv failure|Send failure"
        "|Empty reply|early EOF|unexpected disconnect|hung up|RPC failed|expected flush|Network is unreachable"
        "|No route to host|Could not read from remote|connection .* closed|invalid server response"
        "|returned error|unable to access|transfer closed|from proxy after CONNECT|CONNECT tunnel failed",
        WorldError,
        "net",
        "the server could not be reached, or the connection broke",
        AGAIN,
    ),
)
RACE = re.compile(
    "cannot lock ref|failed to update ref|fetch first|non-fast-forward|stale info|incorrect old value|reference already"
    r" exists|Unable to create .*\.lock|failed to lock|object not found|unable to update",
    re.IGNORECASE,
)


def failure(command: str, done: Completed, address: Address, credentials: Credentials | None) -> PipelinegenError:
    """The error for a git command that failed."""
    lines = words(done, credentials)
    refusal = refusal_in(lines, address)
    if refusal is None:
        what = f"git {command} failed with exit code {done.returncode}"
        return WorldError(what, id="git-failed", where=address.url, details=lines)
    return refusal.error(refusal.what, id=refusal.id, where=address.url, next=refusal.next, details=lines)


def refusal_in(lines: Sequence[str], address: Address) -> Refusal | None:
    """The first meaning whose words are in the lines. The order of the table settles what is said in two ways."""
    # A repository may be called redirect-403; its name means nothing.
    text = "\n".join(lines).replace(address.url, "URL").replace(address.path, "PATH")
    for refusal in REFUSALS:
        if re.search(refusal.words, text, re.IGNORECASE):
            return refusal
    return None


def is_race(lines: Sequence[str]) -> bool:
    """Do the words of a refused push fit somebody else's push at the same moment?"""
    return RACE.search("\n".join(lines)) is not None


def words(done: Completed, credentials: Credentials | None) -> list[str]:
    """The last lines that git and the server wrote, without secrets, control characters and progress."""
    from pipelinegen.redact import Redactor

    redactor = Redactor((credentials.secret,) if credentials else ())
    text = redactor.mask((done.stderr + b"\n" + done.stdout).decode("utf-8", "replace"))
    lines = [_printable(line) for line in re.split("[\r\n]+", text)]
    kept = [line for line in lines if line and not line.startswith(("To ", "Done", "hint:", "warning: filtering"))]
    return kept[-SHOWN_LINES:]


def _printable(line: str) -> str:
    shown = "".join(
        character if character.isprintable() else " " if character == "\t" else f"\\u{ord(character):04X}"
        for character in line.rstrip()
    )
    return shown[:LONGEST_LINE]
