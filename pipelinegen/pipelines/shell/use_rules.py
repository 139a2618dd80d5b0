"""For each program, what its options and input say about a secret that it is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from pipelinegen.pipelines.shell.git import is_own
from pipelinegen.pipelines.shell.words import Command, variables_in


class Use(NamedTuple):
    """kind and target in the contract's words; empty where the command does not say. kept: later steps find it, too."""

    kind: str
    target: str
    kept: bool = False


def _given(command: Command, name: str, *flags: str) -> bool:
    """Is the variable the value of one of the options?"""
    arguments = command.words[1:]
    for word, following in zip(arguments, [*arguments[1:], None], strict=False):
        flag, equals, _ = word.text.partition("=")
        if flag in flags and equals and name in word.variables:
            return True
        if word.text in flags and following is not None and name in following.variables:
            return True
        if (
            not word.text.startswith("--")
            and any(len(f) == 2 and word.text.startswith(f) for f in flags)
            and name in word.variables
        ):
            return True
    return False


def _piped(command: Command, name: str) -> bool:
    """Does the variable come over standard input?"""
    piped = any(name in each.reads() for each in command.upstream())
    here = any(name in word.variables for sign, word in command.redirects if sign in {"<", "<<<"})
    return piped or here or (command.document is not None and name in command.document.variables)


def _kubectl(command: Command, name: str) -> Use | None:
    words = command.arguments
    if _given(command, name, "--kubeconfig"):
        return Use("kubeconfig", "cluster")
    if _given(command, name, "--token") or (words[:1] == ("login",) and _given(command, name, "--token")):
        return Use("token", "cluster", kept="config" in words or "login" in words)
    if _given(command, name, "--password", "-p") and ("login" in words or "config" in words):
        return Use("password", "cluster", kept=True)
    if _given(command, name, "--client-key", "--client-certificate", "--client-key-data", "--certificate-authority"):
        return Use("token", "cluster", kept="config" in words)
    if words[:2] == ("config", "set") or "set-credentials" in words:
        return Use("token", "cluster", kept=True) if name in command.reads() else None
    if words[:2] == ("create", "secret") and name in command.reads():
        return Use("", "registry") if "docker-registry" in words else Use("", "other")
    return None


def _helm(command: Command, name: str) -> Use | None:
    words = command.arguments
    if _given(command, name, "--kubeconfig"):
        return Use("kubeconfig", "cluster")
    if _given(command, name, "--kube-token"):
        return Use("token", "cluster")
    if words[:2] in {("registry", "login"), ("repo", "add")} and (
        _given(command, name, "--password", "-p") or _piped(command, name)
    ):
        return Use("password", "registry", kept=True)
    if words[:1] == ("push",) or words[:1] == ("cm-push",):
        return Use("password", "registry") if _given(command, name, "--password", "-p") else None
    return Use("", "other") if any(name in word.variables for word in command.words if "=" in word.text) else None


def _registry(command: Command, name: str) -> Use | None:
    words = command.arguments
    if "login" in words[:3]:
        secret = _given(command, name, "-p", "--password") or _piped(command, name)
        user = _given(command, name, "-u", "--username")
        return Use("password", "registry", kept=True) if secret or user else None
    if _given(
        command, name, "--creds", "--dest-creds", "--src-creds", "--password", "--dest-password", "--registry-token"
    ):
        return Use("password", "registry")
    if _given(command, name, "--build-arg", "--secret", "-e", "--env"):
        return None
    if _given(command, name, "-H", "--host"):
        return None
    return None


def _git(command: Command, name: str) -> Use | None:
    words = command.arguments
    for word in command.words[1:]:
        if name in word.variables and "://" in word.text and "@" in word.text:
            address = word.text
            # What stands before the last @ is who asks; what stands behind it, where.
            if name not in variables_in(address.rpartition("@")[0]):
                continue
            if (
                address.partition("://")[2].partition("@")[0].partition(":")[0].endswith(f"{name}}}")
                and ":" in address.partition("://")[2].partition("@")[0]
            ):
                continue
            where = "forge" if is_own(address) or words[:1] == ("config",) else "manifest-repository"
            return Use("token", where, kept=True)
    if "extraheader" in " ".join(words) and name in command.reads():
        return Use("token", "forge", kept=True)
    if (
        words[:1] == ("config",)
        and ("credential" in " ".join(words) or "insteadOf" in " ".join(words))
        and name in command.reads()
    ):
        return Use("token", "forge", kept=True)
    if any(key in {"GIT_ASKPASS", "GIT_SSH_COMMAND"} and name in word.variables for key, word in command.assignments):
        return Use("", "forge")
    return None


def _ssh_add(command: Command, name: str) -> Use | None:
    return Use("ssh-key", "", kept=True) if name in command.reads() or _piped(command, name) else None


def _ssh(command: Command, name: str) -> Use | None:
    if _given(command, name, "-i") or re.search(rf"-i\s+['\"]?\$\{{?{re.escape(name)}\b", " ".join(command.arguments)):
        return Use("ssh-key", "host")
    return None


def _sshpass(command: Command, name: str) -> Use | None:
    given = _given(command, name, "-p") or any(
        key == "SSHPASS" and name in word.variables for key, word in command.assignments
    )
    return Use("password", "host") if given else None


def _ansible(command: Command, name: str) -> Use | None:
    if _given(command, name, "--private-key", "--key-file"):
        return Use("ssh-key", "host")
    if _given(command, name, "--vault-password-file", "--vault-id", "--become-password-file"):
        return Use("password", "host")
    text = " ".join(word.text for word in command.words if name in word.variables)
    if re.search(r"ansible_(?:ssh_|become_)?pass", text):
        return Use("password", "host")
    return Use("ssh-key", "host") if "ansible_ssh_private_key_file" in text else None


