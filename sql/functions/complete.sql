-- Results of tasks that are done, behind the fence.
--
-- alfrd.complete   writes what was done, releases what was not, refuses what came too late, and keeps what it cost
-- alfrd.fence      the fence
--
-- An outcome counts only while (task id, attempt) is running and owned by the worker that hands it in, and only if no person has
-- re-submitted, corrected or cancelled the document since (its generation). A refused one leaves an event and its cost.
--
-- Called: by alfrd.exchange.   Locks: own running tasks by id, documents; files by id if some were summarised.

-- Of any interval between two times; infinite where one of them is.
create or replace function alfrd.milliseconds(p_interval interval) returns bigint
  language sql immutable parallel safe
  return (greatest(least(extract(epoch from p_interval), 1e15), -1e15) * 1000)::bigint;

-- A task is deleted by its owner only; what was deleted may be written.
create or replace function alfrd.fence(p_worker bigint, p_outcomes jsonb) returns alfrd.finished[]
language plpgsql set search_path = pg_catalog, pg_temp
-- The statistics of tasks are always old, and say one row where there are a thousand: a nested loop compares each with each.
set enable_nestloop = off set enable_mergejoin = off set enable_seqscan = off as $$
declare
  v_now  timestamptz := alfrd.now();
  v_done alfrd.finished[];
begin
  with done as materialized (
    select * from jsonb_to_recordset(p_outcomes)
           as o(task_id bigint, attempt integer, outcome text, made_by text, prompt_id bigint, result jsonb)
     where outcome = 'done'),
  fenced as (
    delete from alfrd.tasks t
     using done as o
     where t.id = o.task_id and t.attempt = o.attempt
       -- By the primary key: of all that were finished, entries stay in tasks_running until vacuum.
       and t.id = any (array(select task_id from done))
       and t.worker_id = p_worker   -- so it is running, which is not said, or the planner would take that index
    returning t.*, o.made_by, o.prompt_id, o.result)
  select array_agg(row(f.id, f.attempt, f.step, f.subject_type, f.subject_id, f.generation, f.status, coalesce(r.next_status, ''),
                       f.woken_by, alfrd.milliseconds(f.claimed_at - f.run_at), alfrd.milliseconds(v_now - f.claimed_at),
                       f.made_by, f.prompt_id, f.result)::alfrd.finished)
    into v_done
    from fenced f left join alfrd.routes r on r.subject_type = f.subject_type and r.status = f.status and r.step = f.step;
  return coalesce(v_done, '{}');
end $$;

