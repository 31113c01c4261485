"""A file is taken when it is whole, whatever pauses its writer makes; real files, on a real database."""

from __future__ import annotations

import os
import sys

import pytest

from testing.harness import Harness
from tests.ingest.half_files import WHOLE, pdf
from tests.ingest.watching import QUIET, Watched


async def contents(db: Harness) -> list[bytes]:
    return [row["content"] for row in await db.sql("select content from alfrd.documents order by created_at")]


@pytest.mark.parametrize("rest", ["cut", "zeros"])
@pytest.mark.parametrize("name", WHOLE)
async def test_a_file_that_stalls_is_one_whole_document(
    db: Harness, inbox: Watched, name: str, rest: str
) -> None:
    whole = WHOLE[name]()
    half = len(whole) // 2
    path = inbox.directory / f"scan.{name}"
    path.write_bytes(whole[:half] + bytes(len(whole) - half if rest == "zeros" else 0))
    await inbox.after(db, 5 * QUIET)
    assert await contents(db) == []

    path.write_bytes(whole)
    await inbox.after(db, QUIET)

    assert await contents(db) == [whole]
    assert inbox.names("done") == {path.name}


async def test_a_file_in_three_rounds_of_open_write_close_is_one_document(
    db: Harness, inbox: Watched
) -> None:
    whole = pdf("rounds")
    third = len(whole) // 3 + 1
    for at in range(0, len(whole), third):
        with inbox.open("scan.pdf", "ab") as file:
            file.write(whole[at : at + third])
        await inbox.after(db, 4.0)

    assert await contents(db) == [whole]


async def test_text_has_no_end_and_is_waited_for_longer(db: Harness, inbox: Watched) -> None:
    with inbox.open("note.txt", "a") as file:
        file.write("INVOICE\n")
    await inbox.after(db, 6.0)
    with inbox.open("note.txt", "a") as file:
        file.write("Total due: EUR 10.00\n")
    await inbox.after(db, 6.0)
    assert await contents(db) == []

    await inbox.after(db, 3.0)

    assert await contents(db) == [b"INVOICE\nTotal due: EUR 10.00\n"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who writes")
async def test_a_file_that_is_open_for_writing_is_waited_for(db: Harness, inbox: Watched) -> None:
    whole = pdf("open")
    with inbox.open("scan.pdf", "ab") as file:
        file.write(whole)
        file.flush()
        await inbox.after(db, 30 * QUIET)
        assert await contents(db) == []
        with inbox.open("scan.pdf", "rb"):
            await inbox.after(db, QUIET)
    assert await contents(db) == []

    await inbox.after(db, 0)

    assert await contents(db) == [whole]


async def test_a_file_that_stays_open_is_taken_in_the_end(db: Harness, inbox: Watched) -> None:
    with inbox.open("scan.pdf", "ab") as file:
        file.write(pdf())
        file.flush()
        await inbox.after(db, 200 * QUIET)

    assert len(await contents(db)) == 1


async def test_a_writer_that_sets_an_old_time_after_each_piece_is_seen(db: Harness, inbox: Watched) -> None:
    """Size and time of change are the same each time, and a PDF that is updated has an end in its middle."""
    path, whole = inbox.directory / "scan.pdf", pdf("a") + pdf("b")
    path.write_bytes(whole.replace(b"b", b"a"))
    os.utime(path, (1.7e9, 1.7e9))
    await inbox.after(db, QUIET - 1)
    path.write_bytes(whole)
    os.utime(path, (1.7e9, 1.7e9))
    await inbox.after(db, QUIET - 1)
    assert await contents(db) == []

    await inbox.after(db, 1)

    assert await contents(db) == [whole]


async def test_a_file_that_stays_cut_is_taken_after_a_minute(
    db: Harness, inbox: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "alfrd_events")
    (inbox.directory / "scan.pdf").write_bytes(pdf()[:200])
    await inbox.after(db, 19 * QUIET)
    await inbox.after(db, 0)
    assert await contents(db) == []
    assert caplog.text.count("its end is missing; waiting for it") == 1

    await inbox.after(db, QUIET)

    assert await contents(db) == [pdf()[:200]]
    assert "taken although its end is missing" in caplog.text


async def test_a_folder_waits_for_the_end_of_each_of_its_files(db: Harness, inbox: Watched) -> None:
    folder = inbox.directory / "letter"
    folder.mkdir()
    (folder / "1.pdf").write_bytes(pdf("one"))
    (folder / "2.pdf").write_bytes(pdf("two")[:200])
    (folder / "meta.json").write_text('{"documents": [{"file": "1.pdf"}, {"file": "2.pdf"}]}')
    await inbox.after(db, 5 * QUIET)
    assert await contents(db) == []

    (folder / "2.pdf").write_bytes(pdf("two"))
    await inbox.after(db, QUIET)

    parts = await db.sql("select content from alfrd.document_parts order by number")
    assert [part["content"] for part in parts] == [pdf("one"), pdf("two")]
