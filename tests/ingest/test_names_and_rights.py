"""Odd names, folders without end and missing rights: one line each, and the others go on."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alfrd_events.errors import Refused
from alfrd_events.filenames import printable
from alfrd_events.ingest.files import NotSubmitted, expand, read_file
from alfrd_events.ingest.inbox import Inbox
from alfrd_events.ingest.moving import move, write_reason
from testing.harness import Harness
from tests.ingest.half_files import pdf
from tests.ingest.watching import QUIET, Watched

ODD = [
    os.fsdecode(b"caf\xe9.txt"),
    "two\nlines.txt",
    "\x1b[31mred\x1b[0m.txt",
    "bill\u202etxt.exe.txt",
    "line\u2028end.txt",
    "CON.txt",
    "nul",
    "trailing dot. ",
    "-rf",
    "a:b*c?.txt",
    "x" * 251 + ".txt",
    "ü" * 125 + ".txt",
    "a." + "b" * 253,
]
"""Names that some system cannot bear, or that a line of a log or a terminal is harmed by."""
STRANGER = 65534


@pytest.mark.parametrize("name", ODD)
async def test_a_file_of_any_name_is_taken_and_told_in_one_line(
    db: Harness, inbox: Watched, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "alfrd_events")
    for number in range(2):
        (inbox.directory / name).write_text(f"text {number}")
        await inbox.after(db, 3 * QUIET)

    rows = await db.sql("select filename from alfrd.documents")
    assert [row["filename"] for row in rows] == [printable(name)] * 2
    assert printable(name).replace("ü", "u").isprintable()
    assert len(inbox.names("done")) == 2
    told = [record.facts["name"] for record in caplog.records if record.getMessage() == "added"]  # type: ignore[attr-defined]
    assert told == [printable(name)] * 2


@pytest.mark.parametrize("name", ODD)
async def test_what_is_wrong_with_a_file_of_any_name_is_written_beside_it(
    db: Harness, inbox: Watched, name: str
) -> None:
    """A name that is no UTF-8 used to end the watcher, when its reason was written."""
    (inbox.directory / name).symlink_to(__file__)
    (inbox.directory / "good.txt").write_text("good")
    await inbox.after(db, 3 * QUIET)

    assert inbox.names("done") == {"good.txt"}
    (reason,) = inbox.names("rejected") - {name}
    text = inbox.text(f"rejected/{reason}")
    assert text.endswith("is a link; put the file itself into the inbox\n")
    assert text.count("\n") == 1


@pytest.mark.parametrize("name", ODD)
def test_a_name_that_is_taken_gets_a_number_that_fits(tmp_path: Path, name: str) -> None:
    (tmp_path / "to").mkdir()
    for _ in range(12):
        (tmp_path / name).touch()
        moved = move(tmp_path / name, tmp_path / "to")
        write_reason(moved, "reason")

    assert len(list((tmp_path / "to").iterdir())) == 24


async def test_folders_deeper_than_calls_may_be_nested_harm_nothing(db: Harness, inbox: Watched) -> None:
    with nested(inbox.directory, 1500):
        (inbox.directory / "good.txt").write_text("good")

        await inbox.after(db, 4 * QUIET)

        assert inbox.names("done") == {"good.txt"}
        assert (inbox.directory / "good.txt") not in list(expand([str(inbox.directory)]))


@contextmanager
def nested(directory: Path, depth: int) -> Iterator[None]:
    """Folders in folders, taken away again, since what clears up after tests goes down by calls."""
    before = os.open(".", os.O_RDONLY)
    os.chdir(directory)
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    os.fchdir(before)
    os.close(before)
    try:
        yield
    finally:
        subprocess.run(["rm", "-rf", directory], check=True)


@contextmanager
def by_a_stranger() -> Iterator[None]:
    """Do without the rights of root, who may do everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory whose way others may walk, unlike that of ``tmp_path``."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.parametrize("made", ["inbox", "inbox/done", "none"])
async def test_an_inbox_of_another_user_is_refused_with_owner_and_remedy(
    db: Harness, open_path: Path, made: str
) -> None:
    directory = open_path / "inbox"
    if made != "none":
        (open_path / made).mkdir(parents=True)
    for place in (open_path, directory, directory / "done"):
        if place.exists():
            place.chmod(0o555)

    with by_a_stranger(), pytest.raises(Refused) as refused:
        await Inbox(db.database, directory, max_bytes=100).watch(once=True)

    message = str(refused.value)
    assert "cannot be used as an inbox (Permission denied)" in message
    assert f"belongs to user {os.geteuid()}" in message
    owner = STRANGER if os.geteuid() == 0 else os.geteuid()
    assert f"sudo chown -R {owner}:" in message
    assert "\n" not in message
    for place in (open_path, directory):
        if place.exists():
            place.chmod(0o755)


def test_a_file_that_may_not_be_read_is_told_with_the_remedy(open_path: Path) -> None:
    (open_path / "locked").mkdir(mode=0o700)
    for name in ("secret.pdf", "open.pdf", "locked/bill.pdf"):
        (open_path / name).touch()
    (open_path / "secret.pdf").chmod(0)
    (open_path / "locked").chmod(0 if os.geteuid() else 0o700)

    with by_a_stranger():
        locked, file, secret = expand([str(open_path)])
        assert isinstance(locked, NotSubmitted)
        assert "cannot be looked into (Permission denied)" in str(locked)
        assert file == open_path / "open.pdf"
        assert isinstance(secret, Path)
        with pytest.raises(
            NotSubmitted, match=r"Permission denied.*belongs to user .*: sudo chmod -R a\+rX "
        ):
            read_file(secret, 100)
    (open_path / "locked").chmod(0o700)


async def test_an_unreadable_file_waits_for_its_rights_and_the_others_go_on(
    db: Harness, inbox: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    really_open = os.open

    def as_a_stranger(path: str | Path, flags: int, *rest: int, **named: int) -> int:
        """What a worker that is not root gets, also where root runs the tests."""
        if str(path).endswith("secret.pdf") and not os.stat(path).st_mode & 0o004:
            raise PermissionError(13, "Permission denied", str(path))
        return really_open(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", as_a_stranger)
    secret = inbox.directory / "secret.pdf"
    secret.write_bytes(pdf("secret"))
    secret.chmod(0)
    (inbox.directory / "open.pdf").write_bytes(pdf("open"))
    for _ in range(3):
        await inbox.after(db, QUIET)
    assert (inbox.names(), inbox.names("done")) == ({"secret.pdf"}, {"open.pdf"})
    assert caplog.text.count("left where it is until it may be read") == 1

    secret.chmod(0o644)
    await inbox.after(db, QUIET)

    assert inbox.names("done") == {"open.pdf", "secret.pdf"}
