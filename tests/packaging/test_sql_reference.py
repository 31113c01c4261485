"""docs/sql.md is the catalog: what it names exists with these columns, rights and arguments, and what exists is named.

Where one fails after a change of the schema, its message is the row to paste into the page.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from testing.server import Server
from tests.cli.program import Program, bill

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/sql.md").read_text()
PEOPLE = ("alfrd_app", "alfrd_reader")
ROW = re.compile(r"^\| `(?P<first>[^`]+)` \| (?P<rest>.*) \|$", re.M)
LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
}


def section(title: str) -> str:
    """What is below a heading of the second or third level, up to the next of its level."""
    level = title.split(" ")[0]
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{2,{len(level)}}} |\Z)", PAGE, re.M | re.S)
    assert found, f"docs/sql.md has no section {title!r}"
    return found[1]


def rows(text: str) -> dict[str, list[str]]:
    """The rows of the tables in a section: what is in the first cell, and the others."""
    return {found["first"]: re.split(r"\s*\|\s*", found["rest"]) for found in ROW.finditer(text)}


def block(language: str) -> str:
    """The only block of a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    return str(found)


@pytest.fixture
def catalog(server: Server, database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        yield connection


def relations(catalog: psycopg.Connection, kind: str) -> dict[str, str]:
    """Tables (``r``) or views (``v``) that people may read, and the comment on each."""
    found = catalog.execute(
        "select 'alfrd.' || relname, coalesce(obj_description(oid, 'pg_class'), '…') from pg_class"
        " where relnamespace = 'alfrd'::regnamespace and relkind = %s"
        "   and exists (select from unnest(%s::text[]) as role where has_table_privilege(role, oid, 'select'))",
        [kind, list(PEOPLE)],
    )
    return dict(found.fetchall())


def test_each_table_is_named(catalog: psycopg.Connection) -> None:
    existing = relations(catalog, "r")
    named = set(rows(section("### Further tables"))) | set(re.findall(r"^### `(alfrd\.\w+)`$", PAGE, re.M))
    missing = sorted(set(existing) - named)
    assert not missing, "add to 'Further tables':\n" + "\n".join(
        f"| `{name}` | {existing[name]} |" for name in missing
    )
    assert named <= set(existing), f"no such table: {sorted(named - set(existing))}"


def test_each_view_is_named(catalog: psycopg.Connection) -> None:
    existing, named = relations(catalog, "v"), set(rows(section("## Views")))
    missing = sorted(set(existing) - named)
    assert not missing, "add to 'Views':\n" + "\n".join(
        f"| `{name}` | {existing[name]} |" for name in missing
    )
    assert named <= set(existing), f"no such view: {sorted(named - set(existing))}"


@pytest.mark.parametrize("table", re.findall(r"^### `alfrd\.(\w+)`$", PAGE, re.M))
def test_each_column_is_named_with_its_type_and_rights(catalog: psycopg.Connection, table: str) -> None:
    found = catalog.execute(
        "select attname, replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz'),"
        "       array_to_string(array(select p from unnest(array['insert', 'update']) as p"
        "         where has_column_privilege('alfrd_app', attrelid, attnum, p)), ', '),"
        "       coalesce(col_description(attrelid, attnum), '…')"
        "  from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        [f"alfrd.{table}"],
    ).fetchall()
    existing = {name: (type, may) for name, type, may, _ in found}
    written = {name: tuple(cells[:2]) for name, cells in rows(section(f"### `alfrd.{table}`")).items()}
    wrong = [column for column in found if written.get(column[0]) != column[1:3]]
    assert not wrong, f"in the table of alfrd.{table} these rows are missing or wrong:\n" + "\n".join(
        f"| `{name}` | {type} | {may} | {comment} |".replace("|  |", "| |")
        for name, type, may, comment in wrong
    )
    assert set(written) <= set(existing), f"no such column: {sorted(set(written) - set(existing))}"


def functions(catalog: psycopg.Connection) -> dict[str, tuple[str, str]]:
    """Functions that people may call: how the page writes their arguments, and for whom they are."""
    found = catalog.execute(
        "select 'alfrd.' || proname, pronargs, pronargdefaults, proargnames,"
        "       has_function_privilege('alfrd_reader', oid, 'execute')"
        "  from pg_proc where pronamespace = 'alfrd'::regnamespace and prokind = 'f'"
        "   and exists (select from unnest(%s::text[]) as role where has_function_privilege(role, oid, 'execute'))",
        [list(PEOPLE)],
    )
    answer = {}
    for name, count, defaults, names, for_all in found:
        given = (names or [])[:count]
        written = [arg if place < count - defaults else f"[{arg}]" for place, arg in enumerate(given)]
        answer[name] = (f"{name}({', '.join(written)})", "all" if for_all else "app")
    return answer


def test_each_function_is_named_with_its_arguments_and_for_whom_it_is(catalog: psycopg.Connection) -> None:
    existing = functions(catalog)
    text = section("## Functions")
    written = {first: cells[0] for first, cells in rows(text).items() if "(" in first}
    in_passing = set(re.findall(r"alfrd\.\w+", text.split("What the views, defaults and triggers call")[1]))
    missing = [
        f"| `{signature}` | {whom} | … |"
        for name, (signature, whom) in sorted(existing.items())
        if written.get(signature) != whom and name not in in_passing
    ]
    assert not missing, "these rows are missing or wrong in 'Functions':\n" + "\n".join(missing)
    gone = set(written) - {signature for signature, _ in existing.values()}
    assert not gone, f"no such function, or other arguments: {sorted(gone)}"


def test_nothing_is_named_that_does_not_exist(catalog: psycopg.Connection) -> None:
    existing = {
        name
        for (name,) in catalog.execute(
            "select relname from pg_class where relnamespace = 'alfrd'::regnamespace"
            " union select proname from pg_proc where pronamespace = 'alfrd'::regnamespace"
        )
    }
    settings = {"status_feed", "notify"}
    named = set(re.findall(r"\balfrd\.(\w+)", PAGE))
    assert named <= existing | settings, f"docs/sql.md names {sorted(named - existing - settings)}"


def test_each_error_and_each_channel_is_named() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "sql/functions").glob("*.sql"))
    assert set(rows(section("## Errors"))) == set(re.findall(r"errcode = '(AL\d+)'", source))
    assert set(rows(section("## Feeds"))) == set(re.findall(r"pg_notify\('(alfrd_\w+)'", source))


