"""``export`` and ``import``: a folder that holds all, and another database made of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from testing.server import Server
from tests.cli.papers import Papers
from tests.cli.program import Program, bill
from tests.readers.reader_inputs import pdf, text_page

OF_THIS_DATABASE = (
    "updated_at",
    "undo_correction",
    "id",
    "change_id",
    "contradicted_by",
    "tried_at",
    "prompt",
    "is_row",
)
"""What an import may change: numbers that sequences give, trials, which are made there, and prompts, others there."""
OF_A_DOCUMENT = "step not in ('watch_series', 'try_lessons')"


@pytest.fixture(scope="module")
def three_bills(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with three bills of a series; one is corrected and tagged, one accepted."""
    with server.database(template) as name:
        program, folder = Program(server.url(name)), tmp_path_factory.mktemp("papers")
        program("add", *[bill(folder, day) for day in (10, 11, 12)], "--tags", "home")
        program("run", "--once")
        first, second, _ = _ids(program)
        program.inside("correct", first, "total=99.50", "entity=Acme Electric")
        program.inside("tag", first, "+odd")
        program.inside("accept", second)
        program("run", "--once")
        yield name


@pytest.fixture
def filled(server: Server, three_bills: str) -> Iterator[Program]:
    """The program on a database of its own that holds the papers."""
    with server.database(three_bills) as name:
        yield Program(server.url(name))


def _ids(program: Program) -> list[str]:
    return [row["id"] for row in sorted(program.json("documents"), key=lambda row: str(row["filename"]))]


def _lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [_comparable(json.loads(line)) for line in (folder / name).read_text().splitlines()]


def _comparable(value: Any, *, top: bool = True) -> Any:
    if isinstance(value, dict):
        return {
            name: _comparable(each, top=False)
            for name, each in value.items()
            if name not in OF_THIS_DATABASE or (top and name == "id")
        }
    return [_comparable(each, top=False) for each in value] if isinstance(value, list) else value


def _count(program: Program, table: str) -> int:
    with psycopg.connect(program.environment["ALFRD_DATABASE_URL"]) as connection:
        row = connection.execute(f"select count(*) from alfrd.{table}").fetchone()  # type: ignore[call-overload]
    assert row is not None
    return int(row[0])


def test_another_database_made_of_an_export_holds_the_same_and_reads_nothing_again(
    filled: Program, copy: Program, tmp_path: Path
) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    told = filled.json("export", out)
    assert (told["documents"], told["pages"], told["series"], told["missing"]) == (3, 3, 1, [])
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=out, check=True)

    assert copy.inside("import", out)[0] == "3 documents and 1 file came in\n"
    assert _count(copy, f"tasks where {OF_A_DOCUMENT}") == 0
    copy("run", "--once")
    assert _count(copy, f"events where kind = 'completed' and {OF_A_DOCUMENT}") == 0

    copy.json("export", again)
    for name in ("documents.jsonl", "series.jsonl", "files.jsonl", "document_types.jsonl"):
        for one, other in zip(_lines(again, name), _lines(out, name), strict=True):
            assert {key: value for key, value in one.items() if other.get(key) != value} == {}, other
            assert one.keys() == other.keys()
    for path in out.glob("documents/**/*.*"):
        if path.suffix != ".jsonl":
            assert (again / path.relative_to(out)).read_bytes() == path.read_bytes()
    (one, *_) = (row for row in _lines(again, "documents.jsonl") if row["corrected"])
    assert one["total_amount"] == 99.5
    assert [row["field"] for row in one["corrections"]] == ["entity", "total_amount"]
    assert [(row["kind"], row["value"]) for row in one["lessons"]] == [("company", "Acme Electric")]
    assert {row["tag"]: row["source"] for row in one["tag_sources"]}["odd"] == "user"


