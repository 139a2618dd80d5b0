"""pipelinegen: the way from a CI system to a cluster, push style and pull style."""

__version__ = "0.1.0"
