"""Which files are read, as what, and which are left alone as a whole: encodings, line breaks, limits, SOPS."""

from __future__ import annotations

import json

import pytest

from pipelinegen.manifests.source import MAX_BYTES, MAX_LINE, Refused, read_source
from tests.support.trees import bump

IMAGE = "image: ghcr.io/acme/api:1.0.0\n"
TAG = "ghcr.io/acme/api:2.0.0"

# files that are changed, and nothing but the tag in them
CHANGED = {
    "byte order mark": b"\xef\xbb\xbf" + IMAGE.encode(),
    "Windows line ends": IMAGE.replace("\n", "\r\n").encode(),
    "mixed line ends": b"a: 1\r\nb: 2\n" + IMAGE.encode(),
    "no line break at the end": IMAGE.strip().encode(),
    "blank lines and trailing blanks": b"\n\n" + IMAGE.replace("\n", "   \n\n").encode() + b"\n  \n",
    "other scripts": "# \u65e5\u672c\u8a9e \U0001f680 \u0443\nkey: \u00e9\u00e8 \U0001f600\n".encode() + IMAGE.encode(),
    "composed and decomposed letters": "a: e\u0301 \u00e9\n".encode() + IMAGE.encode(),
    "two documents, markers and directives": b"%YAML 1.2\n---\na: 1\n...\n---\n" + IMAGE.encode() + b"...\n",
    "empty documents around": b"---\n---\n" + IMAGE.encode() + b"---\n",
    "only comments before": b"# a\n\n# b\n" + IMAGE.encode(),
    "duplicate key elsewhere": b"a: 1\na: 2\nb: {c: 1, c: 2}\n" + IMAGE.encode(),
    "line that only looks like a conflict": b"a: '<<<<<<<'\nb: |\n  =======\n  >>>>>>>x\n" + IMAGE.encode(),
    "unresolved conflict of an indented text": b"a: |\n  <<<<<<< HEAD\n" + IMAGE.encode(),
    "SOPS by name only": b"sops: true\n" + IMAGE.encode(),
    "SOPS section without a MAC": b"sops: {kms: []}\n" + IMAGE.encode(),
    "the longest line": b"# " + b"x" * (MAX_LINE - 2) + b"\n" + IMAGE.encode(),
    "depth 64": ("a: " + "[" * 63 + "]" * 63 + "\n").encode() + IMAGE.encode(),
    "1,000 documents": b"---\na: 1\n" * 999 + b"---\n" + IMAGE.encode(),
    "100 aliases": b"a: &a 1\nb: [" + b"*a, " * 99 + b"*a]\n" + IMAGE.encode(),
    "template words inside a string": b"a: '{{ not a template }}'\n" + IMAGE.encode(),
    "tabs where YAML allows them": b"a:\t1\nb: [1,\t2]\t# c\n" + IMAGE.encode(),
}


@pytest.mark.parametrize("before", CHANGED.values(), ids=CHANGED)
def test_only_the_tag_changes_in_a_file_that_is_written_in_an_unusual_way(before: bytes) -> None:
    assert bump({"a.yaml": before}, TAG).files["a.yaml"] == before.replace(b":1.0.0", b":2.0.0")


