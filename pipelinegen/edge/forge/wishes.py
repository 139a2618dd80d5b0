"""Labels, reviewers, assignees and a milestone: asked for one kind at a time, read back, and never a reason to fail."""

from __future__ import annotations

from collections.abc import Callable

from pipelinegen.edge.forge.port import TRIES, BackOff, Forge, PullRequest, Rejected, Unmet, Wishes
from pipelinegen.edge.http import AnswerLost
from pipelinegen.errors import NotPermitted, PipelinegenError

Ask = Callable[[int, str, tuple[str, ...]], None]


def grant(forge: Forge, pull: PullRequest, wishes: Wishes, ask: Ask, back_off: BackOff) -> tuple[Unmet, ...]:
    """Ask for what is missing until it is there or was refused. What is already there costs no request."""
    refused: dict[str, str] = {}
    for attempt in range(1, TRIES + 1):
        missing = [(wish, values) for wish, values in wishes.missing(pull).each() if wish not in refused]
        if not missing:
            break
        lost = _ask_each(pull.number, missing, ask, refused)
        pull = forge.get(pull.number)
        if lost is None:
            break
        if attempt < TRIES:
            back_off(attempt, lost, TRIES)
        elif wishes.missing(pull).each():
            raise lost
    left = wishes.missing(pull)
    return tuple(
        Unmet(f"{wish} {', '.join(values)}", refused.get(wish, "the forge did not take it"))
        for wish, values in left.each()
    )


def _ask_each(
    number: int, missing: list[tuple[str, tuple[str, ...]]], ask: Ask, refused: dict[str, str]
) -> AnswerLost | None:
    """One request for each kind; for each reviewer one of its own, since one that is unknown sinks all of them."""
    lost = None
    for wish, values in missing:
        for group in [(value,) for value in values] if wish == "reviewers" else [values]:
            lost = _ask_one(number, wish, group, ask, refused) or lost
    return lost


def _ask_one(number: int, wish: str, values: tuple[str, ...], ask: Ask, refused: dict[str, str]) -> AnswerLost | None:
    try:
        ask(number, wish, values)
    except AnswerLost as lost:
        return lost
    except (Rejected, NotPermitted) as no:
        if no.id in ("bad-token", "expired"):
            raise
        refused[wish] = _words(no)
    return None


def _words(no: PipelinegenError) -> str:
    said = " ".join(no.details) or no.what
    return f"{said} ({no.next})" if isinstance(no, NotPermitted) and no.next else said
