"""Read text in pixels with the models that come inside the RapidOCR package.

Detection sees a shrunk page and finds lines; recognition sees each line at full sharpness. Which engine runs the models
is chosen in ``inference/``. Pages that are much longer
than wide are read in overlapping tiles: shrunk as a whole, their lines would become too small to find.
A page on its side shows as tall lines, one upside down as lines that recognition is unsure of; both are
turned and read again.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from alfrd_events.reading.inference import letters, lines
from alfrd_events.reading.inference.choice import here
from alfrd_events.reading.inference.letters import Text
from alfrd_events.reading.inference.lines import Pixels, Quad
from alfrd_events.reading.inference.loading import load
from alfrd_events.reading.inference.runtime import Runtime
from alfrd_events.reading.text import layout, plain, spacing
from alfrd_events.reading.text.layout import Piece, Row

DETECTION_SIDE = 1280
"""Pixels of a tile's longer side as detection sees it."""
MAX_ASPECT = 2.6
"""A page longer than that is read in tiles."""
TILE_ASPECT = 2.0
MAX_WIDE_SIDE = 2400
"""As :data:`DETECTION_SIDE`, for pages that are much wider than tall."""
TILE_OVERLAP = 0.15
MIN_SIDE = 64
"""Smaller images get a margin; detection works on a grid of 32 pixels."""
MIN_LINE_CONFIDENCE = 0.5
"""Less is noise: a logo, a stain, a signature."""
DOUBTFUL = 0.8
"""Mean confidence of a page below which it may be upside down."""
HOPELESS = 0.6
WARM_PAGE = (905, 1280)
"""Pixels of an upright A4 page as detection sees it."""
WARM_WIDTHS = (192, 256, 320)
REMEMBERED = 32
"""Pages whose text a process remembers: blank forms, covers and terms come again and again."""
PROBE_LINES = 12
MAX_STRAY_SHARE = 0.2
"""Part of a page's characters that may be ideographs if it is still to count as western."""
_IDEOGRAPH = re.compile("[\u2e80-\ufeff]")
_WORD = re.compile("[\u2e80-\ufeff]{2}")
_GLUED_YEAR = re.compile(r"([A-Za-z]{3}\.? ?\d{1,2},)((?:19|20)\d\d)\b")
"""``March 31,2024``: recognition likes to swallow the space, and the rest reads as one number."""
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""The models also read Chinese and then like its wide forms of ASCII: those are written as ASCII."""


@dataclass(frozen=True, slots=True)
class RecognisedPage:
    """What was read, on the page as it was turned."""

    rows: list[Row]
    size: tuple[float, float]
    rotation: int = 0
    """Degrees clockwise."""

    @property
    def worth(self) -> float:
        """How much was read, and how surely: the measure by which two ways to turn a page compare."""
        pieces = [piece for row in self.rows for piece in row]
        return sum(max(p.confidence - MIN_LINE_CONFIDENCE, 0.0) * len(p.text) for p in pieces)


def read(pixels: Pixels) -> RecognisedPage:
    """Find and read all lines of a page, turning it where it must be turned.

    Blank pages cost nothing, nor does one that looks exactly like one of the last that were read.
    """
    if is_blank(pixels):
        return RecognisedPage([], _size(pixels))
    key = hashlib.sha256(np.ascontiguousarray(pixels).data).digest() + repr(pixels.shape).encode()
    if key in _last_read:
        _last_read.move_to_end(key)
    else:
        _last_read[key] = _read(pixels)
        if len(_last_read) > REMEMBERED:
            _last_read.popitem(last=False)
    return _last_read[key]


_last_read: OrderedDict[bytes, RecognisedPage] = OrderedDict()


def _read(pixels: Pixels) -> RecognisedPage:
    quads = detect(pixels)
    if not quads:
        return RecognisedPage([], _size(pixels))
    if _mostly_tall(quads):
        return _read_turned(pixels, _better_turn(pixels, quads, (90, 270)))
    found = _recognise(pixels, quads)
    if _confidence(found) >= DOUBTFUL:
        return found
    if _better_turn(pixels, quads, (0, 180)) == 180:
        found = max(found, _read_turned(pixels, 180), key=lambda one: one.worth)
    if _confidence(found) < HOPELESS:
        sideways = (_read_turned(pixels, turn) for turn in (90, 270))
        found = max(found, *sideways, key=lambda one: one.worth)
    return found


def read_lines(pixels: Pixels, boxes: Sequence[tuple[int, int, int, int]]) -> list[Text]:
    """Read the lines in these boxes (left, top, right, bottom in pixels) and nothing else.

    It takes a hundredth of the time of a page.
    """
    height, width = pixels.shape[:2]
    crops = []
    for left, top, right, bottom in boxes:
        left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        crops.append(pixels[top : max(bottom, top + 1), left : max(right, left + 1)])
    return [(text.translate(_FULL_WIDTH), confidence) for text, confidence in _texts(crops)]


def is_blank(pixels: Pixels) -> bool:
    """Whether there is nothing on a page that could be print."""
    return int(np.ptp(pixels[::2, ::2])) < 24


def _read_turned(pixels: Pixels, turn: int) -> RecognisedPage:
    upright = turned(pixels, turn)
    found = _recognise(upright, detect(upright))
    return RecognisedPage(found.rows, found.size, turn)


def _confidence(found: RecognisedPage) -> float:
    pieces = [piece for row in found.rows for piece in row]
    characters = sum(len(piece.text) for piece in pieces)
    return sum(p.confidence * len(p.text) for p in pieces) / characters if characters else 0.0


def _size(pixels: Pixels) -> tuple[float, float]:
    return float(pixels.shape[1]), float(pixels.shape[0])


# --- detection ---------------------------------------------------------------------------------


def detect(pixels: Pixels) -> list[Quad]:
    """Find lines of text: four corners each, clockwise from the top left, in pixels of the page."""
    tiles = _tiles(pixels)
    if len(tiles) == 1:
        return _detect_tile(pixels)
    found: list[Quad] = []
    for top, tile in tiles:
        for quad in _detect_tile(tile):
            if not _cut_by_tile(quad, top, tile.shape[0], pixels.shape[0]):
                _add_unless_known(found, quad + np.array([0, top], dtype=np.float32))
    return found


def _detect_tile(tile: Pixels) -> list[Quad]:
    height, width = tile.shape[:2]
    down, across = max(MIN_SIDE - height, 0), max(MIN_SIDE - width, 0)
    if down or across:
        tile = np.pad(tile, ((0, down), (0, across), (0, 0)), mode="edge")
    longest = min(int(DETECTION_SIDE * max(width / height / TILE_ASPECT, 1.0)), MAX_WIDE_SIDE)
    return lines.find(runtime(), tile, longest)


def _tiles(pixels: Pixels) -> list[tuple[int, Pixels]]:
    """Cut a tall page into tiles that overlap: (top, pixels) of each. A wide page is not cut, since that
    would cut its lines."""
    height, width = pixels.shape[:2]
    side = max(int(width * TILE_ASPECT), DETECTION_SIDE)
    if height <= max(width * MAX_ASPECT, DETECTION_SIDE):
        return [(0, pixels)]
    count = int(np.ceil((height - side) / (side * (1 - TILE_OVERLAP)))) + 1
    starts = [round(at) for at in np.linspace(0, height - side, count)]
    return [(start, pixels[start : start + side]) for start in starts]


def _cut_by_tile(quad: Quad, top: int, height: int, page_height: int) -> bool:
    """Whether a line touches an edge that its tile has and the page has not: the next tile has it whole."""
    low, high = float(quad[:, 1].min()), float(quad[:, 1].max())
    return (top > 0 and low < 3) or (top + height < page_height and high > height - 3)


def _add_unless_known(found: list[Quad], quad: Quad) -> None:
    """Two tiles see the lines of their overlap twice; the larger box of the two is kept."""
    for index, other in enumerate(found):
        if _overlap(other, quad) > 0.5:
            if _area(quad) > _area(other):
                found[index] = quad
            return
    found.append(quad)


def _area(quad: Quad) -> float:
    width, height = quad.max(axis=0) - quad.min(axis=0)
    return float(width * height)


def _overlap(one: Quad, two: Quad) -> float:
    """The shared part of two boxes, as a part of the smaller one."""
    low = np.maximum(one.min(axis=0), two.min(axis=0))
    high = np.minimum(one.max(axis=0), two.max(axis=0))
    width, height = np.maximum(high - low, 0)
    return float(width * height) / max(min(_area(one), _area(two)), 1.0)


# --- recognition -------------------------------------------------------------------------------


def _recognise(pixels: Pixels, quads: Sequence[Quad]) -> RecognisedPage:
    crops = [_crop(pixels, quad) for quad in quads]
    texts = _without_stray_ideographs(crops, _texts(crops))
    pieces = []
    for quad, (text, confidence) in zip(quads, texts, strict=True):
        text = plain.clean(text.translate(_FULL_WIDTH)).replace("\n", " ").strip()
        text = spacing.closed_up_figures(_GLUED_YEAR.sub(r"\1 \2", text))
        if text and confidence >= MIN_LINE_CONFIDENCE:
            (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
            pieces.append(Piece(text, float(left), float(top), float(right), float(bottom), confidence))
    size = _size(pixels)
    return RecognisedPage(layout.arrange(pieces, size[0], _slope(quads)), size)


def _slope(quads: Sequence[Quad]) -> float:
    """By how much the lines of the page fall for each pixel to the right: the median of the long ones."""
    slopes = []
    for quad in quads:
        across, down = (quad[1] + quad[2] - quad[0] - quad[3]) / 2
        if across > 2 * np.ptp(quad[[0, 3], 1]):
            slopes.append(float(down / across))
    return median(slopes) if slopes else 0.0


def _texts(crops: Sequence[Pixels], *, western: bool = False) -> list[Text]:
    """Read lines.

    :param western: take no ideographs into account, however much the print looks like one.
    """
    return letters.read(runtime(), crops, _ideographs() if western else None)


@cache
def _ideographs() -> NDArray[np.bool_]:
    return np.array([bool(_IDEOGRAPH.match(character)) for character in runtime().characters])


def _without_stray_ideographs(crops: Sequence[Pixels], texts: list[Text]) -> list[Text]:
    """Read lines of a western page again where they hold a lone ideograph: an 8 in a box looks like one."""
    everything = "".join(text for text, _ in texts)
    share = len(_IDEOGRAPH.findall(everything)) / max(len(everything), 1)
    if not 0 < share < MAX_STRAY_SHARE:
        return texts
    stray = [n for n, (text, _) in enumerate(texts) if _IDEOGRAPH.search(text) and not _WORD.search(text)]
    again = _texts([crops[n] for n in stray], western=True)
    return [again[stray.index(n)] if n in stray else text for n, text in enumerate(texts)]


def _crop(pixels: Pixels, quad: Quad) -> Pixels:
    """Cut a line out, straightened; one that runs up or down the page is turned level."""
    width = max(int(max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[2] - quad[3]))), 1)
    height = max(int(max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))), 1)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad, corners)
    crop: Any = cv2.warpPerspective(
        pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC
    )
    return np.rot90(crop) if height >= 1.5 * width else crop


# --- orientation -------------------------------------------------------------------------------


def _mostly_tall(quads: Sequence[Quad]) -> bool:
    tall = wide = 0
    for quad in quads:
        width, height = quad.max(axis=0) - quad.min(axis=0)
        tall += bool(height > 2 * width)
        wide += bool(width > 2 * height)
    return tall > wide


def _better_turn(pixels: Pixels, quads: Sequence[Quad], turns: tuple[int, int]) -> int:
    """Read a few of the longest lines both ways up, and tell which way recognition is surer of."""
    longest = sorted(quads, key=lambda quad: -float(np.ptp(quad, axis=0).max()))[:PROBE_LINES]
    crops = []
    for quad in longest:
        (left, top), (right, bottom) = quad.min(axis=0).astype(int), quad.max(axis=0).astype(int)
        crops.append(pixels[top : bottom + 1, left : right + 1])
    sure = [
        sum(score * len(text) for text, score in _texts([turned(crop, turn) for crop in crops]))
        for turn in turns
    ]
    return turns[1] if sure[1] > sure[0] else turns[0]


def turned(pixels: Pixels, turn: int) -> Pixels:
    """Turn a page clockwise, by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(pixels, -turn // 90)) if turn else pixels


# --- the models --------------------------------------------------------------------------------


def warm_up() -> None:
    """Load the models, and run them on the shapes that are most common."""
    across, down = WARM_PAGE
    lines.find(runtime(), np.full((down, across, 3), 255, dtype=np.uint8), DETECTION_SIDE)
    for width in WARM_WIDTHS:
        line = np.full((letters.HEIGHT, width, 3), 255, dtype=np.uint8)
        _texts([line] * (letters.AT_ONCE + 1))


@cache
def runtime() -> Runtime:
    """Load the models, once per process.

    :raise SettingsInvalid: the engine that is set is not installed.
    :raise ImportError: they are not there, or damaged: the installation's fault, and no document's.
    """
    cv2.setNumThreads(1)
    choice = here()
    try:
        return load(choice)
    except MemoryError:
        raise
    except Exception as error:
        if "alloc" in str(error).casefold():
            raise  # no memory was left for them beside a large image
        raise ImportError(
            f"the models that recognise text: {type(error).__name__}", name="rapidocr"
        ) from error
