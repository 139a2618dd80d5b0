"""The registry client before servers that behave as real ones were seen to, or as a hostile one could.

Each is a few lines of answers: no registry that can be installed here behaves so on request.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from pathlib import Path

import pytest

from pipelinegen.edge.http import Clock
from pipelinegen.edge.registry import Found, Missing, Registry, Tags, Unknown, verify
from pipelinegen.edge.registry.client import PAGE_SIZE
from pipelinegen.edge.registry.connection import Connection, Connections
from pipelinegen.edge.registry.credentials import Keyring
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.reference import ImageReference
from tests.support.registry import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Reply,
    Request,
    Server,
    basic,
    digest_of,
    serve,
)

BODY = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {}, "layers": []}).encode()
DIGEST = digest_of(BODY)
OTHER = "sha256:" + "1" * 64
GOOD = Reply(200, BODY, {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": DIGEST})
UNKNOWN = Reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
CANARY = "canary/+%9"
URL = "/v2/acme/api/manifests/1.0.0"


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clients: list[Registry] = []
        self.waits: list[float] = []
        self.notes: list[str] = []

    def log_in(self, *hosts: str) -> None:
        encoded = base64.b64encode(f"robot:{CANARY}".encode()).decode()
        folder = self.folder / ".docker"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": encoded} for host in hosts}}))

    def client(self, host: str) -> Registry:
        clock = Clock(sleep=self.waits.append, jitter=lambda: 0.1)
        environ = {"HOME": str(self.folder)}
        self.clients.append(Registry([host], environ=environ, clock=clock, tell=self.notes.append))
        return self.clients[-1]

    def exists(self, server: Server, tag: str | None = "1.0.0", digest: str | None = None) -> Found | Missing | Unknown:
        return self.client(server.host).exists(ImageReference(server.host, "acme/api", tag, digest))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    for client in desk.clients:
        client.close()


def head_and_get(head: Reply, get: Reply) -> Callable[[Request], Reply]:
    return lambda request: head if request.method == "HEAD" else get


def shown(server: Server) -> list[str]:
    return [request.headers.get("Authorization", "") for request in server.requests]


# HEAD and GET.

PLAIN = {"Content-Type": OCI_MANIFEST}
INFERRED = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
HEADS: Mapping[str, tuple[Reply, Reply, Found]] = {
    "HEAD answers 404 and GET does not (Nexus)": (Reply(404), GOOD, Found(DIGEST, OCI_MANIFEST)),
    "HEAD is not allowed": (Reply(405), GOOD, Found(DIGEST, OCI_MANIFEST)),
    "HEAD states no digest (registry.redhat.io)": (
        Reply(200, b"", PLAIN),
        Reply(200, BODY, PLAIN),
        Found(DIGEST, OCI_MANIFEST),
    ),
    "HEAD states a broken digest": (
        Reply(200, b"", {**PLAIN, "Docker-Content-Digest": "sha256:abc"}),
        GOOD,
        Found(DIGEST, OCI_MANIFEST),
    ),
    "a file server that knows no types": (
        Reply(200),
        Reply(200, BODY, {"Content-Type": "application/octet-stream"}),
        Found(DIGEST, OCI_MANIFEST),
    ),
    "an index that does not say what it is": (
        Reply(200),
        Reply(200, INFERRED, {"Content-Type": "application/json; charset=utf-8"}),
        Found(digest_of(INFERRED), OCI_INDEX),
    ),
    "the type in capitals and with a parameter": (
        Reply(200),
        Reply(200, BODY, {"Content-Type": DOCKER_MANIFEST.upper() + ";charset=x"}),
        Found(DIGEST, DOCKER_MANIFEST),
    ),
}


@pytest.mark.parametrize(("head", "get", "expected"), HEADS.values(), ids=HEADS.keys())
def test_where_head_does_not_settle_it_the_manifest_is_read(
    desk: Desk, head: Reply, get: Reply, expected: Found
) -> None:
    with serve(head_and_get(head, get)) as server:
        assert desk.exists(server) == expected
        assert server.asked() == [f"HEAD {URL}", f"GET {URL}"]


def digests(desk: Desk, server: Server, *tags: str) -> list[str | None]:
    client = desk.client(server.host)
    return [client.digest(ImageReference(server.host, "acme/api", tag)) for tag in tags]


def methods(server: Server) -> list[str]:
    return [request.method for request in server.requests]


def test_a_404_to_head_is_borne_out_once_and_then_believed(desk: Desk) -> None:
    with serve(lambda _: UNKNOWN) as server:
        assert digests(desk, server, "a", "b", "c") == [None, None, None]
        assert methods(server) == ["HEAD", "GET", "HEAD", "HEAD"]


def test_where_head_has_shown_an_image_its_404_is_believed(desk: Desk) -> None:
    with serve(lambda request: GOOD if request.path.endswith("/a") else UNKNOWN) as server:
        assert digests(desk, server, "a", "b", "a") == [DIGEST, None, DIGEST]
        assert methods(server) == ["HEAD", "HEAD", "HEAD"]


def test_where_head_answers_404_to_what_is_there_it_is_never_believed(desk: Desk) -> None:
    with serve(head_and_get(Reply(404), GOOD)) as server:
        assert digests(desk, server, "a", "b") == [DIGEST, DIGEST]
        assert methods(server) == ["HEAD", "GET", "HEAD", "GET"]


def test_a_repository_is_believed_for_itself(desk: Desk) -> None:
    with serve(lambda _: UNKNOWN) as server:
        client = desk.client(server.host)
        for path in ("acme/api", "acme/web"):
            assert client.digest(ImageReference(server.host, path, "1.0.0")) is None
        assert methods(server) == ["HEAD", "GET", "HEAD", "GET"]


def test_a_digest_that_cannot_be_asked_for_is_an_error(desk: Desk) -> None:
    with serve(lambda _: Reply(400, b"no")) as server, pytest.raises(WorldError) as told:
        digests(desk, server, "a")
    assert told.value.id == "server-refused"


def test_all_types_of_manifests_are_asked_for(desk: Desk) -> None:
    with serve(lambda _: GOOD) as server:
        desk.exists(server)
        accepted = server.requests[0].headers["Accept"].split(", ")
        assert len(accepted) == 4
        assert {OCI_INDEX, OCI_MANIFEST, DOCKER_MANIFEST} < set(accepted)
        assert server.requests[0].headers["Accept-Encoding"] == "identity"


# Digests.


def test_a_digest_that_the_registry_has_is_settled_by_head(desk: Desk) -> None:
    with serve(lambda _: GOOD) as server:
        assert desk.exists(server, None, DIGEST) == Found(DIGEST, OCI_MANIFEST)
        assert server.asked() == [f"HEAD /v2/acme/api/manifests/{DIGEST}"]


@pytest.mark.parametrize(
    "get",
    [GOOD, Reply(200, BODY, PLAIN), Reply(200, BODY, {**PLAIN, "Docker-Content-Digest": OTHER})],
    ids=["its own digest", "no digest", "the digest that was asked for"],
)
def test_other_bytes_than_the_digest_names_are_an_error_and_no_note(desk: Desk, get: Reply) -> None:
    with serve(head_and_get(Reply(200, b"", PLAIN), get)) as server, pytest.raises(WorldError) as caught:
        desk.exists(server, None, OTHER)
    assert caught.value.id == "digest-mismatch"
    assert caught.value.details == (f"expected {OTHER}", f"received {DIGEST}")


def test_a_registry_that_states_another_digest_than_was_asked_for_is_not_believed(desk: Desk) -> None:
    states_other = Reply(200, b"", {**PLAIN, "Docker-Content-Digest": OTHER})
    with serve(head_and_get(states_other, GOOD)) as server:
        assert desk.exists(server, None, DIGEST) == Found(DIGEST, OCI_MANIFEST)
        assert len(server.requests) == 2


def test_bytes_other_than_the_registry_states_are_an_error(desk: Desk) -> None:
    wrong = Reply(200, BODY, {**PLAIN, "Docker-Content-Digest": OTHER})
    with serve(head_and_get(Reply(404), wrong)) as server, pytest.raises(WorldError, match="other bytes"):
        desk.exists(server)


def test_a_configuration_of_other_bytes_is_an_error(desk: Desk) -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {"digest": OTHER}}).encode()

    def answer(request: Request) -> Reply:
        return (
            Reply(200, b'{"os": "linux", "architecture": "evil"}')
            if "/blobs/" in request.path
            else Reply(200, body, PLAIN)
        )

    with serve(answer) as server, pytest.raises(WorldError, match="other bytes"):
        desk.client(server.host).inspect(ImageReference(server.host, "acme/api", "1.0.0"))


# No, and what looks like it.

NAME_UNKNOWN = Reply(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known"}]}')


def with_api(status: int, answer: Reply) -> Callable[[Request], Reply]:
    return lambda request: Reply(status) if request.path == "/v2/" else answer


MISSING: Mapping[str, tuple[Callable[[Request], Reply], Missing]] = {
    "by its code": (lambda _: UNKNOWN, Missing("MANIFEST_UNKNOWN: manifest unknown")),
    "no such repository": (lambda _: NAME_UNKNOWN, Missing("NAME_UNKNOWN: repository name not known", repository=True)),
    "a bare 404 of a registry": (with_api(200, Reply(404)), Missing("")),
    "a bare 404 of a registry that wants a login": (with_api(401, Reply(404, b"<html>")), Missing("")),
}


@pytest.mark.parametrize(("answer", "expected"), MISSING.values(), ids=MISSING.keys())
def test_the_image_is_missing(desk: Desk, answer: Callable[[Request], Reply], expected: Missing) -> None:
    with serve(answer) as server:
        assert desk.exists(server) == expected


def test_a_missing_repository_is_an_error_of_the_input(desk: Desk) -> None:
    with serve(lambda _: NAME_UNKNOWN) as server:
        with pytest.raises(InputError) as caught:
            verify(ImageReference(server.host, "acme/api", "1.0.0"), desk.client(server.host))
        assert caught.value.id == "bad-image"
        assert caught.value.what == "the registry has no such repository"
        assert caught.value.details == (f"{server.host}: NAME_UNKNOWN: repository name not known",)


SCHEMA_1 = Reply(
    200, b'{"schemaVersion": 1}', {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}
)
NOT_KNOWN: Mapping[str, tuple[Callable[[Request], Reply], str, int]] = {
    "a web server that is no registry": (lambda _: Reply(404, b"<html>nothing here"), "server-refused", 3),
    "a web page for every address": (lambda _: Reply(200, b"<html>welcome"), "server-refused", 3),
    "JSON that is no manifest": (lambda _: Reply(200, b'{"hello": "world"}'), "server-refused", 3),
    "JSON that is no object": (lambda _: Reply(200, b"[]"), "server-refused", 3),
    "JSON too deep": (lambda _: Reply(200, b"[" * 100_000), "server-refused", 3),
    "docker's schema 1 without a digest": (lambda _: SCHEMA_1, "server-refused", 3),
    "401 that does not say what it wants": (lambda _: Reply(401), "no-token", 4),
    "401 that wants what nobody has": (lambda _: Reply(401, b"", {"WWW-Authenticate": "Negotiate"}), "no-token", 4),
    "403": (lambda _: Reply(403, b'{"errors":[{"code":"DENIED","message":"no"}]}'), "no-token", 4),
    "400": (lambda _: Reply(400, b"bad\x1b[31m request"), "server-refused", 3),
    "an answer without end": (lambda _: Reply(200, b"x" * 6 * 1024 * 1024), "server-refused", 3),
    "503 for ever": (lambda _: Reply(503, b"maintenance"), "server-refused", 3),
    "cut for ever": (lambda _: Reply(0), "net", 3),
}


@pytest.mark.parametrize(("answer", "kind", "code"), NOT_KNOWN.values(), ids=NOT_KNOWN.keys())
def test_it_is_not_known(desk: Desk, answer: Callable[[Request], Reply], kind: str, code: int) -> None:
    with serve(answer) as server:
        found = desk.exists(server)
    assert isinstance(found, Unknown)
    assert (found.error.id, found.error.exit_code) == (kind, code)
    assert found.reason.startswith((server.host, server.url))
    assert found.reason.isprintable()


# Limits of the registry's patience, and of ours.


@pytest.mark.parametrize("wait", ["2", formatdate(4_000_000_002, usegmt=True)], ids=["seconds", "date"])
def test_a_limit_that_is_soon_over_is_waited_for(desk: Desk, wait: str) -> None:
    replies = [Reply(429, b"", {"Retry-After": wait, "Date": formatdate(4_000_000_000, usegmt=True)}), GOOD]
    with serve(lambda _: replies.pop(0)) as server:
        assert desk.exists(server) == Found(DIGEST, OCI_MANIFEST)
    assert desk.waits == [2.0]
    assert desk.notes == ["rate limit reached (429), trying again in 2 s, 2 of 4"]


@pytest.mark.parametrize("headers", [{"Retry-After": "21600"}, {}], ids=["six hours", "untold (Docker Hub)"])
def test_a_limit_that_is_not_soon_over_is_told_at_once(desk: Desk, headers: dict[str, str]) -> None:
    said = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'
    with serve(lambda _: Reply(429, said, headers)) as server:
        found = desk.exists(server)
    assert isinstance(found, Unknown)
    assert found.error.id == "rate-limited"
    assert desk.waits == []
    assert len(server.requests) == 1


def test_a_registry_that_fails_for_a_moment_is_asked_again(desk: Desk) -> None:
    replies = [Reply(503), Reply(0), Reply(500), GOOD]
    with serve(lambda _: replies.pop(0)) as server:
        assert desk.exists(server) == Found(DIGEST, OCI_MANIFEST)
    assert len(desk.waits) == 3


# Where the credential goes.


def bearer(realm: str, **more: str) -> Reply:
    words = ", ".join(f'{name}="{value}"' for name, value in {"realm": realm, **more}.items())
    return Reply(401, b"", {"WWW-Authenticate": f"Bearer {words}"})


def guarded(challenge: Callable[[], Reply], token: str = "good") -> Callable[[Request], Reply]:
    return lambda request: GOOD if request.headers.get("Authorization") == f"Bearer {token}" else challenge()


def test_the_credential_of_another_registry_is_not_shown(desk: Desk) -> None:
    with serve(lambda _: Reply(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})) as server:
        desk.log_in("127.0.0.1", "localhost", f"localhost:{server.port}", f"127.0.0.1:{server.port}1", "ghcr.io")
        assert isinstance(desk.exists(server), Unknown)
        assert shown(server) == ["", ""]


def test_bearer_is_preferred_and_the_registry_never_sees_the_password(desk: Desk) -> None:
    with serve(lambda _: Reply(200, b'{"access_token": "good"}')) as tokens:
        scope = "repository:acme/api:pull,push other"
        both = f'Basic realm="a, b", Bearer realm="{tokens.url}/t", service="s, t", scope="{scope}"'
        with serve(guarded(lambda: Reply(401, b"", {"WWW-Authenticate": both}))) as server:
            desk.log_in(server.host)
            assert isinstance(desk.exists(server), Found)
            assert shown(server) == ["", "Bearer good"]
        assert shown(tokens) == [basic("robot", CANARY)]
        assert tokens.requests[0].query == {
            "account": ["robot"],
            "service": ["s, t"],
            "scope": ["repository:acme/api:pull,push", "other"],
        }


def test_a_token_that_has_gone_bad_is_fetched_anew(desk: Desk) -> None:
    names = ["first", "second"]
    with serve(lambda _: Reply(200, json.dumps({"token": names[0]}).encode())) as tokens:

        def answer(request: Request) -> Reply:
            return guarded(lambda: bearer(f"{tokens.url}/t"), names[0])(request)

        with serve(answer) as server:
            client = desk.client(server.host)
            reference = ImageReference(server.host, "acme/api", "1.0.0")
            assert isinstance(client.exists(reference), Found)
            names.pop(0)
            assert isinstance(client.exists(reference), Found)
            assert shown(server) == ["", "Bearer first", "Bearer first", "Bearer second"]


def test_an_identity_token_is_shown_again_where_the_token_server_failed_for_a_moment(desk: Desk) -> None:
    replies = [Reply(503), Reply(0), Reply(200, b'{"access_token": "good"}')]
    with serve(lambda _: replies.pop(0)) as tokens, serve(guarded(lambda: bearer(f"{tokens.url}/t"))) as server:
        folder = desk.folder / ".docker"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"auths": {server.host: {"identitytoken": CANARY}}}))
        assert isinstance(desk.exists(server), Found)
        assert [request.method for request in tokens.requests] == ["POST"] * 3


def test_a_registry_elsewhere_cannot_send_the_password_to_a_program_on_this_machine(desk: Desk) -> None:
    environ = {"PIPELINEGEN_REGISTRY_USERNAME": "robot", "PIPELINEGEN_REGISTRY_PASSWORD": CANARY}
    keyring = Keyring(environ, ["r.test"], warn=desk.notes.append, on_secret=lambda _, __: None)
    with serve(lambda _: Reply(200, b'{"token": "good"}')) as local:
        with Connections(environ, Clock(), 5.0, desk.notes.append) as connections:
            login = Connection("r.test", connections, keyring, Clock(), lambda _, __: None).login
            with pytest.raises(WorldError, match="not https"):
                login.answer({"www-authenticate": f'Bearer realm="{local.url}/t"'}, "acme/api")
        assert local.requests == []


REALMS = [
    "http://tokens.example.com/t",
    "ftp://127.0.0.1/t",
    "//127.0.0.1/t",
    "t",
    "https://me:pass@127.0.0.1/t",
    "https://[::1/t",
]


@pytest.mark.parametrize("realm", REALMS)
def test_a_token_address_without_https_is_not_asked(desk: Desk, realm: str) -> None:
    with serve(lambda _: bearer(realm)) as server:
        desk.log_in(server.host)
        found = desk.exists(server)
    assert isinstance(found, Unknown)
    assert "not https" in found.reason
    assert shown(server) == [""]


TOKENS = {
    "no JSON": (Reply(200, b"<html>"), "server-refused"),
    "no token": (Reply(200, b'{"expires_in": 60}'), "server-refused"),
    "no text": (Reply(200, b'{"token": 5}'), "server-refused"),
    "a list": (Reply(200, b"[]"), "server-refused"),
    "a line break": (Reply(200, b'{"token": "a\\r\\nX-Evil: 1"}'), "server-refused"),
    "empty": (Reply(200, b'{"token": ""}'), "server-refused"),
    "403": (Reply(403, b'{"details": "suspended"}'), "bad-token"),
    "404": (Reply(404), "server-refused"),
    "a redirect": (Reply(302, b"", {"Location": "/elsewhere"}), "server-refused"),
    "503": (Reply(503), "server-refused"),
}


@pytest.mark.parametrize(("reply", "kind"), TOKENS.values(), ids=TOKENS.keys())
def test_a_token_server_that_gives_none(desk: Desk, reply: Reply, kind: str) -> None:
    with serve(lambda _: reply) as tokens, serve(lambda _: bearer(f"{tokens.url}/t")) as server:
        desk.log_in(server.host)
        found = desk.exists(server)
        assert isinstance(found, Unknown)
        assert found.error.id == kind
        assert all(header == "" for header in shown(server))
        assert {request.path.partition("?")[0] for request in tokens.requests} == {"/t"}
        assert CANARY not in "\n".join([repr(found), found.reason, *desk.notes])


def test_docker_hub_answers_a_repository_that_is_not_there_as_one_without_the_right(desk: Desk) -> None:
    with serve(lambda _: Reply(200, b'{"token": "good"}')) as tokens:
        said = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
        headers = {"WWW-Authenticate": f'Bearer realm="{tokens.url}/t",error="insufficient_scope"'}
        with serve(lambda _: Reply(401, said, headers)) as server:
            desk.log_in(server.host)
            found = desk.exists(server)
    assert isinstance(found, Unknown)
    assert found.error.id == "scope-missing"
    assert "or there is no such repository" in found.reason


# Redirects.


def test_a_read_that_is_redirected_elsewhere_carries_no_credential(desk: Desk) -> None:
    config = json.dumps({"os": "linux", "architecture": "s390x"}).encode()
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {"digest": digest_of(config)}}).encode()
    stored = {"/manifest?signature=a%2Fb": Reply(200, body, PLAIN), "/config": Reply(200, config)}
    with serve(lambda request: stored[request.path]) as storage:

        def answer(request: Request) -> Reply:
            if request.headers.get("Authorization") != basic("robot", CANARY):
                return Reply(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
            path = "/config" if "/blobs/" in request.path else "/manifest?signature=a%2Fb"
            return Reply(307, b"", {"Location": storage.url + path})

        with serve(answer) as server:
            desk.log_in(server.host, storage.host)
            found = desk.client(server.host).inspect(ImageReference(server.host, "acme/api", "1.0.0"))
            assert found == Found(digest_of(body), OCI_MANIFEST, ("linux/s390x",))
            assert shown(server) == ["", basic("robot", CANARY), basic("robot", CANARY)]
        assert shown(storage) == ["", ""]
        assert storage.asked() == ["GET /manifest?signature=a%2Fb", "GET /config"]


def test_storage_that_asks_for_a_credential_gets_none(desk: Desk) -> None:
    with serve(lambda _: Reply(401, b"", {"WWW-Authenticate": 'Basic realm="phish"'})) as storage:

        def answer(request: Request) -> Reply:
            location = {"Location": storage.url + "/m"}
            asked = Reply(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
            return Reply(307, b"", location) if "Authorization" in request.headers else asked

        with serve(answer) as server:
            desk.log_in(server.host, storage.host)
            assert isinstance(desk.exists(server), Unknown)
        assert set(shown(storage)) == {""}


def test_a_redirect_at_the_same_registry_keeps_the_credential(desk: Desk) -> None:
    def answer(request: Request) -> Reply:
        if "Authorization" not in request.headers:
            return Reply(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
        return GOOD if request.path == "/moved" else Reply(308, b"", {"Location": "/moved"})

    with serve(answer) as server:
        desk.log_in(server.host)
        assert isinstance(desk.exists(server), Found)
        assert shown(server) == ["", basic("robot", CANARY), basic("robot", CANARY)]


@pytest.mark.parametrize(
    "location",
    ["http://storage.example.com/m", "file:///etc/passwd", "ftp://127.0.0.1/m", "https://u:p@127.0.0.1/m", ""],
)
def test_a_redirect_to_a_place_that_is_not_https_is_not_followed(desk: Desk, location: str) -> None:
    with serve(lambda _: Reply(302, b"", {"Location": location} if location else {})) as server:
        found = desk.exists(server)
    assert isinstance(found, Unknown)
    assert found.error.id == "redirected"


def test_redirects_without_end_are_followed_to_an_end(desk: Desk) -> None:
    with serve(lambda request: Reply(302, b"", {"Location": request.path + "x"})) as server:
        found = desk.exists(server)
        assert isinstance(found, Unknown)
        assert found.error.id == "redirected"
        assert len(server.requests) == 6


# Lists of tags.


def pages(server: Callable[[], Server], links: list[str], tags: list[object]) -> Callable[[Request], Reply]:
    """Page n is at ?page=n; links[n] is its Link header."""

    def answer(request: Request) -> Reply:
        number = int(request.query.get("page", ["0"])[0])
        link = links[number].replace("{url}", server().url) if number < len(links) else ""
        return Reply(
            200, json.dumps({"name": "acme/api", "tags": tags[number]}).encode(), {"Link": link} if link else {}
        )

    return answer


def listed(desk: Desk, links: list[str], tags: list[object], **options: int) -> tuple[Tags | Missing, Server]:
    running: list[Server] = []
    with serve(pages(lambda: running[0], links, tags)) as server:
        running.append(server)
        client = desk.client(server.host)
        return client.tags(ImageReference(server.host, "acme/api"), **options), server


PAGES = "/v2/acme/api/tags/list"
LINKS = {
    "relative": f'<{PAGES}?page=1>; rel="next"',
    "without quotes": f"<{PAGES}?page=1>; rel=next",
    "only a query": '<?page=1>; rel="next"',
    "absolute": "<{url}" + f'{PAGES}?page=1>; rel="next"',
    "with another scheme and port (a proxy)": f'<https://127.0.0.1:8443{PAGES}?page=1>; rel="next"',
    "after another": f'</first>; rel="first", <{PAGES}?page=1>; title="x"; rel="next"',
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS.keys())
def test_the_pages_of_a_list_of_tags(desk: Desk, link: str) -> None:
    tags, server = listed(desk, [link], [["1.0", "1.1"], ["1.1", "1.2"]])
    assert tags == Tags(("1.0", "1.1", "1.2"), complete=True)
    assert server.asked() == [f"GET {PAGES}?n={PAGE_SIZE}", f"GET {PAGES}?page=1"]


def test_a_list_of_tags_that_goes_on_at_another_host_is_not_followed(desk: Desk) -> None:
    with pytest.raises(WorldError) as caught:
        listed(desk, ['<https://evil.example.com/v2/acme/api/tags/list?page=1>; rel="next"'], [["1.0"]])
    assert caught.value.id == "redirected"
    assert "evil.example.com" in caught.value.what


def test_a_list_of_tags_that_turns_in_a_circle_ends(desk: Desk) -> None:
    circle = [f'<{PAGES}?page=1>; rel="next"', f'<{PAGES}?page=1>; rel="next"']
    tags, server = listed(desk, circle, [["1.0"], ["1.1"]])
    assert isinstance(tags, Tags)
    assert tags.names == ("1.0", "1.1")
    assert len(server.requests) == 2


def test_a_list_of_tags_is_cut_where_enough_was_read_and_says_so(desk: Desk) -> None:
    links = [f'<{PAGES}?page={number}>; rel="next"' for number in (1, 2)]
    tags, _ = listed(desk, links, [["1.0"], ["1.1"], ["1.2"]], pages=2)
    assert tags == Tags(("1.0", "1.1"), complete=False)


@pytest.mark.parametrize("tags", [None, [], "1.0", {"1.0": 1}, [5, None, "", "a b", "-x", "../x"]])
def test_what_are_no_tags_is_not_listed(desk: Desk, tags: object) -> None:
    assert listed(desk, [], [tags])[0] == Tags((), complete=True)
