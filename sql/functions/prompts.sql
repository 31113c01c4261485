-- Versions of prompts: immutable rows, and a pointer that moves by compare and swap.
--
-- alfrd.switch_prompt    the pointer moves from one version to another
-- alfrd.activate_prompt  a person moves it
-- alfrd.import_prompt    a new version
-- alfrd.begin_trial, add_candidates, move_trial, end_trial, promote_challenger, roll_back_challenger   a trial's way
--
-- Locks:  a trial is claimed, versions are numbered and the pointer is moved under the transaction-level advisory lock of the
--         family (alfrd.lock_family). Each is one statement of milliseconds; nothing waits on a provider meanwhile, and nothing is left in the session, so a PgBouncer in
--         transaction mode may stand before it.

create or replace function alfrd.prompt_inserted() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  new.text_hash := encode(sha256(convert_to(new.text, 'UTF8')), 'hex');
  if new.created_by = '' then
    new.created_by := alfrd.person();
  end if;
  insert into alfrd.prompt_families (kind, document_type) values (new.kind, new.document_type) on conflict do nothing;
  return new;
end $$;

-- What a result is stamped with says for ever the same.
create or replace function alfrd.prompt_changed() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'prompt %: versions are never deleted', old.id
      using errcode = 'AL006', hint = 'activate another one with alfrd-events prompts activate';
  end if;
  if (new.id, new.kind, new.document_type, new.version, new.text, new.text_hash, new.parent, new.origin, new.created_at,
      new.created_by) is distinct from
     (old.id, old.kind, old.document_type, old.version, old.text, old.text_hash, old.parent, old.origin, old.created_at,
      old.created_by) then
    raise exception 'prompt %: a version never changes', old.id
      using errcode = 'AL006', hint = 'import the new text as a version of its own: alfrd-events prompts import';
  end if;
  return new;
end $$;

-- Every activation is recorded, by whatever role, and a family is never left without an active version.
create or replace function alfrd.prompt_activated() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from alfrd.prompts p where p.kind = new.kind and p.document_type = new.document_type and p.is_active)
     and exists (select from alfrd.prompt_activations a join alfrd.prompt_families f on f.id = a.family_id
                  where f.kind = new.kind and f.document_type = new.document_type) then
    raise exception 'prompt %: no version of % % would be active', new.id, new.kind, new.document_type
      using errcode = 'AL006', hint = 'alfrd.activate_prompt moves from one version to another in one transaction';
  end if;
  return null;
end $$;

-- alfrd.switch_prompt writes its own reason over this one.
create or replace function alfrd.note_activation() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.prompt_activations (family_id, prompt_id, previous_id, reason, by)
  select f.id, new.id, previous.prompt_id,
         case when previous.prompt_id is null then 'the first of its family' else 'set by hand' end, alfrd.person()
    from alfrd.prompt_families f
    left join lateral (select a.prompt_id from alfrd.prompt_activations a where a.family_id = f.id order by a.id desc limit 1)
           as previous on true
   where f.kind = new.kind and f.document_type = new.document_type;
  return null;
end $$;

create or replace trigger prompts_a_inserted before insert on alfrd.prompts
  for each row execute function alfrd.prompt_inserted();
create or replace trigger prompts_immutable before update or delete on alfrd.prompts
  for each row execute function alfrd.prompt_changed();
create or replace trigger prompts_noted after insert on alfrd.prompts
  for each row when (new.is_active) execute function alfrd.note_activation();
create or replace trigger prompts_noted_again after update on alfrd.prompts
  for each row when (new.is_active and not old.is_active) execute function alfrd.note_activation();
drop trigger if exists prompts_one_active on alfrd.prompts;
create constraint trigger prompts_one_active after insert or update on alfrd.prompts
  deferrable initially deferred for each row execute function alfrd.prompt_activated();

-- Until the transaction ends. The key is the hash of a readable name; to sessions of one server it only has to be the same.
create or replace function alfrd.lock_family(p_kind text, p_document_type text) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_advisory_xact_lock(hashtextextended(format('alfrd:prompt:%s:%s', p_kind, p_document_type), 0));
$$;

