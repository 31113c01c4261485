-- Writing the results of steps, many at a time.
--
-- alfrd.record dispatches to a function per step. Each gets the tasks of that step that were done, writes the results and
-- the next status in one UPDATE (that is the event which goes on from there), leaves alone what a person has corrected,
-- and returns the ids of the subjects that it wrote. One that is missing there was deleted, or changed by a person since
-- the task began: the UPDATE itself compares the generation, so that a change which commits meanwhile is seen.
--
-- Called: by alfrd.complete only, after the fence.

-- Those of the tasks whose subject was written: nearly always all of them.
create or replace function alfrd.those_written(p_done alfrd.finished[], p_written uuid[]) returns alfrd.finished[]
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if p_written is null then
    return '{}';
  elsif cardinality(p_written) = cardinality(p_done) then
    return p_done;
  end if;
  return array(select d from unnest(p_done) as d where d.subject_id = any (p_written));
end $$;

create or replace function alfrd.stamp(p_step text, p_made_by text, p_prompt bigint) returns jsonb
  language sql stable parallel safe   -- as what it calls: so it is inlined
  return jsonb_build_object(p_step, jsonb_strip_nulls(jsonb_build_object('by', p_made_by, 'prompt', p_prompt)));

create or replace function alfrd.save_pages(p_document uuid, p_pages jsonb) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into alfrd.pages (document_id, number, part, text, confidence, source, layout)
  select p_document, number, part, text, confidence, source, layout
    from jsonb_to_recordset(p_pages)
         as page(number integer, part integer, text text, confidence real, source text, layout jsonb)
      on conflict (document_id, number) do update
     set part = excluded.part, text = excluded.text, confidence = excluded.confidence, source = excluded.source,
         layout = excluded.layout, read_at = alfrd.now(),
         language = case when pages.text = excluded.text then pages.language end;   -- else it is indexed anew, and not here
$$;

