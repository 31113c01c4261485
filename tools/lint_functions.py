"""Check the bodies of our functions with plpgsql_check: names, types and branches that no test may reach.

PL/pgSQL looks at a statement when it runs for the first time. The extension looks at all of them at once. It is not
part of PostgreSQL, and the embedded server cannot load it: the check runs on Debian's server of the oldest version that
we support, in a cluster that is thrown away, and says so in one line where the package is missing. Run as
``python -m tools.lint_functions [DIRECTORY OF THE SERVER'S PROGRAMS]``.

A trigger function is checked once for each of its triggers, with that trigger's transition tables. Errors count, and
what would let a caller inject SQL. Warnings of style do not: we cast text at run time on purpose, and assign the result
of a call that is made for its effect.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psycopg

from alfrd_events.db.migrate import migrate
from testing.server import Server

PACKAGE = "postgresql-15-plpgsql-check"
PROGRAMS = Path("/usr/lib/postgresql/15/bin")

COMPLAINTS = """
with body as (
  select p.oid as function, t.tgrelid as relation, t.tgoldtable as old_rows, t.tgnewtable as new_rows
    from pg_proc p
    join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
    left join pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
   where p.pronamespace = 'alfrd'::regnamespace)
select distinct body.function::regprocedure::text, c.level, coalesce(c.lineno, 0), c.message,
       coalesce(c.detail, ''), coalesce(c.hint, '')
  from body,
       plpgsql_check_function_tb(
         body.function, coalesce(body.relation, 0), oldtable => body.old_rows, newtable => body.new_rows,
         other_warnings => false, extra_warnings => false, performance_warnings => false,
         security_warnings => true) c
 order by 1, 3, 4
"""


def main() -> int:
    """Print what is wrong; the exit code is 1 if anything is."""
    programs = Path(sys.argv[1]) if len(sys.argv) > 1 else PROGRAMS
    if not is_installed(programs):
        print(f"functions are not checked: {PACKAGE} is not installed for {programs}")
        return 0
    server = Server(programs=programs)
    try:
        asyncio.run(migrate(server.url("postgres")))
        found = complaints(server.url("postgres"))
    finally:
        server.remove()
    print("\n".join(found) if found else "functions: plpgsql_check finds no error")
    return 1 if found else 0


def is_installed(programs: Path) -> bool:
    """Whether these programs start a server that can load plpgsql_check."""
    config = programs / "pg_config"
    if not config.exists():
        return False
    library = subprocess.run(
        [config, "--pkglibdir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return (Path(library) / "plpgsql_check.so").exists()


def complaints(url: str) -> list[str]:
    """What plpgsql_check says of the functions in schema ``alfrd``, a line each; empty if all is well."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create extension if not exists plpgsql_check")
        rows = connection.execute(COMPLAINTS).fetchall()
    return [
        " ".join(filter(None, (f"{function}:{line}: {level}: {message}", detail, hint)))
        for function, level, line, message, detail, hint in rows
    ]


if __name__ == "__main__":
    sys.exit(main())
