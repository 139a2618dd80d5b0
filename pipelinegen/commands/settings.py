"""Options, then the environment's settings, then those of all manifests: one set of options for each delivery."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipelinegen.commands.asked import BumpOptions
from pipelinegen.commands.order import How, Wanted
from pipelinegen.errors import InputError

if TYPE_CHECKING:
    from pipelinegen.config import Config

MAX_ATTEMPTS = 10

# An option and the key of the configuration that speaks where it is absent.
_ONE = {
    name: name
    for name in (
        *("deliver", "base", "title", "body_file", "milestone", "draft", "auto_merge", "squash", "sign", "pin_digest"),
        *("verify_image", "only_tag", "set_in_overlay", "include_managed", "allow_downgrade"),
    )
}
_MANY = {"label": "labels", "reviewer": "reviewers", "assignee": "assignees"}
_SHARED = {name: name for name in ("forge", "forge_url", "max_files", "max_attempts")}


def deliveries(options: BumpOptions, config: Config | None) -> list[BumpOptions]:
    """The options of each delivery: one for each environment that was asked for, or one without."""
    if config is None:
        return [options]
    names: list[str | None] = list(options.env)
    if not names and options.repo is None:
        names = list(config.manifests.environments)
    return [_settled(options, config, name) for name in names or [None]]


def _settled(options: BumpOptions, config: Config, environment: str | None) -> BumpOptions:
    own = config.manifests.delivery(environment)
    values = {option: getattr(own, key) for option, key in {**_ONE, **_MANY}.items()}
    values |= {option: getattr(config.manifests, key) for option, key in _SHARED.items()}
    absent = {
        option: value
        for option, value in values.items()
        if value is not None and getattr(options, option) in {None, ()}
    }
    if "body_file" in absent:
        absent["body_file"] = os.path.join(config.folder, str(absent["body_file"]))
    return options._replace(env=(environment,) if environment else (), **absent)


def how_far(options: BumpOptions) -> How:
    """How a remote repository is changed. Raises InputError for a way that needs a checkout."""
    how = options.deliver or "pull-request"
    if how in {"push", "pull-request"}:
        return "push" if how == "push" else "pull-request"
    raise InputError(
        f"--deliver {how} needs a checkout, and the manifest repository is a URL",
        id="bad-path",
        next="give --repo a checkout, or --deliver push or pull-request",
    )


def wanted(options: BumpOptions) -> Wanted:
    """What is asked of the pull request."""
    return Wanted(
        title=options.title,
        body=_text(options),
        labels=options.label,
        reviewers=options.reviewer,
        assignees=options.assignee,
        milestone=options.milestone,
        draft=bool(options.draft),
        auto_merge=bool(options.auto_merge),
        squash=bool(options.squash),
        reopen=options.reopen,
    )


def _text(options: BumpOptions) -> str | None:
    if options.body_file is None:
        return None
    path = os.path.join(options.directory, options.body_file)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(
            f"cannot read the text for the pull request: {(reason or str(error)).lower()}", id="bad-path", where=path
        ) from None
