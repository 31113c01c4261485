-- alfrd.submit: insert a document with its parts, unless it is here already.
--
-- Called:  by the command line and the inbox; open to any application that wants a document to be one document
--          however often it is sent.
-- Effect:  one transaction for the document, its parts and its first task: no worker sees half of them. Tags that a
--          known document lacks are added to it, as a person's.
-- Returns: its id, whether it is new, its status and error, and whether its content is what was sent; false means
--          that p_id is taken by another document, and nothing was written.
-- Errors:  AL007 where another unique index refuses it, one of the user's own, or where row level security hides the document that has
--          this id or fingerprint.
--
-- p_id           null for a new one
-- p_content      the bytes; null when they are in parts
-- p_fingerprint  the key of its content, such as 'sha256:…'
-- p_uri          where the bytes are, if they are not sent

create or replace function alfrd.submit(
  p_id uuid, p_filename text, p_content bytea, p_fingerprint text, p_tags text[] default '{}',
  p_metadata jsonb default '{}', p_part_filenames text[] default '{}', p_part_contents bytea[] default '{}',
  p_uri text default ''
) returns table (id uuid, is_new boolean, same_content boolean, status text, error text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_known record;
  v_id    uuid;
  v_index text;
begin
  p_filename := coalesce(p_filename, '');
  p_fingerprint := coalesce(p_fingerprint, '');
  p_uri := coalesce(p_uri, '');
  p_tags := coalesce(p_tags, '{}');
  p_metadata := coalesce(p_metadata, '{}');
  if coalesce(cardinality(p_part_filenames), 0) <> coalesce(cardinality(p_part_contents), 0)
     or exists (select from unnest(p_part_filenames, p_part_contents) as part(filename, content)
                 where filename is null or content is null) then
    raise exception 'document %: each of its parts needs a name and its content', coalesce(nullif(p_filename, ''), p_id::text)
      using errcode = 'AL005', hint = 'send as many names as contents, and none that is null';
  end if;
  -- Twice: one that was deleted between the two looks is ours to insert after all.
  for v_try in 1 .. 2 loop
    insert into alfrd.documents (id, filename, content, uri, fingerprint, tags, metadata)
    values (coalesce(p_id, gen_random_uuid()), p_filename, p_content, p_uri, p_fingerprint, p_tags, p_metadata)
        on conflict do nothing
    returning documents.id into v_id;
    if found then
      insert into alfrd.document_parts (document_id, number, filename, content)
      select v_id, part.number, part.filename, part.content
        from unnest(p_part_filenames, p_part_contents) with ordinality as part(filename, content, number);
      return query select v_id, true, true, 'pending', '';
      return;
    end if;
    select d.id, p_fingerprint <> '' and d.fingerprint = p_fingerprint as same, d.status, d.error into v_known
      from alfrd.documents d where p_fingerprint <> '' and d.fingerprint = p_fingerprint or d.id = p_id
     order by d.fingerprint = p_fingerprint desc limit 1;
    if found then
      if v_known.same then
        update alfrd.documents set tags = tags || p_tags
         where id = v_known.id and not tags @> alfrd.normal_tags(p_tags);
      end if;
      return query select v_known.id, false, v_known.same, v_known.status, v_known.error;
      return;
    end if;
  end loop;
  -- Something refuses it that cannot be seen here. Without "on conflict" the server says what.
  begin
    insert into alfrd.documents (id, filename, content, uri, fingerprint, tags, metadata)
    values (coalesce(p_id, gen_random_uuid()), p_filename, p_content, p_uri, p_fingerprint, p_tags, p_metadata);
    raise exception 'document %: another transaction kept it from being inserted', coalesce(nullif(p_filename, ''), p_id::text)
      using errcode = '40001';
  exception when unique_violation then
    get stacked diagnostics v_index = constraint_name;
    raise exception 'document %: refused by the unique index %', coalesce(nullif(p_filename, ''), p_id::text), v_index
      using errcode = 'AL007', hint = case
        when v_index in ('documents_pkey', 'documents_fingerprint')
          then 'a document that row level security hides from ' || alfrd.person() || ' has the same ' ||
               case v_index when 'documents_pkey' then 'id' else 'fingerprint' end
        else 'that index is not one of ours: drop it, or send what it allows' end;
  end;
end $$;
