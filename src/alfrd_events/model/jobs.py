"""The questions to an analyst: one type for each question, which names the type of its answer.

An analyst has one method, :meth:`~alfrd_events.model.protocols.Analyst.run`. An analyst that wraps another handles the
few questions that it knows and passes all others on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Self, TypeVar

from alfrd_events.model.base import AnalystResult
from alfrd_events.model.documents import Document, DocumentType, File, Series
from alfrd_events.model.findings import Classification, Extraction, FileSummary, Filing, Score, Summary
from alfrd_events.model.prompts import Prompt

ResultT = TypeVar("ResultT", bound=AnalystResult)


class AnalysisJob(Generic[ResultT]):
    """A question to an analyst, with its material."""

    answer: ClassVar[type[AnalystResult]]
    """The type of what comes back."""
    prompt: Prompt
    """The instruction to follow: the one of the analyst's first prefix."""

    def with_prompt(self, prompt: Prompt) -> Self:
        """Return the same question with another instruction."""
        return replace(self, prompt=prompt)  # type: ignore[type-var]


class DocumentJob(AnalysisJob[ResultT]):
    """A question about one document."""

    document: Document

    def about(self, document: Document) -> Self:
        """Return the same question about another document."""
        return replace(self, document=document)  # type: ignore[type-var]


@dataclass(frozen=True)
class Classify(DocumentJob[Classification]):
    """Name the document's type; an unknown type is a suggestion, not an error."""

    answer = Classification
    document: Document
    types: Sequence[DocumentType]
    prompt: Prompt


@dataclass(frozen=True)
class ScoreClassification(DocumentJob[Score]):
    """Judge the stored classification against the text."""

    answer = Score
    document: Document
    types: Sequence[DocumentType]
    prompt: Prompt


@dataclass(frozen=True)
class Summarize(DocumentJob[Summary]):
    """Give one line and the values; invent nothing that the text does not hold."""

    answer = Summary
    document: Document
    prompt: Prompt


@dataclass(frozen=True)
class ScoreSummary(DocumentJob[Score]):
    """Judge the stored summary against the text: values present, sums right, fields complete."""

    answer = Score
    document: Document
    prompt: Prompt


@dataclass(frozen=True)
class DetectSeries(DocumentJob[Filing]):
    """Name the series the document belongs to, one of the candidates where it fits."""

    answer = Filing
    document: Document
    candidates: Sequence[Series]
    prompt: Prompt


@dataclass(frozen=True)
class Extract(DocumentJob[Extraction]):
    """Give the document's values under the series' own stable names."""

    answer = Extraction
    document: Document
    series: Series
    prompt: Prompt


@dataclass(frozen=True)
class SummarizeFile(AnalysisJob[FileSummary]):
    """Describe a collection: a table of its members' values, totals, trend and gaps."""

    answer = FileSummary
    file: File
    prompt: Prompt
