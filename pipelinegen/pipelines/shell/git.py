"""What commands do to a manifest repository: clone it, edit its files, push, and open a pull request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipelinegen.pipelines.shell.tools import has, plain_words
from pipelinegen.pipelines.shell.words import Command

Did = Literal["clone", "remote", "edit", "image-edit", "push", "pull-request", "bump", "dispatch", "artifact"]

_MANIFEST_FILE = re.compile(
    r"\.(?:ya?ml|json|tfvars|hcl|env|jsonnet|libsonnet|cue|k)\b|kustomization|values|manifests?/", re.I
)
_IMAGE = re.compile(r"image|\btag\b|newTag|digest", re.IGNORECASE)
_VALUED = frozenset(
    [
        "-C",
        "-c",
        "-b",
        "--branch",
        "--depth",
        "-o",
        "--origin",
        "--git-dir",
        "--work-tree",
        "--namespace",
        "--exec-path",
        "--repo",
        "--push-option",
    ]
)
_OWN = re.compile(
    r"\$\{\{\s*github\.(?:repository|event\.repository\.\w+)\s*\}\}|\$\{?GITHUB_REPOSITORY\b|\$\{?CI_PROJECT_(?:PATH|URL)\b"
    r"|\$\{?CI_REPOSITORY_URL|\$\{?CI_PROJECT_NAMESPACE\}?/\$\{?CI_PROJECT_NAME\b|\$\{?(?:env\.)?GIT_URL\b"
)
_NAMED_SO = re.compile(
    r"manifest|gitops|git-ops|deploy|infra|k8s|kube|argo|flux|environments?\b|\benvs?\b|helm|chart|kustom|config|release|ops\b|cluster",
    re.I,
)


@dataclass(frozen=True, slots=True)
class GitAct:
    """One thing done to a repository. where: its address or remote, as written."""

    did: Did
    command: Command
    where: str = ""


def is_own(address: str) -> bool:
    """Does an address name the repository that the pipeline itself stands in?"""
    return bool(_OWN.search(address))


def sounds_like_manifests(address: str) -> bool:
    """Is a repository named as manifest repositories are?"""
    return bool(
        _NAMED_SO.search(
            re.sub(r"\$\{\{.*?\}\}|\$\{?\w+\}?@", "", address).rpartition("//")[2].partition("/")[2] or address
        )
    )


def git_act(command: Command) -> GitAct | None:
    """What a command does to a repository, or None."""
    program = command.program
    if program == "git":
        return _git(command)
    if program == "pipelinegen":
        return _ours(command)
    if program in {"gh", "glab", "hub", "tea"}:
        return _forge(command)
    if program in {"curl", "http", "wget"}:
        return _over_http(command)
    return _edit(command)


def _git(command: Command) -> GitAct | None:
    words = plain_words(command, _VALUED)
    verb = words[0] if words else ""
    if verb == "clone" and len(words) > 1:
        return GitAct("clone", command, words[1])
    if verb == "remote" and len(words) > 3 and words[1] in {"add", "set-url"}:
        return GitAct("remote", command, words[3])
    if verb == "submodule" and words[1:2] == ["update"]:
        return None
    if verb == "push" and not has(command, "--dry-run", "-n", "--mirror"):
        refs = words[2:]
        tags = has(command, "--tags", "--delete", "-d") and not has(command, "--follow-tags")
        only_tags = tags or (
            refs and all(ref.startswith(("refs/tags/", "v", ":")) or "TAG" in ref or "VERSION" in ref for ref in refs)
        )
        return None if only_tags else GitAct("push", command, words[1] if len(words) > 1 else "origin")
    return None


def _ours(command: Command) -> GitAct | None:
    words = plain_words(command)
    verb = words[0] if words else ""
    if verb in {"bump", "promote", "rollback"} and not has(command, "--dry-run"):
        return GitAct("bump", command, "")
    return None


def _forge(command: Command) -> GitAct | None:
    words = plain_words(
        command, frozenset(["-R", "--repo", "-F", "--field", "-f", "--raw-field", "-X", "--method", "-H", "--header"])
    )
    pair = tuple(words[:2])
    if pair in {("pr", "create"), ("mr", "create"), ("pulls", "create"), ("pr", "merge"), ("mr", "merge")} or words[
        :1
    ] == ["pull-request"]:
        return GitAct("pull-request", command, _value(command, "-R", "--repo", "-B"))
    if pair in {("workflow", "run"), ("ci", "run"), ("pipeline", "run")}:
        return GitAct("dispatch", command, _value(command, "-R", "--repo"))
    if words[:1] == ["api"] and any("dispatches" in word for word in words):
        return GitAct("dispatch", command, " ".join(words[1:]))
    if (
        words[:1] == ["api"]
        and any(re.search(r"/(?:pulls|merge_requests)$", word) for word in words)
        and writes(command)
    ):
        return GitAct("pull-request", command, " ".join(words[1:]))
    return None


def _over_http(command: Command) -> GitAct | None:
    address = next((text for text in command.arguments if "//" in text), "")
    if not writes(command):
        return None
    if re.search(r"/dispatches\b|/trigger/pipeline|/pipeline(?:\?|$)", address):
        return GitAct("dispatch", command, address)
    if re.search(r"/(?:pulls|merge_requests)/?(?:\?.*)?$", address):
        return GitAct("pull-request", command, address)
    if re.search(r"/repository/(?:files|commits)|/contents/", address):
        return GitAct("push", command, address)
    return None


def writes(command: Command) -> bool:
    flags = {"-d", "--data", "--data-raw", "--data-binary", "--json", "-F", "--form", "--field", "-f", "--raw-field"}
    method = _value(command, "-X", "--request", "--method").upper()
    return method in {"POST", "PUT", "PATCH"} or (
        not method and any(text.partition("=")[0] in flags for text in command.arguments)
    )


def _value(command: Command, *flags: str) -> str:
    from pipelinegen.pipelines.shell.tools import option

    return option(command, *flags)


def _edit(command: Command) -> GitAct | None:
    """A change of a file of manifests: which programs do that, and whether it is an image's version."""
    program, words = command.program, plain_words(command)
    text = " ".join(command.arguments)
    if program == "kustomize" and words[:1] == ["edit"]:
        return GitAct("image-edit" if words[1:3] in (["set", "image"], ["add", "image"]) else "edit", command)
    inplace = any(re.fullmatch(r"-[a-zA-Z]*i.*|--in-?place.*|--write-inplace|w", each) for each in command.arguments)
    if program in {"sed", "gsed", "perl", "yq", "awk", "gawk"} and (
        inplace or (program == "yq" and words[:1] == ["w"])
    ):
        return GitAct("image-edit" if _IMAGE.search(text) else "edit", command) if _MANIFEST_FILE.search(text) else None
    if program in {
        "yq",
        "jq",
        "envsubst",
        "sed",
        "kustomize",
        "helm",
        "tee",
        "sponge",
        "cat",
        "echo",
        "printf",
        "jsonnet",
        "ytt",
        "cue",
    }:
        written = " ".join(word.text for sign, word in command.redirects if sign.startswith(">"))
        written += text if program in {"tee", "sponge"} else ""
        if _MANIFEST_FILE.search(written):
            return GitAct(
                "image-edit"
                if _IMAGE.search(f"{text} {command.document.text if command.document else ''}")
                else "edit",
                command,
            )
    if program in {"cp", "mv", "rsync"} and words and (_MANIFEST_FILE.search(text) or "manifests" in text):
        return GitAct("edit", command)
    if program == "kpt" and words[:1] == ["fn"]:
        return GitAct("edit", command)
    if program == "flux" and words[:2] == ["push", "artifact"] and len(words) > 2:
        # Flux can take the manifests from a registry of OCI artifacts instead of git.
        return GitAct("artifact", command, words[2])
    return None
