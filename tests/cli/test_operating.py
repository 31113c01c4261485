"""``replay``, ``explain``, ``cancel``, ``doctor``."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from tests.cli.program import Program, bill


def test_what_failed_is_replayed_once(program: Program, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    program("add", tmp_path / "empty.txt")
    program("run", "--once", exit_code=1)
    (id,) = [row["id"] for row in program.json("documents")]

    said = "nothing is stuck\nwhat failed is tried again with: alfrd-events replay --failed\n"
    assert program.inside("replay")[0] == said
    assert "1 task would be re-emitted" in program.inside("replay", "--failed", "--dry-run")[0]
    assert program.json("documents")[0]["status"] == "failed"
    assert program.json("replay", "--failed", "--document", id[:8])[0]["step"] == "ocr"
    assert program.inside("replay", "--failed")[0] == "nothing is stuck\n"
    assert "ocr waits" in program.inside("explain", id)[0]


def test_who_replays_and_has_no_worker_hears_of_it(program: Program, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    program("add", tmp_path / "empty.txt")
    program("run", "--once", exit_code=1)

    tried, _ = program.inside("replay", "--failed", "--dry-run")
    out, err = program.inside("replay", "--failed")

    assert "would be re-emitted" in tried
    assert "1 task re-emitted" in out
    assert err == "no worker is running: start one with alfrd-events run\n"


def test_a_task_that_vanished_is_made_again(program: Program, database_url: str, tmp_path: Path) -> None:
    program("add", bill(tmp_path))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("delete from alfrd.tasks")

    assert program.json("replay", "--status", "classified") == []
    (made,) = program.json("replay", "--status", "pending")

    assert (made["step"], made["name"]) == ("ocr", "bill-10.txt")


def test_a_cancelled_document_stays_so(program: Program, tmp_path: Path) -> None:
    program("add", bill(tmp_path))
    (id,) = [row["id"] for row in program.json("documents")]

    assert program.inside("cancel", id)[0].startswith(f"cancelled {id}")
    assert "is cancelled already" not in program.inside("cancel", id)[0]
    program("run", "--once")

    assert program.json("documents")[0]["status"] == "cancelled"


def test_the_doctor_finds_what_is_right_and_what_is_wrong(database_url: str, tmp_path: Path) -> None:
    well = Program(database_url)("doctor").stdout
    assert well.count("✓") == 12
    assert "✗" not in well
    assert "a notification came back in" in well
    assert "read 'HELLO' from a picture" in well

    ill = Program("postgresql://nobody@127.0.0.1:1/none", ALFRD_FILE_ROOTS=str(tmp_path / "gone"))
    report = ill("doctor", exit_code=1).stdout
    assert "✗ database: PostgreSQL is not there" in report
    assert "✗ file roots: no directory" in report
    assert "→ start it, or correct ALFRD_DATABASE_URL" in report

    misled = Program(database_url, ALFRD_SLOTS="ocr")("doctor", exit_code=1).stdout
    assert "✗ settings: the settings make no sense: ALFRD_SLOTS: 'ocr' is not of the form" in misled
    lost = Program(database_url, ALFRD_SLOTS="orc=2", ALFRD_LISTEN_URL="postgresql://nobody@127.0.0.1:1/none")
    report = lost("doctor", exit_code=1).stdout
    assert "✗ slots: no step orc" in report
    assert "→ correct ALFRD_LISTEN_URL" in report
    nowhere = Program(re.sub(r"/[^/?]+(\?|$)", r"/nowhere\1", database_url, count=1))(
        "doctor", exit_code=1
    ).stdout
    assert "→ make it with createdb" in nowhere


def test_a_misspelt_setting_is_refused_with_the_right_name() -> None:
    program = Program("")
    program.environment |= {"ALFRD_DATABSE_URL": "postgresql://db/papers"}

    refused = program("status", exit_code=1).stderr

    assert "there is no ALFRD_DATABSE_URL; did you mean ALFRD_DATABASE_URL?" in refused


def test_a_data_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    report = Program("", ALFRD_DATA_DIR=str(tmp_path / "file" / "data"))("doctor", exit_code=1).stdout

    assert "✗ database: the embedded PostgreSQL cannot live in" in report
    assert "set ALFRD_DATA_DIR" in report


def test_the_doctor_tells_an_outdated_schema(empty_database_url: str) -> None:
    report = Program(empty_database_url)("doctor", exit_code=1).stdout

    assert "✗ schema: the database has no schema alfrd yet: run alfrd-events migrate" in report


def test_a_step_is_paused_shown_and_resumed(program: Program, tmp_path: Path) -> None:
    program("add", bill(tmp_path))

    assert (
        program.inside("pause", "ocr", "--reason", "tea")[0]
        == "ocr is paused; go on with: alfrd-events resume ocr\n"
    )
    (ocr,) = [row for row in program.json("status")["steps"] if row["step"] == "ocr"]
    assert ocr["paused_at"]
    assert "paused" in program.inside("status")[0]
    assert "ocr is paused: 1 task waits" in program("run", "--once", exit_code=1).stdout
    assert program.inside("resume", "ocr")[0] == "ocr goes on\n"
    assert program.inside("resume", "ocr")[0] == "ocr was not paused\n"
    assert "no route has a step 'orc'" in program("pause", "orc", exit_code=1).stderr


def test_prune_says_what_it_forgot(program: Program) -> None:
    assert program.inside("prune", "--older-than", "30")[0] == (
        "forgot 0 events and 0 usage rows older than 30 days\n"
    )


def test_doctor_mends_what_a_change_by_hand_has_left(program: Program) -> None:
    with psycopg.connect(program.environment["ALFRD_DATABASE_URL"], autocommit=True) as connection:
        triggers = (
            "select count(*) from pg_trigger where tgrelid = 'alfrd.documents'::regclass and not tgisinternal"
        )
        there = connection.execute(triggers).fetchone()
        (name,) = (
            connection.execute(
                "select tgname from pg_trigger where tgrelid = 'alfrd.documents'::regclass and not tgisinternal"
                " order by tgname limit 1"
            ).fetchone()
            or ()
        )
        connection.execute(sql.SQL("drop trigger {} on alfrd.documents").format(sql.Identifier(name)))

        assert "✗ access" in program("doctor", exit_code=1).stdout
        mended = program("doctor", "--fix", exit_code=None)

        assert "mended: applied functions" in mended.stderr
        assert "✓ access" in mended.stdout
        assert connection.execute(triggers).fetchone() == there
    assert "nothing of the schema was to be mended" in program("doctor", "--fix", exit_code=None).stderr


def test_doctor_makes_no_schema_in_a_database_of_others(program: Program) -> None:
    url = program.environment["ALFRD_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        name = f"{connection.info.dbname}_of_others"
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            program.environment["ALFRD_DATABASE_URL"] = conninfo.make_conninfo(url, dbname=name)
            done = program("doctor", "--fix", exit_code=1)
            with psycopg.connect(program.environment["ALFRD_DATABASE_URL"]) as there:
                assert there.execute("select to_regnamespace('alfrd')").fetchone() == (None,)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
    assert "nothing was mended: the database has no schema alfrd" in done.stderr
    assert "✗ schema" in done.stdout


def test_doctor_that_cannot_mend_says_why_and_goes_on(program: Program) -> None:
    program.environment["ALFRD_DATABASE_URL"] += "_of_nobody"
    done = program("doctor", "--fix", exit_code=1)
    assert "nothing was mended: " in done.stderr
    assert "✗ database" in done.stdout
