"""What a commit says about itself is read back as it was said."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.trailers import Deployed, Trailers, commit_message, newest, read_trailers

SHA = "1" * 40
DIGEST = "sha256:" + "ab" * 32
WHEN = datetime(2024, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
API = Deployed(f"ghcr.io/acme/api:1.10@{DIGEST}", "https://github.com/acme/shop", SHA, WHEN)
WEB = Deployed("ghcr.io/acme/web:2.0", "https://github.com/acme/shop", SHA, WHEN)
REDIS = Deployed("redis:7")
OTHER = Deployed("ghcr.io/acme/other:3", "https://gitlab.example/a/b/other", "2" * 40, None)

names = st.sampled_from(["redis", "acme/api", "ghcr.io/acme/web", "localhost:5000/x/y", "quay.io/a/b_c"])
deployed = st.builds(
    lambda name, tag, source, sha, when: Deployed(
        f"{name}:{tag}", source, sha if source else None, when.replace(microsecond=0) if when else None
    ),
    names,
    st.from_regex(re.compile(r"\w[\w.-]{0,20}", re.ASCII), fullmatch=True),
    st.sampled_from([None, "https://github.com/acme/shop", "http://127.0.0.1:9/g/r"]),
    st.from_regex(r"[0-9a-f]{7,40}", fullmatch=True),
    st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)),
)


def test_the_message_of_a_bump() -> None:
    message = commit_message(
        "Bump ghcr.io/acme/api to 1.10", ["Two files."], Trailers((API, WEB), ("production",), "ab" * 12)
    )
    assert message == (
        "Bump ghcr.io/acme/api to 1.10\n\nTwo files.\n\n"
        f"Pipelinegen-Image: ghcr.io/acme/api:1.10@{DIGEST}\n"
        "Pipelinegen-Image: ghcr.io/acme/web:2.0\n"
        f"Pipelinegen-Source: https://github.com/acme/shop@{SHA}\n"
        "Pipelinegen-Created: 2024-02-03T04:05:06Z\n"
        "Pipelinegen-Environment: production\n"
        f"Pipelinegen-Key: {'ab' * 12}\n"
    )


@given(
    st.lists(deployed, max_size=5, unique_by=lambda one: one.image.rpartition(":")[0]),
    st.lists(st.text(), max_size=2),
    st.text(),
)
def test_what_is_written_is_read_back(images: list[Deployed], paragraphs: list[str], subject: str) -> None:
    trailers = Trailers(tuple(images), ("staging",), "0" * 12)
    read = read_trailers(commit_message(subject, paragraphs, trailers))
    assert set(read.deployed) == set(images)
    assert (read.environments, read.key) == (trailers.environments, trailers.key)


@given(st.text())
def test_any_message_can_be_read(message: str) -> None:
    read_trailers(message)


@given(st.lists(st.text(), max_size=4), st.text())
def test_words_in_the_message_are_never_trailers(paragraphs: list[str], subject: str) -> None:
    lie = f"Pipelinegen-Image: evil.example/x:1\nPipelinegen-Key: {'0' * 12}"
    message = commit_message(f"{subject}\n{lie}", [*paragraphs, lie, f"\r\n{lie}"], Trailers((REDIS,)))
    assert read_trailers(message) == Trailers((REDIS,))


def test_git_reads_the_same_lines() -> None:
    message = commit_message("Bump redis to 7", ["Words."], Trailers((OTHER, REDIS), (), "ab" * 6))
    parsed = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=message, capture_output=True, text=True, check=True
    ).stdout
    assert parsed.splitlines() == message.split("\n\n")[-1].splitlines()


def test_images_of_several_sources_keep_their_own() -> None:
    message = commit_message("Promote", [], Trailers((REDIS, OTHER, API, WEB)))
    assert read_trailers(message) == Trailers((OTHER, API, WEB, REDIS))


def test_a_squash_holds_several_messages_and_the_last_word_counts() -> None:
    first = commit_message("Bump ghcr.io/acme/api to 1.9", [], Trailers((Deployed("ghcr.io/acme/api:1.9"), REDIS)))
    second = commit_message("Bump ghcr.io/acme/api to 1.10", [], Trailers((API,), ("production",), "cd" * 6))
    squash = f"Bump ghcr.io/acme/api to 1.10 (#12)\n\n* {first}\n* {second}\nCo-authored-by: A <a@b.example>\n"
    assert read_trailers(squash) == Trailers((REDIS, API), ("production",), "cd" * 6)


@pytest.mark.parametrize(
    "line",
    [
        "Pipelinegen-Image: not an image",
        "Pipelinegen-Image:ghcr.io/acme/api:1",
        " Pipelinegen-Image: ghcr.io/acme/api:1",
        "pipelinegen-image: ghcr.io/acme/api:1",
        "X-Pipelinegen-Image: ghcr.io/acme/api:1",
        "> Pipelinegen-Image: ghcr.io/acme/api:1",
        "Pipelinegen-Key: $(id)",
        "Pipelinegen-Environment: a\tb",
        "Pipelinegen-Source: https://github.com/acme/shop@1111111",
        "Signed-off-by: A <a@b.example>",
    ],
)
def test_what_is_not_a_trailer_of_ours(line: str) -> None:
    assert read_trailers(f"Subject\n\n{line}\n") == Trailers()
    assert not read_trailers(f"Subject\n\n{line}\n")


@pytest.mark.parametrize(
    "value",
    [
        "https://user:word@github.com/a@1111111",
        "ssh://git@github.com/a@1111111",
        "https://x/a@main",
        "file:///x@1111111",
    ],
)
def test_a_source_that_is_not_plain_is_not_written(value: str) -> None:
    url, _, sha = value.rpartition("@")
    message = commit_message("S", [], Trailers((Deployed("redis:7", url, sha),)))
    assert message == "S\n\nPipelinegen-Image: redis:7\n"
    assert read_trailers(f"S\n\nPipelinegen-Image: redis:7\nPipelinegen-Source: {value}\n") == Trailers((REDIS,))


@pytest.mark.parametrize("value", ["2024-99-99T00:00:00Z", "yesterday", "2024-01-01", "-"])
def test_a_time_that_is_none_is_not_read(value: str) -> None:
    assert read_trailers(f"S\n\nPipelinegen-Image: redis:7\nPipelinegen-Created: {value}\n") == Trailers((REDIS,))


def test_a_rollback_says_what_it_put_in_place_and_what_it_took_away() -> None:
    bad = Deployed("ghcr.io/acme/api:1.11", "https://github.com/acme/shop", "3" * 40, WHEN)
    message = commit_message("Roll back", [], Trailers((REDIS, API), ("production",), "ab" * 12, (bad,)))
    assert message == (
        "Roll back\n\n"
        f"Pipelinegen-Image: ghcr.io/acme/api:1.10@{DIGEST}\n"
        f"Pipelinegen-Source: https://github.com/acme/shop@{SHA}\n"
        "Pipelinegen-Created: 2024-02-03T04:05:06Z\n"
        "Pipelinegen-Image: redis:7\n"
        "Pipelinegen-Undone: ghcr.io/acme/api:1.11\n"
        f"Pipelinegen-Source: https://github.com/acme/shop@{'3' * 40}\n"
        "Pipelinegen-Created: 2024-02-03T04:05:06Z\n"
        "Pipelinegen-Environment: production\n"
        f"Pipelinegen-Key: {'ab' * 12}\n"
    )
    read = read_trailers(message)
    assert read == Trailers((API, REDIS), ("production",), "ab" * 12, (bad,))
    assert (read.of("ghcr.io/acme/api"), read.taken_back("ghcr.io/acme/api")) == (API, bad)
    assert read.taken_back("redis") is None


@given(
    st.lists(deployed, max_size=3, unique_by=lambda one: one.image.rpartition(":")[0]),
    st.lists(deployed, max_size=3, unique_by=lambda one: one.image.rpartition(":")[0]),
)
def test_what_was_put_in_place_is_not_mixed_with_what_was_undone(
    images: list[Deployed], undone: list[Deployed]
) -> None:
    read = read_trailers(commit_message("S", [], Trailers(tuple(images), undone=tuple(undone))))
    assert (set(read.deployed), set(read.undone)) == (set(images), set(undone))


def test_a_line_that_names_no_image_claims_no_source_of_others() -> None:
    lines = [
        "S",
        "",
        "Pipelinegen-Image: redis:7",
        "Pipelinegen-Source: https://x.example/a@1111111",
        "Pipelinegen-Image: NOT ONE",
        "Pipelinegen-Image: ghcr.io/acme/other:3",
        "Pipelinegen-Source: https://x.example/b@2222222",
    ]
    assert read_trailers("\n".join(lines)).deployed == (
        Deployed("redis:7", "https://x.example/a", "1111111"),
        Deployed("ghcr.io/acme/other:3", "https://x.example/b", "2222222"),
    )


def test_created_is_written_in_utc() -> None:
    east = Deployed("redis:7", None, None, datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))))
    assert "Pipelinegen-Created: 2023-12-31T23:00:00Z" in commit_message("S", [], Trailers((east,)))


def test_of_finds_a_repository_in_any_of_its_forms() -> None:
    trailers = Trailers((REDIS, API))
    assert trailers.of("docker.io/library/redis") == REDIS
    assert trailers.of("ghcr.io/acme/api") == API
    assert trailers.of("ghcr.io/acme/ap") is None
    assert trailers.of("Not An Image") is None


def test_newest() -> None:
    messages = ["Someone else's", commit_message("B", [], Trailers((WEB,))), commit_message("A", [], Trailers((API,)))]
    assert newest(messages, "ghcr.io/acme/api") == API
    assert newest(messages, "redis") is None
