"""What forms do to many documents at once, and to the names of filters."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request

from alfrd_events.console.actions import LARGEST_NUMBER, action, retried, text_of
from alfrd_events.console.pages.documents import filter_of
from alfrd_events.console.pages.selection import chosen_of, meant, seal_of
from alfrd_events.console.rendering import query
from alfrd_events.console.roles import Role
from alfrd_events.console.sessions import Session
from alfrd_events.console.state import console_of, texts_of
from alfrd_events.db import bulk
from alfrd_events.errors import NotFound, Refused


def _parameters(form: FormData) -> QueryParams:
    """The selection that a form carries, as the page's address had it."""
    return QueryParams([(name, value) for name, value in form.multi_items() if isinstance(value, str)])


async def _chosen(request: Request, form: FormData) -> list[UUID]:
    """The documents of a form.

    :raise Refused: there are too many.
    """
    ids = await meant(request, _parameters(form))
    if len(ids) > bulk.MOST_AT_ONCE:
        raise Refused(texts_of(request).plain("told.too_many", most=bulk.MOST_AT_ONCE))
    return ids


def _page_of(request: Request, form: FormData, page: str) -> str:
    """The address of the selection, or of the list that it is from."""
    _, fields = chosen_of(_parameters(form), texts_of(request))
    kept = [(name, value) for name, value in fields if page == "/selection" or name != "id"]
    return f"{page}?{urlencode(kept)}" if kept else page


@action(Role.EDITOR)
async def tag(request: Request, form: FormData, session: Session) -> str:
    """Give all of them a tag, or take it from them."""
    name, remove = text_of(form, "name").strip(), text_of(form, "remove") == "1"
    ids = await _chosen(request, form)
    number = await bulk.tag(console_of(request).database, ids, name, remove=remove)
    told = "told.untagged_many" if remove else "told.tagged_many"
    session.say(texts_of(request).plain(told, n=number, tag=name, left=len(ids) - number))
    return _page_of(request, form, "/selection")


@action(Role.OPERATOR)
async def retry(request: Request, form: FormData, session: Session) -> str:
    """Try again those of them that have failed."""
    number = await bulk.retry(console_of(request).database, await _chosen(request, form))
    session.say(retried(request, number))
    return _page_of(request, form, "/documents")


@action(Role.EDITOR)
async def delete(request: Request, form: FormData, session: Session) -> str:
    """Remove them: those that the page showed, and no others."""
    ids = await _chosen(request, form)
    if text_of(form, "sure") != "1":
        session.say(texts_of(request).plain("told.not_sure"), "bad")
    elif seal_of(ids) != text_of(form, "seal"):
        session.say(texts_of(request).plain("told.others_by_now"), "bad")
    else:
        number = await bulk.delete(console_of(request).database, ids)
        session.say(texts_of(request).plain("told.deleted", n=number))
        return _page_of(request, form, "/documents")
    return _page_of(request, form, "/selection")


@action(Role.EDITOR)
async def undo(request: Request, form: FormData, session: Session) -> str:
    """Take a tag back from those that got it, or give it to those that lost it."""
    change = int(request.path_params["change"])
    if change > LARGEST_NUMBER:
        raise NotFound(texts_of(request).plain("error.no_change", number=str(change)))
    number = await bulk.undo(console_of(request).database, change)
    session.say(texts_of(request).plain("told.many_undone", n=number))
    return _page_of(request, form, "/selection")


@action(Role.EDITOR)
async def save_view(request: Request, form: FormData, session: Session) -> str:
    """Give the filter of the list a name."""
    _, given = filter_of(_parameters(form), texts_of(request))
    kept, name = query(given), text_of(form, "name").strip()
    await bulk.save_view(console_of(request).database, name, kept.removeprefix("?"))
    session.say(texts_of(request).plain("told.view_saved", name=name))
    return f"/documents{kept}"


@action(Role.EDITOR)
async def forget_view(request: Request, form: FormData, session: Session) -> str:
    """Forget the name of a filter; the list stays as it is."""
    _, given = filter_of(_parameters(form), texts_of(request))
    name = text_of(form, "name")
    await bulk.forget_view(console_of(request).database, name)
    session.say(texts_of(request).plain("told.view_forgotten", name=name))
    return f"/documents{query(given)}"
