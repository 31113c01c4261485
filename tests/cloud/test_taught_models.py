"""What people taught of a sender: models are shown it, and their answers are put right by it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from alfrd_events.model import Lesson, Prompt
from alfrd_events.model.jobs import Classify, Summarize
from tests.analysts.paper import TYPES, plain
from tests.cloud.asking import BILL, PROMPT, analyst, material_of

OF_THE_SENDER = (
    Lesson("type", "Harbor Electric Company", (), "document_type", "utility_bill", "insurance"),
    Lesson("company", "Harbor Electric Company", (), "entity", "Harbor Electric Company", "Harbor Power"),
    Lesson("label", "Harbor Electric Company", (), "total_amount", "", "energy charges"),
)
OF_ANOTHER = (Lesson("company", "Zenith Energy", ("zenith.example",), "entity", "", "Zenith"),)
SHOWN = "what a person corrected on earlier papers of this sender"
CLASSIFIER = Prompt(8, "classifier", "", 1, "Do the job.")


async def test_an_answer_follows_what_was_taught_of_the_sender() -> None:
    paper = replace(plain(BILL, document_type="utility_bill"), lessons=OF_THE_SENDER)
    async with analyst() as (llm, cloud):
        summary = await llm.run(Summarize(paper, PROMPT))
        classified = await llm.run(Classify(replace(paper, document_type=""), TYPES, CLASSIFIER))

    assert (summary.entity, summary.total_amount) == ("Harbor Power", Decimal("80.00"))
    assert summary.evidence["total_amount"].label == "energy charges"
    assert classified.document_type == "insurance"
    for number in (0, 1):
        material = material_of(cloud, number)
        assert SHOWN in material
        assert "the type was not utility_bill but insurance" in material
        assert "total_amount is the value after the words: energy charges" in material


async def test_lessons_about_another_sender_are_neither_shown_nor_used() -> None:
    paper = replace(plain(BILL, document_type="utility_bill"), lessons=OF_ANOTHER)
    async with analyst() as (llm, cloud):
        summary = await llm.run(Summarize(paper, PROMPT))

    assert summary.entity == "Harbor Electric Company"
    assert SHOWN not in material_of(cloud)
