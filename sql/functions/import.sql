-- An export of another database comes in: documents with their results, which are not read again.
--
-- alfrd.import_document_type   a type that is missing here
-- alfrd.import_document        a document with its bytes, pages, corrections, reviews and lessons; its series is found or made
-- alfrd.import_series          what hangs on a series whose documents have come: aliases, and what people said to its alerts
-- alfrd.import_file            a file; its summary is kept where it has the members that it was made from
-- alfrd.import_lesson          a lesson whose document is gone
-- alfrd.import_payment         what paid a bill, or was refused, where the bill and the statement are here
--
-- Called: by `alfrd-events import`, which has checked the sums of what it reads; once for each row, each a transaction.
-- Rights: alfrd_worker and the owner, who write results anyway. An application could forge whose correction one is.
-- Effect: a document is inserted with the status that it has; alfrd.documents_inserted makes the tasks that follow from that status: none of
--         ours from completed. Files that are here already are summarised again.
-- Twice:  what is here already (by its id, a document by its fingerprint, a file by its tags too) is left as it is.
-- Rows are JSON as to_jsonb writes them. A column that this schema does not have is left out; one that is missing there gets its default.

-- Columns that a JSON object names go into a new row; generated ones are the server's.
create or replace function alfrd.insert_row(p_table regclass, p_row jsonb, p_content bytea default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_names  text[];
  v_values text[];
begin
  select array_agg(quote_ident(attname) order by attnum), array_agg('given.' || quote_ident(attname) order by attnum)
    into v_names, v_values
    from pg_attribute
   where attrelid = p_table and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = '' and attname <> 'content'
     and jsonb_typeof(p_row -> attname::text) <> 'null';
  if p_content is not null then
    v_names := v_names || 'content'::text;
    v_values := v_values || '$2'::text;
  end if;
  execute format('insert into %1$s (%2$s) select %3$s from jsonb_populate_record(null::%1$s, $1) as given',
                 p_table, array_to_string(v_names, ', '), array_to_string(v_values, ', '))
    using p_row, p_content;
end $$;

create or replace function alfrd.refuse_unless_row(p_row jsonb, p_what text) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(p_row) is distinct from 'object'
     or coalesce(p_row ->> 'id', '') !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    raise exception 'alfrd.import_%: an object with an id is needed', p_what
      using errcode = 'AL005', hint = 'give a line of an export';
  end if;
end $$;

create or replace function alfrd.import_document_type(p_name text, p_description text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.document_types (name, description)
  select p_name, coalesce(p_description, '') where p_name is not null
      on conflict (name) do nothing;
  return found;
end $$;

-- The series here that one of an export is: of its id, else what a document of it would be filed into; null: none.
create or replace function alfrd.series_like(p_series jsonb) returns uuid
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((select id from alfrd.series where id = (p_series ->> 'id')::uuid),
                  (select known from alfrd.known_series(coalesce(p_series ->> 'owner', ''), p_series ->> 'entity_key', p_series ->> 'kind',
                                                        p_series ->> 'frequency', coalesce(p_series ->> 'account', '')) as known));
$$;

-- Turns are waited for in vain under load; then one of two that bring the same series finds it when the other has ended.
create or replace function alfrd.find_or_import_series(p_series jsonb) returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_attempts constant integer := 5;
  v_series uuid;
begin
  perform alfrd.refuse_unless_row(p_series, 'series');
  perform alfrd.await_turn(format('alfrd:series:%s:%s:%s', p_series ->> 'owner', p_series ->> 'kind', p_series ->> 'account'));
  for v_attempt in 1 .. c_attempts loop
    v_series := alfrd.series_like(p_series);
    exit when v_series is not null;
    begin
      perform alfrd.insert_row('alfrd.series', p_series || jsonb_build_object('slug',
        (p_series ->> 'slug') || case when exists (select from alfrd.series
                                                    where owner = coalesce(p_series ->> 'owner', '') and slug = p_series ->> 'slug')
                                      then '-' || left(gen_random_uuid()::text, 8) else '' end));
      v_series := (p_series ->> 'id')::uuid;
      exit;
    exception when unique_violation then
      if v_attempt = c_attempts then
        raise;
      end if;
    end;
  end loop;
  return v_series;
end $$;

-- The tags of an export, where its series has another slug here.
create or replace function alfrd.tags_with_series(p_tags jsonb, p_series jsonb, p_here uuid) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(case when tag = 'series:' || lower(p_series ->> 'slug')
                                 then 'series:' || (select lower(slug) from alfrd.series where id = p_here) else tag end), '[]')
    from jsonb_array_elements_text(case jsonb_typeof(p_tags) when 'array' then p_tags else '[]' end) as tag;
$$;

-- alfrd.import_document: a document as it was, unless it is here.
--
-- p_document  its columns, and beside them parts, tag_sources, corrections, reviews, lessons. A part says where its bytes were held
--             (document, part, uri), and whether it has a row of its own (is_row).
-- p_series    the row of its series; null: it has none
-- p_contents  the bytes of each of its parts in order; null for those that stay behind their URI
-- p_pages     its pages
-- Returns:    whether it is new here
create or replace function alfrd.import_document(p_document jsonb, p_series jsonb, p_contents bytea[], p_pages jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_id     uuid;
  v_series uuid;
  v_state  alfrd.exchange_state;
  v_tags   jsonb;
  v_part   jsonb;
  v_number integer := 0;
  v_whole  bytea;   -- a document's own content is its first part
begin
  perform alfrd.refuse_unless_row(p_document, 'document');
  v_id := (p_document ->> 'id')::uuid;
  if exists (select from alfrd.documents where id = v_id)
     or exists (select from alfrd.documents where fingerprint <> '' and fingerprint = p_document ->> 'fingerprint') then
    return false;
  end if;
  if jsonb_typeof(p_series) = 'object' then
    v_series := alfrd.find_or_import_series(p_series);
  end if;
  v_tags := alfrd.tags_with_series(p_document -> 'tags', p_series, v_series);
  if p_document #>> '{parts,0,held}' = 'document' or p_document #> '{parts,0,is_row}' = 'false' then
    v_whole := p_contents[1];
  end if;
  -- Prompts have other numbers here, and nobody reviews it now.
  perform alfrd.insert_row('alfrd.documents',
    p_document - array['undo_correction', 'review_claimed_by', 'review_claimed_at', 'review_claimed_until']
    || jsonb_build_object('series_id', v_series, 'tags', v_tags, 'made_by', coalesce(
         (select jsonb_object_agg(step, made - 'prompt') from jsonb_each(case jsonb_typeof(p_document -> 'made_by')
            when 'object' then p_document -> 'made_by' else '{}' end) as by_step(step, made) where jsonb_typeof(made) = 'object'), '{}')),
    v_whole);
  for v_part in select * from jsonb_array_elements(alfrd.array_of(p_document, 'parts')) loop
    v_number := v_number + 1;
    continue when v_part -> 'is_row' = 'false';   -- it was not read yet
    perform alfrd.insert_row('alfrd.document_parts', v_part || jsonb_build_object('document_id', v_id),
                             case when v_whole is null or v_number > 1 then p_contents[v_number] end);
  end loop;
  perform alfrd.insert_row('alfrd.pages', page || jsonb_build_object('document_id', v_id))
     from jsonb_array_elements(case jsonb_typeof(p_pages) when 'array' then p_pages else '[]' end) as page;
  update alfrd.tags t set source = given ->> 'source'
    from jsonb_array_elements(alfrd.array_of(p_document, 'tag_sources')) as given
   where t.document_id = v_id and t.tag = alfrd.tags_with_series(jsonb_build_array(given -> 'tag'), p_series, v_series) ->> 0;
  perform alfrd.import_acts(v_id, p_document, p_series, v_series);
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  values ('document', v_id, 'imported', format('as %s, by %s', p_document ->> 'status', alfrd.person()));
  if p_document ->> 'status' = 'completed' then
    v_state.touched := alfrd.text_array(v_tags);
    perform alfrd.advance(v_state);
  end if;
  return true;
end $$;

create or replace function alfrd.array_of(p_row jsonb, p_name text) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case jsonb_typeof(p_row -> p_name) when 'array' then p_row -> p_name else '[]' end;
$$;

-- What people did to a document: corrections, reviews, and the lessons of them, under numbers of changes of this database; and its scores.
create or replace function alfrd.import_acts(p_document uuid, p_row jsonb, p_series jsonb, p_here uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_changes jsonb := '{}';
  v_kind    text;
  v_act     jsonb;
begin
  foreach v_kind in array array['corrections', 'reviews', 'lessons', 'scores'] loop
    for v_act in select * from jsonb_array_elements(alfrd.array_of(p_row, v_kind)) loop
      if v_act ->> 'change_id' is not null then
        if not v_changes ? (v_act ->> 'change_id') then
          v_changes := v_changes || jsonb_build_object(v_act ->> 'change_id', nextval('alfrd.changes'));
        end if;
        v_act := v_act || jsonb_build_object('change_id', v_changes -> (v_act ->> 'change_id'));
      end if;
      if v_kind = 'corrections' and v_act ->> 'field' = 'series_id' and p_here is not null then
        v_act := v_act || (select coalesce(jsonb_object_agg(name, p_here), '{}') from unnest(array['old_value', 'new_value']) as name
                            where v_act ->> name = p_series ->> 'id');
      end if;
      if v_kind = 'lessons' then
        v_act := v_act - array['contradicted_by', 'tried_at', 'apply_to'];
      end if;
      perform alfrd.insert_row(format('alfrd.%I', v_kind)::regclass, v_act || jsonb_build_object('document_id', p_document));
    end loop;
  end loop;
end $$;

-- alfrd.import_series: what hangs on it, after its documents. Nothing of a series of which no document came.
create or replace function alfrd.import_series(p_series jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_series uuid;
  v_known  uuid;
  v_row    jsonb;
begin
  perform alfrd.refuse_unless_row(p_series, 'series');
  v_series := alfrd.series_like(p_series);
  if v_series is null then
    return false;
  end if;
  insert into alfrd.series_aliases (owner, entity_key, kind, account, series_id)
  select coalesce(a.owner, ''), a.entity_key, a.kind, coalesce(a.account, ''), v_series
    from jsonb_to_recordset(alfrd.array_of(p_series, 'aliases')) as a(owner text, entity_key text, kind text, account text)
   where a.entity_key is not null and a.kind is not null
      on conflict (entity_key, kind, account, owner) do nothing;
  -- The columns of its view keep their names and types.
  insert into alfrd.series_fields (series_id, column_name, name, type, position, version, created_at, former_names, made_by)
  select v_series, c.column_name, c.name, c.type, c.position, coalesce(c.version, 1), coalesce(c.created_at, alfrd.now()),
         coalesce(c.former_names, '{}'), coalesce(c.made_by, '')
    from jsonb_to_recordset(alfrd.array_of(p_series, 'columns'))
         as c(column_name text, name text, type text, position integer, version integer, created_at timestamptz,
              former_names text[], made_by text)
   where num_nulls(c.column_name, c.name, c.type, c.position) = 0
   order by c.position
      on conflict do nothing;
  for v_row in select * from jsonb_array_elements(alfrd.array_of(p_series, 'alerts')) loop
    select id into v_known from alfrd.series_alerts where series_id = v_series and key = v_row ->> 'key';
    if not found and (v_row ->> 'document_id' is null
                      or exists (select from alfrd.documents where id = (v_row ->> 'document_id')::uuid))
       and not exists (select from alfrd.series_alerts where id = (v_row ->> 'id')::uuid) then
      perform alfrd.insert_row('alfrd.series_alerts', v_row || jsonb_build_object('series_id', v_series));
    else
      update alfrd.series_alerts
         set dismissed_at = (v_row ->> 'dismissed_at')::timestamptz, snoozed_until = (v_row ->> 'snoozed_until')::timestamptz
       where id = v_known and dismissed_at is null and snoozed_until is null
         and coalesce(v_row ->> 'dismissed_at', v_row ->> 'snoozed_until') is not null;
    end if;
  end loop;
  return true;
end $$;

-- alfrd.import_file: whether it is new here.
create or replace function alfrd.import_file(p_file jsonb, p_series jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_id      uuid;
  v_series  uuid;
  v_tags    jsonb;
  v_current boolean := coalesce(p_file ->> 'status' = 'generated', false);
begin
  perform alfrd.refuse_unless_row(p_file, 'file');
  v_id := (p_file ->> 'id')::uuid;
  if jsonb_typeof(p_series) = 'object' then
    v_series := alfrd.series_like(p_series);
    if v_series is null then
      return false;
    end if;
  end if;
  v_tags := alfrd.tags_with_series(p_file -> 'tags', p_series, v_series);
  if exists (select from alfrd.files where id = v_id)
     or exists (select from alfrd.files where owner = coalesce(p_file ->> 'owner', '') and tags = alfrd.plain_tags(alfrd.text_array(v_tags))) then
    return false;
  end if;
  perform alfrd.insert_row('alfrd.files', p_file || jsonb_build_object(
    'tags', v_tags, 'series_id', v_series, 'status', case when v_current then 'generated' else 'pending' end));
  if v_current and (p_file ->> 'member_count')::integer is distinct from (select count(*) from alfrd.file_members(v_id)) then
    update alfrd.files set status = 'outdated', revision = revision + 1 where id = v_id;
  end if;
  return true;
end $$;

create or replace function alfrd.import_lesson(p_lesson jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(p_lesson) is distinct from 'object' then
    raise exception 'alfrd.import_lesson: an object is needed' using errcode = 'AL005', hint = 'give a line of an export';
  end if;
  if p_lesson ->> 'sender' is null or exists (
       select from alfrd.lessons l
        where l.document_id is null and l.owner = p_lesson ->> 'owner' and l.kind = p_lesson ->> 'kind' and l.sender = p_lesson ->> 'sender'
          and l.field = p_lesson ->> 'field' and l.found = p_lesson ->> 'found' and l.value = p_lesson ->> 'value') then
    return false;
  end if;
  perform alfrd.insert_row('alfrd.lessons', p_lesson - array['document_id', 'change_id', 'contradicted_by', 'tried_at', 'apply_to']);
  return true;
end $$;

-- alfrd.import_payment: whether it is new here. What the engine had linked is kept as well, until a look finds better.
create or replace function alfrd.import_payment(p_payment jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(p_payment) is distinct from 'object' or p_payment ->> 'document_id' is null then
    raise exception 'alfrd.import_payment: an object with a document_id is needed' using errcode = 'AL005', hint = 'give a line of an export';
  end if;
  insert into alfrd.payments (document_id, statement_id, row_number, kind, amount, currency, paid_on, confidence, reason, made_by, made_at, refused_by, rival_id)
  select p.document_id, p.statement_id, p.row_number, coalesce(p.kind, 'payment'), p.amount, coalesce(p.currency, ''), p.paid_on, p.confidence,
         coalesce(p.reason, ''), coalesce(p.made_by, ''), coalesce(p.made_at, alfrd.now()), coalesce(p.refused_by, ''), p.rival_id
    from jsonb_populate_record(null::alfrd.payments, p_payment) as p
   where exists (select from alfrd.documents d where d.id = p.document_id)
     and (p.statement_id is null or exists (select from alfrd.documents d where d.id = p.statement_id))
      on conflict do nothing;
  return found;
end $$;
