-- The triggers of alfrd.files, and how a change of a document reaches the files that it is in.
--
-- A revision counter and not a flag: a change that comes while the file is being summarised raises the
-- revision past the one that the summary was made from, so the summary is written and known to be old.

-- Inside an exchange the files wait for its end: they are shared by many documents, so that workers would wait for each
-- other, and they have to be locked together with those that the exchange has summarised, in one order.
create or replace function alfrd.touch_files_of(p_tags text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if alfrd.engine_setting('alfrd.bell') = 'held' then
    perform set_config('alfrd.touched', (coalesce(nullif(current_setting('alfrd.touched', true), ''), '{}')::text[] || p_tags)::text, true);
  else
    perform alfrd.touch_files(p_tags);
  end if;
end $$;

-- p_also: further files that are about to be written, and are locked with them.
create or replace function alfrd.touch_files(p_tags text[], p_also uuid[] default '{}') returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- Any file that one of the tags could concern: its first tag is among them. A bump too many costs one
  -- summary; one too few would leave a file wrong.
  perform from alfrd.files where tags[1] = any (p_tags) and tags <@ p_tags or id = any (p_also) order by id for update;
  update alfrd.files
     set revision = revision + 1,
         status = case when status in ('generated', 'failed') then 'outdated' else status end,
         updated_at = alfrd.now()
   where tags[1] = any (p_tags) and tags <@ p_tags;
end $$;

create or replace function alfrd.normalize_file() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.tags := alfrd.normal_tags(new.tags);
  if tg_op = 'UPDATE' then
    new.revision := greatest(new.revision, old.revision + 1);
    if new.status = 'generated' then
      new.status := 'outdated';
    end if;
  end if;
  return new;
end $$;

create or replace function alfrd.files_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_ids      uuid[];
  v_statuses text[];
begin
  select array_agg(id), array_agg(status) into v_ids, v_statuses from new_rows;
  if v_ids is not null then
    perform alfrd.enqueue('file', v_ids, v_statuses, array_fill(1, array[cardinality(v_ids)]),
                          array_fill(0::smallint, array[cardinality(v_ids)]));
    perform alfrd.announce('file', v_ids, v_statuses);
  end if;
  return null;
end $$;

create or replace function alfrd.files_updated() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_row      record;
  v_ids      uuid[];
  v_statuses text[];
begin
  for v_row in
    select n.id, o.status as from_status, n.status as to_status
      from new_rows n join old_rows o using (id)
      left join alfrd.transitions t on t.entity = 'file' and t.from_status = o.status and t.to_status = n.status
     where n.status <> o.status and t.entity is null
     limit 1
  loop
    perform alfrd.refuse_transition('file', v_row.id, v_row.from_status, v_row.to_status);
  end loop;
  select array_agg(n.id), array_agg(n.status) into v_ids, v_statuses
    from new_rows n join old_rows o using (id) where n.status <> o.status;
  if v_ids is not null then
    perform alfrd.enqueue('file', v_ids, v_statuses, array_fill(1, array[cardinality(v_ids)]),
                          array_fill(0::smallint, array[cardinality(v_ids)]));
    perform alfrd.announce('file', v_ids, v_statuses);
  end if;
  return null;
end $$;

create or replace function alfrd.files_deleted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- One that is being claimed now is passed by: its worker may be waiting for this file.
  delete from alfrd.tasks
   where id in (select t.id from alfrd.tasks t where t.subject_id in (select id from old_rows) and t.state <> 'running'
                   for update skip locked);
  return null;
end $$;

create or replace trigger files_normalize before insert on alfrd.files
  for each row execute function alfrd.normalize_file();
create or replace trigger files_retag before update of tags on alfrd.files
  for each row when (alfrd.engine_setting('alfrd.actor') is distinct from 'worker')
  execute function alfrd.normalize_file();
create or replace trigger files_inserted after insert on alfrd.files
  referencing new table as new_rows for each statement execute function alfrd.files_inserted();
create or replace trigger files_updated after update on alfrd.files
  referencing old table as old_rows new table as new_rows
  for each statement execute function alfrd.files_updated();
create or replace trigger files_deleted after delete on alfrd.files
  referencing old table as old_rows for each statement execute function alfrd.files_deleted();
