"""A page as a list of marks, drawn once and rendered to pixels here or to PDF operators in ``pdf``.

Positions are in points from the top left corner, text sits on its baseline. Keeping the marks instead of
painting at once lets one layout serve both outputs, and tells what text a page carries without reading it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

Align = Literal["left", "center", "right"]
Point = tuple[float, float]

INK = "#1d2430"
GREY = "#5d6673"
RULE = "#c9ced6"
LETTER = (612.0, 792.0)

_SUPERSAMPLING = 2
_ANCHORS: dict[Align, str] = {"left": "ls", "center": "ms", "right": "rs"}


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text on one baseline; ``x`` is its left end, middle or right end, by ``align``."""

    x: float
    y: float
    text: str
    size: float
    bold: bool
    color: str
    align: Align
    tracking: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A closed outline, filled or stroked, with corners rounded where ``radius`` says so."""

    points: tuple[Point, ...]
    fill: str | None
    stroke: str | None
    width: float
    kind: Literal["polygon", "ellipse", "rectangle"] = "polygon"
    radius: float = 0


@dataclass(frozen=True, slots=True)
class Stroke:
    """An open line through points."""

    points: tuple[Point, ...]
    color: str
    width: float


@dataclass
class Canvas:
    """A page to draw on."""

    width: float = LETTER[0]
    height: float = LETTER[1]
    paper: str = "#ffffff"
    marks: list[Text | Shape | Stroke] = field(default_factory=list)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 10,
        *,
        bold: bool = False,
        color: str = INK,
        align: Align = "left",
        tracking: float = 0,
    ) -> None:
        """Set ``text`` on the baseline ``y``; ``tracking`` is extra space between letters."""
        self.marks.append(Text(x, y, text, size, bold, color, align, tracking))

    def lines(
        self, x: float, y: float, lines: Sequence[str], size: float = 10, leading: float = 1.4
    ) -> float:
        """Set lines one below the other and return the baseline that the next one would have."""
        for line in lines:
            self.text(x, y, line, size)
            y += size * leading
        return y

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str | None = None,
        stroke: str | None = None,
        line: float = 0.8,
        radius: float = 0,
    ) -> None:
        """A rectangle from its top left corner, filled, stroked or both."""
        corners = ((x, y), (x + width, y + height))
        self.marks.append(Shape(corners, fill, stroke, line, "rectangle", radius))

    def ellipse(self, x: float, y: float, rx: float, ry: float | None = None, *, fill: str) -> None:
        """A filled ellipse around ``(x, y)``; a circle where ``ry`` is left out."""
        ry = rx if ry is None else ry
        self.marks.append(Shape(((x - rx, y - ry), (x + rx, y + ry)), fill, None, 0, "ellipse"))

    def polygon(self, points: Sequence[Point], fill: str) -> None:
        """A filled shape with straight sides."""
        self.marks.append(Shape(tuple(points), fill, None, 0))

    def line(self, points: Sequence[Point], color: str = RULE, width: float = 0.8) -> None:
        """A line through ``points``."""
        self.marks.append(Stroke(tuple(points), color, width))

    def rule(self, x: float, y: float, width: float, color: str = RULE, line: float = 0.8) -> None:
        """A horizontal line from ``(x, y)`` to the right."""
        self.line([(x, y), (x + width, y)], color, line)

    def dashes(self, x: float, y: float, width: float, color: str = GREY, dash: float = 4) -> None:
        """A dashed rule, as along a perforation."""
        for step in range(int(width / (2 * dash)) + 1):
            start = x + step * 2 * dash
            self.rule(start, y, min(dash, x + width - start), color)

    @property
    def text_lines(self) -> list[str]:
        """The page's text in the order in which it was drawn."""
        return [mark.text for mark in self.marks if isinstance(mark, Text)]

    def render(self, scale: float = 2.0) -> Image.Image:
        """Paint the page with ``scale`` pixels to the point, antialiased."""
        fine = scale * _SUPERSAMPLING
        image = Image.new("RGB", (round(self.width * fine), round(self.height * fine)), self.paper)
        pen = ImageDraw.Draw(image)
        for mark in self.marks:
            match mark:
                case Text():
                    _paint_text(pen, mark, fine)
                case Shape():
                    _paint_shape(pen, mark, fine)
                case Stroke():
                    points = [(x * fine, y * fine) for x, y in mark.points]
                    pen.line(points, mark.color, max(1, round(mark.width * fine)), joint="curve")
        return image.reduce(_SUPERSAMPLING)


@cache
def _font(pixels: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=pixels)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType: its bitmap font cannot draw the samples")
    return font


def _paint_text(pen: ImageDraw.ImageDraw, mark: Text, scale: float) -> None:
    pixels = round(mark.size * scale)
    font = _font(pixels)
    # The built-in font has one weight; an outline in the ink's own colour makes the other, and takes room.
    outline = max(1, round(pixels * 0.026)) if mark.bold else 0
    extra = mark.tracking * scale + outline * 0.9
    x, y = mark.x * scale, mark.y * scale
    if not extra:
        pen.text((x, y), mark.text, mark.color, font, _ANCHORS[mark.align])
        return
    width = font.getlength(mark.text) + extra * len(mark.text)
    x -= {"left": 0, "center": width / 2, "right": width}[mark.align]
    for letter, following in zip(mark.text, [*mark.text[1:], ""], strict=True):
        pen.text((x, y), letter, mark.color, font, "ls", stroke_width=outline)
        kerned = font.getlength(letter + following) - font.getlength(following)
        x += kerned + extra


def _paint_shape(pen: ImageDraw.ImageDraw, mark: Shape, scale: float) -> None:
    points = [(x * scale, y * scale) for x, y in mark.points]
    width = max(1, round(mark.width * scale))
    match mark.kind:
        case "polygon":
            pen.polygon(points, mark.fill, mark.stroke, width)
        case "ellipse":
            pen.ellipse(points, mark.fill, mark.stroke, width)
        case "rectangle":
            pen.rounded_rectangle(points, mark.radius * scale, mark.fill, mark.stroke, width)
