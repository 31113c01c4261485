"""PDFs object by object: forms, layers, files inside, fonts with maps of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PIL import Image

from tests.readers.reader_inputs import _assembled, encoded

FIRST_FREE = 6
"""Number of the first object that a caller adds."""
Added = tuple[bytes, bytes | None]
"""An object's dictionary, and its stream: then the dictionary is left open."""


def page_content(lines: Sequence[tuple[float, float, str]]) -> bytes:
    """Text in Helvetica: (x, y from the bottom, text) in points."""
    return "".join(f"BT /F1 12 Tf {x} {y} Td ({text}) Tj ET\n" for x, y, text in lines).encode("latin-1")


def document(
    content: bytes,
    *,
    page: bytes = b"",
    catalog: bytes = b"",
    fonts: bytes = b"",
    added: Sequence[Added] = (),
) -> bytes:
    """A PDF of one page.

    :param page, catalog, fonts: more entries of these dictionaries.
    :param added: more objects, from number 6 on.
    """
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R %s >> %s >> %s >>" % (fonts, _resources(page), _entries(page)),
        b"<<",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        *(head for head, _ in added),
    ]
    streams = {FIRST_FREE + n: stream for n, (_, stream) in enumerate(added) if stream is not None}
    return _assembled(objects, {4: content, **streams}, "")


def _resources(page: bytes) -> bytes:
    return page.partition(b"|")[2]


def _entries(page: bytes) -> bytes:
    return page.partition(b"|")[0]


# --- forms --------------------------------------------------------------------------------------


def form(
    fields: Sequence[tuple[str, bytes]],
    *,
    acro: bytes = b"/NeedAppearances true",
    added: Sequence[Added] = (),
) -> bytes:
    """A page of labels, each with a field to its right.

    :param fields: label, and the entries of the field below it; ``%(parent)d`` is not known here.
    """
    labels = page_content([(72, 700 - 30 * n, label) for n, (label, _) in enumerate(fields)])
    widgets: list[Added] = [
        (
            b"<< /Type /Annot /Subtype /Widget /P 3 0 R /F 4 /T (f%d) /Rect [250 %d 450 %d] %s >>"
            % (n, 696 - 30 * n, 716 - 30 * n, entries),
            None,
        )
        for n, (_, entries) in enumerate(fields)
    ]
    first = FIRST_FREE + len(added)
    numbers = b" ".join(b"%d 0 R" % (first + n) for n in range(len(widgets)))
    return document(
        labels,
        page=b"/Annots [%s]" % numbers,
        catalog=b"/AcroForm << /Fields [%s] /DA (/Helv 10 Tf 0 g) /DR << /Font << /Helv 5 0 R >> >> %s >>"
        % (numbers, acro),
        added=[*added, *widgets],
    )


def xfa(packets: Sequence[tuple[bytes, bytes]], *, is_dynamic: bool = True) -> bytes:
    """A form of Adobe's own kind, with the page that asks to wait."""
    array = b" ".join(b"(%s) %d 0 R" % (name, FIRST_FREE + n) for n, (name, _) in enumerate(packets))
    return document(
        page_content([(72, 700, "Please wait..."), (72, 680, "If this message is not replaced")]),
        catalog=b"/NeedsRendering %s /AcroForm << /Fields [] /XFA [%s] >>"
        % (b"true" if is_dynamic else b"false", array),
        added=[(b"<<", content) for _, content in packets],
    )


# --- files inside -------------------------------------------------------------------------------


def with_files(
    lines: Sequence[tuple[float, float, str]], files: Sequence[tuple[str, bytes]], *, catalog: bytes = b""
) -> bytes:
    """A PDF with attachments."""
    added: list[Added] = []
    names = []
    for name, content in files:
        number = FIRST_FREE + len(added)
        added.append((b"<< /Type /EmbeddedFile", content))
        said = name.encode("latin-1")
        added.append(
            (b"<< /Type /Filespec /F (%s) /UF (%s) /EF << /F %d 0 R >> >>" % (said, said, number), None)
        )
        names.append(b"(%s) %d 0 R" % (said, number + 1))
    return document(
        page_content(lines),
        catalog=catalog + b" /Names << /EmbeddedFiles << /Names [%s] >> >>" % b" ".join(names),
        added=added,
    )


