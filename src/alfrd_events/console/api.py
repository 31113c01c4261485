"""JSON for programs: bring documents in, and look at them. A token goes into ``Authorization: Bearer``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.console.describing import description
from alfrd_events.console.pages.documents import filter_of
from alfrd_events.console.roles import Role
from alfrd_events.console.state import NotAllowed, SignIn, console_of, id_of, needs, session_of, show
from alfrd_events.console.texts import english
from alfrd_events.console.uploads import submit
from alfrd_events.db import console as ask
from alfrd_events.db import corrections, operate, queries, reviewing
from alfrd_events.errors import Refused

_MOST_ROWS = 500
_LONGEST_BODY = 1024 * 1024


def _allow(request: Request, role: Role) -> None:
    """See to it that the token of a request may do this. Cookies do not count here.

    :raise SignIn: the token is missing, or not one of ours.
    :raise NotAllowed: its role is too low.
    """
    console = console_of(request)
    found = console.free_role
    if found is None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        address = request.client.host if request.client else ""
        if kind.lower() != "bearer" or console.attempts.must_wait(address):
            raise SignIn
        found = console.role_of(token.strip())
        if found is None:
            console.attempts.failed(address)
            raise SignIn
    if found < role:
        raise NotAllowed(needs(english(), role))


async def bring(request: Request) -> Response:
    """``POST /api/documents``: a form with ``files``, and with ``tags`` and ``as_one`` if you like."""
    _allow(request, Role.OPERATOR)
    async with request.form(max_files=200, max_fields=20) as form:
        files = [each for each in form.getlist("files") if isinstance(each, UploadFile)]
        tags = str(form.get("tags", "")).replace("\0", "").split(",")
        done = await submit(
            console_of(request).database,
            files,
            tags=[tag.strip() for tag in tags if tag.strip()],
            as_one=bool(form.get("as_one")),
        )
    answer = [{"id": str(each.id), "new": each.is_new, "status": each.status} for each in done]
    return _json(answer, 201 if any(each.is_new for each in done) else 200)


async def listed(request: Request) -> Response:
    """``GET /api/documents``: those that fit, by the same parameters as the page, and ``limit`` and ``offset``."""
    _allow(request, Role.READER)
    wanted, _ = filter_of(request.query_params, english())
    limit, offset = (_number(request, name, usual) for name, usual in (("limit", 50), ("offset", 0)))
    rows = await ask.documents(
        console_of(request).database, wanted, limit=min(limit, _MOST_ROWS), offset=offset
    )
    return _json(rows)


async def one(request: Request) -> Response:
    """``GET /api/documents/{id}``: everything about one document, as ``alfrd-events show --json`` has it."""
    _allow(request, Role.READER)
    return _json(await queries.document(console_of(request).database, id_of(request)))


async def delete(request: Request) -> Response:
    """``DELETE /api/documents/{id}``."""
    _allow(request, Role.EDITOR)
    await corrections.delete(console_of(request).database, id_of(request))
    return _json({"status": "deleted"})


async def correct(request: Request) -> Response:
    """``POST /api/documents/{id}/correct`` with an object of values."""
    _allow(request, Role.EDITOR)
    done = await corrections.correct(console_of(request).database, id_of(request), await _object(request))
    return _json([asdict(each) for each in done])


async def undo(request: Request) -> Response:
    """``POST /api/documents/{id}/undo``."""
    _allow(request, Role.EDITOR)
    done = await corrections.undo(console_of(request).database, id_of(request))
    return _json([asdict(each) for each in done])


async def accept(request: Request) -> Response:
    """``POST /api/documents/{id}/accept``."""
    _allow(request, Role.EDITOR)
    await reviewing.accept(console_of(request).database, id_of(request))
    return await _status(request)


async def tag(request: Request) -> Response:
    """``POST /api/documents/{id}/tags`` with lists ``add`` and ``remove``."""
    _allow(request, Role.EDITOR)
    given = await _object(request)
    add, remove = (_texts(given.get(name, []), name) for name in ("add", "remove"))
    return _json({"tags": await corrections.tag(console_of(request).database, id_of(request), add, remove)})


async def retry(request: Request) -> Response:
    """``POST /api/documents/{id}/retry``."""
    _allow(request, Role.OPERATOR)
    database, id = console_of(request).database, id_of(request)
    if not await operate.replay(database, failed=True, document=id):
        await ask.start_again(database, id)
    return await _status(request)


async def cancel(request: Request) -> Response:
    """``POST /api/documents/{id}/cancel``."""
    _allow(request, Role.OPERATOR)
    await operate.cancel(console_of(request).database, id_of(request))
    return await _status(request)


async def series(request: Request) -> Response:
    """``GET /api/series``."""
    _allow(request, Role.READER)
    limit, offset = (_number(request, name, usual) for name, usual in (("limit", 50), ("offset", 0)))
    return _json(
        await ask.all_series(console_of(request).database, limit=min(limit, _MOST_ROWS), offset=offset)
    )


async def files(request: Request) -> Response:
    """``GET /api/files``."""
    _allow(request, Role.READER)
    return _json(await queries.files(console_of(request).database))


async def described(_: Request) -> Response:
    """``GET /api/openapi.json``: what all of this is; it says nothing of documents, so it is for everybody."""
    return _json(description())


async def page(request: Request) -> Response:
    """The same for people."""
    session_of(request)
    return show(request, "api.html", api=description())


async def _status(request: Request) -> Response:
    return _json({"status": (await queries.document(console_of(request).database, id_of(request)))["status"]})


async def _object(request: Request) -> dict[str, Any]:
    """The object that a program sent.

    :raise Refused: it is none, or too large a one.
    """
    body = await request.body()
    try:
        found = json.loads(body) if len(body) <= _LONGEST_BODY else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(english().plain("error.no_object", most=_LONGEST_BODY))
    return found


def _texts(given: object, name: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise Refused(english().plain("error.no_list", name=name))
    return given


def _number(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else usual


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value, default=str), status, media_type="application/json")
