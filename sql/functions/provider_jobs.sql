-- Jobs that a provider was paid for: saved under the lease, so that the next owner of the task adopts them.

-- alfrd.save_job: remember a job of a running task.
--
-- Called:  by the worker that has started it, before it waits for it.
-- Locks:   the task's row, shared with its exchange; then the document's.
-- Returns: false if the claim is stale: the job is found again by its token, and this worker does not wait for it.
create or replace function alfrd.save_job(
  p_worker bigint, p_task bigint, p_attempt integer, p_part integer, p_provider text, p_request text,
  p_pages integer[], p_job_id text
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_document uuid := alfrd.document_of_claim(p_worker, p_task, p_attempt);
begin
  if v_document is null then
    return false;
  end if;
  insert into alfrd.provider_jobs (document_id, part, provider, request, pages, job_id)
  values (v_document, p_part, p_provider, p_request, p_pages, p_job_id)
      on conflict (document_id, part, provider, job_id) do nothing;
  return true;
end $$;

-- alfrd.drop_job: forget a job that failed, or whose results are gone.
create or replace function alfrd.drop_job(
  p_worker bigint, p_task bigint, p_attempt integer, p_part integer, p_provider text, p_job_id text
) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_document uuid := alfrd.document_of_claim(p_worker, p_task, p_attempt);
begin
  delete from alfrd.provider_jobs
   where document_id = v_document and part = p_part and provider = p_provider and job_id = p_job_id;
  return v_document is not null;
end $$;

-- The document that a worker's claim is for; null if the claim is stale.
create or replace function alfrd.document_of_claim(p_worker bigint, p_task bigint, p_attempt integer) returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_document uuid;
begin
  select t.subject_id into v_document
    from alfrd.tasks t join alfrd.documents d on d.id = t.subject_id and d.generation = t.generation
   where t.id = p_task and t.attempt = p_attempt and t.worker_id = p_worker and t.state = 'running'
     for update of t for no key update of d;
  return v_document;
end $$;