def test_a_second_import_makes_no_doubles(filled: Program, copy: Program, tmp_path: Path) -> None:
    filled.inside("export", tmp_path / "out")
    tables = (
        "documents",
        "pages",
        "corrections",
        "reviews",
        "lessons",
        "series",
        "files",
        "tags",
        "document_parts",
    )
    copy.inside("import", tmp_path / "out")
    once = [_count(copy, table) for table in tables]

    told = copy.json("import", tmp_path / "out")

    assert (told["documents"], told["known"], told["files"], told["lessons"]) == (0, 3, 0, 0)
    assert [_count(copy, table) for table in tables] == once
    # Into the database that it came from, too, and where the same bytes have another id.
    assert filled.json("import", tmp_path / "out")["documents"] == 0


def test_what_an_import_has_corrected_can_be_undone_there(
    filled: Program, copy: Program, tmp_path: Path
) -> None:
    filled.inside("export", tmp_path / "out")
    copy.inside("import", tmp_path / "out")
    first, *_ = _ids(filled)

    copy.inside("correct", first, "--undo")

    assert copy.json("show", first)["corrections"] == []
    assert _count(copy, "lessons") == 0
    assert (
        copy.json("show", first)["total_amount"] == 1210.50
        or copy.json("show", first)["total_amount"] != 99.5
    )


def test_documents_that_come_into_a_filled_database_join_its_series_and_files(
    filled: Program, copy: Program, tmp_path: Path
) -> None:
    filled.inside("export", tmp_path / "out")
    copy("add", bill(tmp_path, 20))
    copy("run", "--once")

    told = copy.json("import", tmp_path / "out")

    assert (told["documents"], told["files"]) == (3, 0)
    (series,) = copy.json("series")
    assert series["document_count"] == 4
    copy("run", "--once")
    (file,) = copy.json("files")
    assert (file["member_count"], file["status"], file["current"]) == (4, "generated", True)


