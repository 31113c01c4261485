"""Earlier documents that an analyst may learn a series' layout from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.model import Document, Peer

_SERIES_AT_MOST = 3
_SHORTEST_NAME = 3
_READ_CHARACTERS = 20_000

# Before a document is filed, the series are those of its owner whose company its first pages name. What was compiled
# proves nothing about the layout, unless a person has set something right in it.
_PEERS: LiteralString = """
  with asked as (
    select d.id, d.owner, d.document_type, d.series_id,
           coalesce((
             select regexp_replace(lower(string_agg(left(p.text, %(characters)s), ' ')), '[^[:alnum:]]', '', 'g')
               from alfrd.pages p where p.document_id = d.id and p.number <= 2), '') as said
      from alfrd.documents d where d.id = any (%(asked)s::uuid[]))
  select a.id as asked, s.slug, to_jsonb(peer.corrected) as corrected, peer.id as peer
    from asked a
    cross join lateral (
      select series.id, series.slug, regexp_replace(lower(series.entity), '[^[:alnum:]]', '', 'g') as name
        from alfrd.series where series.owner = a.owner and (a.series_id is null or series.id = a.series_id)) s
    cross join lateral (
      select d.id, d.corrected
        from alfrd.documents d
       where d.series_id = s.id and d.id <> a.id and d.status = 'completed' and d.document_type = a.document_type
         and (coalesce(d.made_by -> 'summarize' ->> 'by', '') not like 'compiled:%%' or d.corrected <> '{}')
       order by d.created_at desc limit %(most)s) peer
   where a.series_id is not null or length(s.name) >= %(shortest)s and position(s.name in a.said) > 0
   order by a.id, length(s.name) desc, s.slug
"""


async def peers_of(
    database: Database,
    documents: Sequence[UUID],
    most: int,
    load: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Document]]],
) -> Mapping[UUID, tuple[Peer, ...]]:
    """For each document, the newest members of the series that may be its own.

    :param most: of one series.
    :param load: gives documents with their pages, by id.
    """
    if not documents or most == 0:
        return {}
    rows = await database.rows(
        _PEERS,
        {
            "asked": list(documents),
            "most": most,
            "characters": _READ_CHARACTERS,
            "shortest": _SHORTEST_NAME,
        },
    )
    chosen: dict[UUID, dict[str, list[Mapping[str, Any]]]] = defaultdict(dict)
    for row in rows:
        series = chosen[row["asked"]]
        if row["slug"] in series or len(series) < _SERIES_AT_MOST:
            series.setdefault(row["slug"], []).append(row)
    wanted = {row["peer"] for series in chosen.values() for members in series.values() for row in members}
    loaded = await load(list(wanted))
    return {
        asked: tuple(
            Peer(loaded[row["peer"]], slug, frozenset(row["corrected"]))
            for slug, members in series.items()
            for row in members
            if row["peer"] in loaded
        )
        for asked, series in chosen.items()
    }
