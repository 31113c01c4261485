"""Cryptographic messages (CMS, which was PKCS #7): take what was signed out of its signature.

S/MIME mails, signed invoices (``.xml.p7m``) and signed PDFs are a file with certificates and a signature around it.
Only the file is of interest here: the signature is NOT verified, and a changed file is read like any other.

The structure is walked by hand as far as the content and no further ([RFC 5652], [X.690]): BER with lengths that are
not told and content in pieces, as mail programs write it, takes the libraries for Python a time that grows with
the square of the size, or they refuse it; and odd certificates must not spoil a mail that needs none of them.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from alfrd_events.errors import AlfrdError

MAX_LAYERS = 10
"""Signatures around one another."""
MAX_NESTING = 32
"""Of strings in pieces, and of what is skipped."""
ENCRYPTED_MAIL = "an encrypted mail (S/MIME)"

_PKCS7 = bytes.fromhex("2a864886f70d0107")
_SMIME = bytes.fromhex("2a864886f70d0109100109"), bytes.fromhex("2a864886f70d0109100117")
_SIGNED, _COMPRESSED = _PKCS7 + b"\x02", _SMIME[0]
_ENCRYPTED = {_PKCS7 + b"\x03", _PKCS7 + b"\x04", _PKCS7 + b"\x06", _SMIME[1]}
"""Enveloped, signed and enveloped, encrypted, and authenticated and enveloped data."""
_KNOWN = {_PKCS7 + bytes([number]) for number in range(2, 7)} | set(_SMIME)
_OBJECT_ID, _OCTETS, _OCTETS_IN_PIECES, _SEQUENCE, _TAGGED_0 = 0x06, 0x04, 0x24, 0x30, 0xA0
_HEAD = re.compile(
    rb"0(?:[\x00-\x7f]|\x80|\x81.|\x82..|\x83...|\x84....)\x06[\x09\x0b](\x2a\x86\x48\x86\xf7\x0d\x01[\x07\x09].{0,3})",
    re.S,
)
_ARMOUR = re.compile(
    rb"\s*-----BEGIN (?:PKCS ?#?7(?: SIGNED DATA)?|CMS|SIGNED MESSAGE)-----\s+([A-Za-z0-9+/=\s]+)-----END "
)


class Opaque(AlfrdError):
    """It holds nothing that can be read here; the text names what it is, with an article."""


class Encrypted(Opaque):
    """Only who has the key can open it."""


class Detached(Opaque):
    """Certificates, or a signature whose content is elsewhere."""


class Damaged(AlfrdError):
    """It is cut off, or no such structure inside."""


def is_cms(data: bytes) -> bool:
    """Whether it is a cryptographic message, in its binary form or as text."""
    return _is_head(data) or _is_head(_from_text(data[:400], whole=False))


def content_of(data: bytes) -> bytes:
    """What was signed, out of all signatures around it.

    :raise Opaque: encrypted, compressed, or without content.
    :raise Damaged: truncated or of another structure.
    """
    for _ in range(MAX_LAYERS):
        data = _signed(data if _is_head(data) else _from_text(data, whole=True))
        if not is_cms(data):
            return data
    raise Opaque(f"a file with more than {MAX_LAYERS} signatures around one another")


def _is_head(data: bytes) -> bool:
    head = _HEAD.match(data)
    return head is not None and any(head[1].startswith(kind) for kind in _KNOWN)


def _from_text(data: bytes, *, whole: bool) -> bytes:
    """The bytes of a message in base64, with or without the lines around it (PEM); empty if it is none."""
    armoured = _ARMOUR.match(data) if whole else None
    if not whole:
        data = re.sub(rb"\A\s*-----BEGIN [^-]{1,40}-----", b"", data)
    letters = b"".join((armoured[1] if armoured else data).split())
    if not letters.startswith(b"M"):
        return b""
    try:
        return base64.b64decode(letters if whole else letters[: len(letters) // 4 * 4], validate=True)
    except binascii.Error:
        return b""


def _signed(data: bytes) -> bytes:
    reader = _Reader(data)
    try:
        reader.enter(_SEQUENCE)
        kind = reader.take(_OBJECT_ID)
        if kind in _ENCRYPTED:
            raise Encrypted(ENCRYPTED_MAIL)
        if kind == _COMPRESSED:
            raise Opaque("a compressed mail (S/MIME)")
        if kind != _SIGNED:
            raise Opaque("a cryptographic message without a signature")
        reader.enter(_TAGGED_0)
        reader.enter(_SEQUENCE)
        reader.skip()  # version
        reader.skip()  # digest algorithms
        end = reader.enter(_SEQUENCE)
        reader.take(_OBJECT_ID)
        if reader.is_at(end):
            raise Detached("a signature or certificate without content")
        reader.enter(_TAGGED_0)
        return reader.octets()
    except IndexError:
        raise Damaged from None


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    start: int
    end: int | None
    """``None``: it ends at a mark."""


class _Reader:
    """Walks BER from element to element."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def is_at(self, end: int | None) -> bool:
        """Whether an element that was entered is over, by its end or by a mark."""
        return self._data[self._at] == 0 if end is None else self._at >= end

    def enter(self, tag: int) -> int | None:
        """Go to the first element inside the next one, and give its end."""
        element = self._expect(tag)
        self._at = element.start
        return element.end

    def take(self, tag: int) -> bytes:
        """The content of the next element, which is in one piece."""
        element = self._expect(tag)
        if element.end is None:
            raise Damaged
        self._at = element.end
        return self._data[element.start : element.end]

    def skip(self) -> None:
        """Go past the next element."""
        open_marks = 0
        while True:
            element = self._element(self._at)
            if element.tag == 0 and open_marks:
                open_marks -= 1
            elif element.end is None:
                open_marks += 1
            self._at = element.start if element.end is None else element.end
            if not open_marks:
                return
            if open_marks > MAX_NESTING:
                raise Damaged

    def octets(self) -> bytes:
        """The content of an OCTET STRING, whose pieces may be in pieces again."""
        first = self._element(self._at)
        if first.tag == _OCTETS:
            return self.take(_OCTETS)
        if first.tag != _OCTETS_IN_PIECES:
            raise Opaque("a signed file of an unknown kind")
        pieces: list[bytes] = []
        ends = [first.end]
        at = first.start
        while ends:
            if at == ends[-1]:
                ends.pop()
                continue
            element = self._element(at)
            if element.tag == 0 and ends[-1] is None:
                ends.pop()
                at = element.start
            elif element.tag == _OCTETS_IN_PIECES and len(ends) < MAX_NESTING:
                ends.append(element.end)
                at = element.start
            elif element.tag == _OCTETS and element.end is not None:
                pieces.append(self._data[element.start : element.end])
                at = element.end
            else:
                raise Damaged
        return b"".join(pieces)

    def _expect(self, tag: int) -> _Element:
        element = self._element(self._at)
        if element.tag != tag:
            raise Damaged
        return element

    def _element(self, at: int) -> _Element:
        """Read a tag and a length. Tags above 30 do not occur where this looks."""
        tag, length, start = self._data[at], self._data[at + 1], at + 2
        if length == 0x80:
            return _Element(tag, start, None)
        if length > 0x80:
            size = length & 0x7F
            start += size
            if size > 6:
                raise Damaged
            length = int.from_bytes(self._data[at + 2 : start], "big")
        if start + length > len(self._data):
            raise Damaged
        return _Element(tag, start, start + length)
