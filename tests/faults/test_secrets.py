"""Error texts, logs, events and notifications hold no document's text, and no password."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alfrd_events.db.database import Database
from alfrd_events.errors import AlfrdError
from alfrd_events.model import AnalystResult
from alfrd_events.model.jobs import AnalysisJob, Classify, Summarize
from alfrd_events.observe import configure_logging
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import NoopAnalyst, noop_tools, options
from tests.faults.processes import insert

TEXT = "text "  # what each of `insert`'s documents says, with its number
PASSWORD = "hunter2"


class Indiscreet(NoopAnalyst):
    """Fails in ways whose messages quote the document."""

    def answer(self, job: AnalysisJob[Any]) -> AnalystResult:
        found = super().answer(job)
        if not isinstance(job, Classify | Summarize):
            return found
        text = job.document.text
        match job, text:
            case Classify(), "text 1":
                raise ValueError(f"cannot make sense of {text}")
            case Classify(), "text 2":
                raise KeyError(text)
            case Summarize(), "text 3":  # no text in PostgreSQL holds a NUL
                return found.model_copy(update={"entity": text + "\0"})
            case Summarize(), "text 4":  # a check constraint, whose DETAIL shows the whole row
                return found.model_copy(update={"entity": text, "currency": "refused"})
            case Summarize(), "text 5":  # a date that is none: the message quotes it
                return found.model_copy(update={"document_date": text})
        return found


async def test_no_message_holds_what_a_document_says(db: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    await db.sql("alter table alfrd.documents add check (currency <> 'refused')")
    await db.sql("update alfrd.routes set max_attempts = 2")
    await insert(db, 8)
    configure_logging("debug", "text")
    try:
        async with Database(db.url, settings={"alfrd.backoff_seconds": "0.1"}) as database:
            await run_worker(database, BUILT_IN, noop_tools(Indiscreet()), options(db.url))
    finally:
        configure_logging("warning", "text")

    assert await db.one("select count(*) from alfrd.documents where status = 'failed'") == 5
    told = await db.sql(
        "select error as text from alfrd.documents where error <> ''"
        " union all select error from alfrd.tasks where error <> ''"
        " union all select detail from alfrd.events where detail <> ''"
        " union all select alfrd.explain(id) from alfrd.documents"
    )
    logged = capsys.readouterr().err
    assert "nobody foresaw" in logged
    for line in [*(row["text"] for row in told), *logged.splitlines()]:
        assert TEXT not in line


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://alfrd:{PASSWORD}@127.0.0.1:1/alfrd",
        f"postgresql://alfrd:{PASSWORD}@no.such.host.invalid/alfrd",
        f"postgresql://alfrd:{PASSWORD}@127.0.0.1:not-a-port/alfrd",
        f"postgresql://alfrd:{PASSWORD}@127.0.0.1/alfrd?no_such_option=1",
        f"postgres:/alfrd:{PASSWORD}@127.0.0.1/alfrd",
        f"host=127.0.0.1 port=1 password={PASSWORD} dbname",
        f"host=127.0.0.1 port=1 password='{PASSWORD}",
    ],
)
def test_no_message_holds_a_password(url: str, tmp_path: Path) -> None:
    for command in (["status"], ["doctor"], ["run", "--once"], ["migrate"]):
        done = subprocess.run(
            [sys.executable, "-m", "alfrd_events.cli", *command],
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path),
                "ALFRD_DATABASE_URL": url,
                "ALFRD_LOG_LEVEL": "debug",
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert PASSWORD not in said
        assert "Traceback" not in said


async def test_a_refused_password_is_not_repeated(db: Harness) -> None:
    with pytest.raises(AlfrdError) as refused:
        await Database(db.url.replace("postgres@", f"nobody-here:{PASSWORD}@")).open()
    assert PASSWORD not in str(refused.value)
