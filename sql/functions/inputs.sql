-- What claimed tasks are given with their claim, so that a worker need not ask for it again.
--
-- alfrd.document_inputs       what a worker is told of a document
-- alfrd.inputs_of             documents, small parts and series
-- alfrd.columns_of_documents  documents, a list for each column
-- alfrd.parts_of              what there is to read of documents
-- alfrd.new_edition           counts the changes of what a worker keeps in memory
-- alfrd.note_standing         keeps what exchanges look up, in one row; for its triggers, alfrd.note_rules
--
-- Everything in lists, one for each column: an object for each row takes four times as long to make. Of a few documents it is the
-- other way round: beginning 25 lists takes longer than they do.
--
-- In exchanges it stays text until the tasks are in hand: what a program cannot decode fails its document, and not the worker.
--
-- Called: by alfrd.exchange; by a worker for what did not come with a claim, and where something in it could not be understood.

create or replace view alfrd.document_inputs with (security_invoker = true) as
  select id, filename, status, created_at, owner, tags, metadata, page_count, document_type, classification_confidence,
         classification_reasoning, summary, entity, document_date, due_date, total_amount::text as total_amount, currency, account_number,
         period_start, period_end, structured_data, series_id, series_data, made_by, generation
    from alfrd.documents;

create or replace function alfrd.columns_of_documents(p_ids uuid[]) returns table (columns json)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select json_build_object(
           'id', json_agg(id), 'filename', json_agg(filename), 'status', json_agg(status), 'created_at', json_agg(created_at),
           'owner', json_agg(owner), 'tags', json_agg(tags), 'metadata', json_agg(metadata), 'page_count', json_agg(page_count),
           'document_type', json_agg(document_type), 'classification_confidence', json_agg(classification_confidence),
           'classification_reasoning', json_agg(classification_reasoning), 'summary', json_agg(summary),
           'entity', json_agg(entity), 'document_date', json_agg(document_date), 'due_date', json_agg(due_date),
           'total_amount', json_agg(total_amount), 'currency', json_agg(currency),
           'account_number', json_agg(account_number), 'period_start', json_agg(period_start),
           'period_end', json_agg(period_end), 'structured_data', json_agg(structured_data),
           'series_id', json_agg(series_id), 'series_data', json_agg(series_data), 'made_by', json_agg(made_by),
           'generation', json_agg(generation))
    from alfrd.document_inputs where id = any (p_ids);
$$;

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

-- p_documents: all of them;   p_read: those of which the parts are wanted;   p_extracted: those of which the series is
-- p_to_file:   whether some are to be filed: then series_state tells when series that the worker keeps have changed
create or replace function alfrd.inputs_of(p_documents uuid[], p_read uuid[], p_extracted uuid[], p_to_file boolean) returns json
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  c_small   constant bigint := 32768;   -- what is larger is fetched as bytes, not as text in JSON
  c_few     constant integer := 8;      -- so many rows are made faster than the lists are begun
  v_few     json;
  v_parts   json;
  v_series  json;
  v_state   text;
  v_as_read boolean;
