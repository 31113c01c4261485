"""Bills of made-up households, and the statements that show what was paid: which row paid which bill is known.

Amounts repeat each month; two senders ask for the same amount, or have a word of their name in common; bills are paid
early, weeks late, in parts, by cheques that name nobody, or never; a bill, a statement or a row's name is lost; credit
notes take invoices back. Papers come in month by month, and the engine looks at each series that has changed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

MONTHS = 24
_FIRST = date(2023, 1, 1)
_WORDS = [
    "Harborlight",
    "Kittiwake",
    "Tern",
    "Willow",
    "Lantern",
    "Pelican",
    "Cedar",
    "Marlow",
    "Quarry",
    "Ashford",
    "Beacon",
    "Copper",
    "Drift",
    "Ember",
    "Fenwick",
    "Granite",
    "Hollow",
    "Juniper",
    "Larkspur",
    "Meridian",
    "Northgate",
    "Orchard",
    "Pinecrest",
    "Ridgeway",
    "Saltmarsh",
    "Thornbury",
]
_TRADES = {
    "rent": "Properties",
    "electricity": "Electric",
    "phone": "Mobile",
    "internet": "Broadband",
    "insurance": "Insurance",
    "gym": "Fitness",
    "water": "Water",
    "contractor": "Joinery",
    "dentist": "Dental",
}
_LEGAL = ("Ltd.", "Inc.", "LLC", "", "", "Co.")
_BEFORE = ("", "", "DIRECT DEBIT ", "ACH ", "ONLINE PAYMENT ", "CARD PURCHASE ", "SEPA ")
_SHOPS = ("Corner Bakery", "Fuel Stop 71", "Green Grocer", "City Parking", "Book Nook", "Salary", "ATM 0042")

Row = tuple[UUID, int]
"""A row of a statement: its document and number."""


@dataclass
class Paper:
    """A document of a household."""

    id: UUID
    series: UUID
    kind: str
    entity: str
    day: date
    due: date | None
    amount: Decimal
    arrives: date
    number: str = ""
    text: str = ""
    rows: list[tuple[date, Decimal, str]] = field(default_factory=list)


@dataclass
class Household:
    """Papers, and what is true of them."""

    owner: str
    series: dict[UUID, str]
    """With the name of the sender."""
    papers: list[Paper]
    """Those that arrived."""
    cases: dict[UUID, str]
    """What is special about each bill."""
    paid: dict[UUID, set[Row]]
    """Bill -> the rows that paid it, where all of them are on a statement that arrived."""
    credited: dict[UUID, UUID]
    """Credit note -> its bill, where both arrived."""


@dataclass
class Sender:
    """Who sends bills to a household, and how they are paid."""

    series: UUID
    trade: str
    entity: str
    every: int
    """Months."""
    fixed: Decimal | None
    day: int
    days_to_pay: int
    by_card: bool
    by_cheque: bool


@dataclass
class Tally:
    """Counts of one case."""

    shown: int = 0
    """Payments that statements show."""
    missed: int = 0
    links: int = 0
    wrong: int = 0
    """Links of a row that paid something else, or of a bill that was not paid."""
    exchanged: int = 0
    """Links of a row that paid an equal bill of the same sender on another day, where both were paid: only the day is
    wrong. Those that a person is asked of do not count."""
    asked: int = 0
    """Links that are not clear: a person is asked whether it is the other way round."""
    asked_rightly: int = 0
    """Those of them that are the other way round, or wrong."""

    @property
    def miss_rate(self) -> float:
        """Of the payments that are shown, those that are not linked to their bill."""
        return self.missed / max(1, self.shown)

    @property
    def wrong_rate(self) -> float:
        """Of the links, those that are wrong."""
        return self.wrong / max(1, self.links)

    @property
    def exchange_rate(self) -> float:
        """Of the links, those of which the day alone is wrong."""
        return self.exchanged / max(1, self.links)

    @property
    def asked_rate(self) -> float:
        """Of the links, those that a person is asked of."""
        return self.asked / max(1, self.links)


def household(seed: int) -> Household:
    """A made-up household of two years."""
    return _Making(seed).made()


class _Making:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(f"household {seed}")
        self.owner = f"household {seed}"
        self.series: dict[UUID, str] = {}
        self.papers: list[Paper] = []
        self.lost: set[UUID] = set()
        self.cases: dict[UUID, str] = {}
        self.spent: dict[str, list[tuple[date, Decimal, str, UUID | None]]] = {"bank": [], "card": []}
        self.notes: dict[UUID, UUID] = {}

    def made(self) -> Household:
        for one in self._senders():
            if one.trade in ("contractor", "dentist"):
                self._invoices(one)
            else:
                self._bills(one)
        for account in self.spent:
            self._daily_life(account)
        rows = {account: self._statements(account) for account in self.spent}
        shown: dict[UUID, set[Row]] = {}
        hidden: set[UUID] = set()
        for bill, row in (pair for pairs in rows.values() for pair in pairs):
            shown.setdefault(bill, set()).add(row)
            if row[0] in self.lost or bill in self.lost:
                hidden.add(bill)
        here = [paper for paper in self.papers if paper.id not in self.lost]
        return Household(
            self.owner,
            self.series,
            here,
            self.cases,
            {bill: rows for bill, rows in shown.items() if bill not in hidden},
            {note: bill for note, bill in self.notes.items() if not {note, bill} & self.lost},
        )

    def _id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128))

    def _new_series(self, entity: str) -> UUID:
        series = self._id()
        self.series[series] = entity
        return series

    def _senders(self) -> list[Sender]:
        words = self.chance.sample(_WORDS, len(_TRADES) * 2)
        shared = words[0]
        alike = self.chance.random() < 0.3
        """Two senders have a word in common, and the same amount."""
        same_amount = Decimal(self.chance.randrange(2500, 6000)) / 100
        senders = []
        for place, trade in enumerate(_TRADES):
            name = words[place * 2 : place * 2 + 1 + (self.chance.random() < 0.5)]
            if alike and trade in ("insurance", "gym"):
                name = [shared]
            entity = " ".join([*name, _TRADES[trade], self.chance.choice(_LEGAL)]).strip()
            fixed: Decimal | None = None
            if trade == "rent":
                fixed = Decimal(self.chance.randrange(700, 2400))
            elif trade in ("phone", "internet") or (alike and trade in ("insurance", "gym")):
                two_the_same = trade == "phone" or self.chance.random() < 0.4 or trade in ("insurance", "gym")
                fixed = same_amount if two_the_same else Decimal(self.chance.randrange(2500, 9000)) / 100
            elif trade == "gym":
                fixed = Decimal(self.chance.randrange(1500, 6000)) / 100
            senders.append(
                Sender(
                    self._new_series(entity),
                    trade,
                    entity,
                    every=3 if trade == "water" or (trade == "insurance" and not alike) else 1,
                    fixed=fixed,
                    day=self.chance.randint(1, 28),
                    days_to_pay=self.chance.choice((10, 14, 21, 30)),
                    by_card=self.chance.random() < 0.2,
                    by_cheque=trade == "rent" and self.chance.random() < 0.5,
                )
            )
        return senders

    def _bills(self, one: Sender) -> None:
        usual = one.fixed or Decimal(self.chance.randrange(3000, 20000)) / 100
        for month in range(0, MONTHS, one.every):
            first = date(_FIRST.year + month // 12, month % 12 + 1, 1)
            issued = first + timedelta(days=one.day - 1 + self.chance.choice((-1, 0, 0, 0, 1, 2)))
            amount = usual
            if one.fixed is None:
                amount = (usual * Decimal(self.chance.uniform(0.7, 1.4))).quantize(Decimal("0.01"))
            case = "the same each month" if one.fixed else "varying amount"
            self._bill(one, issued, amount, case)

    def _invoices(self, one: Sender) -> None:
        day = _FIRST + timedelta(days=self.chance.randrange(60))
        number = self.chance.randrange(1000, 8000)
        while day < _FIRST + timedelta(days=30 * MONTHS - 90):
            amount = Decimal(self.chance.randrange(6000, 150000)) / 100
            bill = self._paper(one, "invoice", day, amount, number=f"{day.year}-{number}")
            bill.due = day + timedelta(days=one.days_to_pay)
            draw = self.chance.random()
            if draw < 0.15:
                self._credit(one, bill)
            elif draw < 0.45:
                self.cases[bill.id] = "in parts"
                self._parts(one, bill)
            else:
                self.cases[bill.id] = "varying amount"
                self._pay(one, bill, amount)
            number += self.chance.randint(1, 40)
            day += timedelta(days=self.chance.randint(25, 160))

    def _bill(self, one: Sender, issued: date, amount: Decimal, case: str) -> None:
        bill = self._paper(one, "utility_bill", issued, amount)
        bill.due = issued + timedelta(days=one.days_to_pay)
        self.cases[bill.id] = case
        self._pay(one, bill, amount)

    def _paper(self, one: Sender, kind: str, day: date, amount: Decimal, number: str = "") -> Paper:
        arrives = day + timedelta(days=self.chance.choice((1, 2, 2, 3, 5, 40)))
        paper = Paper(self._id(), one.series, kind, one.entity, day, None, amount, arrives, number)
        self.papers.append(paper)
        if self.chance.random() < 0.04:
            self.lost.add(paper.id)
        return paper

    def _credit(self, one: Sender, bill: Paper) -> None:
        whole = self.chance.random() < 0.5
        amount = bill.amount if whole else (bill.amount * Decimal("0.2")).quantize(Decimal("0.01"))
        day = bill.day + timedelta(days=self.chance.randint(2, one.days_to_pay - 4))
        note = self._paper(one, "invoice", day, -amount, number=f"CN{self.chance.randrange(1000, 9000)}")
        names_it = not whole or self.chance.random() < 0.7
        note.text = f"Credit note {note.number} for {'invoice ' + bill.number if names_it else 'your return'}"
        self.notes[note.id] = bill.id
        self.cases[bill.id] = "credited" if whole else "credited in part"
        if not whole:
            self._pay(one, bill, bill.amount - amount)

    def _paid_on(self, bill: Paper) -> date | None:
        assert bill.due is not None
        draw = self.chance.random()
        if draw < 0.04:
            return None
        if draw < 0.14:
            self.cases[bill.id] += ", late"
            return bill.due + timedelta(days=3 + min(57, round(self.chance.expovariate(0.1))))
        if draw < 0.24:
            return bill.day + timedelta(days=self.chance.randint(0, 3))
        return bill.due - timedelta(days=self.chance.choice((0, 0, 0, 1, 2, 3, 5)))

    def _pay(self, one: Sender, bill: Paper, amount: Decimal) -> None:
        paid_on = self._paid_on(bill)
        if paid_on is None:
            return
        names_nobody = one.by_cheque or self.chance.random() < 0.03
        if names_nobody:
            self.cases[bill.id] = "names nobody"
        said = f"Check {self.chance.randrange(1000, 3000)}" if names_nobody else self._named(one)
        account = "card" if one.by_card and not names_nobody else "bank"
        self.spent[account].append((paid_on, amount, said, bill.id))

    def _parts(self, one: Sender, bill: Paper) -> None:
        assert bill.due is not None
        number = self.chance.choice((2, 2, 3))
        if number == 2 and self.chance.random() < 0.5:
            first = (bill.amount * Decimal("0.3")).quantize(Decimal("0.01"))
            parts = [first, bill.amount - first]
        else:
            even = (bill.amount / number).quantize(Decimal("0.01"))
            parts = [*[even] * (number - 1), bill.amount - even * (number - 1)]
        for place, part in enumerate(parts):
            day = bill.due + timedelta(days=21 * place - self.chance.randint(0, 4))
            self.spent["bank"].append((day, part, self._named(one), bill.id))

    def _named(self, one: Sender) -> str:
        """A sender's name as statements print it."""
        name = one.entity.upper() if self.chance.random() < 0.7 else one.entity
        if self.chance.random() < 0.4:
            name = name[: self.chance.randint(14, 22)]
        after = f" {self.chance.randrange(10**6):06}" if self.chance.random() < 0.5 else ""
        return self.chance.choice(_BEFORE) + name + after

    def _daily_life(self, account: str) -> None:
        """Rows that pay no bill; a few have the amount of one."""
        amounts = [paper.amount for paper in self.papers if paper.amount > 0]
        for day in range(0, 30 * MONTHS, 3):
            amount = Decimal(self.chance.randrange(300, 9000)) / 100
            if self.chance.random() < 0.04:
                amount = self.chance.choice(amounts)
            self.spent[account].append(
                (_FIRST + timedelta(days=day), amount, self.chance.choice(_SHOPS), None)
            )

    def _statements(self, account: str) -> list[tuple[UUID, Row]]:
        """The statements of an account, and which of their rows paid which bill."""
        entity = "Lanternfish Bank" if account == "bank" else "Lanternfish Card"
        series = self._new_series(entity)
        pairs = []
        for month in range(MONTHS + 3):
            first = date(_FIRST.year + month // 12, month % 12 + 1, 1)
            last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
            rows = sorted(
                (entry for entry in self.spent[account] if first <= entry[0] <= last), key=lambda row: row[0]
            )
            kind = "bank_statement" if account == "bank" else "credit_card"
            arrives = last + timedelta(days=self.chance.choice((2, 3, 4, 35)))
            paper = Paper(self._id(), series, kind, entity, last, None, Decimal(1000), arrives)
            paper.rows = [(day, amount, said) for day, amount, said, _ in rows]
            pairs += [(bill, (paper.id, place)) for place, (*_, bill) in enumerate(rows) if bill is not None]
            self.papers.append(paper)
            if self.chance.random() < 0.03:
                self.lost.add(paper.id)
        return pairs


def play(connection: psycopg.Connection, households: Iterable[Household], seed: int = 1) -> None:
    """Let the papers come in, a month at a time, and look after each series that has changed.

    :param connection: in autocommit mode, of a superuser, to a database without documents.
    """
    chance = random.Random(f"play {seed}")
    everyone = list(households)
    for one in everyone:
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into alfrd.series (id, owner, entity, entity_key, slug) values (%s, %s, %s, %s, %s)",
                [(id, one.owner, entity, str(id), str(id)) for id, entity in one.series.items()],
            )
    arriving = sorted(
        ((paper, one.owner) for one in everyone for paper in one.papers), key=lambda each: each[0].arrives
    )
    month_end = _FIRST.replace(day=28)
    while arriving:
        now = [each for each in arriving if each[0].arrives <= month_end]
        arriving = arriving[len(now) :]
        # Without the triggers that would make tasks: what they call is called below.
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("set local session_replication_role = replica")
            for paper, owner in now:
                _insert(cursor, paper, owner)
        changed = sorted({paper.series for paper, _ in now})
        chance.shuffle(changed)
        for series in changed:
            connection.execute(
                "select alfrd.note_payables(id), alfrd.note_statement_rows(id), alfrd.note_credit_notes(id)"
                " from (select %s::uuid as id) as changed",
                [series],
            )
            connection.execute("select alfrd.match_credits(%s)", [series])
            connection.execute("select alfrd.match_payments(%s)", [series])
        month_end += timedelta(days=30)


