-- A person's correction has its series looked at without the delay that gathers bursts: sql/functions/series_watch.sql.

alter table alfrd.changed_series add column at_once boolean not null default false;
comment on column alfrd.changed_series.at_once is 'What a person has corrected has taken effect: the look need not wait for the end of a burst.';
