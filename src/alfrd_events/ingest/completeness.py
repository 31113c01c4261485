"""Tell whether a file is there up to its end, by what its format says of its end.

Another program may still be writing a file that an inbox is about to take. The answer is a guess: a file whose end is
missing may also be damaged and never become whole. So it is a reason to wait, not to refuse.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from enum import Enum

from alfrd_events.ingest.tiff_end import reaches_as_far as tiff_reaches

_ZEROS = 64
"""No format that is read here ends in so many zeros; a file that got its size before its content does."""
_TAIL = 65_536
"""Programs put bytes of their own behind the end: signatures, second pictures, padding."""
_LINEARIZED = re.compile(rb"/Linearized\b[^>]{0,200}?/L\s+(\d{1,12})\b")
_BOUNDARY = re.compile(
    rb'^content-type:\s*multipart/[^\n]*(?:\n[ \t][^\n]*)*?boundary="?([^"\s;]{1,70})', re.I | re.M
)
_ROOT = re.compile(
    # Possessive: a thousand comments could be divided among the alternatives in more ways than there is time.
    rb"(?:\xef\xbb\xbf)?\s*+(?>(?:<\?xml[^>]*+>|<!--(?:(?!-->).)*+-->|<![^>]*+>)\s*+)*+<([A-Za-z][\w.:-]*+)",
    re.S,
)
_END_RECORD = struct.Struct("<4s4H2LH")


class End(Enum):
    """What a file's end says."""

    REACHED = "reached"
    UNTOLD = "untold"
    """The format has no mark of its end, such as plain text."""
    MISSING = "missing"


def end_of(content: bytes) -> End:
    """Whether a file's bytes reach its end."""
    if not content or content[-_ZEROS:].strip(b"\0") == b"":
        return End.MISSING
    for is_one, reaches in _FORMATS:
        if is_one(content):
            return End.REACHED if reaches(content) else End.MISSING
    return End.UNTOLD


def _begins(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(marks)


def _pdf(content: bytes) -> bool:
    announced = _LINEARIZED.search(content[:2048])
    return b"%%EOF" in content[-_TAIL:] and (announced is None or int(announced[1]) <= len(content))


def _zip(content: bytes) -> bool:
    at = content.rfind(b"PK\x05\x06")
    if at < 0 or at + _END_RECORD.size > len(content):
        return False
    *_, size, offset, comment = _END_RECORD.unpack_from(content, at)
    in_zip64 = 0xFFFFFFFF in (size, offset)
    return at + _END_RECORD.size + comment <= len(content) and (in_zip64 or size + offset <= at)


def _bmff(content: bytes) -> bool:
    """HEIC: boxes that each state their size."""
    at, kinds = 0, set()
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">L4s", content, at)
        kinds.add(kind)
        if size == 1 and at + 16 <= len(content):
            (size,) = struct.unpack_from(">Q", content, at + 8)
        if size == 0:
            return True  # as far as the file reaches
        if size < 8:
            return False
        at += size
    return at <= len(content) and b"meta" in kinds


def _ole(content: bytes) -> bool:
    """Outlook's mails: the tables of sectors that the header names are there."""
    if len(content) < 512:
        return False
    (shift,) = struct.unpack_from("<H", content, 30)
    (directory,) = struct.unpack_from("<L", content, 48)
    tables = [sector for sector in struct.unpack_from("<109L", content, 76) if sector < 0xFFFFFFF0]
    return shift in (9, 12) and all((sector + 2) << shift <= len(content) for sector in (directory, *tables))


def _is_markup(content: bytes) -> bool:
    return _ROOT.match(content[:8192]) is not None


def _markup(content: bytes) -> bool:
    root = _ROOT.match(content[:8192])
    return root is not None and b"</" + root[1].lower() in content[-_TAIL:].lower()


def _is_mail_of_parts(content: bytes) -> bool:
    return _BOUNDARY.search(_headers(content)) is not None


def _mail_of_parts(content: bytes) -> bool:
    boundary = _BOUNDARY.search(_headers(content))
    return boundary is not None and b"--" + boundary[1] + b"--" in content


def _headers(content: bytes) -> bytes:
    return re.split(rb"\r?\n\r?\n", content[:_TAIL].lstrip(), maxsplit=1)[0]


_FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], bool]], ...] = (
    (_begins(b"\x89PNG\r\n\x1a\n"), lambda content: b"IEND\xae\x42\x60\x82" in content[-_TAIL:]),
    (_begins(b"\xff\xd8\xff"), lambda content: b"\xff\xd9" in content[-_TAIL:]),
    (_begins(b"GIF87a", b"GIF89a"), lambda content: content.rstrip(b"\0\r\n").endswith(b"\0;")),
    (_begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), tiff_reaches),
    (_begins(b"RIFF"), lambda content: int.from_bytes(content[4:8], "little") + 8 <= len(content)),
    (
        lambda content: content.startswith(b"BM") and content[6:10] == b"\0\0\0\0",
        lambda content: int.from_bytes(content[2:6], "little") <= len(content),
    ),
    (lambda content: content[4:8] == b"ftyp", _bmff),
    (_begins(b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"), _zip),
    (_begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), _ole),
    (lambda content: b"%PDF-" in content[:1024], _pdf),
    (_is_markup, _markup),
    (_is_mail_of_parts, _mail_of_parts),
)
"""How to tell a format, and whether its end is there."""
