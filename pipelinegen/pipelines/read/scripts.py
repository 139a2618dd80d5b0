"""Scripts of the repository that a step runs: read where they can be, and said to be unknown where they cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelinegen.pipelines.read.gitlab.variables import grants_of_script
from pipelinegen.pipelines.reading import Files, Job, Line, Place, Reading, Step, Unknown
from pipelinegen.pipelines.shell.unwrap import Unwrapper
from pipelinegen.pipelines.shell.words import Command
from pipelinegen.pipelines.shell.wrappers import SHELLS

MAX_FOLLOWED = 6
MAX_SCRIPTS = 300
MAX_BYTES = 512 * 1024
# What builds or tests, by its name, and holds no credential, cannot deliver.
_INNOCENT = re.compile(
    r"(?:^|[-_/:.\s])(?:build|test|tests|lint|check|checks|verify|format|fmt|unit|e2e|integration|coverage|install|deps|clean|setup|"
    r"compile|generate|docs|typecheck|ci|bench|smoke|health|audit|scan|validate|prepare|bootstrap|version|all|image|images|package)(?:$|[-_/:.\s])",
    re.IGNORECASE,
)
_DELIVERS = re.compile(
    r"deploy|release|publish|rollout|apply|ship|promot|provision|upgrade|terraform|helm|kube|k8s|argocd|gitops|sync|"
    r"rollback|migrate|restart|push|bump|update",
    re.IGNORECASE,
)
_OTHER_PROGRAMS = frozenset(["python", "python3", "node", "ruby", "perl", "php", "deno", "bun", "tsx", "ts-node", "go"])
_SUFFIXES = (".sh", ".bash", ".zsh", ".ksh", ".ps1", ".bat", ".cmd")


@dataclass(slots=True)
class _Following:
    reading: Reading
    files: Files
    unknown: list[Unknown] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def say(self, place: Place, what: str) -> None:
        note = Unknown(place, what)
        if note not in self.unknown:
            self.unknown.append(note)


def follow(reading: Reading, files: Files) -> Reading:
    """The reading with the scripts of the repository as steps of their own behind those that run them."""
    following = _Following(reading, files)
    jobs = tuple(_job(following, job) for job in reading.jobs)
    unknown = (*reading.unknown, *following.unknown)
    ordered = tuple(
        sorted(dict.fromkeys(unknown), key=lambda each: (each.place.file != reading.file, each.place, each.what))
    )
    texts = {**reading.texts, **following.texts}
    return replace(reading, jobs=jobs, unknown=ordered, texts=texts, delivers=_delivers(texts, files))


def _delivers(texts: Mapping[str, str], files: Files) -> dict[str, str]:
    """What the configuration says of each environment, where our own commands are run and it is there."""
    if not any("pipelinegen" in text for text in texts.values()):
        return {}
    data = next((found for name in ("pipelinegen.yaml", "pipelinegen.yml") if (found := files.read(name))), None)
    if data is None:
        return {}
    from pipelinegen.config.load import loads

    manifests = loads(data, files.shown("pipelinegen.yaml")).manifests
    said = {name: manifests.delivery(name).deliver for name in manifests.environments}
    return {name: how for name, how in said.items() if how is not None}


def _job(following: _Following, job: Job) -> Job:
    steps: list[Step] = []
    changed = False
    for step in job.steps:
        steps.append(step)
        if step.script:
            inner = _followed(following, job, step, 0)
            changed = changed or bool(inner)
            steps += inner
    return replace(job, steps=tuple(steps)) if changed else job


def _followed(following: _Following, job: Job, step: Step, depth: int) -> list[Step]:
    values = {each.name: each.value for each in (*job.variables, *step.variables) if "${{" not in each.value}
    found: list[Step] = []
    for command in Unwrapper(values).run(step.script, step.shell):
        if not command.words or "docker" in command.via or "ssh" in command.via:
            continue
        inner = _script(following, job, step, command)
        following.count += inner is not None
        if following.count > MAX_SCRIPTS:
            following.say(command.place, f"more than {MAX_SCRIPTS} scripts are run; from here on they are not read")
            break
        if inner is not None:
            found += [inner, *(_followed(following, job, inner, depth + 1) if depth < MAX_FOLLOWED else [])]
    return found


def _script(following: _Following, job: Job, step: Step, command: Command) -> Step | None:
    """The script that a command runs, as a step; what cannot be read is noted."""
    program, first = command.program, command.words[0].text
    if program in SHELLS or program in {"source", "."}:
        path = next(
            (word.text for word in command.words[1:] if not word.text.startswith("-") and word.text != "pipefail"), ""
        )
        if path and not path.startswith("/dev/") and "<(" not in path:
            return _file(following, job, step, command, path)
        if not path and command.before is not None and command.before.program in {"curl", "wget"}:
            following.say(command.place, f"runs a script from the network: {command.before.shown[:100]}")
        return None
    if first.startswith(
        ("./", "../", "scripts/", "ci/", "bin/", ".ci/", "hack/", "tools/", "deploy/")
    ) or first.endswith(_SUFFIXES):
        return _file(following, job, step, command, first)
    if program == "make":
        return _make(following, job, step, command)
    if program in {"npm", "yarn", "pnpm", "bun"}:
        return _package(following, job, step, command)
    if program in {
        "just",
        "task",
        "rake",
        "invoke",
        "inv",
        "mage",
        "nx",
        "turbo",
        "gulp",
        "grunt",
        "ant",
        "earthly",
        "dagger",
        "bazel",
        "pants",
    }:
        _opaque(following, job, step, command, " ".join(command.arguments) or program)
        return None
    if (
        program in _OTHER_PROGRAMS
        and command.arguments
        and re.search(r"\.(?:py|js|ts|rb|pl|php|mjs|go)$", command.arguments[0])
    ):
        _opaque(following, job, step, command, command.arguments[0])
        return None
    if re.fullmatch(r"\$\{?\w+\}?|\$\{\{.*\}\}", first) and not step.shell.startswith(("pwsh", "powershell")):
        following.say(
            command.place, f"the program is held by a variable whose value is not here: {command.shown[:100]}"
        )
    elif program in {"mvn", "mvnw", "gradle", "gradlew"} and any(
        _DELIVERS.search(word) for word in command.arguments if word != "deploy" or "gradle" in program
    ):
        _opaque(following, job, step, command, " ".join(command.arguments))
    return None


def _file(following: _Following, job: Job, step: Step, command: Command, path: str) -> Step | None:
    name = re.sub(
        r"^(?:\$\{?(?:GITHUB_WORKSPACE|CI_PROJECT_DIR|WORKSPACE)\}?/|\$\{\{\s*github\.workspace\s*\}\}/|\./)+", "", path
    )
    if name.rpartition("/")[2] in {"gradlew", "mvnw", "sbtw", "gradlew.bat", "mvnw.cmd"}:
        if any(_DELIVERS.search(word) for word in command.arguments):
            _opaque(following, job, step, command, f"{path} {' '.join(command.arguments)}")
        return None
    if name.startswith("$()/") and "/" in step.name and step.name.endswith(_SUFFIXES):
        # source "$(dirname "$0")/common.sh"
        name = f"{step.name.rpartition('/')[0]}/{name[4:]}"
    data = None if "$" in name or name.startswith(("/", "~", "..")) else following.files.read(name)
    if data is None or len(data) > MAX_BYTES or b"\x00" in data[:1024]:
        if name.startswith(("~", "/", "$HOME")) and not _DELIVERS.search(name):
            return None
        _opaque(following, job, step, command, path)
        return None
    text = data.decode("utf-8", "replace")
    head = text.partition("\n")[0]
    if head.startswith("#!") and not re.search(r"\b(?:ba|da|z|k|a)?sh\b", head):
        _opaque(following, job, step, command, path)
        return None
    shown = following.files.shown(name)
    following.texts[shown] = text
    lines = [Line(line.rstrip("\r"), Place(shown, number)) for number, line in enumerate(text.split("\n"), 1)]
    shell = {"ps1": "pwsh", "bat": "bat", "cmd": "bat"}.get(name.rpartition(".")[2], "")
    return _inner(following, job, step, lines, name, shell)


def _inner(following: _Following, job: Job, step: Step, lines: Sequence[Line], name: str, shell: str = "") -> Step:
    """A step with the script of a file, which sees what the calling step sees."""
    grants = tuple(
        grant for grant in step.grants if grant.via not in {"with", "script"} or following.reading.system == "gitlab"
    )
    if following.reading.system == "gitlab":
        declared = {each.name: each.value or "?" for each in (*job.variables, *step.variables)}
        declared |= {each.holder: "?" for each in job.grants if each.via in {"id_tokens", "secrets"}}
        grants = (*grants, *grants_of_script(lines, declared, "job"))
    return replace(
        step,
        name=name,
        place=lines[0].place if lines else step.place,
        script=tuple(lines),
        shell=shell,
        grants=grants,
        uses=None,
        inputs=(),
    )


def _make(following: _Following, job: Job, step: Step, command: Command) -> Step | None:
    targets = [word for word in command.arguments if not word.startswith("-") and "=" not in word]
    folder = next(
        (b for a, b in zip(command.arguments, command.arguments[1:], strict=False) if a in {"-C", "--directory"}), ""
    )
    targets = [word for word in targets if word != folder]
    for name in ("Makefile", "makefile", "GNUmakefile"):
        path = f"{folder.strip('/')}/{name}" if folder else name
        data = following.files.read(path)
        if data is not None and len(data) <= MAX_BYTES:
            text = data.decode("utf-8", "replace")
            shown = following.files.shown(path)
            lines = _recipes(shown, text, targets)
            if lines is not None:
                following.texts[shown] = text
                return _inner(following, job, step, lines, f"make {' '.join(targets)}") if lines else None
    _opaque(following, job, step, command, " ".join(["make", *targets]))
    return None


_RULE = re.compile(r"^([^\s#:=][^:=#]*?)\s*::?(?!=)\s*([^#;|=]*)")


def _recipes(path: str, text: str, targets: Sequence[str]) -> list[Line] | None:
    """The commands of the targets and of what they depend on; None where one is not there."""
    rules: dict[str, tuple[list[str], list[Line]]] = {}
    values = {"MAKE": "make"}
    current: list[str] = []
    first = ""
    for number, raw in enumerate(text.split("\n"), 1):
        if raw.startswith("\t"):
            for name in current:
                rules[name][1].append(Line(re.sub(r"^[@\-+\s]+", "", raw), Place(path, number)))
            continue
        assigned = re.match(r"^\s*(?:export\s+)?(\w+)\s*[:?+]?=\s*(.*)$", raw)
        if assigned:
            values[assigned[1]] = assigned[2].strip()
        match = _RULE.match(raw)
        if match and not assigned:
            current = match[1].split()
            for name in current:
                rules.setdefault(name, ([], []))[0].extend(match[2].split())
            first = first or next((name for name in current if not name.startswith(".")), "")
        elif raw.strip() and not raw.startswith("#"):
            current = []
    wanted = list(targets) or [first]
    if any(name not in rules for name in wanted):
        return None
    found: list[Line] = []
    seen: set[str] = set()
    while wanted:
        name = wanted.pop(0)
        if name in rules and name not in seen:
            seen.add(name)
            wanted = [*rules[name][0], *wanted]
            found += [Line(_as_shell(line.text, values), line.place) for line in rules[name][1]]
    return found


def _as_shell(text: str, values: dict[str, str]) -> str:
    """A line of a recipe as the shell gets it: make's variables filled in, `$$` a dollar."""
    for _ in range(4):
        text = re.sub(r"\$[({](\w+)[)}]", lambda match: values.get(match[1], f"${{{match[1]}}}"), text)
    return text.replace("$$", "$")


