-- Who acts, and what may be believed of them.
--
-- What functions and triggers hand to each other within a transaction is kept in settings, and any session may set those. So a
-- setting is read by alfrd.engine_setting, which asks who acts: not current_user, which is the owner within a function or trigger
-- that runs as its owner.
--
-- Called: by triggers of documents and files, by what they call, and by the default of each column that holds a time.

-- The role taken on by SET ROLE, else the one that signed in.
create or replace function alfrd.person() returns text
  language sql stable parallel safe
  return coalesce(nullif(pg_catalog.current_setting('role', true), 'none'), session_user);

-- Whether who acts is a worker, or may write tasks anyway.
create or replace function alfrd.is_trusted() returns boolean
  language sql stable parallel safe
  return coalesce(pg_has_role(alfrd.person(), to_regrole('alfrd_worker'), 'member'), false)
      or has_table_privilege(alfrd.person(), 'alfrd.tasks'::regclass, 'delete');

-- A setting of the engine's own; null where it is empty, or where an application may have set it.
create or replace function alfrd.engine_setting(p_name text) returns text
  language sql stable parallel safe
  return case when current_setting(p_name, true) <> '' and alfrd.is_trusted() then current_setting(p_name) end;

-- Whether this statement is the engine's own, and not a person's: triggers then leave what follows to alfrd.advance.
create or replace function alfrd.acts_as_engine() returns boolean
  language sql stable parallel safe
  return coalesce(alfrd.engine_setting('alfrd.actor') = 'worker', false);

-- The texts of a JSON array; null where it is null or missing.
create or replace function alfrd.text_array(p_array jsonb) returns text[]
  language sql immutable parallel safe
  return case when jsonb_typeof(p_array) = 'array' then array(select jsonb_array_elements_text(p_array)) end;

-- The one clock of the engine. A test moves it with: set alfrd.clock_offset = '5 minutes'.
create or replace function alfrd.now() returns timestamptz
  language sql stable parallel safe
  return statement_timestamp() + coalesce(alfrd.engine_setting('alfrd.clock_offset'), '0')::interval;

-- Refuse an application where row level security is on: the function that asks works as the owner, on documents of all tenants.
create or replace function alfrd.refuse_tenants(p_function text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if (select relrowsecurity from pg_class where oid = 'alfrd.documents'::regclass) and not alfrd.is_trusted() then
    raise exception 'alfrd.% is not for % while row level security is on: it would work on documents of all tenants',
                    p_function, alfrd.person()
      using errcode = 'AL008', hint = 'update alfrd.documents set status = ''pending'' (or ''cancelled'') where id = …: policies hold there';
  end if;
end $$;
