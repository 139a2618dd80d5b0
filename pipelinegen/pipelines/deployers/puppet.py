"""Puppet without a server: a module and the Hiera data of each environment, copied to the hosts and applied."""

from __future__ import annotations

import re

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import over_ssh
from pipelinegen.pipelines.model import Credential, GeneratedFile, Run, System
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.header import header

NAME = "puppet"
TOOLS: tuple[str, ...] = ()
FOLDER = "deploy/puppet"
IMAGE_PATHS: tuple[str, ...] = (f"{FOLDER}/data/{{env}}.yaml",)
PLAN = ""

# Debian's and Puppet's own package put the program at different places; sudo often knows neither.
_PUPPET = (
    "env PATH=/opt/puppetlabs/bin:/usr/sbin:/usr/bin:/sbin:/bin FACTER_deployment=$DEPLOYMENT",
    "puppet apply --modulepath modules --hiera_config hiera.yaml",
)


def credentials(application: Application, environment: AppEnvironment, system: System) -> tuple[Credential, ...]:
    del system
    return (over_ssh.key(application, environment),)


def files(application: Application) -> tuple[GeneratedFile, ...]:
    name = module(application)
    written = [
        _file(application, "hiera.yaml", "hiera.yaml"),
        _file(application, "manifests/site.pp", "site.pp"),
        _file(application, f"modules/{name}/manifests/init.pp", "module/manifests/init.pp"),
        _file(application, f"modules/{name}/metadata.json", "module/metadata.json"),
        over_ssh.script_file(f"{FOLDER}/modules/{name}/files/container.sh"),
    ]
    for environment in application.environments:
        written.append(_file(application, f"data/{environment.name}.yaml", "data.yaml"))
        written.append(over_ssh.hosts_file(f"{FOLDER}/hosts/{environment.name}", environment))
        written.append(over_ssh.known_hosts_file(f"{FOLDER}/hosts/{environment.name}.known_hosts", environment))
    return tuple(written)


def module(application: Application) -> str:
    """The name of the class: Puppet wants small letters, digits and `_`, with a letter first."""
    name = re.sub(r"[^a-z0-9]", "_", application.project)
    return name if name[0].isalpha() and f" {name} " not in _RESERVED else f"app_{name}"


def install(application: Application) -> tuple[Run, ...]:
    """Nothing of Puppet: the hosts have it."""
    del application
    return (over_ssh.install_ssh(),)


def dry_run(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    return (_apply(f"Show what would change in {environment.name}", application, environment, "--noop --show_diff"),)


def deploy(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    """One host after the other; the first that does not come up stops it, and those before it are set back."""
    return (
        _apply(f"Show what changes in {environment.name}", application, environment, "--noop --show_diff"),
        _apply(f"Deploy to {environment.name}", application, environment),
        over_ssh.undo(FOLDER, application, environment),
    )


def drift(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    """With --noop Puppet's exit code says nothing of changes, but each one is a line with the word noop."""
    script = (
        *over_ssh.reaching(FOLDER),
        *over_ssh.released(IMAGE_PATHS[0].replace("{env}", "$DEPLOYMENT")),
        "told=$(mktemp)",
        *over_ssh.each_host(FOLDER, _puppet("--noop --show_diff"), ' | tee -a "$told"'),
        "if grep --quiet --fixed-strings '(noop)' \"$told\"; then",
        '  echo "$DEPLOYMENT is not as it was deployed." >&2',
        "  exit 1",
        "fi",
    )
    return (Run(f"Look for drift in {environment.name}", script, over_ssh.environ(application, environment)),)


def health(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    return (over_ssh.look(FOLDER, application, environment), *over_ssh.smoke_test(environment))


def _puppet(flags: str) -> tuple[str, ...]:
    return (*_PUPPET, f"{flags} manifests/site.pp")


def _apply(name: str, application: Application, environment: AppEnvironment, flags: str = "") -> Run:
    # With this flag 2 means that something was changed and all is well; without it every failure is passed over.
    program = _puppet(flags or "--detailed-exitcodes")
    begin = () if flags else ("containers forget",)
    each = over_ssh.each_host(FOLDER, program, "" if flags else " || [ $? = 2 ]")
    return Run(name, (*over_ssh.reaching(FOLDER), *begin, *each), over_ssh.environ(application, environment))


def _file(application: Application, path: str, template: str) -> GeneratedFile:
    text = render(
        f"deploy/puppet/{template}.j2",
        header=header("#").rstrip("\n"),
        module=module(application),
        project=application.project,
        script=over_ssh.SCRIPT,
        images=over_ssh.containers(application),
    )
    return GeneratedFile(f"{FOLDER}/{path}", text)


# https://www.puppet.com/docs/puppet/7/lang_reserved.html
_RESERVED = (
    " and application attr case component consumes default define else elsif environment false function if import in"
    " inherits main node or private produces regexp settings site true type undef unless "
)
