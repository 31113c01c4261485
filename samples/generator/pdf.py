"""Write canvases, and pictures of pages, as a PDF file.

Text becomes a text layer in the standard fonts Helvetica and Helvetica-Bold, which every reader has, so no
font is embedded. The file carries no date and no random id: the same pages give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import ImageColor

from .canvas import Canvas, Shape, Stroke, Text

# How far a Bézier handle reaches to make a quarter of a circle.
_QUARTER = 0.5523

# Advance widths of the characters 32 to 126, in thousandths of the size, from Adobe's font metrics.
_REGULAR = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 "
    "556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 "
    "667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 "
    "556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
_BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 "
    "556 556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 "
    "667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 "
    "611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 556 556 500 389 280 389 584"
)
_WIDTHS = {
    bold: {chr(32 + place): int(width) for place, width in enumerate(table.split())}
    for bold, table in ((False, _REGULAR), (True, _BOLD))
}
_OTHER_WIDTH = 556
"""Of the few characters beyond ASCII in use here: the euro sign and the dash."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page that is only an image, as a scanner makes it: a JPEG and the paper's size in points."""

    jpeg: bytes
    pixels: tuple[int, int]
    size: tuple[float, float]


def write_pdf(pages: Sequence[Canvas | Picture]) -> bytes:
    """Return a PDF file of ``pages``."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    kids = []
    for page in pages:
        size = (page.width, page.height) if isinstance(page, Canvas) else page.size
        resources = "/Font << /F0 3 0 R /F1 4 0 R >>"
        if isinstance(page, Picture):
            objects.append(_image(page))
            resources = f"/XObject << /Scan {len(objects)} 0 R >>"
            content = f"{size[0]:g} 0 0 {size[1]:g} 0 0 cm /Scan Do".encode()
        else:
            content = "\n".join(_operators(page)).encode("cp1252")
        objects.append(_stream("", content))
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]:g} {size[1]:g}] "
            f"/Resources << {resources} >> /Contents {len(objects)} 0 R >>".encode()
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>".encode()
    return _assemble(objects)


def _assemble(objects: Sequence[bytes]) -> bytes:
    file = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    file += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    file += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(file)


def _stream(entries: str, content: bytes) -> bytes:
    return f"<< {entries}/Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def _image(picture: Picture) -> bytes:
    width, height = picture.pixels
    entries = (
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} "
        "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode "
    )
    return _stream(entries, picture.jpeg)


def _operators(page: Canvas) -> Iterator[str]:
    # One flip lets everything but the letters keep the canvas' downward axis.
    yield f"1 0 0 -1 0 {page.height:g} cm"
    for mark in page.marks:
        match mark:
            case Text():
                yield _text(mark)
            case Shape():
                yield _shape(mark)
            case Stroke():
                yield f"{_color(mark.color)} RG {mark.width:g} w {_path(mark.points)} S"


def _text(mark: Text) -> str:
    width = sum(_WIDTHS[mark.bold].get(letter, _OTHER_WIDTH) for letter in mark.text) * mark.size / 1000
    x = mark.x - {"left": 0, "center": width / 2, "right": width}[mark.align]
    escaped = mark.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return (
        f"BT {_color(mark.color)} rg /F{int(mark.bold)} {mark.size:g} Tf {mark.tracking:g} Tc "
        f"1 0 0 -1 {x:.2f} {mark.y:g} Tm ({escaped}) Tj ET"
    )


def _shape(mark: Shape) -> str:
    setup, paint = "", ""
    if mark.fill:
        setup, paint = f"{_color(mark.fill)} rg ", "f"
    if mark.stroke:
        setup += f"{_color(mark.stroke)} RG {mark.width:g} w "
        paint = "B" if mark.fill else "S"
    if mark.kind == "polygon":
        return f"{setup}{_path(mark.points)} h {paint}"
    (left, top), (right, bottom) = mark.points
    if mark.kind == "ellipse":
        return setup + _rounded(left, top, right, bottom, (right - left) / 2, (bottom - top) / 2) + paint
    return setup + _rounded(left, top, right, bottom, mark.radius, mark.radius) + paint


def _path(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    return " ".join([f"{x:.2f} {y:.2f} m", *(f"{x:.2f} {y:.2f} l" for x, y in rest)])


def _rounded(left: float, top: float, right: float, bottom: float, rx: float, ry: float) -> str:
    """A rectangle whose corners are quarters of an ellipse; of nothing but corners, an ellipse."""
    corners = [
        ((left, top + ry), (left, top), (left + rx, top)),
        ((right - rx, top), (right, top), (right, top + ry)),
        ((right, bottom - ry), (right, bottom), (right - rx, bottom)),
        ((left + rx, bottom), (left, bottom), (left, bottom - ry)),
    ]
    path = [_path([corners[0][0]])]
    for (start, corner, end), (following, _, _) in pairwise([*corners, corners[0]]):
        handles = [
            (a + (c - a) * _QUARTER, b + (d - b) * _QUARTER)
            for (a, b), (c, d) in ((start, corner), (end, corner))
        ]
        path.append(" ".join(f"{x:.2f} {y:.2f}" for x, y in (*handles, end)) + " c")
        path.append(f"{following[0]:.2f} {following[1]:.2f} l")
    return " ".join([*path, "h "])


def _color(name: str) -> str:
    return " ".join(f"{channel / 255:.3f}" for channel in ImageColor.getrgb(name)[:3])
