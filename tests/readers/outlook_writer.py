"""Write Outlook messages for the tests: a small OLE compound file, version 3, as [MS-CFB] has it."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

SECTOR, MINI, CUTOFF = 512, 64, 4096
END, FREE, FAT_MARK, NOTHING = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF

Tree = dict[str, Any]
"""A name to the bytes of a stream, or to a storage's own tree."""


def outlook(
    *,
    subject: str = "Your bill",
    sender: tuple[str, str] = ("City Water", "bills@citywater.example"),
    to: str = "Ana Home",
    sent: datetime = datetime(2026, 3, 5, 9, 30, tzinfo=UTC),
    body: str = "Dear customer, the bill is attached.",
    html: bytes = b"",
    attachments: dict[str, Any] | None = None,
    inside: bool = False,
) -> Tree:
    """A message's streams; an attachment that is a tree is a message of its own."""
    ticks = int((sent - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds() * 10_000_000)
    table = bytes(24 if inside else 32) + struct.pack("<IIQ", 0x00390040, 6, ticks)
    tree: Tree = {
        "__properties_version1.0": table,
        "__substg1.0_0037001F": subject.encode("utf-16-le"),
        "__substg1.0_0C1A001F": sender[0].encode("utf-16-le"),
        "__substg1.0_5D01001F": sender[1].encode("utf-16-le"),
        "__substg1.0_0E04001F": to.encode("utf-16-le"),
        "__substg1.0_1000001F": body.encode("utf-16-le"),
    }
    if html:
        tree["__substg1.0_10130102"] = html
    for number, (name, content) in enumerate((attachments or {}).items()):
        kind = "__substg1.0_37010102" if isinstance(content, bytes) else "__substg1.0_3701000D"
        tree[f"__attach_version1.0_#{number:08X}"] = {
            "__properties_version1.0": bytes(8),
            "__substg1.0_3707001F": name.encode("utf-16-le"),
            kind: content,
        }
    return tree


def compound(tree: Tree) -> bytes:
    """A compound file with these streams."""
    records: list[list[Any]] = [["Root Entry", 5, NOTHING, NOTHING, NOTHING, b""]]
    _add(tree, 0, records)
    mini = bytearray()
    mini_fat: list[int] = []
    sectors: list[bytes] = []
    fat: list[int] = []

    def chain(data: bytes) -> int:
        first, count = len(sectors), -(-len(data) // SECTOR)
        for n in range(count):
            sectors.append(data[n * SECTOR : (n + 1) * SECTOR].ljust(SECTOR, b"\0"))
            fat.append(END if n == count - 1 else first + n + 1)
        return first if count else END

    starts: list[tuple[int, int]] = []
    for record in records:
        data = record[5]
        if record[1] != 2 or not data:
            starts.append((END, 0))
        elif len(data) >= CUTOFF:
            starts.append((chain(data), len(data)))
        else:
            first, count = len(mini_fat), -(-len(data) // MINI)
            mini.extend(data.ljust(count * MINI, b"\0"))
            mini_fat.extend([*range(first + 1, first + count), END])
            starts.append((first, len(data)))
    starts[0] = (chain(bytes(mini)), len(mini))
    mini_start = chain(struct.pack(f"<{len(mini_fat)}I", *mini_fat).ljust(SECTOR, b"\xff"))
    mini_count = -(-4 * len(mini_fat) // SECTOR)
    directory = b"".join(_entry(record, *start) for record, start in zip(records, starts, strict=True))
    directory_start = chain(directory)
    fat_count = 1
    while (len(fat) + fat_count) * 4 > fat_count * SECTOR:
        fat_count += 1
    fat_start = len(fat)
    fat.extend([FAT_MARK] * fat_count)
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(fat_count * SECTOR, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, fat_count, directory_start, 0, CUTOFF, mini_start, mini_count, END, 0),
    )
    difat = struct.pack("<109I", *range(fat_start, fat_start + fat_count), *[FREE] * (109 - fat_count))
    return header + difat + b"".join(sectors) + table


def _add(tree: Tree, parent: int, records: list[list[Any]]) -> None:
    """Siblings hang on one another to the right: a tree that is not balanced, and valid."""
    previous = None
    for name, content in sorted(tree.items(), key=lambda item: (len(item[0]), item[0].upper())):
        records.append([name, 1 if isinstance(content, dict) else 2, NOTHING, NOTHING, NOTHING, content])
        number = len(records) - 1
        if previous is None:
            records[parent][4] = number
        else:
            records[previous][3] = number
        previous = number
        if isinstance(content, dict):
            _add(content, number, records)


def _entry(record: list[Any], start: int, size: int) -> bytes:
    name, kind, left, right, child, _ = record
    encoded = (name + "\0").encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16x4x8x8xIQ", encoded, len(encoded), kind, 1, left, right, child, start, size
    )
