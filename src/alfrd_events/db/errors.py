"""From SQLSTATEs to this program's errors.

Class ``AL`` is ours, raised by the functions under ``sql/``:

======== ==========================================================
AL001    an illegal change of status
AL002    the worker is not registered (any more)
AL003    an unknown document type
AL004    no such document or file
======== ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout

from alfrd_events.errors import AlfrdError, DatabaseUnavailable, NotFound, Refused, SchemaOutdated


class WorkerUnknown(AlfrdError):
    """The worker was taken for dead, and its tasks were given to others; it has to register again."""


class Interrupted(AlfrdError):
    """The transaction was rolled back by a conflict with another; doing it again is right."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise this program's errors for those of the driver."""
    try:
        yield
    except (PoolTimeout, PoolClosed) as error:
        raise DatabaseUnavailable(f"no connection to PostgreSQL: {error}") from error
    except psycopg.Error as error:
        raise translate(error) from error


def translate(error: psycopg.Error) -> AlfrdError:
    """Name a driver's error in this program's terms; the original is chained by the caller."""
    state = error.sqlstate or ""
    text = error.diag.message_primary or str(error).strip() or type(error).__name__
    hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
    if state == "AL002":
        return WorkerUnknown(text)
    if state == "AL004":
        return NotFound(text)
    if state.startswith("AL"):
        return Refused(text + hint)
    if isinstance(
        error, pg.UndefinedTable | pg.UndefinedFunction | pg.UndefinedColumn | pg.InvalidSchemaName
    ):
        return SchemaOutdated(
            f"the database lacks something this program needs ({text}): run alfrd-events migrate"
        )
    if isinstance(
        error, pg.SerializationFailure | pg.DeadlockDetected | pg.UniqueViolation | pg.LockNotAvailable
    ):
        return Interrupted(text)
    if state.startswith("22"):
        # A data exception quotes the value, which may be a document's: name the condition instead.
        return Refused(f"PostgreSQL refused a value ({type(error).__name__}, SQLSTATE {state})")
    if state[:2] in ("21", "23", "54"):
        return Refused(f"PostgreSQL refused: {text}{hint}")
    # All that is left is not about what was handed in: no server, a read-only one, no right, no room, no time.
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and state[:2] not in ("53", "57"):
        return DatabaseUnavailable(f"PostgreSQL is not there: {text}")
    return DatabaseUnavailable(f"PostgreSQL cannot do it now: {text}{hint}")
