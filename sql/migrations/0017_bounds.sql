-- Durations that hold centuries, and bounds on what the engine does arithmetic with: one row must not break the others.

-- 2^31 milliseconds are 24.8 days: a task that waited or ran for longer failed its document, and stopped every rescue.
alter table alfrd.events
  alter column waited_ms type bigint,
  alter column ran_ms type bigint;
alter type alfrd.finished
  alter attribute waited_ms type bigint,
  alter attribute ran_ms type bigint;
-- A provider says how many tokens it counted.
alter table alfrd.usage
  alter column milliseconds type bigint,
  alter column pages type bigint,
  alter column input_tokens type bigint,
  alter column output_tokens type bigint,
  alter column cache_read_tokens type bigint,
  alter column cache_write_tokens type bigint;

-- A lease of infinity in one worker's row made every insert fail: the triggers add it to a time.
update alfrd.workers set lease_seconds = 60 where not (lease_seconds > 0 and lease_seconds <= 604800);
alter table alfrd.workers add constraint workers_lease_is_a_week_at_most check (lease_seconds > 0 and lease_seconds <= 604800);
update alfrd.routes set delay = least(greatest(delay, '0'), '1 year'), max_attempts = least(max_attempts, 1000)
 where not (delay between '0' and '1 year' and max_attempts <= 1000);
update alfrd.limits set rate = least(greatest(rate, 0.000001), 1000000) where not rate between 0.000001 and 1000000;
update alfrd.limits set next_at = '-infinity' where not next_at < 'infinity';
update alfrd.prices
   set input = least(input, 999999999), output = least(output, 999999999), cache_read = least(cache_read, 999999999),
       cache_write = least(cache_write, 999999999), page = least(page, 999999999)
 where not (input < 1e9 and output < 1e9 and coalesce(cache_read, 0) < 1e9 and coalesce(cache_write, 0) < 1e9 and page < 1e9);
set constraints all immediate;   -- what these updates have put off, before functions and triggers are replaced
alter table alfrd.routes
  add constraint routes_delay_is_a_year_at_most check (delay >= '0' and delay <= interval '1 year'),
  add constraint routes_attempts_are_1000_at_most check (max_attempts <= 1000);
alter table alfrd.limits
  add constraint limits_rate_is_between check (rate between 0.000001 and 1000000),
  add constraint limits_next_is_a_time check (next_at < 'infinity');
alter table alfrd.prices
  add constraint prices_are_finite check (
    input < 1e9 and output < 1e9 and coalesce(cache_read, 0) < 1e9 and coalesce(cache_write, 0) < 1e9 and page < 1e9);
