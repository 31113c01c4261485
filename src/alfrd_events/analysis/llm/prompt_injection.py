"""Lines of a document that give orders to whoever reads it by machine.

A value in such a line is printed on the document and yet not what the document says: no search in the text can tell.
So a model is not shown these lines, nothing that stands only there counts as being in the text, and the result carries
a note. What is recognised are the usual forms, in English; the fence and the checks stand behind this for all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from alfrd_events.model import Document, Line, Page

_TO_A_MACHINE = re.compile(
    r"\b(?:ignore|disregard|forget|override)\s+(?:(?:all|any|every|of|the|these|your|my)\s+){0,3}"
    r"(?:(?:previous|earlier|prior|above|preceding|former|other|system)\s+)?(?:instructions?|prompts?|guidelines)\b"
    r"|\b(?:note|notice|message|instructions?|attention|dear)\W{1,3}(?:to\s|for\s)?\W?(?:the\s|any\s|all\s)?"
    r"(?:ais?|a\.i\.|llms?|language models?|chat\s?bots?|(?:chat)?gpt)\b"
    r"|\byou are (?:now )?(?:an? )?(?:ai|language model)\b|\byou are now in \w+ mode\b"
    r"|^\W*(?:system|developer)\s+(?:prompt|message|override)\b",
    re.IGNORECASE,
)
"""Nobody writes so to a person; it goes on to the end of its paragraph."""
_TO_DO = re.compile(
    r"\b(?:classify|categori[sz]e|label|tag|file)\s+(?:this|it|the document)\s+(?:as|under|in)\b"
    r"|\bset\s+(?:the\s+)?(?:total|amount|due date|date|entity|type|confidence)\b.{0,20}\bto\b"
    r"|\b(?:answer|respond|reply)\s+(?:only\s+)?(?:with|that)\b",
    re.IGNORECASE,
)
"""To a person, too; an order only on a document that has others."""
_MOST_FOLLOWING = 12
_GAP = 1.6
"""Of a line's height, between the lines of one paragraph."""


def gives_orders(text: str) -> bool:
    """Whether a line of a text gives orders to a machine."""
    return any(_TO_A_MACHINE.search(line) for line in text.splitlines())


def without_orders(document: Document) -> tuple[Document, str]:
    """The document without lines that give orders, and a note if there were any."""
    if not any(gives_orders(page.text) for page in document.pages):
        return document, ""
    cleaned = [_without(page) for page in document.pages]
    left_out = sum(count for _, count in cleaned)
    note = f"{left_out} lines that give orders to a machine were neither shown to the model nor believed"
    return replace(document, pages=tuple(page for page, _ in cleaned)), note


def _without(page: Page) -> tuple[Page, int]:
    rows = page.text.splitlines(keepends=True)
    text_orders = set(_orders([row.strip() for row in rows], [not row.strip() for row in rows]))
    lines = page.lines
    line_orders = set(_orders([line.text for line in lines], _starts_paragraph(lines)))
    kept = replace(
        page,
        text="".join(row for number, row in enumerate(rows) if number not in text_orders),
        lines=tuple(line for number, line in enumerate(lines) if number not in line_orders),
    )
    return kept, max(len(text_orders), len(line_orders))


def _orders(texts: Sequence[str], ends: Sequence[bool]) -> Iterator[int]:
    """Numbers of the lines that belong to an order.

    :param ends: whether the paragraph before a line ends there.
    """
    following = 0
    for number, text in enumerate(texts):
        if ends[number]:
            following = 0
        if _TO_A_MACHINE.search(text):
            following = _MOST_FOLLOWING
        if following or _TO_DO.search(text):
            yield number
        following = max(following - 1, 0)


def _starts_paragraph(lines: Sequence[Line]) -> list[bool]:
    """Whether a line stands clearly below the one before it, or above it."""
    starts = []
    for number, line in enumerate(lines):
        before = lines[number - 1].box if number else line.box
        height = max(line.box[3] - line.box[1], before[3] - before[1], 1e-6)
        gap = line.box[1] - before[3]
        starts.append(gap > _GAP * height or gap < -3 * height)
    return starts
