"""The way of a call: cache, limits, reservation, tries, settlement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from alfrd_events.clients.calls import BadReply, Call, Caller, Calls, Lost, NoRoom, Reply
from alfrd_events.errors import Permanent, Throttled, Transient
from alfrd_events.model import JsonObject
from tests.money.test_breaker import Clock

CALL = Call("bedrock", "Converse", "nova", key="k")
GOOD = Reply({"ok": True}, input_tokens=10, output_tokens=5)


@dataclass
class Book:
    """A ledger on paper."""

    replies: dict[str, JsonObject] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    charged: list[Reply | None] = field(default_factory=list)
    refuse: NoRoom | None = None

    async def known(self, call: Call) -> Reply | None:
        return Reply(self.replies[call.key], cached=True) if call.key in self.replies else None

    async def reserve(self, call: Call, who: Caller | None) -> int:
        if self.refuse is not None:
            raise self.refuse
        self.lines.append("reserved")
        return len(self.lines) - 1

    async def settle(
        self, number: int, call: Call, reply: Reply | None, outcome: str, milliseconds: int
    ) -> None:
        assert self.lines[number] == "reserved"
        self.lines[number] = outcome
        self.charged.append(reply)
        if outcome == "ok" and call.key and reply:
            self.replies[call.key] = reply.content


class Provider:
    """Does in turn what it is told; the last thing for ever."""

    def __init__(self, *acts: Reply | BaseException) -> None:
        self.acts = list(acts)
        self.asked = 0

    async def __call__(self) -> Reply:
        self.asked += 1
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        if isinstance(act, Reply):
            return act
        raise act


def calls(book: Book, clock: Clock) -> Calls:
    async def sleep(seconds: float) -> None:
        clock.now += seconds
        await asyncio.sleep(0)

    return Calls(book, sleep=sleep, clock=clock)


def check(content: JsonObject) -> JsonObject:
    if "ok" not in content:
        raise BadReply("no ok in it")
    return content


async def make(way: Calls, send: Callable[[], Awaitable[Reply]], call: Call = CALL) -> JsonObject:
    return await way.make(call, send, check)


async def test_a_known_reply_is_given_without_asking_unless_it_was_bad() -> None:
    book, provider = Book(replies={"k": {"ok": 1}}), Provider(GOOD)
    way = calls(book, Clock())

    assert await make(way, provider) == {"ok": 1}
    assert (provider.asked, book.lines) == (0, [])
    assert await make(way, provider, Call("bedrock", "Converse", "nova", key="k", fresh=True)) == {"ok": True}
    assert (provider.asked, book.lines) == (1, ["ok"])
    assert book.replies == {"k": {"ok": True}}


async def test_what_lasts_seconds_is_tried_again_here_and_each_try_is_written_down() -> None:
    book, clock = Book(), Clock()
    provider = Provider(Throttled("slow down", retry_after=2), Transient("reset"), GOOD)

    assert await make(calls(book, clock), provider) == {"ok": True}

    assert book.lines == ["throttled", "failed", "ok"]
    assert book.charged == [None, None, GOOD]
    assert clock.now >= 2


async def test_what_lasts_longer_is_raised_for_the_task_to_wait() -> None:
    book, clock = Book(), Clock()
    with pytest.raises(Throttled):
        await make(calls(book, clock), Provider(Throttled("come back later", retry_after=60)))
    assert (book.lines, clock.now) == (["throttled"], 0)

    book = Book()
    with pytest.raises(Transient, match="reset"):
        await make(calls(book, clock), Provider(Transient("reset")))
    assert book.lines == ["failed"] * 3


@pytest.mark.parametrize(
    ("error", "line", "charged"),
    [
        (Permanent("never"), "failed", None),
        (BadReply("cut off", "max_tokens", GOOD), "max_tokens", GOOD),
        (BadReply("nonsense"), "malformed", None),
        (asyncio.CancelledError(), "unknown", None),
        (RuntimeError("a bug"), "unknown", None),
    ],
)
async def test_what_will_not_get_better_is_tried_once(
    error: BaseException, line: str, charged: Reply | None
) -> None:
    book = Book()
    with pytest.raises(type(error)):
        await make(calls(book, Clock()), Provider(error, GOOD))
    assert (book.lines, book.charged, book.replies) == ([line], [charged], {})


async def test_a_reply_that_does_not_pass_the_check_is_paid_and_not_kept() -> None:
    book, bad = Book(), Reply({"no": 1}, output_tokens=7)
    with pytest.raises(BadReply):
        await make(calls(book, Clock()), Provider(bad))
    assert (book.lines, book.charged, book.replies) == (["malformed"], [bad], {})


async def test_a_lost_answer_is_counted_as_paid_and_asked_for_again() -> None:
    book = Book()
    assert await make(calls(book, Clock()), Provider(Lost("cut"), GOOD)) == {"ok": True}
    assert book.lines == ["unknown", "ok"]


async def test_what_does_not_fit_under_a_cap_is_not_sent_and_not_tried_again() -> None:
    book, provider = Book(refuse=NoRoom("over the cap", retry_after=1)), Provider(GOOD)
    with pytest.raises(NoRoom):
        await make(calls(book, Clock()), provider)
    assert provider.asked == 0


async def test_a_provider_that_is_not_there_is_left_alone_and_tasks_wait_without_losing_attempts() -> None:
    book, clock, provider = Book(), Clock(), Provider(Transient("no route to host"))
    way = calls(book, clock)
    for _ in range(2):
        with pytest.raises(Transient):
            await make(way, provider)
        clock.now += 1
    assert provider.asked >= 5
    asked = provider.asked

    with pytest.raises(NoRoom, match=r"bedrock was not there the last times.+no route to host") as refusal:
        await make(way, provider)
    assert provider.asked == asked
    assert (refusal.value.retry_after or 0) >= 1
    assert await make(way, Provider(GOOD), Call("openai", "chat")) == {"ok": True}

    clock.now += 60
    assert await make(way, Provider(GOOD)) == {"ok": True}
    assert await make(way, Provider(GOOD), Call("bedrock", "Converse", key="other")) == {"ok": True}


async def test_a_probe_costs_its_task_no_attempt_while_the_outage_is_young() -> None:
    book, clock, provider = Book(), Clock(), Provider(Transient("no route to host"))
    way = calls(book, clock)
    for _ in range(2):
        with pytest.raises(Transient):
            await make(way, provider)
        clock.now += 1

    clock.now += 60
    asked = provider.asked
    with pytest.raises(NoRoom, match="no route to host"):
        await make(way, provider)
    assert provider.asked == asked + 1, "it was asked, once"

    clock.now += 3600
    with pytest.raises(Transient) as counted:
        await make(way, provider)
    assert not isinstance(counted.value, NoRoom), "a document that alone breaks its server comes to an end"


async def test_those_who_wait_are_not_shown_whose_call_failed() -> None:
    book, clock = Book(), Clock()
    way = calls(book, clock)
    for _ in range(2):
        with pytest.raises(Transient):
            await make(
                way,
                Provider(Transient("payslip.pdf: Textract: InternalServerError")),
                Call("bedrock", "Converse", about="payslip.pdf"),
            )
        clock.now += 1

    with pytest.raises(NoRoom, match="a document: Textract: InternalServerError") as refusal:
        await make(way, Provider(GOOD), Call("bedrock", "Converse", about="other.pdf"))
    assert "payslip" not in str(refusal.value)


async def test_calls_under_way_follow_the_throttling() -> None:
    """A provider that bears 10 calls at once and refuses the rest: most of the time about as many are under way."""
    book = Book()
    under_way, refused = 0, 0
    seen: list[int] = []

    async def send() -> Reply:
        nonlocal under_way, refused
        if under_way >= 10:
            refused += 1
            raise Throttled("slow down", retry_after=0)
        under_way += 1
        try:
            for _ in range(20):
                await asyncio.sleep(0)
        finally:
            under_way -= 1
        return GOOD

    async def sleep(seconds: float) -> None:
        for _ in range(int(seconds * 100)):
            await asyncio.sleep(0)

    way = Calls(book, at_once=64, sleep=sleep)
    waiting = 2000

    async def work() -> None:
        nonlocal waiting
        while waiting:
            waiting -= 1
            try:
                await way.make(Call("p", "o"), send, check)
            except Throttled:
                waiting += 1

    async def look() -> None:
        while waiting:
            seen.append(under_way)
            await asyncio.sleep(0)

    await asyncio.gather(look(), *(work() for _ in range(100)))

    assert book.lines.count("ok") == 2000
    assert 7 < sum(seen) / len(seen) <= 10
    assert refused < 100
