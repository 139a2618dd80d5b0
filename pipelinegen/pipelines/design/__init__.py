"""From the application to a pipeline, pure: one design for each style, the same for every CI system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelinegen.pipelines.design import pull, push

if TYPE_CHECKING:
    from pipelinegen.pipelines.application import Application
    from pipelinegen.pipelines.deployers import Deployer
    from pipelinegen.pipelines.model import Pipeline, Style, System


def design(application: Application, style: Style, system: System, deployer: Deployer | None = None) -> Pipeline:
    """The pipeline of a style for a CI system; the push style needs its deployer."""
    if style == "pull":
        return pull.pipeline(application, system)
    if deployer is None:
        raise ValueError("the push style needs a deployer")
    return push.pipeline(application, system, deployer)
