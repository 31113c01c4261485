"""The base types of the model: boxes, confidences, JSON, and the base class of results."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Box = tuple[float, float, float, float]


Confidence = Annotated[float, Field(ge=0, le=1)]


JsonObject = dict[str, Any]


Comparison = Literal["exact", "number", "date", "fuzzy"]


Frequency = Literal["weekly", "biweekly", "monthly", "quarterly", "semiannual", "annual", "irregular"]


class Result(BaseModel):
    """Base of all results: immutable, and it refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(Result):
    """Who made a finding, where that is not simply the analyst that was asked."""

    made_by: str
    prompt_id: int | None = None
    """The version of the prompt that it was made with."""
    notes: tuple[str, ...] = ()
    """Notes for the step's event, for instance that a document was too long to be shown whole."""


class AnalystResult(Result):
    """Base of what an analyst finds."""

    provenance: Provenance | None = Field(default=None, exclude=True, repr=False)
    """Stored beside the result, not in it; ``None``: by the analyst that was asked, with the step's prompt."""
