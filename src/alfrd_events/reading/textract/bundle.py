"""Several sheets as one PDF: the form in which Textract takes many pages."""

from __future__ import annotations

from collections.abc import Sequence

from alfrd_events.reading.frames import UnreadPage

_POINTS_PER_PIXEL = 72 / 200
_MAX_POINTS = 2880
"""What Textract takes on the longer side of a page."""


def pdf_of(sheets: Sequence[UnreadPage]) -> bytes:
    """A PDF with one JPEG on each page. The same sheets give the same bytes."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    for sheet in sheets:
        width, height = sheet.pixels
        scale = min(_POINTS_PER_PIXEL, _MAX_POINTS / max(width, height))
        across, down = width * scale, height * scale
        image, content, page = (len(objects) + offset for offset in (1, 2, 3))
        objects.append(
            b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 "
            b"/Filter /DCTDecode /Length %d >>\nstream\n%b\nendstream"
            % (width, height, len(sheet.image), sheet.image)
        )
        drawn = b"q %.2f 0 0 %.2f 0 0 cm /Im Do Q" % (across, down)
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawn), drawn))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.2f %.2f] /Contents %d 0 R "
            b"/Resources << /XObject << /Im %d 0 R >> >> >>" % (across, down, content, image)
        )
        kids.append(b"%d 0 R" % page)
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(kids), b" ".join(kids))
    return _written(objects)


def _written(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
