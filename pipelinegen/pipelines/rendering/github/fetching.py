"""How a job gets at its credentials: tokens that it asks for, and files that it writes for itself alone."""

from __future__ import annotations

from collections.abc import Iterator

from pipelinegen.errors import Defect
from pipelinegen.pipelines.model import Credential, Job, Run, Secret, Step, Use
from pipelinegen.pipelines.rendering.github import credentials
from pipelinegen.pipelines.rendering.github.written import Written, scripted, text, used


def used_by(job: Job, step: Step) -> tuple[Credential, ...]:
    """The credentials of which a step has a part, and for which something must be done before it."""
    values = step.env if isinstance(step, Run) else step.inputs if isinstance(step, Use) else {}
    secrets = [value for value in values.values() if isinstance(value, Secret)]
    names = dict.fromkeys(
        secret.credential
        for secret in secrets
        # The other parts of an identity are settings, for which nothing is fetched.
        if credentials.credential_of(job, secret.credential).kind != "oidc" or secret.part.lower() in ("", "token")
    )
    return tuple(credentials.credential_of(job, name) for name in names)


def fetched(credential: Credential) -> Iterator[Written]:
    """The steps before the first that uses a credential; none where its value is there already."""
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
        ("owner", text(owner)),
        ("repositories", text(name)),
        *((f"permission-{grant.scope}", grant.level) for grant in credential.grants),
    )
    said = f"Get a token for {credential.repository} alone"
    return used(said, "create-github-app-token", inputs, id=credentials.step_id(credential))


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
    return scripted("Get the token of this job's identity", lines, env, id=credentials.step_id(credential))


def _file(credential: Credential, one: credentials.Stored) -> Written:
    env = (
        (one.name, credentials.stored_expression(one)),
        ("FILE", f"${{{{ runner.temp }}}}/{credentials.file_name(credential, one.part)}"),
    )
    kind = "secret" if one.secret else "variable"
    lines = ("umask 077", f'printf \'%s\\n\' "${{{one.name}:?this {kind} is not there, see SETUP.md}}" > "$FILE"')
    # GitHub empties this folder at the end of every job.
    return scripted(f"Write {one.name} to a file that only this job can read", lines, env)
