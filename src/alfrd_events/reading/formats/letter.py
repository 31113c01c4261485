"""What every kind of mail is taken apart into: pages of text, what is attached, and what could not be read.

How a message becomes a page is said here once, for mails, Outlook messages and what Outlook mails to others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from alfrd_events.reading.formats.budget import Member
from alfrd_events.reading.text import plain

STAND_IN_CHARACTERS = 400
"""A longer text says something of its own."""
DECORATION_BYTES = 20_000
"""A picture inside the text with fewer is a logo or a tracking pixel, and not a scan that was pasted."""
KEY_ADVICE = (
    "open it in your mail program, which has the key; save there what is attached, or print the mail to a PDF, and "
    "send that"
)
EMPTY = "an empty file"
_POINTS_TO_ATTACHMENT = re.compile(
    r"attach|enclos|anhang|anlage|angehängt|beigefügt|beiliegend|anbei|ci-?joint|pi[eè]ces?\s+jointe|bijlage|bijgevoegd"
    r"|allegat|in\s+allegato|adjunt|anex|winmail\.dat|smime\.p7m|encrypted|verschlüsselt",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"\d[.,]\d\d(?!\d)|[€$£¥]\s?\d|\d\s?[€$£¥]|\b(?:EUR|USD|GBP|CHF)\s?\d")
_NEEDS_QUOTES = re.compile(r"[,;<>\"@]")


@dataclass(frozen=True, slots=True)
class Unread:
    """Something of a mail that is named in its text and not read."""

    name: str
    kind: str = ""
    """What it is, with an article; empty where that is unknown."""
    advice: str = ""
    """What to do about it; empty: send it in another format."""

    def __str__(self) -> str:
        return f"Attachment not read: {self.name}" + (f" ({self.kind})" if self.kind else "")


@dataclass(slots=True)
class MailContents:
    """A message that was taken apart."""

    pages: list[str]
    """The message, and the messages inside it that came with it in one piece."""
    body: str
    """What its writer wrote, without headers."""
    attached: list[Member] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    @property
    def is_stand_in(self) -> bool:
        """Whether the text only points to what is attached, and says nothing itself."""
        if len(self.body) > STAND_IN_CHARACTERS or _AMOUNT.search(self.body):
            return False
        return not re.search(r"\d", self.body) or bool(_POINTS_TO_ATTACHMENT.search(self.body))


def page_of(headers: dict[str, str], body: str) -> str:
    """A message as one page: headers that are there, an empty line, the body."""
    head = "\n".join(f"{name}: {value}" for name, value in headers.items() if value)
    return plain.clean(f"{head}\n\n{body}").strip()


def body_of(bodies: dict[str, str]) -> str:
    """The plain text, unless it only says that there is HTML to look at."""
    text, shown = bodies.get("text/plain", "").strip(), bodies.get("text/html", "").strip()
    return shown if 4 * len(text) < len(shown) else text


def is_decoration(data: bytes, content_id: str, markup: str) -> bool:
    """Whether it is a small picture that the message's HTML shows: the sender's logo, no document."""
    return bool(content_id) and len(data) < DECORATION_BYTES and f"cid:{content_id}" in markup


def mailbox(name: str, address: str) -> str:
    """Write a person's name and address so that each can be told from the other: ``Ana Home <ana@home.example>``.

    Quotes are kept only around a name that could be read as two.
    """
    name = re.sub(r"\s+", " ", name).strip().strip("\"'").strip()
    if not name or name.casefold() == address.casefold():
        return address
    if not address:
        return name
    if _NEEDS_QUOTES.search(name):
        name = '"' + name.replace('"', "'") + '"'
    return f"{name} <{address}>"
