"""What the registry says before anything is changed: images that are not there, other contents, digests to pin."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelinegen.edge.registry import client
from tests.support import canary
from tests.support.faults import Scene, run_here
from tests.support.registry import PASSWORD, USERNAME, RunningRegistry, push_image, push_index, start_registry
from tests.support.world import Ran, World, world

SCALAR, KUSTOMIZE, HELM = "deployment.yaml", "kustomization.yaml", "values.yaml"
TOGETHER, BESIDE = "together/values.yaml", "beside/values.yaml"
OTHER = "sha256:" + "ab" * 32


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A registry that wants a login, with three tags of one image."""
    with start_registry(tmp_path_factory.mktemp("registry"), auth="htpasswd") as made:
        for tag in ("1.0.0", "1.1.0", "1.2.0"):
            push_image(made, "acme/api", tag, content=tag.encode())
        yield made


def files(host: str) -> dict[str, str]:
    """One image in the ways in which its version can stand: in the reference, as newTag, as a tag beside it."""
    return {
        SCALAR: f"containers:\n  - image: {host}/acme/api:1.0.0\n",
        KUSTOMIZE: f"images:\n  - name: {host}/acme/api\n    newTag: 1.0.0\n",
        HELM: f"image:\n  repository: {host}/acme/api\n  tag: 1.0.0\n",
        TOGETHER: f"image:\n  repository: {host}/acme/api\n  tag: 1.0.0@{OTHER}\n",
        BESIDE: f"image:\n  repository: {host}/acme/api\n  tag: 1.0.0\n  digest: {OTHER}\n",
    }


@pytest.fixture
def scene(registry: RunningRegistry, tmp_path: Path) -> Iterator[Scene]:
    with world("github", tmp_path, files(registry.host)) as place:
        made = Scene.of(place, tmp_path)
        place.environment |= {
            "PIPELINEGEN_REGISTRY_USERNAME": USERNAME,
            "PIPELINEGEN_REGISTRY_PASSWORD": PASSWORD,
        }
        yield made


def bump(scene: Scene, image: str, *options: str, password: str = PASSWORD) -> Ran:
    ran = run_here(scene.world, image, *options, ask_registry=True, PIPELINEGEN_REGISTRY_PASSWORD=password)
    assert canary.found(ran.out + ran.err, PASSWORD) == []
    assert canary.in_files([scene.home, scene.temporary, scene.world.folder], PASSWORD) == []
    return ran


def nothing_changed(place: World) -> None:
    assert place.server.requests == []
    assert place.service.stand_in.log == []


@pytest.mark.parametrize("options", [(), ("--verify-image",), ("--pin-digest",), ("--deliver", "push")])
def test_a_tag_that_nobody_pushed_is_exit_2_with_those_that_are_near(
    scene: Scene, registry: RunningRegistry, options: tuple[str, ...]
) -> None:
    ran = bump(scene, f"{registry.host}/acme/api:1.1.1", *options)
    scene.check(ran, code=2)
    assert "1.1.0" in ran.err
    nothing_changed(scene.world)


def test_an_image_that_nobody_pushed_is_exit_2(scene: Scene, registry: RunningRegistry) -> None:
    ran = bump(scene, f"{registry.host}/acme/web:1.1.0")
    scene.check(ran, code=2)
    nothing_changed(scene.world)


@pytest.mark.parametrize("options", [(), ("--verify-image",), ("--pin-digest",)])
def test_a_tag_with_another_digest_is_exit_1(scene: Scene, registry: RunningRegistry, options: tuple[str, ...]) -> None:
    ran = bump(scene, f"{registry.host}/acme/api:1.1.0@{OTHER}", *options)
    scene.check(ran, code=1, ids=frozenset({"tag-holds-other-content"}))
    nothing_changed(scene.world)


def test_an_image_that_is_there_is_delivered(scene: Scene, registry: RunningRegistry) -> None:
    ran = bump(scene, f"{registry.host}/acme/api:1.1.0", "-v")
    scene.check(ran, code=0)
    assert ran.document["images"][0]["changed"] == 5


def test_without_asking_a_registry_anything_goes(scene: Scene, registry: RunningRegistry) -> None:
    ran = run_here(scene.world, f"{registry.host}/acme/api:9.9.9")
    scene.check(ran, code=0)


def test_a_dry_run_asks_only_when_told_to(scene: Scene, registry: RunningRegistry) -> None:
    assert bump(scene, f"{registry.host}/acme/api:9.9.9", "--dry-run").code == 0
    assert bump(scene, f"{registry.host}/acme/api:9.9.9", "--dry-run", "--verify-image").code == 2


