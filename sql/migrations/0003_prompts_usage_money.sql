-- The instructions that results are made with, how good the results are, and what they cost.

create table alfrd.prompts (
  id            bigint generated always as identity primary key,
  kind          text not null,
  document_type text not null default '',
  version       integer not null check (version > 0),
  text          text not null,
  origin        text not null default 'seed'
                constraint prompts_origin check (origin in ('seed', 'code', 'person', 'import', 'evolution')),
  can_evolve    boolean not null default true,
  is_active     boolean not null default false,
  created_at    timestamptz not null default alfrd.now(),
  text_hash     text not null default '',
  parent        bigint references alfrd.prompts,
  score_ceiling real not null default 0.95 check (score_ceiling between 0 and 1),
  max_words     integer not null default 400 check (max_words > 0),
  created_by    text not null default '',
  note          text not null default '',
  unique nulls not distinct (kind, document_type, version),
  constraint prompts_text unique (kind, document_type, text_hash)
);
create unique index prompts_active on alfrd.prompts (kind, document_type) where is_active;
comment on table alfrd.prompts is 'Versioned instructions; exactly one version is active per kind and document type.';
comment on column alfrd.prompts.is_active is
  'The pointer to the version in use: moved by alfrd.activate_prompt, exactly one for each kind and document type.';
comment on column alfrd.prompts.score_ceiling is 'A version whose performance has reached this is left alone.';

-- Without foreign keys: all workers would share the lock of one row, that of the active prompt, which PostgreSQL does by way of
-- multixacts. A prompt is never deleted: its trigger refuses that.
create table alfrd.scores (
  id           bigint generated always as identity primary key,
  document_id  uuid not null,
  step         text not null,
  score        real not null check (score between 0 and 1),
  feedback     text not null default '',
  checks       jsonb not null default '[]' check (jsonb_typeof(checks) = 'array'),
  improvements text[] not null default '{}',
  prompt_id    bigint,
  made_by      text not null default '',
  scored_at    timestamptz not null default alfrd.now()
);
create index scores_document on alfrd.scores (document_id);
create index scores_prompt on alfrd.scores (prompt_id) where prompt_id is not null;
comment on column alfrd.scores.prompt_id is 'The version of the prompt that made the result that is scored.';

create table alfrd.prompt_kinds (
  kind         text primary key,
  fewest_keys  integer not null,
  new_keys     integer not null default 20,
  fewest_pairs integer not null,
  most_pairs   integer not null,
  max_words    integer not null
);
comment on table alfrd.prompt_kinds is
  'Kinds that can evolve: documents with keys before a trial, new ones since the last, pairs of a test, words of a version.';

create table alfrd.prompt_families (
  id             uuid primary key default gen_random_uuid(),
  kind           text not null,
  document_type  text not null default '',
  failures       integer not null default 0,
  cooldown_until timestamptz,
  last_trial_key bigint not null default 0,
  note           text not null default '',
  unique (kind, document_type)
);
comment on table alfrd.prompt_families is
  'All versions of a kind for a document type: the subject of step evolve_prompt.';
comment on column alfrd.prompt_families.last_trial_key is 'The newest answer key when the last trial began.';

create table alfrd.prompt_activations (
  id          bigint generated always as identity primary key,
  family_id   uuid not null references alfrd.prompt_families,
  prompt_id   bigint not null references alfrd.prompts,
  previous_id bigint references alfrd.prompts,
  reason      text not null default '',
  by          text not null default '',
  at          timestamptz not null default alfrd.now()
);
create index prompt_activations_family on alfrd.prompt_activations (family_id, id);
comment on table alfrd.prompt_activations is 'Which version was made active when, by whom and why; appended only.';

create table alfrd.answer_keys (
  document_id   uuid primary key references alfrd.documents on delete cascade,
  number        bigint generated always as identity unique,
  document_type text not null,
  facts         jsonb not null check (jsonb_typeof(facts) = 'array'),
  split         text not null check (split in ('train', 'held_back')),
  sampled       boolean not null,
  verified      text[] not null default '{}',
  revision      integer not null default 1,
  text_hash     text not null,
  made_by       text not null,
  created_at    timestamptz not null default alfrd.now(),
  updated_at    timestamptz not null default alfrd.now()
);
comment on table alfrd.answer_keys is
  'What a perfect reader would find on a document, written once from its text without seeing an output.';
