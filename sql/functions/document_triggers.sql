-- The triggers of alfrd.documents: the place where an event begins.
--
-- BEFORE, each row, people only (workers set alfrd.actor in their transactions):
--   documents_a_correct   records what a person corrected, and sends the document back to redo what depends on it
--   documents_b_resubmit  a person sets the status: a new generation; work for the old one will be refused
-- AFTER, once per statement, everyone:
--   documents_inserted, documents_updated   refuse illegal transitions, keep alfrd.tags, mark files outdated,
--                                           enqueue what the new statuses call for, announce them
--
-- Lock order: documents, then files by id, then tasks. The same in alfrd.settle.

create or replace function alfrd.correct_document() returns trigger
language plpgsql as $$
declare
  c_fields constant text[] := array['document_type', 'summary', 'entity', 'document_date', 'due_date', 'total_amount',
    'currency', 'account_number', 'period_start', 'period_end', 'structured_data', 'series_id'];
  v_old    jsonb := to_jsonb(old) - 'content';
  v_new    jsonb := to_jsonb(new) - 'content';
  v_fields text[];
begin
  new.tags := alfrd.normal_tags(new.tags);
  new.updated_at := alfrd.now();
  select coalesce(array_agg(field), '{}') into v_fields
    from unnest(c_fields) as field where v_old -> field is distinct from v_new -> field;
  if v_fields = '{}' then
    return new;
  end if;
  if 'document_type' = any (v_fields)
     and not exists (select from alfrd.document_types where name = new.document_type) then
    raise exception 'document %: % is not a known document type', new.id, quote_literal(new.document_type)
      using errcode = 'AL003', hint = 'insert it into alfrd.document_types first';
  end if;
  insert into alfrd.corrections (document_id, field, old_value, new_value)
  select new.id, field, v_old -> field, v_new -> field from unnest(v_fields) as field;
  new.corrected := (select array_agg(distinct field order by field) from unnest(old.corrected || v_fields) as field);
  if new.status = old.status then
    if 'document_type' = any (v_fields) and old.status in ('summarized', 'filed', 'completed') then
      new.status := 'classified';
    elsif v_fields && array['entity', 'document_date', 'total_amount', 'currency', 'account_number', 'period_start',
                            'period_end', 'due_date', 'structured_data', 'series_id']
          and old.status in ('filed', 'completed') then
      new.status := 'summarized';
    end if;
  end if;
  if new.status <> old.status then
    new.generation := old.generation + 1;
  end if;
  return new;
end $$;

create or replace function alfrd.resubmit_document() returns trigger
language plpgsql as $$
begin
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
language plpgsql as $$
begin
  new.tags := alfrd.normal_tags(new.tags);
  return new;
end $$;

create or replace function alfrd.refuse_transition(p_entity text, p_id uuid, p_from text, p_to text) returns void
language plpgsql as $$
begin
  raise exception '% %: status cannot go from % to %', p_entity, p_id, quote_literal(p_from), quote_literal(p_to)
    using errcode = 'AL001', hint = 'legal from here: ' || coalesce(
      (select string_agg(to_status, ', ' order by to_status) from alfrd.transitions
        where entity = p_entity and from_status = p_from), 'nothing');
end $$;

create or replace function alfrd.documents_inserted() returns trigger
language plpgsql as $$
declare
  v_row         record;
  v_ids         uuid[];
  v_statuses    text[];
  v_generations integer[];
  v_priorities  smallint[];
begin
  for v_row in
    select id, status from new_rows
     where status not in (select from_status from alfrd.transitions where entity = 'document'
                          union all select to_status from alfrd.transitions where entity = 'document')
     limit 1
  loop
    raise exception 'document %: there is no status %', v_row.id, quote_literal(v_row.status)
      using errcode = 'AL001', hint = 'leave status out: a new document starts as pending';
  end loop;
  insert into alfrd.tags (document_id, tag, source)
  select id, unnest(tags), 'user' from new_rows where tags <> '{}';
  select array_agg(id), array_agg(status), array_agg(generation), array_agg(priority)
    into v_ids, v_statuses, v_generations, v_priorities from new_rows;
  if v_ids is not null then
    perform alfrd.enqueue('document', v_ids, v_statuses, v_generations, v_priorities);
    perform alfrd.announce('document', v_ids, v_statuses);
  end if;
  return null;
end $$;

