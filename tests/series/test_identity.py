"""Which documents are one series: by account, then by name; whoever files them at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from alfrd_events.analysis.rules.series import detect_series
from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.db.database import Database
from alfrd_events.model import AnalystResult, Classification, Document, Filing, Series, Summary
from alfrd_events.model.jobs import AnalysisJob, Classify, DetectSeries, Summarize
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import NoopAnalyst, noop_tools, options

NAMES = (
    "Harbor Light Electric",
    "Kittiwake Mobile",
    "Tern Valley Water",
    "Puffin Insurance",
    "Sandpiper Telecom",
    "Lanternfish Bank",
    "Cormorant Gas Supply",
    "Guillemot Broadband",
)
NOW = datetime(2024, 3, 1, tzinfo=UTC)
TOWNS = ("Ashford", "Brighton", "Camden", "Durham", "Exmouth")


def spellings(number: int) -> tuple[str, str, str]:
    """One of forty senders, as it prints its name, as it shouts it, and as it is misread."""
    name = f"{NAMES[number % 8]} {TOWNS[number // 8]}"
    return f"{name} Ltd.", name.upper(), name.replace("o", "0").replace("i", "l")


class Biller(NoopAnalyst):
    """The name and the account are those of the file's name: ``name|account|number.txt``; the rules file it."""

    def answer(self, job: AnalysisJob[Any]) -> AnalystResult:
        if isinstance(job, Classify):
            return Classification(document_type="utility_bill", confidence=1, reasoning="always")
        if isinstance(job, Summarize):
            name, account, _ = job.document.filename.split("|")
            return Summary(
                summary="a bill",
                entity=name,
                account_number=account,
                document_date=date(2024, 1, 1),
                total_amount=Decimal(1),
                currency="USD",
            )
        if isinstance(job, DetectSeries):
            return detect_series(job.document, job.candidates)
        return super().answer(job)


async def filed(db: Harness, names: Sequence[str], workers: int) -> None:
    """Documents of these names, filed by so many workers at once."""
    await db.sql(
        "insert into alfrd.documents (filename, content) select name, 'x' from unnest(%s::text[]) as name",
        list(names),
    )
    databases = [Database(db.url) for _ in range(workers)]
    for database in databases:
        await database.open()
    tools = noop_tools(Biller())
    try:
        await asyncio.gather(
            *(run_worker(database, BUILT_IN, tools, options(None)) for database in databases)
        )
    finally:
        for database in databases:
            await database.close()
    assert await db.one("select count(*) from alfrd.documents where status <> 'completed'") == 0


@pytest.mark.parametrize("with_account", [False, True])
async def test_sixteen_workers_make_one_series_of_each_of_forty_senders(
    db: Harness, with_account: bool
) -> None:
    names = []
    for number in range(500):
        sender = number % 40
        account = f"88-{1000 + sender}-0" if with_account else ""
        names.append(f"{spellings(sender)[number % 3]}|{account}|{number}.txt")

    await filed(db, names, workers=16)

    assert await db.one("select count(*) from alfrd.series") == 40
    assert await db.one("select count(distinct series_id) from alfrd.documents") == 40
    assert await db.one("select count(*) from alfrd.files") == 40


async def test_a_number_in_a_name_is_no_slip(db: Harness) -> None:
    await filed(db, [f"Warehouse{number} Trading||{number}.txt" for number in range(10, 20)], workers=4)

    assert await db.one("select count(*) from alfrd.series") == 10


async def place(db: Harness, **changes: Any) -> UUID | None:
    """File one document so, and return its series."""
    document = await db.given_document("summarized")
    task = await db.claim("file", subject=document)
    assert task is not None
    assert await db.complete(task, **changes)
    found: UUID | None = await db.one("select series_id from alfrd.documents where id = %s", document)
    return found


async def test_one_account_is_one_series_however_its_sender_is_printed(db: Harness) -> None:
    first = await place(db, account="447100923")
    second = await place(db, account="447100923", entity="APC", entity_key="apc", slug="apc")
    third = await place(db, account="447100923", entity="Acme", entity_key="acme", slug="acme")

    assert first == second == third


