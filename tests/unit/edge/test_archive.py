"""Image archives of every make become layouts: configurations keep their bytes, plain layers are compressed alike."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelinegen.edge.archive import pack_layers
from pipelinegen.edge.filesystem import ImageFiles
from pipelinegen.edge.layout import Layout, from_archive, make_index
from pipelinegen.errors import WorldError
from pipelinegen.images.media_types import OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from tests.support.layers import add_image, file, folder, make_layout, write_tar

LAYERS = [write_tar([folder("etc"), file("etc/a", "1")]), write_tar([file("etc/b", "2" * 5000)])]


def tar_of(path: Path, members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return path


def config_of(*layers: bytes, platform: tuple[str, str] = ("linux", "amd64")) -> bytes:
    """As Docker writes it: with blanks that nobody may touch."""
    diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    content = {"architecture": platform[1], "os": platform[0], "config": {"Cmd": ["/a"]}}
    return json.dumps({**content, "rootfs": {"type": "layers", "diff_ids": diff_ids}}, indent=2).encode()


def docker_archive(path: Path, layers: list[bytes], config: bytes | None = None, **more: bytes) -> Path:
    config = config if config is not None else config_of(*LAYERS)
    listed = [{"Config": "abc.json", "RepoTags": ["x:1"], "Layers": [f"{n}/layer.tar" for n in range(len(layers))]}]
    members = {f"{number}/layer.tar": layer for number, layer in enumerate(layers)}
    return tar_of(path, {"abc.json": config, **members, "manifest.json": json.dumps(listed).encode(), **more})


def content(layout: Layout) -> dict[str, bytes]:
    files = ImageFiles(layout, layout.root().digest)
    return {entry.path: b"".join(files.pieces(entry)) for entry in files.walk() if entry.kind == "file"}


EXPECTED = {"/etc/a": b"1", "/etc/b": b"2" * 5000}


def test_what_docker_saved_before_version_25(tmp_path: Path) -> None:
    layout = from_archive(docker_archive(tmp_path / "a.tar", LAYERS), tmp_path / "l")
    root = layout.root()
    assert content(layout) == EXPECTED
    assert root.platform == "linux/amd64"
    config = layout.manifest(root.digest)["config"]["digest"]
    assert config == "sha256:" + hashlib.sha256(config_of(*LAYERS)).hexdigest()
    assert [each.media_type for each in layout.layers(root.digest)] == [OCI_LAYER_GZIP] * 2


def test_the_same_archive_gives_the_same_digest(tmp_path: Path) -> None:
    one = from_archive(docker_archive(tmp_path / "1.tar", LAYERS), tmp_path / "1")
    two = from_archive(docker_archive(tmp_path / "2.tar", LAYERS, extra=b"x"), tmp_path / "2")
    assert one.root().digest == two.root().digest


def test_an_archive_that_is_compressed_itself(tmp_path: Path) -> None:
    plain = docker_archive(tmp_path / "a.tar", LAYERS)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(plain.read_bytes()))
    layout = from_archive(tmp_path / "a.tar.gz", tmp_path / "l")
    assert layout.root() == from_archive(plain, tmp_path / "m").root()
    assert {each.name for each in layout.folder.iterdir()} == {"blobs", "index.json", "oci-layout"}


def test_layers_that_are_compressed_keep_their_bytes(tmp_path: Path) -> None:
    packed = [gzip.compress(layer, 1) for layer in LAYERS]
    layout = from_archive(docker_archive(tmp_path / "a.tar", packed), tmp_path / "l")
    assert [layout.blob(each.digest).read_bytes() for each in layout.layers(layout.root().digest)] == packed


def test_a_layer_that_is_a_link_to_another(tmp_path: Path) -> None:
    config = config_of(LAYERS[0], LAYERS[0])
    listed = [{"Config": "c.json", "Layers": ["0/layer.tar", "1/layer.tar"]}]
    members = {"c.json": config, "0/layer.tar": LAYERS[0], "manifest.json": json.dumps(listed).encode()}
    archive = tar_of(tmp_path / "a.tar", members, {"1/layer.tar": "../0/layer.tar"})
    layout = from_archive(archive, tmp_path / "l")
    one, two = layout.layers(layout.root().digest)
    assert one == two


def oci_archive(path: Path, layout: Layout, **more: bytes) -> Path:
    members = {
        f"blobs/sha256/{each.name}": each.read_bytes() for each in sorted((layout.folder / "blobs/sha256").iterdir())
    }
    listed = (layout.folder / "index.json").read_bytes()
    return tar_of(path, {"oci-layout": b"{}", "index.json": listed, **members, **more})


def test_what_buildx_writes_keeps_every_byte(tmp_path: Path) -> None:
    source = Layout.create(tmp_path / "source")
    images = [add_image(source, LAYERS, platform=name) for name in ("linux/amd64", "linux/arm64")]
    source.set_root(source.add_document(make_index(images), OCI_INDEX))
    layout = from_archive(oci_archive(tmp_path / "a.tar", source), tmp_path / "l")
    assert layout.root().digest == source.root().digest
    assert [each.digest for each in layout.images()] == [each.digest for each in images]


def test_what_docker_saves_since_version_25_has_plain_layers(tmp_path: Path) -> None:
    source = make_layout(tmp_path / "source", LAYERS, compressed=False)
    archive = oci_archive(tmp_path / "a.tar", source, **{"manifest.json": b"[]"})
    layout = from_archive(archive, tmp_path / "l")
    assert content(layout) == EXPECTED
    assert [each.media_type for each in layout.layers(layout.root().digest)] == [OCI_LAYER_GZIP] * 2
    ours, theirs = layout.manifest(layout.root().digest), source.manifest(source.root().digest)
    assert ours["config"] == theirs["config"]
    assert layout.root().platform == "linux/amd64"


def test_a_layout_of_plain_layers_is_compressed_in_place(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "l", LAYERS, compressed=False)
    pack_layers(layout)
    once = layout.root()
    assert [each.media_type for each in layout.layers(once.digest)] == [OCI_LAYER_GZIP] * 2
    pack_layers(layout)
    assert layout.root() == once


@pytest.mark.parametrize("present", [1, 2])
def test_platforms_that_were_not_saved_are_left_out(tmp_path: Path, present: int) -> None:
    source = Layout.create(tmp_path / "source")
    images = [add_image(source, LAYERS, platform=name) for name in ("linux/amd64", "linux/arm64", "linux/386")]
    source.set_root(source.add_document(make_index(images), OCI_INDEX))
    for image in images[present:]:
        source.blob(image.digest).unlink()
    layout = from_archive(oci_archive(tmp_path / "a.tar", source), tmp_path / "l")
    assert [each.digest for each in layout.images()] == [each.digest for each in images[:present]]
    assert layout.root().media_type == (OCI_MANIFEST if present == 1 else OCI_INDEX)


def _index(*digests: str) -> bytes:
    entry = {"mediaType": OCI_MANIFEST, "size": 1}
    return json.dumps({"schemaVersion": 2, "manifests": [{**entry, "digest": digest} for digest in digests]}).encode()


ABSENT = "sha256:" + "0" * 64
BROKEN: dict[str, dict[str, bytes]] = {
    "empty": {},
    "something else": {"hello": b"x"},
    "a list of nothing": {"manifest.json": b"[]"},
    "no JSON": {"manifest.json": b"["},
    "no list": {"manifest.json": b"{}"},
    "no configuration": {"manifest.json": b'[{"Layers": []}]'},
    "a configuration that is not there": {"manifest.json": b'[{"Config": "x", "Layers": []}]'},
    "two images": {"manifest.json": b'[{"Config": "x", "Layers": []}, {"Config": "y", "Layers": []}]'},
    "a layer that is not there": {
        "manifest.json": b'[{"Config": "c", "Layers": ["l"]}]',
        "c": config_of(LAYERS[0]),
    },
    "a layer too many": {
        "manifest.json": b'[{"Config": "c", "Layers": ["l", "l"]}]',
        "c": config_of(LAYERS[0]),
        "l": LAYERS[0],
    },
    "another layer": {
        "manifest.json": b'[{"Config": "c", "Layers": ["l"]}]',
        "c": config_of(LAYERS[0]),
        "l": LAYERS[1],
    },
    "a layout about nothing": {"oci-layout": b"{}", "index.json": _index()},
    "a blob of another name": {
        "oci-layout": b"{}",
        "index.json": _index(ABSENT),
        f"blobs/sha256/{'0' * 64}": b"x",
    },
}


@pytest.mark.parametrize("members", BROKEN.values(), ids=BROKEN)
def test_what_holds_no_image_is_told(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(WorldError) as caught:
        from_archive(tar_of(tmp_path / "a.tar", members), tmp_path / "l")
    assert caught.value.id in ("archive-unreadable", "layout-broken")


def test_no_name_of_an_archive_becomes_a_path(tmp_path: Path) -> None:
    source = make_layout(tmp_path / "source", LAYERS)
    evil = {"../evil": b"1", "/tmp-evil": b"2", "blobs/sha256/../../evil": b"3", "blobs/sha256/x": b"4"}
    layout = from_archive(oci_archive(tmp_path / "a.tar", source, **evil), tmp_path / "in" / "l")
    written = {str(path.relative_to(tmp_path)) for path in (tmp_path / "in").rglob("*") if path.is_file()}
    assert written == {f"in/l/{path.relative_to(source.folder)}" for path in source.folder.rglob("*") if path.is_file()}
    assert layout.root() == source.root()


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorldError) as caught:
        from_archive(tmp_path / "nothing.tar", tmp_path / "l")
    assert caught.value.id == "disk"
