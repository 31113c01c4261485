"""Steps ``file``, ``extract`` and ``summarize_file``: where a document belongs, and what its company says."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from alfrd_events.model import Case, Extraction, FileSummary, Result, SeriesPlace, advisory_key
from alfrd_events.providers.analysts.naming import entity_key
from alfrd_events.steps.analysis import active_prompt, inputs

if TYPE_CHECKING:
    from alfrd_events.steps.registry import Tools


class FileSummaryAt(FileSummary):
    """A file's summary with the revision that it was made from."""

    revision: int


async def file(case: Case, tools: Tools) -> SeriesPlace:
    """Name the series; a document on which nobody is named belongs to none (an empty entity)."""
    document, prompt = inputs(case)
    filing = await tools.analyst.detect_series(document, case.candidates, prompt)
    key = entity_key(filing.entity) if filing.entity else ""
    return SeriesPlace(
        **filing.model_dump(exclude={"entity"}),
        entity=filing.entity if key else "",
        entity_key=key,
        slug=slug(f"{filing.entity} {filing.kind}"),
        lock_key=advisory_key(f"alfrd:series:{key}:{filing.kind}"),
        provenance=filing.provenance,
    )


async def extract(case: Case, tools: Tools) -> Extraction:
    """The document's values under its series' names; without a series there are none to share."""
    document, prompt = inputs(case)
    if case.series is None:
        return Extraction(fields={})
    return await tools.analyst.extract(document, case.series, prompt)


async def summarize_file(case: Case, tools: Tools) -> Result:
    """Summarise the members as a whole, stamped with the revision that was seen."""
    assert case.file is not None, "routed for files only"
    summary = await tools.analyst.summarize_file(case.file, active_prompt(case))
    return FileSummaryAt(**summary.model_dump(), revision=case.file.revision, provenance=summary.provenance)


def slug(name: str) -> str:
    """A name as part of a tag: lower case ASCII, ``&`` as ``and``, everything else as single hyphens."""
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:80].strip("-") or "unnamed"