def _argocd(command: Command, name: str) -> Use | None:
    if _given(command, name, "--auth-token"):
        return Use("token", "cluster")
    return Use("password", "cluster", kept=True) if _given(command, name, "--password") else None


def _aws(command: Command, name: str) -> Use | None:
    words = command.arguments
    if words[:2] == ("configure", "set"):
        secret = words[2:3] and re.search(r"key|token", words[2])
        return Use("cloud-key", "cloud", kept=True) if secret and name in command.reads() else None
    return Use("oidc", "cloud") if _given(command, name, "--web-identity-token") else None


def _gcloud(command: Command, name: str) -> Use | None:
    if "activate-service-account" in command.arguments and (name in command.reads() or _piped(command, name)):
        return Use("cloud-key", "cloud", kept=True)
    return None


def _az(command: Command, name: str) -> Use | None:
    if _given(command, name, "--federated-token"):
        return Use("oidc", "cloud", kept=True)
    secret = "login" in command.arguments[:2] and _given(
        command, name, "-p", "--password", "-u", "--username", "-t", "--tenant"
    )
    return Use("cloud-key", "cloud", kept=True) if secret else None


def _cloud_token(command: Command, name: str) -> Use | None:
    given = _given(
        command, name, "--token", "-t", "--access-token", "--auth", "--api-key", "--apikey", "-a", "--access-key"
    )
    return (
        Use("token", "cloud", kept="auth" in command.arguments)
        if given or ("login" in command.arguments and name in command.reads())
        else None
    )


_FORGE_API = re.compile(
    r"api\.github\.com|/api/v4\b|CI_API_V4_URL|CI_SERVER_URL|GITHUB_API_URL|gitlab\.|github\.|/api/v3\b|api\.bitbucket"
)


def _curl(command: Command, name: str) -> Use | None:
    address = next((word.text for word in command.words[1:] if "://" in word.text or "_URL" in word.text), "")
    heads = [word for word in command.words[1:] if name in word.variables]
    text = " ".join(word.text for word in heads)
    if re.search(r"authorization|private-token|job-token|x-api-key|token|bearer", text, re.IGNORECASE) or _given(
        command, name, "-u", "--user"
    ):
        if _FORGE_API.search(address) or re.search("private-token|job-token", text, re.IGNORECASE):
            return Use("token", "forge")
        return Use("", "")
    return Use("token", "") if heads and re.fullmatch(r"['\"]?\$\{?\w+\}?['\"]?", heads[0].text) else None


def _forge(command: Command, name: str) -> Use | None:
    logged = command.arguments[:2] == ("auth", "login") and (_piped(command, name) or name in command.reads())
    return Use("token", "forge", kept=True) if logged else None


def _package(command: Command, name: str) -> Use | None:
    text = " ".join(word.text for word in command.words if name in word.variables)
    if re.search(r"_auth|token|password|\b-p\b|api.?key", text, re.IGNORECASE) or _given(
        command, name, "-p", "--password", "--token", "-k", "--api-key"
    ):
        return Use("token", "registry", kept="config" in command.arguments)
    return None


def _bolt(command: Command, name: str) -> Use | None:
    if _given(command, name, "--private-key"):
        return Use("ssh-key", "host")
    return Use("password", "host") if _given(command, name, "--password", "-p", "--sudo-password") else None


def _knife(command: Command, name: str) -> Use | None:
    if _given(command, name, "-i", "--ssh-identity-file"):
        return Use("ssh-key", "host")
    if _given(command, name, "-k", "--key"):
        return Use("token", "host")
    return Use("password", "host") if _given(command, name, "-P", "--ssh-password", "--connection-password") else None


def _other(command: Command, name: str) -> Use | None:
    return Use("token", "other") if name in command.reads() else None


RULES: dict[str, Callable[[Command, str], Use | None]] = {
    "kubectl": _kubectl,
    "oc": _kubectl,
    "helm": _helm,
    "helmfile": _helm,
    "docker": _registry,
    "podman": _registry,
    "buildah": _registry,
    "nerdctl": _registry,
    "skopeo": _registry,
    "crane": _registry,
    "oras": _registry,
    "regctl": _registry,
    "git": _git,
    "ssh-add": _ssh_add,
    "ssh": _ssh,
    "scp": _ssh,
    "rsync": _ssh,
    "sftp": _ssh,
    "sshpass": _sshpass,
    "ansible-playbook": _ansible,
    "ansible": _ansible,
    "ansible-vault": _ansible,
    "argocd": _argocd,
    "aws": _aws,
    "gcloud": _gcloud,
    "az": _az,
    "doctl": _cloud_token,
    "flyctl": _cloud_token,
    "fly": _cloud_token,
    "heroku": _cloud_token,
    "vercel": _cloud_token,
    "netlify": _cloud_token,
    "firebase": _cloud_token,
    "ibmcloud": _cloud_token,
    "surge": _cloud_token,
    "curl": _curl,
    "gh": _forge,
    "glab": _forge,
    "npm": _package,
    "yarn": _package,
    "pnpm": _package,
    "twine": _package,
    "poetry": _package,
    "nuget": _package,
    "dotnet": _package,
    "cargo": _package,
    "bolt": _bolt,
    "knife": _knife,
    "vault": _other,
    "sonar-scanner": _other,
    "cosign": _other,
    "codecov": _other,
}
