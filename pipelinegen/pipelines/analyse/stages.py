"""The eight stages of the DevOps loop and the seven of the GitOps flow: which job does each, and which are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelinegen.pipelines.analyse.delivery import Delivery, is_dry
from pipelinegen.pipelines.analyse.work import Run, Work
from pipelinegen.pipelines.model import DEVOPS, GITOPS
from pipelinegen.pipelines.read.jenkins.known import KNOWN_PLUGINS
from pipelinegen.pipelines.reading import Job, Place, Reading, Step


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: the jobs that do it, or the system outside of the pipeline that does; neither where it is missing."""

    flow: str
    name: str
    jobs: tuple[str, ...]
    outside: str
    evidence: tuple[Place, ...]

    @property
    def missing(self) -> bool:
        return not self.jobs and not self.outside


_BUILDS = re.compile(
    r"^(?:docker|podman|nerdctl|buildah) (?:buildx )?(?:build|bake|bud)\b|^docker-compose build|"
    r"^docker compose build|^kaniko|^/?kaniko/executor|"
    r"^executor --|^ko build|^jib|^pack build|^skaffold build|^pipelinegen build|^(?:mvnw?|"
    r"\./mvnw) .*(?:package|verify|install|deploy)|"
    r"^(?:gradlew?|\./gradlew) .*(?:build|assemble|bootBuildImage|jib)|^go build|^cargo build|"
    r"^dotnet (?:build|publish)|"
    r"^(?:npm|yarn|pnpm|bun)(?: run)? build|^make (?:build|image|docker)|^packer build|^hugo\b|"
    r"^bundle exec jekyll build|^msbuild|^sbt .*(?:assembly|docker)|"
    r"^crossplane build|^buildctl|^earthly|^nix build|^bazel build|^img build|^depot build|^npx (?:vite|"
    r"ng|next) build|^python3? -m build"
)
_TESTS = re.compile(
    r"^(?:npm|yarn|pnpm|bun)(?: run)? (?:ci:)?(?:test|lint|e2e|check)|^(?:python3? -m )?(?:pytest|"
    r"unittest|tox|nox|mypy|ruff|flake8|black|bandit)|^go (?:test|vet)|^cargo (?:test|clippy)|"
    r"^(?:mvnw?|\./mvnw) .*(?:test|verify)|^(?:gradlew?|\./gradlew) .*(?:test|check|build)|^dotnet test|"
    r"^make (?:test|check|lint|unit|verify)|"
    r"^(?:golangci-lint|eslint|shellcheck|hadolint|trivy|grype|snyk|sonar-scanner|yamllint|kubeconform|"
    r"kubeval|conftest|helm lint|helm test|terraform (?:fmt|validate)|"
    r"tflint|tfsec|checkov|ansible-lint|puppet-lint|cookstyle|rubocop|rspec|phpunit|kitchen|jest|vitest|"
    r"cypress|playwright|newman|k6|dive|semgrep|gitleaks)\b|"
    r"^bundle exec (?:rspec|rake test|rubocop)|^npx (?:jest|vitest|cypress|playwright|eslint|tsc)|^bats|"
    r"^puppet parser validate|^composer test|^rake test|^container-structure-test|^ct (?:lint|install)"
)
_RELEASES = re.compile(
    r"^(?:docker|podman|nerdctl|buildah|crane|skopeo|oras|helm) (?:push|copy|manifest push|tag)\b|"
    r"^docker buildx build .*--push|^docker buildx imagetools|^docker compose push|^cosign (?:sign|"
    r"attest)|^syft|^gh release|^glab release|"
    r"^(?:npm|yarn|pnpm) publish|^twine upload|^cargo publish|^gem push|^dotnet nuget push|"
    r"^semantic-release|^npx semantic-release|^goreleaser|^git tag|^git push .*--tags|^git push \S+ v|"
    r"^kaniko|^pipelinegen build(?!.*--no-push)|"
    r"^mvn.* deploy|^executor --.*--destination|^\S*gradlew? .*publish|^ko build|^release-cli|^/?kaniko/executor"
)
_MONITORS = re.compile(
    r"^kubectl .*(?:rollout status|wait)\b|^(?:curl|wget) .*(?:health|ready|status|live|ping|smoke)|"
    r"^argocd app wait|^pipelinegen observe|^helm (?:test|status)|^aws ecs wait|"
    r"^aws deploy wait|^helm .*--wait\b|^curl .*(?:slack|hooks\.|teams|discord|telegram|grafana|datadog|"
    r"sentry)|^sentry-cli|^flux get|^pipelinegen compare"
)
_NAMES = (
    ("plan", re.compile(r"\bplan\b|dry.?run|preview|diff", re.IGNORECASE)),
    ("build", re.compile(r"\bbuild|\bcompile|\bpackage|\bimage", re.IGNORECASE)),
    ("test", re.compile(r"\btest|\blint|\bscan|\bcheck(?!out)|\bqa\b|\bverify|quality|\bsast", re.IGNORECASE)),
    ("release", re.compile(r"\brelease|\bpublish|\bpush|\btag\b|\bsign", re.IGNORECASE)),
    ("operate", re.compile(r"roll.?back|drift|\bscale|\brestart|\bstop\b|clean.?up", re.IGNORECASE)),
    ("monitor", re.compile(r"\bmonitor|smoke|health|notif|observe|verify.?deploy", re.IGNORECASE)),
)


