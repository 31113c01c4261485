"""The index is made beside the exchange: nothing is missed, nothing waits, and policies hold."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from alfrd_events.db.database import Database
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import RESULTS, Harness
from testing.noop import noop_tools, options
from tests.engine.searching import found, given_page, index, rows

UNINDEXED = (
    "select (select count(*) from alfrd.pages where language is null)"
    " + (select count(*) from alfrd.renamed_documents)"
)


async def test_a_worker_indexes_what_it_has_read_before_it_ends(db: Harness) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content) values ('a.txt', 'the houses of your town')"
    )

    await run_worker(db.database, BUILT_IN, noop_tools(), options(db.url))

    assert await db.one(UNINDEXED) == 0
    assert await db.one("select language from alfrd.pages") == "english"
    assert await found(db, "house") == {"a"}


async def test_a_worker_that_goes_on_indexes_what_others_have_left(db: Harness) -> None:
    await given_page(db, "left", "the houses of your town")
    async with Database(db.url) as database:
        worker = asyncio.create_task(
            run_worker(database, BUILT_IN, noop_tools(), options(db.url, until_quiet=False))
        )
        try:
            async with asyncio.timeout(20):
                while await db.one(UNINDEXED):
                    await asyncio.sleep(0.05)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


async def test_the_exchange_puts_nothing_into_the_index(db: Harness) -> None:
    await db.given_document("completed")

    assert await db.sql("select language from alfrd.pages") == [{"language": None}]
    assert await db.one("select count(*) from alfrd.document_words") == 0
    assert await db.one("select pg_relation_size('alfrd.words')") == 0


async def test_a_page_that_is_read_again_is_indexed_again(db: Harness) -> None:
    document = await db.given_document("ocr_completed")
    await index(db)
    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)
    task = await db.claim("ocr", subject=document)
    assert task is not None
    (page,) = RESULTS["ocr"]["pages"]  # type: ignore[misc]

    await db.complete(task, pages=[{**page, "text": "a castle"}])  # type: ignore[dict-item]

    assert len(await rows(db, "castle")) == 1
    await index(db)
    assert len(await rows(db, "castle")) == 1
    assert await rows(db, "hello") == []


async def test_indexers_at_once_do_each_page_once_and_none_is_missed(db: Harness) -> None:
    for number in range(120):
        await given_page(db, f"p{number}", f"the number {number} of your houses")

    async def work() -> int:
        done = 0
        async with Database(db.url) as database:
            while number := await database.value("select alfrd.index_pages(7)"):
                done += number
        return done

    await asyncio.gather(*(work() for _ in range(4)))
    await index(db)

    assert await db.one(UNINDEXED) == 0
    assert await db.one("select count(*) from alfrd.document_words") == 120
    assert len(await found(db, "house", limit=1000)) == 120


async def test_a_locked_page_holds_up_neither_the_index_nor_the_exchange(db: Harness) -> None:
    await given_page(db, "held", "the house of a page that is being written")
    await given_page(db, "free", "the house of another page")
    async with await db.session() as other, other.transaction():
        await other.execute("select from alfrd.pages where text like '%%being written' for update")
        await db.sql("set statement_timeout = '10s'")
        await index(db)
        assert await db.one("select count(*) from alfrd.pages where language is null") == 1
        assert await found(db, "house") == {"held", "free"}
    await index(db)
    assert await db.one(UNINDEXED) == 0


async def test_what_is_deleted_is_found_no_more(db: Harness) -> None:
    await given_page(db, "gone", "the house", entity="Acme")
    await index(db)
    await db.sql("delete from alfrd.documents")

    assert await rows(db, "house") == []
    assert await rows(db, "acme") == []
    assert await db.one("select count(*) from alfrd.document_words") == 0


async def test_words_that_no_page_has_any_more_are_forgotten(db: Harness) -> None:
    await given_page(db, "gone", "the secretive houses of Ann")
    await given_page(db, "kept", "les maisons payées et électriques de la ville")
    await index(db)
    await db.sql("delete from alfrd.documents where filename = 'gone.pdf'")

    await db.sql("select alfrd.prune(interval '1 day')")

    assert await db.one("select array_agg(word order by word) from alfrd.words") == [
        *("electriques", "maisons", "payees", "ville"),
    ]


async def test_a_page_of_any_text_can_be_indexed(db: Harness) -> None:
    for name, text in {
        "empty": "",
        "long": "house " + "".join(f"w{number} " for number in range(60_000)),
        "accents": "house " + "".join(f"éà{number:x}ü " for number in range(60_000)),
        "one word": "house " + "x" * 100_000,
        "one accented word": "house " + "é" * 100_000,
        "ideographs": "house " + "".join(chr(0x4E00 + number % 20_000) for number in range(100_000)),
        "ligatures": "house " + "\ufdfa " * 100_000,
        "marks": "house " + "e\u0301\u0302\u0303" * 30_000,
        "signs": "house ' \\ '' \\\\ : & | ! ( ) <-> $$ :* 1,2.3,4'5 ..,, -- 1.2.3.4.5",
    }.items():
        await given_page(db, name, text)

    await index(db)

    assert await db.one(UNINDEXED) == 0
    assert len(await found(db, "house ")) == 8


@pytest.mark.parametrize("role", ["shop", "wall", "mill"])
async def test_each_role_may_search_and_none_reads_the_words_of_all(
    db: Harness, signed_in: dict[str, str], role: str
) -> None:
    await given_page(db, "power", "the electricity of your house")
    await index(db)
    url = db.url.replace("postgres@", f"{role}@")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for words in ("house", "electrcity", "elect", "power.pdf"):
            cursor = await connection.execute("select count(*) from alfrd.search(%s)", [words])
            assert await cursor.fetchone() == (1,), words
        for table in ("words", "document_words"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(f"select from alfrd.{table}")  # type: ignore[call-overload]
        if role != "mill":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute("select alfrd.index_pages()")


async def test_under_policies_a_search_tells_nothing_of_others(
    db: Harness, signed_in: dict[str, str]
) -> None:
    await given_page(db, "mine", "the house of Ann", owner="shop")
    await given_page(db, "theirs", "the house of Bob, and his electricity", owner="kiosk", entity="Secretive")
    await index(db)
    await db.sql("alter table alfrd.documents enable row level security")
    await db.sql("alter table alfrd.pages enable row level security")
    await db.sql("create policy own on alfrd.documents to alfrd_app using (owner = current_user)")
    await db.sql(
        "create policy own on alfrd.pages to alfrd_app using (document_id in (select id from alfrd.documents))"
    )
    url = db.url.replace("postgres@", "shop@")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for words, number in {
            "houses": 1,
            "electricity": 0,
            "electrcity": 0,
            "secretive": 0,
            "mine": 1,
        }.items():
            cursor = await connection.execute("select count(*) from alfrd.search(%s)", [words])
            assert await cursor.fetchone() == (number,), words
        for call in ("words_like('electrcity', false)", "words_like('elec', true)"):
            cursor = await connection.execute(f"select alfrd.{call}")  # type: ignore[call-overload]
            assert await cursor.fetchone() == ([],)
        cursor = await connection.execute("select alfrd.documents_called('secretive')")
        assert await cursor.fetchall() == []
