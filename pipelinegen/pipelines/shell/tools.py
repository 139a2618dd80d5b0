"""What a command would change: the tool by the contract's name, the verb, and whether it only looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelinegen.pipelines.shell.words import Command

Tool = Literal[
    "kubectl",
    "helm",
    "kustomize",
    "terraform",
    "ansible",
    "chef",
    "puppet",
    "ssh",
    "compose",
    "argocd",
    "cloud",
    "manifest-repository",
]
# deliver: changes an environment. dry: says what it would change. undo: brings an earlier version back.
# watch: waits for an environment or looks at it. prepare: gets what is needed to reach it.
Does = Literal["deliver", "dry", "undo", "watch", "prepare"]


@dataclass(frozen=True, slots=True)
class Effect:
    """A command of a tool that can change an environment, and what this one does."""

    tool: Tool
    does: Does
    verb: str
    # Does the command say what shall be, or what is to be done?
    declarative: bool = False


def effect_of(command: Command) -> Effect | None:
    """What a command does to an environment, or None when it has nothing to do with one."""
    program = command.program.removesuffix(".exe").lower()
    judge = _JUDGES.get(program)
    if judge is None:
        if program in _CLOUD:
            return _cloud(program, command)
        return None
    return judge(command)


def plain_words(command: Command, with_value: frozenset[str] = frozenset()) -> list[str]:
    """The arguments without options, and without the values of those options that take one as a word of its own."""
    found: list[str] = []
    waiting = False
    for text in command.arguments:
        if waiting:
            waiting = False
        elif text.startswith("-") and len(text) > 1:
            waiting = text in with_value
        else:
            found.append(text)
    return found


def has(command: Command, *flags: str) -> bool:
    """Is one of the options there, alone or with a value behind `=`?"""
    return any(text in flags or text.partition("=")[0] in flags for text in command.arguments)


def option(command: Command, *flags: str) -> str:
    """The value of an option, as `--name value` or `--name=value`; empty where it is not there."""
    arguments = command.arguments
    for text, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, equals, value = text.partition("=")
        if name in flags:
            return value if equals else following
        short = next((flag for flag in flags if len(flag) == 2 and text.startswith(flag) and len(text) > 2), None)
        if short and not text.startswith("--"):
            return text[2:]
    return ""


_KUBECTL_VALUES = frozenset(
    [
        "-n",
        "--namespace",
        "--context",
        "--cluster",
        "--kubeconfig",
        "--server",
        "-s",
        "--token",
        "--user",
        "--as",
        "--as-group",
        "--request-timeout",
        "--certificate-authority",
        "--client-key",
        "--client-certificate",
        "-f",
        "--filename",
        "-k",
        "--kustomize",
        "-o",
        "--output",
        "-l",
        "--selector",
        "-c",
        "--container",
        "--field-manager",
        "--timeout",
        "--type",
        "-p",
        "--patch",
        "--replicas",
        "--image",
        "--from-file",
        "--from-literal",
        "--username",
        "--password",
        "--cache-dir",
        "-v",
        "--insecure-skip-tls-verify-backend",
    ]
)
_KUBECTL_CHANGES = {
    "apply": True,
    "create": False,
    "replace": True,
    "patch": False,
    "set": False,
    "delete": False,
    "scale": False,
    "edit": False,
    "annotate": False,
    "label": False,
    "autoscale": False,
    "expose": False,
    "run": False,
    "new-app": False,
    "process": False,
}


def _kubectl(command: Command) -> Effect | None:
    words = plain_words(command, _KUBECTL_VALUES)
    if not words:
        return None
    verb = words[0]
    second = words[1] if len(words) > 1 else ""
    if verb in {"diff", "kustomize"} or (verb == "process" and command.program == "oc"):
        return Effect("kubectl", "dry", verb) if verb == "diff" else None
    if verb == "rollout":
        does = {"restart": "deliver", "pause": "deliver", "resume": "deliver", "undo": "undo", "status": "watch"}
        found = does.get(second)
        return Effect("kubectl", found, f"rollout {second}") if found else None  # type: ignore[arg-type]  # of the table
    if verb in {"get", "describe", "logs", "wait", "top", "events"}:
        return Effect("kubectl", "watch", verb)
    if verb == "config":
        return Effect("kubectl", "prepare", f"config {second}")
    if verb == "apply" and second in {"view-last-applied", "edit-last-applied"}:
        return None
    if verb not in _KUBECTL_CHANGES or (verb == "set" and "--list" in command.arguments):
        return None
    dry = option(command, "--dry-run") if has(command, "--dry-run") else "none"
    bare = "--dry-run" in command.arguments and dry not in {"none", "client", "server", "true", "false"}
    if bare or dry in {"client", "server", "true"}:
        return Effect("kubectl", "dry", verb)
    return Effect("kubectl", "deliver", verb, _KUBECTL_CHANGES[verb])


_HELM_VALUES = frozenset(
    [
        "-n",
        "--namespace",
        "--kube-context",
        "--kubeconfig",
        "--kube-token",
        "--kube-apiserver",
        "-f",
        "--values",
        "--set",
        "--set-string",
        "--version",
        "--timeout",
        "--set-file",
        "--set-json",
        "--repo",
        "--username",
        "--password",
        "-e",
        "--environment",
        "-l",
        "--selector",
        "--state-values-set",
        "--registry-config",
        "--repository-config",
        "--description",
        "--history-max",
        "--file",
        "--kube-ca-file",
        "--post-renderer",
    ]
)


def _helm(command: Command) -> Effect | None:
    words = plain_words(command, _HELM_VALUES)
    while words and words[0] in {"secrets", "tiller"}:
        words = words[1:]
    if not words:
        return None
    verb = words[0]
    if verb in {"diff", "template"}:
        return Effect("helm", "dry", verb)
    if verb in {"status", "list", "ls", "test", "history", "get"}:
        return Effect("helm", "watch", verb)
    if verb not in {"upgrade", "install", "rollback", "uninstall", "delete"}:
        return None
    dry = option(command, "--dry-run") if has(command, "--dry-run") else "none"
    if has(command, "--dry-run") and dry not in {"none", "false"}:
        return Effect("helm", "dry", verb)
    return Effect("helm", "undo" if verb == "rollback" else "deliver", verb, verb in {"upgrade", "install"})


def _helmfile(command: Command) -> Effect | None:
    words = plain_words(command, _HELM_VALUES)
    verb = words[0] if words else ""
    if verb in {"apply", "sync", "destroy", "charts", "delete"}:
        return Effect("helm", "deliver", f"helmfile {verb}", verb in {"apply", "sync"})
    return Effect("helm", "dry", f"helmfile {verb}") if verb in {"diff", "template"} else None


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


def _ansible(command: Command) -> Effect | None:
    program = command.program
    if has(command, "--syntax-check", "--list-hosts", "--list-tasks", "--list-tags", "--version", "-h", "--help"):
        return None
    short = any(re.fullmatch(r"-[a-zA-Z]*C[a-zA-Z]*", text) for text in command.arguments)
    if has(command, "--check") or short:
        return Effect("ansible", "dry", program)
    if program == "ansible" and option(command, "-m", "--module-name") in {"ping", "setup", "ansible.builtin.ping"}:
        return Effect("ansible", "watch", program)
    return Effect("ansible", "deliver", program, program != "ansible") if command.arguments else None


def _chef(command: Command) -> Effect | None:
    program, words = command.program, plain_words(command)
    if program in {"chef-client", "cinc-client", "chef-solo", "chef-run"}:
        if has(command, "--why-run", "-W"):
            return Effect("chef", "dry", program)
        return Effect("chef", "deliver", program, True)
    first, second = (*words, "", "")[:2]
    if program == "knife":
        changes = {
            ("ssh", second),
            ("winrm", second),
            ("bootstrap", second),
            ("upload", second),
            ("zero", "converge"),
            ("zero", "bootstrap"),
            ("zero", "chef-client"),
            ("cookbook", "upload"),
            ("role", "from"),
            ("environment", "from"),
            ("data", "bag"),
            ("spork", "promote"),
            ("spork", "upload"),
            ("node", "run_list"),
            ("job", "start"),
            ("solo", "cook"),
        }
        reads = "show" in words or "list" in words
        return (
            Effect("chef", "deliver", f"{first} {second}".strip(), True)
            if (first, second) in changes and not reads
            else None
        )
    if program == "berks" and first == "upload":
        return Effect("chef", "deliver", "berks upload", True)
    if program in {"chef", "chef-cli", "cinc"} and first in {"push", "push-archive"}:
        return Effect("chef", "deliver", f"chef {first}", True)
    return None


def _puppet(command: Command) -> Effect | None:
    program, words = (
        command.program,
        plain_words(command, frozenset({"--modulepath", "--hiera_config", "--environment"})),
    )
    first, second = (*words, "", "")[:2]
    if has(command, "--noop"):
        return Effect("puppet", "dry", first)
    verb = f"{first} {second}" if first in {"job", "code", "plan", "command", "task", "script", "file"} else first
    changing = {
        "puppet": {"apply", "agent", "job run", "code deploy"},
        "bolt": {"apply", "plan run", "command run", "task run", "script run", "file upload"},
        "r10k": {"deploy"},
        "mco": {"puppet"},
    }
    return Effect("puppet", "deliver", verb, True) if verb in changing.get(program, set()) else None


_LOOKS = frozenset(
    [
        "ls",
        "cat",
        "uptime",
        "echo",
        "printf",
        "true",
        "hostname",
        "whoami",
        "pwd",
        "date",
        "df",
        "free",
        "ps",
        "curl",
        "test",
        "[",
        "head",
        "tail",
        "grep",
        "id",
        "uname",
        "exit",
        "set",
        "cd",
        "sleep",
        "which",
    ]
)
_FORGES = re.compile(r"(?:^|@)(?:github\.com|gitlab\.com|bitbucket\.org|ssh\.dev\.azure\.com)$")


def _ssh(command: Command) -> Effect | None:
    from pipelinegen.pipelines.shell.lexer import commands_in
    from pipelinegen.pipelines.shell.unwrap import remote_words

    words = remote_words(command)
    hosts = plain_words(command, frozenset(f"-{letter}" for letter in "bcDEeFIiJLlmOopQRSWw"))
    if not hosts or _FORGES.search(hosts[0]):
        return None
    text = " ".join(word.text for word in words) or (command.document.text if command.document else "")
    if not text:
        # Without a command: a tunnel (-N), or a script on standard input.
        piped = command.before is not None or any(sign == "<" for sign, _ in command.redirects)
        return Effect("ssh", "deliver", "ssh") if piped and not has(command, "-N") else None
    run = [each.program for each in commands_in(text, command.place, 1) if each.words]
    if run and all(program in _LOOKS for program in run):
        return Effect("ssh", "watch", "ssh")
    looks = re.fullmatch(
        r"\s*(?:sudo )?(?:docker|systemctl|kubectl) (?:ps|status|is-active|get|logs|images)\b[^;&|]*", text
    )
    return Effect("ssh", "watch" if looks else "deliver", "ssh")


_REMOTE_PATH = re.compile(r"^(?!\w:\\)(?:[^/\s:]+@)?(?:\[[^\]]+\]|[^/\s:@]+):(?!//)|^rsync://")


def _copy(command: Command) -> Effect | None:
    valued = frozenset(
        [
            "-e",
            "--rsh",
            "-P",
            "-i",
            "-F",
            "-o",
            "-c",
            "-l",
            "-S",
            "-J",
            "--exclude",
            "--include",
            "--rsync-path",
            "--filter",
            "--password-file",
        ]
    )
    words = plain_words(
        command, valued if command.program == "scp" else valued - {"-P", "-i", "-c", "-l", "-S", "-o", "-F", "-J"}
    )
    if len(words) < 2 or (command.program == "rsync" and has(command, "--dry-run", "-n", "--list-only")):
        return None
    return Effect("ssh", "deliver", command.program) if _REMOTE_PATH.search(words[-1]) else None


def _docker(command: Command) -> Effect | None:
    words = plain_words(
        command,
        frozenset(
            ["-H", "--host", "-c", "--context", "-f", "--file", "-p", "--project-name", "--env-file", "--profile"]
        ),
    )
    first, second = (*words, "", "")[:2]
    if command.program == "docker-compose":
        first, second = "compose", first
    if first == "compose" and second in {"up", "restart", "rm", "down", "stop", "start", "run", "create"}:
        return Effect("compose", "deliver", f"compose {second}", second == "up")
    if first == "stack" and second in {"deploy", "up", "rm"}:
        return Effect("compose", "deliver", f"stack {second}", second != "rm")
    if first == "service" and second in {"update", "create", "scale", "rm"}:
        return Effect("compose", "deliver", f"service {second}")
    if first == "service" and second == "rollback":
        return Effect("compose", "undo", "service rollback")
    if first in {"run", "restart"} or (first, second) == ("container", "run"):
        return Effect("compose", "deliver", first) if _is_remote_docker(command) else None
    return None


def _is_remote_docker(command: Command) -> bool:
    return bool(option(command, "-H", "--host") or option(command, "--context", "-c"))


def is_remote_docker(command: Command, variables: Mapping[str, str]) -> bool:
    """Does a command of docker speak to an engine that is somewhere else?"""
    assigned = {name: word.text for name, word in command.assignments}
    host = assigned.get("DOCKER_HOST") or variables.get("DOCKER_HOST", "")
    context = assigned.get("DOCKER_CONTEXT") or variables.get("DOCKER_CONTEXT", "")
    local = re.match(r"(?:unix://|tcp://(?:docker|localhost|127\.)|npipe:)", host)
    return _is_remote_docker(command) or bool(context) or bool(host and not local)


def _argocd(command: Command) -> Effect | None:
    words = plain_words(
        command, frozenset(["--server", "--auth-token", "--grpc-web-root-path", "-p", "--parameter", "--revision"])
    )
    first, second = (*words, "", "")[:2]
    if first == "login":
        return Effect("argocd", "prepare", "login")
    if first not in {"app", "appset"}:
        return None
    if second in {"sync", "set", "unset", "create", "delete", "patch", "patch-resource", "actions", "rollback", "edit"}:
        dry = has(command, "--dry-run") and "--dry-run=false" not in command.arguments
        does: Does = "dry" if dry else "undo" if second == "rollback" else "deliver"
        return Effect("argocd", does, f"app {second}", second in {"sync", "create"})
    return Effect("argocd", "watch", f"app {second}") if second in {"wait", "get", "diff", "list", "history"} else None


def _kubernetes_tool(*verbs: str, tool: Tool = "kubectl") -> Callable[[Command], Effect | None]:
    def judge(command: Command) -> Effect | None:
        words = plain_words(command)
        verb = " ".join(words[:2]) if " ".join(words[:2]) in verbs else words[0] if words else ""
        if verb not in verbs or has(command, "--dry-run", "--diff-run"):
            return None
        return Effect(tool, "deliver", f"{command.program} {verb}", True)

    return judge


def _remote_runner(*verbs: str) -> Callable[[Command], Effect | None]:
    """Programs that run commands on hosts over SSH: Capistrano, Deployer, Fabric, Kamal."""

    def judge(command: Command) -> Effect | None:
        words = plain_words(command)
        named = any(word in verbs or word.partition(":")[0] in verbs for word in words)
        return Effect("ssh", "deliver", command.program) if named else None

    return judge


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


_JUDGES: Mapping[str, Callable[[Command], Effect | None]] = {
    "kubectl": _kubectl,
    "oc": _kubectl,
    "k": _kubectl,
    "helm": _helm,
    "helm3": _helm,
    "helmfile": _helmfile,
    "terraform": _terraform,
    "tofu": _terraform,
    "terragrunt": _terraform,
    "cdktf": _kubernetes_tool("deploy", "destroy", tool="terraform"),
    "ansible-playbook": _ansible,
    "ansible": _ansible,
    "ansible-pull": _ansible,
    "ansible-navigator": _ansible,
    "knife": _chef,
    "chef-client": _chef,
    "cinc-client": _chef,
    "chef-solo": _chef,
    "chef-run": _chef,
    "berks": _chef,
    "chef": _chef,
    "puppet": _puppet,
    "bolt": _puppet,
    "r10k": _puppet,
    "mco": _puppet,
    "ssh": _ssh,
    "autossh": _ssh,
    "plink": _ssh,
    "scp": _copy,
    "rsync": _copy,
    "pscp": _copy,
    "sftp": lambda command: Effect("ssh", "deliver", "sftp") if command.arguments else None,
    "lftp": lambda command: Effect("ssh", "deliver", "lftp") if command.arguments else None,
    "docker": _docker,
    "podman": _docker,
    "docker-compose": _docker,
    "podman-compose": _docker,
    "argocd": _argocd,
    "skaffold": _kubernetes_tool("run", "deploy", "apply"),
    "kapp": _kubernetes_tool("deploy", "app-group deploy", "delete"),
    "ko": _kubernetes_tool("apply", "create", "delete"),
    "kpt": _kubernetes_tool("live apply", "live destroy"),
    "tk": _kubernetes_tool("apply", "delete", "prune"),
    "kluctl": _kubernetes_tool("deploy", "delete", "prune"),
    "devspace": _kubernetes_tool("deploy"),
    "okteto": _kubernetes_tool("deploy", "up", "pipeline deploy"),
    "flux": _kubernetes_tool("reconcile", "create", "delete", "bootstrap", "install", "suspend", "resume"),
    "timoni": _kubernetes_tool("apply", "bundle apply"),
    "garden": _kubernetes_tool("deploy"),
    "werf": _kubernetes_tool("converge", "helm upgrade", "dismiss", tool="helm"),
    "cap": _remote_runner("deploy"),
    "dep": _remote_runner("deploy"),
    "deployer": _remote_runner("deploy"),
    "fab": _remote_runner("deploy", "release"),
    "mina": _remote_runner("deploy"),
    "kamal": _remote_runner("deploy", "redeploy", "setup", "rollback"),
    "pm2": _remote_runner("deploy"),
    "envoy": _remote_runner("run"),
}
DELIVERERS: frozenset[str] = frozenset(_JUDGES) | frozenset(_CLOUD)


def reads_manifests_of(commands: Sequence[Command]) -> bool:
    """Is kustomize at work in these commands itself, not only through kubectl?"""
    return any(each.program == "kustomize" for each in commands)
