"""`.gitlab-ci.yml`, with its local includes, `extends`, `!reference`, `default` and the child pipelines of the repository."""

from pipelinegen.pipelines.read.gitlab.pipeline import read

__all__ = ["read"]
