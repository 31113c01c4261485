-- What is to be paid and what was paid, noted by amount: so that a payment finds its bill without a look at all documents.
--
-- alfrd.is_bill               whether a document is to be paid
-- alfrd.note_payables         the bills of a series
-- alfrd.note_credit_notes     the credit notes among them
-- alfrd.note_statement_rows   the rows of its statements
-- alfrd.stems                 what finds the rows that may name a sender
--
-- Called: by alfrd.keep_series (sql/functions/series_keeping.sql). Not more than the newest 150 documents of the series are read.

-- What is to be paid: of a type that asks for money, or with a day to pay it by. A till's receipt is paid.
create or replace function alfrd.is_bill(p_type text, p_due date) returns boolean
  language sql immutable parallel safe
  return p_type in ('utility_bill', 'service_bill', 'invoice', 'insurance', 'medical', 'property', 'education')
      or p_due is not null and p_type not in ('receipt', 'bank_statement', 'payroll', 'promotional', 'junk');

-- A number as it is compared: capitals and digits. One of less than four characters tells nothing.
create or replace function alfrd.plain_number(p_text text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case when char_length(plain) >= 4 and plain ~ '[0-9].*[0-9]' then plain else '' end
    from (select upper(regexp_replace(left(coalesce(p_text, ''), 200), '[^[:alnum:]]', '', 'g')) as plain) as written;
$$;

create or replace function alfrd.note_payables(p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from alfrd.payables p
   where p.series_id = p_series
     and not exists (select from alfrd.documents d
                      where d.id = p.document_id and d.series_id = p_series and d.status not in ('failed', 'cancelled'));
  insert into alfrd.payables as p (document_id, series_id, owner, amount, currency, issued, due, entity, stems, number, rest)
  select d.id, p_series, d.owner, d.total_amount, d.currency, coalesce(d.document_date, d.due_date), coalesce(d.due_date, d.document_date),
         left(d.entity, 1000), alfrd.stems(d.entity), alfrd.plain_number(d.structured_data ->> 'invoice_number'), d.total_amount
    from (select * from alfrd.documents where series_id = p_series order by document_date desc nulls last limit 150) as d
   where alfrd.is_bill(d.document_type, d.due_date) and d.total_amount > 0 and d.status not in ('failed', 'cancelled')
     and coalesce(d.document_date, d.due_date) is not null
      on conflict (document_id) do update
     set series_id = excluded.series_id, owner = excluded.owner, amount = excluded.amount, currency = excluded.currency,
         issued = excluded.issued, due = excluded.due, entity = excluded.entity, stems = excluded.stems, number = excluded.number
   where (p.series_id, p.owner, p.amount, p.currency, p.issued, p.due, p.entity, p.number)
         is distinct from (excluded.series_id, excluded.owner, excluded.amount, excluded.currency, excluded.issued, excluded.due, excluded.entity,
                           excluded.number);
end $$;

-- The credit notes of a series, each with the numbers that its first pages hold.
create or replace function alfrd.note_credit_notes(p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  with gone as (
    delete from alfrd.credit_notes c
     where c.series_id = p_series
       and not exists (select from alfrd.documents d
                        where d.id = c.document_id and d.series_id = p_series and d.total_amount < 0 and d.status not in ('failed', 'cancelled'))
    returning c.document_id)
  delete from alfrd.payments m
   where m.statement_id in (select document_id from gone) and m.kind = 'credit' and m.made_by = '' and m.refused_by = '';
  insert into alfrd.credit_notes as c (document_id, series_id, owner, amount, currency, issued, entity, stems, named)
  select d.id, p_series, d.owner, -d.total_amount, d.currency, coalesce(d.document_date, d.due_date), left(d.entity, 1000), alfrd.stems(d.entity),
         array(select distinct plain.number
                 from alfrd.pages g
                cross join lateral regexp_matches(left(g.text, 20000), '[[:alnum:]][[:alnum:]./_-]*', 'g') as found(words)
                cross join lateral alfrd.plain_number(words[1]) as plain(number)
                where g.document_id = d.id and g.number <= 3
                  and plain.number not in ('', alfrd.plain_number(d.structured_data ->> 'invoice_number'))
                limit 500)
    from (select * from alfrd.documents where series_id = p_series order by document_date desc nulls last limit 150) as d
   where alfrd.is_bill(d.document_type, d.due_date) and d.total_amount < 0 and d.status not in ('failed', 'cancelled')
     and coalesce(d.document_date, d.due_date) is not null
      on conflict (document_id) do update
     set series_id = excluded.series_id, owner = excluded.owner, amount = excluded.amount, currency = excluded.currency,
         issued = excluded.issued, entity = excluded.entity, stems = excluded.stems, named = excluded.named
   where (c.series_id, c.owner, c.amount, c.currency, c.issued, c.entity, c.named)
         is distinct from (excluded.series_id, excluded.owner, excluded.amount, excluded.currency, excluded.issued, excluded.entity, excluded.named);
end $$;

-- The rows by which money went out: of an account they lower the balance, of a card they raise what is owed.
create or replace function alfrd.note_statement_rows(p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  with shown as materialized (
    select d.id, place - 1 as row_number, d.owner, d.currency, alfrd.as_date(entry ->> 'date') as paid_on,
           case d.document_type when 'credit_card' then 1 else -1 end * alfrd.as_numeric(entry ->> 'amount') as amount,
           left(coalesce(entry ->> 'description', ''), 1000) as description
      from (select * from alfrd.documents where series_id = p_series and document_type in ('bank_statement', 'credit_card')
               and status not in ('failed', 'cancelled') order by document_date desc nulls last limit 150) as d
     cross join lateral jsonb_array_elements(
       case jsonb_typeof(d.structured_data -> 'transactions') when 'array' then d.structured_data -> 'transactions' else '[]' end)
       with ordinality as t(entry, place)
     where jsonb_typeof(entry) = 'object'),
  gone as (
    delete from alfrd.statement_rows r
     where r.series_id = p_series
       and (not exists (select from alfrd.documents d
                         where d.id = r.document_id and d.series_id = p_series and d.status not in ('failed', 'cancelled'))
            or r.document_id in (select id from shown)
               and not exists (select from shown where shown.id = r.document_id and shown.row_number = r.row_number and shown.amount > 0
                                  and shown.paid_on is not null)))
  insert into alfrd.statement_rows as r (document_id, row_number, series_id, owner, amount, currency, paid_on, description, stems)
  select id, row_number, p_series, owner, amount, currency, paid_on, description, alfrd.stems(description)
    from shown where amount > 0 and paid_on is not null
      on conflict (document_id, row_number) do update
     set series_id = excluded.series_id, owner = excluded.owner, amount = excluded.amount, currency = excluded.currency,
         paid_on = excluded.paid_on, description = excluded.description, stems = excluded.stems
   where (r.series_id, r.owner, r.amount, r.currency, r.paid_on, r.description)
         is distinct from (excluded.series_id, excluded.owner, excluded.amount, excluded.currency, excluded.paid_on, excluded.description);
end $$;

-- The words of a name or of a statement's row, in small letters without accents and legal forms. Short ones tell nothing.
create or replace function alfrd.telling_words(p_text text) returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select array(select distinct word
                 from regexp_split_to_table(lower(regexp_replace(normalize(left(p_text, 1000), nfkd), '[\u0300-\u036f]', '', 'g')),
                                            '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf]+') as word
                where char_length(word) >= 3
                  and word not in ('the', 'and', 'und', 'for', 'von', 'des', 'inc', 'ltd', 'llc', 'gmbh', 'mbh', 'corp', 'company', 'limited',
                                   'group', 'plc', 'sarl', 'pty', 'bill', 'payment', 'direct', 'debit', 'card', 'online', 'purchase', 'transfer',
                                   'standing', 'order', 'check', 'cheque', 'chk', 'sepa', 'autopay', 'ach', 'pos', 'www', 'com', 'ref', 'invoice'));
$$;

-- The beginnings of telling words. A row that names a company has one of its stems; one that names nobody, as "check 1055", has none.
create or replace function alfrd.stems(p_text text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select array(select distinct left(word, 4) from unnest(alfrd.telling_words(p_text)) as word where word ~ '[^0-9]');
$$;
