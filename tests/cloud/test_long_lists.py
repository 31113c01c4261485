"""Documents with more to list than one answer may hold: they complete, and what is left out is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from alfrd_events.analysis.llm import LlmAnalyst
from alfrd_events.analysis.llm.forms import MOST_ITEMS
from alfrd_events.analysis.llm.pieces import MOST_PIECES
from alfrd_events.clients.calls import Calls
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.db.ledger import DatabaseLedger
from alfrd_events.model import DocumentType, JsonObject, Summary
from alfrd_events.model.jobs import Classify, ScoreSummary, Summarize
from testing.harness import Harness
from tests.analysts.paper import plain
from tests.cloud import rule_model
from tests.cloud.asking import PROMPT, analyst
from tests.cloud.chat import Chat
from tests.cloud.colour_question import no_pause
from tests.cloud.many_documents import process
from tests.cloud.papers import Paper
from tests.cloud.server import CloudServer

_ITEM = re.compile(r"^(Article number \d+ fresh) +([\d.]+)$", re.MULTILINE)


def till_roll(count: int) -> str:
    """A receipt of so many articles."""
    prices = [Decimal(100 + 7 * number) / 100 for number in range(count)]
    rows = [f"Article number {number:03} fresh      {price}" for number, price in enumerate(prices, start=1)]
    items = "\n".join(rows)
    return f"GREENLEAF SUPERMARKET\nReceipt 4711\nDate: 2024-03-05\n\n{items}\n\nTOTAL USD {sum(prices)}\nThank you\n"


def reader(
    most: int = 10_000, again: int = 10_000, *, counts: bool = True, begins_anew: bool = False
) -> rule_model.Reply:
    """A model that reads every article.

    :param most: how many it lists in its first answer, and ``again`` in each further one.
    :param counts: whether it tells how many there are in all.
    :param begins_anew: it lists the first ones again when it is asked for the next ones.
    """

    def reply(form: str, system: str, material: str) -> JsonObject:
        text = material.partition("the last line items")[0]
        items = [
            {"description": name, "quantity": "", "unit_price": "", "amount": amount}
            for name, amount in _ITEM.findall(text)
        ]
        if form == "summary":
            told = items[:most]
            answer = rule_model.answer(form, system, material)
            return {**answer, "item_count": len(items) if counts else len(told), "line_items": told}
        if form == "line_items":
            known = int(re.findall(r"number (\d+) at the end", material)[0])
            start = 0 if begins_anew else known
            return {"line_items": items[start : start + again]}
        return rule_model.answer(form, system, material)

    return reply


async def summary_of(
    count: int, reply: rule_model.Reply, *, obeys: bool = False
) -> tuple[Summary, list[str], list[str]]:
    """The summary, its notes, and the names of the questions."""
    async with analyst(reply, obeys=obeys, cuts=True) as (llm, cloud):
        found = await llm.run(Summarize(plain(till_roll(count), document_type="receipt"), PROMPT))
    asked = [exchange.request.json()["response_format"]["json_schema"]["name"] for exchange in cloud.log]
    assert found.provenance is not None
    return found, list(found.provenance.notes), asked


@pytest.mark.parametrize(
    ("reply", "obeys"),
    [
        (reader(), False),
        (reader(MOST_ITEMS, MOST_ITEMS), True),
        (reader(10, 30), False),
    ],
    ids=["cut at the limit", "held to the most of a list", "lists a few and counts all"],
)
async def test_a_long_list_is_had_in_pieces(reply: rule_model.Reply, obeys: bool) -> None:
    found, notes, asked = await summary_of(120, reply, obeys=obeys)

    assert (found.total_amount, found.document_date) == (Decimal("619.80"), date(2024, 3, 5))
    items = found.structured_data["line_items"]
    assert [item["description"] for item in items] == [f"Article number {n:03} fresh" for n in range(1, 121)]
    assert asked[0] == "summary"
    assert set(asked[1:]) == {"line_items"}
    assert len(asked) <= 6
    assert notes == []


async def test_a_short_list_is_one_question() -> None:
    found, notes, asked = await summary_of(12, reader())

    assert len(found.structured_data["line_items"]) == 12
    assert asked == ["summary"]
    assert notes == []


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (reader(10, 0), "10 of 120 line items"),
        (reader(10, 10, begins_anew=True), "10 of 120 line items"),
        (reader(10, counts=False), "does not hold: line items add up"),
    ],
    ids=["gives no more", "begins anew", "says that this is all"],
)
async def test_what_is_left_out_of_a_list_is_told(reply: rule_model.Reply, note: str) -> None:
    found, notes, asked = await summary_of(120, reply)

    assert (found.total_amount, found.document_date) == (Decimal("619.80"), date(2024, 3, 5))
    assert len(found.structured_data["line_items"]) == 10
    assert note in notes
    assert "does not hold: line items add up" in notes
    assert len(asked) <= 2


async def test_there_is_an_end_to_asking() -> None:
    found, notes, asked = await summary_of(900, reader(20, 20))

    assert len(asked) == 1 + MOST_PIECES
    assert len(found.structured_data["line_items"]) == 20 * (1 + MOST_PIECES)
    assert f"{20 * (1 + MOST_PIECES)} of 900 line items" in notes


async def test_a_model_that_counts_wrong_is_asked_once_more_at_most() -> None:
    def boasting(form: str, system: str, material: str) -> JsonObject:
        answer = reader()(form, system, material)
        return {**answer, "item_count": 5000} if form == "summary" else answer

    _, _, asked = await summary_of(12, boasting)
    assert asked == ["summary", "line_items"]


async def test_a_score_shows_the_sum_that_is_wrong_whatever_the_model_thinks() -> None:
    document = plain(
        till_roll(20),
        document_type="receipt",
        total_amount=Decimal("33.30"),
        structured_data={"line_items": [{"description": "Article number 001 fresh", "amount": "1.00"}]},
    )

    def pleased(form: str, system: str, material: str) -> JsonObject:
        return {"checks": [], "score": 1.0, "feedback": "All is well.", "improvements": []}

    async with analyst(pleased) as (llm, _):
        score = await llm.run(ScoreSummary(document, PROMPT))

    assert [(check.name, check.passed) for check in score.checks] == [("line items add up", False)]
    assert score.score == 0


def chatterbox(form: str, *, listed: bool) -> Callable[[str, str, str], JsonObject]:
    """A model that rambles in one form: beyond its limit, before or after what matters."""

    def reply(name: str, system: str, material: str) -> JsonObject:
        answer = rule_model.answer(name, system, material)
        if name != form:
            return answer
        words = "and then again " * 4000
        if listed:
            return {**answer, "tags": [*answer["tags"], words]}
        return {"document_type": "receipt", "confidence": 0.9, "reasoning": words, "tags": []}

    return reply


@pytest.mark.parametrize("listed", [True, False], ids=["in a list", "in a sentence"])
async def test_what_is_whole_of_a_cut_answer_is_taken(listed: bool) -> None:
    async with analyst(chatterbox("classification", listed=listed), obeys=False, cuts=True) as (llm, cloud):
        found = await llm.run(Classify(plain(till_roll(3)), [DocumentType("receipt", "")], PROMPT))

    assert found.provenance is not None
    assert "cut at its limit" in found.provenance.notes[0]
    # At a list it is taken at once; elsewhere the model is first told to be brief.
    assert len(cloud.log) == (1 if listed else 2)
    assert found.reasoning if listed else found.confidence >= 0.9


async def test_a_document_with_a_long_list_completes_and_its_pieces_are_paid_once(db: Harness) -> None:
    given = Paper(
        "long.txt", till_roll(120), "receipt", "GREENLEAF SUPERMARKET", Decimal("619.80"), date(2024, 3, 5)
    )
    await db.sql("insert into alfrd.prices (provider, model, input, output) values ('openai', 'small', 1, 4)")
    async with CloudServer(Chat(reader(), obeys=False, cuts=True)) as cloud:
        client = OpenAi(f"{cloud.url}/v1", "small", Calls(DatabaseLedger(db.database), sleep=no_pause))
        await process(db, LlmAnalyst(client, 24_000), [given])
        await client.aclose()
        assert cloud.complaints == []

    (row,) = await db.sql(
        "select status, document_date, total_amount, jsonb_array_length(structured_data -> 'line_items') as items"
        "  from alfrd.documents"
    )
    assert row == {
        "status": "completed", "document_date": date(2024, 3, 5), "total_amount": Decimal("619.80"), "items": 120,
    }  # fmt: skip
    usage = await db.sql(
        "select outcome, count(*) as n from alfrd.usage where provider = 'openai' group by 1"
    )
    assert [entry["outcome"] for entry in usage] == ["ok"]
    assert usage[0]["n"] == len(cloud.log)
