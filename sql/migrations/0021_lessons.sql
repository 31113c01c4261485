-- A person's correction has its series looked at without the delay that gathers bursts (sql/functions/series_watch.sql), and lessons are
-- tried before they are believed, by a step of their own (sql/functions/lesson_trials.sql).

alter table alfrd.changed_series add column at_once boolean not null default false;
comment on column alfrd.changed_series.at_once is 'What a person has corrected has taken effect: the look need not wait for the end of a burst.';

-- A few rows, in one transaction.
-- squawk-ignore ban-drop-constraint
alter table alfrd.routes drop constraint routes_subject_type_check;
-- squawk-ignore constraint-missing-not-valid
alter table alfrd.routes add constraint routes_subject_type_check check (subject_type in ('document', 'file', 'prompt', 'series', 'sender'));
insert into alfrd.routes (subject_type, status, step, next_status, max_attempts) values ('sender', 'taught', 'try_lessons', '', 5);

-- A lesson is a row that a person has taught: they are hundreds.
-- squawk-ignore ban-drop-constraint
alter table alfrd.lessons drop constraint lessons_place_is_one;
-- squawk-ignore ban-drop-column
alter table alfrd.lessons drop column active;
alter table alfrd.lessons
  -- squawk-ignore adding-field-with-default
  add column sender_id uuid not null generated always as (md5(owner || E'\n' || lower(sender))::uuid) stored,
  add column tried_at  timestamptz,
  add column apply_to  uuid[] not null default '{}';
update alfrd.lessons set tried_at = taught_at;
alter table alfrd.lessons
  -- squawk-ignore adding-field-with-default
  add column active boolean not null generated always as (contradicted_by = '' and tried_at is not null) stored,
  -- squawk-ignore constraint-missing-not-valid
  add constraint lessons_place_is_one check (
    case when kind <> 'place' then place is null
         when tried_at is null and place is null then true
         else coalesce(jsonb_path_match(place,
           'strict $.page.type() == "number" && $.page >= 1 && $.page <= 1000000 && $.aspect.type() == "number"
              && $.aspect > 0.01 && $.aspect < 100 && $.box.type() == "array" && $.box.size() == 4
              && !exists ($.box[*] ? (@.type() != "number" || @ < -1 || @ > 2)) && $.anchors.type() == "array"
              && !exists ($.anchors[*] ? (@.type() != "array" || @.size() != 3 || @[0].type() != "string"
                || @[1].type() != "number" || @[2].type() != "number" || @[1] < -1 || @[1] > 2 || @[2] < -1 || @[2] > 2))',
           silent => true), false) end);
create index lessons_sender on alfrd.lessons (sender_id);
comment on column alfrd.lessons.sender_id is 'The owner''s sender: the subject of step try_lessons.';
comment on column alfrd.lessons.tried_at is 'When step try_lessons has first weighed it; null: not yet, and it is not used.';
comment on column alfrd.lessons.active is 'Whether it is used: it was tried, and contradicts nothing.';
comment on column alfrd.lessons.apply_to is 'Documents that are done again once it is believed: a person has asked for that before it was tried.';
