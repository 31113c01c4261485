"""Seconds of what ``fuzz.py`` does for as long as one likes, and every file that it ever found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from container_inputs import zipped
from fuzz import Fuzzer, targets
from reader_inputs import Inspect, Read

from alfrd_events.errors import Unreadable

TARGETS = targets()


@pytest.fixture(scope="module")
def fuzzer() -> Iterator[Fuzzer]:
    one = Fuzzer(seed=20261124)
    yield one
    one.close()


@pytest.mark.parametrize("name", TARGETS)
def test_a_damaged_file_is_read_or_refused(fuzzer: Fuzzer, name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        assert fuzzer.outcome(name, target, seed) == "read", "the file itself is fine"
    for _ in range(200 if target.in_process else 12):
        fuzzer.once(name, target)
    assert fuzzer.findings == {}


# --- what it found ------------------------------------------------------------------------------


def test_an_archive_with_a_file_without_a_name_is_refused(inspect: Inspect) -> None:
    given = bytearray(zipped({"a": "x"}))
    directory = given.index(b"PK\x01\x02")
    given[directory + 28 : directory + 32] = b"\0\0\1\0"  # no name; its letter is an extra field
    with pytest.raises(Unreadable, match="the archive is damaged"):
        inspect(bytes(given))


def test_a_page_with_a_declaration_that_only_sgml_knows_is_read(read: Read) -> None:
    (page,) = read(b"<html><body>before<![IGNORE[ x ]]><p>after <![00 b>c</body></html>")
    assert page.text.split() == ["before", "after", "c"]


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_an_encoding_that_could_not_be_named_so_does_not_spoil_a_mail(read: Read, kind: str) -> None:
    head = b"From: a@x.example\nTo: b@x.example\nMessage-ID: <1>\n"
    (page,) = read(head + b'Content-Type: text/%s; charset="utf\0-8"\n\nHello' % kind.encode())
    assert page.text.endswith("Hello")
