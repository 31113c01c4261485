-- Documents that need a person's look, one after the other, and what became of each.
--
-- alfrd.next_review      claims the worst document that needs review, for some minutes: two people never get the same
-- alfrd.accept           says that a document is right as it is, and ends its review
-- alfrd.reopen_review    takes the acceptance back
-- alfrd.release_review   gives a claimed document back
--
-- A correction ends the review of its document as well. These are UPDATEs of alfrd.documents with the rights of who calls: column
-- rights and policies hold. The trigger documents_a_correct writes alfrd.reviews (see corrections.sql).

-- p_reviewer  who looks: a login, a name of the application's own
-- p_minutes   after so many minutes without a verdict, others may get it
-- p_skip      documents that the reviewer does not want now
-- Returns:    the document with why it needs review and how many others do; nothing where none is left
create or replace function alfrd.next_review(p_reviewer text, p_minutes double precision default 10, p_skip uuid[] default '{}')
returns table (document_id uuid, filename text, reason text, confidence real, others bigint)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_now timestamptz := alfrd.now();
  v_id  uuid;
begin
  if nullif(btrim(p_reviewer), '') is null or p_minutes is null or not p_minutes between 0.01 and 1440 then
    raise exception 'alfrd.next_review takes a reviewer and between 0.01 and 1440 minutes' using errcode = 'AL005';
  end if;
  select id into v_id from alfrd.documents
   where needs_review and (review_claimed_until is null or review_claimed_until <= v_now) and id <> all (coalesce(p_skip, '{}'))
   order by review_confidence nulls first, created_at, id
   limit 1 for no key update skip locked;
  return query
    update alfrd.documents d
       set review_claimed_by = p_reviewer, review_claimed_at = v_now, review_claimed_until = v_now + make_interval(secs => 60 * p_minutes)
     where d.id = v_id
    returning d.id, d.filename, d.review_reason, d.review_confidence,
              (select count(*) from alfrd.documents other where other.needs_review and other.id <> d.id);
end $$;

create or replace function alfrd.accept(p_document uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.documents set reviewed_at = greatest(alfrd.now(), reviewed_at + interval '1 microsecond') where id = p_document;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
end $$;

create or replace function alfrd.reopen_review(p_document uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.documents set reviewed_at = null where id = p_document;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
end $$;

create or replace function alfrd.release_review(p_document uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update alfrd.documents set review_claimed_by = '', review_claimed_at = null, review_claimed_until = null where id = p_document;
  if not found then
    raise exception 'no document %', p_document using errcode = 'AL004';
  end if;
end $$;

-- What a verdict leaves of a review, and the row of alfrd.reviews for it.
--
-- p_what  accepted or corrected: the review has ended; reopened or undone: as it was before the verdict
-- p_by    who had claimed it since p_since; empty: it was not claimed, so the login is the reviewer
-- Called: by the trigger documents_a_correct.
create or replace function alfrd.note_review(
  p_document uuid, p_what text, p_change bigint, p_by text, p_since timestamptz, p_reason text, p_confidence real,
  out is_needed boolean, out why text, out sureness real, out at timestamptz
) returns record
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_what in ('accepted', 'corrected') then
    is_needed := false;
    why := '';
    at := alfrd.now();
    insert into alfrd.reviews (document_id, reviewer, verdict, reviewed_at, seconds, reason, confidence, change_id)
    values (p_document, coalesce(nullif(p_by, ''), alfrd.person()), p_what, at,
            case when p_by <> '' then extract(epoch from at - p_since) end, p_reason, p_confidence, p_change);
  elsif p_what in ('undone', 'reopened') then
    delete from alfrd.reviews
     where id = (select id from alfrd.reviews
                  where document_id = p_document
                    and case p_what when 'undone' then change_id = p_change else change_id is null end
                  order by id desc limit 1)
    returning reason, confidence into why, sureness;
    at := case p_what when 'undone' then (select max(reviewed_at) from alfrd.reviews where document_id = p_document) end;
    is_needed := at is null and coalesce(why, p_reason) <> '';
    why := case when is_needed then coalesce(why, p_reason) else '' end;
    sureness := case when is_needed then coalesce(sureness, p_confidence) end;
  end if;
end $$;
