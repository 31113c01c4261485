"""E-mail messages (EML): who wrote what to whom and when, then what is attached, in the message's order.

What is signed (S/MIME) or packed by Outlook (``winmail.dat``) is read as if it stood in the message itself. What is
encrypted, empty or damaged is named.
"""

from __future__ import annotations

import email
import re
from email import policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import cms, envelope, html, inline, tnef
from alfrd_events.reading.formats.budget import Budget, Member
from alfrd_events.reading.formats.content import TNEF_SIGNATURE
from alfrd_events.reading.formats.letter import (
    EMPTY,
    KEY_ADVICE,
    MailContents,
    Unread,
    body_of,
    is_decoration,
    mailbox,
    page_of,
)
from alfrd_events.reading.text import plain

HEADERS = ("From", "To", "Cc", "Date", "Subject")
_WITH_ADDRESSES = {"From", "To", "Cc"}
MAX_MIME_DEPTH = 100
MAX_ADDRESSES = 50
"""Of one header; a mail to more is a newsletter."""
_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
_AS_WRITTEN = {"", "7bit", "8bit", "binary"}
"""Transfer encodings that leave a part's bytes as they are."""
_UNDECODED = {False: _AS_WRITTEN, True: _AS_WRITTEN | {"base64"}}
"""What the library leaves as it is: of a message inside, which may not be in base64 and is, that too."""


def read(data: bytes, filename: str, budget: Budget) -> MailContents:
    """Give the message as one page of text, and its attachments.

    :raise Unreadable: nested beyond all measure, damaged, or too large unpacked.
    """
    opened = envelope.open_mail(data)
    reader = _Reader(filename, budget, is_transcoded=opened.is_transcoded)
    try:
        message = email.message_from_bytes(opened.message, policy=policy.compat32)
        reader.walk(message, 0)
    except RecursionError:
        raise reader.too_deep() from None
    return reader.letter({name: header(message, name) for name in HEADERS}, opened.preface)


