"""A fake language model: it answers each form by running our own rules over the text in the request.

So a pipeline behind it gives sensible results, and they show what a client, a fence or a prompt loses on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from alfrd_events.analysis.llm.forms import MOST_ITEMS
from alfrd_events.analysis.rules import checks, classify, extract, series, summary
from alfrd_events.analysis.text.written import iso
from alfrd_events.model import Document, DocumentType, JsonObject, Page, Series

_FENCED = re.compile(r"BEGIN DATA ([0-9a-f]{16}) \(([^\n]*)\)\n(.*?)\nEND DATA \1", re.DOTALL)
_TYPE = re.compile(r"^- (\w+): (.*)$", re.MULTILINE)
_CANDIDATE = re.compile(r"^(\d+)\. (.*); (.*); (\w+)$", re.MULTILINE)

Reply = Callable[[str, str, str], JsonObject]


def answer(form: str, system: str, material: str) -> JsonObject:
    """What a capable model would answer.

    :param form: the name of the tool or of the schema.
    """
    blocks = {match[2].partition(":")[0]: match[3] for match in _FENCED.finditer(material)}
    return _FORMS[form](system, blocks)


def _document(system: str, blocks: dict[str, str]) -> Document:
    head, _, text = blocks["document"].partition("\n\n")
    known = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    classified = re.search(r"classified as: (\w+)\.", system)
    shown = summary.summarize(_bare(text, known.get("type", "")))
    return _bare(
        text,
        classified[1] if classified else known.get("type", ""),
        filename=known.get("filename", ""),
        entity=known.get("entity", ""),
        document_date=shown.document_date,
        due_date=shown.due_date,
        total_amount=shown.total_amount,
        currency=shown.currency,
        account_number=shown.account_number,
        period_start=shown.period_start,
        period_end=shown.period_end,
        structured_data=shown.structured_data,
    )


def _bare(text: str, document_type: str, **fields: Any) -> Document:
    return Document(
        id=uuid4(),
        status="",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        document_type=document_type,
        pages=(Page(1, text, 1.0, source="plain"),),
        **{"filename": "", **fields},
    )


def _classification(system: str, blocks: dict[str, str]) -> JsonObject:
    types = [DocumentType(name, description) for name, description in _TYPE.findall(system)]
    found = classify.classify(_document(system, blocks), types)
    return {
        "reasoning": found.reasoning,
        "document_type": found.document_type,
        "confidence": found.confidence,
        "tags": list(found.tags),
        "suggested_type": found.suggested_type,
    }


def _summary(system: str, blocks: dict[str, str]) -> JsonObject:
    found = summary.summarize(_document(system, blocks))
    values = dict(found.structured_data)
    items = values.pop("line_items", [])
    return {
        "summary": found.summary,
        "entity": found.entity,
        "document_date": iso(found.document_date) or "",
        "due_date": iso(found.due_date) or "",
        "total_amount": "" if found.total_amount is None else str(found.total_amount),
        "currency": found.currency,
        "account_number": found.account_number,
        "period_start": iso(found.period_start) or "",
        "period_end": iso(found.period_end) or "",
        "unsure": [],
        "other_values": [{"name": name, "value": str(value)} for name, value in values.items()],
        "item_count": len(items),
        "line_items": _rows(items)[:MOST_ITEMS],
    }


def _rows(items: list[dict[str, str]]) -> list[JsonObject]:
    names = ("description", "quantity", "unit_price", "amount")
    return [{name: str(item.get(name) or "") for name in names} for item in items]


def _line_items(system: str, blocks: dict[str, str]) -> JsonObject:
    label = next(label for label in blocks if label.startswith("the last line items"))
    known = int(re.findall(r"\d+", label)[-1])
    items = summary.summarize(_document(system, blocks)).structured_data.get("line_items", [])
    return {"line_items": _rows(items)[known : known + MOST_ITEMS]}


def _score(system: str, blocks: dict[str, str]) -> JsonObject:
    found = checks.score_summary(_document(system, blocks))
    return {
        "checks": [check.model_dump() for check in found.checks[:8]],
        "score": found.score,
        "feedback": found.feedback,
        "improvements": list(found.improvements),
    }


def _filing(system: str, blocks: dict[str, str]) -> JsonObject:
    listed = blocks["known series, the likest first"]
    known = [
        Series(UUID(int=int(number)), entity, kind, frequency, "", "")
        for number, entity, kind, frequency in _CANDIDATE.findall(listed)
    ]
    found = series.detect_series(_document(system, blocks), known)
    return {
        "candidate": str(found.series_id.int) if found.series_id else "",
        "entity": found.entity,
        "kind": found.kind,
        "frequency": found.frequency,
        "description": found.description,
    }


def _extraction(system: str, blocks: dict[str, str]) -> JsonObject:
    title, _, names = blocks["the series and its fields"].partition("\n")
    kind = title[title.rindex("(") + 1 :].partition(",")[0]
    table = Series(uuid4(), "", kind, "monthly", "", title, tuple(names.split(", ")))
    fields = extract.extract(_document(system, blocks), table).fields
    return {
        "values": [
            {"name": name, "value": str(value)} for name, value in fields.items() if value not in (None, "")
        ]
    }


def _file_summary(system: str, blocks: dict[str, str]) -> JsonObject:
    title, _, rest = blocks["the file, its statistics and its documents"].partition("\n")
    count = re.search(r'"count": (\d+)', rest)
    assert count, "the statistics have no count"
    return {"summary": f"{title} holds {count[1]} documents.", "insights": []}


def _prompt(system: str, blocks: dict[str, str]) -> JsonObject:
    first_miss = blocks["what went wrong with it"].splitlines()[0].removeprefix("- ")
    return {"text": f"{blocks['the instruction as it is']} {first_miss}", "changes": [first_miss]}


_FORMS: dict[str, Callable[[str, dict[str, str]], JsonObject]] = {
    "classification": _classification,
    "score": _score,
    "summary": _summary,
    "line_items": _line_items,
    "filing": _filing,
    "extraction": _extraction,
    "file_summary": _file_summary,
    "prompt": _prompt,
}
