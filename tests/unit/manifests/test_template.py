"""Files that are no YAML because they are templates: lines `image: REPOSITORY:TAG` and nothing else."""

from __future__ import annotations

import pytest

from tests.support.trees import bump

TAG = "ghcr.io/acme/api:2.0.0"
HEAD = "{{- range .Values.list }}\n"

LINES = {
    "plain": "image: ghcr.io/acme/api:1.0.0",
    "indented": "      image: ghcr.io/acme/api:1.0.0",
    "item of a list": "      - image: ghcr.io/acme/api:1.0.0",
    "double quotes": '  image: "ghcr.io/acme/api:1.0.0"',
    "single quotes": "  image: 'ghcr.io/acme/api:1.0.0'",
    "comment and trailing blanks": "  image: ghcr.io/acme/api:1.0.0  # c  ",
    "blanks around the colon": "  image :   ghcr.io/acme/api:1.0.0",
    "quoted key": '  "image": "ghcr.io/acme/api:1.0.0",',
    "another key that ends in Image": "  sidecarImage: ghcr.io/acme/api:1.0.0",
    "a key that ends in _IMAGE": "  API_IMAGE: ghcr.io/acme/api:1.0.0",
    "tab": "\timage:\tghcr.io/acme/api:1.0.0",
    "Windows line end": "  image: ghcr.io/acme/api:1.0.0\r",
    "the marker of a template behind it": "  image: ghcr.io/acme/api:1.0.0 # {{ x }}",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("path", ["t.yaml", "t.tpl", "values.yaml.gotmpl", "x.yaml.j2", "x.tmpl"])
def test_a_plain_reference_in_a_line_of_its_own_changes(path: str, line: str) -> None:
    before = f"{HEAD}{line}\n{{{{- end }}}}\n"
    bumped = bump({path: before}, TAG)
    assert bumped.text(path) == before.replace(":1.0.0", ":2.0.0")
    assert [edit.kind for edit in bumped.plan.edits] == ["template"]


def test_the_last_line_needs_no_line_break() -> None:
    assert bump(f"{HEAD}image: ghcr.io/acme/api:1.0.0", TAG).text() == f"{HEAD}{'image: ' + TAG}"


@pytest.mark.parametrize(
    ("given", "after"),
    [
        (TAG, TAG),
        (f"{TAG}@sha256:{'a' * 64}", f"{TAG}@sha256:{'a' * 64}"),
        (f"ghcr.io/acme/api@sha256:{'a' * 64}", f"ghcr.io/acme/api:1.0.0@sha256:{'a' * 64}"),
    ],
)
def test_tag_and_digest_are_one_unit(given: str, after: str) -> None:
    before = f"{HEAD}image: ghcr.io/acme/api:1.0.0@sha256:{'b' * 64}\n"
    assert bump(before, given).text() == f"{HEAD}image: {after}\n"


LEFT_ALONE = {
    "comment": "  # image: ghcr.io/acme/api:1.0.0",
    "comment behind a value": "  image: x:1 # ghcr.io/acme/api:1.0.0",
    "a template in the tag": "  image: ghcr.io/acme/api:{{ .Values.tag }}",
    "a template in the tag, quoted": '  image: "ghcr.io/acme/api:{{ .Values.tag }}"',
    "a template before the name": '  image: "{{ .Values.registry }}/acme/api:1.0.0"',
    "a default in a template": '  image: {{ .Values.image | default "ghcr.io/acme/api:1.0.0" }}',
    "a variable": "  image: ghcr.io/acme/api:$TAG",
    "a variable in braces": "  image: ghcr.io/acme/api:${TAG}",
    "another key": "  url: ghcr.io/acme/api:1.0.0",
    "an argument": "  - --image=ghcr.io/acme/api:1.0.0",
    "prose": "  image: the ghcr.io/acme/api:1.0.0 of old",
    "without a version": "  image: ghcr.io/acme/api",
    "a longer name": "  image: ghcr.io/acme/api-server:1.0.0",
    "a deeper name": "  image: ghcr.io/acme/api/x:1.0.0",
    "another registry": "  image: quay.io/acme/api:1.0.0",
    "quotes that do not match": "  image: \"ghcr.io/acme/api:1.0.0'",
    "template comment": "{{/* image: ghcr.io/acme/api:1.0.0 */}}",
    "template comment over lines": "{{- /*\n  image: ghcr.io/acme/api:1.0.0\n*/ -}}",
    "Jinja comment over lines": "{#\n  image: ghcr.io/acme/api:1.0.0\n#}",
    "ERB comment over lines": "<%#\n  image: ghcr.io/acme/api:1.0.0\n%>",
}


@pytest.mark.parametrize("line", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_every_other_line_is_left_alone(line: str) -> None:
    before = f"{HEAD}{line}\n{{{{- end }}}}\n"
    bumped = bump(before, TAG)
    assert bumped.text() == before
    assert len(bumped.reasons) == 1


def test_a_line_behind_a_template_comment_changes() -> None:
    before = f"{HEAD}{{{{/* image: ghcr.io/acme/api:1.0.0 */}}}}\nimage: ghcr.io/acme/api:1.0.0\n"
    assert bump(before, TAG).changes == [
        ("a.yaml", 3, 8, "ghcr.io/acme/api:1.0.0", "ghcr.io/acme/api:2.0.0"),
    ]


def test_a_file_that_is_yaml_in_spite_of_its_braces_is_read_as_yaml() -> None:
    before = "a: '{{ x }}'\nb: [ghcr.io/acme/api:1.0.0]\n"
    bumped = bump(before, TAG)
    assert (bumped.text(), [edit.kind for edit in bumped.plan.edits]) == (before.replace("1.0.0", "2.0.0"), ["scalar"])


@pytest.mark.parametrize("size", [20_000])
def test_long_lines_take_no_longer_than_short_ones(size: int) -> None:
    # A pattern that goes back over the line from each of its characters would not end in the time of a test.
    lines = [
        "image" * (size // 5),
        "- " + " " * size + "x",
        "image" + " " * size,
        "image: " + "a" * size + "{",
        '"' * size,
    ]
    before = HEAD + "".join(f"{line}\nimage: ghcr.io/acme/api:1.0.0\n" for line in lines)
    assert len(bump(before, TAG).plan.edits) == len(lines)
