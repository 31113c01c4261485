"""Row level security of the owner's making: one policy by owner, from insert to search, for two tenants."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.db import queries
from alfrd_events.db.database import Database
from alfrd_events.db.lessons import lessons
from alfrd_events.errors import NotFound
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from testing.server import Server
from tests.cli.program import BILL

SECURITY = Path(__file__).resolve().parents[2] / "docs" / "security.md"
TENANTS = ("stall", "kiosk")


def policies() -> str:
    """As the documentation gives them."""
    return "\n".join(re.findall(r"```sql\n(.*?)```", SECURITY.read_text(encoding="utf-8"), re.DOTALL))


@pytest.fixture
def tenants(server: Server, signed_in: dict[str, str]) -> tuple[str, str]:
    for login in TENANTS:
        if not server.sql(f"select 1 from pg_roles where rolname = '{login}'"):
            server.sql(f"create role {login} login in role alfrd_app")
    return TENANTS


async def test_two_tenants_see_their_own_from_insert_to_search(db: Harness, tenants: tuple[str, str]) -> None:
    async with await db.session() as owner:
        await owner.execute(policies())  # type: ignore[call-overload]
    ids: dict[str, Any] = {}
    for day, login in enumerate(tenants, 10):
        async with await _as(db, login) as connection:
            for _ in range(2):
                row = await (
                    await connection.execute(
                        "insert into alfrd.documents (filename, owner, content, tags) values (%s, %s, %s, '{home}')"
                        " returning id",
                        [f"{login}.txt", login, BILL.format(day=day).encode()],
                    )
                ).fetchone()
            assert row is not None
            ids[login] = row[0]
            await connection.execute(
                "insert into alfrd.files (owner, tags, title) values (%s, '{home}', %s)",
                [login, f"of {login}"],
            )

    mill = db.url.replace("postgres@", "mill@")
    async with Database(mill) as database:
        await run_worker(database, BUILT_IN, noop_tools(RulesAnalyst()), options(mill))
    assert await db.sql("select distinct status from alfrd.documents") == [{"status": "completed"}]

    for login, other in (tenants, tenants[::-1]):
        async with Database(db.url.replace("postgres@", f"{login}@")) as database:
            assert {row["filename"] for row in await queries.documents(database)} == {f"{login}.txt"}
            assert {row["filename"] for row in await queries.search(database, "kwh", 10)} == {f"{login}.txt"}
            assert {row["document_count"] for row in await queries.series(database)} == {2}
            assert f"of {login}" in {row["title"] for row in await queries.files(database)}
            assert f"of {other}" not in {row["title"] for row in await queries.files(database)}
            for view in ("document_progress",):
                name = sql.Identifier("alfrd", view)
                async with database.connection() as connection:
                    cursor = await connection.execute(
                        sql.SQL("select distinct filename from {}").format(name)
                    )
                    assert await cursor.fetchall() == [{"filename": f"{login}.txt"}]
            seen = await database.rows("select distinct document_id from alfrd.document_values")
            own = await database.rows("select id as document_id from alfrd.documents")
            assert {row["document_id"] for row in seen} == {row["document_id"] for row in own}
            with pytest.raises(NotFound):
                await queries.document(database, ids[other])
            with pytest.raises(NotFound):
                await database.value("select alfrd.explain(%s)", [ids[other]])
            assert (
                await database.execute(
                    "update alfrd.documents set entity = 'mine' where id = %s", [ids[other]]
                )
                == 0
            )
            for table in ("pages", "tags", "scores", "corrections", "document_parts"):
                name = sql.Identifier("alfrd", table)
                async with database.connection() as connection:
                    cursor = await connection.execute(
                        sql.SQL("select count(*) as n from {} where document_id = %s").format(name),
                        [ids[other]],
                    )
                    assert await cursor.fetchone() == {"n": 0}
            for call in (
                "correct(%s, '{\"total\": 1}')",
                "undo(%s)",
                "tag(%s, '{mine}')",
                "accept(%s)",
                "release_review(%s)",
            ):
                with pytest.raises(NotFound, match="no document"):
                    await database.value(f"select alfrd.{call}", [ids[other]])
            await database.value('select alfrd.correct(%s, \'{"type": "tax"}\')', [ids[login]])
            assert {row["owner"] for row in await lessons(database)} == {login}
            await database.value("select alfrd.undo(%s)", [ids[login]])
            assert await lessons(database) == []
            await database.value('select alfrd.correct(%s, \'{"type": "tax"}\')', [ids[login]])
            for statement in (
                "select alfrd.cancel(%s)",
                "select alfrd.replay(true, null, %s)",
                "select alfrd.resend(%s, 'x', 'key')",
                "select alfrd.delete_document(%s)",
            ):
                async with await _as(db, login) as connection:
                    with pytest.raises(psycopg.DatabaseError, match="row level security") as refusal:
                        await connection.execute(statement, [ids[other]])
                    assert refusal.value.sqlstate == "AL008"
            async with await _as(db, login) as connection:
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                    await connection.execute(
                        "insert into alfrd.documents (filename, owner) values ('a', %s)", [other]
                    )


async def test_every_view_of_ours_respects_the_rights_of_who_asks(db: Harness) -> None:
    rows = await db.sql(
        "select relname from pg_class where relkind = 'v' and relnamespace = 'alfrd'::regnamespace"
        "   and not coalesce(reloptions, '{}') @> '{security_invoker=true}'"
    )

    assert rows == []


async def _as(db: Harness, login: str) -> psycopg.AsyncConnection[tuple[object, ...]]:
    url = db.url.replace("postgres@", f"{login}@")
    return await psycopg.AsyncConnection.connect(url, autocommit=True)
