"""The answers of commands that take documents out, and in elsewhere."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from typing_extensions import TypedDict


class Got(TypedDict):
    """``get``."""

    id: UUID
    path: str
    kind: Literal["file", "folder", "archive"]
    parts: int
    bytes: int


class Exported(TypedDict):
    """``export``; ``missing``: the first hundred documents whose original could not be fetched, and why."""

    path: str
    documents: int
    pages: int
    series: int
    files: int
    lessons: int
    payments: int
    prompts: int
    began_anew: bool
    bytes: int
    missing: list[str]
    missing_count: int


class Imported(TypedDict):
    """``import``; ``known``: documents that were here already."""

    documents: int
    known: int
    series: int
    files: int
    lessons: int
    payments: int
    prompts: int
    document_types: int


class TakenOver(TypedDict):
    """``import-alfrd``; ``left``: what is not taken over, and why, the first hundred sentences."""

    dry_run: bool
    documents: int
    known: int
    series: int
    files: int
    prompts: int
    document_types: int
    without_originals: int
    left: list[str]
    left_count: int
