"""Where a mail begins and ends in the bytes of a file, and where one mail of a mailbox ends.

Programs that keep mails write things around them: a byte order mark, blank lines, a banner or a line of a log, the
line ``From …`` of a mailbox, a length before and a property list after (Apple's EMLX), zeros up to the end of a
block; or they write the lines with other ends. What is left is a message from its first header on.

A file is a mail by its headers, and not by a few words: a note that begins with "Subject:" is a note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from alfrd_events.reading.text import plain

HEAD_BYTES = 256 * 1024
"""The usual headers come within so many: each station on the way puts its own before them."""
MAX_PREFACE_BYTES = 2_000
MAX_PREFACE_LINES = 8
"""More text than that before the headers is a letter that quotes a mail, and is read as it is."""
MAX_FIELD_BYTES = 2_000
"""Of one header field are looked at."""
_USUAL = {b"return-path", b"received", b"from", b"to", b"subject", b"date", b"message-id", b"mime-version"}
_USUAL |= {
    b"content-type",
    b"content-transfer-encoding",
    b"delivered-to",
    b"dkim-signature",
    b"reply-to",
    b"sender",
}
_TECHNICAL = {b"mime-version", b"message-id", b"received", b"return-path", b"delivered-to", b"dkim-signature"}
"""Headers that no person writes."""
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:[ \t]?(.*)")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_MEDIA_TYPE = re.compile(rb"[a-z]+/[a-z0-9.+-]+", re.I)
_BOUNDARY = re.compile(rb"boundary\s*=\s*\"?([^\";\r\n]{1,200})", re.I)
_SEPARATOR = re.compile(
    rb"(?:(?:\A|\n)From \S{1,200} {1,3}[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d[^\r\n]{0,40}"
    rb"|(?:\A|\n\r?\n)From [^\r\n]{0,200}\d:\d\d[^\r\n]{0,40})\r?\n(?=[!-9;-~]{1,200}:|>From )"
)
"""Between mails of a mailbox: a line with a time, as a rule after an empty line, and a header after it."""
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_LENGTH_LINE = re.compile(rb"\s*(\d{1,12})[ \t]*(?:\r\n|\n|\r)")
_PROPERTY_LIST = re.compile(rb"\s*<\?xml[^>]{0,200}>\s*<(?:!DOCTYPE )?plist")

Fields = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message as mail programs send it."""

    message: bytes
    """From its first header on."""
    preface: str = ""
    """Words that stood before the headers and belong to no known wrapping."""
    is_transcoded: bool = False
    """The file was in UTF-16: what the message says of its 8-bit texts is no longer so, they are UTF-8."""


def is_mail(content: bytes) -> bool:
    """Whether a file is a message, or a mailbox that begins with one."""
    head, _ = _bytes_of(content[:HEAD_BYTES])
    return _start(head) is not None


def is_part(content: bytes) -> bool:
    """Whether what was signed is a part of a message, which needs no header but the one that tells its type."""
    fields, _ = _header(content[:HEAD_BYTES], 0)
    return bool(_MEDIA_TYPE.match(fields.get(b"content-type", b"").strip()))


def open_mail(content: bytes) -> Envelope:
    """Take a message out of what is around it.

    :param content: of a file that is a mail by :func:`is_mail`, or a part of one that is known to be a message.
    """
    whole, is_transcoded = _bytes_of(content)
    whole = _without_length(whole)
    start = 0 if is_part(whole) else _start(whole[:HEAD_BYTES]) or 0
    return Envelope(whole[start:], _preface(whole[:start]), is_transcoded)


def messages(content: bytes) -> list[bytes]:
    """The mails of a mailbox (MBOX), in their order; one for any other mail."""
    head, _ = _bytes_of(content[:HEAD_BYTES])
    if not head.lstrip().startswith(b"From "):
        return [content]
    whole = _bytes_of(content)[0].lstrip()
    found = list(_SEPARATOR.finditer(whole))
    if len(found) < 2:
        return [content]
    ends = [match.start() for match in found[1:]] + [len(whole)]
    return [whole[match.end() : end] for match, end in zip(found, ends, strict=True)]


def _bytes_of(content: bytes) -> tuple[bytes, bool]:
    """The content in an encoding that a message may have, with line ends that every parser knows."""
    encoding, mark = plain.encoding_of(content)
    content = content[mark:]
    if encoding and encoding != "utf-8":
        content = content.decode(encoding, "replace").encode("utf-8", "replace")
    content = content.lstrip(b"\0")  # at the end they may belong to a part that is binary
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    elif b"\r\r\n" in content[:4096]:
        content = content.replace(b"\r\r\n", b"\r\n")
    return content, bool(encoding and encoding != "utf-8")


def _without_length(content: bytes) -> bytes:
    """An EMLX file's message: a line with its length comes before it, and a property list after it."""
    if not (length := _LENGTH_LINE.match(content)):
        return content
    end = length.end() + int(length[1])
    if _PROPERTY_LIST.match(content, end):
        return content[length.end() : end]
    last = content.rfind(b"<?xml")  # the length is wrong where line ends were changed on the way
    if last > 0 and _PROPERTY_LIST.match(content, last):
        return content[length.end() : last]
    return content


def _start(head: bytes) -> int | None:
    """Where the headers of a message begin; ``None``: it is none."""
    at = lines = 0
    while at < len(head) and at <= MAX_PREFACE_BYTES and lines <= MAX_PREFACE_LINES:
        fields, end = _header(head, at)
        if fields and _are_of_a_mail(fields, head[end:]):
            return at
        line = _line(head, at)
        if _BINARY.search(line[1]):
            return None
        lines += bool(line[1].strip())
        at = line.end()
    return None


def _header(head: bytes, at: int) -> tuple[Fields, int]:
    """The header fields that begin here, the first of each name, and where they end."""
    fields: Fields = {}
    name = b""
    while at < len(head):
        line = _line(head, at)
        if line[1][:1] in (b" ", b"\t") and name and line[1].strip():
            if len(fields[name]) < MAX_FIELD_BYTES:
                fields[name] += b" " + line[1].strip()
        elif field := _FIELD.fullmatch(line[1]):
            name = field[1].lower()
            if name in fields:
                name = b"(again)"
            fields[name] = field[2]
        else:
            break
        at = line.end()
    return fields, at


def _are_of_a_mail(fields: Fields, rest: bytes) -> bool:
    usual = fields.keys() & _USUAL
    if len(usual) >= 3 and usual & _TECHNICAL:
        return True
    if not _MEDIA_TYPE.match(fields.get(b"content-type", b"").strip()):
        return False
    boundary = _BOUNDARY.search(fields[b"content-type"])
    if boundary and b"--" + boundary[1].strip() in rest:
        return True
    return b"content-transfer-encoding" in fields or b"mime-version" in fields


def _line(head: bytes, at: int) -> re.Match[bytes]:
    line = _LINE.match(head, at)
    assert line is not None, "an empty line matches"
    return line


def _preface(before: bytes) -> str:
    lines = plain.clean(before.decode("utf-8", "replace")).splitlines()
    kept = (line.strip() for line in lines)
    return "\n".join(
        line for line in kept if line and not line.startswith(("From ", ">From ")) and not line.isdigit()
    )
