"""The command line: options to one call each, errors to exit codes. Everything else is imported late."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from pipelinegen import __version__
from pipelinegen.errors import PipelinegenError

if TYPE_CHECKING:
    from pipelinegen.report import Report


class Option(click.Option):
    """An option that is also read from PIPELINEGEN_<NAME>; several values stand on lines of their own there."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        if self.envvar is None and self.name:
            self.envvar = f"PIPELINEGEN_{self.name.upper()}"
            self.show_envvar = False

    def value_from_envvar(self, ctx: click.Context) -> Any:
        value = self.resolve_envvar_value(ctx)
        if value is not None and self.multiple:
            return [line.strip() for line in value.splitlines() if line.strip()]
        return value


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command takes."""
    for decorate in reversed(
        (
            click.option("-C", "directory", metavar="DIR", cls=Option, default=".", help="Run as if started in DIR."),
            click.option("-q", "--quiet", is_flag=True, cls=Option, help="Say only what went wrong."),
            click.option("-v", "--verbose", count=True, cls=Option, help="Say more; twice for every step."),
            click.option("--json", "as_json", is_flag=True, cls=Option, help="Print one JSON document."),
            click.option(
                "--color",
                type=click.Choice(["auto", "always", "never"]),
                default="auto",
                cls=Option,
                help="Colour (NO_COLOR is honoured).",
            ),
        )
    ):
        command = decorate(command)
    return command


def _option(*names: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(*names, cls=Option, **attributes)


def _many(*names: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(*names, cls=Option, multiple=True, **attributes)


def _flag(*names: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(*names, cls=Option, is_flag=True, default=None, **attributes)


class Group(click.Group):
    """Commands in the order of the story."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, "-V", "--version", message="pipelinegen %(version)s")
def cli() -> None:
    """From CI to cluster: bump image references in a manifest repository, byte for byte, and open the pull request.

    \b
    Example: see what a bump would change in the checkout at hand
      pipelinegen bump ghcr.io/acme/api:1.10.0 --repo ../manifests --dry-run
    """


