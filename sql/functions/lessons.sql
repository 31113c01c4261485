-- What corrections teach about a sender, for the documents of the same owner.
--
-- alfrd.teach          the lessons of one change: sender -> type, printed name -> company, label or place -> field, order of dates
-- alfrd.marks_of       what identifies a sender in a text
-- alfrd.reviews_taught, alfrd.apply_lessons   the open reviews that a correction may settle; and doing them again with what it taught
--
-- A lesson is a row. It is tried before it is used (lesson_trials.sql). Undoing the change that taught it deletes it, and so may a person.
-- Two that say different things of the same sender stop both, until one of them is deleted. Workers learn of a change by
-- alfrd.reference_version, and keep lessons in memory.

-- Internet addresses, and numbers of nine digits and more: those of accounts, registers, taxes, telephones. An address ends as addresses do:
-- "u.price" and "reg.no" are on many papers.
create or replace function alfrd.marks_of(p_text text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(distinct mark order by mark), '{}') from (
    select (regexp_matches(lower(p_text), '[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z]{2,10}\M', 'g'))[1] as mark
    union
    -- A day with its hour is none.
    select regexp_replace((regexp_matches(
      regexp_replace(p_text, '(?<!\d)(?:[0-3]?\d[/.-][0-3]?\d[/.-](?:19|20)\d\d|(?:19|20)\d\d-\d\d-\d\d)(?!\d)', ' day ', 'g'),
      '\d(?:[ ()/.-]{0,2}\d){8,}', 'g'))[1], '\D', '', 'g')) as found
   where mark !~ '^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.' and char_length(mark) between 6 and 60
     and (mark ~ '^\d+$' or mark ~ '^www\.' or mark ~ '\.(com|net|org|info|biz|gov|edu|example|shop|store|online|app|cloud|io|eu)$'
          or mark ~ '^[^.]{2,}.*\.[a-z]{2}$' and (mark !~ '\.(no|id|to|is|in|as|so|rm)$' or mark ~ '\..*\.'));
$$;

-- The first 20,000 characters of a document: a sender says at its head who it is.
create or replace function alfrd.head_of(p_document uuid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select left(string_agg(left(text, 20000), E'\n' order by number), 20000) from alfrd.pages where document_id = p_document;
$$;

-- Called: by the trigger documents_a_correct, for a change that has been recorded.
-- A lesson that three corrections have taught is not taught again: an UPDATE of many documents would otherwise take minutes. Where the words
-- beside a value are, and where it stands, is not known before the trial: so no more than three of those wait for it.
create or replace function alfrd.teach(
  p_document uuid, p_owner text, p_change bigint, p_old jsonb, p_new jsonb, p_fields text[], p_evidence jsonb
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_often  constant integer := 3;
  v_sender text := p_new ->> 'entity';
  v_day    date := (p_new ->> 'document_date')::date;
  v_print  text[];
  v_order  text;
  v_taught jsonb := '[]';
begin
  if v_sender = '' or not p_fields && array['document_type', 'entity', 'total_amount', 'document_date', 'due_date'] then
    return;
  end if;
  if 'document_type' = any (p_fields) and p_old ->> 'document_type' <> '' then
    v_taught := v_taught || jsonb_build_object('kind', 'type', 'field', 'document_type', 'found', p_old -> 'document_type',
                                               'value', p_new -> 'document_type');
  end if;
  if 'entity' = any (p_fields) then
    v_taught := v_taught || jsonb_build_object('kind', 'company', 'field', 'entity', 'found', p_old -> 'entity', 'value', v_sender);
  end if;
  -- 03/04 says nothing of the order, unless a person has said which date it is. What was not corrected was right.
  v_print := regexp_match(p_evidence -> 'document_date' ->> 'text', '(\d{1,2})\s?[./-]\s?(\d{1,2})\s?[./-]\s?(?:\d{4}|\d{2})(?!\d)');
  v_order := case array[extract(day from v_day), extract(month from v_day)]
    when array[v_print[2]::numeric, v_print[1]::numeric] then 'MDY' when v_print::numeric[] then 'DMY' end;
  if v_print[1]::integer <> v_print[2]::integer and v_order is not null
     and ('document_date' = any (p_fields) or 12 < any (v_print::integer[])) then
    v_taught := v_taught || jsonb_build_object('kind', 'date_order', 'field', 'document_date', 'found', '', 'value', v_order);
    p_fields := array_remove(p_fields, 'document_date');
  end if;
  v_taught := v_taught || (
    select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'field', field, 'found', '', 'value', '') order by field, kind), '[]')
      from unnest(array['total_amount', 'document_date', 'due_date']) as field cross join unnest(array['label', 'place']) as kind
     where field = any (p_fields) and p_new ->> field is not null);
  insert into alfrd.lessons (owner, kind, sender, field, found, value, document_id, change_id, taught_by)
  select p_owner, t.kind, v_sender, t.field, t.found, t.value, p_document, p_change, alfrd.person()
    from jsonb_to_recordset(v_taught) as t(kind text, field text, found text, value text)
   where c_often > (select count(*) from alfrd.lessons l
                     where l.owner = p_owner and l.kind = t.kind and lower(l.sender) = lower(v_sender) and l.field = t.field
                       and l.found = t.found and l.value = t.value);
