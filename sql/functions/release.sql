-- Tasks that are given up unfinished: retry, throttled, released, lost, failed, abandoned -> waiting again, or dead.
--
-- Called: by alfrd.complete for what a worker hands in, and by alfrd.rescue for workers that are gone.
-- Locks:  documents by id, then the tasks.

-- Exponential with full jitter, so that what failed together does not come back together.
create or replace function alfrd.backoff(p_attempt integer) returns interval
language sql volatile
return make_interval(secs => 0.2 + random() * least(
    600, coalesce(nullif(current_setting('alfrd.backoff_seconds', true), '')::double precision, 5)
         * 2 ^ least(p_attempt - 1, 12)));

-- When a released task is to run again.
--
-- lost:      at once the first two times. If that kills a worker again, one of them is to blame: they come back each at its own
--            time, so that it does not take the others with it to their last attempt.
-- throttled: there is no end to how often, but to how fast: from the fourth time on about a second, although it was asked for less. Nor
--            does a task wait for more than a day.
create or replace function alfrd.delay_after(p_outcome text, p_attempt integer, p_throttles integer, p_retry_after double precision)
returns interval language sql volatile
return case
  when p_outcome = 'retry' then alfrd.backoff(p_attempt)
  when p_outcome = 'lost' and p_attempt > 2 then alfrd.backoff(p_attempt - 1)
  when p_outcome = 'throttled' and p_retry_after is null then alfrd.backoff(least(p_throttles + 1, 5))
  when p_outcome = 'throttled' then greatest(
    make_interval(secs => least(p_retry_after, 86400)),
    case when p_throttles >= 3 then make_interval(secs => 0.5 + random() / 2) else interval '0' end)
  else interval '0' end;

-- p_unfinished: [{task_id, attempt, outcome, error, retry_after}], of tasks that run
-- p_state:      released says what became of each; notify, changes: what follows
create or replace function alfrd.release(p_state alfrd.exchange_state, p_unfinished jsonb) returns alfrd.exchange_state
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_released alfrd.released[];
begin
  -- A person who is changing one of their documents is waited for, so that what follows sees the change.
  perform from alfrd.documents
    where id in (select t.subject_id from jsonb_to_recordset(p_unfinished) as u(task_id bigint)
                   join alfrd.tasks t on t.id = u.task_id)
    order by id for no key update;
  -- A newer twin that waits already makes a second try needless.
  select array_agg(row(t.id, t.step, t.subject_type, t.subject_id, t.attempt, t.worker_id, t.woken_by, t.generation,
                       case when t.subject_type = 'document' and d.generation is distinct from t.generation then 'superseded'
                            when u.outcome in ('failed', 'abandoned') or is_last then 'dead'
                            when exists (select from alfrd.tasks twin where twin.subject_id = t.subject_id and twin.step = t.step
                                            and twin.state in ('ready', 'scheduled')) then 'superseded'
                            else u.outcome end,
                       case when is_last then format('gave up after %s attempts: %s', t.attempt, u.error) else coalesce(u.error, '') end,
                       alfrd.delay_after(u.outcome, t.attempt, t.throttles, u.retry_after),
                       alfrd.milliseconds(alfrd.now() - t.claimed_at),
                       coalesce(r.next_status, '') <> '' and u.outcome <> 'abandoned')::alfrd.released)
    into v_released
    from jsonb_to_recordset(p_unfinished)
         as u(task_id bigint, attempt integer, outcome text, error text, retry_after double precision)
    join alfrd.tasks t on t.id = u.task_id and t.attempt = u.attempt and t.state = 'running'
   cross join lateral (select u.outcome in ('retry', 'lost') and t.attempt >= t.max_attempts
                              and not exists (select from alfrd.tasks twin where twin.subject_id = t.subject_id and twin.step = t.step
                                                 and twin.state in ('ready', 'scheduled')) as is_last) as tries
    left join alfrd.routes r on r.subject_type = t.subject_type and r.status = t.status and r.step = t.step
    left join alfrd.documents d on t.subject_type = 'document' and d.id = t.subject_id;
  if v_released is null then
    return p_state;
  end if;
  delete from alfrd.tasks t using unnest(v_released) as r
   where (t.id = r.task_id and r.outcome = 'superseded')
      or (r.outcome = 'dead' and t.subject_id = r.subject_id and t.step = r.step and t.state = 'dead');
  update alfrd.tasks t
     set state = case when r.outcome = 'dead' then 'dead' when r.delay > '0' then 'scheduled' else 'ready' end,
         run_at = alfrd.now() + case when r.outcome = 'dead' then '0' else r.delay end,
         -- Being throttled or handed back is not a failed attempt; the attempt itself never goes down.
         max_attempts = t.max_attempts + (r.outcome in ('throttled', 'released'))::integer,
         throttles = t.throttles + (r.outcome = 'throttled')::integer,
         worker_id = null, error = r.error
    from unnest(v_released) as r
   where t.id = r.task_id and r.outcome <> 'superseded';
  p_state := alfrd.fail_subjects(p_state, array(select r from unnest(v_released) as r where r.outcome = 'dead' and r.is_main));
  insert into alfrd.events (subject_type, subject_id, kind, step, task_id, attempt, worker_id, woken_by, ran_ms, detail)
  select subject_type, subject_id, outcome, step, task_id, attempt, worker_id, woken_by, ran_ms, error from unnest(v_released);
  p_state.released := p_state.released || v_released;
  p_state.notify := p_state.notify || array(select distinct step from unnest(v_released) where outcome <> 'dead');
  return p_state;
end $$;

-- Fail the documents and files whose main task is dead.
create or replace function alfrd.fail_subjects(p_state alfrd.exchange_state, p_dead alfrd.released[]) returns alfrd.exchange_state
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_failed alfrd.change[];
  v_tags   text[];
begin
  if p_dead = '{}' then
    return p_state;
  end if;
  with before as materialized (
    select d.id, d.status from alfrd.documents d join unnest(p_dead) as r on r.subject_type = 'document' and d.id = r.subject_id),
  failed as (
    update alfrd.documents d set status = 'failed', error = r.error, failed_step = r.step, updated_at = alfrd.now()
      from unnest(p_dead) as r
     where r.subject_type = 'document' and d.id = r.subject_id and d.generation = r.generation
    returning d.id, d.status, d.generation, d.priority)
  select array_agg(row('document', f.id, b.status, f.status, f.generation, f.priority)::alfrd.change)
    into v_failed from failed f join before b using (id);
  select array_agg(distinct tag) into v_tags
    from unnest(v_failed) as c join alfrd.documents d on d.id = c.subject_id cross join unnest(d.tags) as tag
   where c.from_status = 'completed';
  p_state.touched := p_state.touched || v_tags;
  p_state.changes := p_state.changes || v_failed;
  with failed as (
    update alfrd.files f set status = 'failed', error = r.error, updated_at = alfrd.now()
      from unnest(p_dead) as r where r.subject_type = 'file' and f.id = r.subject_id
    returning f.id)
  select array_agg(row('file', id, '', 'failed', 1, 0)::alfrd.change) into v_failed from failed;
  p_state.changes := p_state.changes || v_failed;
  perform alfrd.refuse_illegal(array(select c from unnest(p_state.changes) as c where c.to_status = 'failed' and c.from_status <> ''));
  return p_state;
end $$;
