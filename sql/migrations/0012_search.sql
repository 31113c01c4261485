-- Words as people search for them. What an index is made of is defined here, with the index: to change it, make the index anew.
--
-- alfrd.plain          a text in one spelling: lower case, composed accents, numbers in one notation, no punctuation
-- alfrd.without_marks  letters without accents
-- alfrd.stems          words of a language in their base form
-- alfrd.lexemes        what of a page is in the index
-- alfrd.language_of    the language of a text, by its commonest words
--
-- A page is written without its language, and so without its words: that costs no time in the exchange. alfrd.index_pages, called by
-- workers a moment later, sets the language; from then on the page is in the index. What is not yet is in pages_unindexed: whoever wrote
-- the page, and whatever stopped in between, nothing is missed.

-- 2150, 2,150.00, 2.150,00 and 2'150.00 are 2150; 12.05.2024 and 12-05-2024 are three words.
create function alfrd.plain(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  v_text text := left(p_text, 200000);
begin
  if octet_length(v_text) > length(v_text) then
    -- Blanks that do not break stand in numbers, soft hyphens in words.
    v_text := regexp_replace(v_text, U&'[\00A0\202F\2009\2019]', '''', 'g');
    v_text := regexp_replace(v_text, U&'[\00AD\200B]', '', 'g');
    v_text := regexp_replace(v_text, U&'[\2010-\2018\201A-\2027\00A1-\00A9\00AB\00AC\00AE-\00B1\00B6-\00B8\00BB\00BF\20A0-\20CF\27E6\27E7\3000-\3002]', ' ', 'g');
    if v_text is not nfkc normalized then
      v_text := left(normalize(v_text, NFKC), 200000);
    end if;
  end if;
  v_text := lower(v_text);
  if strpos(v_text, E'-\n') > 0 then
    v_text := regexp_replace(v_text, '([[:alpha:]])-\n([[:alpha:]])', '\1\2', 'g');
  end if;
  if v_text ~ '\d[.,'' ]\d' then
    if v_text ~ '\d \d{3}[.,]\d\d(?!\d)' then   -- 2 150,00 may be two numbers, or one
      v_text := v_text || (select coalesce(string_agg(' ' || translate(amount[1], ' ', ''), ''), '')
                             from regexp_matches(v_text, '(?<![\d.,])(\d{1,3}(?: \d{3})+[.,]\d\d)(?!\d)', 'g') as amount);
    end if;
    v_text := regexp_replace(v_text, '(\d)\.(\d{1,2})\.(?=\d)', '\1 \2 ', 'g');
    v_text := regexp_replace(v_text, '(?<=\d)[.,''](?=\d{3}(?!\d))', '', 'g');
    v_text := regexp_replace(v_text, '(?<=\d),(?=\d{1,2}(?!\d))', '.', 'g');
    v_text := regexp_replace(v_text, '(?<=\d)\.00?(?!\d)', '', 'g');
    v_text := regexp_replace(v_text, '(?<=\d)(\.\d)0(?!\d)', '\1', 'g');
  end if;
  return regexp_replace(v_text, '[.,](?!\d)|(?<!\d)[.,]|[-+/_@:<>&~%?=#*|\\"]', ' ', 'g');
end $$;

create function alfrd.without_marks(p_text text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  if octet_length(p_text) = length(p_text) then
    return p_text;
  end if;
  p_text := normalize(regexp_replace(normalize(p_text, NFD), '[\u0300-\u036F]', '', 'g'), NFC);
  if p_text ~ '[ßæœøđłıðþ]' then
    p_text := translate(replace(replace(replace(p_text, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'øđłıðþ', 'odlidt');
  end if;
  return p_text;
end $$;

create function alfrd.stems(p_text text, p_language text) returns tsvector
  language sql immutable parallel safe
  return case p_language
    when 'english' then to_tsvector('pg_catalog.english', p_text)
    when 'german' then to_tsvector('pg_catalog.german', p_text)
    when 'french' then to_tsvector('pg_catalog.french', p_text)
    when 'spanish' then to_tsvector('pg_catalog.spanish', p_text)
    when 'italian' then to_tsvector('pg_catalog.italian', p_text)
    when 'portuguese' then to_tsvector('pg_catalog.portuguese', p_text)
    when 'dutch' then to_tsvector('pg_catalog.dutch', p_text)
    when 'danish' then to_tsvector('pg_catalog.danish', p_text)
    when 'swedish' then to_tsvector('pg_catalog.swedish', p_text)
    when 'norwegian' then to_tsvector('pg_catalog.norwegian', p_text)
    when 'finnish' then to_tsvector('pg_catalog.finnish', p_text)
    else to_tsvector('pg_catalog.simple', p_text) end;

-- A word with accents is there as two: its stem without them, and the stem of the word without them. So it is found either way.
create function alfrd.lexemes(p_text text, p_language text) returns tsvector
language plpgsql immutable parallel safe cost 5000 set search_path = pg_catalog, pg_temp as $$
declare
  v_plain    text := alfrd.plain(p_text);
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

-- Words that most texts of a language have, and those of other languages have not.
create table alfrd.language_words (
  word     text not null,
  language text not null,
  votes    real not null,
  primary key (word, language)
);
comment on table alfrd.language_words is 'By these words the language of a page is found; without accents.';
comment on column alfrd.language_words.votes is 'A vote is divided among the languages that have the word.';
insert into alfrd.language_words (word, language, votes)
select word, language, 1.0 / count(*) over (partition by word)
  from (values
    ('english', 'the of and to for is your you this that with from are by on have be not was or if at we our please will as it'
             || ' amount invoice bill date due payment thank account number statement'),
    ('german', 'der die das und ist sie mit von fur auf den dem des ein eine einen nicht im zu zum zur bei wir ihr ihre ihren wird'
             || ' werden wurde sind oder als auch nach bis uber rechnung betrag datum kunde kundennummer zahlung mwst konto vielen dank'),
    ('french', 'le la les des et est vous votre vos nous pour dans une un du au aux par sur avec ce cette sont de que qui ne pas'
             || ' facture montant date client numero paiement compte tva merci etre'),
    ('spanish', 'el la los las de del y es en que por para con una un su se al lo como son sus ha este esta no'
             || ' factura importe fecha cliente numero pago cuenta iva gracias'),
    ('italian', 'il lo la gli le di del della dei delle e in che per con una un si al alla sono suo non da dal come questo questa'
             || ' fattura importo data cliente numero pagamento conto iva grazie totale'),
    ('portuguese', 'o a os as de do da dos das e em que por para com uma um se ao no na nos nas seu sua sao nao como este esta'
             || ' fatura valor data cliente numero pagamento conta iva obrigado'),
    ('dutch', 'de het een en van in is op te dat die voor met zijn aan niet om bij ook uw wij u naar wordt worden deze dit of'
             || ' factuur bedrag datum klant klantnummer betaling rekening btw bedankt'),
    ('danish', 'og i at er en den til det de for ikke med som har af pa der din dit vi du kan fra et'
             || ' faktura belob dato kunde betaling konto moms tak'),
    ('swedish', 'och i att det som en pa ar av for med till den har de inte om ett ni vi din ditt kan fran ska'
             || ' faktura belopp datum kund betalning konto moms tack'),
    ('norwegian', 'og i at er en den til det som pa de med for ikke av et har om vi din ditt kan fra skal eller'
             || ' faktura belop dato kunde betaling konto mva takk'),
    ('finnish', 'ja on ei se etta oli kun tai mutta ovat joka myos voi ole sen han teidan meidan'
             || ' lasku summa paivamaara asiakas maksu tili alv kiitos')) as lists(language, words)
 cross join lateral (select distinct word from string_to_table(words, ' ') as word) as one;

create function alfrd.language_of(p_words tsvector) returns text
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  with counted as (
    select w.language, sum(least(cardinality(l.positions), 8) * w.votes) as votes
      from unnest(p_words) as l(lexeme, positions) join alfrd.language_words w on w.word = l.lexeme
     group by w.language order by votes desc limit 2)
  select coalesce((select language from counted where votes >= 1 and votes >= 1.3 * coalesce((select min(votes) from counted having count(*) > 1), 0)
                    order by votes desc limit 1), 'simple');
$$;

-- Its index goes with it. Only functions and this program have read it.
-- squawk-ignore ban-drop-column
alter table alfrd.pages drop column search;
alter table alfrd.pages add column language text;
comment on column alfrd.pages.language is
  'The language by whose rules its words are in the index; null: it is not in the index yet. Written by alfrd.index_pages.';
create index pages_words on alfrd.pages using gin (alfrd.lexemes(text, language)) where language is not null;
create index pages_unindexed on alfrd.pages (document_id, number) where language is null;

create table alfrd.document_words (
  document_id uuid primary key references alfrd.documents on delete cascade,
  words       tsvector not null
);
create index document_words_words on alfrd.document_words using gin (words);
comment on table alfrd.document_words is
  'What a document''s name, company, summary, type and tags are found by. Written by alfrd.index_pages.';

-- In the exchange a row is added; a key at the end of its index costs little.
create table alfrd.renamed_documents (
  id          bigint generated always as identity primary key,
  document_id uuid not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table alfrd.renamed_documents is 'Documents whose row in alfrd.document_words is to be written anew. Kept by triggers.';
insert into alfrd.renamed_documents (document_id) select id from alfrd.documents;

create table alfrd.index_turn (
  only_row boolean primary key default true check (only_row)
);
comment on table alfrd.index_turn is 'Who locks this row writes alfrd.document_words: one at a time, so that what is older is not written last.';
insert into alfrd.index_turn default values;

create table alfrd.search_languages (
  language text primary key
);
comment on table alfrd.search_languages is 'The languages of the pages in the index: a search looks for the forms of a word in each.';

create function alfrd.trigrams(p_word text) returns text[]
  language sql immutable parallel safe
  return array(select distinct substr('  ' || p_word || ' ', n, 3) from generate_series(1, length(p_word) + 1) as n);

create table alfrd.words (
  word text collate "C" primary key
);
create index words_trigrams on alfrd.words using gin (alfrd.trigrams(word));
comment on table alfrd.words is
  'The words of all pages, against which one that no page has is compared. It says what pages of all owners say: no role reads it.';

-- A search, taken apart: see sql/functions/search_terms.sql.
create type alfrd.search_plan as (
  query     text,     -- what the index is asked for; null: nothing that could be looked for
  patterns  text[],   -- each has to be in a text
  exact     text[],   -- the same as they were typed
  phrases   text[],   -- those of them that the index cannot tell
  not_there text[],   -- no page of the document may have one of these
  not_queries text[], -- the same for the index
  meant     text      -- words that were looked for instead of some that no page has
);

create type alfrd.search_filter as (
  document_type text,
  entity        text,
  date_from     date,
  date_to       date,
  least         numeric,
  most          numeric,
  tag           text,
  series        text,
  owner         text,
  documents     uuid[]
);
