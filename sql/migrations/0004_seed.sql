-- The pipeline as data: routes, legal transitions, document types.

insert into alfrd.routes (entity, status, step, next_status, delay, max_attempts) values
  ('document', 'pending',       'ocr',                  'ocr_completed', '0', 5),
  ('document', 'ocr_completed', 'classify',             'classified',    '0', 5),
  ('document', 'classified',    'summarize',            'summarized',    '0', 5),
  ('document', 'classified',    'score_classification', '',              '0', 5),
  ('document', 'summarized',    'file',                 'filed',         '0', 5),
  ('document', 'summarized',    'score_summary',        '',              '0', 5),
  ('document', 'filed',         'extract',              'completed',     '0', 5),
  ('file',     'pending',       'summarize_file',       'generated',     '1.5 seconds', 5),
  ('file',     'outdated',      'summarize_file',       'generated',     '1.5 seconds', 5);

with chain(entity, status, place) as (values
  ('document', 'pending', 1), ('document', 'ocr_completed', 2), ('document', 'classified', 3),
  ('document', 'summarized', 4), ('document', 'filed', 5), ('document', 'completed', 6))
insert into alfrd.transitions (entity, from_status, to_status)
-- forward by a worker, back to any earlier milestone by a correction or a replay
select a.entity, a.status, b.status from chain a join chain b on b.place = a.place + 1 or b.place < a.place
union all select 'document', status, 'failed' from chain
union all select 'document', status, 'cancelled' from chain
union all select 'document', 'failed', status from chain where status <> 'completed'
union all select 'document', 'failed', 'cancelled'
union all select 'document', 'cancelled', 'pending';

insert into alfrd.transitions (entity, from_status, to_status) values
  ('file', 'pending', 'generated'), ('file', 'outdated', 'generated'), ('file', 'generated', 'outdated'),
  ('file', 'pending', 'failed'),    ('file', 'outdated', 'failed'),    ('file', 'failed', 'outdated'),
  ('file', 'failed', 'pending'),    ('file', 'generated', 'pending'),  ('file', 'outdated', 'pending'),
  ('file', 'pending', 'outdated'),  ('file', 'generated', 'failed');

insert into alfrd.document_types (name, description) values
  ('bank_statement', 'Statement of a bank account: balances, deposits, withdrawals over a period'),
  ('credit_card',    'Credit card statement: balance, minimum payment, transactions'),
  ('investment',     'Brokerage, pension or fund statement: holdings, trades, dividends'),
  ('utility_bill',   'Bill for electricity, gas, water, sewage or waste'),
  ('service_bill',   'Bill for a subscription or service: phone, internet, television, software'),
  ('payroll',        'Payslip or pay stub: gross, deductions, net pay'),
  ('employment',     'Employment contract, offer, reference or other letter of an employer'),
  ('tax',            'Tax return, assessment or form such as a W-2 or 1099'),
  ('government',     'Letter, licence or notice of an authority that is not about tax'),
  ('insurance',      'Insurance policy, premium notice, claim or statement of cover'),
  ('medical',        'Medical bill, explanation of benefits, prescription, laboratory result'),
  ('property',       'Rent receipt, lease, mortgage, deed, homeowners association'),
  ('vehicle',        'Vehicle registration, title, repair, inspection'),
  ('legal',          'Contract, court paper, will, power of attorney'),
  ('education',      'Tuition, transcript, report card, school letter'),
  ('event',          'Ticket, invitation, booking of an event'),
  ('promotional',    'Advertisement, offer, coupon, newsletter that may be wanted'),
  ('junk',           'Unwanted mail without lasting value'),
  ('receipt',        'Proof of a purchase that was paid at a till or online'),
  ('invoice',        'Request to pay for goods or work delivered'),
  ('other',          'Anything that fits none of the other types');

-- The built-in analyst works by code: its "prompts" name the rule set that made a result, so that scores
-- are tied to a version; they cannot evolve.
insert into alfrd.prompts (kind, version, text, origin, can_evolve, is_active)
select 'rules_' || kind, 1, 'Built-in deterministic rules, version 1.', 'code', false, true
  from unnest(array['classifier', 'summarizer', 'scorer', 'series_detector', 'series_extractor', 'file_summarizer']) as kind;
