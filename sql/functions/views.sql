-- What people and dashboards look at.

create or replace view alfrd.document_progress with (security_invoker = true) as
select d.id, d.filename, d.status, d.document_type, d.entity, d.error, d.created_at, d.updated_at,
       coalesce((select array_agg(t.step order by t.id) from alfrd.tasks t
                  where t.subject_id = d.id and t.state = 'running'), '{}') as running,
       coalesce((select array_agg(t.step order by t.id) from alfrd.tasks t
                  where t.subject_id = d.id and t.state in ('ready', 'scheduled')), '{}') as waiting,
       coalesce((select array_agg(t.step order by t.id) from alfrd.tasks t
                  where t.subject_id = d.id and t.state = 'dead'), '{}') as dead
  from alfrd.documents d;
comment on view alfrd.document_progress is 'The milestone of each document beside the work that runs or waits for it.';

create or replace view alfrd.series_overview with (security_invoker = true) as
select s.id, s.owner, s.entity, s.kind, s.frequency, s.slug, s.title, s.fields,
       count(d.id)::integer as document_count, min(d.document_date) as first_date, max(d.document_date) as last_date,
       sum(d.total_amount) as total_amount,
       case when count(distinct d.currency) = 1 then min(d.currency) else '' end as currency
  from alfrd.series s left join alfrd.documents d on d.series_id = s.id and d.status = 'completed'
 group by s.id;
comment on view alfrd.series_overview is 'Each series with the number, dates and sum of its completed documents.';

-- The members of a file are computed, never stored: a member that was not added cannot be missing.
create or replace function alfrd.file_members(p_file uuid) returns setof alfrd.documents
language sql stable set search_path = pg_catalog, pg_temp as $$
  select d.* from alfrd.files f
    join alfrd.tags t on t.tag = f.tags[1]
    join alfrd.documents d on d.id = t.document_id and d.tags @> f.tags and d.owner = f.owner and d.status = 'completed'
   where f.id = p_file
   order by d.document_date nulls last, d.created_at, d.id;
$$;
