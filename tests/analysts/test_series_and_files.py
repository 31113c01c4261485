"""Documents find their series in any order, share field names, and are told as a file."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.model import Document, File, FileMember
from alfrd_events.model.jobs import DetectSeries, Extract, SummarizeFile
from tests.analysts.paper import ANALYST, PROMPT, plain, run, series

BILL: dict[str, Any] = {"document_type": "utility_bill", "entity": "Harborlight Electric"}


def test_a_known_series_is_taken() -> None:
    known = series("Heron Hill Stationery & Books")
    document = plain("x", document_type="receipt", entity="HERON HILL STATI0NERY & BOOKS SDN BHD")
    filing = run(ANALYST.run(DetectSeries(document, [series("Other Shop"), known], PROMPT)))
    assert (filing.series_id, filing.entity) == (known.id, known.entity)


def test_a_series_of_another_kind_or_company_is_not_taken() -> None:
    known = [
        series("Harborlight Electric", "gas bill"),
        series("Harborlight Electronics", "electricity bill"),
    ]
    filing = run(ANALYST.run(DetectSeries(plain("Total kWh 412", **BILL), known, PROMPT)))
    assert filing.series_id is None
    assert (filing.entity, filing.kind, filing.frequency) == (
        "Harborlight Electric",
        "electricity bill",
        "monthly",
    )


def test_an_invoice_and_a_receipt_of_a_merchant_are_one_series() -> None:
    one, other = (
        run(ANALYST.run(DetectSeries(plain("x", document_type=name, entity="Heron Ltd"), [], PROMPT)))
        for name in ("receipt", "invoice")
    )
    assert (entity_key(one.entity), one.kind) == (entity_key(other.entity), other.kind)


@pytest.mark.parametrize(
    ("document_type", "text", "kind"),
    [
        ("insurance", "Insured vehicle: 2019 Corvid", "auto insurance"),
        ("property", "RENT RECEIPT Rental period: May 2024", "rent"),
        ("education", "Tuition and fees, student account", "tuition"),
        ("utility_bill", "Water usage 12 ccf, sewer", "water bill"),
        ("payroll", "Net pay", "pay stub"),
        ("boat_papers", "Berth 12", "boat papers"),
    ],
)
def test_the_kind_follows_from_type_and_subject(document_type: str, text: str, kind: str) -> None:
    assert (
        run(ANALYST.run(DetectSeries(plain(text, document_type=document_type, entity="A"), [], PROMPT))).kind
        == kind
    )


def test_a_quarterly_period_makes_a_quarterly_series() -> None:
    document = plain("kWh", period_start=date(2024, 1, 1), period_end=date(2024, 3, 31), **BILL)
    assert run(ANALYST.run(DetectSeries(document, [], PROMPT))).frequency == "quarterly"


def test_fields_keep_the_names_of_the_series() -> None:
    document = _summarized()
    known = series("Harborlight Electric", "electricity bill", "bill_date", "amount_due", "kwh", "tariff")
    fields = run(ANALYST.run(Extract(document, known, PROMPT))).fields
    assert list(fields)[:4] == ["bill_date", "amount_due", "kwh", "tariff"]
    assert (fields["bill_date"], fields["amount_due"], fields["kwh"]) == ("2024-03-05", "104.20", "412")
    assert fields["tariff"] is None
    assert "total_amount" not in fields
    assert fields["due_date"] == "2024-03-26"


def test_a_first_member_names_its_fields_itself() -> None:
    fields = run(
        ANALYST.run(Extract(_summarized(), series("Harborlight Electric", "electricity bill"), PROMPT))
    ).fields
    assert fields["usage_kwh"] == "412"
    assert fields["total_amount"] == "104.20"
    assert "period_start" not in fields


def test_an_empty_file_says_so() -> None:
    summary = run(ANALYST.run(SummarizeFile(_file(), PROMPT)))
    assert (summary.summary, summary.rows, summary.statistics["count"]) == (
        "Power holds no documents yet.",
        (),
        0,
    )


def test_a_file_is_a_table_with_sums_gaps_and_what_stands_out() -> None:
    members = [
        _member(month, amount)
        for month, amount in ((1, "100"), (2, "102"), (3, "98"), (5, "101"), (6, "250"))
    ]
    summary = run(ANALYST.run(SummarizeFile(_file(*members), PROMPT)))
    assert [row["total_amount"] for row in summary.rows] == ["100", "102", "98", "101", "250"]
    assert {"date", "total_amount", "usage_kwh"} <= set(summary.columns)
    assert "due_date" not in summary.columns
    assert summary.statistics["total"] == {"USD": "651"}
    assert summary.statistics["average"] == {"USD": "130.20"}
    assert summary.statistics["gaps"] == ["2024-04"]
    assert (summary.statistics["first_date"], summary.statistics["last_date"]) == ("2024-01-05", "2024-06-05")
    assert any("$250.00" in insight and "unusually high" in insight for insight in summary.insights)
    assert "5 documents from 2024-01-05 to 2024-06-05" in summary.summary


def test_currencies_are_not_added_up_together() -> None:
    euros = dataclasses.replace(_member(2, "10"), currency="EUR")
    summary = run(ANALYST.run(SummarizeFile(_file(_member(1, "20"), euros), PROMPT)))
    assert summary.statistics["total"] == {"USD": "20", "EUR": "10"}


def test_the_same_paper_twice_is_pointed_out() -> None:
    summary = run(ANALYST.run(SummarizeFile(_file(_member(1, "20"), _member(1, "20")), PROMPT)))
    assert len(summary.statistics["duplicates"]) == 1
    assert any("duplicate" in insight for insight in summary.insights)


@pytest.mark.parametrize(
    ("frequency", "months", "gaps"),
    [
        ("monthly", [1, 2, 3], []),
        ("monthly", [1, 4], ["2024-02", "2024-03"]),
        ("quarterly", [1, 4, 10], ["2024-07"]),
        ("irregular", [1, 9], []),
    ],
)
def test_gaps_follow_the_frequency(frequency: str, months: list[int], gaps: list[str]) -> None:
    file = dataclasses.replace(_file(*(_member(month, "20") for month in months)), frequency=frequency)
    assert run(ANALYST.run(SummarizeFile(file, PROMPT))).statistics["gaps"] == gaps


def test_a_file_without_dates_and_amounts_is_described() -> None:
    bare = dataclasses.replace(_member(1, "20"), document_date=None, total_amount=None)
    summary = run(ANALYST.run(SummarizeFile(_file(bare), PROMPT)))
    assert summary.summary.startswith("Power holds 1 document.")


def _summarized() -> Document:
    return plain(
        "Total kWh 412",
        document_date=date(2024, 3, 5),
        due_date=date(2024, 3, 26),
        total_amount=Decimal("104.20"),
        currency="USD",
        structured_data={"usage_kwh": "412", "line_items": [{"description": "Energy", "amount": "104.20"}]},
        **BILL,
    )


def _member(month: int, amount: str) -> FileMember:
    return FileMember(
        id=uuid4(),
        filename=f"{month}.png",
        document_type="utility_bill",
        summary="A bill.",
        entity="Harborlight Electric",
        document_date=date(2024, month, 5),
        due_date=None,
        total_amount=Decimal(amount),
        currency="USD",
        series_id=None,
        series_data={"usage_kwh": "400"},
    )


def _file(*members: FileMember) -> File:
    return File(uuid4(), "Power", ("electricity",), 1, "monthly", members)


def test_a_document_on_which_nobody_is_named_gets_no_series() -> None:
    document = plain("a note for Bob", document_type="other", entity="")
    filing = run(ANALYST.run(DetectSeries(document, [series("Unknown", "other")], PROMPT)))
    assert (filing.entity, filing.series_id) == ("", None)
