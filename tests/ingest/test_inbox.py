"""The inbox: what becomes a document, what is rejected, what is left alone; on a real database."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from alfrd_events.errors import Refused
from alfrd_events.ingest.inbox import Inbox
from testing.harness import Harness


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    return inbox


def an_inbox(
    db: Harness,
    directory: Path,
    *,
    quiet_seconds: float = 0,
    patience_seconds: float = 0,
    max_bytes: int = 1000,
) -> Inbox:
    return Inbox(
        db.database,
        directory,
        max_bytes=max_bytes,
        tags=("inbox",),
        scan_seconds=0.01,
        quiet_seconds=quiet_seconds,
        patience_seconds=patience_seconds,
    )


def a_folder(directory: Path, name: str, meta: dict[str, Any], **files: str) -> Path:
    folder = directory / name
    folder.mkdir()
    for file, text in files.items():
        (folder / file.replace("_", ".")).write_text(text)
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


async def test_a_folder_becomes_one_document_with_its_parts_in_order(db: Harness, directory: Path) -> None:
    id = str(uuid4())
    pages = [{"file": "p2.txt", "order": 2}, {"file": "p1.txt", "order": 1}]
    meta = {"id": id, "documents": pages, "metadata": {"tags": ["Home"]}}
    a_folder(directory, "letter", meta, p1_txt="one", p2_txt="two")

    assert await an_inbox(db, directory).watch(once=True) == 0

    (document,) = await db.sql("select id, filename, content, tags, status from alfrd.documents")
    assert document == {
        "id": UUID(id),
        "filename": "letter",
        "content": None,
        "tags": ["home", "inbox"],
        "status": "pending",
    }
    parts = await db.sql("select number, filename, content from alfrd.document_parts order by number")
    assert [(part["number"], part["filename"], part["content"]) for part in parts] == [
        (1, "p1.txt", b"one"),
        (2, "p2.txt", b"two"),
    ]
    assert await db.tasks_of(UUID(id)) == {"ocr": "ready"}
    assert names(directory) == {"done", "rejected"}
    assert names(directory / "done") == {"letter"}


async def test_a_single_file_is_a_document_too(db: Harness, directory: Path) -> None:
    (directory / "bill.txt").write_text("a bill")

    await an_inbox(db, directory).watch(once=True)

    assert await db.one("select content from alfrd.documents where filename = 'bill.txt'") == b"a bill"
    assert names(directory / "done") == {"bill.txt"}


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ({"id": "not-a-uuid", "documents": [{"file": "a.txt"}]}, "'not-a-uuid' is not a UUID"),
        ({"documents": [{"file": "../outside.txt"}]}, "leaves the folder"),
        ({"documents": [{"file": "gone.txt"}]}, "gone.txt: no such file"),
        ({"documents": [{"file": "a.txt"}], "metadata": {"note": "a\0b"}}, "PostgreSQL refused"),
    ],
)
async def test_a_wrong_folder_is_rejected_with_the_reason_beside_it(
    db: Harness, directory: Path, meta: dict[str, Any], reason: str
) -> None:
    a_folder(directory, "wrong", meta, a_txt="a")
    (directory / "good.txt").write_text("good")

    assert await an_inbox(db, directory).watch(once=True) == 1

    assert names(directory / "rejected") == {"wrong", "wrong.reason.txt"}
    assert reason in (directory / "rejected" / "wrong.reason.txt").read_text()
    assert names(directory / "done") == {"good.txt"}
    assert await db.one("select count(*) from alfrd.documents") == 1


async def test_too_large_a_file_and_a_link_are_rejected(db: Harness, directory: Path, tmp_path: Path) -> None:
    (directory / "large.txt").write_text("x" * 1001)
    (tmp_path / "secret.txt").write_text("secret")
    (directory / "link.txt").symlink_to(tmp_path / "secret.txt")

    assert await an_inbox(db, directory).watch(once=True) == 2

    assert "too large" in (directory / "rejected" / "large.txt.reason.txt").read_text()
    assert "is a link" in (directory / "rejected" / "link.txt.reason.txt").read_text()
    assert await db.one("select count(*) from alfrd.documents") == 0
    assert (tmp_path / "secret.txt").exists()


async def test_what_is_still_being_written_is_left_alone(db: Harness, directory: Path) -> None:
    inbox = an_inbox(db, directory)
    growing = directory / "scan.txt"
    (directory / "upload.pdf.part").write_text("half")
    (directory / ".hidden").write_text("no")
    for made in ("empty-folder", "done", "rejected"):
        (directory / made).mkdir()
    for size in range(1, 6):
        growing.write_text("x" * size)
        await inbox.scan()
        assert growing.exists()
    await inbox.scan()

    assert await db.one("select content from alfrd.documents") == b"xxxxx"
    assert names(directory) == {"done", "rejected", "upload.pdf.part", ".hidden", "empty-folder"}


async def test_a_page_that_comes_late_is_waited_for(db: Harness, directory: Path) -> None:
    folder = a_folder(directory, "slow", {"documents": [{"file": "late.txt"}]})
    inbox = an_inbox(db, directory, patience_seconds=60)
    watching = asyncio.create_task(inbox.watch(once=True))
    await asyncio.sleep(0.2)
    assert folder.exists()

    (folder / "late.txt").write_text("here")

    assert await asyncio.wait_for(watching, 10) == 0
    assert names(directory / "done") == {"slow"}


async def test_a_crash_between_insert_and_move_makes_no_second_document(
    db: Harness, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = {"id": str(uuid4()), "documents": [{"file": "a.txt"}, {"file": "b.txt"}]}
    a_folder(directory, "letter", meta, a_txt="a", b_txt="b")
    with monkeypatch.context() as crash:
        crash.setattr(Inbox, "_move", _crash)
        with pytest.raises(KeyboardInterrupt):
            await an_inbox(db, directory).watch(once=True)
    assert await db.one("select count(*) from alfrd.documents") == 1
    assert (directory / "letter").exists()

    assert await an_inbox(db, directory).watch(once=True) == 0

    assert await db.one("select count(*) from alfrd.documents") == 1
    assert await db.one("select count(*) from alfrd.document_parts") == 2
    assert names(directory / "done") == {"letter"}


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


async def test_the_same_again_is_done_and_not_a_second_document(db: Harness, directory: Path) -> None:
    id = str(uuid4())
    for name in ("first", "second"):
        a_folder(directory, name, {"id": id, "documents": [{"file": "a.txt"}]}, a_txt="same")
        await an_inbox(db, directory).watch(once=True)
    (directory / "alone.txt").write_text("same")
    await an_inbox(db, directory).watch(once=True)

    assert await db.one("select count(*) from alfrd.documents") == 1
    assert names(directory / "done") == {"first", "second", "alone.txt"}


async def test_an_id_that_is_taken_by_other_content_is_rejected(db: Harness, directory: Path) -> None:
    id = str(uuid4())
    for name, text in (("first", "one"), ("second", "another")):
        a_folder(directory, name, {"id": id, "documents": [{"file": "a.txt"}]}, a_txt=text)
        await an_inbox(db, directory).watch(once=True)

    assert await db.one("select content from alfrd.documents") == b"one"
    assert "exists already, with other content" in (directory / "rejected" / "second.reason.txt").read_text()


async def test_names_that_are_taken_in_done_do_not_clash(db: Harness, directory: Path) -> None:
    for text in ("one", "two", "three"):
        (directory / "scan.txt").write_text(text)
        await an_inbox(db, directory).watch(once=True)

    assert names(directory / "done") == {"scan.txt", "scan-2.txt", "scan-3.txt"}
    assert await db.one("select count(*) from alfrd.documents") == 3


async def test_while_the_database_is_away_the_inbox_waits(db: Harness, directory: Path) -> None:
    (directory / "bill.txt").write_text("a bill")
    inbox = an_inbox(db, directory)
    await db.database.close()
    watching = asyncio.create_task(inbox.watch(once=True))
    await asyncio.sleep(0.3)
    assert not watching.done()
    assert (directory / "bill.txt").exists()
    watching.cancel()


async def test_a_file_cannot_be_an_inbox(db: Harness, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Refused, match="cannot be used as an inbox"):
        await an_inbox(db, tmp_path / "file").watch(once=True)


@pytest.mark.parametrize("name", ["x" * 250, "ü" * 122 + ".pdf"])
async def test_a_name_with_no_room_for_its_reason_is_rejected_all_the_same(
    db: Harness, directory: Path, name: str
) -> None:
    for _ in range(2):
        (directory / name).symlink_to(__file__)
        await an_inbox(db, directory).watch(once=True)

    rejected = names(directory / "rejected")
    assert len([entry for entry in rejected if ".reason" in entry]) == 2
    assert len(rejected) == 4


async def test_a_writer_that_pauses_is_waited_for(db: Harness, directory: Path) -> None:
    inbox = an_inbox(db, directory, quiet_seconds=60)
    (directory / "scan.txt").write_text("half")

    assert [await inbox.scan() for _ in range(3)] == [1, 1, 1]

    assert await db.one("select count(*) from alfrd.documents") == 0


async def test_what_is_written_to_while_it_is_read_is_left_alone(
    db: Harness, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = directory / "scan.txt"
    scan.write_text("half")
    inbox = an_inbox(db, directory)
    load = inbox._load

    def load_and_write(path: Path) -> Any:
        document = load(path)
        scan.write_text("half and half")
        return document

    await inbox.scan()
    with monkeypatch.context() as writing:
        writing.setattr(inbox, "_load", load_and_write)
        assert await inbox.scan() == 1
    assert await db.one("select count(*) from alfrd.documents") == 0

    await inbox.watch(once=True)
    assert await db.one("select content from alfrd.documents") == b"half and half"


async def test_a_directory_that_goes_away_is_waited_for(
    db: Harness, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = an_inbox(db, directory)
    os.rename(directory, directory.with_name("away"))
    assert [await inbox.scan(), await inbox.scan()] == [1, 1]
    assert caplog.text.count("the inbox is away; waiting for it") == 1

    os.rename(directory.with_name("away"), directory)
    (directory / "bill.txt").write_text("a bill")
    await inbox.watch(once=True)

    assert names(directory / "done") == {"bill.txt"}
