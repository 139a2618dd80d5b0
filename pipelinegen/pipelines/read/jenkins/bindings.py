"""Credentials of Jenkins by the ways in which a pipeline takes them: bindings, and plugins' own steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelinegen.pipelines.read.jenkins.values import Call, Pairs, Quoted, Raw, Sequence, Value, words_of

# A binding of withCredentials: kind, target ("" where the use decides), and which of its arguments names the variable.
_BINDINGS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "file": ("", "", ("variable",)),
    "zip": ("", "", ("variable",)),
    "string": ("", "", ("variable",)),
    "usernamePassword": ("password", "", ("passwordVariable",)),
    "usernameColonPassword": ("password", "", ("variable",)),
    "sshUserPrivateKey": ("ssh-key", "", ("keyFileVariable",)),
    "certificate": ("", "", ("keystoreVariable", "passwordVariable")),
    "dockerCert": ("password", "host", ("variable",)),
    "aws": ("cloud-key", "cloud", ("secretKeyVariable", "accessKeyVariable")),
    "AmazonWebServicesCredentialsBinding": ("cloud-key", "cloud", ("secretKeyVariable", "accessKeyVariable")),
    "azureServicePrincipal": ("cloud-key", "cloud", ("clientSecretVariable",)),
    "AzureCredentialsBinding": ("cloud-key", "cloud", ("clientSecretVariable",)),
    "gitUsernamePassword": ("password", "forge", ("",)),
    "kubeconfigFile": ("kubeconfig", "cluster", ("variable",)),
    "kubeconfigContent": ("kubeconfig", "cluster", ("variable",)),
    "vaultString": ("", "", ("variable",)),
    "vaultFile": ("", "", ("variable",)),
    "vaultTokenCredential": ("token", "other", ("tokenVariable",)),
    "conjurSecretCredential": ("", "", ("variable",)),
    "googleServiceAccount": ("cloud-key", "cloud", ("",)),
    "gitlabPersonalAccessToken": ("token", "forge", ("tokenVariable",)),
    "FileBinding": ("", "", ("variable",)),
    "StringBinding": ("", "", ("variable",)),
    "UsernamePasswordMultiBinding": ("password", "", ("passwordVariable",)),
    "SSHUserPrivateKeyBinding": ("ssh-key", "", ("keyFileVariable",)),
}
# Variables that a binding sets under its own names.
_DEFAULTS = {
    "aws": "AWS_SECRET_ACCESS_KEY",
    "azureServicePrincipal": "AZURE_CLIENT_SECRET",
    "gitUsernamePassword": "GIT_PASSWORD",
}

# Steps that take the id of a credential: argument, kind, target. "*" is the first argument.
STEPS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "sshagent": (("*", "ssh-key", ""), ("credentials", "ssh-key", "")),
    "withKubeConfig": (("credentialsId", "kubeconfig", "cluster"),),
    "withKubeCredentials": (
        ("kubectlCredentials", "kubeconfig", "cluster"),
        ("credentialsId", "kubeconfig", "cluster"),
    ),
    "kubeconfig": (("credentialsId", "kubeconfig", "cluster"),),
    "kubernetesDeploy": (("kubeconfigId", "kubeconfig", "cluster"),),
    "acsDeploy": (("azureCredentialsId", "cloud-key", "cloud"), ("sshCredentialsId", "ssh-key", "host")),
    "docker.withRegistry": (("2", "password", "registry"),),
    "withDockerRegistry": (("credentialsId", "password", "registry"),),
    "docker.withServer": (("2", "password", "host"),),
    "withDockerServer": (("credentialsId", "password", "host"),),
    "git": (("credentialsId", "", "forge"),),
    "checkout": (("credentialsId", "", "forge"),),
    "withAWS": (("credentials", "cloud-key", "cloud"),),
    "ansiblePlaybook": (
        ("credentialsId", "ssh-key", "host"),
        ("vaultCredentialsId", "password", "host"),
        ("become", "", ""),
    ),
    "ansibleTower": (("towerCredentialsId", "token", "host"), ("credential", "ssh-key", "host")),
    "azureWebAppPublish": (("azureCredentialsId", "cloud-key", "cloud"),),
    "azureCLI": (("principalCredentialId", "cloud-key", "cloud"),),
    "azureFunctionAppPublish": (("azureCredentialsId", "cloud-key", "cloud"),),
    "pushToCloudFoundry": (("credentialsId", "password", "cloud"),),
    "googleStorageUpload": (("credentialsId", "cloud-key", "cloud"),),
    "rancherRedeploy": (("credential", "token", "cluster"),),
    "rancher": (("credentialId", "token", "cluster"),),
    "withSonarQubeEnv": (("credentialsId", "token", "other"),),
    "withVault": (("vaultCredentialId", "token", "other"),),
    "httpRequest": (("authentication", "password", "other"),),
    "slackSend": (("tokenCredentialId", "token", "other"),),
    "sshPublisher": (("configName", "ssh-key", "host"),),
    "cfInvoke": (("credentialsId", "password", "cloud"),),
    "nexusArtifactUploader": (("credentialsId", "password", "registry"),),
    "openshift.withCredentials": (("*", "token", "cluster"),),
    "withGCP": (("credentialsId", "cloud-key", "cloud"),),
    "configFileProvider": (("fileId", "", ""),),
    "build": (),
    "step": (),
}
_CLASSES = {
    "KubernetesEngineBuilder": ("cloud-key", "cluster"),
    "AWSEBDeploymentBuilder": ("cloud-key", "cloud"),
    "AWSCodeDeployPublisher": ("cloud-key", "cloud"),
    "PuppetEnterprise": ("token", "host"),
}
_KEYS = re.compile(r"(?:credentials?(?:Id)?|kubeconfigId)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bound:
    """One credential by its id. made: the id is made when the pipeline runs."""

    name: str
    line: int
    kind: str
    target: str
    holder: str
    made: bool = False


def of_bindings(call: Call) -> list[Bound]:
    """The credentials of `withCredentials([…])`."""
    several: list[Value] = []
    for each in (*call.arguments, *call.named.values()):
        several += each.items if isinstance(each, Sequence) else [each]
    found = []
    for each in several:
        if isinstance(each, Call):
            found += _bound(each.name, each.named, each.arguments)
        elif isinstance(each, Pairs):
            kind = each.entries.get("$class")
            name = kind.text.rpartition(".")[2] if isinstance(kind, Quoted) else ""
            found += _bound(name, each.entries, [])
    return found


def _bound(name: str, named: Mapping[str, Value], arguments: list[Value]) -> list[Bound]:
    kind, target, variables = _BINDINGS.get(name, ("", "", ("variable", "passwordVariable")))
    identity = named.get("credentialsId") or named.get("credentialId")
    if identity is None and arguments:
        identity = arguments[0]
    if identity is None:
        return []
    holders = [value.text for key in variables if isinstance(value := named.get(key), Quoted)]
    holders = holders or [_DEFAULTS.get(name, "")]
    text, made = _id(identity)
    return [Bound(text, identity.line, kind, target, holder, made) for holder in holders]


def _id(value: Value) -> tuple[str, bool]:
    if isinstance(value, Quoted):
        return value.text, value.interpolated
    return words_of(value), True


def of_step(call: Call) -> list[Bound]:
    """The credentials that a step of a plugin takes by their ids."""
    found: dict[str, Bound] = {}
    known = STEPS.get(call.name, ())
    for argument, kind, target in known:
        for value in _values(call, argument):
            text, made = _id(value)
            if text:
                found.setdefault(text, Bound(text, value.line, kind, target, "", made))
    named = call.text("$class")
    kind_target = known[0][1:] if known else ("", "")
    if named is not None:
        kind_target = _CLASSES.get(named.text.rpartition(".")[2], kind_target)
    for value in _deep(call):
        text, made = _id(value)
        found.setdefault(text, Bound(text, value.line, *kind_target, "", made))
    return list(found.values())


def _values(call: Call, argument: str) -> list[Value]:
    if argument == "*":
        several = call.arguments[:1]
    elif argument == "2":
        several = call.arguments[1:2] or [v for k, v in call.named.items() if k == "credentialsId"]
    elif argument == "configName":
        return [
            v for each in _all_calls(call) for k, v in each.named.items() if k == "configName" and isinstance(v, Quoted)
        ]
    elif argument == "fileId":
        return [v for each in _all_calls(call) for k, v in each.named.items() if k == "fileId"]
    else:
        several = [call.named[argument]] if argument in call.named else []
    found: list[Value] = []
    for each in several:
        found += each.items if isinstance(each, Sequence) else [each]
    return [each for each in found if isinstance(each, Quoted) or (isinstance(each, Raw) and _is_name(each.words))]


def _is_name(words: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z_][\w.]*", words)) and words not in {"true", "false", "null"}


def _all_calls(call: Call) -> list[Call]:
    from pipelinegen.pipelines.read.jenkins.values import calls_in

    return list(calls_in(call))


def _deep(call: Call) -> list[Value]:
    """Every `credentialsId:` inside the arguments, however deep."""
    found: list[Value] = []
    waiting: list[Value] = [*call.arguments]
    for key, value in call.named.items():
        if _KEYS.search(key) and isinstance(value, Quoted):
            found.append(value)
        else:
            waiting.append(value)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Sequence):
            waiting += value.items
        elif isinstance(value, Pairs):
            for key, each in value.entries.items():
                if _KEYS.search(key) and isinstance(each, Quoted | Raw):
                    found.append(each)
                else:
                    waiting.append(each)
        elif isinstance(value, Call):
            waiting += [*value.arguments, Pairs(value.named, value.line)]
    return found
