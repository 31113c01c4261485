-- Looking after series: when, what is seen, and what becomes of alerts.
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
-- alfrd.series_histories        what step watch_series is given
-- alfrd.record_watch_series     what it has seen: the rhythm, alerts, and the next moment
-- alfrd.dismiss_alert, alfrd.snooze_alert   for people, under their own rights and policies
-- alfrd.calendar                what is due, expected, late or missing between two days
--
-- Called: by triggers; by alfrd.record; by a worker; by applications.

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

-- What step watch_series is given. Of a long series the newest 150 documents: the work does not grow with all members.
create or replace function alfrd.series_histories(p_series uuid[])
returns table (series uuid, entity text, kind text, now timestamptz, documents jsonb, alerts jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s.id, s.entity, s.kind, alfrd.now(),
         coalesce((
           select jsonb_agg(jsonb_build_object(
                    'id', d.id, 'filename', d.filename, 'day', d.day, 'arrived', d.created_at, 'amount', d.total_amount::text,
                    'currency', d.currency, 'account', d.account_number,
                    'number', coalesce(d.structured_data ->> 'invoice_number', d.structured_data ->> 'statement_number',
                                       d.structured_data ->> 'receipt_number', ''),
                    'bank_account', coalesce(d.structured_data ->> 'iban', ''),
                    'opening', alfrd.as_numeric(d.structured_data ->> 'opening_balance')::text,
                    'closing', alfrd.as_numeric(d.structured_data ->> 'closing_balance')::text,
                    'period_start', d.period_start, 'period_end', d.period_end) order by d.day, d.created_at, d.id)
             from (select doc.*, coalesce(doc.document_date, doc.period_end) as day
                     from alfrd.documents doc
                    where doc.series_id = s.id and doc.status not in ('failed', 'cancelled')
                      and coalesce(doc.document_date, doc.period_end) is not null
                    order by doc.document_date desc nulls last limit 150) as d), '[]'),
         coalesce((select jsonb_agg(jsonb_build_object('kind', a.kind, 'key', a.key) order by a.key)
                     from alfrd.series_alerts a where a.series_id = s.id), '[]')
    from alfrd.series s where s.id = any (p_series);
$$;

-- result: a Watch of src/alfrd_events/model/calendar.py.
--
-- An alert that holds and is new is raised: a row, an event, a notification. One that is open and does not hold any more is resolved.
-- Late that has become missing stays one alert. What a person has dismissed stays so; what was resolved and holds again is open again,
-- and is not notified again. The end of a snooze is notified.
create or replace function alfrd.record_watch_series(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_written uuid[];
  v_empty   uuid[];
  v_told    uuid[];
begin
  select array_agg(id) into v_written
    from (select id from alfrd.series where id in (select subject_id from unnest(p_done)) order by id for key share) as found;
  select array_agg(id) into v_empty   -- and those who are filing into them have ended
    from (select s.id from alfrd.series s
           where s.id = any (v_written) and not exists (select from alfrd.documents d where d.series_id = s.id)
           order by s.id for update) as locked;
  if v_empty is not null then
    -- Those that are empty go away with their files. A worker that files into one from now on is refused by its key, and files anew.
    v_empty := array(select s.id from alfrd.series s
                      where s.id = any (v_empty) and not exists (select from alfrd.documents d where d.series_id = s.id));
    delete from alfrd.files where series_id = any (v_empty);
    delete from alfrd.series where id = any (v_empty);
    p_done := array(select d from unnest(p_done) as d where d.subject_id <> all (v_empty));
  end if;
  p_done := alfrd.those_written(p_done, v_written);
  -- An earlier death of one is history.
  delete from alfrd.tasks
   where subject_id in (select subject_id from unnest(p_done)) and step = 'watch_series' and state = 'dead';
  insert into alfrd.series_rhythms as r (series_id, frequency, confidence, every_days, every_months, expected, expected_from,
                                         expected_to, usual_amount, currency, has_ended, watched_at, next_look_at)
  select d.subject_id, w.frequency, w.confidence, w.every_days, w.every_months, w.expected, w.expected_from, w.expected_to,
         w.usual_amount, w.currency, w.has_ended, v_now, w.next_at
    from unnest(p_done) as d
   cross join jsonb_to_record(d.result)
         as w(frequency text, confidence real, every_days integer, every_months integer, expected date, expected_from date,
              expected_to date, usual_amount numeric, currency text, has_ended boolean, next_at timestamptz)
      on conflict (series_id) do update
     set frequency = excluded.frequency, confidence = excluded.confidence, every_days = excluded.every_days,
         every_months = excluded.every_months, expected = excluded.expected, expected_from = excluded.expected_from,
         expected_to = excluded.expected_to, usual_amount = excluded.usual_amount, currency = excluded.currency,
         has_ended = excluded.has_ended, watched_at = excluded.watched_at, next_look_at = excluded.next_look_at;
  with held as (
    select d.subject_id as series_id, a.*
      from unnest(p_done) as d
     cross join jsonb_to_recordset(d.result -> 'alerts')
           as a(kind text, key text, detail text, document_id uuid, expected date, expected_from date, expected_to date,
                data jsonb, is_news boolean)
     where a.document_id is null or exists (select from alfrd.documents doc where doc.id = a.document_id for key share)),
  over as (
    update alfrd.series_alerts a set resolved_at = v_now
     where a.series_id in (select subject_id from unnest(p_done)) and a.resolved_at is null
       and not exists (select from held where held.series_id = a.series_id and held.key = a.key)
    returning a.id, a.series_id, a.kind, a.detail),
  raised as (
    insert into alfrd.series_alerts as a (series_id, kind, key, document_id, detail, expected, expected_from, expected_to, data, raised_at)
    select series_id, kind, key, document_id, detail, expected, expected_from, expected_to, data, v_now from held
     where is_news and not exists (select from alfrd.series_alerts known
                                    where known.series_id = held.series_id and known.key = held.key)
        on conflict (series_id, key) do nothing
    returning a.id, a.series_id, a.kind, a.detail),
  still as (
    update alfrd.series_alerts a
       set kind = held.kind, detail = held.detail, data = held.data, resolved_at = null,
           expected = held.expected, expected_from = held.expected_from, expected_to = held.expected_to,
           snoozed_until = case when a.snoozed_until > v_now then a.snoozed_until end
      from held, alfrd.series_alerts before
     where a.series_id = held.series_id and a.key = held.key and a.dismissed_at is null and before.id = a.id
       and (a.resolved_at is not null or a.snoozed_until <= v_now
            or (a.kind, a.detail, a.data) is distinct from (held.kind, held.detail, held.data))
    returning a.id, before.snoozed_until <= v_now as is_awake_again),
  noted as (
    insert into alfrd.events (at, subject_type, subject_id, kind, step, detail)
    select v_now, 'series', series_id, 'raised', 'watch_series', kind || ': ' || detail from raised
    union all
    select v_now, 'series', series_id, 'resolved', 'watch_series', kind || ': ' || detail from over)
  select array_agg(id) into v_told
    from (select id from raised union all select id from still where is_awake_again) as told;
  perform alfrd.notify_alerts(coalesce(v_told, '{}'));
  return v_written;
end $$;

-- When to look at these series again: at what step watch_series has found, when a snooze ends, or soon, if one has changed while its task
-- was being claimed.
create or replace function alfrd.looks_after(p_watched alfrd.finished[]) returns alfrd.next_look[]
language sql set search_path = pg_catalog, pg_temp as $$
  with changed as (
    delete from alfrd.changed_series where series_id in (select subject_id from unnest(p_watched)) and not is_first
       and transaction <> pg_current_xact_id()
    returning series_id)
  select array_agg(row(series_id, case when series_id in (select series_id from changed) then null else run_at end)::alfrd.next_look)
    from (select d.subject_id as series_id, least((d.result ->> 'next_at')::timestamptz, (
                   select min(snoozed_until) from alfrd.series_alerts
                    where series_id = d.subject_id and resolved_at is null and dismissed_at is null
                      and snoozed_until > alfrd.now())) as run_at
            from unnest(p_watched) as d) as looks
   where run_at is not null or series_id in (select series_id from changed);
$$;

create or replace function alfrd.notify_alerts(p_alerts uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_alert uuid;
begin
  if p_alerts <> '{}' and alfrd.may_notify() then
    foreach v_alert in array p_alerts loop
      perform pg_notify('alfrd_alerts', json_build_object('id', v_alert)::text);
    end loop;
  end if;
end $$;

-- What a person does to an alert: an event, and for a snooze a new moment to look.
create or replace function alfrd.alert_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  values ('series', new.series_id, case when new.dismissed_at is distinct from old.dismissed_at then 'dismissed' else 'snoozed' end,
          format('%s: %s (by %s)', new.kind, new.detail, alfrd.person()));
  perform alfrd.note_series(new.series_id);
  return null;
end $$;
create or replace trigger alert_changed after update of dismissed_at, snoozed_until on alfrd.series_alerts
  for each row when (new.dismissed_at is distinct from old.dismissed_at
                     or new.snoozed_until is distinct from old.snoozed_until and not alfrd.acts_as_engine())
  execute function alfrd.alert_changed();

-- alfrd.dismiss_alert: a person has seen it, and does not want to see it again.
-- Rights: the caller's own: an alert that policies hide is one that is not there.
create or replace function alfrd.dismiss_alert(p_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.series_alerts set dismissed_at = coalesce(dismissed_at, alfrd.now()) where id = p_id;
  if not found then
    raise exception 'no alert %', p_id using errcode = 'AL004';
  end if;
end $$;

-- alfrd.snooze_alert: do not show it until then; if it still holds, it is notified again.
create or replace function alfrd.snooze_alert(p_id uuid, p_until timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_until is null or p_until <= alfrd.now() or p_until > alfrd.now() + interval '10 years' then
    raise exception 'alfrd.snooze_alert: % is not a time to come within ten years', coalesce(p_until::text, 'null')
      using errcode = 'AL005';
  end if;
  update alfrd.series_alerts set snoozed_until = p_until where id = p_id and dismissed_at is null;
  if not found then
    raise exception 'no alert % that is not dismissed', p_id using errcode = 'AL004';
  end if;
end $$;

create or replace view alfrd.open_alerts with (security_invoker = true) as
  select a.id, a.series_id, s.slug as series, s.title, a.kind, a.detail, a.document_id, a.data, a.raised_at
    from alfrd.series_alerts a join alfrd.series s on s.id = a.series_id
   where a.resolved_at is null and a.dismissed_at is null and (a.snoozed_until is null or a.snoozed_until <= alfrd.now());
comment on view alfrd.open_alerts is 'What a person should look at: alerts that hold, and are neither dismissed nor snoozed.';

-- alfrd.expected_days: the days between two days on which a document of a series is likely to come.
create or replace function alfrd.expected_days(p_from date, p_to date)
returns table (day date, series_id uuid, amount numeric, currency text, window_from date, window_to date)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select e.on_day, r.series_id, r.usual_amount, r.currency, e.on_day - (r.expected - r.expected_from), e.on_day + (r.expected_to - r.expected)
    from alfrd.series_rhythms r
   cross join lateral (
     select (r.expected + make_interval(days => n * r.every_days, months => n * r.every_months))::date as on_day
       -- No more occasions than may lie between the days: a month has 28 to 31 days.
       from generate_series(greatest(0, (p_from - r.expected) / greatest(1, r.every_days + 31 * r.every_months)),
                            least(600, (p_to - r.expected) / greatest(1, r.every_days + 28 * r.every_months) + 1)) as n) as e
   where not r.has_ended and (r.every_days > 0 or r.every_months > 0) and e.on_day between p_from and p_to
     and not exists (select from alfrd.series_alerts a
                      where a.series_id = r.series_id and a.kind in ('late', 'missing') and a.resolved_at is null
                        and a.expected = e.on_day);
$$;

-- alfrd.calendar: what came, and what is to come, day by day.
--
-- state: received   a document came, dated this day
--        due        a document has to be paid on this day, which is to come
--        paid       a document had to be paid by this day, and was: by a row of a statement, or a person says so
--        credited   the same, and credit notes take back the whole of it
--        was_due    a document had to be paid on this day; whether it was is not known here
--        expected   one is likely to come; window_from and window_to say when, the amount is the usual one
--        late, missing   one did not come (an open alert says so)
create or replace function alfrd.calendar(p_from date, p_to date)
returns table (day date, state text, series_id uuid, series text, title text, document_id uuid, filename text, amount numeric,
               currency text, window_from date, window_to date)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_today date := alfrd.now()::date;
begin
  if p_from is null or p_to is null or p_to < p_from or p_to - p_from > 3660 then
    raise exception 'alfrd.calendar: % to % is no span of ten years at most', coalesce(p_from::text, 'null'), coalesce(p_to::text, 'null')
      using errcode = 'AL005';
  end if;
  return query
    select e.on_day, e.what, s.id, s.slug, s.title, d.id, d.filename, d.total_amount, d.currency, null::date, null::date
      from alfrd.documents d join alfrd.series s on s.id = d.series_id
     cross join lateral (values (d.document_date, 'received'),
                                (d.due_date, case when (select sum(m.amount) from alfrd.payments m
                                                         where m.document_id = d.id and m.refused_by = '' and m.kind = 'credit') >= d.total_amount
                                                  then 'credited'
                                                  when (select sum(m.amount) from alfrd.payments m
                                                         where m.document_id = d.id and m.refused_by = '') >= d.total_amount then 'paid'
                                                  when d.due_date >= v_today then 'due' else 'was_due' end)) as e(on_day, what)
     where (d.document_date between p_from and p_to or d.due_date between p_from and p_to)
       and e.on_day between p_from and p_to and d.status not in ('failed', 'cancelled')
    union all
    select e.day, 'expected', s.id, s.slug, s.title, null, '', e.amount, e.currency, e.window_from, e.window_to
      from alfrd.expected_days(p_from, p_to) e join alfrd.series s on s.id = e.series_id
    union all
    select a.expected, a.kind, s.id, s.slug, s.title, null, '', r.usual_amount, r.currency,
           a.expected_from, a.expected_to
      from alfrd.series_alerts a join alfrd.series s on s.id = a.series_id left join alfrd.series_rhythms r on r.series_id = s.id
     where a.kind in ('late', 'missing') and a.resolved_at is null and a.dismissed_at is null
       and a.expected between p_from and p_to
    order by 1, 4, 2;
end $$;
