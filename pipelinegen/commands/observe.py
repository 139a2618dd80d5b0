"""`pipelinegen observe`: wait until a change is merged and the agent has reported it, without a cluster credential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelinegen.commands import connect as connecting
from pipelinegen.commands.asked import BumpOptions, configuration, repository_of, selection_of, url_of
from pipelinegen.commands.connect import Connection, Place, connect
from pipelinegen.commands.history import another_copy
from pipelinegen.commands.holding import Change, LaterCommit
from pipelinegen.commands.settings import deliveries
from pipelinegen.commands.subjects import Asked, ObserveOptions, asked_for
from pipelinegen.commands.verdict import Wanted, wanted_statuses
from pipelinegen.commands.watch import Patience, Watch
from pipelinegen.edge.git.remote import RemoteRepository
from pipelinegen.errors import InputError, NotPermitted, PipelinegenError, Refused, WorldError
from pipelinegen.manifests.finding import Selection
from pipelinegen.report import Report

if TYPE_CHECKING:
    from pipelinegen.config import Config
    from pipelinegen.edge.forge.port import Forge

SCHEMA = "pipelinegen.observe/1"
TIMEOUT, INTERVAL = 600.0, 10.0
# Requests of the last look may still be answered.
_SLACK = 120.0
_RESULTS = {"closed-unmerged": "closed", "agent-failed": "failed", "timed-out": "timed-out", "replaced": "replaced"}


def run(options: ObserveOptions, report: Report) -> int:
    """The exit code: 0 healthy, 1 not. Raises PipelinegenError for what is no answer."""
    config = configuration(options.directory)
    asked = asked_for(options)
    settings = _settings(options, asked, config)
    if not asked.subjects:
        report.say("nothing was delivered, so there is nothing to observe")
        report.document(_document("nothing", settings.environment, []))
        return 0
    with connect(settings.place, report, with_forge=True, seconds=settings.seconds + _SLACK) as connection:
        forge = _with_statuses(connection.forge)
        timing = connecting.PATIENCE.timing
        patience = Patience(timing, timing.now() + settings.seconds, settings.interval)
        watches = [Watch(subject, forge, settings.wanted, patience, report) for subject in asked.subjects]
        return _watch(watches, connection, settings, report)


class _Settings(NamedTuple):
    """Where to look, for what, and how long (seconds)."""

    place: Place
    environment: str | None
    selection: Selection
    wanted: Wanted
    seconds: float
    interval: float


def _settings(options: ObserveOptions, asked: Asked, config: Config | None) -> _Settings:
    known = config.manifests.environments if config else {}
    environment = options.env or (asked.environment if asked.environment in known else None)
    common = BumpOptions(
        directory=options.directory,
        env=(environment,) if environment else (),
        repo=options.repo,
        base=options.base,
        forge=options.forge,
        forge_url=options.forge_url,
    )
    selection = selection_of(common, config)  # refuses an environment that is not there
    settled = deliveries(common._replace(repo=options.repo or "."), config)[0]
    observed = known[environment].observe if environment else None
    named = (observed.status,) if observed and observed.status else ()
    timeout = observed.timeout.total_seconds() if observed and observed.timeout is not None else TIMEOUT
    return _Settings(
        Place(url_of(repository_of(common, config)), settled.forge, settled.forge_url, settled.base),
        environment,
        selection,
        wanted_statuses(options.status or named, environment, known),
        _seconds("--timeout", options.timeout, timeout),
        max(1.0, _seconds("--interval", options.interval, INTERVAL)),
    )


def _seconds(option: str, text: str | None, default: float) -> float:
    if text is None:
        return default
    from pipelinegen.config.rules import duration, duration_problem

    if problem := duration_problem(text):
        raise InputError(problem, id="bad-config", where=option)
    return duration(text).total_seconds()


def _with_statuses(forge: Forge | None) -> Forge:
    if forge is None or forge.address.kind == "none":
        raise InputError(
            "without a forge there is no pull request and no commit status to observe",
            id="bad-config",
            where="--forge",
            next="give --forge github or gitlab",
        )
    return forge


def _watch(watches: Sequence[Watch], connection: Connection, settings: _Settings, report: Report) -> int:
    """Watch one after the other, all within one time; the first failure is the answer."""
    observed = [_observed(watch, connection, settings, report) for watch in watches]
    result = next((each["result"] for each in observed if each["result"] != "healthy"), "healthy")
    report.document(_document(result, settings.environment, observed))
    return 0 if result == "healthy" else Refused.exit_code


def _observed(watch: Watch, connection: Connection, settings: _Settings, report: Report) -> dict[str, Any]:
    try:
        commit = watch.until_merged()
        with _Later(watch, connection, settings, commit, report) as later:
            watch.until_reported(commit, later)
    except Refused as error:
        report.error(error)
        return {**watch.data(_RESULTS[error.id]), "error": error.data()}
    report.say(f"{commit[:12]} is healthy")
    return watch.data("healthy")


class _Later:
    """The commits of the branch after ours; ours alone as long as git does not tell. Use it in a `with` block."""

    def __init__(self, watch: Watch, connection: Connection, settings: _Settings, commit: str, report: Report) -> None:
        self._forge = watch.forge
        self._base = watch.pull.base_branch if watch.pull else settings.place.base
        self._here = connection.remote
        self._selection = settings.selection
        self._commit = commit
        self._report = report
        self._copy: RemoteRepository | None = None
        self._change: Change | None = None
        self._told = False

    def __enter__(self) -> _Later:
        return self

    def __exit__(self, *error: object) -> None:
        if self._copy is not None:
            self._copy.__exit__(None, None, None)

    def __call__(self) -> list[LaterCommit]:
        base = self._base = self._base or self._forge.default_branch()
        tip = self._forge.tip(base)
        if tip is None or tip == self._commit:
            return [LaterCommit(self._commit, holds=True)]
        try:
            return self._opened(base).later(tip)
        except (WorldError, NotPermitted) as error:
            if not self._told:
                self._report.warn(f"commits after {self._commit[:12]} are not looked at: {error.what}")
                self._told = True
            return [LaterCommit(self._commit, holds=True)]

    def _opened(self, base: str) -> Change:
        if self._change is None:
            self._copy = self._copy or another_copy(self._here, base).__enter__()
            self._change = Change(self._copy, self._commit, self._selection)
        return self._change


def observe_error(error: PipelinegenError) -> dict[str, Any]:
    """The JSON document where nothing could be observed."""
    return {**_document("error", None, []), "error": error.data()}


def _document(result: str, environment: str | None, observed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"schema": SCHEMA, "result": result, "environment": environment, "observed": list(observed)}
