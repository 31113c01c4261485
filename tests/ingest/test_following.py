"""What becomes of a file after it was taken: it fails, it grows, it comes again."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from alfrd_events.db.documents import NewDocument, NewPart, resend, submit
from alfrd_events.db.operate import cancel, replay
from alfrd_events.model import Outcome
from testing.harness import Harness
from tests.ingest.half_files import pdf
from tests.ingest.watching import QUIET, Watched

LONG = 60 * QUIET


async def taken(db: Harness, inbox: Watched, name: str = "scan.pdf", content: bytes = b"") -> UUID:
    """The document of a file that was dropped and taken."""
    (inbox.directory / name).write_bytes(content or pdf())
    await inbox.after(db, LONG)
    return UUID(str(await db.one("select id from alfrd.documents order by created_at desc limit 1")))


async def fail(db: Harness, id: UUID) -> None:
    """Let a worker find that the document cannot be read."""
    task = await db.claim("ocr", subject=id)
    assert task is not None
    await db.hand_in(Outcome(task, "failed", error="it is damaged"))


async def row(db: Harness, id: UUID) -> tuple[str, bytes]:
    (found,) = await db.sql("select status, content from alfrd.documents where id = %s", id)
    return found["status"], found["content"]


async def test_a_file_whose_document_fails_moves_to_failed_with_reason_and_remedy(
    db: Harness, inbox: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    id = await taken(db, inbox)
    await fail(db, id)
    for _ in range(3):
        await inbox.after(db, QUIET)

    assert inbox.names("done") == set()
    assert inbox.names("failed") == {"scan.pdf", "scan.pdf.reason.txt"}
    reason = inbox.text("failed/scan.pdf.reason.txt")
    assert "it is damaged" in reason
    assert f"alfrd-events replay --failed --document {id}" in reason
    (told,) = [record for record in caplog.records if record.getMessage() == "failed"]
    assert told.facts["name"] == "scan.pdf"  # type: ignore[attr-defined]
    assert told.facts["retry"] == f"alfrd-events replay --failed --document {id}"  # type: ignore[attr-defined]


async def test_a_file_whose_document_is_replayed_is_done_again(db: Harness, inbox: Watched) -> None:
    id = await taken(db, inbox)
    await fail(db, id)
    await inbox.after(db, QUIET)
    await replay(db.database, failed=True, document=id)
    await inbox.after(db, QUIET)

    assert (inbox.names("done"), inbox.names("failed")) == ({"scan.pdf"}, set())


async def test_a_process_that_begins_finds_what_failed_meanwhile(db: Harness, inbox: Watched) -> None:
    id = await taken(db, inbox)
    inbox.restart()
    await fail(db, id)
    await inbox.after(db, QUIET)
    assert inbox.names("failed") == {"scan.pdf", "scan.pdf.reason.txt"}

    inbox.restart()
    await replay(db.database, failed=True, document=id)
    await inbox.after(db, QUIET)
    assert (inbox.names("done"), inbox.names("failed")) == ({"scan.pdf"}, set())


@pytest.mark.parametrize("failed", [False, True])
@pytest.mark.parametrize("written", [pdf()[:200], pdf()[:200] + bytes(len(pdf()) - 200), b"\0" * 100])
async def test_a_file_that_grows_after_it_was_taken_is_the_same_document_again(
    db: Harness, inbox: Watched, written: bytes, failed: bool
) -> None:
    with inbox.open("scan.pdf", "wb") as file:
        file.write(written)
        file.flush()
        await inbox.after(db, 200 * QUIET)
        id = UUID(str(await db.one("select id from alfrd.documents")))
        if failed:
            await fail(db, id)
            await inbox.after(db, QUIET)
        file.seek(0)
        file.write(pdf())
    await inbox.after(db, QUIET)

    assert await row(db, id) == ("pending", pdf())
    assert await db.one("select generation from alfrd.documents") > 1, "work on the old content is refused"
    assert await db.one("select count(*) from alfrd.documents") == 1
    assert (inbox.names("done"), inbox.names("failed")) == ({"scan.pdf"}, set())


async def test_a_change_that_would_lose_what_was_read_is_told_and_not_made(
    db: Harness, inbox: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    id = await taken(db, inbox)
    (inbox.directory / "done" / "scan.pdf").write_bytes(pdf("another"))
    await inbox.after(db, LONG)
    await inbox.after(db, LONG)

    assert await row(db, id) == ("pending", pdf())
    assert caplog.text.count("put it into the inbox again to have it read") == 1


async def test_a_failed_early_copy_and_the_whole_one_are_one_document(db: Harness, inbox: Watched) -> None:
    id = await taken(db, inbox, content=pdf()[:200])
    await fail(db, id)
    await inbox.after(db, QUIET)

    assert await taken(db, inbox, content=pdf()) == id

    assert await row(db, id) == ("pending", pdf())
    assert inbox.names("failed") == set()


async def test_another_file_of_the_same_name_is_another_document(db: Harness, inbox: Watched) -> None:
    id = await taken(db, inbox)
    await fail(db, id)
    await inbox.after(db, QUIET)

    assert await taken(db, inbox, content=pdf("another")) != id

    assert await row(db, id) == ("failed", pdf())


async def test_the_same_content_again_after_a_failure_is_tried_again(db: Harness, inbox: Watched) -> None:
    id = await taken(db, inbox)
    await fail(db, id)
    await taken(db, inbox, "again.pdf")

    assert await row(db, id) == ("pending", pdf())
    assert await db.tasks_of(id) == {"ocr": "ready"}
    assert await db.one("select count(*) from alfrd.documents") == 1
    assert inbox.names("done") == {"scan.pdf", "again.pdf"}


async def test_what_was_cancelled_stays_so_and_is_told(
    db: Harness, inbox: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    id = await taken(db, inbox)
    await cancel(db.database, id)
    await taken(db, inbox, "again.pdf")

    assert (await row(db, id))[0] == "cancelled"
    assert "known and cancelled; it stays so" in caplog.text


async def test_what_was_deleted_comes_again_as_a_new_document(db: Harness, inbox: Watched) -> None:
    id = await taken(db, inbox)
    await db.sql("delete from alfrd.documents where id = %s", id)

    assert await taken(db, inbox, "again.pdf") != id


async def test_a_folder_whose_document_fails_moves_as_a_whole(db: Harness, inbox: Watched) -> None:
    folder = inbox.directory / "letter"
    folder.mkdir()
    for name in ("1.pdf", "2.pdf"):
        (folder / name).write_bytes(pdf(name))
    (folder / "meta.json").write_text('{"documents": [{"file": "1.pdf"}, {"file": "2.pdf"}]}')
    await inbox.after(db, QUIET)
    await fail(db, UUID(str(await db.one("select id from alfrd.documents"))))
    await inbox.after(db, QUIET)

    assert inbox.names("failed") == {"letter", "letter.reason.txt"}


# --- alfrd.resend ---------------------------------------------------------------------------------


def a_document(content: bytes) -> NewDocument:
    return NewDocument("a.pdf", (NewPart("a.pdf", content),))


@pytest.mark.parametrize(
    ("status", "content", "copy", "became"),
    [
        ("pending", b"half and half", False, "resent"),
        ("completed", b"half and half", False, "resent"),
        ("completed", b"other", False, "other"),
        ("failed", b"other", False, "resent"),
        ("failed", b"other", True, "other"),
        ("failed", b"half and half", True, "resent"),
        ("completed", b"half and half", True, "other"),
        ("cancelled", b"half and half", False, "other"),
        ("pending", b"half", False, "unchanged"),
        ("pending", b"known", False, "known"),
    ],
)
async def test_content_is_replaced_only_where_none_is_lost(
    db: Harness, status: str, content: bytes, copy: bool, became: str
) -> None:
    await submit(db.database, a_document(b"known"))
    first = await submit(db.database, a_document(b"half"))
    await db.sql("select set_config('alfrd.actor', 'worker', false)")
    path = ["pending", "ocr_completed", "classified", "summarized", "filed", "completed"]
    for step in path[1:] if status == "completed" else [status]:
        await db.sql("update alfrd.documents set status = %s where id = %s", step, first.id)

    assert await resend(db.database, first.id, a_document(content), copy=copy) == became

    assert await row(db, first.id) == (("pending", content) if became == "resent" else (status, b"half"))


async def test_a_document_of_several_parts_has_no_content_to_replace(db: Harness, tmp_path: Path) -> None:
    parts = (NewPart("1.png", b"1"), NewPart("2.png", b"2"))
    first = await submit(db.database, NewDocument("letter", parts))

    assert await resend(db.database, first.id, a_document(b"other")) == "gone"


async def test_what_this_login_may_not_try_again_stops_no_watcher(
    db: Harness, inbox: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """As under row level security, or where a trigger of the user's raises: it ended the watcher, at each start."""
    id = await taken(db, inbox)
    await fail(db, id)
    await inbox.after(db, QUIET)
    await db.sql(
        "create or replace function alfrd.refuse_tenants(p_function text) returns void language plpgsql"
        " as $$ begin raise exception 'not for you' using errcode = 'AL008'; end $$"
    )

    await taken(db, inbox, "again.pdf")
    other = await taken(db, inbox, "scan.pdf", pdf() + b"\n%%EOF more")

    assert inbox.names("done") == {"scan.pdf"}
    assert "again.pdf" in inbox.names("failed")
    assert other != id
    assert f"alfrd-events replay --failed --document {id}" in str(
        [getattr(record, "facts", {}) for record in caplog.records]
    )
