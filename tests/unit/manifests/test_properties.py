"""What holds for every text: only the planned characters change, a second bump is idle, plans survive their JSON."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pipelinegen.errors import Defect, WorldError
from pipelinegen.images.reference import is_digest
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.plan import Plan, plan_from
from pipelinegen.manifests.planning import make_plan
from pipelinegen.manifests.source import BOM, read_source
from pipelinegen.manifests.splice import splice
from tests.support.trees import Bumped, Memory, bump, requests
from tests.support.yaml_texts import API, NEW, documents, values, write, write_json

seeds = st.integers(0, 2**32)
given_version = st.sampled_from(
    [f"{API}:2.0.0", f"{API}:1.10", f"{API}@{NEW}", f"{API}:2.0.0@{NEW}", f"{API}:20240101"]
)
ANY = Selection(allow_downgrade=True)
thorough = settings(
    deadline=None, max_examples=2 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow]
)

_REFERENCE = re.compile(rf"{re.escape(API)}(?::([\w.-]+))?(?:@(sha256:[0-9a-f]{{64}}))?")


def wanted(value: Any, tag: str | None, digest: str | None) -> Any:
    """What a reader must find afterwards: the same value, with the version of the image set."""
    if isinstance(value, list):
        return [wanted(item, tag, digest) for item in value]
    if isinstance(value, dict):
        if value.get("repository") == API and "tag" in value:
            return {key: _beside(value, key, tag, digest) for key in value}
        return {key: wanted(item, tag, digest) for key, item in value.items()}
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not (match[1] or match[2]):
        return value
    if match[1] == tag and digest is None and match[2]:
        return value  # pinned by the digest of that very tag
    kept = tag or match[1]
    return API + (f":{kept}" if kept else "") + (f"@{digest}" if digest else "")


def _beside(pair: dict[str, Any], key: str, tag: str | None, digest: str | None) -> Any:
    present, _, joined = pair["tag"].partition("@")
    pinned = pair.get("digest") or joined
    if key not in {"tag", "digest"} or (present == tag and digest is None and pinned):
        return pair[key]
    if "digest" in pair:
        wanted_tag = tag or (present if joined else pair["tag"])
        return wanted_tag if key == "tag" else digest or ""
    if tag is None and not joined:
        return pair["tag"]
    return (tag or present) + (f"@{digest}" if digest and joined else "")


def parts(reference: str) -> tuple[str | None, str | None]:
    match = _REFERENCE.fullmatch(reference)
    assert match is not None
    return match[1], match[2]


def load(text: str) -> list[Any]:
    """As strings, whatever a reader would make of them."""
    return list(yaml.load_all(text.removeprefix(BOM), Loader=yaml.CBaseLoader))


def check_outside(before: str, bumped: Bumped, path: str) -> None:
    """The text between the edits is the same, character by character."""
    mark = BOM if before.startswith(BOM) else ""
    before, after = before[len(mark) :], bumped.text(path)[len(mark) :]
    at = shift = 0
    for edit in bumped.plan.edits:
        assert before[at : edit.start] == after[at + shift : edit.start + shift]
        assert before[edit.start : edit.end] == edit.old
        assert after[edit.start + shift : edit.start + shift + len(edit.new)] == edit.new
        shift += len(edit.new) - (edit.end - edit.start)
        at = edit.end
    assert before[at:] == after[at + shift :]


@thorough
@given(listed=documents, seed=seeds, reference=given_version)
def test_yaml_changes_in_the_planned_characters_and_nowhere_else(listed: list[Any], seed: int, reference: str) -> None:
    text = write(seed, listed)
    before = load(text)
    bumped = bump(text, reference, selection=ANY)
    check_outside(text, bumped, "a.yaml")
    assert load(bumped.text()) == [wanted(value, *parts(reference)) for value in before]
    assert [line.partition("#")[2] for line in text.split("\n") if line.lstrip().startswith("#")] == [
        line.partition("#")[2] for line in bumped.text().split("\n") if line.lstrip().startswith("#")
    ]


@thorough
@given(value=values, seed=seeds, reference=given_version)
def test_json_changes_in_the_planned_characters_and_nowhere_else(value: Any, seed: int, reference: str) -> None:
    text = write_json(seed, {"x": value})
    bumped = bump({"a.json": text}, reference, selection=ANY)
    check_outside(text, bumped, "a.json")
    assert json.loads(bumped.text("a.json")) == wanted({"x": value}, *parts(reference))


@thorough
@given(listed=documents, seed=seeds, reference=given_version)
def test_a_plan_survives_its_json(listed: list[Any], seed: int, reference: str) -> None:
    plan = bump(write(seed, listed), reference, selection=ANY).plan
    assert plan_from(json.loads(json.dumps(plan.data()))) == plan


MANIFESTS = [
    "kind: Deployment\nspec:\n  containers:\n  - image: {api}:1.0.0\n  - image: {web}:1.0.0 # c\n  - image: nginx:1\n",
    "images:\n- name: {api}\n  newTag: 1.0.0\n- name: x\n  newName: {web}\n- name: nginx\n",
    "api: {{image: {{repository: {api}, tag: 1.0.0}}}}\nweb: {{image: {{repository: {web}, tag: '1.0.0'}}}}\n",
    "a: {{repository: {api}, tag: &v 1.0.0}}\nb: {{repository: {web}, tag: *v}}\n",
    "kind: Application\nspec:\n  source:\n    kustomize:\n      images:\n      - {api}:1.0.0\n      - x={web}:1.0.0\n",
]
IMAGES = ["ghcr.io/acme/api:2.0.0", "ghcr.io/acme/web:3.0.0", "nginx:2"]


@given(order=st.permutations(IMAGES), texts=st.lists(st.sampled_from(MANIFESTS), min_size=1, max_size=5))
def test_the_order_of_requests_does_not_matter(order: Sequence[str], texts: Sequence[str]) -> None:
    words = {"api": "ghcr.io/acme/api", "web": "ghcr.io/acme/web"}
    tree = {
        ("kustomization.yaml" if "images:\n- name" in text else "a.yaml").replace("a", f"{at}/a", 1): text.format(
            **words
        )
        for at, text in enumerate(texts)
    }
    one, other = bump(dict(tree), *IMAGES), bump(dict(tree), *order)
    assert one.files == other.files
    assert one.plan.edits == other.plan.edits
    assert one.plan.skipped == other.plan.skipped
    assert sorted(one.plan.images) == sorted(other.plan.images)


@given(texts=st.permutations(MANIFESTS))
def test_one_run_for_three_images_is_three_runs(texts: Sequence[str]) -> None:
    words = {"api": "ghcr.io/acme/api", "web": "ghcr.io/acme/web"}
    text = "---\n".join(text.format(**words) for text in texts if "*v" not in text)
    together = bump(text, *IMAGES).text()
    for image in IMAGES:
        text = bump(text, image).text()
    assert text == together


_WRONG = st.one_of(
    st.text(alphabet="\n :-#'\"[]{}&*!|>%@`,?\\ax1.0", max_size=6),
    st.sampled_from([":2.0.0 # c", ":2.0.0\nx: y", '":2.0.0"', ":2.0.0 ", "\n:2.0.0", ": 2.0.0", ":2.0.0,", ":2.0.0]"]),
)


@thorough
@given(listed=documents, seed=seeds, wrong=_WRONG, pick=seeds, spread=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_an_edit_that_means_something_else_is_never_written(
    listed: list[Any], seed: int, wrong: str, pick: int, spread: tuple[int, int]
) -> None:
    text = write(seed, listed)
    plan = make_plan(Memory({"a.yaml": text}), requests([f"{API}:2.0.0"]), ANY)
    assume(plan.edits)
    source = read_source("a.yaml", text.encode())
    at = Random(pick).randrange(len(plan.edits))
    edit = plan.edits[at]
    start, end = max(edit.start - spread[0], 0), min(edit.end + spread[1], len(source.text))
    mutated = edit._replace(start=start, end=end, old=source.text[start:end], new=wrong)
    good = load(splice(source, plan.edits).decode())
    try:
        written = splice(source, [*plan.edits[:at], mutated, *plan.edits[at + 1 :]])
    except (Defect, WorldError):
        return
    assert load(written.decode()) == good


TRICKY = (
    *(
        "1",
        "00",
        "007",
        "0x1F",
        "0o17",
        "0b101",
        "1_000",
        "1.10",
        "1.",
        "1e3",
        "12e03",
        "0e0",
        "2024-01-01",
        "2024-1-1",
    ),
    *("true", "True", "yes", "NO", "on", "OFF", "y", "N", "null", "NULL", "e1", "E-1", "1234567", "12345e7", "0b-1"),
    *(
        "_",
        "__",
        "_1",
        "a",
        "latest",
        "v1.2.3",
        "1.2.3",
        "1.2.3-rc.1",
        "x" * 128,
        "0.1e1",
        "190_20",
        "0O7",
        "0B1",
        "1__0",
    ),
)
tags = st.one_of(
    st.sampled_from(TRICKY),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    st.from_regex(r"[0-9][0-9eE_.xobXOB-]{0,8}", fullmatch=True),
    st.from_regex(r"[0-9a-f]{7,40}", fullmatch=True),
)

# where a tag stands: the text before, where a reader finds it
PLACES: dict[str, tuple[str, str, list[Any]]] = {
    "values": ("a.yaml", "a:\n  repository: ghcr.io/acme/api\n  tag: old\n", ["a", "tag"]),
    "empty value": ("a.yaml", "a:\n  repository: ghcr.io/acme/api\n  tag:\nb: 1\n", ["a", "tag"]),
    "empty value with a comment": ("a.yaml", "a:\n  repository: ghcr.io/acme/api\n  tag: # c\n", ["a", "tag"]),
    "flow": ("a.yaml", "a: {repository: ghcr.io/acme/api, tag: old}\n", ["a", "tag"]),
    "double quotes": ("a.yaml", 'a: {repository: ghcr.io/acme/api, tag: "old"}\n', ["a", "tag"]),
    "single quotes": ("a.yaml", "a: {repository: ghcr.io/acme/api, tag: 'old'}\n", ["a", "tag"]),
    "anchor": ("a.yaml", "a: {repository: ghcr.io/acme/api, tag: &t old}\nb: *t\n", ["b"]),
    "newTag": ("kustomization.yaml", "images:\n- name: ghcr.io/acme/api\n  newTag: old\n", ["images", 0, "newTag"]),
    "newTag inserted": ("kustomization.yaml", "images:\n- name: ghcr.io/acme/api\n", ["images", 0, "newTag"]),
    "newTag for a digest": (
        "kustomization.yaml",
        f"images:\n- name: ghcr.io/acme/api\n  digest: {NEW}\n",
        ["images", 0, "newTag"],
    ),
    "newTag in flow": ("kustomization.yaml", "images: [{name: ghcr.io/acme/api}]\n", ["images", 0, "newTag"]),
    "parameter": (
        "a.yaml",
        "helm:\n  parameters:\n  - {name: image, value: ghcr.io/acme/api}\n  - name: tag\n    value: old\n",
        ["helm", "parameters", 1, "value"],
    ),
    "nested": (
        "a.yaml",
        "helm:\n  values: |\n    repository: ghcr.io/acme/api\n    tag: old\n",
        ["helm", "values", "tag"],
    ),
    "JSON": ("a.json", '{"repository": "ghcr.io/acme/api",\t"tag": 1}\n'.replace("\t", " "), ["tag"]),
}


def read(reader: str, text: str) -> Any:
    if reader == "PyYAML, C":
        return yaml.load(text, Loader=yaml.CSafeLoader)
    if reader == "PyYAML":
        return yaml.safe_load(text)
    from ruamel.yaml import YAML

    kind, version = reader.split(", ")[1:]
    parser = YAML(typ=kind, pure=True)
    parser.version = version
    return parser.load(text)


@functools.cache
def written(path: str, text: str, tag: str) -> str:
    """Once for all readers."""
    return bump({path: text}, f"ghcr.io/acme/api:{tag}", selection=ANY).text(path)


READERS = ["PyYAML, C", "PyYAML", "ruamel, rt, 1.2", "ruamel, safe, 1.2", "ruamel, rt, 1.1", "ruamel, safe, 1.1"]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("path", "text", "way"), PLACES.values(), ids=PLACES)
@settings(deadline=None, max_examples=settings().max_examples // 10)
@given(some=st.lists(tags, min_size=5, max_size=5))
@example(some=list(TRICKY[:15]))
@example(some=list(TRICKY[15:30]))
@example(some=list(TRICKY[30:]))
def test_every_reader_gets_the_very_tag(reader: str, path: str, text: str, way: list[Any], some: list[str]) -> None:
    for tag in some:
        value = read(reader, written(path, text, tag))
        for step in way:
            value = read(reader, value) if isinstance(value, str) else value
            value = value[step]
        assert isinstance(value, str)
        assert str(value) == tag


@given(some=st.lists(tags, min_size=1, max_size=5, unique=True))
def test_a_whole_reference_is_a_string_for_every_reader(some: list[str]) -> None:
    for tag in some:
        text = bump(
            "a: ghcr.io/acme/api:old\nimage: 12:old\n", f"ghcr.io/acme/api:{tag}", f"12:{tag}", selection=ANY
        ).text()
        for loader in (yaml.CSafeLoader, yaml.SafeLoader):
            assert yaml.load(text, Loader=loader) == {"a": f"ghcr.io/acme/api:{tag}", "image": f"12:{tag}"}


@thorough
@given(text=st.text(alphabet="abc:/@-.#'\"{}[]&*!|>,? \n\t10ghcriome\u00e9\u65e5", max_size=120), seed=seeds)
def test_whatever_stands_around_a_reference_it_ends_in_a_plan(text: str, seed: int) -> None:
    at = seed % (len(text) + 1)
    whole = f"{text[:at]}{API}:1.0.0{text[at:]}"
    for path in ("a.yaml", "kustomization.yaml", "a.json", "a.tpl"):
        bumped = bump({path: whole}, f"{API}:2.0.0")
        assert isinstance(bumped.plan, Plan)
        check_outside(whole, bumped, path)


def test_the_digests_here_are_digests() -> None:
    assert is_digest(NEW)
