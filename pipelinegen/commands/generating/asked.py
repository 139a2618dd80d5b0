"""What is to be generated: options, then the configuration, to targets, an application and a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from pipelinegen.errors import InputError
from pipelinegen.pipelines.application import AgentName, Application, DeployerName
from pipelinegen.pipelines.application_of import application_of
from pipelinegen.pipelines.grid import AGENTS, DEPLOYERS, STYLES, SYSTEMS, Target, targets
from pipelinegen.pipelines.model import Style, System

if TYPE_CHECKING:
    from pipelinegen.commands.building.asked import Wanted
    from pipelinegen.config import Config
    from pipelinegen.pipelines.application import Repository


# Where the manifest repository is a folder without an origin: what people put in its place once it has an address.
PLACEHOLDER = "https://github.com/OWNER/manifests"


class GenerateOptions(NamedTuple):
    """The options of `generate`, as the command line gives them."""

    directory: str = "."
    style: str | None = None
    ci: tuple[System, ...] = ()
    deploy: tuple[DeployerName, ...] = ()
    agent: AgentName | None = None
    out: str | None = None
    dry_run: bool = False
    check: bool = False
    merge: bool = False
    force: bool = False
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """root: the folder that is written to.  gridded: with a folder for each target, as --out wants it."""

    config: Config
    application: Application
    root: str
    targets: tuple[Target, ...]
    agents: tuple[AgentName, ...]
    gridded: bool


class _Choice(NamedTuple):
    styles: tuple[Style, ...]
    systems: tuple[System, ...]
    deployers: tuple[DeployerName, ...]
    agents: tuple[AgentName, ...]


def asked_for(options: GenerateOptions, config: Config) -> Asked:
    """The selection. Raises InputError."""
    _check_options(options)
    _check_name(config)
    choice = _grid(options, config) if options.out is not None else _one(options, config)
    application = application_of(
        config,
        styles=choice.styles,
        manifests=_manifests_for(choice.styles, config),
        based_on=_based_on(config),
    )
    application = replace(application, agent=options.agent or application.agent, deployers=choice.deployers)
    return Asked(
        config=config,
        application=application,
        root=str(config.folder) if options.out is None else os.path.join(options.directory, options.out),
        targets=targets(choice.styles, choice.systems, choice.deployers),
        agents=choice.agents if options.out is not None else (),
        gridded=options.out is not None,
    )


def _check_options(options: GenerateOptions) -> None:
    given = [
        name for name, on in (("--check", options.check), ("--merge", options.merge), ("--force", options.force)) if on
    ]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} exclude each other", id="bad-config", next="give one of them")


def _check_name(config: Config) -> None:
    """The name is in every file, and a checkout of the CI system is often called otherwise than the one at hand."""
    if config.where("project") == config.where(""):
        raise InputError(
            "the application has no name here, and the folder's is another in CI",
            id="bad-config",
            where=config.where(""),
            next=f"write it down: project: {config.project}",
        )


def _grid(options: GenerateOptions, config: Config) -> _Choice:
    """All combinations of what is named; the whole grid where only `--style both` is given."""
    pipelines = config.pipelines
    whole = options.style == "both" and not (options.ci or options.deploy or options.agent)
    styles = _styles(options.style or pipelines.style or "both")
    deployers = options.deploy or (() if whole else pipelines.push.deploy)
    agent = options.agent or (None if whole else pipelines.pull.agent)
    return _Choice(
        styles=styles,
        systems=options.ci or (() if whole else pipelines.ci) or SYSTEMS,
        deployers=deployers or DEPLOYERS,
        agents=((agent,) if agent else AGENTS) if "pull" in styles else (),
    )


def _styles(word: str) -> tuple[Style, ...]:
    return tuple(style for style in STYLES if word in (style, "both"))


def _one(options: GenerateOptions, config: Config) -> _Choice:
    """Exactly one of each: the files lie at places that every target wants for itself."""
    pipelines = config.pipelines
    styles = _styles(options.style or pipelines.style or "both")
    if len(styles) != 1:
        raise _which("--style", STYLES, "pipelines.style", config)
    systems = options.ci or pipelines.ci
    if len(systems) != 1:
        raise _which("--ci", systems or SYSTEMS, "pipelines.ci", config)
    if styles == ("pull",):
        return _Choice(styles, systems, (), ())
    deployers = options.deploy or pipelines.push.deploy
    if len(deployers) != 1:
        raise _which("--deploy", deployers or DEPLOYERS, "pipelines.push.deploy", config)
    return _Choice(styles, systems, deployers, ())


def _which(option: str, choices: tuple[str, ...], address: str, config: Config) -> InputError:
    return InputError(
        f"in the application repository there is place for one: {option} {' or '.join(choices)}",
        id="bad-config",
        where=config.where(address),
        next=f"give {option}, or --out DIR for all of them",
    )


def _manifests_for(styles: tuple[Style, ...], config: Config) -> Repository | None:
    """The push style does without, but what lies beside it may be of the other one."""
    try:
        return _manifests(config)
    except InputError:
        if "pull" in styles:
            raise
        return None


def _manifests(config: Config) -> Repository | None:
    """The manifest repository by https: jobs reach no path of this machine, so a checkout stands for its origin."""
    from pipelinegen.edge.ci import CiContext
    from pipelinegen.edge.forge.address import locate
    from pipelinegen.edge.git.address import is_url
    from pipelinegen.edge.git.application import Application as Checkout
    from pipelinegen.pipelines.application import Repository

    configured = config.manifests.repository
    if configured is None:
        return None
    url = configured
    if not is_url(configured):
        folder = os.path.join(config.folder, configured)
        origin = Checkout(folder).origin()
        url = origin if origin is not None and is_url(origin) else PLACEHOLDER
    try:
        address = locate(url, config.manifests.forge, config.manifests.forge_url, CiContext())
    except InputError as error:
        raise InputError(
            error.what,
            id=error.id,
            where=config.where("manifests.repository"),
            next="say it: manifests: {forge: github} or gitlab",
        ) from None
    if not address.web:
        return None
    return Repository(
        url=url if url.startswith(("https://", "http://")) else address.web,
        forge=address.kind,
        host=address.web.partition("://")[2].partition("/")[0],
        path=address.path,
        base=config.manifests.base,
        as_configured=configured.startswith(("https://", "http://")),
    )


def _based_on(config: Config) -> dict[str, set[str]]:
    """Which images are built from others of the same file, as far as their Dockerfiles are there."""
    from pipelinegen.commands.building.asked import BuildOptions, wanted_image
    from pipelinegen.commands.building.based import needs_of

    def wanted(name: str) -> Wanted | None:
        try:
            return wanted_image(name, config.images[name], BuildOptions(), config)
        except InputError:
            return None  # `build` will say so; what is configured as a context is known without it

    found = [image for name in config.images if (image := wanted(name)) is not None]
    contexts = {
        name: {each.removeprefix("target:") for each in image.contexts.values() if each.startswith("target:")}
        for name, image in config.images.items()
    }
    needs = needs_of(found)
    return {name: contexts[name] | set(needs.get(name, ())) for name in config.images}