# Steps of plugins of Jenkins.
_PLUGINS = {
    "docker.build": "build",
    "junit": "test",
    "slackSend": "monitor",
    "waitForQualityGate": "test",
}


def stages_of(reading: Reading, works: Sequence[Work], deliveries: Sequence[Delivery]) -> tuple[Stage, ...]:
    """Both flows; the one of GitOps where a manifest repository is changed."""
    marks: dict[str, list[tuple[str, Place]]] = {}
    for work in works:
        for stage, place in _marks(work):
            marks.setdefault(stage, []).append((work.job.name, place))
    pulled = [each for each in deliveries if each.model == "pull"]
    pushed = [each for each in deliveries if each.model == "push"]
    for each in pushed:
        marks.setdefault("deploy", []).append((each.job, each.evidence[0]))
    for each in pulled:
        marks.setdefault("release", []).append((each.job, each.evidence[0]))
    devops = [_devops(reading, name, marks.get(name, []), bool(pulled)) for name in DEVOPS]
    gitops = [_gitops(reading, name, marks, pulled) for name in GITOPS] if pulled else []
    return (*devops, *gitops)


def _stage(flow: str, name: str, several: Sequence[tuple[str, Place]], outside: str = "") -> Stage:
    jobs = tuple(dict.fromkeys(job for job, _ in several))
    return Stage(flow, name, jobs, outside if not jobs else "", tuple(dict.fromkeys(place for _, place in several)))


def _devops(reading: Reading, name: str, several: Sequence[tuple[str, Place]], pulled: bool) -> Stage:
    outside = ""
    if name == "code" and any(each.kind in {"push", "pull-request", "tag"} for each in reading.triggers):
        outside = "the forge: a push or a pull request starts it"
    elif pulled and name in {"deploy", "operate", "monitor"}:
        outside = "the agent in the cluster"
    elif pulled and name == "plan":
        outside = "the manifest repository: the change is seen as a difference before it is merged"
    return _stage("devops", name, several, outside)


def _gitops(
    reading: Reading, name: str, marks: dict[str, list[tuple[str, Place]]], pulled: Sequence[Delivery]
) -> Stage:
    if name == "develop":
        return _stage("gitops", name, (), "the forge: a push or a pull request starts it" if reading.triggers else "")
    if name == "build-and-test":
        return _stage("gitops", name, [*marks.get("build", []), *marks.get("test", [])])
    if name == "update-manifests":
        return _stage("gitops", name, [(each.job, each.evidence[0]) for each in pulled])
    if name == "review":
        reviewed = [each for each in pulled if "pull request" in each.verb or each.verb.startswith("pipelinegen")]
        outside = "the manifest repository: its pull requests and branch rules" if reviewed else ""
        return Stage("gitops", name, (), outside, tuple(each.evidence[0] for each in reviewed))
    if name == "observe":
        return _stage("gitops", name, marks.get("observe", []), "the agent's own reports")
    return _stage("gitops", name, (), "the agent in the cluster")


def _marks(work: Work) -> list[tuple[str, Place]]:
    """The stages that a job does, by its commands and actions, else by its name."""
    found: list[tuple[str, Place]] = []
    for run in work.runs:
        found += [(stage, run.command.place) for stage in _of_command(run)]
    for _, step, action in work.actions():
        if action is not None and action.stage and not action.delivers:
            found.append((action.stage, step.place))
        found += [("release", step.place)] if _pushes(step) else []
    for step in work.job.steps:
        if step.kind == "plugin" and KNOWN_PLUGINS.get(step.name) and is_dry(step.inputs):
            found.append(("plan", step.place))
        elif step.kind == "plugin" and step.name.endswith(".push"):
            found.append(("release", step.place))
        elif step.kind == "plugin" and step.name in _PLUGINS:
            found.append((_PLUGINS[step.name], step.place))
    if not any(stage != "release" for stage, _ in found):
        found += [each for each in _by_name(work.job) if not found or each[0] not in {"build", "release"}]
    undone = [run.command.place for run in work.runs if run.effect is not None and run.effect.does == "undo"]
    found += [("operate", place) for place in undone]
    if re.search(r"roll.?back|drift", work.job.shown, re.IGNORECASE):
        found.append(("operate", work.job.place))
    return found


def _pushes(step: Step) -> bool:
    if step.uses is None or not step.uses.name.startswith(("docker/build-push-action@", "docker/bake-action@")):
        return False
    pushes = step.input("push") or step.input("outputs")
    return pushes is not None and pushes.value not in {"false", ""}


def _of_command(run: Run) -> list[str]:
    command = run.command
    text = " ".join([command.program, *command.arguments])
    found = [
        stage
        for stage, pattern in (("build", _BUILDS), ("test", _TESTS), ("release", _RELEASES), ("monitor", _MONITORS))
        if pattern.search(text)
    ]
    if text.startswith(("pipelinegen observe", "argocd app wait", "flux get")):
        found.append("observe")
    effect = run.effect
    if effect is not None and effect.does == "dry" and effect.verb not in {"template"}:
        found.append("plan")
    return found


def _by_name(job: Job) -> list[tuple[str, Place]]:
    # A job of GitLab that names no stage is in `test`, whatever it does.
    words = f"{job.shown} {job.id} {job.stage if job.stage != 'test' else ''}"
    return [(stage, job.place) for stage, pattern in _NAMES if pattern.search(words)][:1]
