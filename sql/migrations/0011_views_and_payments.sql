-- Values that keep their names and types, the views made of them; which bills are paid.

create schema if not exists alfrd_series;
create schema if not exists alfrd_types;

-- A column of a series' view. It is given once: later documents only add to them.
create table alfrd.series_fields (
  series_id   uuid not null references alfrd.series on delete cascade,
  column_name text not null check (octet_length(column_name) between 1 and 63),
  name        text not null,
  type        text not null check (type in ('numeric', 'date', 'text')),
  position    integer not null check (position > 0),
  version     integer not null default 1 check (version > 0),
  created_at  timestamptz not null default alfrd.now(),
  primary key (series_id, column_name),
  unique (series_id, position)
);
comment on table alfrd.series_fields is
  'The columns of each view in schema alfrd_series: given with the first value of a field, and kept.';
comment on column alfrd.series_fields.name is 'What the value is called in documents.series_data; of any length and spelling.';

-- Not with the series: its view is dropped later, by a look that holds up nobody.
create table alfrd.series_views (
  series_id   uuid primary key,
  view_name   text not null unique check (octet_length(view_name) between 1 and 63),
  slug        text not null,
  field_count integer not null default 0,
  error       text not null default '',
  made_at     timestamptz not null default alfrd.now()
);
comment on table alfrd.series_views is 'Which view in schema alfrd_series shows which series. Kept by step watch_series.';
comment on column alfrd.series_views.error is 'Why it could not be made, renamed or dropped the last time; empty: it could.';

create table alfrd.type_fields (
  document_type text not null references alfrd.document_types on delete cascade on update cascade,
  name          text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  type          text not null check (type in ('numeric', 'date', 'text')),
  position      integer generated always as identity,
  primary key (document_type, name)
);
comment on table alfrd.type_fields is
  'The columns of each view in schema alfrd_types beside those that all have: values of structured_data. Add rows of your own.';

insert into alfrd.type_fields (document_type, name, type) values
  ('bank_statement', 'opening_balance', 'numeric'), ('bank_statement', 'closing_balance', 'numeric'),
  ('credit_card', 'opening_balance', 'numeric'), ('credit_card', 'closing_balance', 'numeric'),
  ('credit_card', 'minimum_payment', 'numeric'), ('credit_card', 'credit_limit', 'numeric'),
  ('utility_bill', 'usage_kwh', 'numeric'), ('utility_bill', 'therms', 'numeric'),
  ('utility_bill', 'usage_gallons', 'numeric'), ('utility_bill', 'usage_ccf', 'numeric'),
  ('utility_bill', 'billing_days', 'numeric'), ('utility_bill', 'current_charges', 'numeric'),
  ('utility_bill', 'previous_balance', 'numeric'), ('utility_bill', 'taxes_and_fees', 'numeric'),
  ('service_bill', 'subtotal', 'numeric'), ('service_bill', 'tax', 'numeric'),
  ('service_bill', 'current_charges', 'numeric'), ('service_bill', 'previous_balance', 'numeric'),
  ('service_bill', 'payment_method', 'text'),
  ('payroll', 'gross_pay', 'numeric'), ('payroll', 'net_pay', 'numeric'), ('payroll', 'deductions', 'numeric'),
  ('payroll', 'hours_worked', 'numeric'),
  ('insurance', 'premium', 'numeric'), ('insurance', 'deductible', 'numeric'), ('insurance', 'policy_number', 'text'),
  ('insurance', 'vin', 'text'), ('insurance', 'license_plate', 'text'),
  ('property', 'base_rent', 'numeric'), ('property', 'late_fee', 'numeric'), ('property', 'payment_method', 'text'),
  ('property', 'receipt_number', 'text'),
  ('education', 'tuition', 'numeric'), ('education', 'credits', 'numeric'), ('education', 'student_id', 'text'),
  ('receipt', 'subtotal', 'numeric'), ('receipt', 'tax', 'numeric'), ('receipt', 'payment_method', 'text'),
  ('receipt', 'receipt_number', 'text'),
  ('invoice', 'subtotal', 'numeric'), ('invoice', 'tax', 'numeric'), ('invoice', 'invoice_number', 'text'),
  ('invoice', 'payment_method', 'text');

-- What is to be paid and what was paid, by amount: so that a payment finds its bill, and a bill its payment, without a look at all documents.

create table alfrd.payables (
  document_id uuid primary key references alfrd.documents on delete cascade,
  series_id   uuid not null references alfrd.series on delete cascade,
  owner       text not null,
  amount      numeric not null check (amount > 0),
  currency    text not null,
  issued      date not null,
  due         date not null,
  entity      text not null,
  stems       text[] not null,
  number      text not null,
  rest        numeric not null check (rest >= 0)
);
create index payables_amount on alfrd.payables (amount, owner, issued);
create index payables_rest on alfrd.payables (rest, owner, issued) where rest <> amount;
create index payables_owner on alfrd.payables (owner, issued);
create index payables_series on alfrd.payables (series_id);
comment on table alfrd.payables is 'Bills as step watch_series has last seen them. Only the engine reads it: alfrd.bills is for people.';
comment on column alfrd.payables.stems is 'The beginnings of the words of its sender''s name: a row that names it has one of them.';
comment on column alfrd.payables.number is 'The number of the invoice, in capitals without punctuation.';
comment on column alfrd.payables.rest is 'What is to be paid after credit notes.';

