"""What must hold when a soak has ended, as questions whose good answer is: no rows.

A document's life is counted in eras: a new one begins with each event by which a person re-submitted, corrected or
cancelled it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any, LiteralString
from uuid import UUID

import psycopg

_ERAS: LiteralString = """
  with told as (
    select subject_id, kind, step, id,
           count(*) filter (where kind in ('resubmitted', 'cancelled'))
             over (partition by subject_id order by id) as era
      from alfrd.events where subject_type = 'document')
"""

# Who stumbles once in each process may meet five processes, in a fleet that is killed all the time.
_BY_DESIGN: LiteralString = (
    "(filename ~ '^(refuse|die|hang)' or filename ~ '^stumble' and error ~ 'by design$')"
)

_HISTORY: LiteralString = """
  (select array_agg(format('%%s %%s %%s, task %%s, attempt %%s, worker %%s, %%s',
                           at::time(2), kind, step, task_id, attempt, worker_id, detail)
                    order by e.id)
     from alfrd.events e where e.subject_id = documents.id) as history"""

LOST: dict[str, LiteralString] = {
    "acknowledged, and not there": """
      select id from unnest(%(known)s::uuid[]) as id where id not in (select id from alfrd.documents)""",
    "not at an end": """
      select id, filename, status, alfrd.explain(id) from alfrd.documents
       where status not in ('completed', 'failed', 'cancelled')""",
    "tasks left": """
      select id, step, subject_type, subject_id, state, attempt, worker_id from alfrd.tasks where state <> 'dead'""",
    "workers left behind": """
      select id, name, heartbeat_at from alfrd.workers where heartbeat_at < now() - interval '1 minute'""",
    "failed, and not by design": "select id, filename, failed_step, error, "
    + _HISTORY
    + " from alfrd.documents where status = 'failed' and not "
    + _BY_DESIGN,
    "cancelled by nobody": """
      select id, filename from alfrd.documents where status = 'cancelled' and id <> all (%(cancelled)s::uuid[])""",
    "cancelled, and not so any more": """
      select d.id, d.status
        from alfrd.documents d
       cross join lateral (select kind from alfrd.events e
                            where e.subject_id = d.id and e.kind in ('resubmitted', 'cancelled')
                            order by e.id desc limit 1) as last
       where last.kind = 'cancelled' and d.status <> 'cancelled'""",
    "completed without each step": _ERAS
    + """
      select d.id, r.step from alfrd.documents d
       cross join (select distinct step from alfrd.routes where subject_type = 'document' and next_status <> '') as r
       where d.status = 'completed'
         and not exists (select from told where subject_id = d.id and kind = 'completed' and told.step = r.step)""",
    "never scored": """
      select d.id, r.step from alfrd.documents d
       cross join (select step from alfrd.routes where subject_type = 'document' and next_status = ''
                      and status in (select to_status from alfrd.transitions)) as r
       where d.status = 'completed'
         and not exists (select from alfrd.scores s where s.document_id = d.id and s.step = r.step)""",
    "side work given up": """
      select t.id, t.step, t.subject_id, t.error from alfrd.tasks t
        join alfrd.routes r on (r.subject_type, r.status, r.step) = (t.subject_type, t.status, t.step)
       where t.state = 'dead' and (r.next_status = '' or t.subject_type = 'file')""",
    "corrections overwritten": """
      select document_id, field, last.new_value, to_jsonb(d) -> field as found
        from (select distinct on (document_id, field) document_id, field, new_value
                from alfrd.corrections order by document_id, field, id desc) as last
        join alfrd.documents d on d.id = last.document_id
       where to_jsonb(d) -> field is distinct from last.new_value""",
    "files that are old": """
      select id, tags, status, revision, generated_revision, error from alfrd.files
       where status <> 'generated' or revision <> generated_revision""",
    "member counts that are wrong": """
      select f.id, f.tags, f.member_count, count(d.id)
        from alfrd.files f left join alfrd.documents d on d.series_id = f.series_id and d.status = 'completed'
       group by f.id having f.member_count <> count(d.id)""",
    "completed outside its series": """
      select d.id, d.tags, s.slug from alfrd.documents d left join alfrd.series s on s.id = d.series_id
       where d.status = 'completed'
         and array(select tag from unnest(d.tags) as tag where starts_with(tag, 'series:'))
             is distinct from array['series:' || s.slug]""",
}

DUPLICATED: dict[str, LiteralString] = {
    "steps completed twice in one era": _ERAS
    + "select twice.*, "
    + _HISTORY
    + """
        from (select subject_id, era, step, count(*) from told
               where kind = 'completed' and not starts_with(step, 'score_')
               group by 1, 2, 3 having count(*) > 1) as twice
        join alfrd.documents on id = subject_id""",
    # Scoring locks no document, so a score may be done in the moment before a person's change is committed.
    "scores given more often than there were eras": _ERAS
    + "select often.*, "
    + _HISTORY
    + """
        from (select subject_id, step, count(*) from told
               where kind = 'completed' and starts_with(step, 'score_') group by 1, 2) as often
        join (select subject_id, max(era) + 1 as eras from told group by 1) as lived using (subject_id)
        join alfrd.documents on id = subject_id
       where often.count > lived.eras""",
    "scores without a completed step, or the reverse": """
      select * from (select document_id, step, count(*) from alfrd.scores group by 1, 2) as s
        full join (select subject_id, step, count(*) from alfrd.events
                    where kind = 'completed' and starts_with(step, 'score_') group by 1, 2) as e
               on (e.subject_id, e.step, e.count) = (s.document_id, s.step, s.count)
       where s.document_id is null or e.subject_id is null""",
    "documents that nobody inserted": """
      select id, filename from alfrd.documents where id <> all (%(known)s::uuid[])""",
    "series twice": """
      select owner, entity_key, kind, count(*) from alfrd.series group by 1, 2, 3 having count(*) > 1""",
    "series without exactly one file": """
      select s.id, s.slug, count(f.id) from alfrd.series s left join alfrd.files f on f.series_id = s.id
       group by 1, 2 having count(f.id) <> 1""",
    "members listed twice": """
      select f.id, row ->> 'document_id', count(*) from alfrd.files f cross join jsonb_array_elements(f.rows) as row
       group by 1, 2 having count(*) > 1""",
    "costs counted twice": """
      select task_id, attempt, count(*), array_agg(outcome) from alfrd.usage group by 1, 2 having count(*) > 1""",
    "results refused twice": """
      select task_id, attempt, count(*) from alfrd.events where kind = 'stale' group by 1, 2 having count(*) > 1""",
    "attempts beyond the last": """
      select task_id, max(attempt) from alfrd.events where task_id is not null
       group by 1 having max(attempt) > 5 + %(crashes)s + count(*) filter (where kind in ('released', 'throttled'))
      union all select id, attempt from alfrd.tasks where attempt > max_attempts""",
}

COUNTS: LiteralString = (
    """
  select (select count(*) from alfrd.documents) as documents,
         (select count(*) from alfrd.documents where status = 'completed') as completed,
         (select count(*) from alfrd.documents where status = 'failed' and """
    + _BY_DESIGN
    + """) as failed_by_design,
         (select count(*) from alfrd.documents where status = 'cancelled') as cancelled,
         (select count(*) from alfrd.files) as files,
         (select max(extract(epoch from e.at - d.created_at))
            from alfrd.documents d join alfrd.events e on e.subject_id = d.id and e.step = 'extract'
           where e.kind = 'completed' and d.generation = 1 and d.filename ~ '^shop') as slowest_seconds,
         (select max(ran_ms) / 1000.0 from alfrd.events where kind = 'lost') as longest_in_dead_hands,
         (select jsonb_object_agg(kind, count)
            from (select kind, count(*) from alfrd.events group by 1) as k) as events,
         (select jsonb_object_agg(woken_by, count)
            from (select woken_by, count(*) from alfrd.events where kind = 'completed' group by 1) as w) as woken_by