comment on column alfrd.answer_keys.text_hash is 'Of the text that it was written from; a document that reads otherwise by now needs another.';
comment on column alfrd.answer_keys.sampled is 'By chance; false: it has a key because a person corrected it.';
comment on column alfrd.answer_keys.verified is 'Names of what a person has set; no new version may get these wrong.';

create table alfrd.trials (
  id            bigint generated always as identity primary key,
  family_id     uuid not null references alfrd.prompt_families,
  champion_id   bigint not null references alfrd.prompts,
  challenger_id bigint references alfrd.prompts,
  candidates    bigint[] not null default '{}',
  phase         text not null default 'reflecting'
                check (phase in ('reflecting', 'screening', 'testing', 'suggested', 'shadow')),
  ending        text not null default '' check (ending in ('', 'no_candidate', 'screened_out', 'futile', 'exhausted', 'refused',
                  'over_budget', 'superseded', 'declined', 'confirmed', 'rolled_back')),
  note          text not null default '',
  screening     uuid[] not null default '{}',
  testing       uuid[] not null default '{}',
  newest_key    bigint not null default 0,
  begun_at      timestamptz not null default alfrd.now(),
  promoted_at   timestamptz,
  ended_at      timestamptz
);
create unique index trials_open on alfrd.trials (family_id) where ending = '';
comment on table alfrd.trials is 'A champion against new versions; at most one under way for each family.';
comment on column alfrd.trials.testing is 'Held-back documents in the order in which they are looked at; later ones follow.';

create table alfrd.evaluations (
  prompt_id    bigint not null references alfrd.prompts,
  document_id  uuid not null references alfrd.documents on delete cascade,
  source       text not null check (source in ('production', 'trial')),
  trial_id     bigint references alfrd.trials,
  output       jsonb,
  score        real check (score between 0 and 1),
  misses       jsonb not null default '[]' check (jsonb_typeof(misses) = 'array'),
  key_revision integer,
  text_hash    text not null default '',
  made_by      text not null default '',
  at           timestamptz not null default alfrd.now(),
  primary key (prompt_id, document_id)
);
create index evaluations_document on alfrd.evaluations (document_id);
comment on table alfrd.evaluations is
  'What a version made of a document, and how good that was; also where a replay finds what was paid for already.';
comment on column alfrd.evaluations.output is 'Null: the reply did not have the shape that was asked for.';
comment on column alfrd.evaluations.key_revision is 'Of the key that it was graded by; null: not graded yet, which is no score.';

create table alfrd.usage (
  id            bigint generated always as identity primary key,
  at            timestamptz not null default alfrd.now(),
  document_id   uuid,
  step          text not null,
  task_id       bigint,
  attempt       integer,
  provider      text not null,
  model         text not null default '',
  pages         bigint not null default 0,
  input_tokens  bigint not null default 0,
  output_tokens bigint not null default 0,
  usd           numeric(14, 6) not null default 0,
  milliseconds  bigint not null default 0,
  cached        boolean not null default false,
  outcome       text not null,
  worker_id     bigint,
  operation     text not null default '',
  purpose       text not null default '',
  cache_read_tokens  bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  reserved_usd  numeric(14, 6) not null default 0,
  prices        numeric[],
  unpriced      boolean not null default false,
  scopes        text[] not null default '{}'
);
create index usage_document on alfrd.usage (document_id);
create index usage_at on alfrd.usage using brin (at);
comment on table alfrd.usage is 'What each provider call cost, also when its result came too late to be written.';
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
  primary key (provider, model, operation, valid_from),
  constraint prices_are_finite check (
    input < 1e9 and output < 1e9 and coalesce(cache_read, 0) < 1e9 and coalesce(cache_write, 0) < 1e9 and page < 1e9)
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

-- Work that a provider was paid for and has not handed over yet. The next attempt adopts it.
create table alfrd.provider_jobs (
  document_id uuid not null references alfrd.documents on delete cascade,
  part        integer not null check (part >= 1),
  provider    text not null check (provider <> ''),
  request     text not null check (request <> ''),
  pages       integer[] not null check (cardinality(pages) > 0),
  job_id      text not null check (job_id <> ''),
  saved_at    timestamptz not null default alfrd.now(),
  primary key (document_id, part, provider, job_id)
);
comment on table alfrd.provider_jobs is
  'Jobs that providers were paid for, such as a Textract job, until their document has been read.';
comment on column alfrd.provider_jobs.request is
  'Digest of the part''s content and of what was asked for: only who asks the same may adopt the job.';
comment on column alfrd.provider_jobs.pages is 'Page numbers in the part, in the order in which they were sent.';
