-- Writing the results of steps, many at a time.
--
-- alfrd.record dispatches to a function per step. Each gets the settled outcomes of that step,
-- [{subject_id, generation, next_status, made_by, prompt_id, result}], writes the result and the next status in one
-- UPDATE (that is the event which goes on from there), and leaves alone what a person has corrected.
--
-- Called: by alfrd.settle only, after the fence.

create or replace function alfrd.stamp(p_step text, p_made_by text, p_prompt bigint) returns jsonb
  language sql immutable parallel safe
  return jsonb_build_object(p_step, jsonb_strip_nulls(jsonb_build_object('by', p_made_by, 'prompt', p_prompt)));

create or replace function alfrd.save_pages(p_document uuid, p_pages jsonb) returns void
language sql as $$
  insert into alfrd.pages (document_id, number, part, text, confidence, source, layout)
  select p_document, number, part, text, confidence, source, layout
    from jsonb_to_recordset(p_pages)
         as page(number integer, part integer, text text, confidence real, source text, layout jsonb)
      on conflict (document_id, number) do update
     set part = excluded.part, text = excluded.text, confidence = excluded.confidence, source = excluded.source,
         layout = excluded.layout, read_at = alfrd.now();
$$;

-- Pages are saved while the reading goes on, so that a crash in page 40 does not pay for pages 1-39 again.
create or replace function alfrd.save_progress(p_worker bigint, p_task bigint, p_attempt integer, p_pages jsonb)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_document uuid;
begin
  perform set_config('alfrd.actor', 'worker', true);
  select t.subject_id into v_document
    from alfrd.tasks t join alfrd.documents d on d.id = t.subject_id and d.generation = t.generation
   where t.id = p_task and t.attempt = p_attempt and t.worker_id = p_worker and t.state = 'running'
     for update of t for no key update of d;
  if found then
    perform alfrd.save_pages(v_document, p_pages);
  end if;
  perform set_config('alfrd.actor', '', true);
  return v_document is not null;
end $$;

create or replace function alfrd.record_ocr(p_done jsonb) returns void
language sql as $$
  insert into alfrd.document_parts
         (document_id, number, filename, uri, media_type, page_count, byte_count, sha256)
  select d.subject_id, part.number, part.filename, part.uri, part.media_type, part.page_count, part.byte_count, part.sha256
    from jsonb_to_recordset(p_done) as d(subject_id uuid, result jsonb)
   cross join jsonb_to_recordset(d.result -> 'parts')
         as part(number integer, filename text, uri text, media_type text, page_count integer, byte_count bigint, sha256 text)
      on conflict (document_id, number) do update
     set media_type = excluded.media_type, page_count = excluded.page_count, byte_count = excluded.byte_count,
         sha256 = excluded.sha256;
  select alfrd.save_pages(d.subject_id, d.result -> 'pages')
    from jsonb_to_recordset(p_done) as d(subject_id uuid, result jsonb)
   where d.result -> 'pages' <> '[]';
  delete from alfrd.pages using jsonb_to_recordset(p_done) as d(subject_id uuid, result jsonb)
   where document_id = d.subject_id and number > (d.result ->> 'page_count')::integer;
  update alfrd.documents
     set page_count = (d.result ->> 'page_count')::integer, status = d.next_status, updated_at = alfrd.now(),
         made_by = documents.made_by || alfrd.stamp('ocr', d.made_by, null)
    from jsonb_to_recordset(p_done) as d(subject_id uuid, generation integer, next_status text, made_by text, result jsonb)
   where documents.id = d.subject_id and documents.generation = d.generation;
$$;

