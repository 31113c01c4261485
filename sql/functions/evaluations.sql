-- Answer keys, graded outputs, and when a family of prompts is due for a trial.
--
-- alfrd.sample_outputs     what was made with a prompt that may evolve is kept, by chance, and its document gets a key
-- alfrd.record_answer_key  a key and the grades that follow from it
-- alfrd.save_evaluation    what a trial found out, at once
-- alfrd.evolution_due      why no trial may begin; empty: one may
-- alfrd.consider_evolution makes the task of step evolve_prompt where there is something to do
--
-- Called: by alfrd.record, the trigger of corrections, and the step evolve_prompt.

-- The keyed documents of a family: those of which one of its versions made a result.
create or replace function alfrd.keyed(p_family uuid)
returns table (document_id uuid, number bigint, split text, verified text[])
language sql stable set search_path = pg_catalog, pg_temp as $$
  select k.document_id, k.number, k.split, k.verified
    from alfrd.answer_keys k
   where exists (select from alfrd.evaluations e
                   join alfrd.prompts p on p.id = e.prompt_id
                   join alfrd.prompt_families f on (f.kind, f.document_type) = (p.kind, p.document_type)
                  where e.document_id = k.document_id and e.source = 'production' and f.id = p_family);
$$;

-- How good a version is: the mean over documents that were sampled by chance and that it did not learn from. Fewer than five
-- are no score, and no version inherits one.
create or replace view alfrd.prompt_performance with (security_invoker = true) as
  select p.id as prompt_id, count(k.number) as documents,
         case when count(k.number) >= 5 then avg(e.score) end as performance_score
    from alfrd.prompts p
    left join alfrd.evaluations e on e.prompt_id = p.id and e.source = 'production' and e.key_revision is not null
    left join alfrd.answer_keys k on k.document_id = e.document_id and k.sampled
                                 and not (k.split = 'train' and k.created_at < p.created_at)
   group by p.id;

