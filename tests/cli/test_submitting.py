"""``add`` and ``watch``, as a user calls them."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from uuid import uuid4

from tests.cli.program import Program, bill


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
    assert "failed: empty.pdf: the file is empty" in bad.stderr


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
