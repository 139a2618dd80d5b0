"""The shell scripts of the deployers: files under templates/deploy/, the same in every CI system."""

from __future__ import annotations

from functools import cache

from pipelinegen.pipelines import pins
from pipelinegen.pipelines.model import Fact, Run
from pipelinegen.shipped import template_root

TEMPORARY = Fact("temporary-folder")


@cache
def script(*paths: str) -> tuple[str, ...]:
    """The lines of one script, or of several that run one after the other in the same shell."""
    return tuple(line for path in paths for line in _lines(path))


@cache
def install(tool: str) -> Run:
    """A step that brings a program of tools.lock."""
    return installing(tool, pins.tools()[tool])


def installing(tool: str, pinned: pins.Tool) -> Run:
    """A step that brings a program by its version and checksum. All that stands in its script is of tools.lock."""
    url, member = (text.format(version=pinned.version, arch="$arch") for text in (pinned.url, pinned.member))
    got, program = f"$TOOLS/{tool}.download", f"$TOOLS/{member}"
    unpack: tuple[str, ...] = ()
    if not member:
        program = got
    elif url.endswith(".zip"):
        unpack = (f'python3 -m zipfile --extract "{got}" "$TOOLS"',)
    else:
        unpack = (f'tar -xzf "{got}" -C "$TOOLS" "{member}"',)
    script = (
        'case "$(uname -m)" in',
        *(f"  {_MACHINES[arch]}) {_words(arch, pinned)} ;;" for arch in pinned.sha256),
        f'  *) echo "No {tool} is pinned for this machine: $(uname -m)." >&2 && exit 1 ;;',
        "esac",
        "curl --fail --silent --show-error --location --proto =https --tlsv1.2 --retry 3 \\",
        f'  --output "{got}" \\',
        f'  "{url}"',
        f'echo "$checksum  {got}" | sha256sum --check --quiet',
        *unpack,
        f'install -m 755 "{program}" "$TOOLS/bin/{tool}"',
    )
    return Run(f"Install {tool} {pinned.version}", script, installs=True)


_MACHINES = {"amd64": "x86_64 | amd64", "arm64": "aarch64 | arm64"}


def _words(arch: str, pinned: pins.Tool) -> str:
    named = f"arch={pinned.arch.get(arch, arch)} " if "{arch}" in pinned.url + pinned.member else ""
    return f"{named}checksum={pinned.sha256[arch]}"


def _lines(path: str) -> list[str]:
    text = template_root().joinpath("deploy", *path.split("/")).read_text(encoding="utf-8")
    # Those are for the editor and the linter of this repository.
    return [line for line in text.splitlines() if not line.startswith("# shellcheck ")]
