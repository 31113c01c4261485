-- Who may do what. Applied after all other functions.
--
-- alfrd_app     an application: inserts documents, reads everything, corrects, reviews, re-submits, cancels, replays, LISTENs; deletes
--               documents through functions, and lessons
-- alfrd_worker  a worker and its operator: claims and hands in through functions, pauses, prunes; writes no table itself
-- alfrd_reader  a dashboard: reads
--
-- They cannot sign in: grant them to those who do (grant alfrd_app to shop). Roles belong to the whole server, so they are
-- made only if they do not exist and if the migrating role may make them; otherwise an administrator makes them, and then
-- calls alfrd.grant_rights().
--
-- Writing goes through SECURITY DEFINER functions and triggers with a pinned search_path. LISTEN and NOTIFY cannot be
-- restricted in PostgreSQL: each login can notify the workers, which costs a look and reveals nothing.

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
  revoke all on schema alfrd_series, alfrd_types from public;
  if to_regrole('alfrd_app') is null or to_regrole('alfrd_worker') is null or to_regrole('alfrd_reader') is null then
    return;
  end if;
  revoke all on schema alfrd from alfrd_app, alfrd_worker, alfrd_reader;
  revoke all on all tables in schema alfrd from alfrd_app, alfrd_worker, alfrd_reader;
  revoke all on all sequences in schema alfrd from alfrd_app, alfrd_worker, alfrd_reader;
  revoke execute on all functions in schema alfrd from alfrd_app, alfrd_worker, alfrd_reader;

  grant usage on schema alfrd, alfrd_series, alfrd_types to alfrd_app, alfrd_worker, alfrd_reader;
  grant select on all tables in schema alfrd to alfrd_app, alfrd_worker, alfrd_reader;
  -- Views that read alfrd.documents with the rights of the caller: see series_views.sql.
  grant select on all tables in schema alfrd_series to alfrd_app, alfrd_worker, alfrd_reader;
  grant select on all tables in schema alfrd_types to alfrd_app, alfrd_worker, alfrd_reader;
  revoke select on alfrd.route_cache from alfrd_app, alfrd_worker, alfrd_reader;      -- who holds it, holds up a migration
  revoke select on alfrd.words, alfrd.document_words from alfrd_app, alfrd_worker, alfrd_reader;   -- and so do these
  revoke select on alfrd.reply_cache from alfrd_app, alfrd_worker, alfrd_reader;   -- it says what documents of all owners say
  revoke select on alfrd.payables, alfrd.statement_rows, alfrd.credit_notes, alfrd.first_documents from alfrd_app, alfrd_worker, alfrd_reader;   -- of all owners
  -- What the defaults and checks of the tables, the views, and reading call.
  grant execute on function
    alfrd.now(), alfrd.clock(), alfrd.person(), alfrd.is_trusted(), alfrd.engine_setting(text), alfrd.acts_as_engine(), alfrd.normal_tags(text[]), alfrd.plain_tags(text[]), alfrd.explain(uuid), alfrd.reading_in_words(uuid), alfrd.file_members(uuid),
    alfrd.complaints(), alfrd.usage_by(text), alfrd.whole(numeric), alfrd.price_of(text, text, text, timestamptz), alfrd.evolution_due(uuid), alfrd.keyed(uuid),
    alfrd.text_hash(uuid), alfrd.correctable(alfrd.documents), alfrd.document_rows(uuid[]),
    alfrd.fingerprint(), alfrd.findings(boolean), alfrd.backlog(text), alfrd.leaves(jsonb), alfrd.calendar(date, date), alfrd.expected_days(date, date),
    alfrd.is_for_another_day(text, text, timestamptz),
    alfrd.as_numeric(text), alfrd.as_date(text), alfrd.is_bill(text, date), alfrd.series_candidates(uuid),
    alfrd.search(text, text, text, date, date, numeric, numeric, text, text, text, integer, uuid[]), alfrd.documents_with(text), alfrd.documents_called(tsquery),
    alfrd.search_hits(alfrd.search_plan, alfrd.search_filter, integer), alfrd.ranked(alfrd.search_plan, alfrd.search_filter, integer),
    alfrd.search_plan_of(text, boolean), alfrd.searched_term(text, boolean, boolean), alfrd.searched_word(text, boolean, boolean, boolean),
    alfrd.word_forms(text), alfrd.word_pattern(text, boolean, boolean), alfrd.words_like(text, boolean), alfrd.common_beginning(text, text[]),
    alfrd.check_search(alfrd.search_filter, integer), alfrd.documents_passing(alfrd.search_filter), alfrd.is_unfiltered(alfrd.search_filter),
    alfrd.text_fits(text, text[]), alfrd.called(alfrd.documents), alfrd.snippet(text, text[]), alfrd.plain(text),
    alfrd.without_marks(text), alfrd.stems(text, text), alfrd.lexemes(text, text)
    to alfrd_app, alfrd_worker, alfrd_reader;

  grant insert (id, owner, filename, content, uri, fingerprint, tags, metadata, priority) on alfrd.documents to alfrd_app;
  grant update (filename, tags, metadata, priority, status, document_type, summary, entity, document_date, due_date,
                total_amount, currency, account_number, period_start, period_end, structured_data, series_id, undo_correction,
                reviewed_at, review_claimed_by, review_claimed_at, review_claimed_until)
    on alfrd.documents to alfrd_app;
  grant delete, update (apply_to) on alfrd.lessons to alfrd_app;
  -- The watcher of a mailbox is an application; a row that is taken away lets a message be read again.
  grant insert (mailbox, uidvalidity, uid, digest, document_ids), update (document_ids), delete on alfrd.mail_messages to alfrd_app;
  grant insert (document_id, number, filename, content, uri) on alfrd.document_parts to alfrd_app;
  grant insert (id, owner, tags, title), update (tags, title) on alfrd.files to alfrd_app;
  grant execute on function
    alfrd.submit(uuid, text, bytea, text, text[], jsonb, text[], bytea[], text),
    alfrd.resend(uuid, bytea, text, boolean), alfrd.cancel(uuid),
    alfrd.replay(boolean, text, uuid, boolean),
    alfrd.correct(uuid, jsonb), alfrd.column_meant(text), alfrd.usable(uuid, text, text, jsonb), alfrd.undo(uuid, bigint),
    alfrd.tag(uuid, text[], text[]), alfrd.delete_document(uuid),
    alfrd.tag_documents(uuid[], text, boolean), alfrd.undo_bulk_change(bigint), alfrd.retry_documents(uuid[]),
    alfrd.delete_documents(uuid[]), alfrd.save_view(text, text), alfrd.forget_view(text),
    alfrd.next_review(text, double precision, uuid[]), alfrd.accept(uuid), alfrd.reopen_review(uuid), alfrd.release_review(uuid), alfrd.unlearn(bigint),
    alfrd.reviews_taught(uuid), alfrd.apply_lessons(uuid), alfrd.marks_taught(alfrd.lessons), alfrd.marks_of(text), alfrd.head_of(uuid),
    alfrd.dismiss_alert(uuid), alfrd.snooze_alert(uuid, timestamptz),
    alfrd.answer_series(uuid, uuid), alfrd.merge_series(uuid, uuid), alfrd.rename_series(uuid, text, text),
    alfrd.split_series(uuid, uuid[], text, text, text, text), alfrd.undo_series_change(bigint),
    alfrd.rename_series_field(uuid, text, text), alfrd.retype_series_field(uuid, text, text), alfrd.add_series_field(uuid, text, text),
    alfrd.link_payment(uuid, uuid, integer, date, numeric), alfrd.unlink_payment(uuid, uuid), alfrd.answer_payment(uuid, boolean),
    alfrd.create_file(text, text[], text), alfrd.rename_tag(text, text, text), alfrd.merge_tags(text, text, text)
    to alfrd_app;
  grant update (dismissed_at, snoozed_until) on alfrd.series_alerts to alfrd_app;

  grant execute on function
    alfrd.register_worker(text, text, integer, text, text[], double precision), alfrd.worker_lock_class(),
    alfrd.heartbeat(bigint, boolean), alfrd.deregister_worker(bigint), alfrd.rescue(boolean),
    alfrd.exchange(bigint, jsonb), alfrd.inputs_of(bigint[]), alfrd.parts_of(uuid[], bigint), alfrd.series_histories(uuid[]),
    alfrd.lesson_trials(uuid[]), alfrd.marks_taught(alfrd.lessons), alfrd.marks_of(text), alfrd.head_of(uuid),
    alfrd.hasten_looks(), alfrd.keep_series(uuid), alfrd.refresh_views(), alfrd.index_pages(integer),
    alfrd.save_progress(bigint, bigint, integer, jsonb, integer),
    alfrd.recall_replies(jsonb, interval), alfrd.reserve_calls(jsonb), alfrd.settle_calls(jsonb),
    alfrd.release_held_calls(jsonb, interval),
    alfrd.save_job(bigint, bigint, integer, integer, text, text, integer[], text),
    alfrd.drop_job(bigint, bigint, integer, integer, text, text),
    alfrd.replay(boolean, text, uuid, boolean), alfrd.cancel(uuid),
    alfrd.pause(text, text), alfrd.resume(text), alfrd.prune(interval),
    alfrd.activate_prompt(bigint, bigint, text),
    alfrd.import_prompt(text, text, text, text, boolean, real, integer, text),
    alfrd.begin_trial(uuid, bigint), alfrd.add_candidates(bigint, jsonb),
    alfrd.move_trial(bigint, text, text, bigint, text), alfrd.end_trial(bigint, text, text, text),
    alfrd.promote_challenger(bigint, text, text), alfrd.roll_back_challenger(bigint, text),
    alfrd.save_evaluation(bigint, uuid, bigint, jsonb, real, jsonb, text, text),
    alfrd.replay_prompt(bigint, boolean),
    alfrd.import_document_type(text, text), alfrd.import_document(jsonb, jsonb, bytea[], jsonb), alfrd.import_series(jsonb),
    alfrd.import_file(jsonb, jsonb), alfrd.import_lesson(jsonb), alfrd.import_payment(jsonb)
    to alfrd_worker;
end $$;

select alfrd.grant_rights();
