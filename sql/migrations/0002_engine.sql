-- What the engine runs on: routes say what follows from a status, tasks are the durable work, workers
-- own tasks by lease, events tell what happened.

create table alfrd.transitions (
  subject_type text not null check (subject_type in ('document', 'file')),
  from_status text not null,
  to_status   text not null,
  primary key (subject_type, from_status, to_status)
);
comment on table alfrd.transitions is 'The status changes that are legal; any other is refused.';

create table alfrd.routes (
  subject_type text not null check (subject_type in ('document', 'file', 'prompt', 'series')),
  status       text not null,
  step         text not null check (step ~ '^[a-z][a-z0-9_]*$'),
  next_status  text not null default '',
  delay        interval not null default '0'
               constraint routes_delay_is_a_year_at_most check (delay >= '0' and delay <= interval '1 year'),
  max_attempts integer not null default 5 check (max_attempts > 0)
               constraint routes_attempts_are_1000_at_most check (max_attempts <= 1000),
  needs        text[] not null default '{}'
               constraint routes_needs_are_known check (needs <@ array['parts', 'series', 'series_versions']),
  to_status    text generated always as (nullif(next_status, '')) stored,
  constraint routes_lead_on_legally foreign key (subject_type, status, to_status) references alfrd.transitions,
  primary key (subject_type, status, step)
);
create unique index routes_main on alfrd.routes (subject_type, status) where next_status <> '';
comment on table alfrd.routes is 'Which steps follow from a status. One row adds a step of your own.';
comment on column alfrd.routes.next_status is 'The status that success leads to; empty for side work, which writes none.';
comment on column alfrd.routes.needs is
  'What comes with a claim, beside the document: its parts, its series, or the versions of its owner''s series.';
comment on column alfrd.routes.to_status is 'next_status, where there is one: the transition has to be legal.';
comment on column alfrd.routes.delay is 'How long to wait before starting, so that a burst of changes causes one run.';

-- A limit is for a step, kept where tasks are claimed, or for a provider, kept where calls are reserved.
create table alfrd.limits (
  step        text not null default '',
  max_running integer check (max_running > 0),
  provider    text not null default '',
  rate        numeric check (rate > 0) constraint limits_rate_is_between check (rate between 0.000001 and 1000000),
  next_at     timestamptz not null default '-infinity' constraint limits_next_is_a_time check (next_at < 'infinity'),
  primary key (step, provider),
  constraint limits_subject check ((step = '') <> (provider = '')),
  constraint limits_something check (max_running is not null or rate is not null),
  constraint limits_rate check (rate is null or provider <> '')
);
comment on table alfrd.limits is
  'At most so many tasks of a step, or calls to a provider, at once in the whole fleet; and so many calls a second.';
comment on column alfrd.limits.next_at is 'Written by the engine: when the next call would come at an even pace.';

create table alfrd.pauses (
  step      text primary key,
  reason    text not null default '',
  paused_by text not null,
  paused_at timestamptz not null default alfrd.now()
);
comment on table alfrd.pauses is 'Steps that no worker claims for now: write it through alfrd.pause and alfrd.resume.';

create table alfrd.workers (
  id            bigint generated always as identity primary key,
  name          text not null,
  host          text not null default '',
  process       integer not null default 0,
  version       text not null default '',
  steps         text[] not null default '{}',
  lease_seconds double precision not null
                constraint workers_lease_is_a_week_at_most check (lease_seconds > 0 and lease_seconds <= 604800),
  started_at    timestamptz not null default alfrd.now(),
  heartbeat_at  timestamptz not null default alfrd.now(),
  locked        boolean not null default false,
  suspected_at  timestamptz,
  superseded_by text not null default '',
  waiting_for   text[] not null default '{}'
);
comment on column alfrd.workers.locked is
  'Its listener holds the session advisory lock of alfrd.worker_lock(id): when that is free, the process is gone.';
comment on column alfrd.workers.superseded_by is
  'The release that has migrated the database past this worker''s: it hands in what it has, and claims nothing more.';
comment on column alfrd.workers.waiting_for is
  'The steps that this worker sleeps for and wants to be notified of; empty while it looks by itself.';

create table alfrd.tasks (
  id           bigint generated always as identity primary key,
  step         text not null,
  subject_type text not null,
  subject_id   uuid not null,
  status       text not null,
  generation   integer not null default 1,
  state        text not null default 'ready' check (state in ('ready', 'scheduled', 'running', 'dead')),
  priority     smallint not null default 0,
  run_at       timestamptz not null default alfrd.now(),
  attempt      integer not null default 0,
  max_attempts integer not null default 5,
  throttles    integer not null default 0,
  worker_id    bigint,
  woken_by     text not null default '',
  error        text not null default '',
  created_at   timestamptz not null default alfrd.now(),
  claimed_at   timestamptz,
  announced    boolean not null default true,
  queue_position bigint not null generated always as ((((32767 - priority)::bigint) << 40) | id) stored
) with (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);
-- One waiting, one running and one dead task at most for each step of each subject.
create unique index tasks_waiting on alfrd.tasks (subject_id, step) where state in ('ready', 'scheduled');
create unique index tasks_running on alfrd.tasks (subject_id, step) where state = 'running';
create unique index tasks_dead on alfrd.tasks (subject_id, step) where state = 'dead';
-- The claim reads from the front of this one; what is scheduled for later does not stand in its way.
create index tasks_ready on alfrd.tasks (step, queue_position) where state = 'ready';
create index tasks_scheduled on alfrd.tasks (run_at) where state = 'scheduled';
comment on table alfrd.tasks is
  'A step to be run for a subject. Deleted when done (the outcome goes to alfrd.events); dead ones stay.';
