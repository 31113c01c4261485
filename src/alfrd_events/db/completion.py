"""Words for a shell that completes: a few, at once, or none."""

from __future__ import annotations

from typing import Literal, LiteralString
from uuid import UUID

import psycopg

from alfrd_events.db.errors import translated

Kind = Literal["id", "status", "type", "tag", "step"]

_MILLISECONDS = 1000
"""Who presses a key does not wait longer."""
_WORDS: dict[Kind, LiteralString] = {
    "id": "select id::text, name from ("
    " (select id, filename as name, created_at from alfrd.documents where id between %(low)s and %(high)s"
    "   order by created_at desc limit 50)"
    " union all (select id, title, created_at from alfrd.files where id between %(low)s and %(high)s"
    "   order by created_at desc limit 20)) as known order by created_at desc",
    "status": "select distinct status, '' from alfrd.transitions, unnest(array[from_status, to_status]) as status"
    " where starts_with(status, %(prefix)s) order by 1",
    "type": "select name, description from alfrd.document_types where starts_with(name, %(prefix)s) order by 1",
    "tag": "select distinct tag, '' from alfrd.tags where starts_with(tag, lower(%(prefix)s)) order by 1 limit 50",
    "step": "select distinct step, '' from alfrd.routes where starts_with(step, %(prefix)s) order by 1",
}


def words(url: str, kind: Kind, prefix: str) -> list[tuple[str, str]]:
    """Words that begin with a prefix, each with what it stands for; of ids the newest.

    :raise AlfrdError: the database does not answer at once.
    """
    digits = prefix.lower().replace("-", "")
    if kind == "id" and (len(digits) > 32 or not set(digits) <= set("0123456789abcdef")):
        return []
    low, high = (UUID(digits.ljust(32, fill)) if kind == "id" else None for fill in "0f")
    with (
        translated(),
        psycopg.connect(
            url, connect_timeout=2, autocommit=True, options=f"-c statement_timeout={_MILLISECONDS}"
        ) as connection,
    ):
        given = {"prefix": prefix, "low": low, "high": high}
        return [(str(word), str(meaning)) for word, meaning in connection.execute(_WORDS[kind], given)]
