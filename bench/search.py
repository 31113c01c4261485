"""How long a search takes, and how large its index is: ``python -m bench.search [PAGES] [SEARCHES]``.

Pages of about 2,000 characters are made from a vocabulary in which, as in a language, few words are common and many are
rare, with lines, dates and amounts; four of five are English, the others German with accents. They are written straight
into the tables of a server of its own, and the index is made of all of them at once, as by ``REINDEX``. Then
``alfrd.search`` is called, each time with other words; a pair of words is taken from one page. At last more pages are
indexed as workers do. Milliseconds are those of the clock; processor time, the mean of a search, is that of the
server's process, which other work on the machine changes little. ``docs/search.md`` has a copy of the table.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import psycopg

from alfrd_events.db.migrate import migrate
from bench.console import _CONFIGURATION
from bench.measure import percentile
from testing.server import Server

WORDS = 40_000
COMPANIES = 2_000
_SYLLABLES = [a + b for a in "bcdfglmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "in", "or")]
_ENGLISH = "the of and to for is your this that with from are by on have not we our please payment"
_GERMAN = "der die das und ist sie für auf den dem ein eine nicht im zur bei wir ihre werden über"
_DOCUMENTS = """
insert into alfrd.documents (
  filename, content, status, entity, document_type, document_date, total_amount, currency, summary, created_at)
select n || '.pdf', 'x', 'completed', (%(companies)s::text[])[n %% %(number)s + 1], 'utility_bill',
       current_date - (n %% 2000)::integer, n %% 1000, 'USD', 'A bill.', now() - n * interval '1 minute'
  from generate_series(1, %(pages)s) as n
"""
_SIZES = """
select (select sum(octet_length(text)) from alfrd.pages),
       pg_relation_size('alfrd.pages_words') + pg_relation_size('alfrd.pages_unindexed'),
       pg_total_relation_size('alfrd.document_words') + pg_total_relation_size('alfrd.renamed_documents'),
       pg_total_relation_size('alfrd.words')
"""


class Corpus:
    """Pages that are the same at each run."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.words = [self._word() for _ in range(WORDS)]
        self._german = [word.replace("o", "ö", 1) for word in self.words]
        self._cumulated = list(accumulate(1 / (rank + 20) for rank in range(WORDS)))
        self.companies = [f"{self.company()} Ltd" for _ in range(COMPANIES)]

    def company(self) -> str:
        """Two words, without a legal form."""
        return f"{self._word().title()} {self._word().title()}"

    def _word(self) -> str:
        return "".join(self.random.choices(_SYLLABLES, k=self.random.choice((2, 2, 3, 3, 4))))

    def drawn(self, number: int, *, is_german: bool) -> list[str]:
        """Words, the common ones more often."""
        words = self._german if is_german else self.words
        return self.random.choices(words, cum_weights=self._cumulated, k=number)

    def page(self) -> tuple[str, str]:
        """About 2,000 characters in lines, and their language."""
        is_german = self.random.random() < 0.2
        common = (_GERMAN if is_german else _ENGLISH).split()
        lines = [self.random.choice(self.companies), f"Account {self.random.randrange(10**9):09d}"]
        for _ in range(26):
            line = self.drawn(6, is_german=is_german) + self.random.choices(common, k=3)
            self.random.shuffle(line)
            lines.append(" ".join(line))
        for _ in range(6):
            amount = self.random.randrange(100, 1_000_000)
            whole, cents = f"{amount // 100:,}", f"{amount % 100:02d}"
            said = f"{whole.replace(',', '.')},{cents} €" if is_german else f"${whole}.{cents}"
            lines.append(f"{self.drawn(1, is_german=is_german)[0]} {said}")
        return "\n".join(lines), "german" if is_german else "english"


def _fill(connection: psycopg.Connection, corpus: Corpus, pages: int) -> list[str]:
    """Write documents of one page each, and make the index of all of them at once; the texts."""
    texts = []
    connection.execute("set session_replication_role = replica")
    connection.execute(
        _DOCUMENTS, {"companies": corpus.companies, "number": len(corpus.companies), "pages": pages}
    )
    (definition,) = connection.execute(
        "select pg_get_indexdef('alfrd.pages_words'::regclass)"
    ).fetchone() or ("",)
    connection.execute("drop index alfrd.pages_words")
    ids = [row[0] for row in connection.execute("select id from alfrd.documents order by created_at desc")]
    columns = "document_id, number, text, source, language, read_at"
    now = datetime.now(UTC)
    with connection.cursor().copy(f"copy alfrd.pages ({columns}) from stdin") as copy:  # type: ignore[arg-type]
        for number, id in enumerate(ids):
            text, language = corpus.page()
            texts.append(text)
            copy.write_row((id, 1, text, "ocr", language, now - timedelta(minutes=number)))
    connection.execute(definition)  # type: ignore[arg-type]
    connection.execute(
        "insert into alfrd.words select * from unnest(%s::text[]) on conflict do nothing", [corpus.words]
    )
    connection.execute("insert into alfrd.search_languages values ('english'), ('german')")
    connection.execute(
        "insert into alfrd.document_words"
        " select d.id, strip(alfrd.lexemes(alfrd.called(d), 'english')) from alfrd.documents d"
    )
    connection.execute("set session_replication_role = origin")
    connection.execute("vacuum analyze")
    return texts


