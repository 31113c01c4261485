-- Claims do not wait for the disk. What a crash of the server loses of them is seen by this: crash recovery empties an unlogged
-- table, and so does a promotion.

alter table alfrd.standing add column since timestamptz not null default '-infinity';
alter table alfrd.standing alter column since set default alfrd.now();
comment on column alfrd.standing.since is
  'When the row was made again, because crash recovery had emptied the table: claims of older tasks may have been lost.';
alter table alfrd.standing set unlogged;
