"""``get``: the original of a document back, byte by byte."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.papers import Papers
from tests.cli.program import Program

PARTS = {"page 1.txt": b"first \x00\xff", "../page 2.txt": b"second"}


@pytest.fixture
def of_parts(papers: Papers) -> str:
    """A document of two parts that was not read yet."""
    id = uuid4()
    papers.sql(
        "select alfrd.submit(%s, 'letter', null, 'sha256:1', p_part_filenames => %s, p_part_contents => %s)",
        id,
        list(PARTS),
        list(PARTS.values()),
    )
    return str(id)


def test_one_file_comes_back_and_nothing_is_overwritten(
    papers: Papers, program: Program, tmp_path: Path
) -> None:
    content = os.urandom(300_000)
    id = uuid4()
    papers.sql("insert into alfrd.documents (id, filename, content) values (%s, 'a.bin', %s)", id, content)

    told = program.json("get", str(id)[:8], "-o", tmp_path / "deep" / "back.bin")

    assert (told["kind"], told["parts"], told["bytes"]) == ("file", 1, 300_000)
    assert (tmp_path / "deep" / "back.bin").read_bytes() == content
    (tmp_path / "mine").write_text("mine")
    assert "--force" in program.inside("get", id, "-o", tmp_path / "mine", exit_code=1)[1]
    assert (tmp_path / "mine").read_text() == "mine"
    program.inside("get", id, "-o", tmp_path / "mine", "--force")
    assert (tmp_path / "mine").read_bytes() == content
    program.inside("get", id, "-o", tmp_path / "deep")
    assert (tmp_path / "deep" / "a.bin").read_bytes() == content
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.bin", "back.bin", "deep", "mine"]


def test_without_a_place_it_is_written_here_under_its_own_name(
    papers: Papers, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uuid4()
    papers.sql("insert into alfrd.documents (id, filename, content) values (%s, '../../a.txt', 'hello')", id)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    assert program.inside("get", id)[0] == "a.txt  (5 bytes)\n"

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["here", "here/a.txt"]


def test_several_parts_are_a_folder_or_a_zip(of_parts: str, program: Program, tmp_path: Path) -> None:
    told = program.inside("get", of_parts, "-o", tmp_path / "letter")[0]
    assert told == f"{tmp_path / 'letter'}  (2 parts in a folder, 14 bytes)\n"
    found = {path.name: path.read_bytes() for path in (tmp_path / "letter").iterdir()}
    assert found == {"0001 page 1.txt": b"first \x00\xff", "0002 page 2.txt": b"second"}
    assert "--force" in program.inside("get", of_parts, "-o", tmp_path / "letter", exit_code=1)[1]
    program.inside("get", of_parts, "-o", tmp_path / "letter", "--force")

    assert "2 parts in a zip" in program.inside("get", of_parts, "-o", tmp_path / "letter.zip")[0]
    with zipfile.ZipFile(tmp_path / "letter.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == found
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter", "letter.zip"]


def test_what_has_changed_behind_its_uri_is_said(papers: Papers, program: Program, tmp_path: Path) -> None:
    paper = tmp_path / "a.txt"
    paper.write_text("another text")
    program.environment["ALFRD_FILE_ROOTS"] = str(tmp_path)
    (row,) = papers.sql("insert into alfrd.documents (uri) values (%s) returning id", paper.as_uri())
    papers.sql(
        "insert into alfrd.document_parts (document_id, number, uri, sha256) values (%s, 1, %s, %s)",
        row["id"],
        paper.as_uri(),
        hashlib.sha256(b"the text that was read").hexdigest(),
    )

    assert "has changed behind its URI" in program.inside("get", row["id"], "-o", tmp_path / "b.txt")[1]
    assert "no document" in program.inside("get", "ffffffff", exit_code=1)[1]
