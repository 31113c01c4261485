-- How far the reading of long documents is.

create table alfrd.readings (
  document_id uuid primary key references alfrd.documents on delete cascade,
  task_id     bigint not null,
  attempt     integer not null,
  pages_before integer not null check (pages_before >= 0),
  pages_read  integer not null check (pages_read >= 0),
  pages_total integer not null check (pages_total > 0),
  started_at  timestamptz not null check (isfinite(started_at)),
  updated_at  timestamptz not null check (isfinite(updated_at))
);
comment on table alfrd.readings is
  'How far the reading of a document is, told at most once a second while its pages are saved; gone when it is read.';
comment on column alfrd.readings.attempt is 'With task_id the attempt that reads: pages_before and started_at are of this one.';
comment on column alfrd.readings.pages_before is 'Pages that were saved when this attempt told of itself first; the speed is that of the others.';
