"""The shape of the work that peers do: the route of a document as steps that name those after them."""

from __future__ import annotations

from bench.contender import Shape

NEXT: dict[str, tuple[str, ...]] = {
    "ocr": ("classify",),
    "classify": ("summarize", "score_classification"),
    "summarize": ("file", "score_summary"),
    "file": ("extract",),
    "extract": (),
    "score_classification": (),
    "score_summary": (),
    "single": (),
}
"""Step -> the steps that it hands on to: five in a chain and two beside it, seven for each document."""


def first(shape: Shape) -> str:
    """The step that a document enters at."""
    return "ocr" if shape == "route" else "single"
