"""The columns of each list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.values import (
    ago,
    label,
    local,
    money,
    percent,
    short,
    show,
    status_style,
    sureness_style,
    usd,
    without_title,
)

_MARK = "⟦"
_WORDS_BEFORE_A_HIT = 3
_SHORT_STATUS = {"completed": "done", "ocr_completed": "read", "pending": "waiting"}

ID = Column("id", lambda row: short(row["id"]), style="dim")

DOCUMENTS = (
    ID,
    Column("file", lambda row: row["filename"], shrink=True, least=21, middle=True),
    Column(
        "status",
        lambda row: row["status"],
        style=status_style,
        drawn=lambda row: _SHORT_STATUS.get(row["status"], row["status"]),
    ),
    Column("type", lambda row: row["document_type"], drop=4),
    Column("entity", lambda row: row["entity"], shrink=True),
    Column("date", lambda row: row["document_date"], drop=2),
    Column("amount", lambda row: money(row["total_amount"], row["currency"]), right=True),
    Column("series", lambda row: row["series"], shrink=True, style="dim", drop=3),
)

TO_REVIEW = (
    ID,
    Column("file", lambda row: row["filename"], shrink=True, least=16, middle=True),
    Column("type", lambda row: row["document_type"], drop=2),
    Column("entity", lambda row: row["entity"], shrink=True, drop=1),
    Column("date", lambda row: row["document_date"], drop=4),
    Column("amount", lambda row: money(row["total_amount"], row["currency"]), right=True, drop=3),
    Column(
        "sure",
        lambda row: percent(row["review_confidence"]),
        right=True,
        style=lambda row: sureness_style(row["review_confidence"]),
    ),
    Column("why", lambda row: row["review_reason"], shrink=True, least=60),
)

_TAUGHT: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "type": lambda row: f"{row['found']} is {row['value']}",
    "company": lambda row: f"{row['found'] or 'no company'} is {row['value']}",
    "label": lambda row: f"{label(row['field'])} is beside “{row['value']}”",
    "place": lambda row: f"{label(row['field'])} is at {row['value']}",
    "date_order": lambda row: f"dates are {row['value']}",
}


def _taught(row: Mapping[str, Any]) -> str:
    in_words = _TAUGHT.get(row["kind"])
    return in_words(row) if in_words else show(row["value"])


LESSONS = (
    Column("no", lambda row: row["id"], right=True, style="dim"),
    Column("sender", lambda row: row["sender"], shrink=True),
    Column("taught", lambda row: _taught(row), shrink=True, least=24),
    Column("known by", lambda row: show(row["marks"]) or "its name", shrink=True, style="dim", drop=2),
    Column("from", lambda row: short(row["document_id"]) if row["document_id"] else "", style="dim", drop=1),
    Column("by", lambda row: row["taught_by"], drop=3),
    Column(
        "used",
        lambda row: (
            "not tried yet"
            if row["tried_at"] is None
            else "yes"
            if row["active"]
            else f"no, contradicts {show(row['contradicted_by'])[:17]}"
        ),
        style=lambda row: "green" if row["active"] else "yellow",
    ),
)

CHANGED = (
    Column("value", lambda row: label(row["field"]), style="dim"),
    Column("was", lambda row: show(row["old"]) or "-", shrink=True, style="dim"),
    Column("is", lambda row: show(row["new"]) or "-", shrink=True),
)

VALUES = (
    Column("value", lambda row: row["name"], style="dim"),
    Column("is", lambda row: row["shown"], shrink=True, least=32),
    Column(
        "sure",
        lambda row: row["source"] if row["corrected"] else percent(row["confidence"]),
        right=True,
        style=lambda row: sureness_style(row["confidence"]),
    ),
    Column("page", lambda row: row["page"], right=True, drop=2),
    Column("printed", lambda row: row["text"], shrink=True, style="dim", drop=1),
    Column("or else", lambda row: row["alternatives"], shrink=True, style="dim", drop=3),
)

FILES = (
    ID,
    Column("title", lambda row: row["title"] or row["tags"], shrink=True),
    Column("status", lambda row: row["status"], style=status_style),
    Column("documents", lambda row: row["member_count"], right=True),
    Column(
        "summary",
        lambda row: row["error"] or without_title(row["summary"], row["title"]),
        shrink=True,
        least=20,
        drop=1,
    ),
)

SERIES = (
    Column("entity", lambda row: row["entity"], shrink=True),
    Column("kind", lambda row: row["kind"], shrink=True),
    Column("every", lambda row: row["frequency"], drop=1),
    Column("documents", lambda row: row["document_count"], right=True),
    Column("first", lambda row: row["first_date"], drop=2),
    Column("last", lambda row: row["last_date"]),
    Column("total", lambda row: money(row["total_amount"], row["currency"]), right=True, style="bold"),
    Column("slug", lambda row: row["slug"], shrink=True, style="dim", drop=4),
)

EVENTS = (
    Column("at", lambda row: local(row["at"], "%H:%M:%S.%f")[:12], style="dim"),
    Column("what", lambda row: row["kind"], style=status_style),
    Column("step", lambda row: row["step"], shrink=True),
    Column("attempt", lambda row: row["attempt"], right=True, drop=3),
    Column("woken by", lambda row: row["woken_by"], drop=1),
    Column("waited", lambda row: milliseconds(row["waited_ms"]), right=True, drop=2),
    Column("ran", lambda row: milliseconds(row["ran_ms"]), right=True),
    Column("worker", lambda row: row["worker_id"], right=True, drop=4),
    Column("detail", lambda row: row["detail"], shrink=True),
)

SEARCH = (
    ID,
    Column("file", lambda row: row["filename"], shrink=True, least=16, middle=True),
    Column("type", lambda row: row["document_type"], drop=1),
    Column("date", lambda row: row["document_date"], drop=2),
    Column("amount", lambda row: money(row["total_amount"], row["currency"]), right=True, drop=3),
    Column("page", lambda row: row["page"], right=True),
    Column(
        "found",
        lambda row: " ".join(row["excerpt"].split()),
        shrink=True,
        least=30,
        drawn=lambda row: from_the_hit(row["excerpt"]),
    ),
)

_COST = Column("cost", lambda row: usd(row["usd"]) if Decimal(row["usd"]) else "", right=True, drop=1)


def _count(title: str, name: str, drop: int = 0, style: str = "") -> Column:
    """A column of numbers; nothing is drawn where there is none."""
    return Column(
        title,
        lambda row: f"{row[name]:,}",
        right=True,
        drop=drop,
        style=style,
        drawn=lambda row: f"{row[name]:,}" if row[name] else "",
    )


_USAGE = (
    _count("calls", "calls"),
    _count("cached", "cached", drop=2),
    _count("failed", "failed", drop=3, style="yellow"),
    _count("pages", "pages", drop=1),
    _count("tokens in", "input_tokens"),
    _count("tokens out", "output_tokens"),
    Column("time", lambda row: ago(row["milliseconds"] / 1000), right=True, drop=4),
    _count("unpriced", "unpriced", style="bold yellow"),
    Column("USD", lambda row: f"{Decimal(row['usd']):,.6f}", right=True, style="bold"),
)
_TOTAL = "total"
_WHOLE_NAME = 36
"""Cells that the name of a model keeps; other columns go first."""

STEPS = (
    Column("step", lambda row: row["step"]),
    Column("ready", lambda row: row["ready"], right=True),
    Column("scheduled", lambda row: row["scheduled"], right=True),
    Column("running", lambda row: row["running"], right=True),
    Column("dead", lambda row: row["dead"], right=True, style=lambda row: "bold red" if row["dead"] else ""),
    Column("oldest waits", lambda row: ago(row["oldest_wait_seconds"]), right=True, drop=1),
    Column(
        "limit",
        lambda row: "paused" if row["paused_at"] else row["max_running"],
        right=True,
        style=lambda row: "bold yellow" if row["paused_at"] else "",
    ),
)

WORKERS = (
    Column("id", lambda row: row["id"], right=True),
    Column("worker", lambda row: row["name"], shrink=True),
    Column("heartbeat", lambda row: f"{ago(row['heartbeat_age_seconds'])} ago", right=True),
    Column("lease", lambda row: ago(row["lease_seconds"]), right=True),
    Column("running", lambda row: row["running"], right=True),
    Column("since", lambda row: row["started_at"], drop=2),
    Column("listens", lambda row: "yes" if row["locked"] else "no", drop=1),
)

REPLAYED = (
    ID,
    Column("name", lambda row: row["name"], shrink=True),
    Column("status", lambda row: row["status"], style=status_style),
    Column("step", lambda row: row["step"]),
    Column("why", lambda row: row["reason"], shrink=True),
)

PAGES = (
    Column("page", lambda row: row["number"], right=True),
    Column("part", lambda row: row["part"], right=True),
    Column("read by", lambda row: label(row["source"])),
    Column("confidence", lambda row: percent(row["confidence"]), right=True),
    Column("characters", lambda row: row["characters"], right=True),
)

PARTS = (
    Column("part", lambda row: row["number"], right=True),
    Column("file", lambda row: row["filename"] or row["uri"], shrink=True),
    Column("media type", lambda row: row["media_type"]),
    Column("pages", lambda row: row["page_count"], right=True),
    Column("bytes", lambda row: f"{row['byte_count']:,}", right=True),
)

TASKS = (
    Column("step", lambda row: row["step"]),
    Column("state", lambda row: row["state"]),
    Column("attempt", lambda row: f"{row['attempt']} of {row['max_attempts']}", right=True),
    Column("due", lambda row: row["run_at"], drop=1),
    Column("error", lambda row: row["error"], shrink=True),
)


def documents(rows: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The columns of documents; what each cost if any did."""
    return (*DOCUMENTS, _COST) if any(Decimal(row["usd"]) for row in rows) else DOCUMENTS


