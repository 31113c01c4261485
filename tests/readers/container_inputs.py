"""Mails, archives and Word documents made on the fly."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def zipped(files: Mapping[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def docx(body: str, **others: str | bytes) -> bytes:
    """A Word document with this body; others are further parts, dots and slashes written as ``__`` and ``_of_``."""
    files: dict[str, bytes | str] = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f"<?xml version='1.0'?><w:document {W}><w:body>{body}</w:body></w:document>",
    }
    for name, content in others.items():
        files["word/" + name.replace("__", ".").replace("_of_", "/")] = content
    return zipped(files)


def mail(body: str = "The bill is attached.", *, html: str = "", **attachments: bytes) -> bytes:
    message = EmailMessage()
    message["From"] = "Bäckerei Müller <kasse@mueller.example>"
    message["To"] = "Ana Home <ana@home.example>"
    message["Date"] = "Thu, 05 Mar 2026 09:30:00 +0100"
    message["Subject"] = "Rechnung 4471 – März"
    message["Message-ID"] = "<4471@mueller.example>"
    message.set_content(body)
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in attachments.items():
        message.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=name.replace("__", ".")
        )
    return message.as_bytes()
