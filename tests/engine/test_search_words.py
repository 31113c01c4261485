"""Words are found in all their forms, with and without accents; numbers however they are written."""

from __future__ import annotations

import unicodedata

import pytest

from testing.harness import Harness
from tests.engine.searching import found, given_page, index, rows

PAGES = {
    "english": "The invoices of your account were paid, and the companies thank you for the payment.",
    "german": "Die Rechnungen für die Häuser sind bezahlt, und wir danken für Ihre Zahlung. Straße 5",
    "french": "Les factures ont été payées par le client, et nous vous remercions de votre paiement.",
    "spanish": "Las facturas fueron pagadas por el cliente y los recibos están en la cuenta.",
    "dutch": "De rekeningen zijn betaald door de klant, en wij danken u voor de betalingen.",
    "italian": "Le fatture sono state pagate dal cliente e gli importi della bolletta sono nel conto.",
    "portuguese": "As faturas foram pagas pelo cliente e os valores da conta não estão em atraso.",
    "swedish": "Räkningarna är betalda och vi tackar för din betalning av fakturor till den här kunden.",
}
FORMS = {
    "english": ("invoice", "company", "payments"),
    "german": ("Rechnung", "Haus", "hauser", "danke zahlung", "strasse"),
    "french": ("facture", "payer", "payees", "payée client"),
    "spanish": ("factura", "recibo", "pagado", "estan"),
    "dutch": ("rekening", "betaling"),
    "italian": ("fattura", "importo", "pagata"),
    "portuguese": ("fatura", "valor", "nao esta"),
    "swedish": ("räkning", "rakningar", "faktura"),
}


async def given_languages(db: Harness) -> None:
    for language, text in PAGES.items():
        await given_page(db, language, text)
    await index(db)


async def test_the_language_of_a_page_is_found_by_its_words(db: Harness) -> None:
    await given_languages(db)
    await given_page(db, "a table", "8471 XK-20 17.5 KL 2024")
    await index(db)

    languages = await db.sql(
        "select left(filename, -4) as name, language from alfrd.pages join alfrd.documents on id = document_id"
    )

    assert {row["name"]: row["language"] for row in languages} == {
        **{language: language for language in PAGES},
        "a table": "simple",
    }


@pytest.mark.parametrize("language", FORMS)
async def test_a_word_is_found_in_all_its_forms(db: Harness, language: str) -> None:
    await given_languages(db)
    for words in FORMS[language]:
        assert language in await found(db, words + " "), words


async def test_accents_do_not_matter_composed_or_not(db: Harness) -> None:
    await given_page(db, "composed", "Le relevé d'électricité de la société est pour vous")
    await given_page(
        db, "apart", unicodedata.normalize("NFD", "Le relevé d'électricité de la société est pour vous")
    )
    await given_page(db, "none", "Le releve d'electricite de la societe est pour vous")
    await given_page(db, "ligature", "Die ﬁnanzierung der Fußgängerbrücke und der Straße ist von uns")
    for moment in ("before", "after"):
        for words in (
            "électricité",
            "electricite",
            "ELECTRICITÉ",
            unicodedata.normalize("NFD", "électricité"),
        ):
            assert await found(db, words) == {"composed", "apart", "none"}, (moment, words)
        assert await found(db, "finanzierung fussganger") == {"ligature"}, moment
        await index(db)


async def test_an_amount_is_found_however_it_is_written(db: Harness) -> None:
    written = {
        "plain": "2150",
        "english": "$2,150.00",
        "german": "2.150,00 €",
        "swiss": "CHF 2'150.00",
        "french": "2 150,00 €",
        "narrow": "2\u202f150,00 €",
    }
    for name, amount in written.items():
        await given_page(db, name, f"The amount is {amount} for you")
    for name, amount in {"other": "21,500.00", "cents": "2,150.75", "inside": "921500"}.items():
        await given_page(db, name, f"The amount is {amount} for you")
    for moment in ("before", "after"):
        for amount in ("2150", "2,150.00", "2.150,00", "2'150.00", "2 150,00", "$2,150", "2\u202f150,00"):
            assert await found(db, amount + " ") >= set(written), (moment, amount)
            assert not await found(db, amount + " ") & {"other", "inside", "cents"}, (moment, amount)
        assert await found(db, "2150.75") == await found(db, "2.150,75") == {"cents"}, moment
        await index(db)


async def test_dates_and_numbers_with_signs_between_are_found_as_typed(db: Harness) -> None:
    await given_page(db, "dated", "Rechnung vom 12.05.2024, Konto 12-3456-78, billing@example.com, A/B-4711")
    await given_page(db, "other", "Rechnung vom 05.12.2024, Konto 3456-12-78")
    await index(db)
    for words in ("12.05.2024", "12-3456-78", "billing@example.com", "example", "b-4711"):
        assert await found(db, words) == {"dated"}, words


async def test_the_words_that_a_language_leaves_out_are_not_missed(db: Harness) -> None:
    await given_languages(db)

    assert await found(db, "the invoice of your ") >= {"english"}
    assert await found(db, '"thank you for the payment"') == {"english"}


async def test_a_word_of_many_forms_marks_them_all(db: Harness) -> None:
    await given_page(db, "bill", "An invoice for you. Invoices are to be paid. INVOICED by the company.")
    await index(db)

    (row,) = await rows(db, "invoices")

    assert row["snippet"] == "An ⟦invoice⟧ for you. ⟦Invoices⟧ are to be paid. ⟦INVOICED⟧ by the company."


async def test_long_numbers_that_begin_alike_are_told_apart(db: Harness) -> None:
    for name, text in {
        "account": "Account 447100923 of yours",
        "neighbour": "Account 447100924 of yours",
        "amount": "Due are $4,471.93 by you",
        "short": "Room 4471 of the house",
        "part": "Part x4471935 of the house",
    }.items():
        await given_page(db, name, text)
    await given_page(db, "447100923", "a page without a number")
    for moment in ("at once", "indexed"):
        assert await found(db, "447100923 ") == {"account", "447100923"}, moment
        assert await found(db, "4471.93 ") == await found(db, "4.471,93 ") == {"amount"}, moment
        assert await found(db, "4471 ") == {"short"}, moment
        assert await found(db, "44710092") == {"account", "neighbour", "447100923"}, moment
        assert await found(db, "4471.9") == {"amount"}, moment
        assert await found(db, "447") >= {"account", "neighbour", "amount", "short", "447100923"}, moment
        assert await found(db, "account -447100923 ") == {"neighbour"}, moment
        assert await found(db, "447100924 or 4471.93 ") == {"neighbour", "amount"}, moment
        await index(db)
