-- Which bill was paid, by which row of which statement.
--
-- alfrd.rows_for, alfrd.bills_for   what may have paid what
-- alfrd.names_agree         whether a row's words name a company
-- alfrd.unlikeliness        how odd it would be that a row pays a bill
-- alfrd.settle_equals       of equal bills of one sender, which row pays which
-- alfrd.match_credits       links credit notes to the bills that they take back
-- alfrd.match_payments      links rows to the bills that they pay
-- alfrd.match_instalments   links several rows to the bill that they pay together
--
-- A row pays a bill if amount, currency and owner are the same, the day fits, and the row names the sender; or if it names nobody, as a
-- cheque does, and bills of no other sender come into question. A credit note takes back the bill whose number it names, or the only
-- one of its sender and amount. Rather no link than a wrong one.
--
-- Called: by alfrd.keep_series (sql/functions/series_keeping.sql), after what sql/functions/payables.sql has noted. No other documents
--         are read than those of the series and what has the same amounts.

-- Whether something is linked to a bill that paid it, or a part of it.
create or replace function alfrd.is_paid(p_document uuid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from alfrd.payments where document_id = p_document and kind = 'payment' and refused_by = '');
$$;

-- How many words of a company's name the words of a row hold. A statement cuts words short: "HARBORLIGHT ELEC" names Harborlight Electric.
create or replace function alfrd.words_named(p_entity text, p_description text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select count(*)::integer
    from unnest(alfrd.telling_words(p_entity)) as word
   where exists (
           select from unnest(alfrd.telling_words(p_description)) as other
            where other = word or char_length(other) >= 4 and (starts_with(word, other) or starts_with(other, word) and char_length(word) >= 4));
$$;

-- The same as a part of all words of the name, 0 to 1: from a half on, it is named.
create or replace function alfrd.names_agree(p_entity text, p_description text) returns double precision
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(alfrd.words_named(p_entity, p_description)::double precision / nullif(cardinality(alfrd.telling_words(p_entity)), 0), 0);
$$;

-- The bills that a row may pay, and the rows that may pay a bill, by amount, owner and day: from the one side and from the other, since a
-- plan for both at once would read all of both tables. Of more than 40 that fit one, some are left out. Without a SET, so that they are inlined.
create or replace function alfrd.rows_for(p_bill alfrd.payables, p_before integer, p_after integer) returns setof alfrd.statement_rows
language sql stable rows 2 set search_path = pg_catalog, pg_temp as $$
  select r.* from alfrd.statement_rows r
   where r.amount = any (array[p_bill.amount, p_bill.rest]) and r.owner = p_bill.owner
     and r.paid_on between p_bill.issued - p_before and p_bill.due + p_after
     and (p_bill.stems && r.stems or r.stems = '{}') and (r.currency = p_bill.currency or '' in (r.currency, p_bill.currency))
   limit 40;
$$;

create or replace function alfrd.bills_for(p_row alfrd.statement_rows, p_before integer, p_after integer) returns setof alfrd.payables
language sql stable rows 2 set search_path = pg_catalog, pg_temp as $$
  select p.* from alfrd.payables p
   where (p.amount = p_row.amount or p.rest = p_row.amount and p.rest <> p.amount) and p.owner = p_row.owner
     and p.issued between p_row.paid_on - 400 and p_row.paid_on + p_before and p.due >= p_row.paid_on - p_after
     and (p.stems && p_row.stems or p_row.stems = '{}') and (p_row.currency = p.currency or '' in (p_row.currency, p.currency))
   limit 40;
$$;

-- alfrd.names_another: whether a row names another sender better than this one; or as well, where the other one asks for the same amount.
create or replace function alfrd.names_another(p_row alfrd.statement_rows, p_bill alfrd.payables, p_named integer) returns boolean
language sql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
  select exists (
    select from (select o.entity, bool_or(p_row.amount in (o.amount, o.rest) and o.issued between p_row.paid_on - 100 and p_row.paid_on + 10) as asks_the_same
                   from alfrd.payables o
                  where o.owner = p_row.owner and o.issued between p_row.paid_on - 400 and p_row.paid_on + 400
                    and o.series_id <> p_bill.series_id and o.stems && p_row.stems
                    and not (o.stems <@ p_bill.stems and p_bill.stems <@ o.stems)
                  group by o.entity limit 50) as other
     where alfrd.words_named(entity, p_row.description) >= p_named + (not asks_the_same)::integer
       and alfrd.names_agree(entity, p_row.description) >= 0.5);
$$;

-- alfrd.is_only_amount: whether a row that names nobody can pay but the bills of one series: no other one has a bill of this amount in these
-- days that is not paid.
create or replace function alfrd.is_only_amount(p_row alfrd.statement_rows, p_bill alfrd.payables, p_before integer, p_after integer)
returns boolean
language sql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
  select not exists (select from alfrd.payables o
                      where (o.amount = p_row.amount or o.rest = p_row.amount and o.rest <> o.amount) and o.owner = p_row.owner
                        and o.series_id <> p_bill.series_id and o.issued between p_row.paid_on - 400 and p_row.paid_on + p_before
                        and o.due >= p_row.paid_on - p_after and not alfrd.is_paid(o.document_id));
$$;

-- alfrd.is_in_turn: whether the day of a row is nearer to the day of this bill than to that of another one which its sender has sent, or may
-- have sent: where an amount repeats, a row of another turn pays the bill of that turn, also if that one never came. A row in the turn of a bill that is
-- paid by a nearer one may be a late payment of this one.
create or replace function alfrd.is_in_turn(p_row alfrd.statement_rows, p_bill alfrd.payables) returns boolean
language sql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
  with alike as materialized (
    select o.due, o.due - lag(o.due) over (order by o.due) as days from alfrd.payables o
     where o.amount = p_bill.amount and o.owner = p_bill.owner and o.series_id = p_bill.series_id
       and o.issued between p_bill.issued - 400 and p_bill.issued + 400)
  select coalesce(2 * min(abs(p_row.paid_on - due)) <= min(days) filter (where days > 3), true) from alike;
$$;

-- alfrd.says_number: whether a row's words hold the number of a bill.
create or replace function alfrd.says_number(p_row alfrd.statement_rows, p_bill alfrd.payables) returns boolean
  language sql immutable parallel safe
  return char_length(p_bill.number) >= 5
         and strpos(upper(regexp_replace(p_row.description, '[^[:alnum:]]', '', 'g')), p_bill.number) > 0;

-- alfrd.unlikeliness: how odd it would be that a row pays this bill: about -ln of how often people pay so many days before or after it is due. Most pay
-- within a week before, or as soon as it came; of those who are late the fewer the later. A row that holds the number of the bill is no guess.
create or replace function alfrd.unlikeliness(p_row alfrd.statement_rows, p_bill alfrd.payables) returns double precision
  language sql immutable parallel safe
  return case when p_row.paid_on < p_bill.issued then 4 + (p_bill.issued - p_row.paid_on) / 3.0
              when p_row.paid_on > p_bill.due + 2 then 2.4 + (p_row.paid_on - p_bill.due) / 12.0
              when p_row.paid_on > p_bill.due then 0.7
              when p_row.paid_on >= p_bill.due - 7 then (p_bill.due - p_row.paid_on) / 10.0
              when p_row.paid_on <= p_bill.issued + 5 then 1.5
              else 3 end
         - case when alfrd.says_number(p_row, p_bill) then 10 else 0 end;

-- alfrd.settle_equals: of equal bills of one sender, the rows that pay them as it is likeliest of them all, and which of them are not clear.
--
-- p_bills, p_rows   each bill with the row that pays it as far as is known; every row in reach of two equal bills may pay either
-- Returns:          the place of the row in p_rows that pays each bill, and the place of the bill that it may as well have paid; null: none.
-- Two are not clear if the other way round would not be ten times as odd, unless both rows are of one day.
create or replace function alfrd.settle_equals(p_bills alfrd.payables[], p_rows alfrd.statement_rows[], p_before integer, p_after integer)
returns table (bill_place integer, row_place integer, rival_place integer)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  c_unclear constant double precision := 2.3;
  v_takes   integer[] := array(select generate_subscripts(p_bills, 1));
  v_ones    integer[];
  v_others  integer[];
  v_one     integer;
  v_other   integer;
  v_row     integer;
begin
  select array_agg(one.place), array_agg(other.place) into v_ones, v_others
    from (select place, (p_bills[place]).* from generate_subscripts(p_bills, 1) as place) as one
    join (select place, (p_bills[place]).* from generate_subscripts(p_bills, 1) as place) as other
      on (other.series_id, other.amount, other.rest, other.currency) = (one.series_id, one.amount, one.rest, one.currency)
     and other.place > one.place and abs(other.due - one.due) <= p_before + p_after;
  for v_round in 1 .. 2 * coalesce(cardinality(v_ones), 0) loop
    select places.one, places.other into v_one, v_other
      from unnest(v_ones, v_others) as places(one, other)
     cross join lateral alfrd.exchange_loss(p_bills[one], p_rows[v_takes[one]], p_bills[other], p_rows[v_takes[other]], p_before, p_after) as loss
     where loss < -0.001
     order by loss, one, other limit 1;
    exit when not found;
    v_row := v_takes[v_one];
    v_takes[v_one] := v_takes[v_other];
    v_takes[v_other] := v_row;
  end loop;
  return query
    select place, v_takes[place], (
             select case when one = place then other else one end
               from unnest(v_ones, v_others) as places(one, other)
              cross join lateral alfrd.exchange_loss(p_bills[one], p_rows[v_takes[one]], p_bills[other], p_rows[v_takes[other]], p_before, p_after) as loss
              where place in (one, other) and loss < c_unclear and (p_rows[v_takes[one]]).paid_on <> (p_rows[v_takes[other]]).paid_on
              order by loss, one, other limit 1)
      from generate_subscripts(p_bills, 1) as place;
end $$;

-- alfrd.exchange_loss: by how much odder it would be if each of two bills were paid by the row of the other; null: one of them cannot be.
create or replace function alfrd.exchange_loss(
  p_bill alfrd.payables, p_row alfrd.statement_rows, p_other alfrd.payables, p_others_row alfrd.statement_rows, p_before integer, p_after integer
) returns double precision
language sql stable set search_path = pg_catalog, pg_temp as $$
  select alfrd.unlikeliness(p_others_row, p_bill) + alfrd.unlikeliness(p_row, p_other)
         - alfrd.unlikeliness(p_row, p_bill) - alfrd.unlikeliness(p_others_row, p_other)
   where p_others_row.paid_on between p_bill.issued - p_before and p_bill.due + p_after
     and p_row.paid_on between p_other.issued - p_before and p_other.due + p_after
     and not exists (select from alfrd.payments m
                      where m.refused_by <> '' and ((m.document_id, m.statement_id, m.row_number)
                              in ((p_bill.document_id, p_others_row.document_id, p_others_row.row_number),
                                  (p_other.document_id, p_row.document_id, p_row.row_number))));
$$;

-- alfrd.match_credits: links credit notes to the bills that they take back, as a whole or in part.
--
-- The credit notes of a series, and those that may take back one of its bills. One that has changed is linked anew; what people linked or
-- refused stays. Then what is left to be paid of each bill is noted.
create or replace function alfrd.match_credits(p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  c_by_number constant integer := 400;   -- days from a bill to the credit note that names its number
  c_by_amount constant integer := 180;   -- the same, where the amount tells
  v_bills     uuid[] := array(select document_id from alfrd.payables where series_id = p_series);
  v_credit    alfrd.credit_notes;
  v_found     uuid[];
  v_amounts   numeric[];
  v_is_named  boolean;
begin
  for v_credit in
    select c.* from alfrd.credit_notes c
     where c.document_id in (
             select document_id from alfrd.credit_notes where series_id = p_series
             union
             select n.document_id from alfrd.payables p join alfrd.credit_notes n
                 on n.owner = p.owner and n.issued between p.issued and p.issued + c_by_number and n.stems && p.stems
              where p.series_id = p_series)
     order by c.issued, c.document_id
  loop
    continue when exists (select from alfrd.payments where statement_id = v_credit.document_id and kind = 'credit' and made_by <> '');
    select array_agg(document_id), array_agg(amount), coalesce(bool_or(is_named), false) into v_found, v_amounts, v_is_named
      from (select p.document_id, p.amount, named.is_named, bool_or(named.is_named) over () as any_named
              from alfrd.payables p
             cross join lateral (select p.number = any (v_credit.named) as is_named) as named
             where p.owner = v_credit.owner and p.issued between v_credit.issued - c_by_number and v_credit.issued and p.stems && v_credit.stems
               and (p.currency = v_credit.currency or '' in (p.currency, v_credit.currency))
               and (named.is_named
                    or p.amount = v_credit.amount and p.issued >= v_credit.issued - c_by_amount
                       and (p.series_id = v_credit.series_id or p.stems <@ v_credit.stems and v_credit.stems <@ p.stems))
               and not exists (select from alfrd.payments m
                                where m.document_id = p.document_id
                                  and (m.statement_id = v_credit.document_id and m.refused_by <> ''
                                       or m.statement_id <> v_credit.document_id and m.kind = 'credit' and m.refused_by = '' and m.amount >= p.amount))
           ) as candidate
     where is_named = any_named;
    if cardinality(v_found) is distinct from 1 then
      v_found := '{}';   -- none, or it cannot be told which
    end if;
    delete from alfrd.payments
     where statement_id = v_credit.document_id and kind = 'credit' and made_by = '' and refused_by = ''
       and not (document_id = any (v_found) and amount = least(v_credit.amount, v_amounts[1]) and paid_on = v_credit.issued);
    insert into alfrd.payments (document_id, statement_id, kind, amount, currency, paid_on, confidence, reason)
    select id, v_credit.document_id, 'credit', least(v_credit.amount, v_amounts[1]), v_credit.currency, v_credit.issued,
           case when v_is_named then 0.97 else 0.85 end,
           case when v_is_named then 'the credit note names its number' else 'no other bill of this sender has this amount' end
      from unnest(v_found) as id
        on conflict do nothing;
    v_bills := v_bills || v_found;
  end loop;
  update alfrd.payables p set rest = left_over.amount
    from alfrd.payables o
   cross join lateral (
     select greatest(0, o.amount - coalesce((select sum(m.amount) from alfrd.payments m
                                              where m.document_id = o.document_id and m.kind = 'credit' and m.refused_by = ''), 0)) as amount) as left_over
   where o.document_id = any (v_bills) and p.document_id = o.document_id and p.rest <> left_over.amount;
end $$;

create or replace function alfrd.payment_confidence(p_row alfrd.statement_rows, p_bill alfrd.payables, p_is_clear boolean)
returns double precision
  language sql immutable
  return case when alfrd.says_number(p_row, p_bill) then 0.99
              when not p_is_clear then 0.5
              else least(0.99, case when p_row.stems = '{}' then 0.7 else 0.75 + 0.2 * alfrd.names_agree(p_bill.entity, p_row.description) end
                               + case when p_row.paid_on - p_bill.due between -21 and 7 then 0.04 else 0 end) end;

-- alfrd.match_payments: links the bills of a series, and the rows of its statements, to what pays them, or is paid by them.
--
-- The nearest day first; a row pays one bill, a bill is paid once. Links are made anew as more becomes known: a row that was taken for an early
-- payment may turn out to be a late one. What people linked or refused stays. A link whose bill or row has changed since goes.
create or replace function alfrd.match_payments(p_series uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Without statistics, or with old ones, the planner would read whole tables.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  c_before    constant integer := 10;    -- days: paid before it was issued, by a standing order
  c_after     constant integer := 75;    -- after it was due
  c_settled   constant integer := 200;   -- after so long a link is made anew no more
  c_nobody    constant integer := 30;    -- the same, where nothing but the amount tells
  v_documents uuid[] := array(select id from alfrd.documents where series_id = p_series
                               order by document_date desc nulls last limit 150);
  v_asked     uuid[];
  v_linked    uuid[];   -- bills with a link that concerns this series
  v_pair      record;
  v_bills     alfrd.payables[] := '{}';
  v_rows      alfrd.statement_rows[] := '{}';
  v_taken     text[] := '{}';
  v_seen      uuid[] := '{}';
  v_chosen    jsonb[];
begin
  v_linked := array(select document_id from alfrd.payments where document_id = any (v_documents)
                    union select document_id from alfrd.payments where statement_id = any (v_documents));
  delete from alfrd.payments m
   where m.document_id = any (v_linked) and m.kind = 'payment' and m.made_by = '' and m.refused_by = ''
     and not exists (select from alfrd.payables p join alfrd.statement_rows r on r.document_id = m.statement_id and r.row_number = m.row_number
                      where p.document_id = m.document_id and p.owner = r.owner and r.amount = m.amount and r.paid_on = m.paid_on);
  delete from alfrd.payments m
   using alfrd.payables p
   where m.document_id = any (v_linked) and m.kind = 'payment' and m.made_by = '' and m.refused_by = '' and p.document_id = m.document_id
     and (select sum(o.amount) from alfrd.payments o
           where o.document_id = m.document_id and o.kind = 'payment' and o.made_by = '' and o.refused_by = '') not in (p.amount, p.rest);
  v_asked := array(
    -- Bills of this series, and those that its rows may pay: the new ones, and what has no link.
    with near as materialized (
      select p from alfrd.payables p
       where p.series_id = p_series
         and (p.issued > (select max(issued) from alfrd.payables where series_id = p_series) - c_settled or not alfrd.is_paid(p.document_id))
      union
      select p from alfrd.statement_rows r cross join lateral alfrd.bills_for(r, c_before, c_after) as p
       where r.series_id = p_series
         and (r.paid_on > (select max(paid_on) from alfrd.statement_rows where series_id = p_series) - c_settled
              or not exists (select from alfrd.payments m where m.statement_id = r.document_id and m.row_number = r.row_number and m.refused_by = '')))
    select (p).document_id from near
    union   -- and those that the same rows may pay rather
    select (o).document_id from near cross join lateral alfrd.rows_for(p, c_before, c_after) as r cross join lateral alfrd.bills_for(r, c_before, c_after) as o);
  for v_pair in
    with pairs as (
      select p, r from alfrd.payables p cross join lateral alfrd.rows_for(p, c_before, c_after) as r where p.document_id = any (v_asked)),
    fitting as (
      select p, r, (p).document_id, (r).document_id as statement_id, (r).row_number, (r).paid_on - (p).due as from_due, named.words, named.agree,
             (r).stems = '{}' as names_nobody,
             -- A row that holds the number of one bill pays no other one.
             alfrd.says_number(r, p) as says_number, bool_or(alfrd.says_number(r, p)) over (partition by (r).document_id, (r).row_number) as says_one
        from pairs
       cross join lateral (select alfrd.words_named((p).entity, (r).description) as words, alfrd.names_agree((p).entity, (r).description) as agree) as named
       where not exists (select from alfrd.payments m   -- what people said; and parts of a bill
                          where m.document_id = (p).document_id and m.kind = 'payment'
                            and (m.refused_by = '' and (m.made_by <> '' or m.amount not in ((p).amount, (p).rest))
                                 or m.refused_by <> '' and (m.statement_id, m.row_number) = ((r).document_id, (r).row_number)))
         and not exists (select from alfrd.payments m
                          where m.statement_id = (r).document_id and m.row_number = (r).row_number and m.refused_by = ''
                            and (m.made_by <> '' or m.document_id <> all (v_asked))))
    select *
      from fitting
     where case when names_nobody then from_due <= c_nobody and alfrd.is_only_amount(r, p, c_before, c_nobody)
                else agree >= 0.5 and not alfrd.names_another(r, p, words) end
       and says_number = says_one and (says_number or alfrd.is_in_turn(r, p))
     order by alfrd.unlikeliness(r, p) + case when names_nobody then 2.5 else 0 end, agree desc, (r).paid_on, document_id, statement_id, row_number
  loop
    v_seen := v_seen || v_pair.document_id;
    continue when v_pair.statement_id || ' ' || v_pair.row_number = any (v_taken)
               or exists (select from unnest(v_bills) as b where b.document_id = v_pair.document_id);
    v_bills := v_bills || v_pair.p;
    v_rows := v_rows || v_pair.r;
    v_taken := v_taken || (v_pair.statement_id || ' ' || v_pair.row_number);
  end loop;
  v_chosen := array(
    select jsonb_build_object(
             'document_id', (p).document_id, 'statement_id', (r).document_id, 'row_number', (r).row_number, 'amount', (r).amount,
             'currency', coalesce(nullif((p).currency, ''), (r).currency), 'paid_on', (r).paid_on, 'rival_id', (v_bills[rival_place]).document_id,
             'confidence', alfrd.payment_confidence(r, p, rival_place is null),
             'reason', case when alfrd.says_number(r, p) then 'the row holds its number'
                            when (r).stems = '{}' then 'bills of no other sender have this amount' else 'the row names ' || (p).entity end)
      from alfrd.settle_equals(v_bills, v_rows, c_before, c_after)
     cross join lateral (select v_bills[bill_place] as p, v_rows[row_place] as r) as settled);
  delete from alfrd.payments m
   where (m.document_id = any (v_seen) or m.statement_id || ' ' || m.row_number = any (v_taken))
     and m.kind = 'payment' and m.made_by = '' and m.refused_by = ''
     and not exists (select from unnest(v_chosen) as chosen
                      where (chosen ->> 'document_id')::uuid = m.document_id and (chosen ->> 'statement_id')::uuid = m.statement_id
                        and (chosen ->> 'row_number')::integer = m.row_number);
  update alfrd.payments m set rival_id = (chosen ->> 'rival_id')::uuid, confidence = (chosen ->> 'confidence')::real
    from unnest(v_chosen) as chosen
   where m.document_id = (chosen ->> 'document_id')::uuid and m.statement_id = (chosen ->> 'statement_id')::uuid
     and m.row_number = (chosen ->> 'row_number')::integer and m.made_by = '' and m.refused_by = ''
     and m.rival_id is distinct from (chosen ->> 'rival_id')::uuid;
  insert into alfrd.payments (document_id, statement_id, row_number, amount, currency, paid_on, rival_id, confidence, reason)
  select document_id, statement_id, row_number, amount, currency, paid_on, rival_id, confidence, reason
    from unnest(v_chosen) as chosen
   cross join jsonb_to_record(chosen) as c(document_id uuid, statement_id uuid, row_number integer, amount numeric, currency text, paid_on date,
                                           rival_id uuid, confidence real, reason text)
   order by document_id
      on conflict do nothing;
  perform alfrd.match_instalments(p_series, c_before, c_after);
end $$;

-- alfrd.match_instalments: links two or three rows to the bill that they make up together.
--
-- The bills of a series, and those that an unlinked row of its statements may be a part of. All rows name the sender; three are of the same
-- amount but for cents. Where two sets of rows make up a bill, or more than eight rows come into question, it cannot be told.
create or replace function alfrd.match_instalments(p_series uuid, p_days_before integer, p_days_after integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  c_most constant integer := 8;
  v_bill alfrd.payables;
  v_rows alfrd.statement_rows[];
  v_sets jsonb;
begin
  for v_bill in
    select p.* from alfrd.payables p
     where p.document_id in (
             (select document_id from alfrd.payables where series_id = p_series order by issued desc limit 40)
             union
             select o.document_id
               from (select * from alfrd.statement_rows where series_id = p_series order by paid_on desc limit 150) as r
               join alfrd.payables o on o.owner = r.owner and o.issued between r.paid_on - 400 and r.paid_on + p_days_before
                and o.due >= r.paid_on - p_days_after and o.rest > r.amount and o.stems && r.stems
              where not exists (select from alfrd.payments m where m.statement_id = r.document_id and m.row_number = r.row_number and m.refused_by = ''))
       and not alfrd.is_paid(p.document_id)
     order by p.due, p.document_id
  loop
    v_rows := array(
      select r from alfrd.statement_rows r
       where r.owner = v_bill.owner and r.paid_on between v_bill.issued - p_days_before and v_bill.due + p_days_after
         and r.amount < v_bill.rest and r.stems && v_bill.stems and (r.currency = v_bill.currency or '' in (r.currency, v_bill.currency))
         and not exists (select from alfrd.payments m
                          where m.statement_id = r.document_id and m.row_number = r.row_number
                            and (m.refused_by = '' or m.document_id = v_bill.document_id))
         and alfrd.names_agree(v_bill.entity, r.description) >= 0.5
       order by r.paid_on, r.document_id, r.row_number limit c_most + 1);
    continue when cardinality(v_rows) not between 2 and c_most;
    with shown as (select (v_rows[place]).*, place from generate_subscripts(v_rows, 1) as place),
    sets as (
      select array[a.place, b.place] as places from shown a join shown b on a.place < b.place where a.amount + b.amount = v_bill.rest
      union all
      select array[a.place, b.place, c.place] from shown a join shown b on a.place < b.place join shown c on b.place < c.place
       where a.amount + b.amount + c.amount = v_bill.rest
         and greatest(a.amount, b.amount, c.amount) - least(a.amount, b.amount, c.amount) <= 0.05)
    select jsonb_agg(to_jsonb(places)) into v_sets from sets;
    continue when jsonb_array_length(v_sets) is distinct from 1;
    insert into alfrd.payments (document_id, statement_id, row_number, amount, currency, paid_on, confidence, reason)
    select v_bill.document_id, (r).document_id, (r).row_number, (r).amount, coalesce(nullif(v_bill.currency, ''), (r).currency), (r).paid_on, 0.85,
           'the row names ' || v_bill.entity || ', and is a part of it'
      from jsonb_array_elements_text(v_sets -> 0) as place
     cross join lateral (select v_rows[place::integer] as r) as chosen
        on conflict do nothing;
  end loop;
end $$;
