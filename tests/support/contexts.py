"""Build contexts for tests, and the bases, files and settings by which images are compared."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipelinegen.edge.filesystem import ImageFiles
from pipelinegen.edge.layout import Layout
from tests.support.layers import Item, file, folder, hard_link, make_layout, symlink, write_tar


class Link(NamedTuple):
    target: str


class Mode(NamedTuple):
    """A file, or with None a folder, that has this mode."""

    mode: int
    body: str | bytes | None = ""


Content = str | bytes | Link | Mode | None
FILES: Mapping[str, Content] = {
    "a.txt": "a",
    "b.txt": "b",
    "run.sh": Mode(0o755, "#!/bin/sh\n"),
    "private": Mode(0o600, "p"),
    "dir/one": "1",
    "dir/two": Mode(0o640, "2"),
    "dir/sub/three": "3",
    "dir/sub/.hidden": "h",
    "dir/empty": None,
    "closed": Mode(0o750, None),
    "closed/x": "x",
    "link": Link("a.txt"),
    "dirlink": Link("dir"),
    "absolute": Link("/a.txt"),
    "dangling": Link("nowhere"),
    "dir/inner": Link("one"),
    "with space": "s",
    "näme": "ü",
    "[odd]": "o",
    "long/" + "/".join(["path-of-some-length"] * 8) + "/file": "deep",
}


def write_context(path: Path, files: Mapping[str, Content]) -> Path:
    for name, content in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            target.unlink(missing_ok=True)
            target.symlink_to(content.target)
            continue
        mode, body = content if isinstance(content, Mode) else (None, content)
        if body is None:
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(body.encode() if isinstance(body, str) else body)
        target.chmod(mode or (0o755 if body is None else 0o644))
    for folder_path, folders, _ in os.walk(path):
        for name in folders:
            place = Path(folder_path, name)
            if not place.is_symlink() and str(place.relative_to(path)) not in files:
                place.chmod(0o755)
    return path


def archive(items: Sequence[Item], compression: str = "gz") -> bytes:
    plain = write_tar(items)
    if not compression:
        return plain
    packed = io.BytesIO()
    opened: Any = {"gz": "gzip", "bz2": "bz2", "xz": "lzma"}[compression]
    with __import__(opened).open(packed, "wb") as out:
        out.write(plain)
    return packed.getvalue()


ARCHIVED = [
    folder("top", 0o700, 3, 4),
    file("top/x", "archived", 0o640, 5, 6),
    symlink("top/s", "x"),
    hard_link("top/h", "top/x")._replace(mode=0o640, uid=5, gid=6),
    file("implied/y", "y"),
    folder("etc", 0o711),
    file("etc/passwd.new", "n"),
]

# What a base image of a distribution has that matters: users, a sticky folder, folders that are links, hard links.
BASE_LAYERS = [
    [
        folder("bin"),
        file("bin/tool", "tool", 0o4755),
        hard_link("bin/same", "bin/tool")._replace(mode=0o4755),
        folder("etc"),
        file("etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n"),
        file("etc/group", "root:x:0:\napp:x:1001:\nwww:x:33:app\n"),
        folder("home"),
        folder("home/app", 0o700, 1000, 1001),
        folder("tmp", 0o1777),
        folder("usr"),
        folder("usr/lib"),
        file("usr/lib/l", "l"),
        symlink("lib", "usr/lib"),
        folder("var"),
        symlink("var/run", "/run"),
        folder("run"),
        symlink("etc/alias", "../usr/lib/l"),
    ],
    [folder("etc"), file("etc/.wh.group-"), file("etc/motd", "two", uid=7, gid=8), folder("opt", 0o750, 9, 9)],
]
BASE_CONFIG: dict[str, object] = {
    "Env": ["PATH=/bin", "BASE=one two"],
    "Cmd": ["/bin/tool", "base"],
    "Labels": {"from": "base"},
    "WorkingDir": "/home",
    "User": "app",
    "ExposedPorts": {"1/tcp": {}},
}


def base_layout(path: Path, platform: str = "linux/amd64") -> Layout:
    return make_layout(path, BASE_LAYERS, config=BASE_CONFIG, platform=platform)


_SETTINGS = (
    *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"),
    *("Healthcheck", "Shell"),
)


def settings_of(layout: Layout, digest: str) -> dict[str, object]:
    """What containers are started with, without what engines add of their own."""
    config = layout.config(digest)
    found = config.get("config") or {}
    chosen = {name: found[name] for name in _SETTINGS if found.get(name)}
    chosen["Labels"] = {
        name: value for name, value in (found.get("Labels") or {}).items() if not name.startswith("io.buildah")
    }
    chosen["author"] = config.get("author") or ""
    return chosen


def files_of(layout: Layout, digest: str) -> dict[str, tuple[object, ...]]:
    """Every path with what an engine decides about it: kind, mode, owner, target, bytes; not its time."""
    files = ImageFiles(layout, digest)
    found: dict[str, tuple[object, ...]] = {}
    for entry in files.walk("/"):
        body = b"".join(files.pieces(entry)) if entry.kind == "file" else b""
        mode = entry.mode if entry.kind != "symlink" else 0
        found[entry.path] = (entry.kind, f"{mode:o}", entry.uid, entry.gid, entry.target, body)
    return found
