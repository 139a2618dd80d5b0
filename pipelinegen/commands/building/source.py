"""What the images are built from: the commit, its branch or tag, and what is known of its repository."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from pipelinegen.commands.building.asked import METADATA_FILE, BuildOptions, Wanted
from pipelinegen.edge.ci import DOTENV, CiContext, read_ci, web_url
from pipelinegen.edge.ci_event import CiEvent, read_event
from pipelinegen.edge.git.application import Application, Head
from pipelinegen.errors import InputError
from pipelinegen.images.tag_rules import BRANCH, TAG, Event
from pipelinegen.images.versions import semver


class Source(NamedTuple):
    """`event` is what tag rules see. `revision` and `url` go into metadata and labels; the revision is None where the
    files are not those of a commit, and `changed` is one that differs. `head`: the ref of the remote whose newest
    commit moving tags follow. `created`: the time that the images carry, the same for the same commit."""

    event: Event
    ci: CiContext
    application: Application
    url: str | None = None
    revision: str | None = None
    changed: str | None = None
    created: datetime = datetime(1970, 1, 1, tzinfo=timezone.utc)
    head: str | None = None
    fork: bool = False
    title: str | None = None
    description: str | None = None
    licenses: str | None = None


def source_of(options: BuildOptions, folder: Path, project: str | None, images: Sequence[Wanted]) -> Source:
    """What is built here: as the CI system says, else as git does."""
    ci, told = read_ci(os.environ), read_event(os.environ)
    application = Application(str(folder))
    head = application.head()
    changed = None
    if ci.kind == "none":
        told = _local(application, head)
        paths = [os.path.relpath(path, folder) for image in images for path in (image.context, image.dockerfile)]
        ours = [os.path.relpath(path, os.path.abspath(folder)) for path in own_files(options)]
        changed = application.changed(paths, [path for path in ours if not path.startswith("..")]) if head else None
    revision = options.source_revision or (None if changed else ci.revision or (head.revision if head else None))
    now = datetime.now(timezone.utc)
    committed = head.committed if head and not changed else now
    return Source(
        event=Event(told.ref, revision, told.schedule, told.default_branch, told.base_ref, now, committed),
        ci=ci,
        application=application,
        url=options.source_url or ci.source_url or web_url(application.origin()),
        revision=revision,
        changed=changed,
        created=_source_date(os.environ.get("SOURCE_DATE_EPOCH")) or committed,
        head=told.head or (told.ref if told.ref.startswith(BRANCH) else None),
        fork=told.fork,
        title=told.title or project,
        description=told.description,
        licenses=told.licenses,
    )


def _local(application: Application, head: Head | None) -> CiEvent:
    """The branch at hand, else the highest tag of the commit that is checked out."""
    if head is None:
        return CiEvent()
    default = application.default_branch()
    if head.branch:
        return CiEvent(ref=BRANCH + head.branch, default_branch=default)
    versions = [(version.precedence, tag) for tag in head.tags if (version := semver(tag)) is not None]
    tag = max(versions)[1] if versions else next(iter(head.tags), "")
    return CiEvent(ref=TAG + tag if tag else "", default_branch=default)


def own_files(options: BuildOptions) -> frozenset[str]:
    """The files and folders that we write ourselves, with their whole paths: no inputs of an image."""
    written = [options.metadata_file or METADATA_FILE, DOTENV, *([options.junit] if options.junit else [])]
    return frozenset(os.path.abspath(os.path.join(options.directory, path)) for path in written)


def _source_date(text: str | None) -> datetime | None:
    """https://reproducible-builds.org/specs/source-date-epoch/"""
    if not text:
        return None
    if re.fullmatch("[0-9]{1,11}", text) is None:
        raise InputError(
            "this is not a number of seconds", id="bad-config", where="SOURCE_DATE_EPOCH", next="unset it, or mend it"
        )
    return datetime.fromtimestamp(int(text), timezone.utc)
