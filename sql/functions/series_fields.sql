-- The fields of a series: names and types that its documents share, in versions.
--
-- alfrd.rename_series_field, alfrd.retype_series_field, alfrd.add_series_field   for people; each makes a new version
-- alfrd.under_present_names   what an analyst found, under the names that fields have by now
-- alfrd.note_renewal          the documents of a series are to be extracted again
-- alfrd.note_outdated         the same, for those that were extracted while a newer version came
-- alfrd.renew_documents       sends the next of them back
--
-- A field gets its name and type with the first value (alfrd.name_values); fields that come later are a new version. Under a new version,
-- documents that have none of it yet are extracted again: all of the series where a person has changed a field; else those whose own values
-- hold the new one. The view follows with the same look.
--
-- Called: by applications; by alfrd.record_extract; by alfrd.keep_series.
-- Rights: the functions for people see the series of all owners, so they refuse applications where row level security is on.
-- Locks:  documents by id, their tasks, the series, then alfrd.series_renewals.

-- Whether a document was extracted under an older version than it should be: a person has changed a field since, or one came since of which
-- the document's own values tell, and it has none.
create or replace function alfrd.is_outdated(p_series uuid, p_extracted jsonb, p_structured jsonb, p_series_data jsonb) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from alfrd.series_fields f
     where f.series_id = p_series and f.version > greatest(1, alfrd.as_numeric(p_extracted ->> 'fields_version'))
       and (f.made_by <> ''
            or nullif(p_structured ->> f.name, '') is not null and nullif(p_series_data ->> f.name, '') is null));
$$;

create or replace function alfrd.fields_version(p_series uuid) returns integer
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(max(version), 0) from alfrd.series_fields where series_id = p_series;
$$;

