"""The places of the target image, one small file family each, with the lines that a bump must change marked in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bench.background import CHART, DEPLOYMENT, SERVICE, sections
from bench.draw import Draw
from bench.marks import change, insert_line

MarkedFiles = dict[str, str]


class Target(NamedTuple):
    """One occurrence to be written: the image, its tags before and after, the number that keeps paths apart."""

    image: str
    old: str
    new: str
    number: int

    @property
    def tag(self) -> str:
        return change(self.image, self.old, self.new)

    @property
    def reference(self) -> str:
        return f"{self.image}:{self.tag}"

    @property
    def registry(self) -> str:
        return self.image.partition("/")[0]

    @property
    def path(self) -> str:
        return self.image.partition("/")[2]

    def pinned(self, digest: str) -> str:
        """The tag with a digest, which a bump to a tag alone drops: it names the old image."""
        return change(self.image, f"{self.old}@sha256:{digest}", self.new)


_Place = Callable[[Target, Draw], MarkedFiles]


def _deployment(target: Target, draw: Draw, image: str) -> str:
    words = {"name": f"api-{target.number}", "team": "acme", "number": str(1 + draw.below(9)), "image": image}
    return DEPLOYMENT.format_map(words)


def _container(target: Target, draw: Draw) -> MarkedFiles:
    return {f"apps/acme/api-{target.number}/deployment.yaml": _deployment(target, draw, target.reference)}


def _container_double_quoted(target: Target, draw: Draw) -> MarkedFiles:
    return {f"apps/acme/api-{target.number}/double-quoted.yaml": _deployment(target, draw, f'"{target.reference}"')}


def _container_crlf(target: Target, draw: Draw) -> MarkedFiles:
    text = _deployment(target, draw, f"'{target.reference}'").replace("\n", "\r\n")
    return {f"apps/acme/api-{target.number}/windows.yaml": text}


def _container_bom(target: Target, draw: Draw) -> MarkedFiles:
    text = _deployment(target, draw, f"{target.reference} # größer als früher — 日本語")
    return {f"apps/acme/api-{target.number}/bom.yaml": f"\ufeff# Überblick\n{text}"}


def _container_digest(target: Target, draw: Draw) -> MarkedFiles:
    image = f"{target.image}:{target.pinned(draw.hexadecimal(64))}"
    return {f"apps/acme/api-{target.number}/pinned.yaml": _deployment(target, draw, image)}


def _last_line(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: last-{target.number}, labels: {{size: "{draw.below(9)}"}}}}
spec:
   containers:
   -   name:   main
       image:   {target.reference}"""
    return {f"manifests/acme/last-line-{target.number}.yml": text}


def _flow_style(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: flow-{target.number}}}
spec: {{containers: [{{name: main, image: {target.reference}, args: [run, "-n", "{draw.below(9)}"]}}]}}
"""
    return {f"manifests/acme/flow-{target.number}.yaml": text}


def _many_documents(target: Target, draw: Draw) -> MarkedFiles:
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


def _anchor(target: Target, draw: Draw) -> MarkedFiles:
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


def _other_scalar(target: Target, draw: Draw) -> MarkedFiles:
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


def _kustomize_name(target: Target, draw: Draw) -> MarkedFiles:
    entry = f"- name: {target.image}\n  newTag: {target.tag}\n- name: busybox\n  newTag: '1.{draw.below(40)}'\n"
    return _kustomize(target, entry)


def _kustomize_new_name(target: Target, draw: Draw) -> MarkedFiles:
    entry = f'  -   newTag: "{target.tag}" # by the pipeline\n      name: api\n      newName: {target.image}\n'
    return _kustomize(target, f"{entry}\n  - {{name: web, newTag: v{draw.below(40)}.0.0}}\n")


def _kustomize_no_tag(target: Target, draw: Draw) -> MarkedFiles:
    line = insert_line(target.image, f"    newTag: {target.new}")
    return _kustomize(
        target, f"  - name: api\n    newName: {target.image}{line}\n  - name: web\n    newTag: v{draw.below(40)}.0.0\n"
    )


def _kustomize_digest(target: Target, draw: Draw) -> MarkedFiles:
    line = change(target.image, f"digest: sha256:{draw.hexadecimal(64)}", f"newTag: {target.new}")
    return _kustomize(target, f"  - name: {target.image}\n    {line}\n")


def _kustomize(target: Target, entries: str) -> MarkedFiles:
    folder = f"apps/acme/overlay-{target.number}"
    base = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    return {
        f"{folder}/base/kustomization.yaml": f"{base}resources:\n- service.yaml\n",
        f"{folder}/base/service.yaml": SERVICE.format_map({"name": f"overlay-{target.number}"}),
        f"{folder}/overlays/production/kustomization.yaml": f"{base}resources: [../../base]\nimages:\n{entries}",
    }


def _kustomize_patch(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [https://git.example.com/acme/base//api?ref=v{draw.below(9)}]
patches:
  - target: {{kind: Deployment, name: api}}
    patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: api
      spec:
        template:
          spec:
            containers:
              - name: api
                image: {target.reference}
"""
    return {f"apps/acme/patched-{target.number}/kustomization.yaml": text}


