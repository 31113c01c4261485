"""Hosts whose clocks are wrong: only the database's clock counts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from testing.harness import Harness
from tests.faults.processes import (
    ALL_ENDED,
    WorkerProcess,
    each_step_was_committed_once,
    fleet,
    insert,
    until,
)

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.mark.skipif(
    FAKETIME is None, reason="libfaketime is not there; Debian has it as the package faketime"
)
async def test_workers_whose_clocks_are_an_hour_wrong_work_as_ever(db: Harness, tmp_path: Path) -> None:
    with fleet(db.url, tmp_path) as workers:
        members = [
            workers.start(
                environment=_clock_that_is_off_by(hours),
                delay=0.05,
                slots=5,
                settings={"alfrd.backoff_seconds": "0.1"},
            )
            for hours in (1, -1)
        ]
        await until(db, "count(*) = 2 from alfrd.workers where locked")
        await insert(db, 60, name="stumble")
        seconds = await until(db, ALL_ENDED)

    assert [_hours_off(member) for member in members] == [1, -1]
    assert seconds < 120
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 60
    assert await db.one("select count(distinct worker_id) from alfrd.events where worker_id is not null") == 2
    kinds = await db.sql("select distinct kind from alfrd.events where subject_type <> 'series' order by 1")
    assert [row["kind"] for row in kinds] == ["completed", "retry"]
    await each_step_was_committed_once(db)


def _clock_that_is_off_by(hours: int) -> dict[str, str]:
    """The environment of a process that sees another time of day; time that passes stays what it is."""
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME": f"{hours * 3600:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _hours_off(worker: WorkerProcess) -> int:
    """How far the times in its log are from ours."""
    hours, minutes = map(int, worker.lines("worker started")[0][:5].split(":"))
    now = time.localtime()
    off = (hours - now.tm_hour) * 60 + minutes - now.tm_min
    return round(((off + 720) % 1440 - 720) / 60)
