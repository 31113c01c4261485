"""Whether a TIFF holds all that its directories name; scanners write the directory first, or last."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_DIRECTORIES_AT_MOST = 10_000
_VALUES_AT_MOST = 1_000_000
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value by its type; types that are not here hold neither places nor sizes."""
_FORMATS = {2: "H", 4: "L", 8: "Q"}
_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES = 273, 279, 324, 325


class _TooMuch(Exception):
    """It names more places than anyone writes: not worth the time."""


@dataclass(slots=True)
class _Tiff:
    content: bytes
    order: str
    big: bool
    values_left: int = _VALUES_AT_MOST

    def number(self, at: int, size: int) -> int:
        """:raise struct.error: it is not there."""
        return int(struct.unpack_from(self.order + _FORMATS[size], self.content, at)[0])

    @property
    def word(self) -> int:
        return 8 if self.big else 4

    def directories(self) -> Iterator[dict[int, list[int]]]:
        """Where each page's data is and how much, by tag."""
        at = self.number(8 if self.big else 4, self.word)
        seen: set[int] = set()
        while at and at not in seen and len(seen) < _DIRECTORIES_AT_MOST:
            seen.add(at)
            head, entry = (8, 20) if self.big else (2, 12)
            count = self.number(at, head)
            first = at + head
            if first + count * entry > len(self.content):
                raise struct.error("a directory is cut off")
            yield dict(self._places(first, count, entry))
            at = self.number(first + count * entry, self.word)

    def _places(self, first: int, count: int, entry: int) -> Iterator[tuple[int, list[int]]]:
        for at in range(first, first + count * entry, entry):
            tag, kind = self.number(at, 2), self.number(at + 2, 2)
            if tag in (_STRIPS, _STRIP_SIZES, _TILES, _TILE_SIZES) and _SIZES.get(kind, 0) in _FORMATS:
                yield tag, self._values(at + 4, _SIZES[kind])

    def _values(self, at: int, size: int) -> list[int]:
        count, place = self.number(at, self.word), at + self.word
        if count * size > self.word:
            place = self.number(place, self.word)
        if place + count * size > len(self.content):
            raise struct.error("a table is cut off")
        self.values_left -= count
        if self.values_left < 0:
            raise _TooMuch
        return list(struct.unpack_from(f"{self.order}{count}{_FORMATS[size]}", self.content, place))


def reaches_as_far(content: bytes) -> bool:
    """Whether every page's data lies within the file."""
    order = "<" if content.startswith(b"II") else ">"
    tiff = _Tiff(content, order, big=content[2:4] in (b"+\0", b"\0+"))
    pages = 0
    try:
        for directory in tiff.directories():
            pages += 1
            for where, sizes in ((_STRIPS, _STRIP_SIZES), (_TILES, _TILE_SIZES)):
                ends = map(sum, zip(directory.get(where, ()), directory.get(sizes, ()), strict=False))
                if any(end > len(content) for end in ends):
                    return False
    except struct.error:
        return False
    except _TooMuch:
        return True
    return pages > 0
