"""The way that tests take to the server, as ``ALFRD_TEST_ROUTE`` says.

Nothing: straight. ``pgbouncer``: every pool through a PgBouncer in transaction mode. ``deaf``: no worker listens.
``make test-routes`` runs the tests of the engine by each. What a route cannot do is marked with ``not_by_route``.
"""

from __future__ import annotations

import os

from testing.pgbouncer import past

ROUTES = ("", "pgbouncer", "deaf")
ROUTE = os.environ.get("ALFRD_TEST_ROUTE", "")


def listen_url(url: str | None) -> str | None:
    """Where a worker listens whose pool connects to this; ``None``: nowhere."""
    return None if url is None or ROUTE == "deaf" else past(url)