# files that are left alone: the bytes, the reason with its place
REFUSED: dict[str, tuple[bytes | str, str]] = {
    "UTF-16": (f"\ufeff{IMAGE}".encode("utf-16-le"), "1:1: not UTF-8 (it looks like UTF-16 or UTF-32)"),
    "UTF-16, other order": (f"\ufeff{IMAGE}".encode("utf-16-be"), "1:1: not UTF-8 (it looks like UTF-16 or UTF-32)"),
    "UTF-16 without a mark": (IMAGE.encode("utf-16-le"), "1:1: not UTF-8 (it looks like UTF-16 or UTF-32)"),
    "UTF-32": (IMAGE.encode("utf-32"), "1:1: not UTF-8 (it looks like UTF-16 or UTF-32)"),
    "Latin-1": (b"a: 1\nb: caf\xe9\n" + IMAGE.encode(), "2:7: not UTF-8"),
    "cut in a character": (IMAGE.encode() + b"# \xe2\x82", "2:3: not UTF-8"),
    "surrogates in UTF-8": (b"# \xed\xa0\x80\n" + IMAGE.encode(), "1:3: not UTF-8"),
    "NEL": (
        "a: b # c\x85image: evil/x:1\n" + IMAGE,
        "1:9: holds NEL, which YAML readers take differently for a line break",
    ),
    "LS": ("a: b # c\u2028\n" + IMAGE, "1:9: holds LS, which YAML readers take differently for a line break"),
    "PS": ("a: \u00e9\nb: 'x\u2029y'\n" + IMAGE, "2:6: holds PS, which YAML readers take differently for a line break"),
    "lone CR": (
        "a: b # c\rimage: evil/x:1\n" + IMAGE,
        "1:9: holds a lone CR, which YAML readers take differently for a line break",
    ),
    "CR at the end": (IMAGE + "a: 1\r", "2:5: holds a lone CR, which YAML readers take differently for a line break"),
    "conflict": (
        f"<<<<<<< HEAD\n{IMAGE}=======\n{IMAGE}>>>>>>> other\n",
        "1:1: holds the marks of an unresolved merge conflict",
    ),
    "conflict, one mark left": (f"{IMAGE}<<<<<<< HEAD\n", "2:1: holds the marks of an unresolved merge conflict"),
    "conflict, end mark left": (f"{IMAGE}>>>>>>> 1a2b3c4\n", "2:1: holds the marks of an unresolved merge conflict"),
    "conflict of three": (f"{IMAGE}||||||| base\n", "2:1: holds the marks of an unresolved merge conflict"),
    "SOPS": (f"{IMAGE}sops:\n  mac: ENC[AES256_GCM]\n", "3:3: encrypted by SOPS; a change would break its MAC"),
    "SOPS in the second document": (
        f"a: 1\n---\n{IMAGE}sops: {{mac: x}}\n",
        "4:7: encrypted by SOPS; a change would break its MAC",
    ),
    "not YAML": (f"{IMAGE}a: [\n", "3:1: not YAML: while parsing a flow node did not find expected node content"),
    "not YAML, and a shell test in it": (
        f'{IMAGE}args: ["if [[ -f x ]]; then"\nb: 1\n',
        "3:1: not YAML: while parsing a flow sequence did not find expected ',' or ']'",
    ),
    "not YAML: a control character": (
        f"# \u65e5\u672c\n{IMAGE}a: \x07\n",
        "3:4: not YAML: control characters are not allowed",
    ),
    "not YAML: an undefined anchor name": (
        f"{IMAGE}a: *\n",
        "2:5: not YAML: while scanning an alias did not find expected alphabetic or numeric character",
    ),
    "not YAML: tab as indentation": (
        f"{IMAGE}a:\n\tb: 1\n",
        "3:1: not YAML: while scanning for the next token found character that cannot start any token",
    ),
    "too long a line": (f"# {'x' * MAX_LINE}\n{IMAGE}", "1:1: has a line of more than 64 KiB"),
    "too deep": (f"{IMAGE}a: {'[' * 65}{']' * 65}\n", "2:67: nested more than 64 deep"),
    "too deep, with the marks of a template": (
        f"{IMAGE}b: '{{{{ }}}}'\na: {'[' * 65}{']' * 65}\n",
        "3:67: nested more than 64 deep",
    ),
    "too deep for any reader": (f"a: {'[' * 20_000}{']' * 20_000}\n{IMAGE}", "1:1003: nested more than 64 deep"),
    "too many documents": ("---\na: 1\n" * 1000 + f"---\n{IMAGE}", "2002:1: more than 1,000 documents"),
    "too many aliases": (f"{IMAGE}a: &a 1\nb: [{'*a, ' * 101}]\n", "3:405: more than 100 aliases"),
    "too many events": ("a:\n" + "- x\n" * 200_000 + IMAGE, "199997:3: more than 200,000 YAML events"),
    "too large": (IMAGE + "#\n" * (MAX_BYTES // 2), "1:1: larger than 5 MiB"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_file_is_left_alone_as_a_whole_and_the_place_is_said(data: bytes | str, reason: str) -> None:
    data = data if isinstance(data, bytes) else data.encode()
    with pytest.raises(Refused) as caught:
        read_source("a.yaml", data)
    assert f"{caught.value.line}:{caught.value.column}: {caught.value.reason}" == reason


@pytest.mark.parametrize("name", ["NEL", "Latin-1", "conflict", "SOPS", "not YAML", "too deep"])
def test_the_other_files_are_still_changed(name: str) -> None:
    data, reason = REFUSED[name]
    files: dict[str, bytes | str] = {"bad.yaml": data, "good.yaml": IMAGE}
    bumped = bump(files, TAG)
    assert bumped.text("good.yaml") == "image: ghcr.io/acme/api:2.0.0\n"
    assert bumped.warnings == [f"bad.yaml:{reason}"]


# a bomb of aliases: nine names, each ten times the one before
BOMB = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10) if i else 'x'}]\n" for i in range(10))


def test_a_bomb_of_aliases_is_never_expanded() -> None:
    assert bump(BOMB + IMAGE, TAG).text() == (BOMB + IMAGE).replace("1.0.0", "2.0.0")


