"""Tools of clouds: their command lines, Terraform, and platforms that deploy by one command."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from pipelinegen.pipelines.shell.tools.effect import Effect, has, plain_words
from pipelinegen.pipelines.shell.words import Command

_TERRAFORM_VALUES = frozenset(
    [
        "-var",
        "-var-file",
        "-target",
        "-out",
        "-backend-config",
        "-state",
        "-lock-timeout",
        "--terragrunt-working-dir",
        "--terragrunt-config",
        "--working-dir",
        "-chdir",
    ]
)


def _terraform(command: Command) -> Effect | None:
    words = plain_words(command, _TERRAFORM_VALUES)
    while words and words[0] in {"run-all", "run", "stack", "--all"}:
        words = words[1:]
    verb = words[0] if words else ""
    if verb in {"apply", "destroy"}:
        return Effect("terraform", "deliver", verb, True)
    if verb in {"import", "taint", "untaint", "state"} and (verb != "state" or words[1:2] in (["rm"], ["mv"])):
        return Effect("terraform", "prepare", verb)
    if verb in {"plan", "validate", "show"}:
        return Effect("terraform", "dry", verb) if verb == "plan" else None
    return Effect("terraform", "prepare", verb) if verb == "init" else None


_CLOUD: Mapping[str, tuple[str, ...]] = {
    "aws": (
        r"ecs (?:update-service|deploy|create-service|register-task-definition|run-task)",
        r"lambda (?:update-function-code|update-function-configuration|update-alias|publish-version)",
        r"deploy (?:create-deployment|push)",
        r"cloudformation (?:deploy|create-stack|update-stack|execute-change-set)",
        r"s3 (?:sync|cp|mv|rm) .*s3://",
        r"elasticbeanstalk (?:update-environment|create-application-version)",
        r"apprunner (?:start-deployment|update-service)",
        r"amplify start-deployment|amplify start-job",
        r"ssm send-command",
        r"eks (?:update-cluster|update-nodegroup)",
        r"autoscaling start-instance-refresh",
        r"cloudfront create-invalidation",
        r"ec2 (?:run-instances|terminate-instances)",
        r"codepipeline start-pipeline-execution",
    ),
    "gcloud": (
        r"(?:beta |alpha )?run (?:deploy|services (?:update|replace|update-traffic)|jobs (?:deploy|update|execute))",
        r"(?:beta )?app deploy",
        r"(?:beta )?functions deploy",
        r"(?:beta )?deploy (?:releases create|apply)",
        r"compute instance-groups managed (?:rolling-action|set-instance-template)",
        r"compute instances update-container",
        r"(?:alpha |beta )?storage (?:rsync|cp) .*gs://",
        r"builds submit",
    ),
    "gsutil": (r"(?:-m )?(?:rsync|cp) .*gs://",),
    "az": (
        r"webapp (?:deploy|up|config container set|deployment|restart|create|config set)",
        r"functionapp (?:deployment|deploy|config)",
        r"containerapp (?:update|up|create|revision)",
        r"container (?:create|restart)",
        r"deployment (?:group|sub|mg|tenant) create",
        r"aks (?:command invoke|update|upgrade)",
        r"storage blob (?:upload-batch|sync|upload)",
        r"vmss (?:update|update-instances)",
        r"vm run-command",
        r"acr helm push",
        r"staticwebapp",
    ),
    "sam": (r"deploy", r"sync"),
    "serverless": (r"deploy",),
    "sls": (r"deploy",),
    "cdk": (r"deploy", r"destroy"),
    "pulumi": (r"up", r"update", r"destroy"),
    "fly": (r"deploy", r"machines? update"),
    "flyctl": (r"deploy", r"machines? update"),
    "heroku": (r"container:release", r"deploy", r"releases:rollback"),
    "vercel": (r"deploy", r"--prod", r"promote", r"alias", r"$"),
    "netlify": (r"deploy",),
    "firebase": (r"deploy", r"hosting:channel:deploy"),
    "wrangler": (r"deploy", r"publish", r"pages (?:deploy|publish)"),
    "eb": (r"deploy",),
    "copilot": (r"deploy", r"(?:svc|job|env|app) deploy"),
    "cf": (r"push",),
    "doctl": (r"apps (?:create-deployment|update|create)", r"serverless deploy"),
    "nomad": (r"job run", r"run"),
    "up": (r"deploy",),
    "railway": (r"up",),
    "scw": (r"container container deploy",),
    "ibmcloud": (r"ce app(?:lication)? update", r"cf push"),
    "gh-pages": (r"",),
    "surge": (r"",),
    "eas": (r"update", r"submit"),
    "ecs-deploy": (r"",),
    "ecs-cli": (r"compose .*up",),
}


_CLOUD_READY: Mapping[str, str] = {
    "aws": r"eks update-kubeconfig|ecr get-login|sts |configure",
    "gcloud": r"container clusters get-credentials|auth |config ",
    "az": r"aks get-credentials|login|acr login|account ",
    "doctl": r"kubernetes cluster kubeconfig|registry login|auth ",
    "ibmcloud": r"login|ks cluster config",
}


_CLOUD_LOOKS = (
    r"(?:describe|list|wait|get)\S*|(?:ecs|deploy|cloudformation) (?:wait|describe)\S*|.* (?:describe|list|show)\b"
)


_CLOUD_VALUES = frozenset(
    [
        "--region",
        "--profile",
        "--project",
        "--output",
        "-o",
        "--query",
        "--subscription",
        "-g",
        "--resource-group",
        "--stack",
        "-s",
        "-a",
        "--app",
        "--token",
        "-C",
        "--cwd",
        "--access-token",
        "--zone",
        "--location",
        "--endpoint-url",
        "-t",
        "--stage",
        "-c",
        "--config",
    ]
)


def _cloud(program: str, command: Command) -> Effect | None:
    words = " ".join(plain_words(command, _CLOUD_VALUES))
    whole = f"{words} {' '.join(text for text in command.arguments if text.startswith('-'))}".strip()
    if has(command, "--dry-run", "--dryrun", "--what-if", "--no-execute-changeset") or words.endswith("help"):
        return Effect("cloud", "dry", words)
    for pattern in _CLOUD[program]:
        if re.match(rf"(?:{pattern})(?:\s|$)", whole) or (".*" in pattern and re.match(pattern, whole)):
            if ".*s3://" in pattern or ".*gs://" in pattern:
                return _storage(words)
            verb = "undo" if "rollback" in pattern and "rollback" in whole else "deliver"
            return Effect("cloud", verb, f"{program} {words}"[:80], program in _DECLARATIVE)  # type: ignore[arg-type]  # two of them
    if re.match(_CLOUD_READY.get(program, r"$-"), words):
        return Effect("cloud", "prepare", words)
    return Effect("cloud", "watch", words) if re.match(_CLOUD_LOOKS, words) else None


_DECLARATIVE = frozenset({"cdk", "pulumi", "sam", "serverless", "sls"})


def _storage(words: str) -> Effect | None:
    """Copying to a bucket: up, not down."""
    last = words.rsplit(maxsplit=1)[-1]
    return Effect("cloud", "deliver", words[:80]) if last.startswith(("s3://", "gs://")) else None


JUDGES: Mapping[str, Callable[[Command], Effect | None]] = {
    "terraform": _terraform,
    "tofu": _terraform,
    "terragrunt": _terraform,
    **{program: partial(_cloud, program) for program in _CLOUD},
}
