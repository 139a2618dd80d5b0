"""`.gitlab-ci.yml`, with local includes, `extends`, `!reference`, `default` and child pipelines of the repository."""

from pipelinegen.pipelines.read.gitlab.pipeline import read

__all__ = ["read"]
