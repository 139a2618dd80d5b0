"""The options of every command, written once: the command line, the quick parser and the docs are made from them."""

from __future__ import annotations

from typing import Any, NamedTuple


class Option(NamedTuple):
    """One option. kind: value, many, flag, toggle (with --no-), count, number or choice.

    Read from the command line, else from PIPELINEGEN_<NAME>. `default` is what an absent option gives.
    """

    names: tuple[str, ...]
    kind: str
    metavar: str
    help: str
    choices: tuple[str, ...] = ()
    default: Any = None
    dest: str = ""

    @property
    def name(self) -> str:
        """The name under which its value is handed on."""
        return self.dest or self.names[-1].lstrip("-").replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that sets it: the name of the option, so that there is one name for both."""
        long = self.names[-1]
        name = long.removeprefix("--").replace("-", "_") if long.startswith("--") else self.name
        return f"PIPELINEGEN_{name.upper()}"


def value(name: str, metavar: str, help: str, *, default: str | None = None, dest: str = "") -> Option:
    return Option((name,), "value", metavar, help, default=default, dest=dest)


def many(name: str, metavar: str, help: str, *, dest: str = "") -> Option:
    return Option((name,), "many", metavar, help, default=(), dest=dest)


def many_of(name: str, choices: tuple[str, ...], help: str) -> Option:
    return Option((name,), "many", "", help, choices=choices, default=())


def flag(name: str, help: str) -> Option:
    return Option((name,), "flag", "", help, default=False)


def toggle(name: str, help: str) -> Option:
    """On, off or left to the configuration."""
    return Option((name,), "toggle", "", help)


def number(name: str, help: str) -> Option:
    return Option((name,), "number", "N", help)


def choice(name: str, choices: tuple[str, ...], help: str, *, default: str | None = None) -> Option:
    return Option((name,), "choice", "", help, choices=choices, default=default)


COMMON = (
    Option(("-C",), "value", "DIR", "Run as if started in DIR.", default=".", dest="directory"),
    Option(("-q", "--quiet"), "flag", "", "Say only what went wrong.", default=False),
    Option(("-v", "--verbose"), "count", "", "Say more; twice for every step.", default=0),
    Option(("--json",), "flag", "", "Print one JSON document.", default=False, dest="as_json"),
    choice("--color", ("auto", "always", "never"), "Colour (NO_COLOR is honoured).", default="auto"),
)

DELIVERIES = ("worktree", "commit", "push", "pull-request")

PULL_REQUEST = (
    choice("--forge", ("github", "gitlab", "none"), "Who keeps the pull requests.  [default: found by the address]"),
    value("--forge-url", "URL", "The API of a forge of your own."),
    many("--label", "NAME", "Label of the pull request (repeatable)."),
    many("--reviewer", "NAME", "Who is asked to review: a user, or ORGANISATION/TEAM (repeatable)."),
    many("--assignee", "NAME", "To whom it is assigned (repeatable)."),
    value("--milestone", "NAME", "Its milestone."),
    value("--title", "TEXT", "Its title."),
    value("--body-file", "FILE", "A file with text to put above the table."),
    toggle("--draft", "Open it as a draft."),
    toggle("--auto-merge", "Merge it as soon as checks and reviews allow."),
    toggle("--squash", "Ask for one commit when it is merged."),
)

BUMP = (
    many("--from", "FILE", "Read the references from a build's metadata.", dest="from_file"),
    value("--repo", "URL|PATH", "The manifest repository.  [default: pipelinegen.yaml's, else this folder]"),
    value("--base", "BRANCH", "The branch to change.  [default: the remote's default branch]"),
    many("--path", "GLOB", "Only these files (gitignore's patterns; repeatable)."),
    many("--env", "NAME", "Only this environment of pipelinegen.yaml (repeatable)."),
    choice("--deliver", DELIVERIES, "How far.  [default: worktree for a PATH, pull-request for a URL]"),
    flag("--dry-run", "Show the diff, change nothing, call nothing that writes."),
    flag("--explain", "Say of every candidate why it matched or was left alone."),
    toggle("--pin-digest", "Look the digest up in the registry and write TAG@DIGEST."),
    toggle("--verify-image", "Ask the registry that the image exists before anything is changed."),
    value("--only-tag", "GLOB", "Change only references whose present tag matches."),
    toggle("--set-in-overlay", "Where only a shared base names the image, override it in the overlay."),
    flag("--render", "Show which objects of the cluster change, by kustomize and helm."),
    value("--source-revision", "SHA", "The commit the image was built from.  [default: the CI system's]"),
    value("--source-url", "URL", "The repository of that commit.  [default: the CI system's]"),
    toggle("--allow-downgrade", "Write a lower version than the present one."),
    flag("--allow-missing", "An image that occurs nowhere is no error."),
    toggle("--include-managed", "Also tags that Flux or Argo CD image automation owns."),
    flag("--reopen", "Propose again what a person closed."),
    toggle("--sign", "Sign the commit, as git is configured."),
    number("--max-files", "Refuse to change more files than this."),
    number("--max-attempts", "How often to try in a race.  [default: 10]"),
    flag("--exit-code", "Exit 1 when there are changes."),
    *PULL_REQUEST,
)


def _as_in_bump(*names: str) -> tuple[Option, ...]:
    """Options that mean what they mean in bump."""
    return tuple(option for option in BUMP if option.names[0] in names)


PROMOTE = (
    value("--from", "ENV", "The environment whose versions are taken, tag and digest.", dest="from_env"),
    value("--to", "ENV", "The environment that gets them.", dest="to_env"),
    many("--image", "NAME", "Only this image: its name in pipelinegen.yaml, or its repository (repeatable)."),
    *_as_in_bump("--repo", "--base", "--deliver", "--dry-run", "--explain", "--set-in-overlay", "--render"),
    *_as_in_bump("--allow-downgrade", "--allow-missing", "--include-managed"),
    flag("--allow-rolled-back", "Also a version that was rolled back in the environment."),
    *_as_in_bump("--reopen", "--sign", "--max-files", "--max-attempts", "--exit-code"),
    *PULL_REQUEST,
)

ROLLBACK = (
    value("--env", "NAME", "The environment of pipelinegen.yaml that is brought back."),
    many("--path", "GLOB", "Only these files (gitignore's patterns; repeatable)."),
    many("--image", "NAME", "Only this image: its name in pipelinegen.yaml, or its repository (repeatable)."),
    value("--to", "COMMIT", "To the versions at this commit of the manifest repository.", dest="to_commit"),
    number("--steps", "So many versions back.  [default: 1]"),
    number("--max-commits", "Look back no further than this.  [default: 1000]"),
    *_as_in_bump("--repo", "--base", "--deliver", "--dry-run", "--explain", "--render", "--include-managed"),
    *_as_in_bump("--reopen", "--sign", "--max-files", "--max-attempts", "--exit-code"),
    *PULL_REQUEST,
)

OBSERVE = (
    value("--commit", "SHA", "A commit on the branch (the whole SHA)."),
    value("--branch", "NAME", "The pull request of this branch."),
    number("--pull-request", "The pull request of this number."),
    value("--from", "FILE", "What `bump --json` (or promote, rollback) wrote.", dest="from_document"),
    value("--env", "NAME", "The environment of pipelinegen.yaml whose agent is to report."),
    many("--status", "GLOB", "The name of a commit status to wait for (repeatable).  [default: those of the agents]"),
    value("--timeout", "TIME", "How long to wait: 90s, 10m, 1h30m.  [default: pipelinegen.yaml's, else 10m]"),
    value("--interval", "TIME", "How often to look.  [default: 10s]"),
    *_as_in_bump("--repo", "--base"),
    *(option for option in PULL_REQUEST if option.names[0] in {"--forge", "--forge-url"}),
)

ENGINES = ("auto", "buildx", "docker", "podman", "buildah", "oci")

BUILD = (
    choice(
        "--engine", ENGINES, "What builds and runs the tests.  [default: pipelinegen.yaml's, else the first that works]"
    ),
    toggle("--push", "Push the images.  [default: yes, but never for the pull request of a fork]"),
    toggle("--test", "Test the images before they are pushed.  [default: yes]"),
    flag("--dry-run", "Show what would be built, tested and pushed; change nothing."),
    many("--platform", "OS/ARCH", "Build for this platform (repeatable)."),
    many("--tag", "RULE", "A tag, or a rule such as type=sha, in place of those of pipelinegen.yaml (repeatable)."),
    many("--build-arg", "NAME=VALUE", "A value of the Dockerfile's ARG; NAME alone takes the variable's (repeatable)."),
    number("--jobs", "So many images at the same time.  [default: the processors, at most 4]"),
    flag("--no-cache", "Build anew, whatever was built before."),
    value(
        "--metadata-file", "FILE", "Where what was built is written, for `bump --from`.  [default: build-metadata.json]"
    ),
    value("--junit", "DIR", "Write the results of the tests there, for each image a file."),
    *_as_in_bump("--source-revision", "--source-url"),
)

GENERATE = (
    choice(
        "--style", ("pull", "push", "both"), "GitOps, DevOps or both.  [default: pipelinegen.yaml's; with --out, both]"
    ),
    many_of(
        "--ci",
        ("github", "gitlab", "jenkins"),
        "For this CI system (repeatable).  [default: pipelinegen.yaml's; with --out, all]",
    ),
    many_of(
        "--deploy",
        ("kubectl", "helm", "kustomize", "terraform", "ansible", "chef", "puppet"),
        "Push style: deploy with this (repeatable).  [default: pipelinegen.yaml's; with --out, all]",
    ),
    choice("--agent", ("argocd", "flux"), "Pull style: the agent.  [default: pipelinegen.yaml's; with --out, both]"),
    value("--out", "DIR", "Write every selected combination there, each as a tree of its own."),
    flag("--dry-run", "Show the diff, write nothing."),
    flag("--check", "Exit 1 and show the diff where what is there is not what would be written."),
    flag("--merge", "Merge edits outside of blocks with what is generated now, as git does."),
    flag("--force", "Drop edits outside of blocks."),
    flag("--explain", "Say of each file which secrets, rights and third-party code it has, and why."),
)

COMPARE = (
    choice("--format", ("table", "markdown", "html", "json"), "How it is told.  [default: table]"),
    value(
        "--from",
        "FILE",
        "A push pipeline: say what the pull pipeline in its place would be, and what people must decide.",
        dest="from_pipeline",
    ),
    many(
        "--agent",
        "FILE",
        "Manifests of the agent (Argo CD, Flux): its interval, pruning and self-healing (repeatable).",
    ),
)

INIT = (
    value("--repo", "URL|PATH", "The manifest repository.  [default: looked for beside and in this one]"),
    value("--registry", "HOST/PATH", "Where images go, without their names.  [default: what files and remotes show]"),
    Option(("-y", "--yes"), "flag", "", "Ask nothing: take what is proposed.", default=False),
    flag("--dry-run", "Print the configuration, write nothing."),
)

DOCTOR = (value("--repo", "URL|PATH", "The manifest repository.  [default: pipelinegen.yaml's]"),)

DEMO = (value("--keep", "DIR", "Make the repositories in DIR and leave them there."),)
