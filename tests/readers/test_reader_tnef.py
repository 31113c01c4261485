"""What Outlook packs into ``winmail.dat`` is read as if it had been mailed like anything else."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import rtf
from alfrd_events.reading.formats.budget import Budget
from alfrd_events.reading.formats.opening import open_within
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.container_inputs import mail
from tests.readers.outlook_writer import compound, outlook
from tests.readers.reader_inputs import Inspect, Read, encoded, pdf, picture, text_page
from tests.readers.tnef_writer import (
    ATTACHMENT,
    BINARY,
    MESSAGE,
    NARROW,
    WIDE,
    attached,
    attached_message,
    attribute,
    packed,
    tnef,
)

BILL = pdf([text_page([(72, 720, "City Water bill 4471")]), text_page([(72, 720, "Total due 25.00")])])
BILL_TEXTS = ["City Water bill 4471", "Total due 25.00"]
# The examples of [MS-OXRTFCP], 4.1.
HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)
CROSSING = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")


def texts(read: Read, content: bytes) -> list[str]:
    return [page.text for page in read(content)]


def with_winmail(content: bytes, body: str = "Please see the attachment.") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "a@x.example", "b@x.example", "<1@x>"
    message.set_content(body)
    message.add_attachment(content, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    return message.as_bytes()


@pytest.mark.parametrize("size", [10, 5000])
def test_what_outlook_packed_is_read_as_a_part_of_the_mail(read: Read, size: int) -> None:
    body = "Dear customer. " * (size // 10)
    first, *rest = texts(read, with_winmail(packed(body, bill__pdf=BILL, note__txt=b"a note")))
    assert first.startswith("From: a@x.example\nTo: b@x.example\n\nPlease see the attachment.\n")
    assert first.count("Dear customer.") == size // 10
    assert rest == [*BILL_TEXTS, "a note"]


def test_a_text_that_the_mail_has_too_is_there_once(read: Read) -> None:
    first, *_ = texts(
        read, with_winmail(packed("The total\r\nis 25.00.", bill__pdf=BILL), "The total is 25.00.")
    )
    assert first.count("25.00") == 1


def test_a_binary_attachment_is_every_byte_of_it(read: Read) -> None:
    scan = encoded(picture(), "PNG") + bytes(5)  # zeros at its end belong to it
    (_, page) = read(with_winmail(packed(scan__png=scan)))
    assert (page.source, "CORNER HARDWARE" in page.text) == ("ocr", True)


def test_what_outlook_packed_is_read_alone(read: Read, inspect: Inspect) -> None:
    ticks = int(
        (datetime(2026, 3, 5, 9, 30, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds() * 10**7
    )
    content = packed(
        properties=(
            (WIDE, 0x0C1A, "Bäckerei & Söhne".encode("utf-16-le") + b"\0\0"),
            (NARROW, 0x0C1F, b"kasse@mueller.example\0"),
            (WIDE, 0x0037, "Rechnung 4471".encode("utf-16-le") + b"\0\0"),
            (0x40, 0x0039, struct.pack("<Q", ticks)),
            (WIDE, 0x1000, "Die Rechnung über 25,00 € hängt an.".encode("utf-16-le") + b"\0\0"),
        ),
        bill__pdf=BILL,
    )
    assert inspect(content).media_type == "application/ms-tnef"
    first, *rest = texts(read, content)
    assert first.splitlines() == [
        "From: Bäckerei & Söhne <kasse@mueller.example>",
        "Date: 2026-03-05 09:30 UTC",
        "Subject: Rechnung 4471",
        "",
        "Die Rechnung über 25,00 € hängt an.",
    ]
    assert rest == BILL_TEXTS


def test_the_attributes_of_old_programs_are_read(read: Read) -> None:
    sender = struct.pack("<4H", 4, 24, 11, 23) + b"City Water\0" + b"SMTP:bills@water.example"[:23] + bytes(2)
    date = struct.pack("<7H", 2026, 3, 5, 9, 30, 0, 4)
    content = tnef(
        attribute(MESSAGE, 0x9007, struct.pack("<II", 1251, 0)),
        attribute(MESSAGE, 0x8000, sender),
        attribute(MESSAGE, 0x8005, date),
        attribute(MESSAGE, 0x8004, "Счёт\0".encode("cp1251")),
        attribute(MESSAGE, 0x800C, "К оплате: 1500 руб.\0".encode("cp1251")),
    )
    (page,) = texts(read, content)
    assert page.splitlines() == [
        "From: City Water <bills@water.exampl>",
        "Date: 2026-03-05 09:30",
        "Subject: Счёт",
        "",
        "К оплате: 1500 руб.",
    ]


def test_a_text_in_html_is_read_as_it_shows(read: Read) -> None:
    shown = "<html><body>Größe <b>Total</b> 25.00<script>x()</script></body></html>"
    for kind, raw in ((BINARY, shown.encode()), (WIDE, shown.encode("utf-16-le"))):
        (page,) = texts(read, packed(properties=((3, 0x3FDE, struct.pack("<I", 65001)), (kind, 0x1013, raw))))
        assert page == "Größe Total 25.00"


def test_a_logo_in_the_text_is_no_page(read: Read) -> None:
    content = tnef(
        attribute(MESSAGE, 0x9003, packed_html('<p>Total 25.00</p><img src="cid:logo@1">')),
        attached(
            "logo.png",
            encoded(picture(("logo",), size=(80, 40))),
            (WIDE, 0x3712, "logo@1".encode("utf-16-le")),
        ),
        attached("bill.pdf", BILL),
    )
    assert texts(read, content) == ["Total 25.00", *BILL_TEXTS]


def packed_html(markup: str) -> bytes:
    raw = markup.encode()
    return struct.pack("<IHHII", 1, BINARY, 0x1013, 1, len(raw)) + raw + bytes(-len(raw) % 4)


@pytest.mark.parametrize("packing", ["compressed", "stored"])
def test_a_text_in_rtf_only_is_read(read: Read, packing: str) -> None:
    text = rb"{\rtf1\ansi\ansicpg1252\pard hello world}" + b"\r\n"
    stored = struct.pack("<IIII", len(text) + 12, len(text), 0x414C454D, 0) + text
    given = HELLO if packing == "compressed" else stored
    assert texts(read, packed(properties=((BINARY, 0x1009, given),))) == ["hello world"]
    message = outlook(body="")
    message["__substg1.0_10090102"] = given
    assert texts(read, compound(message))[0].endswith("\n\nhello world")


def test_rtf_is_read_as_a_program_without_layout_shows_it(read: Read) -> None:
    text = (
        rb"{\rtf1\ansi\ansicpg1252\fromhtml1{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Arial Cyr;}}{\colortbl;\red0;}"
        rb"{\*\htmltag64 <p>}{\info{\author Nobody}}\f0 Gr\'f6\'dfe{\b : 25,00\~\u8364 ?}\par"
        b"\r\n"
        rb"\f1 \'d1\'f7\'b8\'f2\f0\tab \{x\}{\pict\bin5 }}}}}abc}"
        rb"{\field{\*\fldinst{HYPERLINK x}}{\fldrslt a link}}\uc2\u-10179 ab.}"
    )
    head = struct.pack("<IIII", len(text) + 12, len(text), 0x414C454D, 0)
    (page,) = texts(read, packed(properties=((BINARY, 0x1009, head + text),)))
    assert page == "Größe: 25,00 €\nСчёт\t{x}a link."


def test_a_copy_that_overlaps_with_itself_repeats() -> None:
    budget = Budget("given", ReaderLimits(), open_within)
    assert rtf.text_of(CROSSING, budget) == "WXYZWXYZWXYZWXYZWXYZ"


def test_a_damaged_text_in_rtf_is_named(read: Read) -> None:
    for damaged in (HELLO[:20], b"\xff" * 40, HELLO[:8] + b"XXXX" + HELLO[12:]):
        content = packed(properties=((BINARY, 0x1009, damaged),), bill__pdf=BILL)
        assert texts(read, content)[0] == "Attachment not read: the text of the message (damaged RTF)"


def test_a_message_inside_is_read_with_what_is_attached_to_it(read: Read) -> None:
    inner = packed("the first mail", subject="The first one", bill__pdf=BILL)
    pages = texts(read, with_winmail(tnef(attached_message("The first one", inner))))
    assert pages[1] == "Subject: The first one\n\nthe first mail"
    assert pages[2:] == BILL_TEXTS


def test_messages_inside_one_another_without_end_are_refused(inspect: Inspect) -> None:
    content = packed("innermost")
    for _ in range(4):
        content = tnef(attached_message("inside", content))
    with pytest.raises(Unreadable, match="inside one another more than 3 deep"):
        inspect(content)


def test_what_outlook_packed_and_cannot_be_read_is_named(read: Read, inspect: Inspect) -> None:
    content = packed(sheet__rtf=b"{\\rtf1 x}", gone__pdf=b"")
    (page,) = texts(read, with_winmail(content, "The total of 25.00 is due."))
    assert page.splitlines()[-2:] == [
        "Attachment not read: gone.pdf (an empty file)",
        "Attachment not read: sheet.rtf (an RTF document)",
    ]
    with pytest.raises(Unreadable, match=r"says nothing but what it brings, and gone\.pdf is an empty"):
        inspect(with_winmail(content))


@pytest.mark.parametrize("keep", [30, 100, 400])
def test_half_of_it_is_refused(inspect: Inspect, keep: int) -> None:
    whole = packed("Dear customer", bill__pdf=BILL)
    with pytest.raises(
        Unreadable, match=r"given\.bin: what Outlook packed \(winmail\.dat\) is damaged or truncated"
    ):
        inspect(whole[:keep])
    with pytest.raises(Unreadable, match=r"given\.bin › winmail\.dat: what Outlook packed"):
        inspect(with_winmail(whole[:keep]))


def test_lengths_that_lead_out_of_the_file_are_refused(inspect: Inspect) -> None:
    lies = (
        attribute(MESSAGE, 0x9003, struct.pack("<I", 0xFFFFFFFF)),
        attribute(MESSAGE, 0x9003, struct.pack("<IHHII", 1, BINARY, 0x1013, 1, 0xFFFFFFF0)),
        attribute(MESSAGE, 0x9003, struct.pack("<IHHI", 1, BINARY, 0x1013, 0xFFFFFFFF)),
        attribute(MESSAGE, 0x9003, struct.pack("<IHHI", 1, 0x1001, 0x1013, 0xFFFFFFFF)),
        attribute(MESSAGE, 0x9003, struct.pack("<IHHI", 1, 0x77, 0x1013, 1)),
        attribute(ATTACHMENT, 0x8010, b"no attachment began\0"),
        struct.pack("<BHHI", MESSAGE, 0x800C, 2, 0xFFFFFFFF),
    )
    for lie in lies:
        with pytest.raises(Unreadable, match="is damaged or truncated"):
            inspect(tnef(lie))


def test_a_mail_in_base64_inside_a_mail_is_read(read: Read) -> None:
    head = b"From: a@x.example\nTo: b@x.example\nMessage-ID: <1>\nMIME-Version: 1.0\n"
    inner = base64.encodebytes(mail("inside", bill__pdf=BILL))
    content = head + b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + inner
    assert texts(read, content)[2:] == BILL_TEXTS
