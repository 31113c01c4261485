"""What an application writes is refused where it makes no sense, by a check whose name says why."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import CheckViolation

from alfrd_events.db.database import Database
from alfrd_events.db.documents import NewDocument, NewPart, submit
from alfrd_events.errors import Refused
from testing.harness import Harness

YEARS = ("infinity", "-infinity", "0044-03-15 BC", "10000-01-01")
NONSENSE = {
    **dict.fromkeys(("document_date", "due_date", "period_start", "period_end"), YEARS),
    "total_amount": ("NaN", "Infinity", "-Infinity", "1e130", "-1e15", "1e-40"),
    "filename": ("x" * 100_001,),
    "entity": ("x" * 10_001, "é" * 5_001),
    "currency": ("x" * 201,),
    "account_number": ("x" * 2_001,),
    "summary": ("x" * 1_000_001,),
}
SENSE = {
    **dict.fromkeys(("document_date", "due_date", "period_start"), ("0001-01-01", "9999-12-31", None)),
    "total_amount": ("0", "-999999999999999.99", "0.000001", None),
    "filename": ("", "x" * 4096, "\x1b[2J\n"),
    "entity": ("", "x" * 10_000),
}


@pytest.mark.parametrize(
    ("column", "value"), [(name, value) for name, values in NONSENSE.items() for value in values]
)
async def test_what_makes_no_sense_is_refused_by_name(
    db: Harness, signed_in: dict[str, str], column: str, value: str
) -> None:
    document = await db.given_document("completed")
    change = sql.SQL("update alfrd.documents set {} = %s where id = %s").format(sql.Identifier(column))

    async with await psycopg.AsyncConnection.connect(db.url.replace("postgres@", "shop@")) as shop:
        with pytest.raises(CheckViolation) as refused:
            await shop.execute(change, [value, document])

    assert (refused.value.diag.constraint_name or "").startswith(f"documents_{column}_is_")
    assert await db.status_of(document) == "completed"


@pytest.mark.parametrize("column", SENSE)
async def test_what_a_document_may_say_is_taken(db: Harness, column: str) -> None:
    document = await db.given_document("completed")

    for value in SENSE[column]:
        change = sql.SQL("update alfrd.documents set {} = %s where id = %s").format(sql.Identifier(column))
        async with db.database.connection() as connection:
            assert (await connection.execute(change, [value, document])).rowcount == 1


@pytest.mark.parametrize("tags", ["{NULL}", "{{a,b},{c,d}}", "[5:6]={a,b}"])
async def test_tags_become_a_plain_list_and_are_one_past_the_triggers_too(db: Harness, tags: str) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content, tags) values ('a.txt', 'x', %s::text[])", tags
    )
    assert await db.one(
        "select array_position(tags, null) is null and coalesce(array_lower(tags, 1), 1) = 1"
        "  and coalesce(array_ndims(tags), 1) = 1 from alfrd.documents"
    )

    async with await db.session() as connection:
        await connection.execute("set session_replication_role = replica")
        with pytest.raises(CheckViolation, match="documents_tags_are_a_plain_list"):
            await connection.execute("update alfrd.documents set tags = %s::text[]", [tags])


async def test_a_refusal_says_what_is_too_long(db: Harness) -> None:
    async with Database(db.url) as database:
        with pytest.raises(Refused, match=r"documents_filename_is_short.*at most 100,000 bytes"):
            await submit(database, NewDocument("x" * 200_000, (NewPart("a.txt", b"x"),)))
