-- alfrd.replay: re-emit everything that is stuck. What `make replay` calls; safe to call at any time.
--
-- Stuck is: a document or file whose status has routes, and no task, waiting, running or dead, for its main one.
-- So is a series that nothing looks after, although it should be, and a lesson that nothing tries.
-- With p_failed also: what failed, from the status at which it failed, and dead side work.
--
-- p_status, p_document  only these
-- p_dry_run             say what would be done, and do nothing
-- Returns: a row for each thing re-emitted, with why.
-- Idempotent: a second call finds nothing, since what the first one emitted is waiting.

create or replace function alfrd.replay(
  p_failed boolean default false, p_status text default null, p_document uuid default null,
  p_dry_run boolean default false
) returns table (subject_type text, id uuid, status text, step text, reason text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  v_found jsonb;
  v_steps text[];
begin
  perform alfrd.refuse_tenants('replay');
  select jsonb_agg(to_jsonb(found)) into v_found from (
    select r.subject_type, s.id, s.status, r.step, s.status as to_status, s.generation, s.priority,
           'no task for this status' as reason, null::bigint as task_id
      from (select 'document' as subject_type, d.id, d.status, d.generation, d.priority from alfrd.documents d
            union all select 'file', f.id, f.status, 1, 0::smallint from alfrd.files f) as s
      join alfrd.routes r on r.subject_type = s.subject_type and r.status = s.status and r.next_status <> ''
     where not exists (select from alfrd.tasks t where t.subject_id = s.id and t.step = r.step)
       and (p_status is null or s.status = p_status) and (p_document is null or s.id = p_document)
    union all
    select r.subject_type, s.id, r.status, r.step, r.status, 1, -1::smallint, 'no task looks after it', null
      from alfrd.unwatched_series() as s(id) join alfrd.routes r on r.step = 'watch_series'
     where (p_status is null or r.status = p_status) and p_document is null
    union all
    select r.subject_type, taught.sender_id, r.status, r.step, r.status, 1, 0::smallint,
           coalesce('side work is dead: ' || t.error, 'nothing tries what was taught'), t.id
      from (select distinct sender_id from alfrd.lessons where tried_at is null) as taught
      join alfrd.routes r on r.step = 'try_lessons'
      left join alfrd.tasks t on t.subject_id = taught.sender_id and t.step = r.step
     where (t.id is null or p_failed and t.state = 'dead') and (p_status is null or r.status = p_status) and p_document is null
    union all
    select t.subject_type, t.subject_id, coalesce(d.status, f.status), t.step, t.status, t.generation, t.priority,
           case when d.status = 'failed' or f.status = 'failed' then 'failed: ' else 'side work is dead: ' end || t.error,
           t.id
      from alfrd.tasks t
      left join alfrd.documents d on t.subject_type = 'document' and d.id = t.subject_id
      left join alfrd.files f on t.subject_type = 'file' and f.id = t.subject_id
     where p_failed and t.state = 'dead' and coalesce(d.status, f.status) <> 'cancelled'
       -- Side work of any milestone, and the main step of what failed at it.
       and (coalesce(d.status, f.status) = 'failed' and (f.id is not null or t.step = d.failed_step)
            or not exists (select from alfrd.routes r where r.subject_type = t.subject_type and r.status = t.status
                              and r.step = t.step and r.next_status <> ''))
       and (p_status is null or coalesce(d.status, f.status) = p_status)
       and (p_document is null or t.subject_id = p_document)
    union all
    select 'document', d.id, d.status, r.step, r.status, d.generation, d.priority, 'failed: ' || d.error, null
      from alfrd.documents d
      join alfrd.routes r on r.subject_type = 'document' and r.step = d.failed_step and r.next_status <> ''
     where p_failed and d.status = 'failed' and (p_status is null or p_status = 'failed')
       and (p_document is null or d.id = p_document)
       and not exists (select from alfrd.tasks t where t.subject_id = d.id and t.step = d.failed_step)) as found;
  if v_found is null then
    return;
  end if;
  if not p_dry_run then
    delete from alfrd.tasks t using jsonb_to_recordset(v_found) as f(task_id bigint) where t.id = f.task_id;
    -- Back to the status at which it failed; the trigger does the rest.
    update alfrd.documents d set status = f.to_status, error = '', failed_step = '', updated_at = alfrd.now()
      from jsonb_to_recordset(v_found) as f(subject_type text, id uuid, status text, to_status text)
     where f.subject_type = 'document' and d.id = f.id and d.status = 'failed' and f.status = 'failed';
    update alfrd.files x set status = f.to_status, error = '', updated_at = alfrd.now()
      from jsonb_to_recordset(v_found) as f(subject_type text, id uuid, status text, to_status text)
     where f.subject_type = 'file' and x.id = f.id and x.status = 'failed' and f.status = 'failed';
    -- What is not failed has not changed its status, so its tasks are made here; those that exist are left.
    -- A row that came without triggers, by replication or a restore, has no rows in alfrd.tags: its tags are a person's.
    insert into alfrd.tags (document_id, tag, source)
    select d.id, tag, case when tag = d.document_type or starts_with(tag, 'series:') then 'system' else 'user' end
      from alfrd.documents d cross join unnest(alfrd.normal_tags(d.tags)) as tag
     where d.id in (select (f ->> 'id')::uuid from jsonb_array_elements(v_found) as f where f ->> 'subject_type' = 'document')
       and octet_length(tag) <= 2000 and not exists (select from alfrd.tags t where t.document_id = d.id)
        on conflict do nothing;
    with created as (
      insert into alfrd.tasks (step, subject_type, subject_id, status, generation, priority, max_attempts)
      select f.step, f.subject_type, f.id, f.to_status, coalesce(d.generation, 1), f.priority, r.max_attempts
        from jsonb_to_recordset(v_found)
             as f(subject_type text, id uuid, step text, status text, to_status text, priority smallint)
        join alfrd.routes r on r.subject_type = f.subject_type and r.status = f.to_status and r.step = f.step
        left join alfrd.documents d on f.subject_type = 'document' and d.id = f.id
       where f.status <> 'failed' or r.next_status = ''
          on conflict do nothing
      returning tasks.step)
    select array_agg(distinct step) into v_steps from created;
    perform alfrd.notify(v_steps);
  end if;
  return query select f.subject_type, f.id, f.status, f.step, f.reason
    from jsonb_to_recordset(v_found) as f(subject_type text, id uuid, status text, step text, reason text);
end $$;

-- alfrd.cancel: stop working on a document. What runs is refused when it comes in; nothing restarts it but a person
-- who sets it to pending.
create or replace function alfrd.cancel(p_document uuid) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_status text;
begin
  perform alfrd.refuse_tenants('cancel');
  select status into v_status from alfrd.documents where id = p_document for update;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  if v_status in ('completed', 'cancelled') then
    return v_status;
  end if;
  update alfrd.documents set status = 'cancelled', error = 'cancelled by ' || alfrd.person() where id = p_document;
  return 'cancelled';
end $$;
