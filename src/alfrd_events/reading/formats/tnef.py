"""What Outlook mails to those who have another program: ``winmail.dat``, the Transport Neutral Encapsulation Format.

A message in Outlook's own form, with its text and its attachments: objects one after another, some of which are lists
of MAPI properties. Microsoft's [MS-OXTNEF] names the numbers. Every length is checked against what is there, and
nothing is copied but what is kept.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import html, rtf
from alfrd_events.reading.formats.budget import Budget, Member
from alfrd_events.reading.formats.letter import (
    EMPTY,
    MailContents,
    Unread,
    body_of,
    is_decoration,
    mailbox,
    page_of,
)
from alfrd_events.reading.text import plain

MAX_PROPERTIES = 20_000
_MESSAGE, _ATTACHMENT = 1, 2
_FROM, _SUBJECT, _DATE_SENT, _BODY = 0x8000, 0x8004, 0x8005, 0x800C
_ATTACH_DATA, _ATTACH_TITLE, _ATTACH_BEGINS, _ATTACH_PROPERTIES = 0x800F, 0x8010, 0x9002, 0x9005
_PROPERTIES, _CODE_PAGE = 0x9003, 0x9007

_P_SUBJECT, _P_SENT, _P_SENDER, _P_SENDER_ADDRESS, _P_SENDER_SMTP = 0x0037, 0x0039, 0x0C1A, 0x0C1F, 0x5D01
_P_TO, _P_CC, _P_BODY, _P_RTF, _P_HTML, _P_CODE_PAGE = 0x0E04, 0x0E03, 0x1000, 0x1009, 0x1013, 0x3FDE
_P_DATA, _P_NAME, _P_SHORT_NAME, _P_LONG_NAME, _P_CONTENT_ID = 0x3701, 0x3001, 0x3704, 0x3707, 0x3712
_FIXED = {1: 0, 2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes that a value of a type takes, its filling included."""
_FIXED_IN_LIST = _FIXED | {2: 2, 0x0B: 2}
_OBJECT, _NARROW, _WIDE, _BYTES = 0x0D, 0x1E, 0x1F, 0x102
_VARIABLE = {_OBJECT, _NARROW, _WIDE, _BYTES}
_LIST, _NAMED = 0x1000, 0x8000
_CODE_PAGES = {
    65001: "utf-8",
    20127: "ascii",
    28591: "latin-1",
    1200: "utf-16-le",
    20866: "koi8-r",
    51949: "euc-kr",
}
_OBJECT_ID_BYTES = 16
"""Before the bytes of an object that is attached, such as another message."""

Properties = dict[int, tuple[int, memoryview]]
"""A property's number to its type and its bytes."""


class _Damaged(Exception):
    """Lengths that lead out of the file, or types that do not exist."""


@dataclass(slots=True)
class _Attachment:
    name: str = ""
    data: bytes = b""
    content_id: str = ""


@dataclass(slots=True)
class _Message:
    code_page: str = "cp1252"
    headers: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    markup: str = ""
    attachments: list[_Attachment] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


def read(data: bytes, filename: str, budget: Budget) -> MailContents:
    """Take the message apart.

    :raise Unreadable: damaged, or too large unpacked.
    """
    try:
        return _letter(_message(memoryview(data), budget), budget)
    except (_Damaged, struct.error, ValueError, OverflowError):
        raise Unreadable(
            f"{filename}: what Outlook packed (winmail.dat) is damaged or truncated; have it sent again as PDF"
        ) from None


def _letter(message: _Message, budget: Budget) -> MailContents:
    body = body_of(message.bodies)
    headers = {name: message.headers.get(name, "") for name in ("From", "To", "Cc", "Date", "Subject")}
    letter = MailContents([page_of(headers, body)], body, unread=message.unread)
    for number, attachment in enumerate(message.attachments, 1):
        name = attachment.name[-200:] or f"attachment {number}"
        budget.take_members(1)
        if not attachment.data:
            letter.unread.append(Unread(name, EMPTY))
        elif not is_decoration(attachment.data, attachment.content_id, message.markup):
            letter.attached.append(Member(name, attachment.data))
    return letter


def _message(data: memoryview, budget: Budget) -> _Message:
    message = _Message()
    for level, name, content in _objects(data):
        if level == _ATTACHMENT:
            _take_attachment(message, name, content, budget)
        elif name == _CODE_PAGE:
            message.code_page = _known(int.from_bytes(content[:4], "little"))
        elif name == _PROPERTIES:
            _take_properties(message, _properties(content), budget)
        else:
            _take_attribute(message, name, content)
    return message


