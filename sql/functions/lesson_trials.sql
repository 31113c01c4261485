-- Lessons are tried before they are believed: by step try_lessons, for all lessons of a sender at once.
--
-- A correction writes down what it was and goes on; how many documents its sender has does not matter to it. The step looks for the words
-- and the place of the value on the document that was corrected, and replays each lesson over the sender's papers that a person has
-- looked at. Its arithmetic is that of the rules that will use the lessons: src/alfrd_events/analysis/rules/trying.py.
--
-- alfrd.schedule_trial       one waiting task for a sender, whatever happens to its lessons
-- alfrd.lesson_trials        what step try_lessons is given
-- alfrd.record_try_lessons   what it has found
-- alfrd.document_reviewed    has them tried again when a person has looked at a document of the sender
-- alfrd.lesson_believed      does again what a person wanted done with a lesson that was not tried then
--
-- Called: by triggers of lessons and documents; by alfrd.record; by a worker.

-- Locks: the waiting task, shared, so that it is not claimed before this transaction ends and the worker sees what is written here. If it is
--        being claimed right now, the insert waits for the claim's commit and then succeeds.
create or replace function alfrd.schedule_trial(p_sender uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  perform from alfrd.tasks where subject_id = p_sender and step = 'try_lessons' and state in ('ready', 'scheduled') for share skip locked;
  if not found then
    insert into alfrd.tasks (step, subject_type, subject_id, status, state, run_at, max_attempts)
    select r.step, r.subject_type, p_sender, r.status, 'ready', alfrd.now(), r.max_attempts from alfrd.routes r where r.step = 'try_lessons'
        on conflict (subject_id, step) where state in ('ready', 'scheduled') do nothing;
    perform alfrd.notify(array['try_lessons']);
  end if;
end $$;

create or replace function alfrd.lesson_taught() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.schedule_trial(new.sender_id);
  return null;
end $$;
create or replace trigger lessons_taught after insert on alfrd.lessons
  for each row execute function alfrd.lesson_taught();

-- Called: after a person has looked at a document, or it came in as one that a person had looked at.
create or replace function alfrd.document_reviewed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.schedule_trial(sender_id)
     from (select distinct l.sender_id from alfrd.lessons l
            where l.owner = new.owner and (lower(l.sender) = lower(new.entity) or l.kind = 'company' and l.found = new.entity)
            order by l.sender_id) as about;
  return null;
end $$;
create or replace trigger documents_reviewed after update of reviewed_at on alfrd.documents
  for each row when (new.entity <> '' and new.reviewed_at is distinct from old.reviewed_at) execute function alfrd.document_reviewed();
create or replace trigger documents_reviewed_before after insert on alfrd.documents
  for each row when (new.entity <> '' and new.reviewed_at is not null) execute function alfrd.document_reviewed();

-- What is printed on another sender's paper, too, identifies no sender: the customer's own telephone, for one. A name that was hardly
-- read is no other sender's.
create or replace function alfrd.marks_taught(p_lesson alfrd.lessons) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  with others as materialized (
    select alfrd.marks_of(alfrd.head_of(other.id)) as marks
      from (select id from alfrd.documents d
             where owner = p_lesson.owner and id <> p_lesson.document_id and entity <> '' and lower(entity) <> lower(p_lesson.sender)
               and not exists (select from alfrd.corrections c where c.document_id = p_lesson.document_id
                                  and c.change_id = p_lesson.change_id and c.field = 'entity' and c.old_value #>> '{}' = d.entity)
               and (reviewed_at is not null or (evidence -> 'entity' ->> 'confidence')::real >= 0.9)
             order by created_at desc limit 100) as other)
  select array(select mark from unnest(alfrd.marks_of(alfrd.head_of(p_lesson.document_id))) as mark
                where not exists (select from others where mark = any (others.marks)));
$$;

-- What step try_lessons is given. Of a large sender the newest 200 papers that a person has looked at, and no more than 1,000 pages of them.
--
-- lessons  with right, the value that the correction has set; marks, of those that were not tried; and against, an accepted document that
--          says that a type or company is right which the lesson would change
-- papers   ids of documents whose values are known to be right
create or replace function alfrd.lesson_trials(p_senders uuid[])
returns table (sender_id uuid, sender text, lessons jsonb, papers uuid[])
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- Once for all lessons of a change: they have the same, and it takes the heads of a hundred documents apart.
  with marked as materialized (
    select l.document_id, l.change_id, alfrd.marks_taught(l) as marks from alfrd.lessons l
     where l.id in (select min(id) from alfrd.lessons
                     where sender_id = any (p_senders) and tried_at is null and document_id is not null group by document_id, change_id))
  select s.sender_id, s.sender,
         (select jsonb_agg(jsonb_build_object(
                   'id', l.id, 'kind', l.kind, 'field', l.field, 'found', l.found, 'value', l.value, 'place', l.place,
                   'document_id', l.document_id, 'is_tried', l.tried_at is not null,
                   'marks', case when l.tried_at is null and l.document_id is not null then m.marks else l.marks end,
                   'right', (select c.new_value #>> '{}' from alfrd.corrections c
                              where c.document_id = l.document_id and c.change_id = l.change_id and c.field = l.field),
                   'against', (select d.id from alfrd.documents d
                                where d.owner = l.owner and d.reviewed_at is not null and l.field <> all (d.corrected)
                                  and d.id is distinct from l.document_id
                                  and (l.kind = 'type' and d.document_type = l.found and d.entity = l.sender
                                       or l.kind = 'company' and d.entity = l.found and l.found <> '')
                                order by d.created_at limit 1)) order by l.id)
            from alfrd.lessons l
            left join marked m on m.document_id = l.document_id and m.change_id is not distinct from l.change_id
           where l.sender_id = s.sender_id),
         array(select id from (
           select d.id, d.created_at, sum(greatest(d.page_count, 1)) over (order by d.created_at desc, d.id) as pages from alfrd.documents d
            where d.owner = s.owner and d.entity = s.sender and d.reviewed_at is not null order by d.created_at desc, d.id limit 200) as newest
           where pages <= 1000 order by created_at desc, id)
    from (select distinct on (l.sender_id) l.sender_id, l.owner, l.sender from alfrd.lessons l
           where l.sender_id = any (p_senders) order by l.sender_id, l.id) as s;
$$;

-- result: Verdicts of src/alfrd_events/model/trials.py. A lesson that is gone meanwhile stays so; one that is not in the result came since, and
-- a task of its own waits.
create or replace function alfrd.record_try_lessons(p_done alfrd.finished[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- An earlier death of one is history.
  delete from alfrd.tasks where subject_id in (select subject_id from unnest(p_done)) and step = 'try_lessons' and state = 'dead';
  perform from alfrd.lessons where sender_id in (select subject_id from unnest(p_done)) order by id for update;
  delete from alfrd.lessons l using unnest(p_done) as d
   where l.sender_id = d.subject_id and l.id in (select (v ->> 'id')::bigint from jsonb_array_elements(d.result -> 'verdicts') as v
                                                  where (v ->> 'is_none')::boolean);
  update alfrd.lessons l
     set value = v.value, place = v.place, marks = v.marks, contradicted_by = v.contradicted_by, tried_at = coalesce(l.tried_at, alfrd.now())
    from unnest(p_done) as d
   cross join jsonb_to_recordset(d.result -> 'verdicts')
         as v(id bigint, value text, place jsonb, marks text[], contradicted_by text)
   where l.sender_id = d.subject_id and l.id = v.id
     and (l.tried_at is null or (l.value, l.place, l.marks, l.contradicted_by) is distinct from (v.value, v.place, v.marks, v.contradicted_by));
  return array(select subject_id from unnest(p_done));
end $$;

-- At the commit, when the worker's exchange is over: what follows is as if a person had sent the documents back now. For all lessons of the sender
-- that are believed at once, so that each document is done again once; and before alfrd.lessons_changed holds what others wait for.
create or replace function alfrd.lesson_believed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  with believed as (
    update alfrd.lessons l set apply_to = '{}' from alfrd.lessons before
     where before.id = l.id and l.sender_id = new.sender_id and l.tried_at is not null and l.apply_to <> '{}'
    returning l.owner, l.kind, l.active, before.apply_to),
  again as (
    select id, owner, bool_or(kind = 'type') as is_type from believed cross join lateral unnest(apply_to) as id where active group by id, owner),
  free as (
    select d.id, again.is_type from again join alfrd.documents d on d.id = again.id and d.owner = again.owner
     where d.status in ('classified', 'summarized', 'filed', 'completed') order by d.id for no key update of d skip locked)
  update alfrd.documents d set status = case when free.is_type then 'ocr_completed' else 'classified' end from free where d.id = free.id;
  return null;
end $$;
drop trigger if exists lessons_believed on alfrd.lessons;
create constraint trigger lessons_believed after update on alfrd.lessons deferrable initially deferred
  for each row when (old.tried_at is null and new.tried_at is not null and new.apply_to <> '{}') execute function alfrd.lesson_believed();
