-- From waiting tasks to a worker's own.
--
-- alfrd.claim   waiting tasks, of several steps; and alfrd.room_within_limits, how many of them limits allow
-- alfrd.handed  tells of tasks that are the worker's already
-- alfrd.take    the short way, for a bell: half of the time until a document's first step begins
--
-- Durability: a claim need not be on the disk. Should a crash lose it, the task is ready again, and no call was made that is under a
--             cap: whatever a worker writes later takes the claim to the disk first. But its number, the fencing token, is known to a
--             worker. So the first claim after a crash of a task that is older skips a number, and waits for the disk;
--             alfrd.standing, which recovery empties, tells of the crash.
-- Called:     by alfrd.exchange; alfrd.take by a worker.

-- The first place in a queue that a task of this priority may have: tasks.place is this, and the task's id.
create or replace function alfrd.first_of_priority(p_priority integer) returns bigint
  language sql immutable parallel safe return (32767 - p_priority)::bigint << 40;

-- A limited step is claimed by one worker at a time, so that count and claim cannot race.
create or replace function alfrd.room_within_limits(p_room jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_limit record;
begin
  for v_limit in
    select step, max_running from alfrd.limits where p_room ? step order by step for update
  loop
    p_room := jsonb_set(p_room, array[v_limit.step], to_jsonb(least(
      (p_room ->> v_limit.step)::integer,
      v_limit.max_running - (select count(*) from alfrd.tasks where step = v_limit.step and state = 'running')::integer)));
  end loop;
  return p_room;
end $$;

-- alfrd.claim: waiting tasks, of each step as many as p_room says, become this worker's.
--
-- p_from, p_limited, p_last_place: as in alfrd.exchange;   p_since: when the server had crashed last
-- reached:  {step: place} where the next look may begin
-- some_old: some of them are older than the last crash, which may have lost a claim of theirs. These skip a number, and their claim has
--           to wait for the disk.
-- Locks:    the worker's row, shared. Others may just be giving this worker's tasks away, and see nothing of these: who locks it first
--           is right.
create or replace function alfrd.claim(
  p_worker bigint, p_room jsonb, p_woken_by text, p_subjects uuid[], p_from jsonb, p_limited text[], p_last_place bigint,
  p_since timestamptz
) returns alfrd.claimed
-- Found in their order, by tasks_ready: where ids are in the order of time, reading and sorting all that waits seems as cheap.
language plpgsql set search_path = pg_catalog, pg_temp set enable_sort = off as $$
declare
  v_now      timestamptz := alfrd.now();
  v_claimed  alfrd.claimed;
  v_subjects uuid[];
  v_statuses text[];
  v_set      text;
begin
  with mine as materialized (
    select id from alfrd.workers where id = p_worker for key share),
  room as materialized (
    select step, size::integer, coalesce((p_from ->> step)::bigint, 0) as start
      from jsonb_each_text(p_room) as room(step, size) where size::integer > 0),
  picked as materialized (
    select waiting.*
      from room cross join lateral (
       select t.id, t.step, t.place, t.status, t.announced, coalesce(t.claimed_at, t.created_at) < p_since as is_old
         from alfrd.tasks t
        where t.step = room.step and t.state = 'ready' and t.place > room.start
          and (p_subjects is null or t.subject_id = any (p_subjects))
          and (select twin.id from alfrd.tasks twin   -- not as an anti-join, which looks through all that run
                where twin.subject_id = t.subject_id and twin.step = t.step and twin.state = 'running') is null
        order by t.place
        limit room.size
          for update skip locked) as waiting),
  claimed as (
    update alfrd.tasks t
       set state = 'running', worker_id = p_worker, claimed_at = v_now, announced = true,
           attempt = t.attempt + 1 + (coalesce(t.claimed_at, t.created_at) < p_since)::integer,
           max_attempts = t.max_attempts + (coalesce(t.claimed_at, t.created_at) < p_since)::integer,
           woken_by = case when t.created_at = v_now then 'handoff' else p_woken_by end
     where t.id = any (array(select id from picked))
    returning t.id, t.entity, t.subject_id, t.attempt, t.max_attempts, t.woken_by)
  select array_agg(id),
         json_build_object('id', array_agg(id), 'step', array_agg(step), 'entity', array_agg(entity),
                           'subject_id', array_agg(subject_id), 'attempt', array_agg(attempt),
                           'max_attempts', array_agg(max_attempts), 'woken_by', array_agg(woken_by)),
         array_agg(subject_id) filter (where entity = 'document'), array_agg(subject_id) filter (where step = 'ocr'),
         array_agg(subject_id) filter (where step = 'extract'), bool_or(step = 'file'), exists (select from mine),
         -- Where nothing waits, what comes will stand behind the last one that was made, or is more urgent.
         (select jsonb_object_agg(step, coalesce(place, greatest(start, p_last_place)))
            from room left join (select step, max(place) as place from picked group by step) as last using (step)
           where step <> all (p_limited)),
         bool_or(is_old), array_agg(subject_id) filter (where not announced), array_agg(status) filter (where not announced)
    into v_claimed.ids, v_claimed.tasks, v_claimed.documents, v_claimed.read, v_claimed.extracted, v_claimed.to_file,
         v_claimed.is_known, v_claimed.reached, v_claimed.some_old, v_subjects, v_statuses
    from picked join claimed using (id);
  if v_subjects is not null then
    v_set := alfrd.announce('document', v_subjects, v_statuses);
  end if;
  return v_claimed;
end $$;

-- alfrd.handed: tasks that are this worker's already, as alfrd.claim tells of them.
--
-- By their ids, not by their worker: for each task that was finished, an entry stays in tasks_running until vacuum comes.
create or replace function alfrd.handed(p_worker bigint, p_ids bigint[]) returns alfrd.claimed
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_claimed alfrd.claimed;
begin
  with mine as materialized (
    select id from alfrd.workers where id = p_worker for key share)
  select json_build_object('id', array_agg(id), 'step', array_agg(step), 'entity', array_agg(entity),
                           'subject_id', array_agg(subject_id), 'attempt', array_agg(attempt),
                           'max_attempts', array_agg(max_attempts), 'woken_by', array_agg(woken_by)),
         array_agg(subject_id) filter (where entity = 'document'), array_agg(subject_id) filter (where step = 'ocr'),
         array_agg(subject_id) filter (where step = 'extract'), bool_or(step = 'file'), exists (select from mine)
    into v_claimed.tasks, v_claimed.documents, v_claimed.read, v_claimed.extracted, v_claimed.to_file, v_claimed.is_known
    from alfrd.tasks where id = any (p_ids);
  return v_claimed;
end $$;

-- alfrd.take: claim for a bell.
--
-- Without all that an exchange does beside: the worker makes one right after. Where anything is out of the ordinary (a pause, a limit, a newer
-- release, the row of this worker gone, a task that alfrd.claim would treat apart), nothing is claimed, and the exchange has the say.
--
-- p_step: for which the bell rang;   p_size: how many tasks of it this worker could start now
-- last:   the last task that was made;   claimed, inputs: as in alfrd.exchange
-- Locks:  the worker's row, shared, as in alfrd.claim
create or replace function alfrd.take(
  p_worker bigint, p_step text, p_size integer, out last bigint, out claimed json, out inputs json
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_sort = off as $$
declare
  v_set       text;
  v_now       timestamptz := alfrd.now();
  v_subjects  uuid[];
  v_documents uuid[];
begin
  v_set := set_config('lock_timeout', '1s', true);
  with mine as materialized (
    select s.since from alfrd.standing s cross join alfrd.workers w
     where w.id = p_worker and w.superseded_by = '' and s.paused = '{}' and s.limited = '{}'
       for key share of w),
  picked as materialized (
    select waiting.*
      from mine cross join lateral (
       select t.id, t.announced and coalesce(t.claimed_at, t.created_at) >= mine.since as is_usual
         from alfrd.tasks t
        where t.step = p_step and t.state = 'ready'
          and (select twin.id from alfrd.tasks twin
                where twin.subject_id = t.subject_id and twin.step = t.step and twin.state = 'running') is null
        order by t.place
        limit p_size
          for update skip locked) as waiting),
  taken as (
    update alfrd.tasks t
       set state = 'running', worker_id = p_worker, claimed_at = v_now, attempt = t.attempt + 1, woken_by = 'notify'
     where t.id = any (array(select id from picked)) and not exists (select from picked where not is_usual)
    returning t.id, t.step, t.entity, t.subject_id, t.attempt, t.max_attempts, t.woken_by)
  select (select last_value from alfrd.tasks_id_seq),
         json_build_object('id', array_agg(id), 'step', array_agg(step), 'entity', array_agg(entity),
                           'subject_id', array_agg(subject_id), 'attempt', array_agg(attempt),
                           'max_attempts', array_agg(max_attempts), 'woken_by', array_agg(woken_by)),
         array_agg(subject_id), array_agg(subject_id) filter (where entity = 'document')
    into last, claimed, v_subjects, v_documents from taken;
  if v_subjects is null then
    claimed := null;
    return;
  end if;
  v_set := set_config('synchronous_commit', 'off', true);
  inputs := alfrd.inputs_within_limits(v_documents, case when p_step = 'ocr' then v_documents end,
                                       case when p_step = 'extract' then v_documents end, p_step = 'file');
end $$;
