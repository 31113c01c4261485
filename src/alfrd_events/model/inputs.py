"""What each step is given: its subject, and what it needs beside it.

The fields of an input are what is loaded for its step, and nothing else is; a step of one's own that needs no more than
the document is given a :class:`DocumentInput`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from alfrd_events.model.base import JsonObject
from alfrd_events.model.calendar import SeriesHistory
from alfrd_events.model.documents import Document, DocumentType, File, Lesson, Series
from alfrd_events.model.pages import PartSource
from alfrd_events.model.prompts import GradingInput, Prompt
from alfrd_events.model.trials import Trial


@dataclass(frozen=True)
class StepInput:
    """Base of all inputs."""

    prompt_kind: ClassVar[str] = ""
    """The kind of the prompt that the step works with; empty: it works with none."""
    learns: ClassVar[bool] = False
    """Whether an analyst that learns wants earlier documents of the series with the document."""


@dataclass(frozen=True)
class DocumentInput(StepInput):
    """A document."""

    document: Document
    generation: int = 0
    """Of the document: raised whenever a person re-submits or corrects it."""


@dataclass(frozen=True)
class OcrInput(DocumentInput):
    """A document to be read."""

    parts: tuple[PartSource, ...] = ()
    """In order."""
    saved_pages: frozenset[int] = frozenset()
    """Numbers of the pages that an earlier attempt has saved."""


@dataclass(frozen=True)
class PromptedInput(DocumentInput):
    """A document, and the instruction to work on it by."""

    prompt: Prompt | None = None
    """``None``: no version is active."""


@dataclass(frozen=True)
class ClassifyInput(PromptedInput):
    """A document whose type is wanted."""

    prompt_kind: ClassVar[str] = "classifier"
    types: tuple[DocumentType, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    """What the document's owner has taught by corrections."""
    known: JsonObject | None = None
    """What this prompt is known to have made of this very text: ``{made_by, output}``."""


@dataclass(frozen=True)
class ScoreClassificationInput(PromptedInput):
    """A document whose type is to be judged."""

    prompt_kind: ClassVar[str] = "scorer"
    types: tuple[DocumentType, ...] = ()


@dataclass(frozen=True)
class SummarizeInput(PromptedInput):
    """A document whose values are wanted."""

    prompt_kind: ClassVar[str] = "summarizer"
    learns: ClassVar[bool] = True
    lessons: tuple[Lesson, ...] = ()
    """As in :class:`ClassifyInput`."""
    known: JsonObject | None = None
    """As in :class:`ClassifyInput`."""


@dataclass(frozen=True)
class ScoreSummaryInput(PromptedInput):
    """A document whose values are to be judged."""

    prompt_kind: ClassVar[str] = "scorer"
    lessons: tuple[Lesson, ...] = ()
    """As in :class:`ClassifyInput`."""


@dataclass(frozen=True)
class FilingInput(PromptedInput):
    """A document that is to be filed."""

    prompt_kind: ClassVar[str] = "series_detector"
    candidates: tuple[Series, ...] = ()
    """The known series of its owner that could be its own."""


@dataclass(frozen=True)
class ExtractInput(PromptedInput):
    """A document that is filed, and the series that it is filed in."""

    prompt_kind: ClassVar[str] = "series_extractor"
    learns: ClassVar[bool] = True
    series: Series | None = None


@dataclass(frozen=True)
class FileInput(StepInput):
    """A file, with its members."""

    prompt_kind: ClassVar[str] = "file_summarizer"
    file: File
    prompt: Prompt | None = None


@dataclass(frozen=True)
class AnswerKeyInput(DocumentInput):
    """A document whose results are to be graded."""

    grading: GradingInput | None = None
    types: tuple[DocumentType, ...] = ()


@dataclass(frozen=True)
class FamilyInput(StepInput):
    """A family of prompts."""

    family: UUID


@dataclass(frozen=True)
class WatchInput(StepInput):
    """A series, with the dates and amounts of its documents."""

    history: SeriesHistory


@dataclass(frozen=True)
class TrialInput(StepInput):
    """The lessons about a sender, with its papers that a person has looked at."""

    trial: Trial
