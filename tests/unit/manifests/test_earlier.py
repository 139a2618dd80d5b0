"""Which state was before the present one, and how versions of then are put to the places of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.manifests.earlier import (
    Key,
    Remembered,
    Then,
    Versions,
    brought_back,
    states,
    steps_back,
    versions_of,
)
from pipelinegen.manifests.finding import Selection
from pipelinegen.manifests.inventory import Version, inventory
from pipelinegen.manifests.sources import Sources
from tests.support.trees import Memory

API, WEB = "ghcr.io/acme/api", "ghcr.io/acme/web"
KEY = Key("a.yaml", API)


def stood(*tags: str) -> dict[Key, tuple[Version, ...]]:
    return {KEY: tuple(Version(tag, None) for tag in tags)} if tags else {}


# the history (newest first), steps, and the place of the state that is found
HISTORIES = {
    "the one before": (["3", "2", "1"], 1, 1),
    "two before": (["3", "2", "1"], 2, 2),
    "nothing before": (["1"], 1, None),
    "nothing else ever": (["1", "1", "1"], 1, None),
    "too far": (["2", "1"], 2, None),
    "many commits without a change": (["3", "3", "3", "2", "2", "1"], 1, 3),
    "the newest commit of a state": (["3", "2", "2", "2"], 1, 1),
    "rolled back already: further back": (["1", "2", "1", "0"], 1, 3),
    "rolled back, and nothing before": (["1", "2", "1"], 1, None),
    "rolled back and deployed again": (["2", "1", "2", "1"], 1, 3),
    "a detour on the way": (["4", "2", "3", "2", "1"], 2, 4),
    "back and forth": (["1", "2", "1", "2", "1", "0"], 1, 5),
}


@pytest.mark.parametrize(("tags", "steps", "place"), HISTORIES.values(), ids=HISTORIES)
def test_the_state_before(tags: list[str], steps: int, place: int | None) -> None:
    moments = [stood(tag) for tag in tags]
    assert steps_back(moments[0], moments, steps) == place


def test_what_is_not_committed_goes_back_to_what_is() -> None:
    assert steps_back(stood("9"), [stood("3"), stood("2")], 1) == 0
    assert steps_back(stood("9"), [stood("3"), stood("2")], 2) == 1


@given(st.lists(st.sampled_from("123"), min_size=1, max_size=12), st.integers(1, 3))
def test_a_found_state_is_another_one_and_was_not_there_again_since_the_present_one_first_was(
    tags: list[str], steps: int
) -> None:
    moments = [stood(tag) for tag in tags]
    place = steps_back(moments[0], moments, steps)
    if place is not None:
        assert tags[place] != tags[place - 1]
        assert tags[0] not in tags[place:]


PLACED: dict[str, tuple[Versions, Versions, Versions, list[Key]]] = {
    "the same places": (stood("3", "4"), stood("1", "2"), stood("1", "2"), []),
    "one version for all": (stood("3", "4", "5"), stood("1", "1"), stood("1", "1", "1"), []),
    "fewer places now": (stood("3"), stood("1", "1"), stood("1"), []),
    "which of them": (stood("3"), stood("1", "2"), {}, [KEY]),
    "not there": (stood("3"), {}, {}, [KEY]),
    "another file": (stood("3"), {Key("b.yaml", API): (Version("1", None),)}, {}, [KEY]),
    "another image": (stood("3"), {Key("a.yaml", WEB): (Version("1", None),)}, {}, [KEY]),
}


@pytest.mark.parametrize(("now", "then", "found", "unknown"), PLACED.values(), ids=PLACED)
def test_versions_of_then_at_the_places_of_now(
    now: Versions, then: Versions, found: Versions, unknown: list[Key]
) -> None:
    assert brought_back(now, then) == (found, unknown)


def test_where_nothing_can_be_said_a_state_is_that_of_the_next_newer_one() -> None:
    moments = [stood("3"), {}, stood("2"), stood("1", "0")]
    assert states(stood("3"), moments) == [stood("3"), stood("3"), stood("2"), stood("2")]


NOW = {
    "chart/values.yaml": f"image:\n  repository: {API}\n  tag: 3\n",
    "chart/values-production.yaml": "image:\n  tag: '3'\n",
    "new.yaml": f"image: {API}:3\n",
    "pod.yaml": f"image: {API}:3\nsidecar: {{image: '{WEB}:3'}}\n",
}


def then_of(files: Mapping[str, str]) -> Then:
    sources = Sources(Remembered(Memory(files)))
    return Then(sources, Selection(), inventory(sources, Selection(), {API, WEB}))


def test_files_of_then_are_read_among_those_of_now() -> None:
    then = then_of(NOW)
    assert then.paths == sorted(NOW)
    found = then.versions(
        {
            "chart/values.yaml": b"image:\n  tag: 9\n",  # names no repository by itself any more
            "chart/values-production.yaml": b"image:\n  tag: '1'\n",
            "new.yaml": None,
            "pod.yaml": f"# older\nsidecar: {{image: '{WEB}:2'}}\nimage: x:1\n".encode(),
        }
    )
    assert found == {
        Key("chart/values-production.yaml", API): (Version("1", None),),
        Key("pod.yaml", WEB): (Version("2", None),),
    }


def test_a_file_that_is_not_there_has_nothing() -> None:
    then = then_of(NOW)
    assert then.versions(dict.fromkeys(NOW)) == {}
    assert then.versions({"chart/values-production.yaml": None, "pod.yaml": NOW["pod.yaml"].encode()}) == {
        Key("pod.yaml", API): (Version("3", None),),
        Key("pod.yaml", WEB): (Version("3", None),),
    }


def test_the_files_of_now_have_the_versions_of_now() -> None:
    then = then_of(NOW)
    now = versions_of(inventory(Memory(NOW), Selection(), {API, WEB}))
    for _ in range(2):
        assert then.versions({path: text.encode() for path, text in NOW.items()}) == now


def test_a_tree_is_searched_once_for_the_same_words() -> None:
    asked: list[object] = []

    class Counting(Memory):
        def search(self, groups: Sequence[Sequence[bytes]]) -> Sequence[Sequence[str]]:
            asked.append(groups)
            return super().search(groups)

    tree = Counting({"a.yaml": "one\n", "b.yaml": "two\n"})
    remembered = Remembered(tree)
    assert remembered.search([[b"one"], [b"two"]]) == [["a.yaml"], ["b.yaml"]]
    assert remembered.search([[b"two"], [b"one"]]) == [["b.yaml"], ["a.yaml"]]
    assert len(asked) == 1
