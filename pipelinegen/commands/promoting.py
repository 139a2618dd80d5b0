"""A promotion: what is taken from the first environment, and the plan for the second on whichever tip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipelinegen.commands.asked import BumpOptions, candidate, selection_of
from pipelinegen.commands.history import History
from pipelinegen.commands.judge import judge
from pipelinegen.commands.named import configured, repositories_of
from pipelinegen.commands.order import way_back
from pipelinegen.commands.planned import plan_of
from pipelinegen.commands.provenance import origins_of
from pipelinegen.commands.settings import deliveries
from pipelinegen.commands.superseded import concerning, rolled_back
from pipelinegen.errors import InputError, Refused
from pipelinegen.images.reference import parse
from pipelinegen.manifests.comparing import Difference, Differing, compare
from pipelinegen.manifests.inventory import inventory, places
from pipelinegen.manifests.near import nearest
from pipelinegen.manifests.plan import Plan, Skip
from pipelinegen.manifests.request import Request
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.tree import Tree
from pipelinegen.report import Report
from pipelinegen.trailers import Deployed

if TYPE_CHECKING:
    from pipelinegen.config import Config


class PromoteOptions(NamedTuple):
    """The options of `promote`, as the command line gives them; `common` are those that bump has, too."""

    source: str | None = None
    target: str | None = None
    images: tuple[str, ...] = ()
    allow_rolled_back: bool = False
    common: BumpOptions = BumpOptions()


class Promotion:
    """One promotion, a job. What it found is there once it is prepared."""

    action: Literal["promotion"] = "promotion"
    notes: tuple[str, ...] = ()
    undone: tuple[Deployed, ...] = ()

    def __init__(self, options: PromoteOptions, config: Config | None, report: Report) -> None:
        self.source, self.environment = _environments(options, config)
        self.source_selection = selection_of(BumpOptions(env=(self.source,)), config)
        asked = options.common._replace(env=(self.environment,))
        self.selection = selection_of(asked, config)
        self.options = deliveries(asked, config)[0]
        self.selection = selection_of(self.options, config)
        # An environment may be a branch; --base is meant for both.
        own = config.manifests.delivery(self.source).base if config else None
        self.source_branch = options.common.base or own
        self.named = repositories_of(options.images, config)
        self.wanted = self.named or configured(config)
        self.allow_rolled_back = options.allow_rolled_back
        self.report = report
        self.differences: list[Difference] = []
        self.requests: list[Request] = []
        self.origins: dict[str, Deployed] = {}
        self.superseded: tuple[Skip, ...] = ()

    @property
    def scope(self) -> tuple[str, ...]:
        """What tells its branch from others: where the versions come from, and the images that were named."""
        return (f"from-{self.source}", *self.named)

    def way_back(self, repository: str) -> str:
        return way_back(repository, self.environment, (), self.named)

    def prepare(self, tree: Tree, history: History) -> None:
        """Take the versions as they stand in the first environment now, and what is known of them."""
        if self.source_branch == self.options.base:
            self._take(tree, tree)
            messages = history.messages()
        else:
            with history.branch(self.source_branch) as (source, theirs):
                self._take(source, tree)
                messages = history.messages() + theirs.messages()
        self.requests = [each.request for each in self.differences if self._goes(each)]
        if not self.requests and not self.options.allow_missing:
            raise InputError(
                f"no image of {self.source} stands in {self.environment}",
                id="no-match",
                state="nothing was changed",
                next="correct the paths of the environments in pipelinegen.yaml; --allow-missing makes this no error",
            )
        self._learn(messages)

    def _take(self, source: Tree, target: Tree) -> None:
        """Compare what stands in the first environment with what stands in the second."""
        sources = Sources(source)
        standing = inventory(sources, self.source_selection, self.wanted or None, self._left_alone)
        here = sources if source is target else Sources(target)
        there = inventory(here, self.selection, {each.repository for each in standing})
        try:
            self.differences = compare(standing, there)
        except Differing as two:
            raise self._ambiguous(two) from None
        self._check(source)

    def plan(self, tree: Tree) -> Plan:
        """The plan for the second environment on a tip, judged."""
        late = {skip.file for skip in self.superseded}
        live = [request for request in self.requests if request.repository not in late]
        plan = plan_of(Sources(tree), live, self.options, self.selection) if live else Plan((), (), ())
        judge(plan, tree, self.options, self.selection)
        return plan._replace(superseded=self.superseded)

    def _left_alone(self, skip: Skip) -> None:
        self.report.warn(f"{skip.file}:{skip.line}:{skip.column}: not read in {self.source}: {skip.reason}")

    def _goes(self, difference: Difference) -> bool:
        """Whether an image is to stand in the second environment; where not, why is said."""
        name = parse(difference.repository).familiar
        if not difference.version:
            self.report.say(f"{name}: stands without a version in {self.source} ({places(difference.source)})")
            return False
        if not difference.target and not self.wanted:
            self.report.say(f"{name}: stands in {self.source} only")
            return False
        return True

    def _check(self, tree: Tree) -> None:
        """Raises InputError where there is nothing to take, and for each image that was named in vain."""
        there = {each.repository: each for each in self.differences}
        missing = [name for name in self.wanted if name not in there]
        if not there or (self.named and missing):
            raise self._nowhere(missing, tree)
        for name in missing:
            self.report.say(f"{parse(name).familiar}: does not stand in {self.source}")
        for name in self.named:
            if not there[name].version:
                raise InputError(
                    f"{parse(name).familiar} stands in {self.source} without a version",
                    id="no-match",
                    where=there[name].source[0].place,
                    state="nothing was changed",
                    next="give it a tag or a digest there first",
                )

    def _nowhere(self, names: Sequence[str], tree: Tree) -> InputError:
        listed = ", ".join(parse(name).familiar for name in names)
        near = [each for name in names for each in nearest(tree, name, candidate(self.source_selection))]
        return InputError(
            f"{listed} does not stand in {self.source}" if listed else f"no image stands in {self.source}",
            id="no-match",
            state="nothing was changed",
            next="correct the name, or the paths of the environment in pipelinegen.yaml",
            details=[f"{each.file}:{each.line} names {each.name}" for each in near],
        )

    def _ambiguous(self, two: Differing) -> Refused:
        name = parse(two.one.repository).familiar
        return Refused(
            f"{self.source} has two versions of {name}, and which one is meant is not known",
            id="versions-differ",
            where=two.one.place,
            state="nothing was changed",
            next=f"bring {self.source} to one version first, or name other images with --image",
            details=[f"{each.place}: {each.version}" for each in (two.one, two.other)],
        )

    def _learn(self, messages: Sequence[str]) -> None:
        """Read in the history what the versions were built from, and leave out what was rolled back on purpose."""
        self.origins = origins_of(self.requests, messages)
        if self.allow_rolled_back:
            return
        about = concerning(messages, self.environment)
        moving = {each.repository for each in self.differences if not each.same}
        late = [self._rolled_back(request, about) for request in self.requests if request.repository in moving]
        self.superseded = tuple(skip for skip in late if skip is not None)

    def _rolled_back(self, request: Request, messages: Sequence[str]) -> Skip | None:
        ours = self.origins.get(request.repository, Deployed(request.reference))
        found = rolled_back(request, ours, messages, self.options.directory)
        if found is None:
            return None
        reason = f"{found.reason} (in {self.environment})"
        hint = "--allow-rolled-back promotes it all the same"
        self.report.warn(f"{parse(request.repository).familiar}: left out: {reason}; {hint}")
        return Skip(request.repository, 0, 0, reason)


def _environments(options: PromoteOptions, config: Config | None) -> tuple[str, str]:
    """The two environments. Raises InputError where one is not given, or both are the same."""
    names = list(config.manifests.environments) if config else []
    known = f"pipelinegen.yaml has {', '.join(names)}" if names else "name environments and their paths in it"
    if not names:
        raise InputError("there is no pipelinegen.yaml here with environments", id="bad-config", next=known)
    if options.source is None or options.target is None:
        missing = "--from" if options.source is None else "--to"
        raise InputError(f"{missing} is missing", id="bad-config", next=f"name an environment: {known}")
    if options.source == options.target:
        raise InputError("--from and --to name the same environment", id="bad-config", next=known)
    return options.source, options.target
