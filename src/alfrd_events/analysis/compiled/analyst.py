"""The analyst that reads a known series by its layout, and asks another one for everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from alfrd_events.analysis.compiled import learner
from alfrd_events.analysis.compiled.learner import Unknown
from alfrd_events.analysis.rules.extract import extract as known_values
from alfrd_events.analysis.rules.second_opinion import with_second_opinion
from alfrd_events.analysis.rules.series import filed_in
from alfrd_events.model import (
    AnalystResult,
    Document,
    Extraction,
    Filing,
    Peer,
    Provenance,
    Series,
    Summary,
)
from alfrd_events.model.jobs import AnalysisJob, DetectSeries, Extract, ResultT, Summarize
from alfrd_events.model.protocols import Analyst
from alfrd_events.observe import Log

log = Log("compiled")

BY = "compiled:"
"""Who made a result, as stored beside it: this and the series' slug."""


class CompiledAnalyst:
    """Saves calls for the documents of a series that earlier ones have made known.

    A summary is taken by the learned layout where it can be; what it then says decides the series and its fields as
    well. Wherever a check fails, the other analyst is asked as if there were no series.
    """

    learns_from = 6

    def __init__(self, asked: Analyst) -> None:
        self._asked = asked
        self.name = asked.name
        self.prompt_prefixes = asked.prompt_prefixes

    async def run(self, job: AnalysisJob[ResultT]) -> ResultT:
        """By the layout where it tells; what judges must not be what is judged, so scores are the other's."""
        found: AnalystResult | None = None
        match job:
            case Summarize():
                found = await asyncio.to_thread(_by_layout, job.document)
            case DetectSeries():
                found = _series(job)
            case Extract():
                found = _fields(job)
        if found is not None:
            return cast(ResultT, found)
        return await self._asked.run(job)

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
    summary = with_second_opinion(document, summary, usually_right=_usually_right(document, slug))
    return summary.model_copy(update={"provenance": _signature(slug)})


def _usually_right(document: Document, slug: str) -> float:
    """How often the places of a series tell the right value, by how many documents in which they did (Jeffreys)."""
    told = sum(peer.slug == slug for peer in document.peers)
    return (told + 0.5) / (told + 1)


def _series(job: DetectSeries) -> Filing | None:
    """The series by whose layout the document was read."""
    slug = compiled_by(job.document)
    known = next((series for series in job.candidates if slug and series.slug == slug), None)
    return filed_in(known).model_copy(update={"provenance": _signature(slug)}) if known else None


def _fields(job: Extract) -> Extraction | None:
    """What the layout told under the series' names, if it fills what earlier documents have."""
    slug = compiled_by(job.document)
    if not slug or slug != job.series.slug:
        return None
    fields = known_values(job.document, job.series).fields
    usual = _usual_fields(job.document.peers, job.series)
    if any(fields.get(name) in (None, "") for name in usual):
        return None
    return Extraction(fields=fields, provenance=_signature(slug))


def _usual_fields(peers: Sequence[Peer], series: Series) -> list[str]:
    """The fields that most earlier members have."""
    return [
        name
        for name in series.fields
        if sum(peer.document.series_data.get(name) not in (None, "") for peer in peers) * 2 > len(peers)
    ]


def _signature(slug: str) -> Provenance:
    return Provenance(made_by=BY + slug)
