"""Words that speak for a type of document, and words that give it tags.

Phrases are folded (lower case, no accents). A blank in a phrase stands for any white space or none:
readers often lose the gaps between words. A weight says how much a phrase alone decides: 1 is a
hint, 5 nearly a proof.
"""

from __future__ import annotations

import re

TYPE_PHRASES: dict[str, dict[float, str]] = {
    "receipt": {
        4: "cash receipt; sales receipt; payment receipt; official receipt; kassenbon; ticket de caisse; scontrino; kassabon; guest check; cash bill; cash sale; resit",
        3: "cashier; please come again; thank you for shopping; goods sold are not; cash change; amount tendered; change due; cash tendered; no refund; simplified tax invoice;"
        " keep this receipt; exchange within; items sold; rounding adj; ruckgeld; es bediente sie; rendu monnaie; prix a l'unite; customer copy; terminal id; sila datang lagi",
        2: "receipt; change; tender; cash; pos no; table no; pax; gst summary; item count; total qty; take away; dine in; server; salesperson; slip no; thank you; welcome to;"
        " loyalty card; member points; visa; mastercard; approval code; kasse; caissier; trans no; counter; fuel; litre; pump; rounding; subtotal; check in; booking id",
    },
    "invoice": {
        4: "invoice number; invoice no; invoice date; bill to; factuurnummer; factuurdatum; rechnungsnummer; rechnungsdatum; rechnungsnr; numero de facture; facture n; purchase order;"
        " numero de factura; numero fattura; remit to; invoice to",
        3: "invoice; factuur; rechnung; facture; factura; fattura; payment terms; net 30; due on receipt; po number; ship to; iban; zahlungsziel; proforma; unit price; kundennummer; klantnummer;"
        " partita iva; bankverbindung; ordernummer; zahlbar",
        1: "quantity; description; subtotal; hourly rate; vat; tax id; swift; terms; balance due; btw; mwst; tva; iva",
    },
    "utility_bill": {
        5: "electric service; electric delivery; electric generation; kwh; therms; meter reading; water usage; sewer; gas service; electricity bill; water bill; gas bill; utility bill; hydro bill;"
        " natural gas; stromrechnung; zahlerstand; releve de compteur; verbrauchsabrechnung; energierekening; meterstand; consumo electrico; energia electrica; bolletta; gallons",
        3: "electricity; meter number; usage summary; service address; current charges; energy charge; delivery charge; basic charge; electric; water; wastewater; garbage; stormwater; ccf; power company;"
        " public utilities; utilities; meter; stadtwerke; erdgas; electricite; gaz; eau potable; luz y gas; energie; kilowatt",
        1: "amount due; account number; due date; previous balance; billing period; autopay; past due; bill date; usage; late payment charge; city of",
    },
    "service_bill": {
        5: "wireless; internet service; broadband; phone bill; mobile plan; data usage; cable tv; streaming; talk and text; forfait mobile; abonnement internet; haut debit; mobilfunk; kabel;"
        " glasvezel; telefonia; fibra; subscription renewal; forfaits et options; telefonrechnung; monthly service charges",
        3: "internet; telephone; monthly plan; subscription; subscriber; abonnement; abonne; abonnements; roaming; voice; gym membership; monthly charges; security monitoring; fiber; telecom; modem; minutes;"
        " prelevement automatique; plan charges; rufnummer; tarif; phone number; equipment rental; landscaping; cleaning service; pest control; waste collection; storage unit",
        1: "billing period; account number; amount due; autopay; service charges; previous balance; monthly; prelevement",
    },
    "insurance": {
        5: "policy number; policyholder; policy holder; insurance policy; declarations page; premium; insured vehicle; deductible; insurance; coverage; certificate of insurance; versicherungsnummer;"
        " versicherungsschein; police d'assurance; attestation d'assurance; poliza de seguro; polizza; verzekering; claim number; no claims bonus",
        3: "insured; liability; collision; comprehensive; bodily injury; underwriter; beneficiary; policy period; renewal premium; versicherung; assurance; seguro; assicurazione; polisnummer; copay; takaful;"
        " claims; roadside assistance; dwelling; uninsured motorist; sum insured; explanation of benefits",
        1: "agent; cancellation; amount due; lapse",
    },
    "bank_statement": {
        5: "bank statement; checking account; savings account; beginning balance; ending balance; opening balance; closing balance; kontoauszug; releve de compte; extracto bancario; estratto conto;"
        " rekeningafschrift; account statement; deposits and additions; current account; daily balance; statement of account",
        3: "withdrawals; deposits; atm; direct deposit; overdraft; debit card; sort code; routing number; member fdic; transaction history; interest paid; available balance; checks paid; kontostand;"
        " haben; soll; sepa; zelle; money in; money out; paid in; paid out; bic; balance brought forward; transfer",
        1: "statement period; account number; bank; iban; balance; transactions",
    },
    "credit_card": {
        5: "credit card statement; minimum payment due; credit limit; cash advance; annual percentage rate; minimum payment; card ending; credit line; late payment warning; cardmember; available credit;"
        " kreditkartenabrechnung; carte de credit; tarjeta de credito; carta di credito; creditcard; card member",
        3: "new balance; purchases; previous balance; apr; rewards points; interest charged; payment due date; credit card; finance charge; balance transfer; statement balance; cash back; foreign transaction fee",
        1: "visa; mastercard; american express; fees charged; statement closing date",
    },
    "investment": {
        5: "brokerage; portfolio summary; mutual fund; holdings; dividend; 401 k; roth ira; securities; asset allocation; account value; net asset value; capital gains; vanguard; wertpapier; depotauszug;"
        " shares owned; unrealized gain; rate of return; trade confirmation; investment account; market value; cost basis; contract note",
        3: "investment; stocks; bonds; etf; shares; retirement account; contributions; portfolio; equity; fund; ira; pension; sipc; yield; units held; nav; dividends; unit trust; kwsp; epf statement; securities account",
        1: "beginning value; ending value; quarterly statement; performance; price",
    },
    "payroll": {
        5: "pay stub; earnings statement; payslip; pay slip; pay period; gross pay; net pay; federal withholding; gehaltsabrechnung; lohnabrechnung; bulletin de paie; fiche de paie; nomina; busta paga;"
        " loonstrook; salary slip; statement of earnings; ytd gross; bulletin de salaire; salarisspecificatie; earnings and deductions; net salary; gross salary",
        3: "pay date; deductions; fica; medicare; social security tax; hours worked; overtime; ytd; year to date; employee id; direct deposit; withholding; basic salary; epf; socso; employer contribution; bruttolohn;"
        " nettolohn; salaire brut; provident fund; payroll; regular pay; national insurance; paye; check date; allowance",
        1: "earnings; rate; hours; employee; employer; salary",
    },
    "employment": {
        5: "offer letter; employment agreement; employment contract; offer of employment; arbeitsvertrag; contrat de travail; contrato de trabajo; arbeidsovereenkomst; performance review; letter of employment;"
        " employment verification; termination of employment; job offer; resignation; letter of appointment; contratto di lavoro; performance appraisal",
        3: "position; start date; job title; base salary; human resources; reporting to; probation; at will; annual leave; employee handbook; hiring manager; benefits package; your employment; paid time off; severance; notice period;"
        " confidentiality; non compete; onboarding; we are pleased to offer; terms of employment",
        1: "employee; employer; salary; compensation; vacation; full time",
    },
    "tax": {
        5: "form 1040; form w 2; form 1099; wage and tax statement; internal revenue service; tax return; irs; steuerbescheid; einkommensteuer; avis d'imposition; declaracion de la renta; aanslag inkomstenbelasting;"
        " notice of assessment; tax year; property tax; property tax bill; tax assessment; hmrc; finanzamt; lhdn; inland revenue; impots; belastingdienst; agenzia delle entrate; tax statement; 1099 int; 1098",
        3: "taxable income; adjusted gross income; federal income tax; refund amount; withheld; deduction; exemption; filing status; taxpayer; tax refund; assessed value; parcel number; steuernummer; omb no; schedule c;"
        " steuer; impot; assessment year; income tax; estimated tax; employer identification number; self assessment; tax account",
        1: "tax; income; refund; amount you owe",
    },
    "government": {
        5: "social security administration; department of motor vehicles; voter registration; passport; immigration; uscis; jury duty; jury summons; city council; permit; birth certificate; marriage certificate; public notice; medicaid;"
        " notice of hearing; visa application; einwohnermeldeamt; prefecture; gemeente; selective service; census; election; official notice; social security benefits; benefit letter; naturalization; polling place",
        3: "department of; county of; state of; city of; ministry; bureau; official; license; citizen; government; federal; municipal; commissioner; secretary of state; behorde; mairie; ayuntamiento; comune di; office of the; district office;"
        " case number; ballot; precinct; jabatan; kerajaan; council; resident; registrar; application number",
        1: "pursuant; notice; hereby; office; public; title ii",
    },
    "medical": {
        5: "patient name; diagnosis; prescription; lab results; medical record; date of service; date of birth patient; discharge summary; laboratory report; radiology; explanation of benefits; rezept; ordonnance; befund; physician; arztbrief;"
        " hospital bill; patient statement; immunization; vaccination; mri; blood test; referral; medical bill; appointment reminder; compte rendu medical; test results; provider services; receta medica",
        3: "patient; doctor; clinic; hospital; medication; dosage; treatment; symptoms; copay; rx; surgery; dental; procedure; medical; health; insurance adjustment; allergies; cpt; mrn; refills; dr; dob; krankenhaus; arzt; paziente; paciente;"
        " consultation; reference range; specimen; dentist; optometry; visit; provider; therapy; exam; patient responsibility; cholesterol; glucose",
        1: "care; nurse; tablet; mg; insurance; health plan",
    },
    "property": {
        5: "rent receipt; lease agreement; rental agreement; mortgage statement; landlord; tenant; base rent; property manager; homeowners association; deed; rental period; mietvertrag; quittance de loyer; bail; contrato de arrendamiento; hoa dues;"
        " closing disclosure; tenancy agreement; escrow; monthly rent; huurovereenkomst; title insurance; security deposit; hoa; homeowner; nebenkostenabrechnung; rental invoice; rent statement; rent invoice; contratto di locazione; home inspection",
        3: "rent; lease; mortgage; property; apartment; unit; premises; condominium; principal; miete; loyer; alquiler; affitto; huur; strata; lessee; lessor; square feet; move in; maintenance fee; real estate; appraisal; principal balance; assessment dues; parking space",
        1: "late fee; manager; received from; deposit; residence; association",
    },
    "vehicle": {
        5: "vehicle registration; registration renewal; certificate of title; oil change; vehicle identification number; license plate renewal; odometer; repair order; smog check; emissions test; kfz; carte grise; auto repair; vehicle inspection; car loan;"
        " fahrzeugschein; parking ticket; traffic citation; tire rotation; auto loan; toll; road tax; mot test; parking citation; vehicle service; service advisor; mileage in",
        3: "vehicle; vin; license plate; mileage; make model; tires; brake; brakes; dmv; registration fee; engine; motor vehicle; plate number; technician; labor; parts; automotive; recall; fahrzeug; vehicule; vehiculo; voertuig; plate; inspection; dealer; driver",
        1: "auto; car; model; year; service; wheel",
    },
    "legal": {
        5: "power of attorney; last will and testament; plaintiff; defendant; court order; summons; settlement agreement; attorney at law; affidavit; notary public; non disclosure agreement; subpoena; divorce; vollmacht; testament; tribunal; cease and desist;"
        " superior court; district court; case no; law firm; legal notice; witness whereof; complaint for; living trust; deposition; attorneys at law; notarized",
        3: "agreement; hereby; whereas; attorney; court; jurisdiction; party of the first part; lawyer; parties; covenant; indemnify; governing law; witness; executed; counsel; law offices; notaire; abogado; avvocato; rechtsanwalt; advocaat; petitioner; respondent;"
        " herein; shall; esq; litigation; solicitor; retainer; trust; the undersigned",
        1: "signed; contract; terms; judge; liable",
    },
    "education": {
        5: "tuition; student account; student id; transcript; report card; enrolled courses; grade point average; financial aid; bursar; semester; school fees; diploma; zeugnis; releve de notes; studiengebuhren; degree conferred; scholarship; student loan; matricula; collegegeld;"
        " course registration; academic year; immatrikulation; frais de scolarite; class schedule; parent teacher; enrollment verification; acceptance letter; progress report",
        3: "university; college; student; school; credits; units; course; faculty; gpa; academic; fall 20; spring 20; campus; teacher; grade; schule; ecole; universite; universidad; universita; universiteit; enrollment; principal; registrar; kindergarten; admissions; undergraduate; lab fee; technology fee",
        1: "education; class; term; major; fees; program",
    },
    "event": {
        5: "admit one; event ticket; boarding pass; you are invited; rsvp; wedding; save the date; concert; invitation; eintrittskarte; billet d'entree; general admission; itinerary; conference registration; seat; e ticket; flight; birthday party; graduation ceremony; doors open; uitnodiging; einladung; biglietto",
        3: "ticket; venue; event; doors; celebrate; section row; gate; festival; theatre; theater; show time; registration confirmation; reception; ceremony; performance; attend; join us; conference; keynote; agenda; dinner; gala; booking reference; speaker; passenger; departure; invite; host",
        1: "date and time; location; guest; evening; p m; saturday",
    },
    "promotional": {
        5: "coupon; promo code; special offer; limited time offer; discount code; off your next; sale ends; buy one get one; free shipping; exclusive offer; gutschein; bon de reduction; rabattcode; newsletter; unsubscribe; act now; % off; save up to; shop now; offer expires; offerta speciale; aanbieding; flyer; catalog; membership offer; save big; grand opening; your next purchase",
        3: "offer; save; sale; deals; discount; new arrivals; free trial; sign up; limited time; clearance; redeem; angebot; promotion; oferta; soldes; bonus; valued customer; visit our store; order now; today only; while supplies last; exclusive; rewards; valid until; special; gift card; new customers",
        1: "free; new; best; enjoy; today; shop; now",
    },
    "junk": {
        5: "you have been selected; pre approved; preapproved; you have won; claim your prize; congratulations you; final notice extended warranty; presorted standard; current resident; lottery; sweepstakes; prequalified; no purchase necessary; claim now; postal customer; our neighbor at; resident or; extended auto warranty; vehicle warranty; cash prize",
        3: "prize; winner; congratulations; guaranteed; act immediately; risk free; wire transfer; million dollars; debt relief; urgent response; chain letter; pre screened; prescreened; no obligation; opt out; dear friend; dear resident; home buyers; we buy houses; make money; miracle; 100 free; bulk rate; unclaimed",
        1: "free; credit; now; urgent; offer",
    },
}  # fmt: skip

