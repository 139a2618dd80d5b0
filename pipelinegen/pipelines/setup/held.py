"""Which credentials the jobs of some pipelines have, each once, and what for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipelinegen.pipelines.model import Credential, Job, Permission, Pipeline


@dataclass(frozen=True, slots=True)
class Held:
    """A credential in one place of a CI system.

    place: an environment there, "" where it lies for all jobs.  rights: what each of its users says, by the user.
    change: jobs of pull requests have it, too.
    """

    credential: Credential
    place: str
    rights: tuple[tuple[str, str], ...]
    whys: tuple[str, ...]
    grants: tuple[Permission, ...]
    change: bool


def user_of(pipeline: Pipeline) -> str:
    """Who has the credential, in the words of the command line."""
    return f"push, {pipeline.deployer}" if pipeline.style == "push" else "pull"


def held(pipelines: Sequence[Pipeline], place_of: Callable[[Job, Credential], str]) -> list[Held]:
    """In the order of the jobs; what one user has said is not told again."""
    found: dict[tuple[str, str, str], list[tuple[Pipeline, Job, Credential]]] = {}
    for pipeline, job, credential in _all(pipelines):
        key = (credential.name, credential.kind, place_of(job, credential))
        found.setdefault(key, []).append((pipeline, job, credential))
    return [_joined(place, uses) for (_, _, place), uses in found.items()]


def _joined(place: str, uses: Sequence[tuple[Pipeline, Job, Credential]]) -> Held:
    grants: dict[str, Permission] = {}
    for _, _, credential in uses:
        for grant in credential.grants:
            if grant.scope not in grants or grant.level == "write":
                grants[grant.scope] = grant
    return Held(
        credential=uses[0][2],
        place=place,
        rights=tuple(_rights(uses)),
        whys=tuple(dict.fromkeys(credential.why for _, _, credential in uses)),
        grants=tuple(grants.values()),
        change=any("change" in job.when.events for _, job, _ in uses),
    )


def _rights(uses: Sequence[tuple[Pipeline, Job, Credential]]) -> Iterator[tuple[str, str]]:
    """(users, rights): those who say the same stand together."""
    said: dict[str, list[str]] = {}
    for pipeline, _, credential in uses:
        users = said.setdefault(credential.rights, [])
        if user_of(pipeline) not in users:
            users.append(user_of(pipeline))
    return (("; ".join(users), rights) for rights, users in said.items())


def _all(pipelines: Iterable[Pipeline]) -> Iterator[tuple[Pipeline, Job, Credential]]:
    return (
        (pipeline, job, credential) for pipeline in pipelines for job in pipeline.jobs for credential in job.credentials
    )


def local_file(credential: Credential) -> str:
    """The name of the file on the administrator's disk, between making it and storing it."""
    name = credential.name.lower().replace("_", "-")
    return f"{name}-{credential.environment}" if credential.environment else name


def made_elsewhere(one: Held) -> bool:
    """Is it an account of another system? Apps are made at the forge, and a CI system's identity is not made at all."""
    return one.credential.stored and one.credential.kind != "app"


def rights_of(one: Held) -> str:
    """In one cell of a table: what the section on accounts does not say already."""
    return "as made above" if made_elsewhere(one) else "; ".join(dict.fromkeys(rights for _, rights in one.rights))