DUPLICATES = {
    "the key itself": "image: ghcr.io/acme/api:1.0.0\nimage: ghcr.io/acme/api:1.0.0\n",
    "the key itself, another image": "image: ghcr.io/acme/web:1.0.0\nimage: ghcr.io/acme/api:1.0.0\n",
    "the key itself, the first counts for nobody": "image: ghcr.io/acme/api:1.0.0\nimage: x\n",
    "a key above": "spec: {x: 1}\nspec:\n  image: ghcr.io/acme/api:1.0.0\n",
    "a key above a list": "containers: []\ncontainers:\n- image: ghcr.io/acme/api:1.0.0\n",
    "the tag": "repository: ghcr.io/acme/api\ntag: 1.0.0\ntag: 1.0.1\n",
    "the repository": "repository: ghcr.io/acme/web\nrepository: ghcr.io/acme/api\ntag: 1.0.0\n",
    "the registry": "registry: quay.io\nregistry: ghcr.io\nrepository: acme/api\ntag: 1.0.0\n",
    "quoted and plain": 'image: ghcr.io/acme/api:1.0.0\n"image": ghcr.io/acme/api:1.0.0\n',
    "in a nested document": "helm:\n  values: |\n    a: ghcr.io/acme/api:1.0.0\n    a: ghcr.io/acme/api:1.0.0\n",
    "behind a good place": "a: ghcr.io/acme/api:1.0.0\nimage: ghcr.io/acme/api:1.0.0\nimage: ghcr.io/acme/api:1.0.0\n",
}


@pytest.mark.parametrize("text", DUPLICATES.values(), ids=DUPLICATES)
def test_a_duplicate_key_on_the_way_leaves_the_file_alone(text: str) -> None:
    bumped = bump(text, TAG)
    assert bumped.text() == text
    assert len(bumped.warnings) == 1
    assert "stands twice on the way to the reference" in bumped.warnings[0]
    assert not bumped.plan.images[0].occurrences


JSON = {
    "tabs": '{\n\t"image":\t"ghcr.io/acme/api:1.0.0"\n}\n',
    "escaped slash": '{"image": "ghcr.io\\/acme\\/api:1.0.0"}',
    "escaped letters": '{"image": "ghcr.io/acme/\\u0061pi:1.0.0", "x": "acme/api"}',
    "surrogates elsewhere": '{"a": "\\ud83d\\ude00", "b": "\\ud800", "image": "ghcr.io/acme/api:1.0.0"}',
    "one line": '{"kind":"Pod","spec":{"containers":[{"image":"ghcr.io/acme/api:1.0.0"}]}}',
    "numbers and words": '{"a":-1.5e+3,"b":[true,false,null],"image":"ghcr.io/acme/api:1.0.0"}',
    "byte order mark and Windows line ends": '\ufeff{\r\n"image": "ghcr.io/acme/api:1.0.0"\r\n}\r\n',
}


@pytest.mark.parametrize("text", JSON.values(), ids=JSON)
def test_json_is_read_as_json(text: str) -> None:
    assert bump({"a.json": text}, TAG).text("a.json") == text.replace(":1.0.0", ":2.0.0")


@pytest.mark.parametrize("tag", ["1.0.0", "", "null", "1.10", "true"])
def test_a_tag_in_json_is_a_string_afterwards(tag: str) -> None:
    written = tag if tag in {"null", "1.10", "true"} else json.dumps(tag)
    before = f'{{"repository": "ghcr.io/acme/api",\n\t"tag": {written} }}'
    after = bump({"a.json": before}, TAG).text("a.json")
    assert after == before.replace(f'"tag": {written}', '"tag": "2.0.0"')


NOT_JSON = {
    "comment": ('{"image": "ghcr.io/acme/api:1.0.0"} // x', "1:37: not JSON: Extra data"),
    "comma at the end": ('{"image": "ghcr.io/acme/api:1.0.0",}', "1:36: not JSON: "),
    "NaN": ('{"image": "ghcr.io/acme/api:1.0.0", "a": NaN}', "1:1: not JSON: NaN is not a JSON value"),
    "two documents": ('{"image": "ghcr.io/acme/api:1.0.0"}\n{}', "2:1: not JSON: Extra data"),
    "cut": ('{"image": "ghcr.io/acme/api:1.0.0"', "1:35: not JSON: "),
    "too deep": (
        '{"image": "ghcr.io/acme/api:1.0.0", "a": ' + "[" * 64 + "]" * 64 + "}",
        "1:106: nested more than 64 deep",
    ),
    "far too deep": ('{"image": "ghcr.io/acme/api:1.0.0", "a": ' + "[" * 60_000, "1:1: not JSON: "),
    "SOPS": ('{"image": "ghcr.io/acme/api:1.0.0", "sops": {"mac": "x"}}', "1:45: encrypted by SOPS"),
}


@pytest.mark.parametrize(("text", "reason"), NOT_JSON.values(), ids=NOT_JSON)
def test_json_that_is_none_is_left_alone(text: str, reason: str) -> None:
    bumped = bump({"a.json": text}, TAG)
    assert bumped.text("a.json") == text
    assert [warning[: len(f"a.json:{reason}")] for warning in bumped.warnings] == [f"a.json:{reason}"]


def test_a_dotenv_file_of_sops_is_left_alone() -> None:
    text = "IMAGE=ghcr.io/acme/api:1.0.0\nsops_mac=ENC[AES256_GCM,data:x]\n"
    with pytest.raises(Refused) as caught:
        read_source("a.env", text.encode(), text_file=True)
    assert (caught.value.line, caught.value.column) == (2, 1)
