"""Fetch what judges the files of agents, into .cache/agents: `python -m tests.judges.agents`. Needs go, npm, a network.

One of them alone: schemas (seconds), models (seconds), engine (a minute of CPU time, the first time).

Argo CD's and Flux's own definitions of their objects become strict JSON Schemas; Argo CD's own engine of notifications
is built; validators of Flux's notifications come from npm. Tests that want them say so and are skipped without them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "agents"
SCHEMAS = CACHE / "schemas"
DEFINITIONS = CACHE / "definitions"
ENGINE = CACHE / "argocd-notifications"
MODELS = CACHE / "node_modules" / "@kubernetes-models" / "flux-cd"

MODULES = {
    "github.com/argoproj/argo-cd/v3@v3.4.13": "manifests/crds/*-crd.yaml",
    "github.com/fluxcd/kustomize-controller@v1.7.3": "config/crd/bases/*.yaml",
    "github.com/fluxcd/source-controller@v1.8.5": "config/crd/bases/*_gitrepositories.yaml",
}
NPM = "@kubernetes-models/flux-cd@4.0.0"


def schemas() -> Iterator[Path]:
    """Write a strict JSON Schema for each version of each kind, and keep the definitions for an API server."""
    for folder in (SCHEMAS, DEFINITIONS):
        folder.mkdir(parents=True, exist_ok=True)
    for module, pattern in MODULES.items():
        said = _run("go", "mod", "download", "-json", module)
        for path in sorted(Path(json.loads(said)["Dir"]).glob(pattern)):
            text = path.read_text(encoding="utf-8")
            (DEFINITIONS / path.name).write_text(text, encoding="utf-8")
            for definition in yaml.safe_load_all(text):
                yield from _written(definition["spec"])


def _written(spec: dict[str, Any]) -> Iterator[Path]:
    for version in spec["versions"]:
        path = SCHEMAS / f"{spec['group']}_{version['name']}_{spec['names']['kind']}.json"
        schema = strict(version["schema"]["openAPIV3Schema"])
        # The metadata is the API server's to check, not the definition's.
        schema["properties"]["metadata"] = {"type": "object"}
        path.write_text(json.dumps(schema), encoding="utf-8")
        yield path


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, and no unknown key: what an API server says of a file with `--validate=strict`."""
    made = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-")}
    if schema.get("x-kubernetes-int-or-string"):
        made = {"type": ["integer", "string"]}
    if "properties" in made:
        made["properties"] = {name: strict(each) for name, each in made["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = strict(made[key])
    return made


def engine() -> Path:
    """Build Argo CD's own engine of notifications around one ConfigMap and one Application."""
    _run("go", "build", "-o", str(ENGINE), ".", folder=Path(__file__).parent / "argocd")
    return ENGINE


def models() -> Path:
    _run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(CACHE), NPM)
    return MODELS


def _run(*command: str, folder: Path | None = None) -> str:
    program = shutil.which(command[0])
    if program is None:
        raise SystemExit(f"{command[0]} is not installed")
    return subprocess.run([program, *command[1:]], cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


FETCHED = {"schemas": lambda: list(schemas()), "models": lambda: [models()], "engine": lambda: [engine()]}


def main(names: Sequence[str]) -> None:
    for name in names or FETCHED:
        try:
            made = FETCHED[name]()
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{name}: {error}") from None
        for path in made:
            print(path.relative_to(CACHE.parent.parent), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
