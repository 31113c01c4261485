-- Finding documents by what their pages say, or by their name, company, summary, type and tags.
--
-- alfrd.search           the best documents, each with its best page, a snippet and its place: for people and programs
-- alfrd.documents_with   all documents that a search fits, for lists that are filtered and sorted otherwise
-- alfrd.search_hits      the pages that fit a search, of documents that pass a filter
-- alfrd.snippet          a passage with the hits marked
--
-- All words of a search are on one page, or all are in what a document is called.
--
-- Rights: the caller's own, so that policies hold. For those to whom they apply, PostgreSQL uses no index for words, since its operator is
--         not leak-proof: so the patterns are looked for on all pages that they may see, which costs less than to take their words apart.
-- Called: by applications, the command line and the console.

-- What a document is found by, beside its pages.
create or replace function alfrd.called(p_document alfrd.documents) returns text
  language sql stable parallel safe
  return concat_ws(' · ', nullif(p_document.filename, ''), nullif(p_document.entity, ''), nullif(p_document.summary, ''),
                   nullif(p_document.document_type, ''), nullif(array_to_string(p_document.tags, ' '), ''));

create or replace function alfrd.text_fits(p_text text, p_patterns text[]) returns boolean
  language sql immutable parallel safe
  return p_text ~* all (p_patterns);

create or replace function alfrd.is_unfiltered(p_filter alfrd.search_filter) returns boolean
  language sql immutable parallel safe
  return num_nonnulls(p_filter.document_type, p_filter.entity, p_filter.date_from, p_filter.date_to, p_filter.least, p_filter.most, p_filter.tag,
                      p_filter.series, p_filter.owner, p_filter.documents) = 0;

create or replace function alfrd.documents_passing(p_filter alfrd.search_filter) returns setof uuid
language sql stable set search_path = pg_catalog, pg_temp as $$
  select d.id from alfrd.documents d
   where (p_filter.documents is null or d.id = any (p_filter.documents))
     and (p_filter.document_type is null or d.document_type = p_filter.document_type)
     and (p_filter.owner is null or d.owner = p_filter.owner)
     and (p_filter.entity is null or strpos(lower(alfrd.without_marks(d.entity)), lower(alfrd.without_marks(p_filter.entity))) > 0)
     and (p_filter.date_from is null or d.document_date >= p_filter.date_from)
     and (p_filter.date_to is null or d.document_date <= p_filter.date_to)
     and (p_filter.least is null or d.total_amount >= p_filter.least)
     and (p_filter.most is null or d.total_amount <= p_filter.most)
     and (p_filter.series is null or d.series_id in (select s.id from alfrd.series s where s.slug = p_filter.series))
     and (p_filter.tag is null or d.id in (
           select t.document_id from alfrd.tags t
            where t.tag = lower(btrim(p_filter.tag)) or starts_with(t.tag, lower(btrim(p_filter.tag)) || '/')));
$$;

-- Rights: the owner's, since alfrd.document_words tells what all owners' documents are called. So it is empty for applications under row
--         level security.
create or replace function alfrd.documents_called(p_query tsquery) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set jit = off as $$
begin
  if (select relrowsecurity from pg_class where oid = 'alfrd.documents'::regclass) and not alfrd.is_trusted() then
    return;
  end if;
  return query select document_id from alfrd.document_words where words @@ p_query;
end $$;

-- page is null for what a document is called. p_most: only the newest of them; null: all.
create or replace function alfrd.search_hits(p_plan alfrd.search_plan, p_filter alfrd.search_filter, p_most integer)
returns table (document_id uuid, page integer, at timestamptz)
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan set jit = off
-- Where less remembers only blocks, all words of their pages are taken apart again.
set work_mem = '64MB' as $$
declare
  v_all      boolean := alfrd.is_unfiltered(p_filter);
  v_passing  uuid[];   -- null: all
  v_excluded uuid[] := '{}';
  v_query    tsquery := p_plan.query;
