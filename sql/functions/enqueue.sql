-- From a status change to tasks, the bell and the feed.
--
-- alfrd.enqueue   inserts the tasks that the routes name for each new status.
-- alfrd.ring      NOTIFY alfrd_work, at most once per step and transaction. A hint: the task is the truth.
-- alfrd.announce  NOTIFY alfrd_status, the feed for applications.
--
-- Called: by the triggers of documents and files, in the transaction that changes the status.
-- Locks:  a task that is waiting already is not inserted twice. If a worker is claiming that one right now, the
--         insert waits for its commit and then succeeds: a running task has seen the old world.

-- The queue of notifications is one for the whole server, and a listener that sits in a transaction lets it fill up.
create or replace function alfrd.notifications_are_stuck() returns boolean
  language sql volatile
  return pg_notification_queue_usage() > 0.75;

create or replace function alfrd.ring(p_steps text[]) returns void
language plpgsql as $$
declare
  v_step text;
begin
  -- Inside an exchange the bell is held: the worker claims first, and rings for what it left over.
  if coalesce(current_setting('alfrd.bell', true), '') = 'held' then
    perform set_config('alfrd.bell_held_for', array_to_string(
      string_to_array(nullif(current_setting('alfrd.bell_held_for', true), ''), ',') || p_steps, ','), true);
    return;
  end if;
  -- A full queue would fail the transaction at its commit. Whoever listens finds the work by its poll.
  if p_steps is null or alfrd.notifications_are_stuck() then
    return;
  end if;
  foreach v_step in array p_steps loop
    perform pg_notify('alfrd_work', v_step);
  end loop;
end $$;

create or replace function alfrd.enqueue(
  p_entity text, p_ids uuid[], p_statuses text[], p_generations integer[], p_priorities smallint[]
) returns void
language plpgsql as $$
declare
  v_steps text[];
begin
  with created as (
    insert into alfrd.tasks
           (step, entity, subject_id, status, generation, state, priority, run_at, max_attempts)
    select route.step, p_entity, changed.id, changed.status, changed.generation,
           case when route.delay > '0' then 'scheduled' else 'ready' end,
           changed.priority, alfrd.now() + route.delay, route.max_attempts
      from unnest(p_ids, p_statuses, p_generations, p_priorities) as changed(id, status, generation, priority)
      join alfrd.routes route on route.entity = p_entity and route.status = changed.status
        on conflict do nothing
    returning step)
  select array_agg(distinct step) into v_steps from created;
  perform alfrd.ring(v_steps);
end $$;

create or replace function alfrd.announce(p_entity text, p_ids uuid[], p_statuses text[]) returns void
language plpgsql as $$
declare
  c_ids_per_message constant integer := 150;   -- 150 ids are under 6,000 of the 8,000 bytes of a payload
  c_ids_at_most     constant integer := 1500;
  v_group record;
  v_from  integer;
begin
  if current_setting('alfrd.status_feed', true) = 'off' or alfrd.notifications_are_stuck() then
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
      perform pg_notify('alfrd_status', json_build_object(
        'entity', p_entity, 'count', v_group.size, 'status', v_group.status)::text);
    else
      for v_from in 1 .. v_group.size by c_ids_per_message loop
        perform pg_notify('alfrd_status', json_build_object(
          'entity', p_entity, 'ids', v_group.ids[v_from : v_from + c_ids_per_message - 1],
          'status', v_group.status)::text);
      end loop;
    end if;
  end loop;
end $$;
