-- Which documents a person should look at, and why.

alter table alfrd.documents
  add column needs_review      boolean not null default false,
  add column review_reason     text not null default ''
    constraint documents_review_reason_is_short check (octet_length(review_reason) <= 10000),
  add column review_confidence real check (review_confidence between 0 and 1);

comment on column alfrd.documents.needs_review is
  'A person should look at it: one of its main values is missing, contradicted or not sure enough.';
comment on column alfrd.documents.review_reason is 'Which value to look at, and why, in a sentence; empty where none.';
comment on column alfrd.documents.review_confidence is
  'How sure the least sure value of those is, 0 to 1; 0 where one is missing. The lowest is the first to look at.';

-- Few documents are in it, and one that never needed review is never written to it.
create index documents_needs_review on alfrd.documents (review_confidence) where needs_review;
