"""The columns of each list."""

from __future__ import annotations

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.values import ago, label, money, percent, short, status_style, without_title

_MARK = "⟦"
_WORDS_BEFORE_A_HIT = 3
_SHORT_STATUS = {"completed": "done", "ocr_completed": "read", "pending": "waiting"}

ID = Column("id", lambda row: short(row["id"]), style="dim")

DOCUMENTS = (
    ID,
    Column("file", lambda row: row["filename"], shrink=True, least=24, middle=True),
    Column(
        "status",
        lambda row: row["status"],
        style=status_style,
        drawn=lambda row: _SHORT_STATUS.get(row["status"], row["status"]),
    ),
    Column("type", lambda row: row["document_type"], drop=4),
    Column("entity", lambda row: row["entity"], shrink=True),
    Column("date", lambda row: row["document_date"]),
    Column("amount", lambda row: money(row["total_amount"], row["currency"]), right=True),
    Column("series", lambda row: row["series"], shrink=True, style="dim", drop=3),
)

FILES = (
    ID,
    Column("title", lambda row: row["title"] or " ".join(row["tags"]), shrink=True),
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
    Column("at", lambda row: row["at"].astimezone().strftime("%H:%M:%S.%f")[:-3], style="dim"),
    Column("what", lambda row: row["kind"], style=status_style),
    Column("step", lambda row: row["step"]),
    Column("attempt", lambda row: row["attempt"], right=True, drop=2),
    Column("woken by", lambda row: row["woken_by"]),
    Column("waited", lambda row: milliseconds(row["waited_ms"]), right=True),
    Column("ran", lambda row: milliseconds(row["ran_ms"]), right=True),
    Column("worker", lambda row: row["worker_id"], right=True, drop=3),
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

USAGE = (
    Column("step", lambda row: row["step"]),
    Column("provider", lambda row: row["provider"]),
    Column("model", lambda row: row["model"], shrink=True, drop=1),
    Column("calls", lambda row: row["calls"], right=True),
    Column("cached", lambda row: row["cached"], right=True, drop=2),
    Column("pages", lambda row: row["pages"], right=True),
    Column("tokens in", lambda row: row["input_tokens"], right=True),
    Column("tokens out", lambda row: row["output_tokens"], right=True),
    Column("USD", lambda row: f"{row['usd']:.4f}", right=True),
    Column("time", lambda row: ago(row["milliseconds"] / 1000), right=True),
)

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
    Column("due", lambda row: row["run_at"]),
    Column("error", lambda row: row["error"], shrink=True),
)


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
