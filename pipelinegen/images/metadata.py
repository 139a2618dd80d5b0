"""What a build has made: the metadata files of the common image builders, recognised by their content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeGuard

from pipelinegen.errors import InputError
from pipelinegen.images.reference import ImageReference, InvalidReference, is_digest, is_tag, parse
from pipelinegen.images.versions import semver

_SCHEMA = "pipelinegen.build/1"
_KNOWN = (
    "give the metadata of one of: pipelinegen build; docker buildx build or bake --metadata-file; "
    "skaffold build --file-output; ko build --image-refs; kaniko --image-name-tag-with-digest-file; "
    "jib (jib-image.json); werf build --save-build-report"
)
_DEPTH = 12


class BuiltImage(NamedTuple):
    """One image that a build has made. `origin` is the format of the file and the image's name in it."""

    reference: ImageReference
    source_revision: str | None
    source_url: str | None
    created: str | None
    origin: str


class _Broken(Exception):
    """The file is not as its format says; `advice` is what helps."""

    def __init__(self, what: str, advice: str = _KNOWN) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


def references(data: bytes, name: str) -> list[BuiltImage]:
    """The images that the metadata file `name` speaks of, at least one, in its order. Raises InputError."""
    try:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _Broken(f"it is not UTF-8 text (byte {error.start})") from None
        if not text.strip():
            raise _Broken("it is empty: has the build failed?")
        found = _read_json(text) if text.lstrip().startswith("{") else _read_lines(text)
        images: dict[ImageReference, BuiltImage] = {}
        for image in found:
            images.setdefault(image.reference, image)
        if not images:
            raise _Broken("it names no image")
    except _Broken as broken:
        raise InputError(broken.what, id="bad-metadata", where=name, next=broken.advice) from None
    return list(images.values())


def _read_json(text: str) -> Iterator[BuiltImage]:
    import json

    try:
        document = json.loads(text)
    except RecursionError:
        raise _Broken("its JSON is nested too deeply") from None
    except ValueError as error:
        raise _Broken(f"it is not valid JSON, or not all of it: {error}") from None
    if isinstance(document.get("schema"), str):
        return _read_ours(document)
    for key, reader in (("builds", _read_skaffold), ("Images", _read_werf), ("imageDigest", _read_jib)):
        if key in document:
            return reader(document)
    return _read_buildx(document)


def _read_ours(document: dict[str, Any]) -> Iterator[BuiltImage]:
    if document["schema"] != _SCHEMA:
        raise _Broken(f"its schema is {_label(document['schema'])}, and {_SCHEMA} is what this version reads")
    for at, record in _records(document.get("images"), "images"):
        tag, digest = _text(record, "tag", at), _text(record, "digest", at)
        source = record.get("source") or {}
        if not _is_object(source):
            raise _Broken(f"{at}.source is not an object")
        yield BuiltImage(
            _joined(_required(record, "repository", at), tag, digest, at),
            _revision(_text(source, "revision", f"{at}.source")),
            _url(_text(source, "url", f"{at}.source")),
            _time(_text(record, "created", at)),
            f"pipelinegen build: {_label(_text(record, 'name', at) or '?')}",
        )


def _read_skaffold(document: dict[str, Any]) -> Iterator[BuiltImage]:
    """`skaffold build --file-output`: `tag` is a whole reference."""
    for at, record in _records(document["builds"], "builds"):
        reference = _parsed(_required(record, "tag", at), f"{at}.tag")
        # Without a push the tag is the image's ID (GoogleContainerTools/skaffold#4766, #8759).
        if reference.digest is None and re.fullmatch("[0-9a-f]{64}", reference.tag or ""):
            raise _Broken(f"{at}.tag is the ID of an image that was not pushed", "run skaffold build with --push")
        yield BuiltImage(reference, None, None, None, f"skaffold: {_label(_text(record, 'imageName', at) or '?')}")


def _read_jib(document: dict[str, Any]) -> Iterator[BuiltImage]:
    tags = document.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) and is_tag(tag) for tag in tags):
        raise _Broken("tags is not a list of tags")
    image = _parsed(_required(document, "image", ""), "image", complete=False)
    # A build into Docker's own store or into a tar file: the registry will give another digest. (Since jib 3.3.)
    digest = _text(document, "imageDigest", "") if document.get("imagePushed", True) is True else None
    tag = _most_exact([image.tag, *tags] if image.tag else tags)
    yield BuiltImage(_joined(image.repository, tag, digest, "imageDigest"), None, None, None, "jib")


