-- Into which series a document is filed: by its account, an alias, its name; else into a new one.
--
-- alfrd.known_series    the series that a document names, if there is one
-- alfrd.new_series      finds or makes it
-- alfrd.file_first_documents   files those that came before the one that made their series
-- alfrd.record_file     writes the results of step file
--
-- Called: by alfrd.record (sql/functions/record.sql).

-- One transaction after the other, of those that name the same: by an advisory lock until they end. Any login may hold such a lock, for as
-- long as it likes. So it is waited for a moment only, and then done without.
create or replace function alfrd.await_turn(p_name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '200ms' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_name, 0));
exception
  when lock_not_available then
    null;
end $$;

-- Whether two keys of names differ by one character at most, as by a slip of a reader; numbers in them must be equal, and short ones are
-- never alike.
create or replace function alfrd.is_slip(p_one text, p_other text) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  c_shortest constant integer := 8;
  v_one   integer := char_length(p_one);
  v_other integer := char_length(p_other);
  v_same  integer := 0;
begin
  if least(v_one, v_other) < c_shortest or abs(v_one - v_other) > 1
     or regexp_replace(p_one, '\D', '', 'g') <> regexp_replace(p_other, '\D', '', 'g') then
    return false;
  end if;
  while v_same < least(v_one, v_other) and substr(p_one, v_same + 1, 1) = substr(p_other, v_same + 1, 1) loop
    v_same := v_same + 1;
  end loop;
  -- What follows the first difference: replaced, left out of the one, or of the other.
  return substr(p_one, v_same + 2) = substr(p_other, v_same + 2)
      or substr(p_one, v_same + 2) = substr(p_other, v_same + 1)
      or substr(p_one, v_same + 1) = substr(p_other, v_same + 2);
end $$;

-- alfrd.known_series: the series that a document names, if there is one: of its account, else of an alias, else of its name.
--
-- A sender with two accounts has two series. A document without an account goes to the series that has none, else to the only one.
-- A set of one, without a SET: so it is inlined where it is called for each row.
drop function if exists alfrd.known_series(text, text, text, text, text);
create function alfrd.known_series(
  p_owner text, p_entity_key text, p_kind text, p_frequency text, p_account text
) returns setof uuid
language sql stable rows 1
begin atomic
  select coalesce(
    (select id from alfrd.series
      where p_account <> '' and account = p_account and kind = p_kind and owner is not distinct from p_owner),
    (select a.series_id from alfrd.series_aliases a
      where p_account <> '' and a.account = p_account and a.kind = p_kind and a.owner is not distinct from p_owner limit 1),
    (select a.series_id from alfrd.series_aliases a join alfrd.series s on s.id = a.series_id
      where a.entity_key = p_entity_key and a.kind = p_kind and a.owner is not distinct from p_owner
        and (p_account = '' or a.account = '' and s.account in ('', p_account))
      order by a.account limit 1),
    (select id from alfrd.series
      where entity_key = p_entity_key and kind = p_kind and frequency = p_frequency and account = '' and p_account = ''
        and owner is not distinct from p_owner),
    -- min() of ids: there is one
    (select (array_agg(id))[1] from alfrd.series
      where entity_key = p_entity_key and kind = p_kind and frequency = p_frequency and p_account = ''
        and owner is not distinct from p_owner
     having count(*) = 1));
end;

-- alfrd.new_series: find or create the series that a document names, and the file that shows it.
--
-- p_analysts: the series that the analyst has named, or null. It, or a series of this name, takes on the account if it knows none.
-- p_needs:    how many documents make a series. Until there are so many, p_documents wait in alfrd.first_documents, and it returns null.
-- A name that differs by a reader's slip from one that came meanwhile is that one.
--
-- Locks: the turn of the account, or of the kind, so that those who name it at once find what the first one has made. Without it the
--        unique keys would refuse the second one, and its exchange would be done again.
drop function if exists alfrd.new_series(text, text, text, text, text, text, text, text, text, uuid);
create or replace function alfrd.new_series(
  p_owner text, p_entity text, p_entity_key text, p_kind text, p_frequency text, p_slug text,
  p_title text, p_description text, p_account text default '', p_analysts uuid default null,
  p_needs integer default 1, p_documents uuid[] default '{}'
) returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_series uuid;
  v_slug   text;
  v_digits text    := regexp_replace(p_entity, '\D', '', 'g');
  v_rest   integer := char_length(p_entity_key) - 1;