TITLES: dict[str, str] = {
    "receipt": "receipt; sales receipt; payment receipt; official receipt; cash receipt; cash bill; quittung; recu; ticket",
    "invoice": "invoice; factuur; rechnung; facture; factura; fattura; proforma invoice; commercial invoice",
    "utility_bill": "electric bill; electricity bill; gas bill; water bill; utility bill; energy statement; energy bill; light bill; power bill; water and sewer bill",
    "service_bill": "phone bill; internet bill; wireless bill; mobile bill; cable bill; subscription invoice; internet statement; service invoice",
    "insurance": "insurance; policy declarations; premium notice; insurance card; renewal notice; insurance bill; explanation of benefits; certificate of insurance; declarations page",
    "bank_statement": "bank statement; account statement; statement of account; kontoauszug; releve de compte; checking account statement; checking statement; savings statement; statement of accounts",
    "credit_card": "credit card statement; credit card; card statement; credit card bill",
    "investment": "investment statement; portfolio statement; brokerage statement; account summary brokerage; investment report; trade confirmation; retirement statement; portfolio summary; investment account statement",
    "payroll": "pay stub; earnings statement; payslip; pay slip; pay statement; salary slip; paycheck; statement of earnings; paystub; earnings record; salary statement; gehaltsabrechnung; lohnabrechnung; bulletin de paie",
    "employment": "offer letter; offer of employment; employment agreement; employment contract; employment verification; performance review; letter of employment; job offer; employment offer; arbeitsvertrag; contrat de travail; employee handbook",
    "tax": "w 2; 1099; form 1040; tax return; property tax; notice of assessment; wage and tax statement; tax bill; steuerbescheid; tax statement; property tax bill; form w 2; form 1099; tax notice",
    "government": "public notice; notice of hearing; jury summons; official notice; permit; passport; voter registration; benefit verification; social security administration; notice of decision; birth certificate; building permit",
    "medical": "lab results; laboratory report; prescription; discharge summary; patient statement; medical record; test results; medical bill; vaccination record; immunization record; after visit summary; medical report; patient billing statement; appointment reminder; hospital bill",
    "property": "rent receipt; lease agreement; rental agreement; mortgage statement; residential lease; hoa statement; rent invoice; rent statement; tenancy agreement; rental receipt; mietvertrag; quittance de loyer; residential lease agreement; hoa dues; notice of rent increase",
    "vehicle": "vehicle registration; certificate of title; repair order; registration renewal; parking ticket; vehicle inspection; service record; smog check; vehicle service invoice; auto repair; registration renewal notice; parking citation; traffic citation; vehicle inspection report",
    "legal": "power of attorney; last will and testament; affidavit; settlement agreement; summons; notice to appear; non disclosure agreement; court order; subpoena; legal notice; retainer agreement; living trust",
    "education": "transcript; report card; student account statement; tuition statement; tuition bill; tuition invoice; official transcript; diploma; school report; academic transcript; tuition and fees; student statement; enrollment verification; acceptance letter",
    "event": "event ticket; invitation; boarding pass; admit one; you re invited; you are invited; save the date; ticket confirmation; itinerary; wedding invitation; event confirmation; conference registration; e ticket",
    "promotional": "special offer; coupon; sale; exclusive offer; newsletter; limited time offer; grand opening; clearance sale; member exclusive",
    "junk": "you have been selected; you re pre approved; congratulations; final notice; sweepstakes; you have won; pre approved; important information enclosed; you may have won",
}  # fmt: skip

