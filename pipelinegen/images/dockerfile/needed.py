"""Which stages of a Dockerfile a target needs, in the order in which they are built, and from what each is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipelinegen.images.dockerfile.model import Dockerfile, Instruction, Malformed, Place, Problem, Stage, Word
from pipelinegen.images.platforms import normalise, parts_of
from pipelinegen.images.reference import InvalidReference, parse
from pipelinegen.images.words import BadWord, expand

SCRATCH = "scratch"


class Origin(NamedTuple):
    """Where files come from: another stage by its number, a named context, or an image (`scratch` has no files).

    `platform` is that of an image, None for the one that is built for.
    """

    stage: int | None = None
    context: str | None = None
    image: str | None = None
    platform: str | None = None


class Needed(NamedTuple):
    """A stage that is built: upon what, and from what its COPY --from copy, by the place of the instruction."""

    stage: Stage
    base: Origin
    sources: Mapping[Place, Origin]


class Asked(NamedTuple):
    """What a build asks of a Dockerfile. `contexts` are named ones; `machine` is the platform that builds."""

    platform: str
    machine: str
    build_args: Mapping[str, str]
    contexts: Mapping[str, str]
    target: str | None = None


def global_arguments(dockerfile: Dockerfile, asked: Asked) -> dict[str, str]:
    """What FROM lines see: BuildKit's arguments of platforms, and the ARG before the first FROM. Raises Malformed."""
    values = {"TARGETSTAGE": asked.target or dockerfile.stages[-1].name or "default"}
    for side, platform in (("BUILD", asked.machine), ("TARGET", asked.platform)):
        parts = parts_of(platform)
        values[f"{side}PLATFORM"] = platform
        values[f"{side}OS"] = parts["os"]
        values[f"{side}ARCH"] = parts["architecture"]
        values[f"{side}VARIANT"] = parts.get("variant", "")
    values.update({name: value for name, value in asked.build_args.items() if name in values})
    for instruction in dockerfile.arguments:
        for pair in instruction.pairs:
            if pair.name in asked.build_args:
                values[pair.name] = asked.build_args[pair.name]
            elif pair.value is not None:
                values[pair.name] = _expanded(Word(pair.value, pair.place), values, dockerfile.escape)
    return values


def needed(dockerfile: Dockerfile, asked: Asked) -> list[Needed]:
    """The target and the stages that it needs, each after those that it needs itself. Raises Malformed."""
    resolved = _Resolver(dockerfile, asked)
    target = resolved.target()
    wanted = {target}
    for number in range(target, -1, -1):
        if number in wanted:
            stage = resolved.stages[number]
            origins = [stage.base, *stage.sources.values()]
            wanted |= {origin.stage for origin in origins if origin.stage is not None}
    return [resolved.stages[number] for number in sorted(wanted)]


class _Resolver:
    """Stages are known by the names of those before them; a named context takes the place of a stage or an image."""

    def __init__(self, dockerfile: Dockerfile, asked: Asked) -> None:
        self._dockerfile = dockerfile
        self._asked = asked
        self._values = global_arguments(dockerfile, asked)
        self._contexts = {name.lower(): value for name, value in asked.contexts.items()}
        self._images = {_full(name): value for name, value in asked.contexts.items() if _full(name)}
        self._names: dict[str, int] = {}
        self.stages: list[Needed] = []
        for stage in dockerfile.stages:
            self.stages.append(self._stage(stage))
            if stage.name is not None:
                self._names[stage.name] = stage.number

    def target(self) -> int:
        wanted = self._asked.target
        if not wanted:
            return len(self.stages) - 1
        if wanted.lower() in self._names:
            return self._names[wanted.lower()]
        if wanted.isdigit() and int(wanted) < len(self.stages):
            return int(wanted)
        names = ", ".join(self._names) or "none has a name"
        raise Malformed([Problem(Place(1, 1), f"there is no stage {wanted} (stages: {names})")])

    def _stage(self, stage: Stage) -> Needed:
        if stage.name is not None and stage.name in self._contexts:
            return Needed(stage._replace(instructions=()), Origin(context=self._contexts[stage.name]), {})
        written = stage.base
        name = _expanded(written, self._values, self._dockerfile.escape)
        if not name:
            raise _problem(written, f"{written.text} is empty: an ARG before the first FROM has no value")
        if name in self._names:
            return Needed(stage, Origin(stage=self._names[name]), self._sources(stage))
        base = self._image(Word(name, written.place))
        if base.image is not None and stage.platform is not None:
            base = base._replace(platform=self._platform(stage.platform))
        return Needed(stage, base, self._sources(stage))

    def _platform(self, written: Word) -> str:
        text = _expanded(written, self._values, self._dockerfile.escape)
        platform = normalise(text)
        if platform is None:
            raise _problem(written, f"{text or written.text} is no platform: OS/ARCHITECTURE, as linux/arm64")
        return platform

    def _sources(self, stage: Stage) -> dict[Place, Origin]:
        found = {}
        for instruction in stage.instructions:
            source = instruction.flag("from") if instruction.name == "COPY" else None
            if source is not None:
                found[instruction.place] = self._source(source, stage, instruction)
        return found

    def _source(self, written: Word, stage: Stage, instruction: Instruction) -> Origin:
        name = written.text
        if "$" in name:
            raise _problem(written, "--from takes no variables: name a stage FROM ${...} AS name, and copy from it")
        number = int(name) if name.isdigit() else self._number(name)
        if number is None:
            return self._image(written)
        if number >= stage.number:
            raise _problem(written, f"{instruction.name} --from takes a stage that stands before this one")
        return Origin(stage=number)

    def _number(self, name: str) -> int | None:
        """The last stage of a name in the whole file: one that comes too late is an error, not an image."""
        numbers = [stage.number for stage in self._dockerfile.stages if stage.name == name.lower()]
        return numbers[-1] if numbers else None

    def _image(self, written: Word) -> Origin:
        name = written.text
        if name.lower() == SCRATCH:
            return Origin(image=SCRATCH)
        if name.lower() in self._contexts:
            return Origin(context=self._contexts[name.lower()])
        try:
            parse(name)
        except InvalidReference as error:
            raise _problem(written, f"{name} is no stage before this one, and no image: {error.reason}") from None
        if _full(name) in self._images:
            return Origin(context=self._images[_full(name)])
        return Origin(image=name)


def _full(name: str) -> str:
    """One spelling of an image's name: redis, redis:latest and docker.io/library/redis are one."""
    try:
        reference = parse(name)
    except InvalidReference:
        return ""
    return (reference if reference.tag or reference.digest else reference._replace(tag="latest")).full


def _expanded(word: Word, values: Mapping[str, str], escape: str) -> str:
    try:
        return expand(word.text, values, escape)
    except BadWord as error:
        raise _problem(word, error.reason) from None


def _problem(word: Word, what: str) -> Malformed:
    return Malformed([Problem(word.place, what)])
