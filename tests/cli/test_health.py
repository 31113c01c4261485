"""``health``: an exit code for containers; and a worker that shows its numbers."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.cli.program import Program, bill


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_it_fails_without_a_worker_and_once_a_worker_has_stopped_beating(database_url: str) -> None:
    program = Program(database_url, ALFRD_LEASE_SECONDS="2")
    assert "no worker of" in program.inside("health", exit_code=1)[0]
    with program.started("run") as worker:
        wait_for(lambda: program("health", exit_code=None).returncode == 0)
        assert program.json("health", "--anywhere")["alive"] is True
        assert "no worker of elsewhere" in program.inside("health", "--host", "elsewhere", exit_code=1)[0]
        worker.send_signal(signal.SIGSTOP)
        wait_for(lambda: program("health", exit_code=None).returncode == 1)
        worker.send_signal(signal.SIGCONT)
        wait_for(lambda: program("health", exit_code=None).returncode == 0)


def test_a_database_that_is_away_is_no_health(database_url: str) -> None:
    program = Program("postgresql://nobody@127.0.0.1:1/nothing")
    assert program("health", exit_code=1).stderr


def test_a_worker_shows_its_numbers_and_that_it_stops(database_url: str, tmp_path: Path) -> None:
    program = Program(database_url, ALFRD_LOG_FORMAT="json")
    program.inside("add", bill(tmp_path))
    with program.started("run", "--metrics", "127.0.0.1:0") as worker:
        assert worker.stderr is not None
        lines = (json.loads(line) for line in worker.stderr)
        port = next(line["port"] for line in lines if "port" in line)

        def page(path: str) -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.read().decode()

        wait_for(lambda: 'alfrd_outcomes_total{outcome="done",step="extract"} 1.0' in page("/metrics"))
        assert json.loads(page("/readyz"))["ready"] is True
        assert json.loads(page("/healthz")) == {"alive": True}
        worker.terminate()
        assert worker.wait(30) == 0


def test_an_address_that_makes_no_sense_is_refused(database_url: str) -> None:
    _, said = Program(database_url).inside("run", "--once", "--metrics", "there", exit_code=1)
    assert "127.0.0.1:9464" in said
