"""From a push pipeline to the pull pipeline in its place: the configuration it implies, and what people must decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelinegen.config.addresses import remote_problem
from pipelinegen.config.rules import environment_problem, image_repository_problem
from pipelinegen.images.reference import split
from pipelinegen.pipelines.analyse.credentials import Credential
from pipelinegen.pipelines.analyse.manifests import filled, shown
from pipelinegen.pipelines.analyse.work import Work, work_of
from pipelinegen.pipelines.compared import Facts
from pipelinegen.pipelines.reading import Place
from pipelinegen.pipelines.shell.tools import option, plain_words

# Deliverers that an agent in a cluster can take over; for the others there is none.
_IN_CLUSTER = frozenset({"kubectl", "helm", "kustomize", "argocd"})
_UNFIT = {
    "ssh": "plain hosts have no pull agent here: this stays push, or the application moves to a cluster",
    "compose": "plain hosts have no pull agent here: this stays push, or the application moves to a cluster",
    "ansible": "Ansible has no agent: this stays push, or ansible-pull by a timer on each host",
    "chef": "Chef's own client on the hosts pulls from its server: that part stays as it is",
    "puppet": "Puppet's own agent on the hosts pulls from its server: that part stays as it is",
    "terraform": "infrastructure stays with Terraform: only what it puts into the cluster can move to the agent",
    "cloud": "the cloud's service has no agent here: this stays push, best by the job's identity without a stored key",
}


@dataclass(frozen=True, slots=True)
class Gone:
    """A credential that CI would no longer hold, and what it was for."""

    credential: Credential
    purpose: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that no file can say, so that people must."""

    question: str
    why: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """The pull pipeline that would replace a push pipeline."""

    facts: Facts
    config: str
    gone: tuple[Gone, ...]
    staying: tuple[Credential, ...]
    decisions: tuple[Decision, ...]
    remaining: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """What is known beside the file: the project's name, and the addresses of its repository."""

    project: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    name: str
    repository: str
    place: Place | None
    context: str = ""
    dockerfile: str = ""


def proposal_of(facts: Facts, around: Around) -> Proposal:
    """What the pull pipeline would be."""
    works = work_of(facts.reading)
    moved = [each for each in facts.deliveries if each.model == "push" and each.tool in _IN_CLUSTER]
    tools = dict.fromkeys(each.tool for each in facts.deliveries if each.model == "push")
    kept = {each.job for each in facts.deliveries if each.model == "push" and each.tool not in _IN_CLUSTER}
    gone, staying = [], []
    for each in facts.secrets:
        leaves = each.target in {"cluster", "cloud"} and moved and not set(each.jobs) & kept
        if leaves:
            gone.append(Gone(each, _purpose(facts, each)))
        else:
            staying.append(each)
    images = list(images_of(works, around))
    environments = list(_environments(facts))
    config = _config(facts, around, images, environments)
    remaining = tuple(f"{tool}: {_UNFIT[tool]}" for tool in tools if tool in _UNFIT)
    decisions = tuple(_decisions(facts, around, images, environments, moved=bool(moved)))
    return Proposal(facts, config, tuple(gone), tuple(staying), decisions, remaining)


def _purpose(facts: Facts, credential: Credential) -> str:
    own = [each for each in facts.deliveries if each.job in credential.jobs and each.model == "push"]
    if not own:
        return f"read in {', '.join(credential.jobs)}; no delivery there is seen"
    told = [
        f"{each.job} changes {each.environment or 'an environment that is not named'} by {each.tool} ({each.verb})"
        for each in own
    ]
    return "; ".join(dict.fromkeys(told))


def images_of(works: Sequence[Work], around: Around) -> Iterator[Image]:
    """The images that a pipeline builds or deploys, by their repositories."""
    found: dict[str, Image] = {}
    for work in works:
        for image in _images(work):
            known = found.get(image.repository)
            if known is None or (image.context and not known.context):
                found[image.repository] = image
    if not found:
        yield Image(around.project, f"ghcr.io/your-organisation/{around.project}", None)
    names: set[str] = set()
    for image in found.values():
        name = re.sub(r"[^a-z0-9-]+", "-", image.repository.rpartition("/")[2].lower()).strip("-") or "app"
        unique, number = name, 2
        while unique in names:
            unique, number = f"{name}-{number}", number + 1
        names.add(unique)
        yield Image(unique, image.repository, image.place, image.context, image.dockerfile)


