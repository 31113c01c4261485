"""The process that touches the bytes of documents: ``python -m alfrd_events.reading.child``.

It is expendable. A file that makes a decoder crash, hang or eat memory takes this process with it and
nothing else. It dies with its parent, does not hear the terminal's Ctrl-C (the parent drains), and has
no use for files, so that it may write none. Standard output is the wire; whatever a library prints goes
nowhere.
"""

from __future__ import annotations

import ctypes
import resource
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats.opening import open_source
from alfrd_events.reading.formats.source import PageImage, Source
from alfrd_events.reading.inference import choice
from alfrd_events.sandbox import expendable, wire
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.wire import Frame

KEPT_BYTES = 160 * 1024 * 1024
"""What a process may keep of freed memory from page to page. To give all of it back after each page costs a twentieth
of the page's processor time; to keep all of it took 800 MB after a hundred pages of a scan."""
IDLE_SECONDS = 1.0
"""Without a request for that long, a process closes its part and gives back the memory that it does not need."""


def main() -> None:
    """Serve requests until the parent closes the pipe."""
    parent = int(sys.argv[1])
    limits = ReaderLimits(**wire.decode(sys.argv[2].encode()))
    expendable.die_with(parent)
    expendable.limit_self(limits.memory_bytes)
    choice.use(limits.ocr_engine)
    requests, replies = expendable.take_the_wire()
    serve(requests, replies, limits)


def serve(requests: BinaryIO, replies: BinaryIO, limits: ReaderLimits) -> None:
    """Answer requests in order; one part is open at a time, until the next one or for a second without a request."""
    desk = _Desk()
    memory = _Memory()

    def tidy_up(*_: object) -> None:
        desk.clear()
        memory.give_back()

    signal.signal(signal.SIGALRM, tidy_up)
    while (request := wire.receive(requests)) is not None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if request["kind"] == "open":
            desk.clear()
            data = requests.read(request["size"])
            if len(data) < request["size"]:
                return
            desk.source = _open(request["filename"], data, limits, replies)
            desk.part = request["part"]
            del data
        elif request["kind"] in ("read", "prepare", "draw", "head"):
            if desk.source is None or desk.part != request["part"]:
                _reply(replies, {"kind": "closed"})
            elif request["kind"] == "draw":
                _draw(desk.source, request, limits, replies)
            elif request["kind"] == "head":
                _look_at_head(desk.source, request, limits, replies)
            else:
                _read(desk.source, request, limits, replies, memory)
        elif request["kind"] == "warm":
            _warm_up(limits, replies)
        else:
            _reply(replies, {"kind": "pong"})
        signal.setitimer(signal.ITIMER_REAL, IDLE_SECONDS)


class _Desk:
    """The part that is open."""

    def __init__(self) -> None:
        self.source: Source | None = None
        self.part = 0
        """Its key."""

    def clear(self) -> None:
        """Close it."""
        if self.source is not None:
            self.source.close()
        self.source = None


def _open(filename: str, data: bytes, limits: ReaderLimits, replies: BinaryIO) -> Source | None:
    expendable.allow_processor_time(limits.page_cpu_seconds)
    try:
        source = open_source(data, filename, limits)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent hears of it, and decides
        _reply(replies, _verdict(error))
        return None
    _reply(replies, {"kind": "info", "media_type": source.media_type, "page_count": source.page_count})
    return source


def _read(source: Source, wanted: Frame, limits: ReaderLimits, replies: BinaryIO, memory: _Memory) -> None:
    """Read these pages, or as many of them as can be begun within some seconds."""
    turn_to = source.prepare if wanted["kind"] == "prepare" else source.read
    left = limits.max_part_characters
    ends_at = time.monotonic() + wanted["seconds"]
    try:
        for number in wanted["pages"]:
            expendable.allow_processor_time(limits.page_cpu_seconds)
            page = turn_to(number)
            if isinstance(page, PageImage):
                _reply(replies, page.frame(number), page.image)
            else:
                left -= len(page.text)
                if left < 0 or len(page.text) > limits.max_page_characters:
                    _reply(replies, {"kind": "wordy", "number": number})
                    return
                _reply(replies, page.frame(number))
            memory.after_a_page()
            if time.monotonic() >= ends_at:
                break
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent hears of it, and decides
        _reply(replies, _verdict(error))
    else:
        _reply(replies, {"kind": "done"})


