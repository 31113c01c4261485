-- What corrections teach about a sender, for the documents of the same owner.
--
-- alfrd.teach          the lessons of one change: sender -> type, printed name -> company, label or place -> field, order of dates
-- alfrd.weigh_lessons  which of the lessons about one thing contradict each other, or an accepted document
-- alfrd.document_reviewed   weighs them again when a person accepts a document of the sender
-- alfrd.marks_of       what identifies a sender in a text
-- alfrd.reviews_taught, alfrd.apply_lessons   the open reviews that a correction may settle; and doing them again with what it taught
--
-- A lesson is a row. Undoing the change that taught it deletes it, and so may a person. Two that say different things of the same
-- sender stop both, until one of them is deleted. Workers learn of a change by alfrd.reference_version, and keep lessons in memory.

-- Internet addresses, and numbers of nine digits and more: those of accounts, registers, taxes, telephones. An address ends as addresses do:
-- "u.price" and "reg.no" are on many papers.
create or replace function alfrd.marks_of(p_text text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(distinct mark order by mark), '{}') from (
    select (regexp_matches(lower(p_text), '[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z]{2,10}\M', 'g'))[1] as mark
    union
    select regexp_replace((regexp_matches(p_text, '\d(?:[ ()/.-]{0,2}\d){8,}', 'g'))[1], '\D', '', 'g')) as found
   where mark !~ '^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.' and char_length(mark) between 6 and 60
     and (mark ~ '^\d+$' or mark ~ '^www\.' or mark ~ '\.(com|net|org|info|biz|gov|edu|example|shop|store|online|app|cloud|io|eu)$'
          or mark ~ '^[^.]{2,}.*\.[a-z]{2}$' and (mark !~ '\.(no|id|to|is|in|as|so|rm)$' or mark ~ '\..*\.'));
$$;

