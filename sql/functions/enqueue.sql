-- From a status change to tasks, the bell and the feed.
--
-- alfrd.enqueue   inserts the tasks that the routes name for each new status; for new documents their trigger does.
-- alfrd.ring      NOTIFY alfrd_work, at most once per step and transaction, unless all who serve the step are awake. A hint:
--                 the task is the truth.
-- alfrd.announce  NOTIFY alfrd_status, the feed for applications.
--
-- Called: by the triggers of documents and files, in the transaction that changes the status.
-- Handing over: inside an exchange, alfrd.room says how many tasks of which steps the worker takes on without a claim. These
--         are inserted as running, which saves writing them twice; alfrd.exchange leaves out steps for which others wait.
-- Locks:  a task that is waiting already is not inserted twice. If a worker is claiming that one right now, the
--         insert waits for its commit and then succeeds: a running task has seen the old world.

-- The queue of notifications is one for the whole server, and a listener that sits in a transaction lets it fill up.
--
-- PostgreSQL prepares no transaction (PREPARE TRANSACTION) that has notified. Where applications commit in two phases, let
-- alfrd.notify be off for their role or database: a bell is a hint, and what it would have told is found by the poll.
create or replace function alfrd.notifications_are_stuck() returns boolean
  language sql volatile
  return coalesce(current_setting('alfrd.notify', true), '') = 'off' or pg_notification_queue_usage() > 0.75;

-- Who rings holds this lock shared until its commit; a worker that has said it will sleep tries to get it alone. If it gets it,
-- everyone whose work is not visible yet has seen that it sleeps, and rings; or has not got the lock, and rings for all. The second
-- number of the pair is no worker's.
create or replace function alfrd.everyone_knows() returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if pg_try_advisory_lock(alfrd.worker_lock_class(), 0) then
    perform pg_advisory_unlock(alfrd.worker_lock_class(), 0);
    return true;
  end if;
  return false;
end $$;

-- Whether it is time to ring again for steps that no worker serves. Somebody else may listen, who is told of the first hundred
-- and then of forty a second: clients that insert side by side would otherwise commit one after the other for the sake of nobody.
-- The sequence holds when the bell would be free again if each ring took its share of a second (GCRA, as in ATM's traffic
-- management). Two transactions that look at the same moment may both ring.
create or replace function alfrd.unheard_bell_is_due() returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_share constant bigint := 25;            -- milliseconds
  c_ahead constant bigint := 100 * c_share;
  v_now   bigint := extract(epoch from clock_timestamp()) * 1000;
  v_free  bigint := (select last_value from alfrd.unheard_bell_free_at);
begin
  if v_free > v_now + c_ahead and v_free < v_now + 2 * c_ahead then   -- later still: the clock was set back
    return false;
  end if;
  perform setval('alfrd.unheard_bell_free_at', case when v_free between v_now and v_now + c_ahead then v_free else v_now end + c_share);
  return true;
end $$;

-- Returns whether anybody was notified.
create or replace function alfrd.ring(p_steps text[]) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_step     text;
  v_awaited  text[];
  v_unserved text[];
begin
  -- Inside an exchange the bell is held: the worker claims first, and rings for what it left over.
  if alfrd.engine_setting('alfrd.bell') = 'held' then
    perform set_config('alfrd.bell_held_for', array_to_string(
      string_to_array(nullif(current_setting('alfrd.bell_held_for', true), ''), ',') || p_steps, ','), true);
    return true;
  end if;
  if p_steps is null or current_setting('alfrd.notify', true) = 'off' then   -- nor hold the lock until the second phase
    return false;
  end if;
  -- A worker that is awake looks by itself before it goes to sleep. Where nobody serves a step, somebody else may listen. A
  -- transaction that goes on seeing the past cannot tell who sleeps, nor can one that gets no hand on the bell: any login may hold that
  -- lock, for as long as it likes. Both ring for all.
  if current_setting('transaction_isolation') = 'read committed'
     and pg_try_advisory_xact_lock_shared(alfrd.worker_lock_class(), 0) then
    v_awaited := array(select step from unnest(p_steps) as step
                        where exists (select from alfrd.workers w where step = any (w.waiting_for)));
    v_unserved := array(select step from unnest(p_steps) as step
                         where not exists (select from alfrd.workers w where step = any (w.steps)
                                              and w.heartbeat_at > alfrd.now() - make_interval(secs => w.lease_seconds)));
    p_steps := v_awaited || case when v_unserved <> '{}' and alfrd.unheard_bell_is_due()
                                 then array(select step from unnest(v_unserved) as step where step <> all (v_awaited))
                                 else '{}' end;
  end if;
  -- A full queue would fail the transaction at its commit. Whoever listens finds the work by its poll.
  if p_steps = '{}' or alfrd.notifications_are_stuck() then
    return false;
  end if;
  foreach v_step in array p_steps loop
    perform pg_notify('alfrd_work', v_step);
  end loop;
  return true;
