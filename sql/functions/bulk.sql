-- What people do to many documents at once, and the names of filters.
--
-- alfrd.tag_documents      gives them all a tag, or takes it from them
-- alfrd.undo_bulk_change   takes that back, from those alone that it changed
-- alfrd.retry_documents    tries again what has failed, each from where it failed
-- alfrd.delete_documents   removes them with all that hangs on them
-- alfrd.save_view, alfrd.forget_view   a filter of the list of documents under a name
--
-- They work as the owner, so each refuses applications under row level security (AL008).
-- Locks: documents by id, then what the triggers of alfrd.documents lock.

-- Returns: how many documents it changed. Those that have the tag already, or whose type it is, are left.
-- Errors:  AL005 no tag, or one that follows from a series
create or replace function alfrd.tag_documents(p_documents uuid[], p_tag text, p_remove boolean default false) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_tag     text := (alfrd.normal_tags(array[p_tag]))[1];
  v_changed uuid[];
begin
  perform alfrd.refuse_tenants('tag_documents');
  if v_tag is null or v_tag = '' or starts_with(v_tag, 'series:') or octet_length(v_tag) > 2000 then
    raise exception 'tag % is given to no documents', coalesce(quote_literal(left(p_tag, 100)), 'null') using errcode = 'AL005',
      hint = 'give one of 2000 bytes at most that does not begin with series:, which follows from the series of a document';
  end if;
  perform from alfrd.documents where id = any (p_documents) order by id for no key update;
  with changed as (
    update alfrd.documents
       set tags = case when p_remove then array_remove(tags, v_tag) else alfrd.normal_tags(tags || v_tag) end
     where id = any (p_documents)
       and (case when p_remove then tags @> array[v_tag] and document_type <> v_tag else not tags @> array[v_tag] end)
    returning id)
  select array_agg(id) into v_changed from changed;
  if v_changed is not null then
    insert into alfrd.bulk_changes (tag, is_removal, document_ids, made_by)
    values (v_tag, p_remove, v_changed, alfrd.person());
  end if;
  return coalesce(cardinality(v_changed), 0);
end $$;

-- Returns: how many documents it changed back; those that people have changed since are left.
-- Errors:  AL004 no such change, or it was taken back
create or replace function alfrd.undo_bulk_change(p_change bigint) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change alfrd.bulk_changes;
  v_number integer;
begin
  perform alfrd.refuse_tenants('undo_bulk_change');
  update alfrd.bulk_changes set undone_at = alfrd.now() where id = p_change and undone_at is null returning * into v_change;
  if not found then
    raise exception 'no change % of many documents', p_change using errcode = 'AL004';
  end if;
  perform from alfrd.documents where id = any (v_change.document_ids) order by id for no key update;
  update alfrd.documents
     set tags = case when v_change.is_removal then alfrd.normal_tags(tags || v_change.tag) else array_remove(tags, v_change.tag) end
   where id = any (v_change.document_ids)
     and (case when v_change.is_removal then not tags @> array[v_change.tag]
               else tags @> array[v_change.tag] and document_type <> v_change.tag end);
  get diagnostics v_number = row_count;
  return v_number;
end $$;

-- Returns: how many are tried again. What has not failed is left; what failed at no step that there is begins anew.
create or replace function alfrd.retry_documents(p_documents uuid[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_failed uuid[];
begin
  perform alfrd.refuse_tenants('retry_documents');
  v_failed := array(select id from alfrd.documents where id = any (p_documents) and status = 'failed' order by id for no key update);
  delete from alfrd.tasks t using alfrd.documents d
   where d.id = any (v_failed) and t.subject_id = d.id and t.step = d.failed_step and t.state = 'dead';
  -- Back to the status at which it failed; the triggers do the rest.
  update alfrd.documents d
     set status = coalesce((select r.status from alfrd.routes r
                             where r.subject_type = 'document' and r.step = d.failed_step and r.next_status <> '' limit 1), 'pending'),
         error = '', failed_step = '', updated_at = alfrd.now()
   where d.id = any (v_failed);
  return cardinality(v_failed);
end $$;

-- Returns: how many it removed. Those that are gone already are no error.
create or replace function alfrd.delete_documents(p_documents uuid[]) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_number integer;
begin
  perform alfrd.refuse_tenants('delete_documents');
  perform from alfrd.documents where id = any (p_documents) order by id for update;
  delete from alfrd.documents where id = any (p_documents);
  get diagnostics v_number = row_count;
  return v_number;
end $$;

-- Errors: AL005 no name, too long a name or filter, or more than a hundred of them
create or replace function alfrd.save_view(p_name text, p_query text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_name text := btrim(p_name);
begin
  perform alfrd.refuse_tenants('save_view');
  if coalesce(v_name, '') = '' or length(v_name) > 80 or p_query is null or octet_length(p_query) > 4000 then
    raise exception 'a view needs a name of 80 characters at most, and a filter of 4000 bytes at most' using errcode = 'AL005';
  elsif (select count(*) from alfrd.console_views where name <> v_name) >= 100 then
    raise exception 'there are a hundred views' using errcode = 'AL005', hint = 'forget one first';
  end if;
  insert into alfrd.console_views (name, query, made_by) values (v_name, p_query, alfrd.person())
      on conflict (name) do update set query = excluded.query, made_by = excluded.made_by, made_at = excluded.made_at;
end $$;

-- Errors: AL004 no such view
create or replace function alfrd.forget_view(p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.refuse_tenants('forget_view');
  delete from alfrd.console_views where name = p_name;
  if not found then
    raise exception 'no view %', coalesce(quote_literal(p_name), 'null') using errcode = 'AL004';
  end if;
end $$;