def with_pinned_file(lines: Sequence[tuple[float, float, str]], name: str, content: bytes) -> bytes:
    """A PDF with a file pinned to its page as an annotation."""
    said = name.encode("latin-1")
    return document(
        page_content(lines),
        page=b"/Annots [8 0 R]",
        added=[
            (b"<< /Type /EmbeddedFile", content),
            (b"<< /Type /Filespec /F (%s) /UF (%s) /EF << /F 6 0 R >> >>" % (said, said), None),
            (b"<< /Type /Annot /Subtype /FileAttachment /Rect [500 700 520 720] /FS 7 0 R >>", None),
        ],
    )


# --- layers -------------------------------------------------------------------------------------

LAYERS = (
    b"/OCProperties << /OCGs [6 0 R 7 0 R] /D << /OFF [6 0 R] /Order [6 0 R 7 0 R] >> >>",
    [(b"<< /Type /OCG /Name (draft) >>", None), (b"<< /Type /OCG /Name (final) >>", None)],
)


def layered(*, nested: bool = False, member: bool = False) -> bytes:
    """Two layers on the same place: one of them is off."""
    catalog, added = LAYERS
    draft, final = page_content([(72, 660, "Total 9,999.00")]), page_content([(72, 660, "Total 123.45")])
    letter = page_content([(72, 700, "Dear customer, this is a letter")])
    if nested:
        forms = [
            (
                b"<< /Type /XObject /Subtype /Form /BBox [0 0 612 792] /OC %d 0 R "
                b"/Resources << /Font << /F1 5 0 R >> >>" % (6 + n),
                content,
            )
            for n, content in enumerate((draft, final))
        ]
        return document(
            letter + b"/X0 Do /X1 Do\n",
            page=b"| /XObject << /X0 8 0 R /X1 9 0 R >>",
            catalog=catalog,
            added=[*added, *forms],
        )
    off = b"8 0 R" if member else b"6 0 R"
    return document(
        letter + b"/OC /L0 BDC\n" + draft + b"EMC\n/OC /L1 BDC\n" + final + b"EMC\n",
        page=b"| /Properties << /L0 %s /L1 7 0 R >>" % off,
        catalog=catalog,
        added=[*added, (b"<< /Type /OCMD /OCGs [6 0 R] /P /AnyOn >>", None)],
    )


# --- text layers that lie -----------------------------------------------------------------------


def mapped_page(
    lines: Sequence[tuple[float, float, str]], says: Callable[[str], str], *, bold: Sequence[int] = ()
) -> bytes:
    """A page in a font whose map to Unicode gives what ``says`` makes of each character that is drawn.

    :param bold: lines in bold, if it is only the bold font whose map does so.
    """

    def to_unicode(change: Callable[[str], str]) -> bytes:
        pairs = b"".join(b"<%02X> <%04X>\n" % (code, ord(change(chr(code)))) for code in range(32, 127))
        return (
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def /CMapType 2 def\n"
            b"1 begincodespacerange <00> <FF> endcodespacerange 95 beginbfchar\n" + pairs + b"endbfchar\n"
            b"endcmap end end"
        )

    fonts = [
        b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding /ToUnicode %d 0 R >>"
        % (name, FIRST_FREE + n)
        for n, name in enumerate((b"Helvetica", b"Helvetica-Bold"))
    ]
    drawn = "".join(
        f"BT /{'F3' if n in bold else 'F2'} 12 Tf {x} {y} Td ({text}) Tj ET\n"
        for n, (x, y, text) in enumerate(lines)
    )
    return document(
        drawn.encode("latin-1"),
        fonts=b"/F2 8 0 R /F3 9 0 R",
        added=[
            (b"<<", to_unicode((lambda char: char) if bold else says)),
            (b"<<", to_unicode(says)),
            *((font, None) for font in fonts),
        ],
    )


def scan_with_layer(
    image: Image.Image,
    layer: Sequence[tuple[float, float, str]],
    *,
    size: int = 12,
    is_drawn_below: bool = False,
) -> bytes:
    """A page that is one picture, with the text that a scanner's program recognised in it.

    :param is_drawn_below: as visible text that the picture covers, and not as invisible text above it.
    """
    mode = 0 if is_drawn_below else 3
    text = "".join(f"BT {mode} Tr /F1 {size} Tf {x} {y} Td ({line}) Tj ET\n" for x, y, line in layer).encode()
    picture = b"q 612 0 0 792 0 0 cm /Im1 Do Q\n"
    return document(
        text + picture if is_drawn_below else picture + text,
        page=b"| /XObject << /Im1 6 0 R >>",
        added=[
            (
                b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB "
                b"/BitsPerComponent 8 /Filter /DCTDecode" % image.size,
                encoded(image, "JPEG", quality=90),
            )
        ],
    )
