"""What dates and amounts say, case by case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from alfrd_events.analysis.calendar.rhythm import learn
from alfrd_events.analysis.calendar.watching import watch
from alfrd_events.model.calendar import Alert, Dated, SeriesHistory, Watch

MONTHLY = ["2024-01-10", "2024-02-12", "2024-03-11", "2024-04-10", "2024-05-10", "2024-06-10"]


def seen(
    days: list[str],
    *,
    now: str = "",
    amounts: list[str] | None = None,
    kind: str = "electricity bill",
    **each: list[str],
) -> Watch:
    """What is seen of documents that arrived the day after their date."""
    documents = tuple(
        Dated(
            UUID(int=number),
            f"{number}.pdf",
            date.fromisoformat(day),
            datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1),
            Decimal(amounts[number]) if amounts else None,
            "USD",
            **{name: values[number] for name, values in each.items()},  # type: ignore[arg-type]
        )
        for number, day in enumerate(days)
    )
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC) if now else documents[-1].arrived
    return watch(SeriesHistory(UUID(int=99), "Harborlight", kind, moment, documents))


def kinds(found: Watch) -> list[tuple[str, str]]:
    return [(alert.kind, alert.key) for alert in found.alerts]


def only(found: Watch) -> Alert:
    (alert,) = found.alerts
    return alert


@pytest.mark.parametrize(
    ("days", "frequency"),
    [
        (["2024-01-05", "2024-01-12", "2024-01-19", "2024-01-27"], "weekly"),
        (["2024-01-05", "2024-01-19", "2024-02-02"], "biweekly"),
        (["2024-01-31", "2024-02-29", "2024-03-29"], "monthly"),
        (["2024-01-31", "2024-02-29", "2024-04-30"], "monthly"),
        (["2024-01-10", "2024-03-11", "2024-05-10"], "bimonthly"),
        (["2024-01-10", "2024-04-11", "2024-07-10"], "quarterly"),
        (["2024-01-10", "2024-07-11", "2025-01-10"], "semiannual"),
        (["2022-03-01", "2023-03-04", "2024-02-28"], "annual"),
    ],
)
def test_a_frequency_is_learned_from_three_dates(days: list[str], frequency: str) -> None:
    found = seen(days)

    assert found.frequency == frequency
    assert found.confidence > 0.6


@pytest.mark.parametrize(
    "days",
    [
        ["2024-01-10"],
        ["2024-01-10", "2024-02-10"],
        ["2024-01-10", "2024-01-10", "2024-01-10", "2024-01-10"],
        ["2024-01-03", "2024-01-09", "2024-02-20", "2024-02-22", "2024-05-01", "2024-05-19", "2024-05-20"],
    ],
)
def test_dates_without_a_rhythm_have_none(days: list[str]) -> None:
    found = seen(days, now="2026-01-01")

    assert (found.frequency, found.expected, found.next_at, found.alerts) == ("", None, None, ())


def test_bills_of_every_28_days_are_expected_by_their_days() -> None:
    days = [date(2024, 1, 3) + timedelta(days=28 * number) for number in range(10)]

    rhythm = learn(days)

    assert rhythm is not None
    assert rhythm.cycle.name == "monthly"
    assert rhythm.expected(rhythm.last_place + 1) == days[-1] + timedelta(days=28)


def test_a_bill_is_late_then_missing_then_the_sender_has_ended() -> None:
    followed = seen(MONTHLY)
    assert followed.expected == date(2024, 7, 10)
    assert followed.alerts == ()
    assert followed.next_at is not None

    late = seen(MONTHLY, now=followed.next_at.isoformat()[:10])
    missing = seen(MONTHLY, now="2024-08-12")
    ended = seen(MONTHLY, now="2024-12-01")

    assert kinds(late) == [("late", "2024-07-10")]
    assert "has not come yet; it was expected between 5 and 15 Jul 2024" in only(late).detail
    assert kinds(missing) == [("missing", "2024-07-10")]
    assert kinds(ended) == [("ended", "after 2024-06-10")]
    assert (ended.has_ended, ended.expected, ended.next_at) == (True, None, None)


def test_each_look_says_when_the_next_one_is_due() -> None:
    now = "2024-06-11"
    looks = 0
    while (next_at := seen(MONTHLY, now=now).next_at) is not None:
        assert next_at.date().isoformat() > now
        now = next_at.date().isoformat()
        looks += 1

    assert looks < 10
    assert kinds(seen(MONTHLY, now=now))[-1][0] == "ended"


def test_a_hole_is_missing_and_an_archive_tells_of_its_holes_only() -> None:
    holed = [*MONTHLY[:3], *MONTHLY[4:], "2024-07-10"]

    archive = seen(holed, now="2026-11-29")
    documents_of_an_archive = SeriesHistory(
        UUID(int=99),
        "Harborlight",
        "electricity bill",
        datetime(2026, 11, 29, tzinfo=UTC),
        tuple(
            Dated(UUID(int=number), "a.pdf", date.fromisoformat(day), datetime(2026, 11, 29, tzinfo=UTC))
            for number, day in enumerate(holed)
        ),
    )

    assert kinds(archive)[0] == ("missing", "2024-04-10")
    assert kinds(archive)[1][0] == "ended"
    assert kinds(watch(documents_of_an_archive)) == [("missing", "2024-04-10")]
    assert watch(documents_of_an_archive).next_at is None


def test_a_price_jump_is_told_once_and_usual_from_then_on() -> None:
    before, after = ["45.00"] * 4, ["59.00"] * 2

    jump = only(seen(MONTHLY[:5], amounts=[*before, after[0]]))
    later = seen(MONTHLY, amounts=[*before, *after])

    assert jump.kind == "amount"
    assert jump.data["percent"] == 31.1
    assert "59.00 USD, 31 % more than the usual 45.00 USD" in jump.detail
    assert kinds(later) == [("amount", jump.key)]
    assert later.usual_amount == Decimal("59.00")


def test_amounts_that_vary_are_not_odd_when_they_vary_a_little_more() -> None:
    assert seen(MONTHLY, amounts=["80", "95", "110", "90", "70", "120"]).alerts == ()


def test_balances_are_no_prices() -> None:
    amounts = ["100", "100", "100", "100", "100", "9000"]

    assert seen(MONTHLY, amounts=amounts, kind="bank statement").alerts == ()
    assert only(seen(MONTHLY, amounts=amounts)).kind == "amount"


def test_the_same_bill_twice_is_a_duplicate_unless_its_number_differs() -> None:
    days, amounts = [*MONTHLY, MONTHLY[-1]], ["1", "2", "3", "4", "5", "6", "6"]
    numbers = ["a", "b", "c", "d", "e", "f", "g"]

    assert kinds(seen(days, amounts=amounts)) == [("duplicate", f"duplicate {UUID(int=6)}")]
    assert seen(days, amounts=amounts, number=numbers).alerts == ()


def test_a_duplicate_is_told_however_old_it_is() -> None:
    days = [f"{2020 + month // 12}-{month % 12 + 1:02}-05" for month in range(24)]

    alert = only(seen([days[0], *days], amounts=["7.50"] * 25))

    assert (alert.kind, alert.is_news) == ("duplicate", True)


def test_another_bank_account_is_told_and_a_misread_one_is_not() -> None:
    iban = "DE89 3704 0044 0532 0130 00"
    same = [iban, iban, "", iban.replace(" ", ""), iban.replace("0", "O", 1), iban.replace("5", "6")]

    assert seen(MONTHLY, bank_account=same).alerts == ()
    changed = only(seen(MONTHLY, bank_account=[*same[:5], "GB29 NWBK 6016 1331 9268 19"]))
    assert changed.kind == "changed"
    assert "another bank account to pay to" in changed.detail


def statements(days: list[str], balances: list[tuple[str, str]], **each: list[str]) -> Watch:
    """What is seen of statements with these opening and closing balances; an empty one was not read."""
    moment = datetime.fromisoformat(days[-1]).replace(tzinfo=UTC)
    documents = tuple(
        Dated(
            UUID(int=number),
            f"{number}.pdf",
            date.fromisoformat(day),
            moment,
            None,
            "USD",
            opening=Decimal(balances[number][0]) if balances[number][0] else None,
            closing=Decimal(balances[number][1]) if balances[number][1] else None,
            account=each["accounts"][number] if "accounts" in each else "5500 3306",
            period_start=date.fromisoformat(each["starts"][number]) if "starts" in each else None,
            period_end=date.fromisoformat(day) if "starts" in each else None,
        )
        for number, day in enumerate(days)
    )
    return watch(SeriesHistory(UUID(int=99), "Lantern Bank", "bank statement", moment, documents))


MONTH_ENDS = ["2024-01-31", "2024-02-29", "2024-03-29", "2024-04-30"]
FOLLOWING = [("100", "120"), ("120", "80"), ("80", "95"), ("95", "99")]


def test_a_statement_begins_with_the_last_closing_balance() -> None:
    assert statements(MONTH_ENDS, FOLLOWING).alerts == ()
    two = statements(MONTH_ENDS[:2], [("1", "2"), ("3", "4")], starts=["2024-01-01", "2024-02-01"])
    assert only(two).kind == "balance", "where the periods tell, two are enough"

    broken = only(statements(MONTH_ENDS, [*FOLLOWING[:2], ("75", "95"), FOLLOWING[3]]))

    assert (broken.kind, broken.key, broken.document_id) == ("balance", f"balance {UUID(int=2)}", UUID(int=2))
    assert broken.detail == (
        "Lantern Bank: 2.pdf of 29 Mar 2024 begins with 75.00 USD, but 1.pdf of 29 Feb 2024 ended with 80.00 USD;"
        " the difference is 5.00 USD"
    )
    assert broken.data == {
        "entity": "Lantern Bank",
        "paper": "bank statement",
        "filename": "2.pdf",
        "day": "2024-03-29",
        "currency": "USD",
        "opening": "75",
        "closing": "80",
        "difference": "-5",
        "before": str(UUID(int=1)),
        "before_filename": "1.pdf",
        "before_day": "2024-02-29",
    }


def test_a_statement_that_is_missing_in_between_is_missing_and_no_broken_balance() -> None:
    days = ["2023-12-29", *MONTH_ENDS[:3], "2024-05-31"]
    found = statements(days, [("90", "100"), *FOLLOWING[:3], ("99", "200")])

    assert kinds(found) == [("missing", "2024-04-30")]
    starts = ["2024-01-01", "2024-03-01"]
    two = ["2024-01-31", "2024-03-29"]
    assert statements(two, [("1", "2"), ("3", "4")], starts=starts).alerts == ()


@pytest.mark.parametrize(
    ("days", "balances", "each"),
    [
        (["2024-01-31", "2024-02-29"], [("1", "2"), ("3", "4")], {}),
        (MONTH_ENDS, [*FOLLOWING[:2], ("", "95"), FOLLOWING[3]], {}),
        (MONTH_ENDS, [FOLLOWING[0], ("120", ""), ("75", "95"), FOLLOWING[3]], {}),
        (MONTH_ENDS, [*FOLLOWING[:2], ("-80", "95"), FOLLOWING[3]], {}),
        (
            ["2024-01-31", "2024-02-29"],
            [("1", "2"), ("3", "4")],
            {"starts": ["2024-01-01", "2024-02-01"], "accounts": ["5500 3306", "7710 9982"]},
        ),
        (
            ["2024-01-31", "2024-02-29", "2024-02-29", "2024-03-29"],
            [("1", "2"), ("2", "3"), ("2", "8"), ("3", "4")],
            {"starts": ["2024-01-01", "2024-02-01", "2024-02-01", "2024-03-01"]},
        ),
    ],
    ids=["no rhythm", "no opening", "no closing", "another sign", "two accounts", "two scans"],
)
def test_what_cannot_be_told_of_balances_is_not_said(
    days: list[str], balances: list[tuple[str, str]], each: dict[str, list[str]]
) -> None:
    assert [alert for alert in statements(days, balances, **each).alerts if alert.kind == "balance"] == []