begin
  if p_to_file then
    -- A new version of a row has another xmin, whoever commits when.
    select count(*) || ':' || coalesce(sum(xmin::text::bigint), 0) into v_state from alfrd.series;
  end if;
  if p_read is not null then
    select json_build_object(
             'document_id', json_agg(document_id), 'number', json_agg(number), 'filename', json_agg(filename),
             'content', json_agg(encode(content, 'hex')), 'uri', json_agg(uri), 'saved', json_agg(saved)),
           -- A trigger of the user's, one that blackens names, say, may store other text than was read.
           not exists (select from pg_trigger where tgrelid = 'alfrd.pages'::regclass and not tgisinternal)
      into v_parts, v_as_read from alfrd.parts_of(p_read, c_small);
  end if;
  if p_extracted is not null then
    select json_build_object(
             'id', json_agg(id), 'entity', json_agg(entity), 'kind', json_agg(kind), 'frequency', json_agg(frequency),
             'slug', json_agg(slug), 'title', json_agg(title), 'fields', json_agg(fields), 'owner', json_agg(owner))
      into v_series
      from alfrd.series where id = any (array(select series_id from alfrd.documents where id = any (p_extracted)));
  end if;
  if coalesce(cardinality(p_documents), 0) <= c_few then
    select coalesce(json_agg(d), '[]') into v_few from alfrd.document_inputs d where id = any (p_documents);
    return json_build_object('documents', v_few, 'parts', v_parts, 'series', v_series,
                             'edition', (select number from alfrd.edition), 'series_state', v_state, 'pages_as_read', v_as_read);
  end if;
  return (
    select json_build_object('documents', documents.columns, 'parts', v_parts, 'series', v_series,
                             'edition', (select number from alfrd.edition), 'series_state', v_state, 'pages_as_read', v_as_read)
      from alfrd.columns_of_documents(p_documents) as documents);
end $$;

-- The same; null where it is too large for one value, and the worker asks for it bit by bit.
create or replace function alfrd.inputs_within_limits(p_documents uuid[], p_read uuid[], p_extracted uuid[], p_to_file boolean)
returns json
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return alfrd.inputs_of(p_documents, p_read, p_extracted, p_to_file);
exception
  when program_limit_exceeded or out_of_memory then
    return null;
end $$;

-- Whoever reads the number first and then what it counts has what the number says, or something newer.
create or replace function alfrd.new_edition() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.edition set number = number + 1;
  return null;
end $$;

-- What exchanges look up of routes, transitions, limits and pauses.
create or replace function alfrd.note_standing() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_is_new boolean;
begin
  insert into alfrd.standing default values on conflict do nothing returning true into v_is_new;
  perform from alfrd.standing for update;   -- and what was committed while waiting for it is seen by the next statement
  update alfrd.standing set
    paused = array(select step from alfrd.pauses),
    limited = array(select step from alfrd.limits where step <> ''),
    later = array(select distinct after.step from alfrd.routes before
                    join alfrd.routes after on after.entity = before.entity and after.status = before.next_status),
    side = array(select distinct step from alfrd.routes where next_status = ''),
    leaving = array(select step from alfrd.routes where entity = 'document' and status = 'completed' and next_status <> ''),
    illegal = array(select r.step || ' ' || r.next_status from alfrd.routes r
                      left join alfrd.transitions t on t.entity = r.entity and t.from_status = r.status and t.to_status = r.next_status
                     where r.entity = 'document' and r.next_status <> '' and t.entity is null);
  if v_is_new then
    -- Not by the clock alone: the server's may be behind that of the one that it follows.
    update alfrd.standing set since = greatest(since, (select max(greatest(created_at, claimed_at)) from alfrd.tasks)
                                                      + interval '1 microsecond');
  end if;
end $$;

create or replace function alfrd.note_rules() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.note_standing();
  return null;
end $$;

create or replace trigger prompts_edition after insert or update or delete or truncate on alfrd.prompts
  for each statement execute function alfrd.new_edition();
create or replace trigger document_types_edition after insert or update or delete or truncate on alfrd.document_types
  for each statement execute function alfrd.new_edition();
create or replace trigger routes_noted after insert or update or delete or truncate on alfrd.routes
  for each statement execute function alfrd.note_rules();
create or replace trigger transitions_noted after insert or update or delete or truncate on alfrd.transitions
  for each statement execute function alfrd.note_rules();
-- Not at each update: the limits of providers are written at each call.
create or replace trigger limits_noted after insert or update of step, max_running or delete or truncate on alfrd.limits
  for each statement execute function alfrd.note_rules();
create or replace trigger pauses_noted after insert or update or delete or truncate on alfrd.pauses
  for each statement execute function alfrd.note_rules();
-- The triggers are younger than the first rows: let one of them look.
update alfrd.routes set step = step where false;
