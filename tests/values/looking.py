"""Run every command that only looks, in all its forms, and check that what it prints is safe and well formed."""

from __future__ import annotations

import io
import json
import os
import re
import unicodedata
from collections.abc import AsyncIterator, Coroutine
from contextlib import redirect_stdout
from typing import Any
from unittest.mock import patch
from uuid import UUID

from alfrd_events.cli import look, operate, prompts, wiring
from alfrd_events.db.database import Database
from alfrd_events.settings import Settings

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
FORMS = ("json", "plain", "fancy")
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


async def look_at_everything(database: Database, form: str) -> None:
    """:raise Exception: a command failed, or printed what would steer a terminal, or no JSON."""
    session = wiring.Session(Settings(database_url=database.url), database)
    async for name, printed in _printed(session, form):
        check(name, printed, form)


def check(name: str, printed: str, form: str) -> None:
    """Nothing steers a terminal but colours of our own, and JSON is JSON."""
    bare = COLOURS.sub("", printed) if form == "fancy" else printed
    hidden = {c for c in bare if unicodedata.category(c) in STEERING and c not in "\n\t"}
    assert not hidden, f"{name} ({form}) prints {hidden!r}"
    if form == "json":
        json.loads(printed, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


async def _printed(session: wiring.Session, form: str) -> AsyncIterator[tuple[str, str]]:
    # The first of each: the row in which odd values are planted.
    ids = [
        row["id"]
        for row in await session.database.rows(
            "(select id from alfrd.documents order by ctid limit 1)"
            " union (select document_id from alfrd.pages order by ctid limit 1)"
            " union (select document_id from alfrd.scores order by ctid limit 1)"
            " union (select document_id from alfrd.corrections order by ctid limit 1)"
            " union (select document_id from alfrd.usage order by ctid limit 1)"
            " union (select subject_id from alfrd.events where subject_id in (select id from alfrd.documents)"
            "         order by ctid limit 1)"
            " union (select subject_id from alfrd.tasks where entity = 'document' order by ctid limit 1)"
            " union (select id from alfrd.files order by ctid limit 1)"
        )
    ]
    colours = {"FORCE_COLOR": "1", "TERM": "xterm-256color"} if form == "fancy" else {}
    for name, command in _commands(session, ids, form == "json"):
        out = io.StringIO()
        with patch.dict(os.environ, {"COLUMNS": "100", **colours}), redirect_stdout(out):
            await command
        yield name, out.getvalue()


def _commands(
    session: wiring.Session, ids: list[UUID], as_json: bool
) -> list[tuple[str, Coroutine[Any, Any, None]]]:
    each = [
        command
        for id in map(str, ids)
        for command in (
            (f"show {id}", look._show(session, id, True, as_json)),
            (f"events {id}", look._events(session, id, as_json)),
            (f"explain {id}", operate._explain(session, id, as_json)),
        )
    ]
    return [
        *each,
        ("status", look._status(session, as_json)),
        ("documents", look._documents(session, None, None, None, None, as_json)),
        ("files", look._files(session, as_json)),
        ("series", look._series(session, as_json)),
        ("search", look._search(session, "bill or text or waits or x", 20, as_json)),
        *((f"usage {by.value}", look._usage(session, by, as_json)) for by in look.Grouping),
        ("replay", operate._replay(session, True, None, None, None, True, as_json)),
        ("prompts list", prompts._list(session, "", True, as_json)),
        ("prompts show", prompts._show(session, "classifier:V1", as_json)),
        ("prompts history", prompts._history(session, "", as_json)),
        ("prompts impact", prompts._impact(session, "classifier:V1", 50, 0, as_json)),
    ]
