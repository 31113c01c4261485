"""E-mail messages (EML): who wrote what to whom and when, then what is attached, in the message's order."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email import policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value

from alfrd_events.errors import Unreadable
from alfrd_events.providers.readers import html, plain
from alfrd_events.providers.readers.budget import Budget, Member

HEADERS = ("From", "To", "Cc", "Date", "Subject")
DECORATION_BYTES = 20_000
"""A picture inside the text with fewer is a logo or a tracking pixel, and not a scan that was pasted."""
MAX_MIME_DEPTH = 100
_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}


def read(data: bytes, filename: str, budget: Budget) -> tuple[list[str], list[Member]]:
    """Give the message as one page of text, and its attachments.

    :raise Unreadable: nested beyond all measure, or too large unpacked.
    """
    try:
        message = email.message_from_bytes(data, policy=policy.compat32)
        parts = list(_leaves(message, filename, 0))
    except RecursionError:
        raise _too_deep(filename) from None
    bodies: dict[str, str] = {}
    attached: list[Member] = []
    markup = ""
    for part in parts:
        kind = part.get_content_type()
        name = _name(part)
        if kind in _SIGNATURES:
            continue
        content = _content(part, budget)
        if (
            not name
            and kind in {"text/plain", "text/html"}
            and part.get_content_disposition() != "attachment"
        ):
            text = _text(content, part, kind)
            markup += content.decode("latin-1") if kind == "text/html" else ""
            bodies[kind] = f"{bodies[kind]}\n\n{text}" if kind in bodies else text
        elif content and not _is_decoration(part, content, markup):
            budget.take_members(1)
            attached.append(Member(name or f"attachment {len(attached) + 1}", content))
    return [page_of({name: _header(message, name) for name in HEADERS}, body_of(bodies))], attached


def page_of(headers: dict[str, str], body: str) -> str:
    """A message as one page: headers that are there, an empty line, the body."""
    head = "\n".join(f"{name}: {value}" for name, value in headers.items() if value)
    return plain.clean(f"{head}\n\n{body}").strip()


def body_of(bodies: dict[str, str]) -> str:
    """The plain text, unless it only says that there is HTML to look at."""
    text, shown = bodies.get("text/plain", "").strip(), bodies.get("text/html", "").strip()
    return shown if 4 * len(text) < len(shown) else text


def _leaves(part: Message, filename: str, depth: int) -> Iterator[Message]:
    """The parts that hold something; a message that was forwarded as a whole is one of them."""
    if depth > MAX_MIME_DEPTH:
        raise _too_deep(filename)
    if part.get_content_type() == "message/rfc822" or not part.is_multipart():
        yield part
        return
    for child in part.get_payload():
        if isinstance(child, Message):
            yield from _leaves(child, filename, depth + 1)


def _too_deep(filename: str) -> Unreadable:
    return Unreadable(
        f"{filename}: the message's parts are inside one another too deep; send what is attached"
    )


def _content(part: Message, budget: Budget) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        first = inner[0] if isinstance(inner, list) and inner else None
        content = first.as_bytes() if isinstance(first, Message) else b""
    else:
        decoded = part.get_payload(decode=True)
        content = decoded if isinstance(decoded, bytes) else b""
    budget.take_bytes(len(content))
    return content


def _text(content: bytes, part: Message, kind: str) -> str:
    charset = str(part.get_content_charset() or "")
    try:
        if kind == "text/html":
            return html.text_of(content, charset)
        return plain.clean(_decoded(content, charset))
    except plain.NotText:
        return ""


def _decoded(content: bytes, charset: str) -> str:
    if charset and charset != "us-ascii":
        try:
            return content.decode(charset, errors="replace")
        except (LookupError, ValueError):  # no such encoding, or a name that none could have
            pass
    return plain.decode(content)


def _is_decoration(part: Message, content: bytes, markup: str) -> bool:
    """Whether it is a small picture that the text shows: the sender's logo, no document."""
    if part.get_content_maintype() != "image" or len(content) >= DECORATION_BYTES:
        return False
    content_id = str(part.get("Content-ID", "")).strip("<> \r\n\t")
    return bool(content_id) and f"cid:{content_id}" in markup


def _name(part: Message) -> str:
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        value = part.get_param(parameter, header=header)
        if value:
            return _unfolded(_decoded_words(collapse_rfc2231_value(value)))[-200:]
    return ""


def _header(message: Message, name: str) -> str:
    values = (str(value) for key, value in message.raw_items() if key.lower() == name.lower())
    return _unfolded(_decoded_words(next(values, "")))[:2_000]


def _decoded_words(value: str) -> str:
    """Undo ``=?utf-8?q?…?=``. Raw bytes, which no header may have, are UTF-8 as a rule."""
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        return "".join(
            piece if isinstance(piece, str) else piece.decode(charset or "ascii", "replace")
            for piece, charset in decode_header(value)
        )
    except (LookupError, ValueError, MessageError):
        return value


def _unfolded(value: str) -> str:
    return plain.clean(re.sub(r"\s+", " ", value)).strip()