create or replace function alfrd.record_classify(p_done jsonb) returns void
language sql as $$
  insert into alfrd.type_suggestions (name, document_id, reasoning)
  select d.result ->> 'suggested_type', d.subject_id, d.result ->> 'reasoning'
    from jsonb_to_recordset(p_done) as d(subject_id uuid, result jsonb)
   where coalesce(d.result ->> 'suggested_type', '') <> ''
      on conflict (name, document_id) do update set reasoning = excluded.reasoning;
  update alfrd.documents
     set document_type = case when 'document_type' = any (corrected) then document_type
                              else d.result ->> 'document_type' end,
         classification_confidence = (d.result ->> 'confidence')::real,
         classification_reasoning = d.result ->> 'reasoning',
         -- What the user and the series gave stays; what an earlier classification gave goes.
         tags = alfrd.normal_tags(
           array(select tag from alfrd.tags t where t.document_id = documents.id
                  and (t.source = 'user' or starts_with(tag, 'series:')))
           || case when 'document_type' = any (corrected) then document_type else d.result ->> 'document_type' end
           || array(select jsonb_array_elements_text(d.result -> 'tags'))),
         status = d.next_status, updated_at = alfrd.now(),
         made_by = documents.made_by || alfrd.stamp('classify', d.made_by, d.prompt_id)
    from jsonb_to_recordset(p_done)
         as d(subject_id uuid, generation integer, next_status text, made_by text, prompt_id bigint, result jsonb)
   where documents.id = d.subject_id and documents.generation = d.generation;
$$;

create or replace function alfrd.record_summarize(p_done jsonb) returns void
language sql as $$
  update alfrd.documents
     set summary = case when 'summary' = any (corrected) then documents.summary else r.summary end,
         entity = case when 'entity' = any (corrected) then documents.entity else r.entity end,
         document_date = case when 'document_date' = any (corrected) then documents.document_date else r.document_date end,
         due_date = case when 'due_date' = any (corrected) then documents.due_date else r.due_date end,
         total_amount = case when 'total_amount' = any (corrected) then documents.total_amount else r.total_amount end,
         currency = case when 'currency' = any (corrected) then documents.currency else r.currency end,
         account_number = case when 'account_number' = any (corrected) then documents.account_number
                               else r.account_number end,
         period_start = case when 'period_start' = any (corrected) then documents.period_start else r.period_start end,
         period_end = case when 'period_end' = any (corrected) then documents.period_end else r.period_end end,
         structured_data = case when 'structured_data' = any (corrected) then documents.structured_data
                                else r.structured_data end,
         evidence = r.evidence,
         status = d.next_status, updated_at = alfrd.now(),
         made_by = documents.made_by || alfrd.stamp('summarize', d.made_by, d.prompt_id)
    from jsonb_to_recordset(p_done)
         as d(subject_id uuid, generation integer, next_status text, made_by text, prompt_id bigint, result jsonb)
   cross join jsonb_to_record(d.result)
         as r(summary text, entity text, document_date date, due_date date, total_amount numeric, currency text,
              account_number text, period_start date, period_end date, structured_data jsonb, evidence jsonb)
   where documents.id = d.subject_id and documents.generation = d.generation;
$$;

create or replace function alfrd.record_score(p_done jsonb) returns void
language sql as $$
  insert into alfrd.scores (document_id, step, score, feedback, checks, improvements, prompt_id, made_by)
  select d.subject_id, d.step, (d.result ->> 'score')::real, d.result ->> 'feedback', d.result -> 'checks',
         array(select jsonb_array_elements_text(d.result -> 'improvements')),
         (doc.made_by -> case d.step when 'score_summary' then 'summarize' else 'classify' end ->> 'prompt')::bigint,
         d.made_by
    from jsonb_to_recordset(p_done) as d(subject_id uuid, step text, made_by text, result jsonb)
    join alfrd.documents doc on doc.id = d.subject_id;
$$;

-- alfrd.record_file: find or create the series of each document, and the file that shows it.
--
-- Locks: transaction-level advisory locks, one per new series, with keys that the application derives from
--        'alfrd:series:<entity key>:<kind>', taken in order; nothing waits on a provider meanwhile.
create or replace function alfrd.record_file(p_done jsonb) returns void
language plpgsql as $$
declare
  v_new    record;
  v_series uuid;
  v_slug   text;
  v_filed  jsonb := '[]';
