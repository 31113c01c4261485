"""The bare loop that OCR in the engine is compared with: ``python -m bench.ocr_loop``.

Reads the file that each line of standard input names, and answers with a line. The same decoding and recognition as
in the reader's own processes, and nothing around it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from alfrd_events.reading.formats.opening import open_source
from alfrd_events.sandbox.limits import ReaderLimits


def main() -> None:
    """Until the input ends."""
    limits = ReaderLimits()
    for line in sys.stdin:
        path = Path(line.strip())
        source = open_source(path.read_bytes(), path.name, limits)
        for number in range(1, source.page_count + 1):
            source.read(number)
        source.close()
        print("read", flush=True)


if __name__ == "__main__":
    main()
