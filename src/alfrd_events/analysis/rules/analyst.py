"""The ``rules`` analyst: deterministic, offline, the default on a fresh machine."""

# ruff: noqa: ARG002 - the seam hands every method its prompt; most rules have no use for one

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from alfrd_events.analysis.rules import child, files
from alfrd_events.analysis.rules.isolated import IsolatedRules
from alfrd_events.analysis.text.excerpt import excerpt
from alfrd_events.model import (
    AnalystResult,
    Classification,
    Document,
    DocumentType,
    Extraction,
    File,
    FileSummary,
    Filing,
    Prompt,
    Provenance,
    Score,
    Series,
    Summary,
)

FindingT = TypeVar("FindingT", bound=AnalystResult)

_LONG_TEXT = 20_000
"""Characters; about seven full pages, and a tenth of a second. The worst of texts takes a second."""


class RulesAnalyst:
    """Reads documents by lexicons, by positions of values beside their labels, and by arithmetic.

    The same document gives the same answer every time. A document's text is data: nothing it says is
    obeyed. An ordinary document takes some milliseconds; a long one is worked on in a process, so that the worker's
    heartbeat goes on meanwhile, and a stop or a time-out ends the work. Of a very long one only an :mod:`.excerpt` is
    looked at, and the result says so.

    Its prompts are not instructions to a model. The one for classifying may add words to types, one
    type a line: ``insurance: no claims bonus; policy schedule``.

    :param apart: the processes; ``None``: long texts are worked on here as well, where nothing else waits.
    """

    name = "rules"
    prompt_prefixes: tuple[str, ...] = ("rules_",)
    learns_from = 0

    def __init__(self, apart: IsolatedRules | None = None) -> None:
        self._apart = apart

    async def classify(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Classification:
        """Name the type with the words that told; ``other`` with little confidence for a blank page."""
        return await self._found(Classification, "classify", document, prompt, types, prompt)

    async def score_classification(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Score:
        """Check the stored type against the words of the text."""
        return await self._found(Score, "score_classification", document, prompt, types, prompt)

    async def summarize(self, document: Document, prompt: Prompt) -> Summary:
        """Find company, dates, amounts, numbers and line items, each with the place it stands."""
        return await self._found(Summary, "summarize", document, prompt)

    async def score_summary(self, document: Document, prompt: Prompt) -> Score:
        """Check that values are in the text, sums agree, dates are in order and required fields are there."""
        return await self._found(Score, "score_summary", document, prompt)

    async def detect_series(self, document: Document, candidates: Sequence[Series], prompt: Prompt) -> Filing:
        """Match company and kind with the known series, else name a new one."""
        return await self._found(Filing, "detect_series", document, prompt, candidates)

    async def extract(self, document: Document, series: Series, prompt: Prompt) -> Extraction:
        """Give the values under the series' names."""
        return await self._found(Extraction, "extract", document, prompt, series)

    async def summarize_file(self, file: File, prompt: Prompt) -> FileSummary:
        """Make the table, the sums and the prose of a file."""
        return files.summarize_file(file)

    async def aclose(self) -> None:
        """End the processes."""
        if self._apart is not None:
            await self._apart.aclose()

    async def _found(
        self, kind: type[FindingT], function: str, document: Document, prompt: Prompt, *arguments: Any
    ) -> FindingT:
        seen = excerpt(document)
        if self._apart is None or sum(len(page.text) for page in seen.pages) < _LONG_TEXT:
            found: FindingT = child.FUNCTIONS[function](document, *arguments)
        else:
            shown = replace(document, pages=seen.pages, peers=())
            found = await self._apart.run(kind, function, shown, *arguments)
        if not seen.note:
            return found
        signature = Provenance(made_by=self.name, prompt_id=prompt.id, notes=(seen.note,))
        return found.model_copy(update={"provenance": signature})