begin
  perform alfrd.await_turn(format('alfrd:series:%s:%s:%s', p_owner, p_kind, p_account));
  select known into v_series from alfrd.known_series(p_owner, p_entity_key, p_kind, p_frequency, p_account) as known;
  if v_series is null and p_account <> '' then
    update alfrd.series set account = p_account
     where id = coalesce(
             (select id from alfrd.series where id = p_analysts and kind = p_kind and account = '' and owner = p_owner),
             (select id from alfrd.series where entity_key = p_entity_key and kind = p_kind and frequency = p_frequency
                 and account = '' and owner = p_owner))
       and account = ''   -- another transaction may have given it one meanwhile
    returning id into v_series;
  end if;
  if v_series is null then
    select id into v_series from alfrd.series
     where owner = p_owner and kind = p_kind and frequency = p_frequency and account = p_account
       -- Two that differ by one character have one half in common: of thousands few are left to be compared.
       and char_length(entity_key) between v_rest and v_rest + 2
       and (left(entity_key, v_rest / 2) = left(p_entity_key, v_rest / 2)
            or right(entity_key, v_rest - v_rest / 2) = right(p_entity_key, v_rest - v_rest / 2))
       -- A number is no slip: neither as a word, nor within one.
       and regexp_replace(entity, '\D', '', 'g') = v_digits
       and alfrd.is_slip(entity_key, p_entity_key)
     order by created_at, id limit 1;
  end if;
  if v_series is not null then
    return v_series;
  end if;
  if p_needs > cardinality(p_documents) + (
       select count(*) from alfrd.first_documents f join alfrd.documents d on d.id = f.document_id
        where f.entity_key = p_entity_key and f.kind = p_kind and f.owner = p_owner and f.document_id <> all (p_documents)
          and d.series_id is null and d.status not in ('failed', 'cancelled')) then
    insert into alfrd.first_documents (document_id, owner, entity_key, kind)
    select id, p_owner, p_entity_key, p_kind from unnest(p_documents) as id order by id
        on conflict (document_id) do update
       set owner = excluded.owner, entity_key = excluded.entity_key, kind = excluded.kind;
    return null;
  end if;
  -- Two series may want the same slug (same name, another account or frequency): the later one gets a number.
  select p_slug || case when max(place) is null then '' else '-' || max(place) + 1 end into v_slug
    from (select coalesce(nullif(substring(slug from char_length(p_slug) + 2), '')::integer, 1) as place from alfrd.series
           where owner = p_owner and starts_with(slug, p_slug) and substr(slug, char_length(p_slug) + 1) ~ '^(-\d{1,4})?$') as taken;
  insert into alfrd.series (owner, entity, entity_key, kind, frequency, slug, title, description, account)
  values (p_owner, p_entity, p_entity_key, p_kind, p_frequency, v_slug, p_title, p_description, p_account)
  returning id into v_series;
  insert into alfrd.files (owner, tags, title, series_id)
  values (p_owner, array['series:' || v_slug], p_title, v_series)
      on conflict (owner, tags) do nothing;
  return v_series;
end $$;

