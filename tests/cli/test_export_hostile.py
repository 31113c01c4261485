"""Exports that somebody has damaged or made up, and names that want to be elsewhere."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.portable.names import safe_name, slug
from tests.cli.papers import Papers
from tests.cli.program import Program

HOSTILE = (
    "../../../etc/passwd",
    "/etc/shadow",
    "..",
    ".",
    "",
    "...",
    "C:\\Windows\\system32\\evil.dll",
    "a/../../b.pdf",
    "con.txt",
    "NUL",
    "~root",
    "-rf",
    "\x1b[2J\r\n.pdf",
    "\u202efdp.exe",
    "x" * 3000 + ".pdf",
    "ä" * 200 + "." + "y" * 300,
    'a<b>:"|?*.txt',
    " . ",
)


@pytest.fixture
def exported(papers: Papers, program: Program, tmp_path: Path) -> Path:
    """An export of one completed document."""
    papers.completed()
    program.inside("export", tmp_path / "out")
    return tmp_path / "out"


def _resum(out: Path) -> None:
    """Make the sums fit again, as a person who means harm would."""
    lines = (out / "SHA256SUMS").read_text().splitlines()
    names = [line[66:] for line in lines if (out / line[66:]).is_file()]
    sums = "".join(f"{hashlib.sha256((out / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    _set_sums(out, sums, len(names))


def _set_sums(out: Path, sums: str, files: int) -> None:
    (out / "SHA256SUMS").write_text(sums)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest |= {"files": files, "sha256_of_sums": hashlib.sha256(sums.encode()).hexdigest()}
    (out / "manifest.json").write_text(json.dumps(manifest))


def _with(**facts: Any) -> Callable[[Path], object]:
    def change(out: Path) -> None:
        manifest = json.loads((out / "manifest.json").read_text())
        (out / "manifest.json").write_text(json.dumps({**manifest, **facts}))

    return change


def _original(out: Path) -> Path:
    (path,) = out.glob("documents/*/*/original/*")
    return path


def _outside(out: Path) -> None:
    (out.parent / "secret").write_text("secret")
    line = f"{hashlib.sha256(b'secret').hexdigest()}  ../secret\n"
    _set_sums(out, line, 1)


def _linked(out: Path) -> None:
    (out.parent / "secret").write_text("hello world")
    _original(out).unlink()
    _original_name = next(iter(out.glob("documents/*/*/original"))) / "a.txt"
    _original_name.symlink_to(out.parent / "secret")


def _lines_of(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def apply(out: Path) -> None:
        row = json.loads((out / "documents.jsonl").read_text())
        change(row)
        (out / "documents.jsonl").write_text(json.dumps(row) + "\n")
        _resum(out)

    return apply


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda out: (out / "manifest.json").unlink(), "is no export"),
        (lambda out: (out / "manifest.json").write_text("{"), "cannot be read"),
        (_with(format="something else"), "was not written by alfrd-events"),
        (_with(version=2), "upgrade alfrd-events"),
        (_with(version="1"), "has no version"),
        (_with(files=3), "names"),
        (lambda out: (out / "SHA256SUMS").write_text(""), "is missing or changed"),
        (lambda out: _original(out).write_bytes(b"forged"), "has changed since"),
        (lambda out: _original(out).unlink(), "lacks"),
        (_outside, "is not to be trusted"),
        (_linked, "is not to be trusted"),
        (_lines_of(lambda row: row["parts"][0].update(path="../secret")), "line 1"),
        (_lines_of(lambda row: row.update(folder="../..")), "line 1"),
        (_lines_of(lambda row: row.update(parts="all of them")), "no list of parts"),
        (_lines_of(lambda row: row.update(id="me")), "an object with an id is needed"),
        (_lines_of(lambda row: row.update(status="shipped")), "there is no status"),
    ],
)
def test_what_is_no_whole_export_is_refused_in_a_line_and_changes_nothing(
    exported: Path, copied: Papers, copy: Program, damage: Callable[[Path], object], told: str
) -> None:
    damage(exported)

    out, err = copy.inside("import", exported, exit_code=1)

    assert out == ""
    assert told in err
    assert len(err.splitlines()) == 1
    assert copied.one("select count(*) from alfrd.documents") == 0


def test_safe_names_are_one_step_of_a_path() -> None:
    for name in HOSTILE:
        made = safe_name(name, "part-1")
        assert made not in ("", ".", "..")
        assert "/" not in made
        assert "\\" not in made
        assert made.isprintable()
        assert len(made.encode()) <= 120
        assert Path("a", made).parent == Path("a")
    assert safe_name("../bill.pdf", "part-1") == "bill.pdf"
    assert safe_name("x" * 3000 + ".pdf", "part-1").endswith("x.pdf")
    assert safe_name("con.txt", "part-1") == "part-1.txt"
    assert slug("../../Ärger & Söhne", "document") == "arger-sohne"
    assert slug("…", "document") == "document"


def test_hostile_names_stay_in_the_folder_and_the_bytes_come_back(
    papers: Papers, program: Program, copied: Papers, copy: Program, tmp_path: Path
) -> None:
    for number, name in enumerate(HOSTILE):
        papers.sql(
            "insert into alfrd.documents (filename, content, entity, document_date) values (%s, %s, %s, '2024-03-01')",
            name,
            f"content {number}".encode(),
            "../../../evil" if number % 2 else "=cmd|' /C calc'!A0",
        )
    papers.sql(
        "insert into alfrd.series (id, entity, entity_key, slug, title, fields) values"
        " ('00000000-0000-0000-0000-000000000001', 'x', 'x', '../../evil', '../evil', '{../a}')"
    )
    papers.sql("update alfrd.documents set series_id = '00000000-0000-0000-0000-000000000001'")
    around = tmp_path / "around"
    around.mkdir()

    told = program.json("export", around / "out")

    assert told["documents"] == len(HOSTILE)
    assert [path.name for path in around.iterdir()] == ["out"]
    contents = {path.read_text() for path in around.glob("out/documents/*/*/original/*")}
    assert contents == {f"content {number}" for number in range(len(HOSTILE))}
    assert [path.name for path in around.glob("out/series/*.csv")] == ["evil.csv"]
    assert copy.json("import", around / "out")["documents"] == len(HOSTILE)
    names = {row["filename"] for row in copied.sql("select filename from alfrd.documents")}
    assert names == set(HOSTILE)


def test_no_cell_of_a_table_is_a_formula(papers: Papers, program: Program, tmp_path: Path) -> None:
    id = papers.completed()
    hostile = {
        "a": "=1+1",
        "b": "+1",
        "c": "-1+cmd|' /C calc'!A0",
        "d": "@SUM(A1)",
        "e": "\t=1",
        "f": "-12.50",
    }
    papers.sql("update alfrd.series set fields = array['a', 'b', 'c', 'd', 'e', 'f', '=head()']")
    papers.sql(
        "update alfrd.documents set entity = %s, series_data = %s::jsonb, total_amount = -3 where id = %s",
        "=HYPERLINK(1)",
        json.dumps({**hostile, "=head()": "x"}),
        id,
    )

    program.inside("export", tmp_path / "out")

    (table,) = (tmp_path / "out" / "series").glob("*.csv")
    head, row = csv.reader(table.read_text().splitlines())
    values = dict(zip(head, row, strict=True))
    assert values["entity"] == "'=HYPERLINK(1)"
    assert [values[name] for name in "abcde"] == ["'" + hostile[name] for name in "abcde"]
    assert (values["f"], values["total_amount"]) == ("-12.50", "-3")
    assert "'=head()" in head
    with zipfile.ZipFile(table.with_suffix(".xlsx")) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "=1+1" in sheet


def test_an_interrupted_export_is_begun_anew_and_says_so(
    papers: Papers, program: Program, tmp_path: Path
) -> None:
    papers.completed()
    left = tmp_path / "out.partial"
    (left / "documents").mkdir(parents=True)
    (left / "SHA256SUMS").write_text("")
    (left / "documents" / "half").write_text("half")

    _, err = program.inside("export", tmp_path / "out")

    assert "was begun anew" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert not list(tmp_path.rglob("half"))


def test_an_export_replaces_nothing_that_it_did_not_write(
    papers: Papers, program: Program, tmp_path: Path
) -> None:
    id = papers.completed()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    (tmp_path / "other.partial").mkdir()
    (tmp_path / "other.partial" / "letter.txt").write_text("mine")

    assert "holds other things" in program.inside("export", tmp_path / "mine", "--force", exit_code=1)[1]
    assert "is in the way" in program.inside("export", tmp_path / "other", exit_code=1)[1]
    program.inside("export", tmp_path / "out")
    assert "--force" in program.inside("export", tmp_path / "out", exit_code=1)[1]
    papers.sql("select alfrd.tag(%s, '{more}')", id)
    program.inside("export", tmp_path / "out", "--force")
    assert "more" in (tmp_path / "out" / "documents.jsonl").read_text()
    assert [path.read_text() for path in tmp_path.glob("*/letter.txt")] == ["mine", "mine"]


def test_two_exports_into_one_folder_do_not_mix(papers: Papers, program: Program, tmp_path: Path) -> None:
    papers.completed()
    (tmp_path / "out.partial").mkdir()
    held = os.open(tmp_path / "out.partial", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)

    assert "another export is writing" in program.inside("export", tmp_path / "out", exit_code=1)[1]
    os.close(held)
    program.inside("export", tmp_path / "out")


def test_an_original_that_cannot_be_fetched_is_named_and_the_rest_is_exported(
    papers: Papers, program: Program, copied: Papers, copy: Program, tmp_path: Path
) -> None:
    papers.completed()
    (gone,) = papers.sql(
        "insert into alfrd.documents (filename, uri) values ('b.pdf', 'file:///nowhere/b.pdf') returning id"
    )

    _, err = program.inside("export", tmp_path / "out")

    assert f"no original of document {gone['id']}: file:///nowhere/b.pdf" in err
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["originals_missing"] == 1
    assert copy.json("import", tmp_path / "out")["documents"] == 2
    assert copied.one("select uri from alfrd.documents where id = %s", gone["id"]) == "file:///nowhere/b.pdf"


def test_what_was_behind_a_uri_is_held_by_the_database_that_imports_it(
    papers: Papers, program: Program, copied: Papers, copy: Program, tmp_path: Path
) -> None:
    (tmp_path / "root").mkdir()
    paper = tmp_path / "root" / "b.txt"
    paper.write_text("behind a URI")
    program.environment["ALFRD_FILE_ROOTS"] = str(tmp_path / "root")
    (row,) = papers.sql("insert into alfrd.documents (uri) values (%s) returning id", paper.as_uri())
    document: UUID = row["id"]

    program.inside("export", tmp_path / "out")
    copy.inside("import", tmp_path / "out")

    assert bytes(copied.one("select content from alfrd.documents where id = %s", document)) == b"behind a URI"
