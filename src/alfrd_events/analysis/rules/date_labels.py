"""Labels beside dates: which says that a day is the paper's own, which that it is due, which that it is neither.

Their words are in ``text/words/dates.toml``.
"""

from __future__ import annotations

import re

from alfrd_events.analysis.text.vocabulary import any_of, beginnings, words

_TITLED = any_of("dates.titled")
_NUMBER_OF_A_PAPER = r"\W{0,3}[\w/.-]*\d[\w/.-]*"

_TITLED_DAYS = (
    rf"{_TITLED}\b[^.]{{0,40}}?\b{any_of('dates.of_day')}\s*$"
    rf"|{_TITLED}\W{{0,4}}$|{any_of('dates.titled_with_number')}.{{1,25}}{any_of('dates.of_day_after_number')}"
)
OWN = re.compile(rf"{any_of('dates.own')}|{any_of('dates.own_whole')}\b|{_TITLED_DAYS}")
NUMBERED = re.compile(
    rf"{beginnings('dates.number_sign')}{_NUMBER_OF_A_PAPER}\s+{any_of('dates.of_day_of_number')}\s*$"
)
"""A title with number and day: "Handelsrechnung Nr. TX-471102 vom"."""
OF_A_TITLED_PAPER = re.compile(rf"{_TITLED_DAYS}|{_TITLED}\b.*\d.*")
"""An invoice with its day, and its number between: on a reminder it is another paper."""
OF_ANOTHER = re.compile(words("dates.of_another"))
PLAIN = re.compile(
    rf"{beginnings('dates.plain', 'dates.plain_right_before')}\W{{0,3}}$|^\W*{any_of('dates.plain')}\b"
    rf"|{beginnings('dates.plain_before_sign')}\W"
)
PLACE = re.compile(rf"^\W*[^\W\d_][^\d,:;]{{1,30}},\s*(?:{any_of('dates.place_and_day')}\s)?\s*$")
"""A place before the day of a letter: "Lyon, le"."""
DUE = re.compile(words("dates.due"))
PAY_UNTIL = re.compile(words("dates.pay_until"))
WHOLE_DUE = re.compile(rf"^\W*(?:{DUE.pattern}|{PAY_UNTIL.pattern})\W*$")
NOT_DUE = re.compile(
    rf"{any_of('dates.before_not_due')}\W{{0,2}}(?:\w+\W+){{0,2}}{any_of('dates.due_word')}|{any_of('dates.not_due')}"
)
OTHER = re.compile(
    rf"{any_of('dates.other')}|{any_of('dates.other_whole')}\b|{any_of('dates.other_before_blank')}\s"
    rf"|{any_of('dates.other_at_the_end')}\W*$"
)
PERIOD = re.compile(
    rf"{any_of('dates.period')}|{any_of('dates.period_whole')}\b"
    rf"|{any_of('dates.period_from')}\b.*\b{any_of('dates.period_to')}\b"
)
PREFERRED_PERIOD = re.compile(
    rf"{any_of('dates.period_preferred')}|{any_of('dates.period_preferred_whole')}\b"
)
LONGER_PERIOD = re.compile(any_of("dates.period_longer"))
COLUMN_FROM = re.compile(rf"\b{any_of('dates.column_from')}\b")
COLUMN_TO = re.compile(rf"\b{any_of('dates.column_to')}\b")
DISCOUNT = re.compile(any_of("dates.discount"))
"""A day that is for those who pay early is no due date."""
BY = re.compile(rf"^\W*{any_of('dates.by')}\W*$")
AMOUNT_DUE_ON = re.compile(rf"{any_of('dates.amount_due_on')}\W*$")
PAY = re.compile(rf"^\W*{any_of('dates.please_pay')}\W*$")
WILL_BE = re.compile(rf"{any_of('dates.will_be_debited')}\W*{any_of('dates.on_day')}\W*$")
DEBITED = re.compile(any_of("dates.debited"))
UNTIL = re.compile(rf"\s*{any_of('dates.until')}(?![a-z])")
ENDS_WITH_UNTIL = re.compile(rf"\d\s*{any_of('dates.until')}\W*$")
HAS_ITS_VALUE = re.compile(rf"{beginnings('dates.number')}{_NUMBER_OF_A_PAPER}\s*$")
"""A number with its label: it explains no date that is printed apart from it."""
