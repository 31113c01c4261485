-- The triggers of alfrd.documents: the place where an event begins.
--
-- BEFORE, each row, people only. Workers set alfrd.actor in their transactions; it is believed of alfrd_worker and of the owner
-- (alfrd.is_trusted):
--   documents_a_correct   records what a person corrected, and sends the document back to redo what depends on it
--   documents_b_resubmit  a person sets the status: a new generation; work for the old one will be refused
-- AFTER, once per statement, everyone:
--   documents_inserted, documents_updated   refuse illegal transitions, keep alfrd.tags, mark files outdated,
--                                           enqueue what the new statuses call for, announce them;
--                                           for what an exchange writes, alfrd.follow does that for all at once
--   documents_deleted, documents_truncated  what hangs on a document goes with it: tasks, pages, tags, scores
--
-- Lock order: documents, then files by id, then tasks, passing by those that are being claimed.

-- What a person may correct. Not to_jsonb(row): that would write out the whole content.
create or replace function alfrd.correctable(p_document alfrd.documents) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'document_type', p_document.document_type, 'summary', p_document.summary, 'entity', p_document.entity,
    'document_date', p_document.document_date, 'due_date', p_document.due_date,
    'total_amount', p_document.total_amount, 'currency', p_document.currency,
    'account_number', p_document.account_number, 'period_start', p_document.period_start,
    'period_end', p_document.period_end, 'structured_data', p_document.structured_data,
    'series_id', p_document.series_id);
$$;

create or replace function alfrd.correct_document() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_old    jsonb := alfrd.correctable(old);
  v_new    jsonb := alfrd.correctable(new);
  v_redo   text;
  v_fields text[];
begin
  new.tags := alfrd.normal_tags(new.tags);
  new.updated_at := alfrd.now();
  select coalesce(array_agg(field), '{}') into v_fields
    from jsonb_object_keys(v_new) as field where v_old -> field is distinct from v_new -> field;
  if v_fields = '{}' then
    return new;
  end if;
  if 'series_id' = any (v_fields) and new.series_id is null
     and not exists (select from alfrd.series where id = old.series_id) then
    -- Its series was deleted: nobody corrected it, and it has to be filed again.
    v_fields := array_remove(v_fields, 'series_id');
    v_redo := 'summarized';
  end if;
  if 'document_type' = any (v_fields)
     and not exists (select from alfrd.document_types where name = new.document_type) then
    raise exception 'document %: % is not a known document type', new.id, quote_literal(new.document_type)
      using errcode = 'AL003', hint = 'insert it into alfrd.document_types first';
  end if;
  insert into alfrd.corrections (document_id, field, old_value, new_value, corrected_by)
  select new.id, field, v_old -> field, v_new -> field, alfrd.person() from unnest(v_fields) as field;
  new.corrected := array(select distinct field from unnest(old.corrected || v_fields) as field order by field);
  if 'document_type' = any (v_fields) then
    new.tags := alfrd.normal_tags(array_remove(new.tags, old.document_type) || new.document_type);
    v_redo := 'classified';
  elsif v_fields && array['entity', 'document_date', 'total_amount', 'currency', 'account_number', 'period_start',
                          'period_end', 'due_date', 'structured_data', 'series_id'] then
    v_redo := coalesce(v_redo, 'summarized');
  end if;
  -- Back to where the corrected value is used first; work that began with the old one is refused by its generation.
  if new.status = old.status
     and (v_redo = 'classified' and old.status in ('classified', 'summarized', 'filed', 'completed')
          or v_redo = 'summarized' and old.status in ('summarized', 'filed', 'completed')) then
    new.status := v_redo;
    new.generation := old.generation + 1;
  end if;
  return new;
end $$;

create or replace function alfrd.resubmit_document() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.status = old.status and old.status in ('completed', 'failed', 'cancelled') then
    return new;   -- a program that saves whole rows does not mean "again"
  end if;
  new.generation := old.generation + 1;
  new.updated_at := alfrd.now();
  if new.status not in ('failed', 'cancelled') then
    new.error := '';
    new.failed_step := '';
  end if;
  if new.status = 'pending' then
    delete from alfrd.pages where document_id = new.id;
  end if;
  return new;
end $$;

create or replace function alfrd.normalize_tags() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.tags := alfrd.normal_tags(new.tags);
  return new;
end $$;

