-- Which of two series a document belongs to, where that is not clear: a question for a person, whose answer is remembered.

create table alfrd.series_questions (
  document_id uuid primary key references alfrd.documents on delete cascade,
  place       jsonb not null check (jsonb_typeof(place) = 'object'),
  candidates  uuid[] not null check (cardinality(candidates) > 1),
  asked_at    timestamptz not null default alfrd.now(),
  answer_id   uuid references alfrd.series on delete set null
);
create index series_questions_answer on alfrd.series_questions (answer_id) where answer_id is not null;
comment on table alfrd.series_questions is
  'Documents that may belong to several series: they wait in the review queue. Answer by alfrd.answer_series, or correct their series.';
comment on column alfrd.series_questions.place is 'What the series of its own would be called: entity, kind, frequency, slug, title …';
comment on column alfrd.series_questions.answer_id is 'The series that a person has named; null: none yet.';
