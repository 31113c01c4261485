"""Bills in the database: which are open, paid, overdue or credited, and what paid them.

Source: ``sql/functions/payments_by_people.sql``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from alfrd_events.db.database import Database, Row


async def bills(
    database: Database,
    states: Sequence[str] = (),
    *,
    series: Sequence[str] | None = None,
    unclear: bool = False,
) -> list[Row]:
    """Bills, those to be paid first, by the day to pay them by; then the paid and credited ones, the newest first.

    :param states: ``open``, ``paid``, ``overdue``, ``credited``; all if empty.
    :param series: only of series with these slugs.
    :param unclear: only those that may have been paid by the payment of an equal one.
    """
    return await database.rows(
        "select b.*, st.filename as statement, credit.filename as credit_note, rival.filename as rival"
        "  from alfrd.bills b"
        " left join alfrd.documents st on st.id = b.statement_id"
        " left join alfrd.documents credit on credit.id = b.credit_note_id"
        " left join alfrd.documents rival on rival.id = b.rival_id"
        " where (%(states)s::text[] = '{}' or b.state = any (%(states)s))"
        "   and (%(series)s::text[] is null or b.series = any (%(series)s))"
        "   and (b.rival_id is not null or not %(unclear)s)"
        " order by b.state in ('paid', 'credited'),"
        "   case when b.state not in ('paid', 'credited') then coalesce(b.due, b.issued) end, b.paid_on desc,"
        "   b.filename, b.document_id",
        {
            "states": list(states),
            "series": None if series is None else list(series),
            "unclear": unclear,
        },
    )


async def link(
    database: Database,
    bill: UUID,
    statement: UUID | None = None,
    row: int | None = None,
    paid_on: date | None = None,
    amount: Decimal | None = None,
) -> int:
    """Say that a bill is paid, or taken back by a credit note in the statement's place; the number of the payment.

    :param row: of the statement, from 0; the first one of the bill's amount if not given.
    :param paid_on: the row's day if not given; without a row, today.
    :raise NotFound: there is no such bill or statement.
    :raise Refused: the statement has no such row, or it is not known how much was paid.
    """
    payment: int = await database.value(
        "select alfrd.link_payment(%s, %s, %s, %s, %s)", [bill, statement, row, paid_on, amount]
    )
    return payment


async def unlink(database: Database, bill: UUID) -> int:
    """Say that a bill was not paid by what is linked to it; how many links went.

    :raise NotFound: nothing is linked to it.
    """
    gone: int = await database.value("select alfrd.unlink_payment(%s)", [bill])
    return gone


async def of_documents(database: Database, documents: Sequence[UUID]) -> dict[UUID, Row]:
    """Those of the documents that are bills, each with the row of the statement that paid it last, by their ids."""
    rows = await database.rows(
        "select b.*, st.filename as statement, p.row_number, p.made_by,"
        "       coalesce(st.structured_data -> 'transactions' -> p.row_number ->> 'description', '') as description"
        "  from alfrd.bills b"
        "  left join lateral ("
        "    select m.row_number, m.made_by from alfrd.payments m"
        "     where m.document_id = b.document_id and m.statement_id is not distinct from b.statement_id"
        "       and m.refused_by = '' order by m.paid_on desc limit 1) p on true"
        "  left join alfrd.documents st on st.id = b.statement_id"
        " where b.document_id = any (%s)",
        [list(documents)],
    )
    return {row["document_id"]: row for row in rows}


async def paid_by(database: Database, statement: UUID) -> list[Row]:
    """The bills that a statement shows as paid, by its rows."""
    return await database.rows(
        "select m.row_number, m.paid_on, m.amount, m.currency, m.confidence, d.id, d.filename, d.entity,"
        "       coalesce(st.structured_data -> 'transactions' -> m.row_number ->> 'description', '') as description"
        "  from alfrd.payments m join alfrd.documents d on d.id = m.document_id"
        "  join alfrd.documents st on st.id = m.statement_id"
        " where m.statement_id = %s and m.refused_by = '' order by m.row_number, d.filename limit 500",
        [statement],
    )


async def overdue(database: Database, days: int, limit: int) -> list[Row]:
    """Bills whose day passed at most so many days ago, and that are not paid as far as is known; the oldest first.

    Bills of an archive, whose payments are not to be expected here, are older.
    """
    return await database.rows(
        "select b.document_id, b.series_id, b.entity, b.filename, b.due, b.total as total_amount, b.currency"
        "  from alfrd.bills b"
        " where b.due >= (select alfrd.now()::date) - %(days)s and b.due < (select alfrd.now()::date)"
        "   and b.state = 'overdue' order by b.due, b.entity, b.document_id limit %(limit)s",
        {"days": days, "limit": limit},
    )


async def answer(database: Database, bill: UUID, *, is_right: bool) -> int:
    """Say whether an unclear bill was paid as it is linked, or by that of its rival; how many links that settles.

    :raise NotFound: nothing is unclear about its payment.
    """
    certain: int = await database.value("select alfrd.answer_payment(%s, %s)", [bill, is_right])
    return certain