create or replace function alfrd.documents_updated() returns trigger
language plpgsql as $$
declare
  v_row         record;
  v_ids         uuid[];
  v_statuses    text[];
  v_generations integer[];
  v_priorities  smallint[];
  v_superseded  uuid[];
  v_tags        text[];
  v_person      boolean := current_setting('alfrd.actor', true) is distinct from 'worker';
begin
  for v_row in
    select n.id, o.status as from_status, n.status as to_status
      from new_rows n join old_rows o using (id)
      left join alfrd.transitions t
        on t.entity = 'document' and t.from_status = o.status and t.to_status = n.status
     where n.status <> o.status and t.entity is null
     limit 1
  loop
    perform alfrd.refuse_transition('document', v_row.id, v_row.from_status, v_row.to_status);
  end loop;

  delete from alfrd.tags
   using new_rows n join old_rows o using (id)
   where n.tags <> o.tags and tags.document_id = n.id and tags.tag <> all (n.tags);
  insert into alfrd.tags (document_id, tag, source)
  select n.id, tag, case when v_person then 'user'
                         when tag = n.document_type or starts_with(tag, 'series:') then 'system'
                         else 'analyst' end
    from new_rows n join old_rows o using (id) cross join unnest(n.tags) as tag
   where n.tags <> o.tags
      on conflict (document_id, tag) do nothing;

  -- Which files have to be told again: those of completed documents that came, went or changed.
  select array_agg(distinct tag) into v_tags
    from (select n.tags || o.tags as tags
            from new_rows n join old_rows o using (id)
           where (n.status = 'completed' or o.status = 'completed')
             and (n.status, n.tags, n.summary, n.entity, n.document_date, n.due_date, n.total_amount, n.currency,
                  n.document_type, n.series_id, n.series_data)
                 is distinct from
                 (o.status, o.tags, o.summary, o.entity, o.document_date, o.due_date, o.total_amount, o.currency,
                  o.document_type, o.series_id, o.series_data)) as touched
   cross join unnest(touched.tags) as tag;
  if v_tags is not null then
    perform alfrd.touch_files(v_tags);
  end if;

  select array_agg(n.id), array_agg(n.status), array_agg(n.generation), array_agg(n.priority),
         array_agg(n.id) filter (where n.generation <> o.generation)
    into v_ids, v_statuses, v_generations, v_priorities, v_superseded
    from new_rows n join old_rows o using (id)
   where n.status <> o.status or n.generation <> o.generation;
  if v_superseded is not null then
    delete from alfrd.tasks where subject_id = any (v_superseded) and state <> 'running';
    insert into alfrd.events (entity, subject_id, kind, detail)
    select 'document', n.id, case n.status when 'cancelled' then 'cancelled' else 'resubmitted' end,
           format('%s -> %s by %s', o.status, n.status, session_user)
      from new_rows n join old_rows o using (id) where n.generation <> o.generation;
  end if;
  if v_ids is not null then
    perform alfrd.enqueue('document', v_ids, v_statuses, v_generations, v_priorities);
    perform alfrd.announce('document', v_ids, v_statuses);
  end if;
  return null;
end $$;

create or replace function alfrd.documents_deleted() returns trigger
language plpgsql as $$
declare
  v_tags text[];
begin
  delete from alfrd.tasks where subject_id in (select id from old_rows) and state <> 'running';
  select array_agg(distinct tag) into v_tags
    from old_rows cross join unnest(old_rows.tags) as tag where old_rows.status = 'completed';
  if v_tags is not null then
    perform alfrd.touch_files(v_tags);
  end if;
  return null;
end $$;

create or replace trigger documents_normalize before insert on alfrd.documents
  for each row when (new.tags <> '{}') execute function alfrd.normalize_tags();
create or replace trigger documents_a_correct before update on alfrd.documents
  for each row when (current_setting('alfrd.actor', true) is distinct from 'worker')
  execute function alfrd.correct_document();
create or replace trigger documents_b_resubmit before update of status on alfrd.documents
  for each row when (current_setting('alfrd.actor', true) is distinct from 'worker')
  execute function alfrd.resubmit_document();
create or replace trigger documents_inserted after insert on alfrd.documents
  referencing new table as new_rows for each statement execute function alfrd.documents_inserted();
create or replace trigger documents_updated after update on alfrd.documents
  referencing old table as old_rows new table as new_rows
  for each statement execute function alfrd.documents_updated();
create or replace trigger documents_deleted after delete on alfrd.documents
  referencing old table as old_rows for each statement execute function alfrd.documents_deleted();
