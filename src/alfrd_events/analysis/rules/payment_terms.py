"""The last day to pay where no label names it: in a sentence ("please pay … by"), or as a term ("within 14 days").

Terms are counted from the paper's own date: days, weeks, a month, to the end of a month, or at once. What is said of
those who pay early (a discount) or late (interest) is no term. Words are in ``text/words/dates.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from alfrd_events.analysis.rules.date_labels import DISCOUNT
from alfrd_events.analysis.text.dates import FoundDate, end_of_month
from alfrd_events.analysis.text.layout import Row, without_accents
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.analysis.text.vocabulary import any_of, phrases, words

LONGEST_TERM = 180
BEFORE, AFTER = 90, 50
"""Characters of a sentence that are looked at on both sides of a day."""
_AFAR = r"[^.;\d]{0,40}?"
LAST_DAY = re.compile(rf"{words('dates.last_day')}\W{{0,3}}$")
PAYING = re.compile(words("dates.paying"))
NO_LAST_DAY = re.compile(words("dates.no_last_day"))
DUE_BEHIND = re.compile(rf"^\W{{0,3}}{words('dates.due_behind')}")
CLAUSE = re.compile(rf"[,;.(/](?!\d)|{words('dates.clause')}")
SENTENCE = re.compile(r"(?<!\d)[.;!?]\s|\d\.\s(?=[a-z]{3})|:\s*$")
OF_ITS_PERCENT = re.compile(r"\d\s?%")
TO_END_OF_MONTH = re.compile(rf"\W{{0,4}}{words('dates.end_of_month')}")
ON_DAY = re.compile(rf"\W{{0,4}}{any_of('dates.on_day_of_next_month')}\s*(\d{{1,2}})(?![\d/.-])")
FROM_END_OF_MONTH = re.compile(rf"{words('dates.after_end_of_month')}\W{{0,4}}$")


@dataclass(frozen=True, slots=True)
class _Term:
    """How many days after the paper's date something is to be paid."""

    days: int
    start: int
    end: int
    to_end_of_month: bool = False
    from_end_of_month: bool = False
    day_of_next_month: int = 0
    months: int = 0

    def after(self, day: date) -> date:
        start = end_of_month(day) if self.from_end_of_month else day
        for _ in range(self.months):
            following = end_of_month(start) + timedelta(days=1)
            start = min(end_of_month(following), following + timedelta(days=start.day - 1))
        found = start + timedelta(days=self.days)
        last = end_of_month(found) if self.to_end_of_month else found
        return last + timedelta(days=self.day_of_next_month)


def day_in_a_sentence(parsed: ParsedText, earliest: date = date.min) -> Placed[FoundDate] | None:
    """The day of a sentence that speaks of paying: right behind "by" and the like, or right before "is due".

    :param earliest: days before it are of something else.
    """
    for row, dates in zip(parsed.rows, parsed.dates, strict=True):
        for index, placed in enumerate(dates):
            if placed.value.value < earliest:
                continue
            if _is_second_choice(row.folded, dates, index):
                return placed
            begin = dates[index - 1].end if index else 0
            end = dates[index + 1].start if index + 1 < len(dates) else len(row.folded)
            before = row.folded[begin : placed.start]
            if not index and len(before) < BEFORE:
                before = f"{_row_above(parsed, row)} {before}"
            after = row.folded[placed.end : min(end, placed.end + AFTER)]
            if index + 1 == len(dates) and len(after) < AFTER:
                after = f"{after} {_row_below(parsed, row)}"[:AFTER]
            if _is_last_day(_last_sentence(before[-BEFORE:]), SENTENCE.split(after)[0]):
                return placed
    return None


def is_for_early_ones(text: str, day: tuple[int, int], end: int) -> bool:
    """Whether the clause that a day is in gives a discount.

    :param end: where the next day begins, or the text ends.
    """
    behind = CLAUSE.split(text[day[1] : end])[0]
    return bool(DISCOUNT.search(behind) or OF_ITS_PERCENT.search(behind))


