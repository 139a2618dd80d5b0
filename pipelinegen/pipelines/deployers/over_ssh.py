"""What the deployers of plain hosts share: which hosts, how they are reached, and the script that keeps a container."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipelinegen.errors import InputError
from pipelinegen.pipelines.application import AppEnvironment, AppImage, Application
from pipelinegen.pipelines.model import Credential, GeneratedFile, Literally, Run, Secret, Value
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.header import block, header

# Where the script lies on a host.
SCRIPT = "/usr/local/sbin/pipelinegen-container"
# The tag that stands in the files between releases; a job sets the real one in its workspace.
UNRELEASED = "unreleased"
# Nothing that ssh could take for an option, or a shell for more than a word.
_HOST = re.compile(
    r"(?:(?P<user>[A-Za-z_][A-Za-z0-9_.-]*)@)?"
    r"(?P<address>[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(?::(?P<port>[0-9]{1,5}))?"
)


class Host(NamedTuple):
    """A host: user (`deploy` if none is named), name or address (of IPv6 in brackets), port."""

    user: str
    address: str
    port: int

    @property
    def url(self) -> str:
        """As OpenSSH takes it since 7.7."""
        return f"ssh://{self.user}@{self.address}:{self.port}"

    @property
    def bare(self) -> str:
        return self.address.strip("[]")


def hosts_of(environment: AppEnvironment) -> tuple[Host, ...]:
    """The hosts of an environment; none, where they are to be filled in by hand.

    InputError: one is not written as [USER@]ADDRESS[:PORT].
    """
    where = f"manifests.environments.{environment.name}.hosts"
    return tuple(_host(text, where) for text in environment.hosts)


def container_name(application: Application, image: AppImage) -> str:
    return f"{application.project}-{image.name}"


def unreleased(image: AppImage) -> str:
    """The reference that is committed; `bump` finds it by its repository."""
    return f"{image.repository}:{UNRELEASED}"


def note() -> str:
    """The header as one line, for JSON, which has no comments."""
    return " ".join(header("").split())


def containers(application: Application) -> list[dict[str, object]]:
    """What a template says of each image: the container that runs it, the reference, its port and the path to ask."""
    return [
        {
            "container": container_name(application, image),
            "reference": unreleased(image),
            "port": image.port,
            "health_path": image.health_path,
        }
        for image in application.images
    ]


def script_file(path: str) -> GeneratedFile:
    """The script that keeps a container at an image, for a place in the workspace."""
    text = render("deploy/hosts/container.sh.j2", header=header("#").rstrip("\n"))
    return GeneratedFile(path, text, executable=True)


def hosts_file(path: str, environment: AppEnvironment) -> GeneratedFile:
    """The hosts of an environment, one a line; a block to fill in where the configuration has none."""
    hosts = hosts_of(environment)
    said = f"The hosts of {environment.name}, one a line: ssh://USER@ADDRESS:PORT"
    lines = "".join(f"{host.url}\n" for host in hosts) or block("#", "hosts")
    return GeneratedFile(path, header("#", (said,), blocks=not hosts) + lines)


def known_hosts_file(path: str, environment: AppEnvironment) -> GeneratedFile:
    """The host keys that are accepted: pinned by people, since the first answer may be somebody else's."""
    scans = [
        f"ssh-keyscan {f'-p {host.port} ' if host.port != 22 else ''}{host.bare}" for host in hosts_of(environment)
    ]
    said = f"The keys of the hosts of {environment.name}: no other is accepted. Compare with each host what this says:"
    lines = (said, *(scans or ("ssh-keyscan -p PORT ADDRESS",)))
    return GeneratedFile(path, header("#", lines, blocks=True) + block("#", "known-hosts"))


def key(application: Application, environment: AppEnvironment) -> Credential:
    """The private key that opens the hosts of an environment."""
    hosts = ", ".join(host.bare for host in hosts_of(environment)) or f"the hosts of {environment.name}"
    return Credential(
        name="SSH_KEY",
        kind="ssh-key",
        target="host",
        rights=f"root, by sudo, on {hosts}",
        why=f"puts the containers of {application.project} in {environment.name}",
        environment=environment.name,
        file=True,
    )


def install_ssh() -> Run:
    """Container images for CI jobs often come without ssh."""
    return Run(
        "Have ssh and curl",
        (
            "command -v ssh curl >/dev/null ||",
            "  { apt-get -qq update && apt-get -qq install --yes --no-install-recommends openssh-client curl; }",
        ),
    )


