"""The text that Outlook keeps in compressed RTF, in its messages (MSG) and in what it mails (TNEF).

Microsoft's [MS-OXRTFCP] tells the compression: a window of 4096 bytes that begins with words that RTF has
often. What comes out is RTF, of which the text is taken in one pass, as a program does that knows no layout; the
library that does this for Python takes hours over a few kilobytes of hostile RTF.
"""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass, replace

from alfrd_events.reading.formats.budget import Budget
from alfrd_events.reading.text import plain

MAX_BYTES = 10 * 1024 * 1024
"""Of RTF; a longer text is not one that a person wrote."""
MAX_NESTING = 1_000
UNREAD = "damaged RTF"
_WINDOW = 4096
_WORDS = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\(.)|([{}])|[\r\n\0]+|([^\\{}\r\n\0]+)",
    re.IGNORECASE | re.DOTALL,
)
_BREAKS = {
    b"par": "\n",
    b"line": "\n",
    b"sect": "\n",
    b"page": "\n",
    b"row": "\n",
    b"tab": "\t",
    b"cell": "  ",
}
_SIGNS = {
    b"emdash": "—",
    b"endash": "–",
    b"bullet": "•",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
}
_MARKS = {b"~": " ", b"_": "-", b"{": "{", b"}": "}", b"\\": "\\", b"\n": "\n", b"\r": "\n"}
_SILENT = set(
    b"colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf footnote "
    b"annotation fldinst generator listtable listoverridetable rsidtbl themedata datastore xe tc".split()
)
"""Groups whose letters are no text of the page; those that begin with ``\\*`` are not either."""
_CHARSETS = {
    0: "cp1252", 77: "mac-roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"""Of a font, by its number."""


class _Damaged(Exception):
    """It is no compressed RTF, or goes beyond what a text needs."""


def text_of(compressed: bytes, budget: Budget) -> str:
    """Give the text of a compressed RTF body; empty where it is damaged or beyond all measure."""
    try:
        data = _unpacked(compressed)
        budget.take_bytes(len(data))
        return plain.clean(_Text(data).text()).strip()
    except (_Damaged, struct.error):
        return ""


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds until the group ends."""

    is_silent: bool = False
    is_font_table: bool = False
    font: int = -1
    skipped: int = 1
    """Letters that follow a character of Unicode for programs that do not know it."""


class _Text:
    """Reads RTF from token to token."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(b"{\\rtf"):
            raise _Damaged
        self._data = data
        self._group = _Group()
        self._outer: list[_Group] = []
        self._pieces: list[str] = []
        self._raw = bytearray()
        """Bytes that are still to be decoded together: a letter may have two."""
        self._charset = "cp1252"
        self._fonts: dict[int, str] = {}
        self._to_skip = 0

    def text(self) -> str:
        at = 0
        while token := _TOKEN.match(self._data, at):
            at = token.end()
            word, number, code, mark, brace, letters = token.groups()
            if word:
                at += self._take_word(word.lower(), int(number) if number else None)
            elif code:
                self._take_bytes(bytes.fromhex(code.decode()))
            elif mark == b"*":
                self._group = replace(self._group, is_silent=True)
            elif mark:
                self._say(_MARKS.get(mark, ""))
            elif brace:
                self._turn(brace)
            elif letters:
                self._take_bytes(letters)
        self._decode()
        return "".join(self._pieces)

    def _take_word(self, word: bytes, number: int | None) -> int:
        """Obey a control word; gives how many bytes after it are no RTF."""
        group = self._group
        if word in _BREAKS or word in _SIGNS:
            self._say(_BREAKS.get(word) or _SIGNS[word])
        elif word in _SILENT:
            self._group = replace(group, is_silent=True)
        elif word == b"fonttbl":
            self._group = replace(group, is_silent=True, is_font_table=True)
        elif number is None:
            return 0
        elif word == b"f":
            self._decode()
            self._group = replace(group, font=number)
        elif word == b"fcharset" and group.is_font_table:
            self._fonts[group.font] = _CHARSETS.get(number, "")
        elif word == b"ansicpg":
            self._charset = _known(f"cp{number}")
        elif word == b"uc":
            self._group = replace(group, skipped=max(0, min(number, 100)))
        elif word == b"u":
            self._say(chr(number % 0x10000))
            self._to_skip = group.skipped
        elif word == b"bin":
            return max(number, 0)
        return 0

    def _turn(self, brace: bytes) -> None:
        self._decode()
        self._to_skip = 0
        if brace == b"{":
            self._outer.append(self._group)
            if len(self._outer) > MAX_NESTING:
                raise _Damaged
        elif self._outer:
            self._group = self._outer.pop()

    def _take_bytes(self, letters: bytes) -> None:
        skipped = min(self._to_skip, len(letters))
        self._to_skip -= skipped
        if not self._group.is_silent:
            self._raw += letters[skipped:]

    def _say(self, text: str) -> None:
        self._decode()
        if not self._group.is_silent:
            self._pieces.append(text)

    def _decode(self) -> None:
        if self._raw:
            charset = self._fonts.get(self._group.font) or self._charset
            self._pieces.append(self._raw.decode(charset, "replace"))
            self._raw.clear()


def _known(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return "cp1252"


def _unpacked(data: bytes) -> bytes:
    _, size, kind, _ = struct.unpack_from("<IIII", data)
    if size > MAX_BYTES:
        raise _Damaged
    if kind == 0x414C454D:  # MELA: as it is
        return data[16 : 16 + size]
    if kind != 0x75465A4C:  # LZFu
        raise _Damaged
    return _inflated(memoryview(data)[16:], size)


def _inflated(data: memoryview, size: int) -> bytes:
    """Undo the compression: bits say whether a byte follows, or a place in the window and a length."""
    out = bytearray(_WORDS)
    end = len(_WORDS) + size
    window = bytearray(_WORDS.ljust(_WINDOW, b" "))
    write, at = len(_WORDS), 0
    while at < len(data) and len(out) < end:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                break
            if not flags >> bit & 1:
                piece = bytes(data[at : at + 1])
                at += 1
            else:
                (place,) = struct.unpack_from(">H", data, at)
                at += 2
                start, length = place >> 4, (place & 0xF) + 2
                if start == write:
                    return bytes(out[len(_WORDS) : end])
                piece = _repeated(window, start, length, write)
            out += piece
            for byte in piece:
                window[write] = byte
                write = (write + 1) % _WINDOW
    return bytes(out[len(_WORDS) : end])


def _repeated(window: bytearray, start: int, length: int, write: int) -> bytes:
    """A piece of the window, which may overlap with what it becomes: the copy then repeats itself."""
    distance = (write - start) % _WINDOW
    piece = bytes(window[(start + step) % _WINDOW] for step in range(min(length, distance)))
    return (piece * (length // max(len(piece), 1) + 1))[:length]
