"""How sure the values are that a model or a series' layout has given, by what the rules make of the same paper."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from alfrd_events.analysis.rules.second_opinion import NOT_PROPOSED, with_second_opinion
from alfrd_events.model import Document, Evidence, Summary
from tests.analysts.paper import scanned

RECEIPT = """
Karolin Bakery Ltd
12 Main Street
Tel: 03-1234567
Date: 04/03/2024  14:51
Bread                    3.00
Cake                     9.00
Subtotal                12.00
Tax 6%                   0.72
Total                   12.72
Cash                    20.00
Change                   7.28
"""
RIGHT: dict[str, Any] = {
    "summary": "-",
    "entity": "Karolin Bakery Ltd",
    "document_date": date(2024, 3, 4),
    "total_amount": Decimal("12.72"),
    "structured_data": {"tax": "0.72"},
}


def paper() -> Document:
    return scanned(RECEIPT, document_type="receipt")


def place_of(text: str) -> Evidence:
    line = next(line for line in paper().pages[0].lines if line.text == text)
    return Evidence(page=1, text=text, box=line.box)


def judged(unsure: tuple[str, ...] = (), usually_right: float = 0.9, **changed: Any) -> Summary:
    given = Summary(**{**RIGHT, "evidence": {"tax": place_of("0.72")}, **changed})
    return with_second_opinion(paper(), given, unsure=unsure, usually_right=usually_right)


def sure(found: Summary, field: str) -> float:
    confidence = found.evidence[field].confidence
    assert confidence is not None
    return confidence


def test_what_the_rules_find_as_well_is_sure_and_not_flagged() -> None:
    found = judged()

    assert all(sure(found, field) > 0.9 for field in ("entity", "document_date", "total_amount"))
    assert found.doubts == ()


def test_every_value_has_a_place_a_label_and_what_else_it_could_be() -> None:
    found = judged()

    total = found.evidence["total_amount"]
    assert (total.text, total.label) == ("12.72", "total")
    assert total.box is not None
    assert total.alternatives == ("20.00", "7.28")
    assert sure(found, "tax") > 0.5


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("total_amount", Decimal("20.00")),
        ("total_amount", Decimal("7.28")),
        ("entity", "12 Main Street"),
    ],
)
def test_what_the_rules_take_for_something_else_is_unsure_and_a_reason_to_look(
    field: str, wrong: Any
) -> None:
    found = judged(**{field: wrong})

    assert sure(found, field) < 0.5
    assert [doubt.field for doubt in found.doubts] == [field]


def test_what_the_model_itself_doubts_is_less_sure_but_not_wrong_for_that() -> None:
    plain, doubted = judged(), judged(unsure=("entity", "tax"))

    for field in ("entity", "tax"):
        assert 0.3 < sure(doubted, field) < sure(plain, field)
    assert sure(doubted, "total_amount") == sure(plain, "total_amount")


def test_an_analyst_that_errs_more_often_is_believed_less() -> None:
    assert sure(judged(usually_right=0.6), "entity") < sure(judged(), "entity")


def test_a_value_that_the_rules_would_take_for_nothing_of_the_kind_keeps_its_place() -> None:
    where = place_of("Karolin Bakery Ltd")
    found = judged(entity="Bakery", evidence={"entity": where})

    assert (found.evidence["entity"].text, found.evidence["entity"].box) == (where.text, where.box)
    assert sure(found, "entity") == NOT_PROPOSED


def test_what_the_text_does_not_hold_has_no_confidence_and_is_a_reason_to_look() -> None:
    found = judged(
        total_amount=None,
        unsupported=("total_amount", "iban"),
        structured_data={"unsupported": {"total_amount": "99.99", "iban": "DE0"}},
    )

    assert [doubt.reason for doubt in found.doubts] == ["the total that was given is not in the text"]
    assert not [field for field in found.evidence if field.startswith("unsupported")]


def test_a_paper_without_text_is_given_back_as_it_is() -> None:
    given = Summary(**RIGHT)

    assert with_second_opinion(scanned(""), given) == given
