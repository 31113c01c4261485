"""Two papers in one file: each has a title, a number and a total of its own.

Their values must not be mixed, so only the first one's are read, and a person is asked to part them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from alfrd_events.analysis.rules.fields import find_identifiers, identifier_labels
from alfrd_events.analysis.rules.lexicon import type_titles
from alfrd_events.analysis.text.layout import fold
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.totals import find_totals
from alfrd_events.model import Document, Page
from alfrd_events.model.doubts import TWO_PAPERS

NUMBERS = ("invoice_number", "receipt_number")
ROWS_OF_A_TITLE = 12
LONGEST_HEAD = 4000
"""Characters in which a paper's number is looked for, before the page is looked at closely."""
STRONG_LABEL = 9
MOST_PAGES = 20
"""Looked at; in a longer file a second title is a chapter's."""


@dataclass(frozen=True, slots=True)
class Papers:
    """The first of several papers, and how the two differ."""

    first: Document
    numbers: tuple[str, str]
    """Of the first paper and of the second."""
    pages: tuple[int, int]
    """Where each begins."""

    @property
    def reason(self) -> str:
        """How they differ, in words."""
        return TWO_PAPERS.format(**self.places)

    @property
    def places(self) -> dict[str, str | int]:
        """What fills the blanks of those words."""
        return {
            "first": self.numbers[0],
            "first_page": self.pages[0],
            "second": self.numbers[1],
            "second_page": self.pages[1],
        }


def first_of_several(document: Document) -> Papers | None:
    """The first paper of a file that holds another one; ``None`` where it holds just one."""
    if len(document.pages) < 2:
        return None
    begins: tuple[int, str] | None = None
    for page in document.pages[:MOST_PAGES]:
        number = _number_of_a_paper(document, page)
        if begins is not None and number and number != begins[1]:
            first = tuple(each for each in document.pages if each.number < page.number)
            return Papers(
                replace(document, pages=first, page_count=len(first)),
                (begins[1], number),
                (begins[0], page.number),
            )
        if begins is None and number:
            begins = page.number, number
    return None


def _number_of_a_paper(document: Document, page: Page) -> str:
    """The number of a page that has a title and a total as well, as a paper of its own has; else nothing."""
    head = fold(page.text[:LONGEST_HEAD])
    if not any(identifier_labels()[name].search(head) for name in NUMBERS):
        return ""
    alone = ParsedText.of(replace(document, pages=(page,), page_count=1))
    cells = [each.folded for row in alone.rows[:ROWS_OF_A_TITLE] for each in row.segments]
    if not any(titles.title_in(cell) for titles in type_titles().values() for cell in cells):
        return ""
    if not any(
        each.role == "total" and each.strength >= STRONG_LABEL for each in find_totals(alone).candidates
    ):
        return ""
    identifiers = find_identifiers(alone)
    return next((identifiers[name].value for name in NUMBERS if name in identifiers), "")
