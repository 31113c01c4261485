"""``add`` and ``watch``, as a user calls them."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.cli.program import Program, bill, plain

_WAITS = "select 1 from pg_locks where not granted and relation = 'alfrd.documents'::regclass"


def test_the_same_content_twice_is_one_document(program: Program, tmp_path: Path) -> None:
    first = program("add", bill(tmp_path)).stdout.split()
    again = program("add", bill(tmp_path, name="other-name.txt")).stdout

    assert first[0] == "added"
    assert f"already known: {first[1]}, pending" in again
    assert len(program.json("documents")) == 1


def test_what_cannot_be_added_does_not_stop_the_rest(database_url: str, tmp_path: Path) -> None:
    program = Program(database_url, ALFRD_MAX_FILE_BYTES="1000")
    large = tmp_path / "large.txt"
    large.write_bytes(b"x" * 1001)

    done = program("add", tmp_path / "missing.pdf", large, bill(tmp_path), exit_code=1)

    assert "missing.pdf: no such file" in done.stderr
    assert "large.txt: 1,001 bytes is too large; the limit is 1,000 (ALFRD_MAX_FILE_BYTES)" in done.stderr
    assert [row["filename"] for row in program.json("documents")] == ["bill-10.txt"]


def test_folders_and_patterns_are_searched(program: Program, tmp_path: Path) -> None:
    deep = tmp_path / "scans" / "2024"
    deep.mkdir(parents=True)
    bill(deep, 11)
    bill(tmp_path / "scans", 12)
    (tmp_path / "scans" / ".hidden.txt").write_text("no")
    (tmp_path / "scans" / "link.txt").symlink_to(deep / "bill-11.txt")

    program("add", tmp_path / "scans", tmp_path / "scans" / "*.txt", "--tags", "Home, 2024")

    rows = program.json("documents", "--tag", "home")
    assert sorted(row["filename"] for row in rows) == ["bill-11.txt", "bill-12.txt"]
    assert program("add", tmp_path / "none*.pdf", exit_code=1).stderr.count("nothing fits this pattern") == 1


def test_a_folder_with_meta_json_is_one_document(program: Program, tmp_path: Path) -> None:
    folder, id = tmp_path / "letter", str(uuid4())
    folder.mkdir()
    (folder / "b.txt").write_text("second page")
    (folder / "a.txt").write_text("first page")
    meta = {"id": id, "documents": [{"file": "b.txt", "order": 2}, {"file": "a.txt", "order": 1}]}
    (folder / "meta.json").write_text(json.dumps({**meta, "metadata": {"source": "mail", "tags": ["Home"]}}))

    program("add", tmp_path)
    program("run", "--once")

    shown = program.json("show", id)
    assert [part["filename"] for part in shown["parts"]] == ["a.txt", "b.txt"]
    assert [page["text"] for page in shown["pages"]] == ["first page", "second page"]
    assert shown["metadata"] == {"source": "mail"}
    assert {"tag": "home", "source": "user"} in shown["tags"]


def test_waiting_ends_with_the_documents_and_tells_of_failures(program: Program, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pdf"
    empty.touch()
    with program.started("run"):
        good = program("add", "--wait", bill(tmp_path))
        bad = program("add", "--wait", empty, exit_code=1)

    assert "completed" in good.stdout
    assert f"error: {empty}: failed: the file is empty" in bad.stderr


def test_waiting_for_several_closes_with_a_count(program: Program, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    bill(tmp_path)
    with program.started("run"):
        first = program("add", "--wait", tmp_path, exit_code=1)
    again = program("add", "--wait", tmp_path, exit_code=1)

    for done in (first, again):
        assert done.stderr.endswith("2 documents: 1 completed, 1 failed; alfrd-events documents lists them\n")
    assert again.stderr.count("the file is empty") == 1


def test_who_stops_waiting_hears_that_the_work_goes_on(program: Program, tmp_path: Path) -> None:
    with program.started("add", "--wait", bill(tmp_path)) as waiting:
        assert waiting.stderr
        assert "no worker is running" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        said = waiting.stderr.read()
        assert waiting.wait(60) == 130

    assert said == "not waiting for 1 document any more; the work goes on: alfrd-events status\n"
    program("run", "--once")
    assert [row["status"] for row in program.json("documents")] == ["completed"]


def test_a_watched_inbox_takes_what_falls_into_it(program: Program, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    with program.started("watch", inbox) as watching:
        deadline = time.monotonic() + 20
        while not (inbox / "done").is_dir() and time.monotonic() < deadline:
            time.sleep(0.05)
        bill(inbox, 13)
        while not (inbox / "done" / "bill-13.txt").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 130

    assert [row["filename"] for row in program.json("documents")] == ["bill-13.txt"]


def test_what_systems_leave_behind_is_counted_and_left_out(program: Program, tmp_path: Path) -> None:
    bill(tmp_path)
    for name in ("Thumbs.db", "desktop.ini", "~$bill.docx"):
        (tmp_path / name).write_text(name)

    done = program("add", tmp_path)
    named = program("add", tmp_path / "Thumbs.db", exit_code=1)

    assert "3 files of the system left out (Thumbs.db, desktop.ini, ~$bill.docx)" in done.stderr
    assert (
        "1 file of the system left out (Thumbs.db): one that is a document needs another name" in named.stderr
    )
    assert [row["filename"] for row in program.json("documents")] == ["bill-10.txt"]


def test_what_is_known_and_failed_is_told_with_the_command_that_retries(
    program: Program, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pdf"
    empty.touch()
    id = program("add", empty).stdout.split()[1]
    program("run", "--once", exit_code=1)

    again = program("add", empty, exit_code=1)

    assert f"already known: {id}, failed" in again.stdout
    command = f"alfrd-events replay --failed --document {id}"
    assert f"known and failed (the file is empty (0 bytes); send it again); to try it again: {command}" in (
        again.stderr
    )
    assert "1 task re-emitted" in program(*command.split()[1:]).stdout


def test_what_was_cancelled_is_told_too(program: Program, tmp_path: Path) -> None:
    path = bill(tmp_path)
    id = program("add", path).stdout.split()[1]
    program("cancel", id)

    again = program("add", path, exit_code=1)

    assert "known and cancelled" in again.stderr
    assert "set its status to 'pending'" in again.stderr


@pytest.mark.parametrize("odd", ["", " ", "file:///tmp/inbox", "http://host/inbox", "S3:\\\\bucket"])
def test_a_watch_of_what_is_no_directory_makes_none(
    program: Program, tmp_path: Path, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty name is the current directory, whose every file would have become a document."""
    bill(tmp_path)
    monkeypatch.chdir(tmp_path)

    refused = program("watch", "--once", odd, exit_code=None)

    assert refused.returncode in (1, 2)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bill-10.txt"]


