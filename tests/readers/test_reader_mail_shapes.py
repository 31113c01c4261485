"""A mail is told by its headers, whatever a program wrote around it, and what is not read of it is named."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable
from email import message_from_bytes, policy

import pytest

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import envelope
from alfrd_events.reading.text import plain
from tests.readers.container_inputs import mail, zipped
from tests.readers.reader_inputs import Inspect, Read, pdf, text_page

BILL = pdf([text_page([(72, 720, "City Water bill 4471")]), text_page([(72, 720, "Total due 25.00")])])
BILL_TEXTS = ["City Water bill 4471", "Total due 25.00"]
PLIST = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD">\n<plist version="1.0"/>\n'


def given() -> bytes:
    return mail("The bill is attached.", bill__pdf=BILL)


def texts(read: Read, content: bytes) -> list[str]:
    return [page.text for page in read(content)]


def long_headers(message: bytes) -> bytes:
    hop = b"X-Hop: from mx%d.relay.example (10.0.0.7) by hub.relay.example\r\n with SMTP id 15;\r\n 09:30\r\n"
    return b"".join(hop % number for number in range(2000)) + message


def received(message: bytes) -> bytes:
    return b"Received: from a.example by b.example;\n Thu, 05 Mar 2026 09:30:00 +0100\n" * 80 + message


SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda m: m,
    "CRLF": lambda m: m.replace(b"\n", b"\r\n"),
    "CR": lambda m: m.replace(b"\n", b"\r"),
    "CR CR LF": lambda m: m.replace(b"\n", b"\r\r\n"),
    "many stations": received,
    "180 kB of headers": long_headers,
    "UTF-8 mark": lambda m: b"\xef\xbb\xbf" + m,
    "UTF-16 with a mark": lambda m: m.decode().encode("utf-16"),
    "UTF-16 big-endian with a mark": lambda m: b"\xfe\xff" + m.decode().encode("utf-16-be"),
    "UTF-16 without a mark": lambda m: m.decode().encode("utf-16-le"),
    "blank line": lambda m: b"\r\n" + m,
    "blank lines and blanks": lambda m: b"\n  \n\t\n\n" + m,
    "line of a mailbox": lambda m: b"From kasse@mueller.example Thu Mar  5 09:30:00 2026\n" + m,
    "two lines of mailboxes": lambda m: (
        b"From - Thu Mar  5 09:30:00 2026\n>From x Thu Mar  5 09:30:00 2026\n" + m
    ),
    "zeros after it": lambda m: m + bytes(4096),
    "zeros before it": lambda m: bytes(512) + m,
    "EMLX": lambda m: b"%d        \n" % len(m) + m + PLIST,
    "EMLX with a wrong length": lambda m: b"%d\n" % (len(m) * 2) + m + PLIST,
    "EMLX with other line ends": lambda m: (b"%d\n" % len(m) + m + PLIST).replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mail_is_read_whatever_is_around_it(read: Read, inspect: Inspect, shape: str) -> None:
    content = SHAPES[shape](given())
    assert inspect(content).media_type == "message/rfc822"
    assert texts(read, content) == texts(read, given())
    assert texts(read, given())[1:] == BILL_TEXTS


@pytest.mark.parametrize(
    "shape", ["as it is", "CR", "UTF-16 with a mark", "EMLX", "EMLX with other line ends", "zeros after it"]
)
def test_a_mail_without_attachments_has_no_more_text_than_its_own(read: Read, shape: str) -> None:
    (page,) = texts(read, SHAPES[shape](mail("One line only.")))
    assert page.endswith("März\n\nOne line only.")


@pytest.mark.parametrize(
    "banner", ["Microsoft Mail Internet Headers Version 2.0", "2026-03-05 09:30 INFO queued 1A2B"]
)
def test_a_line_before_the_headers_is_kept_below_them(read: Read, banner: str) -> None:
    first, *rest = texts(read, banner.encode() + b"\n" + given())
    assert first.startswith("From: Bäckerei Müller <kasse@mueller.example>\n")
    assert f"\n\n{banner}\n\nThe bill is attached." in first
    assert rest == BILL_TEXTS


def test_a_letter_that_quotes_a_mail_stays_a_letter(read: Read, inspect: Inspect) -> None:
    letter = b"".join(b"Line %d of what I wanted to tell you about the mail below.\n" % n for n in range(20))
    content = letter + b"\n" + mail("quoted")
    assert inspect(content).media_type == "text/plain"
    assert texts(read, content)[0].startswith("Line 0 of")


def test_a_part_that_was_saved_with_its_headers_is_opened(read: Read) -> None:
    head = b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
    assert texts(read, head + base64.encodebytes(BILL))[1:] == BILL_TEXTS


def test_a_mail_without_the_headers_of_programs_is_told_by_its_parts(read: Read) -> None:
    bare = b"\n".join(
        line for line in given().split(b"\n") if not line.lower().startswith((b"message-id", b"mime-version"))
    )
    assert texts(read, bare)[1:] == BILL_TEXTS


def test_a_pdf_near_the_start_of_a_mail_does_not_make_it_a_pdf(read: Read) -> None:
    head = b"From: a@x.example\nTo: b@x.example\nMessage-ID: <1>\nContent-Type: application/pdf\n\n"
    first, *rest = texts(read, head + BILL)
    assert first.startswith("From: a@x.example")
    assert rest == BILL_TEXTS


# --- mailboxes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [b"\n", b""], ids=["blank line", "no blank line"])
def test_every_mail_of_a_mailbox_is_read(read: Read, inspect: Inspect, gap: bytes) -> None:
    line = b"From kasse@mueller.example Thu Mar  5 09:30:%02d 2026\n"
    body = "From time to time we write.\n\nFrom our desk:\nTotal: 1"
    mails = [
        mail(f"mail number 0\n{body}"),
        mail(f"mail number 1\n{body}", bill__pdf=BILL),
        mail(f"mail number 2\n{body}"),
    ]
    box = b"".join(line % n + one + gap for n, one in enumerate(mails))
    assert inspect(box).media_type == "application/mbox"
    pages = texts(read, box)
    assert [re.findall(r"mail number \d", page) for page in pages if "mail number" in page] == [
        ["mail number 0"], ["mail number 1"], ["mail number 2"],
    ]  # fmt: skip
    assert pages[2:4] == BILL_TEXTS
    assert all("From our desk:\nTotal: 1" in page for page in pages if "mail number" in page)


def test_a_mail_of_a_mailbox_that_cannot_be_read_refuses_it_by_its_place(inspect: Inspect) -> None:
    line = b"From kasse@mueller.example Thu Mar  5 09:30:00 2026\n"
    with pytest.raises(Unreadable, match=r"given\.bin › mail 2 › bill\.pdf: the PDF is damaged"):
        inspect(line + mail("one") + b"\n" + line + mail("two", bill__pdf=BILL[:200]))


# --- who wrote -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('"Merle & Daughters" <billing@merle.example>', "Merle & Daughters <billing@merle.example>"),
        ("Merle & Daughters <billing@merle.example>", "Merle & Daughters <billing@merle.example>"),
        ("'Merle' <billing@merle.example>", "Merle <billing@merle.example>"),
        ("billing@merle.example (Merle)", "Merle <billing@merle.example>"),
        ("billing@merle.example", "billing@merle.example"),
        ('"billing@merle.example" <billing@merle.example>', "billing@merle.example"),
        ("=?utf-8?q?Smith=2C_Bob_=3Cx=3E?= <b@merle.example>", '"Smith, Bob <x>" <b@merle.example>'),
        ('"Smith, Bob" <b@x.example>, Ana <a@x.example>', '"Smith, Bob" <b@x.example>, Ana <a@x.example>'),
        ("undisclosed-recipients:;", "undisclosed-recipients:;"),
        ("The Billing Desk", "The Billing Desk"),
    ],
)
def test_a_senders_name_can_be_told_from_the_address(read: Read, written: str, shown: str) -> None:
    head = f"From: {written}\nTo: b@x.example\nMessage-ID: <1>\n\nHello".encode()
    assert texts(read, head)[0].splitlines()[0] == f"From: {shown}"


# --- what is not read is named -----------------------------------------------------------------


def test_an_empty_attachment_is_named(read: Read) -> None:
    (page,) = texts(read, mail("The total of 25.00 is due.", bill__pdf=b""))
    assert page.endswith("is due.\n\nAttachment not read: bill.pdf (an empty file)")


def test_an_attachment_of_a_known_type_is_named_with_it(read: Read) -> None:
    (page,) = texts(
        read, mail("The total of 25.00 is due.", sheet__rtf=b"{\\rtf1 x}", data__bin=os.urandom(3000))
    )
    assert page.splitlines()[-2:] == [
        "Attachment not read: sheet.rtf (an RTF document)",
        "Attachment not read: data.bin",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Please see the attachment.",
        "Attached is invoice 4711 of 5 March 2026.",
        "Anbei die Rechnung Nr. 5.",
    ],
)
def test_a_mail_that_only_points_to_what_cannot_be_read_is_refused(inspect: Inspect, body: str) -> None:
    sheet = zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""})
    with pytest.raises(
        Unreadable,
        match=r"given\.bin: is a mail that says nothing but what it brings, and bill\.xlsx is an Excel workbook",
    ):
        inspect(mail(body, bill__xlsx=sheet))


@pytest.mark.parametrize(
    "body",
    ["The total of 25.00 EUR is due.", "Your table is booked for 5 March, 19:00.", "A long story. " * 40],
)
def test_a_mail_that_says_something_itself_is_read_without_its_attachment(read: Read, body: str) -> None:
    (page,) = texts(read, mail(body, sheet__rtf=b"{\\rtf1 x}"))
    assert page.endswith("Attachment not read: sheet.rtf (an RTF document)")


def test_a_forwarded_mail_without_anything_to_read_is_named_in_the_outer_one(read: Read) -> None:
    outer = message_from_bytes(mail("The total of 25.00 is due, see below."), policy=policy.default)
    outer.add_attachment(message_from_bytes(mail("Attached.", a__rtf=b"{\\rtf1 x}"), policy=policy.default))
    (page,) = texts(read, outer.as_bytes())
    assert "Attachment not read: attachment 1 (a mail that says nothing but what it brings" in page


def test_a_file_written_into_a_text_is_read(read: Read) -> None:
    lines = b"".join(binascii.b2a_uu(BILL[at : at + 45]) for at in range(0, len(BILL), 45))
    body = "The bill:\n\nbegin 644 bill.pdf\n" + lines.decode() + "`\nend\n\nRegards"
    head = b"From: a@x.example\nTo: b@x.example\nMessage-ID: <1>\n\n"
    first, *rest = texts(read, head + body.encode())
    assert first.endswith("The bill:\n\n\n\nRegards")
    assert rest == BILL_TEXTS


def test_an_attachment_in_base64_that_does_not_say_so_is_opened(read: Read) -> None:
    content = given().replace(b"Content-Transfer-Encoding: base64\n", b"")
    assert content != given()
    assert texts(read, content)[1:] == BILL_TEXTS


# --- what is no text ---------------------------------------------------------------------------


def test_base64_in_a_text_is_named_and_left_out(read: Read) -> None:
    wall = base64.encodebytes(os.urandom(3000)).decode()
    (page,) = texts(read, f"Log of 5 March\n{wall}the end, 25.00\n".encode())
    assert page == "Log of 5 March\n[not read: 4,000 characters of base64]\nthe end, 25.00\n"
    line = base64.b64encode(os.urandom(3000)).decode()
    assert texts(read, f'{{"data": "{line}", "total": 25.00}}'.encode()) == [
        '{"data": "[not read: 4,000 characters of base64]", "total": 25.00}'
    ]


def test_base64_in_the_text_of_a_bounced_mail_is_left_out(read: Read) -> None:
    (page,) = texts(read, mail("Your mail came back:\n\n" + given().decode()))
    assert "The bill is attached." in page
    assert not re.search(r"[A-Za-z0-9+/]{60}", page)


@pytest.mark.parametrize(
    "text",
    [
        "=" * 2000 + "\n",
        "a" * 3000,
        ("-" * 70 + "\n") * 40,
        "0123456789" * 200,
        ("LOREM IPSUM DOLOR SIT AMET " * 3 + "\n") * 20,
    ],
)
def test_lines_that_are_no_base64_stay(read: Read, text: str) -> None:
    assert texts(read, text.encode()) == [text]


def test_a_file_that_is_nothing_but_base64_is_refused_with_what_to_do(inspect: Inspect) -> None:
    with pytest.raises(
        Unreadable, match=r"given\.bin: is a file written out in base64.*decode it, and send the file"
    ):
        inspect(base64.encodebytes(BILL))


TEXT = b"A line of a letter that is long enough.\n" * 2000


@pytest.mark.parametrize(
    "content",
    [
        TEXT + os.urandom(3000),
        TEXT + bytes(range(256)) * 12,
        os.urandom(3000) + TEXT,
        b"\xff\xfe" + os.urandom(6000),
        b"\xef\xbb\xbf" + os.urandom(6000),
        TEXT + bytes(range(128, 256)) * 1000,
    ],
    ids=[
        "after a text",
        "all bytes after a text",
        "before a text",
        "UTF-16 mark",
        "UTF-8 mark",
        "high bytes",
    ],
)
def test_binary_data_is_no_text_wherever_it_is(inspect: Inspect, content: bytes) -> None:
    with pytest.raises(Unreadable, match="the type of this file is unknown or not supported"):
        inspect(content)


def test_zeros_after_a_text_do_not_make_it_binary(read: Read) -> None:
    assert texts(read, b"Total 25.00\n" + bytes(4096)) == ["Total 25.00\n"]


def test_a_file_is_opened_although_its_mail_calls_it_text(read: Read) -> None:
    content = given().replace(b"application/octet-stream", b"text/plain")
    assert texts(read, content)[1:] == BILL_TEXTS


def test_looking_for_headers_takes_no_longer_than_the_file_is_long() -> None:
    for content in (
        b"a:\n \n" * 60_000,
        b"a: b\n" * 60_000,
        b" x\n" * 90_000,
        b"From " + b"1:11 " * 200_000 + b"\n",
    ):
        assert not envelope.is_mail(content)
        assert envelope.messages(content) == [content]
    assert plain.without_base64("Ab1" * 18 + "\n") == "Ab1" * 18 + "\n"
