"""``migrate`` and ``run``: exit codes, and what is left after a Ctrl-C."""

from __future__ import annotations

import os
import signal
import time
import zipfile
from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program, bill


def test_a_drained_queue_exits_0_and_a_failed_document_1(program: Program, tmp_path: Path) -> None:
    program("add", bill(tmp_path))
    good = program("run", "--once")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    program("add", tmp_path / "broken.pdf")
    bad = program("run", "--once", exit_code=1)
    later = program("run", "--once")

    assert good.stdout.startswith("done: 1 read, 1 completed, 1 file summaries, 0 failed, in ")
    assert bad.stdout.startswith("done: 0 read, 0 completed, 0 file summaries, 1 failed, in ")
    assert "broken.pdf" in bad.stderr
    assert later.returncode == 0, "an old failure is not one of this run"


def test_a_bomb_fails_alone_and_its_neighbours_are_completed(program: Program, tmp_path: Path) -> None:
    laughs = "<!DOCTYPE z [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]><document>&b;</document>"
    bombs: dict[str, dict[str, str | bytes]] = {
        "laughs.docx": {"[Content_Types].xml": "", "word/document.xml": laughs},
        "zeros.zip": {"zeros.txt": bytes(20 << 20)},
        "climber.zip": {"../../etc/cron.d/x": "* * * * * root true"},
    }
    for name, files in bombs.items():
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in files.items():
                archive.writestr(member, content)
    with zipfile.ZipFile(tmp_path / "bills.zip", "w") as archive:
        archive.write(bill(tmp_path, 11), "a bill.txt")
    program(
        "add", *(tmp_path / name for name in (*bombs, "bills.zip")), bill(tmp_path, 12), bill(tmp_path, 13)
    )
    program("run", "--once", exit_code=1)

    documents = {row["filename"]: row for row in program.json("documents")}
    failed = {name: row["error"] for name, row in documents.items() if row["status"] == "failed"}
    assert failed.keys() == bombs.keys()
    assert "entity bomb" in failed["laughs.docx"]
    assert "zeros.zip › zeros.txt: unpacks to more than 250 times its size" in failed["zeros.zip"]
    assert "leads out of the archive" in failed["climber.zip"]
    assert {row["status"] for row in documents.values()} == {"failed", "completed"}
    assert documents["bills.zip"]["entity"] == "Acme Power Company"


def test_only_one_document_or_some_steps(program: Program, tmp_path: Path) -> None:
    program("add", bill(tmp_path, 11), bill(tmp_path, 12))
    wanted = next(row["id"] for row in program.json("documents") if row["filename"] == "bill-11.txt")

    program("run", "--document", wanted[:8])
    program("run", "--once", "--steps", "ocr,classify")

    status = {row["filename"]: row["status"] for row in program.json("documents")}
    assert status == {"bill-11.txt": "completed", "bill-12.txt": "classified"}
    unknown = program("run", "--steps", "ocr,fold", exit_code=1)
    assert "no step fold: choose among ocr, classify" in unknown.stderr


def test_ctrl_c_gives_everything_back_and_the_next_run_ends_it(program: Program, tmp_path: Path) -> None:
    program("add", *[bill(tmp_path, day) for day in range(10, 22)])
    with (
        psycopg.connect(program.environment["ALFRD_DATABASE_URL"], autocommit=True) as connection,
        program.started("run", "--once") as running,
    ):
        deadline = time.monotonic() + 20
        while connection.execute("select from alfrd.pages").rowcount < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: its readers hear it too
        assert running.wait(30) == 130
        assert connection.execute("select from alfrd.tasks where state = 'running'").rowcount == 0
        program("run", "--once")
        twice = "select from alfrd.events where kind = 'completed' group by subject_id, step, subject_type"
        twice += " having count(*) > 1 and subject_type = 'document'"
        assert connection.execute(twice).rowcount == 0
    assert {row["status"] for row in program.json("documents")} == {"completed"}


def test_an_outdated_schema_is_refused_with_the_way_out(empty_database_url: str) -> None:
    program = Program(empty_database_url)

    refused = program("status", exit_code=1)
    applied = program("migrate")
    again, _ = program.inside("migrate")

    assert refused.stderr == "error: the database has no schema alfrd yet: run alfrd-events migrate\n"
    assert "applied 0001_documents.sql" in applied.stdout
    assert again == "the schema is up to date\n"
    assert program.json("documents") == []


HOLDING = """
import asyncio, time
from pydantic import BaseModel

class Done(BaseModel):
    pass

async def hold(case, tools):
    print("holding", flush=True)
    if "{how}" == "blocks":
        time.sleep(600)
    elif "{how}" == "leaves a thread":
        await asyncio.to_thread(time.sleep, 600)
    while "{how}" == "swallows":
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass
    return Done()
"""


@pytest.mark.parametrize("how", ["swallows", "leaves a thread", "blocks"])
def test_a_stop_ends_the_process_whatever_a_step_holds(program: Program, tmp_path: Path, how: str) -> None:
    packages = tmp_path / "packages"
    (packages / "holding-1.dist-info").mkdir(parents=True)
    (packages / "holding.py").write_text(HOLDING.replace("{how}", how))
    (packages / "holding-1.dist-info" / "METADATA").write_text("Name: holding\nVersion: 1\n")
    (packages / "holding-1.dist-info" / "entry_points.txt").write_text(
        "[alfrd_events.steps]\nhold = holding:hold\n"
    )
    program.environment |= {"PYTHONPATH": str(packages), "ALFRD_DRAIN_SECONDS": "1"}
    with psycopg.connect(program.environment["ALFRD_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "insert into alfrd.routes (subject_type, status, step) values ('document', 'pending', 'hold')"
        )
        program("add", bill(tmp_path))
        with program.started("run", "--steps", "hold") as running:
            held = "select from alfrd.tasks where step = 'hold' and state = 'running'"
            deadline = time.monotonic() + 30
            while connection.execute(held).rowcount < 1 and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(1)  # from its claim to its first line
            running.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            running.wait(60)
            assert time.monotonic() - asked < 20
        program.environment["PYTHONPATH"] = ""
        program("run", "--once", "--steps", "ocr")


def test_a_stop_ends_the_work_on_long_texts_within_its_drain(program: Program, tmp_path: Path) -> None:
    """Rules worked on them in threads, which nothing ends: it took a hundred seconds."""
    for number in range(6):
        (tmp_path / f"big-{number}.txt").write_text(f"{number:02}/02/2024 " * 400_000)
    program("add", *sorted(tmp_path.glob("big-*.txt")))
    program("run", "--once", "--steps", "ocr")
    program.environment["ALFRD_DRAIN_SECONDS"] = "0"
    with (
        psycopg.connect(program.environment["ALFRD_DATABASE_URL"], autocommit=True) as connection,
        program.started("run") as running,
    ):
        classifying = "select from alfrd.tasks where step = 'classify' and state = 'running'"
        deadline = time.monotonic() + 60
        while connection.execute(classifying).rowcount < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        assert running.wait(60) == 0
        assert time.monotonic() - asked < 15
        assert connection.execute("select from alfrd.tasks where state = 'running'").rowcount == 0
        assert connection.execute("select from alfrd.events where kind = 'retry'").rowcount == 0
