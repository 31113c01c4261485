-- What people put right, look at and teach.

alter table alfrd.documents add column undo_correction bigint;
comment on column alfrd.documents.undo_correction is
  'Write the change_id of corrections here to undo them; it always reads as null. alfrd.undo does that.';

-- A look at a document by a person, and what it found.
create table alfrd.reviews (
  id          bigint generated always as identity primary key,
  document_id uuid not null references alfrd.documents on delete cascade,
  reviewer    text not null,
  verdict     text not null check (verdict in ('accepted', 'corrected')),
  reviewed_at timestamptz not null default alfrd.now(),
  seconds     double precision,
  reason      text not null default '',
  confidence  real,
  change_id   bigint
);
create index reviews_document on alfrd.reviews (document_id, id);
comment on table alfrd.reviews is 'Who looked at a document, when, for how long, and whether it was accepted as it was or corrected.';
comment on column alfrd.reviews.seconds is 'From the claim to the verdict; null where it was not claimed.';
comment on column alfrd.reviews.reason is 'What the review was for: documents.review_reason before it. confidence: review_confidence.';
comment on column alfrd.reviews.change_id is 'Of a corrected one: the change in alfrd.corrections.';

alter table alfrd.documents
  add column reviewed_at          timestamptz,
  add column review_claimed_by    text not null default ''
    constraint documents_review_claimed_by_is_short check (octet_length(review_claimed_by) <= 2000),
  add column review_claimed_at    timestamptz,
  add column review_claimed_until timestamptz;
comment on column alfrd.documents.reviewed_at is
  'When a person last accepted or corrected it: it needs no review until it is read again. alfrd.accept sets it; null reopens the review.';
comment on column alfrd.documents.review_claimed_by is 'Who reviews it now, until review_claimed_until. alfrd.next_review sets it.';

-- What a correction taught about a sender.
create table alfrd.lessons (
  id              bigint generated always as identity primary key,
  owner           text not null,
  kind            text not null check (kind in ('type', 'company', 'label', 'place', 'date_order')),
  sender          text not null check (sender <> ''),
  marks           text[] not null default '{}',
  field           text not null,
  found           text not null,
  value           text not null,
  place           jsonb,
  document_id     uuid references alfrd.documents on delete cascade,
  change_id       bigint,
  contradicted_by text not null default '',
  active          boolean not null generated always as (contradicted_by = '') stored,
  taught_by       text not null default session_user,
  taught_at       timestamptz not null default alfrd.now(),
  constraint lessons_place_is_one check (
    case when kind <> 'place' then place is null
         else coalesce(jsonb_path_match(place,
           'strict $.page.type() == "number" && $.page >= 1 && $.page <= 1000000 && $.aspect.type() == "number"
              && $.aspect > 0.01 && $.aspect < 100 && $.box.type() == "array" && $.box.size() == 4
              && !exists ($.box[*] ? (@.type() != "number" || @ < -1 || @ > 2)) && $.anchors.type() == "array"
              && !exists ($.anchors[*] ? (@.type() != "array" || @.size() != 3 || @[0].type() != "string"
                || @[1].type() != "number" || @[2].type() != "number" || @[1] < -1 || @[1] > 2 || @[2] < -1 || @[2] > 2))',
           silent => true), false) end)
);
create index lessons_about on alfrd.lessons (owner, kind, lower(sender), field);
create index lessons_change on alfrd.lessons (document_id, change_id);
comment on table alfrd.lessons is
  'What corrections taught, for the documents of one owner. Delete a row to undo it. alfrd.teach writes it.';
comment on column alfrd.lessons.kind is
  'type: what this sender''s papers of type found are; company: whose paper it is where found was read; '
  'label: the words beside the value of a field; place: where it stands on the page; date_order: DMY or MDY.';
comment on column alfrd.lessons.place is
  'Of kind place: page, box (left, top, right, bottom as fractions of the page), aspect (height by width of the page), and anchors: '
  'texts that tell the layout, each with the middle of its line.';
comment on column alfrd.lessons.marks is
  'Numbers, internet addresses and the like that are printed on the sender''s paper, and on that of no other sender.';
comment on column alfrd.lessons.contradicted_by is
  'What it contradicts: another lesson, or a document that a person has accepted. It is not used then; empty: it is.';
