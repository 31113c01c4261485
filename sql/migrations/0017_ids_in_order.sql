-- Ids in the order of time (UUID version 7, RFC 9562), where they were random: each of a document's rows went to another page of every
-- index, and the first write to a page after a checkpoint takes the whole page to the log.

do $$
begin
  if current_setting('server_version_num')::integer >= 180000 then
    create function alfrd.new_id() returns uuid language sql volatile return uuidv7();
  else
    -- Of a random one (version 4) the first 48 bits become the milliseconds since 1970, and the version 7.
    create function alfrd.new_id() returns uuid language sql volatile return encode(set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
              from 1 for 6), 52, 1), 53, 1), 'hex')::uuid;
  end if;
end $$;
comment on function alfrd.new_id() is 'A UUID of version 7: later ones are greater, by the millisecond.';

alter table alfrd.documents alter column id set default alfrd.new_id();
alter table alfrd.series alter column id set default alfrd.new_id();
alter table alfrd.files alter column id set default alfrd.new_id();
