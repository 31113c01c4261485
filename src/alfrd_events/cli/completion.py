"""What a shell offers when Tab is pressed: ids, statuses, types, tags and steps of the database.

It waits for nothing and says nothing: an embedded server that does not run is not started, and a database that does
not answer has no words. ``alfrd-events --install-completion`` sets the shell up.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alfrd_events.db.completion import Kind

Complete = Callable[[str], list[tuple[str, str]]]


def completing(kind: Kind, *, signs: str = "", lists: bool = False) -> Complete:
    """Complete an argument or option.

    :param signs: one of these may stand before the word, as in ``+home``.
    :param lists: several words may be given, with commas between.
    """

    def complete(incomplete: str) -> list[tuple[str, str]]:
        before, comma, last = incomplete.rpartition(",") if lists else ("", "", incomplete)
        sign = last[:1] if last[:1] and last[:1] in signs else ""
        found = _words(kind, last.removeprefix(sign))
        return [(f"{before}{comma}{sign}{word}", meaning) for word, meaning in found]

    return complete


def _words(kind: Kind, prefix: str) -> list[tuple[str, str]]:
    from alfrd_events.cli import wiring
    from alfrd_events.db.completion import words
    from alfrd_events.errors import AlfrdError

    try:
        chosen = wiring.settings()
        url = chosen.database_url or _url_if_running(chosen.data_dir)
        return words(url, kind, prefix) if url else []
    except AlfrdError:
        return []


def _url_if_running(data_dir: Path) -> str | None:
    try:
        from alfrd_events.db import embedded
    except ModuleNotFoundError:
        return None
    return embedded.url_if_running(data_dir)