class _Reader:
    """Collects what the parts of one message hold."""

    def __init__(self, filename: str, budget: Budget, *, is_transcoded: bool) -> None:
        self._filename = filename
        self._budget = budget
        self._is_transcoded = is_transcoded
        self._bodies: dict[str, str] = {}
        self._markup = ""
        self._attached: list[Member] = []
        self._unread: list[Unread] = []

    def letter(self, headers: dict[str, str], preface: str) -> MailContents:
        body = body_of(self._bodies)
        shown = f"{preface}\n\n{body}" if preface else body
        return MailContents([page_of(headers, shown)], body, self._attached, self._unread)

    def walk(self, part: Message, depth: int) -> None:
        """Take every part that holds something; a message that was forwarded as a whole is one of them."""
        if depth > MAX_MIME_DEPTH:
            raise self.too_deep()
        kind = part.get_content_type()
        if kind == "multipart/encrypted":
            self._unread.append(
                Unread(_name(part) or "the message", "an encrypted mail (PGP/MIME)", KEY_ADVICE)
            )
        elif kind == "message/rfc822" or not part.is_multipart():
            self._take(part, depth)
        else:
            for child in part.get_payload():
                if isinstance(child, Message):
                    self.walk(child, depth + 1)

    def too_deep(self) -> Unreadable:
        return Unreadable(
            f"{self._filename}: the message's parts are inside one another too deep; send what is attached"
        )

    def _take(self, part: Message, depth: int) -> None:
        kind, name = part.get_content_type(), _name(part)
        if kind in _SIGNATURES:
            return
        content = self._content(part)
        is_attached = name or part.get_content_disposition() == "attachment"
        if kind in {"text/plain", "text/html"} and not is_attached:
            self._take_text(content, part, kind)
        elif not content:
            self._leave_out(Unread(name or kind, EMPTY))
        elif cms.is_cms(content):
            self._take_signed(content, name, depth)
        elif content.startswith(TNEF_SIGNATURE):
            self._take_outlook(content, name)
        elif not (
            part.get_content_maintype() == "image" and is_decoration(content, _content_id(part), self._markup)
        ):
            self._attach(name, content)

    def _take_text(self, content: bytes, part: Message, kind: str) -> None:
        try:
            text = self._text(content, part, kind)
        except plain.NotText:
            self._leave_out(Unread(f"a text ({kind})", "damaged, or no text"))
            return
        if kind == "text/html":
            self._markup += content.decode("latin-1")
        else:
            found = inline.take_out(text)
            text = found.text
            for name, data in found.files:
                self._budget.take_bytes(len(data))
                self._attach(name, data)
            if found.is_encrypted:
                self._leave_out(Unread("the message", "an encrypted mail (PGP)", KEY_ADVICE))
        self._add_body(kind, text)

    def _take_signed(self, content: bytes, name: str, depth: int) -> None:
        """Read what is signed in the place of its signature: a message's parts, or a file."""
        try:
            inner = cms.content_of(content)
        except cms.Detached:
            return
        except cms.Encrypted as kind:
            self._leave_out(Unread(name or "the message", str(kind), KEY_ADVICE))
            return
        except cms.Opaque as kind:
            self._leave_out(Unread(name or "the message", str(kind)))
            return
        except cms.Damaged:
            raise Unreadable(
                f"{self._filename}: the signed part {name or 'of the mail'} is damaged or truncated; "
                "have the mail sent again"
            ) from None
        self._budget.take_bytes(len(inner))
        if envelope.is_mail(inner) or envelope.is_part(inner):
            self.walk(email.message_from_bytes(inner, policy=policy.compat32), depth + 1)
        elif inner:
            self._attach(re.sub(r"(?i)(\.p7m)+$", "", name), inner)

    def _take_outlook(self, content: bytes, name: str) -> None:
        letter = tnef.read(content, f"{self._filename} › {name}", self._budget)
        if "".join(letter.body.split()) not in "".join(body_of(self._bodies).split()):
            self._add_body("text/plain", letter.body)
        self._attached += letter.attached
        self._unread += letter.unread

    def _add_body(self, kind: str, text: str) -> None:
        self._bodies[kind] = f"{self._bodies[kind]}\n\n{text}" if kind in self._bodies else text

    def _attach(self, name: str, content: bytes) -> None:
        self._budget.take_members(1)
        self._attached.append(Member(name or f"attachment {len(self._attached) + 1}", content))

    def _leave_out(self, unread: Unread) -> None:
        self._budget.take_members(1)
        self._unread.append(unread)

    def _content(self, part: Message) -> bytes:
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            first = inner[0] if isinstance(inner, list) and inner else None
            content = first.as_bytes() if isinstance(first, Message) else b""
        else:
            decoded = part.get_payload(decode=True)
            content = decoded if isinstance(decoded, bytes) else b""
        if (
            part.get_content_maintype() != "text"
            and _transfer_encoding(part) in _UNDECODED[part.is_multipart()]
        ):
            content = plain.base64_of(content) or content  # a mailer that forgot to say so
        self._budget.take_bytes(len(content))
        return content

    def _text(self, content: bytes, part: Message, kind: str) -> str:
        charset = str(part.get_content_charset() or "")
        if self._is_transcoded and _transfer_encoding(part) in _AS_WRITTEN:
            charset = "utf-8"
        if kind == "text/html":
            return html.text_of(content, charset)
        return plain.without_base64(plain.clean(_decoded(content, charset)))


def _decoded(content: bytes, charset: str) -> str:
    if charset and charset != "us-ascii":
        try:
            return content.decode(charset, errors="replace")
        except (LookupError, ValueError):  # no such encoding, or a name that none could have
            pass
    return plain.decode(content)


def _transfer_encoding(part: Message) -> str:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower()


def _content_id(part: Message) -> str:
    return str(part.get("Content-ID", "")).strip("<> \r\n\t")


def _name(part: Message) -> str:
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        value = part.get_param(parameter, header=header)
        if value:
            return _unfolded(_decoded_words(collapse_rfc2231_value(value)))[-200:]
    return ""


def header(message: Message, name: str) -> str:
    """A header as text of one line, shortened; empty where there is none."""
    values = (str(value) for key, value in message.raw_items() if key.lower() == name.lower())
    value = next(values, "")
    if name in _WITH_ADDRESSES and (shown := _mailboxes(value)):
        return shown
    return _unfolded(_decoded_words(value))[:2_000]


def _mailboxes(value: str) -> str:
    """Names and addresses, told apart before encoded words are undone: these may hold a comma or a bracket."""
    found = getaddresses([re.sub(r"\s+", " ", value)[:10_000]])
    shown = [mailbox(_unfolded(_decoded_words(name)), _unfolded(address)) for name, address in found]
    if not all("@" in address for _, address in found):  # a group, or no address at all
        return ""
    return ", ".join(shown[:MAX_ADDRESSES])[:2_000]


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
