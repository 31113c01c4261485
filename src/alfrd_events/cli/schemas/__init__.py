"""What goes in and out as JSON, as JSON Schema: ``meta.json``, and the answer of each command that has ``--json``.

A command that is new gets a line in :data:`SCHEMAS`; its file under ``docs/schemas`` is made by
``python -m tools.dump_schemas``. Tests hold the answers against it.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from alfrd_events.cli.schemas import documents, portable, series, system
from alfrd_events.cli.schemas.shared import EventRow
from alfrd_events.ingest.meta import Meta

SCHEMAS: dict[str, Any] = {
    "meta": Meta,
    "accept": documents.Accepted,
    "add": list[documents.AddedRow],
    "alerts": list[series.AlertRow],
    "bills": list[series.BillRow],
    "calendar": list[series.CalendarRow],
    "cancel": documents.Cancelled,
    "correct": documents.Corrected,
    "delete": documents.Deleted,
    "doctor": list[system.Diagnosis],
    "documents": list[documents.DocumentRow] | list[documents.ToReview],
    "eval": system.Scores,
    "events": list[EventRow],
    "explain": documents.Explained,
    "export": portable.Exported,
    "files": list[documents.FileRow],
    "files-create": documents.CreatedFile,
    "files-show": documents.SeenFile,
    "get": portable.Got,
    "health": system.Health,
    "import": portable.Imported,
    "import-alfrd": portable.TakenOver,
    "lessons": list[series.LessonRow],
    "lessons-apply": series.Applied,
    "lessons-undo": series.Undone,
    "prompts-history": list[system.ActivationRow],
    "prompts-impact": system.Impact,
    "prompts-list": list[system.VersionRow],
    "prompts-show": system.VersionRow,
    "prune": system.Pruned,
    "replay": list[system.Replayed],
    "search": list[documents.HitRow],
    "series": list[series.SeriesRow],
    "series-show": series.ShownSeries,
    "series-fields": list[series.FieldRow],
    "show": documents.ShownDocument | documents.ShownFile,
    "status": system.Status,
    "tag": documents.Tagged,
    "tags": list[documents.TagCount],
    "usage": list[system.UsageRow],
}
"""By the command's words, with hyphens between them; and ``meta``, which the inbox reads."""


def schema_of(name: str) -> dict[str, Any]:
    """The schema of a name in :data:`SCHEMAS`. Properties that it does not name may come in later releases."""
    title = "meta.json of a folder" if name == "meta" else f"alfrd-events {name.replace('-', ' ')} --json"
    body = TypeAdapter(SCHEMAS[name]).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body, "title": title}
