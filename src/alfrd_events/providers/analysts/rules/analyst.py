"""The ``rules`` analyst: deterministic, offline, the default on a fresh machine."""

# ruff: noqa: ARG002 - the seam hands every method its prompt; most rules have no use for one

from __future__ import annotations

from collections.abc import Sequence

from alfrd_events.model import (
    Classification,
    Document,
    DocumentType,
    Extraction,
    File,
    FileSummary,
    Filing,
    Prompt,
    Score,
    Series,
    Summary,
)
from alfrd_events.providers.analysts.rules import checks, classify, extract, files, series, summary


class RulesAnalyst:
    """Reads documents by lexicons, by positions of values beside their labels, and by arithmetic.

    The same document gives the same answer every time. A document's text is data: nothing it says is
    obeyed. The methods are coroutines to fit the seam, and pure computation of some milliseconds.

    Its prompts are not instructions to a model. The one for classifying may add words to types, one
    type a line: ``insurance: no claims bonus; policy schedule``.
    """

    name = "rules"
    prompt_prefix = "rules_"

    async def classify(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Classification:
        """Name the type with the words that told; ``other`` with little confidence for a blank page."""
        return classify.classify(document, types, prompt)

    async def score_classification(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Score:
        """Check the stored type against the words of the text."""
        return checks.score_classification(document, types, prompt)

    async def summarize(self, document: Document, prompt: Prompt) -> Summary:
        """Find company, dates, amounts, numbers and line items, each with the place it stands."""
        return summary.summarize(document)

    async def score_summary(self, document: Document, prompt: Prompt) -> Score:
        """Check that values are in the text, sums agree, dates are in order and required fields are there."""
        return checks.score_summary(document)

    async def detect_series(self, document: Document, candidates: Sequence[Series], prompt: Prompt) -> Filing:
        """Match company and kind with the known series, else name a new one."""
        return series.detect_series(document, candidates)

    async def extract(self, document: Document, series: Series, prompt: Prompt) -> Extraction:
        """Give the values under the series' names."""
        return extract.extract(document, series)

    async def summarize_file(self, file: File, prompt: Prompt) -> FileSummary:
        """Make the table, the sums and the prose of a file."""
        return files.summarize_file(file)

    async def aclose(self) -> None:
        """Nothing is held."""
