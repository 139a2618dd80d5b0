"""Programs that run other programs: sudo, env, timeout, xargs, shells, containers, and variables that hold one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pipelinegen.pipelines.shell.lexer import commands_in
from pipelinegen.pipelines.shell.words import Command, Word

Expand = Callable[[str], str]
# Programs that run what follows them, and those of their options that take a value.
_BEFORE: Mapping[str, tuple[str, ...]] = {
    "sudo": ("-u", "-g", "-h", "-p", "-C", "-T", "-r", "-t", "--user", "--group"),
    "doas": ("-u", "-C"),
    "env": ("-u", "-C", "--chdir", "--unset"),
    "nohup": (),
    "exec": ("-a",),
    "command": (),
    "builtin": (),
    "nice": ("-n",),
    "ionice": ("-c", "-n"),
    "stdbuf": ("-i", "-o", "-e"),
    "time": ("-f", "-o"),
    "chronic": (),
    "unbuffer": (),
    "setsid": (),
    "xargs": ("-I", "-n", "-P", "-L", "-d", "-a", "-s", "-E"),
    "npx": ("-p", "--package"),
    "pnpx": (),
    "bunx": (),
    "uvx": ("--from", "--with"),
    "winpty": (),
    "flock": (),
    "watch": ("-n",),
    "retry": ("-t", "-d", "-n", "--times", "--delay"),
}


# Two words that run what follows.
_PAIRS = frozenset(
    {
        ("bundle", "exec"),
        ("poetry", "run"),
        ("pipenv", "run"),
        ("uv", "run"),
        ("hatch", "run"),
        ("pdm", "run"),
        ("mise", "exec"),
        ("asdf", "exec"),
        ("pnpm", "exec"),
        ("npm", "exec"),
        ("yarn", "exec"),
        ("microk8s", "kubectl"),
        ("k3s", "kubectl"),
        ("minikube", "kubectl"),
    }
)


# Programs that put secrets into the environment of what follows `--`.
_UNTIL_DASHES = frozenset(
    {"op", "doppler", "infisical", "aws-vault", "chamber", "teller", "dotenv", "berglas", "envkey"}
)


SHELLS = frozenset({"bash", "sh", "dash", "zsh", "ash", "ksh", "pwsh", "powershell"})


_RUN_WITH_VALUE = frozenset(
    [
        "-v",
        "--volume",
        "-e",
        "--env",
        "-w",
        "--workdir",
        "-u",
        "--user",
        "--name",
        "--network",
        "--net",
        "--entrypoint",
        "--env-file",
        "-p",
        "--publish",
        "-h",
        "--hostname",
        "-l",
        "--label",
        "--mount",
        "--platform",
        "--add-host",
        "--tmpfs",
        "--ulimit",
        "-m",
        "--memory",
        "--cpus",
        "--pull",
        "--runtime",
        "--device",
        "--cap-add",
        "--cap-drop",
        "--security-opt",
        "--volumes-from",
        "--log-driver",
        "--log-opt",
        "--restart",
        "--shm-size",
    ]
)


# Images whose entry point is the tool itself.
_IMAGE_TOOLS = {
    "kubectl": "kubectl",
    "helm": "helm",
    "helmfile": "helmfile",
    "terraform": "terraform",
    "opentofu": "tofu",
    "ansible-playbook": "ansible-playbook",
    "argocd": "argocd",
    "kustomize": "kustomize",
    "aws-cli": "aws",
    "yq": "yq",
}


def within(command: Command, words: Sequence[Word], via: str) -> list[Command]:
    """The commands of a text that another program hands to a shell."""
    if not words:
        return []
    if len(words) == 1:
        nested = commands_in(words[0].text, words[0].place, 1)
    else:
        nested = commands_in(" ".join(word.text for word in words), words[0].place, 1)
    return [_via(each, (*command.via, via)) for each in nested]


def _via(command: Command, via: tuple[str, ...]) -> Command:
    return replace(command, via=via, function="")


def _rest(command: Command, words: Sequence[Word], via: str = "") -> Command:
    """The same command with fewer words."""
    return replace(command, words=tuple(words), via=(*command.via, via) if via else command.via)


def _from_variable(expand: Expand, command: Command) -> list[Command] | None:
    first = command.words[0]
    if first.text == "$()":
        # $(command -v cinc-client chef-client) --local-mode: the first that is there.
        asked = [each for each in command.inner if each.program in {"command", "which", "type"}]
        names = [word.text for each in asked for word in each.words[1:] if not word.text.startswith("-")]
        return [_rest(command, [Word(names[0], first.place), *command.words[1:]])] if names else None
    if not first.text.startswith("$") or first.text.startswith("$("):
        return None
    value = expand(first.text)
    if value == first.text or not value.strip():
        return None
    words = [Word(part, first.place) for part in value.split()]
    return [_rest(command, [*words, *command.words[1:]])]


def _prefixed(_expand: Expand, command: Command) -> list[Command] | None:
    name, words = command.program, list(command.words[1:])
    if name == "command" and words and words[0].text in {"-v", "-V"}:
        return []
    if name == "timeout" or name in _BEFORE:
        words = _without_options(words, _BEFORE.get(name, ("-s", "-k", "--signal", "--kill-after")))
        if name in {"timeout", "flock"} or (name == "retry" and words and words[0].text.isdigit()):
            words = words[1:]
        while name in {"env", "sudo"} and words and "=" in words[0].text:
            words = words[1:]
        # What xargs runs gets its words from the pipe, which is no script of its own.
        return [_rest(command, words, "xargs" if name == "xargs" else "")] if words else None
    if (name, words[0].text if words else "") in _PAIRS:
        if name in {"microk8s", "k3s", "minikube"}:
            rest = [word for word in words if word.text != "--"]
        else:
            rest = _without_options(words[1:], ("-p", "--python", "--with", "--group", "-E"))
        return [_rest(command, rest)] if rest else None
    if name in _UNTIL_DASHES:
        dashes = next((n for n, word in enumerate(words) if word.text == "--"), None)
        return None if dashes is None else [_rest(command, words[dashes + 1 :])]
    return None


def _without_options(words: list[Word], with_value: Sequence[str]) -> list[Word]:
    while words and words[0].text.startswith("-"):
        flag = words.pop(0).text
        if flag == "--":
            break
        if flag in with_value and words:
            words.pop(0)
    return words


def _shell_text(_expand: Expand, command: Command) -> list[Command] | None:
    name = command.program
    if name == "eval":
        return within(command, command.words[1:], "eval") or None
    if name not in SHELLS:
        return None
    for word, following in zip(command.words[1:], command.words[2:], strict=False):
        if re.fullmatch(r"-[a-zA-Z]*c|-Command", word.text):
            return within(command, [following], "bash")
        if not word.text.startswith("-") and word.text != "pipefail":
            return None
    plain = all(word.text.startswith("-") or word.text == "pipefail" for word in command.words[1:])
    if plain and command.document is not None:
        return within(command, [command.document], "bash")
    return None


def _in_container(_expand: Expand, command: Command) -> list[Command] | None:
    """`docker run IMAGE words`: the words, or the tool that the image is."""
    if command.program not in {"docker", "podman", "nerdctl"} or command.arguments[:1] != ("run",):
        return None
    words, entry = list(command.words[2:]), None
    while words and words[0].text.startswith("-"):
        flag, equals, value = words.pop(0).text.partition("=")
        if flag in _RUN_WITH_VALUE and not equals and words:
            value = words.pop(0).text
        entry = value if flag == "--entrypoint" else entry
    if not words or any(word.startswith(("-d", "--detach")) for word in command.arguments):
        return None
    image, rest = words[0], words[1:]
    name = re.split(r"[@:]", image.text.rpartition("/")[2])[0]
    tool = entry if entry is not None else _IMAGE_TOOLS.get(name)
    if tool:
        return [_rest(command, [Word(tool, image.place), *rest], "docker")]
    return [_rest(command, rest, "docker")] if rest and not rest[0].text.startswith("-") else None


def _sshpass(_expand: Expand, command: Command) -> list[Command] | None:
    if command.program != "sshpass":
        return None
    words = _without_options(list(command.words[1:]), ("-p", "-f", "-d", "-P"))
    return [_rest(command, words)] if words else None


Rule = Callable[[Expand, Command], "list[Command] | None"]


RULES: tuple[Rule, ...] = (_from_variable, _prefixed, _shell_text, _in_container, _sshpass)
