"""Alerts and reasons for review are said in the language of their reader, with all that the English sentence says."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from alfrd_events.analysis.calendar.watching import watch
from alfrd_events.console.texts import catalogues, english
from alfrd_events.console.wording import alert_in_words, review_in_words
from alfrd_events.model.calendar import Dated, SeriesHistory
from alfrd_events.model.doubts import CLAUSES, clause, reasons_of
from testing.harness import Harness
from tests.console.conftest import Site, words_of
from tests.console.test_series import bill, series_of

GERMAN = catalogues()["de"]
NOW = datetime(2024, 7, 1, tzinfo=UTC)


def history(*documents: Dated, kind: str = "phone bill") -> SeriesHistory:
    return SeriesHistory(UUID(int=9), "Acme", kind, NOW, documents)


def dated(number: int, day: date, amount: str = "10.00", **more: object) -> Dated:
    plain = Dated(
        UUID(int=number), f"{number}.pdf", day, NOW - timedelta(days=1), Decimal(amount), "EUR", "4711"
    )
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


def monthly(*months: int) -> list[Dated]:
    return [dated(month, date(2024, month, 5)) for month in months]


SERIES = {
    "missing": history(*monthly(1, 2, 3, 5, 6)),
    "amount": history(*monthly(1, 2, 3, 4), dated(5, date(2024, 5, 5), "25.00")),
    "duplicate": history(*monthly(1, 2), dated(3, date(2024, 2, 5))),
    "changed": history(*monthly(1, 2, 3), dated(4, date(2024, 4, 5), account="1234567")),
    "balance": history(
        *(
            dated(
                month,
                date(2024, month, 28),
                opening=Decimal(100 * month),
                closing=Decimal(100 * month + 100),
                period_start=date(2024, month, 1),
                period_end=date(2024, month, 28),
            )
            for month in (1, 2)
        ),
        dated(
            3,
            date(2024, 3, 28),
            opening=Decimal("-12.5"),
            closing=Decimal(500),
            period_start=date(2024, 3, 1),
            period_end=date(2024, 3, 28),
        ),
        kind="bank statement",
    ),
}


@pytest.mark.parametrize("kind", SERIES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_an_alert_says_in_each_language_what_its_sentence_says(kind: str, language: str) -> None:
    alert = next(each for each in watch(SERIES[kind]).alerts if each.kind == kind)
    row = {"kind": alert.kind, "detail": "only in English", "data": alert.data}
    said = alert_in_words(catalogues()[language], row)
    assert said != "only in English"
    assert said.startswith("Acme: ")
    formats = catalogues()[language].formats
    for name in ("amount", "usual", "opening", "closing"):
        if name in alert.data:
            assert formats.money(Decimal(str(alert.data[name])), "EUR") in said
    for name in ("filename", "twin", "was", "is"):
        if name in alert.data and kind != "amount":
            assert str(alert.data[name]) in said


def test_an_alert_of_before_or_of_an_application_is_shown_as_it_is() -> None:
    for data in ({}, {"percent": 3}, {"percent": "x"}, {"entity": "Acme", "about": "soon"}):
        for kind in ("amount", "late", "changed", "of their own"):
            assert alert_in_words(GERMAN, {"kind": kind, "detail": "As it is.", "data": data}) == "As it is."


BLANKS = {
    "what": "total",
    "type": "utility bill",
    "percent": "48",
    "other": "1234.5",
    "first": "A-1; B",
    "first_page": "1",
    "second": "A-2",
    "second_page": "3",
    "day": "03/08/2024",
    "entity": "Acme & Co.",
    "slugs": "acme-a or acme-b",
}


@pytest.mark.parametrize("code", CLAUSES)
def test_a_reason_is_read_again_as_it_was_made(code: str) -> None:
    made = clause(code, **BLANKS)
    sentence = made[0].upper() + made[1:] + "."
    (found,) = reasons_of(sentence)
    assert found.code == code
    assert {name: BLANKS[name] for name in found.values} == found.values
    assert review_in_words(GERMAN, sentence) != sentence
    both = f"{sentence[:-1]}; {clause('missing', what='date')}."
    assert [each.code for each in reasons_of(both)] == [code, "missing"]


def test_reasons_are_said_as_the_language_does() -> None:
    sentence = "The total is unsure (48%) and could be 1234.5; no due date was found."
    assert review_in_words(english(), sentence) == (
        "Total is unsure (48 %) and could be 1,234.50. Due: none was found."
    )
    assert review_in_words(GERMAN, sentence) == (
        "Betrag: unsicher (48 %), könnte 1.234,50 sein. Fällig: nichts gefunden."
    )
    day = "The date is unsure (7%) and could be 2024-03-05."
    assert "05.03.2024" in review_in_words(GERMAN, day)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Look at it.",
        "No total was found",
        "No total was found. And more.",
        "no total was found; why.",
        "é.",
    ],
)
def test_a_reason_of_somebody_else_is_shown_as_it_is(sentence: str) -> None:
    assert review_in_words(GERMAN, sentence) == sentence


async def test_the_question_for_a_series_is_understood(db: Harness) -> None:
    """SQL writes this sentence: it has to be the one that is known here."""
    source = await db.one("select prosrc from pg_proc where proname = 'ask_for_series'")
    written = CLAUSES["series"].replace("{entity}", "%s").replace("{slugs}", "%s")
    assert f"'{written[0].upper()}{written[1:]}.'" in source
    (found,) = reasons_of("The series is not clear: Acme may belong to acme-a or acme-b.")
    assert found.code == "series"
    both = "The total is unsure (48%). The series is not clear: Acme may belong to acme-a or acme-b."
    assert [each.code for each in reasons_of(both)] == ["unsure", "series"]


async def test_pages_say_alerts_and_reasons_in_german(site: Site, db: Harness) -> None:
    series = await series_of(db, await bill(db, date(2024, 4, 1)))
    document = await db.one(
        "insert into alfrd.documents (filename, content, status) values ('a.txt', 'a', 'completed') returning id"
    )
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql(
        "update alfrd.documents set needs_review = true, review_confidence = 0.5,"
        " review_reason = 'No total was found.' where id = %s",
        document,
    )
    await db.sql("reset alfrd.actor")
    await db.sql(
        "insert into alfrd.series_alerts (series_id, kind, key, detail, expected, expected_from, expected_to, data)"
        " values (%s, 'late', '2024-05-01', 'Acme: late', '2024-05-01', '2024-04-28', '2024-05-04', %s)",
        series,
        '{"entity": "Acme", "paper": "phone bill", "about": "2024-05-01", "first": "2024-04-28",'
        ' "last": "2024-05-04"}',
    )
    site.client.headers["accept-language"] = "de"
    late = "Acme: phone bill von etwa 01.05.2024 ist noch nicht gekommen; erwartet war es zwischen 28.04.2024"
    today = words_of(await site.get("/"))
    assert late in today
    assert "nichts gefunden." in today
    assert late in words_of(await site.get(f"/series/{series}"))
    assert "nichts gefunden." in words_of(await site.get("/documents"))
    assert "nichts gefunden." in words_of(await site.get(f"/documents/{document}"))
