"""Versions of prompts for those who look after them: find, import, activate, and what a change would mean.

Writes are calls of ``sql/functions/prompts.sql``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

from alfrd_events.db.database import Database, Row
from alfrd_events.errors import NotFound, Refused
from alfrd_events.model import JsonObject

Run = Callable[[UUID], Awaitable[JsonObject | None]]

_VERSIONS = (
    "select p.id, p.kind, p.document_type, p.version, p.text, p.is_active, p.origin, p.can_evolve, p.score_ceiling,"
    "       p.max_words, p.created_at, p.created_by, p.note, parent.version as parent, s.performance_score,"
    "       s.documents as scored_documents"
    "  from alfrd.prompts p left join alfrd.prompts parent on parent.id = p.parent"
    "  join alfrd.prompt_performance s on s.prompt_id = p.id "
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A version that came from outside."""

    id: int
    version: int
    existed: bool
    """The family had this text already."""


def name_of(row: Row) -> str:
    """``summarizer/utility_bill:V3``."""
    family = f"{row['kind']}/{row['document_type']}" if row["document_type"] else row["kind"]
    return f"{family}:V{row['version']}"


async def find(database: Database, reference: str) -> Row:
    """The version that ``classifier:V3``, ``summarizer/utility_bill:V2``, or ``V3`` if that is clear, names.

    :raise NotFound: there is none.
    :raise Refused: it fits several, or is not a reference.
    """
    parts = re.fullmatch(r"(?:([a-z_]+)(?:/([a-z0-9_]*))?:)?[vV](\d{1,9})", reference.strip())
    if parts is None:
        raise Refused(
            f"{reference} is no version of a prompt: write classifier:V3 or summarizer/utility_bill:V2"
        )
    rows = await database.rows(
        _VERSIONS + "where p.version = %s and (%s::text is null or p.kind = %s)"
        " and (%s::text is null or p.document_type = %s) order by p.kind, p.document_type",
        [int(parts[3]), parts[1], parts[1], *[parts[2] if parts[2] or not parts[1] else ""] * 2],
    )
    if not rows:
        raise NotFound(f"no prompt {reference}")
    if len(rows) > 1:
        few = ", ".join(map(name_of, rows[:4]))
        raise Refused(f"{reference} is not clear: {few}{' …' if len(rows) > 4 else ''}")
    return rows[0]


async def versions(database: Database, family: str = "", *, active_only: bool = False) -> list[Row]:
    """Versions with their scores: all, of a kind, or of a kind and document type (``summarizer/utility_bill``).

    :raise NotFound: there is no such family.
    """
    kind, _, document_type = family.partition("/")
    rows = await database.rows(
        _VERSIONS + "where (%s = '' or p.kind = %s) and (%s = '' or p.document_type = %s)"
        " and (p.is_active or not %s) order by p.kind, p.document_type, p.version",
        [kind, kind, document_type, document_type, active_only],
    )
    if family and not rows:
        raise NotFound(f"no prompts {family}; alfrd-events prompts list shows all")
    return rows


async def by_id(database: Database, id: int) -> Row:
    """One version.

    :raise NotFound: there is none.
    """
    rows = await database.rows(_VERSIONS + "where p.id = %s", [id])
    if not rows:
        raise NotFound(f"no version {id} of a prompt")
    return rows[0]


async def trials_of(database: Database, kind: str, document_type: str, limit: int = 20) -> list[Row]:
    """The trials of a family, the newest first.

    ``champion_score`` and ``challenger_score`` are the means over the ``documents`` that both were graded on;
    ``ending`` is empty while it is under way.
    """
    return await database.rows(
        "select t.id, t.phase, t.ending, t.note, t.begun_at, t.ended_at, t.challenger_id, champion.version as champion,"
        "       challenger.version as challenger, s.documents, s.champion_score, s.challenger_score"
        "  from alfrd.trials t join alfrd.prompt_families f on f.id = t.family_id"
        "  join alfrd.prompts champion on champion.id = t.champion_id"
        "  left join alfrd.prompts challenger on challenger.id = t.challenger_id"
        " cross join lateral (select count(*) as documents, avg(a.score) as champion_score,"
        "                            avg(b.score) as challenger_score"
        "    from alfrd.evaluations a join alfrd.evaluations b on b.document_id = a.document_id"
        "   where a.prompt_id = t.champion_id and b.prompt_id = t.challenger_id"
        "     and a.score is not null and b.score is not null) s"
        " where f.kind = %s and f.document_type = %s order by t.id desc limit %s",
        [kind, document_type, limit],
    )