def test_an_import_that_was_interrupted_is_done_again(
    filled: Program, copy: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alfrd_events.db import importing
    from alfrd_events.errors import DatabaseUnavailable

    filled.inside("export", tmp_path / "out")
    real, number = importing.document, iter(range(10))

    async def fails_at_the_third(*arguments: Any) -> bool:
        if next(number) == 2:
            raise DatabaseUnavailable("the server is gone")
        return await real(*arguments)

    monkeypatch.setattr(importing, "document", fails_at_the_third)
    assert "the server is gone" in copy.inside("import", tmp_path / "out", exit_code=1)[1]
    monkeypatch.undo()
    half = _count(copy, "documents")
    assert half < 3

    assert copy.json("import", tmp_path / "out")["known"] == half
    assert _count(copy, "documents") == 3
    assert copy.json("files")[0]["member_count"] == 3


def test_only_what_is_asked_for_is_exported(filled: Program, tmp_path: Path) -> None:
    first, *_ = _ids(filled)
    by_tag = filled.json("export", tmp_path / "tag", "--tag", "Odd")
    assert (by_tag["documents"], by_tag["series"], by_tag["files"]) == (1, 1, 1)
    assert [row["id"] for row in _lines(tmp_path / "tag", "documents.jsonl")] == [first]
    assert json.loads((tmp_path / "tag" / "manifest.json").read_text())["selection"] == {"tag": "Odd"}

    for arguments, documents in (
        (("--series", "acme"), 3),
        (("--type", "utility_bill", "--from", "2024-03-11"), 2),
        (("--to", "2024-03-10"), 1),
        (("--owner", "nobody"), 0),
    ):
        told = filled.json("export", tmp_path / str(uuid4()), *arguments)
        assert told["documents"] == documents, arguments
    assert filled("export", tmp_path / "x", "--type", "novel", exit_code=2).stderr


def test_a_table_of_each_series_and_a_calendar_can_be_opened(filled: Program, tmp_path: Path) -> None:
    from icalendar import Calendar

    out = tmp_path / "out"
    filled.inside("export", out)

    (table,) = (out / "series").glob("*.csv")
    head, *rows = table.read_text().splitlines()
    assert head.startswith("document_id,filename,status,entity,document_date,due_date")
    assert "usage_kwh" in head
    assert len(rows) == 3
    assert ",99.50,USD," in table.read_text()
    assert table.with_suffix(".xlsx").read_bytes().startswith(b"PK")
    events = Calendar.from_ical((out / "calendar.ics").read_bytes()).walk("VEVENT")
    assert len({str(event["UID"]) for event in events}) == len(events)


def test_payments_scores_columns_and_prompts_come_along_once(
    filled: Program, copy: Program, copied: Papers, tmp_path: Path
) -> None:
    first, second, third = _ids(filled)
    filled.inside("bills", "link", first, "--on", "2024-05-01")
    filled.inside("bills", "link", second, "--on", "2024-05-02")
    (tmp_path / "prompt.txt").write_text("Say what it is, in one word.")
    filled.inside("prompts", "import", "classifier", tmp_path / "prompt.txt")
    told = filled.json("export", tmp_path / "out")
    assert (told["payments"], told["prompts"]) == (2, 1)

    told = copy.json("import", tmp_path / "out")
    assert (told["payments"], told["prompts"]) == (2, 1)
    states = {bill["document_id"]: (bill["state"], bill["paid_on"]) for bill in copy.json("bills")}
    assert states[first] == ("paid", "2024-05-01")
    assert states[second] == ("paid", "2024-05-02")
    assert states[third][0] == "overdue"
    assert copied.one("select count(*) from alfrd.prompts where origin = 'import' and not is_active") == 1
    for table in ("scores", "series_fields"):
        assert _count(copy, table) == _count(filled, table) > 0

    again = copy.json("import", tmp_path / "out")
    assert (again["payments"], again["prompts"]) == (0, 0)
    assert _count(copy, "payments") == 2
    assert _count(copy, "scores") == _count(filled, "scores")


def test_a_payment_whose_statement_is_not_here_stays_out(filled: Program, copied: Papers) -> None:
    document = copied.completed()
    line = {"document_id": str(document), "amount": 1, "paid_on": "2024-05-01", "confidence": 1}
    for extra, is_new in (
        ({}, True),
        ({}, False),
        ({"statement_id": str(uuid4())}, False),
        ({"document_id": str(uuid4())}, False),
    ):
        assert copied.one("select alfrd.import_payment(%s)", json.dumps({**line, **extra})) is is_new


def test_a_taught_place_is_shown_and_tells_in_another_database(
    program: Program, copy: Program, tmp_path: Path
) -> None:
    program("add", _printed(tmp_path, "first", 410, 300))
    program("run", "--once")
    (first,) = _ids(program)
    program.inside("correct", first, "total=410.10")
    program("run", "--once")
    shown = " ".join(program.inside("lessons")[0].split())
    assert "total amount is at page 1, 65 % across, 6" in shown
    exported = [json.loads(line) for line in program.inside("lessons", "export")[0].splitlines()]
    (place,) = (row["place"] for row in exported if row["kind"] == "place")
    assert {"Amountdue", "Termsoverleaf"} <= {text for text, _, _ in place["anchors"]}

    program.inside("export", tmp_path / "out")
    copy.inside("import", tmp_path / "out")
    copy("run", "--once")
    copy("add", _printed(tmp_path, "second", 507, 296, label=""))
    copy("run", "--once")

    totals = {row["filename"]: row["total_amount"] for row in copy.json("documents")}
    assert totals == {"first.pdf": 410.10, "second.pdf": 507.10}


def _printed(folder: Path, name: str, euros: int, height: float, label: str = "For collection") -> Path:
    """A bill of which the rules take the amount due; the right total is ``height`` points above the page's foot."""
    lines = [
        (60, height + 440, "Acme Power Company"),
        (60, height + 420, "Harbour Road"),
        (60, height + 400, "www.acme-power.example"),
        (60, height + 380, "Electricity bill"),
        (60, height + 100, "Previous balance"),
        (400, height + 100, "$90.40"),
        (60, height + 60, "Amount due"),
        (400, height + 60, f"${euros + 800}.50"),
        (400, height, f"${euros}.10"),
        (60, height - 60, "Thank you for your custom"),
        (300, height - 200, "Terms overleaf"),
        *([(60, height, label)] if label else []),
    ]
    path = folder / f"{name}.pdf"
    path.write_bytes(pdf([text_page(lines)]))
    return path
