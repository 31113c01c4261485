"""How a worker process tells the harness what it does: lines on standard output, nothing while it is idle.

``ready``                   everything is imported and connected; it waits for a line on standard input to begin
``started KEY NANOSECONDS`` a handler began, by the clock that all processes of a machine share
``finished COUNT``          so many handlers have ended, told at most every 10 ms
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time

_EVERY_SECONDS = 0.01


class Teller:
    """One for each worker process.

    :param tell_starts: tell when each handler starts; otherwise only how many have finished.
    """

    def __init__(self, *, tell_starts: bool = False) -> None:
        self._tell_starts = tell_starts
        self._finished = 0
        self._lock = threading.Lock()
        self._news = threading.Event()
        threading.Thread(target=self._tell_counts, daemon=True).start()

    async def ready(self) -> None:
        """Say that this worker could begin, and wait until it may."""
        _say("ready")
        await asyncio.to_thread(sys.stdin.readline)

    def started(self, key: str) -> None:
        """A handler began."""
        if self._tell_starts:
            _say(f"started {key} {time.monotonic_ns()}")

    def finished(self) -> None:
        """A handler ended; from any thread."""
        with self._lock:
            self._finished += 1
        if not self._news.is_set():
            self._news.set()

    def _tell_counts(self) -> None:
        while self._news.wait():
            time.sleep(_EVERY_SECONDS)
            self._news.clear()
            _say(f"finished {self._finished}")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # one write is one line, whichever thread it comes from
