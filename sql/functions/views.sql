-- What people and dashboards look at.

-- Pages of an attempt come at a steady rate, but for the first: so what is left is reckoned from the others.
create or replace view alfrd.reading_progress with (security_invoker = true) as
select r.document_id, r.pages_read, r.pages_total, r.started_at, r.updated_at,
       case when r.pages_read > r.pages_before + 1 then   -- two processes hand over two pages at once
         greatest(extract(epoch from r.updated_at - r.started_at)::double precision / (r.pages_read - r.pages_before)
                    * (r.pages_total - r.pages_read)
                  - extract(epoch from alfrd.now() - r.updated_at)::double precision, 0)
       end as seconds_left
  from alfrd.readings r
  join alfrd.documents d on d.id = r.document_id
  join alfrd.tasks t on t.id = r.task_id and t.attempt = r.attempt and t.state = 'running';
comment on view alfrd.reading_progress is
  'How far each document is that is being read now, and about how many seconds it will take; null: not known yet.';

create or replace function alfrd.reading_in_words(p_document uuid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((select format('page %s of %s', pages_read, pages_total)
                       || case when seconds_left is null then ''
                               when seconds_left < 55 then format(', about %s s left', greatest(round(seconds_left / 5) * 5, 5))
                               else format(', about %s min left', round((seconds_left / 60)::numeric)) end
                     from alfrd.reading_progress where document_id = p_document), '');
$$;

create or replace view alfrd.document_progress with (security_invoker = true) as
select d.id, d.filename, d.status, d.document_type, d.entity, d.error, d.created_at, d.updated_at,
       coalesce((select array_agg(t.step order by t.id) from alfrd.tasks t
                  where t.subject_id = d.id and t.state = 'running'), '{}') as running,
       coalesce((select array_agg(t.step order by t.id) from alfrd.tasks t
                  where t.subject_id = d.id and t.state in ('ready', 'scheduled')), '{}') as waiting,
       coalesce((select array_agg(t.step order by t.id) from alfrd.tasks t
                  where t.subject_id = d.id and t.state = 'dead'), '{}') as dead,
       (select r.pages_read from alfrd.reading_progress r where r.document_id = d.id) as pages_read,
       (select r.pages_total from alfrd.reading_progress r where r.document_id = d.id) as pages_total,
       (select r.seconds_left from alfrd.reading_progress r where r.document_id = d.id) as seconds_left
  from alfrd.documents d;
comment on view alfrd.document_progress is
  'The milestone of each document beside the work that runs or waits for it; and how far its reading is while it runs.';

create or replace view alfrd.series_overview with (security_invoker = true) as
select s.id, s.owner, s.entity, s.kind, s.frequency, s.slug, s.title, s.fields,
       count(d.id)::integer as document_count, min(d.document_date) as first_date, max(d.document_date) as last_date,
       sum(d.total_amount) as total_amount,
       case when min(d.currency) = max(d.currency) then min(d.currency) else '' end as currency
  from alfrd.series s left join alfrd.documents d on d.series_id = s.id and d.status = 'completed'
 group by s.id;
comment on view alfrd.series_overview is 'Each series with the number, dates and sum of its completed documents.';

-- The members of a file are computed, never stored: a member that was not added cannot be missing.
-- Without a SET: so it is inlined where it is called, and of the members only the columns are read that are asked for.
create or replace function alfrd.file_members(p_file uuid) returns setof alfrd.documents
language sql stable
begin atomic
  select d.* from alfrd.files f
    join alfrd.tags t on t.tag = f.tags[1]
    join alfrd.documents d on d.id = t.document_id and d.tags @> f.tags and d.owner = f.owner and d.status = 'completed'
   where f.id = p_file
   order by d.document_date nulls last, d.created_at, d.id;
end;
