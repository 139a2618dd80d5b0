"""Pushing to Debian's docker-registry three ways, skopeo being the judge, and to a strict one that fails as told."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pipelinegen.edge.http import Clock
from pipelinegen.edge.layout import Descriptor, Layout, make_index
from pipelinegen.edge.registry import Registry, blobs
from pipelinegen.edge.registry.upload import Pushed, check_fixed, push, put_tags
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, Refused, WorldError
from pipelinegen.images.media_types import OCI_INDEX
from pipelinegen.images.reference import ImageReference, parse
from tests.support.layers import add_image, file, make_layout
from tests.support.registry import (
    INSTALL,
    PASSWORD,
    USERNAME,
    Auth,
    Reply,
    RunningRegistry,
    Server,
    every_third,
    flaky,
    push_image,
    start_registry,
)
from tests.support.strict_registry import StrictRegistry, strict_registry

KINDS: list[Auth] = ["open", "htpasswd", "token"]
RUNS = int(os.environ.get("PIPELINEGEN_PUSHES", "10"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Auth, RunningRegistry]]:
    """One registry of each kind; a test uses repositories of its own name."""
    with contextlib.ExitStack() as stack:
        yield {kind: stack.enter_context(start_registry(tmp_path_factory.mktemp(kind), kind)) for kind in KINDS}


class Desk:
    """Somebody who pushes: a home folder with logins, a clock that does not wait."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.waits: list[float] = []
        self.secrets: list[str] = []
        self.opened: list[Registry] = []
        (folder / ".docker").mkdir(parents=True, exist_ok=True)

    def log_in(self, host: str, username: str = USERNAME, password: str = PASSWORD) -> None:
        entry = {"auths": {host: {"username": username, "password": password}}}
        (self.folder / ".docker" / "config.json").write_text(json.dumps(entry))

    def open(self, *hosts: str) -> Registry:
        clock = Clock(sleep=self.waits.append)
        registry = Registry(
            hosts,
            environ={"HOME": str(self.folder)},
            clock=clock,
            on_secret=lambda _, secret: self.secrets.append(secret),
        )
        self.opened.append(registry)
        return registry


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "home")
    yield desk
    for registry in desk.opened:
        registry.close()


