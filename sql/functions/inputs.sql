-- What claimed tasks receive with their claim, so that a worker need not ask for it again.
--
-- alfrd.inputs_of      of running tasks: documents, small parts and series
-- alfrd.document_rows  what a worker reads of documents
-- alfrd.parts_of       what there is to read of documents
--
-- Rows are arrays, without the names of their columns: objects take 1.4 times as long to make, and twice as long to read.
--
-- In exchanges it stays text until the tasks are in hand: what a program cannot decode fails its document, and not the worker.
--
-- Called: by alfrd.exchange; by a worker for what did not come with a claim, and where something in it could not be understood.

-- In plpgsql, which keeps its plan: before PostgreSQL 18, a function in SQL makes it anew in each transaction.
create or replace function alfrd.document_rows(p_ids uuid[]) returns json
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select json_agg(json_build_array(
           id, filename, status, created_at, owner, tags, metadata, page_count, document_type, classification_confidence,
           classification_reasoning, summary, entity, document_date, due_date, total_amount::text, currency, account_number,
           period_start, period_end, structured_data, series_id, series_data, made_by, corrected, generation))
            from alfrd.documents where id = any (p_ids));
end $$;

-- A document that carries content or a uri itself is its own first and only part. Those with more bytes in all are left out.
-- saved: numbers of the pages that an earlier attempt has read.
create or replace function alfrd.parts_of(p_documents uuid[], p_bytes_at_most bigint)
returns table (document_id uuid, number integer, filename text, content bytea, uri text, saved integer[])
language sql stable set search_path = pg_catalog, pg_temp as $$
  select d.id, coalesce(p.number, 1), coalesce(p.filename, d.filename), coalesce(p.content, d.content), coalesce(p.uri, d.uri),
         array(select page.number from alfrd.pages page where page.document_id = d.id)
    from alfrd.documents d
    left join alfrd.document_parts p on p.document_id = d.id and d.content is null and d.uri = ''
   where d.id = any (p_documents)
     and (p.number is not null or d.content is not null or d.uri <> '')
     and greatest(octet_length(d.content), (select sum(octet_length(part.content)) from alfrd.document_parts part
                                             where part.document_id = d.id), 0) <= p_bytes_at_most
   order by 1, 2;
$$;

-- What running tasks receive, as their routes need it: parts, what there is to read; series, the one that the document is in;
-- series_versions, so that the worker sees when series that it keeps have changed.
create or replace function alfrd.inputs_of(p_tasks bigint[]) returns json
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  c_small     constant bigint := 32768;   -- what is larger is fetched as bytes, not as text in JSON
  v_documents uuid[];
  v_read      uuid[];
  v_extracted uuid[];
  v_filed     uuid[];
  v_parts     json;
  v_series    json;
  v_versions  json;
  v_as_read   boolean := false;
begin
  select array_agg(t.subject_id) filter (where t.subject_type = 'document'),
         array_agg(t.subject_id) filter (where 'parts' = any (r.needs)),
         array_agg(t.subject_id) filter (where 'series' = any (r.needs)),
         array_agg(t.subject_id) filter (where 'series_versions' = any (r.needs))
    into v_documents, v_read, v_extracted, v_filed
    from alfrd.tasks t
    left join alfrd.routes r on r.subject_type = t.subject_type and r.status = t.status and r.step = t.step
   where t.id = any (p_tasks);
  if v_read is not null then
    select json_agg(json_build_array(document_id, number, filename, encode(content, 'hex'), uri, saved))
      into v_parts from alfrd.parts_of(v_read, c_small);
    -- A trigger of the user's, one that blackens names, say, may store other text than was read.
    v_as_read := not exists (select from pg_trigger where tgrelid = 'alfrd.pages'::regclass and not tgisinternal);
  end if;
  if v_extracted is not null then
    select json_agg(json_build_array(id, entity, kind, frequency, slug, title, fields, owner, (
             select json_agg(json_build_array(name, type, former_names, version) order by position)
               from alfrd.series_fields where series_id = series.id)))
      into v_series
      from alfrd.series where id = any (array(select series_id from alfrd.documents where id = any (v_extracted)));
  end if;
  if v_filed is not null then
    select coalesce(json_object_agg(owner, coalesce(number, 0)), '{}') into v_versions
      from (select distinct owner from alfrd.documents where id = any (v_filed)) as owners left join alfrd.series_versions using (owner);
  end if;
  return json_build_object(
    'documents', alfrd.document_rows(v_documents), 'parts', v_parts, 'series', v_series, 'series_versions', v_versions,
    'reference_version', (select number from alfrd.reference_version), 'pages_as_read', v_as_read);
end $$;

-- The same; null where it is too large for one value, and the worker asks for it bit by bit.
create or replace function alfrd.inputs_within_limits(p_tasks bigint[]) returns json
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return alfrd.inputs_of(p_tasks);
exception
  when program_limit_exceeded or out_of_memory then
    return null;
end $$;
