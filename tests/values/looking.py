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

from alfrd_events.cli import bills, files, lessons, look, operate, prompts, search, series, wiring
from alfrd_events.db.database import Database
from alfrd_events.db.queries import SearchFilter
from alfrd_events.settings import Settings

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
FORMS = ("json", "plain", "fancy")
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


async def look_at_everything(database: Database, form: str) -> None:
    """:raise Exception: a command failed, or printed what would steer a terminal, or no JSON."""
    context = wiring.CommandContext(Settings(database_url=database.url), database)
    async for name, printed in _printed(context, form):
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


async def _printed(context: wiring.CommandContext, form: str) -> AsyncIterator[tuple[str, str]]:
    # The first of each: the row in which odd values are planted.
    ids = [
        row["id"]
        for row in await context.database.rows(
            "(select id from alfrd.documents order by ctid limit 1)"
            " union (select document_id from alfrd.pages order by ctid limit 1)"
            " union (select document_id from alfrd.scores order by ctid limit 1)"
            " union (select document_id from alfrd.corrections order by ctid limit 1)"
            " union (select document_id from alfrd.usage order by ctid limit 1)"
            " union (select subject_id from alfrd.events where subject_id in (select id from alfrd.documents)"
            "         order by ctid limit 1)"
            " union (select subject_id from alfrd.tasks where subject_type = 'document' order by ctid limit 1)"
            " union (select id from alfrd.files order by ctid limit 1)"
        )
    ]
    colours = {"FORCE_COLOR": "1", "TERM": "xterm-256color"} if form == "fancy" else {}
    of_series = [row["id"] for row in await context.database.rows("select id from alfrd.series")]
    commands = [
        *_commands(context, ids, form == "json"),
        *((f"series show {id}", series._show(context, str(id), form == "json")) for id in of_series),
    ]
    for name, command in commands:
        out = io.StringIO()
        with patch.dict(os.environ, {"COLUMNS": "100", **colours}), redirect_stdout(out):
            await command
        yield name, out.getvalue()


def _commands(
    context: wiring.CommandContext, ids: list[UUID], as_json: bool
) -> list[tuple[str, Coroutine[Any, Any, None]]]:
    each = [
        command
        for id in map(str, ids)
        for command in (
            (f"show {id}", look._show(context, id, True, as_json)),
            (f"events {id}", look._events(context, id, as_json)),
            (f"explain {id}", operate._explain(context, id, as_json)),
        )
    ]
    return [
        *each,
        ("status", look._status(context, as_json)),
        ("documents", look._documents(context, None, None, None, False, None, as_json)),
        ("files", files._list(context, None, as_json)),
        ("tags", files._tags(context, as_json)),
        ("series", series._list(context, None, as_json)),
        ("alerts", series._alerts(context, as_json)),
        ("bills", bills._list(context, [], False, as_json)),
        ("tags", files._tags(context, as_json)),
        ("calendar", series._calendar(context, None, None, as_json)),
        ("lessons", lessons._show(context, as_json)),
        ("search", search._search(context, "bill or text or waits or x", SearchFilter(), 20, as_json)),
        *((f"usage {by.value}", look._usage(context, by, as_json)) for by in look.Grouping),
        ("replay", operate._replay(context, True, None, None, None, True, as_json)),
        ("prompts list", prompts._list(context, "", True, as_json)),
        ("prompts show", prompts._show(context, "classifier:V1", as_json)),
        ("prompts history", prompts._history(context, "", as_json)),
        ("prompts impact", prompts._impact(context, "classifier:V1", 50, 0, as_json)),
    ]
