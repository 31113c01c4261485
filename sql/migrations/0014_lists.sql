-- Many documents in the console: what failed and what is due is found, many are changed at once, and filters have names.
--
-- Neither index is touched by a step that goes well: only a failure changes error and failed_step, and only the reading of
-- its values changes due_date. An index on status itself would be written at each of the five milestones of a document.
create index documents_failed on alfrd.documents (created_at desc, id) where failed_step <> '' or error <> '';
create index documents_due on alfrd.documents (due_date) where due_date is not null;

create table alfrd.bulk_changes (
  id           bigint generated always as identity primary key,
  tag          text not null,
  is_removal   boolean not null,
  document_ids uuid[] not null,
  made_by      text not null,
  made_at      timestamptz not null default alfrd.now(),
  undone_at    timestamptz
);
comment on table alfrd.bulk_changes is
  'Tags that people gave to many documents at once, or took from them: alfrd.undo_bulk_change takes it back.';
comment on column alfrd.bulk_changes.document_ids is 'Those that it changed: no others that have the tag.';

create table alfrd.console_views (
  name     text primary key check (name <> '' and length(name) <= 80),
  query    text not null check (octet_length(query) <= 4000),
  made_by  text not null,
  made_at  timestamptz not null default alfrd.now()
);
comment on table alfrd.console_views is 'Filters of the list of documents that have a name: the part of its address after the question mark.';
