"""The workflow of GitHub Actions that a pipeline is written as."""

from pipelinegen.pipelines.rendering.github.credentials import DELIVERY, Stored, environment_of, stored
from pipelinegen.pipelines.rendering.github.workflow import PATH, files

__all__ = ["DELIVERY", "PATH", "Stored", "environment_of", "files", "stored"]
