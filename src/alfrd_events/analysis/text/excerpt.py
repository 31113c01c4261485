"""What the rules look at of a document: all of an ordinary one, the beginning and the end of a very long one.

A company, dates and sums are on the first pages or on the last ones. So the work on any text is bounded: what a
hostile file costs is known beforehand, and an ordinary book costs no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from alfrd_events.model import Document, Line, Page

FIRST_CHARACTERS = 200_000
"""About seventy full pages."""
LAST_CHARACTERS = 50_000
FIRST_LINES = 12_000
LAST_LINES = 3_000
"""Lines of a text, or runs of text with positions: a page of a large table has some hundred."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Pages, and whether they are all."""

    pages: tuple[Page, ...]
    note: str = ""
    """What is left out, for the event of the step; empty: nothing."""

    @property
    def text(self) -> str:
        """All pages' text, pages apart by a form feed."""
        return "\f".join(page.text for page in self.pages)


def excerpt(document: Document) -> Excerpt:
    """The pages that the rules look at; a page may be there by its first lines only, or its last ones."""
    pages = document.pages
    characters = sum(len(page.text) for page in pages)
    if (
        characters <= FIRST_CHARACTERS + LAST_CHARACTERS
        and sum(map(_line_count, pages)) <= FIRST_LINES + LAST_LINES
    ):
        return Excerpt(pages)
    # The two cannot overlap: there is more than both together.
    first = list(_taken(pages, FIRST_CHARACTERS, FIRST_LINES, from_end=False))
    last = list(_taken(reversed(pages), LAST_CHARACTERS, LAST_LINES, from_end=True))
    seen = [sum(len(page.text) for page in part) for part in (first, last)]
    return Excerpt(
        (*first, *reversed(last)),
        f"only the first {seen[0]:,} and the last {seen[1]:,} of its {characters:,} characters were looked at",
    )


def _line_count(page: Page) -> int:
    """At least as many as there are; to make them would take long."""
    return len(page.lines) or page.text.count("\n") + page.text.count("\r") + 1


def _taken(pages: Iterable[Page], characters: int, lines: int, *, from_end: bool) -> Iterator[Page]:
    """Whole pages as long as they fit, and as much of the next one as does."""
    for page in pages:
        if len(page.text) > characters or _line_count(page) > lines:
            if (end := _end_of(page, characters, lines, from_end=from_end)).text:
                yield end
            return
        yield page
        characters -= len(page.text)
        lines -= _line_count(page)


def _end_of(page: Page, characters: int, lines: int, *, from_end: bool) -> Page:
    """The first lines of a page, or its last ones."""
    if not page.lines:
        text = page.text[max(len(page.text) - characters, 0) :] if from_end else page.text[:characters]
        rows = text.splitlines()
        kept = rows[max(len(rows) - lines, 0) :] if from_end else rows[:lines]
        return replace(page, text="\n".join(kept))
    placed: list[Line] = []
    for line in islice(reversed(page.lines) if from_end else page.lines, lines):
        characters -= len(line.text) + 1
        if characters < 0:
            break
        placed.append(line)
    if from_end:
        placed.reverse()
    return replace(page, lines=tuple(placed), text="\n".join(line.text for line in placed))
