-- What is due, expected, late or missing between two days.
--
-- Called: by applications.

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