end $$;

-- What contradicted a lesson that is gone, is tried again. What was done by it is done again without it: the sender's documents of
-- since then, from the step that used it. The document that taught it is left to the deleter of the lesson; one that another session is
-- changing now is passed by, since he may wait for this transaction.
create or replace function alfrd.lesson_deleted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from alfrd.lessons where sender_id = old.sender_id) then
    delete from alfrd.tasks where id in (select id from alfrd.tasks where subject_id = old.sender_id and step = 'try_lessons'
                                            and state <> 'running' for update skip locked);
  elsif old.tried_at is not null then
    perform alfrd.schedule_trial(old.sender_id);
  end if;
  if old.active then
    update alfrd.documents set status = case old.kind when 'type' then 'ocr_completed' else 'classified' end
     where id in (select d.id from alfrd.documents d
                   where d.owner = old.owner and d.entity = old.sender and d.id is distinct from old.document_id
                     and d.status in ('classified', 'summarized', 'filed', 'completed') and d.updated_at >= old.taught_at
                     and (old.kind <> 'type' or d.document_type = old.value)
                   order by d.id for no key update skip locked);
  end if;
  return null;
end $$;
create or replace trigger lessons_deleted after delete on alfrd.lessons
  for each row execute function alfrd.lesson_deleted();

-- At the end of the transaction, and once: who corrects many documents holds their rows, and must not hold this one meanwhile.
-- Locks: the tasks of series first, as an exchange does that has tried lessons. In the other order, a correction that waits for a task which
--        the exchange has made, and the exchange, which waits for the row of alfrd.reference_version, would wait for each other.
create or replace function alfrd.lessons_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if alfrd.schedule_looks('{}') then
    perform alfrd.notify(array['watch_series']);
  end if;
  update alfrd.reference_version set number = number + 1 where xmin <> pg_current_xact_id()::xid;
  return null;
end $$;
drop trigger if exists lessons_counted on alfrd.lessons;
create constraint trigger lessons_counted after insert or update or delete on alfrd.lessons
  deferrable initially deferred for each row execute function alfrd.lessons_changed();

-- alfrd.unlearn: undo a lesson, as if it had never been.
create or replace function alfrd.unlearn(p_lesson bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from alfrd.lessons where id = p_lesson;
  if not found then
    raise exception 'no lesson %', p_lesson using errcode = 'AL004';
  end if;
end $$;

-- Documents that need review, are looked at by nobody, and are of the sender of whom corrections of this document have taught something.
-- Of the hundred worst: their texts are looked through for marks.
create or replace function alfrd.reviews_taught(p_document uuid) returns uuid[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  with known as materialized (   -- what is still to be tried has no marks yet
    select alfrd.marks_taught(l) as marks from alfrd.lessons l where document_id = p_document and tried_at is null limit 1),
  taught as materialized (
    select owner, sender, found, coalesce((select marks from known where tried_at is null), marks) as marks
      from alfrd.lessons where document_id = p_document and contradicted_by = ''),
  waiting as materialized (
    select id, owner, entity from alfrd.documents d
     where needs_review and id <> p_document and status in ('summarized', 'filed', 'completed')
       and owner in (select owner from taught)
       and (review_claimed_until is null or review_claimed_until <= alfrd.now())
     order by review_confidence nulls first, created_at, id limit 100)
  select coalesce(array_agg(id), '{}') from waiting w
   where exists (select from taught t
                  where t.owner = w.owner
                    and (lower(w.entity) in (lower(t.sender), lower(t.found)) and w.entity <> ''
                         or t.marks && alfrd.marks_of(alfrd.head_of(w.id))));
$$;

-- alfrd.apply_lessons: do these again, from the step that uses the lessons, and let nobody review them for the minute that it may take.
-- What a person has set stays. Where what it taught is still to be tried, they are done again when that is believed. Returns them.
create or replace function alfrd.apply_lessons(p_document uuid) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_from  text := case when exists (select from alfrd.lessons where document_id = p_document and contradicted_by = '' and kind = 'type')
                       then 'ocr_completed' else 'classified' end;
  v_tried boolean := not exists (select from alfrd.lessons where document_id = p_document and tried_at is null);
  v_ids   uuid[];
begin
  if not exists (select from alfrd.documents where id = p_document) then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  with kept as (
    update alfrd.documents
       set review_claimed_by = 'lessons of ' || p_document, review_claimed_at = alfrd.now(), review_claimed_until = alfrd.now() + interval '1 minute'
     where id = any (alfrd.reviews_taught(p_document)) and needs_review
    returning id)
  select coalesce(array_agg(id), '{}') into v_ids from kept;
  if not v_tried then
    update alfrd.lessons set apply_to = apply_to || v_ids where document_id = p_document and tried_at is null;
    v_tried := not found;   -- the trial has ended meanwhile
  end if;
  if v_tried then
    update alfrd.documents set status = v_from where id = any (v_ids) and needs_review;
  end if;
  return v_ids;
end $$;
