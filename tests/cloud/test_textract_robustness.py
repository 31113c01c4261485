"""What is hostile, damaged or odd behaves under ``textract`` as under ``local``: the same pages, or the same refusal.

With ``ALFRD_TEST_ROBUSTNESS`` a directory of such files is tried, too.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image
from rapidfuzz import fuzz

from alfrd_events.errors import Unreadable
from alfrd_events.model import Page, Part
from alfrd_events.reading.local import LocalReader
from tests.cloud.textract_world import Play, World
from tests.readers.container_inputs import mail, zipped
from tests.readers.reader_inputs import encoded, pdf, picture, png_header, scan_page, text_page, tiff

ALIKE = 85.0
"""Per cent: an image that was converted is not read letter for letter as before."""


def on_its_side() -> bytes:
    """A photo whose EXIF says how it is to be turned."""
    image = picture().rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image, "JPEG", exif=exif)


INPUTS = {
    "exif.jpg": on_its_side(),
    "cmyk.jpg": encoded(picture().convert("CMYK"), "JPEG"),
    "transparent.png": encoded(picture(mode="RGBA", paper=(0, 0, 0, 0)), "PNG"),
    "grey.png": encoded(picture().convert("I;16"), "PNG"),
    "one-bit.tiff": encoded(picture().convert("1"), "TIFF", compression="group4"),
    "two.tiff": tiff([("PAGE ONE",), ("PAGE TWO",)]),
    "scan.pdf": pdf(
        [scan_page(picture(size=(850, 1100)), rotate=90), text_page([(72, 700, "digital text here")])]
    ),
    "stamped.pdf": pdf([scan_page(picture(size=(850, 1100)), text="stamped 2024-03-01")]),
    "bill.zip": zipped({"a.png": encoded(picture(("FROM A ZIP",)), "PNG"), "b.txt": "and a text"}),
    "bill.eml": mail(photo=encoded(picture(("FROM A MAIL",)), "WEBP")),
    "empty.pdf": b"",
    "half.jpg": encoded(picture(), "JPEG")[:9_000],
    "locked.pdf": pdf([text_page([(72, 700, "secret")])], password="x"),
    "huge.png": png_header(40_000, 40_000),
    "noise.bin": bytes(range(256)) * 16,
}

_directory = os.environ.get("ALFRD_TEST_ROBUSTNESS", "")
_files = sorted(path for path in Path(_directory).iterdir() if path.is_file()) if _directory else []


async def _outcome(reader: LocalReader | World, content: bytes, name: str) -> list[Page] | str:
    try:
        if isinstance(reader, World):
            return await reader.read(content, name)
        return [page async for page in reader.read(Part(1, name, content))]
    except Unreadable as refusal:
        return str(refusal)


def _same(play: Play, content: bytes, name: str) -> None:
    async def scenario(world: World) -> None:
        local = LocalReader(processes=1)
        try:
            expected = await _outcome(local, content, name)
        finally:
            await local.aclose()
        found = await _outcome(world, content, name)
        if isinstance(expected, str) or isinstance(found, str):
            assert found == expected
            assert world.textract.pages_sold == 0
            return
        assert [page.number for page in found] == [page.number for page in expected]
        for one, other in zip(found, expected, strict=True):
            assert fuzz.ratio(one.text, other.text) >= ALIKE or len(other.text) < 5, (one.text, other.text)
            assert (one.source, one.rotation) == (other.source, other.rotation)
            assert (round(one.width), round(one.height)) == (round(other.width), round(other.height))
        assert world.textract.pages_sold <= sum(page.source == "ocr" for page in found)

    play(scenario)


@pytest.mark.parametrize("name", INPUTS)
def test_what_is_odd_is_read_or_refused_alike(play: Play, name: str) -> None:
    _same(play, INPUTS[name], name)


@pytest.mark.skipif(not _files, reason="ALFRD_TEST_ROBUSTNESS names no directory")
@pytest.mark.parametrize("path", _files, ids=lambda path: path.name)
def test_files_of_ones_own_are_read_or_refused_alike(play: Play, path: Path) -> None:
    _same(play, path.read_bytes(), path.name)