begin
  for v_new in
    select d.subject_id, d.result, doc.owner, 'series_id' = any (doc.corrected) as settled, r.*
      from jsonb_to_recordset(p_done) as d(subject_id uuid, result jsonb)
      join alfrd.documents doc on doc.id = d.subject_id
     cross join jsonb_to_record(d.result)
           as r(series_id uuid, entity text, entity_key text, kind text, frequency text, slug text, title text,
                description text, lock_key bigint)
     order by r.lock_key, d.subject_id
  loop
    v_series := null;
    v_slug := null;
    if v_new.entity = '' or v_new.settled then   -- nobody is named on it, or a person has said where it belongs
      v_filed := v_filed || jsonb_build_object('subject_id', v_new.subject_id);
      continue;
    end if;
    if v_new.series_id is not null then
      select id, slug into v_series, v_slug from alfrd.series where id = v_new.series_id and owner = v_new.owner;
    end if;
    if v_series is null then
      perform pg_advisory_xact_lock(v_new.lock_key);
      select id, slug into v_series, v_slug from alfrd.series
       where owner = v_new.owner and entity_key = v_new.entity_key and kind = v_new.kind and frequency = v_new.frequency;
    end if;
    if v_series is null then
      -- Two series may want the same slug (same name, another frequency): the later one gets a number.
      select v_new.slug || case when max(place) is null then '' else '-' || max(place) + 1 end into v_slug
        from (select coalesce(nullif(substring(slug from char_length(v_new.slug) + 2), '')::integer, 1) as place from alfrd.series
               where owner = v_new.owner and slug ~ ('^' || regexp_replace(v_new.slug, '([^a-z0-9])', '\\\1', 'g') || '(-\d{1,4})?$')) as taken;
      insert into alfrd.series (owner, entity, entity_key, kind, frequency, slug, title, description)
      values (v_new.owner, v_new.entity, v_new.entity_key, v_new.kind, v_new.frequency, v_slug, v_new.title,
              v_new.description)
      returning id into v_series;
      insert into alfrd.files (owner, tags, title, series_id)
      values (v_new.owner, array['series:' || v_slug], v_new.title, v_series)
          on conflict (owner, tags) do nothing;
    end if;
    v_filed := v_filed || jsonb_build_object('subject_id', v_new.subject_id, 'series_id', v_series, 'slug', v_slug);
  end loop;

  update alfrd.documents
     set series_id = case when 'series_id' = any (corrected) then documents.series_id else f.series_id end,
         tags = alfrd.normal_tags(array(select tag from unnest(documents.tags) as tag where not starts_with(tag, 'series:'))
           || coalesce('series:' || case when 'series_id' = any (corrected)
                  then (select slug from alfrd.series where id = documents.series_id) else f.slug end, '')),
         status = d.next_status, updated_at = alfrd.now(),
         made_by = documents.made_by || alfrd.stamp('file', d.made_by, d.prompt_id)
    from jsonb_to_recordset(p_done)
         as d(subject_id uuid, generation integer, next_status text, made_by text, prompt_id bigint)
    join jsonb_to_recordset(v_filed) as f(subject_id uuid, series_id uuid, slug text) using (subject_id)
   where documents.id = d.subject_id and documents.generation = d.generation;
end $$;

