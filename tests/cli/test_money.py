"""What calls cost, and what waits for money, as people see it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program, bill, plain

CALLS = """
insert into alfrd.usage (at, document_id, step, task_id, attempt, provider, operation, model, pages, input_tokens,
                         output_tokens, usd, milliseconds, cached, unpriced, outcome)
select alfrd.now() - make_interval(days => n % 3), (select min(id::text)::uuid from alfrd.documents),
       (array['classify', 'summarize', 'extract'])[n % 3 + 1], n, 1, 'bedrock', 'Converse',
       (array['us.amazon.nova-lite-v1:0', 'us.anthropic.claude-haiku-4-5-20251001-v1:0'])[n % 2 + 1], 0, 812345, 301,
       0.048813 * (n % 4), 1234, n % 4 = 0, false, case when n % 7 = 3 then 'throttled' else 'ok' end
  from generate_series(1, 40) as n
"""
TOTAL = Decimal("0.048813") * 60


@pytest.fixture
def spent(program: Program, database_url: str, tmp_path: Path) -> Program:
    """A program whose documents have cost something."""
    program("add", bill(tmp_path, 10), bill(tmp_path, 11))
    program("run", "--once")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(CALLS)
        connection.execute(
            "insert into alfrd.spending select 'day:' || to_char(alfrd.now() at time zone 'UTC', 'YYYY-MM-DD'), 1.2345"
        )
    return program


@pytest.mark.parametrize("by", ["day", "model", "step", "series"])
def test_usage_adds_up_however_it_is_grouped(spent: Program, by: str) -> None:
    rows = spent.json("usage", "--by", by)
    drawn = spent.inside("usage", "--by", by)[0].splitlines()

    assert sum(Decimal(row["usd"]) for row in rows) == TOTAL
    assert sum(row["calls"] for row in rows if row["group"]) >= 40
    assert drawn[-1].split()[0] == "total"
    assert drawn[-1].split()[-1] == f"{TOTAL:,.6f}"


def test_usage_fits_a_terminal(spent: Program) -> None:
    _, seen = spent.on_terminal("usage")
    lines = plain(seen).splitlines()
    assert max(map(len, lines)) <= 100
    assert "bedrock us.amazon.nova-lite-v1:0 " in plain(seen)


def test_calls_without_a_price_are_seen(spent: Program, database_url: str) -> None:
    assert "unpriced" not in spent.inside("usage")[0]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into alfrd.usage (step, provider, unpriced, outcome) values ('x', 'y', true, 'ok')"
        )
    assert "unpriced" in spent.inside("usage")[0]


def test_a_document_tells_what_it_cost(spent: Program) -> None:
    listed = spent.json("documents")
    (paid,) = (row for row in listed if Decimal(row["usd"]))
    assert Decimal(paid["usd"]) == TOTAL
    assert "cost" in spent.inside("documents")[0].splitlines()[0]
    shown = spent.inside("show", paid["id"])[0]
    assert "2.93 USD in 40 calls, 10 of them answered from the cache" in shown


def test_status_tells_what_was_spent_and_what_waits_for_money(
    spent: Program, database_url: str, tmp_path: Path
) -> None:
    spent.environment["ALFRD_CAP_DAY_USD"] = "2"
    assert "1.23 USD spent or set aside today of 2.00 USD" in spent.inside("status")[0]

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into alfrd.limits (provider, max_running, rate) values ('bedrock', 5, 2.5), ('textract', null, 20)"
        )
        shown = spent.inside("status")[0]
        assert "bedrock: 0 of 5 calls under way, at most 2.5 a second" in shown
        assert "textract: at most 20 a second" in shown
        spent("add", bill(tmp_path, 12))
        connection.execute(
            "update alfrd.tasks set state = 'scheduled', error = 'over the cap',"
            "  run_at = alfrd.now() + interval '1 day'"
        )
        connection.execute("insert into alfrd.held select id, attempt, 'day:2024-01-01', 5 from alfrd.tasks")

    assert "1 task waits for room under the cap of the day" in spent.inside("status")[0]
    assert spent.json("status")["money"]["held"] == {"day": 1}
    (waiting,) = (row for row in spent.json("documents") if row["status"] == "pending")
    assert "ocr is held for money since" in spent.inside("explain", waiting["id"])[0]
    assert "1 task waits for money" in spent("run", "--once", exit_code=1).stdout
    del spent.environment["ALFRD_CAP_DAY_USD"]
    assert "done: 1 read, 1 completed" in spent("run", "--once").stdout
