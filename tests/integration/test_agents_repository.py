"""Generated manifest repositories at work: bumped, promoted, rolled back and observed, with real commands and git."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelinegen.pipelines.agents import AGENTS
from pipelinegen.pipelines.agents.layout import layout_of
from pipelinegen.pipelines.application import Application
from pipelinegen.pipelines.blocks import kept, parts_of, text_of
from tests.judges.agents import ENGINE
from tests.support import manifest_trees as trees
from tests.support.applications import shop, shop_on_gitlab
from tests.support.world import World, world

API, WORKER = "ghcr.io/acme/api", "ghcr.io/acme/worker"
DIGEST = "sha256:" + "ab" * 32
STAGING = "apps/shop/overlays/staging/kustomization.yaml"
PRODUCTION = "apps/shop/overlays/production/kustomization.yaml"


def files(agent: str, application: Application) -> dict[str, str]:
    return {file.path: file.text for file in AGENTS[agent].files(application)}  # type: ignore[index]


def configure(place: World, statuses: Mapping[str, str]) -> None:
    """The application repository's configuration, with what README.md says of commit statuses."""
    environments = {
        "staging": {"paths": ["apps/*/overlays/staging/**"], "deliver": "push"},
        "production": {"paths": ["apps/*/overlays/production/**"], "deliver": "pull-request"},
    }
    for name, status in statuses.items():
        environments[name]["observe"] = {"status": status}  # type: ignore[assignment]
    configuration = {
        "version": 1,
        "project": "shop",
        "images": {"api": {"repository": API}, "worker": {"repository": WORKER}},
        "manifests": {
            "repository": place.url,
            "forge": place.kind,
            "forge-url": place.service.stand_in.api,
            "verify-image": False,
            "environments": environments,
        },
    }
    (place.folder / "pipelinegen.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")


def versions(text: str) -> list[tuple[str, str | None]]:
    return [(each["newTag"], each.get("digest")) for each in yaml.safe_load(text)["images"]]


def test_bump_promote_and_rollback_change_the_versions_and_nothing_else(tmp_path: Path) -> None:
    """In the overlays, which are the same for both agents."""
    texts = files("argocd", shop())
    assert {path for path, text in files("flux", shop()).items() if texts.get(path) == text} >= {STAGING, PRODUCTION}
    with world("github", tmp_path / "world", texts) as place:
        configure(place, {})
        for references in (["api=1.0.0", "worker=1.0.0"], [f"{API}:1.1.0@{DIGEST}", "worker=3f9a1c2"]):
            done = place.run("bump", *references, "--env", "staging", "--json")
            assert (done.code, done.document["result"]) == (0, "updated"), done.err
        staging = place.repository.read("main", STAGING)
        assert versions(staging) == [("1.1.0", DIGEST), ("3f9a1c2", None)]

        promoted = place.run("promote", "--from", "staging", "--to", "production", "--json")
        assert promoted.code == 0, promoted.err
        place.service.stand_in.merge_by_hand(1)
        assert versions(place.repository.read("main", PRODUCTION)) == versions(staging)

        back = place.run("rollback", "--env", "staging", "--json")
        assert back.code == 0, back.err
        assert versions(place.repository.read("main", STAGING)) == [("1.0.0", None), ("1.0.0", None)]

        changed = {path for path, text in texts.items() if place.repository.read("main", path).strip() != text.strip()}
        assert changed == {STAGING, PRODUCTION}
        lines = [set(texts[PRODUCTION].splitlines()), set(place.repository.read("main", PRODUCTION).splitlines())]
        assert {line.strip().partition(":")[0] for line in lines[0] ^ lines[1]} == {"newTag", "digest"}

        # Written again, with what the new files would be: the versions stay.
        for path in changed:
            stands = parts_of(place.repository.read("main", path))
            assert text_of(kept(stands, parts_of(texts[path]))).strip() == place.repository.read("main", path).strip()

        checkout = tmp_path / "checkout"
        git = ["git", "clone", "--quiet", str(place.repository.path), str(checkout)]
        subprocess.run(git, check=True, capture_output=True)
        images = [
            container["image"]
            for each in trees.built(checkout / "apps/shop/overlays/production")
            if each["kind"] == "Deployment"
            for container in each["spec"]["template"]["spec"]["containers"]
        ]
        # Whether kustomize writes the tag beside a digest depends on its version.
        assert images[0] in (f"{API}:1.1.0@{DIGEST}", f"{API}@{DIGEST}")
        assert images[1] == f"{WORKER}:3f9a1c2"


