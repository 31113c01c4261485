-- What people put right, and how they take it back.
--
-- alfrd.correct           sets values of one document, and refuses what makes no sense
-- alfrd.undo              takes back the last change, or the one that is named
-- alfrd.tag               adds and removes tags
-- alfrd.delete_document   removes a document with all that hangs on it
--
-- An UPDATE of alfrd.documents corrects just as well: the trigger documents_a_correct records it, keeps workers from overwriting
-- it, and sends the document back to where the value is used first. The functions run with the rights of who calls them, so column
-- rights and policies hold; all but delete_document, which refuses applications under row level security.
--
-- Undoing is an UPDATE, too: of undo_correction, with the number of a change. So it obeys the policies of alfrd.documents.
-- The rows of the correction are deleted, since all who read alfrd.corrections take what is there as right; the event stays.

-- What a person may correct. Not to_jsonb(row): that would write out the whole content. Without a SET, so that it is inlined: a whole row as an
-- argument would fetch the content.
create or replace function alfrd.correctable(p_document alfrd.documents) returns jsonb
  language sql stable
  return jsonb_build_object(
    'document_type', p_document.document_type, 'summary', p_document.summary, 'entity', p_document.entity,
    'document_date', p_document.document_date, 'due_date', p_document.due_date,
    'total_amount', p_document.total_amount, 'currency', p_document.currency,
    'account_number', p_document.account_number, 'period_start', p_document.period_start,
    'period_end', p_document.period_end, 'structured_data', p_document.structured_data,
    'series_id', p_document.series_id);

