-- Where on the page of a sender a value stands, told by the texts that are printed on all of its papers: the anchors.
--
-- alfrd.place_of       the place of a value on a document, for a lesson
-- alfrd.moved          where a taught place is on another page, which may be shifted and turned a little; null: the layout is another one
-- alfrd.misplaces      whether a taught place would tell another value of a document than the right one
-- alfrd.places_agree   whether two lessons say the same of one layout; null: they speak of two layouts
--
-- Workers find values by the same arithmetic: analysis/rules/taught_places.py.
-- Called: by alfrd.teach and alfrd.weigh_lessons.

-- The lines of a page with their boxes; none where its reader knew no positions.
create or replace function alfrd.lines_of(p_layout jsonb)
returns table (place bigint, text text, x0 double precision, y0 double precision, x1 double precision, y1 double precision)
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select place, line ->> 'text', (line #>> '{box,0}')::double precision, (line #>> '{box,1}')::double precision,
         (line #>> '{box,2}')::double precision, (line #>> '{box,3}')::double precision
    from jsonb_array_elements(case jsonb_typeof(p_layout -> 'lines') when 'array' then p_layout -> 'lines' else '[]' end)
         with ordinality as each(line, place)
   where jsonb_typeof(line -> 'text') = 'string'
     and coalesce(jsonb_path_match(line, 'strict $.box.size() == 4 && !exists ($.box[*] ? (@.type() != "number" || @ < -1 || @ > 2))',
                                   silent => true), false);
$$;

-- Height by width.
create or replace function alfrd.aspect_of(p_layout jsonb) returns double precision
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when jsonb_path_match(p_layout, 'strict $.width > 0 && $.height > 0 && $.width < 1e9 && $.height < 1e9', silent => true)
              then least(greatest((p_layout ->> 'height')::double precision / (p_layout ->> 'width')::double precision, 0.1), 10)
              else sqrt(2) end;
$$;

-- [[text, x, y], …]: the texts without a digit that are printed once, and the middles of their lines; the nearest to a height first.
create or replace function alfrd.anchors_of(p_layout jsonb, p_height double precision) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_array(anchor, x, y) order by abs(y - p_height), anchor), '[]') from (
    select replace(text, ' ', '') as anchor, round(min(x0 + x1)::numeric / 2, 4) as x, round(min(y0 + y1)::numeric / 2, 4) as y
      from alfrd.lines_of(p_layout)
     where text !~ '[0-9]' and char_length(replace(text, ' ', '')) between 4 and 60
     group by replace(text, ' ', '') having count(*) = 1
     order by abs(min(y0 + y1) / 2 - p_height), anchor limit 60) as printed;
$$;

