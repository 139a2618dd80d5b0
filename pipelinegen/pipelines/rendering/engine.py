"""Templates: jinja with `[= =]`, in which only text that went through the filter of a language may be written."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pipelinegen.pipelines.rendering import languages
from pipelinegen.shipped import files_under

if TYPE_CHECKING:
    from jinja2 import Environment


class Unmarked(ValueError):
    """A template wrote a value without saying for which language it is meant."""


def render(template: str, **values: object) -> str:
    """The text of a template, by its path below `templates/`.

    Unmarked: a plain string was written without a filter.  jinja2.UndefinedError: a value that was not given.
    """
    return str(_environment().get_template(template).render(**values))


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    texts = {path: data.decode("utf-8") for path, data in files_under().items() if path.endswith(".j2")}
    environment = Environment(
        loader=DictLoader(texts),
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[=",
        variable_end_string="=]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_marked,
    )
    environment.filters = {**environment.filters, **_filters()}
    return environment


def _filters() -> dict[str, Any]:
    from markupsafe import Markup

    return {name: _marking(written, Markup) for name, written in languages.FILTERS.items()}


def _marking(written: languages.Filter, mark: type[str]) -> languages.Filter:
    def filtered(value: object, *arguments: object) -> str:
        return mark(written(value, *arguments))

    return filtered


def _marked(value: object) -> object:
    from jinja2 import Undefined
    from markupsafe import Markup

    if isinstance(value, Markup | Undefined) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise Unmarked(f"a template writes {value!r} without the filter of a language")
