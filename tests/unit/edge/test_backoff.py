"""Waiting: as long as told, never past the deadline, and only where another try can help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelinegen.edge.backoff import Deadline, Timing, race_wait, uniform, with_retries
from pipelinegen.errors import NotPermitted, PipelinegenError, WorldError


class FakeTime:
    def __init__(self) -> None:
        self.clock = 0.0
        self.naps: list[float] = []
        self.timing = Timing(lambda: self.clock, self.sleep, lambda _, high: high)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.clock += seconds


class Failing:
    """Fails so many times, then answers."""

    def __init__(self, times: int, error: PipelinegenError) -> None:
        self.left = times
        self.error = error
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


def net(id: str = "net") -> WorldError:
    return WorldError("the server failed", id=id)


@pytest.mark.parametrize("failures", range(4))
def test_up_to_three_transient_failures_are_healed(failures: int) -> None:
    time, told = FakeTime(), list[str]()
    operation = Failing(failures, net())
    assert with_retries(operation, Deadline(100, time.timing), told.append) == "done"
    assert time.naps == [1.0, 2.0, 4.0][:failures]
    assert [line[-6:] for line in told] == ["2 of 4", "3 of 4", "4 of 4"][:failures]


def test_the_fourth_failure_is_told() -> None:
    time = FakeTime()
    operation = Failing(9, net())
    with pytest.raises(WorldError, match="the server failed"):
        with_retries(operation, Deadline(100, time.timing))
    assert operation.calls == 4


@pytest.mark.parametrize(
    "error",
    [net("tls"), net("redirected"), net("git-missing"), net("disk"), NotPermitted("no", id="bad-token")],
    ids=lambda error: error.id,
)
def test_what_will_not_heal_is_told_at_once(error: PipelinegenError) -> None:
    operation = Failing(9, error)
    with pytest.raises(PipelinegenError) as told:
        with_retries(operation, Deadline(100, FakeTime().timing))
    assert (told.value, operation.calls) == (error, 1)


def test_a_rate_limit_is_waited_for_a_minute_if_there_is_one() -> None:
    time = FakeTime()
    assert with_retries(Failing(1, net("rate-limited")), Deadline(100, time.timing)) == "done"
    assert time.naps == [60.0]
    time = FakeTime()
    with pytest.raises(WorldError):
        with_retries(Failing(1, net("rate-limited")), Deadline(59, time.timing))
    assert time.naps == []


def test_no_try_is_begun_after_the_deadline() -> None:
    time = FakeTime()
    operation = Failing(9, net())
    with pytest.raises(WorldError):
        with_retries(operation, Deadline(2.5, time.timing))
    assert (time.naps, operation.calls) == ([1.0], 2)


@given(st.floats(0, 60), st.integers(1, 40), st.floats(0, 1))
def test_the_wait_after_a_lost_race_is_within_its_bounds(seconds: float, losses: int, chance: float) -> None:
    timing = Timing(uniform=lambda low, high: low + (high - low) * chance)
    wait = race_wait(timing, seconds, losses)
    longest = seconds * 2 ** min(losses, 5)
    assert longest / 2 <= wait <= longest
    assert wait <= race_wait(Timing(uniform=lambda _, high: high), seconds, losses)


def test_chance_fills_its_range() -> None:
    drawn = [uniform(2.0, 4.0) for _ in range(1000)]
    assert 2.0 <= min(drawn) < 2.2
    assert 3.8 < max(drawn) < 4.0
