"""Annotations of an image, put on its manifest or index after the build: the same whatever engine has built it."""

from __future__ import annotations

from collections.abc import Mapping

from pipelinegen.edge.layout import Layout


def annotate(layout: Layout, annotations: Mapping[str, str]) -> None:
    """Put annotations on what the layout is about. Configurations and layers, and so the image ids, stay."""
    if not annotations:
        return
    root = layout.root()
    content = dict(layout.manifest(root.digest))
    content["annotations"] = {**(content.get("annotations") or {}), **dict(sorted(annotations.items()))}
    layout.set_root(layout.add_document(content, root.media_type)._replace(platform=root.platform))