-- alfrd.file_first_documents: those that have waited for a series that there is by now are filed again, as if a person had sent them back.
create or replace function alfrd.file_first_documents(p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_waiting uuid[];
begin
  with found as (
    delete from alfrd.first_documents f using alfrd.series s
     where s.id = p_series and f.entity_key = s.entity_key and f.kind = s.kind and f.owner = s.owner
    returning f.document_id)
  select array_agg(document_id) into v_waiting from found;
  if v_waiting is not null then
    perform from alfrd.documents where id = any (v_waiting) order by id for no key update;
    update alfrd.documents set status = 'summarized'
     where id = any (v_waiting) and series_id is null and status in ('filed', 'completed');
  end if;
end $$;

-- Those of the documents whose series is known by now, or that name none, or that wait for more of their kind.
--
-- p_made: series that were found or made for some of them: {document: series, or null if it waits}
create or replace function alfrd.file_in_series(p_done alfrd.finished[], p_made jsonb default '{}') returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now     timestamptz := alfrd.now();
  v_written uuid[];
begin
  -- Looked up row by row, each by its key: a join would read all series. "is not distinct from" and not "=", or without
  -- statistics the planner may take the index that begins with the owner, who is the same for all of them.
  with named as materialized (
    select d.subject_id, d.generation, d.next_status, d.made_by, d.prompt_id,
           r.entity <> '' and 'series_id' <> all (doc.corrected) as names_one,
           case
             when 'series_id' = any (doc.corrected) then doc.series_id   -- a person has said where it belongs,
             when r.entity <> '' then coalesce(
               (p_made ->> d.subject_id::text)::uuid,
               (select known.id from alfrd.series known                  -- or the analyst knew the series,
                 where known.id = r.series_id and known.owner is not distinct from doc.owner
                   and coalesce(r.account, '') in ('', known.account)),  -- which is not of another account,
               (select known
                  from alfrd.known_series(doc.owner, r.entity_key, r.kind, r.frequency, coalesce(r.account, '')) as known)) end as series_id
      from unnest(p_done) as d
      join alfrd.documents doc on doc.id = d.subject_id
     cross join jsonb_to_record(d.result)
           as r(series_id uuid, entity text, entity_key text, kind text, frequency text, account text)),
  filed as materialized (
    select named.*, (select 'series:' || slug from alfrd.series where id = named.series_id) as tag from named),
  written as (
    update alfrd.documents
       set series_id = filed.series_id,
           -- Normal already, as a slug is: only one is exchanged.
           tags = array(select tag from unnest(documents.tags || filed.tag) as tag
                         where not starts_with(tag, 'series:') or tag = filed.tag
                         group by tag order by tag),
           status = filed.next_status, updated_at = v_now,
           made_by = documents.made_by || alfrd.stamp('file', filed.made_by, filed.prompt_id)
      from filed
     where documents.id = filed.subject_id and documents.generation = filed.generation
       and (filed.series_id is not null or not filed.names_one or p_made ? filed.subject_id::text)
    returning documents.id)
  select array_agg(id) into v_written from written;
  return coalesce(v_written, '{}');
end $$;

create or replace function alfrd.record_file(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_written uuid[] := alfrd.file_in_series(p_done);
  v_rest    alfrd.finished[];
  v_asked   alfrd.finished[];
  v_made    jsonb := '{}';
  v_series  uuid;
  v_new     record;
begin
  if cardinality(v_written) = cardinality(p_done) then
    return v_written;
  end if;
  -- Some name a series that does not exist yet: make them, in the order of their locks.
  v_rest := array(select d from unnest(p_done) as d where d.subject_id <> all (v_written));
  -- Two known series are as like: a person is asked, and until then it belongs to none.
  v_asked := array(select d from unnest(v_rest) as d where jsonb_array_length(d.result -> 'rivals') > 1);
  if v_asked <> '{}' then
    v_made := (select jsonb_object_agg(subject_id, null) from unnest(v_asked) as d);
    v_written := v_written || alfrd.file_in_series(v_asked, v_made);
    perform alfrd.ask_for_series(v_asked);
    v_rest := array(select d from unnest(v_rest) as d where not v_made ? d.subject_id::text);
    v_made := '{}';
  end if;
  for v_new in
    select doc.owner, coalesce(r.account, '') as account, r.entity_key, r.kind, r.frequency, min(r.entity) as entity, min(r.slug) as slug,
           min(r.title) as title, min(r.description) as description, r.series_id, array_agg(d.subject_id) as documents,
           min(coalesce(r.documents_needed, 1)) as needs
      from unnest(v_rest) as d
      join alfrd.documents doc on doc.id = d.subject_id and doc.generation = d.generation
     cross join jsonb_to_record(d.result)
           as r(series_id uuid, entity text, entity_key text, kind text, frequency text, slug text, title text, description text,
                account text, documents_needed integer)
     where r.entity <> ''
     group by 1, r.kind, 2, r.entity_key, r.frequency, r.series_id
     order by 1, r.kind, 2, r.entity_key, r.frequency, r.series_id
  loop
    v_series := alfrd.new_series(v_new.owner, v_new.entity, v_new.entity_key, v_new.kind, v_new.frequency,
                                 v_new.slug, v_new.title, v_new.description, v_new.account, v_new.series_id,
                                 v_new.needs, v_new.documents);
    v_made := v_made || (select jsonb_object_agg(id, v_series) from unnest(v_new.documents) as id);
  end loop;
  return v_written || alfrd.file_in_series(v_rest, v_made);
end $$;
