"""The push style (DevOps): the CI system builds, and its jobs change each environment with a credential for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import Deployer
from pipelinegen.pipelines.design.build_job import PUSHES, build_job, from_metadata, handoffs, test_job
from pipelinegen.pipelines.design.parts import (
    INSTALL,
    check_job,
    in_order,
    job_id,
    permissions,
    reads_anchors,
    runner_of,
    triggers,
    with_header,
)
from pipelinegen.pipelines.model import (
    Answer,
    Artifact,
    Checkout,
    Condition,
    Credential,
    Custom,
    Deployment,
    Job,
    Literally,
    Pipeline,
    Question,
    Run,
    Step,
    System,
)

ENVIRONMENT, REFERENCES = "environment", "references"


def pipeline(application: Application, system: System, deployer: Deployer) -> Pipeline:
    """check, test, plans for changes; build, then each environment in turn; drift by the clock, rollback by hand."""
    work = [_Work(application, environment, system, deployer) for environment in application.environments]
    jobs = [check_job(application, "push", system, deployer.NAME), test_job(application, "push")]
    jobs += [each.plan() for each in work]
    jobs.append(build_job(application, "push", system))
    for each in work:
        jobs += each.deploy(after=jobs[-1])
    jobs += [each.drift() for each in work]
    jobs += [each.rollback() for each in work]
    plain = Pipeline(
        style="push",
        system=system,
        name=application.project,
        triggers=replace(triggers(application, application.drift_schedule), questions=_questions(application)),
        jobs=tuple(jobs),
        deployer=deployer.NAME,
        runner=runner_of(application, system),
        anchors=reads_anchors(application, system),
    )
    said = f"The push style (DevOps) of {application.project}: its jobs deploy with {deployer.NAME}."
    return replace(plain, header=with_header(plain, said))


class _Work:
    """The jobs of one environment."""

    def __init__(self, application: Application, environment: AppEnvironment, system: System, deployer: Deployer):
        self.application = application
        self.environment = environment
        self.system = system
        self.deployer = deployer
        self.credentials = deployer.credentials(application, environment, system)
        self.lock = job_id("deploy", environment.name)

    def plan(self) -> Job:
        """For changes: what would the deployer do? Of the images that the workspace names."""
        steps = (*self._tools(), *self.deployer.dry_run(self.application, self.environment))
        when = Condition(("change",), forks=False)
        return self._job("plan", "Plan", ("plan",), when, steps, look=True)

    def deploy(self, after: Job) -> list[Job]:
        """After the build and the environment before; where the tool keeps a plan, people agree to that very plan."""
        when = Condition(PUSHES)
        name = self.environment.name
        takes = tuple(artifact.name for artifact in handoffs(self.application))
        steps = (*self._tools(Custom(f"before-deploy-{name}")), self._set_built(), *self._changing(), self._after())
        job = replace(
            self._job("deploy", "Deploy to", ("deploy", "monitor"), when, steps),
            needs=tuple(dict.fromkeys(("build", after.id))),
            takes=takes,
            lock=self.lock,
        )
        if not self.deployer.PLAN or not self.environment.approval:
            return [job]
        plan = Artifact(job_id("plan", name), self.deployer.PLAN.format(env=name), "binary")
        seen = (*self._tools(), self._set_built(), *self.deployer.dry_run(self.application, self.environment))
        preview = replace(
            self._job("preview", "Preview the deployment to", ("plan",), when, seen, look=True),
            needs=job.needs,
            takes=takes,
            produces=(plan,),
        )
        return [preview, replace(job, needs=("build", preview.id), takes=(*takes, plan.name))]

    def drift(self) -> Job:
        """By the clock: is the target still as it was deployed?"""
        steps = (*self._tools(), *self.deployer.drift(self.application, self.environment))
        return self._job("drift", "Look for drift in", ("operate",), Condition(("schedule",)), steps, look=True)

    def rollback(self) -> Job:
        """By hand: deploy the images that the person names, with all the care of a deployment."""
        when = Condition(("manual",), answered=(ENVIRONMENT, self.environment.name))
        steps = (*self._tools(), self._set_asked(), *self._changing())
        job = self._job("rollback", "Roll back", ("operate",), when, steps)
        return replace(job, lock=self.lock)

    def _job(
        self, verb: str, title: str, stages: tuple[str, ...], when: Condition, steps: Iterable[Step], look: bool = False
    ) -> Job:
        environment = self.environment
        credentials = tuple(_looking(each) if look else each for each in self.credentials)
        return Job(
            id=job_id(verb, environment.name),
            title=f"{title} {environment.name}",
            stages=stages,
            when=when,
            steps=in_order(_named_alike(step, environment.name) for step in steps),
            environment=Deployment(
                environment.name,
                action="look" if look else "deploy",
                url=environment.url,
                approval=environment.approval and not look,
                reviewers=environment.reviewers,
            ),
            timeout=self.application.timeout,
            cancel=when.events == ("change",),
            permissions=permissions(self.system, credentials),
            credentials=credentials,
        )

    def _tools(self, *custom: Step) -> tuple[Step, ...]:
        return (Checkout(), INSTALL, *self.deployer.install(self.application), *custom)

    def _changing(self) -> tuple[Step, ...]:
        health = (replace(run, stage="monitor") for run in self.deployer.health(self.application, self.environment))
        return (*self.deployer.deploy(self.application, self.environment), *health)

    def _after(self) -> Custom:
        return Custom(f"after-deploy-{self.environment.name}")

    def _set_built(self) -> Run:
        before, words = from_metadata(self.application)
        return self._setting("Set the images that were built", (*before, f"pipelinegen bump {words} {_HERE}"))

    def _set_asked(self) -> Run:
        count = str(len(self.application.images))
        run = self._setting("Set the images to go back to", (*_READ_REFERENCES, f"pipelinegen bump {_HERE} {_BACK}"))
        return replace(run, env={"REFERENCES": Answer(REFERENCES), "COUNT": Literally(count), **run.env})

    def _setting(self, name: str, script: tuple[str, ...]) -> Run:
        paths = "\n".join(path.format(env=self.environment.name) for path in self.deployer.IMAGE_PATHS)
        return Run(name, script, {"PIPELINEGEN_PATH": Literally(paths)})


# The deployers' files are in the workspace: what they hold is what is deployed.
_HERE = "--repo . --deliver worktree"
_BACK = '--allow-downgrade -- "${references[@]}"'
_READ_REFERENCES = (
    'read -r -d "" -a references <<< "$REFERENCES" || true',
    'if [ "${#references[@]}" -ne "$COUNT" ]; then',
    '  echo "name all images of the environment ($COUNT), each as REPOSITORY:TAG@DIGEST" >&2',
    "  exit 2",
    "fi",
)


def _named_alike(step: Step, environment: str) -> Step:
    """The step without the environment in its name, which the job's has: equal steps are called alike."""
    if not isinstance(step, Run):
        return step
    name = re.sub(rf",? (?:to|in|of|for|from) {re.escape(environment)}$", "", step.name)
    return replace(step, name=re.sub(rf"(?<!\S){re.escape(environment)}(?!\S)", "the environment", name))


def _looking(credential: Credential) -> Credential:
    return replace(credential, why="to see what would change")


def _questions(application: Application) -> tuple[Question, ...]:
    names = tuple(environment.name for environment in application.environments)
    return (
        Question(ENVIRONMENT, "The environment to roll back", names, names[0]),
        Question(REFERENCES, "All its images, as REPOSITORY:TAG@DIGEST with blanks between them"),
    )
