-- Looking after series: when.
--
-- A change of a document that its series' calendar may see (its series, date, amount …) notes the series in alfrd.changed_series. At the
-- commit, or at the end of an exchange, all series that the transaction has noted get their task brought forward, in one order. So a row
-- of a series' task is locked for a moment, and workers that file into one series do not wait for each other's exchanges.
--
-- Documents that a worker files for the first time are most of all changes, and have no trigger: alfrd.complete names their series, each
-- once, in exchange_state.next_looks.
--
-- A look waits for the end of a burst (the delay of its route). What a person has corrected is looked at as soon as the document has
-- gone its way again, so that alerts follow; but a series not more often than once in five seconds, so that bursts of corrections cost no more.
--
-- alfrd.note_series             notes series for the end of the transaction
-- alfrd.earliest_look           from when on a series may be looked at again
-- alfrd.watch_changed_series    the deferred trigger that makes their tasks due
-- alfrd.is_for_another_day      whether a task is a look to come, and no work yet
-- alfrd.hasten_looks            for a worker that ends when all is done
-- alfrd.schedule_looks          makes the tasks of series, or brings them forward
--
-- Called: by triggers; by alfrd.complete; by a worker. What a look sees is in sql/functions/series_alerts.sql.

-- p_at_once: what a person has corrected has taken effect on it
drop function if exists alfrd.note_series(uuid);
create or replace function alfrd.note_series(p_series uuid, p_at_once boolean default false) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into alfrd.changed_series as c (series_id, is_first, at_once)
  values (p_series, not exists (select from alfrd.changed_series where transaction = pg_current_xact_id()), p_at_once)
      on conflict (transaction, series_id) do update set at_once = true where p_at_once and not c.at_once;
$$;

create or replace function alfrd.earliest_look(p_series uuid) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select greatest(alfrd.now(), (select watched_at + interval '5 seconds' from alfrd.series_rhythms where series_id = p_series));
$$;

create or replace function alfrd.document_changes_series() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' and old.series_id is not null then
    -- A document that was corrected leaves it now. What stays is looked at when it has gone the rest of its way (alfrd.documents_moved).
    perform alfrd.note_series(old.series_id, tg_op = 'UPDATE' and new.series_id is distinct from old.series_id
                                             and new.generation > 1 and alfrd.acts_as_engine());
  end if;
  if tg_op <> 'DELETE' and new.series_id is not null and (tg_op = 'INSERT' or new.series_id is distinct from old.series_id) then
    perform alfrd.note_series(new.series_id);
  end if;
  return null;
end $$;

create or replace function alfrd.documents_truncated_for_series() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.note_series(id) from alfrd.series;
  return null;
end $$;

-- Conditions of rows, which cost no call of a function while a document has no series; the first one is looked at only by statements that
-- set such a value.
create or replace trigger documents_change_series
  after update of series_id, document_date, period_end, total_amount, currency, account_number, structured_data on alfrd.documents
  for each row when (
    case when old.series_id is null then new.series_id is not null and not alfrd.acts_as_engine()
         else (old.series_id, old.document_date, old.period_end, old.total_amount, old.currency, old.account_number, old.structured_data)
              is distinct from
              (new.series_id, new.document_date, new.period_end, new.total_amount, new.currency, new.account_number, new.structured_data)
    end)
  execute function alfrd.document_changes_series();
create or replace trigger documents_end_in_series after update of status on alfrd.documents
  for each row when (old.series_id is not null and old.status in ('failed', 'cancelled') <> new.status in ('failed', 'cancelled'))
  execute function alfrd.document_changes_series();
create or replace trigger documents_enter_series after insert on alfrd.documents
  for each row when (new.series_id is not null) execute function alfrd.document_changes_series();
create or replace trigger documents_leave_series after delete on alfrd.documents
  for each row when (old.series_id is not null) execute function alfrd.document_changes_series();
create or replace trigger documents_truncated_for_series after truncate on alfrd.documents
  for each statement execute function alfrd.documents_truncated_for_series();

-- alfrd.schedule_looks: the tasks of these series, and of those that this transaction has noted, are due at this time, or earlier if they are
-- already. Returns whether any was made or moved.
--
-- Those that wait already are locked and left, not inserted again in vain: that would take a number of the tasks' sequence each time, by
-- which workers see that nothing new waits.
--
-- Locks: waiting tasks, in the order of their series, skipping locked ones: who claims one may want what this transaction holds. Their series
--        stay in alfrd.changed_series, and are looked at once more when that task ends (alfrd.looks_after).
create or replace function alfrd.schedule_looks(p_looks alfrd.next_look[]) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_now     timestamptz := alfrd.now();
  v_soon    timestamptz := v_now + (select delay from alfrd.routes where step = 'watch_series' limit 1);
  v_series  uuid[];
  v_run_at  timestamptz[];
  v_waiting uuid[];
  v_later   bigint[];
  v_locked  uuid[];
  v_is_new  boolean;
