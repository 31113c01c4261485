-- What an application reads and writes: documents, their parts and pages, tags, series, files.
--
-- No column here holds what a worker is busy with (that is alfrd.tasks), and no text of pages: a
-- document's row is rewritten at each status, so it stays narrow.

-- The one clock of the engine. A test moves it with: set alfrd.clock_offset = '5 minutes'.
create function alfrd.now() returns timestamptz
  language sql stable parallel safe
  return statement_timestamp()
       + coalesce(nullif(current_setting('alfrd.clock_offset', true), ''), '0')::interval;

-- Tags compare equal as people mean them: lower case, trimmed, without repeats, in one order.
create function alfrd.normal_tags(tags text[]) returns text[]
  language sql immutable parallel safe
  return coalesce((select array_agg(distinct lower(btrim(tag)) order by lower(btrim(tag)))
                     from unnest(tags) as tag where btrim(tag) <> ''), '{}');

create table alfrd.document_types (
  name        text primary key check (name ~ '^[a-z][a-z0-9_]*$'),
  description text not null default '',
  created_at  timestamptz not null default alfrd.now()
);
comment on table alfrd.document_types is 'The types that a document may be given. Add rows of your own.';

create table alfrd.series (
  id          uuid primary key default gen_random_uuid(),
  owner       text not null default '',
  entity      text not null check (entity <> ''),
  entity_key  text not null check (entity_key <> ''),
  kind        text not null default '',
  frequency   text not null default '',
  slug        text not null,
  title       text not null default '',
  description text not null default '',
  fields      text[] not null default '{}',
  created_at  timestamptz not null default alfrd.now(),
  account     text not null default '' check (octet_length(account) <= 2000),
  unique nulls not distinct (owner, slug)
);
-- Led by what tells series apart: the owner is mostly the same for all, and without statistics the planner would read all series.
create unique index series_key on alfrd.series (entity_key, kind, frequency, account, owner);
-- However its sender prints its name.
create unique index series_account on alfrd.series (account, kind, owner) where account <> '';
comment on table alfrd.series is 'Recurring documents of one entity and one kind.';
comment on column alfrd.series.entity_key is 'The entity without case, punctuation, legal forms and OCR noise.';
comment on column alfrd.series.account is
  'The number of the account, policy or customer, in capitals without punctuation; empty: none is known.';
comment on column alfrd.series.fields is 'Names of the values that its members share, in the order first seen.';

create table alfrd.documents (
  id            uuid primary key default gen_random_uuid(),
  owner         text not null default '',
  filename      text not null default '',
  content       bytea,
  uri           text not null default '',
  fingerprint   text not null default '',
  tags          text[] not null default '{}',
  metadata      jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  priority      smallint not null default 0,
  status        text not null default 'pending',
  generation    integer not null default 1,
  error         text not null default '',
  failed_step   text not null default '',
  created_at    timestamptz not null default alfrd.now(),
  updated_at    timestamptz not null default alfrd.now(),

  page_count                integer not null default 0 check (page_count >= 0),
  document_type             text not null default '',
  classification_confidence real check (classification_confidence between 0 and 1),
  classification_reasoning  text not null default '',
  summary         text not null default '',
  entity          text not null default '',
  document_date   date,
  due_date        date,
  total_amount    numeric,
  currency        text not null default '',
  account_number  text not null default '',
  period_start    date,
  period_end      date,
  structured_data jsonb not null default '{}' check (jsonb_typeof(structured_data) = 'object'),
  evidence        jsonb not null default '{}' check (jsonb_typeof(evidence) = 'object'),
  series_id       uuid references alfrd.series on delete set null,
  series_data     jsonb not null default '{}' check (jsonb_typeof(series_data) = 'object'),
  corrected       text[] not null default '{}',
  made_by         jsonb not null default '{}' check (jsonb_typeof(made_by) = 'object'),

  -- Bounds on what applications may write, far from what any document says: an amount of NaN kept a file from ever being summarised,
  -- a date before Christ broke every list. Text is measured in bytes, which does not unpack it.
  constraint documents_owner_is_short check (octet_length(owner) <= 2000),
  constraint documents_filename_is_short check (octet_length(filename) <= 100000),
  constraint documents_uri_is_short check (octet_length(uri) <= 100000),
  constraint documents_fingerprint_is_short check (octet_length(fingerprint) <= 2000),
  constraint documents_summary_is_short check (octet_length(summary) <= 1000000),
  constraint documents_entity_is_short check (octet_length(entity) <= 10000),
  constraint documents_currency_is_short check (octet_length(currency) <= 200),
  constraint documents_account_number_is_short check (octet_length(account_number) <= 2000),
  constraint documents_document_date_is_in_years_1_to_9999
    check (document_date between date '0001-01-01' and date '9999-12-31'),
  constraint documents_due_date_is_in_years_1_to_9999 check (due_date between date '0001-01-01' and date '9999-12-31'),
  constraint documents_period_start_is_in_years_1_to_9999
    check (period_start between date '0001-01-01' and date '9999-12-31'),
  constraint documents_period_end_is_in_years_1_to_9999 check (period_end between date '0001-01-01' and date '9999-12-31'),
  -- NaN counts as larger than everything.
  constraint documents_total_amount_is_money check (abs(total_amount) < 1e15 and scale(total_amount) <= 30),
  constraint documents_tags_are_a_plain_list check (
    case when coalesce(array_ndims(tags), 1) = 1 and coalesce(array_lower(tags, 1), 1) = 1
         then array_position(tags, null) is null else false end)
  -- A document is rewritten at each status, all documents of a page at once in one exchange. Without an index on what changes, and
  -- with room on its page, that touches no index.
) with (fillfactor = 45);
alter table alfrd.documents alter column content set storage external;
create unique index documents_fingerprint on alfrd.documents (fingerprint) where fingerprint <> '';
create index documents_newest on alfrd.documents (created_at desc, id);
create index documents_series on alfrd.documents (series_id, document_date) where series_id is not null;

