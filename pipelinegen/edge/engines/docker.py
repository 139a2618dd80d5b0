"""Docker: the classic builder or BuildKit of `docker build`, and the image saved from the daemon into a layout."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipelinegen.edge.engines import arguments
from pipelinegen.edge.engines.annotate import annotate
from pipelinegen.edge.engines.base import DETECT_SECONDS, LOAD_SECONDS, check_same, refuse_lacking
from pipelinegen.edge.engines.containers import Containers
from pipelinegen.edge.engines.logins import current_context, docker_config
from pipelinegen.edge.engines.port import BuildRequest, Built, Detected, Setup, Tell, silent
from pipelinegen.edge.layout import from_archive
from pipelinegen.edge.process import Completed

MINIMUM = (20, 10)
# From 23 on the command line builds by its plugin buildx, or without it by the classic builder alone.
PLUGIN_BUILDS = 23
VARIABLES = (
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"),
    *("DOCKER_DEFAULT_PLATFORM", "DOCKER_BUILDKIT", "BUILDX_GIT_LABELS", "BUILDX_GIT_CHECK_DIRTY"),
)


class Docker(Containers):
    """`docker build`, `docker save`, `docker run`."""

    name = "docker"
    program = "docker"
    refusal = re.compile(rb"^docker: ", re.MULTILINE)
    # Untagged parents stay: they are the classic builder's cache.
    rmi_options = ("--no-prune",)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, VARIABLES)
        self._buildkit = False
        self._plugin = False

    def lacks(self, request: BuildRequest) -> str | None:
        self.detect()
        if len(request.platforms) > 1:
            return "several platforms in one image"
        if request.attest:
            return "attestations"
        if not self._buildkit and (request.secrets or request.ssh):
            return "build secrets and ssh (this docker has the classic builder alone)"
        if not self._plugin and request.contexts:
            return "named contexts (they need the plugin buildx)"
        return None

    def build(self, request: BuildRequest, folder: Path, tell: Tell = silent) -> Built:
        refuse_lacking(self.lacks(request), self.name)
        secrets = self.begin_build(request, folder)
        name = self.new_image()
        with tempfile.TemporaryDirectory(prefix="pipelinegen-build-", dir=folder.parent) as place:
            iidfile, archive = Path(place, "iid"), Path(place, "image.tar")
            words = [f"--iidfile={iidfile}", f"--tag={name}", *self.build_words(request, secrets, tell)]
            image = self.built_id(iidfile, *self.run_build(["build", *words], request, secrets, tell))
            self.check(self.call("save", f"--output={archive}", name, timeout=LOAD_SECONDS), "save the image")
            layout = from_archive(archive, folder)
        check_same(self.name, layout, image)
        annotate(layout, request.annotations)
        return Built(layout, name)

    def build_words(
        self, request: BuildRequest, secrets: list[arguments.BuildSecret], tell: Tell = silent
    ) -> list[str]:
        """The options and the context of `docker build`."""
        words = arguments.common(request)
        sources, others = arguments.registry_caches(request.cache_from)
        words += [f"--cache-from={each}" for each in sources]
        for cache in (*others, *request.cache_to):
            # The daemon's own builder takes no others, and a build must not fail for the lack of a cache.
            tell(f"the cache {cache} is not used: only buildx with a builder of its own can")
        if self._plugin:
            words += ["--load", *arguments.contexts(request)]
        if self._buildkit:
            seconds = arguments.epoch(request)
            words += [f"--build-arg=SOURCE_DATE_EPOCH={seconds}"] if seconds is not None else []
            words += ["--progress=plain", *(f"--secret={secret.spelled()}" for secret in secrets)]
        return [*words, str(arguments.context_of(request))]

    def _look(self) -> Detected:
        version, reason = self._daemon()
        if version is None or reason is not None:
            return Detected(self.name, version, False, reason or "it does not say its version")
        self._plugin = _major(version) >= PLUGIN_BUILDS and self.plugin_version() is not None
        wanted = self.programs.environ.get("DOCKER_BUILDKIT", "1") not in ("0", "false")
        self._buildkit = wanted and (self._plugin or _major(version) < PLUGIN_BUILDS)
        self._plugin = self._plugin and wanted
        builder = "BuildKit" if self._buildkit else "the classic builder"
        return Detected(self.name, version, True, f"docker {version} with {builder}")

    def _daemon(self) -> tuple[str | None, str | None]:
        """The version of the command line, and why it cannot be used with its daemon."""
        done = self.call("version", "--format={{json .}}", timeout=DETECT_SECONDS)
        content = _object(done.stdout)
        client, server = content.get("Client") or {}, content.get("Server") or {}
        version = client.get("Version")
        if not isinstance(version, str):
            return None, _last_line(done) or "it does not say its version"
        if not server and done.returncode == 0:
            return version, "it is podman under docker's name"
        if not server:
            return version, _last_line(done) or "its daemon does not answer"
        for whose, text in (("docker", version), ("its daemon", str(server.get("Version")))):
            if version_of(text) < MINIMUM:
                return version, f"{whose} {text} is older than {'.'.join(map(str, MINIMUM))}"
        if server.get("Os") not in (None, "linux"):
            return version, f"its daemon runs {server['Os']} containers"
        return version, None

    def plugin_version(self) -> str | None:
        """The version of the plugin buildx; None where docker has none."""
        done = self.call("buildx", "version", timeout=DETECT_SECONDS)
        found = re.search(rb"\bv?([0-9]+\.[0-9]+[^\s]*)", done.stdout)
        return found[1].decode("ascii", "replace") if done.returncode == 0 and found else None

    def _prepare(self) -> dict[str, str]:
        folder = self.programs.folder() / "docker"
        variables = docker_config(folder, self.programs.environ, self.setup.logins)
        return {
            **variables,
            **self._builder(folder),
            "DOCKER_CLI_HINTS": "false",
            # Provenance holds the time of the build: an image would never be the same twice.
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        }

    def environment(self, *names: str, **values: str) -> dict[str, str]:
        return super().environment(*names, **{"DOCKER_BUILDKIT": "1" if self._buildkit else "0", **values})

    def _builder(self, folder: Path) -> dict[str, str]:
        """The daemon's own builder, whatever builder is selected: the image must end up in the daemon."""
        return {"BUILDX_BUILDER": current_context(folder, self.programs.environ)}

    def _host(self) -> str | None:
        address = urlsplit(self.programs.environ.get("DOCKER_HOST", ""))
        if address.scheme not in ("tcp", "ssh", "http", "https"):
            return None
        return None if address.hostname in ("127.0.0.1", "localhost", "::1") else address.hostname


def version_of(text: str) -> tuple[int, ...]:
    """(20, 10) of 20.10.24+dfsg1."""
    found = re.match(r"v?([0-9]+)\.([0-9]+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _major(version: str) -> int:
    return version_of(version)[0]


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _last_line(done: Completed) -> str:
    lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
