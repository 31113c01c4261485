"""Measure what corrections teach: ``python -m devtools.lessons --senders 40 --seed 1``.

Each sender has its own words, name, layout and order of dates, drawn by the seed, and sends eight papers. The first
three are corrected to the truth. Of the next five it is counted which need a correction, against the same papers of an
owner who taught nothing; and which values were right there and are wrong here.

With ``--real TRUTH.jsonl … --cache FOLDER`` the senders are those of real papers, disturbed by the seed
(:mod:`.disturbed`); their pages are kept in the folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pickle
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Container, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from uuid import UUID

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.cli.wiring import CommandContext, context
from alfrd_events.model import Page, Part
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from devtools.corpus import load
from devtools.disturbed import papers_of
from devtools.disturbed import senders_of as real_senders
from testing.noop import NoopReader, noop_tools, options

CORRECTED, JUDGED = 3, 5
TAUGHT, PLAIN = "taught", "plain"
NAMES = (
    "Bright",
    "Nord",
    "Alder",
    "Quarry",
    "Lumen",
    "Harbour",
    "Silva",
    "Tern",
    "Orchard",
    "Velo",
    "Kestrel",
    "Marl",
)
TRADES = (
    "Energy",
    "Water",
    "Telecom",
    "Garage",
    "Dental",
    "Insurance",
    "Supplies",
    "Books",
    "Bakery",
    "Rentals",
)
FORMS = ("Ltd", "GmbH", "LLC", "Inc.", "B.V.", "")
TOTALS = (
    "Amount due",
    "Total",
    "Total due",
    "Kindly remit",
    "Settle by bank",
    "Grand sum",
    "Our claim",
    "For collection",
    "Payable now",
)
OTHERS = (
    "Subtotal",
    "Previous balance",
    "Instalment plan",
    "Last payment",
    "Credit limit",
    "Deposit held",
    "Estimated next",
)
HEADS = ("Invoice", "Bill", "Statement", "Receipt", "Policy notice", "Account summary")
SLOGANS = ("Your partner since 1950", "Service you can trust", "", "We care")
TYPES = ("invoice", "utility_bill", "service_bill", "insurance", "receipt", "medical", "property")
FIELDS = ("document_type", "entity", "document_date", "total_amount")


@dataclass(frozen=True)
class Sender:
    """How one sender's papers look."""

    name: str
    prints_name: bool
    document_type: str
    head: str
    slogan: str
    total: str
    others: tuple[str, ...]
    total_first: bool
    day_first: bool
    mark: str


@dataclass(frozen=True)
class Paper:
    """A paper as its reader gives it, and what is right of it."""

    pages: tuple[Page, ...]
    truth: dict[str, Any]


def senders_of(count: int, random: Random) -> list[Sender]:
    """Draw senders."""
    senders = []
    for number in range(count):
        name = " ".join(
            filter(
                None,
                (random.choice(NAMES), random.choice(NAMES), random.choice(TRADES), random.choice(FORMS)),
            )
        )
        senders.append(
            Sender(
                name=name,
                prints_name=random.random() < 0.7,
                document_type=random.choice(TYPES),
                head=random.choice(HEADS),
                slogan=random.choice(SLOGANS),
                total=random.choice(TOTALS),
                others=tuple(random.sample(OTHERS, random.randint(1, 3))),
                total_first=random.random() < 0.4,
                day_first=random.random() < 0.5,
                mark=f"Tax no. {number + 100}-{random.randint(1000, 9999)}-{random.randint(1000, 9999)}",
            )
        )
    return senders


def paper_of(sender: Sender, random: Random) -> Paper:
    """Draw the next paper of a sender."""
    day = date(2024, 1, 1) + timedelta(days=random.randrange(700))
    total = random.randrange(1000, 90000)
    lines = [f"{label:<24}{_money(random.randrange(500, 120000)):>12}" for label in sender.others]
    lines.insert(0 if sender.total_first else len(lines), f"{sender.total:<24}{_money(total):>12}")
    printed = day.strftime("%d/%m/%Y" if sender.day_first else "%m/%d/%Y")
    head = [sender.name if sender.prints_name else "", sender.slogan, sender.mark, "", sender.head]
    text = "\n".join(
        [
            *filter(None, head),
            f"Date: {printed}",
            f"No. {random.randrange(10000, 99999)}",
            "",
            *lines,
            "",
            "Thank you",
        ]
    )
    return Paper(
        (Page(1, text, 1.0, source="plain"),),
        {
            "document_type": sender.document_type,
            "entity": sender.name,
            "document_date": day.isoformat(),
            "total_amount": f"{total / 100:.2f}",
        },
    )


def _money(cents: int) -> str:
    return f"${cents / 100:,.2f}"


class PickledPages(NoopReader):
    """Takes pages as :func:`pickled` has packed them."""

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        for page in pickle.loads(part.content):
            if page.number not in skip:
                yield page


def pickled(paper: Paper) -> bytes:
    """The bytes of a document that is read by :class:`PickledPages`."""
    return pickle.dumps(paper.pages)


