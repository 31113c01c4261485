"""Values of papers of many countries and kinds.

``unseen_papers.toml`` and ``unseen_receipts.toml`` are read as text, ``unseen_pages.toml`` as pages.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alfrd_events.model import Document
from alfrd_events.model.jobs import Classify, Summarize
from tests.analysts.paper import ANALYST, PROMPT, TYPES, plain, run, scanned


def _papers(file: str) -> list[dict[str, Any]]:
    papers: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name(file).read_text("utf-8"))["paper"]
    return papers


PAPERS = [*_papers("unseen_papers.toml"), *_papers("unseen_receipts.toml")]
PAGES = _papers("unseen_pages.toml")
NONE = "none"


def _name(paper: dict[str, Any]) -> str:
    lines = paper["text"].strip().splitlines()
    return f"{lines[0]} … {lines[-1]}"


@pytest.mark.parametrize("paper", PAPERS, ids=_name)
def test_its_values_are_found(paper: dict[str, Any]) -> None:
    _assert_found(paper, plain(paper["text"].strip("\n")))


@pytest.mark.parametrize("paper", PAGES, ids=_name)
def test_its_values_are_found_on_the_page(paper: dict[str, Any]) -> None:
    text = paper["text"].strip("\n")
    _assert_found(paper, scanned(text, width=max(map(len, text.splitlines()))))


def _assert_found(paper: dict[str, Any], document: Document) -> None:
    found = run(ANALYST.run(Classify(document, TYPES, PROMPT)))
    summary = run(ANALYST.run(Summarize(replace(document, document_type=found.document_type), PROMPT)))
    values = {
        "type": found.document_type,
        "company": summary.entity,
        "date": summary.document_date,
        "due": summary.due_date,
        "total": summary.total_amount,
        "currency": summary.currency,
        "number": summary.structured_data.get("invoice_number"),
    }

    expected = {name: wanted for name, wanted in paper.items() if name != "text"}

    assert {name: _as_written(values[name], like=wanted) for name, wanted in expected.items()} == expected


def _as_written(value: object, like: str) -> str:
    """A value as in the file; an amount without regard to how many zeros it ends with."""
    if value is None:
        return NONE
    return like if isinstance(value, Decimal) and like != NONE and value == Decimal(like) else str(value)
