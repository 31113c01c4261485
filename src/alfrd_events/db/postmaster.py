"""The process that ``postmaster.pid`` names: ours to wait for and to stop, or a stranger with the same number.

A power cut leaves the file behind, and after the reboot its number belongs to any process. So a number alone proves
nothing: a process is a cluster's server if the cluster's owner runs it, as ``postgres``, on that very directory. Its
start time is no proof, since a clock that is set moves it. What is not proven is never signalled.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

FILE = "postmaster.pid"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A living server of a cluster."""

    process: psutil.Process
    sockets: Path
    port: int

    def stop(self, seconds: float) -> bool:
        """Shut down in order (sessions are ended, everything is written); whether it ended in time.

        psutil signals the process that was found, never another one that has got its number since.
        """
        try:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(seconds)
        except psutil.NoSuchProcess:
            return True
        except (psutil.TimeoutExpired, psutil.AccessDenied):
            return False
        return True


def find(cluster: Path) -> Postmaster | None:
    """The server that runs on a data directory; ``None``: none does, or none that can be proven."""
    entries = _entries(cluster / FILE)
    process = _process(entries)
    if process is None or not _serves(process, cluster) or len(entries) < 5 or not entries[3].isdigit():
        return None
    return Postmaster(process, Path(entries[4]), int(entries[3]))


def forget_stranger(cluster: Path, sockets: Path, port: int) -> None:
    """Remove lock files whose number belongs to a process that is not the cluster's server.

    PostgreSQL itself passes over numbers of nobody and of other users' processes, but would not start beside one of
    the same user. A server that was really there would still be noticed by it: by the shared memory of the directory.

    :param sockets: where the server's socket goes, which has a lock file of its own; the server's alone.
    """
    for lock in (cluster / FILE, sockets / f".s.PGSQL.{port}.lock"):
        process = _process(_entries(lock))
        if process is not None and _serves(process, cluster) is False:
            lock.unlink(missing_ok=True)


def _entries(lock: Path) -> list[str]:
    """The lines of a lock file: pid, data directory, start, port, socket directory, and more in ``postmaster.pid``."""
    try:
        return lock.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _process(entries: list[str]) -> psutil.Process | None:
    try:
        return psutil.Process(int(entries[0]))
    except (IndexError, ValueError, OverflowError, psutil.NoSuchProcess):
        return None


def _serves(process: psutil.Process, cluster: Path) -> bool | None:
    """Whether it is the server of this directory; ``None``: that cannot be told either way."""
    try:
        arguments = process.cmdline()
        owner = process.uids().effective
    except psutil.AccessDenied:
        return None
    except psutil.NoSuchProcess:  # or a zombie
        return False
    if not arguments or Path(arguments[0]).name != "postgres" or owner != cluster.stat().st_uid:
        return False
    directories = [after for option, after in pairwise(arguments) if option == "-D"]
    try:
        return Path(directories[-1]).is_absolute() and Path(directories[-1]).samefile(cluster)
    except (IndexError, OSError):
        return None  # a server, but of what: it was started otherwise, or its directory was moved
