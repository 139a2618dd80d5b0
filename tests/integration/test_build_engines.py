"""`pipelinegen build` of the example with real engines: built, tested in containers, pushed, and nothing is left."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.engines import Bench, open_bench, wait_for
from tests.support.registry import RunningRegistry, Server, flaky, start_registry
from tests.support.shop import Shop, config_in, open_shop, tags_in, writes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=["docker-classic", "buildah"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(request.param, tmp_path_factory) as opened:
        yield opened


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with start_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def proxy(registry: RunningRegistry) -> Iterator[Server]:
    with flaky(registry.host, lambda _number, _request: None) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    return f"t{secrets.token_hex(6)}"


@pytest.fixture
def shop(
    bench: Bench,
    proxy: Server,
    prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shop:
    """The example upon a busybox that the engine has, as a name that is in no registry."""
    base = "localhost/pipelinegen-test/busybox:1"
    if base != bench.base:
        bench.program("tag", bench.base, base)
    made = open_shop(tmp_path, f"{proxy.host}/{prefix}", monkeypatch, capsys)
    # A port of this test's own: with buildah a container listens on the machine's.
    port = str(20000 + secrets.randbelow(10000))
    for name in ("pipelinegen.yaml", "web/start", "web/Dockerfile"):
        path = made.folder / name
        path.write_text(path.read_text().replace("8080", port).replace("busybox:1.37", base))
    made.commit({})
    made.variables = dict(bench.environ)
    return made


def build(shop: Shop, bench: Bench, *arguments: str) -> tuple[int, str, str]:
    return shop.build(*arguments, engine=bench.name)


def runs_in(err: str) -> set[str]:
    """The names of the runs whose images the engine told of."""
    return set(re.findall(r"localhost/pipelinegen/([0-9a-f]{12}):", err))


def test_the_example_is_built_tested_and_pushed_and_then_unchanged(
    bench: Bench, shop: Shop, registry: RunningRegistry, prefix: str, proxy: Server
) -> None:
    code, out, err = build(shop, bench, "--junit", "out")
    assert code == 0, err
    told = {image["name"]: image for image in shop.metadata["images"]}
    assert {name: (image["result"], image["engine"]) for name, image in told.items()} == {
        "catalog": ("built", bench.name),
        "web": ("built", bench.name),
    }
    assert told["web"]["tests"]["passed"] == 4
    suite = ET.parse(shop.folder / "out" / "web.xml").getroot()
    assert suite.get("failures") == "0"
    assert "its self-test" in [case.get("name") for case in suite.iter("testcase")]
    for name, image in told.items():
        tags = tags_in(registry.host, f"{prefix}/shop/{name}")
        assert set(tags.values()) == {image["digest"]}
        assert len(tags) == 3
        assert image["digest"] == digest_by_skopeo(f"{registry.host}/{prefix}/shop/{name}:main")
    # The base is in it by its bytes: the file that was copied, and nothing of ours is left in the engine.
    layers = config_in(registry.host, f"{prefix}/shop/web", "main")["rootfs"]["diff_ids"]
    assert len(layers) > 2
    (run,) = runs_in(err)
    assert (bench.containers(run), bench.images(run)) == ([], [])
    if bench.name == "buildah":  # of a stage that is nothing but FROM it leaves the container itself
        assert bench.program("containers", "--quiet").split() == []
    proxy.requests.clear()
    again = build(shop, bench)
    assert again[:2] == (0, out)
    assert shop.metadata["result"] == "unchanged"
    assert "engine" not in again[2]
    assert writes(proxy) == []


def digest_by_skopeo(name: str) -> str:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed: apt-get install -y --no-install-recommends skopeo")
    command = ["skopeo", "inspect", "--tls-verify=false", f"docker://{name}"]
    said = subprocess.run(command, capture_output=True, check=True)
    return str(json.loads(said.stdout)["Digest"])


def test_a_test_that_fails_in_a_container_keeps_the_image_back(
    bench: Bench, shop: Shop, registry: RunningRegistry, prefix: str
) -> None:
    shop.commit({"web/self-test": "#!/bin/sh\necho no fruit today >&2\nexit 3\n"})
    code, out, err = build(shop, bench, "--junit", "out")
    assert code == 1
    assert "1 of 4 tests of web failed" in err
    assert "no fruit today" in (shop.folder / "out" / "web.xml").read_text()
    failed = ET.parse(shop.folder / "out" / "web.xml").getroot().findall(".//testcase[failure]")
    assert [case.get("name") for case in failed] == ["its self-test"]
    assert tags_in(registry.host, f"{prefix}/shop/web") == {}
    # What has nothing to do with it is pushed and told, also where a later image fails.
    assert [image["name"] for image in shop.metadata["images"]] == ["catalog"]
    assert out.strip() == shop.metadata["images"][0]["reference"]
    (run,) = runs_in(err)
    assert (bench.containers(run), bench.images(run)) == ([], [])


SLOW = {
    "build": ("RUN mkdir -p /www && sleep 1000.SECONDS\n", "[]"),
    "tests": ("RUN mkdir -p /www\n", "[{name: slow, command: sleep, args: ['1000.SECONDS']}]"),
}


@pytest.mark.parametrize("when", SLOW)
def test_an_interruption_leaves_nothing_behind(
    bench: Bench, shop: Shop, registry: RunningRegistry, prefix: str, tmp_path: Path, when: str
) -> None:
    step, tests = (text.replace("SECONDS", str(os.getpid()) + str(secrets.randbelow(1000))) for text in SLOW[when])
    base = "FROM localhost/pipelinegen-test/busybox:1"
    shop.commit({"web/Dockerfile": f"{base}\nENV T={secrets.token_hex(4)}\n{step}CMD sleep 1000\n"})
    image = f"{{repository: HOST/shop/web, context: web, tags: [main], tests: {{commandTests: {tests}}}}}"
    shop.config(f"images: {{web: {image}}}\n")
    place = tmp_path / "temporary"
    place.mkdir()
    argv = [sys.executable, "-m", "pipelinegen", "build", "--engine", bench.name, "--no-cache"]
    environ = {**bench.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place)}
    (word,) = re.findall(r"1000\.\d+", step + tests)
    with subprocess.Popen(argv, env=environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE, cwd=shop.folder) as ours:
        wait_for(lambda: bool(running(word)) or ours.poll() is not None)
        ours.send_signal(signal.SIGTERM)
        _, err = ours.communicate(timeout=60)
    assert ours.returncode == 128 + signal.SIGTERM, err.decode()
    wait_for(lambda: not running(word))
    for run in runs_in(err.decode()):
        assert (bench.containers(run), bench.images(run)) == ([], [])
    # Nothing of the build's own is there either: buildah's storage is this test's alone, docker tells the commands, and
    # removes the step's container itself a moment after its end.
    if bench.name == "buildah":
        assert bench.program("containers", "--quiet").split() == []
    else:
        wait_for(lambda: word not in bench.program("ps", "--all", "--no-trunc"))
    assert list(place.iterdir()) == []
    assert tags_in(registry.host, f"{prefix}/shop/web") == {}


def running(word: str) -> list[str]:
    """The processes of this machine that sleep for so long: a container's are seen from outside of it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in words and any(name.endswith(b"sleep") for name in words[:2]):
            found.append(path.parent.name)
    return found


def test_bump_takes_what_was_built_into_the_manifests(bench: Bench, shop: Shop) -> None:
    if bench.name != "docker":
        pytest.skip("one engine is enough")
    assert build(shop, bench)[0] == 0
    ran = shop.run("bump", "--from", "build-metadata.json", "--repo", "deploy")
    assert ran.code == 0, ran.err
    text = (shop.folder / "deploy" / "kustomization.yaml").read_text()
    web = next(image for image in shop.metadata["images"] if image["name"] == "web")
    assert f"newTag: {web['tag']}@{web['digest']}" in text or f"digest: {web['digest']}" in text, text
