"""A provider that is not there is not asked, but for one probe now and then."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.clients.breaker import Breaker


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(breaker: Breaker, clock: Clock, times: int) -> None:
    """Fail every quarter of a second."""
    for _ in range(times):
        clock.now += 0.25
        breaker.leave(breaker.enter(), well=False)


def test_it_opens_after_failures_in_a_row_and_one_probe_closes_it(clock: Clock) -> None:
    breaker = Breaker("p", clock)
    fail(breaker, clock, 4)
    breaker.leave(breaker.enter(), well=True)
    fail(breaker, clock, 4)
    assert breaker.held_back is None
    fail(breaker, clock, 1)
    assert 5 <= (breaker.held_back or 0) <= 6.25

    clock.now += 5
    assert breaker.held_back is None
    probe = breaker.enter()
    assert breaker.held_back is not None  # one at a time
    breaker.leave(probe, well=True)
    assert breaker.held_back is None
    fail(breaker, clock, 4)
    assert breaker.held_back is None


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_minute(clock: Clock) -> None:
    breaker = Breaker("p", clock)
    fail(breaker, clock, 5)
    for seconds in (10, 20, 40, 60, 60):
        clock.now += 60
        fail(breaker, clock, 1)
        assert seconds <= (breaker.held_back or 0) <= seconds * 1.25


def test_a_probe_that_told_nothing_makes_room_for_the_next(clock: Clock) -> None:
    breaker = Breaker("p", clock)
    fail(breaker, clock, 5)
    clock.now += 5
    breaker.leave(breaker.enter(), well=None)
    assert breaker.held_back is None


def test_calls_from_before_it_opened_tell_nothing_of_now(clock: Clock) -> None:
    breaker = Breaker("p", clock)
    old = breaker.enter()
    fail(breaker, clock, 5)
    breaker.leave(old, well=True)
    assert breaker.held_back is not None
    clock.now += 5
    probe = breaker.enter()
    breaker.leave(old, well=False)
    assert (breaker.held_back or 0) < 2
    breaker.leave(probe, well=True)
    assert breaker.held_back is None


def test_it_opens_when_most_of_the_last_failed_although_not_in_a_row(clock: Clock) -> None:
    breaker = Breaker("p", clock)
    for _ in range(10):
        assert breaker.held_back is None
        breaker.leave(breaker.enter(), well=True)
        breaker.leave(breaker.enter(), well=False)
    assert breaker.held_back is not None


def test_failures_that_come_back_before_those_that_are_worked_on_are_no_row(clock: Clock) -> None:
    breaker = Breaker("p", clock)
    for _ in range(20):
        for well in [False] * 6 + [True] * 58:
            breaker.leave(breaker.enter(), well=well)
            clock.now += 0.001
    assert breaker.held_back is None


@given(st.lists(st.booleans(), max_size=200))
def test_a_provider_that_mostly_answers_is_never_cut_off(answers: list[bool]) -> None:
    breaker = Breaker("p", Clock())
    last: list[bool] = []
    for well in answers:
        last = [*last, well][-20:]
        if not all(last[-2:]) and len(last) > 1:
            last[-1] = True  # never two failures in a row, so at most half of any stretch
        if last.count(False) >= 10:
            last[-1] = True
        breaker.leave(breaker.enter(), well=last[-1])
        assert breaker.held_back is None


def test_an_outage_is_told_when_it_begins_now_and_then_and_when_it_is_over(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    breaker = Breaker("p", clock)
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            clock.now += 0.25
            breaker.leave(breaker.enter(), well=False, why="HTTP 502: upstream")
        began = clock.now
        while clock.now - began < 3600:
            clock.now += 60
            breaker.leave(breaker.enter(), well=False, why="HTTP 502: upstream")
        clock.now += 60
        breaker.leave(breaker.enter(), well=True)

    messages = [record.getMessage() for record in caplog.records]
    assert messages[0].startswith("a provider is not there")
    assert messages[1:-1] == ["the provider is still not there"] * 6
    assert messages[-1] == "the provider is there again"
    assert all(vars(record)["facts"]["error"] == "HTTP 502: upstream" for record in caplog.records[:-1])
    assert vars(caplog.records[-1])["facts"]["after_seconds"] == 3660


def test_a_probe_is_pardoned_for_an_hour(clock: Clock) -> None:
    breaker = Breaker("p", clock)
    assert not breaker.pardons
    fail(breaker, clock, 5)
    assert breaker.pardons
    clock.now += 3599
    assert breaker.pardons
    clock.now += 2
    assert not breaker.pardons