async def families(database: Database) -> list[Row]:
    """Each family that may evolve, with its open trial and why no new one begins."""
    return await database.rows(
        "select f.kind, f.document_type, f.note, f.failures, f.cooldown_until, t.id as trial, t.phase,"
        "       t.note as trial_note, alfrd.evolution_due(f.id) as waits_for"
        "  from alfrd.prompt_families f"
        "  join alfrd.prompts p on (p.kind, p.document_type) = (f.kind, f.document_type)"
        "   and p.is_active and p.can_evolve"
        "  left join alfrd.trials t on t.family_id = f.id and t.ending = '' order by 1, 2"
    )


async def history(database: Database, family: str = "") -> list[Row]:
    """Which version was made active when, by whom and why; the newest first."""
    kind, _, document_type = family.partition("/")
    return await database.rows(
        "select a.at, p.kind, p.document_type, p.version, was.version as previous, a.reason, a.by"
        "  from alfrd.prompt_activations a join alfrd.prompts p on p.id = a.prompt_id"
        "  left join alfrd.prompts was on was.id = a.previous_id"
        " where (%s = '' or p.kind = %s) and (%s = '' or p.document_type = %s) order by a.id desc",
        [kind, kind, document_type, document_type],
    )


async def import_version(
    database: Database,
    kind: str,
    document_type: str,
    text: str,
    *,
    origin: Literal["person", "import"],
    can_evolve: bool = True,
    score_ceiling: float = 0.95,
    max_words: int = 400,
    note: str = "",
) -> Imported:
    """Make a new version; it waits to be activated, unless it is the first of its family.

    :raise Refused: an empty text, an unknown document type.
    :raise NotFound: there is no such kind.
    """
    row = await database.row(
        "select * from alfrd.import_prompt(%s, %s, %s, %s, %s, %s::real, %s, %s)",
        [
            kind,
            document_type,
            text,
            origin,
            can_evolve,
            score_ceiling,
            max_words,
            note,
        ],
    )
    assert row is not None, "alfrd.import_prompt returns a row"
    return Imported(**row)


async def active(database: Database, row: Row) -> Row:
    """The active version of a version's family."""
    (found,) = await database.rows(
        _VERSIONS + "where p.kind = %s and p.document_type = %s and p.is_active",
        [row["kind"], row["document_type"]],
    )
    return found


async def activate(database: Database, row: Row, *, expected: int, reason: str) -> bool:
    """Make a version active if ``expected`` still is; ``False`` if another one is by now."""
    return bool(
        await database.value("select alfrd.activate_prompt(%s, %s, %s)", [row["id"], expected, reason])
    )


async def previous(database: Database, family: str) -> Row:
    """The version that was active before the active one of a family.

    :raise NotFound: there was none.
    """
    kind, _, document_type = family.partition("/")
    id = await database.value(
        "select a.previous_id from alfrd.prompt_activations a"
        "  join alfrd.prompts p on p.id = a.prompt_id and p.is_active"
        " where p.kind = %s and p.document_type = %s order by a.id desc limit 1",
        [kind, document_type],
    )
    if id is None:
        raise NotFound(f"{family} has no earlier version to go back to")
    (found,) = await database.rows(_VERSIONS + "where p.id = %s", [id])
    return found


