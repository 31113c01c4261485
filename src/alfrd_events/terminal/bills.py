"""Bills as people see them: what is to be paid, and what was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.values import money, percent, short

Row = Mapping[str, Any]

_STYLES = {"open": "bold", "overdue": "bold red", "paid": "green", "credited": "green"}

BILLS = (
    Column("id", lambda row: short(row["document_id"]), style="dim"),
    Column("state", lambda row: row["state"], style=lambda row: _STYLES.get(row["state"], "")),
    Column("due", lambda row: row["due"]),
    Column("company", lambda row: row["entity"], shrink=True, least=16),
    Column("amount", lambda row: money(row["total"], row["currency"]), right=True),
    Column(
        "to pay",
        lambda row: money(row["to_pay"], row["currency"]) if row["to_pay"] else "",
        right=True,
        drop=5,
    ),
    Column("paid on", lambda row: row["paid_on"], drop=1),
    Column(
        "by",
        lambda row: row["statement"] or row["credit_note"],
        shrink=True,
        middle=True,
        style="dim",
        drop=3,
    ),
    Column("sure", lambda row: _sure(row), right=True, style="dim", drop=4),
    Column("document", lambda row: row["filename"], shrink=True, middle=True, style="dim", drop=2),
)


def _sure(row: Row) -> str:
    if row["rival_id"]:
        return "unclear"
    return percent(row["confidence"]) if row["confidence"] is not None else ""


def paid_line(bill: Row) -> str:
    """``Harborlight Electric: 137.52 USD of 2024-02-16 was paid on 2024-03-05 (2024-03-bank-statement.pdf)``."""
    of = f" of {bill['issued']}" if bill["issued"] else ""
    return (
        f"{bill['entity'] or bill['filename']}: {money(bill['total'], bill['currency'])}{of} was paid on "
        f"{bill['paid_on']} ({bill['statement']})"
    )