create or replace function alfrd.record_extract(p_done jsonb) returns void
language sql as $$
  -- New field names go to the end, in one order for all: names are only ever added.
  update alfrd.series
     set fields = series.fields || array(select name from unnest(fresh.names) as name where name <> all (series.fields))
    from (select doc.series_id, array_agg(distinct name order by name) as names
            from jsonb_to_recordset(p_done) as d(subject_id uuid, result jsonb)
            join alfrd.documents doc on doc.id = d.subject_id
            join alfrd.series s on s.id = doc.series_id
           cross join jsonb_object_keys(d.result -> 'fields') as name
           where name <> all (s.fields)
           group by doc.series_id) as fresh
   where series.id = fresh.series_id;
  update alfrd.documents
     set series_data = d.result -> 'fields', status = d.next_status, error = '', failed_step = '',
         updated_at = alfrd.now(),
         made_by = documents.made_by || alfrd.stamp('extract', d.made_by, d.prompt_id)
    from jsonb_to_recordset(p_done)
         as d(subject_id uuid, generation integer, next_status text, made_by text, prompt_id bigint, result jsonb)
   where documents.id = d.subject_id and documents.generation = d.generation;
$$;

create or replace function alfrd.record_summarize_file(p_done jsonb) returns void
language plpgsql as $$
begin
  perform from alfrd.files
    where id in (select (d ->> 'subject_id')::uuid from jsonb_array_elements(p_done) as d) order by id for update;
  update alfrd.files
     set summary = d.result ->> 'summary',
         columns = array(select jsonb_array_elements_text(d.result -> 'columns')),
         rows = d.result -> 'rows', statistics = d.result -> 'statistics',
         insights = array(select jsonb_array_elements_text(d.result -> 'insights')),
         member_count = jsonb_array_length(d.result -> 'rows'),
         generated_revision = (d.result ->> 'revision')::bigint, generated_at = alfrd.now(),
         status = d.next_status, error = '', updated_at = alfrd.now(),
         made_by = files.made_by || alfrd.stamp('summarize_file', d.made_by, d.prompt_id)
    from jsonb_to_recordset(p_done)
         as d(subject_id uuid, next_status text, made_by text, prompt_id bigint, result jsonb)
   where files.id = d.subject_id;
  -- A member came, went or changed meanwhile: the summary is written, and known to be old.
  update alfrd.files set status = 'outdated'
   where id in (select (d ->> 'subject_id')::uuid from jsonb_array_elements(p_done) as d)
     and revision > generated_revision and status = 'generated';
end $$;

create or replace function alfrd.record_other(p_step text, p_done jsonb) returns void
language sql as $$
  insert into alfrd.step_results (entity, subject_id, step, result, made_by)
  select d.entity, d.subject_id, p_step, coalesce(d.result, '{}'), coalesce(d.made_by, '')
    from jsonb_to_recordset(p_done) as d(entity text, subject_id uuid, made_by text, result jsonb)
      on conflict (entity, subject_id, step) do update
     set result = excluded.result, made_by = excluded.made_by, at = alfrd.now();
  update alfrd.documents set status = d.next_status, updated_at = alfrd.now()
    from jsonb_to_recordset(p_done) as d(entity text, subject_id uuid, generation integer, next_status text)
   where d.entity = 'document' and d.next_status <> ''
     and documents.id = d.subject_id and documents.generation = d.generation;
  update alfrd.files set status = d.next_status, updated_at = alfrd.now()
    from jsonb_to_recordset(p_done) as d(entity text, subject_id uuid, next_status text)
   where d.entity = 'file' and d.next_status <> '' and files.id = d.subject_id;
$$;

create or replace function alfrd.record(p_step text, p_done jsonb) returns void
language plpgsql as $$
begin
  case p_step
    when 'ocr' then perform alfrd.record_ocr(p_done);
    when 'classify' then perform alfrd.record_classify(p_done);
    when 'summarize' then perform alfrd.record_summarize(p_done);
    when 'score_classification', 'score_summary' then perform alfrd.record_score(p_done);
    when 'file' then perform alfrd.record_file(p_done);
    when 'extract' then perform alfrd.record_extract(p_done);
    when 'summarize_file' then perform alfrd.record_summarize_file(p_done);
    else perform alfrd.record_other(p_step, p_done);
  end case;
end $$;
