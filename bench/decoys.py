"""Files that hold the target's name and must stay as they are: comments, look-alikes, config text, prose, templates."""

from __future__ import annotations

from collections.abc import Callable

from bench.draw import Draw
from bench.texts import DEPLOYMENT

Files = dict[str, str]
_Decoy = Callable[[str, int, Draw], Files]


def _deployment(number: int, draw: Draw, image: str) -> Files:
    words = {"name": f"decoy-{number}", "team": "acme", "number": str(1 + draw.below(9)), "image": image}
    return {f"apps/acme/decoy-{number}/deployment.yaml": DEPLOYMENT.format_map(words)}


def _comment(image: str, number: int, draw: Draw) -> Files:
    return _deployment(number, draw, f"nginx:1.27 # was {image}:1.4.2\n          # image: {image}:1.4.2")


def _other_registry(image: str, number: int, draw: Draw) -> Files:
    path = image.partition("/")[2]
    return _deployment(number, draw, f"registry.example.com/{path}:1.4.2")


def _longer_registry(image: str, number: int, draw: Draw) -> Files:
    registry, _, path = image.partition("/")
    return _deployment(number, draw, f"{registry}.example.net/{path}:1.4.2")


def _longer_name(image: str, number: int, draw: Draw) -> Files:
    return _deployment(number, draw, f'"{image}-gateway:1.4.2"')


def _deeper_name(image: str, number: int, draw: Draw) -> Files:
    return _deployment(number, draw, f"{image}/worker:1.4.2")


def _variable(image: str, number: int, draw: Draw) -> Files:
    return _deployment(number, draw, f"{image}:${{API_TAG}}")


def _argument(image: str, number: int, draw: Draw) -> Files:
    text = f'nginx:1.27\n          command: [sync, "--image={image}:1.4.2"]'
    return _deployment(number, draw, text)


def _owned_by_flux(image: str, number: int, draw: Draw) -> Files:
    return _deployment(number, draw, f'{image}:1.4.2 # {{"$imagepolicy": "flux-system:api"}}')


def _config_text(image: str, number: int, draw: Draw) -> Files:
    text = f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: builder-{number}
data:
  builder.toml: |
    # image = {image}:1.4.2
    runner = "{image}:1.4.2"
    retries = {draw.below(9)}
  notes: The image {image}:1.4.2 is what runs today.
"""
    return {f"manifests/acme/builder-{number}.yaml": text}


def _template_expression(image: str, number: int, draw: Draw) -> Files:
    text = f"""\
{{{{- range .Values.jobs }}}}
apiVersion: batch/v1
kind: Job
metadata:
  name: job-{number}-{draw.below(9)}
spec:
  template:
    spec:
      containers:
        - name: job
          image: "{image}:{{{{ .tag }}}}"
{{{{- end }}}}
"""
    return {f"charts/decoy-{number}/templates/job.yaml": text}


def _readme(image: str, number: int, draw: Draw) -> Files:
    text = f"# API\n\nRun it:\n\n    docker run -p 80{draw.below(90) + 10}:8080 {image}:1.4.2\n\nimage: {image}:1.4.2\n"
    return {f"docs/acme-{number}/README.md": text}


def _dockerfile(image: str, number: int, draw: Draw) -> Files:
    return {f"docs/acme-{number}/Dockerfile": f"FROM {image}:1.4.2\nENV SIZE={draw.below(9)}\n"}


DECOYS: dict[str, _Decoy] = {
    "comment": _comment,
    "other-registry": _other_registry,
    "config-text": _config_text,
    "longer-name": _longer_name,
    "readme": _readme,
    "longer-registry": _longer_registry,
    "deeper-name": _deeper_name,
    "variable": _variable,
    "argument": _argument,
    "owned-by-flux": _owned_by_flux,
    "template-expression": _template_expression,
    "dockerfile": _dockerfile,
}
