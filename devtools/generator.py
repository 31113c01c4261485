"""Make papers of senders that do not exist, as a reader would give them: lines with boxes, slips of reading, skew.

No image is drawn and nothing is recognised, so that thousands take seconds. What varies is what misleads on real
papers: which of several totals is to be paid, where the sender stands, how a name is broken, which dates there are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from alfrd_events.model import Line, Page
from devtools.corpus import Known, made

Words = dict[str, list[str]]

WORDS: dict[str, Words] = json.loads((Path(__file__).parent / "words.json").read_text("utf-8"))
SYLLABLES = [
    "ba",
    "be",
    "bor",
    "da",
    "del",
    "fen",
    "gar",
    "hol",
    "ka",
    "kel",
    "lan",
    "lo",
    "mar",
    "men",
    "nor",
    "or",
    "pel",
    "ra",
    "ros",
    "sil",
    "ta",
    "ter",
    "ul",
    "van",
    "wi",
    "zan",
]
SLIPS = {"O": "0", "o": "0", "l": "1", "I": "1", "S": "5", "B": "8", "m": "rn", ".": ",", "e": "c"}
SLIPS |= {"5": "6", "8": "3", "1": "7", "0": "8"}
SHARE_OF_LETTERS = 0.3
"""Of what is no receipt."""
NOTHING_TO_PAY = 0.0
TAX_RATES = (0.0, 0.06, 0.07, 0.19, 0.2, 0.21)
LETTER_WIDTH = 0.011
CASH = frozenset(
    {"Cash", "CASH", "Cash Tendered", "Cash Received", "Bar", "Espèces", "Contant", "Efectivo", "Gotówka"}
)
CURRENCIES = {"$": "USD", "RM": "MYR", "GBP": "GBP", "€": "EUR", "EUR": "EUR", "PLN": "PLN", "zł": "PLN"}


@dataclass
class Paper:
    """A page that is being filled from the top."""

    random: Random
    words: Words
    skew: float
    slip: float
    """Probability that a character is misread."""
    is_narrow: bool
    lines: list[Line] = field(default_factory=list)
    top: float = 0.03
    brands: list[str] = field(default_factory=list)
    """Other names that are printed as the sender's own."""
    facts: dict[str, str] = field(default_factory=dict)
    """Values beside company, date and total that are printed, under their names in a summary."""

    def say(self, text: str, left: float = 0.06, size: float = 1.0) -> None:
        """Print a text in the present row."""
        width = min(0.96 - left, len(text) * LETTER_WIDTH * size * (1.8 if self.is_narrow else 1.0))
        top = self.top + self.skew * (left + width / 2) + self.random.gauss(0, 0.0006)
        read = "".join(self._read(character) for character in text)
        confidence = 0.99 - self.random.random() * (0.03 + 0.05 * self.slip / 0.015 + 0.25 * (read != text))
        self.lines.append(Line(read, (left, top, left + width, top + 0.012 * size), confidence))

    def next_row(self, rows: float = 1.0) -> None:
        self.top += 0.016 * rows

    def row(self, label: str, value: str, left: float = 0.06) -> None:
        """Print a label with its value: in one run, side by side, or one above the other."""
        how = self.random.random()
        if how < 0.2:
            self.say(f"{label} {value}", left)
        else:
            self.say(label, left)
            if how > 0.95:
                self.next_row()
            self.say(value, 0.9 - len(value) * LETTER_WIDTH if left < 0.4 else left + 0.25)
        self.next_row()

    def centred(self, text: str, size: float = 1.0) -> None:
        self.say(
            text, max(0.05, 0.5 - len(text) * LETTER_WIDTH * size * (0.9 if self.is_narrow else 0.5)), size
        )
        self.next_row(size)

    def word(self, kind: str) -> str:
        return self.random.choice(self.words[kind])

    def _read(self, character: str) -> str:
        return SLIPS.get(character, character) if self.random.random() < self.slip else character


