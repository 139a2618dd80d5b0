"""GitHub workflows; the reusable workflows and composite actions of the same repository are followed."""

from pipelinegen.pipelines.read.github.workflow import read

__all__ = ["read"]
