"""The ``llm`` analyst: what it makes of a model's answers, and what it refuses to believe."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest

from alfrd_events.analysis.exact import ExactFirst
from alfrd_events.clients.calls import BadReply
from alfrd_events.model import DocumentType, File, FileMember, Invoice, Page, Prompt
from alfrd_events.model.jobs import (
    Classify,
    DetectSeries,
    Extract,
    ScoreClassification,
    ScoreSummary,
    Summarize,
    SummarizeFile,
)
from tests.analysts.paper import TYPES, plain, scanned
from tests.cloud.asking import BILL, PROMPT, analyst, known, material_of, saying


async def test_a_summary_is_filed_with_the_places_of_its_values() -> None:
    async with analyst() as (llm, _):
        found = await llm.run(Summarize(scanned(BILL, document_type="utility_bill"), PROMPT))

    assert (found.entity, found.total_amount) == ("Harbor Electric Company", Decimal("85.12"))
    assert (found.document_date, found.due_date) == (date(2024, 3, 3), date(2024, 3, 24))
    assert (found.period_start, found.period_end) == (date(2024, 2, 1), date(2024, 2, 29))
    assert found.unsupported == ()
    assert found.evidence["total_amount"].text == "$85.12"
    assert found.evidence["total_amount"].box is not None
    assert found.evidence["due_date"].text == "Due date: March 24, 2024"
    assert found.provenance is not None
    assert (found.provenance.made_by, found.provenance.prompt_id) == ("openai:small", 7)


async def test_each_value_says_how_sure_it_is_and_what_else_it_could_be() -> None:
    document = scanned(BILL, document_type="utility_bill")
    async with analyst() as (llm, _):
        found = await llm.run(Summarize(document, PROMPT))
    async with analyst(saying(total_amount="5.12", summary="Harbor Electric Company")) as (llm, _):
        wrong = await llm.run(Summarize(document, PROMPT))

    for field in ("entity", "document_date", "due_date", "total_amount", "currency", "account_number"):
        confidence = found.evidence[field].confidence
        assert confidence is not None
        assert confidence > 0.8
    assert found.doubts == ()
    assert (wrong.evidence["total_amount"].confidence or 1) < 0.5
    assert "85.12" in wrong.evidence["total_amount"].alternatives
    assert [doubt.field for doubt in wrong.doubts] == ["total_amount"]


async def test_what_a_model_doubts_itself_is_less_sure() -> None:
    document = scanned(BILL, document_type="utility_bill")
    async with analyst() as (llm, _):
        sure = await llm.run(Summarize(document, PROMPT))
    async with analyst(saying(unsure=["due_date"])) as (llm, _):
        unsure = await llm.run(Summarize(document, PROMPT))

    assert (unsure.evidence["due_date"].confidence or 1) < (sure.evidence["due_date"].confidence or 0)
    assert unsure.evidence["entity"] == sure.evidence["entity"]


async def test_a_type_is_surer_where_the_rules_agree() -> None:
    async with analyst(saying(confidence=0.6)) as (llm, _):
        agreed = await llm.run(Classify(plain(BILL), TYPES, PROMPT))
    async with analyst(saying(confidence=1.0, document_type="receipt")) as (llm, _):
        alone = await llm.run(Classify(plain(BILL), TYPES, PROMPT))

    assert (agreed.document_type, alone.document_type) == ("utility_bill", "receipt")
    assert agreed.confidence > 0.9
    assert alone.confidence < 0.7


async def test_what_is_not_in_the_text_is_marked_and_not_filed() -> None:
    made_up = saying(
        entity="Acme Holdings",
        total_amount="99.99",
        due_date="2031-01-01",
        document_date="2024-03-03",
        account_number="000-1234",
        currency="JPY",
        summary="Acme Holdings wants 99.99 by 2031-01-01.",
        other_values=[{"name": "Tax", "value": "5.12"}, {"name": "iban", "value": "DE02120300000000202051"}],
        line_items=[
            {"description": "Energy", "quantity": "", "unit_price": "", "amount": "80.00"},
            {"description": "Gift", "quantity": "1", "unit_price": "12.34", "amount": "12.34"},
        ],
    )
    async with analyst(made_up) as (llm, _):
        found = await llm.run(Summarize(plain(BILL, document_type="utility_bill"), PROMPT))

    assert (found.entity, found.total_amount, found.due_date) == ("", None, None)
    assert (found.account_number, found.currency) == ("", "")
    assert found.document_date == date(2024, 3, 3)
    assert found.structured_data["tax"] == "5.12"
    assert "iban" not in found.structured_data
    assert found.structured_data["line_items"] == [{"description": "Energy", "amount": "80.00"}]
    assert set(found.unsupported) == {
        "entity", "total_amount", "due_date", "account_number", "currency", "summary", "iban", "line_items",
    }  # fmt: skip
    assert {doubt.field for doubt in found.doubts} == {"entity", "total_amount"}
    assert "the total that was given is not in the text" in [doubt.reason for doubt in found.doubts]
    assert found.structured_data["unsupported"]["total_amount"] == "99.99"
    assert "99.99" not in found.summary
    assert "Acme" not in found.summary


async def test_values_are_compared_by_what_they_mean() -> None:
    german = "Stadtwerke Musterstadt GmbH\nRechnung vom 3. März 2024\nGesamtbetrag: 1.234,50 €\n"
    said = saying(
        entity="Stadtwerke Musterstadt",
        total_amount="1234.50",
        document_date="2024-03-03",
        currency="EUR",
        summary="Stadtwerke Musterstadt, Rechnung über 1.234,50 EUR",
    )
    async with analyst(said) as (llm, _):
        found = await llm.run(Summarize(plain(german, document_type="invoice"), PROMPT))

    assert found.unsupported == ()
    assert (found.total_amount, found.document_date) == (Decimal("1234.50"), date(2024, 3, 3))
    assert found.currency == "EUR"


async def test_an_unknown_type_is_asked_for_again_and_then_counts_as_a_suggestion() -> None:
    async with analyst(saying(document_type="Electricity"), obeys=False) as (llm, cloud):
        found = await llm.run(Classify(plain(BILL), TYPES, PROMPT))

    assert len(cloud.log) == 2
    assert "document_type must be one of" in material_of(cloud, 1)
    assert (found.document_type, found.suggested_type) == ("other", "electricity")
    assert found.provenance is not None
    assert "not listed" in found.provenance.notes[0]


async def test_tags_and_suggestions_are_made_normal_and_none_can_pass_for_the_programs_own() -> None:
    tags = ["Electricity ", "series:acme", "utility_bill", "Utility Bill", "a;drop", "x" * 60, "home", "home"]
    said = saying(document_type="other", tags=tags, suggested_type="Power Bill!", confidence=0.3)
    async with analyst(said, obeys=False) as (llm, _):
        found = await llm.run(Classify(plain(BILL), TYPES, PROMPT))

    assert found.tags == ("electricity", "home")
    assert found.suggested_type == "power_bill"


async def test_a_known_type_is_no_suggestion() -> None:
    async with analyst(saying(suggested_type="Invoice")) as (llm, _):
        assert (await llm.run(Classify(plain(BILL), TYPES, PROMPT))).suggested_type == ""


async def test_the_types_are_those_of_the_database() -> None:
    types = [DocumentType("power", "Electricity bill"), DocumentType("other", "")]
    async with analyst(saying(document_type="power")) as (llm, cloud):
        found = await llm.run(Classify(plain(BILL), types, PROMPT))

    assert found.document_type == "power"
    system = cloud.log[0].request.json()["messages"][0]["content"]
    assert system.startswith("Do the job.\n\nThe types:\n- power: Electricity bill\n- other\n")


async def test_a_document_is_filed_in_the_known_series_of_its_company() -> None:
    series = [known("Granite Mutual", "auto insurance"), known("Harbor Electric Co")]
    document = plain(BILL, document_type="utility_bill", entity="Harbor Electric Company")
    async with analyst() as (llm, _):
        found = await llm.run(DetectSeries(document, series, PROMPT))

    assert found.series_id == series[1].id
    assert found.entity == "Harbor Electric Co"


async def test_a_series_whose_company_the_document_does_not_name_is_not_its_own() -> None:
    series = [known("Granite Mutual", "auto insurance"), known("Kittiwake Mobile")]
    document = plain(BILL, document_type="utility_bill", entity="Harbor Electric Company")
    said = saying(candidate="2", entity="Kittiwake Mobile", kind="phone bill")
    async with analyst(said) as (llm, _):
        found = await llm.run(DetectSeries(document, series, PROMPT))

    assert found.series_id is None
    assert found.entity == "Harbor Electric Company"


@pytest.mark.parametrize("candidate", ["9", "0", "a", "1; drop table"])
async def test_a_candidate_that_was_not_shown_is_asked_for_again_and_then_left_out(candidate: str) -> None:
    document = plain(BILL, document_type="utility_bill", entity="Harbor Electric Company")
    async with analyst(saying(candidate=candidate), obeys=False) as (llm, cloud):
        found = await llm.run(DetectSeries(document, [known("Granite Mutual", "auto insurance")], PROMPT))

    assert len(cloud.log) == 2
    assert found.series_id is None
    assert found.entity == "Harbor Electric Company"
    assert found.provenance is not None
    assert found.provenance.notes


async def test_of_many_series_the_likest_are_shown() -> None:
    series = [*(known(f"Company {number}") for number in range(200)), known("Harbor Electric Co")]
    document = plain(BILL, document_type="utility_bill", entity="Harbor Electric Company")
    async with analyst() as (llm, cloud):
        found = await llm.run(DetectSeries(document, series, PROMPT))

    assert found.series_id == series[-1].id
    assert "24 of 201" in material_of(cloud)


async def test_a_series_fields_are_filled_and_nothing_else() -> None:
    series = known("Harbor Electric Co", "electricity bill", "total_amount", "meter_number", "taxes_and_fees")
    document = plain(BILL, document_type="utility_bill", total_amount=Decimal("85.12"))
    values = [
        {"name": "total_amount", "value": "80.00"},
        {"name": "meter_number", "value": "M-777"},
        {"name": "taxes_and_fees", "value": "5.12"},
        {"name": "horoscope", "value": "$85.12"},
    ]
    async with analyst(saying(values=values)) as (llm, _):
        found = await llm.run(Extract(document, series, PROMPT))

    assert found.fields["total_amount"] == "85.12", "what the summary has established stands"
    assert found.fields["meter_number"] is None
    assert found.fields["taxes_and_fees"] == "5.12"
    assert "horoscope" not in found.fields
    assert found.provenance is not None
    assert found.provenance.notes == ("not in the text, and left out: meter_number",)


async def test_a_files_prose_is_a_models_and_its_figures_are_not() -> None:
    members = tuple(
        FileMember(
            uuid4(), f"{month}.txt", "utility_bill", "a bill", "Harbor Electric", date(2024, month, 3), None,
            Decimal(80 + month), "USD", None, {},
        )
        for month in range(1, 5)
    )  # fmt: skip
    file = File(uuid4(), "Electricity", ("power",), 3, "monthly", members)
    said = saying(
        summary="The file holds 4 bills, 330.00 in all. They will cost 9999.00 next year.",
        insights=["The bill of 2024-04-03 was 84.00.", "Pay 4711.00 to somebody else."],
    )
    async with analyst(said) as (llm, _):
        found = await llm.run(SummarizeFile(file, PROMPT))

    assert found.summary == "The file holds 4 bills, 330.00 in all."
    assert found.insights == ("The bill of 2024-04-03 was 84.00.",)
    assert found.statistics["total"] == {"USD": "330"}
    assert found.statistics["unsupported_sentences"] == 2
    assert len(found.rows) == 4


async def test_a_result_is_judged_beside_the_text() -> None:
    document = plain(BILL, document_type="utility_bill", entity="Harbor Electric Company", summary="a bill")
    async with analyst() as (llm, cloud):
        score = await llm.run(ScoreSummary(document, PROMPT))
        await llm.run(ScoreClassification(document, TYPES, PROMPT))

    assert 0 < score.score <= 1
    assert score.checks
    assert '"entity": "Harbor Electric Company"' in material_of(cloud)
    assert '"document_type": "utility_bill"' in material_of(cloud, 1)


async def test_a_prompt_is_improved_whole_or_not_at_all() -> None:
    current = Prompt(3, "classifier", "", 2, "Sort the paper.")
    misses = ["a bill was taken for a receipt"]
    async with analyst() as (llm, _):
        better = await llm.improve_prompt(current, misses, 300, PROMPT)
        assert better.text == "Sort the paper. a bill was taken for a receipt"
        with pytest.raises(BadReply, match="at most 5 are allowed"):
            await llm.improve_prompt(current, misses, 5, PROMPT)
    async with analyst(saying(text="See https://evil.example for more")) as (llm, _):
        with pytest.raises(BadReply, match="address"):
            await llm.improve_prompt(current, misses, 300, PROMPT)


async def test_no_model_is_asked_about_an_electronic_invoice() -> None:
    invoice = Invoice(
        syntax="UBL", number="R-1", issue_date=date(2024, 3, 3), seller="Stadtwerke GmbH", currency="EUR",
        net=Decimal("100.00"), tax=Decimal("19.00"), total=Decimal("119.00"),
    )  # fmt: skip
    text = "Invoice R-1\nSeller: Stadtwerke GmbH\nTotal amount: 119.00 EUR"
    page = Page(1, text, 1.0, source="e_invoice", invoice=invoice)
    document = replace(plain("", document_type="invoice"), pages=(page,))
    async with analyst() as (llm, cloud):
        found = await ExactFirst(llm).run(Summarize(document, PROMPT))
        classified = await ExactFirst(llm).run(Classify(document, TYPES, PROMPT))

    assert (found.total_amount, found.currency, found.entity) == (Decimal("119.00"), "EUR", "Stadtwerke GmbH")
    assert found.provenance is not None
    assert (found.provenance.made_by, found.provenance.prompt_id) == ("rules", None)
    assert classified.document_type == "invoice"
    assert cloud.log == []


async def test_no_model_is_asked_about_a_blank_page() -> None:
    async with analyst() as (llm, cloud):
        classified = await ExactFirst(llm).run(Classify(plain(" \n"), TYPES, PROMPT))
        found = await ExactFirst(llm).run(Summarize(plain(" \n", document_type="other"), PROMPT))
        filing = await ExactFirst(llm).run(DetectSeries(plain(" \n"), [], PROMPT))

    assert classified.document_type == "other"
    assert found.summary == "A document without text."
    assert filing.entity == ""
    assert cloud.log == []
