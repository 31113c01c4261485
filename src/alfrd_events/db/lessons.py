"""What corrections taught: for workers, and for those who look at it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from alfrd_events.db.database import Database, Row
from alfrd_events.db.json import uuid_of
from alfrd_events.db.values import usable_amount, usable_date
from alfrd_events.model import Document, JsonObject, Lesson, TaughtPlace
from alfrd_events.model.trials import TaughtLesson, Trial

Loader = Callable[[Database, Sequence[UUID]], Awaitable[dict[UUID, Document]]]


async def lessons_by_owner(database: Database) -> dict[str, tuple[Lesson, ...]]:
    """The lessons that are believed, by owner, the oldest first."""
    taught: dict[str, list[Lesson]] = defaultdict(list)
    for owner, kind, sender, marks, field, found, value, place in await database.tuples(
        "select owner, kind, sender, marks, field, found, value, place from alfrd.lessons where active order by id"
    ):
        taught[owner].append(
            Lesson(
                kind, sender, tuple(mark for mark in marks or () if mark), field, found, value, _place(place)
            )
        )
    return {owner: tuple(lessons) for owner, lessons in taught.items()}


def _place(row: JsonObject | None) -> TaughtPlace | None:
    """A place as a constraint of ``alfrd.lessons`` has let it in."""
    if row is None:
        return None
    left, top, right, bottom = map(float, row["box"])
    anchors = tuple((text, float(x), float(y)) for text, x, y in row["anchors"])
    return TaughtPlace(int(row["page"]), (left, top, right, bottom), float(row["aspect"]), anchors)


async def trials(database: Database, senders: Sequence[UUID], load: Loader) -> dict[UUID, Trial]:
    """What is to be tried of these senders; one of whom no lessons are left has none.

    :param load: gives documents with their pages.

    Source: ``sql/functions/lesson_trials.sql``.
    """
    found = {}
    for row in await database.rows("select * from alfrd.lesson_trials(%s::uuid[])", [list(senders)]):
        taught = tuple(_taught(row["sender"], each) for each in row["lessons"])
        wanted = {each.document for each in taught if each.document and not each.is_tried}
        documents = await load(database, [*wanted.union(row["papers"])])
        found[row["sender_id"]] = Trial(
            row["sender"],
            taught,
            tuple(documents[id] for id in row["papers"] if id in documents),
            {id: documents[id] for id in wanted if id in documents},
        )
    return found


def _taught(sender: str, row: Row) -> TaughtLesson:
    field, right = row["field"], row["right"]
    document, against = row["document_id"], row["against"]
    return TaughtLesson(
        row["id"],
        Lesson(
            row["kind"], sender, tuple(row["marks"]), field, row["found"], row["value"], _place(row["place"])
        ),
        uuid_of(document) if document else None,
        usable_amount(right)
        if field == "total_amount"
        else usable_date(right)
        if field.endswith("_date")
        else None,
        row["is_tried"],
        uuid_of(against) if against else None,
    )


async def lessons(database: Database) -> list[Row]:
    """Every lesson that the login may see, the newest first."""
    return await database.rows(
        "select id, owner, kind, sender, field, found, value, place, marks, document_id, change_id, active,"
        " contradicted_by, tried_at, taught_by, taught_at from alfrd.lessons order by id desc"
    )


async def unlearn(database: Database, lesson: int) -> None:
    """Undo a lesson; one that it contradicted is believed again.

    :raise NotFound: there is no such lesson, or the login may not see it.

    Source: ``sql/functions/lessons.sql``.
    """
    await database.value("select alfrd.unlearn(%s)", [lesson])


async def reviews_taught(database: Database, document: UUID) -> list[UUID]:
    """Open reviews of the sender of whom corrections of this document have taught something, a hundred at most."""
    found: list[UUID] = await database.value("select alfrd.reviews_taught(%s)", [document])
    return found


async def apply_lessons(database: Database, document: UUID) -> list[UUID]:
    """Do these again with what was taught; which ones.

    :raise NotFound: there is no such document.
    """
    found: list[UUID] = await database.value("select alfrd.apply_lessons(%s)", [document])
    return found
