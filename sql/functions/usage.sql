-- Calls to providers: what they may cost, what they did cost, and the replies that were paid for.
--
-- alfrd.recall_replies     answers from alfrd.reply_cache, but not those that a step died of
-- alfrd.reserve_calls      before a call: room under the provider's limit, room under the caps, the most that it may cost
-- alfrd.settle_calls       after it: what it did cost, and its reply, in one transaction
-- alfrd.forget_lost_calls  calls of tasks that run no more: they are never settled, what was reserved stays spent
-- alfrd.usage_by           what they cost, in groups
--
-- Called: by workers, many calls at a time (db/ledger.py).
-- Locks:  alfrd.limits by provider, alfrd.usage by id, alfrd.spending by scope; always in that order.
-- Money:  a micro-dollar is the smallest unit. Reserving rounds up, settling rounds to the nearest.

-- {input, output, cache read, cache write: USD per million tokens; page: USD}. Null: no price is known.
create or replace function alfrd.price_of(p_provider text, p_operation text, p_model text, p_at timestamptz)
returns numeric[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array[input, output, coalesce(cache_read, input), coalesce(cache_write, input), page]
    from alfrd.prices
   where provider = p_provider and operation in ('', p_operation) and valid_from <= p_at
     and p_model like replace(replace(replace(replace(model, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')
   order by position('*' in model) = 0 desc, length(model) desc, operation = '', valid_from desc
   limit 1;
$$;

create or replace function alfrd.cost(
  p_prices numeric[], p_input bigint, p_output bigint, p_cache_read bigint, p_cache_write bigint, p_pages bigint
) returns numeric
language sql immutable parallel safe
return (p_input * p_prices[1] + p_output * p_prices[2] + p_cache_read * p_prices[3] + p_cache_write * p_prices[4]) / 1000000
     + p_pages * p_prices[5];

-- Refuse what is no array of objects in words of ours, and not in those of the function that would trip over it.
create or replace function alfrd.refuse_no_list(p_function text, p_list jsonb) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if (case when jsonb_typeof(p_list) is distinct from 'array' then true
           else exists (select from jsonb_array_elements(p_list) as each where jsonb_typeof(each) <> 'object') end) then
    raise exception '% takes a JSON array of objects', p_function using errcode = 'AL005', hint = 'db/ledger.py sends them';
  end if;
end $$;

-- A step that ended dead may owe it to a reply: the database refused what was made of it, or nothing could be made. Whoever
-- replays it wants another answer, so what is older than that end is forgotten and asked for again.
create or replace function alfrd.recall_replies(p_calls jsonb, p_keep interval) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_found jsonb;
begin
  perform alfrd.refuse_no_list('alfrd.recall_replies', p_calls);
  with wanted as materialized (
    select * from jsonb_to_recordset(p_calls)
      as c(place integer, worker_id bigint, task_id bigint, attempt integer, document_id uuid, step text, provider text,
           operation text, model text, purpose text, key text)),
  spoilt as materialized (
    select distinct w.key, w.provider, w.operation, w.model
      from wanted w join alfrd.reply_cache r using (key, provider, operation, model)
     where exists (select from alfrd.events e where e.subject_id = w.document_id and e.kind = 'dead' and e.step = w.step
                      and e.at >= r.at)),
  forgotten as (
    delete from alfrd.reply_cache r using spoilt s
     where (r.key, r.provider, r.operation, r.model) = (s.key, s.provider, s.operation, s.model)),
  known as (
    select r.* from alfrd.reply_cache r
     where (r.key, r.provider, r.operation, r.model) in (select key, provider, operation, model from wanted)
       and (r.key, r.provider, r.operation, r.model) not in (select key, provider, operation, model from spoilt)
       and r.at > alfrd.now() - p_keep
     order by r.key, r.provider, r.operation, r.model for update),
  counted as (
    update alfrd.reply_cache r set hits = r.hits + n.hits
      from (select key, provider, operation, model, count(*) as hits
              from known join wanted using (key, provider, operation, model) group by 1, 2, 3, 4) as n
     where (r.key, r.provider, r.operation, r.model) = (n.key, n.provider, n.operation, n.model)),
  written as (
    insert into alfrd.usage (document_id, worker_id, step, task_id, attempt, provider, operation, model, purpose, cached,
                             outcome)
    select w.document_id, w.worker_id, w.step, w.task_id, w.attempt, provider, operation, model, w.purpose, true, 'ok'
      from wanted w join known using (key, provider, operation, model))
  select jsonb_object_agg(w.place, known.reply) into v_found
    from wanted w join known using (key, provider, operation, model);
  return coalesce(v_found, '{}');
end $$;

-- How many of the calls that want to go to a provider may go now; after that, how long to wait.
create or replace function alfrd.room_at(p_limit alfrd.limits, p_wanted integer, out room integer, out wait double precision)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  c_burst constant interval := '0.25 seconds';   -- so much of a second's calls may go at once
  v_now   timestamptz := alfrd.clock();          -- by now: the row was waited for
  v_pace  interval;
  v_next  timestamptz;
begin
  room := p_wanted;
  if p_limit.max_running is not null then
    room := p_limit.max_running - (select count(*) from alfrd.usage
                                    where provider = p_limit.provider and outcome = 'reserved')::integer;
    if room < p_wanted and alfrd.forget_lost_calls(p_limit.provider) > 0 then
      room := p_limit.max_running - (select count(*) from alfrd.usage
                                      where provider = p_limit.provider and outcome = 'reserved')::integer;
    end if;
    room := greatest(room, 0);
  end if;
  wait := 0.25;   -- for one of those under way to end
  if p_limit.rate is not null then
    v_pace := make_interval(secs => 1 / p_limit.rate::double precision);
    v_next := greatest(p_limit.next_at, v_now);
    room := least(room, greatest(
      floor(extract(epoch from v_now + c_burst - v_next) / extract(epoch from v_pace))::integer + 1, 0), p_wanted);
    v_next := v_next + room * v_pace;
    update alfrd.limits set next_at = v_next where provider = p_limit.provider and step = '';
    wait := greatest(extract(epoch from v_next - c_burst - v_now), 0.001);
  end if;
end $$;

-- p_calls:  [{worker_id, task_id, attempt, document_id, step, provider, operation, model, purpose, input_tokens, output_tokens,
--           pages, scopes: [text], caps: [USD or null]}]; each scope is counted, also where its cap is null. @today in a
--           scope is the day (UTC).
-- Returns:  in the same order, {number} of its row in alfrd.usage; or {wait} in seconds for the provider's limit; or {held}:
--           why it does not fit under a cap, and {retry_after} in seconds.
create or replace function alfrd.reserve_calls(p_calls jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  v_now      timestamptz := alfrd.now();
  v_today    text := to_char(v_now at time zone 'UTC', 'YYYY-MM-DD');
  v_wanted   alfrd.wanted_call[];
  v_accepted alfrd.wanted_call[];
  v_limit    alfrd.limits;
  v_room     record;
  v_waits    jsonb := '{}';
  v_held     jsonb := '{}';
  v_numbers  jsonb;
begin
  perform alfrd.refuse_no_list('alfrd.reserve_calls', p_calls);
  with called as materialized (
    select * from rows from (jsonb_to_recordset(p_calls)
             as (worker_id bigint, task_id bigint, attempt integer, document_id uuid, step text, provider text, operation text,
                 model text, purpose text, input_tokens bigint, output_tokens bigint, pages bigint, scopes text[],
                 caps numeric[]))
           with ordinality
           as c(worker_id, task_id, attempt, document_id, step, provider, operation, model, purpose, input_tokens,
                output_tokens, pages, scopes, caps, place)),
  priced as materialized (
    select provider, operation, model, alfrd.price_of(provider, operation, model, v_now) as prices
      from (select distinct provider, operation, model from called) as kind)
  select array_agg(row(c.place, c.worker_id, c.task_id, c.attempt, c.document_id, c.step, c.provider, c.operation, c.model,
                       c.purpose, p.prices,
                       -- Whatever the provider's cache makes of the input, it costs no more than this.
                       round(ceil(coalesce(alfrd.cost(p.prices, 0, c.output_tokens, 0, 0, c.pages)
                              + c.input_tokens * greatest(p.prices[1], p.prices[3], p.prices[4]) / 1000000, 0)
                            * 1000000) / 1000000, 6),
                       case when c.purpose = '' then array_replace(c.scopes, 'day:@today', 'day:' || v_today)
                            else replace(c.scopes::text, '@today', v_today)::text[] end, c.caps)::alfrd.wanted_call
                   order by c.place)
    into v_wanted
    from called c join priced p using (provider, operation, model);

  for v_limit in
    select * from alfrd.limits l where l.provider in (select w.provider from unnest(v_wanted) as w)
     order by l.provider for update
  loop
    select * into v_room from alfrd.room_at(v_limit, (select count(*)::integer from unnest(v_wanted) as w
                                                       where w.provider = v_limit.provider));
    v_waits := v_waits || coalesce((
      select jsonb_object_agg(place, v_room.wait)
        from (select w.place, row_number() over (order by w.place) as turn
                from unnest(v_wanted) as w where w.provider = v_limit.provider) as queued
       where turn > v_room.room), '{}');
  end loop;
  if v_waits <> '{}' then
    v_wanted := array(select w from unnest(v_wanted) as w where not v_waits ? w.place::text order by w.place);
  end if;

  select * into v_accepted, v_held from alfrd.within_caps(v_wanted, v_now);

  with reserved as (
    insert into alfrd.usage (at, document_id, worker_id, step, task_id, attempt, provider, operation, model, purpose, usd,
                             reserved_usd, prices, unpriced, scopes, outcome)
    select v_now, a.document_id, a.worker_id, a.step, a.task_id, a.attempt, a.provider, a.operation, a.model, a.purpose, a.usd,
           a.usd, a.prices, a.prices is null, case when a.usd > 0 then a.scopes else '{}' end, 'reserved'
      from unnest(v_accepted) as a order by a.place
    returning id)
  select jsonb_object_agg(a.place, r.id) into v_numbers
    from (select place, row_number() over (order by place) as turn from unnest(v_accepted)) as a
    join (select id, row_number() over (order by id) as turn from reserved) as r using (turn);

  return (select jsonb_agg(case when v_numbers ? place::text then jsonb_build_object('number', v_numbers -> place::text)
                                when v_held ? place::text then v_held -> place::text
                                else jsonb_build_object('wait', v_waits -> place::text) end order by place)
            from generate_series(1, jsonb_array_length(p_calls)) as place);
end $$;

-- p_settled: [{number, outcome, answered, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, pages,
--            milliseconds, key, reply}]. Without an answer nothing is charged if the provider refused it (throttled, failed);
--            in every other case it may have been worked on, and what was reserved stays spent.
--            With a key, the reply is kept for the next one who asks the same.
-- A call that was settled before is left alone: a hand-in whose answer was lost is repeated.
create or replace function alfrd.settle_calls(p_settled jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  v_added jsonb;
begin
  perform alfrd.refuse_no_list('alfrd.settle_calls', p_settled);
  perform from alfrd.usage where id in (select (s ->> 'number')::bigint from jsonb_array_elements(p_settled) as s)
    order by id for update;
  with settled as materialized (
    select * from jsonb_to_recordset(p_settled)
      as s(number bigint, outcome text, answered boolean, input_tokens bigint, output_tokens bigint,
           cache_read_tokens bigint, cache_write_tokens bigint, pages bigint, milliseconds bigint, key text, reply jsonb)),
  written as (
    update alfrd.usage u
       set outcome = s.outcome, milliseconds = s.milliseconds, input_tokens = s.input_tokens, output_tokens = s.output_tokens,
           cache_read_tokens = s.cache_read_tokens, cache_write_tokens = s.cache_write_tokens, pages = s.pages,
           usd = case when s.answered then coalesce(round(alfrd.cost(
                        u.prices, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.pages), 6), 0)
                      when s.outcome in ('throttled', 'failed') then 0
                      else u.reserved_usd end,
           unpriced = u.unpriced and s.outcome not in ('throttled', 'failed')
      from settled s
      join alfrd.usage before on before.id = s.number
     where u.id = s.number and u.outcome in ('reserved', 'unknown')
    returning u.id, u.provider, u.operation, u.model, u.usd, u.usd - before.usd as added, u.scopes),
  kept as (
    insert into alfrd.reply_cache as r (provider, operation, model, key, reply, usd)
    select distinct on (s.key, w.provider, w.operation, w.model) w.provider, w.operation, w.model, s.key, s.reply, w.usd
      from settled s join written w on w.id = s.number
     where s.key <> '' and s.reply is not null
     order by s.key, w.provider, w.operation, w.model, w.id desc
        on conflict (key, provider, operation, model) do update
       set reply = excluded.reply, usd = excluded.usd, at = alfrd.now())
  select jsonb_object_agg(scope, usd) into v_added
    from (select scope, sum(w.added) as usd from written w cross join unnest(w.scopes) as scope
           where w.added <> 0 group by 1) as by_scope;
  if v_added is not null then
    perform from alfrd.spending where v_added ? scope order by scope for update;
    update alfrd.spending set usd = usd + (v_added ->> scope)::numeric, touched_at = alfrd.now() where v_added ? scope;
  end if;
end $$;

-- Calls that no task and no other caller waits for: their task was rescued or is done. A call outside of tasks gets a quarter of
-- an hour. What was reserved stays spent, and their place at the provider is free. Returns how many.
create or replace function alfrd.forget_lost_calls(p_provider text default null) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_lost integer;
begin
  update alfrd.usage set outcome = 'unknown'
   where id in (select u.id from alfrd.usage u
                 where u.outcome = 'reserved' and (p_provider is null or u.provider = p_provider)
                   and case when u.task_id is null then u.at < alfrd.now() - interval '15 minutes'
                            else not exists (select from alfrd.tasks t where t.id = u.task_id and t.attempt = u.attempt
                                                and t.state = 'running' and t.worker_id = u.worker_id) end
                 order by u.id for update skip locked);
  get diagnostics v_lost = row_count;
  return v_lost;
end $$;

-- A sum as a bigint; what is larger than those go is as large as they go.
create or replace function alfrd.whole(p_sum numeric) returns bigint
  language sql immutable parallel safe return greatest(least(p_sum, 9223372036854775807), -9223372036854775808)::bigint;

-- alfrd.usage_by: what the calls cost, in groups. p_by: day, model, step or series.
create or replace function alfrd.usage_by(p_by text) returns table (
  "group" text, calls bigint, cached bigint, failed bigint, pages bigint, input_tokens bigint, output_tokens bigint, usd numeric,
  unpriced bigint, milliseconds bigint)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if p_by not in ('day', 'model', 'step', 'series') then
    raise exception 'usage by % is not known', quote_literal(p_by)
      using errcode = 'AL005', hint = 'it can be shown by day, model, step or series';
  end if;
  return query
  select g.name, count(*), count(*) filter (where u.cached),
         count(*) filter (where u.outcome not in ('ok', 'done', 'reserved')),
         alfrd.whole(sum(u.pages)), alfrd.whole(sum(u.input_tokens::numeric + u.cache_read_tokens + u.cache_write_tokens)),
         alfrd.whole(sum(u.output_tokens)), sum(u.usd),
         count(*) filter (where u.unpriced), alfrd.whole(sum(u.milliseconds))
    from alfrd.usage u
    left join alfrd.documents d on p_by = 'series' and d.id = u.document_id
    left join alfrd.series s on s.id = d.series_id
   cross join lateral (select case p_by
           when 'day' then to_char(u.at at time zone 'UTC', 'YYYY-MM-DD')
           -- A language model has one operation here; of Textract the operation is what costs.
           when 'model' then concat_ws(' ', u.provider, case when u.model = '' or u.provider = 'textract' then nullif(u.operation, '') end,
                                       nullif(u.model, ''))
           when 'step' then u.step || case when u.purpose <> '' then ' (' || u.purpose || ')' else '' end
           else coalesce(s.slug, '') end) as g(name)
   group by g.name order by case when p_by = 'day' then g.name end desc, sum(u.usd) desc, g.name;
end $$;
