"""The credentials that a pipeline holds: of which kind, for what, how long they live, and who can read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipelinegen.pipelines.analyse import actions, identities
from pipelinegen.pipelines.analyse.in_clear import grants_in_clear
from pipelinegen.pipelines.analyse.manifests import changes_of
from pipelinegen.pipelines.analyse.naming import identifies, sort_of, words
from pipelinegen.pipelines.analyse.work import Run, Work
from pipelinegen.pipelines.reading import Grant, Job, Life, Place, Reading
from pipelinegen.pipelines.shell.uses import Use, use_of


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential. identifier: it says who or where, and opens nothing by itself.

    jobs: where it is visible. steps: how many steps see it. third_party: code of others that runs while it is.
    """

    name: str
    kind: str
    life: Life
    target: str
    jobs: tuple[str, ...]
    third_party: tuple[str, ...]
    evidence: tuple[Place, ...]
    steps: int
    identifier: bool = False
    environments: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    note: str = ""

    @property
    def stored(self) -> bool:
        """Does the CI system keep it, so that whoever takes it can use it until somebody changes it?"""
        return self.life in {"stored", "file"}


@dataclass(frozen=True, slots=True)
class Sight:
    """One secret as one job sees it: what is known of it there, and which code of others runs while it is visible."""

    grant: Grant
    work: Work
    kind: str
    target: str
    certain: int
    third_party: tuple[str, ...]
    steps: int

    @property
    def job(self) -> Job:
        return self.work.job


# How sure a clue is. A name can be anything; what a command does with a value cannot.
_BY_NAME, _BY_HOLDER, _BY_INPUT, _BY_USE, _BY_BINDING = 1, 2, 3, 4, 5
_TOKENS = frozenset({"GITHUB_TOKEN", "CI_JOB_TOKEN"})
_UNDECLARED = frozenset({"script", "env", "clear"})


def credentials_of(reading: Reading, works: Sequence[Work]) -> tuple[Credential, ...]:
    """The credentials of a pipeline, each once, in the order in which they appear."""
    sights: dict[str, list[Sight]] = {}
    for work in works:
        for grant in dict.fromkeys(work.job.everything()):
            if grant.via == "permission":
                continue  # the statement of a job's identity is told by what accepts it
            sight = _sight(reading, work, grant)
            if sight is not None:
                sights.setdefault(grant.name, []).append(sight)
        for grant, target, foreign in identities.of_work(reading, work):
            kind = grant.kind or "oidc"
            sights.setdefault(grant.name, []).append(
                Sight(grant, work, kind, target, _BY_USE, foreign, len(work.job.steps))
            )
    of_jobs = {work.job.id: work for work in works}
    for grant, job in grants_in_clear(reading):
        sight = Sight(grant, of_jobs[job.id], grant.kind, grant.target, _BY_BINDING, (), len(job.steps))
        sights.setdefault(grant.name, []).append(sight)
    return tuple(_credential(name, several) for name, several in sights.items())


def _sight(reading: Reading, work: Work, grant: Grant) -> Sight | None:
    uses = list(_uses(work, grant))
    certain, kind, target = _best(_clues(work, grant, uses))
    if reading.system == "gitlab" and grant.via in _UNDECLARED and not _is_credential(grant, certain, uses):
        return None
    if kind == "ssh-key" and not target:
        target = _ssh_target(work)
    third, steps = _seen_by(work, grant)
    return Sight(grant, work, kind, target, certain, third, steps)


def _is_credential(grant: Grant, certain: int, uses: Sequence[Use]) -> bool:
    """Is a variable that the file does not declare a credential, by its name or by its use?"""
    if grant.life in {"job", "oidc"}:
        return True
    if grant.via == "clear":
        return bool(_SECRET_NAME.search(words(grant.name))) and not identifies(grant.name)
    if any(use.kind and use.kind != "oidc" and (use.target or use.kind) for use in uses):
        return not identifies(grant.name) or any(use.kind in {"ssh-key", "kubeconfig"} for use in uses)
    if grant.holder != grant.name and certain >= _BY_HOLDER and _SECRET_NAME.search(words(grant.holder)):
        return True  # handed on under the name of a secret
    return not identifies(grant.name) and bool(_SECRET_NAME.search(words(grant.name)))


