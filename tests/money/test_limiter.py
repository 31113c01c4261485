"""How many calls are under way at once follows what the provider bears."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.clients.limiter import Limiter


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_no_more_are_let_in_than_the_limit_and_the_first_to_come_is_the_first() -> None:
    limiter = Limiter("p", 2)
    order: list[int] = []

    async def call(number: int) -> None:
        await limiter.acquire()
        order.append(number)

    calls = [asyncio.create_task(call(number)) for number in range(5)]
    await settle()
    assert (order, limiter.running) == ([0, 1], 2)
    limiter.release()
    await settle()
    limiter.release()
    limiter.release()
    await settle()
    assert (order, limiter.running) == ([0, 1, 2, 3, 4], 2)
    await asyncio.gather(*calls)


async def test_one_burst_of_refusals_cuts_it_once() -> None:
    limiter = Limiter("p", 64)
    before = [await limiter.acquire() for _ in range(40)]
    for turn in before:
        limiter.throttled(turn)
        limiter.release()
    assert limiter.limit == 44

    limiter.throttled(await limiter.acquire())
    assert limiter.limit == 31


async def test_it_grows_by_one_for_each_limits_worth_of_successes() -> None:
    limiter = Limiter("p", 20)
    limiter.throttled(await limiter.acquire())
    assert limiter.limit == 14
    for _ in range(15):
        limiter.succeeded()
    assert limiter.limit == 15
    for _ in range(10_000):
        limiter.succeeded()
    assert limiter.limit == 20


async def test_who_gives_up_waiting_takes_nobodys_turn() -> None:
    limiter = Limiter("p", 1)
    await limiter.acquire()
    impatient, patient = (asyncio.create_task(limiter.acquire()) for _ in range(2))
    await settle()

    impatient.cancel()
    limiter.release()
    await settle()

    assert patient.done()
    assert limiter.running == 1


async def test_a_turn_given_at_the_moment_of_giving_up_is_passed_on() -> None:
    limiter = Limiter("p", 1)
    await limiter.acquire()
    impatient, patient = (asyncio.create_task(limiter.acquire()) for _ in range(2))
    await settle()

    limiter.release()
    impatient.cancel()
    await settle()

    assert patient.done()
    assert limiter.running == 1


async def test_patience_ends() -> None:
    limiter = Limiter("p", 1, patience=0.01)
    await limiter.acquire()
    with pytest.raises(TimeoutError):
        await limiter.acquire()
    limiter.release()
    assert await limiter.acquire() == 0


@given(
    st.integers(1, 8),
    st.lists(st.sampled_from(["acquire", "release", "cancel", "throttled", "succeeded"]), max_size=60),
)
def test_whatever_happens_the_limit_holds_and_nobody_is_forgotten(most: int, acts: list[str]) -> None:
    async def play() -> None:
        limiter = Limiter("p", most)
        inside: deque[int] = deque()
        waiting: deque[asyncio.Task[int]] = deque()
        for act in acts:
            if act == "acquire":
                waiting.append(asyncio.create_task(limiter.acquire()))
            elif act == "cancel" and waiting:
                waiting.pop().cancel()
            elif act == "succeeded":
                limiter.succeeded()
            elif act == "throttled" and inside:
                limiter.throttled(inside[-1])
            elif act == "release" and inside:
                inside.popleft()
                limiter.release()
            let_in_before = len(inside)
            await settle()
            while waiting and waiting[0].done():
                first = waiting.popleft()
                if not first.cancelled():
                    inside.append(first.result())
            assert limiter.running == len(inside)
            assert 1 <= limiter.limit <= most
            # Nobody is sent away when the limit shrinks; but nobody is let in over it either.
            assert len(inside) <= max(limiter.limit, let_in_before)
            assert not (waiting and len(inside) < limiter.limit)
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(play())
