"""The table of compared facts: one row for each question, one cell for each pipeline, each answer with its places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.blast_radius import REACHING
from pipelinegen.pipelines.compared import Facts
from pipelinegen.pipelines.reading import Place


@dataclass(frozen=True, slots=True)
class Item:
    """One answer. tone: good, bad or empty, for colour; the words say the same without it."""

    text: str
    places: tuple[Place, ...] = ()
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    question: str
    cells: tuple[tuple[Item, ...], ...]


def rows_of(several: Sequence[Facts]) -> list[Row]:
    """All rows, in the order in which a reader asks."""
    return [Row(question, tuple(tuple(answer(each)) for each in several)) for question, answer in _QUESTIONS]


def _environment(name: str | None) -> str:
    return name if name is not None else "an environment that is not named"


def _delivery(facts: Facts) -> Iterable[Item]:
    for each in facts.deliveries:
        how = "declares" if each.declarative else "commands"
        if each.model == "pull":
            text = f"pull: {each.job} changes manifests of {_environment(each.environment)} ({each.verb})"
        else:
            text = f"push: {each.job} changes {_environment(each.environment)} by {each.tool} ({each.verb}; {how})"
        yield Item(text, each.evidence)
    if not facts.deliveries:
        yield Item("delivers nowhere, as far as it is understood" if facts.unknown else "delivers nowhere")


def _stored(facts: Facts) -> Iterable[Item]:
    stored = facts.stored
    yield Item(f"{len(stored)} stored", (), "good" if not stored else "")
    for each in stored:
        yield Item(
            f"{each.name}: {each.kind} for {_target(each.target)}",
            each.evidence,
            "bad" if each.target in REACHING else "",
        )


def _target(target: str) -> str:
    return {
        "cluster": "a cluster",
        "host": "hosts",
        "cloud": "a cloud",
        "registry": "a registry",
        "manifest-repository": "the manifest repository",
        "forge": "the forge",
        "other": "something else",
        "unknown": "something that cannot be told",
    }.get(target, target)


def _short_lived(facts: Facts) -> Iterable[Item]:
    for each in facts.secrets:
        if not each.stored:
            yield Item(f"{each.name}: {each.kind} for {_target(each.target)}", each.evidence)


def _writers(facts: Facts) -> Iterable[Item]:
    opening = [each for each in facts.secrets if each.target in REACHING]
    jobs = facts.radius.jobs
    if not jobs and facts.unknown:
        yield Item("no job that is understood; see what is not understood")
        return
    yield Item(f"{len(jobs)} of the jobs", (), "good" if not jobs else "bad")
    for job in jobs:
        held = [each for each in opening if job in each.jobs]
        yield Item(f"{job}: {', '.join(each.name for each in held)}", tuple(each.evidence[0] for each in held))


def _foreign(facts: Facts) -> Iterable[Item]:
    opening = {each.name for each in facts.secrets if each.target in REACHING}
    found = [each for each in facts.radius.reaches if each.who == "dependency" and opening & set(each.gets)]
    yield Item(
        f"{len(found)}, of which {facts.radius.moving} can change without a change here",
        (),
        "good" if not found else "",
    )
    for each in found:
        where = f", and so {', '.join(each.environments)}" if each.environments else ""
        gets = ", ".join(name for name in each.gets if name in opening)
        yield Item(
            f"{each.name} gets {gets}{where}", each.evidence, "bad" if each.pinned not in {"commit", "digest"} else ""
        )


def _account(facts: Facts) -> Iterable[Item]:
    for each in facts.radius.reaches:
        if each.who == "account":
            gets = ", ".join(each.gets) or "no credential that is seen here"
            yield Item(f"{each.name} gets {gets}", each.evidence)


def _sources(facts: Facts) -> Iterable[Item]:
    if facts.sources:
        yield Item(f"{len(facts.sources)}")
    for each in facts.sources:
        yield Item(each.what, each.evidence)


def _drift_found(facts: Facts) -> Iterable[Item]:
    for each in facts.drift:
        within = f" ({each.within})" if each.within else ""
        tone = "bad" if each.found_by == "nobody" else "good"
        yield Item(f"{_environment(each.environment)}: by {each.found_by}{within}; {each.why}", each.evidence, tone)


def _drift_healed(facts: Facts) -> Iterable[Item]:
    for each in facts.drift:
        yield Item(
            f"{_environment(each.environment)}: by {each.healed_by}",
            each.evidence,
            "bad" if each.healed_by == "nobody" else "",
        )


def _approval(facts: Facts) -> Iterable[Item]:
    words = {"none": "nobody is asked", "review": "a review of the pull request"}
    tones = {"none": "bad", "environment": ""}
    for each in facts.audits:
        who = words.get(each.approval, each.who)
        text = f"{_environment(each.environment)} ({each.job}): {who}"
        yield Item(text, each.evidence, tones.get(each.approval, "good"))


def _trail(facts: Facts) -> Iterable[Item]:
    for text in dict.fromkeys(each.trail for each in facts.audits):
        yield Item(text)


def _rollback(facts: Facts) -> Iterable[Item]:
    for each in facts.recoveries:
        steps = "; ".join(each.rollback)
        yield Item(f"{_environment(each.environment)}: {len(each.rollback)} steps: {steps}", each.evidence)
    for text in dict.fromkeys(", ".join(each.systems) for each in facts.recoveries):
        yield Item(f"must be alive: {text}")


def _rebuild(facts: Facts) -> Iterable[Item]:
    for each in facts.recoveries:
        yield Item(
            f"{_environment(each.environment)}: {len(each.rebuild)} steps: {'; '.join(each.rebuild)}", each.evidence
        )
    for text in dict.fromkeys("; ".join(each.needs) for each in facts.recoveries):
        yield Item(f"beyond git: {text}")


def _stages(flow: str) -> Callable[[Facts], Iterable[Item]]:
    def answer(facts: Facts) -> Iterable[Item]:
        own = [each for each in facts.stages if each.flow == flow]
        for each in own:
            if not each.missing:
                yield Item(f"{each.name}: {', '.join(each.jobs) or each.outside}", each.evidence[:3])
        missing = [each.name for each in own if each.missing]
        if missing:
            yield Item(f"missing: {', '.join(missing)}", (), "bad")

    return answer


def _unknown(facts: Facts) -> Iterable[Item]:
    yield Item(f"{len(facts.unknown)}", (), "good" if not facts.unknown else "bad")
    for each in facts.unknown:
        yield Item(each.what, (each.place,))


_QUESTIONS: tuple[tuple[str, Callable[[Facts], Iterable[Item]]], ...] = (
    ("Delivery", _delivery),
    ("Credentials kept by CI", _stored),
    ("Credentials that end with the job", _short_lived),
    ("Jobs that can write to a cluster, host or cloud", _writers),
    ("Code of others that can read such a credential", _foreign),
    ("One account taken over", _account),
    ("Sources of truth", _sources),
    ("Drift is found", _drift_found),
    ("Drift is healed", _drift_healed),
    ("Approval", _approval),
    ("A change leaves behind", _trail),
    ("Rollback", _rollback),
    ("A lost environment is rebuilt", _rebuild),
    ("Stages of the DevOps loop", _stages("devops")),
    ("Stages of the GitOps flow", _stages("gitops")),
    ("Not understood", _unknown),
)


def where(places: Sequence[Place], file: str, most: int = 3) -> str:
    """Places in short: the lines alone where they are in the pipeline's own file."""
    shown = [f":{each.line}" if each.file == file else f"{each.file}:{each.line}" for each in places[:most]]
    more = f" +{len(places) - most}" if len(places) > most else ""
    return f"{' '.join(shown)}{more}"