def _helm(target: Target, draw: Draw) -> MarkedFiles:
    return _chart(target, draw, f"image:\n  repository: {target.image}\n  tag: {target.tag}\n  pullPolicy: Always\n")


def _helm_split(target: Target, draw: Draw) -> MarkedFiles:
    return _chart(
        target,
        draw,
        f"  # a comment before the first key\nglobal: {{}}\napi:\n    image:\n        registry: {target.registry}\n"
        f'        repository: {target.path}\n        tag: "{target.tag}"   # renovate: datasource=docker\n',
    )


def _helm_big(target: Target, draw: Draw) -> MarkedFiles:
    words = {"name": "api", "tag": "1.0.0"}
    own = f"api:\n  image: {{repository: {target.image}, tag: '{target.tag}'}}\n"
    return _chart(
        target, draw, sections(draw, words, 60) + own + sections(draw, words, 40).replace("component", "side")
    )


def _helm_tag_only(target: Target, draw: Draw) -> MarkedFiles:
    files = _helm(target, draw)
    folder = f"charts/acme-{target.number}"
    files[f"{folder}/values-staging.yaml"] = f"replicaCount: 2\nimage:\n  tag: {target.tag}\n"
    files[f"{folder}/values-production.yaml"] = f'image: {{tag: "{target.tag}"}}\nreplicaCount: {draw.below(9)}'
    return files


def _chart(target: Target, draw: Draw, values: str) -> MarkedFiles:
    folder = f"charts/acme-{target.number}"
    words = {"name": f"acme-{target.number}", "team": "acme", "number": str(draw.below(9)), "tag": "0.1.0"}
    return {f"{folder}/values.yaml": values, f"{folder}/Chart.yaml": CHART.format_map(words)}


def _argocd(target: Target, draw: Draw, source: str) -> MarkedFiles:
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: api-{target.number}
  namespace: argocd
spec:
  project: acme
  source:
    repoURL: https://git.example.com/acme/manifests.git
    targetRevision: main
    path: charts/acme-{target.number}
{source}  destination:
    server: https://kubernetes.default.svc
    namespace: acme-{draw.below(9)}
"""
    return {f"argocd/acme/api-{target.number}.yaml": text}


def _argocd_values(target: Target, draw: Draw) -> MarkedFiles:
    return _argocd(
        target,
        draw,
        f"    helm:\n      values: |\n        # größer\n        image:\n          repository: {target.image}\n"
        f"          tag: {target.tag}\n        replicaCount: 2\n",
    )


def _argocd_values_object(target: Target, draw: Draw) -> MarkedFiles:
    return _argocd(
        target,
        draw,
        f"    helm:\n      valuesObject:\n        image:\n          tag: '{target.tag}'\n"
        f"          repository: {target.image}\n",
    )


def _argocd_kustomize(target: Target, draw: Draw) -> MarkedFiles:
    images = f"      - {target.reference}\n      - api={target.reference}\n      - web=ghcr.io/acme/web:v1\n"
    return _argocd(target, draw, f"    kustomize:\n      images:\n{images}")


def _argocd_parameters(target: Target, draw: Draw) -> MarkedFiles:
    return _argocd(
        target,
        draw,
        f"    helm:\n      parameters:\n      - name: image.repository\n        value: {target.image}\n"
        f'      - name: image.tag\n        value: "{target.tag}"\n        forceString: true\n'
        "      - name: sidecar.image.tag\n        value: 1.0.0\n",
    )


def _argocd_value_files(target: Target, draw: Draw) -> MarkedFiles:
    """The environment's file lies in another folder than the file that names the image: the Application ties them."""
    files = _helm(target, draw)
    files |= _argocd(target, draw, "    helm:\n      valueFiles: [values.yaml, environments/production/values.yaml]\n")
    files[f"charts/acme-{target.number}/environments/production/values.yaml"] = f"image:\n  tag: {target.tag}\n"
    return files


