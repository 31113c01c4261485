-- What people do to series: merge, rename, split, and take it back.
--
-- Each moves documents as a correction of a person: they are filed and extracted again under the names of their series, and stay there.
-- Each is a row of alfrd.series_changes, whose id it returns, and an event of the series.
--
-- Rights: the functions see the series of all owners, so they refuse applications where row level security is on.
-- Locks:  series by id, then their documents.

create or replace function alfrd.lock_series(p_series uuid) returns alfrd.series
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_series alfrd.series;
begin
  select * into v_series from alfrd.series where id = p_series for update;
  if not found then
    raise exception 'no series %', p_series using errcode = 'AL004';
  end if;
  return v_series;
end $$;

create or replace function alfrd.note_series_change(
  p_kind text, p_series uuid, p_other uuid, p_documents uuid[], p_before jsonb, p_detail text
) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_id bigint;
begin
  insert into alfrd.series_changes (kind, series_id, other_id, document_ids, before, made_by)
  values (p_kind, p_series, p_other, coalesce(p_documents, '{}'), p_before, alfrd.person())
  returning id into v_id;
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  values ('series', p_series, p_kind, format('%s (by %s; change %s)', p_detail, alfrd.person(), v_id));
  return v_id;
end $$;

-- What a change keeps of a series that it may make go away.
create or replace function alfrd.whole_series(p_series alfrd.series) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'series', to_jsonb(p_series),
    'aliases', coalesce((select jsonb_agg(to_jsonb(a)) from alfrd.series_aliases a where a.series_id = p_series.id), '[]'),
    'fields', coalesce((select jsonb_agg(to_jsonb(f)) from alfrd.series_fields f where f.series_id = p_series.id), '[]'));
$$;

