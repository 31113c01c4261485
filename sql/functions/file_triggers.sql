-- The triggers of alfrd.files, and how a change of a document reaches the files that it is in.
--
-- A revision counter and not a flag: a change that comes while the file is being summarised raises the
-- revision past the one that the summary was made from, so the summary is written and known to be old.

-- Any file that one of the tags could concern: its first tag is among them. A bump too many costs one summary; one too few would leave
-- a file wrong. Returns the changes of status, for the engine, whose update no trigger goes on from.
--
-- p_also: further files that are about to be written, and are locked with them.
create or replace function alfrd.touch_files(p_tags text[], p_also uuid[]) returns alfrd.change[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_touched uuid[];
  v_changes alfrd.change[];
begin
  select array_agg(id) filter (where is_touched),
         array_agg(row('file', id, status, 'outdated', 1, 0)::alfrd.change) filter (where is_touched and status in ('generated', 'failed'))
    into v_touched, v_changes
    from (select id, status, tags[1] = any (p_tags) and tags <@ p_tags as is_touched from alfrd.files
           where tags[1] = any (p_tags) and tags <@ p_tags or id = any (p_also) order by id for update) as locked;
  if v_touched is not null then
    update alfrd.files
       set revision = revision + 1, status = case when status in ('generated', 'failed') then 'outdated' else status end,
           updated_at = alfrd.now()
     where id = any (v_touched);
  end if;
  return v_changes;
end $$;

create or replace function alfrd.normalize_file() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.tags := alfrd.plain_tags(new.tags);   -- its members carry those above, too
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
  v_state alfrd.exchange_state;
begin
  select array_agg(row('file', id, '', status, 1, 0)::alfrd.change) into v_state.changes from new_rows;
  v_state := alfrd.advance(v_state);
  perform alfrd.notify(v_state.notify);
  return null;
end $$;

create or replace function alfrd.files_updated() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_state alfrd.exchange_state;
begin
  select array_agg(row('file', n.id, o.status, n.status, 1, 0)::alfrd.change) into v_state.changes
    from new_rows n join old_rows o using (id) where n.status <> o.status;
  perform alfrd.refuse_illegal(v_state.changes);
  v_state := alfrd.advance(v_state);
  perform alfrd.notify(v_state.notify);
  return null;
end $$;

create or replace function alfrd.files_deleted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- One that is being claimed now is passed by: its worker may be waiting for this file.
  delete from alfrd.tasks
   where id in (select t.id from alfrd.tasks t where t.subject_id in (select id from old_rows) and t.state <> 'running'
                   for update skip locked);
  delete from alfrd.step_results where subject_type = 'file' and subject_id in (select id from old_rows);
  return null;
end $$;

create or replace trigger files_normalize before insert on alfrd.files
  for each row execute function alfrd.normalize_file();
create or replace trigger files_retag before update of tags on alfrd.files
  for each row when (not alfrd.acts_as_engine())
  execute function alfrd.normalize_file();
create or replace trigger files_inserted after insert on alfrd.files
  referencing new table as new_rows for each statement execute function alfrd.files_inserted();
create or replace trigger files_updated after update on alfrd.files
  referencing old table as old_rows new table as new_rows
  for each statement when (not alfrd.acts_as_engine()) execute function alfrd.files_updated();
create or replace trigger files_deleted after delete on alfrd.files
  referencing old table as old_rows for each statement execute function alfrd.files_deleted();
