"""Prompts: the families, and of each its versions, what differs between two of them, scores, trials and changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.console.state import console_of, session_of, show, texts_of
from alfrd_events.db import prompts as ask
from alfrd_events.db.database import Database, Row
from alfrd_events.errors import NotFound, Refused

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_TOKENS = 6_000
"""Words and marks of two texts together that are compared one by one; longer texts are compared by lines."""
_HISTORY_SHOWN = 20
_LOOKED_AT = 50

Piece = tuple[str, str]
"""``same``, ``gone`` or ``new``, and the text."""


async def prompts(request: Request) -> Response:
    """All families, each with its version in use."""
    session_of(request)
    database = console_of(request).database
    rows = await ask.versions(database)
    numbers: dict[tuple[str, str], int] = {}
    for row in rows:
        family = (row["kind"], row["document_type"])
        numbers[family] = numbers.get(family, 0) + 1
    evolving = {(row["kind"], row["document_type"]): row for row in await ask.families(database)}
    return show(
        request,
        "prompts.html",
        families=[
            {
                **row,
                "address": address_of(row),
                "versions": numbers[row["kind"], row["document_type"]],
                "evolution": evolving.get((row["kind"], row["document_type"])),
            }
            for row in rows
            if row["is_active"]
        ],
        history=(await ask.history(database))[:_HISTORY_SHOWN],
    )


async def family(request: Request) -> Response:
    """One family: its versions, two of them side by side, its trials and what people did."""
    session_of(request)
    database = console_of(request).database
    kind, document_type = request.path_params["kind"], request.path_params.get("type", "")
    rows = [
        row
        for row in await ask.versions(database)
        if (row["kind"], row["document_type"]) == (kind, document_type)
    ]
    active = next((row for row in rows if row["is_active"]), None)
    if active is None:
        raise NotFound(texts_of(request).plain("error.no_prompts", kind=kind[:60], type=document_type[:60]))
    trials = await ask.trials_of(database, kind, document_type)
    before = await _before(database, active)
    old, new = _compared(request.query_params, rows, active)
    return show(
        request,
        "prompt.html",
        kind=kind,
        document_type=document_type,
        versions=rows[::-1],
        active=active,
        before=before,
        waits={
            trial["challenger_id"]
            for trial in trials
            if trial["phase"] == "suggested" and not trial["ending"]
        },
        trials=trials,
        old=old,
        new=new,
        pieces=list(word_diff(old["text"], new["text"])),
        impact=await _impact(database, new),
        history=[
            row
            for row in await ask.history(database, f"{kind}/{document_type}")
            if row["document_type"] == document_type
        ][:_HISTORY_SHOWN],
    )


def address_of(row: Row) -> str:
    """The page of a version's family."""
    return f"/prompts/{row['kind']}" + (f"/{row['document_type']}" if row["document_type"] else "")


async def _before(database: Database, active: Row) -> Row | None:
    """The version that a family can go back to."""
    try:
        found = await ask.previous(database, f"{active['kind']}/{active['document_type']}")
    except NotFound:
        return None
    return found if found["id"] != active["id"] else None


async def _impact(database: Database, row: Row) -> Row | None:
    """What a version that is not in use would change on recent documents; no model is asked for it."""
    if row["is_active"]:
        return None
    try:
        return await ask.impact(database, row, _LOOKED_AT)
    except Refused:  # nothing is graded for this kind
        return None


def _compared(parameters: QueryParams, rows: Sequence[Row], active: Row) -> tuple[Row, Row]:
    """The two versions that a URL names; the one in use against the newest other one, if it names none."""
    by_version = {str(row["version"]): row for row in rows}
    others = [row for row in rows if row is not active]
    new = by_version.get(parameters.get("new", ""), others[-1] if others else active)
    return by_version.get(parameters.get("old", ""), active), new


def word_diff(old: str, new: str) -> Iterator[Piece]:
    """What differs between two texts, word by word.

    :return: pieces in the order of the new text; those that are gone before those that took their place.
    """
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if len(before) + len(after) > _MOST_TOKENS:
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for kind, old_begin, old_end, new_begin, new_end in matcher.get_opcodes():
        if kind == "equal":
            yield "same", "".join(after[new_begin:new_end])
            continue
        if old_end > old_begin:
            yield "gone", "".join(before[old_begin:old_end])
        if new_end > new_begin:
            yield "new", "".join(after[new_begin:new_end])
