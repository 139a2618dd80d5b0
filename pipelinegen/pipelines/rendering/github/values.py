"""The values of a pipeline as expressions of GitHub, ready to stand behind a key of `env` or `with`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipelinegen.errors import Defect
from pipelinegen.pipelines.model import Answer, Each, Environ, Fact, FactName, Job, Literally, Value
from pipelinegen.pipelines.rendering.github.credentials import expression_of
from pipelinegen.pipelines.rendering.github.scalars import literally, scalar

_FACTS: Mapping[FactName, str] = MappingProxyType(
    {
        "commit": "${{ github.sha }}",
        "branch": "${{ github.head_ref || github.ref_name }}",
        "tag": "${{ github.ref_type == 'tag' && github.ref_name || '' }}",
        "ref": "${{ github.ref }}",
        "actor": "${{ github.actor }}",
        "event": "${{ github.event_name }}",
        "repository-url": "${{ github.server_url }}/${{ github.repository }}",
        "run-url": "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}",
        "temporary-folder": "${{ runner.temp }}",
        "workspace": "${{ github.workspace }}",
    }
)
LEG = "${{ matrix.image }}"


def expression(value: Value, job: Job | None) -> str:
    """What GitHub replaces by the value. job: None for what holds for all jobs, which no secret may."""
    if isinstance(value, Literally):
        return literally(value.text)
    if isinstance(value, Fact):
        return _FACTS[value.name]
    if isinstance(value, Answer):
        return f"${{{{ inputs.{value.name} }}}}"
    if job is None:
        raise Defect(f"a value for all jobs is one of a single job: {value!r}", id="secret-for-all")
    return LEG if isinstance(value, Each) else expression_of(job, value)


def for_all(variables: Environ) -> tuple[dict[str, Value], dict[str, Value]]:
    """The variables of a pipeline: those that may stand at its top, and those that each step must have itself.

    At the top act, and so Gitea and Forgejo, evaluate a text twice: what looks like an expression would be one.
    """
    plain: dict[str, Value] = {}
    odd: dict[str, Value] = {}
    for name, value in variables.items():
        (odd if isinstance(value, Literally) and "${{" in value.text else plain)[name] = value
    return plain, odd


def entries(environ: Environ, job: Job | None, width: int) -> tuple[tuple[str, str], ...]:
    """Names and scalars of YAML. width: how far what belongs to a name is indented."""
    return tuple((name, scalar(expression(value, job), width)) for name, value in environ.items())