def _insert(cursor: psycopg.Cursor, paper: Paper, owner: str) -> None:
    sign = -1 if paper.kind == "bank_statement" else 1
    rows = [
        {"date": day.isoformat(), "amount": str(sign * amount), "description": said}
        for day, amount, said in paper.rows
    ]
    data = {"transactions": rows} if rows else {"invoice_number": paper.number} if paper.number else {}
    cursor.execute(
        "insert into alfrd.documents (id, owner, filename, content, status, document_type, entity, document_date,"
        " due_date, total_amount, currency, series_id, structured_data)"
        " values (%s, %s, 'a.pdf', 'x', 'completed', %s, %s, %s, %s, %s, 'USD', %s, %s)",
        [
            paper.id,
            owner,
            paper.kind,
            paper.entity,
            paper.day,
            paper.due,
            paper.amount,
            paper.series,
            Jsonb(data),
        ],
    )
    cursor.execute(
        "insert into alfrd.pages (document_id, number, text) values (%s, 1, %s)", [paper.id, paper.text]
    )


def score(connection: psycopg.Connection, households: Iterable[Household]) -> dict[str, Tally]:
    """What was linked against what is true, by case; the last one is ``total``."""
    links = connection.execute(
        "select document_id, statement_id, row_number, rival_id is not null from alfrd.payments"
    ).fetchall()
    tallies: dict[str, Tally] = {}
    cases: dict[UUID, str] = {}
    true: set[tuple[UUID, Row | tuple[UUID, None]]] = set()
    everyone = list(households)
    for one in everyone:
        cases |= one.cases
        true |= {(bill, row) for bill, rows in one.paid.items() for row in rows}
        true |= {(bill, (note, None)) for note, bill in one.credited.items()}
    equals = {paper.id: (paper.series, paper.amount) for one in everyone for paper in one.papers}
    rows_of = {bill: rows for one in everyone for bill, rows in one.paid.items()}
    payers: dict[object, set[UUID]] = {}
    for bill, row in true:
        payers.setdefault(row, set()).add(bill)
    made = {(bill, (statement, row)) for bill, statement, row, _ in links}
    asked = {bill for bill, *_, is_asked in links if is_asked}
    days: dict[object, date] = {
        (paper.id, place): day
        for one in everyone
        for paper in one.papers
        for place, (day, *_) in enumerate(paper.rows)
    }
    for name in sorted({*cases.values()}):
        tallies[name] = Tally()
    for bill, _ in true:
        tallies[cases[bill]].shown += 1
    for bill, _ in made:
        tallies[cases[bill]].links += 1
    exchanged: set[UUID] = set()
    for bill, row in made - true:
        others = payers.get(row, set())
        is_equal = bool(rows_of.get(bill)) and equals[bill] in {equals[other] for other in others}
        exchanged |= {bill} if is_equal else set()
        is_of_one_day = is_equal and days[row] in {days[other] for other in rows_of[bill]}
        tallies[cases[bill]].exchanged += is_equal and not is_of_one_day and bill not in asked
        tallies[cases[bill]].asked_rightly += bill in asked
        tallies[cases[bill]].wrong += not is_equal
    for bill in asked:
        tallies[cases[bill]].asked += 1
    for bill, _ in true - made:
        tallies[cases[bill]].missed += bill not in exchanged
    tallies["total"] = _total(tallies.values())
    return tallies


def _total(tallies: Iterable[Tally]) -> Tally:
    counts: Counter[str] = Counter()
    for tally in tallies:
        counts.update(vars(tally))
    return Tally(**counts)
