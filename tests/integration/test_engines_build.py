"""Every engine builds what the port says, with the real programs; those that are not installed are skipped by name."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelinegen.edge.engines.port import BuildRequest, Built, Engine
from pipelinegen.edge.filesystem import ImageFiles
from pipelinegen.edge.layout import Layout
from pipelinegen.errors import InputError, Refused, WorldError
from tests.support.engines import KINDS, SERVER, Bench, local_of, make_context, open_bench, request_for


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(request.param, tmp_path_factory) as opened:
        yield opened


@pytest.fixture(scope="module")
def engine(bench: Bench) -> Iterator[Engine]:
    with bench.engine(GITHUB_TOKEN="canary-forge", NPM_SECRET="canary-npm") as made:
        assert made.detect().works, made.detect()
        yield made


@pytest.fixture(scope="module")
def context(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_context(bench, tmp_path_factory.mktemp("context"))


@pytest.fixture(scope="module")
def built(engine: Engine, context: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built") / "layout"
    return engine.build(request_for(context, annotations={"note": "x"}), folder)


def config_of(layout: Layout) -> dict[str, Any]:
    return layout.config(layout.images()[0].digest)


# Builds.


def test_the_layout_holds_the_image_that_the_engine_has(bench: Bench, built: Built) -> None:
    layout = built.layout
    (image,) = layout.images()
    assert layout.root().digest == image.digest
    assert image.platform is not None
    assert image.platform.startswith("linux/")
    manifest = layout.manifest(image.digest)
    assert manifest["annotations"]["note"] == "x"
    words = ["inspect", "--type=image"] if bench.name == "buildah" else ["image", "inspect"]
    seen = json.loads(bench.program(*words, local_of(built)))
    identity = seen["FromImageID"] if bench.name == "buildah" else seen[0]["Id"]
    assert manifest["config"]["digest"].endswith(identity.removeprefix("sha256:"))


def test_the_layout_says_and_holds_what_the_dockerfile_asks(built: Built) -> None:
    inner = config_of(built.layout)["config"]
    assert inner["Labels"]["team"] == "a b"
    assert "GREETING=hello" in inner["Env"]
    assert (inner["WorkingDir"], inner["User"], inner["Cmd"]) == ("/srv", "1000:1000", ["sh", "/srv/server"])
    files = ImageFiles(built.layout, built.layout.images()[0].digest)
    assert files.read("/version") == b"version 1.2.3\n"
    assert files.read("/srv/server").decode() == SERVER


def test_the_same_again_is_the_same_image(engine: Engine, built: Built, context: Path, tmp_path: Path) -> None:
    again = engine.build(request_for(context, annotations={"note": "x"}), tmp_path / "layout")
    assert again.layout.root().digest == built.layout.root().digest


def test_lines_are_told_as_the_engine_writes_them(engine: Engine, context: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    request = request_for(context, build_args={"VERSION": "2", "API_TOKEN": "hunter22"})
    engine.build(request, tmp_path / "layout", lines.append)
    assert any("working" in line for line in lines)
    assert not [line for line in lines if "hunter22" in line]


@pytest.mark.parametrize(
    ("dockerfile", "kind", "id", "told"),
    [
        ("FROM {base}\nRUN echo why; exit 7\n", Refused, "build-failed", "why"),
        ("FROM {base}\nCOPY gone /\n", Refused, "build-failed", "gone"),
        ("FROM {base}\nNONSENSE\n", InputError, "bad-dockerfile", "NONSENSE"),
    ],
    ids=["a step fails", "a file is missing", "an unknown instruction"],
)
def test_a_build_that_fails_says_whose_fault_it_is(
    bench: Bench,
    engine: Engine,
    tmp_path: Path,
    dockerfile: str,
    kind: type[Exception],
    id: str,
    told: str,
) -> None:
    (tmp_path / "Dockerfile").write_text(dockerfile.format(base=bench.base))
    with pytest.raises(kind) as raised:
        engine.build(BuildRequest("api", tmp_path, root=tmp_path), tmp_path / "layout")
    assert getattr(raised.value, "id", "") == id
    assert any(told in line for line in getattr(raised.value, "details", ()))
    assert sorted(os.listdir(tmp_path)) == ["Dockerfile"]


def test_secrets_are_seen_by_the_step_alone(bench: Bench, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("canary-file")
    (tmp_path / "Dockerfile").write_text(
        f"FROM {bench.base}\n"
        "RUN --mount=type=secret,id=npm --mount=type=secret,id=key "
        "cat /run/secrets/npm /run/secrets/key | md5sum > /sum && ! env | grep c[a]nary\n"
    )
    request = BuildRequest("api", tmp_path, secrets=("id=npm,env=NPM_SECRET", "id=key,src=key"), root=tmp_path)
    if bench.kind == "docker-classic":
        with pytest.raises(InputError, match="build secrets") as told:
            engine.build(request, tmp_path / "layout")
        assert told.value.id == "engine-lacks"
        return
    lines: list[str] = []
    layout = engine.build(request, tmp_path / "layout", lines.append).layout
    files = ImageFiles(layout, layout.images()[0].digest)
    assert files.read("/sum").split()[0] == b"7d24dde04b7ca80d84ce44c472c30d85"  # md5sum of both, one after the other
    assert not [entry.path for entry in files.walk("/") if entry.kind == "file" and b"canary" in files.read(entry.path)]
    assert "canary" not in json.dumps(config_of(layout)) + "\n".join(lines)


def test_another_image_of_ours_is_a_named_context(bench: Bench, engine: Engine, built: Built, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM base\nRUN cat /version > /tmp/copied\n")
    digest = built.layout.images()[0].digest
    contexts = {"base": f"oci-layout://{built.layout.folder}@{digest}"}
    request = BuildRequest("web", tmp_path, contexts=contexts, root=tmp_path)
    if engine.lacks(request):
        with pytest.raises(InputError, match="named contexts"):
            engine.build(request, tmp_path / "layout")
        return
    layout = engine.build(request, tmp_path / "layout").layout
    assert ImageFiles(layout, layout.images()[0].digest).read("/tmp/copied") == b"version 1.2.3\n"


def test_closing_ends_a_build_in_another_thread(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {bench.base}\nRUN echo begun && sleep 100\n")
    raised: list[WorldError] = []
    begun = threading.Event()

    def work() -> None:
        def each(line: str) -> None:
            if "begun" in line and "echo" not in line:
                begun.set()

        try:
            closing.build(BuildRequest("api", tmp_path, root=tmp_path), tmp_path / "layout", each)
        except WorldError as error:
            raised.append(error)

    with bench.engine() as closing:
        thread = threading.Thread(target=work)
        thread.start()
        assert begun.wait(60)
    thread.join(60)
    assert [error.id for error in raised] == ["engine-closed"]
    assert os.listdir(tmp_path) == ["Dockerfile"]
