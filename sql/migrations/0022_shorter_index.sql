-- A smaller index of words: what is searched by numbers, and what waits to be sorted in.
--
-- Amounts and the numbers of accounts differ from page to page, and each was a key of the index with one page: a third of it. A number
-- whose first four characters are digits, and which goes on after them, is in the index by these: 4471.93 as q4471q. Others share the key,
-- so a search for such a number compares the texts of what the index finds: alfrd.searched_term, in sql/functions/search_terms.sql.

-- Made anew in the background, by workers, as after every change of what it is made of. What waits to be sorted in is sorted in early:
-- its pages are part of an index for ever, and by default 4 MB of each.
-- squawk-ignore require-concurrent-index-deletion
drop index alfrd.pages_words;
update alfrd.pages set language = null where language is not null;
-- The new index gets the rows as they were before that, too, since a transaction may still see them. No search does: so no words are made of
-- them, which would take minutes for 100,000 pages, and nothing could read or write a page meanwhile.
create or replace function alfrd.lexemes(p_text text, p_language text) returns tsvector
  language plpgsql immutable parallel safe as $$ begin return ''::tsvector; end $$;
-- squawk-ignore require-concurrent-index-creation
create index pages_words on alfrd.pages using gin (alfrd.lexemes(text, language)) with (gin_pending_list_limit = 1024)
 where language is not null;

-- alfrd.lexemes is as before, but for these numbers.
create or replace function alfrd.lexemes(p_text text, p_language text) returns tsvector
language plpgsql immutable parallel safe cost 5000 set search_path = pg_catalog, pg_temp as $$
declare
  v_plain    text := regexp_replace(
    alfrd.plain(p_text),
    '(?<![[:alnum:].\u0080-\U0010FFFF])(\d{4})(?:\d+(?:\.\d+)?|\.\d+)(?![[:alnum:].\u0080-\U0010FFFF])', 'q\1q', 'g');
  v_accented text;
begin
  if octet_length(v_plain) = length(v_plain) then
    return strip(alfrd.stems(v_plain, p_language));
  end if;
  v_plain := left(v_plain, 100000);   -- both together take 1 MB at the most, of which a tsvector holds no more
  v_accented := array_to_string(array(
    select distinct word[1] from regexp_matches(v_plain, '[[:alnum:]]*[\u0080-\U0010FFFF][[:alnum:]\u0080-\U0010FFFF]*', 'g') as word), ' ');
  return strip(alfrd.stems(alfrd.without_marks(v_plain), p_language))
         || alfrd.without_marks(strip(alfrd.stems(v_accented, p_language))::text)::tsvector;
end $$;

alter index alfrd.document_words_words set (gin_pending_list_limit = 128);
alter index alfrd.words_trigrams set (gin_pending_list_limit = 128);
with gone as (delete from alfrd.document_words returning document_id)
insert into alfrd.renamed_documents (document_id) select document_id from gone;
