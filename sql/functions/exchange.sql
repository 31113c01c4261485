-- alfrd.exchange: hand in finished work and claim new work, in one transaction. What a worker's loop calls; a heartbeat, too.
--
-- p_request:
--   outcomes     [{task_id, attempt, step, subject_type, subject_id, outcome, result, made_by, prompt_id, error,
--                retry_after, usage}], outcome one of done, retry, throttled, released, failed, abandoned; the last keys may be missing
--   capacity     {step: how many tasks of it this worker could start now}
--   woken_by     start, notify, timer, poll, reconnect, handoff or recheck: recorded with each claim
--   subjects     only tasks of these documents and files; null for all
--   owned        [[task id, attempt]] that this worker knows to be its own, given after a failed exchange: the reply to that may have
--                been lost after its commit, and what it claimed is claimed for the worker here. Null: no doubt.
--   waiting_for  the steps that this worker would sleep for now; null: it will look again by itself
--   cursors      {step: position}: look at its queue only after this position, which the last exchange has reached or found to be its end.
--                Tasks may become ready before it: an earlier transaction commits later, others give one back. So the
--                worker looks at the whole queue now and then, and before it sleeps.
-- inputs:        what the claimed tasks receive (alfrd.inputs_of), or null
-- reply:
--   claimed         [[id, step, subject type and id, attempt, max_attempts, woken_by]] or null; next steps of what was handed in, too
--   cursors         for the next exchange
--   refused         {task id: why}: outcomes that were not written; lost, superseded or repeated
--   next_due        seconds until the next scheduled task, or null
--   alone           whether no other worker is registered
--   others_running  whether other workers own tasks, looked up only when nothing was claimed
--   parked          whether this worker may sleep until it is notified; else it looks again in a moment
--   superseded_by   the newer release that has migrated the database; then nothing is claimed
-- Sleeping:   when nothing was claimed, waiting_for is written to the worker's row, and from then on it is notified. A transaction that
--             looked at the row just before, and commits just after, would not notify: so the worker looks again until no such
--             transaction is left (alfrd.no_pending_notifiers), which that look begins with.
-- Durability: what is handed in is on the disk before the reply comes; a claim alone need not be (sql/functions/claim.sql).
-- Locks:      own running tasks by id, documents, waiting tasks, skipping locked ones, then files by id. Where files were
--             summarised, those are locked with all that are touched, before waiting tasks.

-- Costs that are guessed too high would have each statement compiled, for 20 ms each. And a plan for these very arrays is never better
-- than the one for any: making it anew each time took a third of an exchange that carries a single result.
create or replace function alfrd.exchange(p_worker bigint, p_request jsonb, out reply json, out inputs json)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off as $$
declare
  -- A person who holds a row for long, in a transaction, holds up this row's document and no other. Until the transaction's end: triggers
  -- that are deferred until the commit wait for locks, too.
  v_timeout   text := set_config('lock_timeout', '1s', true);
  v_cache     alfrd.route_cache := alfrd.current_route_cache();   -- and waits here for a migration
  v_worker    alfrd.workers := alfrd.worker_of_exchange(p_worker, p_request);
  v_outcomes  jsonb := p_request -> 'outcomes';
  v_waiting   text[] := alfrd.text_array(p_request -> 'waiting_for');
  v_due       text[] := alfrd.make_due();
  v_last_made bigint := (select last_value from alfrd.tasks_id_seq);
  v_state     alfrd.exchange_state;
  v_alone     boolean := not exists (select from alfrd.workers where id <> p_worker);
  v_parked    boolean := v_waiting = v_worker.waiting_for and alfrd.no_pending_notifiers();
  v_claimed   json;
  v_others    boolean := false;
