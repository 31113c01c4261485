"""A limit on open files: raised where it may be, named where it may not."""

from __future__ import annotations

import resource
import subprocess

import pytest

from tests.cli.program import ENTRY_POINT, Program


@pytest.mark.parametrize("hard", [16, 64, 127])
def test_too_few_file_handles_are_named_at_the_start(database_url: str, hard: int) -> None:
    done = subprocess.run(
        ["bash", "-c", f"ulimit -n {hard}; exec {ENTRY_POINT} status"],
        env=Program(database_url).environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: only {hard} files may be open at once")


def test_a_soft_limit_is_raised(database_url: str) -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 128
    done = subprocess.run(
        ["bash", "-c", f"ulimit -S -n 20; exec {ENTRY_POINT} status"],
        env=Program(database_url).environment,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
