"""Helm values: together, split, large, in an environment file that has only the tag, in a ConfigMap; and templates."""

from __future__ import annotations

from bench.background import sections
from bench.draw import Draw
from bench.places.target import MarkedFiles, Target
from bench.texts import CHART


def helm(target: Target, draw: Draw) -> MarkedFiles:
    return _chart(target, draw, f"image:\n  repository: {target.image}\n  tag: {target.tag}\n  pullPolicy: Always\n")


def helm_split(target: Target, draw: Draw) -> MarkedFiles:
    return _chart(
        target,
        draw,
        f"  # a comment before the first key\nglobal: {{}}\napi:\n    image:\n        registry: {target.registry}\n"
        f'        repository: {target.path}\n        tag: "{target.tag}"   # renovate: datasource=docker\n',
    )


def helm_big(target: Target, draw: Draw) -> MarkedFiles:
    words = {"name": "api", "tag": "1.0.0"}
    own = f"api:\n  image: {{repository: {target.image}, tag: '{target.tag}'}}\n"
    return _chart(
        target, draw, sections(draw, words, 90) + own + sections(draw, words, 45).replace("component", "side")
    )


def helm_tag_only(target: Target, draw: Draw) -> MarkedFiles:
    files = helm(target, draw)
    folder = f"charts/acme-{target.number}"
    files[f"{folder}/values-staging.yaml"] = f"replicaCount: 2\nimage:\n  tag: {target.tag}\n"
    files[f"{folder}/values-production.yaml"] = f'image: {{tag: "{target.tag}"}}\nreplicaCount: {draw.below(9)}'
    return files


def config_map_values(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: api-values-{target.number}
data:
  values.yaml: |
    replicaCount: {draw.below(9)}
    image:
      repository: {target.image}
      tag: "{target.tag}"
"""
    return {f"clusters/production/values-{target.number}.yaml": text}


def template(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
{{{{- if .Values.job.enabled }}}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{{{ .Release.Name }}}}-migrate-{draw.below(9)}
spec:
  template:
    spec:
      containers:
        - name: migrate
          image: "{target.reference}"
          env: {{{{- toYaml .Values.env | nindent 12 }}}}
{{{{- end }}}}
"""
    return {f"charts/acme-{target.number}/templates/job.yaml": text}


def _chart(target: Target, draw: Draw, values: str) -> MarkedFiles:
    folder = f"charts/acme-{target.number}"
    words = {"name": f"acme-{target.number}", "team": "acme", "number": str(draw.below(9)), "tag": "0.1.0"}
    return {f"{folder}/values.yaml": values, f"{folder}/Chart.yaml": CHART.format_map(words)}