def usage(by: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The columns of a table of usage; of calls without a price only if there are any."""
    group = Column(
        by,
        lambda row: row["group"] or f"(no {by})",
        shrink=True,
        least=min(max((len(row["group"] or "") for row in rows), default=0), _WHOLE_NAME),
        middle=True,
        style=lambda row: "bold" if row["group"] == _TOTAL else "",
    )
    unpriced = any(row["unpriced"] for row in rows)
    return (group, *(column for column in _USAGE if unpriced or column.title != "unpriced"))


def total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of rows of usage, exact."""
    counts = (
        "calls",
        "cached",
        "failed",
        "pages",
        "input_tokens",
        "output_tokens",
        "unpriced",
        "milliseconds",
    )
    return {
        "group": _TOTAL,
        **{name: sum(row[name] for row in rows) for name in counts},
        "usd": str(sum((Decimal(row["usd"]) for row in rows), Decimal(0))),
    }


def from_the_hit(excerpt: str) -> str:
    """An excerpt from a few words before its first hit, which a narrow column would cut off else."""
    words = excerpt.split()
    hit = next((place for place, word in enumerate(words) if _MARK in word), 0)
    start = hit - _WORDS_BEFORE_A_HIT
    return " ".join(words) if start <= 0 else "… " + " ".join(words[start:])


def milliseconds(value: int | None) -> str:
    """``12 ms``, ``3.4 s``."""
    if value is None:
        return ""
    return f"{value:,} ms" if value < 1000 else ago(value / 1000)
