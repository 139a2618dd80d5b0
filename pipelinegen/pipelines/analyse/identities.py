"""Credentials that nobody stores: what a job's signed statement of who it is, is exchanged for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelinegen.pipelines.analyse.manifests import changes_of
from pipelinegen.pipelines.analyse.work import Work
from pipelinegen.pipelines.reading import Grant, Reading

_EXCHANGES = (
    (r"assume-role-with-web-identity|AWS_WEB_IDENTITY_TOKEN_FILE", "cloud"),
    (r"federated-token|AZURE_FEDERATED_TOKEN", "cloud"),
    (r"workload-identity|iam workload|create-cred-config", "cloud"),
    (r"\bvault (?:write|login).*jwt", "other"),
    (r"\bcosign (?:sign|attest)", "other"),
    (r"\bnpm publish|\btwine upload", "registry"),
    (r"\bterraform |\btofu ", "cloud"),
)


def of_work(reading: Reading, work: Work) -> Iterator[tuple[Grant, str, tuple[str, ...]]]:
    """For each identity of a job: the grant, what it is for, and the code of others that can take it."""
    foreign = tuple(dict.fromkeys(each.name for each in work.job.foreign()))
    for grant in work.job.grants:
        if grant.via == "permission" and grant.life == "oidc":
            yield grant, _github(work), foreign
    if reading.system == "gitlab":
        yield from _agents(work)
    if reading.system == "github":
        yield from _checked_out(work, foreign)


def _checked_out(work: Work, foreign: tuple[str, ...]) -> Iterator[tuple[Grant, str, tuple[str, ...]]]:
    """actions/checkout leaves the job's own token for `git push`; actions that write take it by default."""
    own = [change for change in changes_of(work) if not change.repository]
    if not own or any(grant.name.upper() == "GITHUB_TOKEN" for grant in work.job.everything()):
        return
    for step in work.job.steps:
        named = step.uses.name.lower() if step.uses is not None else ""
        keeps = step.input("persist-credentials")
        stays = keeps is None or keeps.value != "false"
        if (
            named.startswith("actions/checkout@")
            and stays
            and step.input("token") is None
            and step.input("ssh-key") is None
        ):
            grant = Grant("GITHUB_TOKEN", "job", step.place, "job", "checkout", "", "token", "manifest-repository")
            yield grant, "manifest-repository", foreign
            return


def _github(work: Work) -> str:
    """What accepts the identity of a job of GitHub."""
    targets = []
    for _, step, action in work.actions():
        if action is not None and action.oidc and not any(step.input(name) for name in action.stored_by):
            targets.append(action.oidc)
    targets += exchanged(work)
    order = ("cloud", "cluster", "registry", "other")
    return next((target for target in order if target in targets), "unknown")


def exchanged(work: Work) -> list[str]:
    """What the commands of a job exchange an identity for."""
    text = "\n".join(" ".join(word.text for word in run.command.words) for run in work.runs)
    text += "\n".join(
        each.name for each in (*work.job.variables, *(v for step in work.job.steps for v in step.variables))
    )
    return [target for pattern, target in _EXCHANGES if re.search(pattern, text)]


_AGENT = re.compile(r"[\w.$/{}-]+:[\w-]+")


def _agents(work: Work) -> Iterator[tuple[Grant, str, tuple[str, ...]]]:
    """`kubectl config use-context path/to/project:agent`: GitLab's agent lets the job in for as long as it runs."""
    for run in work.runs:
        words = run.command.arguments
        if run.command.program in {"kubectl", "oc"} and words[:2] == ("config", "use-context") and len(words) > 2:
            name = words[2]
            if _AGENT.fullmatch(name) or "KUBE_CONTEXT" in name:
                foreign = tuple(image.name for image in work.job.images if not image.own)
                yield (
                    Grant(name, "job", run.command.place, "job", "agent", "", "kubeconfig", "cluster"),
                    "cluster",
                    foreign,
                )
