-- What each exchange looks up of limits and pauses, in one row; and counters of what workers keep in memory.
--
-- alfrd.current_route_cache  the row; crash recovery empties its unlogged table, and then it is made anew
-- alfrd.reference_version    counts the changes of prompts and document types
-- alfrd.series_versions      counts the changes of each owner's series
--
-- A reader that reads the number first and then what it counts has what the number says, or something newer.

create or replace function alfrd.refresh_route_cache() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_is_new boolean;
begin
  insert into alfrd.route_cache default values on conflict do nothing returning true into v_is_new;
  perform from alfrd.route_cache for update;   -- and what was committed while waiting for it is seen by the next statement
  update alfrd.route_cache set
    paused = array(select step from alfrd.pauses order by step),
    limited = array(select step from alfrd.limits where step <> '' order by step);
  if v_is_new then
    -- Not by the clock alone: the server's may be behind that of the one that it follows.
    update alfrd.route_cache set crashed_at = greatest(crashed_at, (select max(greatest(created_at, claimed_at)) from alfrd.tasks)
                                                                   + interval '1 microsecond');
  end if;
end $$;

create or replace function alfrd.current_route_cache() returns alfrd.route_cache
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_cache alfrd.route_cache;
begin
  loop
    select * into v_cache from alfrd.route_cache;
    exit when found;
    perform alfrd.refresh_route_cache();
  end loop;
  return v_cache;
end $$;

create or replace function alfrd.route_cache_outdated() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.refresh_route_cache();
  return null;
end $$;

create or replace function alfrd.count_reference_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.reference_version set number = number + 1;
  return null;
end $$;

-- At once, and not at the end of its transaction: there, other locks are held that another transaction may have in another order.
create or replace function alfrd.count_series_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.series_versions as v (owner, number)
  select distinct owner, 1 from (values (old.owner), (new.owner)) as changed(owner) where owner is not null order by owner
      on conflict (owner) do update set number = v.number + 1 where v.xmin <> pg_current_xact_id()::xid;   -- once in a transaction
  return null;
end $$;

create or replace trigger prompts_counted after insert or update or delete or truncate on alfrd.prompts
  for each statement execute function alfrd.count_reference_change();
create or replace trigger document_types_counted after insert or update or delete or truncate on alfrd.document_types
  for each statement execute function alfrd.count_reference_change();
create or replace trigger series_counted after insert or update or delete on alfrd.series
  for each row execute function alfrd.count_series_change();
-- Not at each update: the limits of providers are written at each call.
create or replace trigger limits_cached after insert or update of step, max_running or delete or truncate on alfrd.limits
  for each statement execute function alfrd.route_cache_outdated();
create or replace trigger pauses_cached after insert or update or delete or truncate on alfrd.pauses
  for each statement execute function alfrd.route_cache_outdated();
