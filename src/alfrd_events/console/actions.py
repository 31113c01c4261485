"""What forms do. Each is one call of a function of the database, and ends on a page that says what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.analysis.text.naming import account_key, entity_key
from alfrd_events.console.pages.document import MAIN_FIELDS
from alfrd_events.console.roles import Role
from alfrd_events.console.sessions import COOKIE, Session
from alfrd_events.console.state import (
    FormIsOld,
    allow,
    back,
    console_of,
    id_of,
    session_of,
    texts_of,
    uuid_of,
)
from alfrd_events.console.uploads import NoFiles, submit
from alfrd_events.db import (
    bills,
    bulk,
    calendar,
    corrections,
    files,
    lessons,
    operate,
    reviewing,
    series_changes,
)
from alfrd_events.db import console as ask
from alfrd_events.errors import NotFound
from alfrd_events.steps.filing import slug

Act = Callable[[Request, FormData, Session], Awaitable[str]]
"""Does something, and names the page that the browser goes to."""

_MOST_FILES = 200
_REVIEW_MINUTES = 10
_SNOOZE_DAYS = 14
LARGEST_NUMBER = 2**63 - 1
"""Of an id that PostgreSQL counts up."""
_MOST_FIELDS = 600


def action(role: Role) -> Callable[[Act], Callable[[Request], Awaitable[Response]]]:
    """Make an endpoint of what a form does: only for this role and above, and only from our own pages."""

    def wrap(act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            session = session_of(request)
            allow(request, session, role)
            async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS) as form:
                if not session.is_ours(text_of(form, "csrf")):
                    raise FormIsOld(texts_of(request).plain("told.form_is_old"))
                to = await act(request, form, session)
            return back(request, to)

        return endpoint

    return wrap


def text_of(form: FormData, name: str) -> str:
    """What a field of a form says; nothing where it is missing or a file."""
    value = form.get(name, "")
    return value.replace("\0", "").replace("\r\n", "\n") if isinstance(value, str) else ""


@action(Role.OPERATOR)
async def upload(request: Request, form: FormData, session: Session) -> str:
    """Bring files in."""
    chosen = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
    try:
        done = await submit(
            console_of(request).database,
            chosen,
            tags=[tag.strip() for tag in text_of(form, "tags").split(",") if tag.strip()],
            as_one=bool(text_of(form, "as_one")),
        )
    except NoFiles:
        session.say(texts_of(request).plain("told.nothing_chosen"), "bad")
        return "/documents"
    new, known = sum(each.is_new for each in done), sum(not each.is_new for each in done)
    if new:
        session.say(texts_of(request).plain("told.came_in", n=new))
    if known:
        session.say(texts_of(request).plain("told.known", n=known))
    return f"/documents/{done[0].id}" if len(done) == 1 else "/documents"


@action(Role.OPERATOR)
async def retry(request: Request, _: FormData, session: Session) -> str:
    """Try a document again: what failed from where it failed, what is done from the start."""
    database, id = console_of(request).database, id_of(request)
    done = await operate.replay(database, failed=True, document=id)
    if not done:
        await ask.start_again(database, id)
    session.say(texts_of(request).plain("told.retried", n=1))
    return f"/documents/{id}"


@action(Role.OPERATOR)
async def cancel(request: Request, _: FormData, session: Session) -> str:
    """Stop working on a document."""
    id = id_of(request)
    await operate.cancel(console_of(request).database, id)
    session.say(texts_of(request).plain("told.cancelled"))
    return f"/documents/{id}"


@action(Role.OPERATOR)
async def retry_group(request: Request, form: FormData, session: Session) -> str:
    """Try again all that failed for one reason."""
    database = console_of(request).database
    number = await bulk.retry(
        database, await ask.failed_for(database, text_of(form, "step"), text_of(form, "reason"))
    )
    session.say(retried(request, number))
    return "/"


def retried(request: Request, number: int) -> str:
    """What came of trying documents again."""
    texts = texts_of(request)
    return texts.plain("told.retried", n=number) if number else texts.plain("told.nothing_to_retry")


@action(Role.OPERATOR)
async def pause(request: Request, form: FormData, session: Session) -> str:
    """Let no worker begin a step."""
    step = request.path_params["step"]
    await operate.pause(console_of(request).database, step, text_of(form, "reason"))
    texts = texts_of(request)
    session.say(texts.plain("told.paused", step=texts.name("step", step)))
    return "/work"


@action(Role.OPERATOR)
async def resume(request: Request, _: FormData, session: Session) -> str:
    """Let it begin again."""
    step = request.path_params["step"]
    await operate.resume(console_of(request).database, step)
    texts = texts_of(request)
    session.say(texts.plain("told.resumed", step=texts.name("step", step)))
    return "/work"


@action(Role.OPERATOR)
async def replay(request: Request, form: FormData, session: Session) -> str:
    """Emit again what is stuck, and what failed if that was asked for."""
    done = await operate.replay(console_of(request).database, failed=text_of(form, "failed") == "1")
    texts = texts_of(request)
    session.say(texts.plain("told.replayed", n=len(done)) if done else texts.plain("work.nothing_stuck"))
    return "/work"


@action(Role.EDITOR)
async def correct(request: Request, form: FormData, session: Session) -> str:
    """Set the values that differ from what the form showed."""
    id, texts = id_of(request), texts_of(request)
    fields = dict.fromkeys([*MAIN_FIELDS, *(key.removeprefix("was.") for key in form if key[:4] == "was.")])
    changed: dict[str, str | None] = {}
    for field in fields:
        if field in form and text_of(form, field).strip() != text_of(form, f"was.{field}").strip():
            said = text_of(form, field).strip()
            changed[field] = texts.formats.typed(said) if field == "total_amount" else said
    done = await corrections.correct(console_of(request).database, id, changed) if changed else []
    session.taught = await _taught(request, id) if done else session.taught
    session.say(
        texts.plain("told.corrected", fields=", ".join(texts.field(each.field) for each in done))
        if done
        else texts.plain("told.nothing_corrected")
    )
    if not (done and text_of(form, "review")):
        return f"/documents/{id}"
    session.verdict = (id, False)
    return await _next_review(request, session)


@action(Role.EDITOR)
async def undo(request: Request, _: FormData, session: Session) -> str:
    """Take the last correction back."""
    id = id_of(request)
    done = await corrections.undo(console_of(request).database, id)
    session.taught = None
    texts = texts_of(request)
    session.say(texts.plain("told.undone", fields=", ".join(texts.field(each.field) for each in done)))
    return f"/documents/{id}"


@action(Role.EDITOR)
async def tag(request: Request, form: FormData, session: Session) -> str:
    """Give a document the tags of the form in the place of those that it showed."""
    id = id_of(request)
    wanted, shown = (_tags(text_of(form, name)) for name in ("tags", "was"))
    await corrections.tag(console_of(request).database, id, sorted(wanted - shown), sorted(shown - wanted))
    session.say(texts_of(request).plain("told.tagged"))
    return f"/documents/{id}"


@action(Role.EDITOR)
async def paid(request: Request, _: FormData, session: Session) -> str:
    """Say that a bill is paid, otherwise than by a statement that is here."""
    id = id_of(request)
    await bills.link(console_of(request).database, id)
    session.say(texts_of(request).plain("told.paid"))
    return f"/documents/{id}"


@action(Role.EDITOR)
async def unpaid(request: Request, _: FormData, session: Session) -> str:
    """Say that a bill was not paid by what is linked to it."""
    id = id_of(request)
    await bills.unlink(console_of(request).database, id)
    session.say(texts_of(request).plain("told.unpaid"))
    return f"/documents/{id}"


@action(Role.EDITOR)
async def accept(request: Request, form: FormData, session: Session) -> str:
    """Say that a document is right as it is."""
    id = id_of(request)
    await reviewing.accept(console_of(request).database, id)
    session.taught = None
    session.say(texts_of(request).plain("told.accepted"))
    if not text_of(form, "review"):
        return f"/documents/{id}"
    session.verdict = (id, True)
    return await _next_review(request, session)


@action(Role.EDITOR)
async def take_back(request: Request, form: FormData, session: Session) -> str:
    """Take the last verdict of this person back, and go on with the worst document, which is that one again."""
    database, id, texts = console_of(request).database, id_of(request), texts_of(request)
    if session.verdict is None or session.verdict[0] != id:
        session.say(texts.plain("told.no_verdict"), "bad")
        return f"/documents/{id}"
    _, is_accepted = session.verdict
    if shown := text_of(form, "shown"):
        await reviewing.release(database, uuid_of(request, shown))
    if is_accepted:
        await reviewing.reopen(database, id)
    else:
        await corrections.undo(database, id)
    session.verdict = session.taught = None
    session.say(texts.plain("told.verdict_undone"))
    return await _next_review(request, session)


@action(Role.EDITOR)
async def skip(request: Request, _: FormData, session: Session) -> str:
    """Leave a document to others, and go on with the next."""
    id = id_of(request)
    await reviewing.release(console_of(request).database, id)
    session.skipped.add(id)
    return await _next_review(request, session)


@action(Role.EDITOR)
async def apply_lessons(request: Request, form: FormData, session: Session) -> str:
    """Do the open reviews of a sender again with what the correction of this document taught.

    The one that is shown is given back first: a document that a person looks at is left alone.
    """
    database = console_of(request).database
    id = id_of(request)
    shown = text_of(form, "shown")
    if shown:
        await reviewing.release(database, uuid_of(request, shown))
    again = await lessons.apply_lessons(database, id)
    session.taught = None
    texts = texts_of(request)
    session.say(texts.plain("told.learned", n=len(again)) if again else texts.plain("told.nothing_learned"))
    return await _next_review(request, session) if shown else f"/documents/{id}"


@action(Role.EDITOR)
async def begin_review(request: Request, _: FormData, session: Session) -> str:
    """Go through what needs review, from the start."""
    session.skipped.clear()
    session.verdict = None
    return await _next_review(request, session)


async def _taught(request: Request, id: UUID) -> tuple[UUID, int] | None:
    """A document with the number of reviews that its correction may settle; ``None``: it settles none."""
    others = await lessons.reviews_taught(console_of(request).database, id)
    return (id, len(others)) if others else None


async def _next_review(request: Request, session: Session) -> str:
    """The worst document that needs review and that nobody else looks at."""
    claimed = await reviewing.next_review(
        console_of(request).database, f"console {session.name}", _REVIEW_MINUTES, session.skipped
    )
    if claimed is None:
        session.say(texts_of(request).plain("told.nothing_to_review"))
        return "/"
    return f"/documents/{claimed.id}?review=1"


@action(Role.EDITOR)
async def dismiss(request: Request, form: FormData, session: Session) -> str:
    """Never show an alert again."""
    await calendar.dismiss(console_of(request).database, id_of(request))
    session.say(texts_of(request).plain("told.dismissed"))
    return _series_page(form)


@action(Role.EDITOR)
async def snooze(request: Request, form: FormData, session: Session) -> str:
    """Do not show an alert for two weeks."""
    until = datetime.now(UTC) + timedelta(days=_SNOOZE_DAYS)
    await calendar.snooze(console_of(request).database, id_of(request), until)
    texts = texts_of(request)
    session.say(texts.plain("told.snoozed", day=texts.formats.day(until)))
    return _series_page(form)


def _series_page(form: FormData) -> str:
    """The page of the series that a form was on; Today, if it was there."""
    try:
        return f"/series/{UUID(text_of(form, 'series'))}"
    except ValueError:
        return "/"


@action(Role.EDITOR)
async def make_file(request: Request, form: FormData, session: Session) -> str:
    """Make a file of the documents that carry all of some tags."""
    tags, title = sorted(_tags(text_of(form, "tags"))), text_of(form, "title").strip()
    made = await files.create(console_of(request).database, title, tags, "")
    session.say(texts_of(request).plain("told.file_made"))
    return f"/files/{made}"


@action(Role.EDITOR)
async def merge(request: Request, form: FormData, session: Session) -> str:
    """Let the documents of another series go into this one."""
    database, id = console_of(request).database, id_of(request)
    other = await calendar.find_series(database, text_of(form, "other"))
    await series_changes.merge(database, id, other["id"])
    session.say(texts_of(request).plain("told.merged", slug=other["slug"]))
    return f"/series/{id}"


@action(Role.EDITOR)
async def rename(request: Request, form: FormData, session: Session) -> str:
    """Give a series and its file another name."""
    database, id = console_of(request).database, id_of(request)
    name = text_of(form, "name").strip()
    await series_changes.rename(database, id, name, entity_key(name))
    session.say(texts_of(request).plain("told.renamed", name=name))
    return f"/series/{id}"


@action(Role.EDITOR)
async def split(request: Request, form: FormData, session: Session) -> str:
    """Make a series of its own of the documents that were chosen."""
    database, id = console_of(request).database, id_of(request)
    chosen = [_id(request, each) for each in form.getlist("document")]
    if not chosen:
        session.say(texts_of(request).plain("told.no_document_chosen"), "bad")
        return f"/series/{id}"
    name, kind = text_of(form, "name").strip(), (await ask.series(database, id))["kind"]
    accounts = {account_key(number) for number in await series_changes.accounts_of(database, chosen)}
    account = accounts.pop() if len(accounts) == 1 else ""
    await series_changes.split(database, id, chosen, name, entity_key(name), slug(f"{name} {kind}"), account)
    session.say(texts_of(request).plain("told.split", n=len(chosen), name=name))
    return f"/series/{id}"


@action(Role.EDITOR)
async def undo_series_change(request: Request, form: FormData, session: Session) -> str:
    """Take a merge, a renaming or a split back."""
    change = int(request.path_params["change"])
    if change > LARGEST_NUMBER:
        raise NotFound(texts_of(request).plain("error.no_change", number=str(change)))
    await series_changes.undo(console_of(request).database, change)
    session.say(texts_of(request).plain("told.series_undone"))
    return _series_page(form)


def _id(request: Request, given: UploadFile | str) -> UUID:
    try:
        return UUID(str(given))
    except ValueError:
        raise NotFound(texts_of(request).plain("error.no_document", id=str(given))) from None


def _tags(text: str) -> set[str]:
    return {tag.strip() for tag in text.split(",") if tag.strip()}


async def sign_in(request: Request) -> Response:
    """Ask for a token, and begin a session for a good one."""
    console = console_of(request)
    if not console.tokens:
        return back(request, "/")
    address = request.client.host if request.client else ""
    texts, problem, status = texts_of(request), "", 200
    if request.method == "POST":
        async with request.form(max_files=0, max_fields=4) as form:
            token = text_of(form, "token").strip()
        if console.attempts.must_wait(address):
            problem, status = texts.plain("told.too_many_attempts"), 429
        elif (role := console.role_of(token)) is None:
            console.attempts.failed(address)
            problem, status = texts.plain("told.wrong_token"), 401
        else:
            request.state.new_cookie, _session = console.sessions.begin(role)
            return back(request, "/")
    text = console.renderer.page(texts, "sign_in.html", {"problem": problem})
    return Response(text, status, media_type="text/html")


@action(Role.READER)
async def sign_out(request: Request, _: FormData, __: Session) -> str:
    """End the session."""
    console_of(request).sessions.end(request.cookies.get(COOKIE, ""))
    return "/sign-in"