# The key in a file that ssh accepts: variables lose the newline at the end, and some CI systems write files for all.
KEY = (
    "umask 077",
    "key=$(mktemp)",
    "trap 'rm -f \"$key\"' EXIT",
    '{ cat "$SSH_KEY"; echo; } > "$key"',
)


def reaching(folder: str) -> tuple[str, ...]:
    """Lines of shell that give `hosts`, `reach HOST COMMAND` and `containers VERB`, which asks all hosts."""
    return (
        *KEY,
        f'mapfile -t hosts < <(grep --invert-match "^#" "{folder}/hosts/$DEPLOYMENT")',
        'if [ "${#hosts[@]}" = 0 ]; then echo "No host is named for $DEPLOYMENT." >&2; exit 1; fi',
        "reach() {",
        '  ssh -i "$key" -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes \\',
        f'    -o UserKnownHostsFile="{folder}/hosts/$DEPLOYMENT.known_hosts" "$1" "$2"',
        "}",
        "containers() {",
        '  for host in "${hosts[@]}"; do',
        '    reach "$host" "! [ -x $SCRIPT ] || \\',
        '      for each in $CONTAINERS; do sudo $SCRIPT $1 \\$each || exit; done"',
        "  done",
        "}",
    )


def each_host(folder: str, program: Sequence[str], rest: str = "") -> tuple[str, ...]:
    """Lines after `reaching` that copy the folder to each host, one after the other, and run a program in it as root.

    program: its words, on one line or several; expanded here, in double quotes, before they go to the host.
    rest: what is done with its output here.
    """
    return (
        'for host in "${hosts[@]}"; do',
        '  echo "== $host"',
        f"  tar --create --directory {folder} . |",
        '    reach "$host" "rm -rf $COPY && mkdir -m 700 $COPY && tar --extract --directory $COPY"',
        '  reach "$host" "cd $COPY && sudo \\',
        *(f"    {line} \\" for line in program[:-1]),
        f'    {program[-1]}"{rest}',
        "done",
    )


def released(path: str) -> tuple[str, ...]:
    """Lines after `reaching` that set in the workspace what was deployed last, by what the hosts remember."""
    return (
        "references=$(containers released | sort --unique)",
        'if [ -z "$references" ]; then echo "Nothing has been deployed here yet."; exit 0; fi',
        'mapfile -t references <<< "$references"',
        'pipelinegen bump "${references[@]}" --repo . --deliver worktree \\',
        f'  --path "{path}"',
    )


def undo(folder: str, application: Application, environment: AppEnvironment) -> Run:
    """Bring back, on all hosts, the containers that this deployment has replaced."""
    script = (*reaching(folder), "containers undo")
    name = f"Bring {environment.name} back to what it was"
    return Run(name, script, environ(application, environment), when="failure")


def look(folder: str, application: Application, environment: AppEnvironment) -> Run:
    """See that on all hosts every container runs from the image that was deployed."""
    script = (*reaching(folder), "containers status")
    return Run(f"See that {environment.name} runs", script, environ(application, environment))


def environ(application: Application, environment: AppEnvironment, **more: Value) -> Mapping[str, Value]:
    """The variables that every script over ssh reads."""
    names = " ".join(container_name(application, image) for image in application.images)
    return {
        "SSH_KEY": Secret("SSH_KEY"),
        "DEPLOYMENT": Literally(environment.name),
        "CONTAINERS": Literally(names),
        "SCRIPT": Literally(SCRIPT),
        # In the home of the user: in a folder that all may write to, another could put what root then runs.
        "COPY": Literally(f".{application.project}-deployment"),
        **more,
    }


def smoke_test(environment: AppEnvironment) -> tuple[Run, ...]:
    """Ask the environment's address, where it has one."""
    if environment.url is None:
        return ()
    script = (
        "curl --fail --silent --show-error --location --retry 5 --retry-all-errors --max-time 20 \\",
        '  --output /dev/null "$URL"',
    )
    return (Run(f"Ask {environment.name} from outside", script, {"URL": Literally(environment.url)}),)


def _host(text: str, where: str) -> Host:
    found = _HOST.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 22) < 65536:
        raise InputError(f"{text!r} is no host", id="bad-config", where=where, next="write it as [USER@]ADDRESS[:PORT]")
    return Host(found["user"] or "deploy", found["address"], int(found["port"] or 22))
