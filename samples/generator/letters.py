"""What comes in envelopes: a medical bill, a school's fax, a renewal notice in plain text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import numpy as np
from PIL import ExifTags, Image

from .canvas import GREY, INK, Canvas
from .paper import on_wood, textured, unevenly_lit
from .parts import Column, facts, signature, table, total_bar
from .sample import HOME, TENANT, Sample, Truth, jpeg, long_date, money


def samples() -> Iterator[Sample]:
    yield _medical_bill()
    yield _school_fax()
    yield _renewal_notice()


# --- medical bill, photographed sideways -----------------------------------------------------------

CLINIC = "Saffron Bay Medical Group"
TEAL, MIST = "#0f766e", "#ecf6f4"
VISIT = (
    ("02/21/2024", "Office visit, established patient", Decimal("185.00")),
    ("02/21/2024", "Blood panel, comprehensive", Decimal("64.00")),
    ("02/21/2024", "Influenza vaccine", Decimal("38.50")),
    ("02/28/2024", "Follow-up by telephone", Decimal("45.00")),
)
ADJUSTMENT, PLAN_PAID = Decimal("-96.40"), Decimal("-151.10")
TURN_CLOCKWISE = 6
"""The EXIF orientation of a phone held upright whose sensor is not."""


def _medical_bill() -> Sample:
    issued, due = date(2024, 3, 12), date(2024, 4, 11)
    charges = sum((amount for _, _, amount in VISIT), Decimal(0))
    owed = charges + ADJUSTMENT + PLAN_PAID
    page = Canvas()
    page.rectangle(48, 40, 40, 40, fill=TEAL, radius=9)
    page.rectangle(64, 47, 8, 26, fill="#ffffff", radius=2)
    page.rectangle(55, 56, 26, 8, fill="#ffffff", radius=2)
    page.text(102, 60, CLINIC, 20, bold=True, color=TEAL)
    page.text(102, 77, "210 Mission Terrace, Port Amber, CA 95699   |   Billing 555-0185", 10, color=GREY)
    page.text(48, 122, "Patient statement", 17, bold=True)
    page.lines(48, 156, (TENANT, *HOME), 11)
    page.rectangle(330, 104, 234, 112, fill=MIST, radius=6)
    pairs = (
        ("Statement date", long_date(issued)),
        ("Account number", "SB-204881"),
        ("Patient", TENANT),
        ("Provider", "Dr. L. Abara"),
        ("Due date", long_date(due)),
    )
    facts(page, 344, 126, 206, pairs, leading=20)
    columns = (Column("Date of service", 58), Column("Description", 180), Column("Amount", 554, "right"))
    rows = [(day, name, money(amount)) for day, name, amount in VISIT]
    bottom = table(page, 244, columns, rows, left=48, right=564, head=TEAL, leading=23, stripe=MIST)
    pairs = (
        ("Total charges", money(charges)),
        ("Insurance adjustment", money(ADJUSTMENT)),
        ("Paid by your health plan", money(PLAN_PAID)),
    )
    bottom = facts(page, 320, bottom + 26, 234, pairs, size=10.5, leading=20)
    bottom = total_bar(
        page, bottom - 4, "Patient responsibility", money(owed), left=300, right=564, fill=TEAL
    )
    page.text(48, bottom + 40, "How to pay", 13, bold=True, color=TEAL)
    page.lines(
        48,
        bottom + 60,
        (
            f"Please pay {money(owed)} by {long_date(due)}, online at saffronbay-medical.example or by check",
            "to the address above with your account number on it. If you cannot pay the whole amount",
            "now, call us: we offer plans without interest.",
        ),
        10.5,
        1.5,
    )
    page.rule(48, 720, 516, TEAL)
    page.text(
        306, 738, "This statement is for services by our clinicians only.", 9.5, color=GREY, align="center"
    )

    sheet = textured(page.render(), seed=51, tint="#fcfbf7")
    photo = unevenly_lit(on_wood(sheet, seed=23, degrees=1.6, margin=56), darkest=0.66, corner=(1, 0))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = TURN_CLOCKWISE
    sideways = photo.transpose(Image.Transpose.ROTATE_90)
    truth = Truth(
        document_type="medical",
        entity=CLINIC,
        date=issued,
        due_date=due,
        total_amount=owed,
        series_key="saffron-bay-medical",
        fields={"account_number": "SB-204881"},
    )
    return Sample("2024-03-medical-bill.jpg", jpeg(sideways, 58, exif), truth, page.text_lines)


# --- tuition, as a fax of two pages ----------------------------------------------------------------

SCHOOL = "Thornapple Hollow School"
TUITION = (
    ("Tuition, summer term 2024", Decimal("1480.00")),
    ("Laboratory fee", Decimal("85.00")),
    ("Instrument rental, cello", Decimal("120.00")),
    ("Lunch plan, 48 days", Decimal("264.00")),
    ("Sibling discount", Decimal("-149.00")),
)


def _school_fax() -> Sample:
    issued, due = date(2024, 4, 8), date(2024, 5, 1)
    amount = sum((value for _, value in TUITION), Decimal(0))
    pages = [_school_letter(issued, due, amount), _school_terms(due)]
    for number, page in enumerate(pages, start=1):
        page.text(40, 24, "APR-08-2024  09:14", 10)
        page.text(306, 24, "From: Thornapple Hollow School 555-0131", 10, align="center")
        page.text(572, 24, f"P. {number}/2", 10, align="right")
    truth = Truth(
        document_type="education",
        document_type_also=("invoice",),
        entity=SCHOOL,
        date=issued,
        due_date=due,
        total_amount=amount,
        series_key="thornapple-hollow-tuition",
        fields={"account_number": "TH-7702"},
    )
    lines = [line for page in pages for line in page.text_lines]
    return Sample("2024-04-tuition-fax.tiff", _fax(pages), truth, lines, pages=2)


def _school_head(page: Canvas) -> None:
    page.polygon([(48, 60), (74, 48), (100, 60), (74, 72)], INK)
    page.polygon([(60, 70), (74, 77), (88, 70), (88, 82), (74, 88), (60, 82)], INK)
    page.line([(97, 61), (97, 84)], INK, 1.4)
    page.text(116, 70, SCHOOL, 24, bold=True)
    page.text(116, 88, "Bursar's Office, 14 Elm Court, Port Amber, CA 95699", 10.5)
    page.rule(48, 104, 516, INK, 1.4)


def _school_letter(issued: date, due: date, amount: Decimal) -> Canvas:
    page = Canvas()
    _school_head(page)
    page.lines(48, 136, (TENANT, *HOME), 11.5)
    page.text(564, 136, long_date(issued), 11.5, align="right")
    page.text(48, 214, "Tuition statement, summer term 2024", 16, bold=True)
    page.text(48, 238, "Student: Milo Calloway, grade 6          Student account: TH-7702", 11.5)
    page.lines(
        48,
        270,
        (
            "Dear Ms. Calloway,",
            "",
            "the summer term begins on June 3. Below you find the charges for Milo. Please note",
            f"that the whole amount is due by {long_date(due)}.",
        ),
        11.5,
        1.5,
    )
    columns = (Column("Description", 58), Column("Amount", 554, "right"))
    rows = [(name, money(value)) for name, value in TUITION]
    bottom = table(page, 352, columns, rows, left=48, right=564, head=INK, size=11.5, leading=26)
    page.text(58, bottom + 26, "Total due", 15, bold=True)
    page.text(554, bottom + 26, money(amount), 15, bold=True, align="right")
    page.rule(48, bottom + 38, 516, INK, 1.6)
    page.text(48, bottom + 78, "With kind regards,", 11.5)
    signature(page, 60, bottom + 118, seed=12, width=130)
    page.text(48, bottom + 146, "Theodora Lindqvist, Bursar", 11.5)
    return page


def _school_terms(due: date) -> Canvas:
    page = Canvas()
    _school_head(page)
    page.text(48, 146, "How to pay", 16, bold=True)
    paragraphs = (
        ("By check", f"payable to {SCHOOL}, with the student account on the memo line."),
        ("By transfer", "Lanternfish Bank, routing 000000000, account 5500 2217."),
        ("In installments", "three equal payments on the first of May, June and July; ask us first."),
        ("Late payments", f"received after {long_date(due)} carry a fee of $35.00."),
        ("Refunds", "in full until the first day of term, by half until the tenth."),
    )
    y = 180.0
    for title, text in paragraphs:
        page.text(48, y, title, 11.5, bold=True)
        page.text(160, y, text, 11.5)
        y += 30
    page.rectangle(48, y + 10, 516, 150, stroke=INK, line=1.4)
    page.text(62, y + 34, "Reply slip", 13, bold=True)
    for row, text in enumerate(
        ("I pay the whole amount by check or transfer", "I ask for three installments")
    ):
        page.rectangle(62, y + 54 + 28 * row, 12, 12, stroke=INK, line=1.4)
        page.text(84, y + 64 + 28 * row, text, 11.5)
    page.rule(62, y + 134, 200, INK)
    page.text(62, y + 150, "Date and signature", 10)
    page.text(
        306,
        760,
        "Thornapple Hollow School   |   bursar@thornapple.example   |   555-0131",
        10,
        align="center",
    )
    return page


def _fax(pages: Sequence[Canvas]) -> bytes:
    """Black and white, with the specks and dropped lines of a telephone line, compressed as a fax is."""
    random = np.random.default_rng(61)
    sheets = []
    for page in pages:
        grey = np.asarray(page.render().convert("L"), np.float32)
        grey = grey + random.normal(0, 22, grey.shape)
        black = grey < 150
        black |= random.random(grey.shape) < 0.00012
        for row in random.integers(120, grey.shape[0] - 120, 3):
            black[row] = False
        sheets.append(Image.fromarray(~black).convert("1"))
    buffer = io.BytesIO()
    sheets[0].save(
        buffer, "TIFF", save_all=True, append_images=sheets[1:], compression="group4", dpi=(144, 144)
    )
    return buffer.getvalue()


# --- vehicle registration, in plain text -----------------------------------------------------------

OFFICE = "Amber County Vehicle Licensing Office"
FEES = (
    ("Registration fee", Decimal("74.00")),
    ("County road fee", Decimal("31.00")),
    ("Clean air fee", Decimal("19.50")),
    ("Plate sticker", Decimal("4.25")),
)


def _renewal_notice() -> Sample:
    issued, due = date(2024, 5, 6), date(2024, 6, 30)
    total = sum((fee for _, fee in FEES), Decimal(0))
    fees = "\n".join(f"    {name:<28}{money(fee):>12}" for name, fee in FEES)
    text = f"""\
{OFFICE}
1 Courthouse Square, Port Amber, CA 95699

Notice date: {long_date(issued)}

{TENANT}
{HOME[0]}
{HOME[1]}

VEHICLE REGISTRATION RENEWAL NOTICE

    Registration number: ACV-550-2093
    Vehicle: 2019 Corvid Wagon
    License plate: 7 HRN 418
    Current registration expires: {long_date(due)}

Dear vehicle owner,

the registration of the vehicle above is about to expire. To renew it for twelve
months, please pay the fees below.

{fees}
    {"":-<40}
    {"Total due":<28}{money(total):>12}

Payment due date: {long_date(due)}

Pay online at licensing.ambercounty.example or by check to this office. Your new
sticker is mailed within ten days of payment.

{OFFICE}
"""
    truth = Truth(
        document_type="vehicle",
        document_type_also=("government",),
        entity=OFFICE,
        date=issued,
        due_date=due,
        total_amount=total,
        series_key="amber-county-vehicle-registration",
        fields={"account_number": "ACV-550-2093"},
    )
    lines = [line.strip() for line in text.splitlines() if line.strip(" -")]
    return Sample("2024-05-vehicle-registration.txt", text.encode(), truth, lines)
