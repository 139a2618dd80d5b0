"""The places of the target image, one small file family each, with the lines that a bump must change marked in them."""

from __future__ import annotations

from collections.abc import Callable

from bench.draw import Draw
from bench.places import argocd, containers, flux, helm, kustomize
from bench.places.target import MarkedFiles, Target

PLACES: dict[str, Callable[[Target, Draw], MarkedFiles]] = {
    "container": containers.container,
    "kustomize-name": kustomize.kustomize_name,
    "helm": helm.helm,
    "flux-values": flux.flux_values,
    "argocd-values": argocd.argocd_values,
    "many-documents": containers.many_documents,
    "helm-tag-only": helm.helm_tag_only,
    "container-double-quoted": containers.container_double_quoted,
    "container-crlf": containers.container_crlf,
    "container-bom": containers.container_bom,
    "container-digest": containers.container_digest,
    "last-line": containers.last_line,
    "flow-style": containers.flow_style,
    "anchor": containers.anchor,
    "other-scalar": containers.other_scalar,
    "kustomize-new-name": kustomize.kustomize_new_name,
    "kustomize-no-tag": kustomize.kustomize_no_tag,
    "kustomize-digest": kustomize.kustomize_digest,
    "kustomize-patch": kustomize.kustomize_patch,
    "helm-split": helm.helm_split,
    "helm-big": helm.helm_big,
    "argocd-values-object": argocd.argocd_values_object,
    "argocd-kustomize": argocd.argocd_kustomize,
    "argocd-parameters": argocd.argocd_parameters,
    "argocd-value-files": argocd.argocd_value_files,
    "flux-post-renderer": flux.flux_post_renderer,
    "flux-value-files": flux.flux_value_files,
    "flux-kustomization": flux.flux_kustomization,
    "config-map-values": helm.config_map_values,
    "template": helm.template,
    "json": containers.json,
}
