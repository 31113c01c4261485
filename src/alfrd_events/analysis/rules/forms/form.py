"""What a form says of a document: its type, company, date, total, and the values of its boxes by name.

A form is known by what it calls itself and by boxes that hold values; neither alone makes one, as letters and
instructions speak of forms, too. On a payslip the boxes alone are enough, if there are several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from alfrd_events.analysis.rules.forms.boxes import (
    Boxed,
    amounts_in_boxes,
    dates_in_boxes,
    first_amount,
    identifier_in_box,
    lines_in_box,
)
from alfrd_events.analysis.rules.forms.captions import (
    ROWS_LOOKED_AT,
    Captions,
    begin_of,
    find_captions,
    names_in,
)
from alfrd_events.analysis.rules.name_words import ADDRESS, CONTACT
from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.dates import FoundDate, FoundPeriod, end_of_month, find_months
from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.naming import ENDS_WITH_LEGAL_FORM, ONLY_LEGAL_FORM, clean_name
from alfrd_events.analysis.text.parsed import ParsedText, Placed, segment_at
from alfrd_events.analysis.text.vocabulary import any_of, pattern, words

FEWEST_BOXES = 2
"""With values, on a form that says which one it is."""
FEWEST_BOXES_OF_A_SLIP = 3
"""With values, on a payslip that does not say that it is one; one of them is of what was earned before deductions."""
GROSS = frozenset({"slip.gross_pay", "slip.taxable_gross"})
WAGES = frozenset({"wage.wages", "wage.social_security_wages", "wage.medicare_wages"})
"""A statement of wages has one of them; a payslip can have all other boxes of it."""
ROWS_WITH_A_MONTH = 15
LONGEST_TITLE = 60
"""Characters; what is longer is a sentence."""
RETURN = re.compile(
    r"(?<!\d)(?P<number>1099|1098)\W{0,3}(?P<letters>int|nec|div|misc|oid|sa|g|r|k|b|s|q|c|a|e|t)(?![a-z0-9])"
    r"|form\W{0,3}(?P<plain>1098)(?!\d)|(?P<ssa>ssa)\W{0,3}1099"
)
EIN = re.compile(r"(?<!\d)\d{2}-\d{7}(?!\d)")
YEAR = re.compile(r"(?<![\d/.,-])(?:19[5-9]|20\d)\d(?![\d/.,-]\d|\d)")
TAX_YEAR = re.compile(rf"{words('forms.tax_year')}\W{{0,4}}((?:19[5-9]|20\d)\d)(?!\d)")
REVISION = re.compile(r"\(?\brev\W[^)]*\)?|omb no\W*[\d-]+|\bcat\W.*")
"""A form's own edition, which is no year of a tax."""
MONTH_AND_YEAR = re.compile(r"(?<![\d./-])(0?[1-9]|1[0-2])\s?[/.-]\s?((?:19|20)\d{2})(?![\d/-]|\.\d)")
MONTH_LABEL = re.compile(words("forms.month"))
ADDRESSEE = re.compile(rf"^\W*{any_of('forms.addressee')}(?:\.?\s|\W*$)")
ROWS_OF_AN_ADDRESS = 3
SPLIT_NAME = re.compile(rf"^\W*{ONLY_LEGAL_FORM}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Issuing:
    """Who a form is from, and where it says so."""

    name: str
    segment: Segment


@dataclass(frozen=True)
class Form:
    """A form with the values of its boxes."""

    name: str
    """As it is called: ``W-2``, ``1099-INT``, ``payslip``."""
    document_type: str
    amounts: Mapping[str, Boxed[Placed[Money]]]
    """Amount by the caption's name, such as ``wage.wages``."""
    identifiers: Mapping[str, tuple[str, Segment]]
    issuer: Issuing | None
    not_issuers: Sequence[Segment]
    """Captions, and lines with the name and the address of the one who was paid."""
    total: Boxed[Placed[Money]] | None
    day: Placed[FoundDate] | None
    period: Placed[FoundPeriod] | None

    @property
    def is_of_taxes(self) -> bool:
        return self.document_type == "tax"

    def fields(self) -> Iterator[tuple[str, str, Segment]]:
        """Name, value and place of each box that is read."""
        for name, boxed in self.amounts.items():
            yield name.partition(".")[2], str(boxed.value.value.value), boxed.value.segment
        for name, (number, segment) in self.identifiers.items():
            yield name.partition(".")[2], number, segment


def find_form(parsed: ParsedText) -> Form | None:
    """The form that a document is, with what its boxes hold; ``None`` for other documents."""
    return _statement_of_wages(parsed) or _information_return(parsed) or _payslip(parsed)


def _statement_of_wages(parsed: ParsedText) -> Form | None:
    if not _title(parsed, pattern("forms.title.w2")):
        return None
    form = _of_taxes(parsed, "W-2", names_in("wage"), ("wage.wages",))
    return form if form is not None and WAGES & form.amounts.keys() else None


def _information_return(parsed: ParsedText) -> Form | None:
    title = _title(parsed, RETURN)
    if title is None:
        return None
    number = title["number"] or title["plain"] or "SSA-1099"
    name = f"{number}-{title['letters'].upper()}" if title["letters"] else number
    income = names_in("income")
    return _of_taxes(parsed, name, (*income, *names_in("detail")), income)


def _of_taxes(parsed: ParsedText, name: str, boxes: Sequence[str], totals: Sequence[str]) -> Form | None:
    captions = _captions(parsed, boxes)
    amounts = _named(amounts_in_boxes(captions), boxes)
    if len(amounts) < FEWEST_BOXES:
        return None
    year = _tax_year(parsed)
    day = period = None
    if year is not None:
        placed, number = year
        first, last = date(number, 1, 1), date(number, 12, 31)
        day = Placed(
            FoundDate(last, placed.start, placed.end, placed.value), placed.segment, placed.start, placed.end
        )
        span = FoundPeriod(first, last, placed.start, placed.end, placed.value)
        period = Placed(span, placed.segment, placed.start, placed.end)
    return Form(
        name,
        "tax",
        amounts,
        dict(_identifiers(captions)),
        _issuer(captions),
        _not_issuers(captions),
        first_amount(amounts, totals),
        day,
        period,
    )


def _payslip(parsed: ParsedText) -> Form | None:
    if not pattern("forms.slip.net_pay").search(parsed.layout.folded):
        return None
    boxes = names_in("slip")
    captions = _captions(parsed, boxes)
    amounts = _named(amounts_in_boxes(captions), boxes)
    is_named = _title(parsed, pattern("forms.title.payslip")) is not None
    total = first_amount(amounts, ("slip.net_pay",)) or first_amount(amounts, ("slip.net_earnings",))
    if total is None or not (is_named or GROSS & amounts.keys()):
        return None
    if len(amounts) < (FEWEST_BOXES if is_named else FEWEST_BOXES_OF_A_SLIP):
        return None
    dates = dates_in_boxes(captions)
    period = _period_of_days(dates) or _month(parsed)
    paid = dates.get("pay_date") or dates.get("period_end")
    day = paid.value if paid else None
    if day is None and period is not None:
        last = FoundDate(period.value.last, period.start, period.end, period.value.text)
        day = Placed(last, period.segment, period.start, period.end)
    return Form(
        "payslip", "payroll", amounts, {}, _issuer(captions), _not_issuers(captions), total, day, period
    )


def _title(parsed: ParsedText, title: re.Pattern[str]) -> re.Match[str] | None:
    """Where a form says which one it is; a sentence that speaks of forms does not."""
    for row in parsed.rows[:ROWS_LOOKED_AT]:
        for segment in row.segments:
            if len(segment.text) <= LONGEST_TITLE and (match := title.search(segment.folded)):
                return match
    return None


def _captions(parsed: ParsedText, boxes: Sequence[str]) -> Captions:
    longer = (*names_in("identifier"), "other_box")  # "employer identification number" before "employer"
    others = ("issuer", "recipient", "pay_date", "period_end", "period_begin")
    return Captions(parsed, find_captions(parsed, (*longer, *others, *boxes)))


def _named(
    amounts: Mapping[str, Boxed[Placed[Money]]], boxes: Sequence[str]
) -> dict[str, Boxed[Placed[Money]]]:
    return {name: amounts[name] for name in boxes if name in amounts}


def _identifiers(captions: Captions) -> Iterator[tuple[str, tuple[str, Segment]]]:
    for caption in reversed(captions.all):
        if caption.name in names_in("identifier"):
            found = identifier_in_box(caption, captions, EIN)
            if found is not None:
                yield caption.name, (found.text, found.segment)


def _issuer(captions: Captions) -> Issuing | None:
    """The first line in the box of the employer, or of the payer, that could be a name."""
    for caption in captions.all:
        if caption.name == "issuer":
            lines = [
                line for line in lines_in_box(caption, captions) if not CONTACT.search(line.segment.folded)
            ]
            for number, line in enumerate(lines):
                name = clean_name(line.text)
                if ADDRESS.search(name.lower()) and not ENDS_WITH_LEGAL_FORM.search(name):
                    continue
                if len(re.findall(r"[^\W\d_]", name)) < 2:
                    continue
                rest = lines[number + 1].text if number + 1 < len(lines) else ""
                return Issuing(clean_name(f"{name} {rest}") if SPLIT_NAME.match(rest) else name, line.segment)
    return None


def _not_issuers(captions: Captions) -> list[Segment]:
    """Captions, the lines in the boxes of those who were paid, and of an address that begins with "Mr" or "Mrs"."""
    found = [each.segment for each in captions.all if _are_most_of(each.segment, captions)]
    for caption in captions.all:
        if caption.name == "recipient":
            found += [line.segment for line in lines_in_box(caption, captions)]
    layout = captions.parsed.layout
    for row in layout.rows[:ROWS_LOOKED_AT]:
        for segment in row.segments:
            if ADDRESSEE.match(segment.folded):
                found += [segment, *layout.below(segment, reach=ROWS_OF_AN_ADDRESS)]
    return found


def _are_most_of(segment: Segment, captions: Captions) -> bool:
    """ "Rents" is no name of a company, "Acme Rents Inc" could be one."""
    own = [each for each in captions.of_row(segment.row) if each.segment is segment]
    return 5 * sum(each.end - each.start for each in own) >= 3 * len(segment.text)


# --- days ---------------------------------------------------------------------------------------


def _tax_year(parsed: ParsedText) -> tuple[Placed[str], int] | None:
    """The year that a form is for: by its label, in its title, or alone in a large print."""
    rows = parsed.rows[:ROWS_LOOKED_AT]
    for row in rows:
        if match := TAX_YEAR.search(row.folded):
            return _year(row, match.start(1), match.end(1))
    for row in rows:
        if re.search(rf"{words('forms.tax_year')}\W*$", row.folded):
            for below in parsed.rows[row.index + 1 : row.index + 3]:
                if match := re.fullmatch(r"\W*((?:19[5-9]|20\d)\d)\W*", below.segments[0].folded):
                    return _year(below, match.start(1), match.end(1))
    title = re.compile(rf"{any_of('forms.title.w2')}|{RETURN.pattern}")
    for is_title in (True, False):
        for row in rows:
            for segment in row.segments:
                begin = begin_of(segment, row)
                plain = REVISION.sub(lambda match: " " * len(match[0]), segment.folded)
                alone = YEAR.fullmatch(plain.strip())
                if (title.search(plain) if is_title else alone) and (match := YEAR.search(plain)):
                    return _year(row, begin + match.start(), begin + match.end())
    return None


def _year(row: Row, start: int, end: int) -> tuple[Placed[str], int]:
    text = row.text[start:end]
    return Placed(text, segment_at(row, start), start, end), int(text)


def _period_of_days(dates: Mapping[str, Boxed[Placed[FoundDate]]]) -> Placed[FoundPeriod] | None:
    begin, end = dates.get("period_begin"), dates.get("period_end")
    if begin is None or end is None or begin.value.value.value > end.value.value.value:
        return None
    first, last = begin.value, end.value
    span = FoundPeriod(first.value.value, last.value.value, first.start, first.end, first.value.text)
    return Placed(span, first.segment, first.start, first.end)


def _month(parsed: ParsedText) -> Placed[FoundPeriod] | None:
    """The days, or the month, that a payslip is for: beside or under its label or title, else among the first rows."""
    rows = parsed.rows[:ROWS_LOOKED_AT]
    title = pattern("forms.title.payslip")
    for row in rows:
        if MONTH_LABEL.search(row.folded) or title.search(row.folded):
            for each in parsed.rows[row.index : row.index + 2]:
                found = next(iter(parsed.periods[each.index]), None) or _month_in(each, parsed)
                if found is not None and each.page == row.page:
                    return found
    heads = (_named_month(row, parsed) for row in rows[:ROWS_WITH_A_MONTH])
    return next((found for found in heads if found is not None), None)


def _month_in(row: Row, parsed: ParsedText) -> Placed[FoundPeriod] | None:
    if found := _named_month(row, parsed):
        return found
    if match := MONTH_AND_YEAR.search(row.text):
        first = date(int(match[2]), int(match[1]), 1)
        span = FoundPeriod(first, end_of_month(first), match.start(), match.end(), match[0])
        return Placed(span, segment_at(row, match.start()), match.start(), match.end())
    return None


def _named_month(row: Row, parsed: ParsedText) -> Placed[FoundPeriod] | None:
    """The first month with its year that is no part of a day."""
    days = parsed.dates[row.index]
    for month in find_months(row.text):
        if not any(day.start < month.end and month.start < day.end for day in days):
            return Placed(month, segment_at(row, month.start), month.start, month.end)
    return None
