-- alfrd.metrics: numbers for dashboards and alarms, one a row. What each means: docs/metrics.md.
--
-- Called: by the worker's /metrics, and by whoever scrapes SQL.
-- Cost:   it reads tasks, which are few, and of events and usage the last five minutes, by their BRIN indexes. It counts no documents
--         and no pages: alfrd_rows is the planner's estimate.
-- Rights: the caller's own: what row level security hides from it is not counted.

create or replace view alfrd.metrics with (security_invoker = true) as
with moment as materialized (select alfrd.now() as now, alfrd.now() - interval '5 minutes' as since),
tasks as materialized (
  select step, case when alfrd.is_for_another_day(step, state, run_at) then 'later' else state end as state, count(*) as number,
         min(run_at) as first_run_at
    from alfrd.tasks group by 1, 2),
steps as materialized (
  select step from alfrd.routes union select step from tasks),
workers as materialized (
  select w.name, w.steps, greatest(extract(epoch from moment.now - w.heartbeat_at), 0) as age,
         w.heartbeat_at > moment.now - make_interval(secs => w.lease_seconds) as is_alive
    from alfrd.workers w, moment),
recent as materialized (
  select e.step, e.kind, e.subject_id, e.woken_by, e.waited_ms / 1000.0 as waited, e.ran_ms / 1000.0 as ran
    from alfrd.events e where e.at > (select since from moment) and e.step <> ''),
calls as materialized (
  select u.provider, u.outcome, u.usd, u.pages, u.input_tokens + u.cache_read_tokens + u.cache_write_tokens as input_tokens, u.output_tokens
    from alfrd.usage u where u.at > (select since from moment) and u.outcome <> 'reserved')
select name, labels, value::double precision as value from (
  select 'alfrd_tasks' as name, jsonb_build_object('step', steps.step, 'state', state) as labels, coalesce(tasks.number, 0)::numeric as value
    from steps cross join unnest(array['ready', 'scheduled', 'later', 'running', 'dead']) as state left join tasks using (step, state)
  union all
  select 'alfrd_oldest_ready_seconds', jsonb_build_object('step', steps.step),
         coalesce(greatest(extract(epoch from moment.now - tasks.first_run_at), 0), 0)
    from moment cross join steps left join tasks on tasks.step = steps.step and tasks.state = 'ready'
  union all
  select 'alfrd_step_workers', jsonb_build_object('step', step), (select count(*) from workers where is_alive and step = any (workers.steps))
    from steps
  union all
  select 'alfrd_step_paused', jsonb_build_object('step', step), (exists (select from alfrd.pauses p where p.step = steps.step))::integer
    from steps
  union all
  select 'alfrd_workers', jsonb_build_object('state', state), (select count(*) from workers where is_alive = (state = 'alive'))
    from unnest(array['alive', 'silent']) as state
  union all
  select 'alfrd_heartbeat_age_seconds', jsonb_build_object('worker', workers.name), min(age) from workers group by workers.name
  union all
  select 'alfrd_recent_outcomes', jsonb_build_object('step', step, 'outcome', kind), count(*) from recent group by step, kind
  union all
  select 'alfrd_recent_missed_notifications', '{}', count(*) from recent where kind = 'completed' and woken_by in ('poll', 'reconnect')
  union all
  select 'alfrd_recent_run_seconds', jsonb_build_object('step', step, 'quantile', quantile::text),
         (percentile_cont(array[0.5, 0.95]) within group (order by ran))[place]
    from recent cross join unnest(array[0.5, 0.95]) with ordinality as q(quantile, place)
   where kind = 'completed' and ran is not null group by step, quantile, place
  union all
  select 'alfrd_recent_wait_seconds', jsonb_build_object('step', step, 'quantile', quantile::text),
         (percentile_cont(array[0.5, 0.95]) within group (order by waited))[place]
    from recent cross join unnest(array[0.5, 0.95]) with ordinality as q(quantile, place)
   where kind = 'completed' and waited is not null group by step, quantile, place
  union all
  select 'alfrd_recent_pages', '{}', coalesce(sum(d.page_count), 0)
    from recent join alfrd.documents d on d.id = recent.subject_id where recent.step = 'ocr' and recent.kind = 'completed'
  union all
  select 'alfrd_recent_calls', jsonb_build_object('provider', provider, 'outcome', outcome), count(*) from calls group by provider, outcome
  union all
  select 'alfrd_recent_cost_usd', jsonb_build_object('provider', provider), sum(usd) from calls group by provider
  union all
  select 'alfrd_recent_call_pages', jsonb_build_object('provider', provider), sum(calls.pages) from calls group by provider
  union all
  select 'alfrd_recent_tokens', jsonb_build_object('provider', provider, 'direction', direction),
         sum(case direction when 'input' then input_tokens else output_tokens end)
    from calls cross join unnest(array['input', 'output']) as direction group by provider, direction
  union all
  select 'alfrd_calls_under_way', jsonb_build_object('provider', provider), count(*)
    from alfrd.usage where outcome = 'reserved' group by provider
  union all
  select 'alfrd_spent_today_usd', '{}', coalesce((
         select usd from alfrd.spending s where s.scope = 'day:' || to_char(moment.now at time zone 'UTC', 'YYYY-MM-DD')), 0)
    from moment
  union all
  select 'alfrd_tasks_held_for_money', '{}', count(*)
    from alfrd.held h join alfrd.tasks t on t.id = h.task_id and t.attempt = h.attempt and t.state = 'scheduled'
  union all
  select 'alfrd_review_backlog', '{}', count(*) from alfrd.documents where needs_review
  union all
  select 'alfrd_open_alerts', jsonb_build_object('kind', kind), (select count(*) from alfrd.open_alerts a where a.kind = known.kind)
    from unnest(array['missing', 'late', 'amount', 'duplicate', 'changed', 'balance', 'ended']) as known(kind)
  union all
  select 'alfrd_complaints', jsonb_build_object('kind', kind), count(*) from alfrd.complaints() group by kind
  union all
  select 'alfrd_notification_queue_ratio', '{}', pg_notification_queue_usage()
  union all
  select 'alfrd_rows', jsonb_build_object('table', c.relname), greatest(c.reltuples, 0)::numeric
    from pg_class c where c.oid in ('alfrd.documents'::regclass, 'alfrd.pages'::regclass, 'alfrd.events'::regclass)) as one;
comment on view alfrd.metrics is 'Numbers for dashboards and alarms: name, labels and value, as docs/metrics.md explains them.';
