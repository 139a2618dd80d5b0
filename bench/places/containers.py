"""Whole scalars that are the reference: containers in every style, other keys, JSON."""

from __future__ import annotations

from bench.draw import Draw
from bench.places.target import MarkedFiles, Target
from bench.texts import DEPLOYMENT, SERVICE


def container(target: Target, draw: Draw) -> MarkedFiles:
    return {f"apps/acme/api-{target.number}/deployment.yaml": _deployment(target, draw, target.reference)}


def container_double_quoted(target: Target, draw: Draw) -> MarkedFiles:
    return {f"apps/acme/api-{target.number}/double-quoted.yaml": _deployment(target, draw, f'"{target.reference}"')}


def container_crlf(target: Target, draw: Draw) -> MarkedFiles:
    text = _deployment(target, draw, f"'{target.reference}'").replace("\n", "\r\n")
    return {f"apps/acme/api-{target.number}/windows.yaml": text}


def container_bom(target: Target, draw: Draw) -> MarkedFiles:
    text = _deployment(target, draw, f"{target.reference} # größer als früher — 日本語")
    return {f"apps/acme/api-{target.number}/bom.yaml": f"\ufeff# Überblick\n{text}"}


def container_digest(target: Target, draw: Draw) -> MarkedFiles:
    image = f"{target.image}:{target.pinned(draw.hexadecimal(64))}"
    return {f"apps/acme/api-{target.number}/pinned.yaml": _deployment(target, draw, image)}


def last_line(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: last-{target.number}, labels: {{size: "{draw.below(9)}"}}}}
spec:
   containers:
   -   name:   main
       image:   {target.reference}"""
    return {f"manifests/acme/last-line-{target.number}.yml": text}


def flow_style(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: flow-{target.number}}}
spec: {{containers: [{{name: main, image: {target.reference}, args: [run, "-n", "{draw.below(9)}"]}}]}}
"""
    return {f"manifests/acme/flow-{target.number}.yaml": text}


def many_documents(target: Target, draw: Draw) -> MarkedFiles:
    words = {"name": f"jobs-{target.number}"}
    text = f"""\
%YAML 1.2
---
{SERVICE.format_map(words)}---
# a job of every night, and what prepares it
apiVersion: batch/v1
kind: CronJob
metadata:
  name: jobs-{target.number}
spec:
  schedule: "{draw.below(60)} 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          initContainers:
          - name: migrate
            image: {target.reference}
            command: [migrate]
          containers:
          - image: "{target.reference}"
            name: report
...
---
{SERVICE.format_map({"name": "after"})}"""
    return {f"manifests/acme/jobs-{target.number}.yaml": text}


def anchor(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: v1
kind: Pod
metadata:
  name: anchor-{target.number}
  annotations: {{size: "{draw.below(9)}"}}
spec:
  initContainers:
    - {{name: migrate, image: &api {target.reference}}}
  containers:
    - name: main
      image: *api
"""
    return {f"manifests/acme/anchor-{target.number}.yaml": text}


def other_scalar(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: operator.example.com/v1
kind: Worker
metadata:
  name: worker-{target.number}
spec:
  size: {draw.below(9)}
  env:
    - name: RUNNER_IMAGE
      value: {target.reference}
  sidecars:
    - '{target.reference}'
"""
    return {f"manifests/acme/worker-{target.number}.yaml": text}


def json(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
{{
\t"apiVersion": "v1",
\t"kind": "Pod",
\t"metadata": {{"name": "json-{target.number}", "annotations": {{"note": "caf\\u00e9 {draw.below(9)}"}}}},
\t"spec": {{
\t\t"containers": [
\t\t\t{{"name": "main", "image": "{target.reference}"}}
\t\t]
\t}}
}}
"""
    return {f"manifests/acme/pod-{target.number}.json": text}


def _deployment(target: Target, draw: Draw, image: str) -> str:
    words = {"name": f"api-{target.number}", "team": "acme", "number": str(1 + draw.below(9)), "image": image}
    return DEPLOYMENT.format_map(words)
