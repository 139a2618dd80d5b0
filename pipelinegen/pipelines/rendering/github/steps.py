"""The steps of a job as they stand in a workflow: those of the model, and those that GitHub wants besides."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from pipelinegen.errors import Defect
from pipelinegen.pipelines import pins
from pipelinegen.pipelines.model import Artifact, Checkout, Credential, Custom, Job, Pipeline, Run, Secret, Step, Use
from pipelinegen.pipelines.rendering.github import credentials
from pipelinegen.pipelines.rendering.github.scalars import literally, plain, quoted, scalar
from pipelinegen.pipelines.rendering.github.values import LEG, entries, for_all
from pipelinegen.pipelines.rendering.header import block

HANDOVER = "handover"
_TOOLS = "${{ runner.temp }}/tools"
_CONDITIONS = {"success": "", "failure": "failure()", "always": "always()"}
# Long enough to look into after a weekend; a plan may hold values that are not for ever.
_DAYS = "7"

# Of what belongs to a key of `env` or `with`.
_WIDTH = 12

Entries = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A step whose values are YAML already. block: the whole text of a block of the user's own, else ""."""

    name: str = ""
    comment: str = ""
    id: str = ""
    condition: str = ""
    uses: str = ""
    inputs: Entries = ()
    env: Entries = ()
    line: str = ""  # a script of one line that may stand behind its key
    lines: tuple[str, ...] = ()
    block: str = ""


def steps_of(pipeline: Pipeline, job: Job) -> tuple[Written, ...]:
    """All steps of a job, in their order."""
    job = _told(pipeline, job)
    taken = tuple(_taken(pipeline, job))
    first = next((at for at, step in enumerate(job.steps) if isinstance(step, Checkout)), -1)
    # A checkout empties the workspace: what other jobs hand over comes after it.
    before = [_step(job, step) for step in job.steps[: first + 1]]
    after = _with_credentials(job, job.steps[first + 1 :])
    return tuple(_apart((*before, *taken, *after, *_given(pipeline, job))))


def _told(pipeline: Pipeline, job: Job) -> Job:
    """The job, its steps with those variables of the pipeline that cannot stand at its top."""
    _, odd = for_all(pipeline.variables)
    steps = tuple(replace(step, env={**odd, **step.env}) if isinstance(step, Run) else step for step in job.steps)
    return replace(job, steps=steps) if odd else job


def _apart(steps: tuple[Written, ...]) -> Iterator[Written]:
    """A block at the end of a job is below a script of several lines, or yamllint takes it for a part of the key."""
    for step, following in zip_longest(steps, steps[1:]):
        last = following is None or following.block
        yield replace(step, line="", lines=(step.line,)) if step.line and last else step


def third_party(key: str) -> str:
    """An action by its commit, and its tag for people and for the tools that update it."""
    action = pins.action(key)
    return f"{action.name}@{action.commit}  # {action.tag}"


def _with_credentials(job: Job, steps: Iterable[Step]) -> Iterator[Written]:
    """Credentials are fetched right before the first step that uses them: no earlier step can see them."""
    ready: set[str] = set()
    for step in steps:
        for credential in _used(job, step):
            if credential.name not in ready:
                ready.add(credential.name)
                condition = _CONDITIONS[step.when] if isinstance(step, Run) else ""
                yield from (replace(each, condition=condition) for each in _fetched(credential))
        yield _step(job, step)


def _used(job: Job, step: Step) -> tuple[Credential, ...]:
    values = step.env if isinstance(step, Run) else step.inputs if isinstance(step, Use) else {}
    secrets = [value for value in values.values() if isinstance(value, Secret)]
    names = dict.fromkeys(
        secret.credential
        for secret in secrets
        # The other parts of an identity are settings, for which nothing is fetched.
        if credentials.credential_of(job, secret.credential).kind != "oidc" or secret.part.lower() in ("", "token")
    )
    return tuple(credentials.credential_of(job, name) for name in names)


