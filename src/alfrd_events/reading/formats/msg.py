"""Outlook messages (MSG): an OLE file whose streams are named by MAPI properties.

Only the properties that a person sees are read: sender, recipients, date, subject, text, attachments. Numbers
are those of Microsoft's [MS-OXMSG] and [MS-OXPROPS].
"""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta

import olefile

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import html, rtf
from alfrd_events.reading.formats.budget import Budget, Member
from alfrd_events.reading.formats.letter import EMPTY, MailContents, Unread, body_of, mailbox, page_of
from alfrd_events.reading.text import plain

SUBJECT, SENT = "0037", 0x00390040
SENDER_NAME, SENDER_ADDRESS, SENDER_SMTP = "0C1A", "0C1F", "5D01"
TO, CC = "0E04", "0E03"
BODY, BODY_HTML, BODY_RTF = "1000", "1013", "1009"
DATA, LONG_NAME, SHORT_NAME, DISPLAY_NAME = "3701", "3707", "3704", "3001"
MESSAGE_INSIDE = "__substg1.0_3701000D"
_HEADER_BYTES = 32
"""Bytes before the fixed-length properties of a message that is not inside another one."""
_DAMAGED = (OSError, ValueError, IndexError, KeyError, TypeError, struct.error, AttributeError, OverflowError)

Path = list[str]


def read(data: bytes, filename: str, budget: Budget) -> MailContents:
    """Give the message as one page of text, and its attachments; messages attached to it are read as text.

    :raise Unreadable: damaged, or too large unpacked.
    """
    try:
        with olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_INCORRECT) as file:
            return _Message(file, filename, budget).read([], 0)
    except _DAMAGED as error:
        raise Unreadable(f"{filename}: the Outlook message is damaged or truncated; save it again") from error


class _Message:
    def __init__(self, file: olefile.OleFileIO, filename: str, budget: Budget) -> None:
        self._file = file
        self._filename = filename
        self._budget = budget
        self._entries = file.listdir(streams=True, storages=True)

    def read(self, at: Path, depth: int) -> MailContents:
        if depth > 10:
            raise Unreadable(f"{self._filename}: messages are attached to one another too deep")
        address = self._text(at, SENDER_SMTP) or self._text(at, SENDER_ADDRESS)
        sender = self._text(at, SENDER_NAME)
        headers = {
            "From": mailbox(sender, address) if "@" in address else sender or address,
            "To": self._text(at, TO),
            "Cc": self._text(at, CC),
            "Date": self._sent(at),
            "Subject": self._text(at, SUBJECT),
        }
        body, unread = self._body(at)
        letter = MailContents([page_of(headers, body)], body, unread=unread)
        for storage in self._attachments(at):
            self._take_attachment(storage, letter, depth)
        return letter

    def _body(self, at: Path) -> tuple[str, list[Unread]]:
        shown = self._stream([*at, f"__substg1.0_{BODY_HTML}0102"])
        bodies = {
            "text/plain": self._text(at, BODY),
            "text/html": self._html(shown) if shown else html.of_markup(self._text(at, BODY_HTML)),
        }
        if any(bodies.values()) or not (packed := self._stream([*at, f"__substg1.0_{BODY_RTF}0102"])):
            return body_of(bodies), []
        text = rtf.text_of(packed, self._budget)
        return text, [] if text else [Unread("the text of the message", rtf.UNREAD)]

    def _take_attachment(self, storage: Path, letter: MailContents, depth: int) -> None:
        if [*storage, MESSAGE_INSIDE] in self._entries:
            inner = self.read([*storage, MESSAGE_INSIDE], depth + 1)
            letter.pages += inner.pages
            letter.body += inner.body
            letter.attached += inner.attached
            letter.unread += inner.unread
            return
        names = (self._text(storage, number) for number in (LONG_NAME, SHORT_NAME, DISPLAY_NAME))
        name = next(filter(None, names), "")[-200:] or f"attachment {len(letter.attached) + 1}"
        self._budget.take_members(1)
        if content := self._stream([*storage, f"__substg1.0_{DATA}0102"]):
            letter.attached.append(Member(name, content))
        else:
            letter.unread.append(Unread(name, EMPTY))

    def _attachments(self, at: Path) -> list[Path]:
        found = (
            entry
            for entry in self._entries
            if len(entry) == len(at) + 1
            and entry[: len(at)] == at
            and entry[-1].startswith("__attach_version1.0_")
        )
        return sorted(found)

    def _text(self, at: Path, prop: str) -> str:
        """A property of type Unicode, or of type 8-bit string in old messages."""
        if wide := self._stream([*at, f"__substg1.0_{prop}001F"]):
            return plain.clean(wide.decode("utf-16-le", "replace")).strip("\0 \n")
        if narrow := self._stream([*at, f"__substg1.0_{prop}001E"]):
            return plain.clean(narrow.decode("cp1252", "replace")).strip("\0 \n")
        return ""

    def _html(self, shown: bytes) -> str:
        try:
            return html.text_of(shown)
        except plain.NotText:
            return ""

    def _stream(self, at: Path) -> bytes:
        if at not in self._entries or self._file.get_type(at) != olefile.STGTY_STREAM:
            return b""
        if self._file.get_size(at) > self._budget.bytes_left:
            raise self._budget.too_large()
        with self._file.openstream(at) as stream:
            content: bytes = stream.read()
        self._budget.take_bytes(len(content))
        return content

    def _sent(self, at: Path) -> str:
        """The date from the table of fixed-length properties: records of 16 bytes, the value in the last 8."""
        table = self._stream([*at, "__properties_version1.0"])
        head = _HEADER_BYTES if not at else _HEADER_BYTES - 8
        for start in range(head, len(table) - 15, 16):
            tag, _, ticks = struct.unpack_from("<IIQ", table, start)
            if tag == SENT:
                moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
                return moment.strftime("%Y-%m-%d %H:%M UTC")
        return ""