comment on table alfrd.documents is
  'One logical document. Insert filename and content (bytes) or uri; the rest is filled in.';
comment on column alfrd.documents.fingerprint is
  'Optional key against duplicates: a second row with the same non-empty value is refused.';
comment on column alfrd.documents.status is
  'The milestone reached: pending, ocr_completed, classified, summarized, filed, completed, failed, cancelled.';
comment on column alfrd.documents.generation is
  'Raised whenever a person re-submits, corrects or cancels; work for an older one is refused.';
comment on column alfrd.documents.error is 'Why it failed: what, which, and what now.';
comment on column alfrd.documents.corrected is 'Columns that a person has set; workers leave them alone.';
comment on column alfrd.documents.made_by is 'Step -> {by, prompt}: who made each result, with which prompt.';

create table alfrd.document_parts (
  document_id uuid not null references alfrd.documents on delete cascade,
  number      integer not null check (number >= 1),
  filename    text not null default '',
  content     bytea,
  uri         text not null default '',
  media_type  text not null default '',
  page_count  integer not null default 0,
  byte_count  bigint not null default 0,
  sha256      text not null default '',
  primary key (document_id, number),
  constraint document_parts_filename_is_short check (octet_length(filename) <= 100000),
  constraint document_parts_uri_is_short check (octet_length(uri) <= 100000)
);
alter table alfrd.document_parts alter column content set storage external;
comment on table alfrd.document_parts is
  'The files of a document in order. A document with content or a uri of its own gets its row when it is read.';

-- Pages, tags and scores are written by the engine alone, in a transaction that holds the document's row already, so they have no
-- foreign key: each check cost more than the row that was checked. The triggers of alfrd.documents delete them with their document.
-- Who inserts rows here by hand locks the document first (for key share).

create table alfrd.pages (
  document_id uuid not null,
  number      integer not null check (number >= 1),
  part        integer not null default 1,
  text        text not null default '',
  confidence  real not null default 1 check (confidence between 0 and 1),
  source      text not null default '',
  layout      jsonb not null default '{}' check (jsonb_typeof(layout) = 'object'),
  read_at     timestamptz not null default alfrd.now(),
  -- A tsvector holds at most 1 MB; the cut keeps a huge text file from failing its document.
  search      tsvector generated always as (to_tsvector('simple', left(text, 200000))) stored,
  primary key (document_id, number)
);
create index pages_search on alfrd.pages using gin (search);
comment on column alfrd.pages.layout is
  '{width, height, rotation, lines: [{text, box: [left, top, right, bottom], confidence}]}, boxes as ratios.';

create table alfrd.tags (
  document_id uuid not null,
  tag         text not null check (tag <> '') constraint tags_tag_is_short check (octet_length(tag) <= 2000),
  source      text not null check (source in ('user', 'system', 'analyst')),
  primary key (document_id, tag)
);
create index tags_tag on alfrd.tags (tag, document_id);
comment on table alfrd.tags is 'documents.tags, a row each, with who gave it. Kept by triggers: write documents.tags.';

create table alfrd.files (
  id          uuid primary key default gen_random_uuid(),
  owner       text not null default '',
  tags        text[] not null check (cardinality(tags) > 0),
  title       text not null default '',
  status      text not null default 'pending',
  revision    bigint not null default 1,
  generated_revision bigint not null default 0,
  generated_at timestamptz,
  summary     text not null default '',
  columns     text[] not null default '{}',
  rows        jsonb not null default '[]' check (jsonb_typeof(rows) = 'array'),
  statistics  jsonb not null default '{}' check (jsonb_typeof(statistics) = 'object'),
  insights    text[] not null default '{}',
  member_count integer not null default 0,
  series_id   uuid references alfrd.series on delete set null,
  error       text not null default '',
  made_by     jsonb not null default '{}',
  created_at  timestamptz not null default alfrd.now(),
  updated_at  timestamptz not null default alfrd.now(),
  unique nulls not distinct (owner, tags),
  constraint files_owner_is_short check (octet_length(owner) <= 2000),
  constraint files_title_is_short check (octet_length(title) <= 100000),
  constraint files_tags_are_a_plain_list check (
    case when coalesce(array_ndims(tags), 1) = 1 and coalesce(array_lower(tags, 1), 1) = 1
         then array_position(tags, null) is null else false end)
);
-- A file's tags are sorted; its members carry all of them, so they carry the first.
create index files_first_tag on alfrd.files ((tags[1]));
comment on table alfrd.files is 'The completed documents that carry all of its tags, summarised as a whole.';
comment on column alfrd.files.revision is
  'Raised when a member is added, removed or changed; the summary is current when generated_revision equals it.';

create table alfrd.type_suggestions (
  name        text not null,
  document_id uuid not null references alfrd.documents on delete cascade,
  reasoning   text not null default '',
  created_at  timestamptz not null default alfrd.now(),
  primary key (name, document_id)
);
comment on table alfrd.type_suggestions is 'Types that an analyst missed; insert a row into document_types to adopt one.';

create sequence alfrd.changes;
create table alfrd.corrections (
  id          bigint generated always as identity primary key,
  document_id uuid not null references alfrd.documents on delete cascade,
  field       text not null,
  old_value   jsonb,
  new_value   jsonb,
  corrected_by text not null,
  corrected_at timestamptz not null default alfrd.now(),
  change_id    bigint not null
);
comment on column alfrd.corrections.change_id is 'The number of the change: what one UPDATE of one document corrected is undone together.';
create index corrections_document on alfrd.corrections (document_id);