def _step(job: Job, step: Step) -> Written:
    if isinstance(step, Checkout):
        return _checkout(step)
    if isinstance(step, Custom):
        return Written(block=block("#", step.name))
    if isinstance(step, Use):
        return _use(step.name, step.action, entries(step.inputs, job, _WIDTH))
    return _run(job, step)


def _checkout(step: Checkout) -> Written:
    depth = (("fetch-depth", "0"),) if step.history else ()
    return _use(step.name, "checkout", (*depth, ("persist-credentials", "false")))


def _use(name: str, key: str, inputs: Entries, *, condition: str = "", id: str = "") -> Written:
    if unknown := pins.action(key).unknown(name for name, _ in inputs):
        raise Defect(f"{pins.action(key).name} has no input {', '.join(unknown)}", id="unknown-input")
    return Written(scalar(literally(name)), id=id, condition=condition, uses=third_party(key), inputs=inputs)


def _run(job: Job, step: Run) -> Written:
    env = entries(step.env, job, _WIDTH)
    lines = step.script
    if step.installs:
        env = (*env, ("TOOLS", _TOOLS))
        lines = ('mkdir -p "$TOOLS/bin"', *lines, 'echo "$TOOLS/bin" >> "$GITHUB_PATH"')
    comment = f"Stage: {step.stage}" if step.stage else ""
    return _script(step.name, lines, env, comment=comment, condition=_CONDITIONS[step.when])


def _script(
    name: str, lines: tuple[str, ...], env: Entries = (), *, comment: str = "", condition: str = "", id: str = ""
) -> Written:
    if not lines or lines[0][:1].isspace() or any("${{" in line or "\n" in line for line in lines):
        raise Defect(f"the script of the step {name!r} cannot stand in a workflow as it is", id="script")
    alone = lines[0] if len(lines) == 1 and plain(lines[0]) and len(lines[0]) < 100 else ""
    return Written(
        scalar(literally(name)),
        comment=comment,
        id=id,
        condition=condition,
        env=env,
        line=alone,
        lines=() if alone else lines,
    )


def _text(text: str) -> str:
    return scalar(literally(text), _WIDTH)


# Credentials.


def _fetched(credential: Credential) -> Iterator[Written]:
    if credential.kind == "app":
        yield _app_token(credential)
    elif credential.kind == "oidc":
        yield _identity(credential)
    elif credential.file:
        yield from (_file(credential, one) for one in credentials.stored(credential))


def _app_token(credential: Credential) -> Written:
    """A token that opens one repository, and ends with the job."""
    owner, _, name = credential.repository.partition("/")
    if not owner or not name or not credential.grants:
        raise Defect(f"the app {credential.name} has no repository, or no rights to ask for", id="app-unbound")
    client, key = credentials.stored(credential)
    inputs = (
        ("client-id", credentials.stored_expression(client)),
        ("private-key", credentials.stored_expression(key)),
        ("owner", _text(owner)),
        ("repositories", _text(name)),
        *((f"permission-{grant.scope}", grant.level) for grant in credential.grants),
    )
    said = f"Get a token for {credential.repository} alone"
    return _use(said, "create-github-app-token", inputs, id=credentials.step_id(credential))


def _identity(credential: Credential) -> Written:
    """The token of the job's own identity, which GitHub gives to those who ask for it."""
    audience = next((one for one in credentials.stored(credential) if one.part.lower() == "audience"), None)
    env = (("AUDIENCE", credentials.stored_expression(audience)),) if audience else ()
    query = ' --get --data-urlencode "audience=$AUDIENCE"' if audience else ""
    lines = (
        f"answer=$(curl --fail --silent --show-error --retry 3{query} \\",
        '  --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL")',
        'token=$(python3 -c \'import json, sys; print(json.load(sys.stdin)["value"])\' <<< "$answer")',
        'echo "::add-mask::$token"',
        'echo "token=$token" >> "$GITHUB_OUTPUT"',
    )
    return _script("Get the token of this job's identity", lines, env, id=credentials.step_id(credential))