-- A value that comes under a former name goes to the present one, unless that has a value itself: an analyst may have begun before it was renamed.
create or replace function alfrd.under_present_names(p_series uuid, p_fields jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_field  record;
  v_former text;
begin
  for v_field in select name, former_names from alfrd.series_fields where series_id = p_series and former_names <> '{}' loop
    foreach v_former in array v_field.former_names loop
      if p_fields ? v_former then
        if nullif(p_fields ->> v_field.name, '') is null then
          p_fields := p_fields || jsonb_build_object(v_field.name, p_fields -> v_former);
        end if;
        p_fields := p_fields - v_former;
      end if;
    end loop;
  end loop;
  return p_fields;
end $$;

-- From the first document on, also where an earlier renewal has come to the middle: what that one has not reached is extracted once.
create or replace function alfrd.note_renewal(p_series uuid, p_version integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.series_renewals (series_id, version) values (p_series, p_version)
      on conflict (series_id) do update set version = excluded.version, after_document = null, begun_at = excluded.begun_at;
  perform alfrd.note_series(p_series);
end $$;

-- Documents that have just been extracted, where a newer version of the fields came meanwhile.
create or replace function alfrd.note_outdated(p_documents uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_series uuid;
begin
  for v_series in
    select distinct d.series_id from alfrd.documents d
     where d.id = any (p_documents) and alfrd.is_outdated(d.series_id, d.made_by -> 'extract', d.structured_data, d.series_data)
     order by 1
  loop
    perform alfrd.note_renewal(v_series, alfrd.fields_version(v_series));
  end loop;
end $$;

-- alfrd.renew_documents: the next documents of a series that are to be extracted under the newest version of its fields.
--
-- They go back to filed, with a new generation: a worker that has begun under older fields is refused, and one that dies is followed by
-- another, as ever. Their tasks come after all other work. How far it came is kept, so that it goes on from there.
--
-- Returns: whether there are more: no more than 100 wait at once, of all series.
create or replace function alfrd.renew_documents(p_series uuid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_most      constant integer := 100;
  v_renewal   alfrd.series_renewals;
  v_room      integer;
  v_documents uuid[];
begin
  select * into v_renewal from alfrd.series_renewals where series_id = p_series;
  if not found then
    return false;
  end if;
  select c_most - count(*) into v_room from alfrd.tasks where step = 'extract' and state = 'ready' and priority < 0;
  if v_room <= 0 then
    return true;
  end if;
  v_documents := array(
    select id from alfrd.documents
     where series_id = p_series and status in ('filed', 'completed') and (v_renewal.after_document is null or id > v_renewal.after_document)
       and alfrd.is_outdated(p_series, made_by -> 'extract', structured_data, series_data)
     order by id limit v_room);
  perform from alfrd.documents where id = any (v_documents) order by id for no key update;
  update alfrd.documents set status = 'filed'
   where id = any (v_documents) and series_id = p_series and status in ('filed', 'completed');
  update alfrd.tasks set priority = least(priority, -1) where subject_id = any (v_documents) and step = 'extract' and state = 'ready';
  -- A version that came meanwhile has begun from the first one again.
  if cardinality(v_documents) < v_room then
    delete from alfrd.series_renewals where series_id = p_series and version = v_renewal.version and begun_at = v_renewal.begun_at;
    return not found;
  end if;
  update alfrd.series_renewals set after_document = v_documents[v_room]
   where series_id = p_series and version = v_renewal.version and begun_at = v_renewal.begun_at;
  return true;
end $$;

-- The field of this name, column or former name; and its series, which stays as it is until the end of the transaction.
create or replace function alfrd.lock_field(p_series uuid, p_field text) returns alfrd.series_fields
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_slug  text;
  v_field alfrd.series_fields;
begin
  select slug into v_slug from alfrd.series where id = p_series for no key update;
  if not found then
    raise exception 'no series %', p_series using errcode = 'AL004';
  end if;
  perform alfrd.name_values(p_series);
  select * into v_field from alfrd.series_fields
   where series_id = p_series and p_field in (name, column_name) order by name <> p_field limit 1;
  if not found then
    raise exception 'series %: there is no field %; %', v_slug, quote_literal(p_field),
                    coalesce('it has ' || (select string_agg(name, ', ' order by position) from alfrd.series_fields where series_id = p_series),
                             'its documents have no values of their own yet')
      using errcode = 'AL004';
  end if;
  return v_field;
end $$;

-- Refuse a name that is no column of a view, or that is something else here.
create or replace function alfrd.refuse_unfit_name(p_series uuid, p_name text, p_column text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if p_name is null or p_name <> alfrd.identifier(p_name) then
    raise exception 'a field cannot be called %', coalesce(quote_literal(left(p_name, 100)), 'null') using errcode = 'AL005',
      hint = 'a name has small letters, digits and _, at most 56 bytes, and is no word of SQL: ' || alfrd.identifier(coalesce(p_name, ''));
  elsif p_name in ('document_id', 'filename', 'issued', 'due', 'total', 'currency', 'date', 'total_amount', 'due_date')
        or exists (select from alfrd.series_fields f
                    where f.series_id = p_series and f.column_name <> p_column and (p_name in (f.name, f.column_name) or p_name = any (f.former_names))) then
    raise exception 'a field cannot be called %: another one is, or was', quote_literal(p_name) using errcode = 'AL005',
      hint = 'alfrd.series_fields has all of them';
  end if;
end $$;

create or replace function alfrd.note_field_change(p_series uuid, p_version integer, p_what text) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  values ('series', p_series, 'fields', format('%s (by %s; version %s)', p_what, alfrd.person(), p_version));
  perform alfrd.note_renewal(p_series, p_version);
  return p_version;
end $$;

-- alfrd.rename_series_field: another name for a field, in the view, too. Returns the new version of the series' fields.
--
-- What was read under a former name is found under the present one, at once in the view; documents are extracted again under the new name.
-- Errors: AL004 no such series or field; AL005 a name that is taken, or that is none.
create or replace function alfrd.rename_series_field(p_series uuid, p_field text, p_new text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_field   alfrd.series_fields;
  v_version integer;
begin
  perform alfrd.refuse_tenants('rename_series_field');
  v_field := alfrd.lock_field(p_series, p_field);
  v_version := alfrd.fields_version(p_series);
  perform alfrd.refuse_unfit_name(p_series, p_new, v_field.column_name);
  if v_field.name = p_new and v_field.column_name = p_new then
    return v_version;
  end if;
  update alfrd.series_fields
     set name = p_new, column_name = p_new, version = v_version + 1, made_by = alfrd.person(),
         former_names = case when name = p_new then former_names else array_remove(former_names, p_new) || name end
   where series_id = p_series and column_name = v_field.column_name;
  update alfrd.series set fields = array_replace(fields, v_field.name, p_new) where id = p_series;
  return alfrd.note_field_change(p_series, v_version + 1, format('%s is called %s', v_field.name, p_new));
end $$;

-- alfrd.retype_series_field: numeric, date or text, from now on. Returns the new version of the series' fields.
--
-- A view cannot change the type of a column, so it is made anew: a view of your own on it has to go first.
-- Errors: AL004 no such series or field; AL005 another type than these.
create or replace function alfrd.retype_series_field(p_series uuid, p_field text, p_type text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_field   alfrd.series_fields;
  v_version integer;
begin
  perform alfrd.refuse_tenants('retype_series_field');
  v_field := alfrd.lock_field(p_series, p_field);
  v_version := alfrd.fields_version(p_series);
  perform alfrd.refuse_unfit_type(p_type);
  if v_field.type = p_type then
    return v_version;
  end if;
  update alfrd.series_fields set type = p_type, version = v_version + 1, made_by = alfrd.person()
   where series_id = p_series and column_name = v_field.column_name;
  return alfrd.note_field_change(p_series, v_version + 1, format('%s is %s, not %s', v_field.name, p_type, v_field.type));
end $$;

create or replace function alfrd.refuse_unfit_type(p_type text) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if p_type is null or p_type not in ('numeric', 'date', 'text') then
    raise exception 'a field cannot be of type %', coalesce(quote_literal(left(p_type, 100)), 'null') using errcode = 'AL005',
      hint = 'choose numeric, date or text';
  end if;
end $$;

-- alfrd.add_series_field: a field more that documents of this series are to be searched for. Returns the new version of the series' fields.
--
-- Errors: AL004 no such series; AL005 a name that is taken, or that is none; another type than these.
create or replace function alfrd.add_series_field(p_series uuid, p_name text, p_type text default 'text') returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_version integer;
begin
  perform alfrd.refuse_tenants('add_series_field');
  perform from alfrd.series where id = p_series for no key update;
  if not found then
    raise exception 'no series %', p_series using errcode = 'AL004';
  end if;
  perform alfrd.name_values(p_series);
  perform alfrd.refuse_unfit_name(p_series, p_name, '');
  perform alfrd.refuse_unfit_type(p_type);
  v_version := alfrd.fields_version(p_series) + 1;
  insert into alfrd.series_fields (series_id, column_name, name, type, position, version, made_by)
  select p_series, p_name, p_name, p_type, 1 + coalesce(max(position), 0), greatest(2, v_version), alfrd.person()
    from alfrd.series_fields where series_id = p_series;
  update alfrd.series set fields = fields || p_name where id = p_series and p_name <> all (fields);
  return alfrd.note_field_change(p_series, greatest(2, v_version), format('%s is a field, of type %s', p_name, p_type));
end $$;
