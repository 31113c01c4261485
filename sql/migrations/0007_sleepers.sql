-- Bells ring for those who sleep, and for nobody else: a NOTIFY takes a lock of the whole server at commit.

alter table alfrd.workers add column waiting_for text[] not null default '{}';
comment on column alfrd.workers.waiting_for is
  'The steps that this worker sleeps for and wants to be rung for; empty while it is awake and looks by itself.';

alter table alfrd.tasks add column announced boolean not null default true;
comment on column alfrd.tasks.announced is
  'False: nobody was rung for it, and its status goes to the feed with its claim.';
