-- SQL views of what documents say: one for each series, one for each document type.
--
-- alfrd.as_numeric, alfrd.as_date   a value of a document as a number or date; null where it is none
-- alfrd.identifier                  a name for a column or view, of whatever a document says
-- alfrd.series_select               what a view of a series selects
-- alfrd.name_values                 gives new fields of a series their columns
-- alfrd.keep_series_view            makes, extends, renames or drops the view of a series
-- alfrd.keep_type_view              the same for a document type
-- alfrd.refresh_views               all of them, for an operator
--
-- Called: alfrd.keep_series_view by alfrd.keep_series (sql/functions/series_keeping.sql), which a worker calls in a transaction of its own while it
--         runs step watch_series. Never in an exchange: DDL waits for those who read a view, and others would wait for the exchange.
-- Locks:  the turn of all views; the view, for at most 200 ms. What fails is an event of the series, and tried again later.
-- Rights: views are security_invoker: they show what alfrd.documents shows to the login that asks, under its policies.

create or replace function alfrd.as_numeric(p_text text) returns numeric
  language sql immutable parallel safe
  return case when p_text ~ '^[-+]?[0-9]{1,30}([.][0-9]{1,30})?$' then p_text::numeric end;

create or replace function alfrd.as_date(p_text text) returns date
  language sql immutable parallel safe
  return case when p_text ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and left(p_text, 4) <> '0000'
               -- the days of its month
              then case when substr(p_text, 9)::integer <= extract(day from
                               make_date(left(p_text, 4)::integer, substr(p_text, 6, 2)::integer, 1) + interval '1 month' - interval '1 day')
                        then make_date(left(p_text, 4)::integer, substr(p_text, 6, 2)::integer, substr(p_text, 9)::integer) end end;