create or replace function alfrd.refuse_transition(p_entity text, p_id uuid, p_from text, p_to text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '% %: status cannot go from % to %', p_entity, p_id, quote_literal(p_from), quote_literal(p_to)
    using errcode = 'AL001', hint = 'legal from here: ' || coalesce(
      (select string_agg(to_status, ', ' order by to_status) from alfrd.transitions
        where entity = p_entity and from_status = p_from), 'nothing');
end $$;

-- The rows are mostly read twice: for what they are, and for their tasks. A hundred thousand of them are on the disk by now.
create or replace function alfrd.documents_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  c_ids_at_most constant integer := 1500;   -- as in alfrd.announce
  v_now      timestamptz := alfrd.now();
  v_set      text;
  v_statuses text[];
  v_sizes    integer[];
  v_tagged   boolean;
  v_unknown  text;
  v_routes   alfrd.routes[];
  v_route    alfrd.routes;
  v_steps    text[];
  v_told     boolean;
  v_ids      uuid[];
begin
  select array_agg(status), array_agg(size), bool_or(some_tagged) into v_statuses, v_sizes, v_tagged
    from (select status, count(*)::integer as size, bool_or(tags <> '{}') as some_tagged from new_rows group by status) as kinds;
  if v_statuses is null then
    return null;
  end if;
  select status into v_unknown from unnest(v_statuses) as status
   where status not in (select from_status from alfrd.transitions where entity = 'document'
                        union all select to_status from alfrd.transitions where entity = 'document')
   limit 1;
  if found then
    raise exception 'document %: there is no status %', (select id from new_rows where status = v_unknown limit 1), quote_literal(v_unknown)
      using errcode = 'AL001', hint = 'leave status out: a new document starts as pending';
  end if;
  if v_tagged then
    insert into alfrd.tags (document_id, tag, source)
    select id, unnest(tags), 'user' from new_rows where tags <> '{}';
  end if;
  -- If nobody sleeps that would have to be woken, they are announced with their claim.
  select coalesce(array_agg(r), '{}'), array_agg(distinct step) into v_routes, v_steps
    from alfrd.routes r where entity = 'document' and status = any (v_statuses);
  v_told := v_steps is null or alfrd.ring(v_steps);
  -- What alfrd.enqueue does, but straight from the rows, and nothing that is new has a twin: bulk loads are half as dear.
  foreach v_route in array v_routes loop
    insert into alfrd.tasks (step, entity, subject_id, status, generation, state, priority, run_at, created_at, max_attempts, announced)
    select v_route.step, 'document', id, status, generation, case when v_route.delay > '0' then 'scheduled' else 'ready' end, priority,
           v_now + v_route.delay, v_now, v_route.max_attempts, v_told
      from new_rows where status = v_route.status;
  end loop;
  if v_told and cardinality(v_statuses) = 1 and v_sizes[1] > c_ids_at_most then
    v_set := alfrd.announce_number('document', v_sizes[1], v_statuses[1]);
  elsif v_told then
    select array_agg(id), array_agg(status) into v_ids, v_statuses from new_rows;
    v_set := alfrd.announce('document', v_ids, v_statuses);
  end if;
  return null;
end $$;

create or replace function alfrd.documents_updated() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  v_person      boolean := alfrd.engine_setting('alfrd.actor') is distinct from 'worker';
  v_nestloop    text := current_setting('enable_nestloop');
  v_refused     record;
  v_ids         uuid[];
  v_from        text[];
  v_to          text[];
  v_generations integer[];
  v_priorities  smallint[];
  v_superseded  uuid[];
  v_retagged    uuid[];
  v_reordered   uuid[];   -- of another priority by now
  v_completed   boolean;
  v_tags        text[];
begin
  -- The one join of old and new. Transition tables have no statistics, and a nested loop over 10,000 rows takes minutes.
  perform set_config('enable_nestloop', 'off', true);
  select array_agg(n.id) filter (where changed), array_agg(o.status) filter (where changed),
         array_agg(n.status) filter (where changed), array_agg(n.generation) filter (where changed),
         array_agg(n.priority) filter (where changed),
         array_agg(n.id) filter (where n.generation <> o.generation),
         array_agg(n.id) filter (where n.tags <> o.tags), array_agg(n.id) filter (where n.priority <> o.priority),
         bool_or(n.status = 'completed' or o.status = 'completed')
    into v_ids, v_from, v_to, v_generations, v_priorities, v_superseded, v_retagged, v_reordered, v_completed
    from new_rows n join old_rows o using (id),
         lateral (select n.status <> o.status or n.generation <> o.generation as changed) as whether;
  if v_completed then
    -- Which files have to be told again: those of completed documents that came, went or changed.
    select array_agg(distinct tag) into v_tags from (select unnest(n.tags || o.tags) as tag
      from new_rows n join old_rows o using (id)
     where (n.status = 'completed' or o.status = 'completed')
       and (n.status, n.owner, n.filename, n.tags, n.summary, n.entity, n.document_date, n.due_date, n.total_amount,
            n.currency, n.document_type, n.series_id, n.series_data)
           is distinct from
           (o.status, o.owner, o.filename, o.tags, o.summary, o.entity, o.document_date, o.due_date, o.total_amount,
            o.currency, o.document_type, o.series_id, o.series_data)) as touched;
  end if;
  perform set_config('enable_nestloop', v_nestloop, true);

  select c.id, c.from_status, c.to_status into v_refused
    from (select distinct on (from_status, to_status) * from unnest(v_ids, v_from, v_to) as c(id, from_status, to_status)) as c
   where c.from_status <> c.to_status
     and not exists (select from alfrd.transitions t where t.entity = 'document'
                      and t.from_status = c.from_status and t.to_status = c.to_status)
   limit 1;
  if found then
    perform alfrd.refuse_transition('document', v_refused.id, v_refused.from_status, v_refused.to_status);
  end if;

  if v_retagged is not null then
    perform alfrd.keep_tags(v_retagged, v_person);
  end if;

  if v_tags is not null then
    perform alfrd.touch_files_of(v_tags);
  end if;

  if v_reordered is not null then
    -- What waits moves to its new place. What is being claimed just now is passed by: its worker may want what is locked here.
    update alfrd.tasks t set priority = d.priority
      from alfrd.documents d
     where d.id = t.subject_id
       and t.id in (select id from alfrd.tasks where subject_id = any (v_reordered) and state in ('ready', 'scheduled')
                       for update skip locked);
  end if;

  if v_superseded is not null then
    delete from alfrd.tasks where subject_id = any (v_superseded) and state <> 'running';
    insert into alfrd.events (entity, subject_id, kind, detail)
    select 'document', c.id, case c.to_status when 'cancelled' then 'cancelled' else 'resubmitted' end,
           format('%s -> %s by %s', c.from_status, c.to_status, alfrd.person())
      from unnest(v_ids, v_from, v_to) as c(id, from_status, to_status) where c.id = any (v_superseded);
  end if;
  if v_ids is not null then
    perform alfrd.enqueue('document', v_ids, v_to, v_generations, v_priorities);
    perform alfrd.announce('document', v_ids, v_to);
  end if;
  return null;
end $$;

create or replace function alfrd.documents_deleted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off as $$
declare
  v_tags text[];
begin
  delete from alfrd.tasks where subject_id in (select id from old_rows) and state <> 'running';
  delete from alfrd.pages where document_id in (select id from old_rows);
  delete from alfrd.tags where document_id in (select id from old_rows);
  delete from alfrd.scores where document_id in (select id from old_rows);
  select array_agg(distinct tag) into v_tags
    from old_rows cross join unnest(old_rows.tags) as tag where old_rows.status = 'completed';
  if v_tags is not null then
    perform alfrd.touch_files_of(v_tags);
  end if;
  return null;
end $$;

create or replace function alfrd.documents_truncated() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- Not TRUNCATE, which is refused where the same command names these tables, too.
  delete from alfrd.pages;
  delete from alfrd.tags;
  delete from alfrd.scores;
  delete from alfrd.tasks where entity = 'document' and state <> 'running';
  return null;
end $$;

create or replace trigger documents_normalize before insert on alfrd.documents
  for each row when (new.tags <> '{}') execute function alfrd.normalize_tags();
create or replace trigger documents_a_correct before update on alfrd.documents
  for each row when (alfrd.engine_setting('alfrd.actor') is distinct from 'worker')
  execute function alfrd.correct_document();
-- Nor is alfrd.replay a person: it clears failed_step, which an application may not write.
create or replace trigger documents_b_resubmit before update of status on alfrd.documents
  for each row when (alfrd.engine_setting('alfrd.actor') is distinct from 'worker' and new.failed_step = old.failed_step)
  execute function alfrd.resubmit_document();
create or replace trigger documents_inserted after insert on alfrd.documents
  referencing new table as new_rows for each statement execute function alfrd.documents_inserted();
create or replace trigger documents_updated after update on alfrd.documents
  referencing old table as old_rows new table as new_rows
  for each statement when (alfrd.engine_setting('alfrd.followed_by') is distinct from 'settle')
  execute function alfrd.documents_updated();
create or replace trigger documents_deleted after delete on alfrd.documents
  referencing old table as old_rows for each statement execute function alfrd.documents_deleted();
create or replace trigger documents_truncated after truncate on alfrd.documents
  for each statement execute function alfrd.documents_truncated();
