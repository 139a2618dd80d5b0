"""Chef in local mode: a cookbook, a policy and attributes for each environment, copied to the hosts and converged."""

from __future__ import annotations

import json

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import over_ssh
from pipelinegen.pipelines.model import Credential, GeneratedFile, Run, System
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.header import header

NAME = "chef"
TOOLS: tuple[str, ...] = ()
FOLDER = "deploy/chef"
IMAGE_PATHS: tuple[str, ...] = (f"{FOLDER}/attributes/{{env}}.json",)
PLAN = ""

_COOKBOOK = ("metadata.rb", "attributes/default.rb", "recipes/default.rb")
# Cinc is Chef without the trademark; the host has one of them.
_CLIENT = (
    "\\$(command -v cinc-client chef-client | head -n 1) --local-mode --config client.rb",
    "--json-attributes attributes/$DEPLOYMENT.json",
)
# What a run in which nothing would change says at its end, of Cinc and of Chef.
_WOULD_CHANGE = "([1-9][0-9]*)/[0-9]+ resources would have been updated"


def credentials(application: Application, environment: AppEnvironment, system: System) -> tuple[Credential, ...]:
    del system
    return (over_ssh.key(application, environment),)


def files(application: Application) -> tuple[GeneratedFile, ...]:
    cookbook = f"cookbooks/{application.project}"
    own = [_file(application, f"{cookbook}/{path}", f"cookbook/{path}") for path in _COOKBOOK]
    written = [_file(application, path, path) for path in ("Policyfile.rb", "client.rb")]
    written += [*own, over_ssh.script_file(f"{FOLDER}/{cookbook}/files/default/container.sh")]
    for environment in application.environments:
        written.append(_attributes(application, environment))
        written.append(over_ssh.hosts_file(f"{FOLDER}/hosts/{environment.name}", environment))
        written.append(over_ssh.known_hosts_file(f"{FOLDER}/hosts/{environment.name}.known_hosts", environment))
    return tuple(written)


def install(application: Application) -> tuple[Run, ...]:
    """Nothing of Chef: the hosts have it."""
    del application
    return (over_ssh.install_ssh(),)


def dry_run(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    return (_converge(f"Show what would change in {environment.name}", application, environment, "--why-run"),)


def deploy(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    """One host after the other; the first that does not come up stops it, and those before it are set back."""
    return (
        _converge(f"Show what changes in {environment.name}", application, environment, "--why-run"),
        _converge(f"Deploy to {environment.name}", application, environment),
        over_ssh.undo(FOLDER, application, environment),
    )


def drift(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    script = (
        *over_ssh.reaching(FOLDER),
        *over_ssh.released(IMAGE_PATHS[0].replace("{env}", "$DEPLOYMENT")),
        "told=$(mktemp)",
        *over_ssh.each_host(FOLDER, (*_CLIENT, "--why-run"), ' | tee -a "$told"'),
        f"if grep --quiet --extended-regexp '{_WOULD_CHANGE}' \"$told\"; then",
        '  echo "$DEPLOYMENT is not as it was deployed." >&2',
        "  exit 1",
        "fi",
    )
    return (Run(f"Look for drift in {environment.name}", script, over_ssh.environ(application, environment)),)


def health(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    return (over_ssh.look(FOLDER, application, environment), *over_ssh.smoke_test(environment))


def _converge(name: str, application: Application, environment: AppEnvironment, *flags: str) -> Run:
    begin = () if flags else ("containers forget",)
    script = (*over_ssh.reaching(FOLDER), *begin, *over_ssh.each_host(FOLDER, (*_CLIENT, *flags)))
    return Run(name, script, over_ssh.environ(application, environment))


def _attributes(application: Application, environment: AppEnvironment) -> GeneratedFile:
    containers = {
        over_ssh.container_name(application, image): {
            "image": over_ssh.unreleased(image),
            **({"port": image.port} if image.port else {}),
            **({"health_path": image.health_path} if image.port and image.health_path else {}),
        }
        for image in application.images
    }
    document = {
        "//": over_ssh.note(),
        "run_list": [f"recipe[{application.project}]"],
        "application": {"containers": containers},
    }
    return GeneratedFile(f"{FOLDER}/attributes/{environment.name}.json", json.dumps(document, indent=2) + "\n")


def _file(application: Application, path: str, template: str) -> GeneratedFile:
    text = render(
        f"deploy/chef/{template}.j2",
        header=header("#").rstrip("\n"),
        cookbook=application.project,
        project=application.project,
        script=over_ssh.SCRIPT,
    )
    return GeneratedFile(f"{FOLDER}/{path}", text)