UNKNOWN_TITLES: dict[str, str] = {
    "warranty": "warranty certificate; limited warranty; warranty card; extended warranty; warranty registration; garantieschein; warranty",
    "library_notice": "library notice; overdue books; library card; public library; overdue notice",
    "manual": "user manual; owner's manual; instruction manual; quick start guide; installation guide; user guide; bedienungsanleitung",
    "recipe": "recipe; ingredients; preheat the oven",
    "resume": "curriculum vitae; resume; work experience; lebenslauf",
    "travel": "travel itinerary; hotel reservation; flight itinerary; booking confirmation; reservation confirmation",
    "membership": "membership card; membership renewal; membership certificate",
    "pet": "veterinary; veterinarian; pet vaccination; animal hospital",
    "donation": "donation receipt; charitable contribution; tax deductible donation; thank you for your donation",
    "delivery_note": "delivery note; packing slip; packing list; lieferschein; bon de livraison; delivery order",
    "quotation": "quotation; estimate; angebot nr; devis; quote number",
    "certificate": "certificate of completion; certificate of achievement; this certifies that",
    "meeting_minutes": "minutes of the meeting; meeting minutes; agenda items",
}  # fmt: skip

TAGS: dict[str, str] = {
    "electricity": "kwh; electricity; electric service; electric delivery; strom; electricite; electric",
    "gas": "therms; natural gas; gas service; gas charges; erdgas; gaz",
    "water": "water usage; water service; water bill; sewer; wastewater; water charges",
    "internet": "internet; broadband; fiber; haut debit; wifi; freebox; dsl",
    "phone": "wireless; mobile plan; telephone bill; phone bill; mobilfunk; talk and text; forfait mobile",
    "rent": "rent receipt; base rent; monthly rent; rental period; loyer; miete",
    "mortgage": "mortgage statement; mortgage; escrow",
    "auto": "insured vehicle; collision; license plate; vin; vehicle; auto policy; auto insurance; motor insurance",
    "home": "dwelling; homeowners policy; home insurance; hausrat; habitation; homeowners",
    "health": "health insurance; health plan; medical plan; krankenversicherung",
    "life": "life insurance; beneficiary; lebensversicherung",
    "tuition": "tuition; student account; school fees; studiengebuhren",
    "groceries": "supermarket; grocery; groceries; fresh market; hypermarket; mini market; speed mart; mini mart; wellmart; minimarket; bread; vegetables; milk",
    "fuel": "petrol; diesel; ron95; ron97; unleaded; gasoline; litre; fuel; pump",
    "restaurant": "restaurant; restoran; cafe; kitchen; bistro; dine in; take away; pax; seafood; cuisine; grill; food court; sushi; noodle; coffee; kopitiam; catering",
    "bakery": "bakery; bakeries; confectionery; cake house; backerei; boulangerie",
    "pharmacy": "pharmacy; farmasi; drugstore; apotheke; pharmacie; farmacia",
    "stationery": "stationery; stationers; office supplies",
    "books": "bookstore; bookstores; book co; books",
    "hardware": "hardware; tools; key maker; locksmith; building material; power tools",
    "hotel": "hotel; resort; room charges; check out; guest house; homestay",
    "parking": "parking",
    "cloud": "web services; hosting; cloud; domain name",
    "online": "webshop; online order; order confirmation; bestelling",
    "travel": "airline; boarding pass; flight; train ticket; itinerary",
    "paid": "total amount paid; paid in full; payment received; amount paid",
    "overdue": "past due; overdue; final notice; second notice",
    "autopay": "autopay enrolled; automatic payment; direct debit; prelevement automatique; lastschrift; sepa lastschrift",
}  # fmt: skip


def any_of(phrases: str) -> re.Pattern[str]:
    """One pattern for phrases that are apart by semicolons."""
    return re.compile("|".join(pattern_of(phrase.strip()) for phrase in phrases.split(";") if phrase.strip()))


def pattern_of(phrase: str) -> str:
    """A phrase as a pattern: its blanks are optional, and it starts and ends where words do."""
    words = [re.escape(word) for word in phrase.split()]
    body = r"[\s\-./:]{0,2}".join(words)
    left = r"(?<![a-z0-9])" if phrase[0].isalnum() else ""
    right = r"(?![a-z0-9])" if phrase[-1].isalnum() else ""
    return f"{left}{body}{right}"
