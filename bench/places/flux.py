"""Flux: HelmRelease values, post-renderers and value files, Kustomization images."""

from __future__ import annotations

from bench.draw import Draw
from bench.places.helm import helm
from bench.places.target import MarkedFiles, Target


def flux_values(target: Target, draw: Draw) -> MarkedFiles:
    return _release(
        target, draw, f"  values:\n    image:\n      repository: {target.image}\n      tag: {target.tag}\n    size: 2\n"
    )


def flux_post_renderer(target: Target, draw: Draw) -> MarkedFiles:
    return _release(
        target,
        draw,
        "  postRenderers:\n    - kustomize:\n        images:\n          - name: api\n"
        f"            newName: {target.image}\n            newTag: {target.tag}\n",
    )


def flux_value_files(target: Target, draw: Draw) -> MarkedFiles:
    files = helm(target, draw)
    folder = f"charts/acme-{target.number}"
    files |= _release(
        target,
        draw,
        f"  chart:\n    spec:\n      chart: ./{folder}\n      sourceRef: {{kind: GitRepository, name: flux-system}}\n"
        f"      valuesFiles:\n        - {folder}/values.yaml\n        - {folder}/production/values.yaml\n",
    )
    files[f"{folder}/production/values.yaml"] = f'image:\n  tag: "{target.tag}"\n'
    return files


def flux_kustomization(target: Target, draw: Draw) -> MarkedFiles:
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