def _is_second_choice(text: str, dates: Sequence[Placed[FoundDate]], index: int) -> bool:
    """Whether it is the last day for those who take no discount: "payable by … with 2 %, or by … in full"."""
    if not index or not LAST_DAY.search(text[: dates[index].start]):
        return False
    first, second = dates[index - 1], dates[index]
    between = text[first.end : second.start]
    return bool(DISCOUNT.search(between) or OF_ITS_PERCENT.search(between)) and bool(
        PAYING.search(text[: first.start])
    )


def _is_last_day(before: str, after: str) -> bool:
    sentence = f"{before}|{after}"
    if NO_LAST_DAY.search(sentence) or DISCOUNT.search(sentence):
        return False
    if LAST_DAY.search(before):
        return bool(PAYING.search(sentence))
    return bool(DUE_BEHIND.search(after)) and bool(re.search(r"[a-z]{2}", before))


def _last_sentence(text: str) -> str:
    return SENTENCE.split(text)[-1]


def _row_above(parsed: ParsedText, row: Row) -> str:
    above = parsed.rows[row.index - 1] if row.index else None
    return (
        above.folded if above is not None and above.page == row.page and not parsed.dates[above.index] else ""
    )


def _row_below(parsed: ParsedText, row: Row) -> str:
    below = parsed.rows[row.index + 1] if row.index + 1 < len(parsed.rows) else None
    return (
        below.folded if below is not None and below.page == row.page and not parsed.dates[below.index] else ""
    )


def day_of_terms(own: Placed[FoundDate], parsed: ParsedText, *, is_receipt: bool) -> Placed[FoundDate] | None:
    """The last day to pay, counted from the paper's own date; the first term that a row gives.

    :param is_receipt: what was paid at a till is not to be paid at once.
    """
    for row in parsed.rows:
        text = f"{row.folded}\n{_row_below(parsed, row)}"
        term = next((each for each in _terms(text) if each.start < len(row.folded)), None)
        if term is None and not is_receipt and (match := _at_once().search(row.folded)):
            term = _Term(0, *match.span())
        if term is not None and term.days <= LONGEST_TERM:
            start, end = term.start, min(term.end, len(row.text))
            found = FoundDate(term.after(own.value.value), start, end, row.text[start:end])
            return Placed(found, row.segments[0], start, end)
    return None


def _terms(text: str) -> Iterator[_Term]:
    """The terms of payment in a text, those with a discount left out."""
    if match := _by_end_of_month().search(text):
        yield _Term(0, *match.span(), to_end_of_month=True)
    for match in _in_days().finditer(text):
        if _is_for_early_ones(text, match) or NO_LAST_DAY.search(_clause(text, match)):
            continue
        number = next((value for value in match.groups() if value is not None), None)
        before = text[: match.start(match.lastindex)] if match.lastindex else text[: match.start()]
        if number is None:
            yield _Term(0, *match.span(), months=1)
            continue
        days = int(number) if number.isdigit() else next(iter(_number_words()[number].values()))
        weeks = 7 if _weeks().match(text, match.end(match.lastindex or 0)) else 1
        behind = TO_END_OF_MONTH.match(text, match.end())
        yield _Term(
            days * weeks,
            *match.span(),
            to_end_of_month=behind is not None,
            day_of_next_month=_day_of_next_month(text, behind.end()) if behind else 0,
            from_end_of_month=FROM_END_OF_MONTH.search(before) is not None,
        )


def _day_of_next_month(text: str, start: int) -> int:
    """ "30 jours fin de mois le 10": the tenth of the month that follows."""
    match = ON_DAY.match(text, start)
    return min(28, int(match[1])) if match else 0


