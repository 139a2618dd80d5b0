"""Equal inputs have one hash, and whatever decides what an image holds changes it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.images.inputs import Context, Entry, Inputs, context_hash, hash_of, names_of, sources_of, tag_of
from pipelinegen.images.reference import is_tag
from pipelinegen.images.versions import reads_as_other

FILES = (
    Entry("app/main", "file", "a" * 64, executable=True),
    Entry("app/link", "link", "main"),
    Entry("README.md", "file", "b" * 64),
)
BASE = Inputs(
    dockerfile=b"FROM scratch\nCOPY app /app\n",
    context=Context(FILES),
    target="runtime",
    platforms=("linux/amd64", "linux/arm64"),
    build_args={"A": "1", "B": "2"},
    labels={"team": "shop"},
    bases={"alpine:3": "sha256:" + "c" * 64},
    contexts={"shared": "d" * 64},
    secrets=("npm", "pip"),
    ssh=("default",),
    attest=("type=sbom",),
    tests='{"commandTests":[]}',
    test_files={"tests/smoke.sh": "e" * 64},
)
HASH = hash_of(BASE)


def test_the_hash_is_the_same_on_every_machine() -> None:
    """Written down: if it changes, every image is built once more, and FORMAT says so."""
    assert HASH == "38541bba0f8a9304a7aa327213b44524e036cff09057dc79bfd048d7d4498a24"


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({"context": Context(FILES[::-1])}, id="files in another order"),
        pytest.param({"platforms": BASE.platforms[::-1]}, id="platforms in another order"),
        pytest.param({"build_args": {"B": "2", "A": "1"}}, id="build args in another order"),
        pytest.param({"secrets": ("pip", "npm")}, id="secrets in another order"),
        pytest.param({"dockerfile": BASE.dockerfile.replace(b"\n", b"\r\n")}, id="line endings of Windows"),
    ],
)
def test_equal_inputs_have_one_hash(same: dict[str, Any]) -> None:
    assert hash_of(BASE._replace(**same)) == HASH


def changed_file(**values: Any) -> dict[str, Any]:
    return {"context": Context((FILES[0]._replace(**values), *FILES[1:]))}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"dockerfile": b"FROM scratch\nCOPY app /App\n"}, id="the Dockerfile"),
        pytest.param(changed_file(content="f" * 64), id="the content of a file"),
        pytest.param(changed_file(path="app/Main"), id="the name of a file"),
        pytest.param(changed_file(executable=False), id="whether it can be executed"),
        pytest.param(changed_file(kind="link"), id="a link in place of a file"),
        pytest.param({"context": Context(FILES[:2])}, id="a file that is gone"),
        pytest.param({"context": Context(FILES, revision="0" * 40)}, id="the commit, where .git is copied"),
        pytest.param({"target": None}, id="no target"),
        pytest.param({"platforms": ("linux/amd64",)}, id="a platform less"),
        pytest.param({"build_args": {"A": "1", "B": "3"}}, id="the value of a build arg"),
        pytest.param({"build_args": {"A": "1"}}, id="a build arg less"),
        pytest.param({"labels": {}}, id="a label"),
        pytest.param({"bases": {"alpine:3": "sha256:" + "9" * 64}}, id="a newer base"),
        pytest.param({"contexts": {"shared": "0" * 64}}, id="a file of a named context"),
        pytest.param({"secrets": ("npm",)}, id="a secret less"),
        pytest.param({"ssh": ()}, id="no ssh"),
        pytest.param({"attest": ()}, id="no attestation"),
        pytest.param({"tests": "{}"}, id="its tests"),
        pytest.param({"test_files": {"tests/smoke.sh": "0" * 64}}, id="a program of its tests"),
    ],
)
def test_whatever_decides_the_image_changes_the_hash(other: dict[str, Any]) -> None:
    assert hash_of(BASE._replace(**other)) != HASH


def test_the_sources_are_the_same_whatever_the_base_is_today() -> None:
    newer = BASE._replace(bases={"alpine:3": "sha256:" + "9" * 64})
    assert sources_of(newer) == sources_of(BASE) != HASH
    assert sources_of(BASE._replace(bases={"alpine:4": "x"})) != sources_of(BASE)
    assert sources_of(BASE._replace(target=None)) != sources_of(BASE)


def test_every_input_is_in_the_hash() -> None:
    """A field that is added and forgotten in the hash would let an old image pass for the new one."""
    empty: dict[str, Any] = {"dockerfile": b"", "context": Context(())}
    empty |= Inputs._field_defaults
    for field in Inputs._fields:
        assert hash_of(BASE._replace(**{field: empty[field]})) != HASH, field


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4, unique_by=lambda pair: pair[0]))
def test_no_two_contexts_look_alike(files: list[tuple[str, str]]) -> None:
    """Names and contents cannot run into each other, whatever stands in them."""
    entries = tuple(Entry(name, "file", content) for name, content in files)
    joined = Context((Entry("".join(map("".join, files)), "file", ""),))
    split = Context(entries)
    assert (context_hash(joined) == context_hash(split)) == (joined.entries == split.entries)


@given(st.binary(max_size=40))
def test_the_tag_is_a_tag_that_nothing_misreads(dockerfile: bytes) -> None:
    tag = tag_of(hash_of(Inputs(dockerfile, Context(()))))
    assert re.fullmatch("src-[0-9a-f]{40}", tag)
    assert is_tag(tag)
    assert not reads_as_other(tag)


def test_of_secrets_only_the_names_count() -> None:
    assert names_of(["id=npm,env=NPM_TOKEN", "type=file,id=pip,src=.pip", "src=x"]) == ("npm", "pip")
