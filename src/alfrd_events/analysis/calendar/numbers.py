"""Numbers of accounts as two readers may have read them."""

from __future__ import annotations

import re

_MISREAD = 2
"""Characters in which two readings of one account number may differ."""
_CONFUSED = str.maketrans("OILSBZ", "011582")


def is_same_number(one: str, other: str) -> bool:
    """Whether two numbers are the same but for a reader's slips; of masked ones the end counts."""
    first, second = _plain(one), _plain(other)
    shorter = min(len(first), len(second))
    if not shorter:
        return True  # nothing can be read of it
    if len(first) != len(second):
        return first[-shorter:] == second[-shorter:] or abs(len(first) - len(second)) == 1
    return sum(a != b for a, b in zip(first, second, strict=True)) < _MISREAD


def _plain(number: str) -> str:
    return re.sub(r"[^0-9A-Z]|X{2,}", "", number.upper()).translate(_CONFUSED)