def _clause(text: str, match: re.Match[str]) -> str:
    """The part of a sentence that a term is in; what divides it does not stand within the term itself."""
    begin = max((each.end() for each in CLAUSE.finditer(text, 0, match.start())), default=0)
    following = CLAUSE.search(text, match.end())
    return text[begin : following.start() if following else len(text)]


def _is_for_early_ones(text: str, match: re.Match[str]) -> bool:
    clause = _clause(text, match)
    return bool(DISCOUNT.search(clause) or OF_ITS_PERCENT.search(clause))


@cache
def _in_days() -> re.Pattern[str]:
    """A number of days, or a month, with what says that it is a term; the number in the one group that matches."""
    return re.compile("|".join(_sources()))


def _sources() -> Iterator[str]:
    """How languages say that something is to be paid within a number of days."""
    for language in phrases("dates.days"):
        number = _number(language)
        names = [name for name in ("dates.days", "dates.weeks") if language in phrases(name)]
        unit = rf"(?:{'|'.join(any_of(name, language=language) for name in names)})(?![a-z])"
        month = any_of("dates.one_month", language=language) if language in phrases("dates.one_month") else ""
        paid = rf"(?<![a-z]){any_of('dates.paid_in_days', language=language)}"
        behind = any_of("dates.days_after", language="english")
        if language == "english":  # its words are too common to be looked for from afar
            within = any_of("dates.within")
            counted = rf"{number}(?:\s*\(\d+\))?\s*(?:[a-z]+\s)?{unit}"
            yield rf"{paid}\W{{0,3}}(?:{within}\s*)?{counted}"
            yield rf"(?<![a-z]){any_of('dates.within_from_afar')}\W{{0,3}}(?:{counted}|{month})"
            yield rf"{within}\s*{counted}\s*{behind}"
        else:
            yield rf"{paid}{_AFAR}(?<!\w)(?:{number}\s*{unit}{f'|{month}' if month else ''})"
        if language in phrases("dates.to_be_paid"):
            to_be_paid = any_of("dates.to_be_paid", language=language)
            yield rf"(?<!\w){number}\s*{unit}\s*[^.;,\d]{{0,20}}?{to_be_paid}"
        if language in phrases("dates.days_in_full"):
            yield rf"(?<!\w){number}\s*{unit}\s*{any_of('dates.days_in_full', language=language)}"
        if language in phrases("dates.net_days"):
            yield rf"(?<!\w){any_of('dates.net_days', language=language)}\s*{number}\s*{unit}"
        if language in phrases("dates.end_of_month"):
            yield rf"(?<!\w){number}\s*{unit}(?=\W{{0,4}}{any_of('dates.end_of_month', language=language)})"
        if language in phrases("dates.after_end_of_month"):
            yield rf"{any_of('dates.after_end_of_month', language=language)}\W{{1,4}}{number}\s*{unit}"
    yield rf"(?<![a-z]){any_of('dates.net')}\s*(\d{{1,3}})(?! *[\d.,%])"


def _number(language: str) -> str:
    """The source of a group with a number, in digits or as a word of a language."""
    named = [word for word, languages in _number_words().items() if language in languages]
    return "(" + "|".join([r"\d{1,3}", *sorted(named, key=len, reverse=True)]) + ")"


@cache
def _number_words() -> dict[str, dict[str, int]]:
    """Word → what it means by language."""
    found: dict[str, dict[str, int]] = {}
    for number in phrases("dates.number_word"):
        for language, listed in phrases(f"dates.number_word.{number}").items():
            for word in listed:
                found.setdefault(without_accents(word), {})[language] = int(number)
    return found


@cache
def _weeks() -> re.Pattern[str]:
    return re.compile(rf"(?:\s*\(\d+\))?\s*{any_of('dates.weeks')}(?![a-z])")


@cache
def _at_once() -> re.Pattern[str]:
    return re.compile(words("dates.at_once"))


@cache
def _by_end_of_month() -> re.Pattern[str]:
    return re.compile(words("dates.by_end_of_month"))
