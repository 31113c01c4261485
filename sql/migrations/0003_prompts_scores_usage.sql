-- The instructions that results are made with, how good the results are, and what they cost.

create table alfrd.prompts (
  id            bigint generated always as identity primary key,
  kind          text not null,
  document_type text not null default '',
  version       integer not null check (version > 0),
  text          text not null,
  origin        text not null default 'seed',
  can_evolve    boolean not null default true,
  is_active     boolean not null default false,
  created_at    timestamptz not null default alfrd.now(),
  unique nulls not distinct (kind, document_type, version)
);
create unique index prompts_active on alfrd.prompts (kind, document_type) where is_active;
comment on table alfrd.prompts is 'Versioned instructions; exactly one version is active per kind and document type.';

create table alfrd.scores (
  id           bigint generated always as identity primary key,
  document_id  uuid not null references alfrd.documents on delete cascade,
  step         text not null,
  score        real not null check (score between 0 and 1),
  feedback     text not null default '',
  checks       jsonb not null default '[]' check (jsonb_typeof(checks) = 'array'),
  improvements text[] not null default '{}',
  prompt_id    bigint references alfrd.prompts,
  made_by      text not null default '',
  scored_at    timestamptz not null default alfrd.now()
);
create index scores_document on alfrd.scores (document_id);
create index scores_prompt on alfrd.scores (prompt_id) where prompt_id is not null;
comment on column alfrd.scores.prompt_id is 'The version of the prompt that made the result that is scored.';

create table alfrd.usage (
  id            bigint generated always as identity primary key,
  at            timestamptz not null default alfrd.now(),
  document_id   uuid,
  step          text not null,
  task_id       bigint,
  attempt       integer,
  provider      text not null,
  model         text not null default '',
  pages         integer not null default 0,
  input_tokens  integer not null default 0,
  output_tokens integer not null default 0,
  usd           numeric(14, 6) not null default 0,
  milliseconds  integer not null default 0,
  cached        boolean not null default false,
  outcome       text not null
);
create index usage_document on alfrd.usage (document_id);
create index usage_at on alfrd.usage using brin (at);
comment on table alfrd.usage is 'What each provider call cost, also when its result came too late to be written.';
