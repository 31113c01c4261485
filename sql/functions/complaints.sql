-- alfrd.complaints: what is wrong with the server, for an operator to mend. Empty when all is well.
--
-- Called:  by every worker now and then, which logs it; by `status` and `doctor`.
-- Returns: what is the matter, who causes it, what to do. Whose sessions the asking role may not see (pg_read_all_stats) are
--          not named.
create or replace function alfrd.complaints() 
returns table (kind text, what text, cause text, remedy text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  c_queue_share constant double precision := 0.25;
  c_transaction constant interval := '10 minutes';
  v_oldest record;
begin
  select a.pid, coalesce(nullif(a.application_name, ''), 'no application name') as application, a.usename,
         date_trunc('second', alfrd.clock() - a.xact_start) as age, a.state,
         a.backend_xmin is not null or a.backend_xid is not null as holds_rows
    into v_oldest
    from pg_stat_activity a
   where a.xact_start is not null and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
   order by a.xact_start limit 1;

  if pg_notification_queue_usage() >= c_queue_share then
    kind := 'notification queue';
    what := format('the notification queue is %s %% full', round(100 * pg_notification_queue_usage()));
    cause := coalesce(format('process %s (%s, user %s) has been in a transaction for %s, and whoever listens in one holds the queue',
                             v_oldest.pid, v_oldest.application, v_oldest.usename, v_oldest.age),
                      'a session that listens has been in a transaction for long');
    remedy := format('end that transaction (select pg_terminate_backend(%s)); from 75 %% on nobody is notified, and work is found by the poll',
                     coalesce(v_oldest.pid::text, 'pid'));
    return next;
  end if;

  if v_oldest.age > c_transaction and v_oldest.holds_rows then
    kind := 'old transaction';
    what := format('a transaction has been open for %s', v_oldest.age);
    cause := format('process %s (%s, user %s, %s); finished tasks cannot be vacuumed away behind it, and claims become slower',
                    v_oldest.pid, v_oldest.application, v_oldest.usename, v_oldest.state);
    remedy := format('end it (select pg_terminate_backend(%s)), and set idle_in_transaction_session_timeout', v_oldest.pid);
    return next;
  end if;
end $$;
