-- Notifications, for workers and for applications.
--
-- alfrd.notify      NOTIFY alfrd_work, a step each, for workers that are parked. A hint: the task is the truth.
-- alfrd.announce    NOTIFY alfrd_status, the feed for applications.
--
-- A NOTIFY takes a lock of the whole server at commit, so it is sent only where a worker is parked for the step (its row's
-- waiting_for), or where no worker serves the step and another program may listen.

-- The queue of notifications is one for the whole server, and a listener that sits in a transaction lets it fill up. A full
-- queue would fail the transaction at its commit; without the notification the poll finds the work.
--
-- PostgreSQL prepares no transaction (PREPARE TRANSACTION) that has notified. Where applications commit in two phases, let
-- alfrd.notify be off for their role or database.
create or replace function alfrd.may_notify() returns boolean
  language sql volatile
  return coalesce(current_setting('alfrd.notify', true), '') <> 'off' and pg_notification_queue_usage() <= 0.75;

-- A notifier holds this lock shared until its commit; a worker that has written what it waits for tries to get it alone. If it gets it,
-- each transaction whose work is not visible yet has seen what the worker waits for, and notifies; or it has not got the lock, and notifies
-- for all steps. The second number of the pair is no worker's.
create or replace function alfrd.no_pending_notifiers() returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if pg_try_advisory_lock(alfrd.worker_lock_class(), 0) then
    perform pg_advisory_unlock(alfrd.worker_lock_class(), 0);
    return true;
  end if;
  return false;
end $$;

-- Whether to notify for steps that no worker serves: the first hundred times, then forty times a second. Clients that insert side by
-- side would otherwise commit one after the other. The sequence holds the time at which the next one is free (GCRA, as in ATM's
-- traffic management), in milliseconds. Two transactions that look at the same moment may both notify.
create or replace function alfrd.unserved_notification_is_due() returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_share constant bigint := 25;            -- milliseconds
  c_ahead constant bigint := 100 * c_share;
  v_now   bigint := extract(epoch from clock_timestamp()) * 1000;
  v_free  bigint := (select last_value from alfrd.unserved_notification_free_at);
begin
  if v_free > v_now + c_ahead and v_free < v_now + 2 * c_ahead then   -- later still: the clock was set back
    return false;
  end if;
  perform setval('alfrd.unserved_notification_free_at', case when v_free between v_now and v_now + c_ahead then v_free else v_now end + c_share);
  return true;
end $$;

-- Returns whether anything was notified.
create or replace function alfrd.notify(p_steps text[]) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_step     text;
  v_awaited  text[];
  v_unserved text[];
begin
  if p_steps is null or current_setting('alfrd.notify', true) = 'off' then   -- nor hold the lock until the second phase
    return false;
  end if;
  -- A transaction that goes on seeing the past cannot tell which workers wait, nor can one that does not get the lock: any login may hold it, for
  -- as long as it likes. Both notify for all.
  if current_setting('transaction_isolation') = 'read committed'
     and pg_try_advisory_xact_lock_shared(alfrd.worker_lock_class(), 0) then
    v_awaited := array(select step from unnest(p_steps) as step
                        where exists (select from alfrd.workers w where step = any (w.waiting_for)));
    v_unserved := array(select step from unnest(p_steps) as step
                         where not exists (select from alfrd.workers w where step = any (w.steps)
                                              and w.heartbeat_at > alfrd.now() - make_interval(secs => w.lease_seconds)));
    p_steps := v_awaited || case when v_unserved <> '{}' and alfrd.unserved_notification_is_due()
                                 then array(select step from unnest(v_unserved) as step where step <> all (v_awaited))
                                 else '{}' end;
  end if;
  if p_steps = '{}' or not alfrd.may_notify() then
    return false;
  end if;
  foreach v_step in array p_steps loop
    perform pg_notify('alfrd_work', v_step);
  end loop;
  return true;
end $$;

-- alfrd.announce: the new statuses of subjects of one type, the last one of a subject last. Ids are grouped by status; of very many only
-- the number is sent.
create or replace function alfrd.announce(p_subject_type text, p_ids uuid[], p_statuses text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_ids_per_message constant integer := 150;   -- 150 ids are under 6,000 of the 8,000 bytes of a payload
  c_ids_at_most     constant integer := 1500;
  v_group record;
  v_from  integer;
begin
  if p_ids is null or current_setting('alfrd.status_feed', true) = 'off' or not alfrd.may_notify() then
    return;
  end if;
  for v_group in
    select status, array_agg(id) as ids, count(*)::integer as size
      from unnest(p_ids, p_statuses) with ordinality as changed(id, status, place) group by status order by max(place)
  loop
    if v_group.size = 1 then
      perform pg_notify('alfrd_status', json_build_object('subject_type', p_subject_type, 'id', v_group.ids[1], 'status', v_group.status)::text);
    elsif v_group.size > c_ids_at_most then
      perform pg_notify('alfrd_status', json_build_object('subject_type', p_subject_type, 'count', v_group.size, 'status', v_group.status)::text);
    else
      for v_from in 1 .. v_group.size by c_ids_per_message loop
        perform pg_notify('alfrd_status', json_build_object('subject_type', p_subject_type,
          'ids', v_group.ids[v_from : v_from + c_ids_per_message - 1], 'status', v_group.status)::text);
      end loop;
    end if;
  end loop;
end $$;
