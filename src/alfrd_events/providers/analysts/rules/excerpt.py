"""What the rules look at of a document: all of an ordinary one, the beginning and the end of a very long one.

A company, dates and sums are on the first pages or on the last ones. So the work on any text is bounded: what a
hostile file costs is known beforehand, and an ordinary book costs no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

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
        and sum(_line_count(page) for page in pages) <= FIRST_LINES + LAST_LINES
    ):
        return Excerpt(pages)
    first, next_place = _taken(pages, FIRST_CHARACTERS, FIRST_LINES)
    last, _ = _taken(_reversed(_left(pages, next_place)), LAST_CHARACTERS, LAST_LINES)
    kept = (*first, *_reversed(last))
    seen = [sum(len(page.text) for page in part) for part in (first, last)]
    return Excerpt(
        kept,
        f"only the first {seen[0]:,} and the last {seen[1]:,} of its {characters:,} characters were looked at",
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the pages that were taken end: a page, and how many of its lines."""

    page: int
    lines: int


def _line_count(page: Page) -> int:
    # Rather than to make them: a line has at least its break.
    return len(page.lines) or page.text.count("\n") + page.text.count("\r") + 1


def _lines_of(page: Page) -> tuple[Line, ...] | list[str]:
    """What a page is cut between: lines with positions, or those of its text, and no one longer than an excerpt."""
    if page.lines:
        return page.lines
    rows = []
    for row in page.text.splitlines():
        rows += [
            row[start : start + LAST_CHARACTERS // 2] for start in range(0, len(row), LAST_CHARACTERS // 2)
        ]
        if not row:
            rows.append(row)
    return rows


def _length(line: Line | str) -> int:
    return 1 + len(line.text if isinstance(line, Line) else line)


def _with(page: Page, lines: Iterable[Line | str]) -> Page:
    kept = list(lines)
    placed = tuple(line for line in kept if isinstance(line, Line))
    text = "\n".join(line.text if isinstance(line, Line) else line for line in kept)
    return replace(page, lines=placed, text=text)


def _taken(pages: Iterable[Page], characters: int, lines: int) -> tuple[tuple[Page, ...], _Place]:
    """Pages from the front, as many as fit, and the place where they end."""
    taken: list[Page] = []
    for number, page in enumerate(pages):
        if len(page.text) <= characters and _line_count(page) <= lines:
            taken.append(page)
            characters -= len(page.text)
            lines -= _line_count(page)
            continue
        fit = 0
        for line in _lines_of(page):
            characters -= _length(line)
            if characters < 0 or fit >= lines:
                break
            fit += 1
        taken.append(_with(page, _lines_of(page)[:fit]))
        return tuple(taken), _Place(number, fit)
    return tuple(taken), _Place(len(taken), 0)


def _left(pages: tuple[Page, ...], place: _Place) -> tuple[Page, ...]:
    """The pages behind a place."""
    if place.page >= len(pages):
        return ()
    page = pages[place.page]
    return (_with(page, _lines_of(page)[place.lines :]), *pages[place.page + 1 :])


def _reversed(pages: Iterable[Page]) -> tuple[Page, ...]:
    """Pages in the opposite order, and the lines of each as well."""
    return tuple(_with(page, reversed(_lines_of(page))) for page in reversed(tuple(pages)))
