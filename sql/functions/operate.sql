-- What an operator does: hold a step, let it go on, forget what is old.

-- alfrd.pause: no worker claims this step from now on; what runs comes to its end. The next exchange of each worker sees it.
create or replace function alfrd.pause(p_step text, p_reason text default '') returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from alfrd.routes where step = p_step) then
    raise exception 'no route has a step %', quote_literal(p_step)
      using errcode = 'AL004', hint = 'steps: ' || (select string_agg(distinct step, ', ') from alfrd.routes);
  end if;
  insert into alfrd.pauses (step, reason, paused_by) values (p_step, coalesce(p_reason, ''), alfrd.person())
      on conflict (step) do update set reason = excluded.reason;
end $$;

-- alfrd.resume: claim it again. Returns whether it was paused.
create or replace function alfrd.resume(p_step text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from alfrd.pauses where step = p_step;
  if not found then
    return false;
  end if;
  perform alfrd.notify(array[p_step]);
  return true;
end $$;

-- alfrd.prune: forget events and usage that are older than an age. Documents, files and tasks are never touched, and of a
-- document that is not at its end nothing is forgotten. With them go words that no page has any more.
-- Returns: how many rows of each went.
create or replace function alfrd.prune(p_older_than interval) returns table (what text, rows bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_before timestamptz := alfrd.now() - p_older_than;
begin
  if coalesce(p_older_than, '0') < interval '1 hour' then
    raise exception 'alfrd.prune: % is too short', p_older_than
      using errcode = 'AL005', hint = 'the shortest is 1 hour: running workers recognise repeated results by their events';
  end if;
  delete from alfrd.events e
   where e.at < v_before
     and not exists (select from alfrd.documents d where d.id = e.subject_id
                        and d.status not in ('completed', 'failed', 'cancelled'));
  get diagnostics rows = row_count;
  what := 'events';
  return next;
  delete from alfrd.usage u where u.at < v_before and u.outcome <> 'reserved';
  get diagnostics rows = row_count;
  what := 'usage';
  return next;
  -- Text, scores and results of documents that are gone: who deletes one under an old snapshot does not see what was written meanwhile.
  delete from alfrd.pages p where not exists (select from alfrd.documents d where d.id = p.document_id);
  delete from alfrd.scores s where not exists (select from alfrd.documents d where d.id = s.document_id);
  delete from alfrd.step_results r
   where r.subject_type = 'document' and not exists (select from alfrd.documents d where d.id = r.subject_id)
      or r.subject_type = 'file' and not exists (select from alfrd.files f where f.id = r.subject_id);
  perform alfrd.prune_words();
  -- What counts against a cap is kept for as long as the cap may matter.
  delete from alfrd.spending s
   where s.touched_at < least(v_before, alfrd.now() - interval '7 days')
     and not exists (select from alfrd.documents d where s.scope = 'document:' || d.id
                        and d.status not in ('completed', 'failed', 'cancelled'));
end $$;
