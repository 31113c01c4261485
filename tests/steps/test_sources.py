"""Whoever may insert a row may not read the worker's disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from alfrd_events.errors import Permanent
from alfrd_events.filenames import printable
from alfrd_events.model import PartSource
from alfrd_events.reading.sources import Sources


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    inbox = tmp_path / "inbox"
    (inbox / "sub").mkdir(parents=True)
    (inbox / "bill one.txt").write_bytes(b"inside")
    (tmp_path / "secret.txt").write_bytes(b"outside")
    (tmp_path / "inbox-of-another").mkdir()
    (tmp_path / "inbox-of-another" / "a.txt").write_bytes(b"outside")
    return inbox


async def test_a_file_under_a_root_is_read(inbox: Path) -> None:
    part = await Sources([inbox]).fetch(PartSource(1, "", None, f"file://{inbox}/bill%20one.txt"))

    assert (part.filename, part.content) == ("bill one.txt", b"inside")


@pytest.mark.parametrize(
    "uri",
    [
        "file://{inbox}/../secret.txt",
        "file://{inbox}/sub/../../secret.txt",
        "file://{inbox}/%2e%2e/secret.txt",
        "file://{inbox}/..%2fsecret.txt",
        "file://{inbox}-of-another/a.txt",
        "file://{inbox}/link.txt",
        "file://{inbox}/linked/secret.txt",
        "file://otherhost{inbox}/bill one.txt",
        "file://{inbox}/bill one.txt?x=1",
        "file://{inbox}/missing.txt",
        "file://{inbox}/bill%00one.txt",
        "file://{inbox}",
        "file://{inbox}/pipe",
        "file:etc/passwd",
        "file://[::1/bill one.txt",
        "file://℀{inbox}/bill one.txt",
        "file://host:port{inbox}/bill one.txt",
        "file:////{inbox}/bill one.txt",
        "file:\\\\{inbox}\\bill one.txt",
        "file:///C:\\bills\\bill.pdf",
        "file:///C:/bills/bill.pdf",
        "file://{inbox}/bill one.txt#page=2",
        "file://{inbox}/bill\none.txt",
        "file://{inbox}/bill one.txt\n",
        "\tfile://{inbox}/bill one.txt",
        "file://{inbox}/%ff%fe.txt",
        "file://{inbox}/" + "x" * 5000,
        "file:",
        "file://",
        "FILE://OTHER/bill one.txt",
        "http://[::1",
        "s3:/bucket/a.txt",
        "S3:\\bucket\\a.txt",
        "s3:a.txt",
        "://",
        "\x00",
        "/etc/passwd",
        "http://localhost/a.txt",
        "s3://bucket/a.txt",
        "",
    ],
)
async def test_everything_else_is_refused(inbox: Path, uri: str) -> None:
    (inbox / "link.txt").symlink_to(inbox.parent / "secret.txt")
    (inbox / "linked").symlink_to(inbox.parent)
    os.mkfifo(inbox / "pipe")

    with pytest.raises(Permanent) as refused:
        await Sources([inbox]).fetch(PartSource(1, "", None, uri.format(inbox=inbox)))

    assert "outside" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    [
        "file:{inbox}/bill one.txt",
        "file://localhost{inbox}/bill%20one.txt",
        "file://LOCALHOST{inbox}/bill one.txt",
        "FILE://{inbox}/bill one.txt",
        "file://{inbox}//sub/../bill one.txt",
    ],
)
async def test_the_forms_that_rfc_8089_allows_are_read(inbox: Path, uri: str) -> None:
    part = await Sources([inbox]).fetch(PartSource(1, "", None, uri.format(inbox=inbox)))

    assert part.content == b"inside"


@pytest.mark.parametrize(
    "name", [os.fsdecode(b"caf\xe9.txt"), "a?b#c.txt", "two\nlines.txt", "100%.txt", "ü.txt"]
)
async def test_any_name_may_be_percent_encoded(inbox: Path, name: str) -> None:
    (inbox / name).write_bytes(b"inside")

    part = await Sources([inbox]).fetch(PartSource(1, "", None, (inbox / name).as_uri()))

    assert part.content == b"inside"
    assert part.filename == printable(name)


async def test_without_roots_no_file_is_read(inbox: Path) -> None:
    with pytest.raises(Permanent, match="ALFRD_FILE_ROOTS"):
        await Sources().fetch(PartSource(1, "", None, f"file://{inbox}/bill%20one.txt"))


async def test_a_file_that_exists_outside_is_told_apart_from_none_by_nobody(inbox: Path) -> None:
    messages = set()
    for name in ("secret.txt", "nothing.txt"):
        with pytest.raises(Permanent) as refused:
            await Sources([inbox]).fetch(PartSource(1, "", None, f"file://{inbox.parent}/{name}"))
        messages.add(str(refused.value).replace(name, "*"))

    assert len(messages) == 1


async def test_what_is_too_large_is_refused(inbox: Path) -> None:
    sources = Sources([inbox], max_bytes=5)
    for source in (
        PartSource(1, "a.txt", b"123456"),
        PartSource(1, "", None, f"file://{inbox}/bill%20one.txt"),
    ):
        with pytest.raises(Permanent, match="6 bytes is too large; the limit is 5"):
            await sources.fetch(source)


@pytest.mark.parametrize("swapped", ["place", "place/a.txt"])
async def test_a_link_that_is_put_there_meanwhile_leads_nowhere(
    inbox: Path, swapped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check of the path and its opening, somebody swaps the directory, or the file, for a link."""
    outside = inbox.parent / "outside"
    for directory, content in ((outside, b"outside"), (inbox / "place", b"inside")):
        directory.mkdir()
        (directory / "a.txt").write_bytes(content)
    really_open = os.open

    def swap_and_open(*arguments: Any, **named: Any) -> int:
        (inbox / swapped).rename(inbox / "aside")
        (inbox / swapped).symlink_to(outside / swapped.removeprefix("place").lstrip("/"))
        return really_open(*arguments, **named)

    monkeypatch.setattr(os, "open", swap_and_open)

    with pytest.raises(Permanent):
        await Sources([inbox]).fetch(PartSource(1, "", None, f"file://{inbox}/place/a.txt"))