@dataclass(frozen=True, slots=True)
class Deal:
    """What was bought, when and from whom."""

    seller: str
    buyer: str
    day: date
    items: tuple[float, ...]
    rate: float

    @property
    def net(self) -> float:
        return round(sum(self.items), 2)

    @property
    def tax(self) -> float:
        return round(self.net * self.rate, 2)

    @property
    def total(self) -> float:
        return round(self.net + self.tax, 2)


def generate(count: int, seed: int) -> list[Known]:
    """So many papers, the same ones for the same seed."""
    return [_paper(number, Random(f"{seed}:{number}")) for number in range(count)]


def _paper(number: int, random: Random) -> Known:
    words = WORDS[random.choice(sorted(WORDS))]
    is_receipt = random.random() < 0.5
    paper = Paper(
        random,
        words,
        random.choice((0.0, 0.0, 0.004, -0.006, 0.02)),
        random.choice((0, 0, 0.004, 0.015)),
        is_receipt,
    )
    deal = Deal(
        seller=_name(random, words, with_form=random.random() < 0.8),
        buyer=_name(random, words, with_form=random.random() < 0.5),
        day=date(2012, 1, 1) + timedelta(days=random.randrange(4900)),
        items=tuple(
            round(random.uniform(1, random.choice((20, 900))), 2) for _ in range(random.randint(1, 9))
        ),
        rate=random.choice(TAX_RATES),
    )
    kind = _receipt if is_receipt else _letter if random.random() < SHARE_OF_LETTERS else _invoice
    sign = random.choice(words["sign"])
    if sign:
        paper.facts["currency"] = CURRENCIES[sign]
    to_pay = kind(paper, deal, sign)
    text = "\n".join(line.text for line in paper.lines)
    page = Page(1, text, 0.95, tuple(paper.lines), 1000, 1400)
    truth: dict[str, Any] = {
        "file": f"generated-{number}",
        "source": "generated",
        "document_type": "receipt" if is_receipt else "invoice",
        "entity": deal.seller,
        "date": deal.day.isoformat(),
        "total_amount": to_pay,
        "entity_also": paper.brands,
        "due_date": None,
        **paper.facts,
    }
    return made((page,), truth)


def _name(random: Random, words: Words, *, with_form: bool) -> str:
    core = [_word(random) for _ in range(random.choice((1, 1, 2)))]
    if random.random() < 0.12:
        core[1:1] = ["&", _word(random)]
    trade = random.choice(words["trade"])
    form = random.choice(words["form"]) if with_form else ""
    name = " ".join(each for each in (*core, trade, form) if each)
    return name.upper() if random.random() < 0.4 else name


def _word(random: Random) -> str:
    return "".join(random.choices(SYLLABLES, k=random.randint(2, 3))).capitalize()


def _money(paper: Paper, value: float, sign: str) -> str:
    point = paper.words["point"][0]
    text = f"{value:,.2f}".replace(",", " ").replace(".", point)
    text = text.replace(" ", "." if point == "," else ",")
    return f"{sign} {text}".strip() if paper.random.random() < 0.7 else f"{text} {sign}".strip()