-- Write results, a step at a time. Returns those whose subject was written.
create or replace function alfrd.record_all(p_done alfrd.finished[]) returns alfrd.finished[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_written alfrd.finished[] := '{}';
  v_step    text;
  v_of_step alfrd.finished[];
begin
  for v_step, v_of_step in
    select d.step, array_agg(d) from unnest(p_done) as d group by d.step, d.subject_type order by d.step, d.subject_type
  loop
    v_written := v_written || alfrd.those_written(v_of_step, alfrd.record(v_step, v_of_step));
  end loop;
  return v_written;
end $$;

-- The documents that were moved on, as they are now: a trigger of the user's may have had a say.
create or replace function alfrd.documents_moved(p_state alfrd.exchange_state, p_written alfrd.finished[])
returns alfrd.exchange_state
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_retagged  uuid[];
  v_completed uuid[];
begin
  select array_agg(row('document', d.id, w.from_status, d.status, d.generation, d.priority)::alfrd.change),
         array_agg(d.id) filter (where w.step in ('classify', 'file')),
         array_agg(d.id) filter (where 'completed' in (w.from_status, w.next_status)),
         array_agg(distinct row(d.series_id, case w.next_status when 'completed' then alfrd.earliest_look(d.series_id) end)::alfrd.next_look)
           filter (where d.series_id is not null
                     -- or a person has sent it back, by a correction for instance, and is waiting for what follows
                     and (w.step = 'file' or w.next_status = 'completed' and d.generation > 1))
    into p_state.changes, v_retagged, v_completed, p_state.next_looks
    from unnest(p_written) as w join alfrd.documents d on d.id = w.subject_id
   where w.subject_type = 'document' and w.next_status <> '';
  if v_retagged is not null then
    perform alfrd.keep_tags(v_retagged, false);
  end if;
  if v_completed is not null then
    p_state.touched := array(select distinct tag from alfrd.documents d cross join unnest(d.tags) as tag where d.id = any (v_completed));
  end if;
  return p_state;
end $$;

-- Files that were summarised, and those that documents have changed, locked together in one order. Without the first, the others wait
-- for the end of the exchange: many documents share them, and a worker that has touched one holds up all others.
create or replace function alfrd.files_summarized(p_state alfrd.exchange_state, p_files alfrd.finished[], out state alfrd.exchange_state, out written alfrd.finished[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  state := p_state;
  state.changes := state.changes || alfrd.touch_files(coalesce(state.touched, '{}'), array(select subject_id from unnest(p_files)));
  state.touched := null;
  written := alfrd.record_all(p_files);
  state.changes := state.changes || array(
    select row('file', w.subject_id, w.from_status, made.status, 1, 0)::alfrd.change
      from unnest(written) as w join alfrd.files f on f.id = w.subject_id
     cross join lateral (select w.next_status as status, 1 as place
                         union all select f.status, 2 where f.status <> w.next_status) as made   -- generated, and old already
     where w.next_status <> '' order by made.place);
end $$;

create or replace function alfrd.complete(p_state alfrd.exchange_state, p_outcomes jsonb) returns alfrd.exchange_state
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_fenced  alfrd.finished[] := alfrd.fence(p_state.worker, p_outcomes);
  v_done    alfrd.finished[] := v_fenced;
  v_files   alfrd.finished[];
  v_watched alfrd.finished[];
  v_moves   boolean;
  v_written alfrd.finished[];
  v_other   record;
begin
  select array_agg(d) filter (where d.subject_type = 'file'), array_agg(d) filter (where d.step = 'watch_series'),
         bool_or(d.subject_type = 'document' and d.next_status <> '')
    into v_files, v_watched, v_moves from unnest(v_fenced) as d;
  if v_files is not null then
    v_done := array(select d from unnest(v_done) as d where d.subject_type <> 'file');
  end if;
  v_written := alfrd.record_all(v_done);
  if v_moves then
    p_state := alfrd.documents_moved(p_state, v_written);
  end if;
  if v_watched is not null then
    p_state.next_looks := p_state.next_looks || alfrd.looks_after(alfrd.those_written(v_watched, array(select subject_id from unnest(v_written))));
  end if;
  if v_files is not null then
    v_other := alfrd.files_summarized(p_state, v_files);
    p_state := v_other.state;
    v_written := v_written || v_other.written;
  end if;
  insert into alfrd.events (at, subject_type, subject_id, kind, step, task_id, attempt, worker_id, woken_by, waited_ms, ran_ms, detail)
  select alfrd.now(), d.subject_type, d.subject_id, 'completed', d.step, d.task_id, d.attempt, p_state.worker, d.woken_by, d.waited_ms, d.ran_ms, ''
    from unnest(v_written) as d
  union all
  -- What a result has to say beside itself: that a document was too long to be shown whole, for instance.
  select alfrd.now(), d.subject_type, d.subject_id, 'noted', d.step, d.task_id, d.attempt, null, '', null, null, d.result ->> 'note'
    from unnest(v_written) as d where d.result ? 'note' and d.step <> 'ocr';
  if cardinality(v_written) < jsonb_array_length(p_outcomes) then
    p_state := alfrd.not_written(p_state, array(
      select o from jsonb_array_elements(p_outcomes) as o
       where (o ->> 'task_id')::bigint not in (select task_id from unnest(v_written))),
      array(select task_id from unnest(v_fenced)));
  end if;
  if jsonb_path_exists(p_outcomes, '$[*].usage') then
    perform alfrd.keep_usage(p_outcomes, p_state.refused);
  end if;
  return p_state;
end $$;

-- alfrd.not_written: outcomes that were not written as done: to be released, or refused.
--
-- p_state.refused says why each refused one was: lost (its worker had lost the task), superseded (a person has changed its subject), or
-- repeated (an earlier call has written it, and the reply to that was lost).
--
-- p_fenced: tasks that were the worker's. What was done of them and is not written was superseded.
create or replace function alfrd.not_written(p_state alfrd.exchange_state, p_others jsonb[], p_fenced bigint[]) returns alfrd.exchange_state
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_owned      jsonb;
  v_superseded bigint[];
begin
  -- A person who is changing one of their documents is waited for, so that what follows sees the change.
  perform from alfrd.documents
    where id in (select (o ->> 'subject_id')::uuid from unnest(p_others) as o)
    order by id for no key update;
  with owned as (
    select o, t.id, case t.subject_type when 'document' then d.generation is distinct from t.generation
                                        when 'file' then f.id is null else false end as is_superseded
      from unnest(p_others) as o
      join alfrd.tasks t on t.id = (o ->> 'task_id')::bigint and t.attempt = (o ->> 'attempt')::integer
                        and t.worker_id = p_state.worker and t.state = 'running'
      left join alfrd.documents d on t.subject_type = 'document' and d.id = t.subject_id
      left join alfrd.files f on t.subject_type = 'file' and f.id = t.subject_id),
  superseded as (
    delete from alfrd.tasks where id in (select id from owned where is_superseded))
  select jsonb_agg(o) filter (where not is_superseded), p_fenced || array_agg(id) filter (where is_superseded)
    into v_owned, v_superseded from owned;

  select jsonb_object_agg(o ->> 'task_id', case
           when e.id is not null then 'repeated'
           when (o ->> 'task_id')::bigint = any (v_superseded) then 'superseded'
           else 'lost' end)
    into p_state.refused
    from unnest(p_others) as o
    left join alfrd.events e on e.subject_id = (o ->> 'subject_id')::uuid and e.task_id = (o ->> 'task_id')::bigint
                            and e.attempt = (o ->> 'attempt')::integer
                            -- The worker may have another id by now. What was completed, or refused, was handed in by it: an
                            -- attempt is one process's. A loss was written by others, and is no hand-in.
                            and (e.worker_id = p_state.worker or e.kind in ('completed', 'stale'))
   where v_owned is null or not exists (select from jsonb_array_elements(v_owned) as w where w -> 'task_id' = o -> 'task_id');
  insert into alfrd.events (subject_type, subject_id, kind, step, task_id, attempt, worker_id, detail)
  select o ->> 'subject_type', (o ->> 'subject_id')::uuid, 'stale', o ->> 'step', (o ->> 'task_id')::bigint,
         (o ->> 'attempt')::integer, p_state.worker, 'the result came too late and was not written'
    from unnest(p_others) as o where p_state.refused ->> (o ->> 'task_id') <> 'repeated';
  -- Its successor has waited for this one to end: workers that looked at it in vain are parked.
  p_state.notify := p_state.notify || array(
    select distinct o ->> 'step' from unnest(p_others) as o where p_state.refused ->> (o ->> 'task_id') = 'superseded');
  if v_owned is not null then
    p_state := alfrd.release(p_state, v_owned);
  end if;
  return p_state;
end $$;

-- What calls have cost, of refused outcomes too; not once more of those that an earlier call has written.
create or replace function alfrd.keep_usage(p_outcomes jsonb, p_refused jsonb) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into alfrd.usage (document_id, step, task_id, attempt, provider, model, pages, input_tokens, output_tokens,
                           usd, milliseconds, cached, outcome)
  select case o.subject_type when 'document' then o.subject_id end, o.step, o.task_id, o.attempt, u.provider, u.model, u.pages,
         u.input_tokens, u.output_tokens, u.usd, u.milliseconds, u.cached,
         case when p_refused ? o.task_id::text then 'stale' else o.outcome end
    from jsonb_array_elements(p_outcomes) as each(outcome)
   cross join jsonb_to_record(each.outcome)
         as o(task_id bigint, attempt integer, step text, subject_type text, subject_id uuid, outcome text, usage jsonb)
   cross join jsonb_to_recordset(o.usage)
         as u(provider text, model text, pages bigint, input_tokens bigint, output_tokens bigint, usd numeric,
              milliseconds bigint, cached boolean)
   where each.outcome ? 'usage' and coalesce(p_refused ->> o.task_id::text, '') <> 'repeated';
$$;
