-- What becomes of tasks that a worker has finished, one way or the other.
--
-- alfrd.settle            sorts the outcomes that a worker hands in: done, refused as stale, or unfinished
-- alfrd.settle_unfinished retry, throttled, released, lost, failed -> waiting again, or dead
--
-- Fencing: an outcome counts only while (task id, attempt) is running and owned by the worker that hands it in, and
-- only if no person has re-submitted, corrected or cancelled the document since (its generation). A refused one
-- leaves an event and its cost, nothing else.
--
-- Called: by alfrd.exchange and alfrd.rescue.   Lock order: documents by id, own running tasks by id, files.

create or replace function alfrd.backoff(p_attempt integer) returns interval
language sql volatile
-- Exponential with full jitter, so that what failed together does not come back together.
return make_interval(secs => 0.2 + random() * least(
    600, coalesce(nullif(current_setting('alfrd.backoff_seconds', true), '')::double precision, 5)
         * 2 ^ least(p_attempt - 1, 12)));

create or replace function alfrd.settle_unfinished(p_unfinished jsonb)
returns table (task_id bigint, step text, subject_id uuid, attempt integer, worker_id bigint, outcome text)
language plpgsql as $$
#variable_conflict use_column
declare
  v_ended jsonb;
begin
  -- What each one comes to. A newer twin that waits already makes a second try needless.
  select jsonb_agg(to_jsonb(ended)) into v_ended from (
    select t.id as task_id, t.step, t.entity, t.subject_id, t.attempt, t.worker_id, t.generation, u.retry_after,
           coalesce(r.next_status, '') <> '' and u.outcome <> 'buried' as is_main, t.woken_by,
           (extract(epoch from alfrd.now() - t.claimed_at) * 1000)::integer as ran_ms,
           case when t.entity = 'document' and d.generation is distinct from t.generation then 'superseded'
                when u.outcome in ('failed', 'buried') then 'dead'
                when exists (select from alfrd.tasks twin where twin.subject_id = t.subject_id and twin.step = t.step
                              and twin.state in ('ready', 'scheduled')) then 'superseded'
                when u.outcome in ('retry', 'lost') and t.attempt >= t.max_attempts then 'dead'
                else u.outcome end as outcome,
           case when u.outcome in ('retry', 'lost') and t.attempt >= t.max_attempts
                then format('gave up after %s attempts: %s', t.attempt, u.error) else u.error end as error
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
     set state = case e.outcome when 'dead' then 'dead'
                                when 'retry' then 'scheduled' when 'throttled' then 'scheduled' else 'ready' end,
         run_at = case e.outcome when 'retry' then alfrd.now() + alfrd.backoff(t.attempt)
                                 when 'throttled' then alfrd.now() + coalesce(
                                   make_interval(secs => e.retry_after), alfrd.backoff(least(t.throttles + 1, 5)))
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
              worker_id bigint, woken_by text, ran_ms integer, error text);
  perform alfrd.ring((select array_agg(distinct e ->> 'step') from jsonb_array_elements(v_ended) as e
                       where e ->> 'outcome' <> 'dead'));
  return query
    select e.task_id, e.step, e.subject_id, e.attempt, e.worker_id, e.outcome
      from jsonb_to_recordset(v_ended)
           as e(task_id bigint, step text, subject_id uuid, attempt integer, worker_id bigint, outcome text);
end $$;

create or replace function alfrd.settle(p_worker bigint, p_outcomes jsonb) returns bigint[]
language plpgsql as $$
declare
  v_owned jsonb;
  v_done  jsonb;
  v_stale bigint[];
  v_step  text;
