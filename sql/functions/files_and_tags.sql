-- What people do to files and tags.
--
-- alfrd.normal_tags    tags as they are compared; what is below a tag carries it, too
-- alfrd.plain_tags     the same without those above
-- alfrd.create_file    a file for the documents that carry all of some tags
-- alfrd.rename_tag     another name for a tag, and for those below it: taxes/2025 is below taxes
-- alfrd.merge_tags     what carries one tag carries another one instead
--
-- Tags of types and series follow from what a document is: they are changed there.
-- Documents change in one statement, so each file that they are in is outdated once, and summarised once after the burst.
--
-- Rights: create_file has those of who calls it. The others change documents of all owners, or of the one that is named, so they refuse
--         applications where row level security is on.
-- Locks:  documents by id, then files by id.

-- Tags compare equal as people mean them: lower case, trimmed, without repeats, in one order.
create or replace function alfrd.plain_tags(p_tags text[]) returns text[]
  language sql immutable parallel safe
  return coalesce((select array_agg(distinct lower(btrim(tag)) order by lower(btrim(tag)))
                     from unnest(p_tags) as tag where btrim(tag) <> ''), '{}');

-- With taxes/2025 comes taxes, so that files, lists and searches of taxes hold it. A tag with an empty step, such as an address of the web,
-- is below nothing.
create or replace function alfrd.normal_tags(tags text[]) returns text[]
  language sql immutable parallel safe
  return case
    when strpos(array_to_string(tags, ' '), '/') = 0 then alfrd.plain_tags(tags)
    else alfrd.plain_tags(tags || array(
      select array_to_string(steps[1 : depth], '/')
        from unnest(tags) as given
       cross join lateral (select string_to_array(btrim(given), '/') as steps) as path
       cross join lateral generate_series(1, cardinality(steps) - 1) as depth
       where '' <> all (steps)))
  end;

-- Errors: AL005 no tags, or a file of these tags that is there already
create or replace function alfrd.create_file(p_title text, p_tags text[], p_owner text default '') returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_tags text[] := alfrd.plain_tags(coalesce(p_tags, '{}'));
  v_id   uuid;
begin
  if v_tags = '{}' then
    raise exception 'a file needs a tag' using errcode = 'AL005', hint = 'it holds the documents that carry all of its tags';
  end if;
  insert into alfrd.files (id, owner, tags, title)
  values (gen_random_uuid(), coalesce(p_owner, ''), v_tags, btrim(coalesce(p_title, '')))
      on conflict do nothing
  returning id into v_id;
  if not found then
    raise exception 'there is a file of the tags % already', array_to_string(v_tags, ', ')
      using errcode = 'AL005', hint = 'alfrd-events files lists them';
  end if;
  return v_id;
end $$;