def _images(work: Work) -> Iterator[Image]:
    for _, step, _ in work.actions():
        if step.uses is not None and step.uses.name.lower().startswith("docker/build-push-action@"):
            tags, folder, file = step.input("tags"), step.input("context"), step.input("file")
            values = {each.name: each.value for each in work.job.variables}
            for text in re.split(r"[\n,]", tags.value) if tags is not None else ():
                repository = repository_in(_expressions(text, values))
                if repository and tags is not None:
                    yield Image(
                        "", repository, tags.place, _folder(folder.value if folder else ""), file.value if file else ""
                    )
    for run in work.runs:
        command = run.command
        words = plain_words(command, _WITH_VALUE)
        texts: list[str] = []
        context = ""
        if command.program in {"docker", "podman", "buildah", "nerdctl"}:
            if words[:1] == ["push"]:
                texts = words[1:2]
            elif words[:1] in (["build"], ["bud"]) or words[:2] == ["buildx", "build"]:
                texts = [option(command, "-t", "--tag")]
                context = words[-1] if len(words) > 1 else ""
        elif command.program == "executor":
            texts = [option(command, "--destination", "-d")]
        elif (command.program == "kustomize" and words[:3] == ["edit", "set", "image"]) or (
            command.program == "kubectl" and words[:2] == ["set", "image"]
        ):
            texts = [word.rpartition("=")[2] for word in words[3:]]
        for text in texts:
            repository = repository_in(filled(text, run.values))
            if repository:
                yield Image("", repository, command.place, _folder(context))
    for step in work.job.steps:
        if step.kind == "plugin" and step.name == "docker.build" and step.inputs:
            repository = repository_in(step.inputs[0].value)
            if repository:
                yield Image("", repository, step.inputs[0].place)


_WITH_VALUE = frozenset(
    {
        "-t",
        "--tag",
        "-f",
        "--file",
        "--build-arg",
        "--platform",
        "--target",
        "--cache-from",
        "--cache-to",
        "--label",
        "-n",
        "--namespace",
        "--context",
        "--kubeconfig",
    }
)


def _folder(text: str) -> str:
    cleaned = text.removeprefix("./").rstrip("/")
    plain = cleaned and "$" not in cleaned and not cleaned.startswith(("/", "..", "http", "{{")) and cleaned != "."
    return cleaned if plain else ""


def _expressions(text: str, values: dict[str, str]) -> str:
    """`${{ env.NAME }}` with the values that the file gives."""
    return re.sub(r"\$\{\{\s*env\.(\w+)\s*\}\}", lambda match: values.get(match[1], match[0]), text)


def repository_in(text: str) -> str:
    """The repository of an image's reference whose tag may be made at run time; empty where it is made itself."""
    text = text.strip().strip("'\"")
    if not text or text.startswith("type="):
        return ""
    # What is made at run time can only be the tag or the digest.
    head = re.sub(r"[:@](?:[^/]*(?:\$|\{\{).*)$", "", text)
    parts = split(head)
    name = parts[0] if parts else head
    if "$" in name or "{" in name or image_repository_problem(name) is not None:
        return ""
    return name if "/" in name else ""


@dataclass(frozen=True, slots=True)
class _Place:
    """An environment of the proposal."""

    name: str
    approved: bool
    namespace: str
    place: Place | None


def _environments(facts: Facts) -> Iterator[_Place]:
    seen: set[str] = set()
    works = {work.job.name: work for work in work_of(facts.reading)}
    for each in facts.deliveries:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", each.environment or "").strip("-._").lower()
        if not name or "$" in (each.environment or "") or name in seen or environment_problem(name) is not None:
            continue
        seen.add(name)
        approved = any(audit.environment == each.environment and audit.approval != "none" for audit in facts.audits)
        work = works.get(each.job)
        spaces = [option(run.command, "-n", "--namespace") for run in work.runs] if work is not None else []
        plain = [space for space in spaces if re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", space)]
        yield _Place(name, approved, plain[0] if plain else "", each.evidence[0])
    if not seen:
        yield _Place("production", True, "", None)


def _config(facts: Facts, around: Around, images: Sequence[Image], environments: Sequence[_Place]) -> str:
    """The text of pipelinegen.yaml, with the place that each value comes from."""
    lines = ["version: 1", f"project: {around.project}", "images:"]
    for image in images:
        lines += [f"  {quoted(image.name)}:", f"    repository: {quoted(image.repository)}{_comment(image.place)}"]
        lines += [f"    context: {quoted(image.context)}"] if image.context else []
        lines += (
            [f"    dockerfile: {quoted(image.dockerfile)}"] if image.dockerfile and "$" not in image.dockerfile else []
        )
    lines += ["manifests:", f"  repository: {quoted(_repository(facts, around))}", "  environments:"]
    for each in environments:
        lines.append(f"    {quoted(each.name)}:{_comment(each.place)}")
        lines.append(f'      paths: ["apps/*/overlays/{each.name}/**"]')
        lines.append(f"      deliver: {'pull-request' if each.approved else 'push'}")
        lines += [f"      namespace: {quoted(each.namespace)}"] if each.namespace else []
    agent = "argocd" if any(each.tool == "argocd" for each in facts.deliveries) or not _uses_flux(facts) else "flux"
    lines += ["pipelines:", "  style: pull", f"  ci: {facts.reading.system}", f"  pull: {{agent: {agent}}}"]
    branches = _branches(facts)
    if branches:
        lines.append(f"  triggers: {{branches: [{', '.join(map(quoted, branches))}]}}")
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A text as a value of YAML, in quotes where it is not plain to every reader."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9._/-]*", text) and text.lower() not in {
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
    }:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _comment(place: Place | None) -> str:
    return (
        f"  # {re.sub(r'[^ -~]', '?', place.file)}:{place.line}"
        if place is not None
        else "  # not in the file: please say"
    )


