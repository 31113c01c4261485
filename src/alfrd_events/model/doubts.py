"""Why a person should look at a document: each reason as a clause with blanks, and how to read it again.

The clauses are kept as plain English text in ``alfrd.documents.review_reason``, joined by semicolons. Because each is
made here, it can be taken apart again, and be said in the language of its reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

WORDS: Mapping[str, str] = {
    "entity": "company",
    "document_date": "date",
    "total_amount": "total",
    "due_date": "due date",
    "currency": "currency",
    "invoice_number": "invoice number",
}
"""What reasons call the fields."""
TWO_PAPERS = "number {first} on page {first_page} and number {second} on page {second_page}"
CLAUSES: Mapping[str, str] = {
    "missing": "no {what} was found",
    "worked_out": "the {what} is worked out, not read",
    "not_in_text": "the {what} that was given is not in the text",
    "unsure_type": "the type {type} is unsure ({percent}%)",
    "unsure_other": "the {what} is unsure ({percent}%) and could be {other}",
    "unsure": "the {what} is unsure ({percent}%)",
    "order": "day and month of “{day}” could be swapped: nothing on the paper says which is first",
    "several": f"the file seems to hold two papers: {TWO_PAPERS}",
    "series": "the series is not clear: {entity} may belong to {slugs}",
}
"""By code. ``series`` is written by ``sql/functions/series_questions.sql``."""

_NUMBERS = ("percent", "first_page", "second_page")
_END = r"(?=; |\.$|\. The series is not clear: )"


def _pattern(clause: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", clause)
    made = "".join(
        re.escape(piece)
        if place % 2 == 0
        else rf"(?P<{piece}>\d+)"
        if piece in _NUMBERS
        else rf"(?P<{piece}>.+?)"
        for place, piece in enumerate(pieces)
    )
    return re.compile(made + _END, re.DOTALL)


_PATTERNS = {code: _pattern(clause) for code, clause in CLAUSES.items()}


@dataclass(frozen=True, slots=True)
class Reason:
    """One clause of why a document needs review."""

    code: str
    values: Mapping[str, str]
    """What fills its blanks."""

    @property
    def field(self) -> str:
        """The value that it is about; empty where it is about none."""
        word = self.values.get("what", "")
        return next((field for field, known in WORDS.items() if known == word), word)


def clause(code: str, **values: str | int) -> str:
    """A reason in English, without a capital and a full stop."""
    return CLAUSES[code].format(**values)


def reasons_of(sentence: str) -> list[Reason]:
    """The clauses of a ``review_reason``; nothing where any of it was not made here."""
    found, place = [], 0
    while place < len(sentence):
        rest = sentence[place : place + 1].lower() + sentence[place + 1 :]
        for code, pattern in _PATTERNS.items():
            if match := pattern.match(rest):
                found.append(Reason(code, match.groupdict()))
                place += match.end()
                break
        else:
            return []
        place += len("; ") if sentence.startswith("; ", place) else len(". ")
    return found
