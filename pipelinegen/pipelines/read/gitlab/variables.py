"""Variables of GitLab: which the file declares, which the system sets, and which can only be kept in its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pipelinegen.pipelines.read.tree import Map, Text
from pipelinegen.pipelines.reading import Grant, Life, Line, Place, Scope, Setting
from pipelinegen.pipelines.shell.lexer import commands_of
from pipelinegen.pipelines.shell.words import VARIABLE, Command, variables_in

# Set by GitLab for each job; those that are credentials, with how long they live.
GIVEN: Mapping[str, tuple[Life, str, str]] = {
    "CI_JOB_TOKEN": ("job", "token", "forge"),
    "CI_REGISTRY_PASSWORD": ("job", "password", "registry"),
    "CI_DEPENDENCY_PROXY_PASSWORD": ("job", "password", "registry"),
    "CI_DEPLOY_PASSWORD": ("stored", "password", "registry"),
    "CI_REPOSITORY_URL": ("job", "token", "forge"),
    "CI_JOB_JWT": ("oidc", "oidc", "unknown"),
    "CI_JOB_JWT_V1": ("oidc", "oidc", "unknown"),
    "CI_JOB_JWT_V2": ("oidc", "oidc", "unknown"),
}
_SYSTEM = re.compile(
    r"CI(?:_\w+)?|GITLAB_(?:CI|FEATURES|USER_\w+|ENVIRONMENT_\w+)|GITLAB_CI|FF_\w+|RUNNER_\w+|TRIGGER_PAYLOAD|CHAT_\w+"
    r"|HOME|PATH|PWD|OLDPWD|USER|SHELL|HOSTNAME|LANG|LC_\w+|TERM|TMPDIR|IFS|RANDOM|SECONDS|LINENO|UID|EUID|PPID|BASH\w*|OPTARG"
    r"|REPLY|FUNCNAME|PIPESTATUS|SSH_AUTH_SOCK|SSH_AGENT_PID|GOPATH|JAVA_HOME|PYTHONPATH|LINES|COLUMNS"
)
# Truth values, numbers, addresses, paths and what is made from variables is no secret in clear.
_NO_SECRET = re.compile(
    r"(?i:true|false|always|never|yes|no|if-not-present)|[\d.]+|.*\$.*|/.*|\.{1,2}/.*|\w+://[^@]*|[\w./-]+\.\w{2,5}"
)
_SECRET = re.compile(r"TOKEN|PASS|KEY|SECRET|CRED|_PAT(?:_|$)|KUBE|PRIVATE|SSH|AUTH(?!OR)")
_NO_SECRETS = frozenset({"CI_KUBERNETES_ACTIVE", "CI_SERVER_TLS_KEY_FILE", "FF_USE_NEW_BASH_EVAL_STRATEGY"})
_READ = re.compile(r"^(?:read|mapfile|readarray|getopts)$")


def settings_of(value: Map | None) -> tuple[Setting, ...]:
    """`variables:` as settings; those with a description have their value under `value`."""
    found = []
    for name, item in value.items() if value is not None else ():
        if isinstance(item, Text):
            found.append(Setting(name, item.value, item.place))
        elif isinstance(item, Map):
            found.append(Setting(name, item.text("value"), item.place))
    return tuple(found)


def is_set(name: str, declared: Mapping[str, str]) -> bool:
    """Does the file or the system give the variable a value?"""
    if declared.get(name):
        return True
    given = _SYSTEM.fullmatch(name) is not None and name not in GIVEN
    # People name their own secrets CI_PUSH_TOKEN, too; of those, GitLab itself sets no other.
    return given and (_SECRET.search(name) is None or name in _NO_SECRETS)


def grants_of_settings(settings: Sequence[Setting], declared: Mapping[str, str], scope: Scope) -> tuple[Grant, ...]:
    """The variables of the CI system that declared variables are made from, and credentials in clear."""
    found: list[Grant] = []
    for each in settings:
        for name in variables_in(each.value):
            if name in GIVEN:
                found.append(_given(name, each.place, scope, each.name))
            elif not is_set(name, declared) or name == each.name:
                found.append(Grant(name, "stored", each.place, scope, "env", each.name))
        if len(each.value) >= 6 and not _NO_SECRET.fullmatch(each.value):
            found.append(Grant(each.name, "file", each.place, scope, "clear", each.name))
    return tuple(found)


def _given(name: str, place: Place, scope: Scope, holder: str) -> Grant:
    life, kind, target = GIVEN[name]
    return Grant(name, life, place, scope, "env", holder, kind, target)


def grants_of_script(lines: Sequence[Line], declared: Mapping[str, str], scope: Scope) -> tuple[Grant, ...]:
    """The variables in a script that nothing in the file sets."""
    assigned = _assigned(commands_of(lines))
    found: dict[tuple[str, int], Grant] = {}
    for line in lines:
        for match in VARIABLE.finditer(line.text) if "$" in line.text else ():
            name = match[1] or match[2] or match[3]
            if name in assigned or (name, line.place.line) in found or _is_comment(line.text, match.start()):
                continue
            if name in GIVEN:
                found[name, line.place.line] = _given(name, line.place, scope, name)
            elif not is_set(name, declared):
                found[name, line.place.line] = Grant(name, "stored", line.place, scope, "script", name)
    return tuple(found.values())


def _is_comment(text: str, at: int) -> bool:
    return text.lstrip().startswith("#") or (" #" in text[:at] and not re.search(r"['\"]", text[:at]))


def _assigned(commands: Sequence[Command]) -> frozenset[str]:
    """The variables that a script itself gives a value that is not its own."""
    names: set[str] = set()
    for command in commands:
        named = [(name, word.variables) for name, word in command.assignments]
        if command.program in {"export", "declare", "local", "readonly", "typeset"}:
            parts = [(word.text.partition("="), word.variables) for word in command.words[1:]]
            named += [(name, variables) for (name, equals, _), variables in parts if equals]
        names |= {name for name, variables in named if name not in variables}
        if _READ.match(command.program):
            names |= {word.text for word in command.words[1:] if re.fullmatch(r"[A-Za-z_]\w*", word.text)}
    return frozenset(names)
