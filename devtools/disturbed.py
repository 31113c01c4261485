"""Eight papers of a sender, made of its real ones: other amounts and dates, and faults that are on all of them.

Few real senders are in a collection with as many papers. So each paper is a real page with other figures: its amounts
are multiplied by one factor, so that sums stay sums, and its date is another day in the same form. What a sender does
to the rules is drawn by the seed, and stays the same on its papers: the words beside the total, or none; its name;
where the total stands. How the page lies on the glass is drawn for each paper.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from alfrd_events.analysis.text.naming import squashed
from alfrd_events.model import Box, Line, Page
from devtools.corpus import Known

_AMOUNT = re.compile(r"(?<![\d.,:/-])(\d{1,3}(?:([,.])\d{3})*|\d+)([.,])(\d\d)(?![\d.,:/%-])")
_DATE_FORMS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y"),
    *("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d. %B %Y"),
)
_SYLLABLES = ("ka", "lo", "mer", "tis", "van", "dro", "pel", "sun", "gri", "bo")
FAULTS = ("none", "label", "no label", "name", "no name", "place", "label and name")


@dataclass(frozen=True)
class Fault:
    """What a sender's papers do to the rules."""

    kind: str
    words: str
    name: str

    @classmethod
    def drawn(cls, random: Random) -> Fault:
        return cls(
            random.choice(FAULTS), _nonsense(random), f"{_nonsense(random)} {_nonsense(random)}".title()
        )

    @property
    def label(self) -> str | None:
        """The words before the total; ``None``: as printed."""
        return {"label": self.words, "label and name": self.words, "no label": ""}.get(self.kind)

    @property
    def printed_name(self) -> str | None:
        """What is printed for the company's name; ``None``: it."""
        return {"name": self.name, "label and name": self.name, "no name": ""}.get(self.kind)


def senders_of(known: Sequence[Known]) -> list[list[Known]]:
    """Real papers by sender: those whose total and date are printed in a form that can be replaced."""
    by_sender: dict[str, list[Known]] = defaultdict(list)
    for each in known:
        if (
            each.can_judge("total_amount")
            and each.can_judge("date")
            and each.truth["entity"]
            and _usable(each)
        ):
            by_sender[each.sender].append(each)
    return list(by_sender.values())


def papers_of(
    real: Sequence[Known], count: int, random: Random
) -> Iterator[tuple[list[Page], dict[str, Any]]]:
    """So many papers of one sender: pages, and what is right of them."""
    fault = Fault.drawn(random)
    for number in range(count):
        yield _paper(real[number % len(real)], fault, random)


def _usable(known: Known) -> bool:
    texts = [line.text for page in known.document.pages for line in page.lines]
    total = Decimal(str(known.truth["total_amount"]))
    return (
        total > 0
        and any(value == total for text in texts for value in _amounts(text))
        and any(_forms_in(text, date.fromisoformat(known.truth["date"])) for text in texts)
    )


def _paper(known: Known, fault: Fault, random: Random) -> tuple[list[Page], dict[str, Any]]:
    factor = Decimal(random.randrange(60, 240)) / 100
    was = date.fromisoformat(known.truth["date"])
    day = was + timedelta(days=random.randrange(-300, 300))
    total = Decimal(str(known.truth["total_amount"]))
    right, down, skew = (
        random.uniform(-0.01, 0.01),
        random.uniform(-0.01, 0.01),
        random.uniform(-0.006, 0.006),
    )
    names = [squashed(each) for each in (known.truth["entity"], *(known.truth.get("entity_also") or ()))]
    pages = []
    for page in known.document.pages:
        lines = _relabelled(page.lines, total, fault) if fault.label is not None else list(page.lines)
        lines = _swapped(lines, total) if fault.kind == "place" else lines
        changed = []
        for line in lines:
            text = line.text
            if fault.printed_name is not None and any(name and name in squashed(text) for name in names):
                text = fault.printed_name
            text = _dated(_scaled(text, factor), was, day)
            if text.strip():
                changed.append(replace(line, text=text, box=_laid(line.box, right, down, skew)))
        pages.append(replace(page, lines=tuple(changed), text=_text_of(changed), source="text_layer"))
    truth = {
        "document_type": known.truth["document_type"],
        "entity": known.truth["entity"],
        "document_date": day.isoformat(),
        "total_amount": f"{_times(total, factor):.2f}",
    }
    return pages, truth


def _times(amount: Decimal, factor: Decimal) -> Decimal:
    return (amount * factor).quantize(Decimal("0.01"))


def _amounts(text: str) -> list[Decimal]:
    return [_value(match) for match in _AMOUNT.finditer(text)]


def _value(match: re.Match[str]) -> Decimal:
    return Decimal(re.sub(r"\D", "", match[1]) + "." + match[4])


def _scaled(text: str, factor: Decimal) -> str:
    def printed(match: re.Match[str]) -> str:
        whole, cents = f"{_times(_value(match), factor):,.2f}".split(".")
        return whole.replace(",", match[2] or "") + match[3] + cents

    return _AMOUNT.sub(printed, text)


def _forms_in(text: str, day: date) -> list[str]:
    return [form for form in _DATE_FORMS if day.strftime(form).lower() in text.lower()]


def _dated(text: str, was: date, day: date) -> str:
    for form in _forms_in(text, was):
        text = re.sub(re.escape(was.strftime(form)), day.strftime(form), text, flags=re.IGNORECASE)
    return text


def _is_beside(line: Line, other: Line) -> bool:
    middle = (line.box[1] + line.box[3]) / 2
    return other.box[1] < middle < other.box[3]


def _relabelled(lines: Sequence[Line], total: Decimal, fault: Fault) -> list[Line]:
    """Other words, or none, before the total."""
    rows = [line for line in lines if total in _amounts(line.text)]
    changed = []
    for line in lines:
        text = line.text
        if line in rows:
            first = next(match for match in _AMOUNT.finditer(text) if _value(match) == total)
            before = text[: first.start()]
            if re.search(r"[^\W\d_]{3}", before):
                text = f"{fault.label} {text[first.start() :]}".strip()
        elif (
            any(_is_beside(row, line) for row in rows)
            and not _amounts(text)
            and re.search(r"[^\W\d_]{3}", text)
        ):
            text = fault.label or ""
        changed.append(replace(line, text=text))
    return changed


def _swapped(lines: Sequence[Line], total: Decimal) -> list[Line]:
    """The total, and another amount, each in the place of the other."""
    is_total = [line for line in lines if _amounts(line.text) == [total]]
    others = [line for line in lines if _amounts(line.text) and total not in _amounts(line.text)]
    if not is_total or not others:
        return list(lines)
    one, other = is_total[-1], others[-1]
    swapped = {id(one): replace(one, box=other.box), id(other): replace(other, box=one.box)}
    return [swapped.get(id(line), line) for line in lines]


def _laid(box: Box, right: float, down: float, skew: float) -> Box:
    down += skew * ((box[0] + box[2]) / 2 - 0.5)
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def _text_of(lines: Sequence[Line]) -> str:
    """The lines from top to bottom, those of one height beside each other."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda each: (each.box[1] + each.box[3]) / 2):
        if rows and _is_beside(line, rows[-1][0]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return "\n".join(
        "    ".join(each.text for each in sorted(row, key=lambda each: each.box[0])) for row in rows
    )


def _nonsense(random: Random) -> str:
    return "".join(random.choice(_SYLLABLES) for _ in range(random.randint(2, 4)))
