"""A mail as documents: each attachment is one; a message without attachments is one itself, as ``.eml``.

The mail is taken apart by the code that reads mails: signatures and logos in the text are no attachments, and what
Outlook has packed is unpacked.
"""

from __future__ import annotations

import email
import hashlib
import re
from dataclasses import dataclass
from email import policy
from typing import NoReturn

from alfrd_events.db.documents import NewDocument, NewPart
from alfrd_events.errors import Unreadable
from alfrd_events.filenames import is_leftover, printable
from alfrd_events.ingest.files import NotSubmitted
from alfrd_events.reading.formats import mail
from alfrd_events.reading.formats.budget import Budget
from alfrd_events.sandbox.limits import ReaderLimits

_NAME_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, taken apart."""

    name: str
    """Its subject, as a file is named."""
    digest: str
    documents: tuple[NewDocument, ...]
    has_attachments: bool


def letter(
    content: bytes, *, mailbox: str, max_bytes: int, tags: tuple[str, ...] = (), whole: bool = False
) -> Letter:
    """Take a message apart.

    :param whole: make one document of the message with all that is attached.
    :raise NotSubmitted: an attachment is too large.
    """
    message = email.message_from_bytes(content, policy=policy.compat32)
    headers = {name: mail.header(message, name) for name in ("From", "Subject", "Date", "Message-ID")}
    name = _file_name(headers["Subject"])
    metadata = {
        "mail": {
            "mailbox": mailbox,
            **{key.lower().replace("-", "_"): value for key, value in headers.items()},
        }
    }
    attached = _attachments(content, name, max_bytes)
    parts = [NewPart(name, content)] if whole or not attached else attached
    for part in parts:
        if len(part.content) > max_bytes:
            raise NotSubmitted(
                f"{part.filename}: {len(part.content):,} bytes is too large; the limit is {max_bytes:,} "
                "(ALFRD_MAX_FILE_BYTES)"
            )
    documents = tuple(NewDocument(part.filename, (part,), tags, metadata) for part in parts)
    return Letter(name, hashlib.sha256(content).hexdigest(), documents, bool(attached))


def _attachments(content: bytes, name: str, max_bytes: int) -> list[NewPart]:
    """What is attached; nothing where the message cannot be taken apart: it then fails as a whole, with the reason."""
    try:
        contents = mail.read(content, name, Budget(name, ReaderLimits(max_bytes=max_bytes), _not_here))
    except Unreadable:
        return []
    members = [(printable(member.name.replace("/", "_")), member.data) for member in contents.attached]
    return [NewPart(name, data) for name, data in members if not is_leftover(name)]


def _not_here(_data: bytes, filename: str, _budget: Budget) -> NoReturn:
    raise AssertionError(f"{filename}: attachments are opened by workers")


def _file_name(subject: str) -> str:
    cut = re.sub(r"\s+", " ", printable(subject.replace("/", "_"))).strip(". ")[:_NAME_CHARACTERS].rstrip()
    return f"{cut or 'mail'}.eml"