def test_odd_uris_are_no_files_and_told_in_a_line(program: Program) -> None:
    odd = ["file:///tmp/bill.pdf", "s3:/bucket/key", "S3://Bucket_x/key", "file://[::1/x", "~nobody-here/x"]

    done = program("add", *odd, exit_code=1)

    assert len(done.stderr.splitlines()) == len(odd)
    assert "unexpected" not in done.stderr


def test_add_says_how_many_came_and_that_nobody_works(program: Program, tmp_path: Path) -> None:
    bill(tmp_path, 1), bill(tmp_path, 2)
    first = program("add", tmp_path).stderr
    assert "2 documents: 2 pending; alfrd-events documents lists them" in first
    assert "no worker is running: start one with alfrd-events run" in first
    assert "no worker" not in program("add", tmp_path).stderr  # nothing new waits


def test_add_draws_how_far_it_is(program: Program, tmp_path: Path) -> None:
    bill(tmp_path, 1), bill(tmp_path, 2)
    code, shown = program.on_terminal("add", tmp_path)
    assert code == 0
    assert "2 of 2 files" in plain(shown)


def test_add_that_is_stopped_says_how_far_it_came(program: Program, tmp_path: Path) -> None:
    bill(tmp_path, 1), bill(tmp_path, 2)
    with psycopg.connect(program.environment["ALFRD_DATABASE_URL"], autocommit=True) as watching:
        with psycopg.connect(program.environment["ALFRD_DATABASE_URL"]) as holding:
            holding.execute("lock table alfrd.documents in exclusive mode")
            with program.started("add", tmp_path) as adding:
                while not watching.execute(_WAITS).fetchone():
                    pass
                adding.send_signal(signal.SIGINT)
                _, told = adding.communicate()
        assert adding.returncode == 130, told
        assert (
            "stopped: 0 of 2 are in the database; the same command adds the rest, and nothing twice" in told
        )
        assert watching.execute("select count(*) from alfrd.documents").fetchone() == (0,)
    program("add", tmp_path)
