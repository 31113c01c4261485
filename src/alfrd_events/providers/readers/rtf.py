"""The text that Outlook keeps in compressed RTF, in its messages (MSG) and in what it mails (TNEF).

Microsoft's [MS-OXRTFCP] tells the compression: a window of 4096 bytes that begins with words that RTF has
often. What comes out is RTF, of which the text is taken.
"""

from __future__ import annotations

import struct

from striprtf.striprtf import rtf_to_text

from alfrd_events.providers.readers import plain
from alfrd_events.providers.readers.budget import Budget

MAX_BYTES = 10 * 1024 * 1024
"""Of RTF; a longer text is not one that a person wrote."""
UNREAD = "damaged RTF"
_WINDOW = 4096
_WORDS = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_DAMAGED = (ValueError, LookupError, struct.error, OverflowError, TypeError)
"""What the library raises on damaged RTF: numbers that are none, characters and encodings that do not exist."""


def text_of(compressed: bytes, budget: Budget) -> str:
    """Give the text of a compressed RTF body; empty where it is damaged or beyond all measure."""
    try:
        data = _unpacked(compressed)
        budget.take_bytes(len(data))
        return plain.clean(rtf_to_text(data.decode("latin-1"), errors="replace")).strip()  # type: ignore[no-untyped-call]
    except _DAMAGED:
        return ""


def _unpacked(data: bytes) -> bytes:
    _, size, kind, _ = struct.unpack_from("<IIII", data)
    if size > MAX_BYTES:
        raise ValueError(size)
    if kind == 0x414C454D:  # MELA: as it is
        return data[16 : 16 + size]
    if kind != 0x75465A4C:  # LZFu
        raise ValueError(kind)
    return _inflated(memoryview(data)[16:], size)


def _inflated(data: memoryview, size: int) -> bytes:
    """Undo the compression: bits say whether a byte follows, or a place in the window and a length."""
    out = bytearray(_WORDS)
    end = len(_WORDS) + size
    window = bytearray(_WORDS.ljust(_WINDOW, b" "))
    write, at = len(_WORDS), 0
    while at < len(data) and len(out) < end:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                break
            if not flags >> bit & 1:
                piece = bytes(data[at : at + 1])
                at += 1
            else:
                (place,) = struct.unpack_from(">H", data, at)
                at += 2
                start, length = place >> 4, (place & 0xF) + 2
                if start == write:
                    return bytes(out[len(_WORDS) : end])
                piece = _repeated(window, start, length, write)
            out += piece
            for byte in piece:
                window[write] = byte
                write = (write + 1) % _WINDOW
    return bytes(out[len(_WORDS) : end])


def _repeated(window: bytearray, start: int, length: int, write: int) -> bytes:
    """A piece of the window, which may overlap with what it becomes: the copy then repeats itself."""
    distance = (write - start) % _WINDOW
    piece = bytes(window[(start + step) % _WINDOW] for step in range(min(length, distance)))
    return (piece * (length // max(len(piece), 1) + 1))[:length]
