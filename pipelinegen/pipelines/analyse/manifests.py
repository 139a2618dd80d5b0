"""Changes of a manifest repository: what a job clones, edits, pushes or proposes, and in which repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelinegen.pipelines.analyse.actions import known
from pipelinegen.pipelines.analyse.work import Run, Work
from pipelinegen.pipelines.reading import Place, Step, Unknown
from pipelinegen.pipelines.shell.git import GitAct, is_own, sounds_like_manifests
from pipelinegen.pipelines.shell.tools import option


@dataclass(frozen=True, slots=True)
class Change:
    """A commit or pull request of a job in a manifest repository. repository is empty for the pipeline's own."""

    place: Place
    how: str
    repository: str
    words: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    step: int = 0


@dataclass(slots=True)
class _State:
    """The repositories of a job, as its steps go on."""

    other: str = ""
    image_edit: bool = False
    edited: bool = False
    words: list[str] = field(default_factory=list)
    waiting: list[tuple[Place, str, str, int]] = field(default_factory=list)


def changes_of(work: Work) -> list[Change]:
    """The changes that a job makes, in order."""
    return _walk(work)[0]


def doubts_of(work: Work) -> list[Unknown]:
    """Pushes of which it cannot be said whether they change manifests."""
    return _walk(work)[1]


def _walk(work: Work) -> tuple[list[Change], list[Unknown]]:
    state = _State()
    changes: list[Change] = []
    doubts: list[Unknown] = []
    for number, step in enumerate(work.job.steps):
        if step.kind == "action" and step.uses is not None:
            _action(state, step, number, changes, doubts)
        elif step.kind == "plugin":
            _plugin(state, step)
        for run in work.of_step(number):
            if run.command.program in {"cd", "pushd"}:
                state.words += [filled(text, run.values) for text in run.command.arguments]
            if run.act is not None:
                _act(state, run, run.act, changes, doubts)
    return changes, doubts


def _action(state: _State, step: Step, number: int, changes: list[Change], doubts: list[Unknown]) -> None:
    reference = step.uses.name if step.uses is not None else ""
    action = known(reference)
    name = reference.partition("@")[0].lower()
    if name == "actions/checkout":
        other = step.input("repository")
        if other is not None and not is_own(other.value):
            state.other = other.value
            state.words.append(other.value)
        return
    if name in {"mikefarah/yq", "jacobtomlinson/gha-find-replace", "karancode/kustomize-github-action"}:
        state.edited = state.image_edit = True
        state.words += [each.value for each in step.inputs]
        return
    if name in {
        "peter-evans/repository-dispatch",
        "benc-uk/workflow-dispatch",
        "convictional/trigger-workflow-and-wait",
    }:
        target = step.input("repository") or step.input("repo") or step.input("workflow")
        doubts.append(
            Unknown(step.place, f"starts another pipeline ({target.value if target else '?'}), which is not read")
        )
        return
    if action is None or not action.writes:
        return
    named = step.input(action.repository) if action.repository else None
    repository = named.value if named is not None and not is_own(named.value) else state.other
    state.words += [each.value for each in step.inputs]
    if name == "fjogeleit/yaml-update-action":
        state.image_edit = state.edited = True
    proposes = step.input("createPR")
    asked = "pull-request" in name or (proposes is not None and proposes.value == "true")
    how = "pull request" if asked else "commit"
    _settle(state, step.place, how, repository, number, changes, doubts)


def _plugin(state: _State, step: Step) -> None:
    """`git url: …` and `checkout` of Jenkins."""
    if step.name in {"git", "checkout"}:
        url = next((each.value for each in step.inputs if each.name.endswith("url") or each.name == "0"), "")
        if url and not is_own(url) and url not in {"scm", "env.GIT_URL"} and sounds_like_manifests(url):
            state.other = url
            state.words.append(url)


def _act(state: _State, run: Run, act: GitAct, changes: list[Change], doubts: list[Unknown]) -> None:
    place = act.command.place
    if act.did == "bump":
        changes += _bumped(run, act)
    elif act.did in {"clone", "remote"}:
        where = filled(act.where, run.values)
        if not is_own(where):
            state.other = where
            state.words.append(shown(where))
    elif act.did == "artifact":
        changes.append(
            Change(place, "artifact", filled(act.where, run.values), tuple(act.command.arguments), (), run.step)
        )
    elif act.did in {"edit", "image-edit"}:
        state.edited = True
        state.image_edit = state.image_edit or act.did == "image-edit"
        state.words += [filled(text, run.values) for text in act.command.arguments]
    elif act.did == "dispatch":
        doubts.append(Unknown(place, f"starts another pipeline, which is not read: {act.command.shown[:100]}"))
    else:
        repository = state.other
        where = filled(act.where, run.values)
        if "://" in where or "@" in where or (act.did == "pull-request" and "/" in where):
            repository = "" if is_own(where) else where
        state.words += [text for text in act.command.arguments if "://" not in text]
        how = "pull request" if act.did == "pull-request" else "push"
        _settle(state, place, how, repository, run.step, changes, doubts)


def _bumped(run: Run, act: GitAct) -> list[Change]:
    """What our own commands write: nothing beyond the work tree where they are told so, or given a folder."""
    command = act.command
    deliver = filled(option(command, "--deliver"), run.values)
    repository = filled(option(command, "--repo"), run.values)
    local = bool(repository) and not re.search(r"://|^[\w.-]+@|^\$", repository)
    if deliver in {"worktree", "commit"} or (not deliver and local):
        return []
    flags = {"--env", "--to"}
    pairs = zip(command.arguments, command.arguments[1:], strict=False)
    names = [following for flag, following in pairs if flag in flags]
    names += [text.partition("=")[2] for text in command.arguments if text.partition("=")[0] in flags and "=" in text]
    names = [filled(name, run.values) for name in names]
    named = tuple(name for name in names if "$" not in name)
    how = f"pipelinegen {act.command.arguments[0]}"
    return [Change(command.place, how, repository or "manifests", command.arguments, named, run.step)]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the variables whose values the pipeline says."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1], "")
        return found if found and "$" not in found else match[0]

    return re.sub(r"\$\{?(\w+)\}?", value, text)


def _settle(
    state: _State, place: Place, how: str, repository: str, number: int, changes: list[Change], doubts: list[Unknown]
) -> None:
    """Is a commit one in a manifest repository?"""
    change = Change(place, how, repository, tuple(state.words), (), number)
    if repository:
        if state.image_edit or sounds_like_manifests(repository):
            changes.append(change)
        else:
            doubts.append(
                Unknown(
                    place, f"writes to the repository {shown(repository)}; whether it holds manifests cannot be told"
                )
            )
    elif state.image_edit:
        changes.append(change)


def shown(repository: str) -> str:
    """An address without what logs in to it."""
    return re.sub(r"//[^@/]*@", "//", repository)[:120]
