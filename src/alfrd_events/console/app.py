"""The console as an ASGI application: which address is which page, and what becomes of an error."""

from __future__ import annotations

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from alfrd_events.console import actions, api, many, prompting
from alfrd_events.console.guard import Guard
from alfrd_events.console.pages import collections, documents, providers, selection, setup, today, work
from alfrd_events.console.pages import document as single
from alfrd_events.console.pages import prompts as prompt_pages
from alfrd_events.console.rendering import STATIC
from alfrd_events.console.sharing import Endpoint, shared
from alfrd_events.console.state import (
    Console,
    FormIsOld,
    NotAllowed,
    SignIn,
    back,
    console_of,
    is_program,
    session_of,
    set_cookie,
    show,
    texts_of,
)
from alfrd_events.console.uploads import NoFiles
from alfrd_events.db.errors import Doubtful, Interrupted
from alfrd_events.errors import AlfrdError, DatabaseUnavailable, NotFound, Refused, Transient
from alfrd_events.observe import Log
from alfrd_events.sandbox.expendable import where

log = Log("console")

_PAGES = {
    "/": today.today,
    "/documents": documents.documents,
    "/documents/{id}": single.document,
    "/selection": selection.selection,
    "/series": collections.all_series,
    "/series/{id}": collections.one_series,
    "/files": collections.all_files,
    "/files/{id}": collections.one_file,
    "/work": work.work,
    "/prompts": prompt_pages.prompts,
    "/prompts/{kind}": prompt_pages.family,
    "/prompts/{kind}/{type}": prompt_pages.family,
    "/money": providers.money,
    "/setup": setup.setup,
    "/api": api.page,
}
_DATA = {
    "/documents/{id}/pages/{number:int}.jpg": single.page_image,
    "/documents/{id}/pages/{number:int}/lines/{line:int}": single.line,
    "/documents/{id}/original/{number:int}": single.original,
    "/series/{id}/documents.csv": collections.as_csv,
    "/series/{id}/documents.xlsx": collections.as_xlsx,
    "/selection.csv": selection.as_csv,
    "/selection.json": selection.as_json,
    "/api/documents": api.listed,
    "/api/documents/{id}": api.one,
    "/api/series": api.series,
    "/api/files": api.files,
    "/api/openapi.json": api.described,
}
"""No pages: never shared, and never told to be HTML."""
_FORMS = {
    "/upload": actions.upload,
    "/documents/{id}/retry": actions.retry,
    "/documents/{id}/cancel": actions.cancel,
    "/documents/{id}/correct": actions.correct,
    "/documents/{id}/undo": actions.undo,
    "/documents/{id}/tags": actions.tag,
    "/documents/{id}/paid": actions.paid,
    "/documents/{id}/unpaid": actions.unpaid,
    "/documents/{id}/accept": actions.accept,
    "/documents/{id}/skip": actions.skip,
    "/documents/{id}/take-back": actions.take_back,
    "/documents/{id}/apply-lessons": actions.apply_lessons,
    "/selection/tag": many.tag,
    "/selection/retry": many.retry,
    "/selection/delete": many.delete,
    "/bulk-changes/{change:int}/undo": many.undo,
    "/views": many.save_view,
    "/views/forget": many.forget_view,
    "/review": actions.begin_review,
    "/retry": actions.retry_group,
    "/steps/{step}/pause": actions.pause,
    "/steps/{step}/resume": actions.resume,
    "/replay": actions.replay,
    "/alerts/{id}/dismiss": actions.dismiss,
    "/alerts/{id}/snooze": actions.snooze,
    "/prompt-versions/{version:int}/activate": prompting.activate,
    "/prompt-versions/{version:int}/approve": prompting.approve,
    "/prompt-versions/{version:int}/decline": prompting.decline,
    "/files": actions.make_file,
    "/series/{id}/merge": actions.merge,
    "/series/{id}/rename": actions.rename,
    "/series/{id}/split": actions.split,
    "/series-changes/{change:int}/undo": actions.undo_series_change,
    "/sign-out": actions.sign_out,
    "/api/documents": api.bring,
    "/api/documents/{id}/correct": api.correct,
    "/api/documents/{id}/undo": api.undo,
    "/api/documents/{id}/accept": api.accept,
    "/api/documents/{id}/tags": api.tag,
    "/api/documents/{id}/retry": api.retry,
    "/api/documents/{id}/cancel": api.cancel,
}


