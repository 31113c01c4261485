"""Files that browsers and programs bring: each a document, or all of them the pages of one."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import UploadFile

from alfrd_events.console.texts import english
from alfrd_events.db.database import Database
from alfrd_events.db.documents import NewDocument, NewPart, Submitted
from alfrd_events.db.documents import submit as insert
from alfrd_events.errors import AlfrdError
from alfrd_events.filenames import printable

_LONGEST_NAME = 500


class NoFiles(AlfrdError):
    """A form without a file."""


async def submit(
    database: Database, files: Sequence[UploadFile], *, tags: Sequence[str] = (), as_one: bool = False
) -> list[Submitted]:
    """Insert what came; what is known already stays as it is.

    :param as_one: all files are parts of one document, in the order in which they came.
    :raise NoFiles: there is none, or all are empty.
    :raise Refused: PostgreSQL does not take one; those before it are in.
    """
    parts = [part for part in [NewPart(_name(file), await file.read()) for file in files] if part.content]
    if not parts:
        raise NoFiles(english().plain("error.no_files"))
    together = [tuple(parts)] if as_one else [(part,) for part in parts]
    return [
        await insert(database, NewDocument(group[0].filename, group, tags=tuple(tags))) for group in together
    ]


def _name(file: UploadFile) -> str:
    """The name that a browser gives, without folders and what does not print."""
    plain = printable((file.filename or "").replace("\\", "/").rpartition("/")[2]).strip()
    return plain[:_LONGEST_NAME] or "upload"
