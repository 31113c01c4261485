"""Tell what a file is from its bytes. Names lie: a scan called ``.pdf`` is read as the PNG that it is."""

from __future__ import annotations

import re

from alfrd_events.errors import AlfrdError
from alfrd_events.reading.formats import cms, envelope
from alfrd_events.reading.text import plain

PDF = "application/pdf"
TEXT = "text/plain"
HTML = "text/html"
MAIL = "message/rfc822"
MAILBOX = "application/mbox"
SIGNED = "application/pkcs7-mime"
OUTLOOK_PACKED = "application/ms-tnef"
OUTLOOK_MAIL = "application/vnd.ms-outlook"
ZIP = "application/zip"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
E_INVOICE = "application/xml"

IMAGE_FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
    "image/gif": "GIF",
    "image/heif": "HEIF",
}
"""Media types of images and the one Pillow plugin that may open each; no other plugin is ever tried."""

READABLE = "PDF, PNG, JPEG, TIFF, WEBP, BMP, GIF, HEIC, DOCX, HTML, EML, MSG, ZIP, an e-invoice or plain text"

TNEF_SIGNATURE = b"\x78\x9f\x3e\x22"

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"8BPS", "a Photoshop image"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"AT&TFORM", "a DjVu document"),
    (b"OggS", "a sound or video file"),
    (b"ID3", "a sound file"),
    (b"fLaC", "a sound file"),
    (b"\x1aE\xdf\xa3", "a video file"),
    (b"SQLite format 3\x00", "a database"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript document"),
    (b"\x76\xe8\x04\x60\xc4\x11\xe3\x86", "a rights-protected mail (RPMSG)"),
    (b"!BDN", "an Outlook data file (PST)"),
)

_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"}
_PDF_OBJECT = re.compile(rb"(?<!\d)\d{1,10}\s\d{1,5}\sobj\b")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OUTLOOK = "__properties_version1.0".encode("utf-16-le")
_INVOICE_NAMESPACES = (
    b"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:",
    b"urn:ferd:CrossIndustryDocument:invoice:",
    b"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
    b"urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2",
)
_MARKUP = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(!doctype\s+)?(html|svg)\b", re.I | re.S
)


class Unsupported(AlfrdError):
    """The bytes are of a known kind that is not read here; its text names the kind, with an article."""


def media_type(content: bytes) -> str:
    """Name the type that a file's bytes show.

    :return: one of the image types above, PDF, or plain text for everything else: whether it is text is
        found out when it is decoded.
    :raise Unsupported: it is clearly something else, such as a program or a spreadsheet.
    """
    for magic, name in _MAGIC:
        if content.startswith(magic):
            return name
    if content.startswith(b"RIFF"):
        if content[8:12] == b"WEBP":
            return "image/webp"
        raise Unsupported("a sound or video file")
    if content.startswith(b"BM") and content[6:10] == b"\0\0\0\0":
        return "image/bmp"
    if content[4:8] == b"ftyp":
        return _iso_media(content)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_flavour(content)
    if content.startswith(_OLE):
        if _OUTLOOK in content:
            return OUTLOOK_MAIL
        raise Unsupported("an old Microsoft Office document")
    if content.startswith(TNEF_SIGNATURE):
        return OUTLOOK_PACKED
    if cms.is_cms(content):
        return SIGNED
    if envelope.is_mail(content):  # a PDF may be written into one near its start
        return MAILBOX if len(envelope.messages(content)) > 1 else MAIL
    if _is_pdf(content):  # after those that may hold one near their start
        return PDF
    _refuse_foreign(content)
    return _text_flavour(content)


def _is_pdf(content: bytes) -> bool:
    """Whether it is a PDF, with or without junk before it, and not a text that mentions one.

    Mail gateways and old scanners put bytes before the mark. A text that has the mark away from its start
    is a PDF only if it has a PDF's objects too.
    """
    if content.startswith(b"%PDF-"):
        return True
    if b"%PDF-" not in content[:1024]:
        return False
    return bool(_PDF_OBJECT.search(content)) or not _is_text(content)


def _is_text(content: bytes) -> bool:
    try:
        plain.decode(content)
    except plain.NotText:
        return False
    return True


def _iso_media(content: bytes) -> str:
    size = min(int.from_bytes(content[:4], "big"), 256)
    brands = {content[8:12], *(content[at : at + 4] for at in range(16, size, 4))}
    if brands & {b"avif", b"avis"}:
        raise Unsupported("an AVIF image")
    if brands & _HEIF_BRANDS:
        return "image/heif"
    raise Unsupported("a sound or video file")


def _refuse_foreign(content: bytes) -> None:
    for magic, name in _FOREIGN:
        if content.startswith(magic):
            raise Unsupported(name)
    if content[257:262] == b"ustar":
        raise Unsupported("a tar archive")


def _text_flavour(content: bytes) -> str:
    head = content[:4096]
    if markup := _MARKUP.match(head):
        if markup[2].lower() == b"svg":
            raise Unsupported("an SVG drawing")
        return HTML
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and any(
        name in head for name in _INVOICE_NAMESPACES
    ):
        return E_INVOICE
    return TEXT


def _zip_flavour(content: bytes) -> str:
    """Office documents are ZIP archives: the directory at the end tells, by the names of its files."""
    start = content.rfind(b"PK\x05\x06")
    names = content[_directory_start(content, start) :] if start >= 0 else content[:65536]
    if b"word/document.xml" in names and b"[Content_Types].xml" in names:
        return DOCX
    for mark, name in (
        (b"xl/workbook", "an Excel workbook (XLSX)"),
        (b"ppt/presentation", "a PowerPoint presentation (PPTX)"),
    ):
        if mark in names and b"[Content_Types].xml" in names:
            raise Unsupported(name)
    for mark, name in (
        (b"mimetypeapplication/vnd.oasis.opendocument", "an OpenDocument file"),
        (b"mimetypeapplication/epub", "an e-book (EPUB)"),
    ):
        if mark in content[:200]:
            raise Unsupported(name)
    return ZIP


def _directory_start(content: bytes, end_record: int) -> int:
    """Where an archive's directory begins, by its end record; the record itself where that cannot be."""
    size = int.from_bytes(content[end_record + 12 : end_record + 16], "little")
    return max(end_record - size, 0)
