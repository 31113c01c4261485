-- What is known of each value of a document: where it is printed, how sure it is, what else it could be.

-- alfrd.leaves: the plain values inside of a JSON object, each with its path: 'tax', 'line_items.0.amount'.
--
-- Returns: no nulls; a path taken apart again finds the value: p_data #>> string_to_array(path, '.').
create or replace function alfrd.leaves(p_data jsonb) returns table (path text, value text)
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  with recursive node(path, value) as (
    select key, value from jsonb_each(case jsonb_typeof(p_data) when 'object' then p_data else '{}' end)
    union all
    select node.path || '.' || child.key, child.value
      from node
     cross join lateral (
       select key, value from jsonb_each(case jsonb_typeof(node.value) when 'object' then node.value else '{}' end)
        union all
       select (place - 1)::text, element.value
         from jsonb_array_elements(case jsonb_typeof(node.value) when 'array' then node.value else '[]' end)
              with ordinality as element(value, place)) as child
     where jsonb_typeof(node.value) in ('object', 'array'))
  select path, value #>> '{}' from node where jsonb_typeof(value) not in ('object', 'array', 'null');
$$;

-- One row for each value of a document. A value that a person has set is certain; what an analyst read elsewhere no longer explains it.
-- Dates go through JSON, which writes them alike in every session. Of structured_data a person sets the whole at once, so the corrections tell which of its values changed.
create or replace view alfrd.document_values with (security_invoker = true) as
select d.id as document_id, v.field, v.value,
       case when not c.corrected then e.seen ->> 'text' end as text,
       case when not c.corrected then (e.seen ->> 'page')::integer end as page,
       case when not c.corrected and jsonb_typeof(e.seen -> 'box') = 'array'
            then array(select edge::real from jsonb_array_elements_text(e.seen -> 'box') with ordinality as b(edge, place)
                        order by place) end as box,
       case when c.corrected then 1
            when v.field = 'document_type' then d.classification_confidence
            else (e.seen ->> 'confidence')::real end as confidence,
       case when c.corrected then 'person' else coalesce(d.made_by -> v.step ->> 'by', '') end as source,
       case when c.corrected then '[]' else coalesce(e.seen -> 'alternatives', '[]') end as alternatives,
       c.corrected
  from alfrd.documents d
 cross join lateral (
   values ('document_type', d.document_type, 'classify', false),
          ('entity', d.entity, 'summarize', false),
          ('document_date', to_jsonb(d.document_date) #>> '{}', 'summarize', false),
          ('due_date', to_jsonb(d.due_date) #>> '{}', 'summarize', false),
          ('total_amount', d.total_amount::text, 'summarize', false),
          ('currency', d.currency, 'summarize', false),
          ('account_number', d.account_number, 'summarize', false),
          ('period_start', to_jsonb(d.period_start) #>> '{}', 'summarize', false),
          ('period_end', to_jsonb(d.period_end) #>> '{}', 'summarize', false)
    union all
   select path, value, 'summarize', true from alfrd.leaves(d.structured_data)
    where not starts_with(path, 'unsupported.')) as v(field, value, step, is_inner)
 cross join lateral (select d.evidence -> v.field as seen) as e
 cross join lateral (
   select case when not v.is_inner then v.field = any (d.corrected)
               when 'structured_data' <> all (d.corrected) then false
               else exists (select from alfrd.corrections
                             where document_id = d.id and field = 'structured_data'
                               and old_value #> string_to_array(v.field, '.')
                                   is distinct from new_value #> string_to_array(v.field, '.')) end as corrected) as c
 where v.value <> '';
comment on view alfrd.document_values is
  'Each value of each document: where it is printed, how sure it is, who found it, and what else it could be.';
