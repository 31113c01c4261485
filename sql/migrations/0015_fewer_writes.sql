-- A task is inserted, claimed and deleted seven times for each document: whatever each of that writes, counts.

-- Which tasks a worker owns is seen in tasks_running, which holds no more than all workers have slots.
drop index alfrd.tasks_owner;

-- The check locks the row of the active prompt for each score, and concurrent exchanges then share its lock by way of a multixact.
-- A prompt is never deleted (alfrd.prompts refuses it).
alter table alfrd.scores drop constraint scores_prompt_id_fkey;

-- Led by what tells series apart. Both unique keys began with the owner, who is mostly the same for all, and without statistics
-- the planner read all series by the wrong one.
alter table alfrd.series drop constraint series_owner_entity_key_kind_frequency_key;
create unique index series_key on alfrd.series (entity_key, kind, frequency, owner);
