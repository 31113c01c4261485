-- Putting what was read into the index, a moment after it was written.
--
-- alfrd.index_pages         the next pages and documents; called by workers
-- alfrd.document_renamed    what a person changes of a document's name, company, summary, type or tags
-- alfrd.prune_words         forgets words that no page has any more; called by alfrd.prune
--
-- Locks: pages that nobody else has locked, and renamed documents in the same way; then words in their order. Nothing that an exchange holds is
--        waited for, and an exchange waits for a batch at the most, where it writes a page again.

create or replace function alfrd.document_renamed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into alfrd.renamed_documents (document_id) values (new.id);
  return null;
end $$;
create or replace trigger documents_renamed after update of filename, entity, summary, document_type, tags on alfrd.documents
  for each row when ((old.filename, old.entity, old.summary, old.document_type, old.tags)
                     is distinct from (new.filename, new.entity, new.summary, new.document_type, new.tags)
                     and not alfrd.acts_as_engine())
  execute function alfrd.document_renamed();

-- Returns how many pages and documents were done: fewer than p_most if there are no more, but for those that others have locked.
create or replace function alfrd.index_pages(p_most integer default 100) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  v_most  integer := greatest(coalesce(p_most, 0), 0);
  v_pages integer;
  v_names integer := 0;
begin
  with waiting as materialized (
    select p.document_id, p.number, p.text from alfrd.pages p where p.language is null
     limit v_most for no key update skip locked),
  read as materialized (
    select document_id, number, to_tsvector('pg_catalog.simple', alfrd.without_marks(alfrd.plain(text))) as words from waiting),
  known as materialized (
    select document_id, number, words, alfrd.language_of(words) as language from read),
  written as (
    update alfrd.pages p set language = known.language
      from known where p.document_id = known.document_id and p.number = known.number
    returning p.language),
  languages as (
    insert into alfrd.search_languages select distinct language from written
     where language not in (select language from alfrd.search_languages) order by language
        on conflict do nothing),
  said as (
    insert into alfrd.words (word)
    select distinct word collate "C"
      from known cross join lateral unnest(tsvector_to_array(words)) as word
     where length(word) between 4 and 24 and word ~ '^[[:alpha:]]+$'
       and (select reltuples from pg_class where oid = 'alfrd.words'::regclass) < 1000000
     order by 1
        on conflict do nothing)
  select count(*) into v_pages from written;

  perform from alfrd.index_turn for update skip locked;
  if found then
    with waiting as (
      delete from alfrd.renamed_documents
       where id = any (array(select id from alfrd.renamed_documents order by id limit v_most for update skip locked))
      returning document_id),
    written as (
      insert into alfrd.document_words as w (document_id, words)
      select d.id, strip(alfrd.lexemes(alfrd.called(d), coalesce(
               (select p.language from alfrd.pages p where p.document_id = d.id order by p.number limit 1), 'simple')))
        from alfrd.documents d
       where d.id in (select document_id from waiting) order by d.id for key share of d
          on conflict (document_id) do update set words = excluded.words)
    select count(*) into v_names from waiting;
  end if;
  return greatest(v_pages, v_names);
end $$;

-- A word of a document that was deleted is not kept for longer than it has to be. Each is looked for by the index.
create or replace function alfrd.prune_words() returns void
language sql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
  delete from alfrd.words w
   where not exists (
     select from alfrd.pages p
      where p.language is not null
        and alfrd.lexemes(p.text, p.language) @@ (select string_agg(quote_literal(form), ' | ')::tsquery
                                                    from unnest((alfrd.word_forms(w.word)).forms) as form));
$$;
