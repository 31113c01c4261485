"""Plain text: decode it, and keep what PostgreSQL and people can read."""

from __future__ import annotations

import codecs
import re

from alfrd_events.errors import AlfrdError

_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BINARY = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_BINARY_SHARE = 0.02
_MAX_FOREIGN_SHARE = 0.4
"""Of letters beyond ASCII in a text that is not UTF-8: more than that is another alphabet or no text."""


class NotText(AlfrdError):
    """The bytes are no text in any encoding that can be told apart."""


def clean(text: str) -> str:
    """Drop what no page may hold: NUL, other control characters, half surrogates, byte order marks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ").replace("\x85", "\n")
    return _HARMFUL.sub("", text)


def decode(content: bytes) -> str:
    """Give the text of a file in UTF-8, UTF-16, UTF-32 or Windows-1252 / Latin-1.

    :raise NotText: no encoding gives a text.
    """
    text = _decode(content)
    if len(_BINARY.findall(text)) > _MAX_BINARY_SHARE * len(text):
        raise NotText
    return text


def pages(text: str) -> list[str]:
    """Split at form feeds, as printers do; a text without any is one page."""
    return [clean(page) for page in text.rstrip("\f").split("\f")]


def _decode(content: bytes) -> str:
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding, errors="replace")
    if encoding := _utf16_without_mark(content):
        return content.decode(encoding, errors="replace")
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


def _decode_western(content: bytes) -> str:
    foreign = sum(byte >= 0x80 for byte in content[:65536])
    if foreign > _MAX_FOREIGN_SHARE * min(len(content), 65536):
        raise NotText
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")
