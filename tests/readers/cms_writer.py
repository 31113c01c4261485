"""Write cryptographic messages (CMS) for the tests: the structure around a content, without real signatures."""

from __future__ import annotations

import base64

SIGNED, ENVELOPED, AUTH_ENVELOPED, COMPRESSED = (
    bytes.fromhex(number)
    for number in (
        "2a864886f70d010702",
        "2a864886f70d010703",
        "2a864886f70d0109100117",
        "2a864886f70d0109100109",
    )
)
_DATA = bytes.fromhex("2a864886f70d010701")


def der(tag: int, content: bytes) -> bytes:
    """An element with its length told."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def ber(tag: int, content: bytes) -> bytes:
    """An element that ends at a mark."""
    return bytes([tag, 0x80]) + content + b"\0\0"


def signed(content: bytes | None, *, pieces: int = 0, depth: int = 1) -> bytes:
    """Something signed; ``None``: the content is elsewhere.

    :param pieces: size of the pieces in which a program writes that does not know the length beforehand.
    :param depth: of the strings that hold the pieces.
    """
    wrap = ber if pieces else der
    algorithms = der(0x31, wrap(0x30, der(0x06, bytes.fromhex("608648016503040201"))))
    inner = der(0x06, _DATA)
    if content is not None:
        inner += wrap(0xA0, _octets(content, pieces, depth))
    certificates = der(0xA0, der(0x30, bytes(range(256)) * 3))
    body = der(0x02, b"\1") + algorithms + wrap(0x30, inner) + certificates + der(0x31, der(0x30, bytes(90)))
    return wrap(0x30, der(0x06, SIGNED) + wrap(0xA0, wrap(0x30, body)))


def sealed(kind: bytes = ENVELOPED) -> bytes:
    """Something that only its recipient can open."""
    secret = bytes(byte * 7 % 256 for byte in range(1000))
    return der(0x30, der(0x06, kind) + der(0xA0, der(0x30, der(0x02, b"\0") + der(0x04, secret))))


def armoured(message: bytes, name: str = "PKCS7") -> bytes:
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (
        name.encode(),
        base64.encodebytes(message),
        name.encode(),
    )


def _octets(content: bytes, pieces: int, depth: int) -> bytes:
    if not pieces:
        return der(0x04, content)
    octets = b"".join(der(0x04, content[at : at + pieces]) for at in range(0, len(content), pieces))
    for _ in range(depth):
        octets = ber(0x24, octets)
    return octets