end $$;

-- alfrd.hand_over: tasks for the worker whose exchange this is, as running: of each step as many as p_room says.
--
-- p_fit:   of no step there are more than p_room says;   room: what is left of it
-- size:    how many tasks they are;   wanted: how many the routes call for
--
-- A task that waits already is left to do the work; one that runs, to come to its end. Neither can come into being meanwhile: their
-- document is locked by this transaction.
create or replace function alfrd.hand_over(
  p_entity text, p_ids uuid[], p_statuses text[], p_generations integer[], p_priorities smallint[], p_room jsonb, p_fit boolean,
  out room jsonb, out size integer, out wanted integer
) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now      timestamptz := alfrd.now();
  v_worker   bigint := current_setting('alfrd.worker');
  v_set      text;
  v_ids      bigint[];
  v_subjects uuid[];   -- of those that do not fit,
  v_steps    text[];   -- and for which step
begin
  if not p_fit then
    select array_agg(id), array_agg(step) into v_subjects, v_steps
      from (select changed.id, route.step, row_number() over (partition by route.step order by changed.priority desc) as number
              from unnest(p_ids, p_statuses, p_priorities) as changed(id, status, priority)
              join alfrd.routes route on route.entity = p_entity and route.status = changed.status and route.delay = '0'
             where p_room ? route.step) as served
     where number > (p_room ->> step)::integer;
  end if;
  with next as materialized (
    select changed.*, route.step, route.max_attempts, p_room ? route.step and route.delay = '0' as is_served
      from unnest(p_ids, p_statuses, p_generations, p_priorities) as changed(id, status, generation, priority)
      join alfrd.routes route on route.entity = p_entity and route.status = changed.status),
  handed_over as (
    insert into alfrd.tasks (step, entity, subject_id, status, generation, state, priority, run_at, created_at, max_attempts,
                             attempt, worker_id, claimed_at, woken_by)
    select step, p_entity, next.id, status, generation, 'running', priority, v_now, v_now, max_attempts, 1, v_worker, v_now, 'handoff'
      from next
     where is_served
       and not exists (select from unnest(v_subjects, v_steps) as left_out(id, step)
                        where left_out.id = next.id and left_out.step = next.step)
       and (select t.id from alfrd.tasks t where t.subject_id = next.id and t.step = next.step
               and t.state in ('ready', 'scheduled')) is null
       and (select t.id from alfrd.tasks t where t.subject_id = next.id and t.step = next.step
               and t.state = 'running') is null
    returning id, step),
  of_step as (
    select step, count(*) as number from handed_over group by step)
  select p_room || coalesce(jsonb_object_agg(step, (p_room ->> step)::integer - number), '{}'), coalesce(sum(number), 0),
         (select count(*) from next), (select array_agg(id order by id) from handed_over)
    into room, size, wanted, v_ids from of_step;
  if v_ids is not null then
    v_set := set_config('alfrd.handed_over',
                        (coalesce(nullif(current_setting('alfrd.handed_over'), ''), '{}')::bigint[] || v_ids)::text, true);
  end if;
end $$;

