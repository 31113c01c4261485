-- What becomes of tasks that a worker has finished, one way or the other.
--
-- alfrd.settle            takes the outcomes that a worker hands in, and writes those that are done
-- alfrd.settle_others     the rest: refused as stale, or unfinished
-- alfrd.settle_unfinished retry, throttled, released, lost, failed -> waiting again, or dead
--
-- Fencing: an outcome counts only while (task id, attempt) is running and owned by the worker that hands it in, and
-- only if no person has re-submitted, corrected or cancelled the document since (its generation). A refused one
-- leaves an event and its cost, nothing else.
--
-- Called: by alfrd.exchange and alfrd.rescue.   Lock order: own running tasks, documents, files by id.

-- Of any interval between two times; infinite where one of them is.
create or replace function alfrd.milliseconds(p_interval interval) returns bigint
  language sql immutable parallel safe
  return (greatest(least(extract(epoch from p_interval), 1e15), -1e15) * 1000)::bigint;

create or replace function alfrd.backoff(p_attempt integer) returns interval
language sql volatile
-- Exponential with full jitter, so that what failed together does not come back together.
return make_interval(secs => 0.2 + random() * least(
    600, coalesce(nullif(current_setting('alfrd.backoff_seconds', true), '')::double precision, 5)
         * 2 ^ least(p_attempt - 1, 12)));

