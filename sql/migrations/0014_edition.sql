-- Workers keep the active prompts and the document types in memory, and ask for them again only when they have changed.

create table alfrd.edition (
  only_row boolean primary key default true check (only_row),
  number   bigint not null default 1
);
comment on table alfrd.edition is 'Counts the changes of alfrd.prompts and alfrd.document_types. Kept by triggers.';
insert into alfrd.edition default values;