create table alfrd.credit_notes (
  document_id uuid primary key references alfrd.documents on delete cascade,
  series_id   uuid not null references alfrd.series on delete cascade,
  owner       text not null,
  amount      numeric not null check (amount > 0),
  currency    text not null,
  issued      date not null,
  entity      text not null,
  stems       text[] not null,
  named       text[] not null
);
create index credit_notes_owner on alfrd.credit_notes (owner, issued);
create index credit_notes_series on alfrd.credit_notes (series_id);
comment on table alfrd.credit_notes is 'Bills of a negative total as step watch_series has last seen them. Only the engine reads it.';
comment on column alfrd.credit_notes.named is 'The numbers that its text holds, but for its own: that of the invoice may be one of them.';

create table alfrd.statement_rows (
  document_id uuid not null references alfrd.documents on delete cascade,
  row_number  integer not null check (row_number >= 0),
  series_id   uuid not null references alfrd.series on delete cascade,
  owner       text not null,
  amount      numeric not null check (amount > 0),
  currency    text not null,
  paid_on     date not null,
  description text not null,
  stems       text[] not null,
  primary key (document_id, row_number)
);
create index statement_rows_amount on alfrd.statement_rows (amount, owner, paid_on);
create index statement_rows_owner on alfrd.statement_rows (owner, paid_on);
create index statement_rows_series on alfrd.statement_rows (series_id);
comment on table alfrd.statement_rows is 'Money that went out, as step watch_series has last seen it on statements. Only the engine reads it.';
comment on column alfrd.statement_rows.stems is 'The beginnings of the words of its description; none: it names nobody.';

create table alfrd.payments (
  id           bigint generated always as identity primary key,
  document_id  uuid not null references alfrd.documents on delete cascade,
  statement_id uuid references alfrd.documents on delete cascade,
  row_number   integer,
  kind         text not null default 'payment' check (kind in ('payment', 'credit')),
  amount       numeric not null constraint payments_amount_is_money check (abs(amount) < 1e15 and scale(amount) <= 30),
  currency     text not null default '',
  paid_on      date not null,
  confidence   real not null check (confidence between 0 and 1),
  reason       text not null default '',
  made_by      text not null default '',
  made_at      timestamptz not null default alfrd.now(),
  refused_by   text not null default '',
  unique nulls not distinct (document_id, statement_id, row_number)
);
create index payments_statement on alfrd.payments (statement_id) where statement_id is not null;
-- The engine lets a row pay one bill; a person may say that it paid two.
create unique index payments_of_row on alfrd.payments (statement_id, row_number) where made_by = '' and refused_by = '';
create unique index payments_of_credit_note on alfrd.payments (statement_id) where kind = 'credit' and made_by = '' and refused_by = '';
comment on table alfrd.payments is 'What paid which bill, or was taken off it. Change it by alfrd.link_payment and alfrd.unlink_payment.';
comment on column alfrd.payments.document_id is 'The bill.';
comment on column alfrd.payments.kind is 'payment: a row of a statement, or a person says so; credit: a credit note.';
comment on column alfrd.payments.statement_id is 'The credit note; or the statement that shows it, and the row there, from 0; null: a person has said that it is paid.';
comment on column alfrd.payments.confidence is 'Probability that this row paid this bill, 0 to 1.';
comment on column alfrd.payments.made_by is 'The person who linked it; empty: the engine did.';
comment on column alfrd.payments.refused_by is 'The person who said that it is not so; the engine does not link it again. Empty: it holds.';

-- Receipts of senders that have no series yet: a second one makes it.
create table alfrd.first_documents (
  document_id uuid primary key references alfrd.documents on delete cascade,
  owner       text not null,
  entity_key  text not null,
  kind        text not null
);
create index first_documents_of on alfrd.first_documents (entity_key, kind, owner);
comment on table alfrd.first_documents is
  'Documents that belong to their sender and to no series, until more of them come. Only the engine reads it.';

-- What is there already is looked after once more.
insert into alfrd.tasks (step, subject_type, subject_id, status, state, run_at, max_attempts, priority)
select r.step, r.subject_type, s.id, r.status, 'ready', alfrd.now(), r.max_attempts, -1
  from alfrd.series s cross join alfrd.routes r where r.step = 'watch_series'
    on conflict (subject_id, step) where state in ('ready', 'scheduled') do nothing;
