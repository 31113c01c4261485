"""Forms with boxes: a value is named by the caption over it, beside it or before it, however the form is drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal

import pytest

from alfrd_events.analysis.rules.checks import faults_of
from alfrd_events.model import Document, Summary
from alfrd_events.model.jobs import Classify, Summarize
from tests.analysts.form_texts import FORMS
from tests.analysts.paper import ANALYST, PROMPT, TYPES, plain, run, scanned

W2 = """
a Employee's social security number    OMB No. 1545-0008
  123-45-6789
b Employer identification number (EIN)    1 Wages, tips, other compensation    2 Federal income tax withheld
12-3456789                                52,000.00                            6,240.00
c Employer's name, address, and ZIP code  3 Social security wages              4 Social security tax withheld
Harbor Tools LLC                          54,000.00                            3,348.00
12 Wharf Street                           5 Medicare wages and tips            6 Medicare tax withheld
Ashford, CA 94102                         54,000.00                            783.00
d Control number                          7 Social security tips               8 Allocated tips
e Employee's first name and initial  Last name    10 Dependent care benefits
Jane Q Public                                     11 Nonqualified plans
44 Elm Road
15 State   16 State wages, tips, etc.   17 State income tax
CA         52,000.00                    2,080.00
Form W-2 Wage and Tax Statement    2024    Department of the Treasury
"""

W2_ROW_BY_ROW = """
2023 W-2 and EARNINGS SUMMARY
Employer: City of Ashford Public Works
Employer ID: 94-1234567
Employee: Jane Public
Box 1  Wages, tips, other comp.      48,120
Box 2  Federal income tax withheld    4,911
Box 3  Social security wages         50,000
Box 4  Social security tax withheld   3,100
"""

INTEREST = """
PAYER'S name, street address, city or town, state or province, ZIP   Payer's RTN (optional)     OMB No. 1545-0112
or foreign postal code, and telephone no.                            1 Interest income        Form 1099-INT
Cedar Valley Credit Union                                            $ 812.44                 (Rev. January 2024)
900 Granite Avenue                                                   2 Early withdrawal penalty   For calendar year
Ashford, CA 94102                                                    $ 0.00                       2024
PAYER'S TIN      RECIPIENT'S TIN       3 Interest on U.S. Savings Bonds and Treasury obligations
98-7654321       XXX-XX-1234           $ 0.00
RECIPIENT'S name                       4 Federal income tax withheld       5 Investment expenses
Jane Q Public                          $ 81.00                             $ 0.00
Street address (including apt. no.)
44 Elm Road
"""

COMPENSATION = """
[ ] CORRECTED (if checked)
PAYER'S name, street address, city or town, state or province, ZIP or foreign postal code    OMB No. 1545-0116
Marlow & Finch Design Inc                                     2023 Form 1099-NEC    Nonemployee Compensation
12 Wharf Street
PAYER'S TIN: 12-3456789      RECIPIENT'S TIN: ***-**-1234
RECIPIENT'S name: Jane Q Public     1 Nonemployee compensation: $18,250.00
4 Federal income tax withheld: $0.00
"""

DIVIDENDS = """
Form 1099-DIV  Dividends and Distributions  Tax Year 2022
Payer's name
Northlight Brokerage LLC
1 Harbor Plaza, Boston, MA 02110
Recipient's name    John Doe
1a Total ordinary dividends          1,204.11
1b Qualified dividends                 988.10
2a Total capital gain distr.           150.00
3 Nondividend distributions              0.00
4 Federal income tax withheld            0.00
7 Foreign tax paid                      12.40
"""

DISTRIBUTIONS = """
Form 1099-R    2024   Distributions From Pensions, Annuities, Retirement
PAYER'S name              1 Gross distribution       2a Taxable amount
Evergreen Pension Fund    $12,000.00                 $11,000.00
                          4 Federal income tax withheld
                          $1,200.00
