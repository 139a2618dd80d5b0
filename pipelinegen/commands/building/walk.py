"""The walk of one image: plan tags, hash inputs, already there? else build, test those bytes, push those bytes."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipelinegen.commands.building.asked import Wanted
from pipelinegen.commands.building.bench import Bench
from pipelinegen.commands.building.forward import way_of
from pipelinegen.commands.building.hashing import read_hashes
from pipelinegen.commands.building.hooks import run_hooks
from pipelinegen.commands.building.made import Made
from pipelinegen.commands.building.plan import tags_of
from pipelinegen.commands.building.published import Published
from pipelinegen.commands.building.requesting import request_of
from pipelinegen.commands.building.testing import test_image
from pipelinegen.images.inputs import Hashes, tag_of
from pipelinegen.images.reference import ImageReference
from pipelinegen.images.tags import Known, TagPlan

if TYPE_CHECKING:
    from pipelinegen.edge.engines.port import BuildRequest, Built, Engine
    from pipelinegen.edge.image_tests.spec import TestReport
    from pipelinegen.edge.registry import Registry


class Run(NamedTuple):
    """One image on its way: what is wanted, from which bases, under which tags, from which inputs."""

    wanted: Wanted
    bases: Mapping[str, Made]
    bench: Bench
    plan: TagPlan
    hashes: Hashes

    @property
    def tested_tag(self) -> str:
        """The tag under which a tested image from these inputs is found again."""
        return tag_of(self.hashes.inputs)


def make(wanted: Wanted, bases: Mapping[str, Made], bench: Bench) -> Made:
    """The image, made or found. Raises PipelinegenError."""
    plan = tags_of(wanted, bench.source, bench.known)
    if not bench.pushes or not plan.tags:
        return _only_here(Run(wanted, bases, bench, plan, read_hashes(wanted, bases, bench, None)))
    with bench.registry() as registry:
        if plan.asks_for_versions:
            plan = tags_of(wanted, bench.source, versions_there(wanted, bench, registry))
        run = Run(wanted, bases, bench, plan, read_hashes(wanted, bases, bench, registry))
        published = Published(registry, lambda: way_of(bench.source), bench.source.created)
        digest = _there_already(run, published)
        return _unchanged(run, published, registry, digest) if digest else _anew(run, published, registry)


def versions_there(wanted: Wanted, bench: Bench, registry: Registry) -> Known:
    """What git knows of versions, and what the registry lists; where it does not list its tags, git alone."""
    from pipelinegen.edge.registry import Tags
    from pipelinegen.errors import NotPermitted, WorldError

    try:
        listed = registry.tags(wanted.repository)
    except (NotPermitted, WorldError) as error:
        bench.report.warn(f"{wanted.repository} does not list its tags, so only git's versions count: {error.what}")
        return bench.known
    return bench.known._replace(registry=listed.names if isinstance(listed, Tags) else ())


def _there_already(run: Run, published: Published) -> str | None:
    """The digest of a tested image from these inputs, if there is one that will do."""
    repository, anew = run.wanted.repository, run.bench.options.no_cache
    found = None if anew else published.digest(repository._replace(tag=run.tested_tag))
    rebuilt = anew or run.bench.source.event.schedule
    return found or published.ours(repository, run.plan.fixed, run.hashes, rebuilt=rebuilt, anew=anew)


def _unchanged(run: Run, published: Published, registry: Registry, digest: str) -> Made:
    """The image is there, and was tested: only tags are put on it."""
    own, count = run.wanted.repository, 0
    pinned = own._replace(digest=digest)
    for repository, names in _wanting(run, published, digest).items():
        if names:
            from pipelinegen.edge.registry.upload import put_tags

            put_tags(registry, pinned, repository, names)
            published.note_put(repository, names, digest)
            count += len(names)
    made = Made(
        wanted=run.wanted,
        result="unchanged",
        digest=digest,
        tags=published.held(own, run.plan.tags, digest),
        plan=run.plan,
        inputs=run.hashes.inputs,
        platforms=run.wanted.platforms,
        notes=_told_notes(run, published),
    )
    run.bench.report.say(f"{run.wanted.name}: unchanged, {made.reference}{_new_tags(count)}")
    if _was_cut_off(run, published, digest):
        from pipelinegen.edge.registry.upload import put_tags

        _run_hooks(run, "after", {"IMAGE": str(made.reference), "IMAGE_DIGEST": digest})
        put_tags(registry, pinned, own, [run.tested_tag])
    return made


def _was_cut_off(run: Run, published: Published, digest: str) -> bool:
    """Whether a run has pushed the image and not come to the tag of tested inputs. With another base it has none."""
    own = run.wanted.repository
    if published.digest(own._replace(tag=run.tested_tag)) == digest:
        return False
    return published.is_from(own, digest, run.hashes.inputs)


def _anew(run: Run, published: Published, registry: Registry) -> Made:
    """Build, test those bytes, push those bytes; the tag of tested inputs is the very last."""
    from pipelinegen.edge.registry.upload import push, put_tags

    built, report = _built_and_tested(run)
    own, digest = run.wanted.repository, built.layout.root().digest
    facts = {"IMAGE_DIGEST": digest, "IMAGE_LAYOUT": str(built.layout.folder)}
    wanting = _wanting(run, published, digest)
    _run_hooks(run, "before", {**facts, "IMAGE": built.local or f"oci:{built.layout.folder}"})
    last = [run.tested_tag] if run.bench.tests else []
    hooks_follow = bool(run.bench.config.build.hooks.after_push)
    for repository in reversed(wanting):
        extra = last if repository == own and not hooks_follow else []
        run.bench.report.progress(f"{run.wanted.name}: pushing to {repository}")
        push(registry, repository, built.layout, [*wanting[repository], *extra])
        published.note_put(repository, wanting[repository], digest)
    made = _made(run, built, report)._replace(
        tags=published.held(own, run.plan.tags, digest), notes=_told_notes(run, published)
    )
    run.bench.report.say(f"{run.wanted.name}: pushed {made.reference}")
    if hooks_follow:
        _run_hooks(run, "after", {**facts, "IMAGE": str(made.reference)})
        put_tags(registry, own._replace(digest=digest), own, last)
    return made


def _only_here(run: Run) -> Made:
    """Built and tested, and not pushed: as was asked, for a fork, or since no rule gives a tag for this build."""
    built, report = _built_and_tested(run)
    made = _made(run, built, report)._replace(result="unpushed")
    if not run.bench.pushes:
        return made
    why = "no rule gives a tag for this build, so nothing is pushed"
    run.bench.report.say(f"{run.wanted.name}: {why}; commit what is built, or say --tag")
    return made._replace(notes=(why, *run.plan.notes))


def _built_and_tested(run: Run) -> tuple[Built, TestReport | None]:
    from pipelinegen.edge.engines.arguments import secret_looking

    gc.enable()
    bench, name = run.bench, run.wanted.name
    for warning in secret_looking(run.wanted.build_args):
        bench.report.warn(f"{name}: {warning}")
    engine = bench.engine()
    started = time.monotonic()
    with bench.report.fold(f"{name}: build", live=bench.live) as tell:
        built = engine.build(_request(run, engine), bench.folder() / name, tell)
    seconds = time.monotonic() - started
    bench.report.say(f"{name}: built with {engine.name} in {seconds:.1f} s, {_short(built.layout.root().digest)}")
    with bench.report.fold(f"{name}: tests", live=bench.live) as tell:
        report = test_image(run.wanted, built, bench, tell)
    if report is not None:
        tests = "1 test" if len(report.cases) == 1 else f"{len(report.cases)} tests"
        bench.report.say(f"{name}: {tests} passed in {report.seconds:.1f} s")
    return built, report


def _request(run: Run, engine: Engine) -> BuildRequest:
    return request_of(run.wanted, run.bases, run.hashes, run.plan.version, run.bench, engine)


def _made(run: Run, built: Built, report: TestReport | None) -> Made:
    images = built.layout.images()
    return Made(
        wanted=run.wanted,
        result="built",
        digest=built.layout.root().digest,
        tags=(),
        plan=run.plan,
        inputs=run.hashes.inputs,
        platforms=tuple(image.platform for image in images if image.platform),
        tests=report,
        engine=run.bench.engine().name,
        layout=built.layout.folder,
        local=built.local,
    )


def _wanting(run: Run, published: Published, digest: str) -> dict[ImageReference, list[str]]:
    """The tags to put on the image in each repository: fixed ones first. Nothing is written before all are judged."""
    tags = [*run.plan.fixed, *run.plan.moving]
    return {repository: published.wanting(repository, tags, digest) for repository in run.wanted.repositories}


def _run_hooks(run: Run, when: Literal["before", "after"], facts: Mapping[str, str]) -> None:
    hooks = run.bench.config.build.hooks
    commands = hooks.before_push if when == "before" else hooks.after_push
    if commands:
        with run.bench.report.fold(f"{run.wanted.name}: hooks {when} the push", live=run.bench.live) as tell:
            named = {**facts, "IMAGE_NAME": run.wanted.name}
            run_hooks(commands, named, str(run.bench.config.folder), tell, when)


def _told_notes(run: Run, published: Published) -> tuple[str, ...]:
    held_back = [note for note in run.plan.notes if "stays where it is" in note]
    notes = (*held_back, *published.notes)
    for note in notes:
        run.bench.report.say(f"{run.wanted.name}: {note}")
    return notes


def _short(digest: str) -> str:
    return digest[: len("sha256:") + 12]


def _new_tags(count: int) -> str:
    return f", {count} new tag{'s' if count > 1 else ''}" if count else ""
