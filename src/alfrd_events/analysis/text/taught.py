"""Which lessons are about the sender of a document.

A paper is a sender's if one of the sender's marks is printed on it (a number, an internet address), or its name. What
counts as a mark is the same as in ``alfrd.marks_of``.
"""

from __future__ import annotations

import re

from alfrd_events.analysis.text.dates import Order
from alfrd_events.analysis.text.naming import entity_key, squashed
from alfrd_events.model import Document, Lesson

_HEAD = 20_000
"""Characters in which a sender says who it is."""
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ ()/.-]{1,2}(?=\d)")
_SHORTEST_NAME = 4


def lessons_for(document: Document, read: str = "") -> tuple[Lesson, ...]:
    """The lessons about the sender of this document, the newest last.

    :param read: the name that was read; empty: none was, or not yet.
    """
    if not document.lessons:
        return ()
    head, key = squashed(document.text[:_HEAD]), entity_key(read)
    return tuple(
        lesson
        for lesson in document.lessons
        if bears_mark(document, lesson)
        or _names(lesson.sender, head)
        or (len(key) >= _SHORTEST_NAME and key == entity_key(lesson.sender))
    )


def bears_mark(document: Document, lesson: Lesson) -> bool:
    """Whether a mark of the lesson's sender is printed on the document."""
    text = document.text[:_HEAD].lower()
    digits = _BETWEEN_DIGITS.sub("", text)
    return any(mark in (digits if mark.isdigit() else text) for mark in lesson.marks)


def taught_order(document: Document) -> Order | None:
    """The order of day and month in this sender's dates; ``None``: nobody has taught it."""
    orders = [lesson.value for lesson in lessons_for(document) if lesson.kind == "date_order"]
    if not orders:
        return None
    return "DMY" if orders[-1] == "DMY" else "MDY"


def _names(sender: str, head: str) -> bool:
    key = entity_key(sender)
    return len(key) >= _SHORTEST_NAME and key in head
