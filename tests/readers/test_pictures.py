"""Pages as pictures for people: made anew, turned as they were read, and never the file's own bytes."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from alfrd_events.errors import Transient, Unreadable
from alfrd_events.reading.pictures import Pictures
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.reader_inputs import encoded, part, pdf, picture, text_page


@pytest.fixture(scope="module")
def draw() -> Iterator[Any]:
    with asyncio.Runner() as runner:
        pictures = Pictures(ReaderLimits())

        def call(content: bytes, page: int = 1, **options: int) -> Image.Image | None:
            made = runner.run(pictures.draw(part(content), page, **options))
            return None if made is None else Image.open(io.BytesIO(made))

        yield call
        runner.run(pictures.aclose())


LINE = (0.16, 0.10, 0.30, 0.13)
"""Around a line at 100 points from the left and 700 from the foot of a page of 612 by 792."""
AREA = (0.0, 0.0, 0.6, 0.24)


@pytest.fixture(scope="module")
def cut() -> Iterator[Any]:
    with asyncio.Runner() as runner:
        pictures = Pictures(ReaderLimits())
        yield lambda content, **options: runner.run(pictures.cut(part(content), 1, **options))
        runner.run(pictures.aclose())


def a_page() -> bytes:
    return pdf([text_page([(100, 700, "Total 12.50"), (100, 100, "at the foot")])])


def sixels_of(body: bytes) -> Image.Image:
    """The picture that a terminal makes of sixels."""
    head, *rest = re.findall(rb'"[0-9;]+|#[0-9]+;2;[0-9;]+|#[0-9]+|![0-9]+[?-~]|[?-~]|[$-]', body)
    assert b"".join([head, *rest]) == body
    width, height = map(int, head.split(b";")[2:])
    image, colours = Image.new("RGB", (width, height)), {}
    colour, x, y = b"", 0, 0
    for token in rest:
        if b";2;" in token:
            number, _, *parts = token.split(b";")
            colours[number] = tuple(round(int(each) * 2.55) for each in parts)
        elif token.startswith(b"#"):
            colour = token
        elif token == b"$":
            x = 0
        elif token == b"-":
            x, y = 0, y + 6
        else:
            times = int(token[1:-1]) if token.startswith(b"!") else 1
            for row in range(6):
                if (token[-1] - 0x3F) >> row & 1:
                    for column in range(x, x + times):
                        image.putpixel((column, y + row), colours[colour])
            x += times
    return image


def red_in(image: Image.Image) -> tuple[int, int, int, int]:
    """The box around what is red."""
    seen = image.convert("RGB")
    mask = Image.new("1", image.size)
    for y in range(image.height):
        for x in range(image.width):
            r, g, b = seen.getpixel((x, y))  # type: ignore[misc]
            mask.putpixel((x, y), r > 180 and g < 90 and b < 90)
    found = mask.getbbox()
    assert found is not None
    return found


def darkest(image: Image.Image) -> int:
    return min(each for each, times in enumerate(image.convert("L").histogram()) if times)


@pytest.mark.parametrize("form", ["png", "sixel"])
def test_a_value_is_cut_out_with_a_frame_around_it(cut: Any, form: str) -> None:
    made = cut(a_page(), area=AREA, mark=LINE, width=360, form=form)

    image = Image.open(io.BytesIO(made)) if form == "png" else sixels_of(made)
    assert image.width == 360
    assert image.height == pytest.approx(360 * 0.24 * 792 / (0.6 * 612), abs=2)
    left, top, right, bottom = red_in(image)
    framed = [0.16 / 0.6 * 360 - 3, 0.10 / 0.24 * image.height - 3]
    framed += [0.30 / 0.6 * 360 + 4, 0.13 / 0.24 * image.height + 4]
    assert [left, top, right, bottom] == pytest.approx(framed, abs=2)
    assert darkest(image.crop((left + 4, top + 4, right - 4, bottom - 4))) < 100, "the text is in it"
    assert darkest(image.crop((0, bottom + 4, image.width, image.height))) > 200, "what is at the foot is not"


def test_the_area_is_of_the_page_as_it_was_read(cut: Any) -> None:
    wide = Image.new("RGB", (300, 100), "white")
    wide.paste("black", (0, 0, 50, 100))  # on the left, so above after a turn clockwise
    made = cut(encoded(wide), rotation=90, area=(0, 0, 1, 0.15), mark=(0, 0, 0, 0), width=100, form="png")
    assert not any(Image.open(io.BytesIO(made)).convert("L").histogram()[60:]), "all of it is dark"


def test_what_has_no_pixels_has_no_cut(cut: Any) -> None:
    assert cut(b"plain text", area=AREA, mark=LINE, width=360, form="png") is None
    assert cut(a_page(), area=(0.5, 0.5, 0.5, 0.9), mark=LINE, width=360, form="png") is None


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        ("sixel", b'"1;1;6;6#0~\x1b]52;c;!\x07'),
        ("sixel", b'"1;1;6;6\x9c'),
        ("sixel", b"\x1b[2J"),
        ("png", b"\xff\xd8 a JPEG"),
    ],
)
async def test_what_would_steer_a_terminal_is_refused(
    monkeypatch: pytest.MonkeyPatch, form: Any, sent: bytes
) -> None:
    async def drawn(*_: object) -> bytes:
        return sent

    pictures = Pictures(ReaderLimits())
    monkeypatch.setattr(pictures, "_drawn", drawn)
    with pytest.raises(Transient, match="nonsense"):
        await pictures.cut(part(a_page()), 1, area=AREA, mark=LINE, width=360, form=form)
    await pictures.aclose()


def test_a_page_of_a_pdf_is_drawn(draw: Any) -> None:
    drawn = draw(
        pdf([text_page([(100, 700, "Total 12.50")]), text_page([(100, 700, "second")])]), 2, side=480
    )
    assert (drawn.format, max(drawn.size)) == ("JPEG", 480)
    assert drawn.convert("L").getextrema()[0] < 128, "the text is on it"


def test_a_photo_is_made_anew_without_what_it_carries(draw: Any) -> None:
    secret = b"taken at home"
    photo = encoded(picture(["Total 12.50"]), "JPEG", comment=secret)
    assert secret in photo
    with asyncio.Runner() as runner:
        pictures = Pictures(ReaderLimits())
        made = runner.run(pictures.draw(part(photo), 1, side=200))
        runner.run(pictures.aclose())
    assert made is not None
    assert secret not in made


def test_a_page_is_turned_as_it_was_read(draw: Any) -> None:
    wide = Image.new("RGB", (300, 100), "white")
    wide.paste("black", (0, 0, 50, 100))  # a mark on the left
    turned = draw(encoded(wide), rotation=90, side=300)
    assert turned.size == (100, 300)
    assert turned.convert("L").getpixel((50, 20)) < 60, (
        "the left edge is the upper one after a turn clockwise"
    )


def test_a_turn_that_the_file_asks_for_is_made_once(draw: Any) -> None:
    wide = Image.new("RGB", (300, 100), "white")
    exif = Image.Exif()
    exif[0x0112] = 6  # 90 degrees clockwise
    assert draw(encoded(wide, "JPEG", exif=exif), rotation=90, side=300).size == (100, 300)


@pytest.mark.parametrize("content", [b"plain text", b"<html><script>alert(1)</script></html>"])
def test_text_has_no_picture(draw: Any, content: bytes) -> None:
    assert draw(content) is None


def test_a_page_that_is_not_there_has_none(draw: Any) -> None:
    assert draw(pdf([text_page([(100, 700, "one")])]), 2) is None
    assert draw(pdf([text_page([(100, 700, "one")])]), 1) is not None


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 broken", b"\x89PNG\r\n\x1a\n broken"])
def test_a_broken_file_is_refused(draw: Any, content: bytes) -> None:
    with pytest.raises(Unreadable):
        draw(content)
