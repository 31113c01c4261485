-- Who may do what. Applied after all other functions.
--
-- alfrd_app     an application: inserts documents, reads everything, corrects, re-submits, cancels, replays, LISTENs
-- alfrd_worker  a worker and its operator: claims and hands in through functions, pauses, prunes; writes no table itself
-- alfrd_reader  a dashboard: reads
--
-- They cannot sign in: grant them to those who do (grant alfrd_app to shop). Roles belong to the whole server, so they are
-- made only if they do not exist and if the migrating role may make them; otherwise an administrator makes them, and then
-- calls alfrd.grant_rights().
--
-- Writing goes through SECURITY DEFINER functions and triggers with a pinned search_path. LISTEN and NOTIFY cannot be
-- restricted in PostgreSQL: whoever may connect can ring the bell, which costs a look and tells nothing.

do $$
declare
  v_role text;
begin
  foreach v_role in array array['alfrd_app', 'alfrd_worker', 'alfrd_reader'] loop
    if to_regrole(v_role) is null then
      execute format('create role %I nologin', v_role);
    end if;
  end loop;
exception
  when insufficient_privilege then
    raise notice 'the roles alfrd_app, alfrd_worker and alfrd_reader are not made: this role may not create roles';
  when unique_violation or duplicate_object then
    null;   -- another database of this server is being migrated at the same moment, and has made them
end $$;

create or replace function alfrd.grant_rights() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- A restore without privileges (pg_restore -x) leaves PUBLIC what PostgreSQL gives it by default: to execute each function.
  revoke all on schema alfrd from public;
  revoke all on all tables in schema alfrd from public;
  revoke all on all sequences in schema alfrd from public;
  revoke execute on all functions in schema alfrd from public;
  if to_regrole('alfrd_app') is null or to_regrole('alfrd_worker') is null or to_regrole('alfrd_reader') is null then
    return;
  end if;
  revoke all on schema alfrd from alfrd_app, alfrd_worker, alfrd_reader;
  revoke all on all tables in schema alfrd from alfrd_app, alfrd_worker, alfrd_reader;
  revoke all on all sequences in schema alfrd from alfrd_app, alfrd_worker, alfrd_reader;
  revoke execute on all functions in schema alfrd from alfrd_app, alfrd_worker, alfrd_reader;

  grant usage on schema alfrd to alfrd_app, alfrd_worker, alfrd_reader;
  grant select on all tables in schema alfrd to alfrd_app, alfrd_worker, alfrd_reader;
  revoke select on alfrd.standing from alfrd_app, alfrd_worker, alfrd_reader;      -- who holds it, holds up a migration
  revoke select on alfrd.reply_cache from alfrd_app, alfrd_worker, alfrd_reader;   -- it says what documents of all owners say
  -- What the defaults and checks of the tables, the views, and reading call.
  grant execute on function
    alfrd.now(), alfrd.clock(), alfrd.person(), alfrd.is_trusted(), alfrd.engine_setting(text), alfrd.normal_tags(text[]), alfrd.explain(uuid), alfrd.file_members(uuid),
    alfrd.complaints(), alfrd.usage_by(text), alfrd.whole(numeric), alfrd.price_of(text, text, text, timestamptz), alfrd.evolution_due(uuid), alfrd.keyed(uuid),
    alfrd.text_hash(uuid), alfrd.correctable(alfrd.documents), alfrd.columns_of_documents(uuid[]),
    alfrd.fingerprint(), alfrd.findings(boolean)
    to alfrd_app, alfrd_worker, alfrd_reader;

  grant insert (id, owner, filename, content, uri, fingerprint, tags, metadata, priority) on alfrd.documents to alfrd_app;
  grant update (filename, tags, metadata, priority, status, document_type, summary, entity, document_date, due_date,
                total_amount, currency, account_number, period_start, period_end, structured_data, series_id)
    on alfrd.documents to alfrd_app;
  grant insert (document_id, number, filename, content, uri) on alfrd.document_parts to alfrd_app;
  grant insert (id, owner, tags, title), update (tags, title) on alfrd.files to alfrd_app;
  grant execute on function
    alfrd.submit(uuid, text, bytea, text, text[], jsonb, text[], bytea[], text),
    alfrd.resend(uuid, bytea, text, boolean), alfrd.cancel(uuid),
    alfrd.replay(boolean, text, uuid, boolean)
    to alfrd_app;

  grant execute on function
    alfrd.register_worker(text, text, integer, text, text[], double precision), alfrd.worker_lock_class(),
    alfrd.heartbeat(bigint, boolean), alfrd.leave(bigint), alfrd.rescue(boolean),
    alfrd.take(bigint, text, integer), alfrd.exchange(bigint, jsonb, jsonb, text, uuid[], bigint[], integer[], text[], jsonb, bigint),
    alfrd.inputs_of(uuid[], uuid[], uuid[], boolean), alfrd.parts_of(uuid[], bigint),
    alfrd.save_progress(bigint, bigint, integer, jsonb),
    alfrd.recall_replies(jsonb, interval), alfrd.reserve_calls(jsonb), alfrd.settle_calls(jsonb),
    alfrd.tend_calls(jsonb, interval),
    alfrd.save_job(bigint, bigint, integer, integer, text, text, integer[], text),
    alfrd.drop_job(bigint, bigint, integer, integer, text, text),
    alfrd.replay(boolean, text, uuid, boolean), alfrd.cancel(uuid),
    alfrd.pause(text, text), alfrd.resume(text), alfrd.prune(interval),
    alfrd.activate_prompt(bigint, bigint, bigint, text),
    alfrd.import_prompt(bigint, text, text, text, text, boolean, real, integer, text),
    alfrd.begin_trial(bigint, uuid, bigint), alfrd.add_candidates(bigint, bigint, jsonb),
    alfrd.move_trial(bigint, text, text, bigint, text), alfrd.end_trial(bigint, text, text, text),
    alfrd.promote_challenger(bigint, bigint, text, text), alfrd.roll_back_challenger(bigint, bigint, text),
    alfrd.save_evaluation(bigint, uuid, bigint, jsonb, real, jsonb, text, text),
    alfrd.replay_prompt(bigint, boolean)
    to alfrd_worker;
end $$;

select alfrd.grant_rights();
