"""Tools that reach hosts: SSH and copies, Docker elsewhere, Ansible, Chef, Puppet and their like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pipelinegen.pipelines.shell.tools.effect import Effect, has, option, plain_words
from pipelinegen.pipelines.shell.words import Command


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
    """The options of docker itself, before what it is to do; behind that, -c and -h are others' options."""
    for text in command.arguments:
        if not text.startswith("-"):
            return False
        if text.partition("=")[0] in {"-H", "--host", "--context", "-c"}:
            return True
    return False


def is_remote_docker(command: Command, variables: Mapping[str, str]) -> bool:
    """Does a command of docker speak to an engine that is somewhere else?"""
    assigned = {name: word.text for name, word in command.assignments}
    host = assigned.get("DOCKER_HOST") or variables.get("DOCKER_HOST", "")
    context = assigned.get("DOCKER_CONTEXT") or variables.get("DOCKER_CONTEXT", "")
    local = re.match(r"(?:unix://|tcp://(?:docker|localhost|127\.)|npipe:)", host)
    return _is_remote_docker(command) or bool(context) or bool(host and not local)


def _remote_runner(*verbs: str) -> Callable[[Command], Effect | None]:
    """Programs that run commands on hosts over SSH: Capistrano, Deployer, Fabric, Kamal."""

    def judge(command: Command) -> Effect | None:
        words = plain_words(command)
        named = any(word in verbs or word.partition(":")[0] in verbs for word in words)
        return Effect("ssh", "deliver", command.program) if named else None

    return judge


JUDGES: Mapping[str, Callable[[Command], Effect | None]] = {
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
    "cap": _remote_runner("deploy"),
    "dep": _remote_runner("deploy"),
    "deployer": _remote_runner("deploy"),
    "fab": _remote_runner("deploy", "release"),
    "mina": _remote_runner("deploy"),
    "kamal": _remote_runner("deploy", "redeploy", "setup", "rollback"),
    "pm2": _remote_runner("deploy"),
    "envoy": _remote_runner("run"),
}