def test_each_status_is_named(catalog: psycopg.Connection) -> None:
    found = catalog.execute(
        "select distinct status from alfrd.transitions, unnest(array[from_status, to_status]) as status"
        " where subject_type = 'document'"
    )
    assert set(rows(section("## Statuses"))) == {status for (status,) in found}


def redone_from(catalog: psycopg.Connection, field: str, analyst: str) -> str | None:
    """The milestone that a document goes back to after a correction."""
    made_by = Jsonb({"summarize": {"by": analyst}})
    row = catalog.execute("select alfrd.redo_from(array[%s], %s)", [field, made_by]).fetchone()
    assert row
    return row[0]


def test_what_is_done_again_after_a_correction_is_what_the_page_says(catalog: psycopg.Connection) -> None:
    table = section("## What may be corrected, and what follows")
    written = {
        field: cells[-1]
        for line in table.splitlines()
        if line.startswith("| `")
        for cells in [line.strip("| ").split(" | ")]
        for field in re.findall(r"`(\w+)`", cells[0].split(" (")[0])
    }
    (known,) = catalog.execute(
        "select array(select jsonb_object_keys(alfrd.correctable(null::alfrd.documents)))"
    ).fetchone() or ([],)
    assert set(written) == set(known)
    for field, says in written.items():
        by_rules, by_model = (redone_from(catalog, field, who) for who in ("rules", "llm"))
        if "if rules made it" in says:
            assert (by_rules, by_model) == ("classified", "summarized"), field
        elif says.startswith("the summary"):
            assert (by_rules, by_model) == ("classified", "classified"), field
        elif says.startswith("nothing"):
            assert (by_rules, by_model) == (None, None), field
        else:
            assert (by_rules, by_model) == ("summarized", "summarized"), field


def environment_of(url: str, user: str) -> dict[str, str]:
    """Where libpq finds a database."""
    given = {**conninfo_to_dict(url), "user": user}
    return {LIBPQ[name]: str(value) for name, value in given.items() if name in LIBPQ}


@pytest.fixture
def shop(
    server: Server, database: str, signed_in: dict[str, str], tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """How an application's program is run, beside a worker."""
    path = bill(tmp_path, name="bill.txt")
    program = Program(server.url(database))
    with program.started("run"):
        yield {
            "cwd": path.parent,
            "env": {**program.environment, **environment_of(server.url(database), "shop")},
            "capture_output": True,
            "text": True,
            "timeout": 120,
        }


def test_the_python_example_takes_a_file_in_and_waits_for_it(shop: dict[str, Any]) -> None:
    done = subprocess.run([sys.executable, "-c", block("python")], **shop)
    assert done.stdout.split() == ["completed", "Acme", "Power", "Company", "1210.50"], done.stderr


NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_node_example_takes_a_file_in_and_waits_for_it(shop: dict[str, Any], tmp_path: Path) -> None:
    """Without the package ``pg`` (``NODE_PATH`` says where it is) only its syntax is looked at."""
    (tmp_path / "example.js").write_text(block("js"))
    has_pg = subprocess.run([str(NODE), "-e", "require('pg')"], **shop).returncode == 0
    arguments = [] if has_pg else ["--check"]
    done = subprocess.run([str(NODE), *arguments, "example.js"], **shop)
    expected = ["completed", "Acme", "Power", "Company", "1210.50"] if has_pg else []
    assert (done.returncode, done.stdout.split()) == (0, expected), done.stderr


def test_the_trigger_of_ones_own_table_brings_the_values_back(
    server: Server, database: str, tmp_path: Path
) -> None:
    statements = next(
        text for text in re.findall(r"```sql\n(.*?)```", PAGE, re.S) if "public.invoices" in text
    )
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        connection.execute(statements)  # type: ignore[call-overload]
        connection.execute("insert into public.invoices (scan) values (%s)", [bill(tmp_path).read_bytes()])
        Program(server.url(database))("run", "--once")
        row = connection.execute("select supplier, total::text, due::text from public.invoices").fetchone()
        assert row == ("Acme Power Company", "1210.50", "2024-04-06")
        connection.execute("update alfrd.documents set entity = 'Acme'")
        Program(server.url(database))("run", "--once")
        assert connection.execute("select supplier from public.invoices").fetchone() == ("Acme",)
