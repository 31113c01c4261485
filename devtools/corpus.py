"""Documents with known values, read once: what the ranker is trained on and measured with.

Reading is slow and training is repeated, so pages are kept in a folder of the caller's choice. The documents
themselves, and anything read from them, stay outside of the repository.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from rapidfuzz import fuzz

from alfrd_events.analysis.rules.proposals.names import squash
from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.model import Document, Page, Part
from alfrd_events.reading.local import LocalReader

LOOKED_AT = datetime(2026, 1, 15, tzinfo=UTC)
"""When all documents came in, so that results do not depend on the day of the training."""
SIMILAR = 85
"""From which likeness on, of 100, a name counts as nearly right."""


@dataclass(frozen=True, slots=True)
class Known:
    """A document and its true values."""

    document: Document
    truth: Mapping[str, Any]
    source: str
    sender: str
    """Documents of one sender are never parted between training and measuring."""

    def is_right_total(self, value: object) -> bool:
        wanted = [self.truth["total_amount"], *(self.truth.get("total_also") or ())]
        return any(abs(float(str(value)) - float(each)) < 0.005 for each in wanted if each is not None)

    def is_right_date(self, value: object) -> bool:
        return str(value) in [self.truth["date"], *(self.truth.get("date_also") or ())]

    def likeness(self, name: str) -> float:
        """How near a name is to the true one: 101 for the same letters and digits."""
        names = [self.truth["entity"], *(self.truth.get("entity_also") or ())]
        if squash(name) in {squash(each) for each in names}:
            return 101.0
        return max(fuzz.ratio(entity_key(name), entity_key(each)) for each in names)

    def can_judge(self, field: str) -> bool:
        return self.truth.get(field) is not None and field not in (self.truth.get("unscored") or ())


class Readings:
    """Pages of files by their content: what is in the folder is not read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader = LocalReader()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.aclose()

    async def pages_of(self, name: str, content: bytes) -> tuple[Page, ...]:
        """Read a file, unless its pages are kept."""
        kept = self._folder / f"{hashlib.sha256(content).hexdigest()}.pages"
        if await asyncio.to_thread(kept.exists):
            pages: tuple[Page, ...] = pickle.loads(await asyncio.to_thread(kept.read_bytes))
            return pages
        pages = tuple([page async for page in self._reader.read(Part(1, name, content))])
        await asyncio.to_thread(kept.write_bytes, pickle.dumps(pages))
        return pages


def load(truth_files: Iterable[Path], cache: Path) -> list[Known]:
    """Read the documents that the files of known values name; pages that are in the cache are not read again."""
    return asyncio.run(_load(list(truth_files), cache))


def truths_of(truth_file: Path) -> list[dict[str, Any]]:
    """The documents that a file names, with their true values."""
    lines = map(json.loads, truth_file.read_text("utf-8").splitlines())
    return [line for line in lines if line["kind"] == "document"]


async def _load(truth_files: list[Path], cache: Path) -> list[Known]:
    known = []
    async with Readings(cache) as readings:
        for truth_file in truth_files:
            for truth in truths_of(truth_file):
                file = truth_file.parent / truth["file"]
                pages = await readings.pages_of(file.name, await asyncio.to_thread(file.read_bytes))
                known.append(made(pages, truth))
    return known


def made(pages: tuple[Page, ...], truth: Mapping[str, Any]) -> Known:
    """A document of pages whose type is known as well: the ranker is not to learn from wrong types."""
    document = Document(
        id=UUID(int=0),
        filename=str(truth["file"]),
        status="classified",
        created_at=LOOKED_AT,
        page_count=len(pages),
        document_type=truth["document_type"],
        pages=pages,
    )
    return Known(document, truth, truth["source"], entity_key(truth["entity"] or truth["file"]))