comment on column alfrd.tasks.status is 'The status that it follows from: with subject_type and step, its route.';
comment on column alfrd.tasks.announced is
  'False: no worker was notified of it, and its status goes to the feed with its claim.';
comment on column alfrd.tasks.queue_position is 'Its position in the queue of its step: the higher priority first, then the lower id.';
comment on column alfrd.tasks.attempt is 'Counted at each claim, never down: (id, attempt) is the fencing token.';

create table alfrd.events (
  id         bigint generated always as identity,
  at         timestamptz not null default alfrd.now(),
  subject_type text not null,
  subject_id uuid not null,
  kind       text not null,
  step       text not null default '',
  task_id    bigint,
  attempt    integer,
  worker_id  bigint,
  woken_by   text not null default '',
  waited_ms  bigint,
  ran_ms     bigint,
  detail     text not null default '',
  -- A publication for all tables lets no row be deleted that has no replica identity.
  constraint events_subject primary key (subject_id, id)
);
create index events_at on alfrd.events using brin (at);
comment on table alfrd.events is 'What happened, appended only: an event for each finished task and each act of a person.';

create table alfrd.step_results (
  subject_type text not null,
  subject_id uuid not null,
  step       text not null,
  result     jsonb not null,
  made_by    text not null default '',
  at         timestamptz not null default alfrd.now(),
  primary key (subject_type, subject_id, step)
);
comment on table alfrd.step_results is 'The latest result of each step that users added.';

create type alfrd.finished as (
  task_id     bigint,
  attempt     integer,
  step        text,
  subject_type text,
  subject_id  uuid,
  generation  integer,
  from_status text,
  next_status text,
  woken_by    text,
  waited_ms   bigint,
  ran_ms      bigint,
  made_by     text,
  prompt_id   bigint,
  result      jsonb
);
comment on type alfrd.finished is 'A task that was done, with its result: what alfrd.complete gives to alfrd.record.';

-- A change of status, of which alfrd.advance makes tasks.
create type alfrd.change as (
  subject_type text,
  subject_id   uuid,
  from_status  text,
  to_status    text,
  generation   integer,
  priority     smallint
);

-- A waiting task that a worker has claimed just now.
create type alfrd.claimed as (
  id             bigint,
  step           text,
  queue_position bigint,
  subject_id     uuid,
  status         text,
  announced      boolean,
  is_old         boolean   -- older than the last crash of the server
);

-- A task that was given up unfinished, and what became of it.
create type alfrd.released as (
  task_id      bigint,
  step         text,
  subject_type text,
  subject_id   uuid,
  attempt      integer,
  worker_id    bigint,
  woken_by     text,
  generation   integer,
  outcome      text,       -- retry, throttled, released or lost; dead, or superseded
  error        text,
  delay        interval,
  ran_ms       bigint,
  is_main      boolean     -- its end is its subject's
);

-- What the functions of one exchange hand to each other. Triggers use changes, touched and notify of it.
create type alfrd.exchange_state as (
  worker        bigint,
  woken_by      text,
  subjects      uuid[],             -- claim only tasks of these
  room          jsonb,              -- {step: how many more tasks of it this worker starts}
  cursors       jsonb,              -- {step: position} after which to look
  reached       jsonb,              -- {step: position} where the next look may begin
  claimed       bigint[],           -- tasks that became this worker's
  wait_for_disk boolean,
  refused       jsonb,              -- {task id: why its outcome was not written}
  released      alfrd.released[],
  changes       alfrd.change[],     -- of which tasks are still to be made
  touched       text[],             -- tags whose files are still to be touched
  notify        text[]              -- steps of which tasks were made that no worker has yet
);

-- Unlogged: claims do not wait for the disk, and what a crash of the server loses of them is seen by this. Crash recovery empties an
-- unlogged table, and so does a promotion.
create unlogged table alfrd.route_cache (
  only_row   boolean primary key default true check (only_row),
  paused     text[] not null default '{}',
  limited    text[] not null default '{}',
  crashed_at timestamptz not null default alfrd.now()
);
comment on table alfrd.route_cache is
  'Of limits and pauses, what each exchange looks up. Kept by triggers: write those.';
comment on column alfrd.route_cache.crashed_at is
  'When the row was made again, because crash recovery had emptied the table: claims of older tasks may have been lost.';
insert into alfrd.route_cache default values;

-- Workers keep the active prompts and the document types in memory, and ask for them again only when they have changed.

create table alfrd.reference_version (
  only_row boolean primary key default true check (only_row),
  number   bigint not null default 1
);
comment on table alfrd.reference_version is 'Counts the changes of alfrd.prompts and alfrd.document_types. Kept by triggers.';
insert into alfrd.reference_version default values;

create table alfrd.series_versions (
  owner  text primary key,
  number bigint not null
);
comment on table alfrd.series_versions is 'Counts the changes of each owner''s series. Kept by a trigger.';
create index series_newest on alfrd.series (owner, created_at desc);

-- When the next notification for steps that no worker serves is free, in milliseconds since 1970: see
-- alfrd.unserved_notification_is_due. A sequence can be set and seen by transactions that have not ended, and none waits for another.
create unlogged sequence alfrd.unserved_notification_free_at minvalue 0 start 0;