begin
  with noted as (
    delete from alfrd.changed_series where transaction = pg_current_xact_id() returning series_id, at_once),
  wanted as (
    select series_id, min(coalesce(run_at, v_soon)) as run_at
      from (select series_id, run_at from unnest(p_looks) union all
            select series_id, case when at_once then alfrd.earliest_look(series_id) end from noted) as looks
     group by series_id)
  select array_agg(series_id order by series_id), array_agg(run_at order by series_id) into v_series, v_run_at from wanted;
  if v_series is null then
    return false;
  end if;
  select array_agg(waiting.subject_id), array_agg(waiting.id) filter (where state = 'scheduled' and waiting.run_at > wanted.run_at)
    into v_waiting, v_later
    from (select t.id, t.subject_id, t.state, t.run_at from alfrd.tasks t
           where t.subject_id = any (v_series) and t.step = 'watch_series' and t.state in ('ready', 'scheduled')
           order by t.subject_id for update skip locked) as waiting
    join unnest(v_series, v_run_at) as wanted(series_id, run_at) on wanted.series_id = waiting.subject_id;
  if v_later is not null then
    update alfrd.tasks t set run_at = wanted.run_at, state = case when wanted.run_at <= v_now then 'ready' else 'scheduled' end
      from unnest(v_series, v_run_at) as wanted(series_id, run_at)
     where t.id = any (v_later) and t.subject_id = wanted.series_id;
  end if;
  v_locked := array(select series_id from unnest(v_series) as series_id
                     where series_id <> all (coalesce(v_waiting, '{}'))
                       and exists (select from alfrd.tasks t where t.subject_id = series_id and t.step = 'watch_series'
                                      and t.state in ('ready', 'scheduled')));
  if v_locked <> '{}' then
    insert into alfrd.changed_series (series_id, is_first) select series_id, false from unnest(v_locked) as series_id;
    v_waiting := v_waiting || v_locked;
  end if;
  if cardinality(v_waiting) = cardinality(v_series) then
    return v_later is not null;
  end if;
  with made as (
    insert into alfrd.tasks as t (step, subject_type, subject_id, status, state, run_at, max_attempts, priority)
    select r.step, r.subject_type, s.id, r.status, case when wanted.run_at <= v_now then 'ready' else 'scheduled' end, wanted.run_at,
           r.max_attempts, -1
      from unnest(v_series, v_run_at) as wanted(series_id, run_at)
      join alfrd.series s on s.id = wanted.series_id
     cross join alfrd.routes r
     where r.step = 'watch_series' and s.id <> all (coalesce(v_waiting, '{}'))
     order by s.id
        on conflict (subject_id, step) where state in ('ready', 'scheduled') do update
       set run_at = excluded.run_at, state = excluded.state
     where t.state = 'scheduled' and t.run_at > excluded.run_at
    returning t.id)
  select exists (select from made) into v_is_new;
  return v_is_new or v_later is not null;
end $$;

create or replace function alfrd.is_for_another_day(p_step text, p_state text, p_run_at timestamptz) returns boolean
  language sql stable parallel safe
  return p_step = 'watch_series' and p_state = 'scheduled' and p_run_at >= alfrd.now() + interval '1 minute';

-- alfrd.hasten_looks: what waits only for the end of a burst is due now; but a series is not looked at twice within five seconds.
create or replace function alfrd.hasten_looks() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_hastened bigint;
begin
  with hastened as (
    update alfrd.tasks set run_at = alfrd.now()
     where id in (select id from alfrd.tasks
                   where state = 'scheduled' and step = 'watch_series' and error = '' and run_at > alfrd.now()
                     and not alfrd.is_for_another_day(step, state, run_at)
                     and alfrd.earliest_look(subject_id) <= alfrd.now()
                   order by subject_id for update skip locked)
    returning id)
  select count(*) into v_hastened from hastened;
  if v_hastened > 0 then
    perform alfrd.notify(array['watch_series']);
  end if;
end $$;

-- alfrd.unwatched_series: series without a task that should have one: nothing has looked at them, something may be late one day, or a snooze is
-- to end. They came by replication or a restore, without triggers.
create or replace function alfrd.unwatched_series() returns setof uuid
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s.id from alfrd.series s left join alfrd.series_rhythms r on r.series_id = s.id
   where not exists (select from alfrd.tasks t where t.subject_id = s.id and t.step = 'watch_series')
     and (r.series_id is null or r.next_look_at is not null
          or exists (select from alfrd.series_renewals n where n.series_id = s.id)
          or exists (select from alfrd.series_alerts a
                      where a.series_id = s.id and a.resolved_at is null and a.dismissed_at is null and a.snoozed_until > alfrd.now()));
$$;

create or replace function alfrd.watch_changed_series() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if alfrd.schedule_looks('{}') then
    perform alfrd.notify(array['watch_series']);
  end if;
  return null;
end $$;
drop trigger if exists changed_series_at_commit on alfrd.changed_series;
create constraint trigger changed_series_at_commit after insert on alfrd.changed_series
  deferrable initially deferred for each row when (new.is_first) execute function alfrd.watch_changed_series();

create or replace function alfrd.series_deleted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from alfrd.tasks where subject_id = old.id and step = 'watch_series' and state <> 'running';
  return null;
end $$;
create or replace trigger series_deleted after delete on alfrd.series
  for each row execute function alfrd.series_deleted();