begin
  -- The documents first, in one order: a person who is changing one is waited for, and what follows sees the change.
  perform from alfrd.documents
    where id in (select (o ->> 'subject_id')::uuid from jsonb_array_elements(p_outcomes) as o)
    order by id for no key update;
  select jsonb_agg(to_jsonb(owned)) into v_owned from (
    select o.*, t.step, t.entity, t.subject_id, t.generation, t.woken_by, coalesce(r.next_status, '') as next_status,
           (extract(epoch from t.claimed_at - t.run_at) * 1000)::integer as waited_ms,
           (extract(epoch from alfrd.now() - t.claimed_at) * 1000)::integer as ran_ms,
           -- A person has changed the document, or deleted it, since this work began.
           case when t.entity = 'document' then d.generation is distinct from t.generation
                else f.id is null end as outlived
      from jsonb_to_recordset(p_outcomes)
           as o(task_id bigint, attempt integer, outcome text, error text, retry_after double precision,
                result jsonb, made_by text, prompt_id bigint)
      join alfrd.tasks t on t.id = o.task_id and t.attempt = o.attempt
                        and t.worker_id = p_worker and t.state = 'running'
      left join alfrd.routes r on r.entity = t.entity and r.status = t.status and r.step = t.step
      left join alfrd.documents d on t.entity = 'document' and d.id = t.subject_id
      left join alfrd.files f on t.entity = 'file' and f.id = t.subject_id
     order by t.id for update of t) as owned;
  v_owned := coalesce(v_owned, '[]');

  -- What is not owned any more may be a second hand-in, because the reply to the first was lost after its commit.
  -- Then it is settled already, and counts neither as stale nor as cost.
  if jsonb_array_length(v_owned) < jsonb_array_length(p_outcomes) then
    select coalesce(jsonb_agg(o), '[]') into p_outcomes
      from jsonb_array_elements(p_outcomes) as o
     where not exists (select from alfrd.events e
                        where e.subject_id = (o ->> 'subject_id')::uuid and e.task_id = (o ->> 'task_id')::bigint
                          and e.attempt = (o ->> 'attempt')::integer and e.worker_id = p_worker);
  end if;

  select array_agg((o ->> 'task_id')::bigint) into v_stale
    from jsonb_array_elements(p_outcomes) as o
   where not exists (select from jsonb_array_elements(v_owned) as w
                      where w -> 'task_id' = o -> 'task_id' and not (w ->> 'outlived')::boolean);
  insert into alfrd.events (entity, subject_id, kind, step, task_id, attempt, worker_id, detail)
  select o ->> 'entity', (o ->> 'subject_id')::uuid, 'stale', o ->> 'step', (o ->> 'task_id')::bigint,
         (o ->> 'attempt')::integer, p_worker, 'the result came too late and was not written'
    from jsonb_array_elements(p_outcomes) as o where (o ->> 'task_id')::bigint = any (v_stale);
  insert into alfrd.usage (document_id, step, task_id, attempt, provider, model, pages, input_tokens, output_tokens,
                           usd, milliseconds, cached, outcome)
  select case o ->> 'entity' when 'document' then (o ->> 'subject_id')::uuid end, o ->> 'step',
         (o ->> 'task_id')::bigint, (o ->> 'attempt')::integer, u.provider, u.model, u.pages, u.input_tokens,
         u.output_tokens, u.usd, u.milliseconds, u.cached,
         case when (o ->> 'task_id')::bigint = any (v_stale) then 'stale' else o ->> 'outcome' end
    from jsonb_array_elements(p_outcomes) as o
   cross join jsonb_to_recordset(coalesce(o -> 'usage', '[]'))
         as u(provider text, model text, pages integer, input_tokens integer, output_tokens integer, usd numeric,
              milliseconds integer, cached boolean);

  delete from alfrd.tasks t using jsonb_to_recordset(v_owned) as o(task_id bigint, outcome text, outlived boolean)
   where t.id = o.task_id and (o.outcome = 'done' or o.outlived);

  for v_step, v_done in
    select o ->> 'step', jsonb_agg(o) from jsonb_array_elements(v_owned) as o
     where o ->> 'outcome' = 'done' and not (o ->> 'outlived')::boolean
     group by 1 order by 1
  loop
    perform alfrd.record(v_step, v_done);
    insert into alfrd.events (entity, subject_id, kind, step, task_id, attempt, worker_id, woken_by, waited_ms, ran_ms)
    select o.entity, o.subject_id, 'completed', o.step, o.task_id, o.attempt, p_worker, o.woken_by, o.waited_ms, o.ran_ms
      from jsonb_to_recordset(v_done)
           as o(entity text, subject_id uuid, step text, task_id bigint, attempt integer, woken_by text,
                waited_ms integer, ran_ms integer);
  end loop;

  select jsonb_agg(o) into v_done from jsonb_array_elements(v_owned) as o
   where o ->> 'outcome' <> 'done' and not (o ->> 'outlived')::boolean;
  if v_done is not null then
    perform alfrd.settle_unfinished(v_done);
  end if;
  return v_stale;
end $$;