def _warm_up(limits: ReaderLimits, replies: BinaryIO) -> None:
    """Load the models, so that the first page need not wait for them."""
    from alfrd_events.reading import ocr

    expendable.allow_processor_time(limits.page_cpu_seconds)
    try:
        ocr.warm_up()
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent hears of it, and decides
        _reply(replies, _verdict(error))
    else:
        _reply(replies, {"kind": "done"})


def _draw(source: Source, wanted: Frame, limits: ReaderLimits, replies: BinaryIO) -> None:
    """Send one page, or a part of it, as a picture that is made anew from pixels; nothing where it is text alone."""
    from alfrd_events.reading.formats.picture import Cut, cut_of, picture_of

    expendable.allow_processor_time(limits.page_cpu_seconds)
    try:
        drawn = source.pixels(wanted["page"])
        picture = b""
        if drawn and "cut" in wanted:
            picture = cut_of(*drawn, rotation=wanted["rotation"], cut=Cut(**wanted["cut"]))
        elif drawn:
            picture = picture_of(*drawn, rotation=wanted["rotation"], side=wanted["side"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent gets it, and decides
        _reply(replies, _verdict(error))
        return
    if picture:
        _reply(replies, {"kind": "result", "size": len(picture)}, picture)
    _reply(replies, {"kind": "done"})


def _look_at_head(source: Source, wanted: Frame, limits: ReaderLimits, replies: BinaryIO) -> None:
    """Send the lines at the top of a page that its text layer lacks."""
    from alfrd_events.reading import ocr
    from alfrd_events.reading.formats.letterhead import unwritten

    expendable.allow_processor_time(limits.page_cpu_seconds)
    try:
        drawn = source.pixels(wanted["page"])
        found = []
        if drawn is not None:
            pixels, turned = drawn
            found = unwritten(ocr.turned(pixels, (wanted["rotation"] - turned) % 360), wanted["known"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent hears of it, and decides
        _reply(replies, _verdict(error))
    else:
        lines = [[p.text, p.left, p.top, p.right, p.bottom, round(p.confidence, 4)] for p in found]
        _reply(replies, {"kind": "head", "lines": lines})


class _Memory:
    """Makes the C library return what large images took: by itself it keeps hundreds of megabytes."""

    def __init__(self) -> None:
        self._needed = _resident_bytes()

    def after_a_page(self) -> None:
        """Give memory back if much of it is kept."""
        if _resident_bytes() > self._needed + KEPT_BYTES:
            self.give_back()

    def give_back(self) -> None:
        """Give back what is not needed now."""
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
            trim(0)
        self._needed = _resident_bytes()


def _resident_bytes() -> int:
    """How much memory this process has; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _verdict(error: Exception) -> Frame:
    if isinstance(error, Unreadable):
        return {"kind": "unreadable", "message": str(error)}
    if isinstance(error, MemoryError) or _is_bad_alloc(error):
        return {"kind": "memory"}
    if isinstance(error, RecursionError):
        return {"kind": "nested"}
    if isinstance(error, wire.TooLong):
        return {"kind": "wordy", "number": 0}
    if isinstance(error, ImportError):
        return {"kind": "setup", "message": str(error)}
    return {"kind": "bug", "message": expendable.where(error)}


def _is_bad_alloc(error: BaseException) -> bool:
    """Whether a library reports in its own words that memory ran out."""
    words = str(error).casefold()
    return any(
        sign in words for sign in ("bad_alloc", "bad allocation", "insufficient memory", "out of memory")
    )


def _reply(replies: BinaryIO, frame: Frame, data: bytes = b"") -> None:
    replies.write(wire.encode(frame))
    replies.write(data)
    replies.flush()


if __name__ == "__main__":
    main()
