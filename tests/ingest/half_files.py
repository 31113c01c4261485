"""Small whole files of each format, made here, for tests that cut them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from email.message import EmailMessage

from PIL import Image


def _image(kind: str, **options: object) -> bytes:
    picture = Image.effect_noise((64, 48), 90).convert("RGB")
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _pages() -> bytes:
    first, second = (Image.effect_noise((64, 48), 90) for _ in range(2))
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=[second])
    return out.getvalue()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("bill.txt", "Total due: 45.00 EUR\n" * 20)
    return out.getvalue()


def _mail() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "bill"
    message.set_content("see the file\n")
    message.add_attachment(
        b"%PDF-" + bytes(range(256)) * 4, maintype="application", subtype="pdf", filename="b.pdf"
    )
    return message.as_bytes()


def pdf(text: str = "bill") -> bytes:
    """A PDF with nothing but a comment on its page."""
    body = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    body += b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n% " + text.encode() * 40 + b"\n"
    return body + b"trailer<</Root 1 0 R/Size 4>>\nstartxref\n0\n%%EOF\n"


WHOLE: dict[str, Callable[[], bytes]] = {
    "pdf": pdf,
    "png": lambda: _image("PNG"),
    "jpeg": lambda: _image("JPEG"),
    "gif": lambda: _image("GIF"),
    "bmp": lambda: _image("BMP"),
    "webp": lambda: _image("WEBP"),
    "tiff": lambda: _image("TIFF"),
    "tiff-lzw": lambda: _image("TIFF", compression="tiff_lzw"),
    "tiff-pages": _pages,
    "zip": _zip,
    "mail": _mail,
    "html": lambda: b"<!doctype html>\n<html><body>" + b"<p>Total</p>" * 20 + b"</body></html>\n",
    "xml": lambda: b"<?xml version='1.0'?>\n<rsm:Invoice>" + b"<a>1</a>" * 20 + b"</rsm:Invoice>\n",
}
"""A file of each format that tells of its end."""
