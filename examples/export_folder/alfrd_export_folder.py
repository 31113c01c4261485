"""Step ``export_folder``: write each completed document as ``EXPORT_FOLDER/YEAR/ID.json``.

It may run twice for a document, after a crash or a correction: the file is replaced as a whole.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from alfrd_events.errors import WorkerUnfit
from alfrd_events.model import Document
from alfrd_events.model.inputs import DocumentInput
from alfrd_events.steps.step import Tools

AS_JSON = TypeAdapter(Document)
WITHOUT = {"pages", "peers", "status", "made_by"}


class Exported(BaseModel):
    """What ``alfrd.step_results`` keeps of a run."""

    path: str


async def export(given: DocumentInput, tools: Tools) -> Exported:
    """Write the document's values; the event loop does not wait for the disk."""
    folder = os.environ.get("EXPORT_FOLDER")
    if not folder:
        raise WorkerUnfit("set EXPORT_FOLDER to the folder that export_folder writes to")
    return Exported(path=str(await asyncio.to_thread(_write, Path(folder), given.document)))


def _write(folder: Path, document: Document) -> Path:
    year = str(document.document_date.year) if document.document_date else "undated"
    path = folder / year / f"{document.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(AS_JSON.dump_json(document, exclude=WITHOUT, indent=2))
    unfinished.replace(path)
    return path
