"""HTML: what a person would see of a page, without loading, running or styling anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from alfrd_events.reading.text import plain


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_INVISIBLE = _names(
    "head script style noscript template title object embed iframe svg math select textarea audio video canvas map"
)
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_BLOCKS = _names(
    "address article aside blockquote body br caption center dd details dialog div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody tfoot thead tr ul"
)
_CELLS = frozenset({"td", "th"})
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])", re.I
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([a-z0-9_-]{2,40})", re.I)
_BLANKS = re.compile(r"[ \t\f\v\r\n]+")
_CELL_GAP = "\x1f"


def text_of(data: bytes, charset: str = "") -> str:
    """Give the visible text: a line for each block or table row, two spaces between cells.

    :param charset: what the page was said to be encoded in, by a mail's header; the page itself says it otherwise.
    :raise plain.NotText: the bytes are no text.
    """
    return of_markup(_decode(data, charset))


def of_markup(markup: str) -> str:
    """As :func:`text_of`, of a page that is decoded already."""
    page = _Visible()
    page.feed(markup)
    page.close()
    return page.text()


def _decode(data: bytes, charset: str) -> str:
    said = _CHARSET.search(data[:4096])
    for name in (charset, said[1].decode("ascii") if said else ""):
        if name and not name.casefold().startswith("utf-16"):  # a page that says so in ASCII is wrong
            try:
                return data.decode(name, errors="replace")
            except (LookupError, ValueError):  # no such encoding, or a name that none could have
                continue
    return plain.decode(data)


class _Visible(HTMLParser):
    """Collect text. A tag without its end hides no more than its parent does."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._open: list[tuple[str, bool]] = []
        """Open elements and whether each hides what is in it."""
        self._hiding = 0
        self._kept = 0
        """Open ``pre`` elements, whose lines are as written."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._pieces.append("\n")
        elif tag in _CELLS:
            self._pieces.append(_CELL_GAP)
        if tag in _VOID:
            return
        if tag in {"p", "li", "tr", "td", "th"}:
            self._close_unclosed(tag)
        if tag == "body":
            self._close(tag="head")
        hides = tag in _INVISIBLE or _is_hidden(attrs)
        self._open.append((tag, hides))
        self._hiding += hides
        self._kept += tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._pieces.append("\n")
        self._close(tag)

    def handle_data(self, data: str) -> None:
        if not self._hiding:
            self._pieces.append(data if self._kept else _BLANKS.sub(" ", data))

    def parse_marked_section(self, i: int, report: int = 1) -> int:  # noqa: ARG002
        """Take what only SGML knows (``<![IGNORE[``) for a comment, as browsers do; the library fails on it."""
        return self.parse_bogus_comment(i)

    def text(self) -> str:
        lines = []
        for line in "".join(self._pieces).split("\n"):
            cells = (re.sub(" {2,}", " ", cell).strip() for cell in line.split(_CELL_GAP))
            lines.append("  ".join(cell for cell in cells if cell))
        return plain.clean(re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip())

    def _close_unclosed(self, tag: str) -> None:
        """A cell ends at the next one, a paragraph at the next one: their end tags may be left out."""
        if self._open and self._open[-1][0] == tag:
            self._close(tag)

    def _close(self, tag: str) -> None:
        if all(name != tag for name, _ in self._open[-60:]):
            return
        while self._open:
            name, hid = self._open.pop()
            self._hiding -= hid
            self._kept -= name == "pre"
            if name == tag:
                return


def _is_hidden(attrs: list[tuple[str, str | None]]) -> bool:
    return any(
        name == "hidden"
        or (name == "aria-hidden" and value == "true")
        or (name == "style" and _HIDDEN.search(value or ""))
        for name, value in attrs
    )
