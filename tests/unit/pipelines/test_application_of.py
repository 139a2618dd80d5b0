"""The configuration with its defaults filled in, and what is missing told at its place."""

from collections.abc import Collection
from typing import Any

import pytest

from pipelinegen.config import loads
from pipelinegen.errors import InputError
from pipelinegen.pipelines.application import Application, Repository
from pipelinegen.pipelines.application_of import application_of
from pipelinegen.pipelines.model import Style

MANIFESTS = Repository("https://github.com/acme/manifests", "github", "github.com", "acme/manifests", None)
SMALL = """\
version: 1
project: shop
images:
  api: {repository: acme/api}
manifests:
  repository: https://github.com/acme/manifests
  environments:
    staging: {paths: ["staging/**"], deliver: push}
    Production: {paths: ["production/**"]}
"""


def application(
    text: str, styles: Collection[Style] = ("pull", "push"), manifests: Repository | None = MANIFESTS, **based: Any
) -> Application:
    config = loads(text.encode(), "pipelinegen.yaml")
    return application_of(config, styles=styles, manifests=manifests, based_on=based)


def test_defaults_are_filled_in() -> None:
    found = application(SMALL)
    assert found.branches == ("main",)
    assert (found.tags, found.paths, found.schedule, found.runner) == ((), (), None, "")
    assert (found.timeout, found.sign, found.scan) == (30, False, "none")
    assert (found.agent, found.interval, found.prune, found.self_heal) == ("argocd", "3m", True, True)
    assert (found.drift_schedule, found.versions, found.config_name) == ("17 4 * * *", False, "pipelinegen.yaml")
    (image,) = found.images
    assert (image.repository, image.context, image.dockerfile) == ("docker.io/acme/api", ".", "Dockerfile")
    assert (image.port, image.health_path, image.based_on) == (None, None, ())


def test_who_wants_a_pull_request_wants_an_approval() -> None:
    staging, production = application(SMALL).environments
    assert (staging.deliver, staging.approval, staging.namespace) == ("push", False, "shop-staging")
    assert (production.deliver, production.approval) == ("pull-request", True)
    assert production.namespace == "shop-production"
    assert (staging.auto_sync, staging.auto_merge, staging.hosts, staging.url) == (True, False, (), None)


def test_what_is_configured_counts() -> None:
    found = application(
        SMALL.replace(
            'staging: {paths: ["staging/**"], deliver: push}',
            'staging: {paths: ["s/**"], approval: true, auto-sync: false, auto-merge: true, namespace: s,'
            " cluster: c, hosts: [h], url: https://s.example, reviewers: [ann]}",
        )
        + """\
pipelines:
  ci: [gitlab]
  triggers: {branches: [trunk], tags: ["v*"], paths: ["src/**"], schedule: "0 5 * * 1"}
  pull: {agent: flux, interval: 90s, prune: false, self-heal: false}
  push: {deploy: [helm], auth: kubeconfig, drift-schedule: "1 2 * * *"}
  runner: big
  timeout: 90m
  sign: cosign
  scan: grype
"""
    )
    staging = found.environments[0]
    assert (staging.approval, staging.auto_sync, staging.auto_merge, staging.namespace) == (True, False, True, "s")
    assert (staging.cluster, staging.hosts, staging.url, staging.reviewers) == (
        "c",
        ("h",),
        "https://s.example",
        ("ann",),
    )
    assert (found.branches, found.tags, found.paths, found.schedule) == (("trunk",), ("v*",), ("src/**",), "0 5 * * 1")
    assert (found.agent, found.interval, found.prune, found.self_heal) == ("flux", "1m30s", False, False)
    assert (found.deployers, found.auth, found.drift_schedule) == (("helm",), "kubeconfig", "1 2 * * *")
    assert (found.runner, found.timeout, found.sign, found.scan) == ("big", 90, True, "grype")
    assert found.systems == ("gitlab",)


@pytest.mark.parametrize(
    ("tests", "port", "path"),
    [
        ("httpTests: [{name: up, path: /healthz, port: 8080}, {name: two, port: 1}]", 8080, "/healthz"),
        ("httpTests: [{name: up, port: 8080}]", 8080, "/"),
        ('metadataTest: {exposedPorts: ["9000/tcp", "1"]}', 9000, None),
        ('metadataTest: {exposedPorts: ["53/udp"]}', None, None),
    ],
    ids=["http", "http root", "exposed", "udp"],
)
def test_ports_come_from_the_tests(tests: str, port: int | None, path: str | None) -> None:
    (image,) = application(SMALL.replace("acme/api}", f"acme/api, tests: {{{tests}}}}}")).images
    assert (image.port, image.health_path) == (port, path)


@pytest.mark.parametrize(
    ("rule", "versions"),
    [("type=semver,pattern={{version}}", True), ("type=sha", False), ("latest", False), ("type=match,pattern=x", True)],
)
def test_versions_in_tags_need_all_git_tags(rule: str, versions: bool) -> None:
    assert application(SMALL.replace("acme/api}", f'acme/api, tags: ["{rule}"]}}')).versions is versions


def test_bases_are_kept() -> None:
    assert application(SMALL, api=("b", "a")).images[0].based_on == ("a", "b")


WRONG = [
    (
        "no images",
        SMALL.replace("  api: {repository: acme/api}", "  []").replace("images:\n", "images:\n"),
        "image",
        4,
    ),
    ("no environments", SMALL[: SMALL.index("  environments")], "environment", 6),
    ("namespace", SMALL.replace('"staging/**"]', '"staging/**"], namespace: My_App'), "My_App", 8),
    ("oidc", SMALL + "pipelines: {push: {auth: oidc}}\n", "oidc", 10),
    ("worktree", SMALL.replace("deliver: push", "deliver: worktree"), "staging", 8),
]


@pytest.mark.parametrize(("text", "said", "line"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_told_at_its_place(text: str, said: str, line: int) -> None:
    with pytest.raises(InputError) as refused:
        application(text)
    assert said in refused.value.what
    assert refused.value.where is not None
    assert refused.value.where.startswith(f"pipelinegen.yaml:{line}:")
    assert refused.value.next


PUSH: tuple[Style, ...] = ("push",)


def test_the_pull_style_wants_a_manifest_repository_and_the_push_style_none() -> None:
    with pytest.raises(InputError, match="manifest repository") as refused:
        application(SMALL, manifests=None)
    assert refused.value.where == "pipelinegen.yaml:6:15"
    assert application(SMALL, PUSH, None).manifests.forge == "none"


def test_the_push_style_does_not_mind_how_manifests_are_delivered() -> None:
    assert application(SMALL.replace("deliver: push", "deliver: commit"), PUSH).environments[0].deliver == "commit"
