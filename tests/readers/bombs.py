"""Files that unpack, nest or repeat without end, small enough to be mailed."""

from __future__ import annotations

import struct
import zlib

from tests.readers.cms_writer import signed
from tests.readers.container_inputs import W, zipped
from tests.readers.reader_inputs import _assembled

LAUGHS = "<!DOCTYPE z [<!ENTITY a 'ha'>{}]>".format(
    "".join(f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(12))
)
"""A thousand million laughs."""
_MAIL = b"From: a@x.example\r\nTo: b@x.example\r\nMessage-ID: <1>\r\nMIME-Version: 1.0\r\n"


def deflated(pattern: bytes, size: int) -> bytes:
    """A pattern again and again, packed without ever being unpacked here."""
    packer = zlib.compressobj(9)
    block = pattern * max(1, (1 << 20) // len(pattern))
    return b"".join([packer.compress(block) for _ in range(size // len(block))]) + packer.flush()


def pdf_with_stream(stream: bytes, filters: bytes = b"/FlateDecode") -> bytes:
    """A PDF whose only page is this stream."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        b"<< /Filter " + filters,
    ]
    return _assembled(objects, {4: stream}, "")


def pdf_bomb() -> bytes:
    """4 GB in a few kilobytes: deflated three times over."""
    packer = zlib.compressobj(9)
    packed = packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    once = packed[:2] + packed[2:] * 4096
    return pdf_with_stream(
        zlib.compress(zlib.compress(once, 9), 9), b"[/FlateDecode /FlateDecode /FlateDecode]"
    )


def pdf_tree(depth: int) -> bytes:
    """A PDF whose page hangs this deep in its tree of pages."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    objects += [b"<< /Type /Pages /Count 1 /Kids [%d 0 R] >>" % (n + 3) for n in range(depth)]
    return _assembled([*objects, b"<< /Type /Page /MediaBox [0 0 612 792] >>"], {}, "")


def pdf_loop() -> bytes:
    """A tree of pages that grows out of itself."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 5 /Kids [2 0 R 3 0 R] >>",
        b"<< /Type /Pages /Count 3 /Kids [2 0 R] >>",
    ]
    return _assembled(objects, {}, "")


def png(width: int, height: int, *, comment: bytes = b"") -> bytes:
    """A PNG of one bit a pixel, all black, with all its data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    said = chunk(b"zTXt", b"Comment\0\0" + comment) if comment else b""
    data = chunk(b"IDAT", deflated(bytes(1 << 16), height * (width // 8 + 1) + (1 << 20)))
    return b"\x89PNG\r\n\x1a\n" + header + said + data + chunk(b"IEND", b"")


def zip_that_lies(size: int) -> bytes:
    """A member that says it is a few bytes and unpacks to many."""
    given = bytearray(zipped({"a.txt": bytes(size)}))
    struct.pack_into("<I", given, 22, 10)
    struct.pack_into("<I", given, given.index(b"PK\x01\x02") + 24, 10)
    return bytes(given)


def zip_with_overlaps(count: int) -> bytes:
    """Many entries of a directory that all name the same packed bytes."""
    given = zipped({"00000": bytes(1 << 20)})
    start, end = given.index(b"PK\x01\x02"), given.index(b"PK\x05\x06")
    entry = given[start:end]
    entries = b"".join(entry[:46] + b"%05d" % number for number in range(count))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(entries), start, 0)
    return given[:start] + entries + tail


def word_laughs() -> bytes:
    body = f"{LAUGHS}<w:document {W}><w:body><w:p><w:r><w:t>&m;</w:t></w:r></w:p></w:body></w:document>"
    return zipped({"[Content_Types].xml": "", "word/document.xml": body})


def invoice_laughs() -> bytes:
    return f"{LAUGHS}<Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'>&m;</Invoice>".encode()


def nested_mail(depth: int) -> bytes:
    parts = (b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return _MAIL + b"".join(parts) + b"Content-Type: text/plain\r\n\r\nx\r\n"


def forwarded_mail(depth: int) -> bytes:
    return _MAIL + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"\r\nx\r\n"


def forwarded_in_signatures(depth: int) -> bytes:
    """Mails in archives in signatures in mails."""
    content = _MAIL + b"\r\nx\r\n"
    for _ in range(depth):
        content = _MAIL + b"Content-Type: application/pkcs7-mime\r\n\r\n" + signed(zipped({"a.eml": content}))
    return content


def crowded_mail(count: int) -> bytes:
    part = b"--b\r\nContent-Type: application/pdf\r\n\r\nx\r\n"
    return _MAIL + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * count
