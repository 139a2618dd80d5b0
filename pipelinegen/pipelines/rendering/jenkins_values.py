"""What a script finds in its environment when Jenkins runs it: texts, facts of the run, answers and credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelinegen.pipelines.model import (
    Answer,
    Credential,
    Each,
    Fact,
    FactName,
    Job,
    Literally,
    Pipeline,
    Secret,
    Value,
)
from pipelinegen.pipelines.rendering.jenkins_when import answer
from pipelinegen.pipelines.rendering.languages import groovy

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")

# Jenkins tells of a run in variables of its own; what it does not tell, the checkout knows.
FACTS: Mapping[FactName, str] = {
    "commit": "$(git rev-parse HEAD)",
    "branch": '$([ -n "${TAG_NAME-}" ] || printf %s "${CHANGE_BRANCH:-${BRANCH_NAME-}}")',
    "tag": "${TAG_NAME-}",
    "ref": '$(if [ -n "${TAG_NAME-}" ]; then printf %s "refs/tags/$TAG_NAME"; elif [ -n "${CHANGE_ID-}" ]; then '
    'printf %s "refs/pull/$CHANGE_ID/head"; else printf %s "refs/heads/${BRANCH_NAME-}"; fi)',
    "actor": "${BUILD_USER_ID:-${CHANGE_AUTHOR-}}",
    "event": '${PIPELINEGEN_CAUSE:-$(if [ -n "${CHANGE_ID-}" ]; then echo change; elif [ -n "${TAG_NAME-}" ]; then '
    "echo tag; else echo branch; fi)}",
    "repository-url": "$(git config --get remote.origin.url || true)",
    "run-url": "${BUILD_URL-}",
    "temporary-folder": "$WORKSPACE_TMP",
    "workspace": "$WORKSPACE",
}
# Who started a run is told to Groovy alone.
_CAUSE = (
    "'PIPELINEGEN_CAUSE=' + (currentBuild.getBuildCauses('hudson.triggers.TimerTrigger$TimerTriggerCause') ? 'schedule'"
    " : currentBuild.getBuildCauses('hudson.model.Cause$UserIdCause') ? 'manual' : '')"
)
# Where steps put programs: outside of the workspace, and gone with the job.
TOOLS = ("'TOOLS=$WORKSPACE_TMP/pipelinegen-tools'", "'PATH+TOOLS=$WORKSPACE_TMP/pipelinegen-tools/bin'")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """variables: expressions for `withEnv`.  bindings: expressions for `withCredentials`.  exports: lines of shell."""

    variables: tuple[str, ...]
    bindings: tuple[str, ...]
    exports: tuple[str, ...]


def listed(expressions: Iterable[str]) -> str:
    """A list of Groovy, empty text for an empty one: on one line where it is short."""
    found = tuple(expressions)
    if not found:
        return ""
    line = f"[{', '.join(found)}]"
    return line if len(line) <= 100 else "[\n  " + ",\n  ".join(found) + "\n]"


def surroundings(pipeline: Pipeline, job: Job, env: Mapping[str, Value], leg: str) -> Surroundings:
    """What a script needs around it and before its first line, so that it finds these variables."""
    values = {**pipeline.variables, **env}
    for name in values:
        if _VARIABLE.fullmatch(name) is None:
            raise ValueError(f"not a name for a variable of a shell: {name!r}")
    defaults = {question.name: question.default for question in pipeline.triggers.questions}
    variables: list[str] = []
    exports: list[str] = []
    for name, value in values.items():
        _set(name, value, leg, defaults, variables, exports)
    if any(value == Fact("event") for value in values.values()):
        variables.append(_CAUSE)
    secrets = [(name, value) for name, value in values.items() if isinstance(value, Secret)]
    return Surroundings(tuple(variables), *_bound(job, secrets, exports))


def _set(
    name: str, value: Value, leg: str, defaults: Mapping[str, str], variables: list[str], exports: list[str]
) -> None:
    if isinstance(value, Literally | Each):
        text = value.text if isinstance(value, Literally) else leg
        if text:
            variables.append(_assignment(name, text))
        else:
            exports.append(f"export {name}=''")  # withEnv would take the variable away
    elif isinstance(value, Fact):
        exports += [f'{name}="{FACTS[value.name]}"', f"export {name}"]
    elif isinstance(value, Answer):
        answer(value.name)
        default = defaults.get(value.name, "")
        # A job's first run has not been asked. Jenkins takes names that differ in case alone for one.
        if default and name.lower() != value.name.lower():
            variables.append(_assignment(name, default))
        exports += [f'{name}="${{{value.name}-${{{name}-}}}}"', f"export {name}"]


def _assignment(name: str, text: str) -> str:
    # https://www.jenkins.io/doc/pipeline/steps/workflow-basic-steps/#withenv: `$X` and `${X}` are replaced in a value
    # (EnvVars.overrideExpandingAll); Util.replaceMacro takes `$$` for a dollar sign.
    return groovy(f"{name}={text.replace('$', '$$')}")


def credentials_id(credential: Credential, part: str = "") -> str:
    """The id under which the credential lies in Jenkins, such as kube-config-production.

    part: of one whose parts are kept apart, since Jenkins has no kind of credential with such parts.
    """
    words = [credential.name, *([part] if part else []), *([credential.environment] if credential.environment else [])]
    return "-".join(_UNSAFE.sub("-", word).strip("-") for word in words).lower().replace("_", "-")


def credential_kind(credential: Credential) -> str:
    """The kind of credential, in the words of Jenkins' own page."""
    if credential.kind == "app":
        return "GitHub App"
    if _is_login(credential):
        return "Username with password"
    if credential.kind == "ssh-key" and credential.file:
        return "SSH Username with private key"
    return "Secret file" if credential.file else "Secret text"


