"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from importlib.metadata import version
from typing import Any

import psutil


def describe(peers: list[str]) -> dict[str, Any]:
    """The machine, the versions, and how busy and how slow the machine was as the run began."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("alfrd-events", "psycopg", *peers)},
        "load_average": os.getloadavg(),
        "flush_ms": flush_milliseconds(),
    }


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
