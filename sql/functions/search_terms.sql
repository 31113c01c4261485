-- From what people type to what is looked for.
--
-- alfrd.word_forms      what a word is in the index
-- alfrd.word_pattern    a word as it is written, whatever its ending, accents and notation
-- alfrd.words_like      words of pages that begin like a word, or that it was meant to be
-- alfrd.searched_word   what the index is asked for, and the pattern by which a text is compared
-- alfrd.search_plan_of  all of a search
--
-- A pattern serves where the index does not: for phrases, to rank and mark, on pages that are not indexed yet, and under row level
-- security, where PostgreSQL uses no index for words.
--
-- Called: by alfrd.search and alfrd.documents_with, under the rights of who searches.

-- forms: its stems in all languages of pages; is_common: one of these languages leaves it out.
create or replace function alfrd.word_forms(p_word text, out forms text[], out is_common boolean)
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  with stems as materialized (
    select tsvector_to_array(alfrd.lexemes(p_word, language)) as of_one
      from (select language from alfrd.search_languages union select 'simple') as known)
  select array(select distinct form from stems cross join lateral unnest(of_one) as form order by form),
         exists (select from stems where of_one = '{}');
$$;

-- In texts, letters may have accents or not, composed or not; 2150 may be 2,150.00. A word without its end may have any.
-- A number by itself ends where no digit and no cents follow; within a phrase, the next number may.
create or replace function alfrd.word_pattern(p_word text, p_is_whole boolean, p_is_alone boolean default true) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  v_pattern text;
  v_letters text;
begin
  if p_word ~ '^\d+(\.\d+)?$' then
    -- Of a beginning it is not known where its thousands part.
    v_pattern := case
      when p_is_whole then regexp_replace(split_part(p_word, '.', 1), '(?<=\d)(?=(?:\d{3})+$)', U&'[.,''\2019\2009\00A0\202F ]?', 'g')
      else regexp_replace(split_part(p_word, '.', 1), '(?<=\d)(?=\d)', U&'(?:[.,''\2019\2009\00A0\202F ](?=[0-9]{3}(?![0-9])))?', 'g') end;
    return '(?<![0-9])' || v_pattern
           || case when not p_is_whole and strpos(p_word, '.') > 0 then '[.,]' || split_part(p_word, '.', 2) || '[0-9]*'
                   when not p_is_whole then '[0-9]*(?:[.,][0-9]{2}(?![0-9]))?'
                   when strpos(p_word, '.') > 0 then '[.,]' || split_part(p_word, '.', 2) || '0?(?![0-9])'
                   else '(?:[.,]00?(?![0-9]))?(?!' || case when p_is_alone then '[.,]?' else '' end || '[0-9])' end;
  end if;
  v_pattern := regexp_replace(p_word, '([^[:alnum:]])', '\\\1', 'g');
  foreach v_letters in array array['ssß', 'aeæ', 'oeœ', 'fiﬁ', 'flﬂ', 'ffﬀ'] loop
    v_pattern := replace(v_pattern, left(v_letters, 2), '(?:' || left(v_letters, 2) || '|' || right(v_letters, 1) || ')');
  end loop;
  foreach v_letters in array array['aàáâãäåāăą', 'cçćč', 'eèéêëēėęě', 'gğ', 'iìíîïīıİ', 'lł', 'nñńň', 'oòóôõöøōő', 'sśšş', 'uùúûüūůű', 'yýÿ', 'zźżž'] loop
    v_pattern := replace(v_pattern, left(v_letters, 1), '[' || v_letters || U&'][\0300-\036F]?');
  end loop;
  return '(?<![[:alnum:]])' || v_pattern || case when p_is_whole then '(?![[:alnum:]])' else '[[:alnum:]\u0300-\u036F]*' end;
end $$;

-- What a word and its forms have in common: invoice and invoic, company and compani.
create or replace function alfrd.common_beginning(p_word text, p_forms text[]) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select left(p_word, coalesce(min(shared) filter (where shared >= greatest(3, length(p_word) / 2)), length(p_word)))
    from (select (select coalesce(max(n), 0) from generate_series(1, least(length(p_word), 100)) as n where left(form, n) = left(p_word, n)) as shared
            from unnest(p_forms) as form) as beginnings;
$$;

-- The errors between two words, if they are beside each other: the length of what is left without what both begin and end with.
create or replace function alfrd.edits(p_one text, p_other text) returns integer
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  v_begin   integer := 0;
  v_end     integer := 0;
  v_shorter integer := least(length(p_one), length(p_other));