def build(console: Console, hosts: Collection[str]) -> Guard:
    """The application.

    :param hosts: names under which it may be asked for, without a port.
    """
    app = Starlette(
        routes=[
            *(Route(path, shared(page), methods=["GET"]) for path, page in _PAGES.items()),
            *(Route(path, data, methods=["GET"]) for path, data in _DATA.items()),
            *(Route(path, _changing(act), methods=["POST"]) for path, act in _FORMS.items()),
            Route("/api/documents/{id}", _changing(api.delete), methods=["DELETE"]),
            Route("/sign-in", actions.sign_in, methods=["GET", "POST"]),
            Route("/live", live, methods=["GET"]),
            Mount("/static", Static(directory=STATIC)),
        ],
        exception_handlers={AlfrdError: _told, HTTPException: _not_found, Exception: _unexpected},
    )
    app.state.console = console
    return Guard(
        app, hosts, console.max_bytes, console.language
    )  # outermost, so that also the page of an error has its headers


def _changing(act: Endpoint) -> Endpoint:
    """Let no page that is asked for after an action be older than the action."""

    async def acted(request: Request) -> Response:
        try:
            return await act(request)
        finally:
            if (reads := console_of(request).reads) is not None:
                reads.outdated()

    return acted


class Static(StaticFiles):
    """Our own files; a browser asks each time whether they have changed."""

    async def get_response(self, path: str, scope: object) -> Response:
        response = await super().get_response(path, scope)  # type: ignore[arg-type]
        response.headers["cache-control"] = "no-cache"
        return response


async def live(request: Request) -> Response:
    """Tell an open page of changes, as server-sent events, as long as it is open."""
    session_of(request)
    hub = console_of(request).live

    async def stream() -> object:
        with hub.subscribed(request.query_params.get("since")) as subscription:
            async for message in subscription.messages():
                yield message

    response = StreamingResponse(stream(), media_type="text/event-stream")  # type: ignore[arg-type]
    set_cookie(request, response)
    return response


_STATUSES: tuple[tuple[type[AlfrdError], int, str], ...] = (
    (NotFound, 404, "not_found"),
    (NotAllowed, 403, "not_allowed"),
    (FormIsOld, 403, "not_done"),
    (NoFiles, 400, "nothing_came"),
    (Refused, 409, "not_done"),
    (Doubtful, 409, "not_done"),
    (Interrupted, 409, "not_done"),
    (DatabaseUnavailable, 503, "database_away"),
    (Transient, 503, "not_now"),
)


async def _told(request: Request, error: Exception) -> Response:
    """An error of ours: its sentence, on a page of the usual look or as JSON."""
    if isinstance(error, SignIn):
        if is_program(request):
            return JSONResponse(
                {"error": texts_of(request).plain("error.no_token")}, 401, {"www-authenticate": "Bearer"}
            )
        return back(request, "/sign-in")
    status, title = next(
        ((status, title) for kind, status, title in _STATUSES if isinstance(error, kind)), (500, "went_wrong")
    )
    if status >= 500:
        log.warning("a page could not be given", path=request.url.path, error=str(error))
    if is_program(request):
        return JSONResponse({"error": str(error)}, status)
    try:
        return show(
            request,
            "error.html",
            status=status,
            title=texts_of(request).plain(f"error.{title}"),
            sentence=str(error),
            advice=f"advice.{title}",
        )
    except SignIn:
        return back(request, "/sign-in")


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code not in (404, 405):
        return Response(error.detail, error.status_code, media_type="text/plain")
    return await _told(
        request, NotFound(texts_of(request).plain("error.no_page", path=request.url.path[:80]))
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    """A bug: its kind on the page, all of it in the log."""
    log.error(
        "a page failed", path=request.url.path, error=f"{type(error).__name__}: {error}", place=where(error)
    )
    return await _told(
        request, AlfrdError(texts_of(request).plain("error.unexpected", kind=type(error).__name__))
    )