create or replace function alfrd.settle_unfinished(p_unfinished jsonb)
returns table (task_id bigint, step text, subject_id uuid, attempt integer, worker_id bigint, outcome text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_ended jsonb;
  v_again text[];
begin
  -- Whoever is changing one of their documents is waited for, so that what follows sees the change.
  perform from alfrd.documents
    where id in (select t.subject_id from jsonb_to_recordset(p_unfinished) as u(task_id bigint)
                   join alfrd.tasks t on t.id = u.task_id)
    order by id for no key update;
  -- What each one comes to. A newer twin that waits already makes a second try needless.
  select jsonb_agg(to_jsonb(ended)) into v_ended from (
    select t.id as task_id, t.step, t.entity, t.subject_id, t.attempt, t.worker_id, t.generation, u.retry_after,
           coalesce(r.next_status, '') <> '' and u.outcome <> 'buried' as is_main, t.woken_by,
           alfrd.milliseconds(alfrd.now() - t.claimed_at) as ran_ms,
           case when t.entity = 'document' and d.generation is distinct from t.generation then 'superseded'
                when u.outcome in ('failed', 'buried') then 'dead'
                when exists (select from alfrd.tasks twin where twin.subject_id = t.subject_id and twin.step = t.step
                              and twin.state in ('ready', 'scheduled')) then 'superseded'
                when u.outcome in ('retry', 'lost') and t.attempt >= t.max_attempts then 'dead'
                else u.outcome end as outcome,
           case when u.outcome in ('retry', 'lost') and t.attempt >= t.max_attempts
                then format('gave up after %s attempts: %s', t.attempt, u.error) else coalesce(u.error, '') end as error
      from jsonb_to_recordset(p_unfinished)
           as u(task_id bigint, attempt integer, outcome text, error text, retry_after double precision)
      join alfrd.tasks t on t.id = u.task_id and t.attempt = u.attempt and t.state = 'running'
      left join alfrd.routes r on r.entity = t.entity and r.status = t.status and r.step = t.step
      left join alfrd.documents d on t.entity = 'document' and d.id = t.subject_id) as ended;
  if v_ended is null then
    return;
  end if;

  delete from alfrd.tasks t using jsonb_to_recordset(v_ended) as e(task_id bigint, outcome text, subject_id uuid, step text)
   where (t.id = e.task_id and e.outcome = 'superseded')
      or (e.outcome = 'dead' and t.subject_id = e.subject_id and t.step = e.step and t.state = 'dead');
  update alfrd.tasks t
     set state = case when e.outcome = 'dead' then 'dead'
                      when e.outcome in ('retry', 'throttled') or e.outcome = 'lost' and t.attempt > 2 then 'scheduled'
                      else 'ready' end,
         run_at = case e.outcome when 'retry' then alfrd.now() + alfrd.backoff(t.attempt)
                                 -- At once the first two times. If that kills a worker again, one of them is to blame: they come back
                                 -- each at its own time, so that it does not take the others with it to their last attempt.
                                 when 'lost' then alfrd.now() + case when t.attempt > 2 then alfrd.backoff(t.attempt - 1)
                                                                     else interval '0' end
                                 -- There is no end to how often, but to how fast: from the fourth time on about a second, although it
                                 -- was asked for less. Nor does anyone wait for more than a day.
                                 when 'throttled' then alfrd.now() + case
                                   when e.retry_after is null then alfrd.backoff(least(t.throttles + 1, 5))
                                   else greatest(make_interval(secs => least(e.retry_after, 86400)), case
                                     when t.throttles >= 3 then make_interval(secs => 0.5 + random() / 2) else interval '0' end) end
                                 else alfrd.now() end,
         -- Being throttled or handed back is not a failed attempt; the attempt itself never goes down.
         max_attempts = t.max_attempts + case when e.outcome in ('throttled', 'released') then 1 else 0 end,
         throttles = t.throttles + case when e.outcome = 'throttled' then 1 else 0 end,
         worker_id = null, error = e.error
    from jsonb_to_recordset(v_ended)
         as e(task_id bigint, outcome text, error text, retry_after double precision)
   where t.id = e.task_id and e.outcome <> 'superseded';

  update alfrd.documents d
     set status = 'failed', error = e.error, failed_step = e.step, updated_at = alfrd.now()
    from jsonb_to_recordset(v_ended)
         as e(entity text, subject_id uuid, outcome text, error text, step text, generation integer, is_main boolean)
   where e.entity = 'document' and e.outcome = 'dead' and e.is_main
     and d.id = e.subject_id and d.generation = e.generation;
  update alfrd.files f
     set status = 'failed', error = e.error, updated_at = alfrd.now()
    from jsonb_to_recordset(v_ended) as e(entity text, subject_id uuid, outcome text, error text, is_main boolean)
   where e.entity = 'file' and e.outcome = 'dead' and e.is_main and f.id = e.subject_id;

  insert into alfrd.events
         (entity, subject_id, kind, step, task_id, attempt, worker_id, woken_by, ran_ms, detail)
  select e.entity, e.subject_id, e.outcome, e.step, e.task_id, e.attempt, e.worker_id, e.woken_by, e.ran_ms, e.error
    from jsonb_to_recordset(v_ended)
         as e(entity text, subject_id uuid, outcome text, step text, task_id bigint, attempt integer,
              worker_id bigint, woken_by text, ran_ms bigint, error text);
  v_again := array(select distinct e ->> 'step' from jsonb_array_elements(v_ended) as e where e ->> 'outcome' <> 'dead');
  if v_again <> '{}' then
    perform set_config('alfrd.given_back', array_to_string(v_again, ','), true), alfrd.ring(v_again);
  end if;
  return query
    select e.task_id, e.step, e.subject_id, e.attempt, e.worker_id, e.outcome
      from jsonb_to_recordset(v_ended)
           as e(task_id bigint, step text, subject_id uuid, attempt integer, worker_id bigint, outcome text);
end $$;

-- The fence: who deletes the task as its owner may write its result. Returns what was done and is this worker's.
create or replace function alfrd.take_finished(p_worker bigint, p_outcomes jsonb) returns alfrd.finished[]
language plpgsql set search_path = pg_catalog, pg_temp
-- The statistics of tasks are always old, and say one row where there are a thousand: a nested loop compares each with each.
set enable_nestloop = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
  v_now  timestamptz := alfrd.now();
  v_done alfrd.finished[];
begin
  with taken as (
    delete from alfrd.tasks t
     using jsonb_to_recordset(p_outcomes)
           as o(task_id bigint, attempt integer, outcome text, made_by text, prompt_id bigint, result jsonb)
     where o.outcome = 'done' and t.id = o.task_id and t.attempt = o.attempt
       -- By the primary key: of all that were finished, entries stay in tasks_running until vacuum.
       and t.id = any (array(select (o ->> 'task_id')::bigint from jsonb_array_elements(p_outcomes) as o))
       and t.worker_id = p_worker   -- so it is running, which is not said, or the planner would take that index
    returning t.*, o.made_by, o.prompt_id, o.result)
  select array_agg(row(t.id, t.attempt, t.step, t.entity, t.subject_id, t.generation, coalesce(r.next_status, ''), t.woken_by,
                       alfrd.milliseconds(t.claimed_at - t.run_at),
                       alfrd.milliseconds(v_now - t.claimed_at),
                       t.made_by, t.prompt_id, t.result)::alfrd.finished)
    into v_done
    from taken t left join alfrd.routes r on r.entity = t.entity and r.status = t.status and r.step = t.step;
  return coalesce(v_done, '{}');
end $$;

create or replace function alfrd.settle(p_worker bigint, p_outcomes jsonb) returns bigint[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_done    alfrd.finished[] := alfrd.take_finished(p_worker, p_outcomes);
  v_set     text;
  v_files   alfrd.finished[] := '{}';
  v_written alfrd.finished[] := '{}';
  v_kinds   text[];
  v_kind    text;
  v_step    text;
  v_of_step alfrd.finished[];
  v_others  jsonb;
  v_stale   bigint[];
  v_settled bigint[];
begin
  v_set := set_config('alfrd.followed_by', 'settle', true);
  if cardinality(v_done) = 1 then
    v_kinds := array[v_done[1].step || ' ' || v_done[1].entity];
  else
    v_kinds := array(select distinct d.step || ' ' || d.entity from unnest(v_done) as d order by 1);
  end if;
  foreach v_kind in array v_kinds loop
    v_of_step := v_done;
    if cardinality(v_kinds) > 1 then
      v_of_step := array(select d from unnest(v_done) as d where d.step || ' ' || d.entity = v_kind);
    end if;
    if split_part(v_kind, ' ', 2) = 'file' then
      v_files := v_files || v_of_step;
    else
      v_written := v_written || alfrd.those_written(v_of_step, alfrd.record(split_part(v_kind, ' ', 1), v_of_step));
    end if;
  end loop;
  v_set := set_config('alfrd.followed_by', '', true);
  v_set := alfrd.follow(v_written);
  -- Those that were summarised and those that documents have changed: locked together, in one order. Without the first, the others
  -- wait for the end of the exchange: many documents share them, and whoever has touched one holds up all other workers.
  if cardinality(v_files) > 0 then
    perform alfrd.touch_files(coalesce(nullif(current_setting('alfrd.touched', true), ''), '{}')::text[],
                              array(select subject_id from unnest(v_files)));
    v_set := set_config('alfrd.touched', '', true);
    for v_step, v_of_step in select d.step, array_agg(d) from unnest(v_files) as d group by 1 order by 1 loop
      v_written := v_written || alfrd.those_written(v_of_step, alfrd.record(v_step, v_of_step));
    end loop;
  end if;
  insert into alfrd.events (at, entity, subject_id, kind, step, task_id, attempt, worker_id, woken_by, waited_ms, ran_ms, detail)
  select v_now, d.entity, d.subject_id, 'completed', d.step, d.task_id, d.attempt, p_worker, d.woken_by, d.waited_ms, d.ran_ms, ''
    from unnest(v_written) as d
  union all
  -- What a result has to tell beside itself: that a document was too long to be shown whole, for instance.
  select v_now, d.entity, d.subject_id, 'noted', d.step, d.task_id, d.attempt, null, '', null, null, d.result ->> 'note'
    from unnest(v_written) as d where d.result ? 'note' and d.step <> 'ocr';

  if cardinality(v_written) < jsonb_array_length(p_outcomes) then
    select jsonb_agg(o) into v_others from jsonb_array_elements(p_outcomes) as o
     where (o ->> 'task_id')::bigint not in (select task_id from unnest(v_written));
    select o.stale, o.settled into v_stale, v_settled from alfrd.settle_others(p_worker, v_others) as o;
  end if;

  if jsonb_path_exists(p_outcomes, '$[*].usage') then
    insert into alfrd.usage (document_id, step, task_id, attempt, provider, model, pages, input_tokens, output_tokens,
                             usd, milliseconds, cached, outcome)
    select case o.entity when 'document' then o.subject_id end, o.step, o.task_id, o.attempt, u.provider, u.model, u.pages,
           u.input_tokens, u.output_tokens, u.usd, u.milliseconds, u.cached,
           case when o.task_id = any (v_stale) then 'stale' else o.outcome end
      from jsonb_array_elements(p_outcomes) as each(outcome)
     cross join jsonb_to_record(each.outcome)
           as o(task_id bigint, attempt integer, step text, entity text, subject_id uuid, outcome text, usage jsonb)
     cross join jsonb_to_recordset(o.usage)
           as u(provider text, model text, pages bigint, input_tokens bigint, output_tokens bigint, usd numeric,
                milliseconds bigint, cached boolean)
     where each.outcome ? 'usage' and not (coalesce(o.task_id = any (v_settled), false));
  end if;
  return v_stale;
end $$;

-- What was not written as done: refused as stale, or to be tried again, or at its end.
--
-- stale:   ids of the tasks whose outcome was refused
-- settled: ids of the tasks that an earlier call has settled, because the reply to it was lost after its commit
create or replace function alfrd.settle_others(
  p_worker bigint, p_others jsonb, out stale bigint[], out settled bigint[]
) language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_owned jsonb;
begin
  -- Whoever is changing one of their documents is waited for, so that what follows sees the change.
  perform from alfrd.documents
    where id in (select (o ->> 'subject_id')::uuid from jsonb_array_elements(p_others) as o)
    order by id for no key update;
  with owned as (
    select o, t.id, case t.entity when 'document' then d.generation is distinct from t.generation
                                  when 'file' then f.id is null else false end as outlived
      from jsonb_array_elements(p_others) as o
      join alfrd.tasks t on t.id = (o ->> 'task_id')::bigint and t.attempt = (o ->> 'attempt')::integer
                        and t.worker_id = p_worker and t.state = 'running'
      left join alfrd.documents d on t.entity = 'document' and d.id = t.subject_id
      left join alfrd.files f on t.entity = 'file' and f.id = t.subject_id),
  outlived as (
    delete from alfrd.tasks where id in (select id from owned where outlived))
  select jsonb_agg(o) into v_owned from owned where not outlived;

  select array_agg((o ->> 'task_id')::bigint) filter (where e.id is null),
         array_agg((o ->> 'task_id')::bigint) filter (where e.id is not null)
    into stale, settled
    from jsonb_array_elements(p_others) as o
    left join alfrd.events e on e.subject_id = (o ->> 'subject_id')::uuid and e.task_id = (o ->> 'task_id')::bigint
                            and e.attempt = (o ->> 'attempt')::integer
                            -- The worker may have another id by now. What was completed, or refused, was handed in by it: an
                            -- attempt is one process's. A loss was written by others, and is no hand-in.
                            and (e.worker_id = p_worker or e.kind in ('completed', 'stale'))
   where (o ->> 'task_id')::bigint not in (select (w ->> 'task_id')::bigint
                                             from jsonb_array_elements(coalesce(v_owned, '[]')) as w);
  insert into alfrd.events (entity, subject_id, kind, step, task_id, attempt, worker_id, detail)
  select o ->> 'entity', (o ->> 'subject_id')::uuid, 'stale', o ->> 'step', (o ->> 'task_id')::bigint,
         (o ->> 'attempt')::integer, p_worker, 'the result came too late and was not written'
    from jsonb_array_elements(p_others) as o where (o ->> 'task_id')::bigint = any (stale);
  if v_owned is not null then
    perform alfrd.settle_unfinished(v_owned);
  end if;
end $$;