begin
  if v_query is null then
    return;
  end if;
  if not v_all then
    v_passing := array(select id from alfrd.documents_passing(p_filter) as id);
  end if;
  for v_not in 1 .. cardinality(p_plan.not_there) loop
    v_excluded := v_excluded || array(
      select distinct h.document_id
        from alfrd.search_hits(row(p_plan.not_queries[v_not], p_plan.not_there[v_not:v_not], '{}', p_plan.not_there[v_not:v_not], '{}', '{}', ''),
                               p_filter, null) as h);
  end loop;
  if row_security_active('alfrd.documents') or row_security_active('alfrd.pages') or cardinality(v_passing) <= 100 then
    return query
      select p.document_id, p.number, p.read_at from alfrd.pages p
       where (v_all or p.document_id = any (v_passing)) and p.document_id <> all (v_excluded) and alfrd.text_fits(p.text, p_plan.patterns)
      union all
      select d.id, null, d.created_at from alfrd.documents d
       where (v_all or d.id = any (v_passing)) and d.id <> all (v_excluded) and alfrd.text_fits(alfrd.called(d), p_plan.patterns)
       order by 3 desc limit p_most;
    return;
  end if;
  return query
    -- The newest first, so that texts are compared until there are enough of them: by ctid, since sorted texts would fill the memory. All
    -- of them need no order: the planner sees that it is by nothing.
    (select c.document_id, c.number, c.read_at
       from (select p.ctid as place, p.document_id, p.number, p.read_at from alfrd.pages p
              where p.language is not null and alfrd.lexemes(p.text, p.language) @@ v_query
                and (v_all or p.document_id in (select unnest(v_passing))) and p.document_id <> all (v_excluded)
              order by case when p_most is not null then p.read_at end desc offset 0) as c
      where p_plan.phrases = '{}' or (select alfrd.text_fits(p.text, p_plan.phrases) from alfrd.pages p where p.ctid = c.place)
      limit p_most)
    union all
    (select p.document_id, p.number, p.read_at from alfrd.pages p
      where p.language is null and (v_all or p.document_id in (select unnest(v_passing))) and p.document_id <> all (v_excluded)
        and alfrd.text_fits(p.text, p_plan.patterns)
      limit p_most)
    union all
    (select d.id, null::integer, d.created_at
       from alfrd.documents_called(v_query) as called(id) join alfrd.documents d on d.id = called.id
      where (v_all or d.id in (select unnest(v_passing))) and d.id <> all (v_excluded)
        and (p_plan.phrases = '{}' or alfrd.text_fits(alfrd.called(d), p_plan.phrases))
      order by case when p_most is not null then d.created_at end desc limit p_most)
    union all
    (select d.id, null, d.created_at
       from (select distinct r.document_id from alfrd.renamed_documents r) as r join alfrd.documents d on d.id = r.document_id
      where (v_all or d.id in (select unnest(v_passing))) and d.id <> all (v_excluded) and alfrd.text_fits(alfrd.called(d), p_plan.patterns)
      limit p_most);
end $$;

create or replace function alfrd.documents_with(p_query text) returns setof uuid
language plpgsql stable set search_path = pg_catalog, pg_temp rows 1000 as $$
begin
  return query select distinct h.document_id from alfrd.search_hits(alfrd.search_plan_of(p_query), null, null) as h;
  if not found then
    return query select distinct h.document_id from alfrd.search_hits(alfrd.search_plan_of(p_query, true), null, null) as h;
  end if;
end $$;

-- Around the first hit of the line that has most of the words; each hit is between ⟦ and ⟧, which a text has none of here.
create or replace function alfrd.snippet(p_text text, p_patterns text[], out snippet text, out line text)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  v_any   text := array_to_string(p_patterns, '|');
  v_text  text;
  v_first integer;
  v_from  integer;
begin
  p_text := left(translate(p_text, '⟦⟧', '[]'), 200000);
  select l.line, sum(length(l.line) + 1) over () into line
    from string_to_table(p_text, E'\n') with ordinality as l(line, place)
   where l.line ~* v_any
   order by (select count(*) from unnest(p_patterns) as pattern where l.line ~* pattern) desc, l.place limit 1;
  if line is null then   -- a phrase over two lines, or a word that was parted
    line := '';
    v_first := greatest(regexp_instr(p_text, v_any, 1, 1, 0, 'i'), 1);
  else
    v_first := strpos(p_text, line) + greatest(regexp_instr(line, v_any, 1, 1, 0, 'i'), 1) - 1;
  end if;
  v_from := greatest(1, v_first - 60);
  v_text := substr(p_text, v_from, 180);
  if v_from > 1 then
    v_text := '…' || regexp_replace(v_text, '^\S*\s+', '');
  end if;
  if length(p_text) > v_from + 180 then
    v_text := regexp_replace(v_text, '\s+\S*$', '') || '…';
  end if;
  snippet := regexp_replace(btrim(regexp_replace(v_text, '\s+', ' ', 'g')), '(' || v_any || ')', '⟦\1⟧', 'gi');
end $$;

-- Raises AL005 for a filter that no document could pass, or that makes no sense.
create or replace function alfrd.check_search(p_filter alfrd.search_filter, p_limit integer) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_known text;
begin
  if p_limit is null or p_limit not between 1 and 1000 then
    raise exception 'alfrd.search: a limit of %', coalesce(p_limit::text, 'null') using errcode = 'AL005', hint = 'from 1 to 1000';
  elsif p_filter.date_from > p_filter.date_to then
    raise exception 'alfrd.search: no day is from % on and until %', p_filter.date_from, p_filter.date_to
      using errcode = 'AL005', hint = 'swap them';
  elsif p_filter.least > p_filter.most then
    raise exception 'alfrd.search: no amount is at least % and at most %', p_filter.least, p_filter.most
      using errcode = 'AL005', hint = 'swap them';
  elsif p_filter.document_type is not null and not exists (select from alfrd.document_types where name = p_filter.document_type) then
    select string_agg(name, ', ' order by name) into v_known from alfrd.document_types;
    raise exception 'alfrd.search: there is no document type %', quote_literal(p_filter.document_type)
      using errcode = 'AL005', hint = 'types: ' || v_known;
  elsif p_filter.series is not null and not exists (select from alfrd.series where slug = p_filter.series) then
    raise exception 'alfrd.search: there is no series %', quote_literal(p_filter.series)
      using errcode = 'AL005', hint = 'take the slug of one of alfrd.series';
  end if;
