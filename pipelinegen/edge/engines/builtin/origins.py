"""What stages begin with and copy from: images of registries, OCI layouts, folders, each as files and settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipelinegen.edge.engines.builtin.context import Context
from pipelinegen.edge.engines.builtin.copying import Copying
from pipelinegen.edge.engines.builtin.layer import Files, Layer
from pipelinegen.edge.engines.builtin.reading import ignored_in
from pipelinegen.edge.engines.builtin.refusing import WAYS_OUT
from pipelinegen.edge.engines.builtin.settings import Settings
from pipelinegen.edge.engines.builtin.stage import Built, Surroundings
from pipelinegen.edge.filesystem import LayeredFiles
from pipelinegen.edge.layout import Descriptor, Layout
from pipelinegen.errors import InputError, WorldError
from pipelinegen.images.dockerfile.needed import SCRATCH, Origin
from pipelinegen.images.media_types import as_oci, is_foreign, is_index
from pipelinegen.images.platforms import choose, platform_of
from pipelinegen.images.reference import parse

if TYPE_CHECKING:
    from pipelinegen.edge.registry import Registry

_LAYOUT = "oci-layout://"
_IMAGE = "docker-image://"


class Origins:
    """Finds each once. `strict`: the platform was asked for, so an image that is for another one is an error."""

    def __init__(
        self,
        around: Surroundings,
        registry: Callable[[], Registry],
        root: Path,
        platform: str,
        *,
        strict: bool,
    ) -> None:
        self._around = around
        self._registry = registry
        self._root = root
        self._platform = platform
        self._strict = strict
        self._images: dict[tuple[str, str], Built] = {}

    def start(self, origin: Origin) -> Built:
        """What a stage begins with that is built upon this."""
        if origin.context is not None and not _is_image(origin.context):
            return self._of_folder(origin.context)
        found = self._image(origin)
        triggers = found.settings.values.get("OnBuild")
        if triggers:
            raise WorldError(
                f"the base {origin.image or origin.context} has instructions for the images built upon it (ONBUILD), "
                "which the built-in engine does not carry out",
                id="engine-missing",
                state="nothing was built",
                next=WAYS_OUT,
                details=[str(trigger) for trigger in triggers][:10],
            )
        return found.upon()

    def files(self, origin: Origin) -> Files:
        """What COPY --from copies from."""
        if origin.context is not None and not _is_image(origin.context):
            return self._folder(origin.context)
        return self._image(origin).files

    def _image(self, origin: Origin) -> Built:
        platform = origin.platform or self._platform
        name = origin.context or origin.image or SCRATCH
        if (name, platform) not in self._images:
            self._images[name, platform] = self._found(name, platform, strict=self._strict or bool(origin.platform))
        return self._images[name, platform]

    def _found(self, name: str, platform: str, *, strict: bool) -> Built:
        if name == SCRATCH:
            return Built(LayeredFiles([]), [], Settings.empty(platform), {})
        if name.startswith(_LAYOUT):
            image = self._from_layout(name.removeprefix(_LAYOUT), platform)
        else:
            image = self._pulled(name.removeprefix(_IMAGE), platform)
        return self._read(name, image, platform, strict=strict)

    def _pulled(self, name: str, platform: str) -> Descriptor:
        from pipelinegen.edge.registry.download import pull_image

        return pull_image(self._registry(), parse(name), self._around.layout, platform, self._around.tell)

    def _from_layout(self, text: str, platform: str) -> Descriptor:
        """FOLDER, or FOLDER@DIGEST: the image, its blobs beside ours."""
        folder, _, digest = text.partition("@")
        theirs = Layout(Path(os.path.join(self._root, folder)))
        root = theirs.root()
        if digest and digest != root.digest:
            raise InputError(f"the layout is about {root.digest}, not {digest}", id="bad-image", where=folder)
        images = {image.platform or "": image for image in theirs.images()}
        name = choose(platform, images) if is_index(root.media_type) else next(iter(images), None)
        if name is None:
            raise InputError(f"the layout has no image for {platform}", id="bad-platform", where=folder)
        image = images[name]
        config = theirs.config_descriptor(image.digest)
        for each in (image.digest, config.digest, *(layer.digest for layer in theirs.layers(image.digest))):
            self._adopt(theirs.blob(each), each)
        return image

    def _adopt(self, path: Path, digest: str) -> None:
        if self._around.layout.has(digest):
            return
        target = self._around.layout.folder.joinpath("blobs", *digest.split(":"))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)

    def _read(self, name: str, image: Descriptor, platform: str, *, strict: bool) -> Built:
        layout = self._around.layout
        config = layout.config(image.digest)
        layers = [layer._replace(media_type=as_oci(layer.media_type)) for layer in layout.layers(image.digest)]
        settings = Settings(config)
        said = platform_of(config)
        if strict and said and choose(platform, [said]) is None:
            raise InputError(
                f"the image is for {said}, and the build for {platform}",
                id="bad-platform",
                where=name,
                next="take a base for this platform, or say FROM --platform=...",
            )
        if config.get("os") == "windows" or any(is_foreign(layer.media_type) for layer in layers):
            raise InputError("the built-in engine builds images for Linux only", id="engine-lacks", where=name)
        if len(settings.content["rootfs"]["diff_ids"]) != len(layers):
            raise WorldError("the image has not as many layers as its configuration", id="layout-broken", where=name)
        return Built(LayeredFiles([layout.blob(layer.digest) for layer in layers]), layers, settings, {})

    def _folder(self, value: str) -> Context:
        if "://" in value or value.startswith("git@"):
            raise InputError(
                f"the built-in engine fetches nothing: the context {value} has to be a folder",
                id="engine-lacks",
                next=WAYS_OUT,
            )
        folder = Path(os.path.join(self._root, value))
        return Context(folder, ignored_in(folder), self._around.seconds)

    def _of_folder(self, value: str) -> Built:
        """FROM a folder: an image that holds its files."""
        built = Built(LayeredFiles([]), [], Settings.empty(self._platform), {})
        layer = Layer(built.files, self._around.seconds, self._around.scratch / "layer")
        Copying(layer).copy(self._folder(value), "/", "/")
        if not layer:
            layer.drop()
            return built
        packed = layer.write(self._around.layout)
        built.layers.append(packed.descriptor)
        built.settings.note(self._around.created, f"FROM {value}", diff_id=packed.diff_id)
        return built


def _is_image(context: str) -> bool:
    return context.startswith((_LAYOUT, _IMAGE))