-- The first 20,000 characters of a document: a sender says at its head who it is.
create or replace function alfrd.head_of(p_document uuid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select left(string_agg(left(text, 20000), E'\n' order by number), 20000) from alfrd.pages where document_id = p_document;
$$;

-- The words beside a value in a text, where one of its printed forms follows them in a line; null: none.
create or replace function alfrd.label_beside(p_text text, p_field text, p_value jsonb) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select label from (
    select line.place, btrim(regexp_replace(lower(cell[cardinality(cell)]), '[^[:alpha:]]+', ' ', 'g')) as label
      from unnest(alfrd.printed(p_field, p_value) || case when p_field = 'total_amount' and jsonb_typeof(p_value) = 'number'
             then translate(array_to_string(alfrd.printed(p_field, p_value), ' '), ',.', '.,') end) as form,
           string_to_table(p_text, E'\n') with ordinality as line(text, place),
           lateral (select position(form in line.text)) as found(at),
           -- Without the sign or code of the currency; and of several columns the last.
           lateral (select regexp_split_to_array(regexp_replace(
             left(line.text, greatest(found.at - 1, 0)), '(\m(usd|eur|gbp|chf|myr|rm|inr|sgd|aud|cad)\M)?[^[:alpha:]]*$', '', 'i'), '\s{2,}')) as before(cell)
     where form <> '' and found.at > 1 and substr(line.text, found.at - 1, 1) !~ '[\d.,]'
       and substr(line.text, found.at + char_length(form)) !~ '^[.,]?\d') as labelled
   where char_length(label) between 3 and 60 order by place limit 1;
$$;

-- Whether a value that stands beside these words would not be the right one: the words are there before other figures, and the right one
-- is printed without them.
create or replace function alfrd.misleads(p_text text, p_label text, p_field text, p_value jsonb) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  with lines as (
    select ' ' || regexp_replace(lower(line), '[^[:alpha:]]+', ' ', 'g') || ' ' like '% ' || p_label || ' %' and line ~ '\d' as has_words,
           exists (select from unnest(alfrd.printed(p_field, p_value)) as form
                    where form <> '' and (strpos(line, form) > 0 or strpos(line, translate(form, ',.', '.,')) > 0)) as has_value
      from string_to_table(p_text, E'\n') as line)
  select coalesce(bool_or(has_words) and bool_or(has_value) and not bool_or(has_words and has_value), false) from lines;
$$;

create or replace function alfrd.weigh_lessons(p_owner text, p_kind text, p_sender text, p_field text, p_found text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.lessons l set contradicted_by = coalesce(
    (select 'lesson ' || other.id from alfrd.lessons other
      where (other.owner, other.kind, other.field, other.found) = (l.owner, l.kind, l.field, l.found)
        and lower(other.sender) = lower(l.sender)
        and case l.kind when 'place' then alfrd.places_agree(other.place, l.place) is false else other.value <> l.value end
      order by other.id limit 1),
    -- What a person has looked at and left as it was, the lesson would change.
    (select 'document ' || d.id from alfrd.documents d
      where d.owner = l.owner and d.reviewed_at is not null and l.field <> all (d.corrected) and d.id is distinct from l.document_id
        and (l.kind = 'type' and d.document_type = l.found and d.entity = l.sender
             or l.kind = 'company' and d.entity = l.found and l.found <> '')
      order by d.created_at limit 1),
    -- It is tried on the sender's last papers that a person has looked at.
    (select 'document ' || d.id
       from (select * from alfrd.documents
              where owner = l.owner and entity = l.sender and reviewed_at is not null and id is distinct from l.document_id
                -- One whose correction is being undone says nothing.
                and (l.field <> all (corrected)
                     or exists (select from alfrd.corrections c where c.document_id = documents.id and c.field = l.field))
              order by created_at desc limit 20) as d
      where l.kind = 'label' and l.field = 'total_amount' and d.total_amount is not null
            and alfrd.misleads(alfrd.head_of(d.id), l.value, l.field, to_jsonb(d.total_amount))
         or l.kind = 'place' and alfrd.misplaces(d.id, l.place, l.field, case l.field
              when 'total_amount' then to_jsonb(d.total_amount) when 'due_date' then to_jsonb(d.due_date) else to_jsonb(d.document_date) end)
      limit 1), '')
   where l.owner = p_owner and l.kind = p_kind and lower(l.sender) = lower(p_sender) and l.field = p_field and l.found = p_found;
end $$;

-- Called: after a person has looked at a document, or it came in as one that a person had looked at. What was taught about its sender is
-- weighed again with it.
create or replace function alfrd.document_reviewed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.weigh_lessons(about.owner, about.kind, about.sender, about.field, about.found)
     from (select distinct l.owner, l.kind, l.sender, l.field, l.found from alfrd.lessons l
            where l.owner = new.owner and (lower(l.sender) = lower(new.entity) or l.kind = 'company' and l.found = new.entity)) as about;
  return null;
end $$;

create or replace trigger documents_reviewed after update of reviewed_at on alfrd.documents
  for each row when (new.entity <> '' and new.reviewed_at is distinct from old.reviewed_at) execute function alfrd.document_reviewed();

create or replace trigger documents_reviewed_before after insert on alfrd.documents
  for each row when (new.entity <> '' and new.reviewed_at is not null) execute function alfrd.document_reviewed();

-- Called: by the trigger documents_a_correct, for a change that has been recorded.
-- A lesson that three corrections have taught is not taught again: an UPDATE of many documents would otherwise take minutes.
create or replace function alfrd.teach(
  p_document uuid, p_owner text, p_change bigint, p_old jsonb, p_new jsonb, p_fields text[], p_evidence jsonb
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_often  constant integer := 3;
  v_sender text := p_new ->> 'entity';
  v_day    date := (p_new ->> 'document_date')::date;
  v_head   text;
  v_print  text[];
  v_order  text;
  v_field  text;
  v_label  text;
  v_place  jsonb;
  v_marks  text[];
  v_taught jsonb := '[]';
  v_lesson record;
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
  v_head := alfrd.head_of(p_document);
  foreach v_field in array array['total_amount', 'document_date', 'due_date'] loop
    continue when v_field <> all (p_fields) or p_new ->> v_field is null;
    v_label := alfrd.label_beside(v_head, v_field, p_new -> v_field);
    if v_label is not null then
      v_taught := v_taught || jsonb_build_object('kind', 'label', 'field', v_field, 'found', '', 'value', v_label);
    end if;
    v_place := alfrd.place_of(p_document, v_field, p_new -> v_field);
    if v_place is not null then
      v_taught := v_taught || jsonb_build_object('kind', 'place', 'field', v_field, 'found', '', 'value', alfrd.told_place(v_place), 'place', v_place);
    end if;
  end loop;
  for v_lesson in
    select * from jsonb_to_recordset(v_taught) as t(kind text, field text, found text, value text, place jsonb)
     where c_often > (select count(*) from alfrd.lessons l
                       where l.owner = p_owner and l.kind = t.kind and lower(l.sender) = lower(v_sender) and l.field = t.field
                         and l.found = t.found
                         and case t.kind when 'place' then alfrd.places_agree(l.place, t.place) is true else l.value = t.value end)
  loop
    -- What is printed on another sender's paper, too, identifies no sender: the customer's own telephone, for one. A name that was hardly
    -- read is no other sender's.
    v_marks := coalesce(v_marks, array(
      select mark from unnest(alfrd.marks_of(v_head)) as mark
       where not exists (
         select from (select id from alfrd.documents where owner = p_owner and id <> p_document and entity <> ''
                         and lower(entity) <> lower(v_sender) and entity <> p_old ->> 'entity'
                         and (reviewed_at is not null or (evidence -> 'entity' ->> 'confidence')::real >= 0.9)
                       order by created_at desc limit 100) as other
          where mark = any (alfrd.marks_of(alfrd.head_of(other.id))))));
    insert into alfrd.lessons (owner, kind, sender, marks, field, found, value, place, document_id, change_id, taught_by)
    values (p_owner, v_lesson.kind, v_sender, v_marks, v_lesson.field, v_lesson.found, v_lesson.value, v_lesson.place, p_document, p_change,
            alfrd.person());
    perform alfrd.weigh_lessons(p_owner, v_lesson.kind, v_sender, v_lesson.field, v_lesson.found);
  end loop;
end $$;

-- What contradicted a lesson that is gone, is used again. What was done by it is done again without it: the sender's documents of
-- since then, from the step that used it. The document that taught it is left to the deleter of the lesson; one that another session is
-- changing now is passed by, since he may wait for this transaction.
create or replace function alfrd.lesson_deleted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.weigh_lessons(old.owner, old.kind, old.sender, old.field, old.found);
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
create or replace function alfrd.lessons_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
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
  with taught as materialized (
    select owner, sender, found, marks from alfrd.lessons where document_id = p_document and active),
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
-- What a person has set stays. Returns them.
create or replace function alfrd.apply_lessons(p_document uuid) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_from text := case when exists (select from alfrd.lessons where document_id = p_document and active and kind = 'type')
                      then 'ocr_completed' else 'classified' end;
  v_ids  uuid[];
begin
  if not exists (select from alfrd.documents where id = p_document) then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  with again as (
    update alfrd.documents
       set status = v_from, review_claimed_by = 'lessons of ' || p_document, review_claimed_at = alfrd.now(),
           review_claimed_until = alfrd.now() + interval '1 minute'
     where id = any (alfrd.reviews_taught(p_document)) and needs_review
    returning id)
  select coalesce(array_agg(id), '{}') into v_ids from again;
  return v_ids;
end $$;
