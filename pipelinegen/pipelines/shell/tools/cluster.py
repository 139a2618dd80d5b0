"""Tools of clusters: kubectl, Helm, Argo CD, and those that are built around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipelinegen.pipelines.shell.tools.effect import Does, Effect, Tool, has, option, plain_words
from pipelinegen.pipelines.shell.words import Command

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


def reads_manifests_of(commands: Sequence[Command]) -> bool:
    """Is kustomize at work in these commands itself, not only through kubectl?"""
    return any(each.program == "kustomize" for each in commands)


JUDGES: Mapping[str, Callable[[Command], Effect | None]] = {
    "kubectl": _kubectl,
    "oc": _kubectl,
    "k": _kubectl,
    "helm": _helm,
    "helm3": _helm,
    "helmfile": _helmfile,
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
    "cdktf": _kubernetes_tool("deploy", "destroy", tool="terraform"),
}
