"""Forms of other makers than those of ``test_forms``: row by row, cells apart by two or more blanks."""

from __future__ import annotations

FORMS = {
    "a stub by a payroll service": (
        """
GREENFIELD DAIRY CO-OP                                   Pay stub for: Apr 1 – Apr 15, 2024
88 Meadow Rd, Duluth, MN 55802                           Pay day: Apr 19, 2024
Employee
Noah Lind
PO Box 12
Earnings                     Rate       Hours      Current        YTD
Regular hours                $22.00     80.00      $1,760.00      $12,320.00
Employee Taxes Withheld                            Current        YTD
Federal Income Tax                                 $140.12        $980.84
Social Security                                    $109.12        $763.84
Medicare                                           $25.52         $178.64
MN Withholding Tax                                 $81.00         $567.00
Summary                                            Current        YTD
Gross Earnings                                     $1,760.00      $12,320.00
Pre-Tax Deductions                                 $0.00          $0.00
Taxes                                              $355.76        $2,490.32
Net Pay                                            $1,404.24      $9,829.68
""",
        ("payroll", "GREENFIELD DAIRY CO-OP", "2024-04-19", "1404.24"),
    ),
    "a stub with a torn-off head": (
        """
CO. FILE  DEPT.   CLOCK  VCHR. NO.
ABC 126543 123456  12345  00000             Earnings Statement
BLUE RIDGE FREIGHT                          Period Beginning:    07/01/2023
475 ANYWHERE AVENUE                         Period Ending:       07/14/2023
NORFOLK, VA 23510                           Pay Date:            07/21/2023
                                            JANE HARPER
                                            101 MAIN STREET
Earnings     rate     hours    this period    year to date
Regular      10.00    32.00        320.00        16,640.00
Overtime     15.00     1.00         15.00           780.00
             Gross Pay            $335.00        17,420.00
Deductions   Statutory
             Federal Income Tax   -40.60         2,111.20
             Social Security Tax  -20.77         1,080.04
             Medicare Tax          -4.86           252.72
             Net Pay              $268.77
""",
        ("payroll", "BLUE RIDGE FREIGHT", "2023-07-21", "268.77"),
    ),
    "a British payslip with the employer at its foot": (
        """
Employee No.   Employee               Date          National Insurance Number
14             Mrs Aisha Khan         31/01/2024    JX102938A
Payments          Units     Rate      Amount     Deductions       Amount
Salary            1.00      1950.00   1950.00    PAYE Tax          180.60
                                                 National Insurance 108.24
                                                 Pension            60.00
Mrs Aisha Khan                       Total Gross Pay TD       19,500.00
4 Vale Close                         Gross for Tax TD         19,500.00
Leeds LS1 4AP                        Tax paid TD               1,806.00
Tax Code: 1257L  Tax Period: 10
Payment Method: BACS   Payment Period: Monthly
Northgate Dental Practice            Total Payments   Total Deductions   Net Pay
                                     1950.00          348.84             1601.16
""",
        ("payroll", "Northgate Dental Practice", "2024-01-31", "1601.16"),
    ),
    "a Swiss payslip": (
        """
Alpenblick Hotel AG
Seestrasse 10
6004 Luzern                                Herr
                                           Beat Muster
                                           Gasse 3
Lohnabrechnung Februar 2024                6003 Luzern
Zahlungsdatum: 26.02.2024
Bezeichnung          Ansatz     Betrag CHF
Monatslohn                        5'200.00
Bruttolohn                        5'200.00
AHV/IV/EO            5.30%         -275.60
ALV                  1.10%          -57.20
Quellensteuer                      -312.00
Nettolohn                         4'555.20
Auszahlung                        4'555.20
""",
        ("payroll", "Alpenblick Hotel AG", "2024-02-26", "4555.20"),
    ),
    "a German payslip with boxes in a row": (
        """
Nordlicht Software GmbH · Hafenweg 2 · 24103 Kiel
Frau                                         Abrechnung der Brutto-Netto-Bezüge Juni 2024
Jana Petersen                                Pers.-Nr. 00017     Eintritt 010120
Strandallee 9                                St.-Kl. 1           Krankenkasse TK
24105 Kiel
Lohnart   Bezeichnung                  Einheit    Menge    Faktor    Betrag
200       Gehalt                                                     4.800,00
835       AG-Anteil VWL                                                 40,00
                                                  Gesamt-Brutto      4.840,00
Steuer/SV     Lohnsteuer   Kirchensteuer   SolZ    KV-Beitrag   RV-Beitrag   AV-Beitrag   PV-Beitrag
              769,16       0,00            0,00    396,88       450,12       62,92        82,28
                                                  Netto-Verdienst    3.078,64
                                                  VWL                  -40,00
                                                  Auszahlungsbetrag  3.038,64
Bank: Förde Sparkasse   IBAN DE12210501700012345678
""",
        ("payroll", "Nordlicht Software GmbH", "2024-06-30", "3038.64"),
    ),
    "a French payslip with a name behind its kind": (
        """
BULLETIN DE PAIE                                    Période du 01/03/2024 au 31/03/2024
Société GARAGE MARTEL                               Mme Sophie Leroy
5 avenue Foch                                       12 impasse Verte
33000 Bordeaux                                      33200 Bordeaux
SIRET 90000000000017   Code NAF 4520A               Date de paiement : 29/03/2024
Rubrique                         Base        Taux      Retenue salarié     Cotis. employeur
Salaire mensuel                  151,67      13,50     2 047,55
Salaire brut                                           2 047,55
Sécurité sociale plafonnée       2 047,55    6,90      141,28              175,06
CSG déductible                   2 011,71    6,80      136,80
Total des cotisations et contributions                 448,21              700,30
Net social                                             1 599,34
Net à payer avant impôt                                1 599,34
Impôt sur le revenu   PAS        1 650,00    0,00      0,00
NET A PAYER                                            1 599,34
""",
        ("payroll", "GARAGE MARTEL", "2024-03-29", "1599.34"),
    ),
    "1099-MISC": (
        """
Form 1099-MISC    Miscellaneous Information    Calendar Year 2023    OMB No. 1545-0115
PAYER'S name, address                      RECIPIENT'S name, address
Seaview Property Management Inc            Ana Torres
100 Ocean Drive                            9 Palm Ct
Miami, FL 33139                            Miami, FL 33140
PAYER'S TIN 59-1234567                     RECIPIENT'S TIN ***-**-4321
1 Rents         2 Royalties     3 Other income    4 Federal income tax withheld
$14,400.00      $               $                 $0.00
""",
        ("tax", "Seaview Property Management Inc", "2023-12-31", "14400.00"),
    ),
    "1099-G": (
        """
PAYER'S name, street address, city or town, state      1 Unemployment compensation     OMB No. 1545-0120
STATE OF OREGON EMPLOYMENT DEPARTMENT                  $ 6,320.00                      Form 1099-G
875 Union St NE                                        2 State or local income tax     2021
Salem OR 97311                                         refunds, credits, or offsets
                                                       $                               Certain Government Payments
PAYER'S TIN         RECIPIENT'S TIN                    3 Box 2 amount is for tax year   4 Federal income tax withheld
93-0000000          XXX-XX-7777                                                         $ 632.00
RECIPIENT'S name
MARK BELL
""",
        ("tax", "STATE OF OREGON EMPLOYMENT DEPARTMENT", "2021-12-31", "6320.00"),
    ),
    "SSA-1099": (
        """
FORM SSA-1099 – SOCIAL SECURITY BENEFIT STATEMENT
2022     PART OF YOUR SOCIAL SECURITY BENEFITS SHOWN IN BOX 5 MAY BE TAXABLE INCOME.
Box 1. Name                             Box 2. Beneficiary's Social Security Number
ROSE ALDEN                              000-00-0000
Box 3. Benefits Paid in 2022    Box 4. Benefits Repaid to SSA in 2022    Box 5. Net Benefits for 2022 (Box 3 less Box 4)
$18,240.00                      NONE                                     $18,240.00
DESCRIPTION OF AMOUNT IN BOX 3
Paid by check or direct deposit   $16,199.00
Voluntary Federal Income Tax Withheld   $0.00
""",
        ("tax", None, "2022-12-31", "18240.00"),
    ),
    "a W-2 for the employee": (
        """
2022  W-2 Wage and Tax Statement         Copy C for employee's records
c Employer's name, address and ZIP code  1 Wages, tips, other comp.  2 Federal income tax withheld
RIVERBEND SCHOOL DIST 12                 38,400.19                   3,120.44
200 COLLEGE ST                           3 Social security wages     4 Social security tax withheld
BEND OR 97701                            38,400.19                   2,380.81
e/f Employee's name, address and ZIP code  5 Medicare wages and tips  6 Medicare tax withheld
PAULA GREEN                              38,400.19                   556.80
7 FIR LANE
b Employer's FED ID number   a Employee's SSA number
93-7654321                   XXX-XX-5555
""",
        ("tax", "RIVERBEND SCHOOL DIST 12", "2022-12-31", "38400.19"),
    ),
    "1099-K": (
        """
Form 1099-K  Payment Card and Third Party Network Transactions   2023
FILER'S name, street address, city or town       1a Gross amount of payment card/third party network transactions
Marketplace Payments Inc                         $ 23,511.10
PAYEE'S name                                     1b Card Not Present transactions
Lena Fox                                         $ 23,511.10
FILER'S TIN                                      4 Federal income tax withheld
77-1231231                                       $ 0.00
5a January     5b February
$ 1,000.00     $ 2,100.00
""",
        ("tax", "Marketplace Payments Inc", "2023-12-31", "23511.10"),
    ),
}
"""What it is → its text, and the type, company (``None``: it names none), day and total that it has."""
