"""Adding an `images:` entry changes nothing else, whatever the kustomization looks like."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.errors import InputError
from pipelinegen.images.versions import reads_as_other
from pipelinegen.manifests.overlays import Insertion, insert, overlay_entry
from tests.support.kustomize import Files

PATH = "overlays/production/kustomization.yaml"
NAME = "ghcr.io/acme/api"
DIGEST = "sha256:" + "a" * 64


def quote(value: str) -> str:
    return json.dumps(value) if reads_as_other(value) else value


def added(text: str | bytes, tag: str | None = "1.10", digest: str | None = None, name: str = NAME) -> str:
    files = Files({PATH: text})
    insertion = overlay_entry(files, PATH, name, tag, digest, quote)
    before = files[PATH].decode()
    bom = before.startswith("\ufeff")
    shifted = insertion.offset + bom
    result = insert(files[PATH], insertion).decode()
    assert result == before[:shifted] + insertion.text + before[shifted:]
    return result


ENTRY = '- name: ghcr.io/acme/api\n  newTag: "1.10"\n'
INDENTED = '  - name: ghcr.io/acme/api\n    newTag: "1.10"\n'
FLOW = '{name: ghcr.io/acme/api, newTag: "1.10"}'
JSON = '{"name": "ghcr.io/acme/api", "newTag": "1.10"}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # A new block at the end of the file.
        pytest.param("resources:\n- ../base\n", f"resources:\n- ../base\nimages:\n{ENTRY}", id="new block"),
        pytest.param(
            "resources:\n  - a\n", f"resources:\n  - a\nimages:\n{INDENTED}", id="as other lists are indented"
        ),
        pytest.param("resources: [a]\n", f"resources: [a]\nimages:\n{ENTRY}", id="no block list to follow"),
        pytest.param("  resources:\n  - a\n", f"  resources:\n  - a\n  images:\n{INDENTED}", id="all indented"),
        pytest.param("resources: [a]", f"resources: [a]\nimages:\n{ENTRY[:-1]}", id="no line break at the end"),
        pytest.param("a: b\n\n\n", f"a: b\nimages:\n{ENTRY}\n\n", id="blank lines at the end"),
        pytest.param("a: b\n# end\n", f"a: b\n# end\nimages:\n{ENTRY}", id="a comment at the end"),
        pytest.param("a: b\n# end", f"a: b\n# end\nimages:\n{ENTRY[:-1]}", id="a comment without a line break"),
        pytest.param("a: b\n...\n", f"a: b\nimages:\n{ENTRY}...\n", id="a document's end"),
        pytest.param("--- \na: b\n---\nc: d\n", f"--- \na: b\nimages:\n{ENTRY}---\nc: d\n", id="two documents"),
        pytest.param("a: |\n  ---\n  x\n", f"a: |\n  ---\n  x\nimages:\n{ENTRY}", id="a block scalar with a mark"),
        pytest.param("a: |\n  x", f"images:\n{ENTRY}a: |\n  x", id="a block scalar that would gain a line break"),
        pytest.param("b: c\na: |\n  x", f"b: c\nimages:\n{ENTRY}a: |\n  x", id="such a one after another key"),
        pytest.param("a: |+\n  x\n\n", f"a: |+\n  x\n\nimages:\n{ENTRY}", id="a block scalar that keeps its end"),
        pytest.param("a: |-\n  x\n\n", f"a: |-\n  x\nimages:\n{ENTRY}\n", id="one that strips its end"),
        pytest.param("a: 'x\n  y'\n", f"a: 'x\n  y'\nimages:\n{ENTRY}", id="a quoted scalar over two lines"),
        pytest.param("", f"images:\n{ENTRY}", id="an empty file"),
        pytest.param("# nothing\n", f"# nothing\nimages:\n{ENTRY}", id="only a comment"),
        pytest.param("---\n", f"---\nimages:\n{ENTRY}", id="an empty document"),
        # Behind the last item of a block list.
        pytest.param(
            "images:\n- name: a\n  newTag: b # c\n# d\npatches: []\n",
            f"images:\n- name: a\n  newTag: b # c\n{ENTRY}# d\npatches: []\n",
            id="behind the last item",
        ),
        pytest.param(
            "images:\n    -   name: a\n",
            'images:\n    -   name: a\n    -   name: ghcr.io/acme/api\n        newTag: "1.10"\n',
            id="as the items are indented",
        ),
        pytest.param("images:\n-\n  name: a\n", f"images:\n-\n  name: a\n{ENTRY}", id="a dash alone"),
        pytest.param("images:\n- name: a\n-\n", f"images:\n- name: a\n-\n{ENTRY}", id="an empty item"),
        pytest.param("images:\n- name: a", f"images:\n- name: a\n{ENTRY[:-1]}", id="an item without a line break"),
        pytest.param("images:\n- {name: a} # b\n", f"images:\n- {{name: a}} # b\n- {FLOW}\n", id="flow items"),
        pytest.param('images:\n- {"name": "a"}\n', f'images:\n- {{"name": "a"}}\n- {JSON}\n', id="JSON items"),
        pytest.param("images: &x\n- name: a\n", f"images: &x\n- name: a\n{ENTRY}", id="an anchor"),
        pytest.param("images:\n- name: a\n  newTag: >-\n    b\nc: d\n", None, id="a folded tag"),
        pytest.param("images:\n- name: a\n  newTag: |\n    b\n", None, id="a literal tag at the end"),
        pytest.param("images:\n- &i {name: a}\n- *i\n", f"images:\n- &i {{name: a}}\n- *i\n{ENTRY}", id="an alias"),
        # Flow lists.
        pytest.param("images: []\n", f"images: [{FLOW}]\n", id="an empty list"),
        pytest.param("images: [ ] # c\na: b\n", f"images: [ {FLOW}] # c\na: b\n", id="an empty list with a blank"),
        pytest.param("images: [ # c\n]\n", f"images: [ # c\n{FLOW}]\n", id="an empty list with a comment"),
        pytest.param("images: [{name: a}]\n", f"images: [{{name: a}}, {FLOW}]\n", id="a flow list"),
        pytest.param("images: [{name: a},]\n", f"images: [{{name: a}}, {FLOW},]\n", id="a comma behind it"),
        pytest.param(
            "images: [\n  {name: a}, # c\n]\n",
            f"images: [\n  {{name: a}},\n  {FLOW}, # c\n]\n",
            id="over several lines",
        ),
        pytest.param("{images: [{name: a}]}\n", f"{{images: [{{name: a}}, {FLOW}]}}\n", id="all of it flow"),
        pytest.param("{resources: [a]}\n", f"{{resources: [a], images: [{FLOW}]}}\n", id="flow without images"),
        pytest.param("{a: b,}\n", f"{{a: b, images: [{FLOW}],}}\n", id="flow with a comma behind it"),
        pytest.param("{}\n", f"{{images: [{FLOW}]}}\n", id="an empty mapping"),
        pytest.param("{images: }\n", f"{{images:  [{FLOW}]}}\n", id="flow with an empty value"),
        # JSON.
        pytest.param('{"images": []}', f'{{"images": [{JSON}]}}', id="JSON list"),
        pytest.param('{"resources": ["a"]}', f'{{"resources": ["a"], "images": [{JSON}]}}', id="JSON without images"),
        pytest.param('{\n\t"a": "b"\n}\n', f'{{\n\t"a": "b",\n\t"images": [{JSON}]\n}}\n', id="JSON with tabs"),
        # A key without a value.
        pytest.param("images:\n", f"images:\n{ENTRY[:-1]}\n", id="no value"),
        pytest.param(
            "images: # none\nresources: [a]\n", f"images: # none\n{ENTRY}resources: [a]\n", id="only a comment"
        ),
        pytest.param(
            "images:\n\nresources:\n  - a\n", f"images:\n{INDENTED}\nresources:\n  - a\n", id="and a blank line"
        ),
    ],
)
def test_where_the_entry_goes(before: str, after: str | None) -> None:
    result = added(before)
    if after is not None:
        assert result == after
    assert_only_grown(before, result)


def assert_only_grown(before: str, after: str, entry: dict[str, str] | None = None) -> None:
    """PyYAML, which nothing of ours uses to construct values, sees one more image and no other change."""
    old, new = (list(yaml.safe_load_all(text.replace("\t", " "))) for text in (before, after))
    old = old or [None]
    wanted = {**(old[0] or {})}
    wanted["images"] = [*(wanted.get("images") or []), entry or {"name": NAME, "newTag": "1.10"}]
    assert new == [wanted, *old[1:]]


def test_line_breaks_and_the_bom_are_kept() -> None:
    before = "\ufeffresources:\r\n- ../base\r\n"
    block = 'images:\r\n- name: ghcr.io/acme/api\r\n  newTag: "1.10"\r\n'
    assert added(before) == before + block
    insertion = overlay_entry(Files({PATH: before}), PATH, NAME, "1.10", None, quote)
    assert insertion == Insertion(PATH, len(before) - 1, block)


def test_offsets_are_code_points() -> None:
    assert added("# größer 😀\nimages: []\n# ß") == f"# größer 😀\nimages: [{FLOW}]\n# ß"


@pytest.mark.parametrize(
    ("name", "tag", "digest", "block", "flow"),
    [
        (NAME, None, DIGEST, f"- name: {NAME}\n  digest: {DIGEST}\n", f'{{name: {NAME}, digest: "{DIGEST}"}}'),
        (
            *(NAME, "v1", DIGEST),
            f"- name: {NAME}\n  newTag: v1\n  digest: {DIGEST}\n",
            f'{{name: {NAME}, newTag: v1, digest: "{DIGEST}"}}',
        ),
        (
            *("localhost:5000/api", "v1", None),
            "- name: localhost:5000/api\n  newTag: v1\n",
            '{name: "localhost:5000/api", newTag: v1}',
        ),
        ("123", "0x1f", None, '- name: "123"\n  newTag: "0x1f"\n', '{name: "123", newTag: "0x1f"}'),
        ("null", "true", None, '- name: "null"\n  newTag: "true"\n', '{name: "null", newTag: "true"}'),
    ],
)
def test_how_values_are_written(name: str, tag: str | None, digest: str | None, block: str, flow: str) -> None:
    assert added("a: b\n", tag, digest, name) == f"a: b\nimages:\n{block}"
    assert added("images: []\n", tag, digest, name) == f"images: [{flow}]\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("images: null\n", "`images:` is not a list", id="null"),
        pytest.param("images: ~\n", "`images:` is not a list", id="tilde"),
        pytest.param('images: ""\n', "`images:` is not a list", id="empty string"),
        pytest.param("images: {a: b}\n", "`images:` is not a list", id="mapping"),
        pytest.param("x: &x []\nimages: *x\n", "`images:` is not a list", id="alias"),
        pytest.param("images:\n- name: a\nimages: []\n", "`images:` stands there more than once", id="twice"),
        pytest.param("[a]\n", "an `images:` entry cannot be added by an insertion alone", id="a list"),
        pytest.param("words\n", "an `images:` entry cannot be added by an insertion alone", id="a scalar"),
        pytest.param("---\n---\na: b\n", "an `images:` entry cannot be added", id="an empty document before another"),
        pytest.param("a: |\n  x\n  {{ y }}\n b: {{ c }}\n", "a template, not a kustomization", id="template"),
        pytest.param("a: [\n", "not YAML", id="broken"),
        pytest.param(b"a: \xff\n", "not UTF-8", id="not UTF-8"),
        pytest.param("sops: {mac: x}\n", "encrypted by SOPS", id="SOPS"),
    ],
)
def test_what_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        added(text)
    assert caught.value.what.startswith(reason)
    assert (caught.value.id, (caught.value.where or "").startswith(PATH)) == ("file-refused", True)


def test_no_such_file() -> None:
    with pytest.raises(InputError) as caught:
        overlay_entry(Files({}), PATH, NAME, "1", None, quote)
    assert caught.value.id == "bad-path"


words = st.sampled_from(("a", "../base", "x.yaml", "v1", '"1.10"', "'quoted'", "b # comment"))
comments = st.sampled_from(("", "", "", "# comment\n", "\n", "\n\n", "  # indented\n"))
flow_items = st.sampled_from(("{name: a}", "{name: a, newTag: b}", '{"name": "a"}', "{name: a, newTag: 'x'}"))


@st.composite
def block_items(draw: st.DrawFn) -> str:
    dash = " " * draw(st.integers(0, 4))
    gap = " " * draw(st.integers(1, 3))
    items = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)) == 0:
            items.append(f"{dash}-{gap}{draw(flow_items)}\n")
        else:
            value = draw(st.sampled_from(("b", "'b'", '"b" # c', "|\n          b", ">-\n          b\n          c", "")))
            items.append(f"{dash}-{gap}name: a\n{dash} {gap}newTag: {value}\n")
        items.append(draw(comments))
    return "".join(items)


@st.composite
def kustomizations(draw: st.DrawFn) -> str:
    parts = []
    keys = draw(st.permutations(("resources", "images", "patches", "namePrefix", "x")))
    for key in keys[: draw(st.integers(1, 5))]:
        if key == "images":
            flow = ", ".join(draw(st.lists(flow_items, max_size=3)))
            comma = "," if flow and draw(st.booleans()) else ""
            lines = f"[\n  {flow}{comma} # c\n  ]"
            choice = draw(st.sampled_from((f"images: [{flow}{comma}]\n", f"images: {lines}\n", "images:\n", "block")))
            parts.append("images: # c\n" + draw(block_items()) if choice == "block" else choice)
        elif key == "x":
            chomp = draw(st.sampled_from(("|", "|-", "|+", ">", ">-", ">+", "|2", '"')))
            parts.append('x: "a\n  b"\n' if chomp == '"' else f"x: {chomp}\n  text\n    more\n\n  # no comment\n")
        elif key == "namePrefix":
            parts.append(f"namePrefix: {draw(words)}\n")
        else:
            indent = " " * draw(st.integers(0, 2))
            items = draw(st.lists(words, min_size=1, max_size=3))
            parts.append(f"{key}:\n" + "".join(f"{indent}- {item}\n" for item in items))
        parts.append(draw(comments))
    text = draw(st.sampled_from(("", "---\n", "# head\n", "%YAML 1.1\n---\n"))) + "".join(parts)
    text += draw(st.sampled_from(("", "", "...\n", "---\nother: document\n")))
    text = text.rstrip("\n") if draw(st.booleans()) else text
    return text.replace("\n", "\r\n") if draw(st.integers(0, 3)) == 0 else text


@given(kustomizations(), st.booleans())
def test_any_kustomization_grows_by_one_entry_and_nothing_else(text: str, bom: bool) -> None:
    result = added("\ufeff" + text if bom else text)
    assert_only_grown(text, result.removeprefix("\ufeff"))
    assert result.count("\r") == (result.count("\n") if "\r" in text else 0)
    again = added(result, "v2", name="ghcr.io/acme/web").removeprefix("\ufeff")
    assert_only_grown(result.removeprefix("\ufeff"), again, {"name": "ghcr.io/acme/web", "newTag": "v2"})