begin
  perform set_config('alfrd.actor', 'worker', true);
  v_state.worker := p_worker;
  v_state.woken_by := p_request ->> 'woken_by';
  v_state.subjects := alfrd.text_array(p_request -> 'subjects')::uuid[];
  v_state.room := case when v_worker.superseded_by = '' then (p_request -> 'capacity') - v_cache.paused
                       else '{}' end;   -- this program may not understand what a task means by now
  if v_state.subjects is not null then
    perform set_config('plan_cache_mode', 'auto', true);   -- they are few: found by their ids, and not in the whole queue
  end if;
  if v_outcomes <> '[]' then
    v_state := alfrd.complete(v_state, v_outcomes);
  end if;

  -- What was given back here, has waited for a twin that ended here, or has become due, is older than what comes after the cursor.
  v_state.cursors := case when v_waiting is null and v_state.subjects is null then coalesce(p_request -> 'cursors', '{}') else '{}' end
                     - coalesce(v_due, '{}') - coalesce(v_state.notify, '{}');
  v_state := alfrd.claim(v_state, v_cache, v_last_made);
  if v_outcomes = '[]' and v_state.wait_for_disk is not true then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  v_state.room := case when v_state.subjects is null then v_state.room - v_cache.limited end;
  v_state := alfrd.advance(v_state);
  if jsonb_typeof(p_request -> 'owned') = 'array' then
    v_state.claimed := v_state.claimed || alfrd.claims_in_doubt(v_state, p_request -> 'owned');
  end if;
  if v_state.claimed is not null then
    -- By their ids, not by their worker: for each task that was finished, an entry stays in tasks_running until vacuum comes.
    select json_agg(json_build_array(id, step, subject_type, subject_id, attempt, max_attempts, woken_by))
      into v_claimed from alfrd.tasks where id = any (v_state.claimed);
    inputs := alfrd.inputs_within_limits(v_state.claimed);
  elsif not v_alone then
    v_others := exists (select from alfrd.tasks where state = 'running' and worker_id <> p_worker);
  end if;
  -- Last, since their tasks stay locked until the commit.
  if v_outcomes <> '[]' and alfrd.schedule_looks(v_state.next_looks) then
    v_state.notify := v_state.notify || 'watch_series'::text;
  end if;
  v_parked := alfrd.keep_waiting_for(v_worker, v_state, p_request, v_waiting) and v_parked;
  perform set_config('alfrd.actor', '', true);
  if v_state.notify is not null or v_due is not null or v_cache.limited <> '{}' then
    perform alfrd.notify(alfrd.left_over(v_state, v_due, v_cache, p_request));
  end if;
  reply := json_build_object(
    'superseded_by', v_worker.superseded_by, 'parked', coalesce(v_parked, false),
    'claimed', v_claimed, 'cursors', case when v_state.subjects is null then v_state.reached else '{}' end,
    'refused', coalesce(v_state.refused, '{}'), 'alone', v_alone, 'others_running', v_others,
    -- What is due and still scheduled was locked by another transaction: look again in a second.
    'next_due', (select case when run_at <= alfrd.now() then 1 else extract(epoch from run_at - alfrd.now()) end
                   from alfrd.tasks where state = 'scheduled' order by run_at limit 1));
end $$;

-- The worker's row, locked against those who would give its tasks away: who locks it first is right. Writes the heartbeat if it is due.
create or replace function alfrd.worker_of_exchange(p_worker bigint, p_request jsonb) returns alfrd.workers
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_worker alfrd.workers;
begin
  if p_worker is null or jsonb_typeof(p_request -> 'outcomes') is distinct from 'array'
     or jsonb_typeof(p_request -> 'capacity') is distinct from 'object'
     or coalesce(jsonb_typeof(p_request -> 'cursors'), 'object') <> 'object' or p_request ->> 'woken_by' is null
     or jsonb_path_exists(p_request, 'strict $.outcomes[*] ? (@.type() != "object")', silent => true)   -- lax looks into lists
     or jsonb_path_exists(p_request, '$.outcomes[*] ? (!exists(@.task_id) || !exists(@.attempt) || !exists(@.step)
                                       || !exists(@.subject_type) || !exists(@.subject_id) || !exists(@.outcome))') then
    raise exception 'alfrd.exchange takes a worker and a request of outcomes (a list), capacity and cursors (objects) and woken_by'
      using errcode = 'AL005';
  end if;
  select * into v_worker from alfrd.workers where id = p_worker for key share;
  if not found or alfrd.is_heartbeat_due(v_worker) then
    perform alfrd.heartbeat(p_worker);   -- or refuse one that is not registered any more
  end if;
  return v_worker;
