-- What the engine runs on: routes say what follows from a status, tasks are the durable work, workers
-- own tasks by lease, events tell what happened.

create table alfrd.transitions (
  entity      text not null check (entity in ('document', 'file')),
  from_status text not null,
  to_status   text not null,
  primary key (entity, from_status, to_status)
);
comment on table alfrd.transitions is 'The status changes that are legal; any other is refused.';

create table alfrd.routes (
  entity       text not null check (entity in ('document', 'file')),
  status       text not null,
  step         text not null check (step ~ '^[a-z][a-z0-9_]*$'),
  next_status  text not null default '',
  delay        interval not null default '0',
  max_attempts integer not null default 5 check (max_attempts > 0),
  primary key (entity, status, step)
);
create unique index routes_main on alfrd.routes (entity, status) where next_status <> '';
comment on table alfrd.routes is 'Which steps follow from a status. One row adds a step of your own.';
comment on column alfrd.routes.next_status is 'The status that success leads to; empty for side work, which writes none.';
comment on column alfrd.routes.delay is 'How long to wait before starting, so that a burst of changes causes one run.';

create table alfrd.limits (
  step        text primary key,
  max_running integer not null check (max_running > 0)
);
comment on table alfrd.limits is 'At most so many tasks of a step at once in the whole fleet.';

create table alfrd.pauses (
  step      text primary key,
  reason    text not null default '',
  paused_by text not null default session_user,
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
  lease_seconds double precision not null,
  started_at    timestamptz not null default alfrd.now(),
  heartbeat_at  timestamptz not null default alfrd.now(),
  locked        boolean not null default false,
  suspected_at  timestamptz
);
comment on column alfrd.workers.locked is
  'Its listener holds the session advisory lock of alfrd.worker_lock(id): when that is free, the process is gone.';

create table alfrd.tasks (
  id           bigint generated always as identity primary key,
  step         text not null,
  entity       text not null,
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
  claimed_at   timestamptz
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
create index tasks_ready on alfrd.tasks (step, priority desc, id) where state = 'ready';
create index tasks_scheduled on alfrd.tasks (run_at) where state = 'scheduled';
create index tasks_owner on alfrd.tasks (worker_id) where state = 'running';
comment on table alfrd.tasks is
  'A step to be run for a subject. Deleted when done (the outcome goes to alfrd.events); dead ones stay.';
comment on column alfrd.tasks.status is 'The status that it follows from: with entity and step, its route.';
comment on column alfrd.tasks.attempt is 'Counted at each claim, never down: (id, attempt) is the fencing token.';

create table alfrd.events (
  id         bigint generated always as identity,
  at         timestamptz not null default alfrd.now(),
  entity     text not null,
  subject_id uuid not null,
  kind       text not null,
  step       text not null default '',
  task_id    bigint,
  attempt    integer,
  worker_id  bigint,
  woken_by   text not null default '',
  waited_ms  integer,
  ran_ms     integer,
  detail     text not null default ''
);
create index events_subject on alfrd.events (subject_id, id);
create index events_at on alfrd.events using brin (at);
comment on table alfrd.events is 'What happened, appended only: an event for each finished task and each act of a person.';

create table alfrd.step_results (
  entity     text not null,
  subject_id uuid not null,
  step       text not null,
  result     jsonb not null,
  made_by    text not null default '',
  at         timestamptz not null default alfrd.now(),
  primary key (entity, subject_id, step)
);
comment on table alfrd.step_results is 'The latest result of each step that users added.';
