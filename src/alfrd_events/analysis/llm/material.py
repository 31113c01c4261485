"""What a model is shown of a document: fenced as data, and within a budget of tokens.

The fence's mark is a digest of what it holds: no document can contain the digest of itself, so none can close its own
fence, and the same document is always shown the same way, so that a reply can be found again.

A document that is longer than the budget is not cut off: its head, its tail and the pieces that say most for the job
are shown, with a line for each gap, and the result carries a note that says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alfrd_events.clients.llm.client import tokens
from alfrd_events.model import Document, Page

_PIECE = 3_000
"""Characters: a page, or a part of a very long one."""
_HEAD_SHARE, _TAIL_SHARE = 0.35, 0.15
"""Of the budget; at least a piece each."""
_AMOUNT = re.compile(r"(?<![\d.,])\d{1,3}(?:[.,' ]\d{3})*[.,]\d{2}(?!\d)")
_DATE = re.compile(
    r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{4}\b",
    re.IGNORECASE,
)
_MOST_COUNTED = 12


@dataclass(frozen=True)
class Focus:
    """What a job looks for in a long document."""

    words: tuple[str, ...]
    amounts: float = 1
    """What an amount counts for, against a word of the list."""


IDENTITY = Focus(("statement", "invoice", "receipt", "policy", "bill", "notice", "agreement", "account"), 0.1)
VALUES = Focus(
    (
        "total",
        "amount due",
        "balance",
        "due",
        "invoice",
        "account",
        "policy",
        "period",
        "payment",
        "tax",
        "subtotal",
    )
)


@dataclass(frozen=True)
class Material:
    """Something to show, and what is to be told of how it was shown."""

    text: str
    note: str = ""
    """Empty where all of it was shown."""


@dataclass(frozen=True)
class _Piece:
    page: int
    text: str
    tokens: int


def fenced(label: str, text: str) -> str:
    """A text between marks that it cannot contain."""
    mark = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"BEGIN DATA {mark} ({label})\n{text}\nEND DATA {mark}"


def whole_or_parts(document: Document, budget: int, focus: Focus) -> Material:
    """The text of a document, all of it if it fits.

    :param budget: tokens, estimated to the safe side.
    """
    pieces = [piece for page in document.pages for piece in _pieces(page)]
    total = sum(piece.tokens for piece in pieces)
    if total <= budget:
        return Material(_shown(pieces, range(len(pieces)), many=len(document.pages) > 1))
    chosen = _choose(pieces, budget, focus)
    pages = len({pieces[number].page for number in chosen})
    shown = sum(len(pieces[number].text) for number in chosen)
    whole = sum(len(piece.text) for piece in pieces)
    note = (
        f"the text is too long for {budget} tokens (ALFRD_LLM_INPUT_TOKENS): {shown} of {whole} characters were shown, "
        f"from {pages} of {len(document.pages)} pages"
    )
    return Material(_shown(pieces, chosen, many=True), note)


def _pieces(page: Page) -> Iterable[_Piece]:
    text = page.text
    while text:
        end = len(text) if len(text) <= _PIECE else text.rfind("\n", _PIECE // 2, _PIECE) + 1 or _PIECE
        yield _Piece(page.number, text[:end], tokens(text[:end]))
        text = text[end:]


def _choose(pieces: Sequence[_Piece], budget: int, focus: Focus) -> list[int]:
    """Numbers of the pieces to show, in order: from the front, from the end, then by what they say."""
    last = len(pieces) - 1
    chosen: dict[int, int] = {}

    def take(numbers: Iterable[int], share: float) -> None:
        for number in numbers:
            if number in chosen:
                continue
            if sum(chosen.values()) + pieces[number].tokens > share * budget:
                break
            chosen[number] = pieces[number].tokens

    take(range(len(pieces)), _HEAD_SHARE)
    take(range(last, -1, -1), _HEAD_SHARE + _TAIL_SHARE)
    ranking = sorted(range(len(pieces)), key=lambda number: (-_relevance(pieces[number], focus), number))
    for number in ranking:
        if number not in chosen and sum(chosen.values()) + pieces[number].tokens <= budget:
            chosen[number] = pieces[number].tokens
    return sorted(chosen)


def _relevance(piece: _Piece, focus: Focus) -> float:
    text = piece.text.lower()
    words = sum(min(text.count(word), 3) for word in focus.words)
    amounts = min(len(_AMOUNT.findall(text)), _MOST_COUNTED)
    dates = min(len(_DATE.findall(text)), _MOST_COUNTED)
    return words + focus.amounts * amounts + 0.5 * dates


def _shown(pieces: Sequence[_Piece], numbers: Iterable[int], *, many: bool) -> str:
    parts: list[str] = []
    before, page = -1, 0
    for number in numbers:
        piece = pieces[number]
        if number > before + 1:
            parts.append(f"[… {_gap(pieces[before + 1 : number])} left out …]\n")
        if many and piece.page != page:
            parts.append(f"[page {piece.page}]\n")
        parts.append(piece.text if piece.text.endswith("\n") else piece.text + "\n")
        before, page = number, piece.page
    if before < len(pieces) - 1:
        parts.append(f"[… {_gap(pieces[before + 1 :])} left out …]\n")
    return "".join(parts).rstrip("\n")


def _gap(pieces: Sequence[_Piece]) -> str:
    first, last = pieces[0].page, pieces[-1].page
    where = f"page {first}" if first == last else f"pages {first} to {last}"
    return f"{sum(len(piece.text) for piece in pieces)} characters of {where}"