"""

MORTGAGE = """
RECIPIENT'S/LENDER'S name, street address, city or town     OMB No. 1545-1380     Mortgage
Cedar Home Loans Corp                                        Form 1098              Interest
PO Box 77, Ashford, CA 94102                                 For calendar year 2023  Statement
RECIPIENT'S/LENDER'S TIN   PAYER'S/BORROWER'S TIN   1 Mortgage interest received from payer(s)/borrower(s)
12-7654321                 XXX-XX-9999              $ 9,876.54
PAYER'S/BORROWER'S name                             2 Outstanding mortgage principal   3 Mortgage origination date
Jane Q Public                                       $ 240,000.00                       06/01/2019
"""

EARNINGS = """
Harbor Tools LLC                                     Earnings Statement
12 Wharf Street, Ashford, CA 94102                   Pay Period: 03/01/2024 - 03/15/2024
Employee: Jane Public                                Pay Date: 03/20/2024
Employee ID: 10045                                   Check No. 5541
Earnings          Hours    Rate    Current      YTD
Regular           80.00    25.00   2,000.00     10,000.00
Overtime          4.00     37.50   150.00       600.00
Gross Pay                          2,150.00     10,600.00
Deductions
Federal Income Tax                 215.00       1,060.00
Social Security                    133.30       657.20
Medicare                           31.18        153.70
State Income Tax                   86.00        424.00
Total Deductions                   465.48       2,294.90
Net Pay                            1,684.52     8,305.10
"""

STUB_OF_BOXES = """
Company                     Employee               Pay Date        Period Begin     Period End
Brightleaf Foods Inc        Sam Carter             04/05/2024      03/16/2024       03/31/2024
Gross Pay          Total Taxes       Total Deductions       Net Pay
$3,100.00          $640.00           $120.00                $2,340.00
"""

BRITISH = """
Marlow & Finch Ltd                                                     Payslip
Employee Name        Employee No      NI Number        Tax Code      Pay Date
Mr Sam Carter        117              QQ123456C        1257L         28/06/2024
Payments                     Deductions                       Year to Date
Basic Salary   2,500.00      PAYE Tax              290.40     Total Gross Pay   7,500.00
Bonus            150.00      National Insurance    128.16     Taxable Pay       7,500.00
                             Pension               125.00     Tax Paid            871.20
Total Gross Pay              Total Deductions                 Net Pay
2,650.00                     543.56                           2,106.44
"""

LETTER = """
Eisvogel Hosting GmbH * Lange Straße 5 * 80333 München
                                     Abrechnung der Brutto/Netto-Bezüge
Herrn                                für März 2024
Max Mustermann                       Personal-Nr.  00042
Birkenweg 7                          Steuerklasse  1
80331 München                        Krankenkasse  AOK Bayern
Gehalt                                             4.200,00
Gesamt-Brutto                                      4.200,00
Lohnsteuer                                           620,33
Solidaritätszuschlag                                   0,00
Kirchensteuer                                         49,62
Krankenversicherung                                  342,30
Rentenversicherung                                   390,60
Arbeitslosenversicherung                              54,60
Pflegeversicherung                                    71,40
Netto-Verdienst                                    2.671,15
VWL                                                   40,00
Auszahlungsbetrag                                  2.631,15
IBAN DE30507500940000048567
"""

BOXES = """
Bäckerei Sonnenschein, Am Markt 3, 50667 Köln
Verdienstabrechnung                          Monat 04/2024
Frau Lena Beispiel
Rosenallee 12
50670 Köln
Steuer-ID        Steuerklasse     Konfession    Krankenkasse          Eintritt
12 345 678 901   4                --            TK                    01.02.2019
Gesamtbrutto     Steuerbrutto     Lohnsteuer    Kirchensteuer     SolZ
2.850,00         2.850,00         301,08        0,00              0,00
KV-Beitrag       RV-Beitrag       AV-Beitrag    PV-Beitrag        Nettoverdienst
232,28           265,05           37,05         65,55             1.948,99
                                                            Auszahlungsbetrag
                                                            1.938,99
Überweisung am 30.04.2024 auf IBAN DE02120300000000202051
"""

BULLETIN = """
BULLETIN DE PAIE
Employeur : Boulangerie Lumière SARL          Salarié : Camille Martin
12 rue des Lilas, 69003 Lyon                  Matricule : 0042
SIRET : 12345678900011                        Emploi : Vendeuse
Période : du 01/02/2024 au 29/02/2024         Date de paiement : 05/03/2024
Salaire de base                 151,67    12,00      1 820,04
Salaire brut                                         1 820,04
Total des cotisations                                  400,12
Montant net social                                   1 419,92
Net à payer avant impôt sur le revenu                1 419,92
Impôt sur le revenu prélevé à la source     2,10%       29,82
Net payé                                             1 390,10
"""

BULLETIN_OF_COLUMNS = """
SAS ATELIER DU NORD                         BULLETIN DE SALAIRE
8 quai Rouge, 59000 Lille                   Mois de Janvier 2024
N° SIRET 12345678900011                     Monsieur Paul Durand
                                            3 rue Basse
                                            59000 Lille
