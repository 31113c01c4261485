-- The fields of a series have versions: under a newer one, the documents that it concerns are extracted again. And a payment that may as well
-- be that of another bill says so.

alter table alfrd.series_fields
  add column former_names text[] not null default '{}',
  add column made_by text not null default '';
comment on table alfrd.series_fields is
  'The values that documents of a series share: each a column of its view in schema alfrd_series. Given with the first value, and kept.';
comment on column alfrd.series_fields.version is
  'Of which version of the series'' fields it is as it is; the newest one is the series'' version.';
comment on column alfrd.series_fields.former_names is
  'What it was called before. A value that comes under such a name is filed under the present one.';
comment on column alfrd.series_fields.made_by is 'The person who added it, or changed its name or type; empty: it came with a document.';
create index series_fields_renamed on alfrd.series_fields (series_id) where former_names <> '{}';

-- squawk-ignore ban-drop-column
alter table alfrd.series_views drop column field_count;
alter table alfrd.series_views add column fields_version integer not null default 0;
comment on column alfrd.series_views.fields_version is 'The version of the series'' fields that it shows.';

create table alfrd.series_renewals (
  series_id      uuid primary key references alfrd.series on delete cascade,
  version        integer not null,
  after_document uuid,
  begun_at       timestamptz not null default alfrd.now()
);
comment on table alfrd.series_renewals is
  'Series whose fields have a newer version, and whose documents are being extracted again. Only the engine writes it.';
comment on column alfrd.series_renewals.after_document is 'The documents up to this one, by id, are sent back already; null: none is.';

alter table alfrd.payments add column rival_id uuid;
comment on column alfrd.payments.rival_id is
  'An equal bill of the same sender, which this may as well have paid, while its payment paid this one: a question for people; null: it is clear.';
