"""Seconds of what ``fuzz.py`` does for as long as one likes, and every file that it ever found."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import rtf
from alfrd_events.reading.formats.budget import Budget
from alfrd_events.reading.formats.opening import open_within
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.container_inputs import zipped
from tests.readers.fuzz import Fuzzer, targets
from tests.readers.reader_inputs import Inspect, Read

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


def test_links_and_fonts_without_end_in_a_text_in_rtf_take_no_longer_than_others() -> None:
    link = b'{\\field{\\*\\fldinst{HYPERLINK "' + b'HYPERLINK "x"}}{a b' * 200
    font = b"{\\fonttbl" + b"{\\f0\\fcharset204 a" * 900
    text = b"{\\rtf1 Total 25.00" + link * 20 + font
    packed = struct.pack("<IIII", len(text) + 12, len(text), 0x414C454D, 0) + text
    assert rtf.text_of(packed, Budget("given", ReaderLimits(), open_within)).startswith("Total 25.00")


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_an_encoding_that_could_not_be_named_so_does_not_spoil_a_mail(read: Read, kind: str) -> None:
    head = b"From: a@x.example\nTo: b@x.example\nMessage-ID: <1>\n"
    (page,) = read(head + b'Content-Type: text/%s; charset="utf\0-8"\n\nHello' % kind.encode())
    assert page.text.endswith("Hello")
