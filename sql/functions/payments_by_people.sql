-- What people do to payments, and what they see of them.
--
-- alfrd.link_payment     a bill is paid: by this row, by this statement, without one, or taken back by a credit note
-- alfrd.unlink_payment   it was not paid so
-- alfrd.answer_payment   which of two equal bills a row has paid, where that was not clear
-- alfrd.bills            each bill: open, paid, overdue or credited
--
-- Called: by applications, under their own login (alfrd.person). What a person said stays: sql/functions/payments.sql links around it.

-- alfrd.link_payment: a person says that a bill is paid: by this row of this statement, by a statement, or without one; or that a credit note
-- takes it back.
--
-- p_row: the first one of this amount, if not given.   p_paid_on, p_amount: of the row; without one, today, and the whole bill.
create or replace function alfrd.link_payment(
  p_document uuid, p_statement uuid default null, p_row integer default null, p_paid_on date default null, p_amount numeric default null
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_bill   record;
  v_credit record;
  v_row    alfrd.statement_rows;
  v_kind   text := 'payment';
  v_id     bigint;
begin
  perform alfrd.refuse_tenants('link_payment');
  select id, owner, total_amount, currency, series_id into v_bill from alfrd.documents where id = p_document for key share;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
  if p_statement is not null then
    select -total_amount as amount, document_date as issued into v_credit
      from alfrd.documents where id = p_statement and owner = v_bill.owner for key share;
    if not found then
      raise exception 'no statement % of the same owner', p_statement using errcode = 'AL004';
    end if;
    if v_credit.amount > 0 and exists (select from alfrd.credit_notes where document_id = p_statement) then
      v_kind := 'credit';
      p_amount := coalesce(p_amount, least(v_credit.amount, v_bill.total_amount));
      p_paid_on := coalesce(p_paid_on, v_credit.issued);
    end if;
    select * into v_row from alfrd.statement_rows
     where document_id = p_statement and (row_number = p_row or p_row is null and amount = coalesce(p_amount, v_bill.total_amount))
     order by paid_on limit 1;
    p_row := coalesce(p_row, v_row.row_number);
  end if;
  if p_row is not null and v_row.document_id is null then
    raise exception 'statement % has no row % by which money went out', coalesce(p_statement::text, '(none)'), p_row
      using errcode = 'AL005', hint = 'rows count from 0, in structured_data -> ''transactions''';
  end if;
  p_amount := coalesce(p_amount, v_row.amount, v_bill.total_amount);
  if p_amount is null then
    raise exception 'document %: its total is not known; say how much was paid', p_document using errcode = 'AL005';
  end if;
  insert into alfrd.payments as m (document_id, statement_id, row_number, kind, amount, currency, paid_on, confidence, reason, made_by)
  values (p_document, p_statement, p_row, v_kind, p_amount, v_bill.currency, coalesce(p_paid_on, v_row.paid_on, alfrd.now()::date), 1,
          'a person said so', alfrd.person())
      on conflict (document_id, statement_id, row_number) do update
     set kind = excluded.kind, amount = excluded.amount, paid_on = excluded.paid_on, confidence = 1, reason = excluded.reason, made_by = excluded.made_by,
         made_at = alfrd.now(), refused_by = '', rival_id = null
  returning id into v_id;
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  values ('document', p_document, case v_kind when 'credit' then 'credited' else 'paid' end, format('%s (by %s)', p_amount, alfrd.person()));
  if v_bill.series_id is not null and (v_kind = 'credit' or exists (select from alfrd.payments where rival_id = p_document)) then
    perform alfrd.note_series(v_bill.series_id);   -- less of it is to be paid; or what paid its rival is clear now
  end if;
  return v_id;
end $$;

-- alfrd.unlink_payment: a person says that it was not paid so: by this statement, or by anything that is linked. Returns how many links went.
-- What the engine had linked stays as refused, so that it does not link it again.
create or replace function alfrd.unlink_payment(p_document uuid, p_statement uuid default null) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_gone   integer;
  v_series uuid;
begin
  perform alfrd.refuse_tenants('unlink_payment');
  with refused as (
    update alfrd.payments set refused_by = alfrd.person()
     where document_id = p_document and refused_by = '' and made_by = '' and (p_statement is null or statement_id = p_statement)
    returning 1),
  deleted as (
    delete from alfrd.payments
     where document_id = p_document and refused_by = '' and made_by <> '' and (p_statement is null or statement_id = p_statement)
    returning 1)
  select (select count(*) from refused) + (select count(*) from deleted) into v_gone;
  if v_gone = 0 then
    raise exception 'document % has no payment%', p_document, coalesce(' by ' || p_statement, '') using errcode = 'AL004';
  end if;
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  values ('document', p_document, 'unpaid', format('by %s', alfrd.person()));
  select series_id into v_series from alfrd.documents where id = p_document;
  if v_series is not null then
    perform alfrd.note_series(v_series);   -- another row may pay it
  end if;
  return v_gone;
end $$;

-- alfrd.answer_payment: a person says of a bill with a rival that its payment is the one that is linked; or that it is the other way round: each of
-- both was paid by the row of the other. Returns how many links that makes certain.
--
-- Errors: AL004 there is no such question; AL005 no answer.
create or replace function alfrd.answer_payment(p_document uuid, p_is_right boolean) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_link   alfrd.payments;
  v_rivals alfrd.payments;
  v_series uuid;
begin
  perform alfrd.refuse_tenants('answer_payment');
  if p_is_right is null then
    raise exception 'alfrd.answer_payment: null is no answer' using errcode = 'AL005', hint = 'say true, or false for the other way round';
  end if;
  perform from alfrd.documents
    where id in (select unnest(array[m.document_id, m.rival_id]) from alfrd.payments m where m.document_id = p_document and m.rival_id is not null)
    order by id for key share;
  select * into v_link from alfrd.payments where document_id = p_document and rival_id is not null and made_by = '' and refused_by = '' for update;
  if found and not p_is_right then
    select * into v_rivals from alfrd.payments
     where document_id = v_link.rival_id and kind = 'payment' and made_by = '' and refused_by = '' for update;
  end if;
  if v_link.id is null or not p_is_right and v_rivals.id is null then
    raise exception 'document %: there is no question about its payment', p_document using errcode = 'AL004';
  end if;
  update alfrd.payments m
     set statement_id = said.statement_id, row_number = said.row_number, paid_on = said.paid_on, rival_id = null, confidence = 1,
         reason = 'a person said so', made_by = alfrd.person(), made_at = alfrd.now()
    from (values (v_link.id, case when p_is_right then v_link else v_rivals end), (v_rivals.id, v_link)) as answered(id, link)
   cross join lateral (select (link).statement_id, (link).row_number, (link).paid_on) as said
   where m.id = answered.id;
  insert into alfrd.events (subject_type, subject_id, kind, detail)
  select 'document', m.document_id, 'paid', format('%s on %s (by %s)', m.amount, m.paid_on, alfrd.person())
    from alfrd.payments m where m.id in (v_link.id, v_rivals.id);
  select series_id into v_series from alfrd.documents where id = p_document;
  if v_series is not null then
    perform alfrd.note_series(v_series);   -- what else was not clear may be so now
  end if;
  return num_nonnulls(v_link.id, v_rivals.id);
end $$;

-- rival_id: an equal bill that its payment may as well have paid, and the other way round: which day is right is not clear
-- state: credited  credit notes take back the whole of it
--        paid      payments and credit notes make up the whole of it; or it is a receipt itself, and has no day to pay it by
--        overdue   not paid, and the day has passed
--        open      not paid yet
create or replace view alfrd.bills with (security_invoker = true) as
select d.id as document_id, d.filename, d.owner, d.series_id, s.slug as series, d.entity, d.document_date as issued, d.due_date as due,
       d.total_amount as total, d.currency,
       case when credit.amount >= d.total_amount then 'credited'
            when coalesce(paid.amount, 0) + credit.amount >= d.total_amount or paid.amount is null and is_receipt then 'paid'
            when d.due_date < alfrd.now()::date then 'overdue' else 'open' end as state,
       coalesce(paid.last_on, case when is_receipt then d.document_date end) as paid_on, coalesce(paid.amount, 0) as paid,
       paid.statement_id, paid.confidence, credit.amount as credited, credit.credit_note_id,
       case when is_receipt then 0 else greatest(0, d.total_amount - coalesce(paid.amount, 0) - credit.amount) end as to_pay, paid.rival_id
  from alfrd.documents d
  left join alfrd.series s on s.id = d.series_id
 cross join lateral (
   select sum(m.amount) as amount, max(m.paid_on) as last_on, min(m.confidence) as confidence,
          (array_agg(m.statement_id order by m.paid_on desc) filter (where m.statement_id is not null))[1] as statement_id,
          (array_agg(m.rival_id) filter (where m.rival_id is not null))[1] as rival_id
     from alfrd.payments m where m.document_id = d.id and m.refused_by = '' and m.kind = 'payment') as paid
 cross join lateral (
   select coalesce(sum(m.amount), 0) as amount, (array_agg(m.statement_id order by m.paid_on desc))[1] as credit_note_id
     from alfrd.payments m where m.document_id = d.id and m.refused_by = '' and m.kind = 'credit') as credit
 cross join lateral (select d.due_date is null and d.structured_data ? 'receipt_number' as is_receipt) as own
 where alfrd.is_bill(d.document_type, d.due_date) and d.total_amount > 0 and d.status not in ('failed', 'cancelled');
comment on view alfrd.bills is 'Each bill: open, paid, overdue or credited; when it was paid, by which statement, and what is left to pay.';
