"""Variables in the words of a test, replaced as container-structure-test does it: by Go's os.Expand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelinegen.config.images import KeyValue

_SPECIAL = "*#$@!?-0123456789"


def image_variables(config: Mapping[str, object]) -> dict[str, str]:
    """The environment that the configuration of an image sets."""
    inner = config.get("config")
    listed = inner.get("Env") if isinstance(inner, Mapping) else None
    pairs = (str(each).partition("=") for each in (listed if isinstance(listed, list) else ()))
    return {name: value for name, _, value in pairs}


def expanded(variables: Sequence[KeyValue], known: Mapping[str, str]) -> dict[str, str]:
    """Variables whose values may name those of the image: `PATH=/opt/bin:$PATH`."""
    return {each.key: expand(each.value, known) for each in variables}


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` replaced by what is known, or by nothing; `$$` is a variable too, and never known."""
    out = []
    rest = text
    while "$" in rest:
        before, _, rest = rest.partition("$")
        out.append(before)
        name, width = _name(rest)
        if not width:
            out.append("$")
        out.append(known.get(name, "") if name else "")
        rest = rest[width:]
    return "".join([*out, rest])


def _name(text: str) -> tuple[str, int]:
    """The name that follows a $, and how much of the text it takes; bad syntax is taken, and has no name."""
    if not text:
        return "", 0
    if text[0] == "{":
        end = text.find("}")
        return (text[1:end], end + 1) if end > 0 else ("", 1)
    if text[0] in _SPECIAL:
        return text[0], 1
    width = 0
    while width < len(text) and (text[width] == "_" or (text[width].isascii() and text[width].isalnum())):
        width += 1
    return text[:width], width
