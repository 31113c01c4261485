"""What a file and everything inside it may unpack to, counted for the whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alfrd_events.errors import Unreadable
from alfrd_events.sandbox.limits import ReaderLimits

if TYPE_CHECKING:
    from alfrd_events.reading.formats.source import Source  # which loads numpy

    Opener = Callable[[bytes, str, "Budget"], Source]

INSIDE = " › "
"""Between the names of a container and of what is in it, in messages."""


class Budget:
    """What a file and everything inside it may still take, and how a file inside it is opened."""

    def __init__(self, filename: str, limits: ReaderLimits, opener: Opener) -> None:
        """
        :param opener: opens any file within a budget; it is passed on, so that a container knows no other format.
        """
        self.limits = limits
        self._filename = filename
        self._opener = opener
        self._members = 0
        self._bytes = 0
        self._depth = 0

    def renewed(self) -> Budget:
        """A budget for a member that was within this one when it was opened, and is opened once more: as deep
        inside of others as it is here."""
        one = Budget(self._filename, self.limits, self._opener)
        one._depth = self._depth
        return one

    def open(self, data: bytes, filename: str) -> Source:
        """Open a file that is inside.

        :param filename: with the names of those that it is inside of.
        :raise Unreadable: as the opener of the whole; ``UnsupportedType`` where it is no document at all.
        """
        return self._opener(data, filename, self)

    @property
    def bytes_left(self) -> int:
        return self.limits.max_unpacked_bytes - self._bytes

    @contextlib.contextmanager
    def inside(self, filename: str) -> Iterator[None]:
        """While the members of a container are opened.

        :raise Unreadable: too many containers are inside one another.
        """
        if self._depth >= self.limits.max_depth:
            raise Unreadable(
                f"{filename}: mails and archives are inside one another more than {self.limits.max_depth} deep; "
                "unpack them, and send what is in them"
            )
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def take_members(self, count: int) -> None:
        """Count files inside.

        :raise Unreadable: too many together with the others.
        """
        self._members += count
        if self._members > self.limits.max_members:
            raise Unreadable(
                f"{self._filename}: holds more than {self.limits.max_members:,} files, which is the limit; split it"
            )

    def take_bytes(self, size: int) -> None:
        """Count unpacked bytes.

        :raise Unreadable: too many together with the others.
        """
        self._bytes += size
        if self._bytes > self.limits.max_unpacked_bytes:
            raise self.too_large()

    def too_large(self) -> Unreadable:
        return Unreadable(
            f"{self._filename}: unpacks to more than {self.limits.max_unpacked_bytes:,} bytes, which is the "
            "limit; split it"
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside another one."""

    name: str
    data: bytes
