"""End this process at a time, whatever still holds it.

A step of a user's own may block the event loop, swallow its cancellation, or leave a thread behind; Python waits for
each of them without end. What such a step has not finished, other workers take over once this process is gone.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from alfrd_events.observe import Log

log = Log("worker")

MARGIN_SECONDS = 6.0
"""How much longer than its drain a worker may take until all is handed in and closed."""


class LastResort:
    """A clock that runs once it is set, in a thread that needs neither the event loop nor the main thread."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def within(self, seconds: float, code: int = 1) -> None:
        """End the process after so many seconds, instead of when it was to end before.

        :param code: its exit code then.
        """
        self.cancel()
        self._timer = threading.Timer(seconds, _end, [code, threading.get_ident()])
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """Let the process live on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@contextmanager
def last_resort() -> Iterator[LastResort]:
    """A clock that stops at the end of the block."""
    clock = LastResort()
    try:
        yield clock
    finally:
        clock.cancel()


def _end(code: int, main_thread: int) -> None:
    frame = sys._current_frames().get(main_thread)
    place = traceback.extract_stack(frame)[-1] if frame else None
    log.error(
        "this process does not end by itself, and is ended; a step holds it: other workers take over what it left",
        main_thread_at=f"{place.filename}:{place.lineno}" if place else "its end",
        other_threads=sum(not thread.daemon for thread in threading.enumerate()) - 1,
    )
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
