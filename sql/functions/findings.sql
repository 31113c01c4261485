-- alfrd.findings: what is wrong with the set-up, as the login that asks sees it. Empty when all is well.
--
-- Called:  by `doctor`, `status` and `run`, with the rights of the caller: what is hidden from it is what it asks.
-- Returns: the worst first. What changes from hour to hour is alfrd.complaints().
create or replace function alfrd.findings(p_to_work boolean default false)
returns table (kind text, what text, cause text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with ours as (
    select c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, r.rolname as owner,
           r.rolsuper or r.rolbypassrls as owner_sees_all
      from pg_class c join pg_roles r on r.oid = c.relowner
     where c.relnamespace = 'alfrd'::regnamespace and c.relkind in ('r', 'p')),
  for_engine as (
    select string_agg(format('alfrd.%s', relname), ', ' order by relname) as tables, min(owner) as owner
      from ours where relrowsecurity and relforcerowsecurity and not owner_sees_all),
  for_us as (
    select string_agg(format('alfrd.%s', relname), ', ' order by relname) as tables from ours where row_security_active(oid)),
  roles as (
    select string_agg(name, ', ') as missing from unnest(array['alfrd_app', 'alfrd_worker', 'alfrd_reader']) as name
     where to_regrole(name) is null),
  triggers as (
    select string_agg(distinct format('%s on alfrd.%s', case when t.tgisinternal then 'its foreign keys' else t.tgname end,
                                      ours.relname), ', ') as disabled
      from pg_trigger t join ours on ours.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
     where t.tgenabled in ('D', 'R') and (t.tgisinternal or p.pronamespace = 'alfrd'::regnamespace)),
  published as (
    select string_agg(distinct format('alfrd.%s', ours.relname), ', ') as tables
      from pg_publication_tables pt join pg_publication p using (pubname) join ours on ours.relname = pt.tablename
     where pt.schemaname = 'alfrd' and (p.pubdelete or p.pubupdate)
       and (ours.relreplident = 'n' or ours.relreplident = 'd'
            and not exists (select from pg_index i where i.indrelid = ours.oid and i.indisprimary)))
  select 'hidden from the engine' as kind, 'row level security hides rows of ' || tables || ' from the engine itself' as what,
         format('they are forced on the owner %s too, who is neither superuser nor BYPASSRLS', owner) as cause,
         format('alter table … no force row level security, or alter role %I bypassrls', owner) as remedy
    from for_engine where tables is not null
  union all
  select 'hidden', 'row level security may hide rows of ' || tables || ' from ' || current_user,
         'policies apply to this login, so counts and lists hold only what they let through',
         format('give it a policy (create policy … to %I using (true)), or alter role %1$I bypassrls', current_user)
    from for_us where tables is not null
  union all
  select 'replica role', 'session_replication_role is ' || current_setting('session_replication_role') || ' for ' || current_user,
         'triggers do not fire in such a session: what it writes starts no work',
         format('alter role %I reset session_replication_role (or alter database %I …)', current_user, current_database())
   where current_setting('session_replication_role') <> 'origin'
  union all
  select 'no right to work', current_user || ' may not work here', 'it is not in the role alfrd_worker',
         format('grant alfrd_worker to %I', current_user)
   where p_to_work and not exists (
     select from pg_proc where pronamespace = 'alfrd'::regnamespace and proname = 'exchange'
        and has_function_privilege(oid, 'execute') and has_schema_privilege('alfrd', 'usage'))
  union all
  select 'roles', 'no role ' || missing, 'a restore did not bring it, or the migrating login may not create roles',
         'run alfrd-events migrate as a login with CREATEROLE, or make it by hand and call alfrd.grant_rights()'
    from roles where missing is not null
  union all
  select 'triggers', 'triggers are disabled: ' || disabled, 'alter table … disable trigger, or a restore that was interrupted',
         'alter table … enable trigger all; then alfrd-events replay finds what was missed'
    from triggers where disabled is not null
  union all
  select 'replica identity', 'a publication covers ' || tables || ', which has no replica identity',
         'PostgreSQL refuses each update and delete of such a table', 'alter table … replica identity default'
    from published where tables is not null
  union all
  select 'synchronous commit', 'synchronous_commit is off for ' || current_user,
         'a crash of the server may lose what was handed in just before', 'alter role or database … reset synchronous_commit'
   where current_setting('synchronous_commit') = 'off';
$$;
