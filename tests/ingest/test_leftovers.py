"""What systems leave beside documents is no document: not in the inbox, for ``add``, in buckets or in archives."""

from __future__ import annotations

import io
import os
import socket
import zipfile
from pathlib import Path

import pytest

from alfrd_events.clients.s3 import ObjectUri, StoredObject
from alfrd_events.filenames import is_leftover
from alfrd_events.ingest.files import LeftOut, expand
from alfrd_events.ingest.inbox import Inbox
from alfrd_events.ingest.submit import is_left_behind
from alfrd_events.reading.formats.archive import members
from alfrd_events.reading.formats.budget import Budget
from alfrd_events.reading.formats.opening import open_within
from alfrd_events.sandbox.limits import ReaderLimits
from testing.harness import Harness

LEFT = [
    *("Thumbs.db", "THUMBS.DB", "desktop.ini", "~$bill.docx", ".~lock.bill.odt#", "Icon\r", "Icon\uf00d"),
    *(".DS_Store", "._bill.pdf", "bill.pdf:Zone.Identifier", "bill.pdf\uf03aZone.Identifier", "portal.url"),
    *(
        "bill.lnk",
        "bill.webloc",
        "bill.pdf.part",
        "bill.pdf.crdownload",
        "scan.tmp",
        ".bill.txt.swp",
        "bill.txt~",
    ),
    *("bill.pdf.filepart", "#bill.txt#", ".dropbox.cache", "bill.txt@SynoEAStream", ".nfs0001"),
]
"""Files."""
LEFT_FOLDERS = [
    *(
        "@eaDir",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "__MACOSX",
        "#recycle",
        ".@__thumb",
    ),
    *(".Trash-1000", ".stfolder", ".sync", ".dropbox.dir", ".Spotlight-V100", "@Recycle", "bill.download"),
]
KEPT = [
    *(
        "bill.pdf",
        "Icon",
        "temp.pdf",
        "part 1.pdf",
        "url.txt",
        "thumbs.db.pdf",
        "invoice #12#.pdf",
        "~ 40 EUR.pdf",
    ),
    *("lost+found.pdf", "letter.~2024.pdf", "backup~2024.txt", "tmp", "sync.txt", "desktop.ini.txt"),
]


def fill(directory: Path) -> None:
    """One document of each kept name, and what systems leave."""
    directory.mkdir(exist_ok=True)
    for name in [*LEFT, *KEPT]:
        (directory / name).write_text(f"the text of {name}")
    for name in LEFT_FOLDERS:
        (directory / name / "deep").mkdir(parents=True)
        (directory / name / "deep" / "inside.txt").write_text(name)


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


@pytest.mark.parametrize("name", [*LEFT, *(f"{folder}/deep/inside.txt" for folder in LEFT_FOLDERS)])
def test_a_leftover_is_known_by_its_name_wherever_it_is(name: str) -> None:
    assert is_leftover(name)
    assert is_leftover(f"2024/{name}")


@pytest.mark.parametrize("name", KEPT)
def test_a_document_of_a_similar_name_is_none(name: str) -> None:
    assert not is_leftover(name)
    assert not is_leftover(f"2024/{name}")


async def test_the_inbox_leaves_them_where_they_are(
    db: Harness, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path)
    caplog.set_level("INFO", "alfrd_events")
    inbox = Inbox(
        db.database, tmp_path, max_bytes=1000, scan_seconds=0.01, quiet_seconds=0, patience_seconds=0
    )

    assert await inbox.watch(once=True) == 0

    rows = await db.sql("select filename from alfrd.documents")
    assert {row["filename"] for row in rows} == set(KEPT)
    assert names(tmp_path) == {*LEFT, *LEFT_FOLDERS, "done", "rejected"}
    assert names(tmp_path / "rejected") == set()
    told = [record.facts["name"] for record in caplog.records if record.getMessage() == "left alone"]  # type: ignore[attr-defined]
    assert "Thumbs.db" in told
    assert len(told) == len(set(told)), "once each, although it looked several times"


async def test_a_folder_with_nothing_else_in_it_is_left_alone_too(db: Harness, tmp_path: Path) -> None:
    (tmp_path / "scans" / "@eaDir").mkdir(parents=True)
    (tmp_path / "scans" / "Thumbs.db").write_text("x")
    (tmp_path / "scans" / "@eaDir" / "a.jpg").write_text("x")
    inbox = Inbox(
        db.database, tmp_path, max_bytes=1000, scan_seconds=0.01, quiet_seconds=0, patience_seconds=0
    )

    assert await inbox.watch(once=True) == 0

    assert (tmp_path / "scans").is_dir()


async def test_pipes_sockets_and_links_to_folders_are_left_alone(
    db: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "inbox"
    (tmp_path / "elsewhere").mkdir()
    directory.mkdir()
    os.mkfifo(directory / "pipe.pdf")
    (directory / "linked").symlink_to(tmp_path / "elsewhere")
    (directory / "bill.txt").write_text("a bill")
    listening = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(directory)  # the path of a socket has little room
    listening.bind("socket")
    inbox = Inbox(
        db.database, directory, max_bytes=99, scan_seconds=0.01, quiet_seconds=0, patience_seconds=0
    )

    assert await inbox.watch(once=True) == 0

    assert names(directory) == {"pipe.pdf", "linked", "socket", "done", "rejected"}
    assert [str(found) for found in expand([str(directory)]) if "done" not in str(found)] == []
    listening.close()


def test_add_leaves_them_out_and_says_which(tmp_path: Path) -> None:
    fill(tmp_path)

    found = list(expand([str(tmp_path)]))

    assert {entry.name for entry in found if isinstance(entry, Path)} == set(KEPT)
    left_out = [str(entry) for entry in found if isinstance(entry, LeftOut)]
    assert len(left_out) == len(found) - len(KEPT) == len(LEFT) + len(LEFT_FOLDERS)


def test_add_leaves_them_out_also_where_a_shell_named_them(tmp_path: Path) -> None:
    fill(tmp_path)

    found = list(expand([str(entry) for entry in tmp_path.iterdir()]))

    assert {entry.name for entry in found if isinstance(entry, Path)} == set(KEPT)


def test_a_bucket_knows_them_from_the_prefix_on_that_was_chosen() -> None:
    found = StoredObject(ObjectUri("bucket", "lost+found/in/@eaDir/a.jpg"), "etag", 1)

    assert is_left_behind(found, ObjectUri("bucket", "lost+found/in/"))
    assert not is_left_behind(
        StoredObject(ObjectUri("bucket", "lost+found/in/a.jpg"), "e", 1),
        ObjectUri("bucket", "lost+found/in/"),
    )
    assert is_left_behind(
        StoredObject(ObjectUri("bucket", "in/Thumbs.db"), "e", 1), ObjectUri("bucket", "in/Th")
    )


def test_an_archive_knows_them_too() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in [*LEFT, *(f"{folder}/inside.txt" for folder in LEFT_FOLDERS), *KEPT]:
            archive.writestr(name, name)

    found = members(out.getvalue(), "papers.zip", Budget("papers.zip", ReaderLimits(), open_within))

    assert {member.name for member in found} == set(KEPT)
