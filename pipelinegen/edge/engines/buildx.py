"""buildx with a builder that can write an OCI layout: several platforms, caches, attestations; run by docker."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from pipelinegen.edge.engines import arguments
from pipelinegen.edge.engines.annotate import annotate
from pipelinegen.edge.engines.arguments import BuildSecret
from pipelinegen.edge.engines.base import DETECT_SECONDS, check_same
from pipelinegen.edge.engines.docker import Docker, version_of
from pipelinegen.edge.engines.failures import build_failure
from pipelinegen.edge.engines.port import BuildRequest, Built, Detected, Tell, silent
from pipelinegen.edge.layout import from_archive
from pipelinegen.errors import WorldError

# The first with --attest, and with a builder name in BUILDX_BUILDER.
MINIMUM = (0, 10)
# What some caches are reached with; a build gets it only where it names such a cache.
CACHE_VARIABLES = {
    "gha": ("ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_CACHE_SERVICE_V2"),
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
    "azblob": ("BUILDKIT_AZURE_STORAGE_ACCOUNT_URL", "BUILDKIT_AZURE_STORAGE_SECRET_ACCESS_KEY"),
}


class Buildx(Docker):
    """`docker buildx build --output type=oci`."""

    name = "buildx"

    def lacks(self, request: BuildRequest) -> str | None:  # noqa: ARG002 - the port's
        return None

    def build(self, request: BuildRequest, folder: Path, tell: Tell = silent) -> Built:
        secrets = self.begin_build(request, folder)
        with tempfile.TemporaryDirectory(prefix="pipelinegen-build-", dir=folder.parent) as place:
            archive, metadata = Path(place, "image.tar"), Path(place, "metadata.json")
            words = self.build_words(request, secrets, tell)
            output = [f"--output={_output(archive, request)}", f"--metadata-file={metadata}"]
            code, lines = self.run_build(["buildx", "build", *output, *words], request, secrets, tell)
            if code != 0 or not archive.exists():
                raise build_failure(self.name, code, lines)
            layout = from_archive(archive, folder)
            check_same(self.name, layout, _digest(metadata))
        annotate(layout, request.annotations)
        return Built(layout)

    def build_words(self, request: BuildRequest, secrets: list[BuildSecret], tell: Tell = silent) -> list[str]:  # noqa: ARG002
        seconds = arguments.epoch(request)
        return [
            *arguments.common(request),
            *arguments.contexts(request),
            *(f"--cache-from={each}" for each in request.cache_from),
            *(f"--cache-to={each}" for each in request.cache_to),
            *(f"--attest={each}" for each in request.attest),
            *(f"--secret={secret.spelled()}" for secret in secrets),
            *([f"--build-arg=SOURCE_DATE_EPOCH={seconds}"] if seconds is not None else []),
            "--progress=plain",
            str(arguments.context_of(request)),
        ]

    def environment(self, *names: str, **values: str) -> dict[str, str]:
        return super().environment("BUILDX_BUILDER", *names, **values)

    def build_variables(self, request: BuildRequest) -> list[str]:
        return [name for kind in arguments.cache_types(request) for name in CACHE_VARIABLES.get(kind, ())]

    def _look(self) -> Detected:
        version = self.plugin_version()
        if version is None:
            return Detected(self.name, None, False, "docker has no plugin buildx")
        # Built from its source it says 0.0.0+unknown.
        if (0, 0) != version_of(version) < MINIMUM:
            return Detected(self.name, version, False, f"buildx {version} is older than 0.10")
        done = self.call("buildx", "inspect", timeout=DETECT_SECONDS)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            return Detected(self.name, version, False, said[-1] if said else "it has no builder")
        builder, driver, fault = _builder(done.stdout.decode("utf-8", "replace"))
        if fault:
            return Detected(self.name, version, False, f"its builder {builder} does not work: {fault}")
        if driver == "docker" and not self._has_containerd_store():
            reason = f"its builder {builder} uses the driver docker, which cannot write an OCI layout"
            return Detected(self.name, version, False, f"{reason} (docker buildx create --use makes one that can)")
        return Detected(self.name, version, True, f"buildx {version} with the builder {builder} (driver {driver})")

    def _has_containerd_store(self) -> bool:
        done = self.call("info", "--format={{json .DriverStatus}}", timeout=DETECT_SECONDS)
        return b"io.containerd.snapshotter" in done.stdout

    def _builder(self, folder: Path) -> dict[str, str]:  # noqa: ARG002 - docker's
        """The builder that is selected."""
        return {}


def _output(archive: Path, request: BuildRequest) -> str:
    fields = ["type=oci", f"dest={archive}"]
    # With a time for the image, the files of its layers get no later one: the same input gives the same bytes.
    fields += ["rewrite-timestamp=true"] if request.created is not None else []
    return ",".join(fields)


def _builder(text: str) -> tuple[str, str, str]:
    """Name, driver and fault of the builder that `docker buildx inspect` describes."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        found = re.match(r"\s*(Name|Driver|Error):\s+(.*\S)", line)
        if found:
            values.setdefault(found[1], found[2])
    return values.get("Name", "?"), values.get("Driver", "?"), values.get("Error", "")


def _digest(metadata: Path) -> str:
    """The digest of the manifest or index that was written, as buildx states it."""
    try:
        return str(json.loads(metadata.read_bytes())["containerimage.digest"])
    except (OSError, ValueError, KeyError, TypeError):
        raise WorldError("buildx does not say which image it built", id="image-differs") from None