-- The series as alfrd.whole_series has kept it, and its file.
create or replace function alfrd.bring_series_back(p_before jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_series alfrd.series := jsonb_populate_record(null::alfrd.series, p_before -> 'series');
begin
  insert into alfrd.series select (v_series).* on conflict do nothing;
  if not found then
    raise exception 'series %: there is another one of its name or account by now', v_series.slug
      using errcode = 'AL005', hint = 'merge the two: alfrd-events series merge INTO FROM';
  end if;
  insert into alfrd.files (owner, tags, title, series_id)
  values (v_series.owner, array['series:' || v_series.slug], v_series.title, v_series.id)
      on conflict (owner, tags) do nothing;
  insert into alfrd.series_aliases
  select (jsonb_populate_record(null::alfrd.series_aliases, alias)).* from jsonb_array_elements(p_before -> 'aliases') as alias
      on conflict (entity_key, kind, account, owner) do update set series_id = excluded.series_id;
  insert into alfrd.series_fields
  select (jsonb_populate_record(null::alfrd.series_fields, field)).*
    from jsonb_array_elements(alfrd.array_of(p_before, 'fields')) as field;
end $$;

create or replace function alfrd.move_documents(p_documents uuid[], p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform from alfrd.documents where id = any (p_documents) order by id for no key update;
  update alfrd.documents set series_id = p_series where id = any (p_documents);
end $$;

-- alfrd.merge_series: the documents of p_from go into p_into, and what comes under its name or account, too. p_from goes away.
create or replace function alfrd.merge_series(p_into uuid, p_from uuid) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_into      alfrd.series;
  v_from      alfrd.series;
  v_documents uuid[];
  v_change    bigint;
begin
  perform alfrd.refuse_tenants('merge_series');
  if p_into = p_from then
    raise exception 'series % cannot be merged with itself', p_into using errcode = 'AL005';
  end if;
  perform from alfrd.series where id in (p_into, p_from) order by id for update;
  v_into := alfrd.lock_series(p_into);
  v_from := alfrd.lock_series(p_from);
  if v_into.owner <> v_from.owner then
    raise exception 'series % and % have different owners', v_into.slug, v_from.slug using errcode = 'AL005';
  end if;
  v_documents := array(select id from alfrd.documents where series_id = p_from order by id);
  v_change := alfrd.note_series_change('merge', p_into, p_from, v_documents,
    alfrd.whole_series(v_from) || jsonb_build_object('into_account', v_into.account), format('%s was merged into %s', v_from.slug, v_into.slug));
  perform alfrd.move_documents(v_documents, p_into);
  update alfrd.series_aliases set series_id = p_into where series_id = p_from;
  delete from alfrd.files where series_id = p_from;
  delete from alfrd.series where id = p_from;
  if v_into.account = '' and v_from.account <> '' then
    update alfrd.series set account = v_from.account where id = p_into;
  end if;
  if (v_from.entity_key, v_from.kind, v_from.account) is distinct from (v_into.entity_key, v_into.kind, v_into.account) then
    insert into alfrd.series_aliases (owner, entity_key, kind, account, series_id)
    values (v_from.owner, v_from.entity_key, v_from.kind, v_from.account, p_into)
        on conflict (entity_key, kind, account, owner) do update set series_id = excluded.series_id;
  end if;
  return v_change;
end $$;

-- alfrd.rename_series: another name, for the series and its file. Its slug, tag and view stay, so that what refers to them goes on working.
--
-- p_entity_key: the key of the new name, under which documents are filed into it from now on; empty: none
create or replace function alfrd.rename_series(p_series uuid, p_entity text, p_entity_key text default '') returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_series alfrd.series;
  v_title  text;
begin
  perform alfrd.refuse_tenants('rename_series');
  v_series := alfrd.lock_series(p_series);
  if btrim(coalesce(p_entity, '')) = '' or octet_length(p_entity) > 10000 then
    raise exception 'series %: a name has between 1 and 10,000 bytes', v_series.slug using errcode = 'AL005';
  end if;
  p_entity := btrim(p_entity);
  v_title := p_entity || case when v_series.kind = '' then '' else ': ' || v_series.kind end;
  update alfrd.series set entity = p_entity, title = v_title where id = p_series;
  update alfrd.files set title = v_title where series_id = p_series;
  if coalesce(p_entity_key, '') not in ('', v_series.entity_key) then
    insert into alfrd.series_aliases (owner, entity_key, kind, series_id)
    values (v_series.owner, p_entity_key, v_series.kind, p_series)
        on conflict (entity_key, kind, account, owner) do nothing;
  end if;
  return alfrd.note_series_change('rename', p_series, null, '{}', jsonb_build_object(
    'series', to_jsonb(v_series), 'alias', coalesce(p_entity_key, '')), format('%s was renamed to %s', v_series.title, v_title));
end $$;

-- alfrd.split_series: these of its documents become a series of their own, of this name.
--
-- p_entity_key, p_slug: of the new name;   p_account: the account of the documents, where that is what tells them apart
create or replace function alfrd.split_series(
  p_series uuid, p_documents uuid[], p_entity text, p_entity_key text, p_slug text, p_account text default ''
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_series  alfrd.series;
  v_new     uuid;
  v_missing uuid;
  v_account text;
begin
  perform alfrd.refuse_tenants('split_series');
  v_series := alfrd.lock_series(p_series);
  select given.id into v_missing from unnest(p_documents) as given(id)
   where not exists (select from alfrd.documents d where d.id = given.id and d.series_id = p_series) limit 1;
  if found or coalesce(cardinality(p_documents), 0) = 0 then
    raise exception 'series %: % is no document of it', v_series.slug, coalesce(v_missing::text, 'nothing')
      using errcode = 'AL005', hint = 'name documents of this series';
  end if;
  if btrim(coalesce(p_entity, '')) = '' or btrim(coalesce(p_entity_key, '')) = '' or coalesce(p_slug, '') !~ '^[a-z0-9][a-z0-9-]*$'
     or (p_entity_key, coalesce(p_account, '')) = (v_series.entity_key, v_series.account) then
    raise exception 'series %: what is split off needs a name or an account of its own', v_series.slug using errcode = 'AL005';
  end if;
  -- An account names one series: with the account of the other papers, what is split off is known by its name alone.
  v_account := coalesce(nullif(p_account, v_series.account), '');
  if p_series <> (select known from alfrd.known_series(v_series.owner, p_entity_key, v_series.kind, v_series.frequency,
                                                       v_account) as known) then
    raise exception 'there is a series of this name or account already' using errcode = 'AL005',
      hint = 'move the documents there: update alfrd.documents set series_id = … where id = …';
  end if;
  insert into alfrd.series (owner, entity, entity_key, kind, frequency, slug, title, account)
  select v_series.owner, btrim(p_entity), p_entity_key, v_series.kind, v_series.frequency,
         p_slug || case when exists (select from alfrd.series where owner = v_series.owner and slug = p_slug)
                        then '-' || left(gen_random_uuid()::text, 8) else '' end,
         btrim(p_entity) || case when v_series.kind = '' then '' else ': ' || v_series.kind end, v_account
  returning id into v_new;
  insert into alfrd.files (owner, tags, title, series_id)
  select owner, array['series:' || slug], title, id from alfrd.series where id = v_new
      on conflict (owner, tags) do nothing;
  perform alfrd.move_documents(p_documents, v_new);
  return alfrd.note_series_change('split', p_series, v_new, p_documents, alfrd.whole_series(v_series),
                                  format('%s documents were split off %s', cardinality(p_documents), v_series.slug));
end $$;

-- alfrd.undo_series_change: as it was before; documents that a person has moved elsewhere since stay there.
create or replace function alfrd.undo_series_change(p_change bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change alfrd.series_changes;
  v_series alfrd.series;
begin
  perform alfrd.refuse_tenants('undo_series_change');
  select * into v_change from alfrd.series_changes where id = p_change for update;
  if not found or v_change.undone_at is not null then
    raise exception 'no change % of a series that is not undone already', p_change using errcode = 'AL004';
  end if;
  if v_change.kind = 'split' and v_change.before ? 'series' and not exists (select from alfrd.series where id = v_change.series_id) then
    perform alfrd.bring_series_back(v_change.before);   -- all of it was split off, and it has gone away
  end if;
  perform alfrd.lock_series(v_change.series_id);
  v_series := jsonb_populate_record(null::alfrd.series, v_change.before -> 'series');
  case v_change.kind
    when 'merge' then
      delete from alfrd.series_aliases where series_id = v_change.series_id
         and (entity_key, kind, account) = (v_series.entity_key, v_series.kind, v_series.account);
      update alfrd.series set account = v_change.before ->> 'into_account' where id = v_change.series_id;
      perform alfrd.bring_series_back(v_change.before);
      perform alfrd.move_documents(array(select id from alfrd.documents
        where id = any (v_change.document_ids) and series_id = v_change.series_id), v_series.id);
    when 'rename' then
      update alfrd.series set entity = v_series.entity, title = v_series.title where id = v_series.id;
      update alfrd.files set title = v_series.title where series_id = v_series.id;
      delete from alfrd.series_aliases where series_id = v_series.id and kind = v_series.kind and account = ''
         and entity_key = v_change.before ->> 'alias';
    when 'split' then
      perform alfrd.move_documents(array(select id from alfrd.documents
        where id = any (v_change.document_ids) and series_id = v_change.other_id), v_change.series_id);
      -- If others were filed into it meanwhile, it stays.
      delete from alfrd.files where series_id = v_change.other_id
         and not exists (select from alfrd.documents where series_id = v_change.other_id);
      delete from alfrd.series where id = v_change.other_id
         and not exists (select from alfrd.documents where series_id = v_change.other_id);
  end case;
  update alfrd.series_changes set undone_at = alfrd.now() where id = p_change;
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  values ('series', v_change.series_id, 'undone', format('%s (by %s; change %s)', v_change.kind, alfrd.person(), p_change));
end $$;
