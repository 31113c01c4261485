"""Who this worker is to the others."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence

from alfrd_events import __version__
from alfrd_events.db import queue
from alfrd_events.db.database import Database


class Registration:
    """A worker's row in ``alfrd.workers``: its id, until others take it for dead and it needs a new one.

    :param on_renewed: called whenever it was given a new id.
    """

    def __init__(
        self, database: Database, steps: Sequence[str], lease_seconds: float, on_renewed: Callable[[], None]
    ) -> None:
        self._database = database
        self._steps = list(steps)
        self._lease_seconds = lease_seconds
        self._on_renewed = on_renewed
        self.id = 0

    async def register(self) -> None:
        """Make the worker known; ask again for an id."""
        self.id = await queue.register(
            self._database,
            name=f"{socket.gethostname()}:{os.getpid()}",
            host=socket.gethostname(),
            process=os.getpid(),
            version=__version__,
            steps=self._steps,
            lease_seconds=self._lease_seconds,
        )
        self._on_renewed()

    async def deregister(self) -> None:
        """Leave; others need not wait for the lease to end."""
        await queue.deregister(self._database, self.id)
