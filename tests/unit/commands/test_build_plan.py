"""The plan of a build: labels, tags at their place in the configuration, and an order in which bases come first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.commands.building.plan import in_order, labels_of, ordered, tags_of
from pipelinegen.errors import InputError
from tests.support.builds import REVISION, source, wanted

OCI = "org.opencontainers.image."


def test_the_labels_of_the_oci_that_are_known() -> None:
    told = source(description="Sells things", licenses="MIT")
    assert labels_of(wanted(), told, "1.2.3") == {
        f"{OCI}title": "shop",
        f"{OCI}description": "Sells things",
        f"{OCI}url": "https://github.com/acme/shop",
        f"{OCI}source": "https://github.com/acme/shop",
        f"{OCI}version": "1.2.3",
        f"{OCI}created": "2026-03-07T15:04:09Z",
        f"{OCI}revision": REVISION,
        f"{OCI}licenses": "MIT",
    }


def test_labels_that_are_not_known_are_left_out_and_the_images_own_win() -> None:
    image = wanted(labels={f"{OCI}title": "The API", "team": "shop"})
    labels = labels_of(image, source(url=None, revision=None), None)
    assert labels == {f"{OCI}title": "The API", f"{OCI}created": "2026-03-07T15:04:09Z", "team": "shop"}


def test_a_rule_that_cannot_be_followed_is_told_at_its_place() -> None:
    with pytest.raises(InputError) as caught:
        tags_of(wanted(tags=("type=raw,value=1.10",)), source())
    assert caught.value.id == "bad-tag"
    assert caught.value.lines()[0].startswith("pipelinegen.yaml:5:3 (api): type=raw,value=1.10: the tag 1.10")
    assert "prefix=v" in (caught.value.next or "")


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        pytest.param({"a": [], "b": []}, ["a", "b"], id="none needs another"),
        pytest.param({"a": ["b"], "b": []}, ["b", "a"], id="a base comes first"),
        pytest.param({"a": ["b", "c"], "b": ["c"], "c": []}, ["c", "b", "a"], id="a chain"),
        pytest.param({"z": [], "a": [], "m": ["z"]}, ["z", "a", "m"], id="else as in the configuration"),
    ],
)
def test_bases_come_first(needs: dict[str, list[str]], expected: list[str]) -> None:
    assert in_order(needs) == expected


def test_a_circle_is_told() -> None:
    with pytest.raises(InputError, match=r"from each other: (a from b from a|b from a from b)"):
        ordered({"a": ["b"], "b": ["a"], "c": []})


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    names = [f"n{number}" for number in range(draw(st.integers(1, 7)))]
    return {
        name: draw(st.lists(st.sampled_from(names[:at]), unique=True)) if at else [] for at, name in enumerate(names)
    }


@given(graphs(), st.randoms())
def test_no_image_is_built_before_its_bases(needs: dict[str, list[str]], random: Any) -> None:
    shuffled = list(needs)
    random.shuffle(shuffled)
    order = in_order({name: needs[name] for name in shuffled})
    assert sorted(order) == sorted(needs)
    assert all(order.index(base) < order.index(name) for name, bases in needs.items() for base in bases)
