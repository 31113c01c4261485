"""How versions of prompts are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.values import local, many, short

Row = Mapping[str, Any]


def _score(row: Row) -> str:
    if row["performance_score"] is None:
        return "" if not row["scored_documents"] else f"after {5 - row['scored_documents']} more"
    return f"{row['performance_score']:.3f} of {row['scored_documents']}"


VERSIONS = (
    Column("kind", lambda row: row["kind"]),
    Column("type", lambda row: row["document_type"], drop=1),
    Column("version", lambda row: f"V{row['version']}", right=True),
    Column("", lambda row: "active" if row["is_active"] else "", style="green"),
    Column("score", _score, right=True),
    Column("evolves", lambda row: "yes" if row["can_evolve"] else "static"),
    Column("origin", lambda row: row["origin"], drop=3),
    Column("from", lambda row: f"V{row['parent']}" if row["parent"] else "", drop=2),
    Column("note", lambda row: row["note"], shrink=True, drop=4),
)

FAMILIES = (
    Column("kind", lambda row: row["kind"]),
    Column("type", lambda row: row["document_type"]),
    Column("trial", lambda row: row["phase"]),
    Column(
        "stands at",
        lambda row: (
            (row["note"] or row["trial_note"]) if row["trial"] else row["waits_for"] or "a trial is due"
        ),
        shrink=True,
        least=30,
    ),
)

HISTORY = (
    Column("at", lambda row: local(row["at"], "%Y-%m-%d %H:%M"), style="dim"),
    Column("kind", lambda row: row["kind"]),
    Column("type", lambda row: row["document_type"], drop=1),
    Column("version", lambda row: f"V{row['version']}", right=True),
    Column("before", lambda row: f"V{row['previous']}" if row["previous"] else "", right=True),
    Column("by", lambda row: row["by"], drop=2),
    Column("why", lambda row: row["reason"], shrink=True, least=20),
)

CHANGES = (
    Column("id", lambda row: short(row["id"]), style="dim"),
    Column("file", lambda row: row["filename"], shrink=True, middle=True),
    Column("field", lambda row: row["field"]),
    Column("now", lambda row: row["now"], shrink=True),
    Column("then", lambda row: row["then"], shrink=True),
)


def print_version(output: Output, row: Row) -> None:
    """One version: its facts, then its text."""
    family = row["kind"] + (f" for {row['document_type']}" if row["document_type"] else "")
    output.line(f"{family}, V{row['version']}{' (active)' if row['is_active'] else ''}", style="bold")
    origin = f"{row['origin']} by {row['created_by']} on {local(row['created_at'], '%Y-%m-%d')}"
    output.line(f"  made: {origin}" + (f", from V{row['parent']}" if row["parent"] else ""))
    score = "none yet: fewer than 5 sampled documents"
    if row["performance_score"] is not None:
        score = f"{row['performance_score']:.3f}, the mean of {row['scored_documents']} sampled documents"
    output.line(f"  score: {score}")
    evolves = (
        f"until {row['score_ceiling']:.2f}, in at most {row['max_words']} words"
        if row["can_evolve"]
        else "never"
    )
    output.line(f"  evolves: {evolves}")
    if row["note"]:
        output.line(f"  note: {row['note']}")
    output.line()
    output.lines(row["text"])


def print_impact(output: Output, name: str, seen: Row) -> None:
    """What a version would change, and what is not known."""
    output.table(seen["changes"], CHANGES)
    documents = many(seen["documents"], "recent document")
    output.line(
        f"{name} is known on {seen['known']} of {documents} that other versions made: "
        f"{many(len(seen['changes']), 'value')} of {many(seen['changed'], 'document')} would change"
    )
    unknown = seen["documents"] - seen["known"]
    cost = "at no cost" if not unknown else "at a cost that nothing is known of yet"
    if unknown and seen["usd_per_document"] is not None:
        cost = f"at about {unknown * seen['usd_per_document']:.4f} USD"
    output.line(f"re-running them takes {many(unknown, 'call')} to the model, {cost}; the others are known")
    if seen["corrected"]:
        output.line(f"{many(seen['corrected'], 'value')} that people have set would stay")