def _is_login(credential: Credential) -> bool:
    return set(credential.parts) == {"username", "password"}


def _bound(
    job: Job, secrets: Iterable[tuple[str, Secret]], exports: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The bindings of these secrets, each credential once, and the lines of shell with those of a second name."""
    taken: dict[tuple[str, str], str] = {}
    for name, secret in secrets:
        first = taken.setdefault((secret.credential, secret.part), name)
        if first != name:
            exports += [f'{name}="${first}"', f"export {name}"]
    held = {credential.name: credential for credential in job.credentials}
    used = dict.fromkeys(credential for credential, _ in taken)
    missing = [name for name in used if name not in held]
    if missing:
        raise ValueError(f"the job {job.id} uses {missing[0]}, which is none of its credentials")
    bindings = [line for name in used for line in _binding(held[name], taken)]
    return tuple(bindings), tuple(exports)


def _binding(credential: Credential, taken: Mapping[tuple[str, str], str]) -> list[str]:
    def variable(part: str) -> str:
        unused = f"{credential.name}_{part.upper().replace('-', '_')}"
        return groovy(taken.get((credential.name, part), unused))

    kind, known = credential_kind(credential), groovy(credentials_id(credential))
    if kind == "GitHub App":
        # https://github.com/jenkinsci/github-branch-source-plugin: the password is a token that lives for an hour.
        app = groovy(f"{credential.name}_APP")
        return [f"usernamePassword(credentialsId: {known}, usernameVariable: {app}, passwordVariable: {variable('')})"]
    if kind == "Username with password":
        user, password = variable("username"), variable("password")
        return [f"usernamePassword(credentialsId: {known}, usernameVariable: {user}, passwordVariable: {password})"]
    if kind == "SSH Username with private key":
        return [f"sshUserPrivateKey(credentialsId: {known}, keyFileVariable: {variable('')})"]
    parts = [part for name, part in taken if name == credential.name]
    word = "file" if kind == "Secret file" else "string"
    return [
        f"{word}(credentialsId: {groovy(credentials_id(credential, part))}, variable: {variable(part)})"
        for part in parts
    ]