@pytest.mark.parametrize("deliver", ["push", "pull-request"])
def test_the_digest_is_written_beside_the_tag_in_each_of_the_places(
    scene: Scene, registry: RunningRegistry, deliver: str
) -> None:
    digest = push_image(registry, "acme/api", "1.1.0", content=b"1.1.0")
    ran = bump(scene, f"{registry.host}/acme/api:1.1.0", "--pin-digest", "--deliver", deliver)
    assert ran.code == 0, ran.err
    assert ran.document["images"][0]["digest"] == digest
    branch = ran.document["delivery"]["branch"]
    read = scene.world.repository.read
    assert f"image: {registry.host}/acme/api:1.1.0@{digest}" in read(branch, SCALAR)
    assert f"    newTag: 1.1.0\n    digest: {digest}" in read(branch, KUSTOMIZE)
    assert f"  tag: 1.1.0@{digest}" in read(branch, TOGETHER)
    assert f"  tag: 1.1.0\n  digest: {digest}" in read(branch, BESIDE)
    assert read(branch, HELM).endswith("  tag: 1.1.0")
    assert f"{HELM}:3:8: left alone: the digest is not written" in ran.err
    assert f"Pipelinegen-Image: {registry.host}/acme/api:1.1.0@{digest}" in scene.world.repository.message(branch)


def test_of_an_image_for_several_platforms_the_index_is_pinned(scene: Scene, registry: RunningRegistry) -> None:
    digest, children = push_index(registry, "acme/api", "2.0.0")
    ran = bump(scene, f"{registry.host}/acme/api:2.0.0", "--pin-digest")
    scene.check(ran, code=0)
    text = scene.world.repository.read(ran.document["delivery"]["branch"], SCALAR)
    assert f":2.0.0@{digest}" in text
    assert not any(child in text for child in children.values())


def test_a_moved_tag_is_a_change_when_its_digest_is_pinned(scene: Scene, registry: RunningRegistry) -> None:
    reference = f"{registry.host}/acme/api:main"
    push_image(registry, "acme/api", "main", content=b"one")
    branch = bump(scene, reference, "--pin-digest").document["delivery"]["branch"]
    moved = push_image(registry, "acme/api", "main", content=b"two")
    ran = bump(scene, reference, "--pin-digest")
    assert ran.document["delivery"]["pull_request"]["state"] == "updated"
    assert moved in scene.world.repository.read(branch, SCALAR)


@pytest.mark.parametrize("options", [(), ("--verify-image",), ("--pin-digest",)])
def test_a_registry_that_does_not_answer_is_a_note_unless_it_was_asked_for(
    tmp_path: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 1.0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        with world("github", tmp_path, files(host)) as place:
            scene = Scene.of(place, tmp_path)
            ran = run_here(place, f"{host}/acme/api:1.1.0", *options, ask_registry=True)
            scene.check(ran, code=3 if options else 0)
            if options:
                nothing_changed(place)
            else:
                assert "registry was not asked" in ran.err


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--verify-image",), 4), (("--pin-digest",), 4)])
def test_a_registry_that_does_not_let_us_in_is_a_note_unless_it_was_asked_for(
    scene: Scene, registry: RunningRegistry, options: tuple[str, ...], code: int
) -> None:
    wrong = 'w/r+o%"ng-canary-3'
    image = f"{registry.host}/acme/api:1.1.0"
    ran = bump(scene, image, *options, password=wrong)
    scene.check(ran, code=code)
    assert canary.found(ran.out + ran.err, wrong) == []
    if code:
        nothing_changed(scene.world)


def test_the_password_is_nowhere_while_it_is_used(scene: Scene, registry: RunningRegistry, tmp_path: Path) -> None:
    place = scene.world
    words = [f"{registry.host}/acme/api:1.1.0", *place.place(), "--pin-digest", "-vv"]
    with place.start("bump", *words, PYTHONDEVMODE="1", PYTHONWARNINGS="ignore") as process:
        folders = [scene.home, scene.temporary, place.folder]
        watch = canary.Watch(process.pid, folders, (PASSWORD, canary.FORGE))
        place.server.before(lambda _: True, watch.look, times=None)
        with watch:
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert watch.leaks == set()
    assert canary.found(out + err, PASSWORD) == []
    log = place.repository.git("log", "--all", "--format=raw", "-p")
    assert "@sha256:" in log
    assert canary.found(log, PASSWORD) == []


def test_a_checkout_is_verified_when_that_is_asked_for(scene: Scene, registry: RunningRegistry) -> None:
    folder = scene.world.folder
    for path, text in files(registry.host).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    own = ["bump", f"{registry.host}/acme/api:9.9.9", "--repo", str(folder)]
    assert scene.world.run(*own, "--verify-image").code == 2
    assert {path: (folder / path).read_text() for path in files(registry.host)} == files(registry.host)
    assert scene.world.run(*own).code == 0
