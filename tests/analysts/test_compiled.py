"""Compiled series: a layout that earlier documents agree on tells the next one's values, or nothing at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from alfrd_events.analysis.compiled.learner import CORE, Unknown, learn, read
from alfrd_events.analysis.rules.summary import summarize
from alfrd_events.model import Box, Document, Line, Page, Peer, Summary

COMPANY = "Harbor Water Company"


def bill(
    month: int,
    *,
    usage: str = "",
    fee: str = "",
    due_label: str = "Amount due",
    total: str = "",
    shift: float = 0.0,
    confidence: float = 1.0,
) -> Document:
    """A water bill with positions: two columns of facts, charges, and a total in a box of its own.

    Nothing on it says which of two amounts is the bill and which the balance of a savings plan, but their places.
    """
    day = date(2025, month, 7)
    water, sewer = Decimal(3000 + 17 * month) / 100, Decimal(1100 + 5 * month) / 100
    amount = total or f"{water + sewer:.2f}"
    rows: list[tuple[float, float, str]] = [
        (0.08, 0.05, COMPANY),
        (0.60, 0.05, "Water bill"),
        (0.60, 0.10, "Account number"),
        (0.80, 0.10, "4471-0022"),
        (0.60, 0.13, "Statement date"),
        (0.80, 0.13, f"{day:%B %d, %Y}"),
        (0.60, 0.16, "Due date"),
        (0.80, 0.16, f"{day + timedelta(days=21):%B %d, %Y}"),
        (0.08, 0.25, "Water used"),
        (0.40, 0.25, f"{usage or 4000 + 31 * month} gallons"),
        (0.08, 0.35, "Water charges"),
        (0.70, 0.35, f"${water:.2f}"),
        (0.08, 0.38, "Sewer charges"),
        (0.70, 0.38, f"${sewer:.2f}"),
        *([(0.08, 0.41, "Late payment penalty"), (0.70, 0.41, f"${fee}")] if fee else []),
        (0.08, 0.50 + shift, due_label),
        (0.70, 0.50 + shift, f"${amount}"),
    ]
    lines = tuple(Line(text, box(left, top, text), confidence) for left, top, text in rows)
    text = "\n".join(line.text for line in lines)
    return Document(
        id=uuid4(),
        filename=f"water-{month}.png",
        status="classified",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        document_type="utility_bill",
        pages=(Page(1, text, confidence, lines, 1000, 1400),),
    )


def box(left: float, top: float, text: str) -> Box:
    return (left, top, min(left + 0.012 * len(text), 1.0), top + 0.015)


def known(
    document: Document, *, corrected: tuple[str, ...] = (), by: str = "openai:small", **values: object
) -> Peer:
    """A document as it is once it is completed."""
    found = {name: getattr(summary_of(document), name) for name in (*CORE, "summary", "structured_data")}
    stored = replace(document, made_by={"summarize": {"by": by}}, **{**found, **values})  # type: ignore[arg-type]
    return Peer(stored, "harbor-water-company-water-bill", frozenset(corrected))


def summary_of(document: Document) -> Summary:
    return summarize(document)


def peers(*months: int) -> list[Peer]:
    return [known(bill(month)) for month in months]


def test_a_bill_is_read_by_the_layout_of_three_before() -> None:
    given = bill(9)
    found = read(given, learn(peers(1, 2, 3)))

    assert (found.entity, found.account_number, found.currency) == (COMPANY, "4471-0022", "USD")
    assert (found.document_date, found.due_date) == (date(2025, 9, 7), date(2025, 9, 28))
    assert found.total_amount == Decimal("31.53") + Decimal("11.45")
    assert found.structured_data == summary_of(given).structured_data
    assert found.structured_data["usage_gallons"] == "4279"
    assert found.evidence["total_amount"].text == "$42.98"
    assert found.summary == "Harbor Water Company, water bill of 2025-09-07: $42.98, due 2025-09-28."


def test_two_documents_are_too_few() -> None:
    with pytest.raises(Unknown, match="2 documents are too few"):
        learn(peers(1, 2))


def test_what_was_compiled_itself_proves_nothing() -> None:
    compiled = [known(bill(month), by="compiled:harbor-water-company-water-bill") for month in (3, 4, 5)]
    with pytest.raises(Unknown):
        read(bill(9), learn([*peers(1, 2), *compiled]))


def test_a_label_that_is_gone_is_not_guessed_around() -> None:
    with pytest.raises(Unknown, match=r"a row with an amount is new|total_amount is missing"):
        read(bill(9, due_label="Payable"), learn(peers(1, 2, 3)))


def test_a_total_that_stands_elsewhere_is_not_believed() -> None:
    with pytest.raises(Unknown, match="total_amount has moved"):
        read(bill(9, shift=0.35), learn(peers(1, 2, 3)))


def test_a_charge_that_no_bill_had_before_is_left_to_whoever_understands_it() -> None:
    with pytest.raises(Unknown, match="a row with an amount is new"):
        read(bill(9, fee="25.00"), learn(peers(1, 2, 3)))


def test_a_faint_scan_is_left_to_whoever_can_guess() -> None:
    with pytest.raises(Unknown, match="hard to read"):
        read(bill(9, confidence=0.7), learn(peers(1, 2, 3)))


def test_another_companys_paper_of_the_same_form_is_not_taken_for_it() -> None:
    document = bill(9)
    (page,) = document.pages
    lines = tuple(replace(line, text=line.text.replace(COMPANY, "Inland Gas Ltd")) for line in page.lines)
    other = replace(
        document, pages=(replace(page, lines=lines, text="\n".join(line.text for line in lines)),)
    )
    with pytest.raises(Unknown, match="entity is not the usual one"):
        read(other, learn(peers(1, 2, 3)))


def test_values_that_disagree_on_their_place_teach_nothing() -> None:
    wrong = known(bill(3), corrected=("total_amount",), total_amount=Decimal("11.15"))  # the sewer charges
    with pytest.raises(Unknown, match="total_amount stands in no place that tells it in all"):
        learn([*peers(1, 2, 4), wrong])


def test_a_correction_teaches_the_right_place_and_unlearns_the_wrong_one() -> None:
    """A model took the water charges of every bill for those of the sewer; no check could see that."""

    def told(month: int, label: str, *, corrected: bool = False) -> Peer:
        amount = {"water": 3000 + 17 * month, "sewer": 1100 + 5 * month}[label]
        values = {"sewer_charges": f"{Decimal(amount) / 100:.2f}"}
        return known(bill(month), corrected=("structured_data",) if corrected else (), structured_data=values)

    mistaken = [told(month, "water") for month in (1, 2, 3)]
    assert read(bill(9), learn(mistaken)).structured_data == {"sewer_charges": "31.53"}

    with pytest.raises(Unknown, match="sewer_charges stands in no place"):
        learn([*mistaken, told(4, "sewer", corrected=True)])

    right = [told(month, "sewer", corrected=True) for month in (1, 2, 3, 4)]
    assert read(bill(9), learn(right)).structured_data == {"sewer_charges": "11.45"}


def test_values_that_fail_a_check_teach_nothing_until_a_person_has_looked() -> None:
    doubtful = [known(bill(month), total_amount=Decimal(3000 + 17 * month) / 100) for month in (1, 2, 3)]
    with pytest.raises(Unknown, match="0 documents are too few"):
        learn(doubtful)


def test_a_corrected_value_of_a_compiled_document_counts() -> None:
    compiled = known(bill(4), corrected=("total_amount",), by="compiled:x", total_amount=Decimal("11.20"))
    with pytest.raises(Unknown, match="total_amount"):
        learn([*peers(1, 2, 3), compiled])
