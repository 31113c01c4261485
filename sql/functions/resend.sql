-- alfrd.resend: give a document the content that it should have had: the file was taken before it was whole.
--
-- Called:  by the inbox, for a file that changed after it was taken, or that came again under its name.
-- Effect:  the new content instead of the old, the status pending, a new generation: work on the old one is refused.
-- Refused: where the old content would be lost, which it is not if the new one begins with it (zeros at its end are space
--          that was not written yet); what failed was of no use, and may be replaced where it lies.
-- Returns: resent, unchanged, known (another document has this content), other (refused), gone (no such document, or one
--          of several parts).
--
-- p_fingerprint  the key of the new content, such as 'sha256:…'
-- p_copy         it is another file of the same name: only what failed is replaced, and only by what begins with it

create or replace function alfrd.resend(
  p_id uuid, p_content bytea, p_fingerprint text, p_copy boolean default false
) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_document record;
  v_written  bytea;
begin
  perform alfrd.refuse_tenants('resend');
  if p_id is null or p_content is null or coalesce(p_fingerprint, '') = '' then
    raise exception 'a document''s new content comes with its id and its fingerprint' using errcode = 'AL005';
  end if;
  select status, content, fingerprint into v_document from alfrd.documents where id = p_id for update;
  if not found or v_document.content is null then
    return 'gone';
  elsif v_document.fingerprint = p_fingerprint then
    return 'unchanged';
  elsif exists (select from alfrd.documents where fingerprint = p_fingerprint) then
    return 'known';
  end if;
  v_written := rtrim(v_document.content, '\x00'::bytea);
  if v_document.status = 'cancelled'
     or p_copy and v_document.status <> 'failed'
     or (p_copy or v_document.status <> 'failed') and substr(p_content, 1, length(v_written)) <> v_written then
    return 'other';
  end if;
  update alfrd.documents set content = p_content, fingerprint = p_fingerprint, status = 'pending' where id = p_id;
  return 'resent';
end $$;
