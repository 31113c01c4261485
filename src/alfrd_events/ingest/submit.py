"""Hand paths and objects over to the database, one after the other; one that will not do does not stop the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from alfrd_events.clients.s3 import Buckets, ObjectUri, StoredObject, is_s3
from alfrd_events.db.database import Database
from alfrd_events.db.documents import NewDocument, Submitted, submit, submit_uri
from alfrd_events.db.operate import replay
from alfrd_events.errors import Permanent, Refused, Transient
from alfrd_events.filenames import is_leftover, printable
from alfrd_events.ingest.files import LeftOut, NotSubmitted, expand, single
from alfrd_events.ingest.meta import folder_document


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one path."""

    path: Path | str | None
    """A file, or the URI of an object."""
    document: Submitted | None
    problem: str = ""
    """Why it is no document."""
    left_out: bool = False
    """It is what systems leave behind: nothing is wrong with it."""


async def add(
    database: Database,
    given: Sequence[str],
    *,
    max_bytes: int,
    tags: Sequence[str] = (),
    buckets: Buckets | None = None,
    expect: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[Added]:
    """Submit what paths and patterns name (see :func:`.files.expand`), and what ``s3://`` URIs do.

    :param expect: called with the number of files before the first of them is read.
    :raise DatabaseUnavailable: the rest was not looked at.
    """
    for uri in filter(is_s3, given):
        async for added in _add_objects(database, uri, tags, buckets):
            yield added
    paths = [entry for entry in given if not is_s3(entry)]
    found = await asyncio.to_thread(lambda: list(expand(paths)))
    expect(len(found))
    for path in found:
        if isinstance(path, LeftOut):
            yield Added(str(path), None, left_out=True)
            continue
        if isinstance(path, NotSubmitted):
            yield Added(None, None, str(path))
            continue
        try:
            document = await asyncio.to_thread(load, path, max_bytes, tuple(tags))
            yield Added(path, await hand_over(database, document))
        except NotSubmitted as problem:
            yield Added(path, None, str(problem))


async def _add_objects(
    database: Database, uri: str, tags: Sequence[str], buckets: Buckets | None
) -> AsyncIterator[Added]:
    """Submit an object, or all that are under a prefix, which ends with a slash."""
    try:
        if buckets is None:
            raise NotSubmitted(f"{uri}: no bucket may be read; name those that may in ALFRD_S3_BUCKETS")
        place = buckets.place(uri)
        if place.key and not place.key.endswith("/"):
            if is_leftover(place.name):
                yield Added(uri, None, left_out=True)
                return
            found = await buckets.look_up(place)
            yield Added(uri, await hand_over_object(database, found, tags))
            return
        nothing = True
        async for objects in buckets.listed(place):
            for found in objects:
                nothing = False
                if is_left_behind(found, place):
                    yield Added(found.place.uri, None, left_out=True)
                    continue
                yield Added(found.place.uri, await hand_over_object(database, found, tags))
        if nothing:
            raise NotSubmitted(f"{uri}: no objects are there")
    except (NotSubmitted, Permanent, Transient) as problem:
        yield Added(uri, None, str(problem))


def is_left_behind(found: StoredObject, under: ObjectUri) -> bool:
    """Whether an object is what systems leave behind, by its key from the prefix on that a person chose."""
    return is_leftover(found.place.key.removeprefix(under.key.rpartition("/")[0]).lstrip("/"))


def load(path: Path, max_bytes: int, tags: tuple[str, ...] = (), *, follow: bool = True) -> NewDocument:
    """A file, or a folder with a ``meta.json``, as a document with its bytes.

    :raise NotSubmitted: it will not do; the message names it and says why.
    """
    if path.is_dir():
        try:
            return folder_document(path, max_bytes, tags)
        except NotSubmitted as problem:
            raise type(problem)(f"{printable(path.name)}: {problem}") from problem
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


async def try_again(database: Database, submitted: Submitted) -> bool:
    """Replay a document whose content came again after it had failed; whether it had."""
    return submitted.status == "failed" and bool(await replay(database, failed=True, document=submitted.id))


def how_to_retry(id: UUID, status: str) -> str:
    """What to do for a document that has failed, or was cancelled, to be read again; empty for any other."""
    if status == "failed":
        return f"alfrd-events replay --failed --document {id}"
    if status == "cancelled":
        return f"set its status to 'pending' in alfrd.documents, where id = '{id}'"
    return ""


async def hand_over_object(database: Database, found: StoredObject, tags: Sequence[str]) -> Submitted:
    """Submit an object of S3, whose bytes stay there.

    :raise NotSubmitted: PostgreSQL does not take it.
    """
    try:
        return await submit_uri(
            database,
            filename=found.place.name,
            uri=found.place.uri,
            fingerprint=found.fingerprint,
            tags=tags,
        )
    except Refused as error:
        raise NotSubmitted(f"{found.place.uri}: {error}") from error
