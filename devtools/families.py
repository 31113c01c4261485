"""Documents that look alike: what is learned from one of them is known of the others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devtools.corpus import Known

ALIKE = 0.6
"""The share of words that two papers have in common, from which on they count as of one layout."""
_WORD = re.compile(r"[^\W\d_]{3,}")


def families(known: Sequence[Known]) -> list[int]:
    """For each document the number of its family: the same sender, or nearly the same words."""
    words = [_words_of(each) for each in known]
    parents = list(range(len(known)))

    def root(index: int) -> int:
        while parents[index] != index:
            index = parents[index]
        return index

    for index, one in enumerate(known):
        for other in range(index):
            if one.sender == known[other].sender or _likeness(words[index], words[other]) >= ALIKE:
                parents[root(index)] = root(other)
    return [root(index) for index in range(len(known))]


def _words_of(known: Known) -> frozenset[str]:
    return frozenset(_WORD.findall(" ".join(page.text for page in known.document.pages).casefold()))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))
