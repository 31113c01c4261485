-- The pipeline as data: routes, legal transitions, document types.

with chain(subject_type, status, place) as (values
  ('document', 'pending', 1), ('document', 'ocr_completed', 2), ('document', 'classified', 3),
  ('document', 'summarized', 4), ('document', 'filed', 5), ('document', 'completed', 6))
insert into alfrd.transitions (subject_type, from_status, to_status)
-- forward by a worker, back to any earlier milestone by a correction or a replay
select a.subject_type, a.status, b.status from chain a join chain b on b.place = a.place + 1 or b.place < a.place
union all select 'document', status, 'failed' from chain
union all select 'document', status, 'cancelled' from chain
union all select 'document', 'failed', status from chain where status <> 'completed'
union all select 'document', 'failed', 'cancelled'
union all select 'document', 'cancelled', 'pending';

insert into alfrd.transitions (subject_type, from_status, to_status) values
  ('file', 'pending', 'generated'), ('file', 'outdated', 'generated'), ('file', 'generated', 'outdated'),
  ('file', 'pending', 'failed'),    ('file', 'outdated', 'failed'),    ('file', 'failed', 'outdated'),
  ('file', 'failed', 'pending'),    ('file', 'generated', 'pending'),  ('file', 'outdated', 'pending'),
  ('file', 'pending', 'outdated'),  ('file', 'generated', 'failed');

insert into alfrd.routes (subject_type, status, step, next_status, delay, max_attempts, needs) values
  ('document', 'pending',       'ocr',                  'ocr_completed', '0', 5, '{parts}'),
  ('document', 'ocr_completed', 'classify',             'classified',    '0', 5, '{}'),
  ('document', 'classified',    'summarize',            'summarized',    '0', 5, '{}'),
  ('document', 'classified',    'score_classification', '',              '0', 5, '{}'),
  ('document', 'summarized',    'file',                 'filed',         '0', 5, '{series_versions}'),
  ('document', 'summarized',    'score_summary',        '',              '0', 5, '{}'),
  ('document', 'filed',         'extract',              'completed',     '0', 5, '{series}'),
  ('document', 'sampled',       'answer_key',           '',              '0', 5, '{}'),
  ('prompt',   'due',           'evolve_prompt',        '',              '0', 5, '{}'),
  ('file',     'pending',       'summarize_file',       'generated',     '0.5 seconds', 5, '{}'),
  ('file',     'outdated',      'summarize_file',       'generated',     '0.5 seconds', 5, '{}');

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

insert into alfrd.prompt_kinds (kind, fewest_keys, fewest_pairs, most_pairs, max_words) values
  ('classifier', 60, 20, 120, 300),
  ('summarizer', 30, 8, 40, 400);

-- Public list prices of us-east-1 and the "us." inference profiles. Check them against your own bill.
insert into alfrd.prices (provider, model, operation, input, output, cache_read, cache_write, page, note) values
  ('bedrock', '*amazon.nova-micro-v1*',  '', 0.035, 0.14, 0.00875, 0.035, 0, 'list price 2025'),
  ('bedrock', '*amazon.nova-lite-v1*',   '', 0.06,  0.24, 0.015,   0.06,  0, 'list price 2025'),
  ('bedrock', '*amazon.nova-pro-v1*',    '', 0.80,  3.20, 0.20,    0.80,  0, 'list price 2025'),
  ('bedrock', '*amazon.nova-2-lite-v1*', '', 0.30,  2.50, 0.075,   0.30,  0, 'list price 2026'),
  ('bedrock', '*amazon.nova-premier-v1*', '', 2.50, 12.50, null,   null,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-3-haiku*',    '', 0.25, 1.25,  null,  null,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-3-5-haiku*',  '', 0.80, 4.00,  0.08,  1.00,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-haiku-4-5*',  '', 1.10, 5.50,  0.11,  1.40,  0, 'list price 2026, regional profile'),
  ('bedrock', '*anthropic.claude-3-5-sonnet*', '', 3.00, 15.00, 0.30,  3.75,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-3-7-sonnet*', '', 3.00, 15.00, 0.30,  3.75,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-sonnet-4-2*', '', 3.00, 15.00, 0.30,  3.75,  0, 'list price 2025'),
  ('bedrock', '*anthropic.claude-sonnet-4-5*', '', 3.30, 16.50, 0.33,  4.125, 0, 'list price 2026, regional profile'),
  ('bedrock', '*anthropic.claude-sonnet-4-6*', '', 3.30, 16.50, 0.33,  4.125, 0, 'list price 2026, regional profile'),
  ('textract', '*',                'DetectDocumentText',         0, 0, null, null, 0.0015, 'first million pages a month'),
  ('textract', '*',                'StartDocumentTextDetection', 0, 0, null, null, 0.0015, 'first million pages a month'),
  -- Of AnalyzeDocument the features are the model, sorted and joined by +. What is not listed costs no more than all of them.
  ('textract', '*',                'AnalyzeDocument',            0, 0, null, null, 0.07,   'the most that features cost'),
  ('textract', 'LAYOUT',           'AnalyzeDocument',            0, 0, null, null, 0.004,  'first million pages a month'),
  ('textract', 'SIGNATURES',       'AnalyzeDocument',            0, 0, null, null, 0.0035, 'first million pages a month'),
  ('textract', 'TABLES',           'AnalyzeDocument',            0, 0, null, null, 0.015,  'first million pages a month'),
  ('textract', 'LAYOUT+TABLES',    'AnalyzeDocument',            0, 0, null, null, 0.015,  'layout is free beside tables'),
  ('textract', 'FORMS',            'AnalyzeDocument',            0, 0, null, null, 0.05,   'first million pages a month'),
  ('textract', 'FORMS+LAYOUT',     'AnalyzeDocument',            0, 0, null, null, 0.05,   'layout is free beside forms'),
  ('textract', 'FORMS+TABLES',     'AnalyzeDocument',            0, 0, null, null, 0.065,  'first million pages a month'),
  ('textract', 'FORMS+LAYOUT+TABLES', 'AnalyzeDocument',         0, 0, null, null, 0.065,  'layout is free beside forms'),
  ('openai', '*', '', 0, 0, null, null, 0, 'a server of your own; for a paid one add a row for each model');

-- A job costs what its pages would cost one by one.
insert into alfrd.prices (provider, model, operation, input, output, cache_read, cache_write, page, note)
select provider, model, 'StartDocumentAnalysis', input, output, cache_read, cache_write, page, note
  from alfrd.prices where provider = 'textract' and operation = 'AnalyzeDocument';
