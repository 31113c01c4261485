"""The lookers: for a person, for a pipe, for a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program, bill, plain

LISTS = ("documents", "files", "series", "usage")


@pytest.fixture
def busy(program: Program, tmp_path: Path) -> Program:
    """A program whose database has seen two bills of a series and an empty file."""
    (tmp_path / "empty.txt").touch()
    program("add", bill(tmp_path, 10), bill(tmp_path, 11), tmp_path / "empty.txt", "--tags", "home")
    program("run", "--once", exit_code=1)
    return program


def test_every_looker_answers_a_person_a_pipe_and_a_program(busy: Program) -> None:
    for command in LISTS:
        assert isinstance(busy.json(command), list)
        assert len(busy.inside(command)[0].splitlines()) >= 2
    assert busy.json("status")["documents"] == {"completed": 2, "failed": 1}
    assert "3 documents  completed 2  failed 1" in busy.inside("status")[0]
    (series,) = busy.json("series")
    assert (series["document_count"], series["total_amount"]) == (2, 2422.0)
    assert len(busy.json("search", "kwh")) == 2
    assert busy.json("search", "nowhere") == []
    (file,) = busy.json("files")
    assert "Documents" in busy.inside("show", file["id"])[0]

    failed = next(row["id"] for row in busy.json("documents", "--status", "failed"))
    assert busy.json("events", failed)[-1]["kind"] == "dead"
    assert "the file is empty" in busy.inside("show", failed[:8])[0]


def test_show_tells_everything_about_a_document(busy: Program) -> None:
    id = next(row["id"] for row in busy.json("documents") if row["filename"] == "bill-10.txt")

    shown = busy.inside("show", id, "--text")[0]
    facts = busy.json("show", id)

    for words in (
        "utility_bill",
        "% sure",
        "1,210.50",
        "2024-04-06",
        "home (user)",
        "checks passed",
        "507 kWh",
    ):
        assert words in shown
    assert "2024-04-06" not in shown.partition("\nSeries\n")[2], "the series does not say it again"
    assert facts["total_amount"] == 1210.5
    assert facts["events"][0]["step"] == "ocr"


def test_what_needs_a_look_is_listed_with_its_reason_and_shown(program: Program, tmp_path: Path) -> None:
    paper = tmp_path / "receipt.txt"
    paper.write_text("Karolin Bakery Ltd\nCash receipt\n04/03/2024 14:51\nThank you for shopping\n")
    program("add", paper, bill(tmp_path, 10))
    program("run", "--once")

    (row,) = program.json("documents", "--review")
    listed = program.inside("documents", "--review")[0]
    shown = program.inside("show", row["id"])[0]
    facts = program.json("show", row["id"])

    assert row["filename"] == "receipt.txt"
    assert row["review_confidence"] == 0
    assert "No total was found" in listed
    assert "To review: No total was found" in shown
    assert facts["needs_review"] is True
    assert {"entity", "document_date", "document_type"} <= {value["field"] for value in facts["values"]}
    assert (
        program.inside("documents", "--review", "--type", "utility_bill")[0] == "no document needs a look\n"
    )


def test_colours_are_for_terminals_that_want_them(busy: Program) -> None:
    piped = busy("documents").stdout
    code, coloured = busy.on_terminal("documents")
    busy.environment["NO_COLOR"] = "1"
    _, grey = busy.on_terminal("documents")

    assert "\x1b[" not in piped
    assert code == 0
    assert "\x1b[32m" in coloured
    assert "\x1b[32m" not in grey
    assert max(map(len, plain(coloured).splitlines())) <= 100


@pytest.mark.parametrize("command", ["show", "events", "explain", "cancel"])
def test_an_id_that_is_not_there_is_one_line(program: Program, command: str) -> None:
    for id in ("00000000-0000-0000-0000-000000000000", "nonsense"):
        out, err = program.inside(command, id, exit_code=1)
        assert err.startswith("error: no document")
        assert len(err.splitlines()) == 1
        assert out == ""
    assert program(command, id, exit_code=1).stderr.startswith("error: no document")


def test_the_beginning_of_an_id_must_be_clear(program: Program, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for end in "12":
            connection.execute(
                "insert into alfrd.documents (id, filename, content) values (%s, 'a.txt', 'text')",
                [f"abcd0000-0000-0000-0000-00000000000{end}"],
            )

    assert "is not clear" in program.inside("show", "abcd", exit_code=1)[1]
    assert "at least 4" in program.inside("show", "abc", exit_code=1)[1]
    assert program.json("show", "abcd0000-0000-0000-0000-000000000001")["filename"] == "a.txt"


def test_a_file_name_names_its_document(program: Program, database_url: str, tmp_path: Path) -> None:
    program("add", bill(tmp_path))
    assert program.json("show", "bill-10.txt")["filename"] == "bill-10.txt"

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into alfrd.documents (filename, content) values ('bill-10.txt', 'again')")
    assert "bill-10.txt is not clear" in program.inside("show", "bill-10.txt", exit_code=1)[1]
    assert "no document or file bill-1" in program.inside("show", "bill-1", exit_code=1)[1]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_list_is_wider_than_its_terminal(busy: Program, width: int) -> None:
    """A line that is too long is broken by the terminal, and the table with it."""
    busy.environment["COLUMNS"] = str(width)
    failed = next(row["id"] for row in busy.json("documents", "--status", "failed"))
    for command in (
        ["documents"],
        ["series"],
        ["bills"],
        ["search", "kwh"],
        ["events", failed],
        ["show", failed],
    ):
        _, seen = busy.on_terminal(*command)
        assert max(map(len, plain(seen).splitlines())) <= width, command


def test_a_hostile_name_does_not_reach_the_terminal(program: Program, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into alfrd.documents (filename, content) values (%s, 'text')",
            ["[red]\x1b]0;owned\x07\n.txt"],
        )

    assert "\x1b" not in program("documents").stdout
    _, seen = program.on_terminal("documents")
    assert "\x1b]0;" not in seen
    assert "[red]" in plain(seen)
    assert program.json("documents")[0]["filename"].startswith("[red]\x1b]0;")


def test_wrong_use_exits_2(program: Program) -> None:
    assert program("documents", "--bogus", exit_code=2).stdout == ""
    assert program("fold", exit_code=2).stdout == ""
    for wrong in (("documents", "--status"), ("documents", "--type"), ("replay", "--status")):
        assert "choose among" in program.inside(*wrong, "bogus", exit_code=2)[1]


def test_an_unreachable_database_is_one_line() -> None:
    done = Program("postgresql://nobody@127.0.0.1:1/none")("status", exit_code=1)

    assert done.stderr.startswith("error: PostgreSQL is not there")
    assert len(done.stderr.splitlines()) == 1


def test_the_help_and_the_lookers_load_nothing_heavy() -> None:
    heavy = {"rapidocr", "onnxruntime", "cv2", "numpy", "pypdfium2", "PIL"}
    for statement, unwanted in (
        ("import alfrd_events.cli", heavy | {"psycopg", "pydantic", "rapidfuzz"}),
        ("import alfrd_events.cli, alfrd_events.db.queries, alfrd_events.terminal.document", heavy),
    ):
        loaded = subprocess.run(
            [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert not unwanted & set(loaded)
