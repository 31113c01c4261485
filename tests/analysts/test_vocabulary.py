"""The notation of phrases, and the files of words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import alfrd_events
from alfrd_events.analysis.rules.date_labels import OWN
from alfrd_events.analysis.rules.lexicon import WEIGHTS
from alfrd_events.analysis.rules.name_words import ADDRESS, ISSUER, RECIPIENT
from alfrd_events.analysis.text import vocabulary
from alfrd_events.analysis.text.dates import MONTHS
from alfrd_events.analysis.text.layout import fold, without_accents
from alfrd_events.analysis.text.vocabulary import any_of, beginnings, listed, phrases, words

WORDS = files("alfrd_events.analysis.text").joinpath("words")
LANGUAGES = {
    *(
        "english",
        "german",
        "french",
        "spanish",
        "italian",
        "portuguese",
        "dutch",
        "swedish",
        "danish",
        "norwegian",
    ),
    *(
        "finnish",
        "polish",
        "czech",
        "malay",
        "hindi",
        "tamil",
        "hebrew",
        "arabic",
        "chinese",
        "japanese",
        "korean",
    ),
    # what companies and offices there write in English; what all write; slips of readers
    *("india", "singapore", "international", "misread"),
}
AS_PRINTED = {"companies.with_capital", "companies.of_capital", "companies.sold_by"}
"""Capitals count."""


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Files of words of the test's own."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(vocabulary, "_file", lambda name: given[name])
    _forget()
    yield given
    _forget()


def _forget() -> None:
    for cached in (vocabulary.pattern, words, beginnings, any_of):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("phrase", "found", "not_found"),
    [
        (
            "total amount",
            ["total amount", "totalamount", "total  amount"],
            ["total the amount", "total-amount"],
        ),
        ("pay[ment] by", ["pay by", "payment by", "paymentby"], ["payments by"]),
        ("[total|full] price", ["price", "total price", "fullprice"], ["prices"]),
        ("due [date|on]", ["due", "due on", "duedate"], ["dues"]),
        (
            "policy [-](no|#)",
            ["policy no", "policy-no", "policy -no", "policy #"],
            ["policy", "policy number"],
        ),
        ("(gross|net) pay", ["gross pay", "netpay"], ["pay", "grossnet pay"]),
        ("rechnung-", ["rechnung", "rechnungen"], ["abrechnung"]),
        ("incl- tax", ["incl tax", "including tax"], ["incl the tax"]),
        (
            "zahlbar … bis",
            ["zahlbar bis", "zahlbar ohne abzug bis", "zahlbar 1.50 bis"],
            ["zahlbar. dann bis"],
        ),
        ("statement …", ["statement", "statement of account 12"], ["statements"]),
        ("statement…", ["statement", "statements of account 12"], ["a restatement"]),
        ("sdn~bhd", ["sdnbhd", "sdn bhd", "sdn. bhd", "sdn., bhd"], ["sdn .-, bhd"]),
        ("p.o. box", ["p.o. box", "po box", "pobox"], ["p-o box"]),
        ("facture d'avoir", ["facture d'avoir", "facture d’avoir", "facture davoir"], ["facture de avoir"]),
        ("à régler", ["a regler"], ["regler"]),
        ("合計", ["合計 1,200"], ["小計"]),
    ],
)
def test_a_phrase_finds_what_its_notation_says(
    listing: dict[str, Any], phrase: str, found: list[str], not_found: list[str]
) -> None:
    listing["own"] = {"list": {"english": [phrase]}}
    expression = re.compile(words("own.list"))

    assert [text for text in found if not expression.search(text)] == []
    assert [text for text in not_found if expression.search(text)] == []


def test_the_longest_phrase_is_found_and_words_are_bounded_as_asked_for(listing: dict[str, Any]) -> None:
    listing["own"] = {"list": {"english": ["due"], "german": ["due date"], "dutch": ["tot"]}}

    longest = re.search(words("own.list"), "the due date")
    assert longest is not None
    assert longest[0] == "due date"
    assert not re.search(words("own.list"), "residues totals")
    assert re.findall(beginnings("own.list"), "residue totals") == ["tot"]
    assert re.findall(any_of("own.list"), "residue totals") == ["due", "tot"]
    assert re.findall(any_of("own.list", language="dutch"), "residue totals") == ["tot"]


@pytest.mark.parametrize("phrase", ["total (amount", "total amount)", "total|amount", "total [amount", "(a]"])
def test_a_bracket_that_does_not_close_is_refused(listing: dict[str, Any], phrase: str) -> None:
    listing["own"] = {"list": {"english": [phrase]}}

    with pytest.raises(ValueError, match="bracket"):
        any_of("own.list")


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        (ADDRESS, "Lange Straße 5"),
        (ISSUER, "Sælger:"),
        (RECIPIENT, "Køber"),
        (OWN, "Date d’émission"),
        (vocabulary.pattern("statements.went"), "Wypłaty"),
        (vocabulary.pattern("totals.to_pay"), "DO ZAPŁATY"),
    ],
)
def test_words_with_letters_of_their_own_alphabet_are_found(expression: re.Pattern[str], line: str) -> None:
    assert expression.search(fold(line))


FILES = sorted(
    [file.name.removesuffix(".toml") for file in WORDS.iterdir() if file.is_file()]
    + [f"types/{name}" for name in vocabulary.files_of("types")]
)


def _lists(file: str) -> list[str]:
    found = []
    for table, content in vocabulary._file(file).items():
        nested = all(isinstance(each, dict) for each in content.values())
        found += [f"{file}.{table}.{key}" for key in content] if nested else [f"{file}.{table}"]
    return found


LISTS = [name for file in FILES if file != "months" for name in _lists(file)]


def test_every_list_is_of_known_languages_and_its_phrases_can_be_searched_for() -> None:
    for name in LISTS:
        re.compile(words(name))
        assert phrases(name).keys() <= LANGUAGES, name
        for language, of_language in phrases(name).items():
            assert len(of_language) == len(set(of_language)) > 0, (
                f"{name}: {language} repeats a phrase, or has none"
            )
            assert [each for each in of_language if each != " ".join(each.split())] == []
        capitals = [each for each in listed(name) if each != each.lower() and " Sie " not in each]
        assert capitals == [] or name in AS_PRINTED


def test_every_list_is_read_by_a_rule() -> None:
    analysis = Path(alfrd_events.__file__).parent / "analysis"
    source = "\n".join(file.read_text("utf-8") for file in analysis.rglob("*.py"))

    unread = [name for name in LISTS if name not in source and not _is_read_by_its_table(name, source)]

    assert unread == []


def _is_read_by_its_table(name: str, source: str) -> bool:
    """Names that rules put together: of identifiers, fees and boxes of forms, and of the currencies of countries."""
    file, table, *rest = name.split(".")
    if file == "identifiers":
        return f"_identifier('{table}')" in source or f'_identifier("{table}")' in source
    if file == "forms":
        return f'"{table}"' in source
    if file.startswith("types/"):
        return table == "titles" or table in WEIGHTS
    if file in {"kinds", "tags", "unknown_types"}:
        return f'lists_of("{file}")' in source
    if table == "number_word":
        return '"dates.number_word"' in source
    if table == "quantity":
        return '"fields.quantity"' in source
    if table.startswith(("fee", "no_fee")):
        return f'"{rest[0]}"' in source
    return table in {"whole", "within"} and f'_country("{rest[0]}"' in source


def test_every_language_has_twelve_months_and_no_name_is_of_two() -> None:
    for language, months in phrases("months").items():
        assert len(months) == 12, language
        for number, names in enumerate(months, start=1):
            assert {MONTHS[without_accents(name)] for name in names.split()} == {number}
