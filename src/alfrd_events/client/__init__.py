"""Documents from a Python program: send them in, wait for them, find and correct them.

:class:`Client` blocks, :class:`AsyncClient` awaits; both do the same. They need no OCR and no cloud libraries, only
what ``pip install alfrd-events`` brings.
"""

from alfrd_events.client.asynchronous import AsyncClient
from alfrd_events.client.blocking import Client
from alfrd_events.client.types import Change, Document, Hit
from alfrd_events.db.corrections import Changed
from alfrd_events.db.documents import Submitted

__all__ = ["AsyncClient", "Change", "Changed", "Client", "Document", "Hit", "Submitted"]
