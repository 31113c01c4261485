"""Images: from a file's bytes to upright pixels on white.

Only the plugin of the type that was told from the content may open a file, and size is checked in the
header, before anything is decoded. Very large images are shrunk while or right after they are decoded.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from alfrd_events.errors import Unreadable
from alfrd_events.reading import ocr
from alfrd_events.reading.formats import sheets
from alfrd_events.reading.formats.content import IMAGE_FORMATS
from alfrd_events.reading.formats.source import PageImage, ReadPage
from alfrd_events.sandbox.limits import ReaderLimits

Pixels = NDArray[np.uint8]

WORKING_PIXELS = 24_000_000
"""An A4 page at 500 dpi has as many; more sharpness costs memory and reads no better."""
_TURNS = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
"""EXIF orientation to degrees clockwise."""
_ORIENTATION = 0x0112
_NEW_SUBFILE_TYPE = 254
_SERVES_ANOTHER = 0b101
"""Bits of that tag: reduced image, transparency mask."""
_SUBFILE_TYPE = 255
_REDUCED = 2
"""Value of that tag, which older programs write."""
_DECODING_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    struct.error,
)
"""What Pillow's plugins raise on damaged files."""

Image.MAX_IMAGE_PIXELS = None  # checked below against our own limit, with our own message
ImageFile.LOAD_TRUNCATED_IMAGES = False
pillow_heif.register_heif_opener()


class ImageSource:
    """An image file; each frame of a TIFF is a page unless it only serves another one, other formats have one."""

    def __init__(self, data: bytes, filename: str, media_type: str, limits: ReaderLimits) -> None:
        self.media_type = media_type
        self._filename = filename
        self._limits = limits
        self._data = data
        try:
            self._image = Image.open(io.BytesIO(data), formats=[IMAGE_FORMATS[media_type]])
            self._check_size()
            self._frames = _pages_of_tiff(self._image) if media_type == "image/tiff" else [0]
        except _DECODING_ERRORS as error:
            raise self._damaged() from error
        self.page_count = len(self._frames)

    def read(self, number: int) -> ReadPage:
        pixels, turned = self._decoded(number)
        found = ocr.read(pixels)
        return ReadPage.of_rows(found.rows, found.size, "ocr", (turned + found.rotation) % 360)

    def prepare(self, number: int) -> ReadPage | PageImage:
        pixels, turned = self._decoded(number)
        good_as_it_is = (
            self.media_type in ("image/png", "image/jpeg")
            and _ORIENTATION not in self._image.getexif()
            and self._image.mode in ("1", "L", "P", "RGB")
            and not self._image.has_transparency_data
        )
        return sheets.sheet_of(
            pixels, self._filename, rotation=turned, original=self._data if good_as_it_is else b""
        )

    def pixels(self, number: int) -> tuple[Pixels, int]:
        return self._decoded(number)

    def close(self) -> None:
        self._image.close()
        self._data = b""

    def _decoded(self, number: int) -> tuple[Pixels, int]:
        try:
            if self.media_type == "image/tiff":
                self._image.seek(self._frames[number - 1])
            self._check_size()
            return upright(self._image)
        except _DECODING_ERRORS as error:
            raise self._damaged() from error

    def _check_size(self) -> None:
        width, height = self._image.size
        if width * height > self._limits.max_pixels:
            raise Unreadable(
                f"{self._filename}: the image is too large: {width:,} by {height:,} pixels, and the limit is "
                f"{self._limits.max_pixels:,}; scan it at a lower resolution, or raise the limit of pixels"
            )

    def _damaged(self) -> Unreadable:
        name = IMAGE_FORMATS[self.media_type]
        return Unreadable(
            f"{self._filename}: the {name} image is damaged or truncated and could not be decoded; "
            "send a complete copy"
        )


def _pages_of_tiff(image: Image.Image) -> list[int]:
    """The frames that are pages: no smaller copies, as viewers show in a list, and no masks of transparency."""
    frames = range(getattr(image, "n_frames", 1))
    pages = []
    for frame in frames:
        image.seek(frame)
        tags = getattr(image, "tag_v2", {})
        if not tags.get(_NEW_SUBFILE_TYPE, 0) & _SERVES_ANOTHER and tags.get(_SUBFILE_TYPE) != _REDUCED:
            pages.append(frame)
    return pages or list(frames)


def upright(image: Image.Image) -> tuple[Pixels, int]:
    """Decode an image to blue-green-red pixels as a person sees it.

    :return: the pixels, and the degrees clockwise by which EXIF says that they were turned.
    """
    turned = _TURNS.get(image.getexif().get(_ORIENTATION, 1), 0)
    while image.width * image.height > WORKING_PIXELS and _drafted(image):
        pass
    image.load()
    shrink = int(np.ceil(np.sqrt(image.width * image.height / WORKING_PIXELS)))
    plain = on_white(image.reduce(shrink) if shrink > 1 and image.mode not in {"P", "1"} else image)
    if shrink > 1 and plain.width * plain.height > WORKING_PIXELS:
        plain = plain.reduce(shrink)
    ImageOps.exif_transpose(plain, in_place=True)
    return np.ascontiguousarray(np.asarray(plain)[:, :, ::-1]), turned


def _drafted(image: Image.Image) -> bool:
    """Let the JPEG decoder give half the size, which costs no memory for the rest."""
    before = image.size
    if isinstance(image, ImageFile.ImageFile):
        image.draft(None, (image.width // 2, image.height // 2))
    return image.size != before


def on_white(image: Image.Image) -> Image.Image:
    """Give any mode as RGB; what is transparent becomes paper."""
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        image = _eight_bits(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    paper = Image.new("RGBA", layered.size, "white")
    paper.alpha_composite(layered)
    return _with_exif(paper.convert("RGB"), image)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16 bits, 32 bits and floating point into 0 to 255; scanners rarely use the whole range."""
    values: NDArray[Any] = np.nan_to_num(np.asarray(image).astype(np.float32))
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and high > 255):
        low, high = 0.0, 65535.0 if high <= 65535 else high
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    scaled = (values - low) * (255.0 / max(high - low, 1e-6))
    return _with_exif(Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8)), image)


def _with_exif(image: Image.Image, original: Image.Image) -> Image.Image:
    """Keep the orientation, which a freshly made image does not have."""
    image.getexif()[_ORIENTATION] = original.getexif().get(_ORIENTATION, 1)
    return image