async def work(opened: CommandContext) -> None:
    """Work until nothing is left."""
    tools = noop_tools(RulesAnalyst(), PickledPages())
    await run_worker(opened.database, BUILT_IN, tools, options(opened.database.url))


async def measure(opened: CommandContext, papers: Sequence[Sequence[Paper]]) -> dict[str, Any]:
    """Send, correct, send again, and compare with what is right.

    :param papers: by sender, :data:`CORRECTED` and then :data:`JUDGED`.
    """
    first = await _sent(opened, [each[:CORRECTED] for each in papers])
    await work(opened)
    found = await _values(opened)
    corrections, seconds = 0, []
    for (owner, _, _), (id, paper) in first.items():
        wrong = _wrong(found[id], paper.truth)
        if owner == TAUGHT and wrong:
            right = json.dumps({field: paper.truth[field] for field in wrong})
            started = time.perf_counter()
            await opened.database.rows("select * from alfrd.correct(%s, %s::jsonb)", [id, right])
            seconds.append(time.perf_counter() - started)
            corrections += len(wrong)
    await work(opened)
    second = await _sent(opened, [each[CORRECTED:] for each in papers])
    await work(opened)
    found = await _values(opened)
    needed: dict[str, Counter[int]] = {TAUGHT: Counter(), PLAIN: Counter()}
    wrong_values: dict[str, Counter[str]] = {TAUGHT: Counter(), PLAIN: Counter()}
    worse: list[str] = []
    for (owner, place, number), (id, paper) in second.items():
        wrong = _wrong(found[id], paper.truth)
        needed[owner][place] += bool(wrong)
        wrong_values[owner].update(wrong)
        if owner == TAUGHT:
            before = _wrong(found[second[PLAIN, place, number][0]], paper.truth)
            worse += [field for field in wrong if field not in before]
    count = len(papers)
    judged = count * JUDGED * len(FIELDS)
    return {
        "senders": count,
        "corrected_values": corrections,
        "milliseconds_of_a_correction": round(1000 * median(seconds), 1),
        "lessons": await opened.database.value("select count(*) from alfrd.lessons where active"),
        "need_no_correction": {
            owner: sum(needed[owner][place] == 0 for place in range(count)) / count for owner in needed
        },
        "wrong_values": {owner: dict(wrong_values[owner]) for owner in needed},
        "made_worse": {
            "values": len(worse),
            "of": judged,
            "share": len(worse) / judged,
            "fields": dict(Counter(worse)),
        },
    }


async def _sent(
    opened: CommandContext, papers: Sequence[Sequence[Paper]]
) -> dict[tuple[str, int, int], tuple[UUID, Paper]]:
    """Insert the papers for both owners: id and paper by owner, sender and number."""
    sent = {}
    for owner in (TAUGHT, PLAIN):
        for place, of_sender in enumerate(papers):
            for number, paper in enumerate(of_sender):
                id = await opened.database.value(
                    "insert into alfrd.documents (owner, filename, content) values (%s, 'paper.txt', %s) returning id",
                    [owner, pickled(paper)],
                )
                sent[owner, place, number] = id, paper
    return sent


async def _values(opened: CommandContext) -> dict[UUID, dict[str, Any]]:
    rows = await opened.database.rows(
        "select id, document_type, entity, document_date::text, total_amount::text from alfrd.documents"
    )
    return {row["id"]: row for row in rows}


def _wrong(found: dict[str, Any], truth: dict[str, Any]) -> list[str]:
    return [
        field
        for field in FIELDS
        if (
            entity_key(found[field]) != entity_key(truth[field])
            if field == "entity"
            else found[field] != truth[field]
        )
    ]


def made_up(count: int, random: Random) -> list[list[Paper]]:
    """The papers of senders that do not exist."""
    return [[paper_of(each, random) for _ in range(CORRECTED + JUDGED)] for each in senders_of(count, random)]


def of_real_ones(truth: Sequence[Path], cache: Path, random: Random) -> list[list[Paper]]:
    """The papers of real senders, disturbed."""
    return [
        [Paper(tuple(pages), right) for pages, right in papers_of(each, CORRECTED + JUDGED, random)]
        for each in real_senders(load(truth, cache))
    ]


async def _run(papers: Sequence[Sequence[Paper]]) -> None:
    async with context() as opened:
        print(json.dumps(await measure(opened, papers), indent=2))


def main() -> None:
    """Measure on an embedded server of its own, unless ``ALFRD_DATABASE_URL`` names an empty database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--senders", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", type=Path, nargs="+", metavar="TRUTH.jsonl")
    parser.add_argument("--cache", type=Path, help="where the pages of real papers are kept")
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="lessons-") as directory:
        os.environ.setdefault("ALFRD_DATA_DIR", directory)
        if arguments.real:
            papers = of_real_ones(arguments.real, arguments.cache or Path(directory), random)
        else:
            papers = made_up(arguments.senders, random)
        asyncio.run(_run(papers))


if __name__ == "__main__":
    main()
