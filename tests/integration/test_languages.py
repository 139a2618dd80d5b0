"""Every filter of templates against the real parser of its language: any text comes back as the same text."""

import base64
import json
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from pipelinegen.pipelines.rendering import languages

_PIECES = (
    *(
        "'",
        '"',
        "\\",
        "$",
        "`",
        "${",
        "${{",
        "}}",
        "#{",
        "%{",
        "[=",
        "[[",
        "<%",
        "|",
        "&",
        ";",
        "\n",
        "\r\n",
        "\r",
        "\t",
    ),
    *(
        "'''",
        '"""',
        "\\u0027",
        "\\x27",
        "\\n",
        "$(",
        "$((",
        "!",
        "*",
        "~",
        "?",
        ":",
        ": ",
        " #",
        "- ",
        "--",
        "@",
        "=",
        ",",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "%",
        "^",
        "é",
        "ß",
        "日",
        "😀",
        "\u202e",
        "\u2028",
        "\x85",
        "\ufeff",
        "\x7f",
    ),
    *(
        "\x01",
        "\x04",
        "\x1a",
        "\x1b",
        "a",
        "Z",
        "0",
        " ",
        "  ",
        "EOF",
        "\n\n",
        "\\\n",
        "%{if",
        "__END__",
        "=begin",
        "end",
    ),
)
_WHOLE = (
    *("", " ", "yes", "no", "on", "null", "~", "true", "1.10", "1e3", "0x1f", "0123", "12:30:45", "2024-01-01", ".inf"),
    *(
        "-",
        "--",
        "?",
        "!tag",
        "&a",
        "*a",
        "%x",
        "@x",
        "`x`",
        "a: b",
        "a #b",
        "#",
        "a\\",
        "'",
        "''",
        "\\'",
        '"',
        "$HOME",
    ),
    *("$(id)", "`id`", "${HOME}", "${{ github.token }}", "#{1+1}", "%{ if true }x%{ endif }", "x'; id; '", "\\u0041"),
)


def texts(count: int = 400) -> list[str]:
    """The whole words, and so many texts put together of what is dangerous; the same ones every time."""
    chance = random.Random(20_261_125)
    made = ("".join(chance.choices(_PIECES, k=chance.randint(1, 8))) for _ in range(count))
    return [*_WHOLE, *_PIECES, *made]


def told(argv: Sequence[str], *, stdin: str = "") -> bytes:
    done = subprocess.run(argv, input=stdin.encode(), capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def read_by_pyyaml(values: Sequence[str]) -> list[str]:
    return list(yaml.safe_load("".join(f"- {languages.yaml(value)}\n" for value in values)))


def read_by_ruamel(values: Sequence[str]) -> list[str]:
    return list(YAML(typ="safe", pure=True).load("".join(f"- {languages.yaml(value)}\n" for value in values)))


def read_by_yaml_keys(values: Sequence[str]) -> list[str]:
    return list(yaml.safe_load("".join(f"{languages.yaml(value)}: 1\n" for value in dict.fromkeys(values))))


def read_by_json(values: Sequence[str]) -> list[str]:
    return [json.loads(languages.json_text(value)) for value in values]


def read_by_bash(values: Sequence[str]) -> list[str]:
    words = " ".join(map(languages.sh, values))
    return told(["bash"], stdin=f"printf '%s\\0' {words}\n").decode().split("\0")[:-1]


def read_by_dash(values: Sequence[str]) -> list[str]:
    words = " ".join(map(languages.sh, values))
    return told([needs("dash")], stdin=f"printf '%s\\0' {words}\n").decode().split("\0")[:-1]


def read_by_terraform(values: Sequence[str], tmp_path: Path) -> list[str]:
    (tmp_path / "main.tf").write_text(
        f"locals {{\n  texts = [\n{''.join(f'    {languages.hcl(value)},{chr(10)}' for value in values)}  ]\n}}\n",
        encoding="utf-8",
    )
    said = told([needs("terraform"), f"-chdir={tmp_path}", "console"], stdin="base64encode(jsonencode(local.texts))\n")
    return list(json.loads(base64.b64decode(said.strip())))


def read_by_ruby(values: Sequence[str], tmp_path: Path) -> list[str]:
    source = tmp_path / "texts.rb"
    items = ",\n".join(map(languages.ruby, values))
    source.write_bytes(f"# encoding: utf-8\nrequire 'json'\nputs JSON.generate([\n{items}\n])\n".encode())
    return list(json.loads(told([needs("ruby"), str(source)])))


_PUPPET = """\
require 'puppet'
require 'puppet/pops'
require 'json'
parser = Puppet::Pops::Parser::EvaluatingParser.new
code = File.binread(ARGV[0]).force_encoding('utf-8')
list = parser.parse_string(code).body
puts JSON.generate(list.values.map { |value| value.value })
"""


def read_by_puppet(values: Sequence[str], tmp_path: Path) -> list[str]:
    needs("puppet")
    (tmp_path / "texts.pp").write_bytes(("[\n" + ",\n".join(map(languages.puppet, values)) + "\n]\n").encode())
    (tmp_path / "read.rb").write_text(_PUPPET)
    return list(json.loads(told([needs("ruby"), str(tmp_path / "read.rb"), str(tmp_path / "texts.pp")])))


READERS: dict[str, Callable[..., list[str]]] = {
    "yaml PyYAML": read_by_pyyaml,
    "yaml ruamel": read_by_ruamel,
    "json": read_by_json,
    "sh bash": read_by_bash,
    "sh dash": read_by_dash,
}
IN_A_FOLDER: dict[str, Callable[..., list[str]]] = {
    "hcl terraform": read_by_terraform,
    "ruby": read_by_ruby,
    "puppet": read_by_puppet,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_any_text_comes_back(read: Callable[[Sequence[str]], list[str]]) -> None:
    values = texts()
    assert read(values) == values


def test_any_text_is_a_key_of_yaml() -> None:
    assert read_by_yaml_keys(texts()) == list(dict.fromkeys(texts()))


@pytest.mark.parametrize("read", IN_A_FOLDER.values(), ids=IN_A_FOLDER)
def test_any_text_comes_back_from_a_program(read: Callable[[Sequence[str], Path], list[str]], tmp_path: Path) -> None:
    values = texts()
    assert read(values, tmp_path) == values
