-- Workers: who is there, and giving back the tasks of those who are gone.
--
-- A worker owns its tasks for lease_seconds after its last heartbeat; every exchange is one. While its listener
-- lives it also holds a session advisory lock, so that a killed process shows at once: the server drops the lock
-- with the connection. A reconnecting listener is without its lock for a moment, so a worker is only taken for
-- dead when the lock is missing at two looks, a second apart.

create or replace function alfrd.worker_lock_class() returns integer
  language sql immutable parallel safe return 1634493042;   -- 'alfr' in ASCII

-- '0.2.10' -> {0,2,10}: comparable. Null where it is no release.
create or replace function alfrd.version_numbers(p_version text) returns numeric[]
  language sql immutable parallel safe
  return string_to_array(substring(p_version from '^[0-9]+(?:[.][0-9]+)*'), '.')::numeric[];

-- alfrd.supersede: tell the workers of older programs that theirs is not the schema that they know. Called by migrate.
create or replace function alfrd.supersede(p_version text) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update alfrd.workers set superseded_by = p_version
   where alfrd.version_numbers(version) < alfrd.version_numbers(p_version) and superseded_by <> p_version;
$$;

create or replace function alfrd.register_worker(
  p_name text, p_host text, p_process integer, p_version text, p_steps text[], p_lease_seconds double precision
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_id bigint;
begin
  if p_name is null or p_steps is null or exists (select from unnest(p_steps) as step where step is null) or p_lease_seconds is null then
    raise exception 'a worker is registered with its name, its steps and its lease' using errcode = 'AL005';
  end if;
  insert into alfrd.workers (name, host, process, version, steps, lease_seconds, superseded_by)
  select p_name, coalesce(p_host, ''), coalesce(p_process, 0), coalesce(p_version, ''), p_steps, p_lease_seconds,
         coalesce((select checksum from alfrd.migrations
                    where name = 'program' and alfrd.version_numbers(checksum) > alfrd.version_numbers(p_version)), '')
  returning id into v_id;
  return v_id;
end $$;

-- The time at this moment and not at the statement's begin: an exchange may have waited for a lock.
create or replace function alfrd.clock() returns timestamptz
  language sql volatile return clock_timestamp() + (alfrd.now() - statement_timestamp());

create or replace function alfrd.is_heartbeat_due(p_worker alfrd.workers) returns boolean
  language sql volatile return p_worker.heartbeat_at < alfrd.clock() - make_interval(secs => p_worker.lease_seconds / 6);

create or replace function alfrd.heartbeat(p_worker bigint, p_locked boolean default null) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.workers w
     set heartbeat_at = alfrd.clock(), locked = coalesce(p_locked, locked)
   where id = p_worker and (alfrd.is_heartbeat_due(w) or p_locked <> locked);
  if not found and not exists (select from alfrd.workers where id = p_worker) then
    raise exception 'worker % is not registered', p_worker
      using errcode = 'AL002', hint = 'it was taken for dead and its tasks were given to others; register again';
  end if;
end $$;

create or replace function alfrd.deregister_worker(p_worker bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from alfrd.workers where id = p_worker
     and not exists (select from alfrd.tasks where worker_id = p_worker and state = 'running');
$$;

-- Release lost tasks, with all that follows.
create or replace function alfrd.rescue_tasks(p_lost jsonb)
returns table (task_id bigint, step text, subject_id uuid, attempt integer, worker_id bigint, outcome text, error text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_state alfrd.exchange_state;
begin
  perform set_config('alfrd.actor', 'worker', true);
  v_state := alfrd.advance(alfrd.release(v_state, p_lost));
  perform set_config('alfrd.actor', '', true);
  perform alfrd.notify(v_state.notify);
  return query select r.task_id, r.step, r.subject_id, r.attempt, r.worker_id, r.outcome, '' from unnest(v_state.released) as r;
end $$;

-- alfrd.rescue: give back the tasks of workers that are gone.
--
-- p_thoroughly: also those of workers of which there is no row, because it was deleted by hand, say. That reads all tasks that run, and, while a long
--               transaction keeps vacuum away, all that have run since it began.
-- Called:  by every worker, once per rescue interval; no leader.
-- Locks:   workers rows, then tasks by id, skipping locked ones; the same order as exchange.
-- Effect:  the attempt stays counted; a task past max_attempts becomes dead. Calls that they had under way are forgotten: what
--          was set aside for them stays spent. One task that cannot be rescued does not keep the others from it.
-- Returns: the rescued tasks, for the log. Of one that could not be, the outcome is 'refused', with its error.
create or replace function alfrd.rescue(p_thoroughly boolean default true)
returns table (task_id bigint, step text, subject_id uuid, attempt integer, worker_id bigint, outcome text, error text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set lock_timeout = '1s' as $$
#variable_conflict use_column
declare
  v_gone bigint[];
  v_lost jsonb;
  v_one  jsonb;
begin
  with holder as (
    select objid::bigint as id from pg_locks
     where locktype = 'advisory' and classid = alfrd.worker_lock_class()::oid and objsubid = 2 and granted
       and database = (select oid from pg_database where datname = current_database()))
  update alfrd.workers w
     set suspected_at = case when holder.id is null then alfrd.now() end
    from alfrd.workers seen left join holder on holder.id = seen.id
   where w.id = seen.id and w.locked and (holder.id is null) <> (w.suspected_at is not null)
     -- A server that has just started holds no lock of anyone; its workers need a moment to come back.
     and alfrd.now() - pg_postmaster_start_time() > interval '10 seconds';

  select array_agg(id) into v_gone
    from (select id from alfrd.workers
           where heartbeat_at < alfrd.now() - make_interval(secs => lease_seconds)
              or (locked and suspected_at < alfrd.now() - interval '0.9 seconds')
           order by id for update skip locked) as gone;

  if v_gone is null and not p_thoroughly then
      return;
  end if;
  select jsonb_agg(to_jsonb(lost)) into v_lost
    from (select t.id as task_id, t.attempt, t.worker_id, 'lost' as outcome,
                 format('worker %s stopped without handing it back', coalesce(w.name, t.worker_id::text)) as error
            from alfrd.tasks t left join alfrd.workers w on w.id = t.worker_id
           where t.state = 'running' and (t.worker_id = any (v_gone) or w.id is null)
           order by t.id for update of t skip locked) as lost;
  if v_lost is not null then
    begin
      return query select * from alfrd.rescue_tasks(v_lost);
    exception when others then   -- by one of them; which, is found by trying each
      for v_one in select jsonb_array_elements(v_lost) loop
        begin
          return query select * from alfrd.rescue_tasks(jsonb_build_array(v_one));
        exception when others then
          return query select t.id, t.step, t.subject_id, t.attempt, t.worker_id, 'refused', sqlerrm
                         from alfrd.tasks t where t.id = (v_one -> 'task_id')::bigint;
        end;
      end loop;
    end;
    perform alfrd.forget_lost_calls();
  end if;
  delete from alfrd.workers w where id = any (v_gone)
     and not exists (select from alfrd.tasks t where t.worker_id = w.id and t.state = 'running');
end $$;