def _file(credential: Credential, one: credentials.Stored) -> Written:
    env = (
        (one.name, credentials.stored_expression(one)),
        ("FILE", f"${{{{ runner.temp }}}}/{credentials.file_name(credential, one.part)}"),
    )
    kind = "secret" if one.secret else "variable"
    lines = ("umask 077", f'printf \'%s\\n\' "${{{one.name}:?this {kind} is not there, see SETUP.md}}" > "$FILE"')
    # GitHub empties this folder at the end of every job.
    return _script(f"Write {one.name} to a file that only this job can read", lines, env)


# What goes from job to job.


def by_outputs(pipeline: Pipeline, job: Job) -> tuple[Artifact, ...]:
    """What goes to later jobs as an output of the job: small files, and all of them where nothing else goes.

    A server of one's own has no artifacts of this age (https://github.com/actions/upload-artifact, "not supported on
    GHES"), as it may have no anchors.
    """
    kinds = ("handoff",) if pipeline.anchors else ("handoff", "binary")
    return tuple(artifact for artifact in job.produces if artifact.kind in kinds)


def _taken(pipeline: Pipeline, job: Job) -> Iterator[Written]:
    for name in job.takes:
        maker, artifact = _maker(pipeline, job, name)
        if artifact in by_outputs(pipeline, maker):
            yield _received(pipeline, maker, artifact)
        else:
            folder = posixpath.dirname(artifact.path) or "."
            inputs = (("name", _text(artifact.name)), ("path", _text(folder)))
            yield _use(f"Take {artifact.name} from the job {maker.id}", "download-artifact", inputs)


def _maker(pipeline: Pipeline, job: Job, name: str) -> tuple[Job, Artifact]:
    for maker in map(pipeline.job, job.needs):
        for artifact in maker.produces:
            if artifact.name == name:
                return maker, artifact
    raise Defect(f"the job {job.id} takes {name}, which no job before it makes", id="no-artifact")


def _received(pipeline: Pipeline, maker: Job, artifact: Artifact) -> Written:
    env = (
        ("CONTENT", f"${{{{ needs.{maker.id}.outputs.{output_of(artifact)} }}}}"),
        ("FILE", _text(artifact.path)),
    )
    folder = ('mkdir -p "$(dirname "$FILE")"',) if posixpath.dirname(artifact.path) else ()
    content = f'"${{CONTENT:?the job {maker.id} has not handed it over}}"'
    write = f"printf '%s\\n' {content}" if pipeline.anchors else f"base64 --decode <<< {content}"
    lines = (*folder, f'{write} > "$FILE"')
    return _script(f"Take {artifact.name} from the job {maker.id}", lines, env)


def output_of(artifact: Artifact) -> str:
    """The name of the job's output by which an artifact goes."""
    if not artifact.name.replace("-", "").replace("_", "").isalnum() or not artifact.name[:1].isalpha():
        raise Defect(f"not a name for the output of a job: {artifact.name!r}", id="output-name")
    return artifact.name


def _given(pipeline: Pipeline, job: Job) -> Iterator[Written]:
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
    return _script(said, lines, (("FILES", _text(pairs.rstrip("\n"))),), id=HANDOVER)


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
        ("path", _text(artifact.path)),
        ("if-no-files-found", "error" if needed else "ignore"),
        ("retention-days", _DAYS),
    ]
    if any(part.startswith(".") for part in artifact.path.split("/")):
        inputs.append(("include-hidden-files", "true"))
    said = f"Keep {artifact.name}"
    condition = f"${{{{ {' && '.join(conditions)} }}}}" if conditions else ""
    return _use(said, "upload-artifact", tuple(inputs), condition=condition)
