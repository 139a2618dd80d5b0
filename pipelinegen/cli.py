"""The command line: click commands made from the table of options, each one call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from pipelinegen import __version__, calls, options


class _Option(click.Option):
    """An option that is also read from its PIPELINEGEN_ variable; several values stand on lines of their own there."""

    def value_from_envvar(self, ctx: click.Context) -> Any:
        value = self.resolve_envvar_value(ctx)
        if value is not None and self.multiple:
            return [line.strip() for line in value.splitlines() if line.strip()]
        return super().value_from_envvar(ctx)


def _click_option(option: options.Option) -> click.Option:
    names: list[str] = [option.name, *option.names]
    attributes: dict[str, Any] = {"help": option.help, "envvar": option.variable, "default": option.default}
    if option.kind == "toggle":
        names[-1] = f"{option.names[-1]}/{option.names[-1].replace('--', '--no-', 1)}"
    elif option.kind == "flag":
        attributes["is_flag"] = True
    elif option.kind == "count":
        attributes["count"] = True
    elif option.kind == "choice":
        attributes["type"] = click.Choice(list(option.choices))
    elif option.kind == "number":
        attributes |= {"type": click.IntRange(min=1), "metavar": option.metavar}
    else:
        attributes |= {"multiple": option.kind == "many", "metavar": option.metavar or None}
        attributes |= {"type": click.Choice(list(option.choices))} if option.choices else {}
        attributes |= {"default": None} if option.kind == "many" else {}
    return _Option(names, **attributes)


# The commands of the help, under headings, in the order of the story.
_CHAPTERS = {
    "Begin": ("init", "doctor", "demo"),
    "Build and deliver": ("build", "bump", "promote", "rollback", "observe"),
    "Pipelines": ("generate", "compare"),
    "For editors and shells": ("schema", "completion"),
}


class _Group(click.Group):
    """Commands in the order of the story."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        named = [name for names in _CHAPTERS.values() for name in names if name in self.commands]
        return [*named, *(name for name in self.commands if name not in named)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        width = max(map(len, self.commands))
        for title, names in _CHAPTERS.items():
            rows = [
                (name.ljust(width), self.commands[name].get_short_help_str(100))
                for name in names
                if name in self.commands
            ]
            with formatter.section(title):
                formatter.write_dl(rows)


class _Command(click.Command):
    """A command whose help has its own options first, then what concerns pull requests, then what all commands have."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pull_request = {option.name for option in options.PULL_REQUEST}
        common = {option.name for option in options.COMMON} | {"help"}
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Pull request": [], "All commands": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            title = "All commands" if parameter.name in common else "Options"
            title = "Pull request" if parameter.name in pull_request else title
            sections[title] += [record] if record is not None else []
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, "-V", "--version", message="pipelinegen %(version)s")
def cli() -> None:
    """From CI to cluster: bump image references in a manifest repository, byte for byte, and open the pull request.

    \b
    Example: see what a bump would change in the checkout at hand
      pipelinegen bump ghcr.io/acme/api:1.10.0 --repo ../manifests --dry-run
    """


def _command(
    table: tuple[options.Option, ...], call: Callable[[dict[str, Any]], int], **attributes: Any
) -> Callable[[Callable[[], None]], click.Command]:
    """Add a command: its options from the table, its help from the docstring of what is decorated."""

    def add(described: Callable[[], None]) -> click.Command:
        parameters: list[click.Parameter] = [_click_option(option) for option in (*table, *options.COMMON)]
        arguments = attributes.pop("arguments", [])
        command = _Command(
            name=described.__name__,
            callback=lambda **values: call(values),
            params=[*arguments, *parameters],
            help=described.__doc__,
            **attributes,
        )
        cli.add_command(command)
        return command

    return add


@_command(options.INIT, calls.init, short_help="Look at this repository and write pipelinegen.yaml.")
def init() -> None:
    """Look at the application repository and write pipelinegen.yaml, with the reason for each choice.

    It looks at Dockerfiles, compose and bake files, remotes, CI files, charts, kustomizations and the manifest
    repository. On a terminal it asks; elsewhere it takes what it found. Where there is no Dockerfile, it proposes one.
    Nothing that is there is overwritten.

    \b
    Examples:
      pipelinegen init
      pipelinegen init --repo ../manifests --registry ghcr.io/acme --yes
    """


@_command(
    options.BUILD,
    calls.build,
    short_help="Build, test, tag and push images.",
    arguments=[click.Argument(["images"], metavar="[IMAGE...]", nargs=-1)],
)
def build() -> None:
    """Build the images of pipelinegen.yaml, test them, push what was tested, and write down what `bump` reads.

    IMAGE is the name of an image there; all of them if none is given. An image that is already in the registry from
    the same inputs is neither built nor tested again: it only gets its tags.

    \b
    Examples:
      pipelinegen build --dry-run
      pipelinegen build api --engine buildx
      pipelinegen build && pipelinegen bump --from build-metadata.json
    """


@_command(
    options.BUMP,
    calls.bump,
    short_help="Change image references in the manifest repository.",
    arguments=[click.Argument(["references"], metavar="REFERENCE...", nargs=-1)],
)
def bump() -> None:
    """Change image references in the manifest repository, and open or update the pull request.

    REFERENCE is REPOSITORY:TAG, REPOSITORY@DIGEST or REPOSITORY:TAG@DIGEST, or NAME=TAG for an image of
    pipelinegen.yaml.

    \b
    Examples:
      pipelinegen bump ghcr.io/acme/api:1.10.0 --repo ../manifests --dry-run
      pipelinegen bump ghcr.io/acme/api:1.10.0 --repo https://github.com/acme/manifests
    """


@_command(options.PROMOTE, calls.promote, short_help="Carry the image versions of one environment to the next.")
def promote() -> None:
    """Carry the image versions of one environment to the next: tag and digest as they stand, in one pull request.

    \b
    Examples:
      pipelinegen promote --from staging --to production --dry-run
      pipelinegen promote --from staging --to production --image api
    """


@_command(options.ROLLBACK, calls.rollback, short_help="Bring an environment back to the versions it had before.")
def rollback() -> None:
    """Bring an environment back to the versions it had before, as a pull request that says what it undoes.

    Each place gets the version that stood there; nothing else in the files changes.

    \b
    Examples:
      pipelinegen rollback --env production --dry-run
      pipelinegen rollback --env production --image api --steps 2
      pipelinegen rollback --env production --to 1a2b3c4
    """


@_command(options.OBSERVE, calls.observe, short_help="Wait for the merge and for what the agent reports.")
def observe() -> None:
    """Wait until a pull request is merged and the agent in the cluster has reported the commit as reconciled.

    It reads the commit statuses that Argo CD notifications or Flux's notification-controller write on the manifest
    commit, and holds no credential of a cluster. Exit 0: healthy; 1: failed, closed without a merge, or not in time.

    \b
    Examples:
      pipelinegen observe --pull-request 12 --env production
      pipelinegen bump api=1.4.0 --json > bump.json && pipelinegen observe --from bump.json --timeout 30m
      pipelinegen observe --branch pipelinegen-production-api-0123456789ab --status 'argocd/shop-production'
    """


@_command(options.GENERATE, calls.generate, short_help="Write the pipelines of both styles and the agent's files.")
def generate() -> None:
    """Write the pull-style (GitOps) and the push-style (DevOps) pipelines from pipelinegen.yaml, and the agent's files.

    Without --out: one style, one CI system and one deployer, at their real places. What a person has edited is never
    lost: see docs/generate.md.

    \b
    Examples:
      pipelinegen generate --style pull --ci github
      pipelinegen generate --style push --ci gitlab --deploy helm --dry-run
      pipelinegen generate --style both --out ./pipelines
    """


@_command(
    options.COMPARE,
    calls.compare,
    short_help="Compare push and pull pipelines, computed from their files.",
    arguments=[click.Argument(["files"], metavar="[FILE...]", nargs=-1)],
)
def compare() -> None:
    """Say what pipelines deliver, which credentials they hold, who sees those, and what follows, each with file:line.

    FILE is a GitHub workflow, a .gitlab-ci.yml, a Jenkinsfile, or a folder with such files; without one, the pipelines
    that `generate` would write are compared. Nothing is run, and what is not understood is said: see docs/compare.md.

    \b
    Examples:
      pipelinegen compare .github/workflows/deploy.yml
      pipelinegen compare deploy.yml bump.yml --format html > compare.html
      pipelinegen compare --from .github/workflows/deploy.yml
    """


@_command(options.DOCTOR, calls.doctor, short_help="Say what works here and what is missing.")
def doctor() -> None:
    """Say what works here, what is missing, and what mends it: git, engine, token and rights, registries, agent.

    It changes nothing. Exit 1 where something needs mending.

    \b
    Examples:
      pipelinegen doctor
      pipelinegen doctor --repo https://github.com/acme/manifests --json
    """


def _completion(given: dict[str, Any]) -> int:
    """What click writes for a shell; the answers come from the program itself, so that they are never out of date."""
    from click.shell_completion import get_completion_class

    shell: str = given.pop("shell")
    report = calls.report_of(given)
    report.json = False  # a script either way
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"there is no completion for {shell}")
    report.result([made(cli, {}, "pipelinegen", "_PIPELINEGEN_COMPLETE").source().rstrip("\n")])
    return 0


@_command(
    (),
    _completion,
    short_help="Print the completion script of a shell.",
    arguments=[click.Argument(["shell"], metavar="bash|zsh|fish", type=click.Choice(["bash", "zsh", "fish"]))],
)
def completion() -> None:
    """Print what a shell needs to complete commands, options and their values.

    \b
    Examples:
      pipelinegen completion bash > ~/.local/share/bash-completion/completions/pipelinegen
      pipelinegen completion zsh > "${fpath[1]}/_pipelinegen"
      pipelinegen completion fish > ~/.config/fish/completions/pipelinegen.fish
    """


@_command((), calls.schema, short_help="Print the JSON Schema of pipelinegen.yaml.")
def schema() -> None:
    """Print the JSON Schema of pipelinegen.yaml.

    \b
    Example:
      pipelinegen schema > pipelinegen.schema.json
    """


@_command(options.DEMO, calls.demo, short_help="The whole story on one machine, offline.")
def demo() -> None:
    """Tell the whole story on one machine: a bump in a checkout, then CI, a reviewer and an agent around a git server
    and a forge, up to promotion and rollback.

    \b
    Example:
      pipelinegen demo --keep ./demo
    """


def run(arguments: list[str] | None = None) -> int:
    """Parse the arguments, run the command, return the exit code."""
    try:
        code = cli.main(arguments, prog_name="pipelinegen", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return 2
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2
    except click.Abort as abort:
        # click takes every interruption for Ctrl-C; ours know their signal and what they left behind.
        if isinstance(abort.__cause__ or abort.__context__, KeyboardInterrupt):
            raise (abort.__cause__ or abort.__context__) from None  # type: ignore[misc]  # it is an exception
        return 130
    return code if isinstance(code, int) else 0
