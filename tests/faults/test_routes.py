"""The engine keeps its promises by every way to the server: its own tests are run again by each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.processes import ROOT
from tests.support.pgbouncer import NOT_INSTALLED, PROGRAM

ENGINE = sorted((ROOT / "tests" / "engine").glob("test_*.py"))


@pytest.mark.skipif(PROGRAM is None, reason=NOT_INSTALLED)
def test_the_engine_passes_its_tests_through_pgbouncer() -> None:
    passed, left_out = _run(ENGINE, "pgbouncer")

    assert passed > 200
    assert left_out == 4  # sessions are the pooler's there


def test_the_engine_passes_its_tests_without_listen() -> None:
    starting_workers = [file for file in ENGINE if "run_worker" in file.read_text()]
    passed, left_out = _run(starting_workers, "deaf")

    assert passed > 20
    assert left_out == 2  # what is about the bell itself


def _run(files: list[Path], route: str) -> tuple[int, int]:
    """Run tests by a route; how many passed, and how many were left out."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, files), "-q", "-n", "2", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**environment, "ALFRD_TEST_ROUTE": route},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    return _count(run.stdout, "passed"), _count(run.stdout, "skipped")


def _count(summary: str, what: str) -> int:
    found = re.search(rf"(\d+) {what}", summary)
    return int(found[1]) if found else 0
