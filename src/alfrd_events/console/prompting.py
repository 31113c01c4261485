"""What forms do to versions of prompts: use one, go back, approve or decline one that has proved itself."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request

from alfrd_events.console.actions import LARGEST_NUMBER, action, text_of
from alfrd_events.console.pages.prompts import address_of
from alfrd_events.console.roles import Role
from alfrd_events.console.sessions import Session
from alfrd_events.console.state import console_of, texts_of
from alfrd_events.db import prompts
from alfrd_events.db.database import Database, Row
from alfrd_events.errors import NotFound, Refused


async def _version(request: Request) -> tuple[Database, Row]:
    database, id = console_of(request).database, int(request.path_params["version"])
    if id > LARGEST_NUMBER:
        raise NotFound(texts_of(request).plain("error.no_version", number=str(id)))
    return database, await prompts.by_id(database, id)


@action(Role.EDITOR)
async def activate(request: Request, form: FormData, session: Session) -> str:
    """Use a version, if the one that the page showed as in use still is."""
    database, row = await _version(request)
    expected = text_of(form, "expected")
    if not expected.isascii() or not expected.isdecimal() or int(expected) > LARGEST_NUMBER:
        raise NotFound(texts_of(request).plain("error.no_expected"))
    reason = text_of(form, "reason").strip()[:500] or texts_of(request).plain("told.by_hand")
    if not await prompts.activate(database, row, expected=int(expected), reason=reason):
        raise Refused(texts_of(request).plain("told.replaced_meanwhile"))
    session.say(texts_of(request).plain("told.in_use", version=row["version"]))
    return address_of(row)


@action(Role.EDITOR)
async def approve(request: Request, _: FormData, session: Session) -> str:
    """Use a version that has proved itself and waits."""
    database, row = await _version(request)
    if not await prompts.approve(database, await prompts.suggested(database, row)):
        raise Refused(texts_of(request).plain("told.replaced_meanwhile"))
    session.say(texts_of(request).plain("told.approved", version=row["version"]))
    return address_of(row)


@action(Role.EDITOR)
async def decline(request: Request, _: FormData, session: Session) -> str:
    """Close the trial of a version that is not wanted."""
    database, row = await _version(request)
    if not await prompts.decline(database, await prompts.suggested(database, row)):
        raise Refused(texts_of(request).plain("told.replaced_meanwhile"))
    session.say(texts_of(request).plain("told.declined", version=row["version"]))
    return address_of(row)
