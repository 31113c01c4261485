"""Write what Outlook mails (TNEF, ``winmail.dat``) for the tests, as [MS-OXTNEF] has it."""

from __future__ import annotations

import struct

MESSAGE, ATTACHMENT = 1, 2
OBJECT, NARROW, WIDE, BINARY = 0x0D, 0x1E, 0x1F, 0x102

Property = tuple[int, int, bytes]
"""Type, number, value."""


def tnef(*objects: bytes) -> bytes:
    return (
        b"\x78\x9f\x3e\x22\x01\x00"
        + attribute(MESSAGE, 0x9006, struct.pack("<I", 0x10000))
        + b"".join(objects)
    )


def attribute(level: int, name: int, content: bytes, kind: int = 6) -> bytes:
    return (
        struct.pack("<BHHI", level, name, kind, len(content))
        + content
        + struct.pack("<H", sum(content) & 0xFFFF)
    )


def packed(
    body: str = "",
    *,
    subject: str = "",
    properties: tuple[Property, ...] = (),
    **attachments: bytes,
) -> bytes:
    """A message of Outlook: text, properties, attachments (dots in their names written as ``__``)."""
    objects = [attribute(MESSAGE, 0x9007, struct.pack("<II", 1252, 0))]
    if subject:
        objects.append(attribute(MESSAGE, 0x8004, subject.encode("cp1252") + b"\0", 1))
    if body:
        objects.append(attribute(MESSAGE, 0x800C, body.encode("cp1252") + b"\0", 2))
    if properties:
        objects.append(attribute(MESSAGE, 0x9003, listed(*properties)))
    for name, content in attachments.items():
        objects.append(attached(name.replace("__", "."), content))
    return tnef(*objects)


def attached(name: str, content: bytes, *properties: Property) -> bytes:
    """An attachment whose short name is of the age of DOS, as Outlook writes it beside the long one."""
    return (
        attribute(ATTACHMENT, 0x9002, bytes(14))
        + attribute(ATTACHMENT, 0x8010, name[:3].upper().encode("ascii", "replace") + b"~1.PDF\0", 1)
        + (attribute(ATTACHMENT, 0x800F, content) if content else b"")
        + attribute(
            ATTACHMENT, 0x9005, listed((WIDE, 0x3707, name.encode("utf-16-le") + b"\0\0"), *properties)
        )
    )


def attached_message(name: str, message: bytes) -> bytes:
    """A message inside: an object with its kind before its bytes."""
    kind = bytes.fromhex("0703020000000000c000000000000046")
    return attached(name, b"", (OBJECT, 0x3701, kind + message))


def listed(*properties: Property) -> bytes:
    """A list of MAPI properties; some that nobody asks for come first, one of each shape."""
    noise = [
        struct.pack("<HHI", 0x03, 0x0017, 1),
        struct.pack("<HHHH", 0x0B, 0x0E1B, 1, 0),
        struct.pack("<HHQ", 0x40, 0x3007, 0),
        struct.pack("<HH16s", 0x48, 0x0FF8, b"u" * 16),
        struct.pack("<HH16sIIHH", 0x02, 0x8001, b"s" * 16, 0, 0x8554, 7, 0),
        struct.pack("<HH16sII6s2xI", 0x03, 0x8002, b"s" * 16, 1, 6, "ab\0".encode("utf-16-le"), 5),
        struct.pack("<HHIHHHxx", 0x1002, 0x0E0A, 3, 1, 2, 3),
        struct.pack("<HHII3sxI4s", 0x101E, 0x0E0B, 2, 3, b"ab\0", 4, b"abc\0"),
    ]
    return (
        struct.pack("<I", len(noise) + len(properties))
        + b"".join(noise)
        + b"".join(map(_property, properties))
    )


def _property(given: Property) -> bytes:
    kind, number, value = given
    if kind in (OBJECT, NARROW, WIDE, BINARY):
        return struct.pack("<HHII", kind, number, 1, len(value)) + value + bytes(-len(value) % 4)
    return struct.pack("<HH", kind, number) + value + bytes(-len(value) % 4)