-- The ways in which a value is printed on a page.
create or replace function alfrd.printed_on_page(p_field text, p_value jsonb) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_field = 'total_amount' then
      alfrd.printed(p_field, p_value) || array(select translate(form, ',.', '.,') from unnest(alfrd.printed(p_field, p_value)) as form)
    when alfrd.printed(p_field, p_value) = '{}' then '{}'
    else alfrd.printed(p_field, p_value)
         || array[to_char((p_value #>> '{}')::date, 'DD/MM/YYYY'), to_char((p_value #>> '{}')::date, 'MM/DD/YYYY')] end;
$$;

create or replace function alfrd.holds_value(p_text text, p_forms text[]) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select exists (select from unnest(p_forms) as form
                  where form <> '' and strpos(p_text, form) > 0
                    and p_text ~ ('(?<![\w.,]|\d[-/])' || regexp_replace(form, '([^\w\s])', '\\\1', 'g') || '(?!\w|[.,]\d)'));
$$;

-- Null where the value is not printed, or more than once: then nothing says which of them is meant.
create or replace function alfrd.place_of(p_document uuid, p_field text, p_value jsonb) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  with forms as materialized (select alfrd.printed_on_page(p_field, p_value) as forms),
  printed as (
    select page.number, page.layout, line.* from alfrd.pages page cross join forms cross join alfrd.lines_of(page.layout) as line
     where page.document_id = p_document and page.number <= 20 and alfrd.holds_value(line.text, forms) limit 2)
  select jsonb_build_object('page', number, 'aspect', round(alfrd.aspect_of(layout)::numeric, 4), 'box', jsonb_build_array(x0, y0, x1, y1),
                            'anchors', alfrd.anchors_of(layout, (y0 + y1) / 2))
    from printed where (select count(*) from printed) = 1 and jsonb_array_length(alfrd.anchors_of(layout, 0)) >= 4;
$$;

create or replace function alfrd.told_place(p_place jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format('page %s, %s %% across, %s %% down', p_place ->> 'page',
                round(100 * (p_place #>> '{box,0}')::numeric), round(100 * (p_place #>> '{box,1}')::numeric));
$$;

-- alfrd.moved: left end, middle and right end of a taught place, on a page with these anchors.
--
-- By the eight shared anchors that are nearest to its height: their mean shift, and the one turn of the page that fits them best. Null where
-- fewer than half of the anchors are there, or one of the eight does not move with the others.
create or replace function alfrd.moved(p_place jsonb, p_anchors jsonb, p_aspect double precision) returns double precision[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  with taught as (
    select (p_place #>> '{box,0}')::double precision as x0, (p_place #>> '{box,2}')::double precision as x1,
           ((p_place #>> '{box,1}')::double precision + (p_place #>> '{box,3}')::double precision) / 2 * p_aspect as middle,
           greatest((p_place #>> '{box,3}')::double precision - (p_place #>> '{box,1}')::double precision, 0.008) * p_aspect as height),
  shared as (
    select place, (anchor ->> 1)::double precision as x, (anchor ->> 2)::double precision * p_aspect as y,
           (here ->> 1)::double precision - (anchor ->> 1)::double precision as dx,
           ((here ->> 2)::double precision - (anchor ->> 2)::double precision) * p_aspect as dy
      from jsonb_array_elements(p_place -> 'anchors') with ordinality as anchors(anchor, place)
      join jsonb_array_elements(p_anchors) as here on here ->> 0 = anchor ->> 0),
  near as (select * from shared order by place limit 8),
  fit as (
    select avg(x) as x, avg(y) as y, avg(dx) as dx, avg(dy) as dy,
           coalesce((covar_pop(dy, x) - covar_pop(dx, y)) / nullif(var_pop(x) + var_pop(y), 0), 0) as turn from near)
  select array[x0 + fit.dx - turn * (middle - fit.y), (middle + fit.dy + turn * ((x0 + x1) / 2 - fit.x)) / p_aspect,
               x1 + fit.dx - turn * (middle - fit.y)]
    from fit cross join taught
   where (select count(*) from shared) >= greatest(4, jsonb_array_length(p_place -> 'anchors') / 2.0)
     and not exists (select from near where abs(near.dy - fit.dy - turn * (near.x - fit.x)) > 0.6 * height);
$$;

-- Whether a line is at a place: in its height, and from its left or to its right end.
create or replace function alfrd.is_at(p_moved double precision[], p_place jsonb, x0 double precision, y0 double precision,
                                       x1 double precision, y1 double precision) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select abs((y0 + y1) / 2 - p_moved[2])
           <= 0.6 * greatest((p_place #>> '{box,3}')::double precision - (p_place #>> '{box,1}')::double precision, 0.008)
     and least(abs(x0 - p_moved[1]), abs(x1 - p_moved[3])) <= 0.02;
$$;

create or replace function alfrd.misplaces(p_document uuid, p_place jsonb, p_field text, p_value jsonb) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(not bool_or(alfrd.holds_value(line.text, alfrd.printed_on_page(p_field, p_value))), false)
    from alfrd.pages page
   cross join alfrd.aspect_of(page.layout) as aspect
   cross join alfrd.moved(p_place, alfrd.anchors_of(page.layout, (p_place #>> '{box,1}')::double precision), aspect) as moved
   cross join alfrd.lines_of(page.layout) as line
   where page.document_id = p_document and page.number = (p_place ->> 'page')::numeric
     and p_value is not null and jsonb_typeof(p_value) <> 'null' and moved is not null
     and line.text ~ '[0-9]' and alfrd.is_at(moved, p_place, line.x0, line.y0, line.x1, line.y1);
$$;

create or replace function alfrd.places_agree(p_one jsonb, p_other jsonb) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_one -> 'page' = p_other -> 'page' then alfrd.is_at(
           alfrd.moved(p_one, p_other -> 'anchors', (p_other ->> 'aspect')::double precision), p_one,
           (p_other #>> '{box,0}')::double precision, (p_other #>> '{box,1}')::double precision,
           (p_other #>> '{box,2}')::double precision, (p_other #>> '{box,3}')::double precision) end;
$$;
