-- Work that a provider was paid for and has not handed over yet. The next attempt adopts it.

create table alfrd.provider_jobs (
  document_id uuid not null references alfrd.documents on delete cascade,
  part        integer not null check (part >= 1),
  provider    text not null check (provider <> ''),
  request     text not null check (request <> ''),
  pages       integer[] not null check (cardinality(pages) > 0),
  job_id      text not null check (job_id <> ''),
  saved_at    timestamptz not null default alfrd.now(),
  primary key (document_id, part, provider, job_id)
);
comment on table alfrd.provider_jobs is
  'Jobs that providers were paid for, such as a Textract job, until their document has been read.';
comment on column alfrd.provider_jobs.request is
  'Digest of the part''s content and of what was asked for: only who asks the same may adopt the job.';
comment on column alfrd.provider_jobs.pages is 'Page numbers in the part, in the order in which they were sent.';

-- A job costs what its pages would cost one by one.
insert into alfrd.prices (provider, model, operation, input, output, cache_read, cache_write, page, note)
select provider, model, 'StartDocumentAnalysis', input, output, cache_read, cache_write, page, note
  from alfrd.prices where provider = 'textract' and operation = 'AnalyzeDocument';
