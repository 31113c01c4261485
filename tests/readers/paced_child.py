"""A reader process whose parts are made up: each says how long its pages take, and which of them are deadly.

The content of a part is JSON: ``pages``, ``seconds`` (for each page, of waiting), ``deadly`` (numbers of pages that end
the process by SIGSEGV) and ``once`` (pages at which the first process to get there ends so: it takes the one byte that
is in ``pipe``, a path in /proc). The text of a page is the process that read it and when it began.
"""

from __future__ import annotations

import json
import os
import signal
import time

from alfrd_events.reading import child
from alfrd_events.reading.formats.source import ReadPage
from alfrd_events.sandbox.limits import ReaderLimits


class PacedSource:
    """A part that takes its time."""

    media_type = "text/plain"

    def __init__(self, data: bytes, *_: object) -> None:
        self._plan = json.loads(data)
        self.page_count = self._plan["pages"]

    def read(self, number: int) -> ReadPage:
        began = time.monotonic()
        time.sleep(self._plan.get("seconds", 0))  # what takes so long is not looked at here
        if number in self._plan.get("deadly", ()) or (
            number in self._plan.get("once", ()) and self._is_first()
        ):
            os.kill(os.getpid(), signal.SIGSEGV)
        return ReadPage(f"{os.getpid()} {began}", kind="plain")

    def prepare(self, number: int) -> ReadPage:
        return self.read(number)

    def pixels(self, number: int) -> None:
        return None

    def close(self) -> None:
        pass

    def _is_first(self) -> bool:
        with open(self._plan["pipe"], "rb", buffering=0) as pipe:
            os.set_blocking(pipe.fileno(), False)
            return bool(pipe.read(1))


def paced(data: bytes, filename: str, limits: ReaderLimits) -> PacedSource:
    return PacedSource(data)


if __name__ == "__main__":
    vars(child)["open_source"] = paced
    child.main()
