"""What cannot be read is refused with what it is, which file, and what now."""

from __future__ import annotations

import asyncio
import io
import zipfile

import pytest

from alfrd_events.errors import Permanent, SettingsInvalid, Unreadable
from alfrd_events.reading import local
from alfrd_events.reading.local import LocalReader
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.reader_inputs import Inspect, Read, encoded, part, picture, png_header


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), r"an Excel workbook \(XLSX\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Microsoft Office document"),
        (b"{\\rtf1 bill}", "an RTF document"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a sound or video file"),
        (b"\x7fELF" + bytes(100), "a program"),
    ],
)
def test_a_foreign_type_is_named(inspect: Inspect, content: bytes, kind: str) -> None:
    with pytest.raises(Unreadable, match=rf"given\.bin: is {kind}.*not supported; send it as PDF"):
        inspect(content)


def test_a_note_that_starts_like_a_mail_is_a_note(read: Read) -> None:
    (page,) = read(b"Subject: rent\nDate: 2024-03-05\n\nPaid in cash.\n")
    assert page.text.startswith("Subject: rent")


def test_an_empty_file_is_called_empty(inspect: Inspect) -> None:
    with pytest.raises(Unreadable, match=r"given\.bin: the file is empty \(0 bytes\)"):
        inspect(b"")


def test_a_huge_image_is_refused_by_its_header(inspect: Inspect) -> None:
    with pytest.raises(Unreadable, match="too large: 40,000 by 40,000 pixels, and the limit is 100,000,000"):
        inspect(png_header(40_000, 40_000))


def test_half_a_photo_is_refused_and_not_read_in_half(read: Read) -> None:
    whole = encoded(picture(), "JPEG", quality=90)
    with pytest.raises(Unreadable, match="JPEG image is damaged or truncated"):
        read(whole[: len(whole) // 2])


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_damaged_image_is_refused_and_the_next_one_read(read: Read, file_format: str) -> None:
    with pytest.raises(Unreadable, match="damaged or truncated"):
        read(encoded(picture(), file_format)[:60])

    assert read(b"still here")[0].text == "still here"


def test_limits_are_named_in_the_refusal() -> None:
    async def scenario() -> None:
        reader = LocalReader(ReaderLimits(max_bytes=5_000, max_pages=2, max_pixels=10_000), processes=1)
        try:
            with pytest.raises(Unreadable, match="too large: 6,000 bytes, and the limit is 5,000"):
                await reader.inspect(part(b"a" * 6_000))
            with pytest.raises(Unreadable, match="has 3 pages, more than the limit of 2"):
                await reader.inspect(part(b"1\f2\f3"))
            with pytest.raises(Unreadable, match="too large: 640 by 480 pixels, and the limit is 10,000"):
                await reader.inspect(part(png_header(640, 480)))
        finally:
            await reader.aclose()

    asyncio.run(scenario())


def test_a_refusal_fails_the_document_at_once() -> None:
    assert issubclass(Unreadable, Permanent)


def test_a_missing_library_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "find_spec", lambda name: None if name == "rapidocr" else object())
    with pytest.raises(SettingsInvalid, match=r"needs rapidocr; run: pip install 'alfrd-events\[local\]'"):
        LocalReader()
