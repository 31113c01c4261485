"""``alfrd_events.client``: send in, wait, watch, search and correct, from asyncio and from threads."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from alfrd_events.client import AsyncClient, Change, Client
from alfrd_events.db.database import Database
from alfrd_events.errors import DatabaseUnavailable, NotFound, Refused
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from testing.server import Server
from tests.cli.program import Program, bill

EXAMPLES = re.findall(
    r"^```python\n(.*?)^```$", (Path(__file__).parents[2] / "docs/client.md").read_text(), re.M | re.S
)


@pytest.fixture
def url(server: Server, database: str, signed_in: dict[str, str]) -> str:
    """The database, as an application signs in to it."""
    return make_conninfo(server.url(database), user="shop")


@asynccontextmanager
async def working(url: str) -> AsyncIterator[None]:
    """A worker beside the test."""
    async with Database(url) as database:
        worker = asyncio.create_task(
            run_worker(database, BUILT_IN, noop_tools(), options(url, until_quiet=False))
        )
        try:
            yield
        finally:
            worker.cancel()
            await asyncio.wait([worker])


async def test_a_document_is_sent_in_waited_for_and_read(url: str, db: Harness) -> None:
    async with working(db.url), AsyncClient(url) as client:
        sent = await client.submit(b"two words", "acme-1.txt", tags=["Home"], metadata={"order": 4711})
        document = await client.wait(sent.id, timeout=60)
        assert (document.status, document.entity, document.total_amount) == (
            "completed",
            "acme",
            Decimal("1.00"),
        )
        assert document.document_date == date(2024, 1, 1)
        assert set(document.tags) >= {"home", "receipt"}
        assert document.metadata == {"order": 4711}
        assert document.series
        assert await client.document(sent.id) == document
        assert await client.text(sent.id) == "two words"


async def test_the_same_content_is_the_same_document(url: str) -> None:
    async with AsyncClient(url) as client:
        first = await client.submit(b"words", "a.txt")
        again = await client.submit(b"words", "b.txt", tags=["twice"])
        assert (first.is_new, again.is_new, again.id) == (True, False, first.id)
        assert (await client.document(first.id)).tags == ("twice",)


async def test_several_files_are_one_document_or_many(url: str, db: Harness, tmp_path: Path) -> None:
    async with AsyncClient(url) as client:
        folder = await client.submit([("1.txt", b"one"), ("2.txt", b"two")], "contract")
        parts = await db.sql(
            "select number, filename from alfrd.document_parts where document_id = %s order by number",
            folder.id,
        )
        assert [tuple(part.values()) for part in parts] == [(1, "1.txt"), (2, "2.txt")]

        paths = [tmp_path / f"{number}.txt" for number in range(30)]
        for path in paths:
            path.write_text(path.name)
        many = await client.submit_many(paths, tags=["pile"])
        names = [(await client.document(sent.id)).filename for sent in many]
        assert names == [path.name for path in paths]
        with pytest.raises(ExceptionGroup) as problem:
            await client.submit_many([tmp_path / "nowhere.txt"])
        assert problem.group_contains(FileNotFoundError)


async def test_watch_tells_each_status_until_all_have_ended(url: str, db: Harness) -> None:
    async with AsyncClient(url) as client:
        sent = await client.submit(b"words", "acme-1.txt")
        changes = client.watch([sent.id])
        assert await anext(changes) == Change(sent.id, "pending", "")
        async with working(db.url):
            told = [change async for change in changes]
    assert told[-1] == Change(sent.id, "completed", "")
    assert all(change.document == sent.id for change in told)


async def test_watch_without_ids_tells_of_all_documents(url: str, db: Harness) -> None:
    async with AsyncClient(url) as client, AsyncClient(url) as other:
        changes = client.watch()
        first = asyncio.ensure_future(anext(changes))
        sent: list[UUID] = []
        while not first.done():  # until the feed listens
            sent.append((await other.submit(str(uuid4()).encode(), "a.txt")).id)
            await asyncio.wait([first], timeout=0.1)
        assert (await first).document in sent
        assert (await first).status == "pending"
        await changes.aclose()


async def test_wait_ends_with_time_with_deletion_and_with_failure(url: str, db: Harness) -> None:
    async with AsyncClient(url) as client:
        sent = await client.submit(b"words", "a.txt")
        with pytest.raises(TimeoutError):
            await client.wait(sent.id, timeout=0.2)
        with pytest.raises(NotFound):
            await client.wait(uuid4(), timeout=10)
        waiting = asyncio.create_task(client.wait([sent.id], timeout=60))
        await db.sql("update alfrd.documents set status = 'cancelled' where id = %s", sent.id)
        assert [document.status for document in await waiting] == ["cancelled"]


async def test_wait_bears_that_its_connection_is_cut(url: str, db: Harness) -> None:
    async with AsyncClient(url) as client:
        sent = await client.submit(b"words", "acme-1.txt")
        changes = client.watch([sent.id])
        await anext(changes)
        rest = asyncio.ensure_future(anext(changes))
        cut = (
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where application_name = 'alfrd-events feed' and datname = current_database()"
        )
        assert await db.one(cut) == 1
        async with working(db.url):
            assert (await client.wait(sent.id, timeout=60)).status == "completed"
            assert (await rest).document == sent.id
        await changes.aclose()


async def test_a_database_that_is_away_is_said_at_once() -> None:
    with pytest.raises(DatabaseUnavailable):
        async with AsyncClient("postgresql://nobody@127.0.0.1:1/nothing"):
            pass
    with pytest.raises(DatabaseUnavailable), Client("postgresql://nobody@127.0.0.1:1/nothing"):
        pass


async def test_search_correct_undo_tag_and_delete(url: str, db: Harness) -> None:
    id = await db.given_document("completed")
    async with AsyncClient(url) as client:
        (hit,) = await client.search("hello")
        assert (hit.id, hit.page) == (id, 1)
        assert "⟦hello⟧" in hit.excerpt
        changed = await client.correct(id, total=Decimal("12.30"), due=date(2025, 5, 31), entity="Acme")
        assert {one.field: one.new_value for one in changed} == {
            "total_amount": 12.3,
            "due_date": "2025-05-31",
            "entity": "Acme",
        }
        assert (await client.document(id)).total_amount == Decimal("12.30")
        assert {one.field for one in await client.undo(id)} == {"total_amount", "due_date", "entity"}
        assert "tax" in await client.tag(id, add=["Tax"])
        with pytest.raises(Refused):
            await client.correct(id, total="plenty")
        await client.delete(id)
        with pytest.raises(NotFound):
            await client.document(id)


def test_the_blocking_client_does_the_same_from_several_threads(url: str) -> None:
    with Client(url) as client:
        ids: list[UUID] = []
        threads = [
            threading.Thread(target=lambda n=n: ids.append(client.submit(b"%d" % n, "a.txt").id))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(ids)) == 8
        changes = client.watch(ids)
        assert {next(changes).document for _ in ids} == set(ids)
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("update alfrd.documents set status = 'cancelled'")
        assert {change.status for change in changes} == {"cancelled"}
        with pytest.raises(TimeoutError):
            client.wait([client.submit(b"more", "b.txt").id], timeout=0.2)


async def test_the_blocking_client_works_where_a_loop_runs(url: str) -> None:
    with Client(url) as client:
        assert client.submit(b"words", "a.txt").is_new


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_run(
    server: Server, database: str, url: str, tmp_path: Path, example: str
) -> None:
    bill(tmp_path, name="bill.txt")
    program = Program(server.url(database))
    with program.started("run"):
        program.environment["ALFRD_DATABASE_URL"] = url
        done = subprocess.run(
            [sys.executable, "-c", example],
            cwd=tmp_path,
            env=program.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    assert "completed" in done.stdout
