"""What a person should look at, and what is known of each value of a document."""

from __future__ import annotations

from uuid import UUID

from alfrd_events.db.database import Database, Row
from alfrd_events.errors import NotFound


async def documents_to_review(
    database: Database,
    *,
    status: str | None = None,
    document_type: str | None = None,
    tag: str | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Documents that fit and need review, those of the least sure value first."""
    return await database.rows(
        "select d.id, d.filename, d.status, d.document_type, d.entity, d.document_date, d.total_amount, d.currency,"
        " d.review_confidence, d.review_reason, d.created_at"
        "  from alfrd.documents d where d.needs_review"
        "   and (%(status)s::text is null or d.status = %(status)s)"
        "   and (%(type)s::text is null or d.document_type = %(type)s)"
        "   and (%(tag)s::text is null or exists"
        "        (select from alfrd.tags t where t.document_id = d.id and t.tag = lower(btrim(%(tag)s))))"
        " order by d.review_confidence, d.created_at, d.id limit %(limit)s",
        {"status": status, "type": document_type, "tag": tag, "limit": limit},
    )


async def review_of(database: Database, document: UUID) -> Row:
    """Whether and why a document needs review, and its values as ``alfrd.document_values`` has them.

    :raise NotFound: there is no such document.
    """
    found = await database.row(
        "select needs_review, review_reason, review_confidence from alfrd.documents where id = %s", [document]
    )
    if found is None:
        raise NotFound(f"no document {document}")
    values = await database.rows(
        "select v.field, v.value, v.text, v.page, v.box, v.confidence, v.source, v.alternatives, v.corrected"
        "  from alfrd.document_values v where v.document_id = %s",
        [document],
    )
    return {**found, "values": values}
