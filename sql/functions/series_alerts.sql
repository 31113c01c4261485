-- What a look at a series sees, and what becomes of alerts.
--
-- alfrd.series_histories        what step watch_series is given
-- alfrd.record_watch_series     what it has seen: the rhythm, alerts, and the next moment
-- alfrd.looks_after             when to look again
-- alfrd.dismiss_alert, alfrd.snooze_alert   for people, under their own rights and policies
-- alfrd.open_alerts             what a person should look at
--
-- Called: by alfrd.record; by a worker; by applications.

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
