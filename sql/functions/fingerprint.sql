-- alfrd.fingerprint: what there really is of functions, triggers, views, roles and rights, in one number.
--
-- Called:  by `migrate`, which keeps the answer, and puts everything in place again where it has changed since: a restore without
--          roles or privileges, a trigger that was disabled, a function that was replaced by hand. By `doctor`.
-- Not in:  what others may have been granted, triggers that call functions elsewhere, tables and their data.
create or replace function alfrd.fingerprint() returns text
language sql stable set search_path = pg_catalog, pg_temp set quote_all_identifiers = off set datestyle = 'ISO, MDY'
  set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' as $$   -- how views are written out
  with role as (
    select oid, rolname from pg_roles where rolname in ('alfrd_app', 'alfrd_worker', 'alfrd_reader')
    union all select 0, 'public'),
  acl as (
    select n.nspname as name, a.* from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
     where n.nspname = 'alfrd'
    union all
    select c.relname, a.* from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'alfrd'::regnamespace
    union all
    select c.relname || '.' || t.attname, a.* from pg_attribute t join pg_class c on c.oid = t.attrelid, aclexplode(t.attacl) a
     where c.relnamespace = 'alfrd'::regnamespace
    union all
    select p.proname || '/' || p.pronargs, a.* from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     where p.pronamespace = 'alfrd'::regnamespace),
  fact as (
    select concat_ws(' ', 'function', p.proname, p.pronargs, p.prosecdef, p.provolatile, p.proconfig, md5(p.prosrc),
                     md5(pg_get_function_sqlbody(p.oid))) as line
      from pg_proc p where p.pronamespace = 'alfrd'::regnamespace
    union all
    select concat_ws(' ', 'trigger', t.tgrelid::regclass, t.tgname, t.tgenabled, t.tgtype, p.proname)
      from pg_trigger t join pg_proc p on p.oid = t.tgfoid
     where not t.tgisinternal and p.pronamespace = 'alfrd'::regnamespace
    union all
    select concat_ws(' ', 'view', c.relname, c.reloptions, md5(pg_get_viewdef(c.oid)))
      from pg_class c where c.relnamespace = 'alfrd'::regnamespace and c.relkind = 'v'
    union all
    select concat_ws(' ', 'role', rolname) from role
    union all
    select concat_ws(' ', 'right', acl.name, role.rolname, acl.privilege_type) from acl join role on role.oid = acl.grantee)
  select md5(string_agg(line, E'\n' order by line collate "C")) from fact;
$$;
