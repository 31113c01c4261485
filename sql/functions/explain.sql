-- alfrd.explain: why is this document (or file) where it is, and what is it waiting for. One readable paragraph.

create or replace function alfrd.explain(p_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_subject record;
  v_task    record;
  v_text    text;
  v_last    record;
begin
  select * into v_subject from (
    select 'document' as subject_type, id, coalesce(nullif(filename, ''), '(no name)') as name, status, error, failed_step,
           created_at, updated_at from alfrd.documents where id = p_id
    union all
    select 'file', id, coalesce(nullif(title, ''), array_to_string(tags, ' ')), status, error, 'summarize_file',
           created_at, updated_at from alfrd.files where id = p_id) as subject;
  if not found then
    raise exception 'no document or file %', p_id using errcode = 'AL004';
  end if;
  v_text := format(case v_subject.status when 'failed' then '%s %s failed at %4$s.' else '%s %s has been %s since %s.' end,
                   initcap(v_subject.subject_type), v_subject.name, v_subject.status,
                   to_char(v_subject.updated_at, 'YYYY-MM-DD HH24:MI:SS'));
  if v_subject.status = 'failed' then
    v_text := v_text || format(' Step %s: %s. Once the cause is mended, try again with: alfrd-events replay --failed --%s %s.',
      v_subject.failed_step, rtrim(v_subject.error, '.'), v_subject.subject_type, v_subject.id);
  elsif v_subject.status = 'cancelled' then
    v_text := v_text || ' Nothing more happens to it until someone sets its status to pending.';
  end if;

  for v_task in
    select t.*, p.paused_by, p.paused_at, p.reason, h.since as held_since, w.name as worker_name, w.heartbeat_at, w.lease_seconds, l.max_running,
           (select count(*) from alfrd.tasks r where r.step = t.step and r.state = 'running') as running,
           (select count(*) from alfrd.tasks a where a.step = t.step and a.state = 'ready'
               and a.queue_position < t.queue_position) as ahead,
           exists (select from alfrd.workers s where t.step = any (s.steps) and s.superseded_by = ''
                      and s.heartbeat_at > alfrd.now() - make_interval(secs => s.lease_seconds)) as served,
           (select max(s.superseded_by) from alfrd.workers s where t.step = any (s.steps)) as newer
      from alfrd.tasks t
      left join alfrd.workers w on w.id = t.worker_id
      left join alfrd.limits l on l.step = t.step
      left join alfrd.pauses p on p.step = t.step
      left join alfrd.held h on h.task_id = t.id and h.attempt = t.attempt
     where t.subject_id = p_id order by t.id
  loop
    v_text := v_text || ' ' || case
      when v_task.state = 'running' then
        format('%s is running%s on %s since %s (attempt %s of %s, woken by %s; lease until %s).',
               v_task.step, case when v_task.step = 'ocr' and alfrd.reading_in_words(p_id) <> ''
                                 then ' (' || alfrd.reading_in_words(p_id) || ')' else '' end, coalesce(v_task.worker_name, 'a worker that is gone; it will be rescued'),
               to_char(v_task.claimed_at, 'HH24:MI:SS'), v_task.attempt, v_task.max_attempts, v_task.woken_by,
               to_char(v_task.heartbeat_at + make_interval(secs => v_task.lease_seconds), 'HH24:MI:SS'))
      when v_task.state = 'dead' and v_subject.status = 'failed' and v_task.step = v_subject.failed_step then
        format('It had %s of %s attempts.', v_task.attempt, v_task.max_attempts)
      when v_task.state = 'dead' then
        format('Side work %s is dead after %s attempts: %s.', v_task.step, v_task.attempt, rtrim(v_task.error, '.'))
      when v_task.state = 'scheduled' and v_task.held_since is not null then
        format('%s is held for money since %s: %s. It goes on by itself when there is room, or at %s; a worker with a raised cap '
               'notices within a minute.', v_task.step, to_char(v_task.held_since, 'YYYY-MM-DD HH24:MI:SS'),
               rtrim(v_task.error, '.'), to_char(v_task.run_at, 'YYYY-MM-DD HH24:MI:SS'))
      when v_task.state = 'scheduled' and v_task.error <> '' then
        format('%s waits until %s before attempt %s of %s, since the last one ended with: %s%s.', v_task.step,
               to_char(v_task.run_at, 'HH24:MI:SS'), v_task.attempt + 1, v_task.max_attempts, rtrim(v_task.error, '.'),
               case when v_task.throttles > 1 then format(' (throttled %s times)', v_task.throttles) else '' end)
      when v_task.state = 'scheduled' then
        format('%s starts at %s, to gather changes that come close together.', v_task.step,
               to_char(v_task.run_at, 'HH24:MI:SS'))
      when v_task.paused_at is not null then
        format('%s is paused by %s since %s%s; go on with alfrd-events resume %s.', v_task.step, v_task.paused_by,
               to_char(v_task.paused_at, 'HH24:MI:SS'), coalesce(' (' || nullif(v_task.reason, '') || ')', ''), v_task.step)
      when not v_task.served and v_task.newer <> '' then
        format('%s waits: the workers that serve it are older than release %s, which has migrated the database; upgrade them.',
               v_task.step, v_task.newer)
      when not v_task.served then
        format('%s waits, and no worker that is running serves this step: start one with alfrd-events run.', v_task.step)
      when v_task.max_running is not null and v_task.running >= v_task.max_running then
        format('%s waits for one of the %s slots that its limit allows; %s are ahead of it.', v_task.step,
               v_task.max_running, v_task.ahead)
      else format('%s waits for a free worker; %s are ahead of it.', v_task.step, v_task.ahead)
    end;
  end loop;

  if not found then
    if exists (select from alfrd.routes r where r.subject_type = v_subject.subject_type and r.status = v_subject.status)
       and not exists (select from alfrd.tasks t where t.subject_id = p_id) then
      v_text := v_text || ' Its status calls for work, and no task exists: run alfrd-events replay.';
    elsif v_subject.status in ('completed', 'generated') then
      v_text := v_text || ' Nothing is left to do.';
    end if;
  end if;

  select step, kind, at, worker_id, woken_by, waited_ms, ran_ms into v_last
    from alfrd.events where subject_id = p_id and step <> '' order by id desc limit 1;
  if found then
    v_text := v_text || format(' Last: %s %s at %s by worker %s%s%s.', v_last.step, v_last.kind,
      to_char(v_last.at, 'HH24:MI:SS'), v_last.worker_id,
      case when v_last.woken_by <> '' then ', woken by ' || v_last.woken_by else '' end,
      case when v_last.ran_ms is not null then format(', in %s ms', v_last.ran_ms) else '' end);
  end if;
  select string_agg(distinct woken_by, ', ' order by woken_by) as ways into v_last
    from alfrd.events where subject_id = p_id and kind = 'completed' and woken_by <> '';
  if v_last.ways is not null then
    v_text := v_text || format(' Its work was woken by: %s.', v_last.ways);
  end if;
  return v_text;
end $$;
