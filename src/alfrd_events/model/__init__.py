"""The nouns of the program: what flows between the database, the steps and the providers.

Plain immutable values without behaviour that needs I/O. Inputs of steps (:class:`Document`,
:class:`File`, …) are dataclasses, filled from the database, which has checked them already.
Results of steps are pydantic models, since their content comes from documents and from language
models and must be validated before it is written.

Boxes are ``(left, top, right, bottom)`` as ratios of the page's width and height, 0 to 1, measured on
the page as a person reads it (after any rotation). Confidences are 0 to 1.
"""

from __future__ import annotations

from alfrd_events.model.base import (
    AnalystResult,
    Box,
    Comparison,
    Confidence,
    Frequency,
    JsonObject,
    Provenance,
    Result,
)
from alfrd_events.model.documents import (
    Document,
    DocumentType,
    File,
    FileMember,
    Lesson,
    Peer,
    Series,
    SeriesField,
    TaughtPlace,
    filled,
    text_hash,
)
from alfrd_events.model.findings import (
    Check,
    Classification,
    Doubt,
    Evidence,
    Extraction,
    FileSummary,
    Filing,
    Score,
    SeriesPlace,
    Summary,
)
from alfrd_events.model.invoices import (
    Invoice,
    InvoiceLine,
)
from alfrd_events.model.pages import (
    DocumentReading,
    Line,
    Page,
    PageSource,
    Part,
    PartInfo,
    PartReading,
    PartSource,
)
from alfrd_events.model.prompts import (
    COMPARISONS,
    AnswerKey,
    GradingInput,
    KeyFact,
    MadeOutput,
    Prompt,
)
from alfrd_events.model.tasks import (
    Kind,
    Outcome,
    Task,
    Usage,
)

__all__ = [
    "COMPARISONS",
    "AnalystResult",
    "AnswerKey",
    "Box",
    "Check",
    "Classification",
    "Comparison",
    "Confidence",
    "Document",
    "DocumentReading",
    "DocumentType",
    "Doubt",
    "Evidence",
    "Extraction",
    "File",
    "FileMember",
    "FileSummary",
    "Filing",
    "Frequency",
    "GradingInput",
    "Invoice",
    "InvoiceLine",
    "JsonObject",
    "KeyFact",
    "Kind",
    "Lesson",
    "Line",
    "MadeOutput",
    "Outcome",
    "Page",
    "PageSource",
    "Part",
    "PartInfo",
    "PartReading",
    "PartSource",
    "Peer",
    "Prompt",
    "Provenance",
    "Result",
    "Score",
    "Series",
    "SeriesField",
    "SeriesPlace",
    "Summary",
    "Task",
    "TaughtPlace",
    "Usage",
    "filled",
    "text_hash",
]
