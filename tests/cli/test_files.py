"""``files create`` and ``show``, and ``tags``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from alfrd_events.terminal.file import changes, totals
from tests.cli.papers import Papers
from tests.cli.program import Program


def _member(id: str, amount: str | None, currency: str = "USD", type: str = "receipt") -> dict[str, Any]:
    return {
        "id": id,
        "filename": f"{id}.txt",
        "entity": "Acme",
        "document_type": type,
        "document_date": None,
        "total_amount": None if amount is None else Decimal(amount),
        "currency": currency,
    }


def test_totals_are_by_type_and_currency_and_exact() -> None:
    rows = totals([_member("a", "0.10"), _member("b", "0.20"), _member("c", "7", "EUR"), _member("d", None)])
    assert [(row["currency"], row["documents"], row["total"], row["without"]) for row in rows] == [
        ("", 1, None, 1),
        ("EUR", 1, Decimal(7), 0),
        ("USD", 2, Decimal("0.30"), 0),
    ]


def test_what_changed_since_the_summary_is_named() -> None:
    before = [
        {"document_id": "a", "total_amount": "1.00", "entity": "Acme"},
        {"document_id": "b", "entity": "Acme", "date": "2024-03-01"},
        "nothing",
        {"document_id": ["x"]},
    ]
    found = changes(before, [_member("a", "2.00"), _member("c", "3")])
    assert [(row["change"], row["id"], row["name"]) for row in found] == [
        ("changed", "a", "a.txt"),
        ("came", "c", "c.txt"),
        ("went", "b", "2024-03-01 Acme"),
    ]
    assert found[0]["fields"] == [{"field": "total_amount", "before": "1.00", "after": "2.00"}]


def test_a_file_is_made_summarised_and_tells_what_changed(papers: Papers, program: Program) -> None:
    first = papers.completed(tags=["taxes", "2025"])
    papers.completed(tags=["taxes"])
    made = program.inside("files", "create", "Taxes 2025", "--tags", "taxes,2025")[0]
    assert made.startswith("Taxes 2025 holds 1 document: alfrd-events files show ")
    program.inside("run", "--once", "--steps", "summarize_file,watch_series")

    shown = program.inside("files", "show", "taxes")[0]
    assert "Taxes 2025  generated" in shown
    assert "documents that carry 2025, taxes" in shown
    assert "utility bill" in shown
    assert "12.50 USD" in shown
    assert "Since the summary" not in shown

    second = papers.completed(tags=["taxes", "2025"])
    papers.sql("update alfrd.documents set tags = array_remove(tags, '2025') where id = %s", first)
    seen = program.json("files", "show", "taxes")
    assert [(row["change"], row["id"]) for row in seen["changes"]] == [
        ("came", str(second)),
        ("went", str(first)),
    ]
    assert "Since the summary of" in program.inside("files", "show", "taxes")[0]
    assert "Totals" not in program.inside("files", "show", "taxes")[0]


def test_tags_are_listed_merged_and_renamed(papers: Papers, program: Program) -> None:
    papers.completed(tags=["car"])
    papers.completed(tags=["auto"])

    assert program.inside("tags", "merge", "auto", "car")[0] == "car goes into auto in 1 document\n"
    assert program.inside("tags", "rename", "auto", "home/auto")[0] == "auto is home/auto in 2 documents\n"

    (row,) = (row for row in program.json("tags") if row["tag"] == "home/auto")
    assert (row["documents"], row["sources"]) == (2, ["user"])
    assert "home/auto" in program.inside("tags")[0]
    assert program.inside("tags", "rename", "gone", "x", exit_code=1)[1].count("\n") == 1
