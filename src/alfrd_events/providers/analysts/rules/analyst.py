"""The ``rules`` analyst: deterministic, offline, the default on a fresh machine."""

# ruff: noqa: ARG002 - the seam hands every method its prompt; most rules have no use for one

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

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

P = ParamSpec("P")
T = TypeVar("T")

_LONG_TEXT = 20_000
"""Characters; about seven full pages, and a tenth of a second."""


class RulesAnalyst:
    """Reads documents by lexicons, by positions of values beside their labels, and by arithmetic.

    The same document gives the same answer every time. A document's text is data: nothing it says is
    obeyed. An ordinary document takes some milliseconds; a long one is worked on in a thread, so that the worker's
    heartbeat goes on meanwhile.

    Its prompts are not instructions to a model. The one for classifying may add words to types, one
    type a line: ``insurance: no claims bonus; policy schedule``.
    """

    name = "rules"
    prompt_prefixes: tuple[str, ...] = ("rules_",)
    learns_from = 0

    async def classify(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Classification:
        """Name the type with the words that told; ``other`` with little confidence for a blank page."""
        return await _compute(document, classify.classify, document, types, prompt)

    async def score_classification(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Score:
        """Check the stored type against the words of the text."""
        return await _compute(document, checks.score_classification, document, types, prompt)

    async def summarize(self, document: Document, prompt: Prompt) -> Summary:
        """Find company, dates, amounts, numbers and line items, each with the place it stands."""
        return await _compute(document, summary.summarize, document)

    async def score_summary(self, document: Document, prompt: Prompt) -> Score:
        """Check that values are in the text, sums agree, dates are in order and required fields are there."""
        return await _compute(document, checks.score_summary, document)

    async def detect_series(self, document: Document, candidates: Sequence[Series], prompt: Prompt) -> Filing:
        """Match company and kind with the known series, else name a new one."""
        return await _compute(document, series.detect_series, document, candidates)

    async def extract(self, document: Document, series: Series, prompt: Prompt) -> Extraction:
        """Give the values under the series' names."""
        return await _compute(document, extract.extract, document, series)

    async def summarize_file(self, file: File, prompt: Prompt) -> FileSummary:
        """Make the table, the sums and the prose of a file."""
        return files.summarize_file(file)

    async def aclose(self) -> None:
        """Nothing is held."""


async def _compute(document: Document, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    if sum(len(page.text) for page in document.pages) < _LONG_TEXT:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)
