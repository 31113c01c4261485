"""Find lines of text in pixels: the map of the detection model, and boxes around what it marks.

As PaddleOCR does it (differentiable binarization), with one simplification: a box that is made larger by the same
amount on all sides stays a box, so that no polygons are clipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from alfrd_events.reading.inference.runtime import Floats, Runtime

Pixels = NDArray[np.uint8]
Quad = NDArray[np.float32]

GRID = 32
"""The model sees sides that are multiples of that."""
STEP = 64
"""Sides are padded to multiples of that, so that shapes repeat: OpenVINO compiles each anew."""
MARKED = 0.3
"""How likely a pixel has to be to belong to a line."""
SURE = 0.5
"""How likely the pixels of a line have to be in the mean."""
GROWTH = 1.6
"""The model marks the core of a line: its box grows by that part of area over circumference."""
MAX_LINES = 1000
MIN_SIDE = 3
"""Less, on the map, is a speck."""


def find(runtime: Runtime, pixels: Pixels, longest: int) -> list[Quad]:
    """Find lines: four corners each, clockwise from the top left, in reading order.

    :param longest: pixels of the longer side as the model sees it; larger ones are shrunk to it.
    """
    height, width = pixels.shape[:2]
    seen = _shrunk(pixels, longest)
    likely = _map(runtime, seen)
    boxes = _boxes(likely)
    scale = np.array([width / seen.shape[1], height / seen.shape[0]], dtype=np.float32)
    quads = [_on_page(box, scale, (width, height)) for box in boxes]
    return _in_order([quad for quad in quads if _is_large_enough(quad)])


def _shrunk(pixels: Pixels, longest: int) -> Pixels:
    height, width = pixels.shape[:2]
    ratio = min(longest / max(height, width), 1.0)
    size = [max(round(int(side * ratio) / GRID), 1) * GRID for side in (width, height)]
    return np.asarray(cv2.resize(pixels, size), dtype=np.uint8)


def _map(runtime: Runtime, seen: Pixels) -> Floats:
    height, width = seen.shape[:2]
    down, across = -height % STEP, -width % STEP
    if down or across:
        seen = np.pad(seen, ((0, down), (0, across), (0, 0)), mode="edge")
    picture = np.ascontiguousarray(seen.transpose(2, 0, 1)[None], dtype=np.float32)
    picture *= np.float32(2 / 255)
    picture -= 1
    return runtime.map_of(picture)[:height, :width]


def _boxes(likely: Floats) -> list[Quad]:
    """Corners on the map, a pixel larger than what is marked."""
    mask = cv2.dilate((likely > MARKED).astype(np.uint8), np.ones((2, 2), dtype=np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in contours[:MAX_LINES]:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < MIN_SIDE:
            continue
        core = cv2.boxPoints((centre, (width, height), angle))
        if _mean_inside(likely, core) < SURE:
            continue
        growth = GROWTH * width * height / (width + height)  # twice area over circumference: both sides
        boxes.append(cv2.boxPoints((centre, (width + growth, height + growth), angle)))
    return [np.asarray(box, dtype=np.float32) for box in boxes]


def _mean_inside(likely: Floats, box: Any) -> float:
    bottom, right = np.array(likely.shape) - 1
    left, top = np.clip(np.floor(box.min(axis=0)), 0, (right, bottom)).astype(int)
    right, bottom = np.clip(np.ceil(box.max(axis=0)), 0, (right, bottom)).astype(int)
    mask = np.zeros((bottom - top + 1, right - left + 1), dtype=np.uint8)
    cv2.fillPoly(mask, [(box - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(likely[top : bottom + 1, left : right + 1], mask)[0])


def _on_page(box: Quad, scale: Quad, size: tuple[int, int]) -> Quad:
    """Corners in pixels of the page, clockwise from the top left."""
    by_x = np.round(box * scale)[np.argsort(box[:, 0], kind="stable")]
    (top_left, low_left), (top_right, low_right) = (
        pair[np.argsort(pair[:, 1], kind="stable")] for pair in (by_x[:2], by_x[2:])
    )
    corners = np.array([top_left, top_right, low_right, low_left], dtype=np.float32)
    return np.clip(corners, 0, np.array(size, dtype=np.float32) - 1)


def _is_large_enough(quad: Quad) -> bool:
    return bool(min(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[0] - quad[3])) >= MIN_SIDE + 1)


def _in_order(quads: Sequence[Quad]) -> list[Quad]:
    """From top to bottom; those that begin within ten pixels of the one before, from left to right."""
    by_top = sorted(quads, key=lambda quad: float(quad[0, 1]))
    row = 0
    keyed = []
    for number, quad in enumerate(by_top):
        row += number > 0 and quad[0, 1] - by_top[number - 1][0, 1] >= 10
        keyed.append((row, float(quad[0, 0]), number, quad))
    return [quad for *_, quad in sorted(keyed, key=lambda key: key[:3])]