async def suggested(database: Database, row: Row) -> int:
    """The trial in which a version waits for approval.

    :raise Refused: it does not wait for any.
    """
    trial = await database.value(
        "select id from alfrd.trials where challenger_id = %s and phase = 'suggested' and ending = ''",
        [row["id"]],
    )
    if trial is None:
        raise Refused(f"{name_of(row)} does not wait for approval; activate makes any version active")
    return int(trial)


async def approve(database: Database, trial: int) -> bool:
    """Make a version active that has proved itself; ``False`` if its champion is not active any more."""
    return bool(await database.value("select alfrd.promote_challenger(%s, 'suggested', 'approved')", [trial]))


async def decline(database: Database, trial: int) -> bool:
    """Close a trial whose new version is not wanted."""
    return bool(
        await database.value("select alfrd.end_trial(%s, 'suggested', 'declined', 'declined')", [trial])
    )


async def replay(database: Database, row: Row, *, dry_run: bool) -> list[Row]:
    """Make again what a superseded version made; a row for each document.

    :raise Refused: it is the active version.
    """
    return await database.rows(
        "select r.id, d.filename as name, r.status, r.step from alfrd.replay_prompt(%s, %s) r"
        " join alfrd.documents d on d.id = r.id",
        [row["id"], dry_run],
    )


async def impact(database: Database, row: Row, limit: int, run: Run | None = None, tries: int = 0) -> Row:
    """What a version would change on the newest documents that other versions of its family made.

    :param run: makes something of a document with the version, for those of which that is not known.
    :param tries: at most so many of them.
    :return: ``changes`` (id, filename, field, now, then); how many ``documents``, on how many of them it is ``known``
        what the version makes, how many are ``changed``; values that people have ``corrected``; ``usd_per_document``.
    :raise Refused: outputs of this kind are not kept.
    """
    step = {"classifier": "classify", "summarizer": "summarize"}.get(row["kind"])
    if step is None:
        raise Refused(
            f"what a {row['kind']} changes cannot be told: only classifiers and summarizers are graded"
        )
    rows = await database.rows(
        "select d.id, d.filename, d.corrected, alfrd.correctable(d) - 'series_id' as now, e.output"
        "  from alfrd.documents d"
        "  join alfrd.prompts p on p.id = (d.made_by -> %(step)s ->> 'prompt')::bigint"
        "  left join alfrd.evaluations e on e.document_id = d.id and e.prompt_id = %(prompt)s and e.output is not null"
        " where p.kind = %(kind)s and p.document_type = %(type)s and p.id <> %(prompt)s"
        " order by d.created_at desc limit %(limit)s",
        {
            "step": step,
            "prompt": row["id"],
            "kind": row["kind"],
            "type": row["document_type"],
            "limit": limit,
        },
    )
    for each in [each for each in rows if each["output"] is None][: tries if run else 0]:
        each["output"] = await run(each["id"]) if run else None
    changes = [change for each in rows if each["output"] is not None for change in _changes(each)]
    kept = [change for change in changes if change["field"] not in change.pop("corrected")]
    usd = await database.value(
        "select sum(usd) / nullif(count(distinct document_id), 0) from"
        " (select usd, document_id from alfrd.usage where step = %s and document_id is not null and not cached"
        "   order by id desc limit 1000) as lately",
        [step],
    )
    return {
        "changes": kept,
        "documents": len(rows),
        "known": sum(each["output"] is not None for each in rows),
        "changed": len({change["id"] for change in kept}),
        "corrected": len(changes) - len(kept),
        "usd_per_document": None if usd is None else float(usd),
    }


def _changes(row: Row) -> list[Row]:
    """Each field of a document that an output would change."""
    changes = []
    for field, then in row["output"].items():
        now = row["now"].get(field)
        if field in row["now"] and _comparable(now) != _comparable(then):
            changes.append(
                {
                    "id": row["id"],
                    "filename": row["filename"],
                    "field": field,
                    "now": now,
                    "then": then,
                    "corrected": row["corrected"],
                }
            )
    return changes


def _comparable(value: Any) -> Any:
    """Amounts compare as numbers: one is a number in the database and a string in an output."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return value
    return value or ""
