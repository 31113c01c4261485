-- alfrd.exchange: hand in finished work and claim new work, in one transaction.
--
-- The heart of the engine; a worker's loop calls it and, for a bell, alfrd.take before. In order: make due what was scheduled; settle the
-- outcomes (each fenced), which hands next steps over; claim, up to the capacity given per step; touch the files that documents
-- have changed; ring for what was made ready here and not claimed. It is a heartbeat, too, written when one is due.
--
-- p_outcomes: [{task_id, attempt, step, entity, subject_id, outcome, result, made_by, prompt_id, error, retry_after, usage}],
--             outcome one of done, retry, throttled, released, failed; the last three keys only where there is something to say
-- p_capacity: {step: how many tasks of it this worker could start now}
-- p_woken_by: start, notify, timer, poll, reconnect, handoff or awake: recorded with each claim
-- p_subjects: only tasks of these documents and files; null for all
-- p_owned:    all (task id, attempt) that this worker knows to be its own, told after a failed exchange: its reply may have been
--             lost after the commit, and what it claimed then is handed over again here. Null: no doubt.
-- p_waiting:  the steps that this worker would sleep for now; null: it will look again by itself.
-- p_from:     {step: place}: look at its queue only behind this place, which the last exchange has reached or found to be its
--             end. Tasks may come to be ready before it: an earlier transaction commits later, others give one back. So the
--             worker looks at the whole queue now and then, and before it sleeps.
-- p_seen:     the last task that was made when nothing waited here: if it is still the last one, nobody needs to count
-- Sleeping:   when nothing was claimed, p_waiting is written to its row, and from then on bells ring for it. A transaction that
--             looked at the row just before, and commits just after, would not ring: so the worker looks again until it
--             is the only one with a hand on the bell (alfrd.everyone_knows), which that look begins with.
-- Durability: what is handed in is on the disk before the answer comes; a claim alone need not be (sql/functions/claim.sql)
-- Returns:    inputs, what the claimed tasks are given (alfrd.inputs_of) or null, and an answer:
--               claimed         {id: [...], step: [...], ...}, a list for each column, or null
--               handed_over     the same of next steps, and of what a lost reply told
--               reached         {step: place}: for p_from of the next exchange
--               seen            for its p_seen, or null
--               stale           [task ids]: outcomes that were refused
--               next_due        seconds until the next scheduled task, or null
--               others_running  whether other workers own tasks, looked up only when nothing was claimed
--               alone           whether no other worker lives
--               asleep          whether this worker may sleep until it is rung for; else it looks again in a moment
--               superseded_by   the newer release that has migrated the database; then nothing is claimed
-- Locks:      own running tasks by id, documents, waiting tasks, skipping locked ones, then files by id. Where files were
--             summarised, those are locked with all that are touched, before waiting tasks.

create or replace function alfrd.exchange(
  p_worker bigint, p_outcomes jsonb, p_capacity jsonb, p_woken_by text, p_subjects uuid[] default null,
  p_owned bigint[] default null, p_owned_attempts integer[] default null, p_waiting text[] default null,
  p_from jsonb default '{}', p_seen bigint default null, out answer json, out inputs json
)
-- Costs that are guessed too high would have each statement compiled, for 20 ms each. And a plan for these very arrays is never better
-- than the one for any: making it anew each time took a third of an exchange that carries a single result.
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off as $$
declare
  c_many       constant integer := 32;   -- a worker of few slots begins what it can
  c_few        constant integer := 8;    -- who is given no more than that at a time may go on being rung for
  v_now        timestamptz := alfrd.now();
  v_set        text;   -- an assignment is evaluated at once, where PERFORM begins and ends a query, a dozen times
  v_newer      text;
  v_waiting    text[];
  v_beat_every interval;
  v_beat_by    timestamptz;
  v_paused     text[];
  v_limited    text[];
  v_later      text[];
  v_side       text[];
  v_since      timestamptz;
  v_is_due     boolean;
  v_last_made  bigint;
  v_last_place bigint;
  v_has_slots  boolean;
  v_due        text[];
  v_asleep     boolean;
  v_room       jsonb;
  v_for_next   jsonb;
  v_left_over  jsonb;
  v_offered    integer;   -- at least so many of each step
  v_least      integer;   -- the same, less those for which older tasks wait
  v_space      integer;
  v_stale      bigint[];
  v_held       text;
  v_some_wait  boolean := true;
  v_knows      boolean;
  v_awaited    text[];
  v_firsts     jsonb;
  v_again      text[];
  v_left       text[];
  v_claimed    alfrd.claimed;
  v_size       integer := 0;
  v_ids        bigint[];
  v_count      integer;
  v_handed     alfrd.claimed;
  v_reached    jsonb;
