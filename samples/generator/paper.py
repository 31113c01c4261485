"""Make a clean page look like something that lay on a desk: paper, creases, light, noise, a table below.

Every effect takes and returns an RGB image, and draws its chance from a seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from .canvas import Canvas

Pixels = NDArray[np.float32]


def textured(image: Image.Image, seed: int, tint: str = "#fffdf6", grain: float = 2.0) -> Image.Image:
    """Print the page on tinted paper with soft clouds and a fine grain."""
    pixels = _pixels(ImageChops.multiply(image, Image.new("RGB", image.size, tint)))
    pixels += _clouds(image.size, seed, cell=90)[..., None] * 1.6
    # Grain at half size is what a scanner's lens passes; it also keeps the JPEG small.
    pixels += _clouds(image.size, seed + 1, cell=2)[..., None] * grain
    return _image(pixels)


def crumpled(image: Image.Image, seed: int, depth: float = 12) -> Image.Image:
    """Fold the page along a few creases: each side of a crease catches the light differently."""
    random = np.random.default_rng(seed)
    width, height = image.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = np.zeros((height, width), np.float32)
    for _ in range(9):
        angle = random.uniform(0, np.pi)
        centre = random.uniform((0, 0), (width, height))
        distance = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
        light += depth * random.uniform(0.35, 1) * np.sign(distance) * np.exp(-np.abs(distance) / 55)
        light += depth * 0.9 * np.exp(-((distance / 1.6) ** 2))
    return _image(_pixels(image) + light[..., None])


def unevenly_lit(image: Image.Image, darkest: float = 0.78, corner: tuple[int, int] = (1, 1)) -> Image.Image:
    """Let the light fall off towards ``corner``: (0, 0) is the top left, (1, 1) the bottom right."""
    width, height = image.size
    across = np.linspace(0, 1, width, dtype=np.float32)
    down = np.linspace(0, 1, height, dtype=np.float32)
    across, down = (axis if end else 1 - axis for axis, end in ((across, corner[0]), (down, corner[1])))
    fall = 1 - (1 - darkest) * np.clip((across[None, :] ** 2 + down[:, None] ** 2) / 2, 0, 1)
    return _image(_pixels(image) * fall[..., None])


def scanned(image: Image.Image, seed: int, noise: float = 5, contrast: float = 0.9) -> Image.Image:
    """What a tired office scanner makes of a page: grey, a little soft, noisy."""
    grey = ImageOps.grayscale(image).filter(ImageFilter.GaussianBlur(0.6)).convert("RGB")
    pixels = 255 - (255 - _pixels(grey)) * contrast - 6
    return _image(pixels + _clouds(image.size, seed, cell=2)[..., None] * noise)


def stamped(image: Image.Image, text: str, centre: tuple[int, int], angle: float, color: str) -> Image.Image:
    """Press a rubber stamp on the page, its ink worn in places."""
    stamp = Canvas(150, 54, paper="#000000")
    stamp.rectangle(3, 3, 144, 48, stroke="#ffffff", line=2.6, radius=7)
    stamp.text(75, 38, text, 31, bold=True, color="#ffffff", align="center")
    mask = ImageOps.grayscale(stamp.render(2.0))
    worn = np.clip(_clouds(mask.size, 7, cell=5) * 0.25 + 0.72, 0.2, 0.85)
    mask = Image.fromarray((np.asarray(mask) * worn).astype(np.uint8))
    mask = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    result = image.copy()
    corner = (centre[0] - mask.width // 2, centre[1] - mask.height // 2)
    result.paste(Image.new("RGB", mask.size, color), corner, mask)
    return result


def turned(image: Image.Image, degrees: float, backdrop: str = "#e9e7e2") -> Image.Image:
    """Lay the page slightly askew; ``backdrop`` shows at its edges."""
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=backdrop)


def on_wood(image: Image.Image, seed: int, degrees: float, margin: int = 70) -> Image.Image:
    """Photograph the page from above, lying on a wooden table with its own soft shadow."""
    sheet = image.convert("RGBA").rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    size = (sheet.width + 2 * margin, sheet.height + 2 * margin)
    table = _wood(size, seed)
    shadow = Image.new("L", size, 0)
    shadow.paste(sheet.getchannel("A").point(lambda alpha: alpha * 0.55), (margin + 9, margin + 12))
    table.paste(Image.new("RGB", size, "#1a0f08"), (0, 0), shadow.filter(ImageFilter.GaussianBlur(12)))
    table.paste(sheet, (margin, margin), sheet)
    return table


def torn(image: Image.Image, tooth: int = 6) -> Image.Image:
    """Give a till receipt the jagged upper and lower edge of the cutter, as transparency."""
    mask = Image.new("L", image.size, 0)
    width, height = image.size
    edge = [(x, tooth * (step % 2)) for step, x in enumerate(range(0, width + tooth, tooth))]
    outline = edge + [(x, height - 1 - y) for x, y in reversed(edge)]
    ImageDraw.Draw(mask).polygon(outline, 255)
    sheet = image.convert("RGBA")
    sheet.putalpha(mask)
    return sheet


def _wood(size: tuple[int, int], seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    width, height = size
    rings = _clouds(size, seed, cell=160) * 2.2
    y = np.arange(height, dtype=np.float32)[:, None]
    grain = np.sin(y / 7 + rings * 3) * 0.5 + np.sin(y / 2.3 + rings * 5) * 0.22
    fibre = np.repeat(random.normal(size=(height, width // 40 + 1)), 40, axis=1)[:, :width]
    shade = (grain * 9 + fibre * 2.2).astype(np.float32)
    plank = np.where((y % 260) < 3, -38, 0) + 9 * np.sin(y // 260 * 2.1)
    base = np.array([122, 84, 54], np.float32)
    return _image(base + (shade + plank)[..., None] * np.array([1.0, 0.82, 0.64], np.float32))


def _clouds(size: tuple[int, int], seed: int, cell: int) -> Pixels:
    """Smooth noise around 0 whose features are about ``cell`` pixels wide."""
    width, height = size
    random = np.random.default_rng(seed)
    coarse = random.normal(size=(height // cell + 2, width // cell + 2)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image.convert("RGB"), np.float32).copy()


def _image(pixels: Pixels) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
