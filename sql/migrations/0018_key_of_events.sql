-- A publication for all tables lets no row be deleted that has no replica identity, and alfrd.events was the only table without
-- one: prune failed. The index that finds the events of a subject is unique anyway, so it becomes the key; no index is added.
create unique index events_key on alfrd.events (subject_id, id);
drop index alfrd.events_subject;
alter table alfrd.events add constraint events_subject primary key using index events_key;
