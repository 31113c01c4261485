"""Hand paths over to the database, one after the other; one that will not do does not stop the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alfrd_events.db.database import Database
from alfrd_events.db.documents import NewDocument, Submitted, submit
from alfrd_events.errors import Refused
from alfrd_events.ingest.files import NotSubmitted, expand, single
from alfrd_events.ingest.meta import folder_document


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one path."""

    path: Path | None
    document: Submitted | None
    problem: str = ""
    """Why it is no document."""


async def add(
    database: Database, given: Sequence[str], *, max_bytes: int, tags: Sequence[str] = ()
) -> AsyncIterator[Added]:
    """Submit what paths and patterns name; see :func:`.files.expand`.

    :raise DatabaseUnavailable: the rest was not looked at.
    """
    for path in await asyncio.to_thread(lambda: list(expand(given))):
        if isinstance(path, NotSubmitted):
            yield Added(None, None, str(path))
            continue
        try:
            document = await asyncio.to_thread(load, path, max_bytes, tuple(tags))
            yield Added(path, await hand_over(database, document))
        except NotSubmitted as problem:
            yield Added(path, None, str(problem))


def load(path: Path, max_bytes: int, tags: tuple[str, ...] = (), *, follow: bool = True) -> NewDocument:
    """A file, or a folder with a ``meta.json``, as a document with its bytes.

    :raise NotSubmitted: it will not do; the message names it and says why.
    """
    if path.is_dir():
        try:
            return folder_document(path, max_bytes, tags)
        except NotSubmitted as problem:
            raise type(problem)(f"{path.name}: {problem}") from problem
    return single(path, max_bytes, tags, follow=follow)


async def hand_over(database: Database, document: NewDocument) -> Submitted:
    """Submit a document.

    :raise NotSubmitted: its id belongs to another document, or PostgreSQL does not take it.
    """
    try:
        submitted = await submit(database, document)
    except Refused as error:
        raise NotSubmitted(f"{document.filename}: {error}") from error
    if not submitted.same_content:
        raise NotSubmitted(
            f"{document.filename}: document {submitted.id} exists already, with other content; "
            "give this one an id of its own"
        )
    return submitted