-- Pages are saved while the reading goes on, so that a crash in page 40 does not pay for pages 1-39 again.
-- p_total: how many pages the document has; null where the caller does not know it.
drop function if exists alfrd.save_progress(bigint, bigint, integer, jsonb);
create or replace function alfrd.save_progress(
  p_worker bigint, p_task bigint, p_attempt integer, p_pages jsonb, p_total integer default null
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_document uuid;
begin
  v_document := alfrd.document_of_claim(p_worker, p_task, p_attempt);
  if v_document is not null then
    perform alfrd.save_pages(v_document, p_pages);
    if p_total > 0 then
      perform alfrd.tell_progress(v_document, p_task, p_attempt, p_total);
    end if;
  end if;
  return v_document is not null;
end $$;

-- alfrd.tell_progress: write down how far a reading is, and tell the feed; at most once a second.
create or replace function alfrd.tell_progress(p_document uuid, p_task bigint, p_attempt integer, p_total integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now  timestamptz := alfrd.now();
  v_read integer;
begin
  if exists (select from alfrd.readings where document_id = p_document and task_id = p_task and attempt = p_attempt
                and updated_at > v_now - interval '1 second' and updated_at <= v_now) then
    return;
  end if;
  select least(count(*), p_total) into v_read from alfrd.pages where document_id = p_document;
  insert into alfrd.readings as r
         (document_id, task_id, attempt, pages_before, pages_read, pages_total, started_at, updated_at)
  values (p_document, p_task, p_attempt, v_read, v_read, p_total, v_now, v_now)
      on conflict (document_id) do update
     set task_id = p_task, attempt = p_attempt, pages_read = v_read, pages_total = p_total, updated_at = v_now,
         pages_before = case when r.task_id = p_task and r.attempt = p_attempt then r.pages_before else v_read end,
         started_at = case when r.task_id = p_task and r.attempt = p_attempt then r.started_at else v_now end;
  if current_setting('alfrd.status_feed', true) is distinct from 'off' and alfrd.may_notify() then
    perform pg_notify('alfrd_status', json_build_object('subject_type', 'document', 'id', p_document,
      'progress', json_build_object('page', v_read, 'of', p_total))::text);
  end if;
end $$;

-- Each of these is one statement, as far as it can be: beginning a statement costs more than a row.
create or replace function alfrd.record_ocr(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_written uuid[];
begin
  with written as (
    update alfrd.documents
       set page_count = (d.result ->> 'page_count')::integer, status = d.next_status, updated_at = v_now,
           made_by = documents.made_by || alfrd.stamp('ocr', d.made_by, null)
      from unnest(p_done) as d
     where documents.id = d.subject_id and documents.generation = d.generation
    returning documents.id, d.result, (d.result ->> 'page_count')::integer as page_count),
  parts as (
    insert into alfrd.document_parts (document_id, number, filename, uri, media_type, page_count, byte_count, sha256)
    select id, part.number, part.filename, part.uri, part.media_type, part.page_count, part.byte_count, part.sha256
      from written
     cross join jsonb_to_recordset(result -> 'parts')
           as part(number integer, filename text, uri text, media_type text, page_count integer, byte_count bigint, sha256 text)
        on conflict (document_id, number) do update
       set media_type = excluded.media_type, page_count = excluded.page_count, byte_count = excluded.byte_count,
           sha256 = excluded.sha256),
  pages as (
    insert into alfrd.pages (document_id, number, part, text, confidence, source, layout, read_at)
    select id, page.number, page.part, page.text, page.confidence, page.source, page.layout, v_now
      from written
     cross join jsonb_to_recordset(result -> 'pages')
           as page(number integer, part integer, text text, confidence real, source text, layout jsonb)
     where page.number <= page_count
        on conflict (document_id, number) do update
       set part = excluded.part, text = excluded.text, confidence = excluded.confidence, source = excluded.source,
           layout = excluded.layout, read_at = excluded.read_at,
           language = case when pages.text = excluded.text then pages.language end),
  -- Pages of an earlier attempt that the document turns out not to have.
  gone as (
    delete from alfrd.pages using written where document_id = written.id and number > written.page_count),
  no_jobs as (
    delete from alfrd.provider_jobs using written where document_id = written.id),
  is_read as (
    delete from alfrd.readings using written where document_id = written.id)
  select array_agg(id) into v_written from written;
  return v_written;
end $$;

create or replace function alfrd.record_classify(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_written uuid[];
  v_evolves boolean;
begin
  -- Their tags are read beside them: a person who is changing them is waited for first, so that the UPDATE sees the change.
  perform from alfrd.documents
    where id in (select subject_id from unnest(p_done)) order by id for no key update;
  with written as (
    update alfrd.documents
       set document_type = case when 'document_type' = any (corrected) then document_type
                                else d.result ->> 'document_type' end,
           classification_confidence = (d.result ->> 'confidence')::real,
           classification_reasoning = d.result ->> 'reasoning',
           -- What the user and the series gave stays; what an earlier classification gave goes.
           tags = alfrd.normal_tags(
             case when documents.tags = '{}' then '{}' else
               array(select tag from alfrd.tags t where t.document_id = documents.id
                      and (t.source = 'user' or starts_with(tag, 'series:'))) end
             || case when 'document_type' = any (corrected) then document_type else d.result ->> 'document_type' end
             || array(select jsonb_array_elements_text(d.result -> 'tags'))),
           status = d.next_status, updated_at = v_now,
           made_by = documents.made_by || alfrd.stamp('classify', d.made_by, d.prompt_id)
      from unnest(p_done) as d
     where documents.id = d.subject_id and documents.generation = d.generation
    returning documents.id, d.prompt_id, d.result),
  suggested as (
    insert into alfrd.type_suggestions (name, document_id, reasoning)
    select result ->> 'suggested_type', id, result ->> 'reasoning'
      from written where result ->> 'suggested_type' <> ''
        on conflict (name, document_id) do update set reasoning = excluded.reasoning)
  select array_agg(id), exists (select from alfrd.prompts p where p.can_evolve and p.kind = 'classifier'
                                   and p.id in (select prompt_id from written))
    into v_written, v_evolves from written;
  if v_evolves then
    perform alfrd.sample_outputs('classifier', alfrd.those_written(p_done, v_written));
  end if;
  return v_written;
end $$;

-- The doubts of an analyst in one sentence, without those about values that a person has set; empty where none is left.
create or replace function alfrd.doubts_left(p_doubts jsonb, p_corrected text[], out reason text, out confidence real)
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select coalesce(upper(left(reasons, 1)) || substr(reasons, 2) || '.', ''), least_sure
    from (select string_agg(doubt ->> 'reason', '; ' order by place) as reasons, min((doubt ->> 'confidence')::real) as least_sure
            from jsonb_array_elements(p_doubts) with ordinality as one(doubt, place)
           where doubt ->> 'field' <> all (p_corrected)) as left_over;
$$;

create or replace function alfrd.record_summarize(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_written uuid[];
  v_evolves boolean;
begin
  with written as (
    update alfrd.documents
       set summary = case when 'summary' = any (corrected) then documents.summary
                          when corrected = '{}' then r.summary
                          -- Rules know what was corrected. What another analyst says is brought in line with it.
                          else alfrd.restated(r.summary, d.result, jsonb_build_object(
                            'entity', documents.entity, 'document_date', documents.document_date, 'due_date', documents.due_date,
                            'period_start', documents.period_start, 'period_end', documents.period_end,
                            'total_amount', documents.total_amount, 'account_number', documents.account_number), corrected) end,
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
           (needs_review, review_reason, review_confidence) = (
             select left_over.reason <> '', left_over.reason, left_over.confidence
               from alfrd.doubts_left(case when reviewed_at is null then r.doubts end, corrected) as left_over),
           status = d.next_status, updated_at = v_now,
           made_by = documents.made_by || alfrd.stamp('summarize', d.made_by, d.prompt_id)
      from unnest(p_done) as d
     cross join jsonb_to_record(d.result)
           as r(summary text, entity text, document_date date, due_date date, total_amount numeric, currency text,
                account_number text, period_start date, period_end date, structured_data jsonb, evidence jsonb,
                doubts jsonb)
     where documents.id = d.subject_id and documents.generation = d.generation
    returning documents.id, d.prompt_id)
  select array_agg(id), exists (select from alfrd.prompts p where p.can_evolve and p.kind = 'summarizer'
                                   and p.id in (select prompt_id from written))
    into v_written, v_evolves from written;
  if v_evolves then
    perform alfrd.sample_outputs('summarizer', alfrd.those_written(p_done, v_written));
  end if;
  return v_written;
end $$;

create or replace function alfrd.record_score(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_written uuid[];
begin
  with written as (
    insert into alfrd.scores (document_id, step, score, feedback, checks, improvements, prompt_id, made_by, scored_at)
    select d.subject_id, d.step, (d.result ->> 'score')::real, d.result ->> 'feedback', d.result -> 'checks',
           array(select jsonb_array_elements_text(d.result -> 'improvements')),
           (doc.made_by -> case d.step when 'score_summary' then 'summarize' else 'classify' end ->> 'prompt')::bigint,
           d.made_by, v_now
      from unnest(p_done) as d
      join alfrd.documents doc on doc.id = d.subject_id and doc.generation = d.generation
       for key share of doc   -- it is not deleted before this score can be seen, and deleted with it
    returning document_id)
  select array_agg(document_id) into v_written from written;
  return v_written;
end $$;

create or replace function alfrd.record_extract(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_written uuid[];
  v_growing uuid[];
begin
  with written as (
    update alfrd.documents
       set series_data = alfrd.under_present_names(documents.series_id, d.result -> 'fields'),
           status = d.next_status, error = '', failed_step = '', updated_at = v_now,
           -- Under which version of the series' fields; the first one goes without saying.
           made_by = documents.made_by || case when (d.result ->> 'version')::integer > 1
             then jsonb_build_object('extract', alfrd.stamp('extract', d.made_by, d.prompt_id) -> 'extract'
                                                || jsonb_build_object('fields_version', d.result -> 'version'))
             else alfrd.stamp('extract', d.made_by, d.prompt_id) end
      from unnest(p_done) as d
     where documents.id = d.subject_id and documents.generation = d.generation
    returning documents.id, documents.series_id, documents.series_data),
  to_be_found as (
    insert into alfrd.renamed_documents (document_id) select id from written),
  named as (
    select series_id, array_agg(distinct name) as names
      from written cross join jsonb_object_keys(series_data) as name group by series_id)
  select (select array_agg(id) from written),
         (select array_agg(series_id) from named
           where not names <@ (select fields from alfrd.series where id = named.series_id))
    into v_written, v_growing;
  if v_growing is not null then
    -- New field names go to the end, in one order for all: names are only ever added.
    perform from alfrd.series where id = any (v_growing) order by id for no key update;
    update alfrd.series
       set fields = series.fields || array(
             select distinct name from alfrd.documents d cross join jsonb_object_keys(d.series_data) as name
              where d.id = any (v_written) and d.series_id = series.id and name <> all (series.fields)
                and not exists (select from alfrd.series_fields f where f.series_id = series.id and name = any (f.former_names))
              order by name)
     where id = any (v_growing);
    -- Its view gets their columns with the next look: DDL has no place in an exchange.
    perform alfrd.note_series(id) from unnest(v_growing) as id;
  end if;
  perform alfrd.note_outdated(v_written);
  return v_written;
end $$;

create or replace function alfrd.record_summarize_file(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_written uuid[];
begin
  perform from alfrd.files where id in (select subject_id from unnest(p_done)) order by id for update;
  with written as (
    update alfrd.files
       set summary = d.result ->> 'summary',
           columns = array(select jsonb_array_elements_text(d.result -> 'columns')),
           rows = d.result -> 'rows', statistics = d.result -> 'statistics',
           insights = array(select jsonb_array_elements_text(d.result -> 'insights')),
           member_count = jsonb_array_length(d.result -> 'rows'),
           generated_revision = (d.result ->> 'revision')::bigint, generated_at = v_now,
           status = d.next_status, error = '', updated_at = v_now,
           made_by = files.made_by || alfrd.stamp('summarize_file', d.made_by, d.prompt_id)
      from unnest(p_done) as d
     where files.id = d.subject_id
    returning files.id)
  select array_agg(id) into v_written from written;
  -- A member came, went or changed meanwhile: the summary is written, and known to be old.
  update alfrd.files set status = 'outdated'
   where id = any (v_written) and revision > generated_revision and status = 'generated';
  return v_written;
end $$;

create or replace function alfrd.record_other(p_step text, p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_type    text := p_done[1].subject_type;   -- the same for all
  v_written uuid[];
  v_moved   boolean := exists (select from unnest(p_done) as d where d.next_status <> '');
begin
  if v_type = 'document' then
    if v_moved then
      -- Read before they are written: a person who is changing one is waited for.
      perform from alfrd.documents where id in (select subject_id from unnest(p_done)) order by id for no key update;
    end if;
    select array_agg(d.subject_id) into v_written
      from unnest(p_done) as d join alfrd.documents doc on doc.id = d.subject_id and doc.generation = d.generation;
  else
    select array_agg(d.subject_id) into v_written
      from unnest(p_done) as d join alfrd.files f on f.id = d.subject_id;
  end if;
  insert into alfrd.step_results (subject_type, subject_id, step, result, made_by)
  select d.subject_type, d.subject_id, p_step, coalesce(d.result, '{}'), coalesce(d.made_by, '')
    from unnest(alfrd.those_written(p_done, v_written)) as d
      on conflict (subject_type, subject_id, step) do update
     set result = excluded.result, made_by = excluded.made_by, at = v_now;
  if v_moved and v_type = 'document' then
    update alfrd.documents set status = d.next_status, updated_at = v_now
      from unnest(p_done) as d
     where d.next_status <> '' and documents.id = d.subject_id and documents.generation = d.generation;
  elsif v_moved then
    update alfrd.files set status = d.next_status, updated_at = v_now
      from unnest(p_done) as d
     where d.next_status <> '' and files.id = d.subject_id;
  end if;
  return v_written;
end $$;

create or replace function alfrd.record(p_step text, p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return case p_step
    when 'ocr' then alfrd.record_ocr(p_done)
    when 'classify' then alfrd.record_classify(p_done)
    when 'summarize' then alfrd.record_summarize(p_done)
    when 'score_classification' then alfrd.record_score(p_done)
    when 'score_summary' then alfrd.record_score(p_done)
    when 'file' then alfrd.record_file(p_done)
    when 'extract' then alfrd.record_extract(p_done)
    when 'summarize_file' then alfrd.record_summarize_file(p_done)
    when 'answer_key' then alfrd.record_answer_key(p_done)
    when 'evolve_prompt' then alfrd.record_evolve_prompt(p_done)
    when 'watch_series' then alfrd.record_watch_series(p_done)
    when 'try_lessons' then alfrd.record_try_lessons(p_done)
    else alfrd.record_other(p_step, p_done)
  end;
end $$;
