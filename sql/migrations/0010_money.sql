-- What a call to a provider costs, what it may cost, and the replies that were paid for.

alter table alfrd.usage
  add column worker_id bigint,
  add column operation text not null default '',
  add column purpose text not null default '',
  add column cache_read_tokens integer not null default 0,
  add column cache_write_tokens integer not null default 0,
  add column reserved_usd numeric(14, 6) not null default 0,
  add column prices numeric[],
  add column unpriced boolean not null default false,
  add column scopes text[] not null default '{}';
create index usage_reserved on alfrd.usage (provider) where outcome = 'reserved';
comment on column alfrd.usage.outcome is
  'ok, throttled, failed, malformed …; reserved while it is under way; unknown where its answer was lost: that stays spent.';
comment on column alfrd.usage.input_tokens is 'Without those that the provider read from its cache or wrote to it.';
comment on column alfrd.usage.reserved_usd is 'What was set aside before it was sent: the most that it might cost.';
comment on column alfrd.usage.prices is
  'The prices that held when it was sent, as alfrd.price_of gives them; a later change of alfrd.prices changes nothing here.';
comment on column alfrd.usage.unpriced is 'No row of alfrd.prices fitted: it cost money that is not counted here.';
comment on column alfrd.usage.scopes is 'What it counts against: rows of alfrd.spending.';

create table alfrd.prices (
  provider   text not null check (provider <> ''),
  model      text not null default '*',
  operation  text not null default '',
  valid_from timestamptz not null default '-infinity',
  input      numeric not null default 0 check (input >= 0),
  output     numeric not null default 0 check (output >= 0),
  cache_read  numeric check (cache_read >= 0),
  cache_write numeric check (cache_write >= 0),
  page       numeric not null default 0 check (page >= 0),
  note       text not null default '',
  primary key (provider, model, operation, valid_from)
);
comment on table alfrd.prices is
  'USD per million tokens and per page. Edit it: an exact model goes before a pattern, a later valid_from before an earlier one.';
comment on column alfrd.prices.model is 'A model, or a pattern in which * stands for anything.';
comment on column alfrd.prices.operation is 'As the provider names it; empty for all.';
comment on column alfrd.prices.cache_read is 'Per million tokens read from the provider''s cache; null: as input.';

create table alfrd.spending (
  scope      text primary key,
  usd        numeric(14, 6) not null default 0,
  touched_at timestamptz not null default alfrd.now()
) with (fillfactor = 50);
comment on table alfrd.spending is
  'What was spent or is set aside for a document, on a day (UTC) or for a purpose. A cap is kept by locking its row.';

create table alfrd.held (
  task_id   bigint primary key,
  attempt   integer not null,
  scope     text not null,
  needs_usd numeric(14, 6) not null default 0,
  cap_usd   numeric(14, 6),
  since     timestamptz not null default alfrd.now()
);
comment on table alfrd.held is
  'Tasks whose next call does not fit under a cap, or has no price. alfrd.tend_calls lets them go on as soon as it does.';

create table alfrd.reply_cache (
  provider   text not null,
  operation  text not null,
  model      text not null,
  key        text not null,
  reply      jsonb not null,
  usd        numeric(14, 6) not null default 0,
  at         timestamptz not null default alfrd.now(),
  hits       bigint not null default 0,
  primary key (key, provider, operation, model)
);
create index reply_cache_at on alfrd.reply_cache using brin (at);
comment on table alfrd.reply_cache is 'Validated replies by the digest of their exact request. Holds what documents say.';

-- What alfrd.reserve_calls works on.
create type alfrd.wanted_call as (
  place       integer,
  worker_id   bigint,
  task_id     bigint,
  attempt     integer,
  document_id uuid,
  step        text,
  provider    text,
  operation   text,
  model       text,
  purpose     text,
  prices      numeric[],
  usd         numeric,
  scopes      text[],
  caps        numeric[]
);