@cli.command(short_help="Change image references in the manifest repository.")
@click.argument("references", metavar="REFERENCE...", nargs=-1)
@_many("--from", "from_file", metavar="FILE", help="Read the references from a build's metadata.")
@_option("--repo", metavar="URL|PATH", help="The manifest repository.  [default: pipelinegen.yaml's, else this folder]")
@_option("--base", metavar="BRANCH", help="The branch to change.  [default: the remote's default branch]")
@_many("--path", metavar="GLOB", help="Only these files (gitignore's patterns; repeatable).")
@_many("--env", metavar="NAME", help="Only this environment of pipelinegen.yaml (repeatable).")
@_option(
    "--deliver",
    type=click.Choice(["worktree", "commit", "push", "pull-request"]),
    help="How far.  [default: worktree for a PATH, pull-request for a URL]",
)
@_flag("--dry-run", help="Show the diff, change nothing, call nothing that writes.")
@_flag("--explain", help="Say of every candidate why it matched or was left alone.")
@_flag("--pin-digest/--no-pin-digest", help="Look the digest up in the registry and write TAG@DIGEST.")
@_flag("--verify-image/--no-verify-image", help="Ask the registry that the image exists before anything is changed.")
@_option("--only-tag", metavar="GLOB", help="Change only references whose present tag matches.")
@_flag(
    "--set-in-overlay/--no-set-in-overlay", help="Where only a shared base names the image, override it in overlays."
)
@_flag("--render", help="Show which objects of the cluster change, by kustomize and helm.")
@_option("--source-revision", metavar="SHA", help="The commit the image was built from.  [default: the CI system's]")
@_option("--source-url", metavar="URL", help="The repository of that commit.  [default: the CI system's]")
@_flag("--allow-downgrade/--no-allow-downgrade", help="Write a lower version than the present one.")
@_flag("--allow-missing", help="An image that occurs nowhere is no error.")
@_flag("--include-managed/--no-include-managed", help="Also tags that Flux or Argo CD image automation owns.")
@_flag("--reopen", help="Propose again what a person closed.")
@_flag("--sign/--no-sign", help="Sign the commit, as git is configured.")
@_option("--max-files", type=click.IntRange(min=1), metavar="N", help="Refuse to change more files than this.")
@_option("--max-attempts", type=click.IntRange(min=1), metavar="N", help="How often to try in a race.  [default: 10]")
@_flag("--exit-code", help="Exit 1 when there are changes.")
@_option("--forge", type=click.Choice(["github", "gitlab", "none"]), help="Who keeps the pull requests.")
@_option("--forge-url", metavar="URL", help="The API of a forge of your own.")
@_many("--label", metavar="NAME", help="Label of the pull request (repeatable).")
@_many("--reviewer", metavar="NAME", help="Who is asked to review: a user, or ORGANISATION/TEAM (repeatable).")
@_many("--assignee", metavar="NAME", help="To whom it is assigned (repeatable).")
@_option("--milestone", metavar="NAME", help="Its milestone.")
@_option("--title", metavar="TEXT", help="Its title.")
@_option("--body-file", metavar="FILE", help="A file with text to put above the table.")
@_flag("--draft/--no-draft", help="Open it as a draft.")
@_flag("--auto-merge/--no-auto-merge", help="Merge it as soon as checks and reviews allow.")
@_flag("--squash/--no-squash", help="Ask for one commit when it is merged.")
@_common
def bump(**options: Any) -> int:
    """Change image references in the manifest repository, and open or update the pull request.

    REFERENCE is REPOSITORY:TAG, REPOSITORY@DIGEST or REPOSITORY:TAG@DIGEST, or NAME=TAG for an image of
    pipelinegen.yaml.

    \b
    Examples:
      pipelinegen bump ghcr.io/acme/api:1.10.0 --repo ../manifests --dry-run
      pipelinegen bump ghcr.io/acme/api:1.10.0 --repo https://github.com/acme/manifests
    """
    from pipelinegen.commands.asked import BumpOptions
    from pipelinegen.commands.bump import run
    from pipelinegen.commands.show import error_document

    report = _report(options)
    flags = ("dry_run", "explain", "render", "allow_missing", "reopen", "exit_code")
    values = {**options, **{name: bool(options[name]) for name in flags}}
    return _told(report, lambda: run(BumpOptions(**values), report), error_document)


@cli.command(short_help="Print the JSON Schema of pipelinegen.yaml.")
@_common
def schema(**options: Any) -> int:
    """Print the JSON Schema of pipelinegen.yaml.

    \b
    Example:
      pipelinegen schema > pipelinegen.schema.json
    """
    from pipelinegen.commands.schema import run

    report = _report(options)
    report.json = False  # the schema is JSON either way
    return _told(report, lambda: _printed(report, run()))


@cli.command(short_help="The whole story on one machine, offline.")
@_option("--keep", metavar="DIR", help="Make the repositories in DIR and leave them there.")
@_common
def demo(**options: Any) -> int:
    """Make a manifest repository of realistic shape and bump it: the diff, the plan, and a second run without effect.

    \b
    Example:
      pipelinegen demo --keep ./demo
    """
    from pipelinegen.commands.demo import run

    keep = options["keep"]
    report = _report(options)
    return _told(report, lambda: run(keep, report))


def _report(options: dict[str, Any]) -> Report:
    """The report that the common options ask for; takes them out of `options`, but for the directory."""
    from pipelinegen.report import Report

    quiet, verbose = options.pop("quiet"), options.pop("verbose")
    return Report(json=options.pop("as_json"), color=options.pop("color"), verbosity=-1 if quiet else verbose)


def _told(
    report: Report,
    command: Callable[[], int],
    document: Callable[[PipelinegenError], dict[str, Any]] | None = None,
) -> int:
    """The command's exit code; an error is told, and put into the document where one was asked for."""
    try:
        return command()
    except PipelinegenError as error:
        report.error(error)
        if document is not None:
            report.document(document(error))
        return error.exit_code


def _printed(report: Report, text: str) -> int:
    report.result([text.rstrip("\n")])
    return 0


def run(arguments: list[str] | None = None) -> int:
    """Parse the arguments, run the command, return the exit code."""
    try:
        code = cli.main(arguments, prog_name="pipelinegen", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2
    except click.Abort:
        return 130
    return code if isinstance(code, int) else 0
