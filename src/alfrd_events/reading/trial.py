"""Measure what a page costs on this machine: ``python -m alfrd_events.reading.trial ENGINE``.

Reads a page of forty lines, then another one, and prints the processor time of the second as JSON: with the first,
models are loaded and compiled.
"""

from __future__ import annotations

import json
import sys
import time

import cv2
import numpy as np

from alfrd_events.reading import ocr
from alfrd_events.reading.inference import choice
from alfrd_events.reading.inference.lines import Pixels

LINES = 40
_WORDS = ("Item {}", "of the list, each at 19.90", "in all 1,234.50")
_SIZE = (1650, 1275)
"""Height and width of a letter at 150 dpi."""


def main() -> None:
    """Measure with the engine that is named."""
    choice.use(sys.argv[1])
    began = time.process_time()
    ocr.read(page(1))
    ready = time.process_time()
    ocr.read(page(2))
    seconds = time.process_time() - ready
    print(json.dumps({"first": round(ready - began, 3), "page": round(seconds, 3)}))


def page(number: int) -> Pixels:
    """A page of lines of three lengths; no two numbers give the same one."""
    sheet = np.full((*_SIZE, 3), 255, dtype=np.uint8)
    for line in range(LINES):
        words = " ".join(
            ["Item", f"{number}{line:03}", "of the list, each at 19.90", "in all 1,234.50"][: 2 + line % 3]
        )
        cv2.putText(sheet, words, (80, 60 + line * 39), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
    return sheet


if __name__ == "__main__":
    main()
