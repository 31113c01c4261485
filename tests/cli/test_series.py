"""``series show``, ``calendar`` and ``alerts`` on a year of bills."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.program import Program, plain

BILL = """Kittiwake Mobile Ltd.
Mobile phone bill
Account number: 88-120-7
Bill date: {day}
Due date: {due}
Total amount due: ${amount}
"""


def phone_bill(directory: Path, day: date, amount: str) -> Path:
    """A bill of Kittiwake Mobile."""
    path = directory / f"phone-{day}.txt"
    due = day + timedelta(days=20)
    path.write_text(
        BILL.format(
            day=f"{day:%B} {day.day}, {day.year}", due=f"{due:%B} {due.day}, {due.year}", amount=amount
        )
    )
    return path


@pytest.fixture
def followed(program: Program, tmp_path: Path) -> Program:
    """Six phone bills that end this month; the fourth is missing, the last is dearer."""
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=30 * back + 3) for back in (7, 6, 5, 4, 2, 1, 0)]
    amounts = ["42.00"] * 6 + ["58.80"]
    program("add", *[phone_bill(tmp_path, day, amount) for day, amount in zip(days, amounts, strict=True)])
    program("run", "--once")
    return program


def test_a_year_of_bills_shows_what_is_missing_and_odd(followed: Program) -> None:
    listed = followed.json("alerts")
    assert sorted(alert["kind"] for alert in listed) == ["amount", "missing"]
    assert "40 % more than the usual 42.00 USD" in followed.inside("alerts")[0]
    followed.environment["COLUMNS"] = "60"
    _, seen = followed.on_terminal("alerts")
    assert "40 % more than the usual 42.00 USD" in " ".join(plain(seen).split()), "nothing is cut off"

    shown = followed.inside("series", "show", "kittiwake")[0]
    assert "every month" in shown
    assert "usually 42.00 USD" in shown
    assert "■ came" in shown
    assert "✗ missing" in shown
    assert "▲" in shown
    assert shown.count("phone-") == 7
    assert followed.json("series", "show", "kittiwake")["rhythm"]["frequency"] == "monthly"

    states = {row["state"] for row in followed.json("calendar")}
    assert states >= {"received", "expected", "due"}
    assert followed.json("calendar", "--from", "1999-01-01", "--to", "1999-02-01") == []


def test_an_alert_is_dismissed_and_another_snoozed(followed: Program) -> None:
    jump, missing = sorted(followed.json("alerts"), key=lambda alert: alert["kind"])

    assert followed.inside("alerts", "dismiss", jump["id"][:8])[0] == f"dismissed {jump['id']}\n"
    assert (
        f"snoozed {missing['id']} until" in followed.inside("alerts", "snooze", missing["id"][:8], "14d")[0]
    )

    assert followed.inside("alerts")[0] == "nothing is missing, late or odd\n"
    assert "(dismissed)" in followed.inside("series", "show", "kittiwake")[0]
    assert "(snoozed)" in followed.inside("series", "show", "kittiwake")[0]


def test_what_cannot_be_found_is_one_line(followed: Program) -> None:
    for arguments in (
        ("series", "show", "nothing like it"),
        ("alerts", "dismiss", "ffffffff"),
        ("alerts", "snooze", "ff"),
    ):
        assert len(followed.inside(*arguments, exit_code=1)[1].splitlines()) == 1
    assert followed("calendar", "--from", "soon", exit_code=2).stderr


def test_series_are_merged_renamed_split_and_all_of_it_is_undone(followed: Program, tmp_path: Path) -> None:
    text = phone_bill(tmp_path, date(2024, 1, 5), "42.00").read_text()
    (tmp_path / "other.txt").write_text(
        text.replace("Kittiwake Mobile Ltd.", "Sandpiper Telecom Inc.").replace("88-120-7", "77-001-1")
    )
    followed("add", tmp_path / "other.txt")
    followed("run", "--once")
    assert len(followed.json("series")) == 2

    merged = followed.inside("series", "merge", "kittiwake", "sandpiper")[0]
    followed("run", "--once")
    (one,) = followed.json("series")
    assert one["document_count"] == 8

    assert "Kittiwake from now on" in followed.inside("series", "rename", one["slug"], "Kittiwake")[0]
    assert followed.json("series")[0]["title"] == "Kittiwake: phone bill"

    documents = [row["id"] for row in followed.json("documents") if row["filename"] == "other.txt"]
    split = followed.inside("series", "split", one["slug"], "--name", "Tern", *documents)[0]
    assert "1 of" in split
    change = split.split()[-1]
    followed.inside("series", "undo", change)

    kept = next(row["id"] for row in followed.json("documents") if row["filename"] != "other.txt")
    apart = followed.inside("series", "split", one["slug"], "--name", "Beach house", kept)[0]
    assert "1 of" in apart, "its account stays with the series, and its name is its own"
    followed.inside("series", "undo", apart.split()[-1])

    followed.inside("series", "undo", merged.split()[-1])
    followed("run", "--once")

    assert sorted(row["document_count"] for row in followed.json("series")) == [1, 7]


def test_fields_are_listed_renamed_typed_and_added(followed: Program) -> None:
    names = {row["name"] for row in followed.json("series", "fields", "kittiwake")}
    assert "account_number" in names

    told, _ = followed.inside(
        "series", "fields", "kittiwake", "--rename", "account_number=contract", "--add", "minutes=numeric"
    )
    assert "contract" in told
    assert "extracted again" in told
    followed("run", "--once")

    rows = {row["name"]: row for row in followed.json("series", "fields", "kittiwake")}
    assert rows["contract"]["former_names"] == ["account_number"]
    assert rows["contract"]["document_count"] == 7
    assert rows["minutes"]["type"] == "numeric"
    _, why = followed.inside("series", "fields", "kittiwake", "--rename", "contract", exit_code=2)
    assert "usage_kwh=consumption" in plain(why)
    _, why = followed.inside("series", "fields", "kittiwake", "--type", "contract=money", exit_code=1)
    assert "numeric, date or text" in plain(why)
