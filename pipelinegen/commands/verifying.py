"""What the registry says of the asked-for images before anything is changed: are they there, and under which digest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelinegen.images.reference import ImageReference, parse
from pipelinegen.manifests.request import Request, request_of
from pipelinegen.redact import Secret, unfit
from pipelinegen.report import Report

if TYPE_CHECKING:
    from pipelinegen.edge.registry import Registry

UNASKED_SECONDS = 10.0


def settle(
    requests: Sequence[Request], *, verify: bool | None, pin: bool, by_default: bool, report: Report
) -> list[Request]:
    """The requests, with digests where --pin-digest asks for them. Raises where an image is not there.

    verify: what was asked for (None: nothing); by_default: whether to ask a registry that answers all the same.
    """
    if not pin and not (verify or (verify is None and by_default)):
        return list(requests)
    from pipelinegen.edge.registry import Registry
    from pipelinegen.edge.registry.client import PATIENCE_SECONDS

    references = [parse(request.reference) for request in requests]

    def learn(name: str, value: str) -> None:
        if not unfit(value):
            from pipelinegen.commands.connect import mask

            mask(report, Secret(name, value))

    hosts = {reference.registry for reference in references}
    # Nobody asked for it: a registry that does not answer must not hold up the delivery.
    patience = PATIENCE_SECONDS if verify or pin else UNASKED_SECONDS
    with Registry(
        hosts, environ=os.environ, patience=patience, warn=report.warn, tell=report.detail, on_secret=learn
    ) as registry:
        return [_settled(reference, registry, verify, pin, report) for reference in references]


def _settled(reference: ImageReference, registry: Registry, verify: bool | None, pin: bool, report: Report) -> Request:
    from pipelinegen.edge.registry import Unknown
    from pipelinegen.edge.registry import pin as look_up
    from pipelinegen.edge.registry import verify as ask

    if pin:
        return request_of(reference._replace(digest=look_up(reference, registry)))
    answer = ask(reference, registry)
    if isinstance(answer, Unknown):
        if verify:
            raise answer.error
        report.say(f"{reference}: the registry was not asked: {answer.reason}")
    return request_of(reference)