def _repository(facts: Facts, around: Around) -> str:
    """The manifest repository: the one that is written to already, else one beside the project's own."""
    for each in facts.deliveries:
        if each.model == "pull" and each.repository and "$" not in each.repository:
            address = shown(each.repository)
            if "://" in address and remote_problem(address) is None:
                return address.removesuffix(".git")
            if re.fullmatch(r"[\w.-]+/[\w.-]+", address):
                return f"https://github.com/{address}"
    origin = re.fullmatch(
        r"(?:https?://(?:[^@/]*@)?|(?:ssh://)?git@)([\w.-]+)[:/](.+?)(?:\.git)?/?", around.origin or ""
    )
    if origin:
        owner = origin[2].rpartition("/")[0]
        address = f"https://{origin[1]}/{owner}/{around.project}-manifests"
        if remote_problem(address) is None:
            return address
    host = "gitlab.com" if facts.reading.system == "gitlab" else "github.com"
    return f"https://{host}/your-organisation/{around.project}-manifests"


def _uses_flux(facts: Facts) -> bool:
    return any(each.verb.startswith("flux") for each in facts.deliveries)


def _branches(facts: Facts) -> list[str]:
    found = []
    for each in facts.reading.triggers:
        if each.kind == "push" and ": " in each.detail:
            found += [word for word in each.detail.partition(": ")[2].split(", ") if re.fullmatch(r"[\w./-]+", word)]
    return list(dict.fromkeys(found))


def _decisions(
    facts: Facts, around: Around, images: Sequence[Image], environments: Sequence[_Place], *, moved: bool
) -> Iterator[Decision]:
    yield Decision(
        "Which repository holds the manifests, and who may merge there?",
        f"{_repository(facts, around)} is proposed; who may merge there deploys",
    )
    if moved:
        yield Decision(
            "Who installs and updates the agent in each cluster?",
            "once for each cluster, with a credential that a person holds and CI does not",
        )
    for each in facts.audits:
        if each.approval == "none" and each.environment is not None:
            yield Decision(
                f"Shall {each.environment} need a review?",
                "today nobody is asked; `deliver: push` keeps it so, `deliver: pull-request` asks",
                each.evidence[:1],
            )
        elif each.approval == "environment":
            yield Decision(
                f"Which rules protect {each.environment} today?",
                "they are kept by the forge and in no file; as rules of the manifest repository's branch they stay",
                each.evidence[:1],
            )
    for image in images:
        if image.place is None:
            yield Decision("Which images are built?", "none could be told from the file; its name is made at run time")
    if all(each.place is None for each in environments):
        yield Decision("Which environments are there?", "the file names none")
    imperative = [each for each in facts.sources if each.kind == "cluster"]
    for source in imperative:
        yield Decision(
            "Where do the values go that commands set today?",
            "they must become files of the manifest repository",
            source.evidence,
        )
    secrets = [
        each for each in facts.secrets if each.target == "other" and set(each.jobs) & {d.job for d in facts.deliveries}
    ]
    if secrets:
        yield Decision(
            f"How do {', '.join(each.name for each in secrets)} reach the application?",
            "an agent reads git, where secrets do not belong: an operator for external secrets, or sealed ones",
            tuple(each.evidence[0] for each in secrets),
        )
    for unknown in facts.unknown:
        yield Decision("What does this line do?", unknown.what, (unknown.place,))
