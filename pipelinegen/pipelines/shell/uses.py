"""What a command does with a secret that it is given: which kind of secret that must be, and where it stays."""

from __future__ import annotations

import re

from pipelinegen.pipelines.analyse.naming import sort_of
from pipelinegen.pipelines.shell.use_rules import RULES, Use
from pipelinegen.pipelines.shell.words import Command


def use_of(command: Command, name: str) -> Use | None:
    """What a command does with a variable, or None when it does not say."""
    written = _written(command, name)
    if written is not None:
        return written
    rule = RULES.get(command.program)
    used = rule(command, name) if rule is not None else None
    return used or _renamed(command, name)


def _renamed(command: Command, name: str) -> Use | None:
    """Handed on under a name that says what it is: `export KUBECONFIG=$PROD`."""
    named = [*command.assignments]
    if command.program in {"export", "declare", "local", "readonly"}:
        named += [(word.text.partition("=")[0], word) for word in command.words[1:] if "=" in word.text]
    for new, word in named:
        if new != name and name in word.variables and "://" not in word.text:
            sort = sort_of(new)
            if sort.target or sort.kind in {"kubeconfig", "ssh-key"}:
                return Use(*sort)
    return None


def _written(command: Command, name: str) -> Use | None:
    """Written into a file, whose name says what for."""
    reads = command.reads()
    if name not in reads:
        return None
    target = " ".join(word.text for sign, word in command.redirects if sign in {">", ">>", ">|", "&>"})
    target += " ".join(command.arguments) if command.program == "tee" else ""
    if not target:
        return None
    if re.search(r"kube.?config|\.kube/|KUBECONFIG|k8s.*\.conf|admin\.conf", target, re.IGNORECASE):
        return Use("kubeconfig", "cluster", kept=True)
    if re.search(r"\.ssh/|id_rsa|id_ed25519|id_ecdsa|ssh.?key|deploy.?key|private.?key", target, re.IGNORECASE):
        return None if "known_hosts" in target else Use("ssh-key", "", kept=True)
    if re.search(r"\.docker/config|\.dockerconfig|auth\.json|containers/auth", target):
        return Use("password", "registry", kept=True)
    if re.search(r"vault.?pass", target, re.IGNORECASE):
        return Use("password", "host", kept=True)
    if re.search(r"\.git-credentials|\.netrc", target):
        return Use("token", "forge", kept=True)
    if re.search(r"\.npmrc|\.pypirc|\.cargo/credentials|\.m2/settings|\.gem/credentials", target):
        return Use("token", "registry", kept=True)
    if re.search(r"\.chef/|client\.pem|knife", target):
        return Use("token", "host", kept=True)
    if re.search(r"gcloud|gcp|service.?account|google|credentials\.json|key\.json", target, re.IGNORECASE):
        return Use("cloud-key", "cloud", kept=True)
    if re.search(r"\.aws/credentials", target):
        return Use("cloud-key", "cloud", kept=True)
    if re.search(r"\.pem\b|\.key\b", target):
        return Use("ssh-key", "", kept=True)
    return None if re.search(r"/dev/(?:null|stderr|stdout)", target) else Use("", "", kept=True)


__all__ = ["Use", "use_of"]
