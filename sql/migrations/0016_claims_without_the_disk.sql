-- Claims do not wait for the disk. What a crash of the server loses of them is seen by this: crash recovery empties an unlogged
-- table, and so does a promotion.

alter table alfrd.standing add column since timestamptz not null default '-infinity';
alter table alfrd.standing alter column since set default alfrd.now();
comment on column alfrd.standing.since is
  'When the row was made again, because crash recovery had emptied the table: claims of older tasks may have been lost.';
alter table alfrd.standing set unlogged;

-- What a worker is told of tasks that are its own from now on.
create type alfrd.claimed as (
  ids       bigint[],
  tasks     json,      -- a list for each column: an object for each task takes four times as long to make
  documents uuid[],    -- of these tasks,
  read      uuid[],    -- of those that read,
  extracted uuid[],    -- and of those that extract
  to_file   boolean,   -- some of them file
  is_known  boolean,   -- the worker's row is there, and locked
  reached   jsonb,
  some_old  boolean
);
comment on type alfrd.claimed is 'Tasks that have become a worker''s: what alfrd.claim and alfrd.handed give to alfrd.exchange.';
