"""From a command to the command that it really runs: sudo, env, timeout, xargs, bash -c, ssh, containers, variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pipelinegen.pipelines.reading import Line
from pipelinegen.pipelines.shell.lexer import commands_in, commands_of
from pipelinegen.pipelines.shell.words import Command, Word, variables_in

MAX_UNWRAPPED = 8
# Of one script, its functions written out: a few lines that call each other could stand for a billion commands.
MAX_COMMANDS = 20_000

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
_SSH_WITH_VALUE = tuple(f"-{letter}" for letter in "bcDEeFIiJLlmOopQRSWw")
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


class Unwrapper:
    """Knows the variables whose values the pipeline says, and learns those that the script sets."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.functions: dict[str, list[Command]] = {}
        self.called: set[str] = set()
        self.count = 0

    @property
    def cut(self) -> bool:
        """Were there more commands than are looked at?"""
        return self.count > MAX_COMMANDS

    def run(self, lines: Sequence[Line], shell: str = "") -> list[Command]:
        """What a script runs, in order; the body of a function at each of its calls, with the words of the call."""
        commands = commands_of(lines, shell)
        for command in commands:
            if command.function:
                self.functions.setdefault(command.function, []).append(command)
        found: list[Command] = []
        for command in commands:
            if not command.function:
                found += self.unwrapped(command, 0)
        # What nothing here calls may be called from elsewhere.
        for name, body in self.functions.items():
            if name not in self.called:
                found += [each for command in body for each in self.unwrapped(replace(command, function=""), 0)]
        return found

    def unwrapped(self, command: Command, depth: int) -> list[Command]:
        self._learn(command)
        self.count += 1
        if not command.words or depth > MAX_UNWRAPPED or self.cut:
            return [command]
        if command.words[0].text in self.functions and depth < MAX_UNWRAPPED:
            return self._called(command, depth)
        for rule in _RULES:
            result = rule(self, command)
            if result is not None:
                return [inner for each in result for inner in self.unwrapped(each, depth + 1)]
        return [command, *self._remote(command, depth)]

    def _called(self, command: Command, depth: int) -> list[Command]:
        """The body of a function of the script, with the words of the call in the place of $1, $2 and $@."""
        name = command.words[0].text
        self.called.add(name)
        given = command.words[1:]
        found: list[Command] = []
        for each in self.functions[name]:
            words = [filled for word in each.words for filled in _positional(word, given)]
            inner = replace(
                each, words=tuple(words), via=(*command.via, *each.via), before=each.before or command.before
            )
            found += self.unwrapped(replace(inner, function=""), depth + 1)
        return found

    def _learn(self, command: Command) -> None:
        named = list(command.assignments)
        if command.program in {"export", "declare", "readonly", "local", "typeset"}:
            parts = [(*word.text.partition("="), word) for word in command.words[1:]]
            named += [(name, Word(value, word.place)) for name, equals, value, word in parts if equals]
        for name, word in named:
            if "$(" not in word.text and "`" not in word.text:
                self.values[name] = word.text
            else:
                self.values.pop(name, None)

    def expand(self, text: str) -> str:
        """The text with the variables replaced whose values are known."""
        for _ in range(4):
            replaced = VARIABLE_WHOLE.sub(self._value, text)
            if replaced == text:
                break
            text = replaced
        return text

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        return self.values.get(name, match[0])

    def _remote(self, command: Command, depth: int) -> list[Command]:
        """What ssh runs on the other side, told beside the ssh itself."""
        if command.program not in {"ssh", "sshpass", "plink", "autossh"} and not _is_cloud_ssh(command):
            return []
        nested = _within(command, remote_words(command), command.program)
        if command.document is not None:
            nested += _within(command, [command.document], command.program)
        return [inner for each in nested for inner in self.unwrapped(each, depth + 1)]


VARIABLE_WHOLE = re.compile(r"\$(?:env:([A-Za-z_]\w*)|([A-Za-z_]\w*)|\{(?!\{)(?:env\.|params\.)?([A-Za-z_]\w*)\})")


