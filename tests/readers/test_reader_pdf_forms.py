"""Forms: what was filled in is read, whether or not the file draws it."""

from __future__ import annotations

import pytest

from alfrd_events.errors import Unreadable
from tests.readers.pdf_inputs import form, xfa
from tests.readers.reader_inputs import Read

TEXT = b"/FT /Tx /V (%s)"
DATASETS = (
    b"<xfa:datasets xmlns:xfa='http://www.xfa.org/schema/xfa-data/1.0/'><xfa:data><bill>%s</bill></xfa:data>"
    b"</xfa:datasets>"
)
FILLED = DATASETS % b"<company>Nordlicht GmbH</company><invoiceDate>2024-03-05</invoiceDate><sum>119.00</sum>"


def empty_appearance(content: bytes = b"/Tx BMC EMC") -> tuple[bytes, bytes]:
    return b"<< /Type /XObject /Subtype /Form /BBox [0 0 200 20]", content


@pytest.mark.parametrize("acro", [b"/NeedAppearances true", b""])
@pytest.mark.parametrize("appearance", [None, b"", b"/Tx BMC EMC", b"q 1 0 0 rg 0 0 200 20 re f Q"])
def test_a_value_that_the_file_does_not_draw_is_read_at_its_place(
    read: Read, appearance: bytes | None, acro: bytes
) -> None:
    drawn = b"" if appearance is None else b"/AP << /N 6 0 R >>"
    added = [] if appearance is None else [empty_appearance(appearance)]

    (page,) = read(
        form(
            [("Company", TEXT % b"Harrow Ltd" + drawn), ("Total due", TEXT % b"1,234.50" + drawn)],
            acro=acro,
            added=added,
        )
    )

    assert page.text.split("\n") == ["Company  Harrow Ltd", "Total due  1,234.50"]


def test_a_value_of_the_parent_field_is_read(read: Read) -> None:
    parent = b"<< /FT /Tx /T (total) /V (1,234.50) /Kids [7 0 R] >>"
    (page,) = read(form([("Total due", b"/Parent 6 0 R")], added=[(parent, None)]))
    assert page.text == "Total due  1,234.50"


def test_a_value_that_the_file_draws_is_read_as_it_is_drawn(read: Read) -> None:
    """The appearance is what a person sees: it may be the value with a currency sign."""
    drawn = empty_appearance(b"/Tx BMC BT /F1 10 Tf 2 5 Td (USD 1,234.50) Tj ET EMC")
    with_font = drawn[0] + b" /Resources << /Font << /F1 5 0 R >> >>", drawn[1]
    entries = TEXT % b"1234.5" + b"/AP << /N 6 0 R >>"
    (page,) = read(form([("Total due", entries)], acro=b"", added=[with_font]))
    assert page.text == "Total due  USD 1,234.50"


def test_a_choice_and_a_ticked_box_are_read(read: Read) -> None:
    (page,) = read(
        form(
            [
                ("Method", b"/FT /Ch /Ff 131072 /Opt [(Card) (Bank transfer)] /V (Bank transfer)"),
                ("Paid", b"/FT /Btn /V /Yes /AS /Yes"),
                ("Overdue", b"/FT /Btn /V /Off /AS /Off"),
            ]
        )
    )
    assert page.text.split("\n") == ["Method  Bank transfer", "Paid  [x]", "Overdue"]


@pytest.mark.parametrize("flags", [b"2", b"32"])
def test_a_hidden_field_is_not_read(read: Read, flags: bytes) -> None:
    given = form([("Total due", TEXT % b"9,999.00")]).replace(b"/F 4 ", b"/F %s " % flags)
    (page,) = read(given)
    assert page.text == "Total due"


def test_a_password_field_keeps_its_secret(read: Read) -> None:
    (page,) = read(form([("Access", TEXT % b"hunter2" + b"/Ff 8192")]))
    assert "hunter2" not in page.text


# --- XFA ----------------------------------------------------------------------------------------


def test_the_values_of_a_form_without_pages_are_read_instead_of_its_plea_to_wait(read: Read) -> None:
    template = (
        b"<template xmlns='http://www.xfa.org/schema/xfa-template/3.3/'><subform><field name='sum'><caption><value>"
        b"<text>Amount due:</text></value></caption></field></subform></template>"
    )

    (page,) = read(xfa([(b"template", template), (b"datasets", FILLED)]))

    lines = page.text.split("\n")
    assert lines[:3] == ["Company: Nordlicht GmbH", "Invoice date: 2024-03-05", "Amount due: 119.00"]
    assert "XFA" in lines[-1]
    assert "wait" not in page.text


@pytest.mark.parametrize(
    "packets",
    [
        [(b"datasets", DATASETS % b"")],
        [(b"datasets", DATASETS % b"<total></total>")],
        [(b"datasets", b"<damaged")],
        [(b"template", b"<template xmlns='http://www.xfa.org/schema/xfa-template/3.3/'/>")],
        [(b"datasets", b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + FILLED)],
    ],
)
def test_a_form_without_pages_whose_values_cannot_be_read_is_refused_with_what_to_do(
    read: Read, packets: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(Unreadable, match=r"form\.pdf: the PDF is an XFA form.*print it to a new PDF"):
        read(xfa(packets), "form.pdf")


def test_a_form_that_has_pages_keeps_them(read: Read) -> None:
    pages = read(xfa([(b"datasets", FILLED)], is_dynamic=False))
    assert [page.text.split("\n")[0] for page in pages] == ["Please wait...", "Company: Nordlicht GmbH"]
