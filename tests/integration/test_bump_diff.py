"""The diff that is shown: real `git apply` makes exactly the new bytes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelinegen.commands.show import diff_of
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.planning import make_plan
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.splice import apply
from tests.support.trees import Memory, requests

TAG = "ghcr.io/acme/api:2.0.0"
IMAGE = "image: ghcr.io/acme/api:1.0.0\n"
DIGEST = "sha256:" + "0" * 64


def shown(files: Mapping[str, bytes | str]) -> tuple[bytes, dict[str, bytes]]:
    """The diff of a bump, and the files after it."""
    sources = Sources(Memory(files))
    plan = make_plan(sources, requests([TAG]), Selection(text_file=lambda path: path.endswith(".env")))
    lines = "".join(f"{line}\n" for line in diff_of(plan, sources))
    return lines.encode("utf-8", "surrogateescape"), apply(plan, sources)


def applied(folder: Path, files: Mapping[str, bytes | str], diff: bytes) -> dict[str, bytes]:
    """What git makes of the diff."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data.encode() if isinstance(data, str) else data)
    argv = ["git", "apply", "--whitespace=nowarn", "-p1", "-"]
    done = subprocess.run(argv, cwd=folder, input=diff, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return {path: (folder / path).read_bytes() for path in files}


FILES: dict[str, dict[str, bytes | str]] = {
    "one line": {"a.yaml": IMAGE},
    "no line break at the end": {"a.yaml": IMAGE.strip()},
    "no line break at the end, further up": {"a.yaml": f"{IMAGE}b: 1"},
    "no line break at the end, far up": {"a.yaml": IMAGE + "b: 1\n" * 8 + "c: 1"},
    "Windows line ends": {"a.yaml": f"a: 1\n{IMAGE}b: 1\n".replace("\n", "\r\n")},
    "byte order mark at the first line": {"a.yaml": f"\ufeff{IMAGE}"},
    "byte order mark in the context": {"a.yaml": f"\ufeffa: 1\nb: 1\n{IMAGE}"},
    "byte order mark far above": {"a.yaml": "\ufeff" + "a: 1\n" * 9 + IMAGE},
    "other scripts": {"a.yaml": f"# \u65e5\u672c \U0001f680\n{IMAGE}# \u00e9\n"},
    "context that is cut": {"a.yaml": f"a: 1\n{IMAGE}b: 1\n"},
    "context of three": {"a.yaml": "a: 1\n" * 9 + IMAGE + "b: 1\n" * 9},
    "two hunks": {"a.yaml": IMAGE + "b: 1\n" * 7 + IMAGE.replace("image", "i")},
    "two changes in a hunk": {"a.yaml": IMAGE + "b: 1\n" * 6 + IMAGE.replace("image", "i")},
    "two changes in a line": {"a.yaml": "a: [ghcr.io/acme/api:1.0.0, ghcr.io/acme/api:1.1.0]\n"},
    "neighbouring lines": {"a.yaml": "- ghcr.io/acme/api:1.0.0\n" * 5},
    "a line inserted": {"kustomization.yaml": "images:\n- name: ghcr.io/acme/api\nx: 1\n"},
    "a line inserted at the end without a line break": {"kustomization.yaml": "images:\n- name: ghcr.io/acme/api"},
    "a line removed": {
        "kustomization.yaml": f"images:\n- name: ghcr.io/acme/api\n  newTag: 1\n  digest: {DIGEST}\n- name: x\n"
    },
    "a line removed at the end without a line break": {
        "kustomization.yaml": f"images:\n- name: ghcr.io/acme/api\n  newTag: 1\n  digest: {DIGEST}"
    },
    "a line removed at the end with Windows line ends": {
        "kustomization.yaml": f"images:\r\n- name: ghcr.io/acme/api\r\n  newTag: 1\r\n  digest: {DIGEST}"
    },
    "lines removed and inserted": {
        "kustomization.yaml": f"images:\n- name: ghcr.io/acme/api\n  newTag: 1\n  digest: {DIGEST}\n"
        "- name: x\n  newName: ghcr.io/acme/api\n- name: ghcr.io/acme/api\n"
    },
    "the first of two keys removed": {
        "kustomization.yaml": f"images:\n- digest: {DIGEST}\n  name: ghcr.io/acme/api\n  newTag: 1\n"
    },
    "several files": {"a.yaml": IMAGE, "b/c.yaml": IMAGE, "b/d.yaml": "a: 1\n"},
    "form feed and the like in a text file": {"a.env": "a=\x0b\x0c\x1c\nIMAGE=ghcr.io/acme/api:1.0.0\n"},
    "names with blanks": {"a b/c  d.yaml": IMAGE},
    "names with quotes": {"a'b.yaml": IMAGE, 'a"b.yaml': IMAGE, "a\\b.yaml": IMAGE},
    "names with control characters": {"a\tb.yaml": IMAGE, "a\nb.yaml": IMAGE, "\x01.yaml": IMAGE},
    "names in other scripts": {"\u65e5\u672c/\U0001f680.yaml": IMAGE},
    "names that look like options": {"-a.yaml": IMAGE, "--b.yaml": IMAGE},
    "names that end in a blank": {"a /b.yaml": IMAGE},
}


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_git_makes_the_new_bytes_of_the_diff(files: dict[str, bytes | str], tmp_path: Path) -> None:
    diff, after = shown(files)
    assert after
    assert applied(tmp_path, files, diff) == {**{path: _bytes(data) for path, data in files.items()}, **after}


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {b"caf\xe9.yaml".decode("utf-8", "surrogateescape"): IMAGE}
    diff, after = shown(files)
    assert b"--- a/caf\xe9.yaml\n" in diff
    assert applied(tmp_path, files, diff) == after


LINES = st.sampled_from(
    [
        "a: 1",
        "",
        "# c",
        "  ",
        "image: ghcr.io/acme/api:1.0.0",
        "- ghcr.io/acme/api:1.0.0",
        "b: ghcr.io/acme/api:1.1.0 # x",
    ]
)


@settings(max_examples=30, deadline=None)
@given(lines=st.lists(LINES, min_size=1, max_size=40), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_any_arrangement_of_lines(
    lines: list[str], end: str, last: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Each line is a document of its own, so that any arrangement of them is YAML.
    text = end.join(["---", *(part for line in lines for part in (line, "---"))]) + (end if last else "")
    files: dict[str, bytes | str] = {"a.yaml": text}
    diff, after = shown(files)
    if after:
        assert applied(tmp_path_factory.mktemp("diff"), files, diff) == after
    else:
        assert diff == b""
