"""How a text is written in each language: a literal that the language's own parser reads back as the same text."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pipelinegen.images.versions import reads_as_other
from pipelinegen.markdown import escaped, span, visible

Filter = Callable[..., str]


def yaml(value: object) -> str:
    """A scalar of YAML: plain where every reader takes it for the same text, else in double quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = _text(value)
    return text if _plain(text) else _quoted(text)


def _quoted(text: str) -> str:
    """In double quotes as JSON, YAML and HCL read them."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    # Of the two halves in which JSON writes a character beyond the first plane YAML and HCL know nothing.
    return json.dumps(character)[1:-1] if character <= "\uffff" else f"\\U{ord(character):08x}"


def json_text(value: object) -> str:
    """A value of JSON, in ASCII."""
    return json.dumps(value, ensure_ascii=True)


def sh(value: object) -> str:
    """One word of a POSIX shell."""
    text = _text(value)
    if "\0" in text:
        raise ValueError("a shell has no way to write the character NUL")
    return shlex.quote(text)


def groovy(value: object) -> str:
    """A string of Groovy in single quotes: nothing in it is ever interpolated."""
    return "'" + "".join(_groovy(character) for character in _text(value)).replace("'", "\\'") + "'"


def groovy_script(value: object) -> str:
    """A text of several lines as a string of Groovy in three single quotes, its lines as they are."""
    text = _text(value)
    # The third quote in a row would end the string, and so would the last.
    last = len(text) - 1
    ends = {at for at, each in enumerate(text) if each == "'" and (at == last or text[max(at - 2, 0) : at] == "''")}
    written = ("\\'" if at in ends else each if each == "\n" else _groovy(each) for at, each in enumerate(text))
    return f"'''{''.join(written)}'''"


def groovy_comment(value: object) -> str:
    r"""The rest of a comment line of Groovy, which reads \uXXXX there too, so that \u000a would end the line."""
    return comment(value).replace("\\", "\\\\")


def hcl(value: object) -> str:
    """A string of HCL in double quotes: `${` and `%{` stay text."""
    return _quoted(_text(value)).replace("${", "$${").replace("%{", "%%{")


def puppet(value: object) -> str:
    """A string of Puppet in single quotes: only the backslash and the quote need an escape."""
    return "'" + _text(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def ruby(value: object) -> str:
    """A string of Ruby in single quotes; a carriage return, which Ruby would drop, in double ones beside them."""
    parts = _text(value).split("\r")
    return ' "\\r" '.join("'" + part.replace("\\", "\\\\").replace("'", "\\'") + "'" for part in parts)


def comment(value: object) -> str:
    """The rest of a comment line: one line, control and bidirectional characters shown."""
    return visible(_text(value).replace("\n", "\\n").replace("\r", "\\r"))


def indent(value: object, width: int) -> str:
    """Text that is written already, each line but the empty ones moved to the right. The first line too."""
    blank = " " * width
    return "".join(blank + line if line.strip() else line for line in str(value).splitlines(keepends=True))


def nested(value: object) -> str:
    """Code of Groovy that is written already, one level deeper. Lines within three quotes stay where they are."""
    moved, inside = [], False
    for line in str(value).splitlines(keepends=True):
        moved.append(line if inside or not line.strip() else "  " + line)
        if inside or not line.lstrip().startswith("//"):
            inside ^= line.count("'''") % 2 == 1
    return "".join(moved)


def verbatim(value: object) -> str:
    """Text that is in the target language already: a script of ours, a rendered part. Never a user's value."""
    return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is wanted, not {value!r}")
    return value


_GROOVY = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def _groovy(character: str) -> str:
    """As it stands between quotes, where a quote is no matter. Groovy reads \\uXXXX before it looks for strings and
    lines, so that a line break written in this way would be one: ASCII has its own escapes."""
    if character in _GROOVY:
        return _GROOVY[character]
    if character.isascii():
        return character if character.isprintable() else f"\\{ord(character):03o}"
    if character == "\uffff":
        raise ValueError("Groovy takes the character U+FFFF for the end of the file")
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _plain(text: str) -> bool:
    """Words, or a path or reference: no reader takes either for a number, a date, a mapping or a comment."""
    if re.fullmatch(r"[A-Za-z_./][\w./@+*-]*(?::\w[\w./@+*-]*)*", text, re.ASCII) and re.search(r"\w/|/\w", text):
        return True
    return re.fullmatch(r"[A-Za-z_][\w.*+-]*(?: [\w./*@+-]+)*", text, re.ASCII) is not None and not any(
        (reads_as_other(text), text.lower() in _WORDS)
    )


_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"))

FILTERS: Mapping[str, Filter] = MappingProxyType(
    {
        "yaml": yaml,
        "json": json_text,
        "sh": sh,
        "groovy": groovy,
        "groovy_script": groovy_script,
        "groovy_comment": groovy_comment,
        "nested": nested,
        "hcl": hcl,
        "puppet": puppet,
        "ruby": ruby,
        "comment": comment,
        "markdown": escaped,
        "code": span,
        "indented": indent,
        "verbatim": verbatim,
    }
)