# What agents say of a commit, in the words of their files.

STATES = {
    "github": {"success": "success", "failure": "failure"},
    "gitlab": {"success": "success", "failure": "failed"},
}


def argocd_says(texts: Mapping[str, str], name: str, report: str, commit: str) -> tuple[str, str, str, str]:
    """(commit, context, state, words) of a template, for the little of Go's templates that ours use."""
    application = yaml.safe_load(texts[f"argocd/{name}.yaml"])
    data = yaml.safe_load(texts["argocd/notifications.yaml"])["data"]
    meant = {
        "{{.app.status.sync.revision}}": commit,
        '{{index .app.metadata.annotations "pipelinegen/status"}}': application["metadata"]["annotations"][
            "pipelinegen/status"
        ],
    }
    text = data[f"template.shop-status-{report}"]
    for expression, value in meant.items():
        text = text.replace(expression, value)
    template = yaml.safe_load(text)["github"]
    assert template["repoURLPath"].endswith("/acme/manifests")
    words = re.fullmatch(r'message: \'\{\{"(.*)"\}\}\'', text.splitlines()[0])
    assert words, text
    status = template["status"]
    return template["revisionPath"], status["label"], status["state"], words[1]


def flux_says(texts: Mapping[str, str], name: str, state: str, commit: str) -> tuple[str, str, str, str]:
    """Flux posts the value of the Provider's expression, with `success` or `failure`."""
    documents = yaml.safe_load_all(texts[f"clusters/{name.removeprefix('shop-')}/notifications.yaml"])
    (provider,) = [each for each in documents if each["kind"] == "Provider"]
    literal = re.fullmatch(r"'([^'\\]*)'", provider["spec"]["commitStatusExpr"])
    assert literal
    return commit, literal[1], state, "reconciliation"


@pytest.mark.parametrize(("agent", "report", "code"), [("argocd", "healthy", 0), ("flux", "degraded", 1)])
def test_observe_reads_what_the_agent_posts(tmp_path: Path, agent: str, report: str, code: int) -> None:
    texts = files(agent, shop())
    layout = layout_of(shop())
    module = AGENTS[agent]  # type: ignore[index]
    statuses = {each.environment.name: module.context(layout, each) for each in layout.overlays}
    with world("github", tmp_path, texts) as place:
        configure(place, statuses)
        done = place.run("bump", "api=1.0.0", "worker=1.0.0", "--env", "staging", "--json")
        assert done.code == 0, done.err
        (place.folder / "bump.json").write_text(done.out)
        commit = place.repository.tip("main") or ""
        for name in ("shop-production", "shop-staging"):
            # The other environment's report is the opposite, and does not count.
            good = (report == "healthy") == (name == "shop-staging")
            said = (
                argocd_says(texts, name, "healthy" if good else "degraded", commit)
                if agent == "argocd"
                else flux_says(texts, name, "success" if good else "failure", commit)
            )
            place.service.stand_in.report(said[0], said[1], said[2], said[3])
        seen = place.run("observe", "--from", "bump.json", "--timeout", "0s", "--json")
        assert seen.code == code, seen.err
        (status,) = seen.document["observed"][0]["statuses"]
        assert status["context"] == statuses["staging"]
        if code == 0:  # without the name in the configuration, the customary names of agents do
            configure(place, {})
            assert place.run("observe", "--from", "bump.json", "--timeout", "0s", "--json").code == code


# Argo CD's own engine of notifications, on our ConfigMap.


@dataclass
class Forge:
    """Takes what the engine posts, and hands out tokens of an app."""

    address: str
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


