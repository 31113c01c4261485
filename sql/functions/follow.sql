-- alfrd.follow: what follows from the documents that an exchange has moved on, for all of them at once.
--
-- The trigger documents_updated does the same for everybody else's statements. A worker's exchange writes the results of seven
-- steps in as many statements; following each by itself cost a third of the exchange, most of it for comparing old rows
-- with new ones. So the trigger stays out of it while alfrd.followed_by is 'settle', which is believed only of who may write tasks.
--
-- Called: by alfrd.settle, after the results are written.
-- Locks:  none of its own but those of tasks; files wait for the end of the exchange.

-- The rows of alfrd.tags are those of documents.tags. Workers' tags are told from those of people.
create or replace function alfrd.keep_tags(p_documents uuid[], p_person boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  with tagged as materialized (
    select id, tags, document_type from alfrd.documents where id = any (p_documents)),
  gone as (
    delete from alfrd.tags t using tagged d where t.document_id = d.id and t.tag <> all (d.tags))
  insert into alfrd.tags (document_id, tag, source)
  select d.id, tag, case when tag = d.document_type or starts_with(tag, 'series:') then 'system'
                         when p_person then 'user' else 'analyst' end
    from tagged d cross join unnest(d.tags) as tag
      on conflict (document_id, tag) do nothing;
end $$;

create or replace function alfrd.follow(p_written alfrd.finished[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_retagged    uuid[];
  v_completed   uuid[];
  v_refused     text[];   -- {id, step, next status} of one
  v_ids         uuid[];
  v_statuses    text[];
  v_generations integer[];
  v_priorities  smallint[];
  v_set         text;
begin
  -- As they are now: a trigger of the user's may have had a say.
  select array_agg(d.id), array_agg(d.status), array_agg(d.generation), array_agg(d.priority),
         array_agg(d.id) filter (where w.step in ('classify', 'file')),
         array_agg(d.id) filter (where w.next_status = 'completed' or w.step = any ((select leaving from alfrd.standing)::text[])),
         min(array[w.subject_id::text, w.step, w.next_status])
           filter (where w.step || ' ' || w.next_status = any ((select illegal from alfrd.standing)::text[]))
    into v_ids, v_statuses, v_generations, v_priorities, v_retagged, v_completed, v_refused
    from unnest(p_written) as w
    join alfrd.documents d on d.id = w.subject_id
   where w.entity = 'document' and w.next_status <> '';
  if v_ids is null then
    return;
  end if;
  if v_refused is not null then
    perform alfrd.refuse_transition('document', v_refused[1]::uuid, (
      select status from alfrd.routes
       where entity = 'document' and step = v_refused[2] and next_status = v_refused[3] limit 1), v_refused[3]);
  end if;
  if v_retagged is not null then
    v_set := alfrd.keep_tags(v_retagged, false);
  end if;
  if v_completed is not null then
    perform alfrd.touch_files_of(array(select distinct tag from alfrd.documents d cross join unnest(d.tags) as tag
                                        where d.id = any (v_completed)));
  end if;
  v_set := alfrd.enqueue('document', v_ids, v_statuses, v_generations, v_priorities);
  v_set := alfrd.announce('document', v_ids, v_statuses);
end $$;
