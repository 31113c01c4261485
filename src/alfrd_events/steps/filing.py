"""Steps ``file``, ``extract`` and ``summarize_file``: where a document belongs, and what its company says."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from alfrd_events.analysis.rules.series import account_of
from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.analysis.text.typed import typed
from alfrd_events.model import Extraction, FileSummary, Result, SeriesPlace
from alfrd_events.model.inputs import ExtractInput, FileInput, FilingInput
from alfrd_events.model.jobs import DetectSeries, Extract, SummarizeFile
from alfrd_events.steps.analysis import active
from alfrd_events.steps.step import Tools


class _Keys(NamedTuple):
    entity_key: str
    slug: str


class FileSummaryAt(FileSummary):
    """A file's summary with the revision that it was made from."""

    revision: int


class ExtractionAt(Extraction):
    """A document's values with the version of its series' fields that they were found under."""

    version: int


async def file(given: FilingInput, tools: Tools) -> SeriesPlace:
    """Name the series; a document that names no company or person belongs to none (an empty entity)."""
    filing = await tools.analyst.run(DetectSeries(given.document, given.candidates, active(given.prompt)))
    keys = _keys(filing.entity, filing.kind)
    return SeriesPlace(
        entity=filing.entity if keys.entity_key else "",
        kind=filing.kind,
        frequency=filing.frequency,
        title=filing.title,
        description=filing.description,
        series_id=filing.series_id,
        documents_needed=filing.documents_needed,
        rivals=filing.rivals,
        entity_key=keys.entity_key,
        slug=keys.slug,
        account=account_of(given.document, filing.kind),
        provenance=filing.provenance,
    )


async def extract(given: ExtractInput, tools: Tools) -> Extraction:
    """The document's values under its series' names, in the form of their types; without a series there are none."""
    if given.series is None:
        return Extraction(fields={})
    found = await tools.analyst.run(Extract(given.document, given.series, active(given.prompt)))
    types = {field.name: field.type for field in given.series.named}
    fields = {name: typed(value, types.get(name, "text")) for name, value in found.fields.items()}
    return ExtractionAt(fields=fields, version=given.series.version, provenance=found.provenance)


async def summarize_file(given: FileInput, tools: Tools) -> Result:
    """Summarise the members as a whole, stamped with the revision that was seen."""
    summary = await tools.analyst.run(SummarizeFile(given.file, active(given.prompt)))
    # As it is: a row for each member would be copied and checked once more.
    return FileSummaryAt.model_construct(**dict(summary), revision=given.file.revision)


@lru_cache(maxsize=4096)  # the same companies send many documents, and a name goes through a dozen patterns
def _keys(entity: str, kind: str) -> _Keys:
    key = entity_key(entity) if entity else ""
    return _Keys(key, slug(f"{entity} {kind}"))


def slug(name: str) -> str:
    """A name as part of a tag: lower case ASCII, ``&`` as ``and``, everything else as single hyphens."""
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:80].strip("-") or "unnamed"
