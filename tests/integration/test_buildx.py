"""buildx with whatever builder this machine has that writes OCI layouts; where there is none, its name says so.

A builder of one's own: docker buildx create --use, or --driver remote with a buildkitd.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.engines.buildx import Buildx
from pipelinegen.edge.engines.port import BuildRequest, Setup
from pipelinegen.edge.filesystem import ImageFiles
from pipelinegen.edge.layout import Layout
from pipelinegen.errors import InputError, Refused
from tests.support.dockerd import busybox

CREATED = datetime(2024, 1, 1, tzinfo=timezone.utc)
DOCKERFILE = """\
FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM base
ENV PATH=/bin
ARG VERSION
RUN --mount=type=secret,id=npm --mount=type=secret,id=key \\
    cat /run/secrets/npm /run/secrets/key | md5sum > /sum && echo "$VERSION" > /version && touch /fresh
"""
PLATFORMS = """\
FROM scratch
ARG TARGETARCH
COPY Dockerfile /for-$TARGETARCH
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Buildx]:
    with Buildx(Setup(environ={**os.environ, "NPM_SECRET": "canary-npm"})) as made:
        found = made.detect()
        if not found.works:
            pytest.skip(f"no buildx that writes OCI layouts: {found.reason}")
        yield made


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    shutil.copy(busybox(), folder / "busybox")
    (folder / "key").write_text("canary-file")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def request_for(context: Path, **values: Any) -> BuildRequest:
    secrets = ("id=npm,env=NPM_SECRET", "id=key,src=key")
    wanted = {"build_args": {"VERSION": "1.2.3"}, "secrets": secrets, "created": CREATED, **values}
    return BuildRequest("api", context, root=context, **wanted)


def files_of(layout: Layout) -> ImageFiles:
    return ImageFiles(layout, layout.images()[0].digest)


def test_the_same_input_is_the_same_digest_also_without_the_cache(
    engine: Buildx, context: Path, tmp_path: Path
) -> None:
    first = engine.build(request_for(context, labels={"team": "x"}), tmp_path / "first")
    assert first.local is None
    again = engine.build(request_for(context, labels={"team": "x"}, no_cache=True), tmp_path / "again")
    assert again.layout.root().digest == first.layout.root().digest
    config = first.layout.config(first.layout.images()[0].digest)
    assert config["created"] == "2024-01-01T00:00:00Z"
    assert config["config"]["Labels"] == {"team": "x"}
    assert files_of(first.layout).read("/version") == b"1.2.3\n"


def test_secrets_are_seen_by_the_step_alone(engine: Buildx, context: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    layout = engine.build(request_for(context, no_cache=True), tmp_path / "layout", lines.append).layout
    assert files_of(layout).read("/sum").split()[0] == b"7d24dde04b7ca80d84ce44c472c30d85"
    assert "canary" not in json.dumps(layout.config(layout.images()[0].digest)) + "\n".join(lines)


def test_several_platforms_are_one_index_with_attestations_beside(engine: Buildx, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(PLATFORMS)
    platforms = ("linux/amd64", "linux/arm64")
    request = BuildRequest("api", tmp_path, root=tmp_path, platforms=platforms, annotations={"note": "x"})
    layout = engine.build(request, tmp_path / "plain").layout
    assert [image.platform for image in layout.images()] == list(platforms)
    assert layout.manifest(layout.root().digest)["annotations"]["note"] == "x"
    assert len(layout.children(layout.root().digest)) == 2
    for image in layout.images():
        architecture = str(image.platform).partition("/")[2]
        assert ImageFiles(layout, image.digest).get(f"/for-{architecture}") is not None
    attested = BuildRequest("api", tmp_path, root=tmp_path, platforms=platforms, attest=("type=provenance,mode=max",))
    layout = engine.build(attested, tmp_path / "attested").layout
    assert [image.platform for image in layout.images()] == list(platforms)
    assert len(layout.children(layout.root().digest)) == 4


def test_another_image_of_ours_is_a_named_context(engine: Buildx, context: Path, tmp_path: Path) -> None:
    base = engine.build(request_for(context), tmp_path / "base").layout
    (tmp_path / "Dockerfile").write_text("FROM base\nRUN cat /version > /copied\n")
    contexts = {"base": f"oci-layout://{base.folder}@{base.root().digest}"}
    layout = engine.build(BuildRequest("web", tmp_path, contexts=contexts, root=tmp_path), tmp_path / "layout").layout
    assert files_of(layout).read("/copied") == b"1.2.3\n"


def test_a_cache_in_a_folder_starts_at_the_root(engine: Buildx, context: Path, tmp_path: Path) -> None:
    engine.build(request_for(context, cache_to=("type=local,dest=cache",)), tmp_path / "first")
    assert (context / "cache" / "index.json").exists()
    engine.build(request_for(context, cache_from=("type=local,src=cache",)), tmp_path / "again")


@pytest.mark.parametrize(
    ("dockerfile", "target", "kind", "id"),
    [
        (DOCKERFILE + "RUN echo why; exit 7\n", None, Refused, "build-failed"),
        ("FROM scratch\nCOPY gone /\n", None, Refused, "build-failed"),
        ("FROM scratch\nNONSENSE\n", None, InputError, "bad-dockerfile"),
        (DOCKERFILE, "nope", InputError, "bad-dockerfile"),
    ],
    ids=["a step fails", "a file is missing", "an unknown instruction", "an unknown target"],
)
def test_a_build_that_fails_says_whose_fault_it_is(
    engine: Buildx, context: Path, tmp_path: Path, dockerfile: str, target: str | None, kind: type[Exception], id: str
) -> None:
    (context / "Dockerfile").write_text(dockerfile)
    with pytest.raises(kind) as told:
        engine.build(request_for(context, target=target), tmp_path / "layout")
    assert getattr(told.value, "id", "") == id
    assert os.listdir(tmp_path) == ["context"]
