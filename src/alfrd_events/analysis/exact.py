"""Documents that no model is asked about: an electronic invoice tells all itself, and a blank page nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.analysis.rules.e_invoice import find_invoice
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
from alfrd_events.model.protocols import Analyst

FindingT = TypeVar("FindingT", bound=AnalystResult)


class ExactFirst:
    """Has rules work on electronic invoices, whose values they take as they are, and on blank pages; asks another
    analyst for all other documents.
    """

    def __init__(self, asked: Analyst, rules: RulesAnalyst | None = None) -> None:
        self._rules = rules or RulesAnalyst()
        self._asked = asked
        self.name = asked.name
        self.prompt_prefixes = asked.prompt_prefixes
        self.learns_from = asked.learns_from

    async def classify(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Classification:
        """By its words, where it is an invoice."""
        if _needs_no_model(document):
            return await _signed(self._rules.classify(document, types, replace(prompt, text="")))
        return await self._asked.classify(document, types, prompt)

    async def score_classification(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Score:
        """By its words, where it is an invoice."""
        if _needs_no_model(document):
            return await _signed(self._rules.score_classification(document, types, replace(prompt, text="")))
        return await self._asked.score_classification(document, types, prompt)

    async def summarize(self, document: Document, prompt: Prompt) -> Summary:
        """The values as its seller's program wrote them."""
        if _needs_no_model(document):
            return await _signed(self._rules.summarize(document, prompt))
        return await self._asked.summarize(document, prompt)

    async def score_summary(self, document: Document, prompt: Prompt) -> Score:
        """By arithmetic, where it is an invoice."""
        if _needs_no_model(document):
            return await _signed(self._rules.score_summary(document, prompt))
        return await self._asked.score_summary(document, prompt)

    async def detect_series(self, document: Document, candidates: Sequence[Series], prompt: Prompt) -> Filing:
        """By its seller, where it is an invoice."""
        if _needs_no_model(document):
            return await _signed(self._rules.detect_series(document, candidates, prompt))
        return await self._asked.detect_series(document, candidates, prompt)

    async def extract(self, document: Document, series: Series, prompt: Prompt) -> Extraction:
        """The same values under the series' names."""
        if _needs_no_model(document):
            return await _signed(self._rules.extract(document, series, prompt))
        return await self._asked.extract(document, series, prompt)

    async def summarize_file(self, file: File, prompt: Prompt) -> FileSummary:
        """By the other analyst."""
        return await self._asked.summarize_file(file, prompt)

    async def aclose(self) -> None:
        """Close both."""
        await self._rules.aclose()
        await self._asked.aclose()


def _needs_no_model(document: Document) -> bool:
    return find_invoice(document) is not None or not document.text.strip()


async def _signed(found: Awaitable[FindingT]) -> FindingT:
    made = await found
    notes = made.provenance.notes if made.provenance else ()
    return made.model_copy(update={"provenance": Provenance(made_by=RulesAnalyst.name, notes=notes)})
