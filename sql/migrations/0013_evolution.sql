-- Prompts that improve: what a perfect answer is, what each version made of each document, and the trials of new versions.

alter table alfrd.prompts
  add column text_hash     text not null default '',
  add column parent        bigint references alfrd.prompts,
  add column score_ceiling real not null default 0.95 check (score_ceiling between 0 and 1),
  add column max_words     integer not null default 400 check (max_words > 0),
  add column created_by    text not null default '',
  add column note          text not null default '',
  add constraint prompts_origin check (origin in ('seed', 'code', 'person', 'import', 'evolution'));
update alfrd.prompts
   set text_hash = encode(sha256(convert_to(text, 'UTF8')), 'hex'), created_by = session_user,
       max_words = case kind when 'classifier' then 300 else 400 end,
       -- Only what a key can grade may change by itself.
       can_evolve = can_evolve and kind in ('classifier', 'summarizer');
alter table alfrd.prompts add constraint prompts_text unique (kind, document_type, text_hash);
comment on column alfrd.prompts.is_active is
  'The pointer to the version in use: moved by alfrd.activate_prompt, exactly one for each kind and document type.';
comment on column alfrd.prompts.score_ceiling is 'A version whose performance has reached this is left alone.';

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
insert into alfrd.prompt_kinds (kind, fewest_keys, fewest_pairs, most_pairs, max_words) values
  ('classifier', 60, 20, 120, 300),
  ('summarizer', 30, 8, 40, 400);

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
insert into alfrd.prompt_families (kind, document_type) select distinct kind, document_type from alfrd.prompts;

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
insert into alfrd.prompt_activations (family_id, prompt_id, reason, by, at)
select f.id, p.id, 'seeded', session_user, p.created_at
  from alfrd.prompts p join alfrd.prompt_families f using (kind, document_type) where p.is_active;

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

-- A prompt's family is the subject of a task, as documents and files are.
alter table alfrd.routes drop constraint routes_entity_check,
  add constraint routes_entity_check check (entity in ('document', 'file', 'prompt'));
insert into alfrd.routes (entity, status, step) values
  ('prompt', 'due', 'evolve_prompt'),
  ('document', 'sampled', 'answer_key');
