"""Plain text: decode it, and keep what PostgreSQL and people can read.

A file is a text only if all of it is: a program, a picture or a certificate that begins or ends with readable
lines is refused as a whole. Files that are written into a text in base64 are named there and left out.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re

from alfrd_events.errors import AlfrdError

_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BINARY = bytes([*range(0x08), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])
_NOT_BINARY = bytes(byte for byte in range(256) if byte not in _BINARY)
_MAX_BINARY_SHARE = 0.02
_WINDOW = 2048
"""Bytes that are judged together, so that a long text does not hide what follows it."""
_MAX_BINARY_IN_WINDOW = 0.06
"""Bytes at random have a tenth; a printer's control codes are less than a twentieth of a text."""
_MAX_FOREIGN_SHARE = 0.4
"""Of letters beyond ASCII in a text that is not UTF-8: more than that is another alphabet or no text."""
_MAX_REPLACED_SHARE = 0.01
"""Of UTF-16 and UTF-32; bytes at random have a thirtieth."""
_PADDING = b"\0"

_BASE64_WALL = re.compile(
    r"(?<![A-Za-z0-9+/])(?:"
    r"(?:[A-Za-z0-9+/]{56,1000}+={0,2}[ \t]*+\r?\n[ \t>]*+){8,}+(?:[A-Za-z0-9+/]++={0,2}(?=\s|\Z))?"
    r"|[A-Za-z0-9+/]{1000,}+={0,2})"
)
"""Eight full lines and more, or one long one. A line of dashes or dots is none."""
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")


class NotText(AlfrdError):
    """The bytes are no text in any encoding that can be told apart."""


def clean(text: str) -> str:
    """Drop what no page may hold: NUL, other control characters, half surrogates, byte order marks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").replace("\x85", "\n")
    return _HARMFUL.sub("", text)


def decode(content: bytes) -> str:
    """Give the text of a file in UTF-8, UTF-16, UTF-32 or Windows-1252 / Latin-1.

    :raise NotText: no encoding gives a text, or a part of it is none.
    """
    text = _decode(content)
    _refuse_binary(text)
    return text


def pages(text: str) -> list[str]:
    """Split at form feeds, as printers do; a text without any is one page."""
    return [clean(page) for page in text.rstrip("\f").split("\f")]


def encoding_of(content: bytes) -> tuple[str, int]:
    """Name the encoding that a file's first bytes show, and the size of its byte order mark.

    :return: an empty name where nothing shows one.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding, len(mark)
    return _utf16_without_mark(content), 0


def without_base64(text: str) -> str:
    """Put a note where a file is written into a text in base64: its letters are no words."""
    return _BASE64_WALL.sub(_note, text)


def base64_of(content: bytes) -> bytes:
    """What a text says that is nothing but base64; empty for any other."""
    lines = content.split()
    if len(content) < 200 or not all(map(_BASE64_LINE.fullmatch, lines)) or not _is_mixed(content[:4000]):
        return b""
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error:
        return b""


def _note(wall: re.Match[str]) -> str:
    if not _is_mixed(wall[0][:4000].encode("ascii")):
        return wall[0]
    end = "\n" if wall[0].endswith("\n") else ""
    return f"[not read: {len(''.join(wall[0].split())):,} characters of base64]{end}"


def _is_mixed(letters: bytes) -> bool:
    """Whether it has small letters, capitals and digits: a long word or number has not."""
    return all(re.search(kind, letters) for kind in (rb"[a-z]", rb"[A-Z]", rb"[0-9]"))


def _refuse_binary(text: str) -> None:
    """Count by characters: a letter beyond ASCII has two bytes in UTF-8, which would hide what is binary."""
    if _binary_share(text) > _MAX_BINARY_SHARE:
        raise NotText
    for start in range(0, len(text) - _WINDOW // 2, _WINDOW):
        if _binary_share(text[start : start + _WINDOW]) > _MAX_BINARY_IN_WINDOW:
            raise NotText


def _binary_share(text: str) -> float:
    return len(text.encode("utf-8", "surrogatepass").translate(None, _NOT_BINARY)) / max(len(text), 1)


def _decode(content: bytes) -> str:
    encoding, mark = encoding_of(content)
    if encoding and encoding != "utf-8":
        text = content[mark:].decode(encoding, errors="replace")
        if text.count("\ufffd") > max(_MAX_REPLACED_SHARE * len(text), 1):
            raise NotText
        return text
    content = content[mark:].strip(_PADDING)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_western(content)


def _utf16_without_mark(content: bytes) -> str:
    """Western text in UTF-16 has a zero in nearly every second byte, and none in the others."""
    head = content[:4096]
    half = len(head) // 2
    if half < 2 or len(content) % 2:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.6 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.05 * half:
        return "utf-16-be"
    return ""


_ASCII = bytes(range(0x80))


def _decode_western(content: bytes) -> str:
    for start in range(0, len(content), 65536):
        window = content[start : start + 65536]
        if len(window.translate(None, _ASCII)) > _MAX_FOREIGN_SHARE * len(window):
            raise NotText
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")
