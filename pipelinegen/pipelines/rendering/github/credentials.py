"""Under which names the credentials of jobs lie at GitHub, in which environment, and how a step gets at them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelinegen.errors import Defect
from pipelinegen.pipelines.model import Credential, Job, Secret

# The environment whose secrets serve jobs that deploy nowhere: only there can they be kept from other branches.
DELIVERY = "delivery"
# Not secret, and better not stored as if they were: GitHub drops the output of a job in which a secret's value occurs,
# and a user name such as "shop" occurs everywhere.
_OPEN_PARTS = frozenset(("username", "address", "region", "role", "audience", "account", "known_hosts", "client_id"))
_NAME = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stored:
    """A value that a person stores at GitHub. secret: as a secret, else as a variable; part: "" for the only one."""

    name: str
    part: str
    secret: bool


def stored(credential: Credential) -> tuple[Stored, ...]:
    """What must be stored for a credential."""
    if credential.kind == "job-token":
        return ()
    if credential.kind == "app":
        return (_stored(credential, "CLIENT_ID"), _stored(credential, "PRIVATE_KEY"))
    if credential.kind == "oidc":
        # The identity itself is given; only to whom it is shown is a matter of settings.
        return tuple(Stored(_name(credential, part), part, secret=False) for part in credential.parts)
    return tuple(_stored(credential, part) for part in credential.parts or ("",))


def environment_of(job: Job) -> str | None:
    """The name of the environment that a job works in."""
    if job.environment is not None:
        return job.environment.name if job.environment.action == "deploy" else f"{job.environment.name}-look"
    return DELIVERY if any(one.secret for credential in job.credentials for one in stored(credential)) else None


def expression_of(job: Job, secret: Secret) -> str:
    """The expression that is replaced by a part of a credential, or by the path of the file that holds it."""
    credential = credential_of(job, secret.credential)
    if credential.kind == "job-token":
        return "${{ github.actor }}" if secret.part.lower() == "username" else "${{ github.token }}"
    if credential.kind == "app" or (credential.kind == "oidc" and secret.part.lower() in ("", "token")):
        return f"${{{{ steps.{step_id(credential)}.outputs.token }}}}"
    if credential.file:
        return f"${{{{ runner.temp }}}}/{file_name(credential, secret.part)}"
    return stored_expression(Stored(_name(credential, secret.part), secret.part, _is_secret(credential, secret.part)))


def stored_expression(one: Stored) -> str:
    return f"${{{{ {'secrets' if one.secret else 'vars'}.{one.name} }}}}"


def credential_of(job: Job, name: str) -> Credential:
    for credential in job.credentials:
        if credential.name == name:
            return credential
    raise Defect(f"a step of the job {job.id} uses the credential {name}, which the job does not have", id="no-secret")


def step_id(credential: Credential) -> str:
    """The id of the step that asks for a token."""
    return f"{_lower(credential.name)}-token"


def file_name(credential: Credential, part: str) -> str:
    return _lower(_name(credential, part))


def _stored(credential: Credential, part: str) -> Stored:
    return Stored(_name(credential, part), part, _is_secret(credential, part))


def _is_secret(credential: Credential, part: str) -> bool:
    return credential.kind != "oidc" and part.lower().replace("-", "_") not in _OPEN_PARTS


def _name(credential: Credential, part: str) -> str:
    name = credential.name + (f"_{part.upper().replace('-', '_')}" if part else "")
    if not _NAME.fullmatch(name):
        raise Defect(f"not a name for a secret of GitHub: {name!r}", id="secret-name")
    return name


def _lower(name: str) -> str:
    return name.lower().replace("_", "-")