create or replace function alfrd.text_hash(p_document uuid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select encode(sha256(convert_to(coalesce(string_agg(text, chr(12) order by number), ''), 'UTF8')), 'hex')
    from alfrd.pages where document_id = p_document;
$$;

-- Every document until there are 400 keys, then one in four, whatever it holds; all of them while a promotion is on trial.
create or replace function alfrd.is_sampled(p_document uuid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select abs(hashtextextended(p_document::text, 0) % 4) = 0
      or (select count(*) from (select from alfrd.answer_keys limit 400) as first_ones) < 400
      or exists (select from alfrd.trials where ending = '' and phase = 'shadow');
$$;

-- Called only where some of the prompts may evolve.
create or replace function alfrd.sample_outputs(p_kind text, p_done alfrd.finished[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_documents uuid[];
begin
  if not alfrd.serves_evolution() then
    return;
  end if;
  with kept as (
    insert into alfrd.evaluations as e (prompt_id, document_id, source, output, text_hash, made_by)
    select d.prompt_id, d.subject_id, 'production', d.result, alfrd.text_hash(d.subject_id), d.made_by
      from unnest(p_done) as d join alfrd.prompts p on p.id = d.prompt_id and p.can_evolve
     where alfrd.is_sampled(d.subject_id)
        on conflict (prompt_id, document_id) do update
       set source = 'production', output = excluded.output, text_hash = excluded.text_hash, made_by = excluded.made_by,
           score = null, misses = '[]', key_revision = null, at = alfrd.now()
    returning e.document_id)
  select array_agg(document_id) into v_documents from kept;
  if p_kind = 'summarizer' and v_documents is not null then
    perform alfrd.want_answer_keys(v_documents);
  end if;
end $$;

-- Keys are asked for only while a worker writes them.
create or replace function alfrd.serves_evolution() returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from alfrd.workers w where 'answer_key' = any (w.steps)
                    and w.heartbeat_at > alfrd.now() - make_interval(secs => w.lease_seconds));
$$;

create or replace function alfrd.want_answer_keys(p_documents uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.tasks (step, subject_type, subject_id, status, generation, max_attempts, priority)
  select r.step, r.subject_type, d.id, r.status, d.generation, r.max_attempts, -1
    from alfrd.documents d join alfrd.routes r on r.subject_type = 'document' and r.step = 'answer_key'
   where d.id = any (p_documents)
      on conflict (subject_id, step) where state in ('ready', 'scheduled') do nothing;
  perform alfrd.notify(array['answer_key']);
end $$;

-- A person's correction makes a key right, and grades anew what is known: by the task that writes keys, which makes no call if
-- there is one. At the end of the transaction, when the document has its new generation.
create or replace function alfrd.correction_made() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_made record;
begin
  if new.field in ('series_id', 'summary', 'structured_data') then
    return null;
  end if;
  -- A document that chance did not choose: what the version made of it is what it says, without what people set.
  for v_made in
    select p.id, p.kind, d.id as document_id, d.made_by -> case p.kind when 'classifier' then 'classify' else 'summarize' end ->> 'by' as made_by,
           alfrd.correctable(d) || jsonb_build_object('confidence', d.classification_confidence, 'evidence', d.evidence,
                                                      'reasoning', d.classification_reasoning)
             || coalesce((select jsonb_object_agg(c.field, c.old_value)
                                      from (select distinct on (field) field, old_value from alfrd.corrections
                                             where document_id = d.id order by field, id) as c), '{}') as was
      from alfrd.documents d
      join alfrd.prompts p on p.can_evolve and p.id in (
           (d.made_by -> 'classify' ->> 'prompt')::bigint, (d.made_by -> 'summarize' ->> 'prompt')::bigint)
     where d.id = new.document_id
  loop
    insert into alfrd.evaluations (prompt_id, document_id, source, output, text_hash, made_by)
    values (v_made.id, v_made.document_id, 'production',
            case v_made.kind
              when 'classifier' then (select jsonb_object_agg(name, value) from jsonb_each(v_made.was) as field(name, value)
                                       where name in ('document_type', 'confidence', 'reasoning'))
              else v_made.was - '{document_type,series_id,confidence,reasoning}'::text[] end,
            '', v_made.made_by)
        on conflict do nothing;
  end loop;
  if found and alfrd.serves_evolution() then
    perform alfrd.want_answer_keys(array[new.document_id]);
  end if;
  perform alfrd.consider_evolution(f.id)
     from alfrd.trials t join alfrd.prompt_families f on f.id = t.family_id
    where t.ending = '' and t.phase = 'shadow';
  return null;
end $$;
drop trigger if exists corrections_made on alfrd.corrections;
create constraint trigger corrections_made after insert on alfrd.corrections
  deferrable initially deferred for each row execute function alfrd.correction_made();

-- result: {key: {document_type, facts} or null, split, sampled, verified, grades: [{prompt_id, score, misses}]}
create or replace function alfrd.record_answer_key(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_written uuid[];
begin
  with given as (
    select d.subject_id, d.made_by, d.result -> 'key' as key, d.result
      from unnest(p_done) as d
      join alfrd.documents doc on doc.id = d.subject_id and doc.generation = d.generation),
  written as (
    insert into alfrd.answer_keys as k (document_id, document_type, facts, split, sampled, verified, text_hash, made_by)
    select subject_id, key ->> 'document_type', key -> 'facts', result ->> 'split', (result ->> 'sampled')::boolean,
           array(select jsonb_array_elements_text(result -> 'verified')), alfrd.text_hash(subject_id), made_by
      from given where jsonb_typeof(key) = 'object'
        on conflict (document_id) do update
       set document_type = excluded.document_type, facts = excluded.facts, verified = excluded.verified,
           text_hash = excluded.text_hash, revision = k.revision + 1, updated_at = alfrd.now()
    returning k.document_id, k.revision),
  graded as (
    update alfrd.evaluations e
       set score = g.score, misses = g.misses, key_revision = w.revision
      from given join written w on w.document_id = given.subject_id
     cross join jsonb_to_recordset(given.result -> 'grades') as g(prompt_id bigint, score real, misses jsonb)
     where e.prompt_id = g.prompt_id and e.document_id = w.document_id)
  select array_agg(subject_id) into v_written from given;
  perform alfrd.consider_evolution(f.id)
     from alfrd.prompt_families f
    where (f.kind, f.document_type) in (select p.kind, p.document_type from alfrd.evaluations e
                                          join alfrd.prompts p on p.id = e.prompt_id
                                         where e.document_id = any (v_written) and e.source = 'production');
  return v_written;
end $$;

-- What a version made of a document in a trial. It replaces what is known only if another model made that.
create or replace function alfrd.save_evaluation(
  p_prompt bigint, p_document uuid, p_trial bigint, p_output jsonb, p_score real, p_misses jsonb, p_text_hash text, p_made_by text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from alfrd.prompts where id = p_prompt)
     or p_trial is not null and not exists (select from alfrd.trials where id = p_trial) then
    raise exception 'no prompt % or no trial %', p_prompt, p_trial using errcode = 'AL004';
  end if;
  insert into alfrd.evaluations as e (prompt_id, document_id, source, trial_id, output, score, misses, key_revision, text_hash, made_by)
  select p_prompt, k.document_id, 'trial', p_trial, p_output, p_score, coalesce(p_misses, '[]'), k.revision, coalesce(p_text_hash, ''),
         coalesce(p_made_by, '')
    from alfrd.answer_keys k where k.document_id = p_document
      on conflict (prompt_id, document_id) do update
     set output = excluded.output, score = excluded.score, misses = excluded.misses, key_revision = excluded.key_revision,
         text_hash = excluded.text_hash, made_by = excluded.made_by, at = alfrd.now()
   where e.made_by <> excluded.made_by;
end $$;

-- alfrd.evolution_due: why no trial of a family may begin, in words; empty: one may.
create or replace function alfrd.evolution_due(p_family uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_family   alfrd.prompt_families;
  v_kind     alfrd.prompt_kinds;
  v_champion alfrd.prompts;
  v_keys     bigint;
  v_new      bigint;
  v_score    real;
  v_most     bigint;
begin
  select * into v_family from alfrd.prompt_families where id = p_family;
  select * into v_kind from alfrd.prompt_kinds where kind = v_family.kind;
  if not found then
    return 'static: no answer key grades this kind';
  end if;
  select * into v_champion from alfrd.prompts p
   where (p.kind, p.document_type) = (v_family.kind, v_family.document_type) and p.is_active;
  if not found then
    return 'no version is active';
  elsif not v_champion.can_evolve then
    return 'static: its active version may not evolve';
  elsif exists (select from alfrd.trials t where t.family_id = p_family and t.ending = '') then
    return 'a trial is under way';
  elsif v_family.cooldown_until > alfrd.now() then
    return format('it waits until %s after %s trial%s without success', to_char(v_family.cooldown_until, 'YYYY-MM-DD HH24:MI'),
                  v_family.failures, case when v_family.failures = 1 then '' else 's' end);
  end if;
  select count(*), count(*) filter (where number > v_family.last_trial_key) into v_keys, v_new from alfrd.keyed(p_family);
  if v_keys < v_kind.fewest_keys then
    return format('%s of %s documents with an answer key', v_keys, v_kind.fewest_keys);
  elsif v_new < v_kind.new_keys then
    return format('%s of %s new documents since the last trial', v_new, v_kind.new_keys);
  end if;
  select performance_score into v_score from alfrd.prompt_performance where prompt_id = v_champion.id;
  if v_score is null then
    return 'its active version has no score yet';
  elsif v_score >= v_champion.score_ceiling then
    return format('its score of %s has reached the ceiling', round(v_score::numeric, 3));
  end if;
  select max(n) into v_most from (
    select count(*) as n from alfrd.evaluations e
      join alfrd.answer_keys k using (document_id)
     cross join jsonb_array_elements(e.misses) as miss
     where e.prompt_id = v_champion.id and e.source = 'production' and k.split = 'train'
     group by miss ->> 'kind') as recurring;
  if coalesce(v_most, 0) < 3 then
    return 'no mistake recurs';
  end if;
  return '';
end $$;

create or replace function alfrd.consider_evolution(p_family uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from alfrd.trials where family_id = p_family and ending = '' and phase <> 'suggested')
     and alfrd.evolution_due(p_family) <> '' then
    return;
  end if;
  perform alfrd.want_evolution(p_family);
end $$;

create or replace function alfrd.want_evolution(p_family uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.tasks (step, subject_type, subject_id, status, max_attempts, priority)
  select step, subject_type, p_family, status, max_attempts, -1 from alfrd.routes where subject_type = 'prompt'
      on conflict (subject_id, step) where state in ('ready', 'scheduled') do nothing;
  perform alfrd.notify(array['evolve_prompt']);
end $$;

-- result: {again, note}: whether there is more to do at once, and what was reached.
create or replace function alfrd.record_evolve_prompt(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.prompt_families f set note = d.result ->> 'note' from unnest(p_done) as d where f.id = d.subject_id;
  -- It goes on, so an earlier death of it is history.
  delete from alfrd.tasks t using unnest(p_done) as d
   where t.subject_id = d.subject_id and t.step = d.step and t.state = 'dead';
  perform alfrd.want_evolution(d.subject_id) from unnest(p_done) as d where (d.result ->> 'again')::boolean;
  return array(select d.subject_id from unnest(p_done) as d);
end $$;
