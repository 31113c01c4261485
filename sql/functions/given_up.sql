-- Functions of earlier releases that are no more: what is here is dropped from a database that is brought up to date.
--
-- One that has come back with other arguments is dropped in its own file, before it is made.

drop function if exists
  -- Lessons are weighed by step try_lessons: src/alfrd_events/analysis/rules/trying.py
  alfrd.weigh_lessons(text, text, text, text, text), alfrd.label_beside(text, text, jsonb), alfrd.misleads(text, text, text, jsonb),
  alfrd.lines_of(jsonb), alfrd.aspect_of(jsonb), alfrd.anchors_of(jsonb, double precision), alfrd.printed_on_page(text, jsonb),
  alfrd.holds_value(text, text[]), alfrd.place_of(uuid, text, jsonb), alfrd.told_place(jsonb),
  alfrd.moved(jsonb, jsonb, double precision), alfrd.misplaces(uuid, jsonb, text, jsonb), alfrd.places_agree(jsonb, jsonb),
  alfrd.is_at(double precision[], jsonb, double precision, double precision, double precision, double precision),
  -- An exchange looks at its claims itself.
  alfrd.claimed_tasks(bigint[]);
