"""Whether a file is there up to its end: every format, cut at every place, by itself or with zeros for the rest."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.ingest.completeness import End, end_of
from tests.ingest.half_files import WHOLE

FILES = {name: make() for name, make in WHOLE.items()}


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_reaches_its_end(name: str) -> None:
    assert end_of(FILES[name]) is End.REACHED


@pytest.mark.parametrize("name", FILES)
@given(share=st.floats(0.2, 0.97))
def test_the_end_of_a_file_that_is_cut_is_missing(name: str, share: float) -> None:
    whole = FILES[name]
    cut = whole[: int(len(whole) * share)]

    assert end_of(cut) is End.MISSING


@pytest.mark.parametrize("name", FILES)
@given(share=st.floats(0, 0.85))
def test_a_file_that_has_its_size_before_its_content_is_not_whole(name: str, share: float) -> None:
    whole = FILES[name]
    written = int(len(whole) * share)
    zeros = bytes(len(whole) - written)

    assert len(zeros) < 64 or end_of(whole[:written] + zeros) is End.MISSING


def test_the_first_part_of_a_linearized_pdf_is_not_the_whole() -> None:
    """It ends its first page with a mark of the end, long before the end."""
    head = b"%PDF-1.5\n1 0 obj<</Linearized 1/L 4000/H[1 2]/O 3/E 9/N 1/T 1>>endobj\nstartxref\n0\n%%EOF\n"

    assert end_of(head) is End.MISSING
    assert end_of(head.ljust(3990, b"%") + b"\n%%EOF\n\n\n\n") is End.REACHED


@pytest.mark.parametrize(
    "content", [b"Total due: 45.00\n", "Größe\n".encode("utf-16"), b"\x89\x01\x02 anything"]
)
def test_text_and_the_unknown_have_no_end(content: bytes) -> None:
    assert end_of(content) is End.UNTOLD


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"text" + b"\0" * 64])
def test_what_is_empty_or_ends_in_zeros_is_missing(content: bytes) -> None:
    assert end_of(content) is End.MISSING


@given(st.binary(max_size=300), st.sampled_from(list(FILES.values())))
def test_anything_gets_an_answer(noise: bytes, whole: bytes) -> None:
    half = len(noise) % len(whole)

    assert end_of(whole[:half] + noise + whole[half:]) in End
    assert end_of(whole[:8] + noise) in End


@pytest.mark.parametrize(
    "content",
    [
        b"<!--a-->" * 1000 + b" ",
        b"<!--" * 50_000,
        b"content-type: multipart/x\n" + b" x\n" * 20_000,
        b"content-type: multipart/" * 3000,
        b"II*\0\x08\0\0\0" + b"\1\0\x11\1\4\0\xff\xff\0\0\x08\0\0\0\x08\0\0\0" * 5000 + bytes(300_000) + b"x",
    ],
    ids=["comments", "open comments", "continued", "headers", "tables"],
)
def test_hostile_bytes_take_no_time(content: bytes) -> None:
    began = time.process_time()
    end_of(content)
    assert time.process_time() - began < 1
