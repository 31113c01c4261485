"""Every error that this program raises on purpose, in one tree.

A message says what happened, to which thing, and what to do now. It never holds a document's text
or a secret: messages end up in logs and in ``documents.error``.

The engine sorts by these classes:

- :class:`Transient`: the task is tried again later, with exponential backoff;
- :class:`Throttled`: the task waits, and the wait does not count as an attempt;
- :class:`Permanent`: trying again is useless; the document fails at once with the message.

Any other exception out of a handler is a bug and is treated as transient, so that a fixed release
finds the document still in the queue.
"""

from __future__ import annotations

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
