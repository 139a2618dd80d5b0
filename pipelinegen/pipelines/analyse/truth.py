"""Sources of truth: every place that says what an environment shall be, and so every place that must be right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.credentials import Credential
from pipelinegen.pipelines.analyse.delivery import Delivery
from pipelinegen.pipelines.analyse.manifests import shown
from pipelinegen.pipelines.analyse.work import Work
from pipelinegen.pipelines.reading import Place, Reading
from pipelinegen.pipelines.shell.tools import has, plain_words


@dataclass(frozen=True, slots=True)
class Source:
    """One place of desired state.

    kind: git-code, git-manifests, ci-variables, ci-ui, terraform-state, configuration-server, cluster, host, cloud.
    """

    kind: str
    what: str
    evidence: tuple[Place, ...]


def sources_of(
    reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery], credentials: Sequence[Credential]
) -> tuple[Source, ...]:
    """The sources of truth of a pipeline that delivers; none for one that does not."""
    if not deliveries:
        return ()
    found: dict[str, Source] = {}
    for each in _all(reading, works, deliveries, credentials):
        known = found.get(each.kind)
        if known is None:
            found[each.kind] = each
        else:
            found[each.kind] = Source(known.kind, known.what, tuple(dict.fromkeys((*known.evidence, *each.evidence))))
    return tuple(found.values())


def _all(
    reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery], credentials: Sequence[Credential]
) -> Iterator[Source]:
    pushed = [each for each in deliveries if each.model == "push"]
    pulled = [each for each in deliveries if each.model == "pull"]
    if pushed:
        yield Source("git-code", "the repository of the pipeline", deliveries[0].evidence[:1])
    for each in pulled:
        where = shown(each.repository) if each.repository else "this repository"
        yield Source("git-manifests", f"manifests in {where}", each.evidence)
    kept = [each for each in credentials if each.stored and not each.identifier]
    if kept:
        yield Source("ci-variables", "secrets and variables kept by the CI system", tuple(e.evidence[0] for e in kept))
    yield from _settings(reading)
    for work in works:
        for run in work.runs:
            effect = run.effect
            if effect is None or effect.does not in {"deliver", "undo"}:
                continue
            place = (run.command.place,)
            if effect.tool == "terraform":
                yield Source("terraform-state", "the state file of Terraform", place)
            elif effect.tool in {"chef", "puppet"} and _has_server(run.command.program, run.command.arguments):
                yield Source("configuration-server", f"the server of {effect.tool.capitalize()}", place)
            elif effect.tool in {"kubectl", "helm", "argocd"} and _is_imperative(run.command.program, effect.verb, run):
                yield Source("cluster", "the cluster: what the command sets stands in no file", place)
    hosts = [each for each in pushed if each.tool in {"ssh", "compose"}]
    if hosts:
        yield Source("host", "the hosts: what was copied and started there", hosts[0].evidence)
    cloud = [each for each in pushed if each.tool == "cloud" and not each.declarative]
    if cloud:
        yield Source("cloud", "the cloud's own record of the last deployment", cloud[0].evidence)


def _settings(reading: Reading) -> Iterator[Source]:
    """What stands in the settings of the CI system: variables without secrets, and what a person types."""
    text = reading.texts.get(reading.file, "")
    for number, line in enumerate(text.split("\n"), 1):
        if reading.system == "github" and re.search(r"\$\{\{[^}]*\bvars\.", line):
            yield Source("ci-variables", "variables kept by the CI system", (Place(reading.file, number),))
            break
    typed = [each for each in reading.triggers if each.kind == "manual"]
    if reading.system == "github" and typed and re.search(r"\binputs\.", text):
        yield Source("ci-ui", "what a person types when starting the pipeline", (typed[0].place,))
    if reading.system == "jenkins":
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"\bparams\.\w+", line):
                yield Source("ci-ui", "what a person types when starting the pipeline", (Place(reading.file, number),))
                break


def _has_server(program: str, arguments: Sequence[str]) -> bool:
    if program in {"chef-client", "cinc-client", "chef-solo"}:
        return not {"--local-mode", "-z", "--local"} & set(arguments) and program != "chef-solo"
    return (
        program in {"knife", "berks", "chef", "chef-cli"}
        or (program == "puppet" and "apply" not in arguments[:1])
        or program == "r10k"
    )


def _is_imperative(program: str, verb: str, run: object) -> bool:
    from pipelinegen.pipelines.analyse.work import Run

    if not isinstance(run, Run):
        return False
    if program in {"kubectl", "oc"}:
        words = plain_words(run.command)
        return (
            verb in {"set", "scale", "edit", "patch", "run", "create", "annotate", "label"}
            and bool(words)
            and not has(run.command, "-f", "--filename", "-k")
        )
    if program == "argocd":
        return verb in {"app set", "app patch"}
    return program == "helm" and has(run.command, "--set", "--set-string", "--reuse-values")
