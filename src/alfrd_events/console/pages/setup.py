"""Set-up: the settings in force, and what ``doctor`` says when it is asked."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.console.roles import Role
from alfrd_events.console.state import allow, console_of, session_of, show
from alfrd_events.db import sql_views


async def setup(request: Request) -> Response:
    """Settings and checks."""
    session = session_of(request)
    set_up = console_of(request).set_up
    findings = None
    if "check" in request.query_params and set_up.examine is not None:
        allow(request, session, Role.OPERATOR)
        findings = await set_up.examine()
    views = await sql_views.of_types(console_of(request).database)
    return show(request, "setup.html", set_up=set_up, findings=findings, views=views)