end $$;

-- alfrd.search: the best documents first.
--
-- rank is between 0 and 1: how often the words are there, as typed or in another form, and less for what is old. Of more than 300 pages
-- the 300 read last are ranked; of those whose texts have to be compared (phrases, long numbers), the 100 read last, or p_limit.
-- page, line_box: where the snippet is from; null where it is from what the document is called. The box is [left, top, right, bottom] as ratios
-- of the page, where the reader has found the lines' places.
-- meant: words that were looked for instead of some that no page has; else empty.
create or replace function alfrd.search(
  p_query text, p_type text default null, p_entity text default null, p_from date default null, p_to date default null,
  p_min numeric default null, p_max numeric default null, p_tag text default null, p_series text default null, p_owner text default null,
  p_limit integer default 20, p_documents uuid[] default null
)
returns table (document_id uuid, page integer, rank real, snippet text, line_box jsonb, meant text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_filter alfrd.search_filter := row(p_type, p_entity, p_from, p_to, p_min, p_max, p_tag, p_series, p_owner, p_documents);
  v_plan   alfrd.search_plan := alfrd.search_plan_of(p_query);
begin
  perform alfrd.check_search(v_filter, p_limit);
  if v_plan.query is null then
    raise exception 'alfrd.search: % names nothing to look for', quote_literal(coalesce(p_query, ''))
      using errcode = 'AL005', hint = 'give a word that is to be there';
  end if;
  return query select * from alfrd.ranked(v_plan, v_filter, p_limit);
  if not found then
    v_plan := alfrd.search_plan_of(p_query, true);
    if v_plan.meant <> '' then
      return query select * from alfrd.ranked(v_plan, v_filter, p_limit);
    end if;
  end if;
end $$;

create or replace function alfrd.ranked(p_plan alfrd.search_plan, p_filter alfrd.search_filter, p_limit integer)
returns table (document_id uuid, page integer, rank real, snippet text, line_box jsonb, meant text)
language sql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
  with hits as materialized (
    select h.document_id, h.page, h.at
      from (select case when p_plan.phrases = '{}' then 300 else least(300, greatest(100, p_limit)) end as number) as most
     cross join lateral alfrd.search_hits(p_plan, p_filter, most.number) as h order by h.at desc limit 300),
  -- Materialized, or the text would be cut again for each pattern.
  texts as materialized (
    select h.document_id, h.page, d.created_at, left(coalesce(p.text, alfrd.called(d)), 20000) as text
      from hits h join alfrd.documents d on d.id = h.document_id
      left join alfrd.pages p on p.document_id = h.document_id and p.number = h.page),
  scored as materialized (
    select t.document_id, t.page, (0.3 + 0.7 * exp(-extract(epoch from greatest(alfrd.now() - t.created_at, '0')) / (3 * 31557600.0)))
           * (select avg(c.score) from (
               select 1 - 1 / (1 + 0.5 * regexp_count(t.text, pattern, 1, 'i') + regexp_count(t.text, exact, 1, 'i')) as score
                 from unnest(p_plan.patterns, p_plan.exact) as w(pattern, exact)) as c)
           * case when t.page is null then 1.2 else 1 end as score
      from texts t),
  best as (
    select distinct on (s.document_id) s.document_id, s.page, s.score from scored s order by s.document_id, s.score desc, s.page),
  first as materialized (
    select b.* from best b order by b.score desc, b.document_id limit p_limit)
  select f.document_id, coalesce(f.page, found.number), least(f.score, 1)::real, s.snippet,
         (select l.line -> 'box'
            from jsonb_array_elements(case jsonb_typeof(p.layout -> 'lines') when 'array' then p.layout -> 'lines' else '[]' end) with ordinality as l(line, place)
           where l.line ->> 'text' ~* array_to_string(p_plan.patterns, '|')
           order by l.line ->> 'text' is distinct from s.line, l.place limit 1),
         p_plan.meant
    from first f join alfrd.documents d on d.id = f.document_id
    -- Better a page than a name.
    left join lateral (select h.page as number from hits h where h.document_id = f.document_id and h.page is not null order by h.page limit 1) as found on f.page is null
    left join alfrd.pages p on p.document_id = f.document_id and p.number = coalesce(f.page, found.number)
   cross join lateral alfrd.snippet(coalesce(p.text, alfrd.called(d)), p_plan.patterns) as s
   order by f.score desc, f.document_id;
$$;