def _index(connection: psycopg.Connection, corpus: Corpus, pages: int) -> tuple[float, float]:
    """Index so many pages as workers do; pages a second, and milliseconds of processor time for a page."""
    with connection.transaction():
        for _ in range(pages):
            connection.execute(
                "with made as (insert into alfrd.documents (filename, content, status) values ('n', 'x', 'completed')"
                " returning id) insert into alfrd.pages (document_id, number, text) select id, 1, %s from made",
                [corpus.page()[0]],
            )
    began, before = time.perf_counter(), _processor_seconds(connection)
    while connection.execute("select alfrd.index_pages(25)").fetchone() != (0,):
        pass
    processor = _processor_seconds(connection) - before
    return pages / (time.perf_counter() - began), 1000 * processor / pages


def _processor_seconds(connection: psycopg.Connection) -> float:
    """Of the server's process that serves this connection."""
    fields = Path(f"/proc/{connection.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _sizes(connection: psycopg.Connection) -> tuple[int, ...]:
    """Bytes of the text, and of what is kept to find it: words of pages, of names, and to mend typing errors by."""
    row = connection.execute(_SIZES).fetchone()
    assert row is not None
    return tuple(map(int, row))


def _mistyped(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word) - 1)
    return chance.choice(
        (
            word[:place] + word[place + 1 :],
            word[:place] + "x" + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        )
    )


def _searches(corpus: Corpus, texts: Sequence[str]) -> dict[str, Callable[[], str]]:
    chance = random.Random(2)

    def line() -> list[str]:
        lines = chance.choice(texts).split("\n")[2:-6]
        return [word for word in chance.choice(lines).split() if len(word) > 5]

    def pair() -> list[str]:
        while len(found := line()) < 2:
            pass
        return found[:2]

    def mistyped() -> str:
        while True:
            one, other = pair()
            if _mistyped(one, chance) not in corpus.words:
                return f"{_mistyped(one, chance)} {other}"

    def amount() -> str:
        return chance.choice(texts).rsplit("\n", 1)[1].split()[1].strip("$")

    def phrase() -> str:
        found = chance.choice(chance.choice(texts).split("\n")[2:-6]).split()
        return f'"{found[3]} {found[4]}"'

    return {
        "two words": lambda: " ".join(pair()) + " ",
        "two words, the last unfinished": lambda: " ".join(pair())[:-2],
        "two words, one of them mistyped": mistyped,
        "one of the 20 commonest words": lambda: chance.choice(corpus.words[:20]) + " ",
        "a phrase of two words": phrase,
        "an amount": amount,
        "what no page has": lambda: "zzyzx" + str(chance.randrange(10**6)),
    }


def _measure(
    connection: psycopg.Connection, searches: dict[str, Callable[[], str]], repeats: int
) -> Iterator[str]:
    for name, made in searches.items():
        times, found = [], 0
        before = _processor_seconds(connection)
        for _ in range(repeats):
            words = made()
            began = time.perf_counter()
            found += bool(connection.execute("select * from alfrd.search(%s)", [words]).fetchall())
            times.append(1000 * (time.perf_counter() - began))
        processor = 1000 * (_processor_seconds(connection) - before) / repeats
        p50, p95 = (percentile(times, percent) for percent in (50, 95))
        yield f"{name:<36}{p50:>8.0f}{p95:>8.0f}{processor:>12.0f}{found / repeats:>8.0%}"


def main(pages: int, repeats: int) -> None:
    """Print the tables."""
    server = Server(_CONFIGURATION)
    try:
        with server.database() as name:
            asyncio.run(migrate(server.url(name)))
            with psycopg.connect(server.url(name), autocommit=True) as connection:
                report(connection, pages, repeats)
    finally:
        server.remove()


def report(connection: psycopg.Connection, pages: int, repeats: int) -> None:
    """Fill a migrated database, and measure."""
    corpus = Corpus()
    texts = _fill(connection, corpus, pages)
    text, *parts = _sizes(connection)
    print(
        f"{pages:,} pages, {text / 1e6:,.0f} MB of text; index {sum(parts) / 1e6:,.0f} MB, {sum(parts) / text:.0%}"
        f" of it: pages {parts[0] / text:.0%}, names {parts[1] / text:.0%}, words {parts[2] / text:.0%}",
        flush=True,
    )
    print(f"{'milliseconds':<36}{'p50':>8}{'p95':>8}{'processor':>12}{'found':>8}")
    for row in _measure(connection, _searches(corpus, texts), repeats):
        print(row, flush=True)
    pace, processor = _index(connection, corpus, min(pages, 1_000))
    print(f"indexed {pace:,.0f} pages a second, {processor:.1f} ms of processor time each")


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [100_000, 100][len(given) :]))
