"""Rows of an ALFRD database as rows of an export, which :mod:`alfrd_events.db.importing` takes in.

Values come from whichever of the old columns has them. What the old program stored askew is put right: JSON as a text
inside of JSON, amounts such as ``$1``, confidences above 1, tags in capitals.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from alfrd_events.analysis.text.naming import account_key, entity_key
from alfrd_events.db.documents import fingerprint
from alfrd_events.db.values import usable_amount, usable_date
from alfrd_events.portable.names import slug
from alfrd_events.storable import storable, storable_text

Row = Mapping[str, Any]

_DATES = ("document_date", "issue_date", "statement_date", "invoice_date", "bill_date", "date")
_AMOUNTS = ("total_amount", "amount", "amount_due", "total_due", "total")
_ACCOUNTS = ("account_number", "policy_number", "customer_number")
_FREQUENCIES = ("weekly", "biweekly", "monthly", "bimonthly", "quarterly", "semiannual", "annual", "yearly")
_SOURCES = {"user": "user", "llm": "analyst"}
_DONE = ("completed",)
_FAILED = ("failed", "permanently_failed")


def type_name(name: str | None) -> str:
    """A type's name as this program writes it; empty: it has none."""
    return re.sub(r"[^a-z0-9]+", "_", (name or "").lower()).strip("_0123456789")


def decoded(value: Any) -> dict[str, Any]:
    """A JSON object, also one that was stored as a text inside of JSON; empty: it is something else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return storable(value) if isinstance(value, dict) else {}


def first(data: Row, names: Sequence[str]) -> str:
    """The first of these values that is there, as text."""
    for name in names:
        if isinstance(data.get(name), str | int | float) and str(data[name]).strip():
            return str(data[name]).strip()
    return ""


def amount_of(text: str) -> Decimal | None:
    """``1234.5`` of ``$1,234.50``."""
    return usable_amount(re.sub(r"[^0-9.\-]", "", text.replace(",", "")) or None)


def series_row(row: Row, old_slug: str | None) -> dict[str, Any]:
    """A series as an export has it."""
    metadata = decoded(row.get("metadata"))
    entity = storable_text(str(row["entity"])).strip() or "unknown"
    kind = str(row.get("series_type") or "").lower().replace("_", " ").strip()
    for frequency in _FREQUENCIES:
        kind = kind.removeprefix(f"{frequency} ")
    return {
        "id": row["id"],
        "owner": row.get("user_id") or "",
        "entity": entity,
        "entity_key": entity_key(entity) or entity.lower(),
        "kind": kind,
        "frequency": "",
        "slug": old_slug or slug(f"{entity} {kind}", "series"),
        "title": row.get("title") or entity,
        "description": row.get("description") or "",
        "created_at": row.get("created_at"),
        "account": account_key(first(metadata, _ACCOUNTS)),
    }


def document_row(
    row: Row,
    tags: Sequence[Row],
    series: Row | None,
    parts: Sequence[tuple[str, bytes]],
    *,
    has_text: bool,
) -> dict[str, Any]:
    """A document as an export has it.

    :param parts: names and bytes of its files, in order; none: they are not on the disk.
    """
    generic, of_series = decoded(row.get("structured_data_generic")), decoded(row.get("structured_data"))
    data = generic | of_series
    status, error = _status(row, bool(parts), has_text)
    confidence = row.get("classification_confidence")
    amount = amount_of(first(row, ("amount",)) or first(data, _AMOUNTS))
    kept = [tag for tag in tags if not str(tag["name"]).startswith("series:")]
    return {
        "id": row["id"],
        "owner": row.get("user_id") or "",
        "filename": storable_text(parts[0][0] if len(parts) == 1 else str(row.get("filename") or "")),
        "fingerprint": fingerprint([content for _, content in parts]) if parts else "",
        "tags": [*(tag["name"] for tag in kept), *([f"series:{series['slug']}"] if series else [])],
        "tag_sources": [
            {"tag": tag["name"], "source": _SOURCES.get(tag["by"] or "", "system")} for tag in kept
        ],
        "metadata": {"alfrd": decoded(row.get("folder_metadata"))},
        "status": status,
        "error": error,
        "failed_step": "ocr" if status == "failed" else "",
        "created_at": row.get("created_at"),
        "page_count": int(has_text),
        "document_type": type_name(row.get("document_type")),
        "classification_confidence": None if confidence is None else min(1.0, max(0.0, float(confidence))),
        "classification_reasoning": storable_text(row.get("classification_reasoning") or ""),
        "summary": storable_text(row.get("summary") or ""),
        "entity": storable_text(
            row.get("vendor")
            or first(data, ("vendor", "entity", "company"))
            or (series or {}).get("entity", "")
        ),
        "document_date": _day(row.get("issue_date") or first(data, _DATES)),
        "due_date": _day(row.get("due_date") or first(data, ("due_date", "payment_due_date"))),
        "total_amount": None if amount is None else str(amount),
        "currency": (row.get("currency") or "") if amount is not None else "",
        "account_number": first(data, _ACCOUNTS),
        "structured_data": generic or of_series,
        "series_data": of_series if series is not None and generic else {},
        "made_by": {step: {"by": "alfrd"} for step in ("classify", "summarize") if row.get("summary")},
        "parts": [
            {
                "number": number,
                "filename": storable_text(name),
                "held": "part",
                "is_row": True,
                "byte_count": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "page_count": int(has_text and number == 1),
            }
            for number, (name, content) in enumerate(parts, 1)
        ],
    }


def file_row(row: Row, tags: Sequence[str], documents: int) -> dict[str, Any]:
    """A file as an export has it; its summary is kept if the file has the same members here."""
    metadata = decoded(row.get("summary_metadata"))
    insights = metadata.get("insights")
    return {
        "id": row["id"],
        "owner": row.get("user_id") or "",
        "tags": list(tags),
        "title": " ".join(tag.replace("-", " ") for tag in tags),
        "status": "generated" if row.get("status") == "generated" and row.get("summary_text") else "pending",
        "summary": storable_text(row.get("summary_text") or ""),
        "insights": [str(each) for each in insights] if isinstance(insights, list) else [],
        "member_count": documents,
        "generated_at": row.get("last_generated_at"),
        "created_at": row.get("created_at"),
    }


def series_file(series: Row) -> dict[str, Any]:
    """The file that shows a series, as an export has it."""
    return {
        "id": str(uuid5(UUID(series["id"]), "file")),
        "owner": series["owner"],
        "tags": [f"series:{series['slug']}"],
        "title": series["title"],
        "status": "pending",
    }


def _status(row: Row, has_parts: bool, has_text: bool) -> tuple[str, str]:
    """What a document has reached, and why it failed.

    One that was on its way is read again; from its text where its files are gone.
    """
    old = row.get("status")
    if old in _DONE:
        return "completed", ""
    if old in _FAILED:
        return "failed", storable_text(
            row.get("error_message") or row.get("last_error") or "it failed in ALFRD"
        )
    if has_parts:
        return "pending", ""
    if has_text:
        return "ocr_completed", ""
    return (
        "failed",
        "its files were not found when it was imported from ALFRD; send it again: alfrd-events add",
    )


def _day(value: Any) -> str | None:
    day = usable_date(str(value)[:10]) if value else None
    return day.isoformat() if day is not None else None
