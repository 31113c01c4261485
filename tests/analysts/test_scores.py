"""Scores fall when a stored value is wrong, and say which check failed."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from alfrd_events.model import Document, Score
from alfrd_events.model.jobs import ScoreClassification, ScoreSummary, Summarize
from tests.analysts.paper import ANALYST, PROMPT, TYPES, plain, run, scanned
from tests.analysts.test_summarize import BILL, RECEIPT


def test_what_the_analyst_finds_passes_its_own_checks() -> None:
    for text, document_type in ((BILL, "utility_bill"), (RECEIPT, "receipt")):
        score = run(ANALYST.run(ScoreSummary(_stored(text, document_type), PROMPT)))
        assert score.score == 1, score.feedback
        assert score.improvements == ()


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({"total_amount": Decimal("999.99")}, "total in the text"),
        ({"total_amount": Decimal("98.11")}, "total has the total's label"),
        ({"total_amount": None}, "total_amount given"),
        ({"document_date": date(2024, 3, 6)}, "document_date in the text"),
        ({"document_date": date(2062, 3, 5)}, "plausible date"),
        ({"due_date": date(2024, 2, 1)}, "due after its date"),
        ({"due_date": None}, "due_date given"),
        ({"entity": "Osprey Gas"}, "entity in the text"),
        ({"account_number": "999-999"}, "account number in the text"),
        ({"period_end": date(2023, 1, 1)}, "period in order"),
        ({"summary": "One.\nTwo."}, "one line"),
        ({"structured_data": {"subtotal": "7.00", "tax": "1.00"}}, "subtotal, tax and total agree"),
        ({"structured_data": {"line_items": [{"amount": "7.00"}]}}, "line items add up"),
    ],
)
def test_a_wrong_value_fails_its_check(change: dict[str, Any], failed: str) -> None:
    document = _stored(BILL, "utility_bill")
    good = run(ANALYST.run(ScoreSummary(document, PROMPT)))
    score = run(ANALYST.run(ScoreSummary(dataclasses.replace(document, **change), PROMPT)))
    assert failed in _failures(score)
    assert score.score < good.score
    assert score.improvements
    assert failed in score.feedback


def test_a_wrong_type_scores_below_the_right_one() -> None:
    right = run(ANALYST.run(ScoreClassification(_typed("utility_bill", 0.9), TYPES, PROMPT)))
    wrong = run(ANALYST.run(ScoreClassification(_typed("legal", 0.9), TYPES, PROMPT)))
    assert right.score == 1
    assert wrong.score < 0.5
    assert {"beats the runner-up", "evidence in the text", "honest confidence"} <= _failures(wrong)


def test_a_type_that_nobody_knows_fails() -> None:
    assert "known type" in _failures(
        run(ANALYST.run(ScoreClassification(_typed("zorblat", None), TYPES, PROMPT)))
    )


def test_other_is_right_where_nothing_speaks_for_a_type() -> None:
    document = plain("lorem ipsum dolor", document_type="other", classification_confidence=0.1)
    assert run(ANALYST.run(ScoreClassification(document, TYPES, PROMPT))).score == 1
    bill = _typed("other", 0.1)
    assert run(ANALYST.run(ScoreClassification(bill, TYPES, PROMPT))).score < 0.6


def test_a_future_date_is_measured_from_when_the_document_came_in() -> None:
    document = _stored(BILL, "utility_bill")
    late = dataclasses.replace(document, document_date=document.created_at.date() + timedelta(days=90))
    assert "plausible date" in _failures(run(ANALYST.run(ScoreSummary(late, PROMPT))))


def _stored(text: str, document_type: str) -> Document:
    document = scanned(text, document_type=document_type)
    found = run(ANALYST.run(Summarize(document, PROMPT)))
    names = {field.name for field in dataclasses.fields(Document)} & set(type(found).model_fields)
    return dataclasses.replace(document, **{name: getattr(found, name) for name in names})


def _typed(document_type: str, confidence: float | None) -> Document:
    return scanned(BILL, document_type=document_type, classification_confidence=confidence)


def _failures(score: Score) -> set[str]:
    return {check.name for check in score.checks if not check.passed}


@pytest.mark.parametrize(
    ("entity", "failed"),
    [
        ("Kitchen & Bar", "entity is more than a trade"),
        ("The Copper Plover 555-0131", "entity without a number"),
        ("The Copper Plover 4071552803", "entity without a number"),
        ("3 Wharf Street, Elmton", "entity is no address"),
    ],
)
def test_an_entity_that_is_more_or_less_than_a_name_fails(entity: str, failed: str) -> None:
    text = (
        "The Copper Plover 555-0131 4071552803\nKitchen & Bar\n3 Wharf Street, Elmton\n"
        "Date: 03/23/2024\nSoup  $19.00\nTotal  $19.00"
    )
    document = plain(text, document_type="receipt", entity=entity)
    assert failed in _failures(run(ANALYST.run(ScoreSummary(document, PROMPT))))


@pytest.mark.parametrize("entity", ["The Pharmacy", "Studio 54", "Main Street Dental", "7-Eleven"])
def test_a_name_with_a_number_a_trade_or_a_street_in_it_is_a_name(entity: str) -> None:
    document = plain(f"{entity}\nTotal  $19.00", document_type="receipt", entity=entity)
    failures = _failures(run(ANALYST.run(ScoreSummary(document, PROMPT))))
    assert not [name for name in failures if name.startswith("entity ") and name != "entity given"]


def test_items_that_add_up_to_a_payment_only_do_not_add_up() -> None:
    text = "Curlew Market\n03/16/2024\nBread  20.00\nTotal  12.00\nCash  20.00\nChange  8.00"
    document = plain(
        text,
        document_type="receipt",
        total_amount=Decimal("12.00"),
        structured_data={"line_items": [{"description": "Bread", "amount": "20.00"}]},
    )
    assert "line items add up" in _failures(run(ANALYST.run(ScoreSummary(document, PROMPT))))


def test_items_are_added_up_where_only_a_subtotal_is_known() -> None:
    data = {"subtotal": "12.00", "line_items": [{"description": "Bread", "amount": "20.00"}]}
    document = plain("Curlew Market\nSubtotal  12.00", document_type="receipt", structured_data=data)
    assert "line items add up" in _failures(run(ANALYST.run(ScoreSummary(document, PROMPT))))