-- The milestone that a document goes back to when these fields have another value; null: nothing depends on them.
-- Rules make the sentence anew from the values, for nothing. A model would want to be paid: its sentence is restated instead.
create or replace function alfrd.redo_from(p_fields text[], p_made_by jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when 'document_type' = any (p_fields) then 'classified'
    when p_fields && array['entity', 'document_date', 'total_amount', 'currency', 'account_number', 'period_start', 'period_end',
                           'due_date', 'structured_data']
      then case p_made_by -> 'summarize' ->> 'by' when 'rules' then 'classified' else 'summarized' end
    when 'series_id' = any (p_fields) then 'summarized'
  end;
$$;

-- The ways in which a value is printed in a sentence.
create or replace function alfrd.printed(p_field text, p_value jsonb) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_value is null or jsonb_typeof(p_value) = 'null' or p_value #>> '{}' = '' then '{}'
    when p_field in ('document_date', 'due_date', 'period_start', 'period_end')
         and (p_value #>> '{}')::date not between date '0001-01-01' and date '9999-12-31' then '{}'
    when p_field in ('document_date', 'due_date', 'period_start', 'period_end') then array[
      p_value #>> '{}', to_char((p_value #>> '{}')::date, 'FMMonth FMDD, YYYY'), to_char((p_value #>> '{}')::date, 'DD.MM.YYYY'),
      to_char((p_value #>> '{}')::date, 'FMDD FMMonth YYYY')]
    when p_field = 'total_amount' then array[
      to_char((p_value #>> '{}')::numeric, 'FM999,999,999,999,990.00'), to_char((p_value #>> '{}')::numeric, 'FM999999999999990.00')]
    else array[p_value #>> '{}'] end;
$$;

-- A sentence with the new values in the place of the old ones, each printed as the old one was.
create or replace function alfrd.restated(p_summary text, p_old jsonb, p_new jsonb, p_fields text[]) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_field text;
  v_old   text[];
  v_new   text[];
begin
  foreach v_field in array array['entity', 'document_date', 'due_date', 'period_start', 'period_end', 'total_amount', 'account_number']
  loop
    v_old := alfrd.printed(v_field, p_old -> v_field);
    v_new := alfrd.printed(v_field, p_new -> v_field);
    continue when v_field <> all (p_fields) or v_old = '{}' or v_new = '{}';
    for v_way in 1 .. cardinality(v_old) loop
      continue when v_old[v_way] is null or v_new[v_way] is null;   -- infinity is printed in no way
      -- Not within a longer number or word.
      p_summary := regexp_replace(
        p_summary, '(?<![\w.,]|\d[-/])' || regexp_replace(v_old[v_way], '([^\w\s])', '\\\1', 'g') || '(?!\w|[.,]\d)',
        replace(v_new[v_way], '\', '\\'), 'g');
    end loop;
  end loop;
  return p_summary;
end $$;

create or replace function alfrd.correct_document() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_old    jsonb;
  v_new    jsonb;
  v_redo   text;
  v_change bigint;
  v_fields text[];
  v_verdict text;
  v_review record;
  v_undone boolean := new.undo_correction is not null;
  v_looked boolean := new.reviewed_at is distinct from old.reviewed_at;
begin
  new.tags := alfrd.normal_tags(new.tags);
  new.updated_at := alfrd.now();
  if new.status = 'pending' and old.status <> 'pending' then
    new.reviewed_at := null;   -- no person has seen what will be read then
  end if;
  -- Field by field: a whole row as an argument would fetch and copy its content.
  if not v_undone and not v_looked
     and (new.document_type, new.summary, new.entity, new.document_date, new.due_date, new.total_amount, new.currency,
          new.account_number, new.period_start, new.period_end, new.structured_data, new.series_id)
         is not distinct from
         (old.document_type, old.summary, old.entity, old.document_date, old.due_date, old.total_amount, old.currency,
          old.account_number, old.period_start, old.period_end, old.structured_data, old.series_id) then
    return new;
  end if;
  v_old := jsonb_build_object(
    'document_type', old.document_type, 'summary', old.summary, 'entity', old.entity, 'document_date', old.document_date,
    'due_date', old.due_date, 'total_amount', old.total_amount, 'currency', old.currency, 'account_number', old.account_number,
    'period_start', old.period_start, 'period_end', old.period_end, 'structured_data', old.structured_data, 'series_id', old.series_id);
  v_new := jsonb_build_object(
    'document_type', new.document_type, 'summary', new.summary, 'entity', new.entity, 'document_date', new.document_date,
    'due_date', new.due_date, 'total_amount', new.total_amount, 'currency', new.currency, 'account_number', new.account_number,
    'period_start', new.period_start, 'period_end', new.period_end, 'structured_data', new.structured_data, 'series_id', new.series_id);
  select coalesce(array_agg(field order by field), '{}') into v_fields
    from jsonb_object_keys(v_new) as field where v_old -> field is distinct from v_new -> field;

  if v_undone then
    if v_fields <> '{}' then
      raise exception 'document %: undo_correction is written without % beside it', new.id, array_to_string(v_fields, ', ')
        using errcode = 'AL005', hint = 'undo first, then correct';
    end if;
    v_change := new.undo_correction;
    new.undo_correction := null;
    v_new := v_old || alfrd.taken_back(new.id, v_change);
    select array_agg(field order by field) into v_fields
      from alfrd.corrections where document_id = new.id and change_id = v_change;
    delete from alfrd.corrections where document_id = new.id and change_id = v_change;
    delete from alfrd.lessons where document_id = new.id and change_id = v_change;
    new.document_type := v_new ->> 'document_type';
    new.summary := v_new ->> 'summary';
    new.entity := v_new ->> 'entity';
    new.document_date := (v_new ->> 'document_date')::date;
    new.due_date := (v_new ->> 'due_date')::date;
    new.total_amount := (v_new ->> 'total_amount')::numeric;
    new.currency := v_new ->> 'currency';
    new.account_number := v_new ->> 'account_number';
    new.period_start := (v_new ->> 'period_start')::date;
    new.period_end := (v_new ->> 'period_end')::date;
    new.structured_data := v_new -> 'structured_data';
    new.series_id := (select id from alfrd.series where id = (v_new ->> 'series_id')::uuid);
    if 'series_id' = any (v_fields) then
      perform alfrd.learn_series(new.id, new.owner, null);
    end if;
    -- What was corrected before that, stays so.
    new.corrected := array(
      select before.field from unnest(old.corrected) as before(field)
       where before.field <> all (v_fields)
          or exists (select from alfrd.corrections c where c.document_id = new.id and c.field = before.field));
    insert into alfrd.events (subject_type, subject_id, kind, detail)
    values ('document', new.id, 'corrected', format('%s: taken back by %s', array_to_string(v_fields, ', '), alfrd.person()));
  else
    if 'series_id' = any (v_fields) and new.series_id is null
       and not exists (select from alfrd.series where id = old.series_id) then
      -- Its series was deleted: that is no correction, and it has to be filed again.
      v_fields := array_remove(v_fields, 'series_id');
      v_redo := 'summarized';
    end if;
    if 'document_type' = any (v_fields)
       and not exists (select from alfrd.document_types where name = new.document_type) then
      raise exception 'document %: % is not a known document type', new.id, quote_literal(new.document_type)
        using errcode = 'AL003', hint = 'insert it into alfrd.document_types first, or choose among ' ||
          (select string_agg(name, ', ' order by name) from alfrd.document_types);
    end if;
    if v_fields <> '{}' then
      v_change := nextval('alfrd.changes');
      insert into alfrd.corrections (document_id, field, old_value, new_value, corrected_by, change_id)
      select new.id, field, v_old -> field, v_new -> field, alfrd.person(), v_change from unnest(v_fields) as field;
      new.corrected := array(select distinct field from unnest(old.corrected || v_fields) as field order by field);
      perform alfrd.teach(new.id, new.owner, v_change, v_old, v_new, v_fields, old.evidence);
      if 'series_id' = any (v_fields) then
        perform alfrd.learn_series(new.id, new.owner, new.series_id);
      end if;
    end if;
  end if;

  v_verdict := case when v_undone then 'undone' when v_change is not null then 'corrected'
                    when v_looked and new.reviewed_at is null then 'reopened' when v_looked then 'accepted' end;
  if v_verdict is not null then
    v_review := alfrd.note_review(
      new.id, v_verdict, v_change, case when old.review_claimed_until > alfrd.now() then old.review_claimed_by else '' end,
      old.review_claimed_at, old.review_reason, old.review_confidence);
    new.needs_review := v_review.is_needed;
    new.review_reason := v_review.why;
    new.review_confidence := v_review.sureness;
    new.reviewed_at := v_review.at;
    new.review_claimed_by := '';
    new.review_claimed_at := null;
    new.review_claimed_until := null;
  end if;

  if 'document_type' = any (v_fields) then
    new.tags := alfrd.normal_tags(array_remove(new.tags, old.document_type) || new.document_type);
  end if;
  if 'summary' <> all (v_fields) and 'summary' <> all (new.corrected) then
    new.summary := alfrd.restated(new.summary, v_old, v_new, v_fields);
  end if;
  v_redo := coalesce(alfrd.redo_from(v_fields, old.made_by), v_redo);
  -- Back to where the corrected value is used first; work that began with the old one is refused by its generation.
  if new.status = old.status
     and (v_redo = 'classified' and old.status in ('classified', 'summarized', 'filed', 'completed')
          or v_redo = 'summarized' and old.status in ('summarized', 'filed', 'completed')) then
    new.status := v_redo;
    new.generation := old.generation + 1;
  end if;
  return new;
end $$;

-- The values that a change had replaced.
create or replace function alfrd.taken_back(p_document uuid, p_change bigint) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_values jsonb;
  v_later  text;
begin
  select jsonb_object_agg(field, old_value) into v_values
    from alfrd.corrections where document_id = p_document and change_id = p_change;
  if v_values is null then
    raise exception 'document %: there is no correction % to undo', p_document, p_change
      using errcode = 'AL005', hint = 'its changes are in alfrd.corrections, by change_id';
  end if;
  select field into v_later from alfrd.corrections
   where document_id = p_document and change_id > p_change and v_values ? field order by change_id desc limit 1;
  if found then
    raise exception 'document %: % was corrected again after change %', p_document, v_later, p_change
      using errcode = 'AL005', hint = 'undo the later change first';
  end if;
  return v_values;
end $$;

create or replace trigger documents_a_correct before update on alfrd.documents
  for each row when (not alfrd.acts_as_engine())
  execute function alfrd.correct_document();

-- The column that people mean by a name: total, date, due, type, company, account.
create or replace function alfrd.column_meant(p_name text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case lower(p_name)
    when 'total' then 'total_amount' when 'amount' then 'total_amount' when 'date' then 'document_date' when 'due' then 'due_date'
    when 'type' then 'document_type' when 'company' then 'entity' when 'account' then 'account_number' else lower(p_name) end;
$$;

-- A value as its column takes it; refused with what it should look like.
create or replace function alfrd.usable(p_document uuid, p_name text, p_column text, p_value jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_text text := btrim(p_value #>> '{}');
  v_wish text;
begin
  if jsonb_typeof(p_value) in ('object', 'array') and p_column <> 'structured_data' then
    v_wish := 'one value, not a list or an object';
  elsif p_column = 'structured_data' then
    if jsonb_typeof(p_value) = 'object' then
      return p_value;
    end if;
    v_wish := 'an object';
  elsif p_column = 'total_amount' then
    if nullif(v_text, '') is null then
      return 'null';
    elsif v_text ~ '^[-+]?\d{1,15}(\.\d{1,30})?$' then
      return to_jsonb(v_text::numeric);
    end if;
    v_wish := 'a number with a point, such as 1234.50';
  elsif p_column in ('document_date', 'due_date', 'period_start', 'period_end') then
    if nullif(v_text, '') is null then
      return 'null';
    elsif v_text ~ '^\d{4}-\d{2}-\d{2}$' then
      begin
        return to_jsonb(v_text::date);
      exception when datetime_field_overflow or invalid_datetime_format then
        v_wish := 'a day that exists, such as 2025-05-31';
      end;
    else
      v_wish := 'a day as year-month-day, such as 2025-05-31';
    end if;
  elsif p_column = 'currency' then
    if coalesce(upper(v_text), '') ~ '^([A-Z]{3})?$' then
      return to_jsonb(coalesce(upper(v_text), ''));
    end if;
    v_wish := 'a code of three letters, such as EUR';
  elsif p_column = 'document_type' then
    return to_jsonb(replace(replace(lower(coalesce(v_text, '')), ' ', '_'), '-', '_'));
  elsif p_column = 'series_id' then
    if v_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' or nullif(v_text, '') is null then
      return coalesce(to_jsonb(nullif(v_text, '')), 'null');
    end if;
    v_wish := 'the id of a series';
  else
    return to_jsonb(coalesce(v_text, ''));
  end if;
  raise exception 'document %: % cannot be %', p_document, p_name, left(p_value::text, 100)
    using errcode = 'AL005', hint = 'give ' || v_wish || '; nothing was corrected';
end $$;

-- alfrd.correct: set values of a document, as a person.
--
-- p_values  name -> value, such as {"total_amount": 12.30, "date": "2025-05-31", "entity": "PG&E"}. A name is a column of
--           alfrd.documents that may be corrected, a short form of it (see column_meant), "series" with a slug, or a
--           field of structured_data that the document has. null empties a value.
-- Returns:  what has changed: field, the value before and after. Nothing, where all was so already.
-- Errors:   AL003 an unknown type; AL004 no such document; AL005 a name or value that makes no sense. Then nothing is changed.
create or replace function alfrd.correct(p_document uuid, p_values jsonb)
returns table (field text, old_value jsonb, new_value jsonb)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_old    jsonb;
  v_new    jsonb;
  v_owner  text;
  v_name   text;
  v_value  jsonb;
  v_column text;
begin
  select owner, jsonb_build_object(
           'document_type', document_type, 'summary', summary, 'entity', entity, 'document_date', document_date, 'due_date', due_date,
           'total_amount', total_amount, 'currency', currency, 'account_number', account_number, 'period_start', period_start,
           'period_end', period_end, 'structured_data', structured_data, 'series_id', series_id)
    into v_owner, v_old from alfrd.documents where id = p_document for no key update;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  if jsonb_typeof(p_values) is distinct from 'object' or p_values = '{}' then
    raise exception 'document %: alfrd.correct takes an object of names and values', p_document
      using errcode = 'AL005', hint = 'such as {"total_amount": 12.30}';
  end if;
  v_new := v_old;
  for v_name, v_value in select * from jsonb_each(p_values) loop
    v_column := alfrd.column_meant(v_name);
    if v_column = 'series' then
      v_column := 'series_id';
      select to_jsonb(id) into v_value from alfrd.series where owner = v_owner and slug = p_values ->> v_name;
      if not found then
        raise exception 'document %: there is no series %', p_document, quote_literal(p_values ->> v_name)
          using errcode = 'AL005', hint = 'alfrd-events series lists them, by slug; nothing was corrected';
      end if;
    end if;
    if v_old ? v_column then
      v_new := v_new || jsonb_build_object(v_column, alfrd.usable(p_document, v_name, v_column, v_value));
    elsif v_old -> 'structured_data' ? v_name then
      v_new := jsonb_set(v_new, array['structured_data', v_name], v_value);
    else
      raise exception 'document %: there is no value %', p_document, quote_literal(v_name)
        using errcode = 'AL005', hint = 'choose among ' ||
          (select string_agg(name, ', ' order by name) from (
             select jsonb_object_keys(v_old - 'series_id') as name
             union select 'series' union select jsonb_object_keys(v_old -> 'structured_data')) as known) || '; nothing was corrected';
    end if;
  end loop;
  update alfrd.documents
     set document_type = v_new ->> 'document_type', summary = v_new ->> 'summary', entity = v_new ->> 'entity',
         document_date = (v_new ->> 'document_date')::date, due_date = (v_new ->> 'due_date')::date,
         total_amount = (v_new ->> 'total_amount')::numeric, currency = v_new ->> 'currency',
         account_number = v_new ->> 'account_number', period_start = (v_new ->> 'period_start')::date,
         period_end = (v_new ->> 'period_end')::date, structured_data = v_new -> 'structured_data',
         series_id = (v_new ->> 'series_id')::uuid
   where id = p_document and v_new is distinct from v_old;
  return query select name, v_old -> name, v_new -> name from jsonb_object_keys(v_old) as name
                where v_old -> name is distinct from v_new -> name order by name;
end $$;

-- alfrd.undo: take a change back, as if it had never been: its values, and what follows from them.
--
-- p_change  the change_id of its corrections; the last one of the document if it is not given
-- Returns:  what has changed, as alfrd.correct does
-- Errors:   AL004 no such document; AL005 no such change, or one of its values was corrected again since
create or replace function alfrd.undo(p_document uuid, p_change bigint default null)
returns table (field text, old_value jsonb, new_value jsonb)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_undone jsonb;
begin
  perform from alfrd.documents where id = p_document for no key update;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  if p_change is null then
    select max(change_id) into p_change from alfrd.corrections where document_id = p_document;
    if p_change is null then
      raise exception 'document %: there is nothing to undo', p_document
        using errcode = 'AL005', hint = 'nobody has corrected it';
    end if;
  end if;
  select jsonb_agg(jsonb_build_object('field', field, 'old_value', new_value, 'new_value', old_value) order by field) into v_undone
    from alfrd.corrections where document_id = p_document and change_id = p_change;
  update alfrd.documents set undo_correction = p_change where id = p_document;
  return query select * from jsonb_to_recordset(v_undone) as undone(field text, old_value jsonb, new_value jsonb);
end $$;

-- alfrd.tag: add and remove tags of a document; its tags afterwards.
--
-- Errors: AL004 no such document; AL005 a tag that follows from its type or series, is above one that stays, or is both added and removed
create or replace function alfrd.tag(p_document uuid, p_add text[] default '{}', p_remove text[] default '{}') returns text[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_add    text[] := alfrd.normal_tags(coalesce(p_add, '{}'));
  v_remove text[] := alfrd.plain_tags(coalesce(p_remove, '{}'));
  v_type   text;
  v_tags   text[];
  v_tag    text;
begin
  select document_type, tags into v_type, v_tags from alfrd.documents where id = p_document for no key update;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  foreach v_tag in array v_add || v_remove loop
    if starts_with(v_tag, 'series:') then
      raise exception 'document %: tag % follows from its series', p_document, quote_literal(v_tag)
        using errcode = 'AL005', hint = 'correct its series instead';
    elsif v_tag = v_type and v_tag = any (v_remove) then
      raise exception 'document %: tag % follows from its type', p_document, quote_literal(v_tag)
        using errcode = 'AL005', hint = 'correct its document_type instead';
    elsif v_tag = any (v_remove) and exists (
            select from unnest(v_tags) as below where starts_with(below, v_tag || '/') and below <> all (v_remove)) then
      raise exception 'document %: tag % comes with those below it', p_document, quote_literal(v_tag)
        using errcode = 'AL005', hint = 'remove these first, such as ' ||
          (select min(below) from unnest(v_tags) as below where starts_with(below, v_tag || '/') and below <> all (v_remove));
    elsif v_tag = any (v_add) and v_tag = any (v_remove) then
      raise exception 'document %: tag % is both added and removed', p_document, quote_literal(v_tag)
        using errcode = 'AL005', hint = 'name it once';
    end if;
  end loop;
  update alfrd.documents
     set tags = alfrd.normal_tags(array(select tag from unnest(tags || v_add) as tag where tag <> all (v_remove)))
   where id = p_document and not (tags @> v_add and not tags && v_remove)
  returning tags into v_tags;
  return coalesce(v_tags, (select tags from alfrd.documents where id = p_document));
end $$;

-- alfrd.delete_document: remove a document, with its pages, values, corrections and tasks; its file name.
--
-- An application may delete one at a time, and none under row level security (AL008). AL004: no such document.
create or replace function alfrd.delete_document(p_document uuid) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_filename text;
begin
  perform alfrd.refuse_tenants('delete_document');
  delete from alfrd.documents where id = p_document returning filename into v_filename;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  return v_filename;
end $$;
