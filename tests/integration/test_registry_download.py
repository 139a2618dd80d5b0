"""Pulling images into layouts: by platform, whole, taken up again after a cut, never with other bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.filesystem import ImageFiles
from pipelinegen.edge.http import Clock
from pipelinegen.edge.layout import Layout, make_index
from pipelinegen.edge.registry import Registry
from pipelinegen.edge.registry.download import pull_image, pull_whole
from pipelinegen.edge.registry.upload import push
from pipelinegen.errors import InputError, NotPermitted, WorldError
from pipelinegen.images.media_types import OCI_INDEX
from pipelinegen.images.reference import ImageReference, parse
from tests.support.layers import add_image, file
from tests.support.registry import DOCKER_MANIFEST, Reply, every_third, flaky, push_image, push_index, start_registry
from tests.support.strict_registry import StrictRegistry, strict_registry

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")


class Puller:
    """A client whose clock does not wait."""

    def __init__(self, folder: Path) -> None:
        self.waits: list[float] = []
        self.folder = folder
        self.opened: list[Registry] = []

    def open(self, *hosts: str) -> Registry:
        registry = Registry(hosts, environ={"HOME": str(self.folder)}, clock=Clock(sleep=self.waits.append))
        self.opened.append(registry)
        return registry


@pytest.fixture
def puller(tmp_path: Path) -> Iterator[Puller]:
    puller = Puller(tmp_path)
    yield puller
    for registry in puller.opened:
        registry.close()


@pytest.fixture
def strict() -> Iterator[StrictRegistry]:
    with strict_registry() as registry:
        yield registry


def source(folder: Path) -> Layout:
    layout = Layout.create(folder)
    noise = random.Random(1).randbytes(300_000)
    images = [add_image(layout, [[file("app", name.encode() + b"x" + noise)]], platform=name) for name in PLATFORMS]
    layout.set_root(layout.add_document(make_index(images), OCI_INDEX))
    return layout


@pytest.fixture
def published(strict: StrictRegistry, puller: Puller, tmp_path: Path) -> ImageReference:
    """An image for three platforms in the strict registry."""
    name = parse(f"{strict.host}/base/app:1")
    push(puller.open(strict.host), name, source(tmp_path / "source"), ["1"])
    strict.seen.clear()
    return name


@pytest.mark.parametrize(
    ("platform", "gives"),
    [*((name, name) for name in PLATFORMS), ("linux/arm64/v8", "linux/arm64"), ("linux/arm", "linux/arm/v7")],
)
def test_the_image_for_a_platform_and_no_other(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path, platform: str, gives: str
) -> None:
    layout = Layout.create(tmp_path / "pulled")
    found = pull_image(puller.open(strict.host), published, layout, platform)
    assert found.platform == platform
    assert ImageFiles(layout, found.digest).read("/app").startswith(gives.encode() + b"x")
    assert len(strict.asked("GET")) == 4


def test_what_is_in_the_layout_is_not_pulled_again(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path
) -> None:
    layout = Layout.create(tmp_path / "pulled")
    registry = puller.open(strict.host)
    pull_image(registry, published, layout, "linux/amd64")
    strict.seen.clear()
    pull_image(registry, published, layout, "linux/amd64")
    assert not [each for each in strict.seen if "/blobs/" in each.path]


def test_a_platform_that_is_not_there_is_told(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        pull_image(puller.open(strict.host), published, Layout.create(tmp_path / "l"), "linux/s390x")
    assert caught.value.id == "bad-platform"
    assert "linux/amd64, linux/arm64, linux/arm/v7" in caught.value.what


def test_the_whole_index(strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path) -> None:
    layout = Layout.create(tmp_path / "l")
    layout.set_root(pull_whole(puller.open(strict.host), published, layout))
    assert layout.root().digest == Layout(tmp_path / "source").root().digest
    assert [each.platform for each in layout.images()] == list(PLATFORMS)


def test_a_download_that_was_cut_goes_on(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path
) -> None:
    cut = [True]

    def answers(method: str, path: str) -> Reply | None:
        if method == "GET" and "/blobs/" in path and cut and len(_body(strict, path)) > 3000:
            cut.pop()
            body = _body(strict, path)
            return Reply(200, body[:200_000], {"Content-Length": str(len(body)), "Connection": "close"})
        return None

    strict.answers = answers
    layout = Layout.create(tmp_path / "l")
    found = pull_image(puller.open(strict.host), published, layout, "linux/amd64")
    assert ImageFiles(layout, found.digest).read("/app").startswith(b"linux/amd64")
    # Whole pieces of what had come before the cut are kept.
    assert [each.headers["Range"] for each in strict.seen if "Range" in each.headers] == ["bytes=196608-"]
    assert len(puller.waits) == 1


def _body(strict: StrictRegistry, path: str) -> bytes:
    return strict.blobs[path.rpartition("/")[2]]


def test_a_server_without_ranges_sends_from_the_beginning(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path
) -> None:
    tries: list[str] = []

    def answers(method: str, path: str) -> Reply | None:
        if method != "GET" or "/blobs/" not in path or len(_body(strict, path)) < 3000:
            return None
        tries.append(path)
        body = _body(strict, path)
        cut = 200_000 if len(tries) == 1 else 100_000 if len(tries) == 2 else len(body)
        return Reply(200, body[:cut], {"Content-Length": str(len(body)), "Connection": "close"})

    strict.answers = answers
    layout = Layout.create(tmp_path / "l")
    found = pull_image(puller.open(strict.host), published, layout, "linux/amd64")
    assert ImageFiles(layout, found.digest).read("/app").startswith(b"linux/amd64")


@pytest.mark.parametrize(
    "change", [lambda body: body[:-1] + b"!", lambda body: body + b"more"], ids=["other", "longer"]
)
def test_other_bytes_are_never_kept(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path, change: object
) -> None:
    assert callable(change)
    strict.blobs = {digest: change(body) if len(body) > 3000 else body for digest, body in strict.blobs.items()}
    layout = Layout.create(tmp_path / "l")
    with pytest.raises(WorldError) as caught:
        pull_image(puller.open(strict.host), published, layout, "linux/amd64")
    assert caught.value.id == "digest-mismatch"
    assert not [path for path in (layout.folder / "blobs/sha256").iterdir() if path.name.startswith(".")]


def test_a_download_that_never_gets_through_ends(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path
) -> None:
    strict.answers = lambda method, path: Reply(503, b"", {"Retry-After": "3"}) if "/blobs/" in path else None
    with pytest.raises(WorldError) as caught:
        pull_image(puller.open(strict.host), published, Layout.create(tmp_path / "l"), "linux/amd64")
    assert caught.value.exit_code == 3
    assert puller.waits == [3.0] * 4


@pytest.mark.parametrize(("status", "kind"), [(404, WorldError), (403, NotPermitted), (410, WorldError)])
def test_a_blob_that_is_not_given_is_told(
    strict: StrictRegistry,
    puller: Puller,
    published: ImageReference,
    tmp_path: Path,
    status: int,
    kind: type[Exception],
) -> None:
    strict.answers = lambda method, path: Reply(status, b"") if "/blobs/" in path else None
    with pytest.raises(kind):
        pull_image(puller.open(strict.host), published, Layout.create(tmp_path / "l"), "linux/amd64")


def test_blobs_that_are_elsewhere_are_fetched_without_the_credential(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path
) -> None:
    (tmp_path / ".docker").mkdir()
    login = {"auths": {strict.host: {"username": "robot", "password": "secret-1"}}}
    (tmp_path / ".docker/config.json").write_text(json.dumps(login))
    with strict_registry() as storage:
        storage.blobs = strict.blobs
        strict.answers = lambda method, path: (
            Reply(307, b"", {"Location": f"http://localhost:{storage.port}{path}?signature=1"})
            if "/blobs/" in path
            else None
        )
        registry = puller.open(strict.host)
        registry.connection(published).login.answer({"www-authenticate": 'Basic realm="x"'}, "base/app")
        pull_image(registry, published, Layout.create(tmp_path / "l"), "linux/amd64")
        assert len(storage.seen) == 2
        assert all("Authorization" not in each.headers for each in storage.seen)
        assert all("Authorization" in each.headers for each in strict.seen)


@pytest.mark.parametrize("reference", ["base/app:2", "base/nothing:1"])
def test_an_image_that_is_not_there_is_told(
    strict: StrictRegistry, puller: Puller, published: ImageReference, tmp_path: Path, reference: str
) -> None:
    with pytest.raises(InputError) as caught:
        pull_image(
            puller.open(strict.host), parse(f"{strict.host}/{reference}"), Layout.create(tmp_path / "l"), "linux/amd64"
        )
    assert caught.value.id == "bad-image"


def test_docker_s_types_from_a_real_registry_through_a_proxy_that_fails(tmp_path: Path, puller: Puller) -> None:
    with start_registry(tmp_path / "registry") as running:
        push_image(running, "base/docker", "1", media_type=DOCKER_MANIFEST, content=b"x" * 500_000)
        push_index(running, "base/index", "1")
        with flaky(running.host, every_third) as proxy:
            registry = puller.open(proxy.host)
            layout = Layout.create(tmp_path / "l")
            for name in ("docker", "index"):
                found = pull_image(registry, parse(f"{proxy.host}/base/{name}:1"), layout, "linux/amd64")
                assert all(layout.has(each.digest) for each in layout.layers(found.digest))
