"""Layers and layouts for tests, written by Python's tarfile, so that our own reader has another's work before it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipelinegen.edge.layout import Descriptor, Layout
from pipelinegen.images.media_types import OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_MANIFEST


class Item(NamedTuple):
    """One entry of a layer. `link`: where a symlink points to, or with `hard` the file that it is."""

    name: str
    body: bytes | None = None
    link: str | None = None
    hard: bool = False
    mode: int | None = None
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    type: bytes | None = None
    pax: dict[str, str] | None = None


def folder(name: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Item:
    return Item(name, mode=mode, uid=uid, gid=gid)


def file(name: str, body: bytes | str = b"", mode: int = 0o644, uid: int = 0, gid: int = 0) -> Item:
    return Item(name, body.encode() if isinstance(body, str) else body, mode=mode, uid=uid, gid=gid)


def symlink(name: str, target: str) -> Item:
    return Item(name, link=target)


def hard_link(name: str, target: str) -> Item:
    return Item(name, link=target, hard=True)


def write_tar(items: Sequence[Item], format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for item in items:
            member = tarfile.TarInfo(item.name)
            member.type = item.type or _type(item)
            member.mode = item.mode if item.mode is not None else 0o755 if member.isdir() else 0o644
            member.uid, member.gid, member.mtime = item.uid, item.gid, item.mtime
            member.linkname = item.link or ""
            member.size = len(item.body or b"")
            member.pax_headers = item.pax or {}
            tar.addfile(member, io.BytesIO(item.body or b""))
    return buffer.getvalue()


def _type(item: Item) -> bytes:
    if item.link is not None:
        return tarfile.LNKTYPE if item.hard else tarfile.SYMTYPE
    return tarfile.DIRTYPE if item.body is None else tarfile.REGTYPE


def make_layout(
    path: Path,
    layers: Sequence[Sequence[Item] | bytes],
    *,
    compressed: bool = True,
    platform: str = "linux/amd64",
    config: dict[str, object] | None = None,
) -> Layout:
    """A layout about one image with these layers, the lowest first."""
    layout = Layout.create(path)
    layout.set_root(add_image(layout, layers, compressed=compressed, platform=platform, config=config))
    return layout


def add_image(
    layout: Layout,
    layers: Sequence[Sequence[Item] | bytes],
    *,
    compressed: bool = True,
    platform: str = "linux/amd64",
    config: dict[str, object] | None = None,
) -> Descriptor:
    """An image in a layout that stays about another one."""
    tars = [each if isinstance(each, bytes) else write_tar(each) for each in layers]
    media_type = OCI_LAYER_GZIP if compressed else OCI_LAYER
    stored = [layout.add_blob(gzip.compress(tar, mtime=0) if compressed else tar, media_type) for tar in tars]
    system, architecture, *variant = platform.split("/")
    content = {
        "architecture": architecture,
        "os": system,
        **({"variant": variant[0]} if variant else {}),
        "config": config or {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": layout.add_document(content, OCI_CONFIG).data(),
        "layers": [layer.data() for layer in stored],
    }
    return layout.add_document(manifest, OCI_MANIFEST)._replace(platform=platform)
