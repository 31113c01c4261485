"""``alfrd.submit`` and the wait for documents, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from alfrd_events.db.documents import NewDocument, NewPart, submit
from alfrd_events.db.feed import StatusFeed
from alfrd_events.ingest.files import NotSubmitted, expand, single
from alfrd_events.ingest.waiting import wait_for
from testing.harness import Harness


def a_document(text: str = "hello", **changes: object) -> NewDocument:
    return NewDocument(**{"filename": "a.txt", "parts": (NewPart("a.txt", text.encode()),), **changes})  # type: ignore[arg-type]


async def test_ten_at_once_make_one_document(db: Harness, database_url: str) -> None:
    from alfrd_events.db.database import Database

    async with Database(database_url, max_size=10) as database:
        submitted = await asyncio.gather(*(submit(database, a_document()) for _ in range(10)))

    assert sum(one.is_new for one in submitted) == 1
    assert len({one.id for one in submitted}) == 1
    assert await db.one("select count(*) from alfrd.tasks") == 1


async def test_a_known_document_takes_the_tags_it_lacks(db: Harness) -> None:
    first = await submit(db.database, a_document(tags=("Home",)))
    again = await submit(db.database, a_document(tags=("home", "2024")))

    assert (again.id, again.is_new, again.status) == (first.id, False, "pending")
    assert await db.one("select tags from alfrd.documents") == ["2024", "home"]
    assert await db.one("select generation from alfrd.documents") == 1, "tags do not start it over"


async def test_an_id_of_other_content_is_told_and_nothing_is_written(db: Harness) -> None:
    id = uuid4()
    await submit(db.database, a_document(id=id))

    taken = await submit(db.database, a_document("other", id=id, tags=("home",)))

    assert (taken.id, taken.is_new, taken.same_content) == (id, False, False)
    assert await db.one("select tags from alfrd.documents") == []


async def test_parts_and_document_come_together(db: Harness) -> None:
    parts = (NewPart("1.png", b"\x00\xff"), NewPart("2.png", b""))
    submitted = await submit(db.database, a_document(parts=parts))

    rows = await db.sql("select number, filename, content from alfrd.document_parts order by number")
    assert [tuple(row.values()) for row in rows] == [(1, "1.png", b"\x00\xff"), (2, "2.png", b"")]
    assert await db.one("select content is null from alfrd.documents where id = %s", submitted.id)


async def test_waiting_is_woken_by_the_feed(db: Harness, database_url: str) -> None:
    good, bad = await db.given_document("filed"), await db.given_document("summarized")
    gone = await db.given_document("filed")
    async with StatusFeed(database_url) as feed:
        waiting = asyncio.create_task(_ends(db, feed, [good, bad, gone]))
        await asyncio.sleep(0.2)
        await db.sql("delete from alfrd.documents where id = %s", gone)
        await db.sql("update alfrd.documents set status = 'failed', error = 'why' where id = %s", bad)
        task = await db.claim("extract", subject=good)
        assert task is not None
        await db.complete(task)
        ends = await asyncio.wait_for(waiting, 12)  # before it would look by itself

    assert ends == {good: ("completed", ""), bad: ("failed", "why"), gone: ("deleted", "it was deleted")}


async def _ends(db: Harness, feed: StatusFeed, ids: list[UUID]) -> dict[UUID, tuple[str, str]]:
    return {id: (status, error) async for id, status, error in wait_for(db.database, feed, ids)}


def test_a_name_that_is_no_utf_8_is_taken_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    path.write_text("text")

    assert single(path, 100).filename == "caf\ufffd.txt"


def test_what_names_nothing_comes_as_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = list(expand([str(tmp_path / "empty"), str(tmp_path / "*.pdf"), str(tmp_path / "no.pdf")]))

    assert all(isinstance(entry, NotSubmitted) for entry in found)
    assert [str(entry).rpartition(": ")[2] for entry in found] == [
        "the folder holds no files",
        "nothing fits this pattern",
        "no such file",
    ]


def test_a_file_that_is_named_twice_comes_once(tmp_path: Path) -> None:
    (tmp_path / "a[1].txt").write_text("text")

    found = list(expand([str(tmp_path), str(tmp_path / "a[1].txt"), str(tmp_path / "*.txt")]))

    assert found == [tmp_path / "a[1].txt"]


def test_an_empty_path_is_not_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "private.txt").touch()
    monkeypatch.chdir(tmp_path)

    assert [str(entry) for entry in expand(["", " "])] == ["an empty path names no file"] * 2


def test_a_folder_that_may_not_be_read_does_not_stop_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "open.txt").touch()
    look = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    locked, file = expand([str(tmp_path)])

    assert "locked: cannot be looked into (Permission denied)" in str(locked)
    assert file == tmp_path / "open.txt"
