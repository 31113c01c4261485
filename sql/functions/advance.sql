-- From changes of status to tasks: the one way on, for a completed step as for a statement of a person.
--
-- alfrd.advance    makes the tasks that the routes name for p_state.changes, touches files, and feeds applications
--
-- Called: by alfrd.exchange and alfrd.rescue; by the triggers of documents and files for the statements of all others. The caller
--         notifies for p_state.notify.
-- Handing on: p_state.room says how many more tasks of which steps this worker starts. Tasks that fit are inserted as running, which
--         saves writing them twice, and are added to p_state.claimed.
-- Locks:  a task that waits already is not inserted twice. If a worker is claiming that one right now, the insert waits for its commit and
--         then succeeds: a running task has seen the old world. Files by id, after tasks.

create or replace function alfrd.advance(p_state alfrd.exchange_state) returns alfrd.exchange_state
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_room    jsonb := coalesce(p_state.room, '{}');
  v_claimed bigint[];
  v_waiting text[];
  v_used    jsonb;
  v_type    text;
begin
  if cardinality(p_state.changes) > 0 then
    with next as materialized (
      select c.subject_type, c.subject_id, c.to_status, c.generation, c.priority, r.step, r.delay, r.max_attempts,
             r.delay = '0' and row_number() over (partition by r.step, r.delay order by c.priority desc, c.ordinality)
                               <= (v_room ->> r.step)::integer as fits
        from unnest(p_state.changes) with ordinality as c
        join alfrd.routes r on r.subject_type = c.subject_type and r.status = c.to_status),
    created as (
      insert into alfrd.tasks (step, subject_type, subject_id, status, generation, state, priority, run_at, created_at, max_attempts,
                               attempt, worker_id, claimed_at, woken_by)
      select step, subject_type, next.subject_id, to_status, generation,
             case when is_mine then 'running' when delay > '0' then 'scheduled' else 'ready' end, priority, v_now + delay, v_now,
             max_attempts, is_mine::integer, case when is_mine then p_state.worker end, case when is_mine then v_now end,
             case when is_mine then 'handoff' else '' end
        -- Two scalar subqueries and no join: each is one look into its partial index.
        from next cross join lateral (
         select coalesce(fits, false)
                and (select t.id from alfrd.tasks t where t.subject_id = next.subject_id and t.step = next.step
                        and t.state in ('ready', 'scheduled')) is null
                and (select t.id from alfrd.tasks t where t.subject_id = next.subject_id and t.step = next.step
                        and t.state = 'running') is null as is_mine) as whose
          on conflict (subject_id, step) where state in ('ready', 'scheduled') do nothing
      returning id, step, state),
    used as (
      select step, count(*) as number from created where state = 'running' group by step)
    select (select array_agg(id order by id) from created where state = 'running'),
           (select array_agg(distinct step) from created where state <> 'running'),
           (select jsonb_object_agg(step, (v_room ->> step)::integer - number) from used)
      into v_claimed, v_waiting, v_used;
    p_state.claimed := p_state.claimed || v_claimed;
    p_state.notify := p_state.notify || v_waiting;
    p_state.room := v_room || coalesce(v_used, '{}');
    foreach v_type in array array(select distinct subject_type from unnest(p_state.changes)) loop
      perform alfrd.announce(v_type, array_agg(subject_id), array_agg(to_status))
         from unnest(p_state.changes) where subject_type = v_type;
    end loop;
    p_state.changes := null;
  end if;
  if p_state.touched is not null then
    -- The engine's own change of files has no trigger that goes on from it.
    p_state.changes := alfrd.touch_files(p_state.touched, null);
    p_state.touched := null;
    if alfrd.acts_as_engine() then
      return alfrd.advance(p_state);
    end if;
  end if;
  return p_state;
end $$;

-- Refuse the first of these changes that alfrd.transitions does not name.
create or replace function alfrd.refuse_illegal(p_changes alfrd.change[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_illegal alfrd.change;
begin
  for v_illegal in
    select c.* from (select distinct on (subject_type, from_status, to_status) * from unnest(p_changes)) as c
     where c.from_status <> c.to_status
       and not exists (select from alfrd.transitions t where t.subject_type = c.subject_type
                          and t.from_status = c.from_status and t.to_status = c.to_status)
     limit 1
  loop
    raise exception '% %: status cannot go from % to %', v_illegal.subject_type, v_illegal.subject_id,
                    quote_literal(v_illegal.from_status), quote_literal(v_illegal.to_status)
      using errcode = 'AL001', hint = 'legal from here: ' || coalesce(
        (select string_agg(to_status, ', ' order by to_status) from alfrd.transitions
          where subject_type = v_illegal.subject_type and from_status = v_illegal.from_status), 'nothing');
  end loop;
end $$;

-- The rows of alfrd.tags are those of documents.tags. Workers' tags are distinguished from those of people.
create or replace function alfrd.keep_tags(p_documents uuid[], p_person boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  with tagged as materialized (
    select id, tags, document_type from alfrd.documents where id = any (p_documents)),
  gone as (
    delete from alfrd.tags t using tagged d where t.document_id = d.id and t.tag <> all (d.tags))
  insert into alfrd.tags (document_id, tag, source)
  select d.id, tag, case when tag = d.document_type or starts_with(tag, 'series:') then 'system'
                         when p_person then 'user' else 'analyst' end
    from tagged d cross join unnest(d.tags) as tag
      on conflict (document_id, tag) do nothing;
end $$;
