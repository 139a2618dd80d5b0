"""Entries of kustomize's `images:` and its inline patches."""

from __future__ import annotations

from bench.draw import Draw
from bench.marks import change, insert_line
from bench.places.target import MarkedFiles, Target
from bench.texts import SERVICE


def kustomize_name(target: Target, draw: Draw) -> MarkedFiles:
    entry = f"- name: {target.image}\n  newTag: {target.tag}\n- name: busybox\n  newTag: '1.{draw.below(40)}'\n"
    return _overlay(target, entry)


def kustomize_new_name(target: Target, draw: Draw) -> MarkedFiles:
    entry = f'  -   newTag: "{target.tag}" # by the pipeline\n      name: api\n      newName: {target.image}\n'
    return _overlay(target, f"{entry}\n  - {{name: web, newTag: v{draw.below(40)}.0.0}}\n")


def kustomize_no_tag(target: Target, draw: Draw) -> MarkedFiles:
    line = insert_line(target.image, f"    newTag: {target.new}")
    return _overlay(
        target, f"  - name: api\n    newName: {target.image}{line}\n  - name: web\n    newTag: v{draw.below(40)}.0.0\n"
    )


def kustomize_digest(target: Target, draw: Draw) -> MarkedFiles:
    line = change(target.image, f"digest: sha256:{draw.hexadecimal(64)}", f"newTag: {target.new}")
    return _overlay(target, f"  - name: {target.image}\n    {line}\n")


def kustomize_patch(target: Target, draw: Draw) -> MarkedFiles:
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


def _overlay(target: Target, entries: str) -> MarkedFiles:
    folder = f"apps/acme/overlay-{target.number}"
    base = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    return {
        f"{folder}/base/kustomization.yaml": f"{base}resources:\n- service.yaml\n",
        f"{folder}/base/service.yaml": SERVICE.format_map({"name": f"overlay-{target.number}"}),
        f"{folder}/overlays/production/kustomization.yaml": f"{base}resources: [../../base]\nimages:\n{entries}",
    }
