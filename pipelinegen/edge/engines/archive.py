"""One image of a layout as an archive that every engine loads: an OCI layout and Docker's manifest.json in one tar."""

from __future__ import annotations

import io
import json
import os
import platform
import tarfile
from pathlib import Path
from typing import Any

from pipelinegen.edge.layout import Descriptor, Layout
from pipelinegen.errors import InputError

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "armv6l": "arm/v6", "i686": "386"}


def machine_platform() -> str:
    """This machine's platform in the words of images, for containers: always Linux."""
    machine = platform.machine().lower()
    return f"linux/{_MACHINES.get(machine, machine)}"


def pick(layout: Layout, digest: str | None, wanted: str | None = None) -> Descriptor:
    """The image of a layout with this digest, else the one for a platform (this machine's), else the only one."""
    images = layout.images()
    wanted = wanted or machine_platform()
    if digest is not None:
        found = [image for image in images if image.digest == digest]
    else:
        found = [image for image in images if image.platform == wanted] or (images if len(images) == 1 else [])
    if not found:
        here = ", ".join(image.platform or image.digest for image in images)
        raise InputError(f"the build has no image for {digest or wanted}; it has {here}", id="bad-platform")
    return found[0]


def write_archive(layout: Layout, image: Descriptor, reference: str, file: Path) -> str:
    """Write the archive; return the digest of the image's configuration, which is its id in most engines.

    Docker reads manifest.json (before 25, only that), containerd and podman read index.json.
    """
    manifest = layout.manifest(image.digest)
    config = str(manifest["config"]["digest"])
    layers = [str(layer["digest"]) for layer in manifest["layers"]]
    annotations = {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference}
    entry = {"mediaType": image.media_type, "digest": image.digest, "size": image.size, "annotations": annotations}
    listed = [{"Config": _path(config), "RepoTags": [reference], "Layers": [_path(layer) for layer in layers]}]
    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as archive:
        _add_json(archive, "oci-layout", {"imageLayoutVersion": "1.0.0"})
        _add_json(archive, "index.json", {"schemaVersion": 2, "manifests": [entry]})
        _add_json(archive, "manifest.json", listed)
        for digest in dict.fromkeys((image.digest, config, *layers)):
            with open(layout.blob(digest), "rb") as blob:
                info = tarfile.TarInfo(_path(digest))
                info.size = os.fstat(blob.fileno()).st_size
                archive.addfile(info, blob)
    return config


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)


def _add_json(archive: tarfile.TarFile, name: str, content: Any) -> None:
    data = json.dumps(content).encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))
