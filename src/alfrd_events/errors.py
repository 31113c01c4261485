"""Every error that this program raises on purpose, in one tree.

A message says what happened, to which thing, and what to do now. It never holds a document's text
or a secret: messages end up in logs and in ``documents.error``.

The engine sorts by these classes:

- :class:`Transient`: the task is tried again later, with exponential backoff;
- :class:`Throttled`: the task waits, and the wait does not count as an attempt; :class:`WorkerUnfit` is one of them;
- :class:`Permanent`: trying again is useless; the document fails at once with the message.

Any other exception out of a handler is a bug and is treated as transient, so that a fixed release
finds the document still in the queue.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alfrd_events.model import Task


class AlfrdError(Exception):
    """The root: anything that this program refuses or reports on purpose."""


class Transient(AlfrdError):
    """It did not work now, and may work later: a time-out, a reset connection, a busy server."""


class Throttled(Transient):
    """A provider asks us to slow down; waiting is not a failed attempt."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the provider asked for; ``None`` if it named none."""


class WorkerUnfit(Throttled):
    """This machine or this installation cannot do the work now; no document is to blame, and no attempt is counted.

    The message says what to do; the worker logs it once, and goes on by itself when it is done.
    """


_REMEDIES = {
    errno.EMFILE: "raise the number of files that this worker may open (ulimit -n; LimitNOFILE= of systemd)",
    errno.ENFILE: "this machine has no more file handles (sysctl fs.file-max)",
    errno.ENOMEM: "give this machine more memory, or lower ALFRD_OCR_PROCESSES",
    errno.ENOSPC: "make room on the disk of this worker",
    errno.EDQUOT: "make room on the disk of this worker, or raise its quota",
    errno.EROFS: "mount the disk of this worker so that it can be written",
}
_MORE_PROCESSES = (
    "raise the number of processes that this worker may start (ulimit -u; pids_limit of a container)"
)


def shortage(error: BaseException) -> WorkerUnfit | None:
    """Return the shortage that an operating-system error reports; ``None``: it reports none.

    A shortage is one of file handles, memory for a process, threads or disk.
    """
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        return WorkerUnfit(
            f"this worker lacks what it needs ({os.strerror(error.errno)}); {_REMEDIES[error.errno]}"
        )
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return WorkerUnfit(f"this worker lacks what it needs (it cannot start a thread); {_MORE_PROCESSES}")
    return None


def no_process(error: BaseException, program: str) -> WorkerUnfit:
    """Return the error for a process that could not be started."""
    if isinstance(error, OSError) and error.errno == errno.EAGAIN:
        return WorkerUnfit(
            f"this worker cannot start a process ({os.strerror(error.errno)}); {_MORE_PROCESSES}"
        )
    return shortage(error) or WorkerUnfit(
        f"this worker cannot start {program} ({error}); see that it can be run"
    )


class Permanent(AlfrdError):
    """It will never work with this input; the message goes to the document's owner."""


class Unreadable(Permanent):
    """A file that no reader can turn into pages: damaged, protected, empty or of an unknown type."""


class StaleClaim(AlfrdError):
    """A worker finished a task that it no longer owns."""

    def __init__(self, task: Task) -> None:
        super().__init__(
            f"task {task.id} ({task.step} of {task.subject_id}): attempt {task.attempt} lost its "
            f"lease and its result was not written; if this repeats, raise ALFRD_LEASE_SECONDS"
        )
        self.task = task


class NotFound(AlfrdError):
    """The id that was asked for is not in this database."""


class Refused(AlfrdError):
    """The database or a guard refused what was asked; the message says which rule."""


class SettingsInvalid(AlfrdError):
    """A setting is missing or makes no sense; the message names it and shows a good value."""


class Unhealthy(AlfrdError):
    """Something in the set-up is wrong, as ``doctor`` finds it; the hint says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class DatabaseUnavailable(AlfrdError):
    """No connection to PostgreSQL; the message says where it was looked for."""


class SchemaOutdated(AlfrdError):
    """The database is older than this program: run ``alfrd-events migrate``."""


class SchemaTooNew(AlfrdError):
    """The database is newer than this program: upgrade the program before it touches anything."""
