-- alfrd.claim: waiting tasks of several steps become a worker's.
--
-- Durability: a claim need not be on the disk. Should a crash lose it, the task is ready again, and no call was made that is under a
--             cap: whatever a worker writes later takes the claim to the disk first. But its number, the fencing token, is known to a
--             worker. So the first claim after a crash of a task that is older skips a number, and waits for the disk.
--             alfrd.route_cache, which recovery empties, shows the crash.
-- Called:     by alfrd.exchange.
-- Locks:      the worker's row, shared, by alfrd.exchange; waiting tasks, skipping locked ones.

-- The first position in a queue that a task of this priority may have: tasks.queue_position is this, and the task's id.
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

-- Where to begin in each queue: after the cursor, unless something more urgent has come, or a limit has held something back.
create or replace function alfrd.claim_from(p_cursors jsonb, p_limited text[]) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(step, after), '{}')
    from (select step, after::bigint from jsonb_each_text(p_cursors) as known(step, after)) as known
   where step <> all (p_limited)
     and (select t.id from alfrd.tasks t where t.step = known.step and t.state = 'ready'
             and t.queue_position < (known.after >> 40) << 40 order by t.queue_position limit 1) is null;
$$;

-- Of each step as many as p_state.room says, which is lowered by them.
--
-- p_state.cursors: {step: position} after which to look;   reached: where the next look may begin
-- p_state.wait_for_disk: some are older than the last crash, which may have lost a claim of theirs
create or replace function alfrd.claim(p_state alfrd.exchange_state, p_cache alfrd.route_cache, p_last_made bigint)
returns alfrd.exchange_state
-- Found in their order, by tasks_ready: where ids are in the order of time, reading and sorting all that waits seems as cheap.
language plpgsql set search_path = pg_catalog, pg_temp set enable_sort = off as $$
declare
  v_now     timestamptz := alfrd.now();
  v_claimed alfrd.claimed[];
begin
  if p_state.room ?| p_cache.limited then
    p_state.room := alfrd.room_within_limits(p_state.room);
  end if;
  if p_state.cursors <> '{}' then
    p_state.cursors := alfrd.claim_from(p_state.cursors, p_cache.limited);
  end if;
  with room as materialized (
    select step, size::integer, coalesce((p_state.cursors ->> step)::bigint, 0) as start
      from jsonb_each_text(p_state.room) as room(step, size) where size::integer > 0),
  picked as materialized (
    select waiting.*
      from room cross join lateral (
       select t.id, t.step, t.queue_position, t.subject_id, t.status, t.announced,
              coalesce(t.claimed_at, t.created_at) < p_cache.crashed_at as is_old
         from alfrd.tasks t
        where t.step = room.step and t.state = 'ready' and t.queue_position > room.start
          and (p_state.subjects is null or t.subject_id = any (p_state.subjects))
          and (select twin.id from alfrd.tasks twin   -- not as an anti-join, which looks through all that run
                where twin.subject_id = t.subject_id and twin.step = t.step and twin.state = 'running') is null
        order by t.queue_position
        limit room.size
          for update skip locked) as waiting),
  claimed as (
    update alfrd.tasks t
       set state = 'running', worker_id = p_state.worker, claimed_at = v_now, announced = true, woken_by = p_state.woken_by,
           attempt = t.attempt + 1 + (coalesce(t.claimed_at, t.created_at) < p_cache.crashed_at)::integer,
           max_attempts = t.max_attempts + (coalesce(t.claimed_at, t.created_at) < p_cache.crashed_at)::integer
     where t.id = any (array(select id from picked))
    returning t.id)
  select array_agg(row(p.id, p.step, p.queue_position, p.subject_id, p.status, p.announced, p.is_old)::alfrd.claimed)
    into v_claimed from picked p join claimed using (id);

  -- Where nothing waits, what comes will be after the last one that was made, or is more urgent.
  select p_state.cursors || coalesce(jsonb_object_agg(room.step, coalesce(
           of_step.last, greatest((p_state.cursors ->> room.step)::bigint, alfrd.first_of_priority(0) | p_last_made)))
           filter (where room.size > 0 and room.step <> all (p_cache.limited)), '{}'),
         coalesce(jsonb_object_agg(room.step, room.size - coalesce(of_step.number, 0)), '{}')
    into p_state.reached, p_state.room
    from (select step, size::integer from jsonb_each_text(p_state.room) as room(step, size)) as room
    left join (select step, max(queue_position) as last, count(*)::integer as number from unnest(v_claimed) group by step) as of_step using (step);
  if v_claimed is not null then
    p_state.claimed := p_state.claimed || array(select id from unnest(v_claimed));
    p_state.wait_for_disk := (select bool_or(is_old) from unnest(v_claimed));
    perform alfrd.announce('document', array_agg(subject_id), array_agg(status)) from unnest(v_claimed) where not announced;
  end if;
  return p_state;
end $$;