@pytest.fixture
def strict() -> Iterator[StrictRegistry]:
    with strict_registry() as registry:
        yield registry


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads in parts as of gigabytes, with kilobytes."""
    monkeypatch.setattr(blobs, "PART_BYTES", 40_000)
    monkeypatch.setattr(blobs, "SMALLEST_PART", 1_000)


def image(path: Path, size: int = 5000, seed: int = 1) -> Layout:
    body = random.Random(seed).randbytes(size)
    return make_layout(path, [[file("app", body)], [file("etc/config", "x")]], config={"Cmd": ["/app"]})


def index(path: Path) -> Layout:
    """Two platforms, and an attestation as buildx lists it."""
    layout = Layout.create(path)
    images = [add_image(layout, [[file("app", name)]], platform=name) for name in ("linux/amd64", "linux/arm64")]
    proof = add_image(layout, [[file("proof", "p")]], platform="unknown/unknown")
    note = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": images[0].digest}
    images.append(proof._replace(annotations=note))
    layout.set_root(layout.add_document(make_index(images), OCI_INDEX))
    return layout


def at(host: str, repository: str = "acme/api") -> ImageReference:
    return parse(f"{host}/{repository}")


def skopeo(registry: RunningRegistry, *arguments: str) -> bytes:
    program = shutil.which("skopeo")
    if program is None:
        pytest.skip(f"skopeo is not installed ({INSTALL})")
    login = [] if registry.auth == "open" else ["--creds", f"{USERNAME}:{PASSWORD}"]
    command, *rest = arguments
    flags = ["--tls-verify=false", *login] if command == "inspect" else ["--src-tls-verify=false"]
    if command == "copy" and login:
        flags += ["--src-creds", login[1]]
    done = subprocess.run([program, command, *flags, *rest], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


# Real registries.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", [image, index], ids=["image", "index"])
def test_skopeo_finds_what_was_pushed(
    running: dict[Auth, RunningRegistry], kind: Auth, make: Callable[[Path], Layout], desk: Desk, tmp_path: Path
) -> None:
    registry = running[kind]
    desk.log_in(registry.host)
    layout = make(tmp_path / "layout")
    name = f"judged/{make.__name__}"
    pushed = push(desk.open(registry.host), at(registry.host, name), layout, ["1.0.0", "latest"])
    assert pushed.digest == layout.root().digest
    assert pushed.tags == ["1.0.0", "latest"]
    for tag in pushed.tags:
        raw = skopeo(registry, "inspect", "--raw", f"docker://{registry.host}/{name}:{tag}")
        assert "sha256:" + hashlib.sha256(raw).hexdigest() == pushed.digest
    back = tmp_path / "back"
    skopeo(registry, "copy", "--all", f"docker://{registry.host}/{name}:1.0.0", f"oci:{back}")
    assert Layout(back).root().digest == pushed.digest
    assert {each.name for each in (back / "blobs/sha256").iterdir()} == {
        each.name for each in (layout.folder / "blobs/sha256").iterdir()
    }


def test_a_push_asks_little_and_in_order(running: dict[Auth, RunningRegistry], desk: Desk, tmp_path: Path) -> None:
    with flaky(running["token"].host, lambda _, __: None) as proxy:
        desk.log_in(proxy.host)
        registry = desk.open(proxy.host)
        layout = image(tmp_path / "layout")
        push(registry, at(proxy.host, "order/a"), layout, ["1", "2"])
        first = _shapes(proxy)
        proxy.requests.clear()
        push(registry, at(proxy.host, "order/a"), layout, ["1"])
        again = _shapes(proxy)
    blob = ["HEAD blob", "POST uploads", "PUT uploads"]
    tags = ["PUT tag", "HEAD tag"] * 2
    # The first of all is asked twice, for the registry has to say how to log in.
    assert first == ["HEAD digest", "HEAD digest", *blob * 3, "PUT digest", *tags]
    assert again == ["HEAD digest", "PUT tag", "HEAD tag"]


def _shapes(server: Server) -> list[str]:
    shapes = []
    for request in server.requests:
        kind = "uploads" if "/uploads/" in request.path else "blob" if "/blobs/" in request.path else "tag"
        shapes.append(f"{request.method} {'digest' if '/manifests/sha256:' in request.path else kind}")
    return shapes


def test_one_token_is_enough_for_a_whole_push(running: dict[Auth, RunningRegistry], desk: Desk, tmp_path: Path) -> None:
    registry = running["token"]
    assert registry.tokens is not None
    assert registry.tokens.server is not None
    desk.log_in(registry.host)
    before = len(registry.tokens.server.requests)
    push(desk.open(registry.host), at(registry.host, "one/token"), image(tmp_path / "layout"), ["1"])
    asked = registry.tokens.server.requests[before:]
    assert [request.query["scope"] for request in asked] == [["repository:one/token:pull,push"]]


def test_a_second_repository_gets_its_blobs_from_the_first(
    running: dict[Auth, RunningRegistry], desk: Desk, tmp_path: Path
) -> None:
    host = running["token"].host
    desk.log_in(host)
    registry = desk.open(host)
    layout = image(tmp_path / "layout")
    one = push(registry, at(host, "mount/one"), layout, ["1"])
    two = push(registry, at(host, "mount/two"), layout, ["1"])
    assert (one.sent, one.mounted) == (3, 0)
    assert (two.sent, two.mounted, two.bytes_sent) == (0, 3, 0)
    other = push(desk.open(host), at(host, "mount/three"), layout, ["1"], mount_from=["mount/one"])
    assert (other.sent, other.mounted) == (0, 3)
    none = push(desk.open(host), at(host, "mount/four"), layout, ["1"], mount_from=["mount/empty"])
    assert (none.sent, none.mounted) == (3, 0)


def test_through_a_proxy_that_fails_every_third_request(
    running: dict[Auth, RunningRegistry], desk: Desk, tmp_path: Path
) -> None:
    registry = running["htpasswd"]
    right = 0
    with flaky(registry.host, every_third) as proxy:
        desk.log_in(proxy.host)
        for number in range(RUNS):
            layout = image(tmp_path / f"layout{number}", 20_000 + number, number)
            with desk.open(proxy.host) as client:
                pushed = push(client, at(proxy.host, f"third/{number}"), layout, ["1.0.0", "latest"])
            direct = desk.open(registry.host)
            desk.log_in(registry.host)
            held = check_fixed(direct, at(registry.host, f"third/{number}"), ["1.0.0", "latest"])
            right += pushed.tags == list(held) and set(held.values()) == {layout.root().digest}
            desk.log_in(proxy.host)
    assert right == RUNS
    raw = skopeo(registry, "inspect", "--raw", f"docker://{registry.host}/third/0:latest")
    assert hashlib.sha256(raw).hexdigest() == Layout(tmp_path / "layout0").root().digest[7:]


def test_a_fixed_tag_with_other_content_stops_everything_before_it_begins(
    running: dict[Auth, RunningRegistry], desk: Desk, tmp_path: Path
) -> None:
    registry = running["open"]
    ours = image(tmp_path / "layout").root().digest
    theirs = push_image(registry, "fixed/a", "1.0.0")
    with flaky(registry.host, lambda _, __: None) as proxy:
        client, name = desk.open(proxy.host), at(proxy.host, "fixed/a")
        with pytest.raises(Refused) as caught:
            check_fixed(client, name, ["0.9.0", "1.0.0"], ours)
        assert {request.method for request in proxy.requests} <= {"HEAD", "GET"}
        assert check_fixed(client, name, ["0.9.0", "1.0.0"], theirs) == {"1.0.0": theirs}
        assert check_fixed(client, name, ["0.9.0", "1.0.0"]) == {"1.0.0": theirs}
        assert check_fixed(client, at(proxy.host, "fixed/nothing"), ["1.0.0"], ours) == {}
    assert caught.value.id == "tag-holds-other-content"
    assert caught.value.exit_code == 1
    assert caught.value.where == f"{proxy.host}/fixed/a:1.0.0"
    assert any(theirs in line for line in caught.value.details)


@pytest.mark.parametrize(
    ("kind", "login", "expected"),
    [
        ("htpasswd", None, "no-token"),
        ("htpasswd", ("robot", "wrong-password-1"), "scope-missing"),
        ("token", None, "no-token"),
        ("token", ("robot", "wrong-password-1"), "bad-token"),
    ],
)
def test_who_may_not_push_is_told(
    running: dict[Auth, RunningRegistry],
    desk: Desk,
    tmp_path: Path,
    kind: Auth,
    login: tuple[str, str] | None,
    expected: str,
) -> None:
    host = running[kind].host
    if login is not None:
        desk.log_in(host, *login)
    with pytest.raises(NotPermitted) as caught:
        push(desk.open(host), at(host, "denied/a"), image(tmp_path / "layout"), ["1"])
    assert caught.value.id == expected
    assert "wrong-password-1" not in "\n".join(caught.value.lines())


def test_who_may_only_pull_is_told_which_right_is_missing(
    running: dict[Auth, RunningRegistry], desk: Desk, tmp_path: Path
) -> None:
    """Everyone may pull public/*, and nobody without a login may push there."""
    host = running["token"].host
    with pytest.raises(NotPermitted) as caught:
        push(desk.open(host), at(host, "public/a"), image(tmp_path / "layout"), ["1"])
    assert caught.value.id == "no-token"
    assert "takes no image into" in caught.value.what


def test_tags_on_an_image_that_is_there(running: dict[Auth, RunningRegistry], desk: Desk, tmp_path: Path) -> None:
    host = running["htpasswd"].host
    desk.log_in(host)
    registry = desk.open(host)
    layout = index(tmp_path / "layout")
    digest = push(registry, at(host, "tags/a"), layout, ["src-1"]).digest
    pushed = put_tags(registry, at(host, "tags/a")._replace(digest=digest), at(host, "tags/a"), ["1", "2", "1"])
    assert pushed.tags == ["1", "2"]
    assert check_fixed(registry, at(host, "tags/a"), ["1", "2"]) == {"1": digest, "2": digest}


def test_tags_in_another_repository_and_in_another_registry_take_the_image_along(
    running: dict[Auth, RunningRegistry], desk: Desk, tmp_path: Path
) -> None:
    one, two = running["token"].host, running["open"].host
    desk.log_in(one)
    registry = desk.open(one)
    layout = index(tmp_path / "layout")
    digest = push(registry, at(one, "along/a"), layout, ["1"]).digest
    source = at(one, "along/a")._replace(digest=digest)
    beside = put_tags(registry, source, at(one, "along/b"), ["1"])
    assert (beside.sent, beside.digest) == (0, digest)
    other = put_tags(registry, source, at(two, "along/a"), ["1"])
    assert (other.tags, other.digest) == (["1"], digest)
    back = tmp_path / "back"
    skopeo(running["open"], "copy", "--all", f"docker://{two}/along/a:1", f"oci:{back}")
    assert {each.name for each in (back / "blobs/sha256").iterdir()} == {
        each.name for each in (layout.folder / "blobs/sha256").iterdir()
    }


def test_tags_on_an_image_that_is_not_there_are_refused(running: dict[Auth, RunningRegistry], desk: Desk) -> None:
    host = running["open"].host
    push_image(running["open"], "tags/b", "1")
    with pytest.raises(InputError) as caught:
        put_tags(desk.open(host), at(host, "tags/b")._replace(digest="sha256:" + "0" * 64), at(host, "tags/b"), ["2"])
    assert caught.value.id == "bad-image"


# A registry that fails as it is told.


def pushed_to(strict: StrictRegistry, desk: Desk, layout: Layout, tags: Sequence[str] = ("1",)) -> Pushed:
    pushed = push(desk.open(strict.host), at(strict.host), layout, tags)
    assert _is_whole(strict, layout)
    return pushed


def _is_whole(strict: StrictRegistry, layout: Layout) -> bool:
    digest = layout.root().digest
    wanted: list[Descriptor] = [*layout.layers(digest), layout.config_descriptor(digest)]
    return all(strict.blobs[blob.digest] == layout.blob(blob.digest).read_bytes() for blob in wanted)


def _sent(strict: StrictRegistry) -> int:
    return sum(each.received for each in strict.seen if "/uploads/" in each.path)


def test_an_upload_that_was_cut_goes_on_where_the_registry_says(
    strict: StrictRegistry, desk: Desk, tmp_path: Path
) -> None:
    layout = image(tmp_path / "layout", 200_000)
    strict.cut = lambda _, number: 150_000 if number == 0 else None
    pushed = pushed_to(strict, desk, layout)
    assert _sent(strict) == pushed.bytes_sent
    second = strict.asked("PUT")[1]
    size = layout.layers(layout.root().digest)[0].size
    assert second.headers["Content-Range"] == f"150000-{size - 1}"
    assert len(desk.waits) == 1


def test_an_upload_that_is_cut_again_and_again_gets_on_in_parts(
    strict: StrictRegistry, desk: Desk, tmp_path: Path, small_parts: None
) -> None:
    """As distribution does it, what is cut off is lost: only parts that arrived whole count."""
    strict.forgets = True
    strict.cut = lambda method, number: 30_000 if number < 4 or number % 2 else None
    layout = image(tmp_path / "layout", 30_000)
    pushed_to(strict, desk, layout)
    strict.seen.clear()
    strict.cut = lambda method, number: 300 if method == "PUT" and number < 40 else None
    large = image(tmp_path / "large", 300_000, seed=2)
    strict.bodies = 39
    pushed_to(strict, desk, large)
    assert [each.received for each in strict.asked("PATCH")][:2] == [40_000, 40_000]


def test_a_connection_that_never_gets_through_ends(strict: StrictRegistry, desk: Desk, tmp_path: Path) -> None:
    strict.cut = lambda _, __: 10
    with pytest.raises(WorldError) as caught:
        push(desk.open(strict.host), at(strict.host), image(tmp_path / "layout"), ["1"])
    assert caught.value.exit_code == 3
    assert "no new tag" in (caught.value.state or "")
    assert len(desk.waits) == blobs.TRIES - 1
    assert strict.manifests == {}


def test_an_answer_that_is_lost_is_looked_up(strict: StrictRegistry, desk: Desk, tmp_path: Path) -> None:
    strict.deaf = lambda _, number: number == 0
    pushed = pushed_to(strict, desk, image(tmp_path / "layout"))
    assert _sent(strict) == pushed.bytes_sent


@pytest.mark.parametrize("largest", [1_500, 10_000, 33_000])
def test_a_proxy_that_takes_no_large_bodies_gets_parts(
    strict: StrictRegistry, desk: Desk, tmp_path: Path, small_parts: None, largest: int
) -> None:
    strict.largest = largest
    pushed_to(strict, desk, image(tmp_path / "layout", 100_000))
    assert {each.received <= largest for each in strict.asked("PATCH")} >= {True}


def test_a_proxy_that_takes_nothing_is_told(
    strict: StrictRegistry, desk: Desk, tmp_path: Path, small_parts: None
) -> None:
    strict.largest = 100
    with pytest.raises(WorldError) as caught:
        push(desk.open(strict.host), at(strict.host), image(tmp_path / "layout"), ["1"])
    assert "client_max_body_size" in (caught.value.next or "")


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_refusals_that_pass_are_waited_for(strict: StrictRegistry, desk: Desk, tmp_path: Path, status: int) -> None:
    left = {"PUT": 3, "POST": 2, "HEAD": 1}

    def answers(method: str, _: str) -> Reply | None:
        left[method] = left.get(method, 0) - 1
        return Reply(status, b"wait", {"Retry-After": "7"}) if left[method] >= 0 else None

    strict.answers = answers
    pushed_to(strict, desk, image(tmp_path / "layout"))
    assert desk.waits == [7.0] * 6


def test_an_upload_that_the_registry_has_forgotten_is_begun_anew(
    strict: StrictRegistry, desk: Desk, tmp_path: Path
) -> None:
    said = iter([Reply(404, b'{"errors": [{"code": "BLOB_UPLOAD_UNKNOWN"}]}')])
    strict.answers = lambda method, path: next(said, None) if method == "PUT" and "/uploads/" in path else None
    pushed_to(strict, desk, image(tmp_path / "layout"))


def test_an_upload_that_goes_on_at_an_inner_address_stays_with_ours(
    strict: StrictRegistry, desk: Desk, tmp_path: Path
) -> None:
    strict.location = "http://127.0.0.1:5000"
    pushed_to(strict, desk, image(tmp_path / "layout"))


def test_an_upload_that_goes_on_at_another_host_gets_no_credential(
    strict: StrictRegistry, desk: Desk, tmp_path: Path
) -> None:
    desk.log_in(strict.host)
    with strict_registry() as storage:
        strict.location = f"http://localhost:{storage.port}"
        storage.location = strict.location
        layout = image(tmp_path / "layout")
        storage.answers = lambda method, path: Reply(201) if method == "PUT" else None
        registry = desk.open(strict.host)
        registry.connection(at(strict.host)).login.answer({"www-authenticate": 'Basic realm="x"'}, "acme/api")
        push(registry, at(strict.host), layout, ["1"])
        sent = storage.asked("PUT")
        assert len(sent) == 3
        assert all("Authorization" not in each.headers for each in sent)
        assert all("Authorization" in each.headers for each in strict.asked("POST"))


def test_an_upload_that_goes_on_nowhere_is_told(strict: StrictRegistry, desk: Desk, tmp_path: Path) -> None:
    strict.answers = lambda method, _: Reply(202) if method == "POST" else None
    with pytest.raises(WorldError, match="no Location"):
        push(desk.open(strict.host), at(strict.host), image(tmp_path / "layout"), ["1"])


def _says(status: int, code: str) -> Reply:
    return Reply(status, json.dumps({"errors": [{"code": code, "message": "quota or so"}]}).encode())


@pytest.mark.parametrize(
    ("reply", "error", "id"),
    [
        (_says(404, "NAME_UNKNOWN"), InputError, "bad-image"),
        (_says(403, "DENIED"), NotPermitted, "scope-missing"),
        (_says(405, "UNSUPPORTED"), WorldError, "server-refused"),
        (_says(400, "NAME_INVALID"), WorldError, "server-refused"),
    ],
    ids=["no repository", "denied", "mirror", "strange"],
)
def test_what_refuses_an_upload_is_told(
    strict: StrictRegistry, desk: Desk, tmp_path: Path, reply: Reply, error: type[PipelinegenError], id: str
) -> None:
    strict.answers = lambda method, _: reply if method == "POST" else None
    with pytest.raises(error) as caught:
        push(desk.open(strict.host), at(strict.host), image(tmp_path / "layout"), ["1"])
    assert caught.value.id == id
    assert any("quota or so" in line for line in caught.value.details)


@pytest.mark.parametrize("status", [400, 409, 412])
def test_a_tag_that_the_registry_keeps_is_a_tag_that_holds_other_content(
    strict: StrictRegistry, desk: Desk, tmp_path: Path, status: int
) -> None:
    first = pushed_to(strict, desk, image(tmp_path / "one", seed=1), ["1.0.0"])
    strict.answers = lambda method, path: (
        _says(status, "TAG_INVALID") if method == "PUT" and path.endswith("/manifests/1.0.0") else None
    )
    with pytest.raises(Refused) as caught:
        push(desk.open(strict.host), at(strict.host), image(tmp_path / "two", seed=2), ["1.0.0"])
    assert caught.value.id == "tag-holds-other-content"
    assert any(first.digest in line for line in caught.value.details)
    assert any("quota or so" in line for line in caught.value.details)
    assert "is pushed; no tag holds it yet" in (caught.value.state or "")


def test_a_tag_that_shows_late_is_waited_for(strict: StrictRegistry, desk: Desk, tmp_path: Path) -> None:
    behind = [_says(404, "MANIFEST_UNKNOWN")] * 2
    strict.answers = lambda method, path: (
        behind.pop() if behind and method == "HEAD" and path.endswith("/manifests/1") else None
    )
    assert pushed_to(strict, desk, image(tmp_path / "layout")).tags == ["1"]
    assert len(desk.waits) == 2


def test_a_tag_that_shows_something_else_is_told(strict: StrictRegistry, desk: Desk, tmp_path: Path) -> None:
    other = "sha256:" + "1" * 64
    strict.answers = lambda method, path: (
        Reply(200, b"", {"Docker-Content-Digest": other}) if method == "HEAD" and path.endswith("/two") else None
    )
    with pytest.raises(WorldError) as caught:
        push(desk.open(strict.host), at(strict.host), image(tmp_path / "layout"), ["one", "two", "three"])
    assert caught.value.id == "tag-not-confirmed"
    assert caught.value.exit_code == 3
    assert "the tags one hold it" in (caught.value.state or "")
    assert (("acme/api", "three")) not in strict.manifests


def test_a_registry_that_received_other_bytes_is_told(strict: StrictRegistry, desk: Desk, tmp_path: Path) -> None:
    stated = {"Docker-Content-Digest": "sha256:" + "1" * 64}
    strict.answers = lambda method, path: Reply(201, b"", stated) if method == "PUT" and "/manifests/" in path else None
    with pytest.raises(WorldError) as caught:
        push(desk.open(strict.host), at(strict.host), image(tmp_path / "layout"), ["1"])
    assert caught.value.id == "digest-mismatch"


def test_a_registry_that_states_no_digest_is_judged_by_its_bytes(
    strict: StrictRegistry, desk: Desk, tmp_path: Path
) -> None:
    layout = image(tmp_path / "layout")
    body = layout.read(layout.root().digest)
    strict.answers = lambda method, path: (
        Reply(200, body, {"Content-Type": layout.root().media_type})
        if method in ("HEAD", "GET") and path.endswith("/manifests/1")
        else None
    )
    assert pushed_to(strict, desk, layout).tags == ["1"]
