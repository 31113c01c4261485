"""Work: the steps and who does them, what is dead, and what a replay would do."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.console.roles import Role
from alfrd_events.console.state import allow, console_of, session_of, show
from alfrd_events.db import console as ask
from alfrd_events.db import operate, queries


async def work(request: Request) -> Response:
    """The queue and the workers."""
    session = session_of(request)
    console = console_of(request)
    preview = None
    if "preview" in request.query_params:
        allow(request, session, Role.OPERATOR)
        preview = await operate.replay(
            console.database, failed=request.query_params["preview"] == "failed", dry_run=True
        )
    return show(
        request,
        "work.html",
        seen=await queries.work(console.database),
        done=await ask.done_in_hour(console.database),
        working=await ask.in_work(console.database, 100),
        dead=await ask.dead(console.database),
        preview=preview,
        with_failed=request.query_params.get("preview") == "failed",
        open_pages=console.live.pages,
    )