-- alfrd.identifier: in lower case, letters, digits and underscores of any language, at most 56 bytes, so that a number may follow; not reserved.
create or replace function alfrd.identifier(p_name text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  c_longest constant integer := 56;
  v_name    text;
begin
  v_name := lower(left(p_name, 1000) collate "C") collate "C";
  -- Marks that hide, steer or separate are not part of a name, in whatever block they are.
  v_name := regexp_replace(v_name, '[^a-z0-9_\u00c0-\U0010ffff]+|[\u00d7\u00f7\u02b0-\u036f\u1680\u180e\u2000-\u206f\u2e00-\u303f\ufe00-\ufe6f\ufeff\uff00-\uff0f\ufff0-\uffff]+', '_', 'g');
  v_name := left(btrim(regexp_replace(v_name, '__+', '_', 'g'), '_'), c_longest);
  while octet_length(v_name) > c_longest loop
    v_name := left(v_name, -1);
  end loop;
  v_name := rtrim(v_name, '_');
  if v_name = '' then
    return 'value';
  elsif v_name ~ '^[0-9]' then
    v_name := '_' || v_name;
  end if;
  if exists (select from pg_get_keywords() where word = v_name and catcode in ('R', 'T')) then
    v_name := v_name || '_';
  end if;
  return v_name;
end $$;

-- The type of a field, by all of its values that are known. Numbers that count nothing are text: accounts, and what begins with a zero.
create or replace function alfrd.type_of_values(p_name text, p_values text[]) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_name ~* '(number|_no|_id|^id|account|iban|phone|zip|postcode|code|vin|plate)$' then 'text'
    when bool_and(alfrd.as_date(value) is not null) then 'date'
    when bool_and(alfrd.as_numeric(value) is not null and value !~ '^[-+]?0\d') then 'numeric'
    else 'text' end from unnest(p_values) as value;
$$;

-- What each view of a series has first, whatever its documents say: the values that columns of alfrd.documents hold.
create or replace function alfrd.common_columns(p_for text) returns text
  language sql immutable parallel safe
  return case p_for
    when 'series' then 'd.id as document_id, d.filename, d.document_date as issued, d.due_date as due, d.total_amount as total, d.currency'
    else 'd.id as document_id, d.filename, d.owner, d.entity, d.document_date as issued, d.due_date as due, d.total_amount as total, '
         'd.currency, d.account_number, d.period_start, d.period_end, d.series_id, d.structured_data' end;

-- alfrd.name_values: each field of a series that has a value gets a column: a name that is free, and a type. What has one keeps it.
-- The first ones are version 1 of its fields; those that come later are a new version.
--
-- The fields that columns of alfrd.documents hold already get none. Of a long series, the newest 150 documents tell the type.
create or replace function alfrd.name_values(p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_most_columns constant integer := 300;
  v_taken    text[] := '{document_id,filename,issued,due,total,currency}';
  v_position integer;
  v_version  integer := alfrd.fields_version(p_series) + 1;
  v_is_newer boolean := false;
  v_column   text;
  v_new      record;
begin
  select v_taken || coalesce(array_agg(column_name), '{}'), coalesce(max(position), 0) into v_taken, v_position
    from alfrd.series_fields where series_id = p_series;
  for v_new in
    select field.name, alfrd.type_of_values(field.name, array_agg(value)) as type
      from (select name, place from alfrd.series s cross join unnest(s.fields) with ordinality as f(name, place)
             where s.id = p_series and name not in ('date', 'total_amount', 'due_date', 'currency')
               and not exists (select from alfrd.series_fields known
                                where known.series_id = p_series and (known.name = f.name or f.name = any (known.former_names)))) as field
      join (select d.series_data from alfrd.documents d where d.series_id = p_series
             order by d.document_date desc nulls last limit 150) as documents
        on nullif(documents.series_data ->> field.name, '') is not null
     cross join lateral (select documents.series_data ->> field.name as value) as found
     group by field.name, field.place order by field.place
  loop
    exit when v_position >= c_most_columns;
    v_position := v_position + 1;
    v_column := alfrd.identifier(v_new.name);
    if v_column = any (v_taken) then
      v_column := v_column || '_' || (select min(n) from generate_series(2, 2 + cardinality(v_taken)) as n
                                       where v_column || '_' || n <> all (v_taken));
    end if;
    v_taken := v_taken || v_column;
    insert into alfrd.series_fields (series_id, column_name, name, type, position, version)
    values (p_series, v_column, v_new.name, v_new.type, v_position, v_version)
        on conflict do nothing;   -- a person is naming them, too: what is left is named with the next look
    v_is_newer := v_version > 1;
  end loop;
  if v_is_newer then
    perform alfrd.note_renewal(p_series, v_version);
  end if;
end $$;

create or replace function alfrd.typed(p_column text, p_name text, p_type text) returns text
  language sql immutable parallel safe
  return format(case p_type when 'numeric' then 'alfrd.as_numeric(d.%s ->> %L)' when 'date' then 'alfrd.as_date(d.%s ->> %L)'
                            else 'd.%s ->> %L' end, p_column, p_name);

-- A field's value in a view: under its name; or under a former one, of a document that is not extracted again yet.
create or replace function alfrd.typed_field(p_field alfrd.series_fields) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when cardinality(p_field.former_names) = 0 then alfrd.typed('series_data', p_field.name, p_field.type)
              else 'coalesce(' || (select string_agg(alfrd.typed('series_data', name, p_field.type), ', ' order by place)
                                     from unnest(p_field.name || p_field.former_names) with ordinality as names(name, place)) || ')' end;
$$;

-- Those who read alfrd.documents read its views. The roles may be missing: see sql/functions/zz_roles.sql.
create or replace function alfrd.publish_view(p_schema text, p_view text, p_title text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('comment on view %I.%I is %L', p_schema, p_view, p_title);
  if to_regrole('alfrd_app') is not null and to_regrole('alfrd_worker') is not null and to_regrole('alfrd_reader') is not null then
    execute format('grant select on %I.%I to alfrd_app, alfrd_worker, alfrd_reader', p_schema, p_view);
  end if;
end $$;

-- A name for the view of a series that nothing has in schema alfrd_series: of its slug, and with a number for the next one of this slug.
create or replace function alfrd.free_view_name(p_slug text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_stem   text := alfrd.identifier(p_slug);
  v_name   text := v_stem;
  v_number integer := 1;
begin
  while exists (select from alfrd.series_views where view_name = v_name)
        or to_regclass(format('alfrd_series.%I', v_name)) is not null loop
    v_number := v_number + 1;
    v_name := v_stem || '_' || v_number;
  end loop;
  return v_name;
end $$;

create or replace function alfrd.drop_series_view(p_view alfrd.series_views) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('drop view if exists alfrd_series.%I', p_view.view_name);
  delete from alfrd.series_views where series_id = p_view.series_id;
end $$;

-- alfrd.fit_columns: fields that were renamed are renamed in the view. If one has another type, the view goes, to be made anew.
create or replace function alfrd.fit_columns(p_series uuid, p_view text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_common  constant integer := 6;   -- columns of alfrd.common_columns('series')
  v_view    regclass := to_regclass(format('alfrd_series.%I', p_view));
  v_renamed record;
  v_places  integer[] := '{}';
begin
  if exists (select from alfrd.series_fields f join pg_attribute a on a.attrelid = v_view and a.attnum = f.position + c_common
              where f.series_id = p_series and format_type(a.atttypid, null) <> f.type) then
    execute format('drop view alfrd_series.%I', p_view);
    return;
  end if;
  -- First out of the way: two may have exchanged their names.
  for v_renamed in
    select a.attname, f.position from alfrd.series_fields f join pg_attribute a on a.attrelid = v_view and a.attnum = f.position + c_common
     where f.series_id = p_series and a.attname <> f.column_name
  loop
    execute format('alter view alfrd_series.%I rename column %I to %I', p_view, v_renamed.attname, '_' || v_renamed.position);
    v_places := v_places || v_renamed.position;
  end loop;
  for v_renamed in select column_name, position from alfrd.series_fields where series_id = p_series and position = any (v_places) loop
    execute format('alter view alfrd_series.%I rename column %I to %I', p_view, '_' || v_renamed.position, v_renamed.column_name);
  end loop;
end $$;

-- alfrd.change_series_view: what alfrd.keep_series_view does, and may fail.
create or replace function alfrd.change_series_view(p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_series  alfrd.series;
  v_view    alfrd.series_views;
  v_version integer;
  v_name    text;
begin
  select * into v_series from alfrd.series where id = p_series;
  -- Every login reads the names of views in the catalog. Where tenants share the database, they tell nothing of whose bills there are.
  if (select relrowsecurity from pg_class where oid = 'alfrd.documents'::regclass) then
    v_series.slug := 'series_' || left(replace(p_series::text, '-', ''), 16);
    v_series.title := '';
  end if;
  select * into v_view from alfrd.series_views where series_id = p_series;
  if v_series.id is null or not exists (select from alfrd.documents where series_id = p_series) then
    if v_view.series_id is not null then
      perform alfrd.drop_series_view(v_view);
    end if;
    return;
  end if;
  perform alfrd.name_values(p_series);
  v_version := alfrd.fields_version(p_series);
  if v_view.series_id is not null and v_view.slug <> v_series.slug then
    v_name := alfrd.free_view_name(v_series.slug);
    execute format('alter view if exists alfrd_series.%I rename to %I', v_view.view_name, v_name);
    update alfrd.series_views set view_name = v_name, slug = v_series.slug where series_id = p_series returning * into v_view;
    if to_regclass(format('alfrd_series.%I', v_name)) is not null then
      perform alfrd.publish_view('alfrd_series', v_name, v_series.title);
    end if;
  end if;
  if v_view.fields_version = v_version and to_regclass(format('alfrd_series.%I', coalesce(v_view.view_name, ''))) is not null then
    return;
  end if;
  v_name := coalesce(v_view.view_name, alfrd.free_view_name(v_series.slug));
  perform alfrd.fit_columns(p_series, v_name);
  execute format('create or replace view alfrd_series.%I with (security_invoker = true) as select %s from alfrd.documents d'
                 ' where d.series_id = %L::uuid and d.status not in (''failed'', ''cancelled'')',
                 v_name,
                 alfrd.common_columns('series') || coalesce((
                   select string_agg(format(', %s as %I', alfrd.typed_field(f), f.column_name), '' order by f.position)
                     from alfrd.series_fields f where f.series_id = p_series), ''),
                 p_series);
  perform alfrd.publish_view('alfrd_series', v_name, v_series.title);
  insert into alfrd.series_views (series_id, view_name, slug, fields_version) values (p_series, v_name, v_series.slug, v_version)
      on conflict (series_id) do update set fields_version = excluded.fields_version, made_at = alfrd.now();
end $$;

-- alfrd.keep_series_view: as it should be by now. Where it cannot be, an event of the series says why, once, and it is tried again.
--
-- Returns: whether to look again in a minute.
create or replace function alfrd.keep_series_view(p_series uuid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
declare
  v_state  text;
  v_error  text;
begin
  perform alfrd.await_turn('alfrd:views');
  perform alfrd.change_series_view(p_series);
  update alfrd.series_views set error = '' where series_id = p_series and error <> '';
  return false;
exception
  -- Any that DDL may raise: a reader holds the view, a view of the user's hangs on it, the disk is full. The calendar does not depend on it.
  when others then
    get stacked diagnostics v_state = returned_sqlstate, v_error = message_text;
    update alfrd.series_views set error = v_error where series_id = p_series and error <> v_error;
    if found or not exists (select from alfrd.series_views where series_id = p_series) then
      insert into alfrd.events (subject_type, subject_id, kind, step, detail)
      values ('series', p_series, 'noted', 'watch_series', 'its view in schema alfrd_series could not be kept: ' || v_error);
    end if;
    return v_state in ('55P03', '40P01');
end $$;

-- Views of series that are gone. One that another view hangs on stays, and is not tried again.
create or replace function alfrd.drop_views_of_gone_series() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_gone uuid;
begin
  for v_gone in
    select v.series_id from alfrd.series_views v
     where v.error = '' and not exists (select from alfrd.series s where s.id = v.series_id) limit 20
  loop
    perform alfrd.keep_series_view(v_gone);
  end loop;
end $$;

-- alfrd.keep_type_view: alfrd_types.receipt and the like. Its columns are those of alfrd.type_fields, in their order.
create or replace function alfrd.keep_type_view(p_type text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_view text := alfrd.identifier(p_type);
begin
  execute format('create or replace view alfrd_types.%I with (security_invoker = true) as select %s from alfrd.documents d'
                 ' where d.document_type = %L and d.status not in (''failed'', ''cancelled'')',
                 v_view,
                 alfrd.common_columns('type') || coalesce((
                   select string_agg(format(', %s as %I', alfrd.typed('structured_data', name, type), name), '' order by position)
                     from alfrd.type_fields where document_type = p_type), ''),
                 p_type);
  perform alfrd.publish_view('alfrd_types', v_view, 'Documents of type ' || p_type);
end $$;

create or replace function alfrd.document_type_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    execute format('drop view if exists alfrd_types.%I', alfrd.identifier(old.name));
  end if;
  if tg_op <> 'DELETE' then
    perform alfrd.keep_type_view(new.name);
  end if;
  return null;
end $$;
create or replace trigger document_type_changed after insert or delete or update of name on alfrd.document_types
  for each row execute function alfrd.document_type_changed();

create or replace function alfrd.type_fields_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    -- A column can only be taken away with its view.
    execute format('drop view if exists alfrd_types.%I', alfrd.identifier(old.document_type));
    perform alfrd.keep_type_view(name) from alfrd.document_types where name = old.document_type;
  else
    perform alfrd.keep_type_view(new.document_type);
  end if;
  return null;
end $$;
create or replace trigger type_fields_changed after insert or delete on alfrd.type_fields
  for each row execute function alfrd.type_fields_changed();

-- alfrd.refresh_views: all views as they should be, for instance after a restore of schema alfrd alone. Returns their number.
create or replace function alfrd.refresh_views() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.drop_views_of_gone_series();
  perform alfrd.keep_series_view(id) from alfrd.series;
  perform alfrd.keep_type_view(name) from alfrd.document_types;
  return (select count(*) from pg_class where relkind = 'v' and relnamespace in (to_regnamespace('alfrd_series'), to_regnamespace('alfrd_types')));
end $$;

do $$
begin
  perform alfrd.keep_type_view(name) from alfrd.document_types;
end $$;