def _read_werf(document: dict[str, Any]) -> Iterator[BuiltImage]:
    images = document["Images"]
    if not _is_object(images):
        raise _Broken("Images is not an object")
    for name, record in images.items():
        at = f"Images.{_label(name)}"
        if not _is_object(record):
            raise _Broken(f"{at} is not an object")
        if record.get("Final") is False:
            continue
        yield _werf_image(_required(record, "DockerImageName", at), record.get("DockerImageDigest"), name)._replace(
            source_revision=_revision(record.get("Commit"))
        )


def _read_werf_variables(lines: list[str]) -> Iterator[BuiltImage]:
    """The envfile report: WERF_<NAME>_DOCKER_IMAGE_NAME=REPOSITORY:TAG, in newer versions more beside it."""
    variables = dict(line.partition("=")[::2] for line in lines)
    for key, value in variables.items():
        prefix = key.removesuffix("DOCKER_IMAGE_NAME")
        if prefix != key and variables.get(f"{prefix}FINAL") != "false":
            name = variables.get(f"{prefix}WERF_IMAGE_NAME", prefix)
            yield _werf_image(value, variables.get(f"{prefix}DOCKER_IMAGE_DIGEST"), name)


def _werf_image(reference: str, digest: object, name: str) -> BuiltImage:
    if digest == "":
        raise _Broken(f"{_label(name)} is only in werf's local storage", "run werf build with --repo")
    image = _parsed(reference, f"DockerImageName of {_label(name)}")
    if digest is not None:
        image = _joined(image.repository, image.tag, str(digest), f"DockerImageDigest of {_label(name)}")
    return BuiltImage(image, None, None, None, f"werf: {_label(name)}")


def _read_buildx(document: dict[str, Any]) -> Iterator[BuiltImage]:
    """`docker buildx build` and `imagetools create` write one result, `bake` an object of results by target."""
    if _is_result(document):
        results = [("docker buildx", document)]
    else:
        targets = ((name, value) for name, value in document.items() if _is_object(value) and _is_result(value))
        results = [(f"docker buildx bake: {_label(name)}", value) for name, value in targets]
    named = [(origin, result) for origin, result in results if result.get("image.name")]
    if not named:
        levels = [document, *filter(_is_object, document.values())]
        if results or any(key.startswith("buildx.build.") for level in levels for key in level):
            raise _Broken("the build has made no image with a name", "run docker buildx with --tag and --push")
        raise _Broken("it is no build metadata that is known here")
    for origin, result in named:
        digest = _manifest_digest(result)
        names = [part.strip() for part in _required(result, "image.name", origin).split(",")]
        built = [_parsed(part, f"{origin}: image.name", complete=False) for part in names if part]
        revision, url = _source(value for key, value in result.items() if key.startswith("buildx.build.provenance"))
        for repository, tags in _by_repository(built).items():
            reference = _joined(repository, _most_exact(tags), digest, f"{origin}: image.name")
            yield BuiltImage(reference, revision, url, _created(result), origin)


def _is_result(value: dict[str, Any]) -> bool:
    return any(key == "image.name" or key.startswith("containerimage.") for key in value)


def _manifest_digest(result: dict[str, Any]) -> str | None:
    """The digest under which a registry knows the image, None where only that of its configuration is told.

    With the docker driver and no push, `containerimage.digest` is the image's ID (docker/buildx#975,
    docker/build-push-action#461). It is one where it equals the configuration's digest, and it may be one where
    neither that digest nor a descriptor stands beside it.
    """
    descriptor = result.get("containerimage.descriptor")
    described = descriptor.get("digest") if _is_object(descriptor) else None
    digest = result.get("containerimage.digest", described)
    config = result.get("containerimage.config.digest")
    if not isinstance(digest, str) or digest == config or (config is None and digest != described):
        return None
    return digest


def _read_lines(text: str) -> Iterator[BuiltImage]:
    """One reference a line: ko --image-refs, kaniko --image-name(-tag)-with-digest-file. Or werf's variables."""
    numbered = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    numbered = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    if numbered and all(re.match("[A-Z0-9_]+=", line) for _, line in numbered):
        yield from _read_werf_variables([line for _, line in numbered])
        return
    if is_digest(text.strip()):
        raise _Broken(
            "it holds a digest and no name",
            "kaniko: use --image-name-tag-with-digest-file instead of --digest-file; "
            "docker buildx: use --metadata-file instead of --iidfile",
        )
    built = [_parsed(line, f"line {number}") for number, line in numbered]
    for repository in _by_repository(built):
        same = [reference for reference in built if reference.repository == repository]
        yield BuiltImage(_one_of(same), None, None, None, "image references")


