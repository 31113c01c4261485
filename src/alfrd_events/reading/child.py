"""The process that touches the bytes of documents: ``python -m alfrd_events.reading.child``.

It is expendable. A file that makes a decoder crash, hang or eat memory takes this process with it and
nothing else. It dies with its parent, does not hear the terminal's Ctrl-C (the parent drains), and has
no use for files, so that it may write none. Standard output is the wire; whatever a library prints goes
nowhere.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import BinaryIO

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats.opening import open_source
from alfrd_events.reading.formats.source import PageImage, Source
from alfrd_events.sandbox import expendable, wire
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.wire import Frame

IDLE_SECONDS = 1.0
"""Without a request for that long, a process gives back the memory that it does not need."""


def main() -> None:
    """Serve requests until the parent closes the pipe."""
    parent = int(sys.argv[1])
    limits = ReaderLimits(**wire.decode(sys.argv[2].encode()))
    expendable.die_with(parent)
    expendable.limit_self(limits.memory_bytes)
    requests, replies = expendable.take_the_wire()
    serve(requests, replies, limits)


def serve(requests: BinaryIO, replies: BinaryIO, limits: ReaderLimits) -> None:
    """Answer requests in order; one part is open at a time."""
    source: Source | None = None
    signal.signal(signal.SIGALRM, _give_memory_back)
    while (request := wire.receive(requests)) is not None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if request["kind"] == "open":
            data = requests.read(request["size"])
            if len(data) < request["size"]:
                return
            source = _open(request["filename"], data, limits, replies)
            del data
        elif request["kind"] in ("read", "prepare") and source is not None:
            _read(source, request["kind"], request["pages"], limits, replies)
        else:
            _reply(replies, {"kind": "pong"})
        if source is not None and not request.get("more"):
            source.close()
            source = None
            signal.setitimer(signal.ITIMER_REAL, IDLE_SECONDS)


def _open(filename: str, data: bytes, limits: ReaderLimits, replies: BinaryIO) -> Source | None:
    expendable.allow_processor_time(limits.page_cpu_seconds)
    try:
        source = open_source(data, filename, limits)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told, and decides
        _reply(replies, _verdict(error))
        return None
    _reply(replies, {"kind": "info", "media_type": source.media_type, "page_count": source.page_count})
    return source


def _read(source: Source, kind: str, pages: list[int], limits: ReaderLimits, replies: BinaryIO) -> None:
    turn_to = source.prepare if kind == "prepare" else source.read
    left = limits.max_part_characters
    try:
        for number in pages:
            expendable.allow_processor_time(limits.page_cpu_seconds)
            page = turn_to(number)
            if isinstance(page, PageImage):
                _reply(replies, page.frame(number), page.image)
                continue
            left -= len(page.text)
            if left < 0 or len(page.text) > limits.max_page_characters:
                _reply(replies, {"kind": "wordy", "number": number})
                return
            _reply(replies, page.frame(number))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told, and decides
        _reply(replies, _verdict(error))
    else:
        _reply(replies, {"kind": "done"})


def _give_memory_back(*_: object) -> None:
    """The C library keeps what a large image took, for hundreds of megabytes, unless it is told.

    Not between two parts that follow one another: to take the same pages from the system again costs a twentieth
    of the processor time of an ordinary image.
    """
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


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
