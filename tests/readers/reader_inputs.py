"""Documents made on the fly for the tests of the readers: pictures with Pillow, PDFs by hand."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, TiffImagePlugin

from alfrd_events.model import Page, Part, PartInfo

Read = Callable[..., list[Page]]
Inspect = Callable[[bytes], PartInfo]

RECEIPT = ("CORNER HARDWARE", "Receipt number 4471", "Paint brush 7.50", "Total amount 25.00")


def part(content: bytes, filename: str = "given.bin") -> Part:
    return Part(1, filename, content)


def picture(
    lines: Sequence[str] = RECEIPT,
    *,
    size: tuple[int, int] = (640, 480),
    text_size: int = 32,
    ink: Any = "black",
    paper: Any = "white",
    mode: str = "RGB",
) -> Image.Image:
    """A page with a line of print every one and a half line heights."""
    image = Image.new(mode, size, paper)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=text_size)
    for row, line in enumerate(lines):
        draw.text((40, 40 + row * text_size * 1.6), line, fill=ink, font=font)
    return image


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def tiff(texts: Sequence[Sequence[str]], *, serving: Mapping[int, tuple[int, int]] | None = None) -> bytes:
    """A TIFF with a frame for each.

    :param serving: a tag and its value for some of the frames, as on copies of reduced size.
    """
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out, True) as writer:
        for frame, lines in enumerate(texts):
            tags = TiffImagePlugin.ImageFileDirectory_v2()
            if serving and frame in serving:
                tag, value = serving[frame]
                tags[tag] = value
            packing = "raw" if serving else "tiff_lzw"  # Pillow writes not all tags beside a packing
            picture(lines).save(writer, "TIFF", compression=packing, tiffinfo=tags)
            writer.newFrame()
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is this large, and has next to no data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


# --- PDF ---------------------------------------------------------------------------------------


def text_page(lines: Sequence[tuple[float, float, str]], *, rotate: int = 0) -> dict[str, Any]:
    """A page of digital text: (x, y from the bottom, text) in points on 612 by 792."""
    drawn = "".join(f"BT /F1 12 Tf {x} {y} Td ({text}) Tj ET\n" for x, y, text in lines)
    return {"content": drawn.encode("latin-1"), "rotate": rotate, "image": None}


def scan_page(image: Image.Image, *, rotate: int = 0, text: str = "") -> dict[str, Any]:
    """A page that is one picture, with a line of digital text at its foot where one is given."""
    drawn = f"q 612 0 0 792 0 0 cm /Im1 Do Q\nBT /F1 8 Tf 40 10 Td ({text}) Tj ET\n"
    return {"content": drawn.encode("latin-1"), "rotate": rotate, "image": image}


def pdf(pages: Sequence[dict[str, Any]], *, password: str = "") -> bytes:
    """A PDF with these pages, encrypted with 40-bit RC4 where a password is given."""
    objects: list[bytes] = [b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    streams: dict[int, bytes] = {}

    def add(body: bytes, stream: bytes | None = None) -> int:
        objects.append(body)
        if stream is not None:
            streams[len(objects)] = stream
        return len(objects)

    kids = []
    pages_number = 3
    objects.append(b"")
    for page in pages:
        pictures = b""
        if page["image"] is not None:
            image = page["image"].convert("RGB")
            number = add(
                b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB "
                b"/BitsPerComponent 8 /Filter /DCTDecode" % image.size,
                encoded(image, "JPEG", quality=90),
            )
            pictures = b"/XObject << /Im1 %d 0 R >>" % number
        content = add(b"<<", page["content"])
        kids.append(
            add(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 612 792] /Rotate %d /Contents %d 0 R "
                b"/Resources << /Font << /F1 2 0 R >> %s >> >>"
                % (pages_number, page["rotate"], content, pictures)
            )
        )
    objects[0] = b"<< /Type /Catalog /Pages %d 0 R >>" % pages_number
    objects[2] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    return _assembled(objects, streams, password)


def _assembled(objects: list[bytes], streams: dict[int, bytes], password: str) -> bytes:
    file_id = bytes(range(16))
    key, security = _security(password, file_id) if password else (b"", b"")
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body
        if number in streams:
            data = streams[number]
            if key:
                salted = hashlib.md5(key + struct.pack("<I", number)[:3] + b"\0\0").digest()[:10]
                data = _rc4(salted, data)
            out += b" /Length %d >>\nstream\n" % len(data) + data + b"\nendstream"
        out += b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"<< /Size %d /Root 1 0 R /ID [<%s> <%s>] %s >>" % (
        len(objects) + 1,
        file_id.hex().encode(),
        file_id.hex().encode(),
        security,
    )
    return bytes(out) + b"trailer\n" + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % start


_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def _security(password: str, file_id: bytes) -> tuple[bytes, bytes]:
    """The standard security handler, revision 2: the file's key, and its entry in the trailer."""
    padded = (password.encode() + _PADDING)[:32]
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
    permissions = struct.pack("<i", -4)
    key = hashlib.md5(padded + owner + permissions + file_id).digest()[:5]
    user = _rc4(key, _PADDING)
    entry = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>" % (
        owner.hex().encode(),
        user.hex().encode(),
    )
    return key, entry


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


# --- processes ---------------------------------------------------------------------------------


def children_of(parent: int) -> set[int]:
    """Living processes with this parent; one that is dead but not reaped does not count."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, ppid = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue
            if int(ppid) == parent and state != "Z":
                found.add(int(entry.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()
