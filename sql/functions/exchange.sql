-- alfrd.exchange: hand in finished work and claim new work, in one transaction.
--
-- The heart of the engine; a worker's loop calls it and nothing else. In order: heartbeat; settle the outcomes
-- (each fenced); make due what was scheduled; claim, up to the capacity given per step; ring for what was made ready
-- here and not claimed.
--
-- p_outcomes: [{task_id, attempt, step, entity, subject_id, outcome, error, retry_after, result, made_by, prompt_id,
--             usage}], outcome one of done, retry, throttled, released, failed
-- p_capacity: {step: how many tasks of it this worker could start now}
-- p_woken_by: start, notify, timer, poll, reconnect or handoff: recorded with each claim
-- p_subjects: only tasks of these documents and files; null for all
-- p_owned:    all (task id, attempt) that this worker knows to be its own, told after a failed exchange: its reply may have been
--             lost after the commit, and what it claimed then is handed over again here. Null: no doubt.
-- Returns:    {claimed: [...], stale: [task ids], next_due: seconds until the next scheduled task or null,
--             others_running: whether other workers own tasks, looked up only when nothing was claimed,
--             superseded_by: the newer release that has migrated the database; then nothing is claimed}
-- Locks:      own running tasks by id, documents, files by id, then waiting tasks, skipping locked ones.

create or replace function alfrd.claim(p_worker bigint, p_capacity jsonb, p_woken_by text, p_subjects uuid[])
returns setof alfrd.tasks
language plpgsql as $$
declare
  v_capacity jsonb := p_capacity - array(select step from alfrd.pauses);
  v_limit    record;
begin
  -- A limited step is claimed by one worker at a time, so that count and claim cannot race.
  for v_limit in
    select step, max_running from alfrd.limits where v_capacity ? step order by step for update
  loop
    v_capacity := jsonb_set(v_capacity, array[v_limit.step], to_jsonb(least(
      (v_capacity ->> v_limit.step)::integer,
      v_limit.max_running - (select count(*) from alfrd.tasks where step = v_limit.step and state = 'running')::integer)));
  end loop;
  return query
    with picked as (
      select waiting.id
        from jsonb_each_text(v_capacity) as room(step, size)
       cross join lateral (
         select t.id from alfrd.tasks t
          where t.step = room.step and t.state = 'ready'
            and (p_subjects is null or t.subject_id = any (p_subjects))
            and not exists (select from alfrd.tasks twin
                             where twin.subject_id = t.subject_id and twin.step = t.step and twin.state = 'running')
          order by t.priority desc, t.id
          limit greatest(room.size::integer, 0)
            for update skip locked) as waiting)
    update alfrd.tasks t
       set state = 'running', attempt = t.attempt + 1, worker_id = p_worker, claimed_at = alfrd.now(),
           woken_by = case when t.created_at = alfrd.now() then 'handoff' else p_woken_by end
      from picked where t.id = picked.id
    returning t.*;
end $$;

create or replace function alfrd.exchange(
  p_worker bigint, p_outcomes jsonb, p_capacity jsonb, p_woken_by text, p_subjects uuid[] default null,
  p_owned bigint[] default null, p_owned_attempts integer[] default null
) returns json
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_stale   bigint[];
  v_due     text[];
  v_left    text[];
  v_claimed json;
  v_adopted bigint[];
  v_newer   text;
begin
  perform set_config('alfrd.actor', 'worker', true), set_config('alfrd.bell', 'held', true),
          set_config('alfrd.bell_held_for', '', true),
          -- Whoever holds a row for long, a person in a transaction, holds up this row's document and no other.
          set_config('lock_timeout', '1s', true);
  perform pg_advisory_xact_lock_shared(alfrd.migration_lock());
  perform alfrd.heartbeat(p_worker);
  select superseded_by into v_newer from alfrd.workers where id = p_worker;
  if v_newer <> '' then
    p_capacity := '{}';   -- it may not understand what a task means by now
  end if;
  if p_outcomes <> '[]' then
    v_stale := alfrd.settle(p_worker, p_outcomes);
  end if;

  with due as (
    update alfrd.tasks set state = 'ready'
     where id in (select id from alfrd.tasks where state = 'scheduled' and run_at <= alfrd.now()
                   order by run_at limit 1000 for update skip locked)
    returning step)
  select array_agg(distinct step) into v_due from due;

  if p_owned is not null then
    select array_agg(id) into v_adopted from alfrd.tasks
     where worker_id = p_worker and state = 'running'
       and (id, attempt) not in (select * from unnest(p_owned, p_owned_attempts));
  end if;
  select json_agg(json_build_object('id', id, 'step', step, 'entity', entity, 'subject_id', subject_id,
                                    'attempt', attempt, 'max_attempts', max_attempts, 'woken_by', woken_by))
    into v_claimed
    from (select * from alfrd.claim(p_worker, p_capacity, p_woken_by, p_subjects)
          union all select * from alfrd.tasks where id = any (v_adopted)) as mine;

  -- Now ring: for steps that others serve, and for what is ready and did not fit here.
  select array_agg(distinct held_for.step) into v_left
    from (select string_to_array(nullif(current_setting('alfrd.bell_held_for'), ''), ',') || v_due
                 -- a slot of a limited step may have become free for others
                 || array(select l.step from alfrd.limits l
                           where l.step in (select o ->> 'step' from jsonb_array_elements(p_outcomes) as o)) as steps) as held
   cross join unnest(held.steps) as held_for(step)
   where not p_capacity ? held_for.step
      or exists (select from alfrd.tasks t where t.step = held_for.step and t.state = 'ready');
  perform alfrd.heartbeat(p_worker);
  perform set_config('alfrd.bell', '', true), set_config('alfrd.actor', '', true);
  perform alfrd.ring(v_left);

  return json_build_object(
    'superseded_by', v_newer, 'claimed', coalesce(v_claimed, '[]'), 'stale', coalesce(to_json(v_stale), '[]'),
    'others_running', v_claimed is null and exists (
       select from alfrd.tasks where state = 'running' and worker_id <> p_worker),
    -- What is due and still scheduled was locked by somebody: look again in a second.
    'next_due', (select case when run_at <= alfrd.now() then 1 else extract(epoch from run_at - alfrd.now()) end
                   from alfrd.tasks where state = 'scheduled' order by run_at limit 1));
end $$;
