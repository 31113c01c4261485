"""What a worker offers to claim, and what its outbox sends."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

from alfrd_events.model import Outcome, Task
from alfrd_events.worker.outbox import HALVED_FROM, Outbox
from alfrd_events.worker.slots import Slots


def _task(number: int, step: str = "ocr") -> Task:
    return Task(number, step, "document", uuid4(), 1, 5)


def test_free_are_the_slots_in_which_nothing_runs() -> None:
    slots = Slots({"ocr": 2, "classify": 100})

    assert slots.free(Counter({"ocr": 2, "classify": 30}), Counter()) == {"ocr": 0, "classify": 70}


def test_outcomes_that_are_handed_in_alone_take_slots_once_there_are_more_of_them_than_slots() -> None:
    slots = Slots({"ocr": 5})

    assert slots.free(Counter(), Counter({"ocr": 5})) == {"ocr": 5}
    assert slots.free(Counter(), Counter({"ocr": 7})) == {"ocr": 3}
    assert slots.free(Counter({"ocr": 4}), Counter({"ocr": 9})) == {"ocr": 0}


def test_two_exchanges_share_many_slots_and_never_offer_one_twice() -> None:
    slots = Slots({"ocr": 2, "classify": 100})
    running = Counter({"classify": 30})

    with slots.offer(running, Counter()) as first:
        with slots.offer(running, Counter()) as second:
            assert first == {"ocr": 2, "classify": 50}
            assert second == {"ocr": 0, "classify": 20}
        assert slots.free(running, Counter()) == {"ocr": 0, "classify": 20}
    assert slots.free(running, Counter()) == {"ocr": 2, "classify": 70}


def test_what_is_sent_is_sent_once_and_comes_back_in_order() -> None:
    outbox = Outbox()
    outcomes = [Outcome(_task(number), "done") for number in range(4)]
    for outcome in outcomes[:2]:
        outbox.put(outcome)
    first = outbox.next_batch(4)
    assert first == outcomes[:2]
    for outcome in outcomes[2:]:
        outbox.put(outcome)
    assert not outbox.is_stuck, "it is on its way"
    assert outbox.tasks == {outcome.task for outcome in outcomes}
    outbox.came_back(first)
    second = outbox.next_batch(4)
    assert second == outcomes
    assert not outbox.is_waiting
    outbox.taken(second)
    assert not outbox.tasks


def test_half_of_all_that_is_owned_goes_first() -> None:
    outbox = Outbox()
    outcomes = [Outcome(_task(number), "done") for number in range(HALVED_FROM)]
    for outcome in outcomes:
        outbox.put(outcome)

    first = outbox.next_batch(HALVED_FROM)
    outbox.taken(first)

    assert first == outcomes[: HALVED_FROM // 2]
    assert outbox.next_batch(HALVED_FROM) == outcomes[HALVED_FROM // 2 :], "half of them run again by now"


def test_the_other_half_is_worth_an_exchange_once_all_that_is_owned_is_finished() -> None:
    outbox = Outbox()
    for number in range(HALVED_FROM):
        outbox.put(Outcome(_task(number), "done"))
    outbox.next_batch(HALVED_FROM)

    assert outbox.is_all_of(HALVED_FROM)
    assert not outbox.is_all_of(HALVED_FROM + 1), "one still runs"
