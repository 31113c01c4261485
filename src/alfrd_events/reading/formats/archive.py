"""ZIP archives: their files in the order of their names, unpacked in memory and within limits.

Nothing is ever written to a disk. A name that climbs out of its folder is refused nonetheless: no honest
program writes one, and it would do harm where the same archive is unpacked to a disk.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from typing import IO

from alfrd_events.errors import Unreadable
from alfrd_events.filenames import is_leftover
from alfrd_events.reading.formats.budget import INSIDE, Budget, Member

CHUNK = 1024 * 1024
MAX_RATIO = 250
"""Unpacked to packed bytes; text packs to a tenth, an empty scan to a hundredth."""
RATIO_FROM = 4 * 1024 * 1024
"""Smaller members may have any ratio."""
MAX_ENTRIES = 20_000
"""Records of a directory: more are refused before any is looked at."""
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    NotImplementedError,
)
"""What the standard library raises on damaged archives."""
_DIGITS = re.compile(r"(\d+)")


class Zip:
    """An archive that has been opened; also what Word documents are in."""

    def __init__(self, data: bytes, filename: str, budget: Budget) -> None:
        """:raise Unreadable: damaged, or its directory is beyond all measure."""
        self._filename = filename
        self._budget = budget
        if data.count(b"PK\x01\x02") > MAX_ENTRIES:
            raise Unreadable(f"{filename}: the archive lists more than {MAX_ENTRIES:,} files; split it")
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGED as error:
            raise self._damaged() from error
        self._entries = {entry.filename: entry for entry in self._archive.infolist()}
        if "" in self._entries:
            raise self._damaged()
        if len(self._entries) < len(self._archive.infolist()):
            raise Unreadable(f"{filename}: two files of the archive have the same name; pack it anew")

    def names(self) -> list[str]:
        """Of all files, in their order: ``page2`` comes before ``page10``."""
        return sorted(
            (name for name, entry in self._entries.items() if not entry.is_dir() and not is_leftover(name)),
            key=_in_order,
        )

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """Unpack one file.

        :raise Unreadable: encrypted, damaged, misnamed, a link, or a bomb.
        """
        entry = self._entries[name]
        shown = f"{self._filename}{INSIDE}{name[-120:]}"
        self._refuse_by_its_entry(entry, shown)
        try:
            with self._archive.open(entry) as packed:
                return self._unpacked(packed, entry, shown)
        except _DAMAGED as error:
            raise self._damaged() from error

    def _unpacked(self, packed: IO[bytes], entry: zipfile.ZipInfo, shown: str) -> bytes:
        """The sizes that an archive states are what its maker likes: only what comes out counts."""
        out = bytearray()
        while chunk := packed.read(CHUNK):
            out += chunk
            if len(out) > self._budget.bytes_left:
                raise self._budget.too_large()
            if len(out) > RATIO_FROM and len(out) > MAX_RATIO * max(entry.compress_size, 1):
                raise Unreadable(
                    f"{shown}: unpacks to more than {MAX_RATIO} times its size, which only a bomb does; "
                    "send the file itself if it is honest"
                )
        self._budget.take_bytes(len(out))
        return bytes(out)

    def _refuse_by_its_entry(self, entry: zipfile.ZipInfo, shown: str) -> None:
        if entry.flag_bits & 0x1:
            raise Unreadable(f"{shown}: is protected by a password; send a copy without one")
        if entry.compress_type not in _METHODS:
            raise Unreadable(
                f"{shown}: is packed by a method that is not supported; pack it as an ordinary ZIP"
            )
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
            raise Unreadable(f"{shown}: has a name that leads out of the archive, as only hostile ones do")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Unreadable(f"{shown}: is a link and no file; send what it leads to")

    def _damaged(self) -> Unreadable:
        return Unreadable(f"{self._filename}: the archive is damaged or truncated; send a complete copy")


def members(data: bytes, filename: str, budget: Budget) -> list[Member]:
    """All files of an archive.

    :raise Unreadable: empty, damaged, or one of them is refused.
    """
    archive = Zip(data, filename, budget)
    names = archive.names()
    if not names:
        raise Unreadable(
            f"{filename}: the archive holds no files, or none but those that systems leave behind; send one that does"
        )
    budget.take_members(len(names))
    return [Member(name, archive.read(name)) for name in names]


def _in_order(name: str) -> tuple[list[tuple[int, str]], str]:
    pieces = _DIGITS.split(name.casefold())
    return [(int(piece[:30]), "") if n % 2 else (-1, piece) for n, piece in enumerate(pieces)], name
