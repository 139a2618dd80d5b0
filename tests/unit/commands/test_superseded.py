"""Which of two builds is newer, what stands in the places of a plan, and what an image was built from."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.commands.ages import Verdict, compare, same_revision
from pipelinegen.commands.asked import BumpOptions
from pipelinegen.commands.built_from import built_from
from pipelinegen.commands.superseded import since_standing, superseded, versions_at
from pipelinegen.edge.ci import CiContext
from pipelinegen.errors import InputError
from pipelinegen.images.metadata import BuiltImage
from pipelinegen.images.reference import parse
from pipelinegen.manifests.plan import Edit
from pipelinegen.manifests.request import Request, request_of
from pipelinegen.trailers import Deployed, Trailers, commit_message
from tests.support.repos import git

API = "ghcr.io/acme/api"
SHOP = "https://github.com/acme/shop"
DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
A, B = "a" * 40, "b" * 40


def when(day: int) -> datetime:
    return datetime(2024, 1, day, tzinfo=timezone.utc)


def built(tag: str, revision: str | None = None, day: int | None = None) -> Deployed:
    return Deployed(f"{API}:{tag}", SHOP if revision else None, revision, when(day) if day else None)


def message(*images: Deployed) -> str:
    return commit_message("Bump", [], Trailers(images, (), "ab" * 12))


def edit(before: str, repository: str = API) -> Edit:
    return Edit("a.yaml", 1, 1, "scalar", repository, None, before, "after", 0, 0, "", "", ())


@pytest.mark.parametrize(
    ("theirs", "ours", "tag", "newer"),
    [
        pytest.param(built("2", B, 2), built("1", A, 1), "1", True, id="later"),
        pytest.param(built("2", B, 1), built("1", A, 2), "1", False, id="earlier"),
        pytest.param(built("2", None, 2), built("1", A, 1), "1", True, id="later, of unknown source"),
        pytest.param(built("1.2.0", B, 2), built("1.1.0", A, 2), "1.1.0", True, id="the same time, a higher version"),
        pytest.param(built("1.2.0", B), built("1.1.0", A, 2), "1.1.0", True, id="no time, a higher version"),
        pytest.param(built("1.2.0", B), built("1.2.0", A), "1.2.0", False, id="the same version"),
        pytest.param(built("1.0.0", B, 1), built("1.1.0", A), "1.1.0", False, id="no time of ours, a lower version"),
        pytest.param(built("main", B), built("1.1.0", A), "1.1.0", None, id="nothing tells"),
        pytest.param(built("1.2.0", B), built("x", A), None, None, id="a digest asked for"),
        pytest.param(built("2", B, 2), built("1", None, 1), "1", None, id="nothing known of ours"),
    ],
)
def test_what_no_history_tells(
    tmp_path: Path, theirs: Deployed, ours: Deployed, tag: str | None, newer: bool | None
) -> None:
    verdict = compare(theirs, ours, Request(API, tag, None if tag else DIGEST), str(tmp_path))
    assert (verdict.newer, verdict.sure) == (newer, False)
    assert verdict.reason


def test_a_revision_and_its_short_form_are_one(tmp_path: Path) -> None:
    verdict = compare(built("2", A[:12], 2), built("1", A, 1), Request(API, "1", None), str(tmp_path))
    assert verdict == Verdict(False, f"both are of {A[:12]}", sure=True)


@given(st.text("0123456789abcdef", min_size=7, max_size=40), st.text("0123456789abcdef", min_size=7, max_size=40))
def test_one_revision_is_another_where_one_begins_with_it(one: str, other: str) -> None:
    assert same_revision(one, other) is (one.startswith(other) or other.startswith(one))
    assert same_revision(one, one + other)
    assert not same_revision(one[:6], one[:6])


def test_by_the_history_of_the_application(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    revisions = []
    for name in "abc":
        git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", name)
        revisions.append(git(tmp_path, "rev-parse", "HEAD").decode().strip())
    asked, folder = Request(API, "x", None), str(tmp_path)
    for number, revision in enumerate(revisions):
        # The time says the opposite, and is not asked.
        verdict = compare(built("y", revisions[1], 5), built("x", revision, 9 - 3 * number), asked, folder)
        assert (verdict.newer, verdict.sure) == (number < 1, True)
    told: list[str] = []
    log = [message(built("y", revisions[1])), message(built("w", revisions[2]))]
    late = superseded(asked, built("x", revisions[0]), log, folder, told.append)
    assert late is not None
    assert late.by == Deployed(f"{API}:y", SHOP, revisions[1])
    assert superseded(asked, built("x", revisions[2]), log, folder, told.append) is None
    assert told == []
    assert superseded(asked, built("x", A), log, folder, told.append) is None
    assert told == [f"nothing tells whether y is newer: this checkout does not know {A[:12]}, and no time is known"]
    assert superseded(asked, None, log, folder) is superseded(asked, built("x", A), [], folder) is None


@pytest.mark.parametrize(
    ("before", "versions"),
    [
        ("ghcr.io/acme/api:1.0.0", {"1.0.0"}),
        (f"ghcr.io/acme/api:1.0.0@{DIGEST}", {"1.0.0", DIGEST}),
        (f"ghcr.io/acme/api@{DIGEST}", {DIGEST}),
        ("localhost:5000/acme/api", set()),
        ("localhost:5000/acme/api:2", {"2"}),
        ("redis:7", {"7"}),
        ("1.0.0", {"1.0.0"}),
        (f"1.0.0@{DIGEST}", {"1.0.0", DIGEST}),
        (DIGEST, {DIGEST}),
        ("", set()),
    ],
)
def test_the_versions_that_stand_where_a_plan_changes_something(before: str, versions: set[str]) -> None:
    assert versions_at([edit(before), edit("9", "ghcr.io/acme/web")], API) == versions
    assert versions_at([edit(before), edit("ghcr.io/acme/api:8")], API) == versions | {"8"}


@pytest.mark.parametrize(
    ("versions", "place"),
    [
        ({"3"}, 0),
        ({"1"}, 2),
        ({"1", "3"}, 0),
        ({DIGEST}, 3),
        ({"2"}, 3),
        ({"by-hand"}, None),
        ({OTHER}, None),
    ],
)
def test_messages_that_are_newer_than_what_stands_are_about_other_places(versions: set[str], place: int | None) -> None:
    log = [
        message(built("3")),
        message(Deployed("ghcr.io/acme/web:1")),
        message(built("1"), Deployed("ghcr.io/acme/web:2")),
        message(Deployed(f"{API}:2@{DIGEST}")),
        "By hand: 1",
    ]
    assert list(since_standing(log, API, versions)) == (log[place:] if place is not None else [])


@pytest.mark.parametrize(
    ("created", "day"),
    [
        ("2024-01-02T00:00:00Z", 2),
        ("2024-01-02T00:00:00.123456789Z", 2),
        ("2024-01-02T02:00:00+02:00", 2),
        ("2024-01-02T02:00:00.5+02:00", 2),
        ("2024-13-45T00:00:00Z", None),
        (None, None),
    ],
)
def test_when_a_build_was_made(tmp_path: Path, created: str | None, day: int | None) -> None:
    image = BuiltImage(parse(f"{API}:1"), A, SHOP, created, "ko")
    found = built_from(BumpOptions(directory=str(tmp_path)), [request_of(image.reference)], [image], CiContext())
    assert found == {API: Deployed(f"{API}:1", SHOP, A, when(day) if day else None)}


@pytest.mark.parametrize(
    ("options", "image", "ci", "origin"),
    [
        (("c" * 40, "https://e.x/o"), (A, SHOP), (B, "https://c.i/s"), ("c" * 40, "https://e.x/o")),
        ((None, None), (A, SHOP), (B, "https://c.i/s"), (A, SHOP)),
        ((None, None), (None, None), (B, "https://c.i/s"), (B, "https://c.i/s")),
        ((None, None), (None, None), ("not-a-commit", None), (None, None)),
        (("C" * 40, "git@e.x:o.git"), (None, None), (None, None), ("c" * 40, "https://e.x/o")),
    ],
    ids=["the options", "the build", "the CI", "nothing that is a commit", "other spellings"],
)
def test_options_win_over_the_build_which_wins_over_the_ci(
    tmp_path: Path,
    options: tuple[str | None, str | None],
    image: tuple[str | None, str | None],
    ci: tuple[str | None, str | None],
    origin: tuple[str | None, str | None],
) -> None:
    asked = BumpOptions(directory=str(tmp_path), source_revision=options[0], source_url=options[1])
    said = BuiltImage(parse(f"{API}:1"), *image, None, "ko")
    context = CiContext(revision=ci[0], source_url=ci[1])
    found = built_from(asked, [Request(API, "1", None)], [said], context)[API]
    assert (found.revision, found.source_url) == origin


@pytest.mark.parametrize("given", ["main", "--output=x", "", "abcdef", "g" * 40, "HEAD", A + "\n", "\x1b[31m" + A])
def test_what_is_no_commits_name_is_refused(given: str) -> None:
    with pytest.raises(InputError) as caught:
        built_from(BumpOptions(source_revision=given), [Request(API, "1", None)], [], CiContext())
    assert caught.value.where == "--source-revision"
    assert caught.value.what.isprintable()