create or replace function alfrd.enqueue(
  p_entity text, p_ids uuid[], p_statuses text[], p_generations integer[], p_priorities smallint[]
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_room    jsonb := alfrd.engine_setting('alfrd.room')::jsonb;
  v_least   integer;   -- for how many there is room, whatever they are
  v_fit     boolean := true;
  v_handed  record;
  v_wanted  integer;
  v_set     text;
  v_count   integer := 0;
  v_steps   text[];
begin
  if v_room <> '{}' then
    v_least := current_setting('alfrd.least_room')::integer - cardinality(p_ids);
    if v_least < 0 then
      select bool_and(size <= (v_room ->> step)::integer) into v_fit
        from (select route.step, sum(changed.size) as size
                from (select status, count(*) as size from unnest(p_statuses) as status group by 1) as changed
                join alfrd.routes route on route.entity = p_entity and route.status = changed.status and route.delay = '0'
               where v_room ? route.step group by route.step) as served;
    end if;
    if v_fit is not null then   -- some step is served here
      v_handed := alfrd.hand_over(p_entity, p_ids, p_statuses, p_generations, p_priorities, v_room, v_fit);
      v_count := v_handed.size;
      v_wanted := v_handed.wanted;
      v_set := concat(set_config('alfrd.room', v_handed.room::text, true),
                      set_config('alfrd.least_room', greatest(v_least, 0)::text, true));
    end if;
  end if;
  -- The rest waits: what did not fit, what is for later, and what has a twin that waits or runs for the old world.
  if v_wanted is null or v_count < v_wanted then
    with created as (
      insert into alfrd.tasks (step, entity, subject_id, status, generation, state, priority, run_at, created_at, max_attempts)
      select route.step, p_entity, changed.id, changed.status, changed.generation,
             case when route.delay > '0' then 'scheduled' else 'ready' end, changed.priority, v_now + route.delay, v_now,
             route.max_attempts
        from unnest(p_ids, p_statuses, p_generations, p_priorities) as changed(id, status, generation, priority)
        join alfrd.routes route on route.entity = p_entity and route.status = changed.status
       where v_count = 0 or (select t.id from alfrd.tasks t where t.subject_id = changed.id and t.step = route.step
                                and t.state = 'running' and t.created_at = v_now) is null
          on conflict (subject_id, step) where state in ('ready', 'scheduled') do nothing
      returning step)
    select array_agg(distinct step) into v_steps from created;
    v_set := alfrd.ring(v_steps)::text;
  end if;
end $$;

create or replace function alfrd.announce_number(p_entity text, p_count integer, p_status text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_set text;
begin
  if current_setting('alfrd.status_feed', true) = 'off' or alfrd.notifications_are_stuck() then
    return;
  end if;
  v_set := pg_notify('alfrd_status', json_build_object('entity', p_entity, 'count', p_count, 'status', p_status)::text);
end $$;

create or replace function alfrd.announce(p_entity text, p_ids uuid[], p_statuses text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_ids_per_message constant integer := 150;   -- 150 ids are under 6,000 of the 8,000 bytes of a payload
  c_ids_at_most     constant integer := 1500;
  v_group record;
  v_from  integer;
  v_set   text;
begin
  if current_setting('alfrd.status_feed', true) = 'off' or alfrd.notifications_are_stuck() then
    return;
  end if;
  if cardinality(p_ids) = 1 then
    v_set := pg_notify('alfrd_status', json_build_object('entity', p_entity, 'id', p_ids[1], 'status', p_statuses[1])::text);
    return;
  end if;
  for v_group in
    select status, array_agg(id) as ids, count(*)::integer as size
      from unnest(p_ids, p_statuses) as changed(id, status) group by status
  loop
    if v_group.size = 1 then
      perform pg_notify('alfrd_status', json_build_object(
        'entity', p_entity, 'id', v_group.ids[1], 'status', v_group.status)::text);
    elsif v_group.size > c_ids_at_most then
      v_set := alfrd.announce_number(p_entity, v_group.size, v_group.status);
    else
      for v_from in 1 .. v_group.size by c_ids_per_message loop
        perform pg_notify('alfrd_status', json_build_object(
          'entity', p_entity, 'ids', v_group.ids[v_from : v_from + c_ids_per_message - 1],
          'status', v_group.status)::text);
      end loop;
    end if;
  end loop;
end $$;
