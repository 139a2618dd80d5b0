"""Every analysis against what people wrote down about real-shaped pipelines of the three CI systems."""

from collections import Counter

import pytest

from tests.support.labelled import ANALYSES, Case, cases

CASES = cases()


def test_the_set_is_large_and_of_all_systems() -> None:
    systems = Counter(case.name.partition("/")[0] for case in CASES)
    assert len(CASES) >= 40
    assert min(systems[name] for name in ("github", "gitlab", "jenkins")) >= 10


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_fact_is_found_and_no_other(case: Case) -> None:
    facts = case.facts()
    found = {analysis: case.found(facts, analysis) for analysis in ANALYSES}
    assert found == {analysis: case.expected(analysis) for analysis in ANALYSES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_fact_is_proved_by_its_line(case: Case) -> None:
    assert case.unproved(case.facts()) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_place_is_a_line_of_a_file_that_was_read(case: Case) -> None:
    facts = case.facts()
    places = [place for each in facts.deliveries for place in each.evidence]
    places += [place for each in facts.credentials for place in each.evidence]
    places += [place for each in facts.sources for place in each.evidence]
    places += [place for each in facts.stages for place in each.evidence]
    places += [each.place for each in facts.unknown]
    for place in places:
        assert 1 <= place.line <= len(facts.reading.texts[place.file].split("\n"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_pipeline_that_pushes_is_said_to_hold_nothing(case: Case) -> None:
    """Where a pipeline changes an environment itself, a credential is seen, or it is said that none is."""
    facts = case.facts()
    if any(each.model == "push" for each in facts.deliveries):
        assert (
            any(each.target in {"cluster", "host", "cloud", "unknown"} for each in facts.credentials) or facts.unknown
        )