def _package(following: _Following, job: Job, step: Step, command: Command) -> Step | None:
    words = [word for word in command.arguments if not word.startswith("-")]
    program = command.program
    if words[:1] in (["run"], ["run-script"]):
        name = words[1] if len(words) > 1 else ""
    elif (
        program in {"yarn", "pnpm", "bun"}
        and words
        and words[0]
        not in {
            "install",
            "add",
            "test",
            "publish",
            "config",
            "dlx",
            "exec",
            "build",
            "audit",
            "global",
            "cache",
            "i",
            "workspaces",
            "set",
            "x",
        }
    ):
        name = words[0]
    elif words[:1] == ["test"]:
        return None
    else:
        return None
    data = following.files.read("package.json")
    scripts: object = {}
    if data is not None:
        try:
            scripts = json.loads(data).get("scripts", {})
        except (ValueError, AttributeError):
            scripts = {}
    script = scripts.get(name) if isinstance(scripts, dict) else None
    if not isinstance(script, str):
        _opaque(following, job, step, command, f"{program} run {name}")
        return None
    text = data.decode("utf-8", "replace") if data is not None else ""
    shown = following.files.shown("package.json")
    following.texts[shown] = text
    line = next((n for n, each in enumerate(text.split("\n"), 1) if f'"{name}"' in each), 1)
    return _inner(following, job, step, [Line(script, Place(shown, line))], f"{program} run {name}")


def _opaque(following: _Following, job: Job, step: Step, command: Command, name: str) -> None:
    """Something of the repository is run that is not read. What builds or tests without a credential is no matter."""
    handed = {
        grant.holder for grant in (*job.grants, *step.grants) if grant.life != "job" and grant.via != "permission"
    }
    told = following.reading.system == "gitlab" and not any(grant.via == "env" for grant in job.grants)
    if _INNOCENT.search(name) and not _DELIVERS.search(name) and (not handed or told):
        return
    following.say(command.place, f"runs {name[:80]} of the repository, which is not read")
