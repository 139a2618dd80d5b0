"""The layout on disk: what is read back, what is checked, which images it is about."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelinegen.edge.layout import Descriptor, Layout, make_index, read_descriptor
from pipelinegen.errors import WorldError
from pipelinegen.images.media_types import OCI_INDEX, OCI_MANIFEST
from tests.support.layers import add_image, file, make_layout

ABSENT = "sha256:" + "0" * 64


def test_an_image_is_read_back(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "l", [[file("a", b"x")], [file("b", b"y")]], config={"Cmd": ["/a"]})
    root = layout.root()
    assert root.media_type == OCI_MANIFEST
    assert root.platform == "linux/amd64"
    assert layout.images() == [root]
    assert layout.config(root.digest)["config"] == {"Cmd": ["/a"]}
    assert [layout.blob(each.digest).stat().st_size for each in layout.layers(root.digest)] == [
        each.size for each in layout.layers(root.digest)
    ]


def test_the_same_content_has_the_same_digest_and_is_what_is_on_disk(tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / "l")
    one = layout.add_blob(b"content", "text/plain")
    two = layout.add_blob(io.BytesIO(b"content"), "text/plain")
    assert one == two == Descriptor("sha256:" + hashlib.sha256(b"content").hexdigest(), "text/plain", 7)
    assert layout.blob(one.digest).read_bytes() == b"content"
    assert [path.name for path in (tmp_path / "l/blobs/sha256").iterdir()] == [one.digest[7:]]


def test_a_blob_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / "l")

    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise WorldError("gone", id="net")

    with pytest.raises(WorldError, match="gone"):
        layout.add_pieces(pieces(), "text/plain")
    assert list((tmp_path / "l/blobs/sha256").iterdir()) == []


def test_the_images_of_an_index_by_platform_without_attestations(tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / "l")
    amd, arm = (add_image(layout, [[file(name, b"")]], platform=name) for name in ("linux/amd64", "linux/arm64/v8"))
    proof = add_image(layout, [[file("proof", b"")]], platform="unknown/unknown")
    marked = proof._replace(platform="linux/amd64", annotations={"vnd.docker.reference.type": "attestation-manifest"})
    layout.set_root(layout.add_document(make_index([amd, arm, proof, marked]), OCI_INDEX))
    assert [each.platform for each in layout.images()] == ["linux/amd64", "linux/arm64/v8"]
    assert [each.digest for each in layout.children(layout.root().digest)] == [
        amd.digest,
        arm.digest,
        proof.digest,
        proof.digest,
    ]


def test_indexes_in_indexes_and_artifacts_beside_images(tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / "l")
    image = add_image(layout, [[file("a", b"")]])
    chart = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": layout.add_document({}, "application/vnd.cncf.helm.config.v1+json").data(),
        "layers": [],
    }
    inner = layout.add_document(make_index([image, layout.add_document(chart, OCI_MANIFEST)]), OCI_INDEX)
    layout.set_root(layout.add_document(make_index([inner]), OCI_INDEX))
    assert [each.digest for each in layout.images()] == [image.digest]


def test_indexes_that_go_on_for_ever_are_told(tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / "l")
    inner = add_image(layout, [[file("a", b"")]])
    for _ in range(9):
        inner = layout.add_document(make_index([inner]), OCI_INDEX)
    layout.set_root(inner)
    with pytest.raises(WorldError, match="nested too deeply"):
        layout.images()


def test_one_image_under_two_names_is_one(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "l", [[file("a", b"x")]])
    index = json.loads((layout.folder / "index.json").read_bytes())
    named = {**index["manifests"][0], "annotations": {"org.opencontainers.image.ref.name": "two"}}
    index["manifests"].append(named)
    (layout.folder / "index.json").write_text(json.dumps(index))
    assert layout.root().digest == named["digest"]


def test_two_images_are_told(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "l", [[file("a", b"x")]])
    index = json.loads((layout.folder / "index.json").read_bytes())
    index["manifests"].append({**index["manifests"][0], "digest": ABSENT})
    (layout.folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(WorldError, match="2 images"):
        layout.root()


@pytest.mark.parametrize("index", ["", "[]", "{", '{"manifests": 1}', '{"manifests": [{"digest": "sha256:x"}]}', "9"])
def test_a_broken_index_is_told(tmp_path: Path, index: str) -> None:
    layout = Layout.create(tmp_path / "l")
    (layout.folder / "index.json").write_text(index)
    with pytest.raises(WorldError) as caught:
        layout.root()
    assert caught.value.id == "layout-broken"
    assert caught.value.where == str(layout.folder)


def test_no_layout_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="No such file"):
        Layout(tmp_path / "nothing").root()


@pytest.mark.parametrize("digest", [ABSENT, "sha256:../../index.json", "sha256:", "x", "md5:" + "0" * 32])
def test_a_blob_that_is_not_there_or_not_named_is_told(tmp_path: Path, digest: str) -> None:
    layout = make_layout(tmp_path / "l", [[file("a", b"x")]])
    assert not layout.has(digest)
    with pytest.raises(WorldError):
        layout.blob(digest)


def test_a_link_in_the_place_of_a_blob_is_not_followed(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "l", [[file("a", b"x")]])
    (tmp_path / "secret").write_text("{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    (layout.folder / "blobs/sha256" / digest).symlink_to(tmp_path / "secret")
    with pytest.raises(WorldError, match="is not there"):
        layout.read(f"sha256:{digest}")


def test_a_manifest_with_other_bytes_is_told(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "l", [[file("a", b"x")]])
    root = layout.root()
    layout.blob(root.digest).write_bytes(layout.read(root.digest) + b" ")
    with pytest.raises(WorldError, match="other bytes"):
        layout.manifest(root.digest)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["digest", "mediaType", "size", "annotations", "platform", "os", "architecture"]), inner
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_no_descriptor_makes_reading_fail(content: object) -> None:
    found = read_descriptor(content)
    assert found is None or read_descriptor(found.data()) == found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.dictionaries(st.text(), JSON))
def test_what_is_written_is_read(tmp_path: Path, content: dict[str, object]) -> None:
    layout = Layout.create(tmp_path)
    assert layout.manifest(layout.add_document(content, OCI_MANIFEST).digest) == content