def _objects(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Level, number and content of each object; checksums are not looked at, as Outlook does not."""
    at = 6
    while at + 9 <= len(data):
        level, name, _, size = struct.unpack_from("<BHHI", data, at)
        start = at + 9
        if level not in (_MESSAGE, _ATTACHMENT):
            if not any(data[at:]):  # zeros fill the last block
                return
            raise _Damaged
        if start + size > len(data):
            raise _Damaged
        yield level, name, data[start : start + size]
        at = start + size + 2


def _take_attribute(message: _Message, name: int, content: memoryview) -> None:
    if name == _SUBJECT:
        message.headers.setdefault("Subject", _narrow(content, message.code_page))
    elif name == _BODY:
        message.bodies.setdefault("text/plain", _narrow(content, message.code_page))
    elif name == _DATE_SENT and len(content) >= 12:
        year, month, day, hour, minute = struct.unpack_from("<5H", content)
        message.headers.setdefault(
            "Date", f"{datetime(year, month, day, hour, minute, tzinfo=UTC):%Y-%m-%d %H:%M}"
        )
    elif name == _FROM and len(content) >= 8:
        _, _, name_size, address_size = struct.unpack_from("<4H", content)
        sender = _narrow(content[8 : 8 + name_size], message.code_page)
        address = _narrow(content[8 + name_size :][:address_size], message.code_page)
        message.headers.setdefault("From", _sender(sender, address.rpartition(":")[2]))


def _take_properties(message: _Message, found: Properties, budget: Budget) -> None:
    def text(*numbers: int) -> str:
        return _text(found, message.code_page, *numbers)

    sender = _sender(text(_P_SENDER), text(_P_SENDER_SMTP, _P_SENDER_ADDRESS))
    said = {
        "From": sender,
        "To": text(_P_TO),
        "Cc": text(_P_CC),
        "Subject": text(_P_SUBJECT),
        "Date": _sent(found),
    }
    message.headers.update({name: value for name, value in said.items() if value})
    if _P_HTML in found:
        kind, raw = found[_P_HTML]
        charset = _known(_number(found, _P_CODE_PAGE)) if kind != _WIDE else "utf-16-le"
        message.markup = bytes(raw).decode(charset, "replace")
        message.bodies["text/html"] = html.of_markup(message.markup)
    if body := text(_P_BODY):
        message.bodies["text/plain"] = body
    elif _P_RTF in found and not message.bodies:
        if body := rtf.text_of(bytes(found[_P_RTF][1]), budget):
            message.bodies["text/plain"] = body
        else:
            message.unread.append(Unread("the text of the message", rtf.UNREAD))


def _take_attachment(message: _Message, name: int, content: memoryview, budget: Budget) -> None:
    if name == _ATTACH_BEGINS:
        message.attachments.append(_Attachment())
        return
    if not message.attachments:
        raise _Damaged
    attachment = message.attachments[-1]
    if name == _ATTACH_TITLE:
        attachment.name = attachment.name or _narrow(content, message.code_page)
    elif name == _ATTACH_DATA:
        attachment.data = bytes(content)
        budget.take_bytes(len(content))
    elif name == _ATTACH_PROPERTIES:
        found = _properties(content)
        attachment.name = (
            _text(found, message.code_page, _P_LONG_NAME, _P_SHORT_NAME, _P_NAME) or attachment.name
        )
        attachment.content_id = _text(found, message.code_page, _P_CONTENT_ID)
        if _P_DATA in found and not attachment.data:
            kind, raw = found[_P_DATA]
            attachment.data = bytes(raw[_OBJECT_ID_BYTES:] if kind == _OBJECT else raw)
            budget.take_bytes(len(attachment.data))


def _properties(data: memoryview) -> Properties:
    """A list of MAPI properties; of several values of one property the first is kept."""
    found: Properties = {}
    (count,) = struct.unpack_from("<I", data)
    if count > MAX_PROPERTIES:
        raise _Damaged
    at = 4
    for _ in range(count):
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number >= _NAMED:
            at = _after_name(data, at)
        values, at = _values(data, at, kind)
        if values and number < _NAMED:
            found.setdefault(number, (kind & ~_LIST, values[0]))
    return found


def _after_name(data: memoryview, at: int) -> int:
    """Skip the name of a property that is no number: a set, and a number or a word in it."""
    (is_word, size) = struct.unpack_from("<II", data, at + 16)
    return at + 24 + (_filled(size) if is_word else 0)


def _values(data: memoryview, at: int, kind: int) -> tuple[list[memoryview], int]:
    is_list = bool(kind & _LIST)
    kind &= ~_LIST
    count = 1
    if is_list or kind in _VARIABLE:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    values: list[memoryview] = []
    for _ in range(count):
        if kind in _VARIABLE:
            (size,) = struct.unpack_from("<I", data, at)
            at += 4
            step = _filled(size)
        elif kind in _FIXED:
            size = step = (_FIXED_IN_LIST if is_list else _FIXED)[kind]
        else:
            raise _Damaged
        if at + size > len(data) or (not step and count > MAX_PROPERTIES):
            raise _Damaged
        if not values:
            values.append(data[at : at + size])
        at += step
    return values, _filled(at) if is_list else at


def _filled(size: int) -> int:
    """Values end where a word of four bytes does."""
    return -(-size // 4) * 4


def _text(found: Properties, code_page: str, *numbers: int) -> str:
    for number in numbers:
        kind, raw = found.get(number, (0, memoryview(b"")))
        if kind == _WIDE:
            text = plain.clean(bytes(raw).decode("utf-16-le", "replace")).strip("\0 \n")
        else:
            text = _narrow(raw, code_page) if kind == _NARROW else ""
        if text:
            return text
    return ""


def _number(found: Properties, number: int) -> int:
    kind, raw = found.get(number, (0, memoryview(b"")))
    return int.from_bytes(raw, "little") if kind == 3 else 0


def _sent(found: Properties) -> str:
    kind, raw = found.get(_P_SENT, (0, memoryview(b"")))
    if kind != 0x40:
        return ""
    ticks = int.from_bytes(raw, "little")
    return f"{datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10):%Y-%m-%d %H:%M} UTC"


def _sender(name: str, address: str) -> str:
    return mailbox(name, address if "@" in address else "") or address


def _narrow(content: memoryview, code_page: str) -> str:
    return plain.clean(bytes(content).decode(code_page, "replace")).strip("\0 \n")


def _known(code_page: int) -> str:
    """A Windows code page by its number, as Python names it."""
    name = _CODE_PAGES.get(code_page, f"cp{code_page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
