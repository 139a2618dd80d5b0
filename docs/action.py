"""The parts of action.yml that follow from the options: an input for each option of `bump`, and its variable."""

from __future__ import annotations

import re

from pipelinegen import options
from pipelinegen.pipelines.rendering.languages import yaml


def text(before: str) -> str:
    """action.yml with its inputs and variables as the options are now."""
    after = _between(before, "inputs", "\n".join(_input(option) for option in options.BUMP))
    return _between(after, "variables", "\n".join(_variable(option) for option in options.BUMP))


def name(option: options.Option) -> str:
    """The input of an option: the option without its dashes."""
    return option.names[-1].removeprefix("--")


def _input(option: options.Option) -> str:
    said = re.sub(r"\s+", " ", option.help).strip()
    if option.kind == "many":
        said = said.replace("(repeatable)", "(several: one a line)")
    elif option.kind in ("flag", "toggle"):
        said += " true or false."
    elif option.choices:
        said += f" One of {', '.join(option.choices)}."
    return f'  {name(option)}:\n    description: {yaml(said)}\n    default: ""'


def _variable(option: options.Option) -> str:
    return f"        {option.variable}: ${{{{ inputs.{name(option)} }}}}"


def _between(whole: str, mark: str, inside: str) -> str:
    begin, end = (re.search(rf"^ *# {word} {mark}\n", whole, re.M) for word in ("begin", "end"))
    if begin is None or end is None:
        raise ValueError(f"action.yml has no place for the {mark}")
    return f"{whole[: begin.end()]}{inside}\n{whole[end.start() :]}"
