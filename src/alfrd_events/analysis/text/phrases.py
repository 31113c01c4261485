"""Looking for many phrases in one text, in time that a long text does not blow up.

Readers lose gaps between words ("TOTALAMOUNT") and make some ("R ECEIPT"). So a text is searched with
its blanks and weak punctuation taken out, and a hit counts if it begins and ends where words did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SEPARATORS = re.compile(r"[\s\-./:]+")
MOST_HITS_TRIED = 200
"""Occurrences of one phrase inside longer words before it is given up."""

SHORTEST_IN_A_COMPOUND = 8
"""Letters; a shorter word is the end of too many others."""


class SearchableText:
    """A folded text without its separators, which remembers where they were."""

    def __init__(self, folded: str) -> None:
        words = SEPARATORS.split(folded)
        self.squashed = "".join(words)
        self._edges = bytearray(len(self.squashed) + 1)
        position = 0
        self._edges[0] = self._edges[-1] = 1
        for word in words:
            position += len(word)
            self._edges[position] = 1

    def has(self, squashed_phrase: str, *, ends_compounds: bool = False) -> bool:
        """Whether a phrase without blanks occurs as whole words.

        :param ends_compounds: or as the end of a longer word, which says what kind of thing that is.
        """
        start = -1
        for _ in range(MOST_HITS_TRIED):
            start = self.squashed.find(squashed_phrase, start + 1)
            if start < 0:
                return False
            if (ends_compounds or self._is_edge(start)) and self._is_edge(start + len(squashed_phrase)):
                return True
        return False

    def _is_edge(self, position: int) -> bool:
        if self._edges[position]:
            return True
        before, after = self.squashed[position - 1], self.squashed[position]
        return not (before.isalnum() and after.isalnum())


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases as written, each with its form for searching."""

    pairs: tuple[tuple[str, str], ...]
    compounding: frozenset[str] = frozenset()
    """Those, without blanks, that may be the end of a longer word."""

    @classmethod
    def of(cls, listed: str) -> Phrases:
        """From a list that is apart by semicolons."""
        return cls.from_words(listed.split(";"))

    @classmethod
    def from_words(cls, words: Iterable[str], compounding: Iterable[str] = ()) -> Phrases:
        """
        :param compounding: words of languages that write compounds as one word: "Klavierunterricht" is a lesson.
        """
        written = dict.fromkeys(" ".join(word.split()) for word in words)
        pairs = tuple((word, SEPARATORS.sub("", word)) for word in written if SEPARATORS.sub("", word))
        return cls(pairs, frozenset(word for word in compounding if len(word) >= SHORTEST_IN_A_COMPOUND))

    def found_in(self, text: SearchableText, *, most: int = 12) -> list[str]:
        """The phrases that occur, in the order of the list."""
        found = []
        for written, squashed in self.pairs:
            if text.has(squashed, ends_compounds=squashed in self.compounding):
                found.append(written)
                if len(found) >= most:
                    break
        return found

    def occur_in(self, text: SearchableText) -> bool:
        return any(text.has(squashed) for _, squashed in self.pairs)

    def title_in(self, cell: str) -> str:
        """The phrase that makes up at least half of a cell, or an empty string."""
        text = SearchableText(cell)
        for written, squashed in self.pairs:
            if 2 * len(squashed) >= len(text.squashed) and text.has(squashed):
                return written
        return ""