_SECRET_NAME = re.compile(
    r"PASS(?:WORD|WD|PHRASE)?(?![A-Z])|TOKEN|SECRET|(?:^|_)KEY(?:$|_)|APIKEY|KUBE_?CONFIG|KUBECONF|K8S_CONFIG|CREDENTIAL|CREDS?(?![A-Z])|"
    r"(?:^|_)PAT(?:$|_)|PRIVATE|ID_RSA|SERVICE_ACCOUNT|SA_JSON|GCP_KEY|KEY_FILE|(?:^|_)PEM(?:$|_)|PUBLISH_PROFILE|(?:^|_)PWD$|_AUTH$|"
    r"(?:^|_)JWT(?:$|_)|WEBHOOK|DOCKER_AUTH_CONFIG"
)


def _clues(work: Work, grant: Grant, uses: Sequence[Use]) -> Iterator[tuple[int, str, str]]:
    """What is said about a secret, each with how sure it is."""
    if grant.kind or grant.target:
        yield _BY_BINDING, grant.kind, grant.target
    for use in uses:
        yield _BY_USE, use.kind, _target(work, use)
    if grant.via == "with":
        yield from _inputs(work, grant)
    elif grant.via == "env":
        yield from _handed_on(work, grant)
    if grant.holder and grant.via != "with" and not grant.holder.startswith("SECRET__"):
        yield _BY_HOLDER, *sort_of(grant.holder)
    yield _BY_NAME, *sort_of(grant.name)


def _target(work: Work, use: Use) -> str:
    """An SSH key is for hosts, unless git is what uses it; a forge's token is for manifests where they are written."""
    if use.kind == "ssh-key" and not use.target:
        return _ssh_target(work)
    return use.target


def _ssh_target(work: Work) -> str:
    reaches = any(
        run.effect is not None and run.effect.tool in {"ssh", "ansible", "compose", "chef", "puppet"}
        for run in work.runs
    )
    if reaches or any(
        step.kind == "action" and action is not None and action.delivers in {"ssh", "compose"}
        for _, step, action in work.actions()
    ):
        return "host"
    over_ssh = any(run.act is not None and re.search(r"git@|ssh://", run.act.where) for run in work.runs)
    return "manifest-repository" if changes_of(work) else "forge" if over_ssh else "host"


def _inputs(work: Work, grant: Grant) -> Iterator[tuple[int, str, str]]:
    for step in work.job.steps:
        if step.uses is None or grant not in step.grants:
            continue
        sort = actions.input_sort(step.uses.name, grant.holder)
        if sort is not None and any(sort):
            kind, target = sort
            if kind == "ssh-key" and not target:
                target = _ssh_target(work)
            yield _BY_INPUT, kind, target
        else:
            yield _BY_HOLDER, *sort_of(grant.holder)


def _handed_on(work: Work, grant: Grant) -> Iterator[tuple[int, str, str]]:
    """A variable that is given to an action: `kubeconfig: ${{ env.CONFIG }}`."""
    named = re.compile(rf"\benv\.{re.escape(grant.holder)}\b")
    for step in work.job.steps:
        for each in step.inputs if grant.holder else ():
            if step.uses is not None and named.search(each.value):
                yield _BY_INPUT, *(actions.input_sort(step.uses.name, each.name) or sort_of(each.name))


def _best(clues: Iterable[tuple[int, str, str]]) -> tuple[int, str, str]:
    """Kind and target by the surest clue that says each."""
    ordered = sorted(clues, key=lambda clue: -clue[0])
    kind = next((clue[1] for clue in ordered if clue[1]), "")
    target = next((clue[2] for clue in ordered if clue[2]), "")
    certain = next((clue[0] for clue in ordered if clue[1] or clue[2]), 0)
    return certain, kind, target


def _uses(work: Work, grant: Grant) -> Iterator[Use]:
    """What the commands that see a secret do with it."""
    if not grant.holder or grant.via in {"with", "call", "permission"}:
        return
    for run in _seeing(work, grant):
        use = use_of(run.command, grant.holder) if grant.holder in run.reads else None
        if use is not None and (use.kind or use.target):
            yield use