def _positional(word: Word, given: Sequence[Word]) -> list[Word]:
    """A word of a function's body; one that is a parameter alone keeps the place of what was given."""
    if "$" not in word.text or word.literal:
        return [word]
    if word.text in {"$@", "$*", "${@}"}:
        return list(given)
    whole = re.fullmatch(r"\$\{?([1-9])\}?", word.text)
    if whole:
        return [given[int(whole[1]) - 1]] if int(whole[1]) <= len(given) else [word]

    def value(match: re.Match[str]) -> str:
        number = int(match[1] or match[2])
        return given[number - 1].text if number <= len(given) else match[0]

    text = re.sub(r"\$([1-9])(?!\d)|\$\{([1-9])[^}]*\}", value, word.text)
    return [Word(text, word.place, variables_in(text))]


def _is_cloud_ssh(command: Command) -> bool:
    return command.program in {"gcloud", "az", "doctl"} and "ssh" in command.arguments[:3]


def remote_words(command: Command) -> list[Word]:
    """The words that ssh hands to the shell of the host, without options and the host."""
    if command.program == "gcloud":
        return _option_words(command, "--command")
    if command.program == "az":
        return _option_words(command, "--scripts")
    words = list(command.words[1:])
    while words and words[0].text.startswith("-"):
        flag = words.pop(0).text
        if flag in _SSH_WITH_VALUE and words:
            words.pop(0)
    words = words[1:]
    while words and words[0].text.startswith("-") and words[0].text != "--":
        flag = words.pop(0).text
        if flag in _SSH_WITH_VALUE and words:
            words.pop(0)
    return words[1:] if words and words[0].text == "--" else words


def _option_words(command: Command, name: str) -> list[Word]:
    found = []
    for word, following in zip(command.words, [*command.words[1:], None], strict=False):
        if word.text == name and following is not None:
            found.append(following)
        elif word.text.startswith(f"{name}="):
            found.append(Word(word.text[len(name) + 1 :], word.place, word.variables))
    return found


def _within(command: Command, words: Sequence[Word], via: str) -> list[Command]:
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


def _from_variable(self: Unwrapper, command: Command) -> list[Command] | None:
    first = command.words[0]
    if first.text == "$()":
        # $(command -v cinc-client chef-client) --local-mode: the first that is there.
        asked = [each for each in command.inner if each.program in {"command", "which", "type"}]
        names = [word.text for each in asked for word in each.words[1:] if not word.text.startswith("-")]
        return [_rest(command, [Word(names[0], first.place), *command.words[1:]])] if names else None
    if not first.text.startswith("$") or first.text.startswith("$("):
        return None
    value = self.expand(first.text)
    if value == first.text or not value.strip():
        return None
    words = [Word(part, first.place) for part in value.split()]
    return [_rest(command, [*words, *command.words[1:]])]


def _prefixed(_self: Unwrapper, command: Command) -> list[Command] | None:
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


def _shell_text(_self: Unwrapper, command: Command) -> list[Command] | None:
    name = command.program
    if name == "eval":
        return _within(command, command.words[1:], "eval") or None
    if name not in SHELLS:
        return None
    for word, following in zip(command.words[1:], command.words[2:], strict=False):
        if re.fullmatch(r"-[a-zA-Z]*c|-Command", word.text):
            return _within(command, [following], "bash")
        if not word.text.startswith("-") and word.text != "pipefail":
            return None
    plain = all(word.text.startswith("-") or word.text == "pipefail" for word in command.words[1:])
    if plain and command.document is not None:
        return _within(command, [command.document], "bash")
    return None


def _in_container(_self: Unwrapper, command: Command) -> list[Command] | None:
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


def _sshpass(_self: Unwrapper, command: Command) -> list[Command] | None:
    if command.program != "sshpass":
        return None
    words = _without_options(list(command.words[1:]), ("-p", "-f", "-d", "-P"))
    return [_rest(command, words)] if words else None


Rule = Callable[[Unwrapper, Command], "list[Command] | None"]
_RULES: tuple[Rule, ...] = (_from_variable, _prefixed, _shell_text, _in_container, _sshpass)