-- A tag as it reads when p_from, or what it is below, has another name.
create or replace function alfrd.renamed_tag(p_tag text, p_from text, p_to text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_tag = p_from or starts_with(p_tag, p_from || '/') then p_to || substr(p_tag, char_length(p_from) + 1) else p_tag end;
$$;

create or replace function alfrd.usable_tag(p_tag text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_tag text := lower(btrim(coalesce(p_tag, '')));
begin
  if v_tag = '' or octet_length(v_tag) > 2000 or v_tag ~ '^/|//|/$' then
    raise exception '% is no tag', quote_literal(left(v_tag, 100))
      using errcode = 'AL005', hint = 'such as taxes, or taxes/2025 below it';
  elsif starts_with(v_tag, 'series:') or exists (select from alfrd.document_types where name = v_tag) then
    raise exception 'tag % follows from the % of a document', quote_literal(v_tag), case when starts_with(v_tag, 'series:') then 'series' else 'type' end
      using errcode = 'AL005', hint = 'correct that instead, or merge the series';
  end if;
  return v_tag;
end $$;

-- Returns: how many documents have changed
create or replace function alfrd.move_tag(p_from text, p_to text, p_owner text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_documents uuid[];
  v_file      record;
  v_tags      text[];
  v_kept      uuid;
begin
  v_documents := array(
    select d.id from alfrd.documents d
     where d.id in (select document_id from alfrd.tags where tag = p_from or starts_with(tag, p_from || '/'))
       and (p_owner is null or d.owner = p_owner)
     order by d.id for no key update);
  update alfrd.documents
     set tags = alfrd.normal_tags(array(select alfrd.renamed_tag(tag, p_from, p_to) from unnest(tags) as tag))
   where id = any (v_documents);
  for v_file in
    select id, owner, tags from alfrd.files f
     where exists (select from unnest(f.tags) as tag where tag = p_from or starts_with(tag, p_from || '/'))
       and (p_owner is null or f.owner = p_owner)
     order by id for update
  loop
    v_tags := alfrd.plain_tags(array(select alfrd.renamed_tag(tag, p_from, p_to) from unnest(v_file.tags) as tag));
    select id into v_kept from alfrd.files where owner = v_file.owner and tags = v_tags and id <> v_file.id;
    if found then
      -- Two files of the same tags hold the same documents: the one that was there stays.
      delete from alfrd.files where id = v_file.id;
      insert into alfrd.events (subject_type, subject_id, kind, detail)
      values ('file', v_kept, 'merged', format('%s holds the same, and went away (by %s)', array_to_string(v_file.tags, ', '), alfrd.person()));
    else
      update alfrd.files set tags = v_tags where id = v_file.id;
    end if;
  end loop;
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  select 'document', id, 'retagged', format('%s -> %s by %s', p_from, p_to, alfrd.person()) from unnest(v_documents) as id;
  return cardinality(v_documents);
end $$;

-- p_owner: only those of this owner; null: of all
-- Returns: how many documents have changed
-- Errors: AL004 nothing carries it; AL005 the new name is taken, or one of them follows from a type or series
create or replace function alfrd.rename_tag(p_tag text, p_name text, p_owner text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_from text := alfrd.usable_tag(p_tag);
  v_to   text := alfrd.usable_tag(p_name);
begin
  perform alfrd.refuse_tenants('rename_tag');
  perform alfrd.refuse_unless_used(v_from, p_owner);
  if v_to = v_from or starts_with(v_to, v_from || '/') then
    raise exception 'tag % cannot go below itself', quote_literal(v_from) using errcode = 'AL005', hint = 'name another place';
  end if;
  if exists (select from alfrd.tags t join alfrd.documents d on d.id = t.document_id
              where (t.tag = v_to or starts_with(t.tag, v_to || '/')) and (p_owner is null or d.owner = p_owner)) then
    raise exception 'there is a tag % already', quote_literal(v_to)
      using errcode = 'AL005', hint = format('alfrd-events tags merge %s %s', v_to, v_from);
  end if;
  return alfrd.move_tag(v_from, v_to, p_owner);
end $$;

create or replace function alfrd.merge_tags(p_into text, p_from text, p_owner text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_into text := alfrd.usable_tag(p_into);
  v_from text := alfrd.usable_tag(p_from);
begin
  perform alfrd.refuse_tenants('merge_tags');
  perform alfrd.refuse_unless_used(v_from, p_owner);
  if v_into = v_from or starts_with(v_into, v_from || '/') then
    raise exception 'tag % cannot be merged with itself', quote_literal(v_from) using errcode = 'AL005', hint = 'name another one';
  end if;
  return alfrd.move_tag(v_from, v_into, p_owner);
end $$;

create or replace function alfrd.refuse_unless_used(p_tag text, p_owner text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from alfrd.tags t join alfrd.documents d on d.id = t.document_id
                  where (t.tag = p_tag or starts_with(t.tag, p_tag || '/')) and (p_owner is null or d.owner = p_owner))
     and not exists (select from alfrd.files f cross join unnest(f.tags) as tag
                      where (tag = p_tag or starts_with(tag, p_tag || '/')) and (p_owner is null or f.owner = p_owner)) then
    raise exception 'no document or file carries %', quote_literal(p_tag) using errcode = 'AL004', hint = 'alfrd-events tags lists them';
  end if;
end $$;
