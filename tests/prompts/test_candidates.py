"""No value of a document gets into an instruction, however it is written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.prompts.candidates import ShownMaterial, objections

PARENT = "Read the bill. Dates are ISO 8601, currencies ISO 4217, such as USD."
TEXT = """Harborlight Electric Cooperative
Account 4471-0032-9 for Mrs. Ada Quist-Vermeer, 12 Mole Road
Statement date March 5, 2024; amount due $1,284.07 by 03/26/2024
Please note that the meter in the rear yard could not be reached this month"""
MATERIAL = ShownMaterial(
    values=(
        "Harborlight Electric Cooperative",
        "4471-0032-9",
        "2024-03-05",
        "1284.07",
        "Ada Quist-Vermeer",
        "IBX",
    ),
    texts=(TEXT,),
)
GOOD = "Give the due date only where one is printed. Amounts are plain decimals; use at most 12 words. Currency is USD."


def test_a_good_instruction_passes() -> None:
    assert objections(GOOD, PARENT, MATERIAL, 400) == []


@pytest.mark.parametrize(
    "planted",
    [
        "The issuer is harborlight electric cooperative.",
        "The issuer is Harborlight-Electric Cooperative.",
        "The issuer is HarborlightElectricCooperative.",
        "The account is 4471-0032-9.",
        "The account is 447100329.",
        "The account is 4471 0032 9.",
        "The amount is 1284.07.",
        "The amount is $1,284.07.",
        "The amount is 1.284,07 EUR.",
        "The date is 2024-03-05.",
        "The date is 5 March 2024.",
        "The date is March 5th, 2024.",
        "The date is 05.03.2024.",
        "The date is 3/5/24.",
        "Due by 26 Mar 2024.",
        "Mail goes to ada quist-vermeer.",
        "Look for IBX.",
        "Take note that the meter in the rear yard could not be read.",
    ],
)
def test_a_planted_value_is_found(planted: str) -> None:
    assert objections(f"{GOOD} {planted}", PARENT, MATERIAL, 400)


@given(
    st.one_of(
        st.decimals(100, 10**7, places=2).map(lambda value: (f"{value}", [f"{value:,}", f"{value:.2f}"])),
        st.dates(date(1990, 1, 1), date(2049, 12, 31)).map(
            lambda day: (
                day.isoformat(),
                [
                    f"{day:%d.%m.%Y}",
                    f"{day:%B} {day.day}, {day.year}",
                    f"{day.day} {day:%b} {day.year}",
                    f"{day:%m/%d/%y}",
                ],
            )
        ),
        st.text("BCDFGHKLMNPQRSTVWXZ", min_size=4, max_size=12).map(
            lambda name: (name, [name.lower(), name.title()])
        ),
        st.from_regex(r"[A-Z]{2}[0-9]{5,9}", fullmatch=True).map(
            lambda id: (id, [id.lower(), f"{id[:2]} {id[2:]}", f"{id[:4]}-{id[4:]}"])
        ),
    ),
    st.integers(0, 7),
)
def test_whatever_is_planted_is_found(planted: tuple[str, list[str]], place: int) -> None:
    value, spellings = planted
    words = GOOD.split()
    for spelling in (value, *spellings):
        candidate = " ".join([*words[:place], spelling, *words[place:]])
        assert objections(candidate, "Read the bill.", ShownMaterial((value,), ()), 400), spelling


def test_what_the_parent_says_already_is_not_copied() -> None:
    material = ShownMaterial(("8601", "4217"), ("certified to ISO 8601",))
    assert objections(f"{PARENT} Be brief.", PARENT, material, 400) == []


@pytest.mark.parametrize(
    "link",
    [
        "https://a.example",
        "www.example.org/x",
        "see example.com",
        "ftp://x",
        "mailto:a@b.cd",
        "Example.CO.UK",
    ],
)
def test_a_link_is_refused(link: str) -> None:
    assert objections(f"{GOOD} {link}", PARENT, MATERIAL, 400) == ["it holds a link"]


def test_a_candidate_is_refused_for_its_length_and_not_cut() -> None:
    assert objections("word " * 301, PARENT, MATERIAL, 300) == ["301 words, and 300 are allowed"]
    assert objections("word " * 300, PARENT, MATERIAL, 300) == []
    assert objections("  ", PARENT, MATERIAL, 300) == ["it is empty"]


def test_the_same_again_is_refused() -> None:
    assert objections(PARENT.upper(), PARENT, MATERIAL, 400) == [
        "it says what the version says that it was made from"
    ]


def test_objections_quote_nothing() -> None:
    said = " ".join(objections(f"{GOOD} Ada Quist-Vermeer 4471-0032-9 2024-03-05", PARENT, MATERIAL, 3))
    assert not any(secret in said for secret in ("Ada", "4471", "2024"))
