-- In doubt which series a document belongs to, a person is asked.
--
-- alfrd.ask_for_series     notes the question, and puts the document into the review queue
-- alfrd.learn_series       an answer: documents of this name go there from now on; or it is taken back
-- alfrd.series_candidates  the series that a document may belong to, by slug
-- alfrd.answer_series      one of the candidates, any other series, or one of its own
--
-- Called: alfrd.ask_for_series by alfrd.record_file; alfrd.learn_series by the trigger documents_a_correct.

-- p_asked: what was filed, of which the result has rivals. A document that a person has looked at is not asked of again.
create or replace function alfrd.ask_for_series(p_asked alfrd.finished[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  with asked as (
    insert into alfrd.series_questions as q (document_id, place, candidates)
    select d.subject_id, d.result - 'rivals', alfrd.uuid_array(d.result -> 'rivals')
      from unnest(p_asked) as d join alfrd.documents doc on doc.id = d.subject_id and doc.generation = d.generation
     where doc.reviewed_at is null and doc.series_id is null
     order by d.subject_id
        on conflict (document_id) do update
       set place = excluded.place, candidates = excluded.candidates, answer_id = null
    returning q.document_id, q.place, q.candidates)
  update alfrd.documents d
     set needs_review = true,
         review_confidence = least(coalesce(d.review_confidence, 0.5), 0.5),
         review_reason = concat_ws(' ', nullif(d.review_reason, ''), format(
           'The series is not clear: %s may belong to %s.', left(asked.place ->> 'entity', 200),
           (select string_agg(slug, ' or ' order by place) from unnest(asked.candidates) with ordinality as c(id, place)
              join alfrd.series s on s.id = c.id)))
    from asked where d.id = asked.document_id;
end $$;

create or replace function alfrd.uuid_array(p_json jsonb) returns uuid[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select array(select value::uuid from jsonb_array_elements_text(p_json) with ordinality as one(value, place) order by place);
$$;

-- p_series: the series that a person has put it into; null: the answer is taken back.
create or replace function alfrd.learn_series(p_document uuid, p_owner text, p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_asked alfrd.series_questions;
begin
  select * into v_asked from alfrd.series_questions where document_id = p_document;
  if not found then
    return;
  end if;
  if v_asked.answer_id is not null then
    delete from alfrd.series_aliases
     where owner = p_owner and entity_key = v_asked.place ->> 'entity_key' and kind = v_asked.place ->> 'kind' and account = ''
       and series_id = v_asked.answer_id;
  end if;
  update alfrd.series_questions set answer_id = p_series where document_id = p_document;
  insert into alfrd.series_aliases (owner, entity_key, kind, series_id)
  select p_owner, v_asked.place ->> 'entity_key', v_asked.place ->> 'kind', p_series where p_series is not null
      on conflict (entity_key, kind, account, owner) do update set series_id = excluded.series_id;
end $$;

create or replace function alfrd.series_candidates(p_document uuid) returns table (series_id uuid, slug text, title text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s.id, s.slug, s.title
    from alfrd.series_questions q
   cross join lateral unnest(q.candidates) with ordinality as c(id, place)
    join alfrd.series s on s.id = c.id
   where q.document_id = p_document and q.answer_id is null
   order by c.place;
$$;

-- alfrd.answer_series: the series of a document that was asked of; null: one of its own, under its own name. Returns the series.
-- It is a correction: it ends the review, is undone as any other, and documents of this name go there from now on.
create or replace function alfrd.answer_series(p_document uuid, p_series uuid default null) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_asked record;
begin
  perform alfrd.refuse_tenants('answer_series');
  select q.place, d.owner into v_asked
    from alfrd.documents d left join alfrd.series_questions q on q.document_id = d.id where d.id = p_document for no key update of d;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  if v_asked.place is null then
    raise exception 'document %: its series was not asked for', p_document
      using errcode = 'AL005', hint = 'correct it: alfrd-events correct … series=…';
  end if;
  if p_series is null then
    insert into alfrd.series (owner, entity, entity_key, kind, frequency, slug, title, description)
    select v_asked.owner, r.entity, r.entity_key, r.kind, r.frequency,
           r.slug || case when exists (select from alfrd.series where owner = v_asked.owner and slug = r.slug)
                          then '-' || left(gen_random_uuid()::text, 8) else '' end, r.title, r.description
      from jsonb_to_record(case jsonb_typeof(v_asked.place) when 'object' then v_asked.place else '{}' end)
           as r(entity text, entity_key text, kind text, frequency text, slug text, title text, description text)
     where num_nulls(r.entity, r.entity_key, r.kind, r.frequency, r.slug, r.title, r.description) = 0
        on conflict (entity_key, kind, frequency, account, owner) do update set entity = excluded.entity
    returning id into p_series;
    if p_series is null then
      raise exception 'document %: what was asked names no series of its own', p_document
        using errcode = 'AL005', hint = 'give the series that it belongs to';
    end if;
    insert into alfrd.files (owner, tags, title, series_id)
    select owner, array['series:' || slug], title, id from alfrd.series where id = p_series
        on conflict (owner, tags) do nothing;
  elsif not exists (select from alfrd.series where id = p_series and owner = v_asked.owner) then
    raise exception 'no series % of the owner of document %', p_series, p_document using errcode = 'AL004';
  end if;
  update alfrd.documents set series_id = p_series where id = p_document;
  return p_series;
end $$;
