"""Read lines: pixels of a line in, its characters out, as PaddleOCR decodes them (connectionist classification)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from alfrd_events.reading.inference.runtime import Floats, Runtime

Pixels = NDArray[np.uint8]
Text = tuple[str, float]
"""What a line says, and how sure recognition is."""

HEIGHT = 48
MIN_WIDTH = 192
"""Short lines are padded to that: lone digits are read worse without a margin, and wider ones cost time."""
STEPS = ((640, 64), (1280, 128))
"""Up to a width, what the widths of lines are multiples of."""
WIDEST_STEP = 256
AT_ONCE = 4
"""Lines of one width that are read in one run; fewer are read one by one, or there would be more shapes."""
MAX_WIDTH_AT_ONCE = 640
"""Wider ones are rare, and gain less."""


def padded(width: int) -> int:
    """The width that a line is padded to, so that shapes repeat.

    OpenVINO compiles each anew and keeps it, in up to 30 MB of address space.
    """
    step = next((step for below, step in STEPS if width <= below), WIDEST_STEP)
    return max(-(-width // step) * step, MIN_WIDTH)


def read(runtime: Runtime, crops: Sequence[Pixels], banned: NDArray[np.bool_] | None = None) -> list[Text]:
    """Read lines, those of the same width together.

    :param banned: characters that are not to be told, by their number.
    """
    texts: list[Text] = [("", 0.0)] * len(crops)
    widths = [padded(_width(crop)) for crop in crops]
    order = sorted(range(len(crops)), key=lambda number: widths[number])
    while order:
        width = widths[order[0]]
        batch = order[:AT_ONCE]
        if len(batch) < AT_ONCE or widths[batch[-1]] != width or width > MAX_WIDTH_AT_ONCE:
            batch = order[:1]
        order = order[len(batch) :]
        given = np.zeros((len(batch), 3, HEIGHT, width), dtype=np.float32)
        for place, number in enumerate(batch):
            _draw(crops[number], given[place])
        best, likely = runtime.columns(given, banned)
        for place, number in enumerate(batch):
            texts[number] = _decoded(best[place], likely[place], runtime.characters)
    return texts


def _width(crop: Pixels) -> int:
    height, width = (int(side) for side in crop.shape[:2])
    return max(math.ceil(HEIGHT * width / height), 1)


def _draw(crop: Pixels, line: Floats) -> None:
    width = min(_width(crop), line.shape[2])
    shrunk = cv2.resize(crop, (width, HEIGHT)).astype(np.float32)
    line[:, :, :width] = shrunk.transpose(2, 0, 1) * np.float32(2 / 255) - 1


def _decoded(best: NDArray[np.int64], likely: Floats, characters: Sequence[str]) -> Text:
    """Drop what is repeated from column to column, then what is no character."""
    told = best != 0
    told[1:] &= best[1:] != best[:-1]
    if not told.any():
        return "", 0.0
    return "".join(characters[number] for number in best[told]), float(likely[told].mean())
