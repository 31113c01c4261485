"""The analyst that reads a known series by its layout, and asks another one for everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from alfrd_events.analysis.compiled import learner
from alfrd_events.analysis.compiled.learner import Unknown
from alfrd_events.analysis.rules.extract import extract as known_values
from alfrd_events.analysis.rules.series import filed_in
from alfrd_events.model import (
    Classification,
    Document,
    DocumentType,
    Extraction,
    File,
    FileSummary,
    Filing,
    Peer,
    Prompt,
    Provenance,
    Score,
    Series,
    Summary,
)
from alfrd_events.model.protocols import Analyst
from alfrd_events.observe import Log

log = Log("compiled")

BY = "compiled:"
"""Who made a result, as stored beside it: this and the series' slug."""


class CompiledAnalyst:
    """Saves calls for the documents of a series that earlier ones have made known.

    ``summarize`` is taken by the learned layout where it can be; what it then says decides ``detect_series`` and
    ``extract`` as well. Wherever a check fails, the other analyst is asked as if there were no series.
    """

    learns_from = 6

    def __init__(self, asked: Analyst) -> None:
        self._asked = asked
        self.name = asked.name
        self.prompt_prefixes = asked.prompt_prefixes

    async def classify(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Classification:
        """By the other analyst."""
        return await self._asked.classify(document, types, prompt)

    async def score_classification(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Score:
        """By the other analyst: what judges must not be what is judged."""
        return await self._asked.score_classification(document, types, prompt)

    async def summarize(self, document: Document, prompt: Prompt) -> Summary:
        """By the layout of the one series that tells all values; else by the other analyst."""
        found = await asyncio.to_thread(_by_layout, document)
        if found is not None:
            return found
        return await self._asked.summarize(document, prompt)

    async def score_summary(self, document: Document, prompt: Prompt) -> Score:
        """By the other analyst."""
        return await self._asked.score_summary(document, prompt)

    async def detect_series(self, document: Document, candidates: Sequence[Series], prompt: Prompt) -> Filing:
        """The series by whose layout the document was read."""
        slug = compiled_by(document)
        known = next((series for series in candidates if slug and series.slug == slug), None)
        if known is not None:
            return filed_in(known).model_copy(update={"provenance": _signature(slug)})
        return await self._asked.detect_series(document, candidates, prompt)

    async def extract(self, document: Document, series: Series, prompt: Prompt) -> Extraction:
        """What the layout told under the series' names, if it fills what earlier documents have."""
        slug = compiled_by(document)
        if slug and slug == series.slug:
            fields = known_values(document, series).fields
            usual = _usual_fields(document.peers, series)
            if all(fields.get(name) not in (None, "") for name in usual):
                return Extraction(fields=fields, provenance=_signature(slug))
        return await self._asked.extract(document, series, prompt)

    async def summarize_file(self, file: File, prompt: Prompt) -> FileSummary:
        """By the other analyst."""
        return await self._asked.summarize_file(file, prompt)

    async def aclose(self) -> None:
        """Close the other analyst."""
        await self._asked.aclose()


def compiled_by(document: Document) -> str:
    """The slug of the series by whose layout a document was summarised; empty: it was not."""
    made = document.made_by.get("summarize") or {}
    by = str(made.get("by", ""))
    return by.removeprefix(BY) if by.startswith(BY) else ""


def _by_layout(document: Document) -> Summary | None:
    """The values as a series tells them; ``None`` if none does, or two do and differ."""
    found: list[tuple[str, Summary]] = []
    for slug in dict.fromkeys(peer.slug for peer in document.peers):
        peers = [peer for peer in document.peers if peer.slug == slug]
        try:
            found.append((slug, learner.read(document, learner.learn(peers))))
        except Unknown as why:
            log.debug("not read by its series", document=document.id, series=slug, why=why)
    if not found or any(other.model_dump() != found[0][1].model_dump() for _, other in found):
        return None
    slug, summary = found[0]
    return summary.model_copy(update={"provenance": _signature(slug)})


def _usual_fields(peers: Sequence[Peer], series: Series) -> list[str]:
    """The fields that most earlier members have."""
    return [
        name
        for name in series.fields
        if sum(peer.document.series_data.get(name) not in (None, "") for peer in peers) * 2 > len(peers)
    ]


def _signature(slug: str) -> Provenance:
    return Provenance(made_by=BY + slug)
