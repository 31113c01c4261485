"""What all pages share, and how a request is answered with one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alfrd_events.console.live import Live
from alfrd_events.console.pictures import PageImages
from alfrd_events.console.rendering import Renderer
from alfrd_events.console.roles import Role, Tokens
from alfrd_events.console.sessions import COOKIE, Attempts, Session, Sessions
from alfrd_events.console.texts import ENGLISH, Texts, preferred
from alfrd_events.db.database import Database
from alfrd_events.db.replica import ReadReplica
from alfrd_events.errors import AlfrdError, NotFound

PART = "part"
"""The parameter of a URL that asks for one block of its page."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of what ``doctor`` says."""

    name: str
    good: bool
    detail: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SetUp:
    """What the page of that name shows."""

    settings: Sequence[tuple[str, str]] = ()
    """Names and values in force; those of secrets are hidden."""
    database: str = ""
    """Where the database is, without a password."""
    examine: Callable[[], Awaitable[Sequence[Diagnosis]]] | None = None
    """Goes through the checks of ``doctor``; ``None``: there are none."""


@dataclass(slots=True)
class Console:
    """The parts of a running console."""

    database: Database
    live: Live
    images: PageImages
    tokens: Tokens
    max_bytes: int
    most: Role = Role.EDITOR
    """The highest role that anybody has: a console whose login may only read offers nothing else."""
    language: str = ""
    """Of all pages; empty: the one that each browser asks for."""
    set_up: SetUp = field(default_factory=SetUp)
    renderer: Renderer = field(default_factory=Renderer)
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    reads: ReadReplica | None = None
    """What pages ask; ``None``: the database itself."""

    @property
    def free_role(self) -> Role | None:
        """The role of those without a token; ``None``: they have to sign in."""
        return None if self.tokens else self.most

    def role_of(self, token: str) -> Role | None:
        """The role of a token, as far as the console's login has the rights for it; ``None``: it is unknown."""
        found = self.tokens.role_of(token)
        return None if found is None else min(found, self.most)


class NotAllowed(AlfrdError):
    """A role that may not do what was asked."""


class SignIn(AlfrdError):
    """Nobody has signed in yet."""


class FormIsOld(AlfrdError):
    """A form without the mark of its session: it is from another console, or from before a restart."""


def console_of(request: Request) -> Console:
    """The console that a request came to; where it only asks for a page, with the database that is there for that."""
    found: Console = request.app.state.console
    if request.method == "GET" and found.reads is not None:
        return replace(found, database=found.reads)
    return found


def texts_of(request: Request) -> Texts:
    """What is said to who asks, in their language; to programs in English."""
    console, languages = console_of(request), console_of(request).renderer.languages
    if is_program(request):
        return languages[ENGLISH]
    return languages[console.language or preferred(request.headers.get("accept-language", ""))]


def is_program(request: Request) -> bool:
    """Whether a program asks, and no browser for a page."""
    return request.url.path.startswith("/api/")


def session_of(request: Request) -> Session:
    """Who asks; begins a session where none is needed to come in.

    :raise SignIn: a token is needed.
    """
    found: Session | None = getattr(request.state, "session", None)
    if found is not None:
        return found
    console = console_of(request)
    request.state.version = (
        console.live.version
    )  # before the page asks anything: what changes later, it has to be told
    session = console.sessions.find(request.cookies.get(COOKIE, ""))
    if session is None:
        if console.free_role is None:
            raise SignIn
        id, session = console.sessions.begin(console.free_role)
        request.state.new_cookie = id
    request.state.session = session
    return session


def set_cookie(request: Request, response: Response) -> None:
    """Give a new session's cookie to its browser."""
    if id := getattr(request.state, "new_cookie", ""):
        response.set_cookie(
            COOKIE, id, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/"
        )


def show(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page, or the block of it that was asked for."""
    console, session, texts = console_of(request), session_of(request), texts_of(request)
    shared = {
        "path": request.url.path,
        "given": {key: value for key, value in request.query_params.items() if key != PART},
        "csrf": session.csrf,
        "version": request.state.version,
        "role": session.role,
        "Role": Role,
        "has_tokens": bool(console.tokens),
        "messages": [],
        "status_code": status,
    }
    block = request.query_params.get(PART, "")
    if block and status == 200:
        try:
            text = console.renderer.part(texts, template, block, {**shared, **values})
        except KeyError:
            raise NotFound(texts.plain("error.no_part", part=block)) from None
    else:
        shared["messages"] = session.told()
        text = console.renderer.page(texts, template, {**shared, **values})
    response = HTMLResponse(text, status)
    set_cookie(request, response)
    return response


def back(request: Request, to: str) -> Response:
    """Answer a form: the browser goes to a page of ours."""
    response = RedirectResponse(to, 303)
    set_cookie(request, response)
    return response


def id_of(request: Request) -> UUID:
    """The id in the path.

    :raise NotFound: it is none.
    """
    return uuid_of(request, request.path_params["id"])


def uuid_of(request: Request, text: str) -> UUID:
    """The id that a text is.

    :raise NotFound: it is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(texts_of(request).plain("error.no_id", id=text[:60])) from None


def allow(request: Request, session: Session, role: Role) -> None:
    """See to it that somebody may do something.

    :raise NotAllowed: the role is too low.
    """
    if session.role < role:
        raise NotAllowed(needs(texts_of(request), role))


def needs(texts: Texts, role: Role) -> str:
    """What somebody is told whose role is too low."""
    return texts.plain("told.not_allowed", role=texts.name("role", role.name.lower()))
