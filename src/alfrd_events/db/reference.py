"""What changes rarely, and is kept until it does: prompts, types, lessons, and the series of owners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alfrd_events.db.database import Database
from alfrd_events.model import DocumentType, Lesson, Prompt, Series

_CANDIDATES_AT_MOST = 2000
"""Of one owner."""
_KEPT_SERIES = 20_000
"""Of all owners that are kept."""


@dataclass(frozen=True)
class Reference:
    """What changes rarely, and is kept until it does."""

    version: int = -1
    prompts: Mapping[tuple[str, str], Prompt] = field(default_factory=dict)
    """The active ones, by kind and document type."""
    types: tuple[DocumentType, ...] = ()
    lessons: Mapping[str, tuple[Lesson, ...]] = field(default_factory=dict)
    """What is taught and believed, by owner."""
    chosen: dict[tuple[str, str], Prompt | None] = field(default_factory=dict)
    """By kind and document type: what was found to work with."""

    def best(self, kind: str, document_type: str) -> Prompt | None:
        """The one for this type of document, else the one for all."""
        return self.prompts.get((kind, document_type)) or self.prompts.get((kind, ""))


@dataclass(frozen=True)
class Candidates:
    """The series that an owner's document may belong to, kept until one of them changes; of the owners seen last."""

    by_owner: Mapping[str, tuple[int, tuple[Series, ...]]] = field(default_factory=dict)
    """Owner -> the version of its series, and they; those that were loaded last at the end."""

    def of(self, owner: str) -> tuple[Series, ...]:
        """Those of one owner, the newest first."""
        return self.by_owner.get(owner, (0, ()))[1]

    def outdated(self, versions: Mapping[str, int]) -> dict[str, int]:
        """Those of these owners whose series are not kept in this version or a newer one."""
        return {
            owner: version
            for owner, version in versions.items()
            if version > 0 and self.by_owner.get(owner, (0, ()))[0] < version
        }

    def with_newer(self, versions: Mapping[str, int], series: Mapping[str, tuple[Series, ...]]) -> Candidates:
        """These, with what was loaded of some owners; the owners that were looked at first go where it is too much."""
        newer = {
            owner: (version, series.get(owner, ()))
            for owner, version in versions.items()
            if self.by_owner.get(owner, (0, ()))[0] < version
        }
        kept = {owner: known for owner, known in self.by_owner.items() if owner not in newer} | newer
        size = sum(len(known) for _, known in kept.values())
        for owner in list(kept):
            if size <= _KEPT_SERIES or owner in versions:
                break
            size -= len(kept.pop(owner)[1])
        return Candidates(kept)


async def load_types(database: Database) -> tuple[DocumentType, ...]:
    """The known document types."""
    rows = await database.rows("select name, description from alfrd.document_types order by name")
    return tuple(DocumentType(**row) for row in rows)


async def load_candidates(database: Database, owners: Sequence[str]) -> dict[str, tuple[Series, ...]]:
    """The series of owners, the newest first."""
    candidates: dict[str, list[Series]] = defaultdict(list)
    for id, entity, kind, frequency, slug, title, names, owner, account in await database.tuples(
        "select newest.* from unnest(%s::text[]) as wanted(owner) cross join lateral ("
        " select id, entity, kind, frequency, slug, title, fields, owner, account from alfrd.series"
        "  where owner = wanted.owner order by created_at desc limit %s) as newest",
        [list(owners), _CANDIDATES_AT_MOST],
    ):
        candidates[owner].append(
            Series(id, entity, kind, frequency, slug, title, tuple(names), owner, account)
        )
    return {owner: tuple(known) for owner, known in candidates.items()}


async def load_prompts(database: Database) -> dict[tuple[str, str], Prompt]:
    """The active prompts, by kind and document type."""
    rows = await database.rows(
        "select id, kind, document_type, version, text, can_evolve from alfrd.prompts where is_active"
    )
    return {(row["kind"], row["document_type"]): Prompt(**row) for row in rows}