-- A limit is for a step, kept where tasks are claimed, or for a provider, kept where calls are reserved.
alter table alfrd.limits
  drop constraint limits_pkey,
  alter column step set default '',
  alter column max_running drop not null,
  add column provider text not null default '',
  add column rate numeric check (rate > 0),
  add column next_at timestamptz not null default '-infinity',
  add primary key (step, provider),
  add constraint limits_subject check ((step = '') <> (provider = '')),
  add constraint limits_something check (max_running is not null or rate is not null),
  add constraint limits_rate check (rate is null or provider <> '');
comment on table alfrd.limits is
  'At most so many tasks of a step, or calls to a provider, at once in the whole fleet; and so many calls a second.';
comment on column alfrd.limits.next_at is 'Written by the engine: when the next call would come at an even pace.';

-- Public list prices of us-east-1 and the "us." inference profiles. Check them against your own bill.
insert into alfrd.prices (provider, model, operation, input, output, cache_read, cache_write, page, note) values
  ('bedrock', '*amazon.nova-micro-v1*',  '', 0.035, 0.14, 0.00875, 0.035, 0, 'list price 2025'),
  ('bedrock', '*amazon.nova-lite-v1*',   '', 0.06,  0.24, 0.015,   0.06,  0, 'list price 2025'),
  ('bedrock', '*amazon.nova-pro-v1*',    '', 0.80,  3.20, 0.20,    0.80,  0, 'list price 2025'),
  ('bedrock', '*amazon.nova-2-lite-v1*', '', 0.30,  2.50, 0.075,   0.30,  0, 'list price 2026'),
  ('bedrock', '*amazon.nova-premier-v1*', '', 2.50, 12.50, null,   null,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-3-haiku*',    '', 0.25, 1.25,  null,  null,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-3-5-haiku*',  '', 0.80, 4.00,  0.08,  1.00,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-haiku-4-5*',  '', 1.10, 5.50,  0.11,  1.40,  0, 'list price 2026, regional profile'),
  ('bedrock', '*anthropic.claude-3-5-sonnet*', '', 3.00, 15.00, 0.30,  3.75,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-3-7-sonnet*', '', 3.00, 15.00, 0.30,  3.75,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-sonnet-4-2*', '', 3.00, 15.00, 0.30,  3.75,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-sonnet-4-5*', '', 3.30, 16.50, 0.33,  4.125, 0, 'list price 2026, regional profile'),
  ('bedrock', '*anthropic.claude-sonnet-4-6*', '', 3.30, 16.50, 0.33,  4.125, 0, 'list price 2026, regional profile'),
  ('textract', '*',                'DetectDocumentText',         0, 0, null, null, 0.0015, 'first million pages a month'),
  ('textract', '*',                'StartDocumentTextDetection', 0, 0, null, null, 0.0015, 'first million pages a month'),
  -- Of AnalyzeDocument the features are the model, sorted and joined by +. What is not listed costs no more than all of them.
  ('textract', '*',                'AnalyzeDocument',            0, 0, null, null, 0.07,   'the most that features cost'),
  ('textract', 'LAYOUT',           'AnalyzeDocument',            0, 0, null, null, 0.004,  'first million pages a month'),
  ('textract', 'SIGNATURES',       'AnalyzeDocument',            0, 0, null, null, 0.0035, 'first million pages a month'),
  ('textract', 'TABLES',           'AnalyzeDocument',            0, 0, null, null, 0.015,  'first million pages a month'),
  ('textract', 'LAYOUT+TABLES',    'AnalyzeDocument',            0, 0, null, null, 0.015,  'layout is free beside tables'),
  ('textract', 'FORMS',            'AnalyzeDocument',            0, 0, null, null, 0.05,   'first million pages a month'),
  ('textract', 'FORMS+LAYOUT',     'AnalyzeDocument',            0, 0, null, null, 0.05,   'layout is free beside forms'),
  ('textract', 'FORMS+TABLES',     'AnalyzeDocument',            0, 0, null, null, 0.065,  'first million pages a month'),
  ('textract', 'FORMS+LAYOUT+TABLES', 'AnalyzeDocument',         0, 0, null, null, 0.065,  'layout is free beside forms'),
  ('openai', '*', '', 0, 0, null, null, 0, 'a server of your own; for a paid one add a row for each model');
