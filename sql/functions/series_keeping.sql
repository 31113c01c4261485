-- alfrd.keep_series: what step watch_series does beside the calendar: the view of a series, its payments, and the documents that waited for it.
--
-- Called: by a worker, for each look at a series, in a transaction of its own.

create or replace function alfrd.keep_series(p_series uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform alfrd.file_first_documents(p_series);
  perform alfrd.note_payables(p_series);
  perform alfrd.note_statement_rows(p_series);
  perform alfrd.note_credit_notes(p_series);
  perform alfrd.await_turn('alfrd:payments');
  perform alfrd.match_credits(p_series);
  perform alfrd.match_payments(p_series);
  -- DDL last: its locks are held until the end.
  perform alfrd.drop_views_of_gone_series();
  if alfrd.keep_series_view(p_series) and alfrd.schedule_looks(array[row(p_series, alfrd.now() + interval '1 minute')::alfrd.next_look]) then
    perform alfrd.notify(array['watch_series']);
  end if;
end $$;
