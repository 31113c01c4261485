-- What a step's result is written from, and where the handing over of tasks is kept within a transaction.

create type alfrd.finished as (
  task_id     bigint,
  attempt     integer,
  step        text,
  entity      text,
  subject_id  uuid,
  generation  integer,
  next_status text,
  woken_by    text,
  waited_ms   integer,
  ran_ms      integer,
  made_by     text,
  prompt_id   bigint,
  result      jsonb
);
comment on type alfrd.finished is 'A task that was done, with its result: what alfrd.settle gives to alfrd.record.';
