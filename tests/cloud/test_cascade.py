"""The cascade: who is asked, whose answer is kept, and who is said to have made it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from alfrd_events.analysis.cascade import CascadeAnalyst
from alfrd_events.analysis.llm import LlmAnalyst
from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.clients.calls import Calls
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.errors import Permanent, Transient
from alfrd_events.model import AnalystResult, JsonObject, Prompt
from alfrd_events.model.jobs import (
    Classify,
    DetectSeries,
    Extract,
    ScoreClassification,
    ScoreSummary,
    Summarize,
)
from tests.analysts.paper import TYPES, plain
from tests.cloud import rule_model
from tests.cloud.asking import BILL, known
from tests.cloud.chat import Chat, completion
from tests.cloud.colour_question import no_pause
from tests.cloud.server import CloudServer

OF_MODELS = Prompt(20, "summarizer", "", 4, "Do the job.")
PROMPT = Prompt(10, "rules_summarizer", "", 1, "", beside={"": OF_MODELS})
UNCLEAR = """To whom it may concern
Harbor Electric Company sends its kind regards.
3 March 2024
You will find 85.12 on your next statement from us.
"""


@asynccontextmanager
async def cascade(
    small: rule_model.Reply = rule_model.answer, large: rule_model.Reply | None = None
) -> AsyncIterator[tuple[CascadeAnalyst, list[CloudServer]]]:
    """Rules, a small model and perhaps a large one, each on a server of its own."""
    replies = [("small", small), *([("large", large)] if large else [])]
    servers = [CloudServer(Chat(reply, model=name)) for name, reply in replies]
    models = []
    for server, (name, _) in zip(servers, replies, strict=True):
        await server.__aenter__()
        models.append(LlmAnalyst(OpenAi(f"{server.url}/v1", name, Calls(sleep=no_pause)), 24_000))
    asked = CascadeAnalyst(RulesAnalyst(), models)
    try:
        yield asked, servers
    finally:
        await asked.aclose()
        for server in servers:
            await server.__aexit__()
            assert server.complaints == []


def maker(found: AnalystResult) -> tuple[str, int | None]:
    assert found.provenance is not None
    return found.provenance.made_by, found.provenance.prompt_id


def saw(**values: object) -> rule_model.Reply:
    """A model that reads what rules cannot."""
    right: JsonObject = {
        "entity": "Harbor Electric Company",
        "document_date": "2024-03-03",
        "total_amount": "85.12",
        "summary": "Harbor Electric Company, 85.12",
        "document_type": "utility_bill",
        "confidence": 0.9,
    }

    def reply(form: str, system: str, material: str) -> JsonObject:
        answer = rule_model.answer(form, system, material)
        return {**answer, **{name: value for name, value in {**right, **values}.items() if name in answer}}

    return reply


async def test_what_rules_are_sure_of_costs_nothing() -> None:
    document = plain(BILL, document_type="utility_bill", entity="Harbor Electric Company")
    async with cascade(large=rule_model.answer) as (analyst, servers):
        results = [
            await analyst.run(Classify(document, TYPES, PROMPT)),
            await analyst.run(Summarize(document, PROMPT)),
            await analyst.run(DetectSeries(document, [known("Harbor Electric Co")], PROMPT)),
            await analyst.run(Extract(document, known("Harbor Electric Co"), PROMPT)),
            await analyst.run(ScoreSummary(document, PROMPT)),
            await analyst.run(ScoreClassification(document, TYPES, PROMPT)),
        ]

    assert [maker(found) for found in results] == [("rules", 10)] * 6
    assert [len(server.log) for server in servers] == [0, 0]


async def test_a_type_of_which_rules_are_unsure_is_put_to_the_model() -> None:
    async with cascade(saw()) as (analyst, servers):
        found = await analyst.run(Classify(plain(UNCLEAR), TYPES, PROMPT))

    assert found.document_type == "utility_bill"
    assert maker(found) == ("openai:small", 20), "with the model's own prompt"
    assert len(servers[0].log) == 1


async def test_a_value_that_rules_miss_is_put_to_the_model() -> None:
    document = plain(UNCLEAR, document_type="receipt")
    async with cascade(saw()) as (analyst, _):
        found = await analyst.run(Summarize(document, PROMPT))

    assert maker(found) == ("openai:small", 20)
    assert (found.entity, found.total_amount) == ("Harbor Electric Company", Decimal("85.12"))
    assert found.document_date == date(2024, 3, 3)


async def test_what_the_small_model_gets_wrong_is_put_to_the_large_one() -> None:
    document = plain(UNCLEAR, document_type="receipt")
    invented = saw(total_amount="1.00", summary="Harbor Electric Company")
    async with cascade(invented, large=saw()) as (analyst, servers):
        found = await analyst.run(Summarize(document, PROMPT))

    assert maker(found) == ("openai:large", 20)
    assert found.total_amount == Decimal("85.12")
    assert [len(server.log) for server in servers] == [1, 1]


async def test_models_that_find_no_more_than_rules_do_not_take_their_place() -> None:
    document = plain(UNCLEAR.replace("85.12", "something"), document_type="receipt")
    async with cascade(rule_model.answer, large=rule_model.answer) as (analyst, servers):
        found = await analyst.run(Summarize(document, PROMPT))

    assert maker(found) == ("rules", 10)
    assert [len(server.log) for server in servers] == [1, 0], "two agree: the large one is not asked"


async def test_a_company_that_is_nearly_a_known_one_is_decided_by_the_model() -> None:
    document = plain(BILL, document_type="utility_bill", entity="Harbor Electric Company")
    near = known("Harbor Electric Power")
    async with cascade(saw(candidate="1")) as (analyst, servers):
        await analyst.run(DetectSeries(document, [near], PROMPT))
        await analyst.run(DetectSeries(document, [known("Granite Mutual", "auto insurance")], PROMPT))

    assert len(servers[0].log) == 1


async def test_a_series_of_which_most_is_missing_is_put_to_the_model() -> None:
    series = known(
        "Harbor Electric", "electricity bill", "energy_charges", "late_fee", "meter", "total_amount"
    )
    document = plain(BILL, document_type="utility_bill", total_amount=Decimal("85.12"))
    values = [{"name": "energy_charges", "value": "80.00"}]
    async with cascade(saw(values=values)) as (analyst, _):
        found = await analyst.run(Extract(document, series, PROMPT))

    assert maker(found) == ("openai:small", 20)
    assert found.fields["energy_charges"] == "80.00"
    assert found.fields["total_amount"] == "85.12"


async def test_a_model_without_a_usable_answer_leaves_the_rules_and_a_note() -> None:
    document = plain(UNCLEAR, document_type="receipt")
    async with cascade() as (analyst, servers):
        service: Chat = servers[0]._services[0]  # type: ignore[assignment]
        service.says("no idea", "none at all")
        found = await analyst.run(Summarize(document, PROMPT))
        withheld = {"model": "small", "messages": [{"content": ""}]}
        service.says(completion(withheld, "", "content_filter"))
        second = await analyst.run(Summarize(document, PROMPT))

    for result in (found, second):
        assert maker(result) == ("rules", 10)
        assert result.provenance is not None
        assert "gave no usable answer" in result.provenance.notes[0]


async def test_a_model_that_is_not_there_makes_the_document_wait() -> None:
    absent = LlmAnalyst(OpenAi("http://127.0.0.1:9/v1", "small", Calls(sleep=no_pause)), 24_000)
    analyst = CascadeAnalyst(RulesAnalyst(), [absent])
    with pytest.raises(Transient, match="is it running"):
        await analyst.run(Summarize(plain(UNCLEAR, document_type="receipt"), PROMPT))
    await analyst.aclose()


async def test_a_missing_prompt_is_named() -> None:
    async with cascade() as (analyst, _):
        with pytest.raises(Permanent, match="no active prompt of kind summarizer"):
            await analyst.run(Summarize(plain(UNCLEAR, document_type="receipt"), replace(PROMPT, beside={})))
