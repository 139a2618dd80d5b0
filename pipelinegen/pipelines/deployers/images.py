"""What stands for an image in the files of a deployer until `bump` sets the version that a run deploys."""

from __future__ import annotations

from pipelinegen.pipelines.application import AppImage

# A tag that orders before nothing, and a digest that no image has: deployed by mistake, it cannot be pulled.
TAG = "unset"
DIGEST = "sha256:" + 64 * "0"


def unset(image: AppImage) -> str:
    """The reference of an image whose version is not set."""
    return f"{image.repository}:{TAG}@{DIGEST}"
