"""Beside PgBouncer in transaction mode: the pool through it, the listener past it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults.processes import ALL_ENDED, each_step_was_committed_once, fleet, insert, until
from tests.support.harness import Harness
from tests.support.server import Server, free_port

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 100
ignore_startup_parameters = extra_float_digits
logfile = {directory}/log
"""


@pytest.fixture
def pooler(server: Server) -> Iterator[int]:
    """The port of a PgBouncer in front of the server."""
    if PGBOUNCER is None:
        pytest.skip("PgBouncer is not installed; Debian has it as the package pgbouncer")
    port = free_port()
    directory = server.directory / f"pgbouncer-{port}"
    directory.mkdir()
    if os.geteuid() == 0:
        shutil.chown(directory, "nobody")
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(server=server.port, port=port, directory=directory))
    process = subprocess.Popen(
        [PGBOUNCER, "-q", str(configuration)], user="nobody" if os.geteuid() == 0 else None
    )
    for _ in range(200):
        with socket.socket() as probe:
            if process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    assert process.poll() is None, (directory / "log").read_text()
    yield port
    process.terminate()
    process.wait()


async def test_a_worker_whose_pool_goes_through_pgbouncer_loses_nothing(
    server: Server, db: Harness, pooler: int, tmp_path: Path
) -> None:
    database = db.url.split("@/")[1].split("?")[0]
    pool_url = f"postgresql://postgres@127.0.0.1:{pooler}/{database}"
    with fleet(db.url, tmp_path) as workers:
        members = [
            workers.start(
                pool_url=pool_url, listen_url=db.url, delay=0.01, poll_seconds=3600, lease_seconds=3600
            )
            for _ in range(2)
        ]
        await until(db, "count(*) = 2 from alfrd.workers where locked")
        for _ in range(10):
            await insert(db, 10)
        await until(db, ALL_ENDED)
        complaints = [
            line for member in members for line in member.lines() if "warning" in line or "error" in line
        ]

    assert complaints == []
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 100
    woken = await db.sql("select distinct woken_by from alfrd.events where step = 'ocr'")
    assert {row["woken_by"] for row in woken} <= {"notify", "handoff", "awake"}
    await each_step_was_committed_once(db)


def test_what_a_worker_marks_does_not_leak_to_others(db: Harness, pooler: int) -> None:
    """A worker's transaction is marked as a worker's; the next user of the server connection is a person."""
    database = db.url.split("@/")[1].split("?")[0]
    url = f"postgresql://postgres@127.0.0.1:{pooler}/{database}"
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("insert into alfrd.documents (filename, content) values ('a', 'x')")
        worker = connection.execute("select alfrd.register_worker('a', '', 0, '', '{ocr}', 30)").fetchone()
        assert worker is not None
        for _ in range(8):
            connection.execute("select alfrd.exchange(%s, '[]', '{}', 'start')", worker)
            connection.execute("update alfrd.documents set document_type = 'tax'")
            connection.execute("update alfrd.documents set document_type = 'receipt'")
        recorded = connection.execute("select count(*) from alfrd.corrections").fetchone()

    assert recorded == (16,)
