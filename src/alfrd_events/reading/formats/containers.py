"""Files that hold files, and files that are converted to text: mails, archives, Word documents, web pages.

Every member is a source of its own, and their pages follow one another as if they stood in one file. All
members are opened once to count their pages and then one at a time, so that a hundred photos cost the
memory of one. An attachment of a mail that is no document at all (a calendar's alarm, a spreadsheet) is named
in the mail's text; any other member that cannot be read refuses the whole, since nothing is read in half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import cms, content, envelope, html
from alfrd_events.reading.formats.budget import INSIDE, Budget, Member
from alfrd_events.reading.formats.letter import KEY_ADVICE, MailContents, Unread
from alfrd_events.reading.formats.source import PageImage, Pixels, ReadPage, Source, UnsupportedType
from alfrd_events.reading.text import plain

Opener = Callable[[], Source]


class NothingRead(UnsupportedType):
    """A mail that only points to what is attached to it, and nothing of that can be read."""

    def __init__(self, filename: str, unread: Unread) -> None:
        kind = unread.kind or "a file of an unknown type"
        if unread.advice:
            super().__init__(filename, kind, unread.advice)
        else:
            super().__init__(
                filename, f"a mail that says nothing but what it brings, and {unread.name} is {kind}"
            )


def open_converted(media_type: str, data: bytes, filename: str, budget: Budget) -> Source:
    """Open a file of one of the types of this module.

    :raise Unreadable: it, or one of its members, is refused.
    """
    with budget.inside(filename):
        if media_type == content.HTML:
            return ReadyPages.of_text(media_type, [_html(data, filename)])
        if media_type == content.E_INVOICE:
            return ReadyPages(media_type, [_e_invoice(data, filename)])
        if media_type == content.DOCX:
            from alfrd_events.reading.formats import docx

            own, members = docx.read(data, filename, budget)
            return _bundle(media_type, own, members, filename, budget)
        if media_type in (content.ZIP, content.MAILBOX):
            members = _members(media_type, data, filename, budget)
            return _bundle(media_type, [], members, filename, budget)
        if media_type == content.SIGNED:
            signed = _signed(data, filename, budget)
            if not (envelope.is_mail(signed) or envelope.is_part(signed)):
                return budget.open(signed, filename)
            data = signed
        return _open_letter(media_type, _letter(media_type, data, filename, budget), filename, budget)


def _members(media_type: str, data: bytes, filename: str, budget: Budget) -> list[Member]:
    if media_type == content.ZIP:
        from alfrd_events.reading.formats import archive

        return archive.members(data, filename, budget)
    mails = envelope.messages(data)
    budget.take_members(len(mails))
    budget.take_bytes(len(data))
    return [Member(f"mail {number}", mail) for number, mail in enumerate(mails, 1)]


def _signed(data: bytes, filename: str, budget: Budget) -> bytes:
    """What is inside a signature, which is not verified."""
    try:
        signed = cms.content_of(data)
    except cms.Encrypted as kind:
        raise UnsupportedType(filename, str(kind), KEY_ADVICE) from None
    except cms.Opaque as kind:
        raise UnsupportedType(filename, str(kind)) from None
    except cms.Damaged:
        raise Unreadable(f"{filename}: the signed file is damaged or truncated; have it sent again") from None
    if not signed:
        raise Unreadable(f"{filename}: the signature is around an empty file (0 bytes); have it sent again")
    budget.take_bytes(len(signed))
    return signed


def _letter(media_type: str, data: bytes, filename: str, budget: Budget) -> MailContents:
    if media_type == content.OUTLOOK_MAIL:
        from alfrd_events.reading.formats import msg

        return msg.read(data, filename, budget)
    if media_type == content.OUTLOOK_PACKED:
        from alfrd_events.reading.formats import tnef

        return tnef.read(data, filename, budget)
    from alfrd_events.reading.formats import mail

    return mail.read(data, filename, budget)


def _html(data: bytes, filename: str) -> str:
    try:
        return html.text_of(data)
    except plain.NotText:
        raise Unreadable(f"{filename}: the HTML page is damaged: it is no text; save it again") from None


def _e_invoice(data: bytes, filename: str) -> ReadPage:
    from alfrd_events.reading.formats import einvoice

    try:
        return einvoice.reading_of(einvoice.parse(data))
    except einvoice.NotInvoice as why:
        raise Unreadable(
            f"{filename}: the electronic invoice cannot be read: {why}; ask its sender for a valid one"
        ) from None


def _open_letter(media_type: str, letter: MailContents, filename: str, budget: Budget) -> Source:
    """Open a message with what is attached; what is not read is named at the end of its text.

    :raise UnsupportedType: it says nothing itself, and nothing of what it brings can be read.
    """
    readable, unread = [], list(letter.unread)
    for member in letter.attached:
        try:
            readable.append(_opened(member, filename, budget))
        except UnsupportedType as why:
            unread.append(Unread(member.name, why.kind, why.advice))
    if unread and not readable and letter.is_stand_in:
        first = next((one for one in unread if one.advice), unread[0])
        raise NothingRead(filename, first)
    pages = letter.pages
    if unread:
        pages = [*pages[:-1], "\n".join([pages[-1], "", *map(str, unread)]).strip()]
    return Bundle(media_type, pages, readable) if readable else ReadyPages.of_text(media_type, pages)


def _bundle(
    media_type: str,
    own: Sequence[str],
    members: Sequence[Member],
    filename: str,
    budget: Budget,
) -> Source:
    """Open a file with its members; one that cannot be read refuses the whole."""
    openers = [_opened(member, filename, budget) for member in members]
    return Bundle(media_type, own, openers) if openers else ReadyPages.of_text(media_type, own)


def _opened(member: Member, filename: str, budget: Budget) -> tuple[Opener, int]:
    """Look into a member once, and keep how to open it again and how many pages it has."""
    shown = f"{filename}{INSIDE}{member.name}"
    if not member.data:
        raise Unreadable(f"{shown}: the file is empty (0 bytes); send it again")
    source = budget.open(member.data, shown)
    source.close()
    return _opener(member.data, shown, budget.renewed()), source.page_count


def _opener(data: bytes, filename: str, budget: Budget) -> Opener:
    """It was within the budget of the whole when it was first opened, and is within one of its own now."""
    return lambda: budget.renewed().open(data, filename)


class ReadyPages:
    """What is at hand already, page by page."""

    def __init__(self, media_type: str, pages: Sequence[ReadPage]) -> None:
        self.media_type = media_type
        self.page_count = len(pages)
        self._pages = list(pages)

    @classmethod
    def of_text(cls, media_type: str, texts: Sequence[str]) -> ReadyPages:
        return cls(media_type, [ReadPage(text, kind="plain") for text in texts])

    def read(self, number: int) -> ReadPage:
        return self._pages[number - 1]

    def prepare(self, number: int) -> ReadPage:
        return self.read(number)

    def pixels(self, number: int) -> None:
        """No page of it has a look of its own."""

    def close(self) -> None:
        self._pages = []


class Bundle:
    """The pages of a file's own text, then those of its members, numbered on."""

    def __init__(
        self, media_type: str, own: Sequence[str], openers: Sequence[tuple[Callable[[], Source], int]]
    ) -> None:
        """
        :param openers: for each member, how to open it and how many pages it has.
        """
        self.media_type = media_type
        text = ReadyPages.of_text(media_type, own)
        self._openers: list[tuple[Callable[[], Source], int]] = [(lambda: text, len(own)), *openers]
        self.page_count = sum(count for _, count in self._openers)
        self._current: tuple[int, Source] | None = None

    def read(self, number: int) -> ReadPage:
        source, within = self._locate(number)
        return source.read(within)

    def prepare(self, number: int) -> ReadPage | PageImage:
        source, within = self._locate(number)
        return source.prepare(within)

    def pixels(self, number: int) -> tuple[Pixels, int] | None:
        source, within = self._locate(number)
        return source.pixels(within)

    def close(self) -> None:
        if self._current is not None and self._current[0] > 0:
            self._current[1].close()
        self._current = None
        self._openers = []

    def _locate(self, number: int) -> tuple[Source, int]:
        """The open member that holds a page, and the page's number in it."""
        before = 0
        for index, (opener, count) in enumerate(self._openers):
            if number <= before + count:
                if self._current is None or self._current[0] != index:
                    if self._current is not None and self._current[0] > 0:
                        self._current[1].close()
                    self._current = None
                    self._current = index, opener()
                return self._current[1], number - before
            before += count
        raise IndexError(number)