begin
  if p_worker is null or jsonb_typeof(p_outcomes) is distinct from 'array' or jsonb_typeof(p_capacity) is distinct from 'object'
     or jsonb_typeof(p_from) is distinct from 'object' or p_woken_by is null
     or exists (select from jsonb_array_elements(case when jsonb_typeof(p_outcomes) = 'array' then p_outcomes end) as o
                 where jsonb_typeof(o) <> 'object'
                    or not o ?& array['task_id', 'attempt', 'step', 'entity', 'subject_id', 'outcome']) then
    raise exception 'alfrd.exchange takes a worker, a list of outcomes, and objects of capacities and places' using errcode = 'AL005';
  end if;
  v_set := concat(
    set_config('alfrd.actor', 'worker', true), set_config('alfrd.bell', 'held', true),
    set_config('alfrd.bell_held_for', '', true), set_config('alfrd.touched', '', true), set_config('alfrd.handed_over', '', true),
    set_config('alfrd.given_back', '', true),
    -- Whoever holds a row for long, a person in a transaction, holds up this row's document and no other.
    set_config('lock_timeout', '1s', true));
  loop
    select w.superseded_by, w.waiting_for, make_interval(secs => w.lease_seconds / 6), w.heartbeat_at,
           s.paused, s.limited, s.later, s.side, s.since,
           exists (select from alfrd.tasks where state = 'scheduled' and run_at <= v_now),
           (select last_value from alfrd.tasks_id_seq),
           (select bool_and(coalesce((p_capacity ->> step)::integer, 0) > 0) from unnest(w.waiting_for) as step),
           (select min(size::integer) from jsonb_each_text(p_capacity) as room(step, size))
      into v_newer, v_waiting, v_beat_every, v_beat_by, v_paused, v_limited, v_later, v_side, v_since, v_is_due, v_last_made,
           v_has_slots, v_offered
      from alfrd.standing s left join alfrd.workers w on w.id = p_worker;   -- and waits here for a migration
    exit when found;
    v_set := alfrd.note_standing();   -- crash recovery has emptied it
  end loop;
  v_last_place := alfrd.first_of_priority(0) | v_last_made;
  if v_beat_by is null or v_beat_by + v_beat_every < alfrd.clock() then
    v_set := alfrd.heartbeat(p_worker);
    v_beat_by := alfrd.clock();
  end if;
  v_beat_by := v_beat_by + v_beat_every;
  v_asleep := p_waiting = v_waiting and alfrd.everyone_knows();
  if p_waiting is not null or p_subjects is not null then
    p_from := '{}';
  end if;
  if p_subjects is not null then
    v_set := set_config('plan_cache_mode', 'auto', true);   -- they are few: found by their ids, and not in the whole queue
  end if;
  if v_newer <> '' then
    p_capacity := '{}';   -- it may not understand what a task means by now
  end if;

  if v_is_due then
    with due as (
      update alfrd.tasks set state = 'ready'
       where id in (select id from alfrd.tasks where state = 'scheduled' and run_at <= v_now
                     order by run_at limit 1000 for update skip locked)
      returning step)
    select array_agg(distinct step) into v_due from due;
    p_from := p_from - coalesce(v_due, '{}');   -- they are older
  end if;

  v_room := p_capacity - v_paused;
  if p_seen = v_last_made and p_outcomes <> '[]' and v_limited = '{}' and v_paused = '{}' and v_due is null and p_subjects is null
     and v_newer = '' then
    v_for_next := v_room;
    v_least := v_offered;
    v_knows := true;
  elsif p_outcomes <> '[]' or p_from <> '{}' then
    -- Where to look from: from where the worker was, unless something more urgent has come, or a limit has held something back. And
    -- the next steps of what it hands in are this worker's at once, but for the slots of those that have waited longer.
    select coalesce(jsonb_object_agg(step, start) filter (where start > 0), '{}'),
           jsonb_object_agg(step, greatest(start, v_last_place)) filter (where size > 0 and step <> all (v_limited)),
           coalesce(jsonb_object_agg(step, size - waiting) filter (where size > waiting and is_free), '{}'),
           min(size - waiting) filter (where size > waiting and is_free),
           min(size - waiting) filter (where step = any (v_later) and step <> all (v_side) and step <> all (v_limited)),
           array_agg(step) filter (where waiting > 0 or p_subjects is not null),
           jsonb_object_agg(step, first - 1) filter (where waiting > 0)
      into p_from, v_reached, v_for_next, v_least, v_space, v_awaited, v_firsts
      from (select room.step, room.size::integer, room.step <> all (v_limited) and p_subjects is null as is_free,
                   case when room.step = any (v_limited) or more_urgent.place is not null then 0
                        else coalesce((p_from ->> room.step)::bigint, 0) end as start
              from jsonb_each_text(v_room) as room(step, size)
              left join lateral (   -- in the order of the one index that this can be found by
                select t.place from alfrd.tasks t where t.step = room.step and t.state = 'ready'
                   and t.place < ((p_from ->> room.step)::bigint >> 40) << 40
                 order by t.place limit 1) as more_urgent on true) as served,
           lateral (select count(*)::integer as waiting, min(place) as first
                      from (select t.place from alfrd.tasks t
                             where t.step = served.step and t.state = 'ready' and t.place > served.start
                             order by t.place limit case when p_outcomes <> '[]' then size else 0 end) as ahead) as queue;
    v_knows := v_offered > 0;   -- of a step without a slot nobody has counted what waits
  end if;
  if p_outcomes <> '[]' then
    v_set := concat(set_config('alfrd.worker', p_worker::text, true), set_config('alfrd.room', v_for_next::text, true),
                    set_config('alfrd.least_room', coalesce(v_least, 0)::text, true));
    v_stale := alfrd.settle(p_worker, p_outcomes);
    v_left_over := current_setting('alfrd.room')::jsonb;
    v_held := nullif(current_setting('alfrd.bell_held_for'), '');
    v_again := string_to_array(current_setting('alfrd.given_back'), ',');
    p_from := (p_from || coalesce(v_firsts, '{}')) - v_again;   -- that is older, too
    v_awaited := v_awaited || string_to_array(v_held, ',');
    v_some_wait := v_awaited is not null;
    v_set := set_config('alfrd.room', '', true);
    if v_some_wait then
      -- Only of what waits, and from the first of it on: while a long transaction keeps vacuum away, looking for it again may take
      -- a second, and by now this exchange holds what others wait for.
      -- While results come in, of many documents no more are begun than the later steps have space for, and an eighth less than fit:
      -- what is under way finds room then, and need not queue.
      v_room := coalesce((
        select jsonb_object_agg(step, case
                 when size >= c_many and v_space is not null and step <> all (v_later)
                   then least(greatest(size / 4, least(size - size / 8, v_space)), size - handed_over)
                 else size - handed_over end)
          from (select step, size::integer,
                       coalesce((v_for_next ->> step)::integer - (v_left_over ->> step)::integer, 0) as handed_over
                  from jsonb_each_text(v_room) as room(step, size) where step = any (v_awaited)) as room), '{}');
    end if;
  end if;
  if v_some_wait then
    if v_room ?| v_limited then
      v_room := alfrd.room_within_limits(v_room);
    end if;
    v_claimed := alfrd.claim(p_worker, v_room, p_woken_by, p_subjects, p_from, v_limited, v_last_place, v_since);
    v_size := coalesce(cardinality(v_claimed.ids), 0);
    v_reached := coalesce(v_reached, '{}') || coalesce(v_claimed.reached, '{}');
    if p_outcomes = '[]' and v_claimed.some_old is not true then
      v_set := set_config('synchronous_commit', 'off', true);
    end if;
  end if;
  v_reached := p_from || coalesce(v_reached, '{}');
  v_ids := nullif(current_setting('alfrd.handed_over'), '')::bigint[];   -- in their order
  v_count := coalesce(cardinality(v_ids), 0);
  p_seen := case
    when v_paused <> '{}' or v_limited <> '{}' then null
    when p_outcomes = '[]' then case when v_size < v_offered then v_last_made end
    when v_some_wait or v_knows is not true then null
    when v_count = 0 then v_last_made
    when v_ids[v_count] = v_last_made + v_count then v_ids[v_count]   -- else others have made some, too
  end;
  if p_owned is not null then
    v_ids := v_ids || array(select id from alfrd.tasks
                             where worker_id = p_worker and state = 'running' and id <> all (coalesce(v_ids || v_claimed.ids, '{}'))
                               and (id, attempt) not in (select * from unnest(p_owned, p_owned_attempts)));
    v_count := coalesce(cardinality(v_ids), 0);
  end if;
  if v_count > 0 then
    v_handed := alfrd.handed(p_worker, v_ids);
  end if;
  if v_size + v_count > 0 then
    inputs := alfrd.inputs_within_limits(
      v_claimed.documents || v_handed.documents, v_claimed.read || v_handed.read, v_claimed.extracted || v_handed.extracted,
      coalesce(v_claimed.to_file, false) or coalesce(v_handed.to_file, false));
    if not (case when v_size > 0 then v_claimed.is_known else v_handed.is_known end) then
      v_set := alfrd.heartbeat(p_worker);   -- which says so
    end if;
  end if;

  if current_setting('alfrd.touched') <> '' then
    v_set := alfrd.touch_files(current_setting('alfrd.touched')::text[]);
    v_held := nullif(current_setting('alfrd.bell_held_for'), '');
  end if;

  -- Now ring: for steps that others serve, and for what is ready and did not fit here.
  if v_held is not null or v_due is not null or p_outcomes <> '[]' and cardinality(v_limited) > 0 then
    select array_agg(distinct held_for.step) into v_left
      from (select string_to_array(v_held, ',') || v_due
                   -- a slot of a limited step may have become free for others
                   || array(select step from unnest(v_limited) as step
                             where exists (select from jsonb_array_elements(p_outcomes) as o where o ->> 'step' = step)) as steps) as held
     cross join unnest(held.steps) as held_for(step)
     where not p_capacity ? held_for.step
        or exists (select from alfrd.tasks t where t.step = held_for.step and t.state = 'ready'
                      and t.place > coalesce((p_from ->> held_for.step)::bigint, 0));
  end if;
  if v_size + v_count > 0 or p_waiting is null then
    -- A worker that little comes to need not tell each time that it is awake: it may be rung for.
    p_waiting := case when v_size + v_count + jsonb_array_length(p_outcomes) <= c_few and v_has_slots then v_waiting
                      else '{}' end;
    v_asleep := false;
  end if;
  if p_waiting <> v_waiting then
    update alfrd.workers set waiting_for = p_waiting, heartbeat_at = alfrd.clock() where id = p_worker;
  elsif v_beat_by < alfrd.clock() then
    v_set := alfrd.heartbeat(p_worker);   -- it has waited for somebody
  end if;
  v_set := concat(set_config('alfrd.bell', '', true), set_config('alfrd.actor', '', true));
  if v_left is not null then
    perform alfrd.ring(v_left);
  end if;

  answer := json_build_object(
    'superseded_by', v_newer, 'asleep', coalesce(v_asleep, false),
    -- A program that is superseded may know of no handed_over.
    'claimed', case when v_size > 0 then v_claimed.tasks when v_newer <> '' then v_handed.tasks end,
    'handed_over', case when v_newer = '' then v_handed.tasks end,
    'reached', case when p_subjects is null then v_reached else '{}' end, 'seen', case when p_subjects is null then p_seen end,
    'stale', coalesce(to_json(v_stale), '[]'),
    'alone', not exists (select from alfrd.workers w where w.id <> p_worker
                            and w.heartbeat_at > v_now - make_interval(secs => w.lease_seconds)),
    'others_running', v_size + v_count = 0 and exists (select from alfrd.workers where id <> p_worker)
       and exists (select from alfrd.tasks where state = 'running' and worker_id <> p_worker),
    -- What is due and still scheduled was locked by somebody: look again in a second.
    'next_due', (select case when run_at <= alfrd.now() then 1 else extract(epoch from run_at - alfrd.now()) end
                   from alfrd.tasks where state = 'scheduled' order by run_at limit 1));
end $$;
