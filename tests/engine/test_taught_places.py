"""Where a correction showed a value to stand, the next paper of the same layout has it taken from there."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Container
from dataclasses import dataclass, replace
from math import cos, radians, sin
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.db.database import Database
from alfrd_events.db.lessons import lessons
from alfrd_events.model import Line, Page, Part
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import NoopReader, noop_tools, options

WIDTH, HEIGHT = 595, 842
CHARACTER, LINE = 5.2, 10
PLACES = "select id, active, contradicted_by from alfrd.lessons where kind = 'place' order by id"
Cell = tuple[float, float, str]


@dataclass(frozen=True)
class Sheet:
    """How a page lies on the glass: shifted by points, turned by degrees."""

    right: float = 0
    down: float = 0
    turned: float = 0
    height: float = HEIGHT

    def page(self, cells: list[Cell]) -> Page:
        cells = sorted(cells, key=lambda cell: (cell[1], cell[0]))
        lines = tuple(Line(text, self._box(x, y, text), 0.97) for x, y, text in cells)
        rows = [[text for _, y, text in cells if y == row] for row in dict.fromkeys(y for _, y, _ in cells)]
        text = "\n".join("    ".join(row) for row in rows)
        return Page(number=1, text=text, confidence=0.97, lines=lines, width=WIDTH, height=self.height)

    def _box(self, x: float, y: float, text: str) -> tuple[float, float, float, float]:
        """The upright box around a line that is turned with its page."""
        corners = [
            (x, y),
            (x + CHARACTER * len(text), y),
            (x, y + LINE),
            (x + CHARACTER * len(text), y + LINE),
        ]
        sine, cosine = sin(radians(self.turned)), cos(radians(self.turned))
        turned = [(a * cosine - b * sine + self.right, a * sine + b * cosine + self.down) for a, b in corners]
        across, down = [a / WIDTH for a, _ in turned], [b / self.height for _, b in turned]
        return min(across), min(down), max(across), max(down)


class LaidOut(NoopReader):
    """Reads cells and how the page lies."""

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        given = json.loads(part.content)
        yield Sheet(**given["sheet"]).page([tuple(cell) for cell in given["cells"]])


STRAIGHT = Sheet()
ASKEW = Sheet(right=4, down=-5, turned=0.8)


def bill(
    number: int, *, label: str = "For collection", name: str = "Acme Power Company", at: float = 560
) -> list[Cell]:
    """A bill whose right total, 4?0.10, stands beside other figures; without a label where it is empty."""
    cells: list[Cell] = [
        (60, 50, name),
        (60, 64, "Harbour Road"),
        (400, 50, "Electricity bill"),
        (60, 120, "Your customer service"),
        (60, 140, "www.acme-power.example"),
        (400, 120, "Bill date: March 3, 2024"),
        (60, 300, "Previous balance"),
        (440, 300, f"${90 + number}.40"),
        (60, 500, "Amount due"),
        (440, 500, f"$12{number}.50"),
        (440, at, f"${4 * 100 + number}.10"),
        (60, 620, "Thank you for your custom"),
        (300, 700, "Terms overleaf"),
        (60, 760, "Registered in Utopia"),
    ]
    return [*cells, (60, at, label)] if label else cells


async def given(
    db: Harness, number: int, owner: str = "ann", sheet: Sheet = STRAIGHT, cells: list[Cell] | None = None
) -> UUID:
    content = {"sheet": vars(sheet), "cells": cells or bill(number)}
    id: UUID = await db.one(
        "insert into alfrd.documents (filename, owner, content) values (%s, %s, %s) returning id",
        f"{number}.txt",
        owner,
        json.dumps(content).encode(),
    )
    await work(db)
    return id


async def work(db: Harness) -> None:
    async with Database(db.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(RulesAnalyst(), LaidOut()), options(db.url))


async def correct(db: Harness, document: UUID, total: str) -> None:
    await db.sql("select alfrd.correct(%s, %s)", document, json.dumps({"total": total}))
    await work(db)


async def total_of(db: Harness, document: UUID) -> str:
    return str(await db.one("select total_amount from alfrd.documents where id = %s", document))


@pytest.mark.parametrize("label", ["", "Fqr collectlon"], ids=["no label", "misread label"])
@pytest.mark.parametrize(
    "sheet", [STRAIGHT, ASKEW, replace(ASKEW, turned=-0.8)], ids=["straight", "askew", "askew, to the left"]
)
async def test_a_total_without_its_label_is_taken_from_its_place(
    db: Harness, sheet: Sheet, label: str
) -> None:
    one = await given(db, 10)
    untaught = await total_of(db, await given(db, 20, sheet=sheet, cells=bill(20, label=label)))
    assert untaught == "1220.50"

    await correct(db, one, "410.10")

    two = await given(db, 21, sheet=sheet, cells=bill(21, label=label))
    assert await total_of(db, two) == "421.10"
    evidence = await db.one("select evidence -> 'total_amount' from alfrd.documents where id = %s", two)
    assert (evidence["text"], evidence["label"]) == ("$421.10", "page 1, 74 % across, 67 % down")


async def test_words_are_looked_for_before_the_place(db: Harness) -> None:
    await correct(db, await given(db, 10), "410.10")

    moved = await given(db, 21, cells=bill(21, at=400))

    assert await total_of(db, moved) == "421.10"


@pytest.mark.parametrize(
    "cells",
    [
        bill(21, label="", at=400),
        [(x, y if y < 400 else y + 40, text) for x, y, text in bill(21, label="", at=540)],
        [(x, y, f"Other {text}" if y not in (500, 560) else text) for x, y, text in bill(21, label="")],
        [*bill(21, label=""), (442.0, 557.0, "$77.70")],
    ],
    ids=["nothing there", "the lines around have moved", "another layout", "two figures there"],
)
async def test_a_place_that_does_not_tell_is_not_believed(db: Harness, cells: list[Cell]) -> None:
    await correct(db, await given(db, 10), "410.10")

    assert await total_of(db, await given(db, 21, cells=cells)) == "1221.50"


async def test_a_place_is_seen_exported_kept_to_its_owner_and_undone(db: Harness) -> None:
    one = await given(db, 10)
    before = await total_of(db, await given(db, 20, cells=bill(20, label="")))
    await correct(db, one, "410.10")

    async with Database(db.url) as database:
        rows = await lessons(database)
    assert [(row["kind"], row["owner"], row["field"], row["value"]) for row in rows] == [
        ("place", "ann", "total_amount", "page 1, 74 % across, 67 % down"),
        ("label", "ann", "total_amount", "for collection"),
    ]
    assert rows[0]["place"]["page"] == 1
    assert ["Amountdue", 0.1445, 0.5998] in rows[0]["place"]["anchors"]
    assert await total_of(db, await given(db, 21, "bob", cells=bill(21, label=""))) == "1221.50"
    stranger = bill(22, label="", name="Zenith Energy Ltd")
    stranger = [cell for cell in stranger if "www." not in cell[2]]
    assert await total_of(db, await given(db, 22, cells=stranger)) == "1222.50"

    two = await given(db, 23, cells=bill(23, label=""))
    assert await total_of(db, two) == "423.10"
    await db.sql("select alfrd.unlearn(%s)", rows[0]["id"])
    await work(db)

    assert await total_of(db, two) == "1223.50"
    assert await total_of(db, await given(db, 20, cells=bill(20, label=""))) == before


async def test_two_places_that_contradict_each_other_stop_both(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11, sheet=ASKEW)
    await correct(db, one, "410.10")
    await correct(db, two, "101.40")

    first, second = await db.sql(PLACES)
    assert (first["active"], first["contradicted_by"]) == (False, f"lesson {second['id']}")
    assert (second["active"], second["contradicted_by"]) == (False, f"lesson {first['id']}")
    assert await total_of(db, await given(db, 21, cells=bill(21, label=""))) == "1221.50"

    await db.sql("select alfrd.undo(%s)", two)
    await work(db)
    assert await total_of(db, await given(db, 22, cells=bill(22, label=""))) == "422.10"


async def test_the_same_place_and_that_of_another_layout_do_not_contradict(db: Harness) -> None:
    other = [(x, y + 70, f"Our {text}" if "Acme" not in text else text) for x, y, text in bill(12)]
    await correct(db, await given(db, 10), "410.10")
    await correct(db, await given(db, 11, sheet=ASKEW, cells=bill(11, label="")), "411.10")
    await correct(db, await given(db, 12, cells=[*other, (440, 420, "$70.10")]), "70.10")

    assert [row["active"] for row in await db.sql(PLACES)] == [True, True]


async def test_a_place_is_tried_on_the_papers_that_a_person_has_accepted(db: Harness) -> None:
    accepted = await given(db, 11, sheet=ASKEW)
    await db.sql("select alfrd.accept(%s)", accepted)

    await correct(db, await given(db, 10), "410.10")

    (place,) = await db.sql(PLACES)
    assert place["contradicted_by"] == f"document {accepted}"
    assert await total_of(db, await given(db, 21, cells=bill(21, label=""))) == "1221.50"


async def test_of_a_figure_that_is_printed_twice_the_last_place_is_taken(db: Harness) -> None:
    await correct(db, await given(db, 10, cells=[*bill(10, label=""), (300, 640, "$410.10")]), "410.10")

    assert [row["active"] for row in await db.sql(PLACES)] == [True]
    again = await given(db, 21, cells=[*bill(21, label=""), (300, 640, "$421.10")])
    assert await total_of(db, again) == "421.10"


async def test_a_place_is_found_on_a_page_that_is_longer(db: Harness) -> None:
    """Till rolls are as long as what was bought; what stands below the rows moves with them."""
    await correct(db, await given(db, 10), "410.10")

    longer = await given(db, 21, sheet=Sheet(down=9, height=2 * HEIGHT), cells=bill(21, label=""))

    assert await total_of(db, longer) == "421.10"


@pytest.mark.parametrize(
    "place",
    [
        None,
        {},
        {"page": 1, "aspect": 1.4, "box": [0, 0, 1], "anchors": []},
        {"page": 1, "aspect": 1.4, "box": [0, 0, 1, 1e9], "anchors": []},
        {"page": 1, "aspect": 1.4, "box": [0, 0, 1, 1], "anchors": [["a", "b", 1]]},
        {"page": "1", "aspect": 1.4, "box": [0, 0, 1, 1], "anchors": []},
    ],
)
async def test_what_is_no_place_is_refused(db: Harness, place: dict[str, Any] | None) -> None:
    with pytest.raises(Exception, match="lessons_place_is_one"):
        await db.sql(
            "insert into alfrd.lessons (owner, kind, sender, field, found, value, place, tried_at)"
            " values ('', 'place', 'Acme', 'total_amount', '', 'here', %s, now())",
            None if place is None else json.dumps(place),
        )
