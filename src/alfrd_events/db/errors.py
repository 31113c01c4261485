"""From SQLSTATEs to this program's errors.

Class ``AL`` is ours, raised by the functions under ``sql/``:

======== ==========================================================
AL001    an illegal change of status
AL002    the worker is not registered (any more)
AL003    an unknown document type
AL004    no such document or file
AL005    an argument that makes no sense
AL006    a version of a prompt that would change, or be missing
AL007    a document that a unique index refuses, or row level security hides
AL008    a function that row level security leaves no room for
AL010    internal: a sum that does not fit under a cap
======== ==========================================================

Who is to blame decides what becomes of a worker's result:

==================== ======================================= ===================================================
the moment           :class:`.DatabaseUnavailable`            no server, a read-only one, no room: wait for it
another transaction  :class:`Interrupted`                     a deadlock, a lock that another session holds: again
unclear              :class:`Doubtful`, :class:`TimedOut`     do it again alone, but not for ever
what was handed in   :class:`.Refused`                        a constraint, a trigger that raises: never again
==================== ======================================= ===================================================
"""

from __future__ import annotations

import re
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


class Doubtful(AlfrdError):
    """The transaction was rolled back, by the moment or by what was handed in: do it again, but not for ever."""


class TimedOut(Doubtful):
    """The server stopped the transaction because it took longer than it may."""


class NoAnswer(DatabaseUnavailable):
    """We hung up because nothing came back in time; whether the transaction had its effect is not known."""


# By SQLSTATE, or its class. What is in none of them is in doubt.
_OF_THE_MOMENT = ("08", "25006", "28", "3D", "53", "57", "58", "F0")
_OF_ANOTHER_TRANSACTION = ("40", "55P03")
_OF_TIME = ("57014", "25P04")
_OF_THE_VALUE = ("20", "21", "22", "23", "27", "38", "39", "44", "54", "HV", "P0")
_OF_DOUBT = ("23505", "53200", "XX")
_OUTDATED = (pg.UndefinedTable, pg.UndefinedFunction, pg.UndefinedColumn, pg.InvalidSchemaName)
# These quote values, or are worded by the author of a trigger: a document's text may be in them.
_MAY_QUOTE = ("22", "38", "39", "HV", "P0")

# As sql/migrations/0001_documents.sql has them.
_BYTES_AT_MOST = {
    "documents_owner": 2_000,
    "documents_filename": 100_000,
    "documents_uri": 100_000,
    "documents_fingerprint": 2_000,
    "documents_summary": 1_000_000,
    "documents_entity": 10_000,
    "documents_currency": 200,
    "documents_account_number": 2_000,
    "document_parts_filename": 100_000,
    "document_parts_uri": 100_000,
    "files_owner": 2_000,
    "files_title": 100_000,
    "tags_tag": 2_000,
}


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
    if state.startswith("AL"):
        return _of_ours(error)
    function = _foreign_function(error)
    text = _told(error, function)
    if state.startswith(_OF_TIME):
        return TimedOut(text)
    if state.startswith(_OF_ANOTHER_TRANSACTION):
        return Interrupted(text)
    if state.startswith(_OF_DOUBT):
        return Doubtful(text)
    if state.startswith(_OF_THE_MOMENT) or _notifications_are_stuck(error):
        return DatabaseUnavailable(f"PostgreSQL cannot do it now: {text}")
    if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable(f"PostgreSQL is not there: {text}")
    if function or state.startswith(_OF_THE_VALUE) or isinstance(error, psycopg.DataError):
        return Refused(f"PostgreSQL refused: {text}")
    if isinstance(error, _OUTDATED):
        return SchemaOutdated(
            f"the database lacks something this program needs ({text}): run alfrd-events migrate"
        )
    return Doubtful(f"PostgreSQL cannot do it: {text}")


def _notifications_are_stuck(error: psycopg.Error) -> bool:
    """A commit failed because the queue of notifications is full; the state is that of a value that is too large."""
    return error.sqlstate == "54000" and error.diag.source_file == "async.c"


def _of_ours(error: psycopg.Error) -> AlfrdError:
    text = error.diag.message_primary or ""
    match error.sqlstate:
        case "AL002":
            return WorkerUnknown(text)
        case "AL004":
            return NotFound(text)
    return Refused(f"{text} ({error.diag.message_hint})" if error.diag.message_hint else text)


def _told(error: psycopg.Error, function: str) -> str:
    """What happened, without a word that may be a document's."""
    state = error.sqlstate or ""
    if function or state.startswith(_MAY_QUOTE) or (not state and isinstance(error, psycopg.DataError)):
        where = f" in function {function}" if function else ""
        return f"{type(error).__name__}, SQLSTATE {state or 'none'}{where}"
    text = " ".join((error.diag.message_primary or str(error) or type(error).__name__).split())
    hint = error.diag.message_hint or _bound(error.diag.constraint_name or "")
    return f"{text} ({hint})" if hint else text


def _bound(constraint: str) -> str:
    """What a value must be that a check of ours refuses."""
    column = constraint.rpartition("_is_")[0]
    if constraint.endswith("_is_short") and (bytes_at_most := _BYTES_AT_MOST.get(column)):
        return f"it may have at most {bytes_at_most:,} bytes"
    if constraint.endswith("_is_money"):
        return "an amount is a number below 10^15, with at most 30 decimal places"
    if constraint.endswith("_is_in_years_1_to_9999"):
        return "a date lies in the years 1 to 9999"
    return "a list of texts, none of them null" if constraint.endswith("_are_a_plain_list") else ""


def _foreign_function(error: psycopg.Error) -> str:
    """The innermost procedure that the error came from, if it is not one of ours: a user's trigger, for instance.

    A function in language SQL does not tell its schema; whose it is shows who called it.
    """
    for line in (error.diag.context or "").splitlines():
        if "PL/" in line and (found := re.search(r'([\w."$]+)\(', line)):
            return "" if found[1].startswith("alfrd.") else found[1]
    return ""