def _day(paper: Paper, day: date) -> str:
    return day.strftime(paper.random.choice(("%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "%d %B %Y")))


def _address(paper: Paper, left: float) -> None:
    number, street = paper.random.randint(1, 300), paper.word("street")
    for text in (
        f"{number} {_word(paper.random)} {street}",
        f"{paper.random.randint(10000, 99999)} {_word(paper.random)}",
    ):
        paper.say(text, left)
        paper.next_row()


def _seller(paper: Paper, deal: Deal, left: float | None) -> None:
    """The sender's name with what is printed, written or misread around it."""
    random = paper.random
    size = random.choice((1.0, 1.0, 1.5, 2.2))
    if random.random() < 0.15:
        _say_name(paper, f"{random.choice(('', '', 'A', 'yke'))}{random.randint(10, 10**7)}", left, 1.0)
    if random.random() < 0.15:
        _say_name(paper, paper.word("slogan"), left, 1.0)
    if random.random() < 0.2:
        brand = " ".join([_word(random), random.choice(("", paper.word("trade")))]).strip()
        paper.brands.append(brand)
        _say_name(paper, brand, left, random.choice((1.0, 1.6, 2.2)))
    for line in _lines_of_name(paper, deal.seller):
        _say_name(paper, line, left, size)
    if random.random() < 0.1 and (trade := paper.word("trade")):
        _say_name(paper, f"{paper.word('describing')} {trade}".strip(), left, 1.0)
    if random.random() < 0.3:
        number = f"{random.randint(10**5, 10**6)}-{random.choice('AHKTVX')}"
        _say_name(paper, random.choice((f"({number})", f"{paper.word('registration')}: {number}")), left, 1.0)
    if random.random() < 0.4:
        paper.say(f"{paper.word('tax_id')}: {random.randint(10**7, 10**9)}", left or 0.3)
        paper.next_row()
    _address(paper, left or 0.3)
    if random.random() < 0.7:
        paper.say(
            f"{paper.word('phone')}: 0{random.randint(10, 99)}-{random.randint(10**6, 10**7)}", left or 0.3
        )
        paper.next_row()


def _lines_of_name(paper: Paper, name: str) -> list[str]:
    """A name as it is read: whole, over two lines, or not at all where it is a picture."""
    random, words = paper.random, name.split()
    if random.random() < 0.06:
        return []
    if random.random() < 0.05:
        return ["".join(random.choice((each, "*", SLIPS.get(each, each))) for each in name)]
    if len(words) > 2 and random.random() < (0.7 if "&" in words else 0.3):
        cut = random.randint(1, len(words) - 1)
        if "&" in words[1:]:
            cut = words.index("&") + random.choice((0, 1))
        return [" ".join(words[:cut]), " ".join(words[cut:])]
    return [name]


def _say_name(paper: Paper, text: str, left: float | None, size: float) -> None:
    if left is None:
        paper.centred(text, size)
    else:
        paper.say(text, left, size)
        paper.next_row(size)


def _items(paper: Paper, deal: Deal) -> None:
    for amount in deal.items:
        made_up = f"{_word(paper.random)} {_word(paper.random)}"
        paper.say(paper.word("goods") if paper.random.random() < 0.3 else made_up, 0.06)
        if paper.random.random() < 0.4:
            paper.say(str(paper.random.randint(1, 4)), 0.6)
        paper.say(_money(paper, amount, ""), 0.8)
        paper.next_row(paper.random.choice((1, 1, 2)))


def _receipt(paper: Paper, deal: Deal, sign: str) -> float:
    random = paper.random
    _seller(paper, deal, None)
    if random.random() < 0.6:
        paper.centred(paper.word("heading"))
    number = str(random.randint(1000, 10**7))
    paper.facts["invoice_number"] = number
    paper.row(paper.word("number"), number)
    if random.random() < 0.2:
        paper.row(paper.word("other_date"), _day(paper, deal.day + timedelta(days=random.randint(-9, 60))))
    if random.random() < 0.2:
        paper.row(f"{paper.word('serving')}:", _word(random))
    when = _day(paper, deal.day) + random.choice(("", " 14:51"))
    if random.random() < 0.3:
        paper.centred(when)
    else:
        paper.row(paper.word("date"), when)
    _items(paper, deal)
    if random.random() < 0.3:
        paper.row(paper.word("items"), str(len(deal.items)))
    if deal.rate:
        _net_and_tax(paper, deal, sign)
    total = _total_of_receipt(paper, deal.total, sign)
    if deal.rate and random.random() < 0.2:
        paper.say(paper.word("tax_summary"))
        paper.next_row()
        paper.row(_money(paper, deal.net, ""), _money(paper, deal.tax, ""))
    if random.random() < 0.3:
        paper.row(paper.word(random.choice(("points", "saving"))), _money(paper, random.uniform(1, 500), ""))
    paper.centred(paper.word("thanks"))
    return total


def _total_of_receipt(paper: Paper, total: float, sign: str) -> float:
    """The rows from the total to the change; what is to be paid may be rounded, and the total's row unread."""
    random = paper.random
    rounded = round(round(total * 20) / 20, 2)
    how = random.random()
    if how < 0.25:
        paper.row(paper.word("total"), _money(paper, total, sign))
        paper.row(paper.word("rounding"), _money(paper, rounded - total, ""))
        total = rounded
    if how < 0.3:
        paper.say(paper.word("rounding"))
        paper.next_row()
    if random.random() > 0.04:
        paper.row(paper.word("total"), _money(paper, total, sign))
    if random.random() < 0.06:
        tip = round(total * random.choice((0.1, 0.15, 0.18, 0.2)), 2)
        paper.row(paper.word("tip"), _money(paper, tip, sign))
        paper.row(paper.word("cash"), _money(paper, total + tip, sign))
        return round(total + tip, 2)
    if random.random() < 0.65:
        paid = float(-(-total // random.choice((1, 5, 10, 50)) * 10)) if random.random() < 0.5 else total
        paid = max(paid, total)
        label = paper.word("cash")
        if label in CASH:
            paper.facts["payment_method"] = "cash"
        paper.row(label, _money(paper, paid, sign))
        if random.random() < 0.9:
            paper.row(paper.word("change"), _money(paper, paid - total, sign))
    return total


def _letter(paper: Paper, deal: Deal, sign: str) -> float:
    """A letter that mentions its sender in a sentence, and an amount: to be paid by its label, or in passing."""
    random = paper.random
    if random.random() < 0.5:
        _seller(paper, deal, 0.06)
    lines = [
        paper.word("greeting"),
        f"{deal.seller} {paper.word('phrase')}",
        _day(paper, deal.day),
        paper.word("mention").format(_money(paper, deal.total, sign)),
    ]
    if random.random() < 0.5:
        lines[1:3] = lines[2:0:-1]
    is_bill = random.random() < 0.5
    for line in lines[:-1] if is_bill else lines:
        paper.say(line)
        paper.next_row(random.choice((1, 1, 2)))
    if is_bill:
        paper.row(paper.word("total"), _money(paper, deal.total, sign))
    return deal.total if is_bill else NOTHING_TO_PAY


def _buyer(paper: Paper, deal: Deal) -> None:
    if paper.random.random() < 0.5:
        paper.say(paper.word("to"))
        paper.next_row()
    paper.say(deal.buyer)
    paper.next_row()
    _address(paper, 0.06)


def _net_and_tax(paper: Paper, deal: Deal, sign: str) -> None:
    paper.facts |= {"subtotal": f"{deal.net:.2f}", "tax": f"{deal.tax:.2f}"}
    paper.row(paper.word("net"), _money(paper, deal.net, sign))
    paper.row(paper.word("tax"), _money(paper, deal.tax, sign))


def _invoice(paper: Paper, deal: Deal, sign: str) -> float:
    random = paper.random
    seller_place = random.choice(("top", "top", "right", "foot"))
    if seller_place != "foot":
        _seller(paper, deal, 0.06 if seller_place == "top" else 0.6)
    _buyer(paper, deal)
    paper.next_row(2)
    paper.say(paper.word("heading"), size=random.choice((1.0, 2.0)))
    paper.next_row(2)
    number = str(random.randint(100, 10**7))
    days = (
        deal.day - timedelta(days=random.randint(1, 30)),
        deal.day + timedelta(days=random.randint(7, 40)),
    )
    rows = [
        (paper.word("number"), number),
        (paper.word("date"), _day(paper, deal.day)),
        (paper.word("other_date"), _day(paper, days[0])),
        (paper.word("due"), _day(paper, days[1])),
    ]
    for label, value in random.sample(rows, len(rows)):
        if label == rows[1][0] or random.random() < 0.7:
            paper.row(label, value, random.choice((0.06, 0.55)))
            if label == rows[0][0]:
                paper.facts["invoice_number"] = number
            elif label == rows[3][0]:
                paper.facts["due_date"] = days[1].isoformat()
    _items(paper, deal)
    _net_and_tax(paper, deal, sign)
    paper.row(paper.word("total"), _money(paper, deal.total, sign))
    paper.next_row(3)
    if seller_place == "foot" or random.random() < 0.4:
        _seller(paper, deal, random.choice((0.06, 0.4)))
    paper.say(paper.word("thanks"))
    return deal.total
