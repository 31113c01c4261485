"""What makes a process expendable: it dies with its parent, keeps the wire for itself, and has limits of its own."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

PR_SET_PDEATHSIG = 1
MAX_FILES = 64
"""Open at a time; the libraries of the reader and their models take a dozen."""


def die_with(parent: int) -> None:
    """End when the parent does, however it ends; the end of the pipe is only noticed between requests."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(0)


def take_the_wire() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves, so that no library reads from them or prints into them.

    Standard error goes nowhere from here on; what kept the process from starting has reached the parent by then.
    """
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    return requests, replies


def limit_self(memory_bytes: int) -> None:
    """Limit memory and open files, and forbid writing files. Keep a limit that is already lower."""
    if sys.platform == "linux":  # macOS has no such limit
        _lower(resource.RLIMIT_AS, memory_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, MAX_FILES)


def allow_processor_time(seconds: int) -> None:
    """Start the count anew: the kernel's limit is for the whole life of a process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        allowed = min(allowed, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


def where(error: Exception) -> str:
    """Name an unexpected error by type and place; its message could quote the document."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _lower(limit: int, to: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        to = min(to, hard)
    resource.setrlimit(limit, (to, to))
