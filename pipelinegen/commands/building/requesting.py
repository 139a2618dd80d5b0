"""From an image of the configuration to what an engine is asked for: labels, and its bases by their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelinegen.commands.building.asked import Wanted
from pipelinegen.commands.building.based import base_args
from pipelinegen.commands.building.bench import Bench
from pipelinegen.commands.building.made import Made
from pipelinegen.commands.building.plan import labels_of
from pipelinegen.edge.engines.port import BuildRequest
from pipelinegen.images.inputs import INPUTS, SOURCES, Hashes

if TYPE_CHECKING:
    from pipelinegen.edge.engines.port import Engine

_OCI = "org.opencontainers.image."


def request_of(
    wanted: Wanted, bases: Mapping[str, Made], hashes: Hashes, version: str | None, bench: Bench, engine: Engine
) -> BuildRequest:
    """What is asked of the engine. A base that was built here is handed on as bytes, one that was there by digest."""
    image = wanted.image
    labels = labels_of(wanted, bench.source, version)
    args, contexts = dict(wanted.build_args), dict(image.contexts)
    contexts |= {key: _context(bases[name]) for key, name in wanted.bases.items()}
    for variable, name in base_args(wanted, [made.wanted for made in bases.values()]):
        made = bases[name]
        if made.result != "unpushed":
            args[variable] = str(made.pinned)
        elif engine.name == "docker" and made.local is not None:
            args[variable] = made.local
        else:
            args[variable] = f"base-{variable.lower().replace('_', '-')}"
            contexts[args[variable]] = _context(made)
    return BuildRequest(
        name=wanted.name,
        context=wanted.context.absolute(),
        dockerfile=wanted.dockerfile.absolute(),
        target=image.target,
        platforms=wanted.platforms,
        build_args=args,
        secrets=image.secrets,
        ssh=image.ssh,
        labels=labels,
        annotations=_annotations(labels, hashes, tested=bench.tests),
        cache_from=image.cache.from_,
        cache_to=image.cache.to if bench.pushes else (),
        attest=image.attest,
        contexts=contexts,
        created=bench.source.created,
        root=bench.config.folder.absolute(),
        no_cache=bench.options.no_cache,
    )


def _context(made: Made) -> str:
    return f"oci-layout://{made.layout}@{made.digest}" if made.layout is not None else f"docker-image://{made.pinned}"


def _annotations(labels: Mapping[str, str], hashes: Hashes, *, tested: bool) -> dict[str, str]:
    """What the manifest says without anybody reading the image: OCI's facts, and from what it was made and tested."""
    facts = {name: value for name, value in labels.items() if name.startswith(_OCI)}
    return {**facts, INPUTS: hashes.inputs, SOURCES: hashes.sources} if tested else facts