"""
)


async def offenders(
    session: psycopg.AsyncConnection[dict[str, Any]],
    checks: dict[str, LiteralString],
    facts: dict[str, Any],
) -> dict[str, list[dict[str, Any]]]:
    """The rows that each check finds, of those that find any."""
    found = {}
    for name, question in checks.items():
        cursor = await session.execute(question, facts)
        if rows := await cursor.fetchall():
            found[name] = rows
    return found


_EXPLAINED_AT_MOST = 20


async def explanations(
    session: psycopg.AsyncConnection[dict[str, Any]],
    found: Iterable[list[dict[str, Any]]],
    beside: Collection[str] = (),
) -> dict[str, str]:
    """What ``alfrd.explain`` says of the documents and files that the checks have found, by id; of twenty at most.

    :param beside: ids of which it is known already.
    """
    ids = {
        value: None
        for rows in found
        for row in rows
        for value in row.values()
        if isinstance(value, UUID) and str(value) not in beside
    }
    cursor = await session.execute(
        "select id, alfrd.explain(id) as says from unnest(%s::uuid[]) as id"
        " where id in (select id from alfrd.documents union all select id from alfrd.files)",
        [list(islice(ids, _EXPLAINED_AT_MOST))],
    )
    return {str(row["id"]): row["says"] for row in await cursor.fetchall()}
