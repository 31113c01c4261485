"""A tradesman's bill is an invoice: what was mended, who stood by and which street it was in are no subject of it."""

from __future__ import annotations

import pytest

from alfrd_events.model.jobs import Classify
from tests.analysts.paper import ANALYST, PROMPT, TYPES, plain, run

ENGLISH = """
{name}
9 Orchard Road, Leeds LS1 4AB
INVOICE
Invoice number 2231
Invoice date 4 March 2024

Description                               Qty  Price  Amount
{first:<42}1   60.00   60.00
{second:<42}1   60.00   60.00
Total                                              £120.00
{foot} Payment terms: 30 days
"""
GERMAN = """
{name}
Lindenweg 4, 04109 Leipzig
{foot}
Rechnung
Rechnungsnummer: 2024-118
Rechnungsdatum: 12.03.2024

Bezeichnung                           Menge  Einzelpreis  Gesamt
{first:<38}1       60,00   60,00
{second:<38}1       60,00   60,00
Rechnungsbetrag                                          120,00
Zahlbar innerhalb von 14 Tagen ohne Abzug.
IBAN DE02 1203 0000 0000 2020 51
"""
FRENCH = """
{name}
{foot}
Facture n° F2024-017
Date : 11/03/2024
Désignation                  Qté    PU HT   Total HT
{first:<29}1    60,00      60,00
{second:<29}1    60,00      60,00
Total TTC                                 120,00 EUR
Échéance : 10/04/2024
SIRET 123 456 789 00012
"""
SPANISH = """
{name}
{foot}
Factura nº 2024/051
Fecha de factura: 11/03/2024
Concepto                        Cantidad  Precio   Importe
{first:<32}       1   60,00     60,00
{second:<32}       1   60,00     60,00
Total factura                                     120,00 EUR
Vencimiento: 10/04/2024
"""
ITALIAN = """
{name}
{foot}
Fattura n. 51/2024
Data fattura: 11/03/2024
Descrizione                     Prezzo   Importo
{first:<32} 60,00     60,00
{second:<32} 60,00     60,00
Totale fattura                           120,00 EUR
Scadenza: 10/04/2024
"""
BILLS = [
    (ENGLISH, "Hartwell Plumbing Ltd", "Replace water heater", "Sewer line and gas line inspection", ""),
    (ENGLISH, "Calder Decorating Ltd", "Premium matt paint, 10 l", "Labour, hallway", "Fully insured."),
    (ENGLISH, "Byte Menders Ltd", "Diagnosis of laptop", "Heat treatment of board", ""),
    (
        ENGLISH,
        "Lumen Photography Ltd",
        "Photographs of apartment 4",
        "Floor plan, unit 2",
        "Key from tenant.",
    ),
    (ENGLISH, "Northline Networks Ltd", "Broadband router fitted", "Wireless access point", ""),
    (ENGLISH, "Spoke & Chain Ltd", "Bicycle service", "Brake pads", ""),
    (ENGLISH, "Apex Doors Ltd", "Garage door spring replaced", "Motor for garage door", ""),
    (GERMAN, "Kessler Haustechnik GmbH", "Rohrreinigung", "Monteurstunde", "Gas - Wasser - Abwasser"),
    (GERMAN, "Tischlerei Anders GmbH", "Oberflächenbehandlung Tisch", "Untersuchung auf Holzwurm", ""),
    (
        FRENCH,
        "Menuiserie Duval SARL",
        "Pose de placard",
        "Chantier en cours",
        "12 rue du Collège, 69003 Lyon",
    ),
    (SPANISH, "Fontanería y Saneamiento Robledo S.L.", "Grifo de agua", "Mano de obra", "Calle Mayor 14"),
    (ITALIAN, "Idraulica Ferri S.r.l.", "Contatore acqua", "Allacciamento fognatura", "Via della Scuola 2"),
]


@pytest.mark.parametrize(("form", "name", "first", "second", "foot"), BILLS, ids=[bill[1] for bill in BILLS])
def test_a_bill_for_work_is_an_invoice(form: str, name: str, first: str, second: str, foot: str) -> None:
    paper = plain(form.format(name=name, first=first, second=second, foot=foot).strip("\n"))

    found = run(ANALYST.run(Classify(paper, TYPES, PROMPT)))

    assert found.document_type == "invoice", found.reasoning


HIRED_CAR = """
Finch Vehicle Hire Ltd
9 Orchard Road, Leeds LS1 4AB
INVOICE
Invoice number 2231
Invoice date 4 March 2024
Car hire, registration LS19 ABC

Description                               Days  Price  Amount
Hire of the car                           2     60.00  120.00
Travel insurance                          2      8.00   16.00
Total                                                  £136.00
"""


def test_cover_that_is_sold_beside_a_hired_car_makes_its_bill_no_insurance() -> None:
    found = run(ANALYST.run(Classify(plain(HIRED_CAR), TYPES, PROMPT)))

    assert found.document_type != "insurance"