end $$;

-- Tasks that a reply which was lost has claimed, and those that this exchange has claimed are not among them.
create or replace function alfrd.claims_in_doubt(p_state alfrd.exchange_state, p_owned jsonb) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array_agg(id) from alfrd.tasks
   where worker_id = p_state.worker and state = 'running'
     and id <> all (coalesce(p_state.claimed, '{}'))
     and (id, attempt) not in (select (o ->> 0)::bigint, (o ->> 1)::integer from jsonb_array_elements(p_owned) as o);
$$;

-- Write for which steps the worker wants to be notified. Returns whether it had nothing to do and wants to sleep.
drop function if exists alfrd.keep_waiting_for(alfrd.workers, alfrd.exchange_state, jsonb);
create or replace function alfrd.keep_waiting_for(
  p_worker alfrd.workers, p_state alfrd.exchange_state, p_request jsonb, p_waiting text[]
) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_few     constant integer := 8;
  v_waiting text[] := p_waiting;
  v_sleeps  boolean := p_waiting is not null and p_state.claimed is null;
begin
  if not v_sleeps then
    -- A worker that is given few tasks at a time need not write each time that it looks by itself: it may be notified.
    v_waiting := case when coalesce(cardinality(p_state.claimed), 0) + jsonb_array_length(p_request -> 'outcomes') <= c_few
                       and (select bool_and(coalesce((p_request -> 'capacity' ->> step)::integer, 0) > 0)
                              from unnest(p_worker.waiting_for) as step)
                      then p_worker.waiting_for else '{}' end;
  end if;
  if v_waiting <> p_worker.waiting_for then
    update alfrd.workers set waiting_for = v_waiting, heartbeat_at = alfrd.clock() where id = p_worker.id;
  elsif clock_timestamp() > statement_timestamp() + interval '1 second' then
    perform alfrd.heartbeat(p_worker.id);   -- it has waited for a lock
  end if;
  return v_sleeps;
end $$;

-- Steps to notify for: those that others serve, and those of which something is ready that did not fit here.
create or replace function alfrd.left_over(
  p_state alfrd.exchange_state, p_due text[], p_cache alfrd.route_cache, p_request jsonb
) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array_agg(distinct step)
    from unnest(p_state.notify || p_due
                -- a slot of a limited step may have become free for others
                || array(select limited from unnest(p_cache.limited) as limited
                          where exists (select from jsonb_array_elements(p_request -> 'outcomes') as o where o ->> 'step' = limited))) as step
   where not p_request -> 'capacity' ? step
      or exists (select from alfrd.tasks t where t.step = step and t.state = 'ready'
                    and t.queue_position > coalesce((p_state.cursors ->> step)::bigint, 0))
      -- or more urgent, as alfrd.claim_from looks for it
      or exists (select from alfrd.tasks t where t.step = step and t.state = 'ready'
                    and t.queue_position < ((p_state.cursors ->> step)::bigint >> 40) << 40);
$$;

-- Make ready what was scheduled for now or earlier. Returns its steps.
create or replace function alfrd.make_due() returns text[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_steps text[];
begin
  if exists (select from alfrd.tasks where state = 'scheduled' and run_at <= alfrd.now()) then
    with due as (
      update alfrd.tasks set state = 'ready'
       where id in (select id from alfrd.tasks where state = 'scheduled' and run_at <= alfrd.now()
                     order by run_at limit 1000 for update skip locked)
      returning step)
    select array_agg(distinct step) into v_steps from due;
  end if;
  return v_steps;
end $$;
