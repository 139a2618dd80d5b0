"""What two environments have, side by side: one version of each image in the first, or the two places that differ."""

from __future__ import annotations

from itertools import permutations

import pytest

from pipelinegen.manifests.comparing import Differing, compare, one_version
from pipelinegen.manifests.inventory import Standing, Version
from pipelinegen.manifests.request import Request

API, WEB = "ghcr.io/acme/api", "ghcr.io/acme/web"
ONE, TWO = "sha256:" + "11" * 32, "sha256:" + "22" * 32


def at(file: str, tag: str | None, digest: str | None = None, repository: str = API) -> Standing:
    return Standing(repository, tag, digest, file, 1, 1, "scalar")


AGREEING = {
    "one": ([("1", None)], ("1", None)),
    "the same twice": ([("1", None), ("1", None)], ("1", None)),
    "pinned in one place": ([("1", None), ("1", ONE)], ("1", ONE)),
    "a tag, a digest, and both": ([("1", None), (None, ONE), ("1", ONE)], ("1", ONE)),
    "no version in one place": ([("1", None), (None, None)], ("1", None)),
    "no version at all": ([(None, None)], (None, None)),
}
DIFFERING = {
    "two tags": [("1", None), ("2", None)],
    "one tag, two digests": [("1", ONE), ("1", TWO)],
    "a tag and a digest that nothing connects": [("1", None), (None, ONE)],
    "the third": [("1", ONE), ("1", None), ("2", ONE)],
}


@pytest.mark.parametrize(("versions", "expected"), AGREEING.values(), ids=AGREEING)
def test_versions_that_agree_are_one_in_any_order(
    versions: list[tuple[str | None, str | None]], expected: tuple[str | None, str | None]
) -> None:
    for ordered in permutations(versions):
        places = [at(f"{number}.yaml", *version) for number, version in enumerate(ordered)]
        assert one_version(places) == Version(*expected)


@pytest.mark.parametrize("versions", DIFFERING.values(), ids=DIFFERING)
def test_versions_that_differ_are_told_with_both_places(versions: list[tuple[str | None, str | None]]) -> None:
    for ordered in permutations(versions):
        with pytest.raises(Differing) as raised:
            one_version([at(f"{number}.yaml", *version) for number, version in enumerate(ordered)])
        assert raised.value.one.version != raised.value.other.version


def test_each_image_of_the_first_environment_stands_beside_its_places_in_the_second() -> None:
    staging = [at("s.yaml", "2", ONE), at("s.yaml", "5", repository=WEB)]
    production = [at("p.yaml", "1"), at("q.yaml", "1"), at("p.yaml", "9", repository="ghcr.io/acme/db")]
    api, web = compare(staging, production)
    assert (api.repository, api.version, [each.file for each in api.target]) == (API, ("2", ONE), ["p.yaml", "q.yaml"])
    assert (api.present, api.same, api.request) == ((Version("1", None),), False, Request(API, "2", ONE))
    assert (web.target, web.present, web.same) == ((), (), False)


def test_the_same_version_everywhere_is_the_same() -> None:
    (api,) = compare([at("s.yaml", "1")], [at("p.yaml", "1"), at("q.yaml", "1")])
    assert api.same
    (api,) = compare([at("s.yaml", "1")], [at("p.yaml", "1"), at("q.yaml", "0")])
    assert not api.same
