"""What a worker offers to claim, and what it may send beside an exchange that is in flight."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.model import Outcome, Task
from alfrd_events.worker.outbox import Outbox
from alfrd_events.worker.slots import HALVED_FROM, Offer, Slots


def _task(number: int, step: str = "ocr") -> Task:
    return Task(number, step, "document", uuid4(), 1, 5)


def test_few_slots_are_offered_at_once_and_many_by_halves() -> None:
    offer = Slots({"ocr": 2, "classify": 100}).offer(Counter(), Counter())
    assert offer.room == {"ocr": 2, "classify": 50}
    assert offer.kept_back == {"classify"}
    assert offer.asks_for_more([_task(number, "classify") for number in range(44)])
    assert not offer.asks_for_more([_task(number, "classify") for number in range(43)])


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=20),
)
def test_exchanges_in_flight_never_claim_more_than_there_are_slots(
    number: int, turns: list[tuple[bool, int]]
) -> None:
    slots = Slots({"ocr": number})
    offers: list[Offer] = []
    running = 0
    for opens, size in turns:
        if opens and len(offers) < 2:
            offers.append(slots.offer(Counter({"ocr": running}), Counter()))
        elif offers:
            offer = offers.pop(0)
            slots.close(offer)
            running += min(size, offer.room["ocr"])
        promised = sum(offer.room["ocr"] for offer in offers)
        assert running + promised <= number


def test_what_is_sent_is_sent_once_and_comes_back_in_order() -> None:
    outbox = Outbox()
    outcomes = [Outcome(_task(number), "done") for number in range(HALVED_FROM * 2)]
    for outcome in outcomes:
        outbox.put(outcome)
    running = len(outcomes)
    first = outbox.send(running)
    assert first == outcomes[:HALVED_FROM], "half of all that is owned"
    assert outbox.is_all_of(running)
    assert not outbox.is_all_of(running + 1), "one is still at work"
    second = outbox.send(running)
    assert second == outcomes[HALVED_FROM:]
    assert not outbox.is_waiting
    assert not outbox.is_stuck, "it is on its way"
    outbox.came_back(second)
    outbox.taken(first)
    assert outbox.tasks == {outcome.task for outcome in second}
    assert outbox.send(HALVED_FROM * 3) == second
