"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

DISTRIBUTIONS = {"absurd": "absurd-sdk"}
"""Peers whose package has another name."""


def describe(checkout: Path, peers: list[str]) -> dict[str, Any]:
    """The machine, the versions, and how busy and how slow the machine was as the run began."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "source": _source(checkout),
        "python": platform.python_version(),
        "packages": {
            name: version(DISTRIBUTIONS.get(name, name)) for name in ("alfrd-events", "psycopg", *peers)
        },
        "load_average": os.getloadavg(),
        "flush_ms": flush_milliseconds(),
    }


def _source(checkout: Path) -> str:
    """The commit that is measured, and whether files differ from it."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    done = subprocess.run(
        [git, "describe", "--always", "--dirty"], cwd=checkout, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def flush_milliseconds() -> float:
    """The median time that a small write takes to reach the disk: what a commit waits for at least."""
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(100):
            file.write(b"x" * 8192)
            file.flush()
            began = time.monotonic()
            os.fdatasync(file.fileno())
            times.append((time.monotonic() - began) * 1000)
    return round(statistics.median(times), 3)