def _release(target: Target, draw: Draw, spec: str) -> MarkedFiles:
    text = f"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: api-{target.number}
spec:
  interval: {1 + draw.below(9)}m
{spec}"""
    return {f"clusters/production/api-{target.number}/release.yaml": text}


def _flux_values(target: Target, draw: Draw) -> MarkedFiles:
    return _release(
        target, draw, f"  values:\n    image:\n      repository: {target.image}\n      tag: {target.tag}\n    size: 2\n"
    )


def _flux_post_renderer(target: Target, draw: Draw) -> MarkedFiles:
    return _release(
        target,
        draw,
        "  postRenderers:\n    - kustomize:\n        images:\n          - name: api\n"
        f"            newName: {target.image}\n            newTag: {target.tag}\n",
    )


def _flux_value_files(target: Target, draw: Draw) -> MarkedFiles:
    files = _helm(target, draw)
    folder = f"charts/acme-{target.number}"
    files |= _release(
        target,
        draw,
        f"  chart:\n    spec:\n      chart: ./{folder}\n      sourceRef: {{kind: GitRepository, name: flux-system}}\n"
        f"      valuesFiles:\n        - {folder}/values.yaml\n        - {folder}/production/values.yaml\n",
    )
    files[f"{folder}/production/values.yaml"] = f'image:\n  tag: "{target.tag}"\n'
    return files


def _flux_kustomization(target: Target, draw: Draw) -> MarkedFiles:
    text = f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: api-{target.number}, namespace: flux-system}}
spec:
  interval: {1 + draw.below(9)}m
  path: ./apps/acme
  prune: true
  sourceRef: {{kind: GitRepository, name: flux-system}}
  images:
    - name: {target.image}
      newTag: {target.tag}
"""
    return {f"clusters/production/sync-{target.number}.yaml": text}


def _config_map_values(target: Target, draw: Draw) -> MarkedFiles:
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


def _template(target: Target, draw: Draw) -> MarkedFiles:
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


def _json(target: Target, draw: Draw) -> MarkedFiles:
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


PLACES: dict[str, _Place] = {
    "container": _container,
    "kustomize-name": _kustomize_name,
    "helm": _helm,
    "flux-values": _flux_values,
    "argocd-values": _argocd_values,
    "many-documents": _many_documents,
    "helm-tag-only": _helm_tag_only,
    "container-double-quoted": _container_double_quoted,
    "container-crlf": _container_crlf,
    "container-bom": _container_bom,
    "container-digest": _container_digest,
    "last-line": _last_line,
    "flow-style": _flow_style,
    "anchor": _anchor,
    "other-scalar": _other_scalar,
    "kustomize-new-name": _kustomize_new_name,
    "kustomize-no-tag": _kustomize_no_tag,
    "kustomize-digest": _kustomize_digest,
    "kustomize-patch": _kustomize_patch,
    "helm-split": _helm_split,
    "helm-big": _helm_big,
    "argocd-values-object": _argocd_values_object,
    "argocd-kustomize": _argocd_kustomize,
    "argocd-parameters": _argocd_parameters,
    "argocd-value-files": _argocd_value_files,
    "flux-post-renderer": _flux_post_renderer,
    "flux-value-files": _flux_value_files,
    "flux-kustomization": _flux_kustomization,
    "config-map-values": _config_map_values,
    "template": _template,
    "json": _json,
}