def _seeing(work: Work, grant: Grant) -> Iterator[Run]:
    if grant.scope == "step":
        steps = {number for number, step in enumerate(work.job.steps) if grant in step.grants}
        return (run for run in work.runs if run.step in steps)
    return iter(work.runs)


def _seen_by(work: Work, grant: Grant) -> tuple[tuple[str, ...], int]:
    """The code of others that runs while a secret is visible, and the number of steps that see it."""
    job = work.job
    if grant.via == "container":
        return (), 0
    if grant.via == "call":
        # What is handed to a workflow that is read is seen where that one names it; else by all of its code.
        unread = [step for step in job.steps if step.kind == "call"]
        return tuple(step.uses.name for step in unread if step.uses is not None and not step.uses.own), len(unread)
    images = [image.name for image in job.images if not image.own]
    if grant.scope != "step" or grant.name.upper() == "GITHUB_TOKEN":
        return tuple(dict.fromkeys(each.name for each in job.foreign())), len(job.steps)
    seen: list[str] = [*images]
    count = 0
    kept = False
    for number, step in enumerate(job.steps):
        here = grant in step.grants
        if here or kept:
            count += 1
            seen += [step.uses.name] if step.uses is not None and not step.uses.own else []
        kept = kept or (here and _keeps(work, number, grant))
    return tuple(dict.fromkeys(seen)), count


def _keeps(work: Work, number: int, grant: Grant) -> bool:
    """Does a step leave a secret where later steps find it?"""
    step = work.job.steps[number]
    if step.uses is not None:
        action = actions.known(step.uses.name)
        stays = step.input("persist-credentials")
        if stays is not None and stays.value == "false":
            return False
        return action is not None and action.keeps and grant.via == "with"
    return any(
        use is not None and use.kept
        for use in (use_of(run.command, grant.holder) for run in work.of_step(number) if grant.holder in run.reads)
    )


def _credential(name: str, sights: Sequence[Sight]) -> Credential:
    best = max(sights, key=lambda each: each.certain)
    kind = best.kind or next((each.kind for each in sights if each.kind), "") or "token"
    ordered = sorted(sights, key=lambda each: -each.certain)
    target = next((each.target for each in ordered if each.target not in {"", "unknown"}), "unknown")
    kind = "token" if name.upper() in _TOKENS else kind
    target = _refined(target, sights)
    life = best.grant.life
    note = ""
    identifier = False
    if kind == "oidc" and life == "stored":
        # The name of a role, kept as a secret: worth nothing without the signed statement.
        life, identifier = "oidc", True
        note = "names an identity that the job's signed statement is exchanged for; opens nothing by itself"
    elif (
        life == "stored"
        and best.grant.via != "binding"
        and identifies(name)
        and not any(each.certain >= _BY_USE and each.kind in {"kubeconfig", "ssh-key"} for each in sights)
    ):
        identifier = True
        note = "says who or where; opens nothing by itself"
    elif life == "file":
        note = "stands in clear in the file"
    elif life == "job":
        note = "made for one job; worthless after it"
    return Credential(
        name,
        kind,
        life,
        target,
        tuple(dict.fromkeys(each.job.name for each in sights)),
        tuple(dict.fromkeys(action for each in sights for action in each.third_party)),
        tuple(dict.fromkeys(each.grant.place for each in sights)),
        sum(each.steps for each in sights),
        identifier,
        tuple(dict.fromkeys(env.name for each in sights for env in each.job.environments)),
        tuple(dict.fromkeys(each.target for each in sights if each.target)),
        note,
    )


def _refined(target: str, sights: Sequence[Sight]) -> str:
    """A forge's token that writes manifests somewhere."""
    if target not in {"forge", "unknown"}:
        return target
    for each in sights:
        if each.target in {"forge", ""} and _writes_manifests(each):
            return "manifest-repository"
    return target


def _writes_manifests(sight: Sight) -> bool:
    work = sight.work
    for change in changes_of(work):
        if sight.grant.scope != "step" or any(
            sight.grant in step.grants
            and (number == change.step or _keeps(work, number, sight.grant) or number < change.step)
            for number, step in enumerate(work.job.steps)
        ):
            return True
    return False


__all__ = ["Credential", "credentials_of", "replace"]
