-- alfrd.backlog: how much work a step has now, for those who start and stop workers by it.
--
-- Called:  by autoscalers (deploy/k8s), each half minute or so.
-- Returns: tasks that are ready or run, of one step, or of all if none is given. What runs counts: else the last worker would be
--          stopped in its work. What is due later, or held by alfrd.pause, does not: no worker could do it. At most 100,000, which
--          no number of workers would be chosen by, so that counting stays quick.

create or replace function alfrd.backlog(p_step text default null) returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
  select count(*) from (
    select from alfrd.tasks t
     where t.state in ('ready', 'running') and (p_step is null or t.step = p_step)
       and not exists (select from alfrd.pauses p where p.step = t.step and t.state = 'ready')
     limit 100000) as work;
$$;
