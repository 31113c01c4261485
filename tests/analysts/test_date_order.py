"""Which of two numbers is the day: by what a paper says of itself, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from alfrd_events.analysis.rules.summary import summarize
from alfrd_events.analysis.text.date_order import DateOrder, infer_order
from alfrd_events.analysis.text.layout import fold
from alfrd_events.model.doubts import reasons_of
from tests.analysts.paper import plain


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("Invoice date 03/08/2024, paid 12/31/2024", "MDY"),
        ("Invoice date 03/08/2024, paid 31/12/2024", "DMY"),
        ("Fri 03/08/2024", "MDY"),
        ("Saturday, 03/08/2024", "DMY"),
        ("Invoice date: 03/08/2024\nDue date: 04/07/2024", "MDY"),
        ("Invoice date: 03/08/2024\nDue date: 02/09/2024", "DMY"),
        ("Date  Due date\n04/05/2024  05/04/2024", "MDY"),
        ("March 1, 2024\nSeen on 03/08/2024", "MDY"),
        ("1 March 2024\nSeen on 03/08/2024", "DMY"),
        ("Dayton, OH 45402\n03/08/2024", "MDY"),
        ("(937) 555-0148\n03/08/2024", "MDY"),
        ("Total $12.00\n03/08/2024", "MDY"),
        ("Sales tax 7.5 %\n03/08/2024", "MDY"),
        ("Leeds LS1 4AB\n03/08/2024", "DMY"),
        ("Total £12.00\n03/08/2024", "DMY"),
        ("Sort code 20-44-71\n03/08/2024", "DMY"),
        ("Fecha 03/08/2024", "DMY"),
        ("Facture du 03/08/2024", "DMY"),
        ("Coffee 01/11/2024\nBread 02/10/2024\nMilk 03/09/2024", "MDY"),
        ("Coffee 11/01/2024\nBread 10/02/2024\nMilk 09/03/2024", "DMY"),
    ],
)
def test_the_paper_says_which_number_is_the_day(text: str, order: str) -> None:
    assert infer_order(fold(text)) == DateOrder(order, True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["Invoice 12\nDate 03/08/2024\nTotal 12.00", "03-08-2024", "01/02/2024 02/03/2024"]
)
def test_nothing_decides(text: str) -> None:
    assert infer_order(fold(text)) == DateOrder("DMY", False)


@pytest.mark.parametrize("text", ["03.08.2024", "08/08/2024", "2024-08-03", "3 August 2024", "no date"])
def test_there_is_nothing_to_decide(text: str) -> None:
    assert infer_order(fold(text)).is_sure


def test_a_day_that_could_be_a_month_is_flagged() -> None:
    paper = replace(
        plain("Lumen Lighting\nInvoice 712\nDate 03/08/2024\nTotal 99.00"), document_type="invoice"
    )

    doubts = [doubt for doubt in summarize(paper).doubts if "swapped" in doubt.reason]

    assert [doubt.field for doubt in doubts] == ["document_date"]
    assert [(each.code, each.values) for each in reasons_of(f"{doubts[0].reason}.")] == [
        ("order", {"day": "03/08/2024"})
    ]


def test_a_day_that_the_paper_decides_is_not_flagged() -> None:
    text = "Lumen Lighting\nDayton, OH 45402\nInvoice 712\nDate 03/08/2024\nTotal $99.00"

    summary = summarize(replace(plain(text), document_type="invoice"))

    assert summary.document_date == date(2024, 3, 8)
    assert [doubt for doubt in summary.doubts if "swapped" in doubt.reason] == []
