"""Jenkinsfiles, declarative and simple scripted ones: read, never run; what is other Groovy is said to be unknown."""

from pipelinegen.pipelines.read.jenkins.pipeline import read

__all__ = ["read"]
