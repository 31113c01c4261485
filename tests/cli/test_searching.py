"""``search``: for a person and a program, with filters, and what it says of words that no page has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program, bill


@pytest.fixture
def bills(program: Program, tmp_path: Path) -> Program:
    """Two bills that were read."""
    program("add", bill(tmp_path, 10), bill(tmp_path, 11), "--tags", "home/power")
    program("run", "--once")
    return program


def test_a_search_finds_forms_amounts_and_what_was_mistyped(bills: Program) -> None:
    assert len(bills.json("search", "bills")) == 2
    assert [row["filename"] for row in bills.json("search", "1210,50")] == ["bill-10.txt"]
    (row,) = bills.json("search", "1,210.50", "--limit", "1")
    assert (row["page"], row["meant"]) == (1, "")
    assert "⟦1210.50⟧" in row["excerpt"]
    mistyped = bills.json("search", "electrcity")
    assert {row["meant"] for row in mistyped} == {"electricity"}
    assert "no document holds electrcity; these hold electricity:" in bills.inside("search", "electrcity")[0]
    assert bills.inside("search", "nowhere")[0].strip() == "no document holds nowhere"
    assert bills.inside("search", "--", "bill", "-kwh")[0].strip() == "no document holds bill -kwh"


def test_filters_of_a_search_compose(bills: Program) -> None:
    (one, other) = sorted(bills.json("documents"), key=lambda row: str(row["filename"]))
    everything = {
        "--type": one["document_type"],
        "--entity": one["entity"].lower()[:6],
        "--from": one["document_date"],
        "--to": one["document_date"],
        "--min": str(one["total_amount"]),
        "--max": str(one["total_amount"]),
        "--tag": "home",
        "--series": one["series"],
        "--owner": "",
    }
    options = [word for option in everything.items() for word in option]

    found = bills.json("search", "kwh", *options)

    assert [row["id"] for row in found] == [one["id"]]
    assert one["document_date"] != other["document_date"]
    assert bills.json("search", "kwh", "--min", "100000") == []


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--type", "bil", "no type 'bil': choose among"),
        ("--from", "yesterday", "--from yesterday: give a date such as"),
        ("--to", "2024-13-01", "--to 2024-13-01: give a date such as"),
        ("--min", "much", "--min much: give an amount such as"),
        ("--max", "nan", "--max nan: give an amount such as"),
        ("--limit", "0", "--limit"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(program: Program, option: str, value: str, said: str) -> None:
    _, complaint = program.inside("search", "bill", option, value, exit_code=2)
    assert said in " ".join(complaint.replace("│", " ").split())


def test_what_the_database_refuses_is_one_line(program: Program) -> None:
    for words, said in (
        (["bill", "--series", "none"], "there is no series 'none' (take the slug"),
        (["bill", "--from", "2024-02-01", "--to", "2024-01-01"], "(swap them)"),
        (["..."], "names nothing to look for (give a word"),
        (["x" * 2000], "2000 characters (1000 at most"),
    ):
        _, complaint = program.inside("search", *words, exit_code=1)
        assert said in complaint
        assert len(complaint.strip().splitlines()) == 1
