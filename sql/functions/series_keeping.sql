-- alfrd.keep_series: what step watch_series does beside the calendar: the documents that waited for a series or are to be extracted again, its
-- payments, and its view.
--
-- Called: by a worker, for each look at a series, in a transaction of its own.

create or replace function alfrd.keep_series(p_series uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_again timestamptz;
begin
  perform alfrd.file_first_documents(p_series);
  perform alfrd.note_payables(p_series);
  perform alfrd.note_statement_rows(p_series);
  perform alfrd.note_credit_notes(p_series);
  perform alfrd.await_turn('alfrd:payments');
  perform alfrd.match_credits(p_series);
  perform alfrd.match_payments(p_series);
  if alfrd.renew_documents(p_series) then
    v_again := alfrd.now() + interval '10 seconds';
  end if;
  -- DDL last: its locks are held until the end.
  perform alfrd.drop_views_of_gone_series();
  if alfrd.keep_series_view(p_series) then
    v_again := coalesce(v_again, alfrd.now() + interval '1 minute');
  end if;
  if v_again is not null and alfrd.schedule_looks(array[row(p_series, v_again)::alfrd.next_look]) then
    perform alfrd.notify(array['watch_series']);
  end if;
end $$;
