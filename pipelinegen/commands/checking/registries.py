"""Checks of the registries that the images go to: reached, and logged in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from pipelinegen.commands.checking.finding import Finding
from pipelinegen.commands.connect import mask
from pipelinegen.errors import NotPermitted
from pipelinegen.images.reference import ImageReference, parse
from pipelinegen.redact import Secret, unfit

if TYPE_CHECKING:
    from pipelinegen.config import Config
    from pipelinegen.edge.registry import Registry
    from pipelinegen.report import Report


def findings(config: Config | None, report: Report) -> Iterator[Finding]:
    """One finding for each repository of images."""
    from pipelinegen.edge.registry import Registry

    if config is None:
        return
    names = [name for image in config.images.values() for name in (image.repository, *image.mirrors)]
    references = {name: parse(name) for name in names}
    hosts = {reference.registry for reference in references.values()}
    keep = partial(_mask, report)
    with Registry(hosts, warn=report.warn, tell=report.detail, on_secret=keep) as registry:
        for name, reference in references.items():
            yield _asked(registry, name, reference)


def _mask(report: Report, source: str, value: str) -> None:
    if unfit(value) is None:
        mask(report, Secret(source, value))


def _asked(registry: Registry, name: str, reference: ImageReference) -> Finding:
    from pipelinegen.edge.registry.client import Unknown

    subject = f"registry {name}"
    answer = registry.exists(reference)
    source = registry.connection(reference).login.source(reference.path)
    shown = f"with {source}" if source else "without a login"
    if not isinstance(answer, Unknown):
        return Finding(subject, "ok", f"answers, {shown}")
    error = answer.error
    where = f"{error.where}: " if error.where else ""
    login = f"docker login {reference.registry}, or set PIPELINEGEN_REGISTRY_USERNAME and _PASSWORD"
    mend = error.next or (
        login if isinstance(error, NotPermitted) else "check the name and the network, then ask again"
    )
    return Finding(subject, "bad", f"{where}{error.what} ({shown})", mend, error.details)
