"""What goes from job to job, and to people: outputs of jobs, and artifacts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from pipelinegen.errors import Defect
from pipelinegen.pipelines.model import Artifact, Job, Pipeline
from pipelinegen.pipelines.rendering.github.scalars import literally, quoted, scalar
from pipelinegen.pipelines.rendering.github.values import LEG
from pipelinegen.pipelines.rendering.github.written import Written, scripted, text, used

HANDOVER = "handover"
# Long enough to look into after a weekend; a plan may hold values that are not for ever.
_DAYS = "7"


def by_outputs(pipeline: Pipeline, job: Job) -> tuple[Artifact, ...]:
    """What goes to later jobs as an output of the job: small files, and all of them where nothing else goes.

    A server of one's own has no artifacts of this age (https://github.com/actions/upload-artifact, "not supported on
    GHES"), as it may have no anchors.
    """
    kinds = ("handoff",) if pipeline.anchors else ("handoff", "binary")
    return tuple(artifact for artifact in job.produces if artifact.kind in kinds)


def taken(pipeline: Pipeline, job: Job) -> Iterator[Written]:
    """The steps that put what other jobs have made into the workspace."""
    for name in job.takes:
        maker, artifact = _maker(pipeline, job, name)
        if artifact in by_outputs(pipeline, maker):
            yield _received(pipeline, maker, artifact)
        else:
            folder = posixpath.dirname(artifact.path) or "."
            inputs = (("name", text(artifact.name)), ("path", text(folder)))
            yield used(f"Take {artifact.name} from the job {maker.id}", "download-artifact", inputs)


def _maker(pipeline: Pipeline, job: Job, name: str) -> tuple[Job, Artifact]:
    for maker in map(pipeline.job, job.needs):
        for artifact in maker.produces:
            if artifact.name == name:
                return maker, artifact
    raise Defect(f"the job {job.id} takes {name}, which no job before it makes", id="no-artifact")


def _received(pipeline: Pipeline, maker: Job, artifact: Artifact) -> Written:
    env = (
        ("CONTENT", f"${{{{ needs.{maker.id}.outputs.{output_of(artifact)} }}}}"),
        ("FILE", text(artifact.path)),
    )
    folder = ('mkdir -p "$(dirname "$FILE")"',) if posixpath.dirname(artifact.path) else ()
    content = f'"${{CONTENT:?the job {maker.id} has not handed it over}}"'
    write = f"printf '%s\\n' {content}" if pipeline.anchors else f"base64 --decode <<< {content}"
    lines = (*folder, f'{write} > "$FILE"')
    return scripted(f"Take {artifact.name} from the job {maker.id}", lines, env)


def output_of(artifact: Artifact) -> str:
    """The name of the job's output by which an artifact goes."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", artifact.name, re.ASCII):
        raise Defect(f"not a name for the output of a job: {artifact.name!r}", id="output-name")
    return artifact.name


def given(pipeline: Pipeline, job: Job) -> Iterator[Written]:
    """The last steps of a job: what it has made goes to other jobs, and to people."""
    handed = by_outputs(pipeline, job)
    if handed:
        yield _handover(pipeline, job, handed)
    if pipeline.anchors:
        yield from (_uploaded(job, artifact) for artifact in job.produces if artifact not in handed)


def _handover(pipeline: Pipeline, job: Job, artifacts: tuple[Artifact, ...]) -> Written:
    """Each file becomes an output of the job, as one line: line breaks mean nothing in JSON."""
    pairs = "".join(f"{output_of(artifact)} {artifact.path}\n" for artifact in artifacts)
    # A leg of a matrix has made only its own.
    skip = ('  [ -f "$file" ] || continue',) if job.matrix else ()
    line = "tr -d '\\r\\n' <" if pipeline.anchors else "base64 --wrap=0"
    lines = (
        "while read -r name file; do",
        *skip,
        f'  content=$({line} "$file")',
        '  printf \'%s=%s\\n\' "$name" "$content" >> "$GITHUB_OUTPUT"',
        'done <<< "$FILES"',
    )
    said = "Hand over " + ", ".join(artifact.name for artifact in artifacts)
    return scripted(said, lines, (("FILES", text(pairs.rstrip("\n"))),), id=HANDOVER)


def _uploaded(job: Job, artifact: Artifact) -> Written:
    name = literally(artifact.name)
    needed = artifact.kind == "binary"
    conditions = [] if needed else ["!cancelled()"]
    if job.matrix and artifact.leg:
        conditions.append(f"matrix.image == {quoted(artifact.leg)}")
    elif job.matrix:
        name = f"{name}-{LEG}"
    inputs = [
        ("name", scalar(name)),
        ("path", text(artifact.path)),
        ("if-no-files-found", "error" if needed else "ignore"),
        ("retention-days", _DAYS),
    ]
    if any(part.startswith(".") for part in artifact.path.split("/")):
        inputs.append(("include-hidden-files", "true"))
    said = f"Keep {artifact.name}"
    condition = f"${{{{ {' && '.join(conditions)} }}}}" if conditions else ""
    return used(said, "upload-artifact", tuple(inputs), condition=condition)
