"""Argo CD Applications: Helm values as text and as an object, kustomize images, parameters, value files."""

from __future__ import annotations

from bench.draw import Draw
from bench.places.helm import helm
from bench.places.target import MarkedFiles, Target


def argocd_values(target: Target, draw: Draw) -> MarkedFiles:
    return _application(
        target,
        draw,
        f"    helm:\n      values: |\n        # größer\n        image:\n          repository: {target.image}\n"
        f"          tag: {target.tag}\n        replicaCount: 2\n",
    )


def argocd_values_object(target: Target, draw: Draw) -> MarkedFiles:
    return _application(
        target,
        draw,
        f"    helm:\n      valuesObject:\n        image:\n          tag: '{target.tag}'\n"
        f"          repository: {target.image}\n",
    )


def argocd_kustomize(target: Target, draw: Draw) -> MarkedFiles:
    images = f"      - {target.reference}\n      - api={target.reference}\n      - web=ghcr.io/acme/web:v1\n"
    return _application(target, draw, f"    kustomize:\n      images:\n{images}")


def argocd_parameters(target: Target, draw: Draw) -> MarkedFiles:
    return _application(
        target,
        draw,
        f"    helm:\n      parameters:\n      - name: image.repository\n        value: {target.image}\n"
        f'      - name: image.tag\n        value: "{target.tag}"\n        forceString: true\n'
        "      - name: sidecar.image.tag\n        value: 1.0.0\n",
    )


def argocd_value_files(target: Target, draw: Draw) -> MarkedFiles:
    """The environment's file lies in another folder than the file that names the image: the Application ties them."""
    files = helm(target, draw)
    files |= _application(
        target, draw, "    helm:\n      valueFiles: [values.yaml, environments/production/values.yaml]\n"
    )
    files[f"charts/acme-{target.number}/environments/production/values.yaml"] = f"image:\n  tag: {target.tag}\n"
    return files


def _application(target: Target, draw: Draw, source: str) -> MarkedFiles:
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
