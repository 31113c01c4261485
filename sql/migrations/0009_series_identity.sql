-- What tells series apart: first the account, then the name.

-- Names and accounts that a person has said are those of a series.
create table alfrd.series_aliases (
  owner      text not null,
  entity_key text not null,
  kind       text not null,
  account    text not null default '',
  series_id  uuid not null references alfrd.series on delete cascade,
  primary key (entity_key, kind, account, owner)
);
create index series_aliases_account on alfrd.series_aliases (account, kind, owner) where account <> '';
create index series_aliases_series on alfrd.series_aliases (series_id);
comment on table alfrd.series_aliases is
  'Documents of this name, or of this account, go into this series: learned from merges and renamings.';

create table alfrd.series_changes (
  id           bigint generated always as identity primary key,
  kind         text not null check (kind in ('merge', 'rename', 'split')),
  series_id    uuid not null,
  other_id     uuid,
  document_ids uuid[] not null default '{}',
  before       jsonb not null default '{}' check (jsonb_typeof(before) = 'object'),
  made_by      text not null,
  made_at      timestamptz not null default alfrd.now(),
  undone_at    timestamptz
);
create index series_changes_series on alfrd.series_changes (series_id);
comment on table alfrd.series_changes is 'What people have merged, renamed and split: alfrd.undo_series_change takes it back.';
comment on column alfrd.series_changes.other_id is 'The series that was merged into series_id, or that was split off.';
comment on column alfrd.series_changes.before is 'The series as it was that is gone, or has changed.';
