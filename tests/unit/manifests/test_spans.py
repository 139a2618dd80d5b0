"""Nodes and where they stand; and that no look at a large file goes over it again for each thing in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipelinegen.commands.show import diff_of
from pipelinegen.manifests.planning import make_plan
from pipelinegen.manifests.sources import Sources
from pipelinegen.manifests.spans import Alias, Mapping, Scalar, Sequence, parse_yaml, scalars, token_start, written_span
from pipelinegen.manifests.splice import apply
from tests.support.trees import Memory, requests

TAG = "ghcr.io/acme/api:2.0.0"


def test_nodes_know_their_place_key_and_path() -> None:
    text = "a: {b: [x, 'y']}\nc: &n z\nd: *n\n"
    (root,) = parse_yaml(text)
    assert isinstance(root, Mapping)
    found = {
        ".".join(map(str, node.path())): text[node.start : node.end] for node in scalars(root) if node.key is not None
    }
    assert found == {"a.b.0": "x", "a.b.1": "'y'", "c": "&n z"}
    alias = root.get("d")
    assert isinstance(alias, Alias)
    assert (alias.name, text[alias.start : alias.end], alias.key_text()) == ("n", "*n", "d")
    items = root.get("a")
    assert isinstance(items, Mapping)
    listed = items.get("b")
    assert isinstance(listed, Sequence)
    assert [node.parent for node in listed.items] == [listed, listed]
    assert listed.items[0].root() is root


def test_a_key_that_stands_twice_means_the_last_one() -> None:
    (root,) = parse_yaml("a: 1\nb: 2\na: 3\n")
    assert isinstance(root, Mapping)
    assert (root.text("a"), root.text("b"), root.text("c")) == ("3", "2", None)
    assert (root.repeats("a"), root.repeats("b"), root.repeats("c")) == (True, False, False)


# the text of one scalar; what is written of its value's characters 1 to 3
SPANS: dict[str, tuple[str, str | None]] = {
    "plain": ("abcd", "bc"),
    "double quotes": ('"abcd"', "bc"),
    "single quotes": ("'abcd'", "bc"),
    "anchor": ("&x abcd", "bc"),
    "tag and anchor": ("!!str &x 'abcd'", "bc"),
    "comment behind the tag": ("!!str # abcd\n  abcd", "bc"),
    "escape before": ('"\\x61bcd"', "bc"),
    "escape inside": ('"a\\x62cd"', "\\x62c"),
    "long escape": ('"\\U0001F680bcd"', "bc"),
    "doubled quote": ("'a''cd'", "''c"),
    "literal": ("|\n  abcd\n", "bc"),
    "folded": (">-\n  abcd\n", "bc"),
    "literal with a comment": ("| # abcd\n  abcd\n", "bc"),
    "plain over lines": ("ab\n  cd", None),
    "quotes over lines": ('"ab\n  cd"', None),
    "literal of two lines": ("|\n  ab\n  cd\n", None),
}


@pytest.mark.parametrize(("text", "wanted"), SPANS.values(), ids=SPANS)
def test_the_characters_of_a_value_are_found_in_the_text(text: str, wanted: str | None) -> None:
    (node,) = parse_yaml(text)
    assert isinstance(node, Scalar)
    span = written_span(text, node, 1, 3)
    assert (text[slice(*span)] if span else None) == wanted
    assert token_start(text, node) >= node.start


def files(text: str, path: str = "a.yaml") -> dict[str, str]:
    return {path: text}


LARGE: dict[str, Callable[[int], dict[str, str]]] = {
    "items": lambda n: files("a:\n" + "- ghcr.io/acme/api:1.0.0\n" * n),
    "containers": lambda n: files("a:\n" + "- image: ghcr.io/acme/api:1.0.0\n" * n),
    "keys of one mapping": lambda n: files("".join(f"k{i}: ghcr.io/acme/api:1.0.0\n" for i in range(n))),
    "values": lambda n: files("".join(f"k{i}: {{repository: ghcr.io/acme/api, tag: 1.0.0}}\n" for i in range(n))),
    "values in one mapping": lambda n: files("".join(f"k{i}Image: ghcr.io/acme/api\nk{i}Tag: 1\n" for i in range(n))),
    "anchored values": lambda n: files(
        "".join(f"k{i}: &k{i} {{repository: ghcr.io/acme/api, tag: 1.0.0}}\n" for i in range(n)) + "x: *k1\n"
    ),
    "entries of a kustomization": lambda n: files("images:\n" + "- name: ghcr.io/acme/api\n" * n, "kustomization.yaml"),
    "lines of a template": lambda n: files("{{ x }}\n" + "image: ghcr.io/acme/api:1.0.0\n" * n),
    "comments of a template": lambda n: files("{{ x }}\n" + "{# {# #}\nimage: ghcr.io/acme/api:1.0.0\n" * n),
    "objects of JSON": lambda n: files("[" + ",\n".join(['{"image": "ghcr.io/acme/api:1.0.0"}'] * n) + "]", "a.json"),
    "values in a block": lambda n: files(
        "kind: ConfigMap\ndata:\n  values.yaml: |\n"
        + "".join(f"    k{i}: {{repository: ghcr.io/acme/api, tag: 1.0.0}}\n" for i in range(n))
    ),
    "one folder": lambda n: {
        f"v/{i}.yaml": f"k{i}: {{repository: ghcr.io/acme/api, tag: 1}}\nimage: {{tag: 1}}\n" for i in range(n // 4)
    },
    "many folders": lambda n: {
        f"{i}/{name}.yaml": text
        for i in range(n // 8)
        for name, text in (("v", "image: {repository: ghcr.io/acme/api, tag: 1}\n"), ("p", "image: {tag: 1}\n"))
    },
}


class Ticks:
    """How many functions are called: unlike time, the same on every machine."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: object, event: str, argument: object) -> None:
        self.count += event in {"call", "c_call"}


def cost(tree: dict[str, str]) -> int:
    import sys

    ticks = Ticks()
    sources = Sources(Memory(tree))
    sys.setprofile(ticks)
    try:
        plan = make_plan(sources, requests([TAG]))
        apply(plan, sources)
        assert sum(1 for _ in diff_of(plan, sources)) > 0
    finally:
        sys.setprofile(None)
    return ticks.count


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_twice_the_size_is_twice_the_work(make: Callable[[int], dict[str, str]]) -> None:
    assert cost(make(240)) < 2.5 * cost(make(120))
