"""The rules of docker/metadata-action: what they come to, which tags never move, and when one stays where it is."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.images.expressions import BadExpression, formatted
from pipelinegen.images.reference import is_tag
from pipelinegen.images.tag_rules import BadTagRule, Event, parse_flavor, sanitised
from pipelinegen.images.tags import NOTHING_KNOWN, Known, TagPlan, plan_tags
from pipelinegen.images.versions import reads_as_other

SHA = "90dd6032fac8bda1b6c4436a2e65de27961ed071"
NOW = dt.datetime(2026, 3, 7, 15, 4, 9, tzinfo=dt.timezone.utc)
COMMITTED = dt.datetime(2025, 12, 31, 23, 30, 0, tzinfo=dt.timezone.utc)


def event(ref: str = "refs/heads/main", *, schedule: bool = False, base_ref: str | None = None) -> Event:
    return Event(ref, SHA, schedule, "main", base_ref, NOW, COMMITTED)


MAIN, TOPIC = event(), event("refs/heads/feature/Nice one")
RELEASE, CANDIDATE = event("refs/tags/v1.2.3"), event("refs/tags/v2.0.8-beta.67")
PULL = event("refs/pull/12/merge", base_ref="release/1")
NIGHTLY = event(schedule=True)
ODD, MONOREPO = event("refs/tags/20200110-RC2"), event("refs/tags/p1/v1.2.3")


def names(rules: list[str], given: Event, known: Known = NOTHING_KNOWN, *flavor: str) -> list[str]:
    return [tag.name for tag in plan_tags(rules, given, known, parse_flavor(flavor)).tags]


# Rows of the tables in metadata-action's README, and of what its code does beside them.
@pytest.mark.parametrize(
    ("rules", "given", "expected"),
    [
        pytest.param([], MAIN, ["main"], id="without rules: a branch"),
        pytest.param([], TOPIC, ["feature-Nice-one"], id="without rules: a branch that is no tag as it stands"),
        pytest.param([], PULL, ["pr-12"], id="without rules: a pull request"),
        pytest.param([], RELEASE, ["v1.2.3", "latest"], id="without rules: a git tag"),
        pytest.param([], NIGHTLY, ["nightly", "main"], id="without rules: a schedule"),
        pytest.param(["type=semver,pattern={{raw}}"], RELEASE, ["v1.2.3", "latest"], id="raw"),
        pytest.param(["type=semver,pattern={{version}}"], RELEASE, ["1.2.3", "latest"], id="version"),
        pytest.param(["type=semver,pattern=v{{major}}"], RELEASE, ["v1", "latest"], id="major with v"),
        pytest.param(["type=semver,pattern=x{{patch}}"], RELEASE, ["x3", "latest"], id="patch"),
        pytest.param(["type=semver,pattern={{raw}}"], CANDIDATE, ["v2.0.8-beta.67"], id="raw of a pre-release"),
        pytest.param(["type=semver,pattern={{version}}"], CANDIDATE, ["2.0.8-beta.67"], id="version of a pre-release"),
        pytest.param(
            ["type=semver,pattern={{major}}.{{minor}}"], CANDIDATE, ["2.0.8-beta.67"], id="a pre-release has no range"
        ),
        pytest.param(
            ["type=semver,pattern={{version}}"],
            event("refs/tags/v9.5.7-alpha.2+fork.3"),
            ["9.5.7-alpha.2"],
            id="build metadata is not of the version",
        ),
        pytest.param(
            ["type=semver,pattern={{raw}}"],
            event("refs/tags/v9.5.7-alpha.2+fork.3"),
            ["v9.5.7-alpha.2-fork.3"],
            id="a plus is no character of a tag",
        ),
        pytest.param(["type=semver,pattern={{version}}"], MAIN, [], id="no version on a branch"),
        pytest.param(["type=semver,pattern={{version}}"], ODD, [], id="a git tag that is no version"),
        pytest.param(["type=semver,pattern={{version}},value=v1.0.0"], MAIN, ["1.0.0", "latest"], id="a version given"),
        pytest.param(
            ["type=semver,pattern={{version}},match=p1/(v.*)"],
            MONOREPO,
            ["1.2.3", "latest"],
            id="a part of it",
        ),
        pytest.param(
            ["type=semver,pattern={{version}},match=v.*"], MONOREPO, ["1.2.3", "latest"], id="a match without a group"
        ),
        pytest.param(["type=match,pattern=\\d.\\d.\\d"], RELEASE, ["1.2.3", "latest"], id="match"),
        pytest.param(["type=match,pattern=v(.*),group=1"], CANDIDATE, ["2.0.8-beta.67"], id="match with a group"),
        pytest.param(["type=match,pattern=/V(.*)/i,group=1"], RELEASE, ["1.2.3", "latest"], id="JavaScript's slashes"),
        pytest.param(["type=match,pattern=\\d+-RC\\d"], ODD, ["20200110-RC2"], id="match of what is no version"),
        pytest.param(["type=match,pattern=p1/v(\\d.\\d.\\d),group=1"], MONOREPO, ["1.2.3", "latest"], id="monorepo"),
        pytest.param(["type=match,pattern=nothing"], RELEASE, [], id="match finds nothing"),
        pytest.param(["type=ref,event=branch"], MAIN, ["main"], id="ref: branch"),
        pytest.param(["type=ref,event=branch"], RELEASE, [], id="ref: no branch"),
        pytest.param(["type=ref,event=tag"], ODD, ["20200110-RC2"], id="a git tag that is no version has no latest"),
        pytest.param(["type=ref,event=pr,prefix=x-"], PULL, ["x-12"], id="a prefix in place of pr-"),
        pytest.param(["type=sha"], MAIN, ["sha-90dd603"], id="sha"),
        pytest.param(["type=sha,format=long,prefix="], MAIN, [SHA], id="sha, long, without its prefix"),
        pytest.param(["type=sha"], MAIN._replace(revision=None), [], id="sha of what is not a commit"),
        pytest.param(["stable"], MAIN, ["stable"], id="a rule that is a tag"),
        pytest.param(["type=raw,value=foo"], MAIN, ["foo"], id="raw value"),
        pytest.param(["type=raw,value=latest,enable={{is_default_branch}}"], MAIN, ["latest"], id="default branch"),
        pytest.param(["type=raw,value=latest,enable={{is_default_branch}}"], TOPIC, [], id="on another branch"),
        pytest.param(["type=raw,value=x,enable={{is_not_default_branch}}"], TOPIC, ["x"], id="not its branch"),
        pytest.param(["type=raw,value=x,enable=false"], MAIN, [], id="not enabled"),
        pytest.param(["type=raw,value={{branch}}-{{sha}}"], TOPIC, ["feature-Nice-one-90dd603"], id="branch and sha"),
        pytest.param(["type=raw,value={{tag}}"], MAIN, [], id="an expression that comes to nothing"),
        pytest.param(["type=raw,value=pr,suffix=-of-{{base_ref}}"], PULL, ["pr-of-release-1"], id="base_ref"),
        pytest.param(["type=schedule"], MAIN, [], id="no schedule"),
        pytest.param(
            ["type=schedule,pattern=n-{{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}"],
            NIGHTLY,
            ["n-20260308-000409"],
            id="a date in a zone",
        ),
        pytest.param(["type=raw,value=c-{{commit_date 'YYYY'}}"], MAIN, ["c-2025"], id="commit_date"),
        pytest.param(
            ["type=sha", "type=ref,event=branch", "type=raw,value=first,priority=2000"],
            MAIN,
            ["first", "main", "sha-90dd603"],
            id="in the order of priority",
        ),
        pytest.param(["type=raw,value=main", "type=ref,event=branch"], MAIN, ["main"], id="one tag of two rules"),
        pytest.param(
            ["type=semver,pattern={{version}}", "type=semver,pattern={{major}}.{{minor}}", "type=sha"],
            RELEASE,
            ["1.2.3", "1.2", "sha-90dd603", "latest"],
            id="a range beside the version",
        ),
        pytest.param(
            ["type=schedule", "type=semver,pattern={{version}}"],
            RELEASE._replace(schedule=True),
            ["nightly", "1.2.3"],
            id="the first rule decides about latest",
        ),
    ],
)
def test_rules_give_the_tags_of_metadata_action(rules: list[str], given: Event, expected: list[str]) -> None:
    assert names(rules, given) == expected


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        pytest.param("type=edge", MAIN, ["edge"], id="the default branch"),
        pytest.param("type=edge", TOPIC, [], id="another branch"),
        pytest.param("type=edge", RELEASE, [], id="a git tag"),
        pytest.param("type=edge,branch=feature/Nice one", TOPIC, ["edge"], id="a branch that is named"),
        pytest.param("type=edge,branch=dev", MAIN, [], id="not the branch that is named"),
        pytest.param("type=edge,suffix=-{{sha}}", MAIN, ["edge-90dd603"], id="with a suffix"),
        pytest.param("type=edge", Event("refs/heads/main", SHA), [], id="the default branch is not known"),
    ],
)
def test_edge_is_the_newest_commit_of_a_branch(rule: str, given: Event, expected: list[str]) -> None:
    plan = plan_tags([rule], given)
    assert [tag.name for tag in plan.tags] == expected
    assert not plan.fixed
    assert bool(plan.notes) is not bool(expected)


FLAVORED = ["type=semver,pattern={{version}}", "type=ref,event=branch", "type=ref,event=pr", "type=sha"]


@pytest.mark.parametrize(
    ("flavor", "given", "expected"),
    [
        pytest.param([], RELEASE, ["1.2.3", "latest", "sha-90dd603"], id="none"),
        pytest.param(["latest=auto"], RELEASE, ["1.2.3", "latest", "sha-90dd603"], id="latest by itself"),
        pytest.param(["latest=false"], RELEASE, ["1.2.3", "sha-90dd603"], id="never latest"),
        pytest.param(["latest=true"], MAIN, ["main", "sha-90dd603", "latest"], id="always latest"),
        pytest.param(["latest=true"], CANDIDATE, ["2.0.8-beta.67", "sha-90dd603", "latest"], id="also a pre-release"),
        pytest.param(["prefix=foo-"], RELEASE, ["foo-1.2.3", "latest", "sha-90dd603"], id="a prefix"),
        pytest.param(
            ["prefix=foo-,onlatest=true"], RELEASE, ["foo-1.2.3", "foo-latest", "sha-90dd603"], id="prefix of latest"
        ),
        pytest.param(
            ["suffix=-alpine,onlatest=true"],
            RELEASE,
            ["1.2.3-alpine", "latest-alpine", "sha-90dd603-alpine"],
            id="a suffix",
        ),
        pytest.param(["prefix=x-", "suffix=-y"], PULL, ["pr-12-y", "sha-90dd603-y"], id="a pull request keeps pr-"),
        pytest.param(["prefix={{branch}}-"], MAIN, ["main-main", "sha-90dd603"], id="a prefix of words"),
    ],
)
def test_a_flavor_holds_for_all_rules(flavor: list[str], given: Event, expected: list[str]) -> None:
    assert sorted(names(FLAVORED, given, NOTHING_KNOWN, *flavor)) == sorted(expected)


def test_a_rule_has_its_own_way_in_spite_of_the_flavor() -> None:
    rules = ["type=raw,value=a1,prefix=", "type=raw,value=b2,prefix=own-,suffix=", "type=raw,value=c3"]
    assert names(rules, MAIN, NOTHING_KNOWN, "prefix=x-", "suffix=-y") == ["a1-y", "own-b2", "x-c3-y"]


def test_latest_of_a_flavor_stays_at_the_higher_version_of_that_flavor() -> None:
    flavor = ("suffix=-alpine,onlatest=true",)
    rules = ["type=semver,pattern={{version}}"]
    assert names(rules, RELEASE, Known(registry=("9.9.9",)), *flavor) == ["1.2.3-alpine", "latest-alpine"]
    assert names(rules, RELEASE, Known(registry=("9.9.9-alpine",)), *flavor) == ["1.2.3-alpine"]


@pytest.mark.parametrize(
    ("rule", "given", "fixed"),
    [
        ("type=semver,pattern={{version}}", RELEASE, True),
        ("type=semver,pattern=v{{major}}.{{minor}}.{{patch}}", RELEASE, True),
        ("type=semver,pattern=v{{major}}.{{minor}}", RELEASE, False),
        ("type=semver,pattern={{major}}", CANDIDATE, True),
        ("type=match,pattern=v(.*),group=1", RELEASE, True),
        ("type=match,pattern=v\\d.\\d", RELEASE, False),
        ("type=ref,event=tag", ODD, True),
        ("type=ref,event=branch", event("refs/heads/release-1.4.0"), False),
        ("type=ref,event=pr", PULL, False),
        ("type=sha", MAIN, True),
        ("type=schedule,pattern=n{{date 'YYYYMMDD'}}", NIGHTLY, False),
        ("1.4.0", MAIN, True),
        ("build-42", MAIN, True),
        ("latest", MAIN, False),
        ("v1.4", MAIN, False),
        ("v2", MAIN, False),
        ("type=raw,value={{branch}}-{{sha}}", MAIN, True),
        ("type=raw,value={{branch}}-2", MAIN, False),
        ("type=raw,value=d-{{date 'X'}}", MAIN, False),
    ],
)
def test_a_tag_is_fixed_where_it_names_one_content(rule: str, given: Event, fixed: bool) -> None:
    assert plan_tags([rule], given).tags[0].fixed is fixed


VERSION, RANGE, MAJOR = (f"type=semver,pattern={{{{{form}}}}}" for form in ("version", "major}}.{{minor", "major"))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(Known(), ["1.2.3", "1.2", "1", "latest"], id="nothing else"),
        pytest.param(Known(git=("v1.2.2", "v1.1.9", "v0.9.0")), ["1.2.3", "1.2", "1", "latest"], id="only older"),
        pytest.param(Known(git=("v1.2.3", "v1.3.0-rc.1", "v9")), ["1.2.3", "1.2", "1", "latest"], id="nothing stable"),
        pytest.param(Known(git=("v1.2.10",)), ["1.2.3"], id="a newer patch"),
        pytest.param(Known(git=("v1.10.0",)), ["1.2.3", "1.2"], id="a newer minor"),
        pytest.param(Known(git=("v2.0.0",)), ["1.2.3", "1.2", "1"], id="a newer major"),
        pytest.param(Known(registry=("2.0.0", "1.2", "latest")), ["1.2.3", "1.2", "1"], id="in the registry"),
        pytest.param(Known(registry=("1.2.3-alpine", "src-99")), ["1.2.3", "1.2", "1", "latest"], id="other tags"),
    ],
)
def test_a_tag_of_a_range_is_that_of_its_highest_version(known: Known, expected: list[str]) -> None:
    plan = plan_tags([VERSION, RANGE, MAJOR], RELEASE, known)
    assert [tag.name for tag in plan.tags] == expected
    assert plan.told == "1.2.3"
    held = {"1.2", "1", "latest"} - set(expected)
    assert {note.partition(" ")[0] for note in plan.notes} == held


@pytest.mark.parametrize(
    ("rules", "given", "known", "expected"),
    [
        pytest.param(
            [f"{VERSION},match=p1/(v.*)"], MONOREPO, Known(git=("p2/v3.0.0", "v3.0.0")), ["1.2.3", "latest"],
            id="versions of other parts of a monorepo do not count",
        ),
        pytest.param(
            [f"{VERSION},match=p1/(v.*)"], MONOREPO, Known(git=("p1/v3.0.0",)), ["1.2.3"], id="those of the same do"
        ),
        pytest.param(
            [f"{VERSION},suffix=-alpine"], RELEASE, Known(registry=("2.0.0-alpine",)), ["1.2.3-alpine"],
            id="in the registry, with the rule's suffix",
        ),
        pytest.param(
            [f"{VERSION},suffix=-alpine"], RELEASE, Known(registry=("2.0.0",)), ["1.2.3-alpine", "latest"],
            id="in the registry, without the rule's suffix",
        ),
        pytest.param(
            ["type=match,pattern=v\\d.\\d"], RELEASE, Known(git=("v1.2.9",)), [], id="a range found by a pattern"
        ),
        pytest.param(["type=ref,event=tag"], RELEASE, Known(git=("v1.2.9",)), ["v1.2.3"], id="a git tag as it stands"),
    ],
)  # fmt: skip
def test_versions_are_compared_as_the_rule_reads_them(
    rules: list[str], given: Event, known: Known, expected: list[str]
) -> None:
    assert names(rules, given, known) == expected


def test_whether_versions_must_be_known_is_known_before() -> None:
    assert plan_tags([VERSION], RELEASE).asks_for_versions  # latest
    assert plan_tags([VERSION, RANGE], RELEASE).asks_for_versions
    assert not plan_tags([VERSION], CANDIDATE).asks_for_versions
    assert not plan_tags([VERSION, "type=ref,event=branch", "type=sha"], MAIN).asks_for_versions


@pytest.mark.parametrize(
    ("rules", "given", "told", "version"),
    [
        (["type=ref,event=branch", "type=sha"], MAIN, "sha-90dd603", "main"),
        ([RANGE, VERSION], RELEASE, "1.2.3", "1.2"),
        (["type=ref,event=branch"], MAIN, "main", "main"),
        ([VERSION], MAIN, None, None),
    ],
)
def test_a_fixed_tag_is_handed_on_and_the_first_is_the_version(
    rules: list[str], given: Event, told: str | None, version: str | None
) -> None:
    plan = plan_tags(rules, given)
    assert (plan.told, plan.version) == (told, version)


@pytest.mark.parametrize(
    ("rule", "given", "reason", "mend"),
    [
        pytest.param("type=raw,value=1.10", MAIN, "read from YAML", "prefix=v", id="a number"),
        pytest.param(RANGE, RELEASE, "read from YAML", "prefix=v", id="a range that would be handed on"),
        pytest.param("type=schedule,pattern={{date 'YYYYMMDD'}}", NIGHTLY, "read from YAML", "prefix=v", id="a date"),
        pytest.param(
            "type=sha,prefix=",
            MAIN._replace(revision="1234567" + "0" * 33),
            "read from YAML",
            "sha-",
            id="digits",
        ),
        pytest.param("type=ref,event=branch", event("refs/heads/true"), "read from YAML", "prefix=", id="a truth"),
        pytest.param("type=ref,event=branch", event("refs/heads/.x"), "begins with .", "prefix=", id="a dot in front"),
        pytest.param("type=ref,event=branch", event("refs/heads/" + "x" * 129), "129 characters", None, id="too long"),
        pytest.param("type=raw,value={{brunch}}", MAIN, "did you mean {{branch}}", None, id="an unknown expression"),
        pytest.param("type=raw,value={{branch", MAIN, "written {{name}}", None, id="an open expression"),
        pytest.param("type=raw,value={{date}}", MAIN, "a date takes one format", None, id="a date without format"),
        pytest.param("type=raw,value={{date 'YYYY' tz='Mars/Base'}}", MAIN, "time zone", None, id="an unknown zone"),
        pytest.param("type=raw,value={{branch 'x'}}", MAIN, "only dates", None, id="an argument too many"),
        pytest.param("type=raw,value=x,enable=perhaps", MAIN, "true or false", None, id="enable that is neither"),
        pytest.param("type=match,pattern=(", RELEASE, "regular expression", None, id="a broken pattern"),
        pytest.param("type=match,pattern=v,group=1", RELEASE, "no group 1", None, id="a group too many"),
        pytest.param("type=semver,pattern={{majr}}", RELEASE, "did you mean {{major}}", None, id="no part of it"),
        pytest.param("type=pep440", MAIN, "no type pep440", "schedule", id="a type that is not known"),
    ],
)
def test_a_rule_that_cannot_be_followed_says_what_to_write(
    rule: str, given: Event, reason: str, mend: str | None
) -> None:
    with pytest.raises(BadTagRule) as caught:
        plan_tags([rule], given)
    assert reason in caught.value.reason
    assert (caught.value.mend or "") == "" if mend is None else mend in (caught.value.mend or "")


FORMATS = {
    "YYYY-MM-DD": "2026-03-07",
    "YY.M.D": "26.3.7",
    "HH:mm:ss SSS": "15:04:09 000",
    "H:m:s h a hh A": "15:4:9 3 pm 03 PM",
    "MMMM MMM dddd ddd": "March Mar Saturday Sat",
    "DDDD DDD WW W": "066 66 10 10",
    "X x": "1772895849 1772895849000",
    "[at] YYYY [YYYY]": "at 2026 YYYY",
    "nothing?": "not" + "3" + "ing?",
}


@pytest.mark.parametrize(("form", "expected"), FORMATS.items(), ids=FORMATS)
def test_dates_are_formatted_as_moment_js_does(form: str, expected: str) -> None:
    assert formatted(NOW, form) == expected


def test_a_date_is_that_of_its_zone() -> None:
    assert formatted(COMMITTED, "YYYY-MM-DD HH", "Europe/Berlin") == "2026-01-01 00"
    with pytest.raises(BadExpression):
        formatted(NOW, "YYYY", "../etc/passwd")


@given(st.text(max_size=140))
def test_whatever_a_branch_is_called_there_is_a_tag_or_a_reason(name: str) -> None:
    try:
        plan = plan_tags(["type=ref,event=branch", "type=sha"], event(f"refs/heads/{name}"))
    except BadTagRule:
        return
    assert all(is_tag(tag.name) and not reads_as_other(tag.name) for tag in plan.tags)
    assert plan.told == "sha-90dd603"
    assert re.fullmatch(r"[a-zA-Z0-9._-]*", sanitised(name))


@given(
    st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=8),
    st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=8),
    st.tuples(*[st.integers(0, 3)] * 3),
)
def test_latest_is_the_highest_of_all(
    git: list[tuple[int, ...]], registry: list[tuple[int, ...]], built: tuple[int, ...]
) -> None:
    def spelled(version: tuple[int, ...]) -> str:
        return ".".join(map(str, version))

    known = Known(tuple(f"v{spelled(each)}" for each in git), tuple(map(spelled, registry)))
    plan: TagPlan = plan_tags([VERSION], event(f"refs/tags/v{spelled(built)}"), known)
    assert ("latest" in [tag.name for tag in plan.tags]) == (built >= max([*git, *registry, built]))
