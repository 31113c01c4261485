"""The process that touches the bytes of documents: ``python -m alfrd_events.providers.readers.child``.

It is expendable. A file that makes a decoder crash, hang or eat memory takes this process with it and
nothing else. It dies with its parent, does not hear the terminal's Ctrl-C (the parent drains), and has
no use for files, so that it may write none. Standard output is the wire; whatever a library prints goes
nowhere.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from alfrd_events.errors import Unreadable
from alfrd_events.providers.readers import wire
from alfrd_events.providers.readers.limits import ReaderLimits
from alfrd_events.providers.readers.source import Sheet, Source, open_source
from alfrd_events.providers.readers.wire import Frame

PR_SET_PDEATHSIG = 1
IDLE_SECONDS = 1.0
"""Without a request for that long, a process gives back the memory that it does not need."""
MAX_FILES = 64
"""Open at a time; the libraries and their models take a dozen."""


def main() -> None:
    """Serve requests until the parent closes the pipe."""
    parent = int(sys.argv[1])
    limits = ReaderLimits(**wire.decode(sys.argv[2].encode()))
    _die_with(parent)
    requests, replies = _take_the_wire()
    _limit_self(limits)
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
    _allow_processor_time(limits.page_cpu_seconds)
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
            _allow_processor_time(limits.page_cpu_seconds)
            page = turn_to(number)
            if isinstance(page, Sheet):
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
    return {"kind": "bug", "message": _where(error)}


def _is_bad_alloc(error: BaseException) -> bool:
    """Whether a library reports in its own words that memory ran out."""
    words = str(error).casefold()
    return any(
        sign in words for sign in ("bad_alloc", "bad allocation", "insufficient memory", "out of memory")
    )


def _where(error: Exception) -> str:
    """Name an unexpected error by type and place; its message could quote the document."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _reply(replies: BinaryIO, frame: Frame, data: bytes = b"") -> None:
    replies.write(wire.encode(frame))
    replies.write(data)
    replies.flush()


# --- being expendable --------------------------------------------------------------------------


def _die_with(parent: int) -> None:
    """End when the parent does, however it ends; the end of the pipe is only noticed between pages."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(0)


def _take_the_wire() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves, so that no library reads from them or prints into them."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return requests, replies


def _limit_self(limits: ReaderLimits) -> None:
    if sys.platform == "linux":  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES))


def _allow_processor_time(seconds: int) -> None:
    """Start the count anew: the kernel's limit is for the whole life of a process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, hard))


if __name__ == "__main__":
    main()
