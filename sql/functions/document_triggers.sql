-- The triggers of alfrd.documents: the place where an event begins.
--
-- A worker's statements are the engine's own (alfrd.acts_as_engine): it calls alfrd.advance itself, for all of them at once.
-- BEFORE, each row, people only:
--   documents_a_correct   records what a person corrected, and sends the document back to redo what depends on it:
--                         see corrections.sql
--   documents_b_resubmit  a person sets the status: a new generation; work for the old one will be refused
-- AFTER, once per statement:
--   documents_inserted, documents_updated   refuse illegal transitions, keep alfrd.tags, and advance
--   documents_deleted, documents_truncated  what hangs on a document goes with it: tasks, pages, tags, scores,
--                                           results of users' steps
--
-- Lock order: documents, then tasks, passing by those that are being claimed, then files by id.

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
  elsif new.status = 'failed' and new.error = '' then
    new.error := 'set to failed by ' || alfrd.person();   -- what failed says why: lists of it go by that
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

-- What alfrd.advance does, but straight from the rows, and nothing that is new has a twin: bulk loads cost half. The rows are mostly read
-- twice: for what they are, and for their tasks. A hundred thousand of them are on the disk by now.
create or replace function alfrd.documents_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  v_now       timestamptz := alfrd.now();
  v_statuses  text[];
  v_tagged    boolean;
  v_unknown   text;
  v_routes    alfrd.routes[];
  v_route     alfrd.routes;
  v_announced boolean;
begin
  select array_agg(status), bool_or(some_tagged) into v_statuses, v_tagged
    from (select status, bool_or(tags <> '{}') as some_tagged from new_rows group by status) as kinds;
  if v_statuses is null then
    return null;
  end if;
  select status into v_unknown from unnest(v_statuses) as status
   where status not in (select from_status from alfrd.transitions where subject_type = 'document'
                        union all select to_status from alfrd.transitions where subject_type = 'document')
   limit 1;
  if found then
    raise exception 'document %: there is no status %', (select id from new_rows where status = v_unknown limit 1), quote_literal(v_unknown)
      using errcode = 'AL001', hint = 'leave status out: a new document starts as pending';
  end if;
  if v_tagged then
    insert into alfrd.tags (document_id, tag, source)
    select id, unnest(tags), 'user' from new_rows where tags <> '{}';
  end if;
  insert into alfrd.renamed_documents (document_id) select id from new_rows;
  v_routes := array(select r from alfrd.routes r where subject_type = 'document' and status = any (v_statuses));
  -- If no parked worker has to be notified, they are announced with their claim.
  v_announced := v_routes = '{}' or alfrd.notify(array(select distinct (r).step from unnest(v_routes) as r));
  foreach v_route in array v_routes loop
    insert into alfrd.tasks (step, subject_type, subject_id, status, generation, state, priority, run_at, created_at, max_attempts, announced)
    select v_route.step, 'document', id, status, generation, case when v_route.delay > '0' then 'scheduled' else 'ready' end, priority,
           v_now + v_route.delay, v_now, v_route.max_attempts, v_announced
      from new_rows where status = v_route.status;
  end loop;
  if v_announced then
    perform alfrd.announce('document', array_agg(id), array_agg(status)) from new_rows;
  end if;
  return null;
end $$;

create or replace function alfrd.documents_updated() returns trigger
-- Transition tables have no statistics, and a nested loop over 10,000 rows takes minutes.
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set enable_nestloop = off as $$
declare
  v_state      alfrd.exchange_state;
  v_superseded alfrd.change[];   -- those that a person has sent back, on or out
  v_retagged   uuid[];
  v_reordered  uuid[];           -- of another priority by now
