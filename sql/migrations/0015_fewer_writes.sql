-- A task is inserted, claimed and deleted seven times for each document: whatever each of that writes, counts.

-- Which tasks a worker owns is seen in tasks_running: a few hundred that run, and those that vacuum has not removed yet.
drop index alfrd.tasks_owner;

-- What the engine alone writes, in a transaction that holds the document's row already, needs no check of that row: each cost more
-- than the row that was checked. The triggers of alfrd.documents delete what hangs on a document, with it. Who inserts rows here by
-- hand locks the document first (for key share).
alter table alfrd.pages drop constraint pages_document_id_fkey;
alter table alfrd.tags drop constraint tags_document_id_fkey;
alter table alfrd.scores drop constraint scores_document_id_fkey;
-- All workers would share the lock of one row, that of the active prompt, which PostgreSQL does by way of multixacts. A prompt is
-- never deleted: its trigger refuses that.
alter table alfrd.scores drop constraint scores_prompt_id_fkey;

-- An exchange writes the next version of all documents of a page at once: with less room than that, half of them went to other pages,
-- and into each index.
alter table alfrd.documents set (fillfactor = 45);

-- Led by what tells series apart. Both unique keys began with the owner, who is mostly the same for all, and without statistics
-- the planner read all series by the wrong one.
alter table alfrd.series drop constraint series_owner_entity_key_kind_frequency_key;
create unique index series_key on alfrd.series (entity_key, kind, frequency, owner);

-- The order of the queue in one number, so that a claim can go on from where the last one ended. While a long transaction holds
-- vacuum back, all tasks that were finished since stand at the front of the index, and each claim stepped over all of them.
alter table alfrd.tasks add column place bigint not null
  generated always as ((((32767 - priority)::bigint) << 40) | id) stored;
comment on column alfrd.tasks.place is 'Its place in the queue of its step: the higher priority first, then the lower id.';
drop index alfrd.tasks_ready;
create index tasks_ready on alfrd.tasks (step, place) where state = 'ready';

-- What each exchange looks up, in one row: four small tables less to read, each time. Apart from alfrd.edition, so that nobody who
-- edits document types holds up a pause.
create table alfrd.standing (
  only_row boolean primary key default true check (only_row),
  paused   text[] not null default '{}',
  limited  text[] not null default '{}',
  later    text[] not null default '{}',
  side     text[] not null default '{}',
  leaving  text[] not null default '{}',
  illegal  text[] not null default '{}'
);
comment on table alfrd.standing is
  'Of routes, transitions, limits and pauses, what each exchange looks up. Kept by triggers: write those.';
comment on column alfrd.standing.later is 'Steps that follow from what another step leads to.';
comment on column alfrd.standing.side is 'Steps that lead to no status.';
comment on column alfrd.standing.leaving is 'Steps that lead away from completed.';
comment on column alfrd.standing.illegal is 'Routes, as "step next_status", whose change of status is no legal transition.';
