"""The files of a proposal: pipelinegen.yaml with its reasons, and a Dockerfile where there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pipelinegen.commands.starting.findings import Findings
from pipelinegen.commands.starting.looking import Repository
from pipelinegen.commands.starting.proposal import Proposal
from pipelinegen.pipelines.model import GeneratedFile
from pipelinegen.pipelines.pins import bases
from pipelinegen.pipelines.rendering.engine import render

CONFIG = "pipelinegen.yaml"
_REFERENCE = "docs/configuration.md of pipelinegen; the schema for editors: pipelinegen schema"


@dataclass(frozen=True, slots=True)
class Files:
    """config: pipelinegen.yaml.  beside: what it needs and what is not there yet."""

    config: GeneratedFile
    beside: tuple[GeneratedFile, ...] = ()


def files_of(proposal: Proposal, findings: Findings, repository: Repository) -> Files:
    text = render("init/pipelinegen.yaml.j2", proposal=proposal, sentence=_sentence, reference=_REFERENCE)
    beside = () if findings.images else (_dockerfile(findings, repository), *_ignored(repository))
    return Files(GeneratedFile(CONFIG, text), beside)


def _sentence(text: str) -> str:
    """A sentence for a comment; a file name at its beginning stays as it is."""
    first = text.partition(" ")[0]
    return f"{text[:1].upper() if first.isalpha() else text[:1]}{text[1:]}."


def _ignored(repository: Repository) -> tuple[GeneratedFile, ...]:
    if ".dockerignore" in repository.paths:
        return ()
    return (GeneratedFile(".dockerignore", render("init/dockerignore.j2")),)


def _dockerfile(findings: Findings, repository: Repository) -> GeneratedFile:
    stack, shown = findings.stack or ("other", "")
    values: dict[str, object] = {}
    if stack == "go":
        values = {"build": _pinned("golang"), "base": _pinned("distroless-static"), "package": _go_package(repository)}
    elif stack == "node":
        values = {"base": _pinned("node"), **_node(repository)}
    elif stack == "python":
        values = {"base": _pinned("python"), **_python(repository, shown)}
    elif stack == "static":
        values = {"base": _pinned("nginx"), "folder": "public/" if shown.startswith("public/") else "."}
    else:
        values = {"base": _pinned("python")}
    return GeneratedFile("Dockerfile", render(f"init/Dockerfile.{stack}.j2", **values))


def _pinned(key: str) -> str:
    return str(bases()[key])


def _go_package(repository: Repository) -> str:
    if "main.go" in repository.paths:
        return "."
    mains = sorted(path for path in repository.paths if path.startswith("cmd/") and path.endswith("/main.go"))
    return f"./{mains[0].rpartition('/')[0]}" if mains and mains[0].isascii() and " " not in mains[0] else "./..."


def _node(repository: Repository) -> dict[str, object]:
    try:
        package = json.loads(repository.text("package.json"))
    except ValueError:
        package = {}
    main = package.get("main") if isinstance(package, dict) else None
    start = main if isinstance(main, str) else next((name for name in _NODE if name in repository.paths), "index.js")
    locked = "package-lock.json" in repository.paths
    return {"install": "npm ci --omit=dev" if locked else "npm install --omit=dev", "start": start}


def _python(repository: Repository, shown: str) -> dict[str, object]:
    start = next((name for name in _PYTHON if name in repository.paths), "main.py")
    return {"install": "-r requirements.txt" if shown == "requirements.txt" else ".", "start": start}


_NODE = ("server.js", "index.js", "app.js", "src/index.js", "src/server.js")
_PYTHON = ("main.py", "app.py", "server.py", "manage.py", "src/main.py")