Eléments          Base      Taux      Part salarié     Part employeur
Salaire de base   151,67    15,00     2 275,05
TOTAL BRUT                            2 275,05
Santé             2 275,05  7,00                       159,25
Retraite          2 275,05  6,90      156,98           194,52
TOTAL DES RETENUES                    498,23           812,11
NET IMPOSABLE                         1 830,77
NET PAYÉ EN EUROS                     1 776,82
"""


def classified(document: Document) -> Document:
    found = run(ANALYST.run(Classify(document, TYPES, PROMPT)))
    return dataclasses.replace(document, document_type=found.document_type)


def summary(document: Document) -> Summary:
    return run(ANALYST.run(Summarize(document, PROMPT)))


def with_positions(text: str) -> Document:
    return scanned(text, width=150)


@pytest.mark.parametrize("page", [with_positions, plain])
@pytest.mark.parametrize(
    ("text", "document_type", "company", "day", "period", "total", "currency"),
    [
        (W2, "tax", "Harbor Tools LLC", "2024-12-31", ("2024-01-01", "2024-12-31"), "52000.00", "USD"),
        (
            W2_ROW_BY_ROW,
            "tax",
            "City of Ashford Public Works",
            "2023-12-31",
            ("2023-01-01", "2023-12-31"),
            "48120",
            "USD",
        ),
        (
            INTEREST,
            "tax",
            "Cedar Valley Credit Union",
            "2024-12-31",
            ("2024-01-01", "2024-12-31"),
            "812.44",
            "USD",
        ),
        (
            COMPENSATION,
            "tax",
            "Marlow & Finch Design Inc",
            "2023-12-31",
            ("2023-01-01", "2023-12-31"),
            "18250.00",
            "USD",
        ),
        (
            DIVIDENDS,
            "tax",
            "Northlight Brokerage LLC",
            "2022-12-31",
            ("2022-01-01", "2022-12-31"),
            "1204.11",
            "USD",
        ),
        (
            DISTRIBUTIONS,
            "tax",
            "Evergreen Pension Fund",
            "2024-12-31",
            ("2024-01-01", "2024-12-31"),
            "12000.00",
            "USD",
        ),
        (
            MORTGAGE,
            "tax",
            "Cedar Home Loans Corp",
            "2023-12-31",
            ("2023-01-01", "2023-12-31"),
            "9876.54",
            "USD",
        ),
        (
            EARNINGS,
            "payroll",
            "Harbor Tools LLC",
            "2024-03-20",
            ("2024-03-01", "2024-03-15"),
            "1684.52",
            "USD",
        ),
        (
            STUB_OF_BOXES,
            "payroll",
            "Brightleaf Foods Inc",
            "2024-04-05",
            ("2024-03-16", "2024-03-31"),
            "2340.00",
            "USD",
        ),
        (BRITISH, "payroll", "Marlow & Finch Ltd", "2024-06-28", ("None", "None"), "2106.44", "GBP"),
        (
            LETTER,
            "payroll",
            "Eisvogel Hosting GmbH",
            "2024-03-31",
            ("2024-03-01", "2024-03-31"),
            "2631.15",
            "EUR",
        ),
        (
            BOXES,
            "payroll",
            "Bäckerei Sonnenschein",
            "2024-04-30",
            ("2024-04-01", "2024-04-30"),
            "1938.99",
            "EUR",
        ),
        (
            BULLETIN,
            "payroll",
            "Boulangerie Lumière SARL",
            "2024-03-05",
            ("2024-02-01", "2024-02-29"),
            "1390.10",
            "EUR",
        ),
        (
            BULLETIN_OF_COLUMNS,
            "payroll",
            "SAS ATELIER DU NORD",
            "2024-01-31",
            ("2024-01-01", "2024-01-31"),
            "1776.82",
            "EUR",
        ),
    ],
)
def test_a_form_is_filed_by_what_its_boxes_say(
    page: Callable[[str], Document],
    text: str,
    document_type: str,
    company: str,
    day: str,
    period: tuple[str, str],
    total: str,
    currency: str,
) -> None:
    document = classified(page(text))
    found = summary(document)

    assert (document.document_type, found.entity, str(found.document_date)) == (document_type, company, day)
    assert (str(found.period_start), str(found.period_end)) == period
    assert (found.total_amount, found.currency, found.due_date) == (Decimal(total), currency, None)


@pytest.mark.parametrize("page", [with_positions, plain])
@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS.keys())
def test_forms_of_other_makers_are_filed_alike(
    page: Callable[[str], Document], text: str, expected: tuple[str, str | None, str, str]
) -> None:
    document = classified(page(text))
    found = summary(document)
    document_type, company, day, total = expected

    assert (document.document_type, str(found.document_date)) == (document_type, day)
    assert found.total_amount == Decimal(total)
    assert company is None or found.entity == company


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        (
            W2,
            {
                "wages": "52000.00",
                "federal_income_tax_withheld": "6240.00",
                "medicare_tax_withheld": "783.00",
                "state_income_tax": "2080.00",
                "employer_identification_number": "12-3456789",
                "form": "W-2",
                "tax_year": "2024",
            },
        ),
        (
            INTEREST,
            {"interest_income": "812.44", "federal_income_tax_withheld": "81.00", "payer_tin": "98-7654321"},
        ),
        (
            DIVIDENDS,
            {"ordinary_dividends": "1204.11", "qualified_dividends": "988.10", "foreign_tax_paid": "12.40"},
        ),
        (DISTRIBUTIONS, {"gross_distribution": "12000.00", "taxable_amount": "11000.00"}),
        (
            EARNINGS,
            {"gross_pay": "2150.00", "net_pay": "1684.52", "deductions": "465.48", "income_tax": "215.00"},
        ),
        (
            BRITISH,
            {
                "gross_pay": "2650.00",
                "net_pay": "2106.44",
                "income_tax": "290.40",
                "social_security_tax": "128.16",
            },
        ),
        (
            BOXES,
            {
                "gross_pay": "2850.00",
                "net_earnings": "1948.99",
                "net_pay": "1938.99",
                "pension_insurance": "265.05",
            },
        ),
        (
            BULLETIN,
            {
                "gross_pay": "1820.04",
                "net_before_tax": "1419.92",
                "net_pay": "1390.10",
                "income_tax": "29.82",
            },
        ),
        (BULLETIN_OF_COLUMNS, {"gross_pay": "2275.05", "deductions": "498.23", "net_pay": "1776.82"}),
    ],
)
def test_the_boxes_are_fields_of_the_structured_data(text: str, boxes: dict[str, str]) -> None:
    found = summary(classified(with_positions(text)))

    assert {name: found.structured_data.get(name) for name in boxes} == boxes
    assert {name for name in boxes if name not in found.evidence} <= {"form", "tax_year"}


def test_a_tax_year_supports_the_date_that_follows_from_it() -> None:
    document = classified(with_positions(W2))
    found = summary(document)
    given = {
        name: getattr(found, name)
        for name in ("entity", "document_date", "total_amount", "currency", "structured_data")
    }
    filed = dataclasses.replace(document, **given, summary=found.summary)

    assert found.summary.startswith("Harbor Tools LLC, form W-2 of 2024-12-31")
    assert faults_of(filed) == []
    assert "document_date in the text" in faults_of(
        dataclasses.replace(filed, document_date=found.period_start)
    )


@pytest.mark.parametrize(
    ("text", "document_type"),
    [
        pytest.param(
            "Dear customer,\nplease send us your Form W-2 and the Form 1099-INT for 2023.\nWe ask for 120.00.",
            "tax",
            id="a letter that speaks of forms",
        ),
        pytest.param(
            "Nord SARL\nFacture n° 117\nDate : 05/03/2024\nTotal HT 100,00 €\nTVA 20,00 €\nNet à payer 120,00 €",
            "invoice",
            id="an invoice with a net to pay",
        ),
        pytest.param(
            "Kasse AG\nBeitragsrechnung\nKrankenversicherung 300,00\nPflegeversicherung 60,00\nZahlbetrag 360,00",
            "insurance",
            id="the bill of an insurer",
        ),
        pytest.param(
            "Harbor Bank\nBank Statement\nOpening balance 100.00\n03/01/2024 PAYCHECK Brightleaf 900.00\n"
            "Closing balance 1,000.00",
            "bank_statement",
            id="a pay check among the rows of a bank",
        ),
    ],
)
def test_papers_that_use_words_of_forms_are_no_forms(text: str, document_type: str) -> None:
    document = classified(plain(text))

    assert document.document_type == document_type
    assert summary(document).structured_data.keys().isdisjoint({"form", "net_pay"})


def test_the_first_box_of_income_that_is_not_zero_is_the_total() -> None:
    text = DIVIDENDS.replace("1,204.11", "0.00    ").replace("988.10", "  0.00")

    assert summary(classified(with_positions(text))).total_amount == Decimal("150.00")


def test_a_return_without_income_has_no_total() -> None:
    text = "\n".join(row for row in COMPENSATION.splitlines() if "Nonemployee compensation:" not in row)

    assert (
        summary(
            dataclasses.replace(
                with_positions(text + "Account number  5512.00\nState tax withheld  0.00\n"),
                document_type="tax",
            )
        ).total_amount
        is None
    )
