"""A server whose disk is full: on a file system of its own, small and real."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from alfrd_events.db.migrate import migrate
from alfrd_events.errors import DatabaseUnavailable
from testing.harness import Harness
from testing.server import Server
from tests.faults.processes import ALL_ENDED, each_step_was_committed_once, fleet, until

MEGABYTE = b"\0" * 1024**2


@pytest.fixture
def small_disk(server: Server) -> Iterator[Path]:
    """An empty file system of 64 MB, which belongs to the server's user."""
    place = server.directory / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        place.rmdir()
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    (place / "data").mkdir()
    if os.geteuid() == 0:
        shutil.chown(place / "data", "nobody")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
    place.rmdir()


@pytest.fixture
def small_database_url(server: Server, small_disk: Path) -> Iterator[str]:
    """A migrated database on it."""
    server.sql(f"create tablespace small location '{small_disk / 'data'}'")
    server.sql("create database small tablespace small")
    asyncio.run(migrate(server.url("small")))
    yield server.url("small")
    server.sql("drop database small with (force)")
    server.sql("drop tablespace small")


HALF_APPLIED = """
select d.id, d.status, p.pages, t.tasks from alfrd.documents d,
       lateral (select count(*) as pages from alfrd.pages where document_id = d.id) as p,
       lateral (select count(*) as tasks from alfrd.tasks t join alfrd.routes r using (subject_type, status, step)
                 where subject_id = d.id and r.next_status <> '' and t.status = d.status) as t
 where p.pages <> (d.status <> 'pending')::integer or t.tasks <> (d.status <> 'completed')::integer
"""


async def insert_large(db: Harness, count: int) -> None:
    """Insert documents whose texts take room, so that hardly a result fits into what the pages have left."""
    await db.sql(
        "insert into alfrd.documents (filename, content) select 'shop-' || number || '.txt',"
        " convert_to(number || ' ' || repeat(md5(number::text), 3000), 'utf8')"
        " from generate_series(1, %s) as number",
        count,
    )


def fill(place: Path) -> Path:
    """Take all the room that is left."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(MEGABYTE)
        except OSError:
            return ballast


async def test_a_full_disk_costs_no_finished_work_and_nothing_is_half_applied(
    small_disk: Path, small_database_url: str, tmp_path: Path
) -> None:
    with fleet(small_database_url, tmp_path) as workers:
        worker = workers.start(delay=0.3, slots=20)
        async with Harness(small_database_url) as db:
            await insert_large(db, 60)
            await worker.has_logged("reading shop", times=30)
            ballast = fill(small_disk)
            with pytest.raises(DatabaseUnavailable, match="No space left on device"):
                await insert_large(db, 5000)
            await worker.has_logged("No space left on device")
            await asyncio.sleep(3)  # long enough to flood a log, had it a mind to
            half_applied = await db.sql(HALF_APPLIED)
            stuck = await db.one("select count(*) from alfrd.documents where status <> 'completed'")
            ballast.unlink()
            await until(db, ALL_ENDED)

            assert half_applied == []
            assert stuck > 0
            assert worker.alive
            assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 60
            assert (
                await db.one(
                    "select count(*) from alfrd.events where kind <> 'completed' and subject_type <> 'series'"
                )
                == 0
            )
            await each_step_was_committed_once(db)
        assert len(worker.lines("reading shop")) == 60  # each was read once: what was finished waited
        assert 1 <= len(worker.lines("warning")) <= 3, "\n".join(worker.lines("warning"))
