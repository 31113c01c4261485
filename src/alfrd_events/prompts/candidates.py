"""What a new version may not hold. A candidate that breaks a rule is thrown away, never trimmed.

The model that proposes a new instruction has seen documents. A value that it copies from them would leak one
person's papers into every later request, and would teach the prompt a document by heart; a link in an instruction is
never needed. So numbers, dates, names and phrases of the documents that it was shown are looked for in every spelling
in which they are likely to come back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from alfrd_events.prompts.grading import squeezed

Mark = TypeVar("Mark")

_URL = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\bmailto:|"
    r"\b(?:[a-z0-9-]+\.)+(?:com|net|org|info|biz|io|ai|app|dev|co|eu|uk|de|fr|nl|es|it|us|ca|ch|at|be|gov|edu|xyz|site|online)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d(?:[\d.,'’\u00a0\u202f]|[ -](?=\d))*")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]*\.?"
_DATES = (
    (re.compile(r"\b(\d{4})[-./ ](\d{1,2})[-./ ](\d{1,2})\b"), "ymd"),
    (re.compile(r"\b(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4}|\d{2})\b"), "dmy"),
    (
        re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?[ .-]+(?:of )?{_MONTH}[ ,.-]+(\d{{4}})\b", re.IGNORECASE),
        "dmy",
    ),
    (re.compile(rf"\b{_MONTH}[ .-]+(\d{{1,2}})(?:st|nd|rd|th)?[ ,.-]+(\d{{4}})\b", re.IGNORECASE), "mdy"),
)
_QUOTE = 6
"""So many words in a row that are a document's are a quotation."""
_SHORTEST_NUMBER = 3
"""Digits; with fewer it is a count, and says nothing about anybody."""
_SHORTEST_NAME = 3
_RUN_TOGETHER = 8
"""Letters from which a name is also found when it is written apart or together."""
CURRENCIES = frozenset(
    (
        "usd",
        "eur",
        "gbp",
        "chf",
        "jpy",
        "cad",
        "aud",
        "nzd",
        "sek",
        "nok",
        "dkk",
        "pln",
        "czk",
        "huf",
        "inr",
        "cny",
    )
)
"""Words that any instruction about money has, and that point to no document."""


@dataclass(frozen=True)
class ShownMaterial:
    """What the proposer of a candidate was shown."""

    values: tuple[str, ...]
    """Values of answer keys and of outputs."""
    texts: tuple[str, ...]
    """The documents' texts."""


def objections(candidate: str, parent: str, material: ShownMaterial, max_words: int) -> list[str]:
    """Why a candidate may not be used; empty if it may. No objection quotes a value.

    :param parent: the version that it was made from: what that one says already is not copied.
    """
    found = []
    everything = (*material.texts, *material.values)
    words = len(candidate.split())
    if not words:
        found.append("it is empty")
    if words > max_words:
        found.append(f"{words} words, and {max_words} are allowed")
    if squeezed(candidate) == squeezed(parent):
        found.append("it says what the version says that it was made from")
    if _URL.search(candidate):
        found.append("it holds a link")
    if _copies(_numbers, candidate, parent, everything):
        found.append("it holds a number of a document")
    if _copies(_dates, candidate, parent, everything):
        found.append("it holds a date of a document")
    if any(_names(value, candidate) and not _names(value, parent) for value in set(material.values)):
        found.append("it holds a name or a value of a document")
    if _copies(_runs, candidate, parent, material.texts):
        found.append("it quotes a document")
    return found


def _copies(take: Callable[[str], set[Mark]], candidate: str, parent: str, texts: Iterable[str]) -> bool:
    """Whether a candidate holds something of a text that its parent does not hold."""
    fresh = take(candidate) - take(parent)
    return bool(fresh) and any(not fresh.isdisjoint(take(text)) for text in texts)


def _numbers(text: str) -> set[str]:
    """Numbers as their digits alone, with and without a fraction of zeros, and the parts that spaces set apart."""
    found = set()
    for written in _NUMBER.findall(unicodedata.normalize("NFKC", text)):
        for part in (written, *re.split(r"[ -]", written)):
            digits = re.sub(r"\D", "", part).lstrip("0")
            if re.search(r"[.,]0{1,2}\W*$", part):
                found.add(re.sub(r"0{1,2}$", "", digits))
            found.add(digits)
    return {digits for digits in found if len(digits) >= _SHORTEST_NUMBER}


def _dates(text: str) -> set[date]:
    """Every date that a text can be read to name; day and month both ways where they are numbers."""
    return {
        day for pattern, order in _DATES for match in pattern.finditer(text) for day in _read(match, order)
    }


def _read(match: re.Match[str], order: str) -> Iterator[date]:
    parts = dict(zip(order, match.groups(), strict=True))
    year = int(parts["y"])
    years = (year,) if year >= 100 else (1900 + year, 2000 + year)
    month, day = parts["m"].lower(), int(parts["d"])
    numbered = month.isdigit()
    readings = [(int(month) if numbered else _MONTHS.index(month[:3]) + 1, day)]
    if numbered and order != "ymd":
        readings.append((day, int(month)))
    for of_year in years:
        for of_month, of_day in readings:
            try:
                yield date(of_year, of_month, of_day)
            except ValueError:
                continue


def _names(value: str, text: str) -> bool:
    """Whether a text holds a value, whatever its case, spacing and punctuation."""
    core = squeezed(value)
    if len(core) < _SHORTEST_NAME or core in CURRENCIES or (core.isdigit() and len(core) < _SHORTEST_NUMBER):
        return False
    if f" {_spaced(value)} " in f" {_spaced(text)} ":
        return True
    together = len(core) >= _RUN_TOGETHER or any(character.isdigit() for character in core)
    return together and core in squeezed(text)


def _spaced(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold()))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _spaced(text).split()
    return {tuple(words[start : start + _QUOTE]) for start in range(len(words) - _QUOTE + 1)}
