-- Bounds on what applications may write: an amount of NaN kept a file from ever being summarised, a date before Christ broke every list.
--
-- The bounds are far from what any document says. Text is measured in bytes, which does not unpack it.
--
-- Rows that hold such values already are mended first, as by a person: alfrd.corrections keeps what stood there, and their files are
-- made again. Checks that are "not valid" would spare the rows, and then refuse every later update of them, even one that only moves
-- their status: such a document could neither be worked on nor fail.

-- What is no correction when it changes, kept whole before it is cut.
insert into alfrd.step_results (entity, subject_id, step, result)
select 'document', id, 'cut_by_0019',
       jsonb_build_object('owner', owner, 'filename', filename, 'uri', uri, 'fingerprint', fingerprint)
  from alfrd.documents
 where octet_length(owner) > 2000 or octet_length(filename) > 100000 or octet_length(uri) > 100000 or octet_length(fingerprint) > 2000;

update alfrd.documents set
    owner          = case when octet_length(owner) > 2000 then left(owner, 500) else owner end,
    filename       = case when octet_length(filename) > 100000 then left(filename, 25000) else filename end,
    uri            = case when octet_length(uri) > 100000 then left(uri, 25000) else uri end,
    fingerprint    = case when octet_length(fingerprint) > 2000 then 'cut:' || md5(fingerprint) else fingerprint end,
    summary        = case when octet_length(summary) > 1000000 then left(summary, 250000) else summary end,
    entity         = case when octet_length(entity) > 10000 then left(entity, 2500) else entity end,
    currency       = case when octet_length(currency) > 200 then left(currency, 50) else currency end,
    account_number = case when octet_length(account_number) > 2000 then left(account_number, 500) else account_number end,
    document_date  = case when document_date between date '0001-01-01' and date '9999-12-31' then document_date end,
    due_date       = case when due_date between date '0001-01-01' and date '9999-12-31' then due_date end,
    period_start   = case when period_start between date '0001-01-01' and date '9999-12-31' then period_start end,
    period_end     = case when period_end between date '0001-01-01' and date '9999-12-31' then period_end end,
    total_amount   = case when abs(total_amount) < 1e15 and scale(total_amount) <= 30 then total_amount end,
    tags           = alfrd.normal_tags(tags)
 where octet_length(owner) > 2000 or octet_length(filename) > 100000 or octet_length(uri) > 100000 or octet_length(fingerprint) > 2000
    or octet_length(summary) > 1000000 or octet_length(entity) > 10000 or octet_length(currency) > 200
    or octet_length(account_number) > 2000
    or document_date not between date '0001-01-01' and date '9999-12-31'
    or due_date not between date '0001-01-01' and date '9999-12-31'
    or period_start not between date '0001-01-01' and date '9999-12-31'
    or period_end not between date '0001-01-01' and date '9999-12-31'
    or not (abs(total_amount) < 1e15 and scale(total_amount) <= 30)
    or not case when coalesce(array_ndims(tags), 1) = 1 and coalesce(array_lower(tags, 1), 1) = 1
                then array_position(tags, null) is null else false end;

alter table alfrd.documents
  add constraint documents_owner_is_short check (octet_length(owner) <= 2000),
  add constraint documents_filename_is_short check (octet_length(filename) <= 100000),
  add constraint documents_uri_is_short check (octet_length(uri) <= 100000),
  add constraint documents_fingerprint_is_short check (octet_length(fingerprint) <= 2000),
  add constraint documents_summary_is_short check (octet_length(summary) <= 1000000),
  add constraint documents_entity_is_short check (octet_length(entity) <= 10000),
  add constraint documents_currency_is_short check (octet_length(currency) <= 200),
  add constraint documents_account_number_is_short check (octet_length(account_number) <= 2000),
  add constraint documents_document_date_is_in_years_1_to_9999
    check (document_date between date '0001-01-01' and date '9999-12-31'),
  add constraint documents_due_date_is_in_years_1_to_9999 check (due_date between date '0001-01-01' and date '9999-12-31'),
  add constraint documents_period_start_is_in_years_1_to_9999
    check (period_start between date '0001-01-01' and date '9999-12-31'),
  add constraint documents_period_end_is_in_years_1_to_9999 check (period_end between date '0001-01-01' and date '9999-12-31'),
  -- NaN counts as larger than everything.
  add constraint documents_total_amount_is_money check (abs(total_amount) < 1e15 and scale(total_amount) <= 30),
  add constraint documents_tags_are_a_plain_list check (
    case when coalesce(array_ndims(tags), 1) = 1 and coalesce(array_lower(tags, 1), 1) = 1
         then array_position(tags, null) is null else false end);

update alfrd.files set owner = case when octet_length(owner) > 2000 then 'cut:' || md5(owner) else owner end,
    tags = alfrd.normal_tags(tags), title = left(title, 25000)
 where octet_length(owner) > 2000 or octet_length(title) > 100000
    or not case when coalesce(array_ndims(tags), 1) = 1 and coalesce(array_lower(tags, 1), 1) = 1
                then array_position(tags, null) is null else false end;
alter table alfrd.files
  add constraint files_owner_is_short check (octet_length(owner) <= 2000),
  add constraint files_title_is_short check (octet_length(title) <= 100000),
  add constraint files_tags_are_a_plain_list check (
    case when coalesce(array_ndims(tags), 1) = 1 and coalesce(array_lower(tags, 1), 1) = 1
         then array_position(tags, null) is null else false end);

insert into alfrd.step_results (entity, subject_id, step, result)
select 'document', document_id, 'parts_cut_by_0019',
       jsonb_agg(jsonb_build_object('number', number, 'filename', filename, 'uri', uri) order by number)
  from alfrd.document_parts where octet_length(filename) > 100000 or octet_length(uri) > 100000 group by document_id;
update alfrd.document_parts set
    filename = case when octet_length(filename) > 100000 then left(filename, 25000) else filename end,
    uri = case when octet_length(uri) > 100000 then left(uri, 25000) else uri end
 where octet_length(filename) > 100000 or octet_length(uri) > 100000;
alter table alfrd.document_parts
  add constraint document_parts_filename_is_short check (octet_length(filename) <= 100000),
  add constraint document_parts_uri_is_short check (octet_length(uri) <= 100000);

-- These rows are never updated, so a check of new ones alone holds up none of the old.
alter table alfrd.tags
  add constraint tags_tag_is_short check (octet_length(tag) <= 2000) not valid;
set constraints all immediate;   -- what these updates have put off, before functions and triggers are replaced
