-- Series that know what is missing: their rhythm, their alerts, and the task that looks after each of them.
--
-- Each series has at most one waiting task of step watch_series. Its time is the next moment at which something may be late; a change of one
-- of its documents brings it forward. So nothing polls, and nothing is looked at before it is due.

-- The delay gathers the documents of a burst.
insert into alfrd.routes (subject_type, status, step, next_status, delay, max_attempts)
values ('series', 'due', 'watch_series', '', '5 seconds', 5);

-- When to look at a series; null: after the delay of its route.
create type alfrd.next_look as (series_id uuid, run_at timestamptz);
alter type alfrd.exchange_state add attribute next_looks alfrd.next_look[];

create table alfrd.series_rhythms (
  series_id     uuid primary key references alfrd.series on delete cascade,
  frequency     text not null default '',
  confidence    real not null default 0 check (confidence between 0 and 1),
  every_days    integer not null default 0 check (every_days between 0 and 366),
  every_months  integer not null default 0 check (every_months between 0 and 12),
  expected      date,
  expected_from date,
  expected_to   date,
  usual_amount  numeric,
  currency      text not null default '',
  has_ended     boolean not null default false,
  watched_at    timestamptz not null default alfrd.now(),
  next_look_at  timestamptz,
  constraint series_rhythms_window check (
    (expected is null) = (expected_from is null) and (expected is null) = (expected_to is null)
    and expected_from >= '0001-01-01' and expected between expected_from and expected_to and expected_to <= '9999-12-31')
);
comment on table alfrd.series_rhythms is 'How often the documents of a series come, and when the next one is expected. Written by step watch_series.';
comment on column alfrd.series_rhythms.frequency is
  'weekly, biweekly, monthly, bimonthly, quarterly, semiannual or annual, learned from the dates; empty: unknown.';
comment on column alfrd.series_rhythms.next_look_at is 'When something may be late next; null: never, as far as is known.';
comment on column alfrd.series_rhythms.expected_from is 'The window of the next document begins; null: none can be expected.';

create table alfrd.series_alerts (
  id            uuid primary key default gen_random_uuid(),
  series_id     uuid not null references alfrd.series on delete cascade,
  kind          text not null check (kind in ('missing', 'late', 'amount', 'duplicate', 'changed', 'balance', 'ended')),
  key           text not null,
  document_id   uuid references alfrd.documents on delete cascade,
  detail        text not null,
  expected      date,
  expected_from date,
  expected_to   date,
  data          jsonb not null default '{}' check (jsonb_typeof(data) = 'object'),
  raised_at     timestamptz not null default alfrd.now(),
  resolved_at   timestamptz,
  dismissed_at  timestamptz,
  snoozed_until timestamptz check (snoozed_until < 'infinity'),
  unique (series_id, key),
  constraint series_alerts_window check (
    (expected is not null and expected_from is not null and expected_to is not null) = (kind in ('late', 'missing'))
    and expected_from >= '0001-01-01' and expected between expected_from and expected_to and expected_to <= '9999-12-31')
);
create index series_alerts_open on alfrd.series_alerts (raised_at) where resolved_at is null and dismissed_at is null;
create index series_alerts_document on alfrd.series_alerts (document_id) where document_id is not null;
comment on table alfrd.series_alerts is
  'What a person should know of a series: raised once, resolved by itself, dismissed or snoozed by a person.';
comment on column alfrd.series_alerts.expected is 'Of what is late or missing: its likeliest date, and its window.';
comment on column alfrd.series_alerts.key is 'The occasion: what was raised for it once is not raised again.';

-- The series that a transaction has changed, until its commit: one row each, whatever the number of documents.
create unlogged table alfrd.changed_series (
  transaction xid8 not null default pg_current_xact_id(),
  series_id   uuid not null,
  is_first    boolean not null,
  primary key (transaction, series_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
comment on column alfrd.changed_series.is_first is 'The first of its transaction: at the commit, it speaks for all of them.';
comment on table alfrd.changed_series is 'Kept by triggers within a transaction; what is to be looked after at its commit; or until the task ends that was being claimed then.';

-- What is there already is looked after once.
insert into alfrd.tasks (step, subject_type, subject_id, status, state, run_at)
select 'watch_series', 'series', id, 'due', 'ready', alfrd.now() from alfrd.series;
