"""The test of an image's configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipelinegen.config.images import KeyValue, MetadataTest
from pipelinegen.edge.image_tests.spec import Case, Found, judge, matches
from pipelinegen.edge.image_tests.variables import image_variables


def metadata_cases(test: MetadataTest | None, config: Mapping[str, Any]) -> Iterator[Case]:
    if test is not None:
        yield judge("metadata", "metadata", lambda: check_metadata(test, config))


def check_metadata(test: MetadataTest, config: Mapping[str, Any]) -> Found:
    """What of the test does not hold. `config`: the whole configuration, as it stands in the layout."""
    inner: Mapping[str, Any] = config.get("config") or {}
    problems = [
        *_pairs("the variable", test.variables, image_variables(config)),
        *_pairs("the label", test.labels, inner.get("Labels") or {}),
        *(f"the variable {each.key} is set" for each in test.unbound_env if each.key in image_variables(config)),
        *_listed("port", "exposed", test.exposed_ports, test.unexposed_ports, _ports(inner)),
        *_listed("volume", "declared", test.volumes, test.unmounted_volumes, inner.get("Volumes") or {}),
        *_words("entrypoint", test.entrypoint, inner.get("Entrypoint")),
        *_words("command", test.cmd, inner.get("Cmd")),
        *_text("working directory", test.workdir, inner.get("WorkingDir")),
        *_text("user", test.user, inner.get("User")),
    ]
    return Found(problems)


def _pairs(what: str, wanted: Sequence[KeyValue], found: Mapping[str, str]) -> Iterable[str]:
    for each in wanted:
        if each.key not in found:
            yield f"{what} {each.key} is not set"
        elif each.is_regex and not matches(each.value, found[each.key]):
            yield f"{what} {each.key} is {found[each.key]!r}, in which {each.value!r} is not found"
        elif not each.is_regex and found[each.key] != each.value:
            yield f"{what} {each.key} is {found[each.key]!r}, not {each.value!r}"


def _ports(inner: Mapping[str, Any]) -> list[str]:
    """container-structure-test knows a port by its number alone, whatever its protocol."""
    return [str(port).partition("/")[0] for port in inner.get("ExposedPorts") or ()]


def _listed(what: str, how: str, wanted: Sequence[str], unwanted: Sequence[str], found: Iterable[str]) -> Iterable[str]:
    there = set(found)
    yield from (f"the {what} {each} is not {how}" for each in wanted if each not in there)
    yield from (f"the {what} {each} is {how}" for each in unwanted if each in there)


def _words(what: str, wanted: Sequence[str] | None, found: Sequence[str] | None) -> Iterable[str]:
    if wanted is not None and list(wanted) != list(found or ()):
        yield f"the {what} is {list(found or ())}, not {list(wanted)}"


def _text(what: str, wanted: str | None, found: str | None) -> Iterable[str]:
    # An empty text asks nothing, as in container-structure-test.
    if wanted and wanted != (found or ""):
        yield f"the {what} is {found or ''!r}, not {wanted!r}"