begin
  while v_begin < v_shorter and substr(p_one, v_begin + 1, 1) = substr(p_other, v_begin + 1, 1) loop
    v_begin := v_begin + 1;
  end loop;
  while v_end < v_shorter - v_begin and left(right(p_one, v_end + 1), 1) = left(right(p_other, v_end + 1), 1) loop
    v_end := v_end + 1;
  end loop;
  p_one := substr(p_one, v_begin + 1, length(p_one) - v_begin - v_end);
  p_other := substr(p_other, v_begin + 1, length(p_other) - v_begin - v_end);
  return case when length(p_one) = 2 and p_one = reverse(p_other) then 1 else greatest(length(p_one), length(p_other)) end;
end $$;

-- The trigrams of the letters from one place to another; at the ends of the word with the blanks around it.
create or replace function alfrd.trigrams_within(p_word text, p_from integer, p_to integer) returns text[]
  language sql immutable parallel safe
  return array(select substr('  ' || p_word || ' ', n, 3)
                 from generate_series(case when p_from = 1 then 1 else p_from + 2 end,
                                      case when p_to = length(p_word) then p_to + 1 else p_to end) as n);

-- p_begins: all that begin like this one. Else, if no page has it, what it may have been meant to be: a letter too many, too few or wrong,
-- or two in the wrong order; in a long word two such errors beside each other. So one half of it is right, or its beginning and its end.
-- Rights: the owner's, since alfrd.words tells what all owners' pages say. So it is empty for applications under row level security.
create or replace function alfrd.words_like(p_word text, p_begins boolean) returns text[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_length integer := length(p_word);
begin
  if v_length not between 2 and 30 or p_word !~ '^[[:alpha:]]+$'
     or (select relrowsecurity from pg_class where oid = 'alfrd.documents'::regclass) and not alfrd.is_trusted() then
    return '{}';
  elsif p_begins then
    return array(select word from alfrd.words where word >= p_word and word < p_word || U&'\+10FFFF' order by word limit 50);
  elsif v_length < 4 or exists (select from alfrd.words where word = p_word) then
    return '{}';
  end if;
  return array(
    select word
      from (select word, alfrd.edits(word, p_word) as edits from alfrd.words
             where length(word) between v_length - 2 and v_length + 2
               and (alfrd.trigrams(word) @> alfrd.trigrams_within(p_word, 1, v_length / 2)
                    or alfrd.trigrams(word) @> alfrd.trigrams_within(p_word, v_length / 2 + 1, v_length)
                    or alfrd.trigrams(word) @> array['  ' || left(p_word, 1), ' ' || left(p_word, 2), right(p_word, 2) || ' '])) as near
     where edits <= case when v_length < 8 then 1 else 2 end
     order by edits, abs(length(word) - v_length), word limit 5);
end $$;

-- p_begins: it may be unfinished. p_mends: if no page has it, it stands for words that are like it; they are meant.
create or replace function alfrd.searched_word(
  p_word text, p_is_alone boolean, p_begins boolean, p_mends boolean,
  out query text, out pattern text, out exact text, out meant text, out is_common boolean
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_plain text := alfrd.without_marks(p_word);
  v_forms text[];
  v_like  text[] := case when p_begins or p_mends then alfrd.words_like(v_plain, not p_mends) else '{}' end;
begin
  select f.forms, f.is_common into v_forms, is_common from alfrd.word_forms(p_word) as f;
  meant := case when p_mends then nullif(array_to_string(v_like, ' or '), '') end;
  exact := alfrd.word_pattern(v_plain, true, p_is_alone);
  pattern := case
    when v_plain ~ '^\d' then alfrd.word_pattern(v_plain, not p_begins, p_is_alone)
    when p_mends and v_like <> '{}' then (
      select '(?:' || string_agg(alfrd.word_pattern(alfrd.common_beginning(word, (alfrd.word_forms(word)).forms), false), '|') || ')'
        from unnest(v_like) as word)
    else alfrd.word_pattern(alfrd.common_beginning(v_plain, v_forms), false) end;
  v_forms := v_forms || array(select form from unnest(v_like) as word cross join lateral unnest((alfrd.word_forms(word)).forms) as form);
  query := '(' || (select string_agg(distinct quote_literal(form), ' | ') from unnest(v_forms) as form)
               || case when p_begins and length(v_plain) >= 2 then ' | ' || quote_literal(v_plain) || ':*' else '' end
               -- Longer numbers, which begin so: alfrd.lexemes.
               || case when p_begins and v_plain ~ '^\d{2,4}$' then ' | ' || quote_literal('q' || v_plain) || ':*' else '' end
               || ')';
end $$;

-- A word or a phrase. A phrase's words are all looked for by the index, but those that a language leaves out; its pattern has them all.
-- is_compared: the index does not tell it from others: a phrase, or a number that is in the index by its beginning (alfrd.lexemes).
drop function if exists alfrd.searched_term(text, boolean, boolean);   -- returned other columns
create or replace function alfrd.searched_term(
  p_text text, p_begins boolean, p_mends boolean,
  out query text, out pattern text, out exact text, out meant text, out is_common boolean, out is_compared boolean
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with words as materialized (
    select found[1] as word, place, count(*) over () as number
      from regexp_matches(alfrd.plain(p_text), '[[:alnum:]\u0080-\U0010FFFF]+(?:\.\d+)?', 'g') with ordinality as one(found, place)
     limit 32),
  each as materialized (
    select words.word, words.place, words.number, s.*
      from words cross join lateral alfrd.searched_word(words.word, words.number = 1, p_begins and words.number = 1, p_mends) as s)
  select '(' || coalesce(string_agg(each.query, ' & ') filter (where not each.is_common), string_agg(each.query, ' & ')) || ')',
         string_agg(each.pattern, '[^[:alnum:]]+' order by place), string_agg(each.exact, '[^[:alnum:]]+' order by place),
         string_agg(each.meant, ' ' order by place), bool_and(each.is_common), max(each.number) > 1 or bool_or(each.word ~ '^\d{4}[\d.]+$')
    from each;
$$;

-- A search is words and "phrases"; -word and -"phrase" are not to be there; of a or b, one is. The last word may be unfinished.
-- Raises AL005 for one that is too long.
create or replace function alfrd.search_plan_of(p_query text, p_mends boolean default false) returns alfrd.search_plan
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_plan   alfrd.search_plan;
  v_group  record;
begin
  if length(p_query) > 1000 then
    raise exception 'alfrd.search: the search has % characters', length(p_query)
      using errcode = 'AL005', hint = '1000 at most: take fewer words';
  end if;
  p_query := regexp_replace(p_query, '(?<=\d) (?=\d{3}(?: \d{3})*[.,]\d\d(?!\d))', '', 'g');   -- 2 150,00
  v_plan.patterns := '{}'; v_plan.exact := '{}'; v_plan.phrases := '{}'; v_plan.not_there := '{}'; v_plan.not_queries := '{}';
  v_plan.meant := '';
  for v_group in
    with pieces as (
      select piece[1] = '-' as is_minus, piece[2] is null and lower(piece[3]) = 'or' as is_or, coalesce(piece[2], piece[3]) as text,
             piece[2] is null and place = max(place) over () and right(p_query, 1) <> ' ' as is_last, place
        from regexp_matches(p_query, '(-?)(?:"([^"]*)"?|(\S+))', 'g') with ordinality as one(piece, place)),
    grouped as (
      select *, count(*) filter (where not is_or and not is_after_or) over (order by place) as number
        from (select *, coalesce(lag(is_or) over (order by place), false) as is_after_or from pieces) as p),
    terms as materialized (
      select g.number, g.is_minus, g.place, t.*
        from grouped g cross join lateral alfrd.searched_term(g.text, g.is_last and not g.is_minus, p_mends and not g.is_minus) as t
       where not g.is_or and t.pattern is not null order by g.place limit 32)
    select is_minus, '(' || string_agg(t.query, ' | ') || ')' as query, '(?:' || string_agg(t.pattern, '|') || ')' as pattern,
           '(?:' || string_agg(t.exact, '|') || ')' as exact, string_agg(t.meant, ' ') as meant,
           bool_or(t.is_compared) as is_compared, bool_and(t.is_common) and exists (select from terms where not is_common and not is_minus) as is_common
      from terms t group by number, is_minus order by number, is_minus
  loop
    if v_group.is_minus then
      v_plan.not_there := v_plan.not_there || v_group.pattern;
      v_plan.not_queries := v_plan.not_queries || v_group.query;
    elsif not v_group.is_common then
      v_plan.query := concat_ws(' & ', v_plan.query, v_group.query);
      v_plan.patterns := v_plan.patterns || v_group.pattern;
      v_plan.exact := v_plan.exact || v_group.exact;
      v_plan.meant := concat_ws(' ', nullif(v_plan.meant, ''), v_group.meant);
      if v_group.is_compared then
        v_plan.phrases := v_plan.phrases || v_group.pattern;
      end if;
    end if;
  end loop;
  return v_plan;
end $$;
