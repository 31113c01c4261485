-- Caps: the most that may be spent on a document, on a day, for a purpose.
--
-- alfrd.set_aside    money for many calls at once, if all of them fit
-- alfrd.within_caps  money for as many of them as fit; the tasks of the others are noted in alfrd.held
-- alfrd.release_held_calls   lets the tasks in alfrd.held go on as far as there is room by now
--
-- Called: by alfrd.reserve_calls; the last one by every worker, as it starts and now and then.
-- Locks:  alfrd.spending by scope. Compared and raised under the lock, a cap is not exceeded for a moment.

-- Set aside the money for all of them in one statement, as nearly always fits. False: it does not, and nothing was set aside.
create or replace function alfrd.set_aside(p_wanted alfrd.wanted_call[], p_now timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_caps   jsonb;
  v_scopes bigint;
  v_fit    bigint;
begin
  -- What costs nothing is not counted, so that no two workers wait for each other over nothing.
  select count(distinct scope), coalesce(jsonb_object_agg(scope, cap) filter (where cap is not null), '{}')
    into v_scopes, v_caps
    from (select s.scope, min(s.cap) as cap
            from unnest(p_wanted) as w cross join unnest(w.scopes, w.caps) as s(scope, cap)
           where w.usd > 0 group by 1) as s;
  insert into alfrd.spending as s (scope, usd, touched_at)
  select scope, usd, p_now
    from (select scope, sum(w.usd) as usd from unnest(p_wanted) as w cross join unnest(w.scopes) as scope
           where w.usd > 0 group by 1) as wanted
   where usd <= coalesce((v_caps ->> scope)::numeric, 'infinity')
   order by scope
      on conflict (scope) do update set usd = s.usd + excluded.usd, touched_at = p_now
   where s.usd + excluded.usd <= coalesce((v_caps ->> s.scope)::numeric, 'infinity');
  get diagnostics v_fit = row_count;
  if v_fit < v_scopes then
    raise exception 'it does not fit' using errcode = 'AL010';   -- which takes back what was set aside
  end if;
  return true;
exception
  when sqlstate 'AL010' then
    return false;
end $$;

-- Set aside the money for as many calls as fit under their caps, in order. Of the others it is written why they are held.
create or replace function alfrd.within_caps(
  p_wanted alfrd.wanted_call[], p_now timestamptz, out accepted alfrd.wanted_call[], out held jsonb
) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_spent jsonb;
  v_call  alfrd.wanted_call;
  v_scope text;
  v_cap   numeric;
  v_full  text;
  v_until double precision := extract(epoch from date_trunc('day', p_now at time zone 'UTC') + interval '1 day'
                                                 - p_now at time zone 'UTC');
begin
  accepted := p_wanted;
  held := '{}';
  if not exists (select from unnest(p_wanted) as w cross join unnest(w.caps) as cap where w.prices is null and cap is not null)
     and alfrd.set_aside(p_wanted, p_now) then
    return;
  end if;
  accepted := '{}';
  insert into alfrd.spending (scope, touched_at)
  select distinct scope, p_now from unnest(p_wanted) as w cross join unnest(w.scopes) as scope where w.usd > 0 order by 1
      on conflict do nothing;
  select coalesce(jsonb_object_agg(scope, usd), '{}') into v_spent
    from (select s.scope, s.usd from alfrd.spending s
           where s.scope in (select scope from unnest(p_wanted) as w cross join unnest(w.scopes) as scope where w.usd > 0)
           order by s.scope for update) as locked;

  foreach v_call in array p_wanted loop
    v_full := null;
    for v_scope, v_cap in select * from unnest(v_call.scopes, v_call.caps) loop
      if v_cap is not null and (v_call.prices is null
                                or v_call.usd > 0 and (v_spent ->> v_scope)::numeric + v_call.usd > v_cap) then
        v_full := v_scope;
        exit;
      end if;
    end loop;
    if v_full is null then
      accepted := accepted || v_call;
      if v_call.usd > 0 then
        v_spent := v_spent || (select jsonb_object_agg(scope, (v_spent ->> scope)::numeric + v_call.usd)
                                 from unnest(v_call.scopes) as scope);
      end if;
    else
      held := held || jsonb_build_object(v_call.place, jsonb_build_object(
        'held', case when v_call.prices is null
          then format('%s %s %s has no price, and no cap can be kept without one: insert a row into alfrd.prices',
                      v_call.provider, v_call.operation, v_call.model)
          else format('over the cap for %s: %s of %s USD are spent or set aside, and this call may cost up to %s',
                      replace(v_full, ':', ' '), (v_spent ->> v_full)::numeric, v_cap::numeric(14, 6), v_call.usd) end,
        'retry_after', case when v_full like '%:____-__-__' and v_call.prices is not null
                            then v_until + random() * 60 else 86400 end));
      if v_call.task_id is not null then
        insert into alfrd.held as h (task_id, attempt, scope, needs_usd, cap_usd, since)
        values (v_call.task_id, v_call.attempt,
                case when v_call.prices is null
                     then concat_ws(E'\t', 'price', v_call.provider, v_call.operation, v_call.model) else v_full end,
                v_call.usd, v_cap, p_now)
            on conflict (task_id) do update
           set attempt = excluded.attempt, scope = excluded.scope, needs_usd = excluded.needs_usd,
               cap_usd = excluded.cap_usd, since = case when h.scope = excluded.scope then h.since else excluded.since end;
      end if;
    end if;
  end loop;

  update alfrd.spending s set usd = s.usd + added.usd, touched_at = p_now
    from (select scope, sum(a.usd) as usd from unnest(accepted) as a cross join unnest(a.scopes) as scope
           where a.usd > 0 group by 1) as added
   where s.scope = added.scope;
end $$;

-- p_caps: {document, day}: the caps that hold now, each null for none.
-- Effect: tasks that are held go on as far as there is room under the cap that held them; lost calls and replies that are
--         older than p_keep are forgotten.
-- Returns: how many tasks go on.
create or replace function alfrd.release_held_calls(p_caps jsonb, p_keep interval) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_now   timestamptz := alfrd.now();
  v_freed bigint[];
  v_steps text[];
  v_count integer;
begin
  perform alfrd.forget_lost_calls();
  delete from alfrd.reply_cache where at < v_now - p_keep;
  delete from alfrd.held h where not exists (
    select from alfrd.tasks t where t.id = h.task_id and t.attempt = h.attempt and t.state in ('running', 'scheduled'));

  with room as (
    select h.task_id,
           -- The cap that holds now for a document and the day; that of a purpose as the call gave it.
           case when p_caps ? split_part(h.scope, ':', 1) then (p_caps ->> split_part(h.scope, ':', 1))::numeric
                else h.cap_usd end as cap,
           coalesce(s.usd, 0) + sum(h.needs_usd) over (partition by h.scope order by t.priority desc, t.id) as would_be,
           case when h.scope like E'price\t%'
                then alfrd.price_of(split_part(h.scope, E'\t', 2), split_part(h.scope, E'\t', 3),
                                    split_part(h.scope, E'\t', 4), v_now) is not null
                     or (select bool_and(cap = 'null') from jsonb_each(p_caps) as c(name, cap)) end as priced
      from alfrd.held h
      join alfrd.tasks t on t.id = h.task_id and t.attempt = h.attempt and t.state = 'scheduled' and t.run_at > v_now
      left join alfrd.spending s on s.scope = h.scope),
  freed as (
    update alfrd.tasks set run_at = v_now
     where id in (select t.id from alfrd.tasks t
                   where t.id in (select task_id from room
                                   where coalesce(priced, cap is null or would_be <= cap))
                     and t.state = 'scheduled'
                   order by t.id for update skip locked)
    returning id, step)
  select array_agg(id), array_agg(distinct step), count(*) into v_freed, v_steps, v_count from freed;
  if v_freed is not null then
    delete from alfrd.held where task_id = any (v_freed);
    perform alfrd.notify(v_steps);   -- the exchange of the worker that wakes makes them ready
  end if;
  return v_count;
end $$;
