"""A search: phrases, words that must not be there, unfinished and mistyped ones; ranks, snippets, filters, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from alfrd_events.db import queries
from alfrd_events.errors import Refused
from testing.harness import Harness
from tests.engine.searching import found, given_page, index, rows

LAYOUT = """{"width": 100, "height": 100, "lines": [
  {"text": "Rent for the house", "box": [0.1, 0.1, 0.5, 0.2], "confidence": 1},
  {"text": "Total rent: 2,150.00", "box": [0.1, 0.3, 0.5, 0.4], "confidence": 1}]}"""


async def given_papers(db: Harness) -> None:
    await given_page(db, "rent", "Rent for the house\nTotal rent: 2,150.00", layout=LAYOUT)
    await given_page(db, "power", "The total amount of your electricity bill is due: house 5")
    await given_page(
        db, "notice", "A notice for the rental of a house that you rent, please pay the amount in total"
    )
    await index(db)


@pytest.fixture(params=["indexed", "not indexed yet"])
async def papers(db: Harness, request: pytest.FixtureRequest) -> Harness:
    """The same is found of what waits for the index."""
    await given_papers(db)
    if request.param == "not indexed yet":
        await db.sql("update alfrd.pages set language = null")
    return db


async def test_all_words_have_to_be_there_and_of_alternatives_one(papers: Harness) -> None:
    assert await found(papers, "house") == {"rent", "power", "notice"}
    assert await found(papers, "house electricity") == {"power"}
    assert await found(papers, "electricity or rent") == {"rent", "power", "notice"}
    assert await found(papers, "house electricity or notice") == {"power", "notice"}
    assert await found(papers, "car") == set()


async def test_the_words_of_a_phrase_follow_each_other(papers: Harness) -> None:
    assert await found(papers, '"total amount"') == {"power"}
    assert await found(papers, '"amount total"') == set()
    assert await found(papers, '"amount in total"') == {"notice"}
    assert await found(papers, 'house "rent for"') == {"rent"}


async def test_a_word_or_phrase_can_be_excluded(papers: Harness) -> None:
    assert await found(papers, "house -electricity") == {"rent", "notice"}
    assert await found(papers, 'house -"total amount"') == {"rent", "notice"}
    assert await found(papers, "house -rent -electricity") == set()
    assert await found(papers, "pdf -house") == set()
    assert await found(papers, "house -rent.pdf") == {"power", "notice"}


async def test_the_last_word_may_be_unfinished(papers: Harness) -> None:
    for words in ("elec", "electricit", "house elect"):
        assert await found(papers, words) == {"power"}, words


async def test_a_word_with_a_blank_behind_it_is_finished(db: Harness) -> None:
    await given_papers(db)
    assert await found(db, "elec ") == await found(db, "elec house") == set()
    assert await found(db, "electricity ") == {"power"}


@pytest.mark.parametrize(
    "typed", ["electrcity", "elecrticity", "electricitty", "elextricity", "alectricity", "eletcricity"]
)
async def test_a_word_that_no_page_has_is_taken_for_the_one_that_was_meant(db: Harness, typed: str) -> None:
    await given_papers(db)

    (row,) = await rows(db, f"{typed} house")

    assert (row["name"], row["meant"]) == ("power", "electricity")
    assert "⟦electricity⟧" in row["snippet"]


async def test_what_some_page_has_is_not_taken_for_something_else(db: Harness) -> None:
    await given_papers(db)
    await given_page(db, "vent", "The vent of a car")
    await index(db)

    assert [(row["name"], row["meant"]) for row in await rows(db, "vent ")] == [("vent", "")]
    assert await found(db, "vent house") == set()


async def test_a_name_a_company_a_type_and_a_tag_are_found_too(db: Harness) -> None:
    await given_papers(db)
    await db.sql(
        "update alfrd.documents set entity = 'Café Müller', summary = 'A quittance.', document_type = 'receipt',"
        " tags = '{holidays}' where filename = 'rent.pdf'"
    )
    for moment in ("before", "after"):
        for words in ("muller", "cafe", "quittances", "receipt", "holiday", "rent.pdf", "cafe receipt"):
            assert "rent" in await found(db, words), (moment, words)
        assert await found(db, "power.pdf") == {"power"}
        await index(db)
    await db.sql("update alfrd.documents set entity = 'Another' where filename = 'rent.pdf'")
    await index(db)
    assert await found(db, "muller") == set()


async def test_the_best_comes_first_and_of_equals_the_newest(db: Harness) -> None:
    await given_page(db, "once", "A house. Bread, milk and wine")
    await given_page(db, "often", "House, house, house and house")
    await given_page(db, "old", "House, house, house and house", created_at="2005-01-01")
    await given_page(db, "other form", "Houses, houses, houses and houses")
    await index(db)

    ordered = [row["name"] for row in await rows(db, "house ")]

    assert ordered == ["often", "other form", "once", "old"]
    ranks = [row["rank"] for row in await rows(db, "house ")]
    assert ranks == sorted(ranks, reverse=True)
    assert all(0 < rank <= 1 for rank in ranks)


async def test_a_hit_has_its_page_and_the_place_of_its_line(db: Harness) -> None:
    await given_papers(db)

    (row,) = await rows(db, "2150 rent")

    assert (row["page"], row["line_box"]) == (1, [0.1, 0.3, 0.5, 0.4])
    assert row["snippet"] == "⟦Rent⟧ for the house Total ⟦rent⟧: ⟦2,150.00⟧"


async def test_a_snippet_holds_no_marks_but_those_of_hits(db: Harness) -> None:
    await given_page(db, "marks", "⟦evil⟧ <b>house</b> of ⟦cards")
    await index(db)

    (row,) = await rows(db, "house")

    assert row["snippet"] == "[evil] <b>⟦house⟧</b> of [cards"


async def test_filters_compose(db: Harness) -> None:
    kinds: dict[str, Any] = {
        "document_type": "receipt",
        "entity": "Café Müller",
        "document_date": "2024-05-31",
        "total_amount": 20,
    }
    await given_page(db, "a", "A house", owner="ann", tags=["home/garden"], **kinds)
    await given_page(db, "b", "A house", owner="bob", tags=["home"], **{**kinds, "total_amount": 30})
    await given_page(
        db, "c", "A house", owner="ann", tags=["homework"], **{**kinds, "document_date": "2024-06-01"}
    )
    await given_page(db, "d", "A house")
    await index(db)
    await db.sql(
        "with made as (insert into alfrd.series (entity, entity_key, slug) values ('M', 'm', 'm') returning id)"
        " update alfrd.documents set series_id = made.id from made where filename in ('a.pdf', 'b.pdf')"
    )
    for filters, expected in (
        ({"type": "receipt"}, "abc"),
        ({"entity": "muller"}, "abc"),
        ({"from": "2024-06-01"}, "c"),
        ({"to": "2024-05-31"}, "ab"),
        ({"min": 21}, "b"),
        ({"max": 20}, "ac"),
        ({"tag": "Home"}, "ab"),
        ({"series": "m"}, "ab"),
        ({"owner": "ann"}, "ac"),
        (
            {"owner": "ann", "tag": "home", "min": 20, "max": 20, "from": "2024-05-31", "to": "2024-05-31"},
            "a",
        ),
    ):
        assert await found(db, "house", **filters) == set(expected), filters
    assert len(await rows(db, "house", limit=2)) == 2


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"type": "recipt"}, "no document type 'recipt'.*types: .*receipt"),
        ({"series": "none"}, "no series 'none'.*slug"),
        ({"from": "2024-06-01", "to": "2024-05-01"}, "from 2024-06-01 on and until 2024-05-01.*swap"),
        ({"min": 2, "max": 1}, "at least 2 and at most 1.*swap"),
        ({"limit": 0}, "limit of 0.*1 to 1000"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(
    db: Harness, filters: dict[str, object], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        await found(db, "house", **filters)


HOSTILE = (
    *(
        'house"',
        '"house',
        'house "" "',
        "house & | ! <-> :* ( ) \\",
        "'house'",
        "house') or 1=1 --",
        "house:*",
        "$$house$$",
    ),
    *(
        "house .*+?[](){}^$|\\m\\y",
        "house -",
        "- house",
        "house or",
        "or house",
        "or or house or",
        "house %_ \u200b",
        "⟦house⟧",
    ),
    *("house (?<=x)", "house \U0001f3e0", 'house -""', "house ........ ,,,, ''''"),
)


@pytest.mark.parametrize("words", HOSTILE)
async def test_signs_of_any_language_are_no_more_than_signs(papers: Harness, words: str) -> None:
    assert await found(papers, words) <= {"rent", "power", "notice"}


async def test_what_names_nothing_or_is_too_long_is_refused(db: Harness) -> None:
    for words in ("", " ", '"', "-house", "...", "or"):
        with pytest.raises(Refused, match=r"nothing to look for.*give a word"):
            await queries.search(db.database, words, 20)
    with pytest.raises(Refused, match=r"10000 characters.*fewer words"):
        await queries.search(db.database, "x" * 10_000, 20)
    with pytest.raises(Refused, match="NUL"):
        await queries.search(db.database, "a\0b", 20)
    assert await queries.search(db.database, " ".join(["house"] * 160), 20) == []
    assert await queries.search(db.database, "a1b" * 300, 20) == []
