"""What the analyses cannot conclude from a reading, so that the answer is "unknown" and not "no"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelinegen.pipelines.analyse import manifests
from pipelinegen.pipelines.analyse.actions import known
from pipelinegen.pipelines.analyse.blast_radius import REACHING
from pipelinegen.pipelines.analyse.credentials import Credential
from pipelinegen.pipelines.analyse.delivery import Delivery
from pipelinegen.pipelines.analyse.naming import sort_of
from pipelinegen.pipelines.analyse.work import OTHER_LANGUAGES, Run, Work
from pipelinegen.pipelines.reading import Reading, Unknown
from pipelinegen.pipelines.shell.git import writes
from pipelinegen.pipelines.shell.programs import is_known

# What a tool needs to reach its target.
_NEEDS = {
    "kubectl": ("cluster", "cloud"),
    "helm": ("cluster", "cloud"),
    "kustomize": ("cluster", "cloud"),
    "argocd": ("cluster",),
    "ssh": ("host",),
    "ansible": ("host",),
    "compose": ("host",),
    "chef": ("host",),
    "puppet": ("host",),
    "cloud": ("cloud",),
    "terraform": ("cloud", "cluster"),
    "manifest-repository": ("manifest-repository", "forge"),
}


def unknown_of(
    reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery], credentials: Sequence[Credential]
) -> tuple[Unknown, ...]:
    """Everything that is not understood, by the reader and by the analyses, in the order of the file."""
    found = [*reading.unknown]
    for work in works:
        found += manifests.doubts_of(work)
        found += _unknown_actions(work)
        found += _unknown_programs(work, credentials)
        found += _other_languages(work)
        found += _calls(work, credentials)
        found += (
            [Unknown(work.job.place, f"{work.job.shown} runs more commands than are looked at")] if work.cut else []
        )
    found += _without_credential(deliveries, credentials)
    found += [
        Unknown(each.evidence[0], f"what {each.name} opens cannot be told from this file")
        for each in credentials
        if each.target == "unknown" and each.stored and not each.identifier
    ]
    unique = dict.fromkeys(found)
    return tuple(sorted(unique, key=lambda each: (each.place.file != reading.file, each.place, each.what)))


def _unknown_actions(work: Work) -> list[Unknown]:
    """Actions that are not known here and get a secret that could change an environment."""
    found = []
    for step in work.job.steps:
        if step.uses is None or step.kind != "action" or known(step.uses.name) is not None or step.uses.own:
            continue
        given = [grant for grant in step.grants if grant.life != "job"]
        shared = [grant for grant in work.job.grants if grant.life != "job" and grant.via != "permission"]
        names = [g.name for g in (*given, *shared) if sort_of(g.name).target not in {"registry", "other"}]
        identity = any(grant.via == "permission" for grant in work.job.grants)
        named = [each.name for each in work.job.environments]
        why = ""
        if names:
            why = f"it can read {', '.join(dict.fromkeys(names))}"
        elif identity:
            why = "it can prove to be this job"
        elif named:
            why = f"it runs in a job that names {named[0]}"
        if why:
            found.append(Unknown(step.place, f"what {step.uses.name} does is not known here; {why}"))
    return found


def _unknown_programs(work: Work, credentials: Sequence[Credential]) -> list[Unknown]:
    """Programs that are not known here, in a job that names an environment or can open one."""
    job = work.job
    opening = [
        each.name for each in credentials if job.name in each.jobs and each.target in REACHING and not each.identifier
    ]
    named = [each.name for each in job.environments]
    if not (opening or named):
        return []
    found: dict[str, Unknown] = {}
    for run in work.runs:
        program = run.command.program
        if (
            run.effect is None
            and run.act is None
            and not run.command.via
            and not is_known(program)
            and not _is_script(run)
        ):
            why = f"can use {opening[0]}" if opening else f"is run in a job that names {named[0]}"
            found.setdefault(
                program, Unknown(run.command.place, f"what {program} does is not known here, and it {why}")
            )
    return list(found.values())


# What JavaScript of actions/github-script can change a repository or start another pipeline by.
_WRITES = re.compile(r"createOrUpdateFile|createCommit|updateRef|pulls\.create|createDispatch|createWorkflowDispatch")


def _other_languages(work: Work) -> list[Unknown]:
    """Scripts that are no shell's."""
    found = []
    for step in work.job.steps:
        held = [
            grant for grant in (*work.job.grants, *step.grants) if grant.life != "job" and grant.via != "permission"
        ]
        if step.script and step.shell.startswith(OTHER_LANGUAGES) and (held or work.job.environments):
            found.append(Unknown(step.place, f"a script for {step.shell.split()[0]} is not read"))
        javascript = step.uses is not None and step.uses.name.startswith("actions/github-script@")
        script = step.input("script") if javascript else None
        if script is not None and _WRITES.search(script.value):
            found.append(Unknown(step.place, "a script for actions/github-script is not read, and it writes"))
    return found


def _calls(work: Work, credentials: Sequence[Credential]) -> list[Unknown]:
    """Requests that change something somewhere, made with a secret that opens more than a chat."""
    told = {each.name for each in credentials if each.stored and each.target not in {"other", "registry"}}
    holders = {g.holder: g.name for g in work.job.everything() if g.holder and g.name in told}
    found = []
    for run in work.runs:
        used = [holders[name] for name in run.command.reads() if name in holders]
        if used and run.act is None and run.command.program in {"curl", "http", "wget"} and writes(run.command):
            found.append(Unknown(run.command.place, f"what the server does that is asked with {used[0]} is not known"))
    return found


def _is_script(run: Run) -> bool:
    """Scripts of the repository are told of where they are looked for."""
    first = run.command.words[0].text if run.command.words else ""
    return "/" in first or first.endswith((".sh", ".py", ".ps1", ".bat", ".cmd", ".js"))


def _without_credential(deliveries: Sequence[Delivery], credentials: Sequence[Credential]) -> list[Unknown]:
    """A job that changes something and shows no credential for it has one from elsewhere: the runner, or settings."""
    found = []
    for each in deliveries:
        wanted = _NEEDS.get(each.tool, ())
        held = any(
            credential.target in (*wanted, "unknown") and each.job in credential.jobs for credential in credentials
        )
        if not held:
            what = (
                f"{each.verb or each.tool} in {each.job} needs a credential that this file does not show: "
                "the runner's own, or one of the CI system's settings"
            )
            found.append(Unknown(each.evidence[0], what))
    return found
