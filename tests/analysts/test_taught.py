"""Whose paper it is, and which words lead to a value, by what corrections have taught."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from alfrd_events.analysis.rules.taught_labels import label_of, value_beside
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.taught import lessons_for
from alfrd_events.model import Document, Lesson, Page


def paper(text: str, *lessons: Lesson) -> Document:
    return Document(
        UUID(int=1),
        "paper.txt",
        "classified",
        datetime(2026, 1, 5, tzinfo=UTC),
        page_count=1,
        pages=(Page(1, text, 1.0),),
        lessons=lessons,
    )


def company() -> Lesson:
    return Lesson("company", "Acme Power", (), "entity", "Recsipt No.", "Acme Power")


def test_a_paper_is_of_the_sender_whose_name_was_read() -> None:
    """Readers misread what a later step puts right: the name that was read need not be printed so."""
    document = paper("Acne Povver\nTotal 3.10", company())

    assert lessons_for(document) == ()
    assert lessons_for(document, "Acme Power") == document.lessons
    assert lessons_for(document, "Zenith Supplies") == ()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Goods 10.00\nFor collection 12.30\n", "for collection"),
        ("Goods      10.00\nFor collection:   EUR 12.30\n", "for collection"),
        ("Total 10.00\nTotal 12.30\n", ""),
        ("Total 10.00\nTotal 12.30\nKindly remit 12.30\n", "kindly remit"),
        ("10.00\n12.30\n", ""),
    ],
    ids=["in a line", "in columns, with a currency", "the words of another", "the second time", "none"],
)
def test_words_are_learned_that_lead_to_the_value_on_the_very_paper(text: str, label: str) -> None:
    parsed = ParsedText.of(paper(text))

    assert label_of("total_amount", Decimal("12.30"), parsed) == label
    if label:
        found = value_beside("total_amount", label, parsed)
        assert found is not None
        assert found[0] == Decimal("12.30")