create or replace function alfrd.lock_family_of_trial(p_trial bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select alfrd.lock_family(f.kind, f.document_type) from alfrd.trials t join alfrd.prompt_families f on f.id = t.family_id
   where t.id = p_trial;
$$;

-- Compare and swap: from p_old to p_new, if p_old is the active version still.
create or replace function alfrd.switch_prompt(p_old bigint, p_new bigint, p_reason text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.prompts old set is_active = false
    from alfrd.prompts new
   where old.id = p_old and old.is_active and new.id = p_new
     and (new.kind, new.document_type) = (old.kind, old.document_type) and new.id <> old.id;
  if not found then
    return false;
  end if;
  update alfrd.prompts set is_active = true where id = p_new;
  update alfrd.prompt_activations set reason = p_reason
   where id = (select max(id) from alfrd.prompt_activations where prompt_id = p_new);
  return true;
end $$;

-- alfrd.activate_prompt: a person makes a version the active one. A trial that is under way ends: its champion has changed.
-- Returns whether it did; false: p_expected is not active any more.
create or replace function alfrd.activate_prompt(p_prompt bigint, p_expected bigint, p_reason text)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.lock_family(p.kind, p.document_type) from alfrd.prompts p where p.id = p_prompt;
  if not alfrd.switch_prompt(p_expected, p_prompt, p_reason) then
    return false;
  end if;
  update alfrd.trials t set ending = 'superseded', ended_at = alfrd.now(), note = p_reason
    from alfrd.prompt_families f join alfrd.prompts p on (p.kind, p.document_type) = (f.kind, f.document_type)
   where t.family_id = f.id and p.id = p_prompt and t.ending = '';
  return true;
end $$;

-- alfrd.import_prompt: a new version from outside, not active unless it is the first of its family.
-- Returns the version that has this text, and whether it existed.
create or replace function alfrd.import_prompt(
  p_kind text, p_document_type text, p_text text, p_origin text, p_can_evolve boolean, p_ceiling real,
  p_max_words integer, p_note text, out id bigint, out version integer, out existed boolean
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if num_nulls(p_kind, p_document_type, p_text, p_origin, p_can_evolve, p_ceiling, p_max_words, p_note) > 0 then
    raise exception 'alfrd.import_prompt: an argument is null' using errcode = 'AL005', hint = 'the empty text stands for nothing';
  end if;
  if p_origin not in ('person', 'import') then
    raise exception 'prompts are imported as person or import, not as %', quote_literal(p_origin) using errcode = 'AL005';
  end if;
  if btrim(p_text) = '' then
    raise exception 'a prompt of kind % has no text', p_kind using errcode = 'AL005', hint = 'write the instruction into the file';
  end if;
  if p_document_type <> '' and not exists (select from alfrd.document_types d where d.name = p_document_type) then
    raise exception '% is not a known document type', quote_literal(p_document_type)
      using errcode = 'AL003', hint = 'insert it into alfrd.document_types first';
  end if;
  if not exists (select from alfrd.prompts p where p.kind = p_kind) then
    raise exception 'there is no kind of prompt %', quote_literal(p_kind)
      using errcode = 'AL004', hint = 'kinds: ' || (select string_agg(distinct p.kind, ', ') from alfrd.prompts p);
  end if;
  perform alfrd.lock_family(p_kind, p_document_type);
  existed := true;
  select p.id, p.version into id, version from alfrd.prompts p
   where p.kind = p_kind and p.document_type = p_document_type
     and p.text_hash = encode(sha256(convert_to(p_text, 'UTF8')), 'hex');
  if found then
    return;
  end if;
  existed := false;
  insert into alfrd.prompts (kind, document_type, version, text, origin, parent, can_evolve, score_ceiling, max_words, note,
                             is_active)
  select p_kind, p_document_type, coalesce(max(p.version), 0) + 1, p_text, p_origin,
         min(p.id) filter (where p.is_active), p_can_evolve and p_kind in (select k.kind from alfrd.prompt_kinds k),
         p_ceiling, p_max_words, p_note, count(*) = 0
    from alfrd.prompts p where p.kind = p_kind and p.document_type = p_document_type
  returning prompts.id, prompts.version into id, version;
end $$;

-- alfrd.begin_trial: claim the right to try. One of many workers gets it.
--
-- The documents of the trial are fixed here: six of the train side, half of them the worst, and those held back, the
-- newest first. newest_key says which ones come later.
create or replace function alfrd.begin_trial(p_family uuid, p_champion bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_trial bigint;
  v_worst uuid[];
begin
  perform alfrd.lock_family(f.kind, f.document_type) from alfrd.prompt_families f where f.id = p_family;
  if not exists (select from alfrd.prompts p join alfrd.prompt_families f using (kind, document_type)
                  where p.id = p_champion and p.is_active and f.id = p_family)
     or exists (select from alfrd.trials t where t.family_id = p_family and t.ending = '') then
    return null;
  end if;
  v_worst := array(select k.document_id from alfrd.keyed(p_family) as k
                     join alfrd.evaluations e on e.document_id = k.document_id and e.prompt_id = p_champion
                    where k.split = 'train' and e.score is not null order by e.score, k.number limit 3);
  insert into alfrd.trials (family_id, champion_id, screening, testing, newest_key)
  select p_family, p_champion,
         v_worst || array(select k.document_id from alfrd.keyed(p_family) as k
                           where k.split = 'train' and k.document_id <> all (v_worst)
                           order by k.number desc limit 6 - cardinality(v_worst)),
         array(select k.document_id from alfrd.keyed(p_family) as k where k.split = 'held_back'
                order by k.number desc limit (select n.most_pairs from alfrd.prompt_kinds n join alfrd.prompt_families f using (kind)
                                               where f.id = p_family)),
         coalesce((select max(k.number) from alfrd.keyed(p_family) as k), 0)
  returning trials.id into v_trial;
  update alfrd.prompt_families f set last_trial_key = t.newest_key from alfrd.trials t
   where f.id = p_family and t.id = v_trial;
  return v_trial;
end $$;

-- alfrd.add_candidates: from reflecting to screening, with what was thought of as new versions.
-- p_texts: [{text, parent, note}]; a text that the family knows already is left out.
create or replace function alfrd.add_candidates(p_trial bigint, p_texts jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_champion alfrd.prompts;
  v_text     record;
  v_id       bigint;
  v_ids      bigint[] := '{}';
begin
  perform alfrd.lock_family_of_trial(p_trial);
  select p.* into v_champion from alfrd.trials t join alfrd.prompts p on p.id = t.champion_id
   where t.id = p_trial and t.ending = '' and t.phase = 'reflecting' for update of t;
  if not found then
    return false;
  end if;
  if jsonb_typeof(p_texts) is distinct from 'array' or exists (
       select from jsonb_array_elements(p_texts) as t
        where t ->> 'text' is null or t ->> 'text' = ''
           or t ->> 'parent' is not null and not exists (select from alfrd.prompts where id = (t ->> 'parent')::bigint)) then
    raise exception 'trial %: a candidate has no text, or a parent that does not exist', p_trial
      using errcode = 'AL005', hint = 'candidates are an array of {text, parent, note}';
  end if;
  for v_text in select * from jsonb_to_recordset(p_texts) as t(text text, parent bigint, note text) loop
    insert into alfrd.prompts (kind, document_type, version, text, origin, parent, can_evolve, score_ceiling, max_words, note,
                               created_by)
    select v_champion.kind, v_champion.document_type,
           (select max(version) + 1 from alfrd.prompts
             where kind = v_champion.kind and document_type = v_champion.document_type),
           v_text.text, 'evolution', v_text.parent, v_champion.can_evolve, v_champion.score_ceiling, v_champion.max_words,
           coalesce(v_text.note, ''), 'trial ' || p_trial
        on conflict (kind, document_type, text_hash) do nothing
    returning id into v_id;
    if found then
      v_ids := v_ids || v_id;
    end if;
  end loop;
  update alfrd.trials set phase = 'screening', candidates = v_ids where id = p_trial;
  return true;
end $$;

create or replace function alfrd.move_trial(p_trial bigint, p_from text, p_to text, p_challenger bigint, p_note text)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.trials
     set phase = p_to, challenger_id = coalesce(p_challenger, challenger_id), note = p_note
   where id = p_trial and phase = p_from and ending = '' and p_to <> 'shadow'
     and (p_challenger is null or p_challenger = any (candidates));
  return found;
end $$;

-- Close a trial. What brought nothing makes the family wait, twice as long each time.
create or replace function alfrd.end_trial(p_trial bigint, p_from text, p_ending text, p_note text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_family uuid;
begin
  update alfrd.trials set ending = p_ending, ended_at = alfrd.now(), note = p_note
   where id = p_trial and phase = p_from and ending = '' and p_ending <> ''
  returning family_id into v_family;
  if not found then
    return false;
  end if;
  if p_ending not in ('confirmed', 'superseded') then
    update alfrd.prompt_families
       set failures = failures + 1,
           cooldown_until = alfrd.now() + least(interval '6 hours' * 2 ^ least(failures, 20), interval '30 days')
     where id = v_family;
  end if;
  return true;
end $$;

-- The challenger of a trial becomes the active version, if the champion is it still; then both run side by side for a while.
create or replace function alfrd.promote_challenger(p_trial bigint, p_from text, p_note text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_trial alfrd.trials;
begin
  perform alfrd.lock_family_of_trial(p_trial);
  select * into v_trial from alfrd.trials
   where id = p_trial and phase = p_from and ending = '' and p_from in ('testing', 'suggested') for update;
  if not found or v_trial.challenger_id is null then
    return false;
  end if;
  if not alfrd.switch_prompt(v_trial.champion_id, v_trial.challenger_id, format('trial %s: %s', p_trial, p_note)) then
    update alfrd.trials set ending = 'superseded', ended_at = alfrd.now(), note = 'its champion is not active any more'
     where id = p_trial;
    return false;
  end if;
  update alfrd.trials set phase = 'shadow', promoted_at = alfrd.now(), note = p_note where id = p_trial;
  update alfrd.prompt_families set failures = 0 where id = v_trial.family_id;
  return true;
end $$;

-- The champion comes back, if the challenger is active still.
create or replace function alfrd.roll_back_challenger(p_trial bigint, p_note text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_trial alfrd.trials;
begin
  perform alfrd.lock_family_of_trial(p_trial);
  select * into v_trial from alfrd.trials where id = p_trial and phase = 'shadow' and ending = '' for update;
  if not found then
    return false;
  end if;
  if not alfrd.switch_prompt(v_trial.challenger_id, v_trial.champion_id, format('rollback of trial %s: %s', p_trial, p_note)) then
    update alfrd.trials set ending = 'superseded', ended_at = alfrd.now(), note = 'its challenger is not active any more'
     where id = p_trial;
    return false;
  end if;
  return alfrd.end_trial(p_trial, 'shadow', 'rolled_back', p_note);
end $$;

-- alfrd.replay_prompt: what a version made that is not active any more is made again, by the one that is. Everything else
-- stays, corrections stay, and what follows from the results is done again. Returns a row for each document.
create or replace function alfrd.replay_prompt(p_prompt bigint, p_dry_run boolean default false)
returns table (id uuid, status text, step text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_prompt alfrd.prompts;
  v_step   text;
begin
  select * into v_prompt from alfrd.prompts p where p.id = p_prompt;
  if not found then
    raise exception 'no prompt %', p_prompt using errcode = 'AL004';
  end if;
  if v_prompt.is_active then
    raise exception 'V% of % is the active version: nothing supersedes it', v_prompt.version, v_prompt.kind
      using errcode = 'AL006', hint = 'activate another version first';
  end if;
  v_step := case v_prompt.kind when 'classifier' then 'classify' when 'summarizer' then 'summarize'
                               when 'series_detector' then 'file' when 'series_extractor' then 'extract' end;
  if v_step is null then
    raise exception 'what a % made is not made again by documents', v_prompt.kind using errcode = 'AL006',
      hint = 'scores and file summaries are made anew when their documents or files change';
  end if;
  return query
    select d.id, r.status, v_step from alfrd.documents d
      join alfrd.routes r on r.subject_type = 'document' and r.step = v_step
     where (d.made_by -> v_step ->> 'prompt')::bigint = p_prompt and d.status not in ('failed', 'cancelled', 'pending')
     order by d.id;
  if not p_dry_run then
    update alfrd.documents d set status = r.status
      from alfrd.routes r
     where r.subject_type = 'document' and r.step = v_step
       and (d.made_by -> v_step ->> 'prompt')::bigint = p_prompt and d.status not in ('failed', 'cancelled', 'pending');
  end if;
end $$;
