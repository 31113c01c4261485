"""What a file and everything inside it may unpack to, counted for the whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from alfrd_events.errors import Unreadable
from alfrd_events.providers.readers.limits import ReaderLimits

INSIDE = " › "
"""Between the names of a container and of what is in it, in messages."""


class Budget:
    """What a file and everything inside it may still take."""

    def __init__(self, filename: str, limits: ReaderLimits) -> None:
        self._filename = filename
        self._limits = limits
        self._members = 0
        self._bytes = 0
        self._depth = 0

    def renewed(self) -> Budget:
        """A budget for a member that was within this one when it was opened, and is opened once more: as deep
        inside of others as it is here."""
        one = Budget(self._filename, self._limits)
        one._depth = self._depth
        return one

    @property
    def bytes_left(self) -> int:
        return self._limits.max_unpacked_bytes - self._bytes

    @contextlib.contextmanager
    def inside(self, filename: str) -> Iterator[None]:
        """While the members of a container are opened.

        :raise Unreadable: too many containers are inside one another.
        """
        if self._depth >= self._limits.max_depth:
            raise Unreadable(
                f"{filename}: mails and archives are inside one another more than {self._limits.max_depth} deep; "
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
        if self._members > self._limits.max_members:
            raise Unreadable(
                f"{self._filename}: holds more than {self._limits.max_members:,} files, which is the limit; split it"
            )

    def take_bytes(self, size: int) -> None:
        """Count unpacked bytes.

        :raise Unreadable: too many together with the others.
        """
        self._bytes += size
        if self._bytes > self._limits.max_unpacked_bytes:
            raise self.too_large()

    def too_large(self) -> Unreadable:
        return Unreadable(
            f"{self._filename}: unpacks to more than {self._limits.max_unpacked_bytes:,} bytes, which is the "
            "limit; split it"
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside another one."""

    name: str
    data: bytes
