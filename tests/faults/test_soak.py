"""A minute of the soak; ``make soak`` runs ten, with more workers and many more documents."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from testing.server import CONFIGURATION
from tests.faults.soak import Plan, soak
from tests.faults.soak_checks import LOST, explanations, offenders
from tests.faults.soak_faults import FAULTS


async def test_a_minute_of_random_faults_loses_no_document_and_does_nothing_twice(tmp_path: Path) -> None:
    plan = Plan(
        documents=600,
        seconds=55,
        workers=3,
        pause=(1.5, 2.3),
        deadly=1,
        end_within=120,
        configuration=CONFIGURATION,
    )

    report = await soak(plan, tmp_path)

    assert report.ok, f"{report}\n\nlost: {report.lost}\n\nduplicated: {report.duplicated}"
    assert set(report.faults) == set(FAULTS)


async def test_a_report_says_where_the_documents_are_that_it_misses(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row) as session:
        cursor = await session.execute(
            "insert into alfrd.documents (filename) values ('left.txt') returning id"
        )
        (row,) = await cursor.fetchall()
        found = await offenders(session, LOST, {"known": [row["id"]], "cancelled": [], "crashes": 0})

        says = await explanations(session, found.values())

    assert "not at an end" in found
    assert list(says) == [str(row["id"])]
    assert says[str(row["id"])].startswith("Document left.txt has been pending since")
