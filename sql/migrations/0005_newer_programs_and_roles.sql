-- A worker learns that a newer program has migrated the database, and stops claiming.

alter table alfrd.workers add column superseded_by text not null default '';
comment on column alfrd.workers.superseded_by is
  'The release that has migrated the database past this worker''s: it hands in what it has, and claims nothing more.';

-- Triggers write these as the owner, so the default would name the owner.
alter table alfrd.corrections alter column corrected_by drop default;
alter table alfrd.pauses alter column paused_by drop default;
