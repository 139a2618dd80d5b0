"""Ansible: an inventory for each environment, a playbook for hosts with containers and one for a cluster."""

from __future__ import annotations

from typing import Literal

from pipelinegen.pipelines.application import AppEnvironment, Application
from pipelinegen.pipelines.deployers import over_ssh
from pipelinegen.pipelines.model import Credential, Environ, GeneratedFile, Literally, Run, Secret, System
from pipelinegen.pipelines.rendering.engine import render
from pipelinegen.pipelines.rendering.header import header

When = Literal["success", "failure"]

NAME = "ansible"
TOOLS: tuple[str, ...] = ("ansible-core",)
IMAGE_PATHS: tuple[str, ...] = ("deploy/ansible/inventories/{env}/group_vars/all/images.yml",)
PLAN = ""
FOLDER = "deploy/ansible"
# From the Python index, so that it is pinned here and not in tools.lock, which has programs with their checksums.
ANSIBLE_CORE = "2.19.14"

_SHARED = ("ansible.cfg", ".ansible-lint")
_FOR_HOSTS = (
    "playbooks/containers.yml",
    "playbooks/health.yml",
    "playbooks/released.yml",
    "playbooks/undo.yml",
    "roles/container/meta/argument_specs.yml",
    "roles/container/meta/main.yml",
    "roles/container/tasks/main.yml",
)
_FOR_A_CLUSTER = (
    "playbooks/cluster.yml",
    "roles/workload/meta/argument_specs.yml",
    "roles/workload/meta/main.yml",
    "roles/workload/tasks/main.yml",
    "roles/workload/templates/workload.yaml.j2",
)


def credentials(application: Application, environment: AppEnvironment, system: System) -> tuple[Credential, ...]:
    """The key of the hosts; of an environment without hosts, the kubeconfig of its cluster."""
    del system
    if environment.hosts:
        return (over_ssh.key(application, environment),)
    return (
        Credential(
            name="KUBE_CONFIG",
            kind="kubeconfig",
            target="cluster",
            rights=f"get, list, watch, create, patch Deployments and Services in the namespace {environment.namespace}",
            why=f"puts the workloads of {application.project} in {environment.name}",
            environment=environment.name,
            file=True,
        ),
    )


def files(application: Application) -> tuple[GeneratedFile, ...]:
    hosts = any(environment.hosts for environment in application.environments)
    cluster = any(not environment.hosts for environment in application.environments)
    paths = (*_SHARED, *(_FOR_HOSTS if hosts else ()), *(_FOR_A_CLUSTER if cluster else ()))
    script = (over_ssh.script_file(f"{FOLDER}/roles/container/files/container.sh"),) if hosts else ()
    inventories = [each for environment in application.environments for each in _inventory(application, environment)]
    return (*(_file(path, path) for path in paths), *script, *inventories)


def install(application: Application) -> tuple[Run, ...]:
    script = (
        'python3 -m venv "$TOOLS/ansible"',
        f'"$TOOLS/ansible/bin/pip" install --quiet --disable-pip-version-check ansible-core=={ANSIBLE_CORE}',
        'ln -sf "$TOOLS/ansible/bin/ansible-playbook" "$TOOLS/bin/"',
    )
    ssh = (over_ssh.install_ssh(),) if any(environment.hosts for environment in application.environments) else ()
    return (Run("Install Ansible", script, installs=True), *ssh)


