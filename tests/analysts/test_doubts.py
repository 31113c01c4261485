"""A document is flagged by all that is unsure about it together, and the reason names the least sure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from alfrd_events.analysis.ranking.trees import trained
from alfrd_events.analysis.rules.doubts import doubts_of, signs_of_document
from alfrd_events.model import Document, Evidence, Summary
from tests.analysts.paper import plain

SURE = {"entity": 0.99, "document_date": 0.99, "total_amount": 0.99, "currency": 0.99}


def document(document_type: str = "invoice", type_confidence: float | None = 0.95) -> Document:
    return replace(plain("A paper", document_type=document_type), classification_confidence=type_confidence)


def summary(**confidences: float) -> Summary:
    evidence = {field: Evidence(page=1, text="read", confidence=sure) for field, sure in confidences.items()}
    return Summary(summary="-", entity="Karolin Ltd", document_date=date(2024, 3, 4), evidence=evidence)


def all_right(document: Document, found: Summary) -> float:
    return trained().documents.confidence_of(signs_of_document(document, found))


def reasons(document: Document, found: Summary) -> dict[str, str]:
    return {doubt.field: doubt.reason for doubt in doubts_of(document, found, trained())}


def test_what_is_sure_is_not_flagged() -> None:
    assert reasons(document(), summary(**SURE)) == {}


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("entity", "the company is unsure (20%)"),
        ("due_date", "the due date is unsure (20%)"),
        ("currency", "the currency is unsure (20%)"),
        ("invoice_number", "the invoice number is unsure (20%)"),
    ],
)
def test_one_unsure_value_is_a_reason_to_look(field: str, said: str) -> None:
    assert reasons(document(), summary(**SURE | {field: 0.2})) == {field: said}


def test_a_type_that_is_less_sure_than_all_values_is_the_reason() -> None:
    found = reasons(document(type_confidence=0.1), summary(**SURE))

    assert found == {"document_type": "the type invoice is unsure (10%)"}


def test_a_missing_value_is_named_beside_the_unsure_one() -> None:
    found = reasons(document(), summary(entity=0.2, document_date=0.99))

    assert found == {"total_amount": "no total was found", "entity": "the company is unsure (20%)"}


@pytest.mark.parametrize("field", [*SURE, "due_date", "invoice_number"])
def test_each_doubt_makes_a_document_less_sure(field: str) -> None:
    sure = SURE | {"due_date": 0.99, "invoice_number": 0.99}

    assert all_right(document(), summary(**sure | {field: 0.6})) < all_right(document(), summary(**sure))


def test_an_unsure_type_makes_a_document_less_sure() -> None:
    known, unsure = (all_right(document(type_confidence=sure), summary(**SURE)) for sure in (0.9, 0.5))

    assert unsure < known


def test_the_type_of_a_letter_and_one_that_a_person_gave_are_in_no_doubt() -> None:
    letter = summary(entity=0.99, document_date=0.99)

    assert all_right(document("other", 0.1), letter) == all_right(document("other", None), letter)
    assert reasons(document("other", 0.1), letter) == {}