def _one_of(same: list[ImageReference]) -> ImageReference:
    """The reference that several lines of one repository mean."""
    tags = [reference.tag for reference in same if reference.tag is not None]
    first = same[0]
    if len({reference.digest for reference in same}) > 1:
        # ko lists an index and then the image of every platform, none with a tag (cosign's walk calls parents first).
        if tags:
            raise _Broken(f"it names {first.repository} with different digests", "give the file of one build")
        return first
    if first.digest is None and len(set(tags)) > 1:
        raise _Broken(f"it names {first.repository} with different tags", "give the file of one build")
    return first._replace(tag=_most_exact(tags))


def _by_repository(built: Iterable[ImageReference]) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for reference in built:
        tags.setdefault(reference.repository, []).extend([reference.tag] if reference.tag else [])
    return tags


def _most_exact(tags: list[str]) -> str | None:
    """Of the tags of one image the one that moves least: 1.2.3 before sha-1a2b3c4 before 1.2 before main, latest."""

    def movement(tag: str) -> int:
        if semver(tag) is not None:
            return 0
        if re.fullmatch(r"v?\d+(\.\d+)?", tag):
            return 2
        return 1 if re.search(r"\d", tag) else 4 if tag == "latest" else 3

    return min(tags, key=movement, default=None)


def _parsed(text: str, at: str, *, complete: bool = True) -> ImageReference:
    """The reference, unless it says no version. The text is not quoted: it may hold a password."""
    try:
        reference = parse(text)
    except InvalidReference as error:
        raise _Broken(f"{at}: {error.reason}") from None
    if complete and reference.tag is None and reference.digest is None:
        raise _Broken(f"{at}: {reference} has neither a tag nor a digest")
    return reference


def _joined(repository: str, tag: str | None, digest: str | None, at: str) -> ImageReference:
    tail = ("" if tag is None else f":{tag}") + ("" if digest is None else f"@{digest}")
    reference = _parsed(repository + tail, at)
    if (reference.tag, reference.digest) != (tag, digest):
        raise _Broken(f"{at}: a repository holds no tag and no digest")
    return reference


def _records(value: object, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(value, list):
        raise _Broken(f"{key} is not a list")
    for index, record in enumerate(value):
        if not _is_object(record):
            raise _Broken(f"{key}[{index}] is not an object")
        yield f"{key}[{index}]", record


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _required(record: dict[str, Any], key: str, at: str) -> str:
    value = _text(record, key, at)
    if not value:
        raise _Broken(f"{at}.{key} is missing" if at else f"{key} is missing")
    return value


def _text(record: dict[str, Any], key: str, at: str) -> str | None:
    value = record.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _Broken(f"{at}.{key} is not text" if at else f"{key} is not text")


def _label(name: str) -> str:
    """A name of the file's own as it may be shown."""
    return name[:80] if name.isprintable() else ascii(name[:80])


def _created(result: dict[str, Any]) -> str | None:
    descriptor = result.get("containerimage.descriptor")
    annotations = descriptor.get("annotations") if _is_object(descriptor) else None
    created = annotations.get("org.opencontainers.image.created") if _is_object(annotations) else None
    return _time(created)


def _source(provenances: Iterable[object]) -> tuple[str | None, str | None]:
    """Revision and URL of the source, from the first provenance that tells them."""
    for provenance in provenances:
        for revision, url in _sources(provenance, _DEPTH):
            if revision is not None:
                return revision, url
    return None, None


def _sources(value: object, depth: int) -> Iterator[tuple[str | None, str | None]]:
    """Where BuildKit tells the source: SLSA 0.2 and 1, a local context (vcs) and a remote one (configSource)."""
    if isinstance(value, dict) and depth:
        vcs, config = value.get("vcs"), value.get("configSource")
        if _is_object(vcs):
            yield _revision(vcs.get("revision")), _url(vcs.get("source"))
        if "vcs:revision" in value:
            yield _revision(value["vcs:revision"]), _url(value.get("vcs:source"))
        if _is_object(config) and _is_object(config.get("digest")):
            yield _revision(config["digest"].get("sha1")), _url(config.get("uri"))
        for inner in value.values():
            yield from _sources(inner, depth - 1)


def _revision(value: object) -> str | None:
    """A commit. What buildx marks as `-dirty` is none: it was built from something that no commit holds."""
    return value if isinstance(value, str) and re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", value) else None


def _url(value: object) -> str | None:
    """A repository's address without user, password, query and ref; None for what is no such address."""
    if not isinstance(value, str) or re.fullmatch("[!-~]+", value) is None:
        return None
    address = re.sub(r"^([a-z][a-z0-9+.-]*://)[^/]*@", r"\1", re.split("[?#]", value)[0])
    # What is left of a password with a slash in it.
    return None if "://" in address and "@" in address else address or None


def _time(value: object) -> str | None:
    """A time as RFC 3339 has it: builders write nothing else, and it goes into a commit's trailer."""
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return value if isinstance(value, str) and re.fullmatch(form, value, re.ASCII) else None
