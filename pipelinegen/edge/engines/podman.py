"""Podman: `podman build` in OCI's format, saved as an OCI archive; containers by docker's command line."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipelinegen.edge.engines import arguments
from pipelinegen.edge.engines.annotate import annotate
from pipelinegen.edge.engines.arguments import BuildSecret
from pipelinegen.edge.engines.base import DETECT_SECONDS, LOAD_SECONDS, check_same, refuse_lacking
from pipelinegen.edge.engines.containers import Containers
from pipelinegen.edge.engines.docker import version_of
from pipelinegen.edge.engines.leftovers import left_containers, marking
from pipelinegen.edge.engines.logins import auth_file
from pipelinegen.edge.engines.port import BuildRequest, Built, Detected, Setup, Tell, silent
from pipelinegen.edge.engines.registries_conf import registries_conf
from pipelinegen.edge.layout import Layout, from_archive

# The first with secrets from variables and with named contexts that are images.
MINIMUM = (4, 3)
STORAGE_VARIABLES = (
    *("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF", "STORAGE_DRIVER", "STORAGE_OPTS"),
    *("BUILDAH_ISOLATION", "BUILDAH_RUNTIME", "BUILDAH_LAYERS", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG"),
)
VARIABLES = (
    *STORAGE_VARIABLES,
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINER_SSHKEY",
    "CONTAINERS_CONF_OVERRIDE",
)


class Podman(Containers):
    """`podman build`, `podman save`, `podman run`."""

    name = "podman"
    program = "podman"
    refusal = re.compile(rb"^Error: ", re.MULTILINE)
    rm_options = ("--force", "--volumes", "--time=0")

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, VARIABLES)

    def lacks(self, request: BuildRequest) -> str | None:
        return lacks(request)

    def build(self, request: BuildRequest, folder: Path, tell: Tell = silent) -> Built:
        refuse_lacking(self.lacks(request), self.name)
        secrets = self.begin_build(request, folder)
        request = with_loaded(request, self.load)
        name = self.new_image()
        with tempfile.TemporaryDirectory(prefix="pipelinegen-build-", dir=folder.parent) as place:
            iidfile, archive = Path(place, "iid"), Path(place, "image.tar")
            mark = marking(self.run_id, self.programs.folder())
            words = [f"--iidfile={iidfile}", f"--tag={name}", mark, *build_words(request, secrets, tell)]
            image = self.built_id(iidfile, *self.run_build(["build", *words], request, secrets, tell))
            saving = ["save", "--quiet", "--format=oci-archive", f"--output={archive}", name]
            self.check(self.call(*saving, timeout=LOAD_SECONDS), "save the image")
            layout = from_archive(archive, folder)
        check_same(self.name, layout, image)
        annotate(layout, request.annotations)
        return Built(layout, name)

    def _look(self) -> Detected:
        done = self.call("info", "--format=json", timeout=DETECT_SECONDS)
        try:
            version = str(json.loads(done.stdout)["version"]["Version"])
        except (ValueError, KeyError, TypeError):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            return Detected(self.name, None, False, said[-1] if said else "it does not say its version")
        if version_of(version) < MINIMUM:
            return Detected(self.name, version, False, f"podman {version} is older than 4.3")
        return Detected(self.name, version, True, f"podman {version}")

    def _sweep(self, containers: Sequence[str], images: Sequence[str]) -> None:
        info = self.clean("info", "--format=json") if self.has_built else None
        for name in left_containers(info.stdout, self.run_id) if info else ():
            self.clean_away("rm", "--force", name)
        super()._sweep(containers, images)

    def _prepare(self) -> dict[str, str]:
        # A build that is ended leaves its bundles in TMPDIR.
        own = own_files(self.programs.folder(), self.programs.environ, self.setup)
        return {**own, "TMPDIR": str(self.programs.scratch())}


def own_files(folder: Path, environ: Mapping[str, str], setup: Setup) -> dict[str, str]:
    """The variables that name the configuration which podman and buildah get from us."""
    return {**auth_file(folder, environ, setup.logins), **registries_conf(folder, environ, setup.registries)}


def lacks(request: BuildRequest) -> str | None:
    """What of a request neither podman nor buildah can do."""
    if len(request.platforms) > 1:
        return "several platforms in one image"
    return "attestations" if request.attest else None


def build_words(request: BuildRequest, secrets: list[BuildSecret], tell: Tell = silent) -> list[str]:
    """The options and the context of `podman build` and `buildah build`, which are one program's."""
    sources, others = arguments.registry_caches(request.cache_from)
    targets, more = arguments.registry_caches(request.cache_to)
    for cache in (*others, *more):
        tell(f"the cache {cache} is not used: podman and buildah keep caches in registries alone")
    seconds = arguments.epoch(request)
    return [
        # The format in which the digest of the configuration stays what it is on the way to a registry.
        "--format=oci",
        # Steps are cached, and layers shared, as with every other engine.
        "--layers",
        *arguments.common(request),
        *arguments.contexts(request),
        *(f"--cache-from={_repository(each)}" for each in sources),
        *(f"--cache-to={_repository(each)}" for each in targets),
        *(f"--secret={secret.spelled()}" for secret in secrets),
        *([f"--timestamp={seconds}"] if seconds is not None else []),
        str(arguments.context_of(request)),
    ]


def with_loaded(request: BuildRequest, load: Callable[[Layout, str | None], str]) -> BuildRequest:
    """The request with named contexts of the form oci-layout://FOLDER@DIGEST replaced by images that are loaded."""
    contexts = dict(request.contexts)
    for name, value in contexts.items():
        if value.startswith("oci-layout://"):
            folder, _, digest = value.removeprefix("oci-layout://").partition("@")
            contexts[name] = f"docker-image://{load(Layout(request.root / folder), digest or None)}"
    return replace(request, contexts=contexts)


def _repository(reference: str) -> str:
    """Their caches are repositories, in which they choose the tags."""
    head, slash, last = reference.rpartition("/")
    return head + slash + last.partition("@")[0].partition(":")[0]