@contextmanager
def forge() -> Iterator[Forge]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"null")
            answer: dict[str, str] = {}
            if self.path.endswith("/access_tokens"):
                answer = {"token": "ghs_canary", "expires_at": "2099-01-01T00:00:00Z"}
            else:
                taken.posted.append((self.path, body))
                taken.tokens.append(self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization") or "")
            data = json.dumps(answer).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            del format, arguments

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken = Forge(f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield taken
        server.shutdown()
        thread.join()


COMMIT, OLDER = "a" * 40, "b" * 40
SYNCED = {"status": "Synced", "revision": COMMIT}
HEALTHY = {"status": "Healthy", "lastTransitionTime": "2026-01-01T00:00:00Z"}
WAITS = (COMMIT, "pending", "pending", "Not synced yet")
# Status of the Application, and what is reported: (commit, state of GitHub, state of GitLab, words).
TURNS: dict[str, tuple[dict[str, Any], list[tuple[str, str, str, str]]]] = {
    "healthy": (
        {"sync": SYNCED, "health": HEALTHY, "operationState": {"phase": "Succeeded", "finishedAt": "2026"}},
        [(COMMIT, "success", "success", "Synced and healthy")],
    ),
    "healthy without any sync": (
        {"sync": SYNCED, "health": HEALTHY},
        [(COMMIT, "success", "success", "Synced and healthy")],
    ),
    "degraded": (
        {"sync": SYNCED, "health": {"status": "Degraded"}},
        [(COMMIT, "failure", "failed", "Synced, but not healthy")],
    ),
    "running": (
        {
            "sync": {"status": "OutOfSync", "revision": COMMIT},
            "operationState": {"phase": "Running", "startedAt": "2026", "operation": {"sync": {"revision": COMMIT}}},
        },
        [(COMMIT, "pending", "running", "Is being synced")],
    ),
    "failed, and a newer commit is there": (
        {
            "sync": {"status": "OutOfSync", "revision": COMMIT},
            "operationState": {
                "phase": "Failed",
                "finishedAt": "2026",
                "message": 'one "object" is invalid',
                "syncResult": {"revision": OLDER},
            },
        },
        [WAITS, (OLDER, "failure", "failed", 'one "object" is invalid')],
    ),
    "held by a sync window": ({"sync": {"status": "OutOfSync", "revision": COMMIT}, "health": HEALTHY}, [WAITS]),
    "progressing": ({"sync": SYNCED, "health": {"status": "Progressing"}}, []),
    "cannot be built": ({"sync": {"status": "Unknown", "revision": "HEAD"}, "health": HEALTHY}, []),
    "synced by a branch's name": (
        {"operationState": {"phase": "Running", "operation": {"sync": {"revision": "main"}}}},
        [],
    ),
    "just made": ({}, []),
}


@pytest.mark.skipif(
    not ENGINE.exists(), reason="Argo CD's engine of notifications is not here: python -m tests.judges.agents builds it"
)
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_argocds_own_engine_posts_what_observe_reads(tmp_path: Path, kind: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    secret = {
        "shop-status-app-id": "1",
        "shop-status-installation-id": "2",
        "shop-status-private-key": key.decode(),
        "shop-status-token": "glpat-canary",
    }
    base = shop() if kind == "github" else shop_on_gitlab()
    with forge() as taken:
        url = f"http://{taken.address}/acme/manifests"
        texts = files("argocd", replace(base, manifests=replace(base.manifests, url=url, host=taken.address)))
        written = {"notifications.yaml": texts["argocd/notifications.yaml"], "secret.json": json.dumps(secret)}
        written["context.json"] = json.dumps({"argocdUrl": "https://argocd.acme.example"})
        turns: dict[str, tuple[dict[str, Any], Any]] = dict(TURNS)
        by_hand: dict[str, Any] = {"sync": {"status": "OutOfSync", "revision": COMMIT}, "health": HEALTHY}
        turns["a person must sync"] = (by_hand, [(COMMIT, "pending", "pending", "Waits for a person to sync it")])
        for turn, (status, reports) in turns.items():
            application = yaml.safe_load(texts["argocd/shop-production.yaml"])
            application["status"] = status
            if turn == "a person must sync":
                del application["spec"]["syncPolicy"]["automated"]
            written["application.json"] = json.dumps(application)
            for name, text in written.items():
                (tmp_path / name).write_text(text, encoding="utf-8")
            taken.posted.clear()
            names = ("notifications.yaml", "secret.json", "application.json")
            arguments = [*(str(tmp_path / name) for name in names), "shop-status", "shop-status"]
            done = subprocess.run(
                [str(ENGINE), *arguments, str(tmp_path / "context.json")], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{turn}: {done.stderr}"
            assert taken.posted == [_expected(kind, report) for report in reports], turn
        assert set(taken.tokens) == {"token ghs_canary" if kind == "github" else "glpat-canary"}


def _expected(kind: str, report: tuple[str, str, str, str]) -> tuple[str, dict[str, str]]:
    commit, github, gitlab, words = report
    page = "https://argocd.acme.example/applications/shop-production"
    body = {"description": words, "target_url": page}
    if kind == "github":
        path = f"/api/v3/repos/acme/manifests/statuses/{commit}"
        return path, {**body, "context": "argocd/shop-production", "state": github}
    path = f"/api/v4/projects/acme%2Fmanifests/statuses/{commit}"
    return path, {**body, "name": "argocd/shop-production", "state": gitlab}
