"""What a bump is asked for: options, then the configuration, to requests, a selection and a manifest repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipelinegen.errors import InputError
from pipelinegen.images.reference import ImageReference, InvalidReference, parse
from pipelinegen.manifests.finding import Selection, is_manifest
from pipelinegen.manifests.request import Request, request_of

if TYPE_CHECKING:
    from pipelinegen.config import Config
    from pipelinegen.images.metadata import BuiltImage

_METADATA_LIMIT = 5 * 1024 * 1024


class BumpOptions(NamedTuple):
    """The options of `bump`, as the command line gives them."""

    directory: str = "."
    references: tuple[str, ...] = ()
    from_file: tuple[str, ...] = ()
    repo: str | None = None
    base: str | None = None
    path: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    deliver: str | None = None
    dry_run: bool = False
    explain: bool = False
    pin_digest: bool | None = None
    verify_image: bool | None = None
    only_tag: str | None = None
    set_in_overlay: bool | None = None
    render: bool = False
    source_revision: str | None = None
    source_url: str | None = None
    allow_downgrade: bool | None = None
    allow_missing: bool = False
    include_managed: bool | None = None
    reopen: bool = False
    sign: bool | None = None
    max_files: int | None = None
    max_attempts: int | None = None
    exit_code: bool = False
    forge: str | None = None
    forge_url: str | None = None
    label: tuple[str, ...] = ()
    reviewer: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    milestone: str | None = None
    title: str | None = None
    body_file: str | None = None
    draft: bool | None = None
    auto_merge: bool | None = None
    squash: bool | None = None


def configuration(directory: str) -> Config | None:
    """The configuration of the application repository that `directory` is in, if there is one."""
    from pipelinegen.config import find, load

    path = find(directory)
    return load(path) if path else None


def requests_of(options: BumpOptions, config: Config | None, built: Sequence[BuiltImage] = ()) -> list[Request]:
    """One request for each image. Raises InputError for references that are invalid, incomplete or at odds."""
    references = [*(_reference(text, config) for text in options.references), *(image.reference for image in built)]
    if not references:
        raise InputError(
            "no image is given",
            id="bad-image",
            next="name one as REPOSITORY:TAG, or give --from with a build's metadata",
        )
    requests: dict[str, Request] = {}
    for reference in references:
        request = request_of(reference)
        if requests.setdefault(request.repository, request) != request:
            other = requests[request.repository]
            raise InputError(
                f"two versions of one image: {other.reference} and {request.reference}",
                id="bad-image",
                next="give each image once",
            )
    return list(requests.values())


def _reference(text: str, config: Config | None) -> ImageReference:
    name, equals, version = text.partition("=")
    if equals:
        text = f"{_configured_repository(name, config)}{'@' if ':' in version else ':'}{version}"
    try:
        reference = parse(text)
    except InvalidReference as error:
        raise InputError(
            f"{_without_user(text)} is not an image reference: {error.reason}",
            id="bad-tag" if "tag" in error.reason.split() else "bad-image",
            next="write REPOSITORY:TAG, REPOSITORY@DIGEST or REPOSITORY:TAG@DIGEST",
        ) from None
    if reference.tag is None and reference.digest is None:
        raise InputError(
            f"{text} names an image and no version of it", id="bad-image", next=f"write {text}:TAG or {text}@DIGEST"
        )
    return reference


def _without_user(text: str) -> str:
    """What stands before an `@` in front of the first slash may be a password."""
    first, slash, rest = text.partition("/")
    return _shown(f"…@{first.rpartition('@')[2]}/{rest}" if slash and "@" in first else text)


def _configured_repository(name: str, config: Config | None) -> str:
    images: Mapping[str, object] = config.images if config else {}
    image = config.images.get(name) if config else None
    if image is not None:
        return str(image.repository)
    if config is None:
        raise InputError(
            f"{name}=TAG names an image of pipelinegen.yaml, and there is none here",
            id="bad-image",
            next="write REPOSITORY:TAG, or run it in the application repository (-C DIR)",
        )
    raise InputError(
        f"pipelinegen.yaml has no image {_shown(name)}",
        id="bad-image",
        where=config.where("images"),
        next=_one_of("it has", images),
    )


def built_images(options: BumpOptions) -> list[BuiltImage]:
    """The images that the metadata files of `--from` say were built."""
    return [image for name in options.from_file for image in _built(os.path.join(options.directory, name))]


def _built(path: str) -> list[BuiltImage]:
    from pipelinegen.images.metadata import references

    try:
        with open(path, "rb") as file:
            data = file.read(_METADATA_LIMIT)
    except OSError as error:
        raise InputError(
            f"cannot read the build's metadata: {(error.strerror or str(error)).lower()}",
            id="bad-metadata",
            where=path,
            next="give the file that the build wrote",
        ) from None
    return references(data, path)


def selection_of(options: BumpOptions, config: Config | None) -> Selection:
    """Which files and references count."""
    environments = config.manifests.environments if config else {}
    for name in options.env:
        if name not in environments:
            raise InputError(
                f"pipelinegen.yaml has no environment {_shown(name)}"
                if config
                else "there is no pipelinegen.yaml here",
                id="bad-config",
                where=config.where("manifests.environments") if config else None,
                next=_one_of("it has", environments) if config else "--env names an environment of it; use --path",
            )
    chosen = {name: environments[name].paths for name in options.env or environments}
    text_files = config.manifests.text_files if config else ()
    return Selection(
        selects=_selects(options, chosen),
        text_file=_matcher(text_files),
        environment=_environment(chosen),
        only_tag=options.only_tag,
        include_managed=bool(options.include_managed),
        allow_downgrade=bool(options.allow_downgrade),
        explain=options.explain,
    )


def _selects(options: BumpOptions, chosen: Mapping[str, Sequence[str]]) -> Callable[[str], bool]:
    """--path and --env narrow each other."""
    by_path = _matcher(options.path) if options.path else None
    by_environment = _environment(chosen) if options.env else None
    if by_path is None and by_environment is None:
        return bool
    return lambda path: (
        (by_path is None or by_path(path)) and (by_environment is None or by_environment(path) is not None)
    )


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    if not patterns:
        return _none
    from pipelinegen.manifests.select import matcher

    return matcher(patterns)


def _environment(chosen: Mapping[str, Sequence[str]]) -> Callable[[str], str | None]:
    if not chosen:
        return _no_environment
    from pipelinegen.manifests.select import environment_of

    return environment_of(chosen)


def _none(path: str) -> bool:
    return not path


def _no_environment(path: str) -> str | None:
    del path
    return None


def candidate(selection: Selection) -> Callable[[str], bool]:
    """Which files are worth a search."""
    if selection.text_file is _none:
        return is_manifest
    return lambda path: is_manifest(path) or selection.text_file(path)


def repository_of(options: BumpOptions, config: Config | None) -> str:
    """A URL, or the folder of a checkout: the option's, else the configuration's, else the current one."""
    if options.repo is not None:
        return options.repo if is_remote(options.repo) else os.path.join(options.directory, options.repo)
    configured = config.manifests.repository if config else None
    if config is None or configured is None:
        return options.directory
    return configured if is_remote(configured) else os.path.join(config.folder, configured)


def is_remote(repository: str) -> bool:
    """Whether this is a URL (also `git@host:path`) and no folder."""
    if "://" in repository:
        return True
    before, colon, _ = repository.partition(":")
    return bool(colon) and "/" not in before and not os.path.exists(repository)


def url_of(repository: str) -> str:
    """The URL to push to: a bare repository's own, or the `origin` of a checkout, which itself is not touched."""
    if is_remote(repository):
        return repository
    from pipelinegen.edge.process import capture

    folder = os.path.abspath(repository)
    bare = capture(["git", "-C", folder, "rev-parse", "--is-bare-repository"]).stdout.strip() == b"true"
    if bare:
        return f"file://{folder}"
    origin = capture(["git", "-C", folder, "remote", "get-url", "--push", "origin"])
    if origin.returncode != 0:
        raise InputError(
            "this checkout has no remote `origin` to push to",
            id="bad-url",
            where=repository,
            next="give --repo URL, or --deliver commit",
        )
    url = os.fsdecode(origin.stdout).strip()
    return f"file://{os.path.join(folder, url)}" if not is_remote(url) else url


def _one_of(words: str, names: Mapping[str, object]) -> str:
    return f"{words} {', '.join(names)}" if names else f"{words} none"


def _shown(text: str) -> str:
    """A text of the user's as it may be printed: control characters and what is not ASCII as escapes."""
    printable = text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
    return printable if len(printable) <= 200 else f"{printable[:200]}…"
