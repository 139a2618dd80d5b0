"""Applications as pipelines are designed for them: a plain one, variations of it, and one full of a hostile text."""

from collections.abc import Callable
from dataclasses import replace

from pipelinegen.config import addresses, rules
from pipelinegen.pipelines.application import AppEnvironment, AppImage, Application, Repository

API = AppImage(
    name="api",
    repository="ghcr.io/acme/api",
    context="services/api",
    dockerfile="Dockerfile",
    platforms=("linux/amd64", "linux/arm64"),
    port=8080,
    health_path="/healthz",
)
WORKER = AppImage(
    name="worker",
    repository="ghcr.io/acme/worker",
    context="services/worker",
    dockerfile="Dockerfile",
    platforms=(),
    port=None,
    health_path=None,
)
STAGING = AppEnvironment(
    name="staging",
    paths=("apps/*/overlays/staging/**",),
    deliver="push",
    namespace="shop-staging",
    cluster="https://staging.k8s.acme.example:6443",
    hosts=("staging-1.acme.example",),
    url="https://staging.shop.acme.example",
    approval=False,
    auto_sync=True,
    reviewers=(),
)
PRODUCTION = AppEnvironment(
    name="production",
    paths=("apps/*/overlays/production/**",),
    deliver="pull-request",
    namespace="shop",
    cluster="https://production.k8s.acme.example:6443",
    hosts=("production-1.acme.example", "production-2.acme.example"),
    url="https://shop.acme.example",
    approval=True,
    auto_sync=True,
    reviewers=("acme/platform",),
)
_SHOP = Application(
    project="shop",
    images=(API, WORKER),
    environments=(STAGING, PRODUCTION),
    manifests=Repository(
        url="https://github.com/acme/manifests", forge="github", host="github.com", path="acme/manifests", base="main"
    ),
    branches=("main",),
    tags=("v*",),
    paths=(),
    schedule=None,
    runner="ubuntu-24.04",
    timeout=30,
    sign=False,
    scan="none",
    agent="argocd",
    interval="3m",
    prune=True,
    self_heal=True,
    deployers=("kubectl", "helm", "kustomize", "terraform", "ansible", "chef", "puppet"),
    auth=None,
    drift_schedule="17 4 * * *",
    systems=("github", "gitlab", "jenkins"),
)


def shop() -> Application:
    """Two images at GHCR; staging is pushed to, production wants a pull request and, in push style, an approval."""
    return _SHOP


def shop_on_gitlab() -> Application:
    """The same, with its images and its manifest repository at a GitLab of its own."""
    host = "gitlab.acme.example"
    images = tuple(replace(image, repository=f"registry.acme.example/shop/{image.name}") for image in _SHOP.images)
    manifests = Repository(f"https://{host}/acme/manifests", "gitlab", host, "acme/manifests", None)
    return replace(_SHOP, images=images, manifests=manifests)


def signed_shop() -> Application:
    """The same with all that can be asked for: signatures, a scan, path filters, a schedule."""
    return replace(_SHOP, sign=True, scan="grype", paths=("services/**", "!**/*.md"), schedule="0 5 * * 1")


def single() -> Application:
    """One image, one environment, and nothing that could be left out."""
    bare = replace(STAGING, url=None, cluster=None, hosts=("127.0.0.1",))
    return replace(_SHOP, images=(API,), environments=(bare,), tags=())


def based() -> Application:
    """The worker is built upon the api, and the images lie in two registries."""
    worker = replace(WORKER, repository="docker.io/acme/worker", based_on=("api",))
    return replace(_SHOP, images=(API, worker))


def hostile(value: str) -> Application:
    """Every text of the configuration that may be `value` by the configuration's own rules is it."""

    def put(rule: Callable[[str], str | None], instead: str) -> str:
        return value if value and rule(value) is None else instead

    images = tuple(
        replace(
            image,
            context=put(rules.path_problem, image.context),
            dockerfile=put(rules.path_problem, image.dockerfile),
            health_path=image.health_path and put(addresses.url_path_problem, image.health_path),
        )
        for image in _SHOP.images
    )
    environments = tuple(
        replace(
            environment,
            paths=(put(rules.pattern_problem, environment.paths[0]),),
            cluster=put(rules.text_problem, environment.cluster or ""),
            url=put(addresses.page_problem, environment.url or ""),
            reviewers=(put(rules.text_problem, "acme/platform"),),
        )
        for environment in _SHOP.environments
    )
    return replace(
        _SHOP,
        images=images,
        environments=environments,
        branches=("main", put(rules.text_problem, "develop")),
        tags=(put(rules.text_problem, "v*"),),
        paths=(put(rules.pattern_problem, "services/**"),),
        runner=put(rules.text_problem, "ubuntu-24.04"),
    )