async def test_two_accounts_of_a_sender_are_two_series(db: Harness) -> None:
    first = await place(db, account="447100923")
    second = await place(db, account="447100931")

    assert first != second
    assert await place(db, account="447100931") == second
    assert await place(db, account="447100931", series_id=str(first)) == second, "whatever the analyst says"
    slugs = await db.sql("select slug from alfrd.series order by slug")
    assert [row["slug"] for row in slugs] == ["acme-power-electricity-bill", "acme-power-electricity-bill-2"]


async def test_a_series_learns_its_account_from_the_first_document_that_names_it(db: Harness) -> None:
    unnamed = await place(db)

    assert await place(db, account="447100923") == unnamed
    assert await place(db) == unnamed
    assert await place(db, account="447100931") != unnamed


async def test_a_series_that_the_analyst_knows_takes_on_the_account_once(db: Harness) -> None:
    known = await place(db)
    other_name = {"entity": "APC", "entity_key": "apc", "slug": "apc", "series_id": str(known)}

    assert await place(db, account="447100923", **other_name) == known
    second = await place(db, account="447100931", **other_name)

    assert second != known, "it has an account by now, and this is another one"
    assert await place(db, account="447100931", **other_name) == second


async def test_owners_do_not_share_an_account(db: Harness) -> None:
    first = await place(db, account="447100923")
    document = await db.given_document("summarized", owner="other")
    task = await db.claim("file", subject=document)
    assert task is not None
    await db.complete(task, account="447100923")

    assert await db.one("select series_id from alfrd.documents where id = %s", document) != first


@pytest.mark.parametrize(
    ("one", "other", "is_slip"),
    [
        ("lanternfishbank", "lanternflshbank", True),
        ("lanternfishbank", "lanternfishbnk", True),
        ("lanternfishbank", "lanternfishbankx", True),
        ("lanternfishbank", "lanternfishbank", True),
        ("lanternfishbank", "lantemfishbamk", False),
        (entity_key("School District 112"), entity_key("School District 12"), False),
        (entity_key("Lanternfish Bank 7"), entity_key("Lanternfish Bank 9"), False),
        ("abcdefg", "abcdefh", False),
    ],
)
async def test_a_slip_is_one_character_and_never_in_a_number(
    db: Harness, one: str, other: str, is_slip: bool
) -> None:
    assert await db.one("select alfrd.is_slip(%s, %s)", one, other) is is_slip
    assert await db.one("select alfrd.is_slip(%s, %s)", other, one) is is_slip


def series(entity: str, account: str = "", kind: str = "electricity bill") -> Series:
    return Series(uuid4(), entity, kind, "monthly", "slug", entity, account=account)


def bill(entity: str, account: str = "") -> Document:
    return Document(
        uuid4(),
        "a.txt",
        "summarized",
        NOW,
        document_type="utility_bill",
        entity=entity,
        account_number=account,
    )


def place_of(document: Document, *candidates: Series) -> Filing:
    kind = detect_series(document, ()).kind
    return detect_series(
        document,
        [Series(s.id, s.entity, kind, s.frequency, s.slug, s.title, account=s.account) for s in candidates],
    )


def test_the_rules_go_by_the_account_first() -> None:
    mine, other = series("Harborlight Electric", "447100923"), series("Harborlight Electric", "447100931")

    assert place_of(bill("HEC", "4471-0092-3"), other, mine).series_id == mine.id
    assert place_of(bill("Harborlight Electric", "9999-0092-3"), other, mine).series_id is None


def test_the_rules_do_not_choose_between_two_names_that_are_as_like() -> None:
    one, other = series("Heron Hill Stationexy Works"), series("Heron Hill Stationary Works")

    assert place_of(bill("Heron Hill Stationery Works"), one, other).series_id is None
    assert place_of(bill("Heron Hill Stationexy Works"), one, other).series_id == one.id
