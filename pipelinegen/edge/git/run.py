"""The one function that runs git: complete environment, hardened settings, one allowed protocol, the secret offered."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from pipelinegen.edge.backoff import Deadline
from pipelinegen.edge.git.address import Address
from pipelinegen.edge.git.askpass import Credentials, offered, write_askpass
from pipelinegen.edge.git.failures import failure
from pipelinegen.edge.process import MIB, NETWORK_VARIABLES, Child, Completed, capture, environment
from pipelinegen.errors import Defect

FETCH_LIMIT = 512 * MIB
STALL_SECONDS = 30
PUSH_STALL_SECONDS = 120
LOCAL_SECONDS = 120.0
PUSH_GRACE = 5.0

# Settings that no configuration may change. Hooks, fsmonitor and credential helpers are programs of someone else's;
# a followed redirect would carry the token to the host that it names.
HARDENED = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null", "credential.helper="),
    *("http.followRedirects=false", "http.lowSpeedLimit=1000", "protocol.version=2", "transfer.bundleURI=false"),
    *("fetch.fsckObjects=true", "submodule.recurse=false", "gc.auto=0", "maintenance.auto=false"),
    *("safe.bareRepository=explicit", "advice.detachedHead=false", "core.quotePath=false", "commit.gpgSign=false"),
)
PASSED = (*NETWORK_VARIABLES, "XDG_RUNTIME_DIR")
# curl's own default comes before SSL_CERT_FILE; one variable must be enough for git and for the forge.
AUTHORITY_FILES = ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
AUTHORITY_FOLDERS = ("GIT_SSL_CAPATH", "SSL_CERT_DIR")


class Git:
    """git for one repository address, in one temporary folder of ours."""

    def __init__(
        self,
        folder: str,
        address: Address,
        credentials: Credentials | None = None,
        *,
        deadline: Deadline,
        stall_seconds: int | None = None,
    ) -> None:
        self.folder = folder
        self.address = address
        self.credentials = credentials if address.kind in ("https", "http") else None
        self.deadline = deadline
        self.stall_seconds = stall_seconds
        self.home = os.path.join(folder, "home")
        os.mkdir(self.home, 0o700)
        self._configuration = _trusted_folders(folder) if address.kind == "file" else os.devnull
        self._askpass = write_askpass(folder, address, self.credentials) if self.credentials else ""

    def local(
        self,
        repository: str,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        settings: Sequence[str] = (),
        may_fail: bool = False,
    ) -> Completed:
        """Run a git command on a bare repository of ours; it cannot reach the network, not even for a lazy fetch."""
        done = capture(
            self._argv(repository, args, settings),
            env={**self.environment(), **(env or {})},
            stdin=stdin,
            timeout=min(LOCAL_SECONDS, self.deadline.left()),
            largest_file=FETCH_LIMIT,
        )
        return done if may_fail else self._checked(done, args)

    def converse(self, child: Child, repository: str, *args: str) -> None:
        """Start a long-lived git command that is talked to through its standard input and output."""
        child.start(self._argv(repository, args, ()), env=self.environment(), stdin=True, stderr=False)

    def remote(
        self,
        repository: str | None,
        *args: str,
        stdin: bytes | None = None,
        settings: Sequence[str] = (),
        stall_seconds: int = STALL_SECONDS,
        least_seconds: float | None = None,
        grace: float = 0.0,
        may_fail: bool = False,
    ) -> Completed:
        """Run a git command that talks to the one remote, and to no other; `least_seconds` even past the deadline."""
        stall = min(stall_seconds, self.stall_seconds or stall_seconds)
        with offered(self.credentials) as descriptors:
            done = capture(
                self._argv(repository, args, [*settings, f"http.lowSpeedTime={stall}"]),
                env=self.environment(network=True),
                stdin=stdin,
                timeout=max(self.deadline.left(), least_seconds or 0.0),
                descriptors=descriptors,
                largest_file=FETCH_LIMIT,
                grace=grace,
            )
        return done if may_fail else self._checked(done, args)

    def environment(self, *, network: bool = False) -> dict[str, str]:
        """The complete environment of git: nothing of the caller's but what is named here."""
        passed = PASSED if network else ()
        if self.address.kind == "http":
            passed = ()  # loopback: through a proxy the token would leave the machine in clear
        values = {name: os.environ[name] for name in ("PATH", "TMPDIR", *passed) if name in os.environ}
        return {
            **values,
            **(_authorities() if network else {}),
            "LC_ALL": "C",
            "HOME": self.home,
            "XDG_CONFIG_HOME": self.home,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": self._configuration,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": self._askpass if network else "",
            "GIT_ALLOW_PROTOCOL": self.address.protocols if network else "none",
            # Known from git 2.45 on; before that the protocol above is what stops a lazy fetch.
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TEMPLATE_DIR": "",
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_CEILING_DIRECTORIES": self.folder,
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
            "GIT_SSH_VARIANT": "ssh",
        }

    def _argv(self, repository: str | None, args: Sequence[str], settings: Sequence[str]) -> list[str]:
        if any(not arg or "\n" in arg for arg in args):
            raise Defect("an empty or broken argument for git", id="git-argument", details=[repr(args)])
        where = ["-C", self.folder] if repository is None else [f"--git-dir={repository}"]
        chosen = [word for setting in (*HARDENED, *settings) for word in ("-c", setting)]
        return ["git", *where, *chosen, *args]

    def _checked(self, done: Completed, args: Sequence[str]) -> Completed:
        if done.returncode != 0:
            raise failure(args[0], done, self.address, self.credentials)
        return done


def _authorities() -> dict[str, str]:
    """Whose certificates are trusted, in git's own variables."""
    found = {}
    for name, sources in (("GIT_SSL_CAINFO", AUTHORITY_FILES), ("GIT_SSL_CAPATH", AUTHORITY_FOLDERS)):
        if value := next((os.environ[source] for source in sources if os.environ.get(source)), None):
            found[name] = value
    return found


def _trusted_folders(folder: str) -> str:
    """A configuration that holds nothing but the user's word on which repositories of others may be served locally.

    Only a configuration file counts for that, and git reads it again in the server half of a file:// transport.
    """
    done = capture(["git", "config", "-z", "--get-all", "safe.directory"], env=environment(GIT_DIR=os.devnull))
    path = os.path.join(folder, "gitconfig")
    with open(path, "wb") as file:
        for name in done.stdout.split(b"\0")[:-1]:
            quoted = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
            file.write(b'[safe]\n\tdirectory = "%s"\n' % quoted)
    return path
