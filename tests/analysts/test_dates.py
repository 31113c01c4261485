"""Dates and periods in six languages, and the order of day and month."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.analysis.text.date_order import infer_order
from alfrd_events.analysis.text.dates import find_dates, find_months, find_periods
from alfrd_events.analysis.text.layout import fold

days = st.dates(min_value=date(1995, 1, 1), max_value=date(2039, 12, 31))


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("20/05/2018", "2018-05-20"),
        ("19/05/1612:01:43", "2016-05-19"),
        ("14/05/201812:14:08 PM", "2018-05-14"),
        ("24-MAR-2018", "2018-03-24"),
        ("30 Dec 17 18:40:57", "2017-12-30"),
        ("7. Mai 2014", "2014-05-07"),
        ("02 Juillet 2015", "2015-07-02"),
        ("19 april 2014", "2014-04-19"),
        ("3 de marzo de 2021", "2021-03-03"),
        ("1º gennaio 2020", "2020-01-01"),
        ("August 3 , 2014", "2014-08-03"),
        ("December 1st, 2022", "2022-12-01"),
        ("2018-03-23", "2018-03-23"),
        ("21.05.14", "2014-05-21"),
        ("27032018", "2018-03-27"),
        ("#001-001-0934-000105/01/2018 13:30-R", "2018-01-05"),
        ("570668 02~05-18", "2018-05-02"),
        ("20180428/191204", "2018-04-28"),
    ],
)
def test_a_date_is_read_as_printed(printed: str, expected: str) -> None:
    assert [found.value.isoformat() for found in find_dates(printed)] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2020",
        "03-4161 8936",
        "Lot 23/1",
        "12/144",
        "00/00/0000",
        "v1.2.3",
        "000105/01/2018",
        "20180428/1912",
    ],
)
def test_what_is_no_date_is_not_taken_for_one(text: str) -> None:
    assert find_dates(text) == []


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("03/04/2018 and 25/04/2018", "DMY"),
        ("03/04/2018 and 04/25/2018", "MDY"),
        ("03/04/2018 rm 12.00 kuala lumpur, malaysia", "DMY"),
        ("03/04/2018 $12.00 springfield, il 62701", "MDY"),
        ("03/04/2018 call (555) 234-5678", "MDY"),
        ("03/04/2018 call 555-234-5678", "MDY"),
        ("03/04/2018 call 555.234.5678", "MDY"),
        ("03/04/2018 call +1 555-234-5678", "MDY"),
        ("03/04/2018 call 1-800-234-5678", "MDY"),
        ("03/04/2018 call 03-2345 5678", "DMY"),
        ("03/04/2018 call 012-345 6789", "DMY"),
        ("03/04/2018 call +44 234-555-5678", "DMY"),
        ("03/04/2018 vat, 555-234-5678 or (555) 234-5678", "DMY"),
    ],
)
def test_the_order_of_day_and_month_is_inferred(text: str, order: str) -> None:
    assert infer_order(text).order == order


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("August 26 - September 25, 2024", "2024-08-26", "2024-09-25"),
        ("December 27 - January 26, 2025", "2024-12-27", "2025-01-26"),
        ("01.05.14-31.05.14", "2014-05-01", "2014-05-31"),
        ("02/01/2024 - 02/29/2024", "2024-02-01", "2024-02-29"),
        ("Feb 5, 2024 to Mar 4, 2024", "2024-02-05", "2024-03-04"),
    ],
)
def test_a_period_may_lack_the_year_of_its_first_end(text: str, first: str, last: str) -> None:
    order = infer_order(fold(text)).order
    (found,) = find_periods(text, order)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)


def test_a_named_month_is_a_period() -> None:
    (found,) = find_months("Rental Period: February 2024")
    assert (found.first, found.last) == (date(2024, 2, 1), date(2024, 2, 29))


@given(days, st.sampled_from("/-."))
def test_numeric_dates_round_trip(day: date, separator: str) -> None:
    printed = day.strftime(f"%d{separator}%m{separator}%Y")
    assert [found.value for found in find_dates(printed, "DMY")] == [day]


@given(days)
def test_american_dates_round_trip(day: date) -> None:
    assert [found.value for found in find_dates(day.strftime("%m/%d/%Y"), "MDY")] == [day]


@given(days, st.sampled_from(["%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%Y-%m-%d"]))
def test_worded_dates_round_trip(day: date, printed_as: str) -> None:
    assert [found.value for found in find_dates(day.strftime(printed_as))] == [day]


@given(st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    find_periods(text)
    list(find_months(text))
