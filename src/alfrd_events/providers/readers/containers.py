"""Files that hold files, and files that are converted to text: mails, archives, Word documents, web pages.

Every member is a source of its own, and their pages follow one another as if they stood in one file. All
members are opened once to count their pages and then one at a time, so that a hundred photos cost the
memory of one. An attachment of a mail that is no document at all (a calendar's alarm, a spreadsheet) is named
in the mail's text; any other member that cannot be read refuses the whole, since nothing is read in half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alfrd_events.errors import Unreadable
from alfrd_events.providers.readers import content, html, plain
from alfrd_events.providers.readers.budget import INSIDE, Budget, Member
from alfrd_events.providers.readers.limits import ReaderLimits
from alfrd_events.providers.readers.source import Reading, Sheet, Source, UnsupportedType, open_within

Opener = Callable[[], Source]


def open_converted(
    media_type: str, data: bytes, filename: str, limits: ReaderLimits, budget: Budget
) -> Source:
    """Open a file of one of the types of this module.

    :raise Unreadable: it, or one of its members, is refused.
    """
    with budget.inside(filename):
        if media_type == content.HTML:
            return Pages.of_text(media_type, [_html(data, filename)])
        if media_type == content.E_INVOICE:
            return Pages(media_type, [_e_invoice(data, filename)])
        if media_type == content.DOCX:
            from alfrd_events.providers.readers import docx

            own, members = docx.read(data, filename, budget)
            return _bundle(media_type, own, members, filename, limits, budget)
        if media_type == content.ZIP:
            from alfrd_events.providers.readers import archive

            return _bundle(media_type, [], archive.members(data, filename, budget), filename, limits, budget)
        if media_type == content.MAIL:
            from alfrd_events.providers.readers import mail

            own, members = mail.read(data, filename, budget)
        else:
            from alfrd_events.providers.readers import msg

            own, members = msg.read(data, filename, budget)
        return _bundle(media_type, own, members, filename, limits, budget, is_mail=True)


def _html(data: bytes, filename: str) -> str:
    try:
        return html.text_of(data)
    except plain.NotText:
        raise Unreadable(f"{filename}: the HTML page is damaged: it is no text; save it again") from None


def _e_invoice(data: bytes, filename: str) -> Reading:
    from alfrd_events.providers.readers import einvoice

    try:
        return einvoice.reading_of(einvoice.parse(data))
    except einvoice.NotInvoice as why:
        raise Unreadable(
            f"{filename}: the electronic invoice cannot be read: {why}; ask its sender for a valid one"
        ) from None


def _bundle(
    media_type: str,
    own: Sequence[str],
    members: Sequence[Member],
    filename: str,
    limits: ReaderLimits,
    budget: Budget,
    *,
    is_mail: bool = False,
) -> Source:
    """Look into every member once; what is kept is how to open it again."""
    openers: list[tuple[Opener, int]] = []
    left_out = []
    for member in members:
        shown = f"{filename}{INSIDE}{member.name}"
        if not member.data:
            raise Unreadable(f"{shown}: the file is empty (0 bytes); send it again")
        try:
            source = open_within(member.data, shown, limits, budget)
        except UnsupportedType:
            if not is_mail:
                raise
            left_out.append(f"Attachment not read: {member.name}")
            continue
        openers.append((_opener(member.data, shown, limits), source.page_count))
        source.close()
    if left_out:
        own = [*own[:-1], "\n".join([own[-1], "", *left_out])]
    return Bundle(media_type, own, openers) if openers else Pages.of_text(media_type, own)


def _opener(data: bytes, filename: str, limits: ReaderLimits) -> Opener:
    """It was within the budget of the whole when it was first opened, and is within one of its own now."""
    return lambda: open_within(data, filename, limits, Budget(filename, limits))


class Pages:
    """What is at hand already, page by page."""

    def __init__(self, media_type: str, pages: Sequence[Reading]) -> None:
        self.media_type = media_type
        self.page_count = len(pages)
        self._pages = list(pages)

    @classmethod
    def of_text(cls, media_type: str, texts: Sequence[str]) -> Pages:
        return cls(media_type, [Reading(text, kind="plain") for text in texts])

    def read(self, number: int) -> Reading:
        return self._pages[number - 1]

    def prepare(self, number: int) -> Reading:
        return self.read(number)

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
        text = Pages.of_text(media_type, own)
        self._openers: list[tuple[Callable[[], Source], int]] = [(lambda: text, len(own)), *openers]
        self.page_count = sum(count for _, count in self._openers)
        self._current: tuple[int, Source] | None = None

    def read(self, number: int) -> Reading:
        source, within = self._locate(number)
        return source.read(within)

    def prepare(self, number: int) -> Reading | Sheet:
        source, within = self._locate(number)
        return source.prepare(within)

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
