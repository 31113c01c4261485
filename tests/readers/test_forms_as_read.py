"""Forms with boxes, from the page to the values: digital PDFs, and pictures of the same pages."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

import pytest

from alfrd_events.model import Summary
from alfrd_events.model.jobs import Classify, Summarize
from tests.analysts.paper import ANALYST, PROMPT, TYPES, of_pages
from tests.readers.form_inputs import Cell, as_pdf, as_picture, grid, table
from tests.readers.reader_inputs import Read

EMPLOYER = "Harbor Tools LLC\n12 Wharf Street\nAshford, CA 94102"

W2 = [
    *grid(
        [[("a Employee's social security number", "123-45-6789"), ("OMB No. 1545-0008", "")]],
        columns=[130, 300],
        top=40,
    ),
    *grid([[("b Employer identification number (EIN)", "12-3456789")]], columns=[36], top=66),
    *grid([[("c Employer's name, address, and ZIP code", EMPLOYER)]], columns=[36], top=92),
    *grid(
        [
            [("1 Wages, tips, other compensation", "52000.00"), ("2 Federal income tax withheld", "6240.00")],
            [("3 Social security wages", "54000.00"), ("4 Social security tax withheld", "3348.00")],
            [("5 Medicare wages and tips", "54000.00"), ("6 Medicare tax withheld", "783.00")],
            [("7 Social security tips", ""), ("8 Allocated tips", "")],
        ],
        columns=[330, 450],
        top=66,
    ),
    *grid([[("d Control number", "00417 WX")]], columns=[36], top=152),
    *grid(
        [
            [
                (
                    "e Employee's first name and initial     Last name",
                    "Jane Q. Public\n44 Elm Road\nAshford, CA 94102",
                )
            ]
        ],
        columns=[36],
        top=178,
    ),
    *grid(
        [
            [
                ("15 State    Employer's state ID number", "CA   001-2345-6"),
                ("16 State wages, tips, etc.", "52000.00"),
                ("17 State income tax", "2080.00"),
            ]
        ],
        columns=[36, 200, 320],
        top=240,
    ),
    (36, 290, 16, "W-2"),
    (70, 290, 8, "Wage and Tax Statement"),
    (270, 290, 18, "2024"),
    (420, 290, 7, "Department of the Treasury-Internal Revenue Service"),
]
INT = [
    *grid(
        [[("PAYER'S name, street address, city or town, state or province, country, ZIP", "")]],
        columns=[36],
        top=40,
    ),
    (39, 57, 6.5, "or foreign postal code, and telephone no."),
    (48, 72, 10, "Cedar Valley Credit Union"),
    (48, 84, 10, "900 Granite Avenue"),
    (48, 96, 10, "Ashford, CA 94102"),
    *grid([[("Payer's RTN (optional)", ""), ("OMB No. 1545-0112", "")]], columns=[330, 440], top=40),
    *grid(
        [[("1 Interest income", "$ 812.44")], [("2 Early withdrawal penalty", "$ 0.00")]],
        columns=[330],
        top=66,
    ),
    (443, 74, 8, "Form 1099-INT"),
    (443, 84, 6, "(Rev. January 2024)"),
    (443, 96, 6.5, "For calendar year"),
    (452, 110, 12, "2024"),
    *grid([[("PAYER'S TIN", "98-7654321"), ("RECIPIENT'S TIN", "XXX-XX-1234")]], columns=[36, 180], top=118),
    *grid(
        [[("3 Interest on U.S. Savings Bonds and Treasury obligations", "$ 0.00")]], columns=[330], top=118
    ),
    *grid([[("RECIPIENT'S name", "Jane Q. Public")]], columns=[36], top=144),
    *grid(
        [[("4 Federal income tax withheld", "$ 81.00"), ("5 Investment expenses", "$ 0.00")]],
        columns=[330, 440],
        top=144,
    ),
    *grid([[("Street address (including apt. no.)", "44 Elm Road")]], columns=[36], top=170),
]
STUB = [
    (36, 50, 12, "Brightleaf Foods Inc"),
    (36, 64, 8, "7 Orchard Lane, Ashford, CA 94102"),
    (420, 50, 12, "Earnings Statement"),
    *table(
        [["Pay Date:", "04/05/2024"], ["Period Beginning:", "03/16/2024"], ["Period Ending:", "03/31/2024"]],
        columns=[380, 480],
        top=70,
    ),
    (36, 100, 10, "Sam Carter"),
    (36, 112, 10, "18 Mill Road"),
    *table(
        [
            ["Earnings", "rate", "hours", "this period", "year to date"],
            ["Regular", "40.00", "77.50", "3,100.00", "18,600.00"],
            ["Gross Pay", "", "", "$3,100.00", "18,600.00"],
            ["Deductions", "", "", "", ""],
            ["Federal Income Tax", "", "", "-420.00", "2,520.00"],
            ["Social Security Tax", "", "", "-192.20", "1,153.20"],
            ["Medicare Tax", "", "", "-44.95", "269.70"],
            ["Net Pay", "", "", "$2,442.85", ""],
        ],
        columns=[36, 180, 240, 300, 400],
        top=150,
    ),
]
LOHN = [
    (36, 40, 7, "Konditorei Sonnenschein · Am Markt 3 · 53111 Bonn"),
    (300, 60, 12, "Verdienstabrechnung für April 2024"),
    (36, 70, 10, "Frau"),
    (36, 82, 10, "Lena Beispiel"),
    (36, 94, 10, "Rosenallee 12"),
    (36, 106, 10, "53113 Bonn"),
    *grid(
        [
            [
                ("Gesamtbrutto", "2.850,00"),
                ("Steuerbrutto", "2.850,00"),
                ("Lohnsteuer", "301,08"),
                ("Kirchensteuer", "0,00"),
            ],
            [
                ("KV-Beitrag", "232,28"),
                ("RV-Beitrag", "265,05"),
                ("AV-Beitrag", "37,05"),
                ("PV-Beitrag", "65,55"),
            ],
            [("", ""), ("", ""), ("Nettoverdienst", "1.948,99"), ("Auszahlungsbetrag", "1.938,99")],
        ],
        columns=[36, 160, 284, 408],
        top=180,
    ),
]
PAIE = [
    (36, 50, 10, "SAS ATELIER DU NORD"),
    (36, 62, 8, "8 quai Rouge"),
    (36, 74, 8, "59000 Lille"),
    (330, 50, 14, "BULLETIN DE PAIE"),
    (330, 70, 9, "Période : du 01/02/2024 au 29/02/2024"),
    (330, 84, 9, "Paiement le : 05/03/2024"),
    (330, 110, 10, "Monsieur Paul Durand"),
    (330, 122, 10, "3 rue Basse"),
    (330, 134, 10, "59000 Lille"),
    *table(
        [
            ["Eléments", "Base", "Taux", "Part salarié", "Part employeur"],
            ["Salaire de base", "151,67", "15,00", "2 275,05", ""],
            ["SALAIRE BRUT", "", "", "2 275,05", ""],
            ["Retraite", "2 275,05", "6,90", "156,98", "194,52"],
            ["TOTAL DES COTISATIONS", "", "", "498,23", "812,11"],
            ["Net à payer avant impôt sur le revenu", "", "", "1 776,82", ""],
            ["Impôt sur le revenu prélevé à la source", "1 830,77", "2,10", "38,45", ""],
        ],
        columns=[36, 250, 310, 370, 470],
        top=170,
    ),
    *grid([[("NET À PAYER", "1 738,37 €")]], columns=[440], top=300),
]

FOUR_COPIES = [
    (left * 0.5 + across, down * 0.9 + below, size * 0.62, text)
    for across in (0, 306)
    for below in (0, 390)
    for left, down, size, text in W2
]
VALUES_BESIDE_CAPTIONS = [
    (36, 40, 12, "Form W-2 Wage and Tax Statement 2023"),
    *table(
        [["Employer's name, address, and ZIP code"], ["Ashford Unified School District"], ["1 School Road"]],
        columns=[36],
        top=60,
        height=12,
    ),
    *table(
        [["Employee's name, address, and ZIP code"], ["JANE PUBLIC"], ["44 ELM ROAD"]],
        columns=[36],
        top=100,
        height=12,
    ),
    *table(
        [
            ["1 Wages, tips, other comp.", "61,204.55", "2 Federal income tax withheld", "7,100.02"],
            ["3 Social security wages", "0.00", "4 Social security tax withheld", "0.00"],
        ],
        columns=[246, 372, 428, 568],
        top=60,
    ),
]
SINCE_JANUARY_FIRST = [
    (36, 40, 12, "Northwind Logistics Inc."),
    (400, 40, 10, "Pay Stub"),
    (36, 60, 9, "Employee Name: Ana Silva"),
    (300, 60, 9, "Check Date: 02/16/2024"),
    *table(
        [
            ["Description", "YTD", "Hours", "Current"],
            ["Regular Pay", "8,000.00", "80.00", "2,000.00"],
            ["Gross Earnings", "8,000.00", "", "2,000.00"],
            ["Federal Withholding", "800.00", "", "200.00"],
            ["Net Pay", "6,588.00", "", "1,647.00"],
        ],
        columns=[36, 200, 300, 400],
        top=100,
    ),
]


def as_filed(read: Read, drawn: bytes) -> tuple[str, Summary]:
    """The type and the values that a page is filed with."""
    document = of_pages(read(drawn))
    found = asyncio.run(ANALYST.run(Classify(document, TYPES, PROMPT)))
    typed = dataclasses.replace(document, document_type=found.document_type)
    return found.document_type, asyncio.run(ANALYST.run(Summarize(typed, PROMPT)))


@pytest.mark.parametrize("drawn", [as_pdf, as_picture], ids=["digital", "picture"])
@pytest.mark.parametrize(
    ("cells", "document_type", "company", "day", "total", "boxes"),
    [
        pytest.param(
            W2,
            "tax",
            "Harbor Tools LLC",
            date(2024, 12, 31),
            "52000.00",
            {
                "wages": "52000.00",
                "federal_income_tax_withheld": "6240.00",
                "social_security_wages": "54000.00",
                "social_security_tax_withheld": "3348.00",
                "medicare_wages": "54000.00",
                "medicare_tax_withheld": "783.00",
                "state_wages": "52000.00",
                "state_income_tax": "2080.00",
                "employer_identification_number": "12-3456789",
                "tax_year": "2024",
                "form": "W-2",
            },
            id="w2",
        ),
        pytest.param(
            INT,
            "tax",
            "Cedar Valley Credit Union",
            date(2024, 12, 31),
            "812.44",
            {
                "interest_income": "812.44",
                "federal_income_tax_withheld": "81.00",
                "payer_tin": "98-7654321",
                "form": "1099-INT",
            },
            id="1099-int",
        ),
        pytest.param(
            STUB,
            "payroll",
            "Brightleaf Foods Inc",
            date(2024, 4, 5),
            "2442.85",
            {"gross_pay": "3100.00", "net_pay": "2442.85", "income_tax": "-420.00", "medicare_tax": "-44.95"},
            id="earnings statement",
        ),
        pytest.param(
            LOHN,
            "payroll",
            "Konditorei Sonnenschein",
            date(2024, 4, 30),
            "1938.99",
            {
                "gross_pay": "2850.00",
                "net_earnings": "1948.99",
                "net_pay": "1938.99",
                "income_tax": "301.08",
                "care_insurance": "65.55",
            },
            id="verdienstabrechnung",
        ),
        pytest.param(
            PAIE,
            "payroll",
            "SAS ATELIER DU NORD",
            date(2024, 3, 5),
            "1738.37",
            {
                "gross_pay": "2275.05",
                "net_before_tax": "1776.82",
                "net_pay": "1738.37",
                "income_tax": "38.45",
            },
            id="bulletin de paie",
        ),
        pytest.param(
            FOUR_COPIES,
            "tax",
            "Harbor Tools LLC",
            date(2024, 12, 31),
            "52000.00",
            {"wages": "52000.00", "social_security_wages": "54000.00", "state_income_tax": "2080.00"},
            id="four copies on a page",
        ),
        pytest.param(
            VALUES_BESIDE_CAPTIONS,
            "tax",
            "Ashford Unified School District",
            date(2023, 12, 31),
            "61204.55",
            {"federal_income_tax_withheld": "7100.02", "social_security_tax_withheld": "0.00"},
            id="values beside captions",
        ),
        pytest.param(
            SINCE_JANUARY_FIRST,
            "payroll",
            "Northwind Logistics Inc.",
            date(2024, 2, 16),
            "1647.00",
            {"gross_pay": "2000.00", "income_tax": "200.00", "net_pay": "1647.00"},
            id="sums since January first",
        ),
    ],
)
def test_a_form_is_filed_with_the_values_of_its_boxes(
    read: Read,
    drawn: Callable[[Sequence[Cell]], bytes],
    cells: Sequence[Cell],
    document_type: str,
    company: str,
    day: date,
    total: str,
    boxes: dict[str, str],
) -> None:
    found, summary = as_filed(read, drawn(cells))

    assert found == document_type
    assert (summary.entity, summary.document_date, summary.total_amount) == (company, day, Decimal(total))
    assert {name: summary.structured_data.get(name) for name in boxes} == boxes
