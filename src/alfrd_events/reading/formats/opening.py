"""Tell what a file is, and open it: the one place that knows every format."""

from __future__ import annotations

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import content
from alfrd_events.reading.formats.budget import Budget
from alfrd_events.reading.formats.source import ReadPage, Source, UnsupportedType
from alfrd_events.reading.text import plain
from alfrd_events.sandbox.limits import ReaderLimits


class TextSource:
    """Plain text: a form feed ends a page."""

    media_type = content.TEXT

    def __init__(self, data: bytes, filename: str) -> None:
        if plain.base64_of(data):
            raise UnsupportedType(
                filename, "a file written out in base64", "decode it, and send the file itself"
            )
        try:
            self._pages = plain.pages(plain.without_base64(plain.decode(data)))
        except plain.NotText:
            raise UnsupportedType(filename) from None
        self.page_count = len(self._pages)

    def read(self, number: int) -> ReadPage:
        return ReadPage(self._pages[number - 1], kind="plain")

    def prepare(self, number: int) -> ReadPage:
        return self.read(number)

    def pixels(self, number: int) -> None:
        """No page of it has a look of its own."""

    def close(self) -> None:
        self._pages = []


def open_source(data: bytes, filename: str, limits: ReaderLimits) -> Source:
    """Find out what a file is, and open it.

    :raise Unreadable: unknown, unsupported, damaged, protected, or beyond a limit.
    """
    source = open_within(data, filename, Budget(filename, limits, open_within))
    if source.page_count > limits.max_pages:
        raise Unreadable(
            f"{filename}: has {source.page_count:,} pages, more than the limit of {limits.max_pages:,}; "
            "split it, or raise the limit of pages"
        )
    return source


def open_within(data: bytes, filename: str, budget: Budget) -> Source:
    """Open a file that may be inside of others, on what they have left it.

    :raise Unreadable: as :func:`open_source`; :class:`UnsupportedType` where it is no document at all.
    """
    try:
        media_type = content.media_type(data)
    except content.Unsupported as kind:
        raise UnsupportedType(filename, str(kind)) from None
    if media_type == content.TEXT:
        return TextSource(data, filename)
    # Heavy or seldom: each is loaded only where it is needed.
    if media_type == content.PDF:
        from alfrd_events.reading.formats.pdf.document import open_pdf

        return open_pdf(data, filename, budget)
    if media_type in content.IMAGE_FORMATS:
        from alfrd_events.reading.formats.images import ImageSource

        return ImageSource(data, filename, media_type, budget.limits)
    from alfrd_events.reading.formats import containers

    return containers.open_converted(media_type, data, filename, budget)
