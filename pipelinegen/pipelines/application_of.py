"""From the configuration to the application: every default filled in, what is missing told at its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from pipelinegen.config.rules import LABEL, attributes, written_duration
from pipelinegen.errors import InputError
from pipelinegen.images.reference import parse
from pipelinegen.pipelines.application import AppEnvironment, AppImage, Application, Repository
from pipelinegen.pipelines.model import Style

if TYPE_CHECKING:
    from pipelinegen.config import Config, Environment
    from pipelinegen.config.images import Image, Tests

_DRIFT = "17 4 * * *"  # off the hour, when everybody's schedules start
_NOWHERE = Repository("", "none", "", "", None)
_VERSIONS = frozenset(("semver", "match"))


def application_of(
    config: Config,
    *,
    styles: Collection[Style],
    manifests: Repository | None,
    based_on: Mapping[str, Collection[str]],
) -> Application:
    """The application that pipelines of these styles are written for.

    manifests: the manifest repository, None where the configuration names none.  based_on: for each image the others
    that it is built from.  Raises InputError.
    """
    _check(config, styles, manifests)
    pipelines, project = config.pipelines, config.project or "app"
    timeout = pipelines.timeout
    return Application(
        project=project,
        images=tuple(_image(name, image, based_on.get(name, ())) for name, image in config.images.items()),
        environments=tuple(_environment(name, config, project) for name in config.manifests.environments),
        manifests=manifests or _NOWHERE,
        branches=pipelines.triggers.branches or ("main",),
        tags=pipelines.triggers.tags,
        paths=pipelines.triggers.paths,
        schedule=pipelines.triggers.schedule,
        runner=pipelines.runner or "",
        timeout=max(1, round(timeout.total_seconds() / 60)) if timeout else 30,
        sign=pipelines.sign == "cosign",
        scan=pipelines.scan or "none",
        agent=pipelines.pull.agent or "argocd",
        interval=written_duration(pipelines.pull.interval) if pipelines.pull.interval else "3m",
        prune=pipelines.pull.prune is not False,
        self_heal=pipelines.pull.self_heal is not False,
        deployers=pipelines.push.deploy,
        auth=pipelines.push.auth,
        drift_schedule=pipelines.push.drift_schedule or _DRIFT,
        systems=pipelines.ci,
        config_name=config.file_name,
        versions=any(_kind(rule) in _VERSIONS for image in config.images.values() for rule in image.tags),
    )


def _check(config: Config, styles: Collection[Style], manifests: Repository | None) -> None:
    if not config.images:
        raise _missing(config, "images", "no image is configured", "name what is built under `images`")
    if not config.manifests.environments:
        raise _missing(
            config,
            "manifests.environments",
            "no environment is configured",
            "name where it is delivered: manifests: {environments: {staging: {paths: [apps/*/staging/**]}}}",
        )
    if "pull" in styles and manifests is None:
        raise _missing(
            config,
            "manifests.repository",
            "the pull style changes a manifest repository at an https or ssh address, and none is configured",
            "name it: manifests: {repository: https://github.com/acme/manifests}",
        )
    if "push" in styles and config.pipelines.push.auth in ("oidc", "token"):
        raise _missing(
            config,
            "pipelines.push.auth",
            f"no deployer is written that proves itself by {config.pipelines.push.auth}",
            "leave the key out: for each environment a kubeconfig is kept, or for hosts an ssh key",
        )
    for name in config.manifests.environments:
        if "pull" in styles and config.manifests.delivery(name).deliver in ("worktree", "commit"):
            raise _missing(
                config,
                f"manifests.environments.{name}.deliver",
                f"a job cannot deliver {name} into a folder",
                "write deliver: push or deliver: pull-request",
            )


def _missing(config: Config, address: str, what: str, next: str) -> InputError:
    return InputError(what, id="bad-config", where=config.where(address), next=next)


def _image(name: str, image: Image, based_on: Collection[str]) -> AppImage:
    first = next(iter(image.tests.http_tests), None)
    return AppImage(
        name=name,
        repository=parse(image.repository).repository,
        context=image.context,
        dockerfile=image.dockerfile,
        platforms=image.platforms,
        port=first.port if first else _exposed(image.tests),
        health_path=first.path if first else None,
        based_on=tuple(sorted(based_on)),
    )


def _exposed(tests: Tests) -> int | None:
    ports = tests.metadata_test.exposed_ports if tests.metadata_test else ()
    numbers = (re.fullmatch(r"([0-9]{1,5})(?:/tcp)?", port) for port in ports)
    return next((int(number[1]) for number in numbers if number), None)


def _environment(name: str, config: Config, project: str) -> AppEnvironment:
    own: Environment = config.manifests.environments[name]
    delivery = config.manifests.delivery(name)
    by_request = delivery.deliver in (None, "pull-request")
    return AppEnvironment(
        name=name,
        paths=own.paths,
        deliver=delivery.deliver or "pull-request",
        namespace=_namespace(name, config, project),
        cluster=own.cluster,
        hosts=own.hosts,
        url=own.url,
        # Who wants a person's word before a change of the manifests wants it before a deployment, too.
        approval=by_request if own.approval is None else own.approval,
        auto_sync=own.auto_sync is not False,
        reviewers=delivery.reviewers or (),
        auto_merge=by_request and bool(delivery.auto_merge),
    )


def _namespace(name: str, config: Config, project: str) -> str:
    given = config.manifests.environments[name].namespace
    if given is None:
        return re.sub(r"[^a-z0-9]+", "-", f"{project}-{name}".lower())[:63].strip("-")
    if re.fullmatch(LABEL, given) is None:
        raise _missing(
            config,
            f"manifests.environments.{name}.namespace",
            f"{given} is no namespace of Kubernetes",
            "write small letters, digits and inside it -",
        )
    return given


def _kind(rule: str) -> str:
    return attributes(rule).get("type", "raw")