def dry_run(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    del application
    return (_play(f"Show what would change in {environment.name}", environment, _main(environment), "--check --diff"),)


def deploy(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    """On hosts, one after the other; the first that does not come up stops it, and those before it are set back."""
    del application
    main = _main(environment)
    steps = [
        _play(f"Show what changes in {environment.name}", environment, main, "--check --diff"),
        _play(f"Deploy to {environment.name}", environment, main, "--diff"),
    ]
    if environment.hosts:
        steps.append(_play(f"Bring {environment.name} back to what it was", environment, "undo", when="failure"))
    return tuple(steps)


def drift(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    del application
    path = IMAGE_PATHS[0].replace("{env}", "$DEPLOYMENT")
    script = (
        *(_HOSTS_RELEASED if environment.hosts else _CLUSTER_RELEASED),
        'mapfile -t references < <(grep . "$released")',
        'if [ "${#references[@]}" = 0 ]; then echo "Nothing has been deployed here yet."; exit 0; fi',
        'pipelinegen bump "${references[@]}" --repo . --deliver worktree \\',
        f'  --path "{path}"',
        f"cd {FOLDER}",
        f"{_command(_main(environment), '--check --diff')} |",
        '  tee "$told"',
        "if grep --quiet --extended-regexp '(changed|unreachable|failed)=[1-9]' \"$told\"; then",
        '  echo "$DEPLOYMENT is not as it was deployed." >&2',
        "  exit 1",
        "fi",
    )
    start = ("released=$(mktemp)", "told=$(mktemp)")
    return (
        Run(f"Look for drift in {environment.name}", (*_opened(environment), *start, *script), _environ(environment)),
    )


def health(application: Application, environment: AppEnvironment) -> tuple[Run, ...]:
    del application
    looked = (_play(f"See that {environment.name} runs", environment, "health"),) if environment.hosts else ()
    return (*looked, *over_ssh.smoke_test(environment))


_HOSTS_RELEASED = (
    f'(cd {FOLDER} && ansible-playbook --inventory "inventories/$DEPLOYMENT/hosts.yml" \\',
    '  --check --extra-vars "released_file=$released" playbooks/released.yml)',
)
_CLUSTER_RELEASED = (
    'kubectl get deployments --namespace "$NAMESPACE" --selector app.kubernetes.io/managed-by=ansible \\',
    '  --output \'go-template={{range .items}}{{index .metadata.annotations "pipelinegen/image"}}{{"\\n"}}{{end}}\' \\',
    '  > "$released"',
)


def _main(environment: AppEnvironment) -> str:
    return "containers" if environment.hosts else "cluster"


def _command(playbook: str, flags: str) -> str:
    words = ("ansible-playbook", '--inventory "inventories/$DEPLOYMENT/hosts.yml"', flags, f"playbooks/{playbook}.yml")
    return " ".join(word for word in words if word)


def _play(
    name: str,
    environment: AppEnvironment,
    playbook: str,
    flags: str = "",
    when: Literal["success", "failure"] = "success",
) -> Run:
    script = (*_opened(environment), f"cd {FOLDER}", _command(playbook, flags))
    return Run(name, script, _environ(environment), when=when)


def _opened(environment: AppEnvironment) -> tuple[str, ...]:
    return (*over_ssh.KEY, 'export ANSIBLE_PRIVATE_KEY_FILE="$key"') if environment.hosts else ()


def _environ(environment: AppEnvironment) -> Environ:
    # A checkout may be writable for all, and then Ansible takes no configuration from it unless it is named.
    shared = {"DEPLOYMENT": Literally(environment.name), "ANSIBLE_CONFIG": Literally("ansible.cfg")}
    if environment.hosts:
        return {**shared, "SSH_KEY": Secret("SSH_KEY")}
    return {**shared, "NAMESPACE": Literally(environment.namespace), "KUBECONFIG": Secret("KUBE_CONFIG")}


def _inventory(application: Application, environment: AppEnvironment) -> tuple[GeneratedFile, ...]:
    folder = f"inventories/{environment.name}"
    hosts = over_ssh.hosts_of(environment) if environment.hosts else ()
    images = over_ssh.containers(application)
    known = (over_ssh.known_hosts_file(f"{FOLDER}/{folder}/known_hosts", environment),) if hosts else ()
    return (
        _file(f"{folder}/hosts.yml", "inventory/hosts.yml", hosts=_named(hosts)),
        _file(
            f"{folder}/group_vars/all/main.yml",
            "inventory/main.yml",
            hosts=hosts,
            script=over_ssh.SCRIPT,
            namespace=environment.namespace,
        ),
        _file(f"{folder}/group_vars/all/images.yml", "inventory/images.yml", images=images),
        *known,
    )


def _named(hosts: tuple[over_ssh.Host, ...]) -> list[dict[str, object]]:
    """Names that differ, also where one address has several ports."""
    addresses = [host.bare for host in hosts]
    return [
        {
            "name": host.bare if addresses.count(host.bare) == 1 else f"{host.bare}:{host.port}",
            "address": host.bare,
            "user": host.user,
            "port": host.port,
        }
        for host in hosts
    ]


def _file(path: str, template: str, **values: object) -> GeneratedFile:
    text = render(f"deploy/ansible/{template.removeprefix('.')}.j2", header=header("#").rstrip("\n"), **values)
    return GeneratedFile(f"{FOLDER}/{path}", text)