begin
  select array_agg(row('document', n.id, o.status, n.status, n.generation, n.priority)::alfrd.change)
           filter (where n.status <> o.status or n.generation <> o.generation),
         array_agg(row('document', n.id, o.status, n.status, n.generation, n.priority)::alfrd.change)
           filter (where n.generation <> o.generation),
         array_agg(n.id) filter (where n.tags <> o.tags), array_agg(n.id) filter (where n.priority <> o.priority)
    into v_state.changes, v_superseded, v_retagged, v_reordered
    from new_rows n join old_rows o using (id);
  perform alfrd.refuse_illegal(v_state.changes);
  -- Which files have to be summarised again: those of completed documents that came, went or changed.
  select array_agg(distinct tag) into v_state.touched
    from new_rows n join old_rows o using (id) cross join lateral unnest(n.tags || o.tags) as tag
   where 'completed' in (n.status, o.status)
     and (n.status, n.owner, n.filename, n.tags, n.summary, n.entity, n.document_date, n.due_date, n.total_amount,
          n.currency, n.document_type, n.series_id, n.series_data)
         is distinct from
         (o.status, o.owner, o.filename, o.tags, o.summary, o.entity, o.document_date, o.due_date, o.total_amount,
          o.currency, o.document_type, o.series_id, o.series_data);
  perform set_config('enable_nestloop', 'on', true);

  if v_retagged is not null then
    perform alfrd.keep_tags(v_retagged, true);
  end if;
  if v_reordered is not null then
    -- What waits moves to its new position. What is being claimed just now is passed by: its worker may want what is locked here.
    update alfrd.tasks t set priority = d.priority
      from alfrd.documents d
     where d.id = t.subject_id
       and t.id in (select id from alfrd.tasks where subject_id = any (v_reordered) and state in ('ready', 'scheduled')
                       for update skip locked);
  end if;
  if v_superseded is not null then
    delete from alfrd.tasks where subject_id in (select subject_id from unnest(v_superseded)) and state <> 'running';
    insert into alfrd.events (subject_type, subject_id, kind, detail)
    select 'document', c.subject_id, case c.to_status when 'cancelled' then 'cancelled' else 'resubmitted' end,
           format('%s -> %s by %s', c.from_status, c.to_status, alfrd.person())
      from unnest(v_superseded) as c;
  end if;
  v_state := alfrd.advance(v_state);
  perform alfrd.notify(v_state.notify);
  return null;
end $$;

create or replace function alfrd.documents_deleted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set enable_seqscan = off as $$
declare
  v_state alfrd.exchange_state;
begin
  delete from alfrd.tasks where subject_id in (select id from old_rows) and state <> 'running';
  delete from alfrd.pages where document_id in (select id from old_rows);
  delete from alfrd.tags where document_id in (select id from old_rows);
  delete from alfrd.scores where document_id in (select id from old_rows);
  delete from alfrd.step_results where subject_type = 'document' and subject_id in (select id from old_rows);
  select array_agg(distinct tag) into v_state.touched
    from old_rows cross join unnest(old_rows.tags) as tag where old_rows.status = 'completed';
  perform alfrd.advance(v_state);
  return null;
end $$;

create or replace function alfrd.documents_truncated() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- Not TRUNCATE, which is refused where the same command names these tables, too.
  delete from alfrd.pages;
  delete from alfrd.tags;
  delete from alfrd.scores;
  delete from alfrd.step_results where subject_type = 'document';
  delete from alfrd.tasks where subject_type = 'document' and state <> 'running';
  return null;
end $$;

create or replace trigger documents_normalize before insert on alfrd.documents
  for each row when (new.tags <> '{}') execute function alfrd.normalize_tags();
-- Nor is alfrd.replay a person: it clears failed_step, which an application may not write.
create or replace trigger documents_b_resubmit before update of status on alfrd.documents
  for each row when (not alfrd.acts_as_engine() and new.failed_step = old.failed_step)
  execute function alfrd.resubmit_document();
create or replace trigger documents_inserted after insert on alfrd.documents
  referencing new table as new_rows for each statement execute function alfrd.documents_inserted();
create or replace trigger documents_updated after update on alfrd.documents
  referencing old table as old_rows new table as new_rows
  for each statement when (not alfrd.acts_as_engine())
  execute function alfrd.documents_updated();
create or replace trigger documents_deleted after delete on alfrd.documents
  referencing old table as old_rows for each statement execute function alfrd.documents_deleted();
create or replace trigger documents_truncated after truncate on alfrd.documents
  for each statement execute function alfrd.documents_truncated();
