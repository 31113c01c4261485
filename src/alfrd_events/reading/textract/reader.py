"""Read parts by Textract; implements :class:`~alfrd_events.model.protocols.Reader`."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TypeVar

from alfrd_events.clients.aws import Aws
from alfrd_events.clients.calls import BadReply, Call, Calls, Reply, caller
from alfrd_events.clients.jobs import NoPaidJobs, PaidJob, PaidJobs
from alfrd_events.errors import Permanent, Transient
from alfrd_events.model import JsonObject, Line, Page, Part, PartInfo
from alfrd_events.observe import Log
from alfrd_events.reading.frames import UnreadPage, page_of
from alfrd_events.reading.local import LocalReader
from alfrd_events.reading.textract.blocks import Block, frame_of
from alfrd_events.reading.textract.bundle import pdf_of
from alfrd_events.reading.textract.service import NoResults, Textract

log = Log("textract")
Made = TypeVar("Made")

PROVIDER = "textract"
AT_ONCE = 4
"""Pages of one part that are read at a time, where they go one by one."""
PAGES_OF_A_JOB = 100
"""So many pages of a part are looked through at a time, and at most so many go into one job: they are in memory."""


class TextractReader:
    """Reads what has no text layer by Textract.

    :param local: opens the parts, reads what needs no recognition and makes images of the rest; closed with this one.
    :param aws: closed with this one.
    """

    name = PROVIDER
    is_paid = True

    def __init__(
        self, local: LocalReader, aws: Aws, textract: Textract, calls: Calls, jobs: PaidJobs | None = None
    ) -> None:
        self._local = local
        self._aws = aws
        self._textract = textract
        self._calls = calls
        self._jobs: PaidJobs = jobs or NoPaidJobs()

    async def inspect(self, part: Part) -> PartInfo:
        """Tell type and number of pages without reading them; costs nothing.

        :raise Unreadable: empty, damaged, protected, too large or of an unknown type.
        """
        return await self._local.inspect(part)

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        """Yield the pages, each as soon as it is read.

        :param skip: numbers of pages that are not to be read, and cost nothing.
        :raise Unreadable: as :meth:`inspect`, or found out at a page.
        :raise Throttled, Transient, Permanent: as Textract's error is sorted.
        """
        request = hashlib.sha256(part.content + b"\0" + self._textract.wishes.encode()).hexdigest()
        who = caller.get()
        known = () if who is None else await self._jobs.known(who, PROVIDER, part.number, request)
        done: set[int] = set()
        more = True
        while more:
            more = False
            sheets: list[UnreadPage] = []
            async with aclosing(
                self._local.prepare(part, skip=_Either(skip, done), at_most=PAGES_OF_A_JOB)
            ) as pages:
                async for page in pages:
                    more = True
                    done.add(page.number)
                    if isinstance(page, Page):
                        yield page
                    else:
                        sheets.append(page)
            async with aclosing(self._recognised(part, request, sheets, known)) as recognised:
                async for page in recognised:
                    yield page

    async def read_head(self, part: Part, page: Page) -> tuple[Line, ...]:
        """Recognise what the top of a page with a text layer shows beside its text; here, at no cost.

        :raise Transient: the process was killed or too slow.
        """
        return await self._local.read_head(part, page)

    async def aclose(self) -> None:
        """Release processes and connections."""
        await self._local.aclose()
        await self._aws.aclose()

    async def _recognised(
        self, part: Part, request: str, sheets: Sequence[UnreadPage], known: Sequence[PaidJob]
    ) -> AsyncGenerator[Page]:
        """Read sheets by the jobs that have them already, by a new job, or one by one."""
        groups: dict[PaidJob, list[UnreadPage]] = {}
        rest: list[UnreadPage] = []
        for sheet in sheets:
            job = next((job for job in known if sheet.number in job.pages), None)
            if job is None:
                rest.append(sheet)
            else:
                groups.setdefault(job, []).append(sheet)
        made = [sheet for sheet in rest if not sheet.is_original]
        if self._textract.bucket and len(made) > 1:
            groups[await self._started(part, request, made)] = made
            rest = [sheet for sheet in rest if sheet.is_original]
        for job, wanted in groups.items():
            pages, missing = await self._of_job(part, job, wanted)
            for page in pages:
                yield page
            rest += missing
        async with aclosing(self._one_by_one(part, rest)) as single:
            async for page in single:
                yield page

    # --- one by one ----------------------------------------------------------------------------------

    async def _one_by_one(self, part: Part, sheets: Sequence[UnreadPage]) -> AsyncGenerator[Page]:
        """A few at a time; those that were paid are given over before an error of another is."""
        for start in range(0, len(sheets), AT_ONCE):
            readings = (self._single(part, sheet) for sheet in sheets[start : start + AT_ONCE])
            results = await asyncio.gather(*readings, return_exceptions=True)
            for result in results:
                if isinstance(result, Page):
                    yield result
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def _single(self, part: Part, sheet: UnreadPage) -> Page:
        digest = hashlib.sha256(sheet.image + b"\0" + self._textract.wishes.encode()).hexdigest()
        call = Call(
            PROVIDER,
            self._textract.detection,
            self._textract.model,
            key=f"{self._textract.detection}:{digest}",
            pages=1,
            about=part.filename,
        )

        async def send() -> Reply:
            blocks = await self._textract.detect(sheet.image, part.filename)
            return Reply({"page": _frame(blocks, sheet)}, pages=1)

        return await self._paid(call, send, partial(_page, part, sheet))

    async def _paid(
        self, call: Call, send: Callable[[], Awaitable[Reply]], check: Callable[[JsonObject], Made]
    ) -> Made:
        """Make a call, and once more if its reply is no good."""
        try:
            return await self._calls.make(call, send, check)
        except BadReply as error:
            log.warning("asking again", error=error)
            return await self._calls.make(replace(call, fresh=True), send, check)

    # --- by a job ------------------------------------------------------------------------------------

    async def _started(self, part: Part, request: str, sheets: Sequence[UnreadPage]) -> PaidJob:
        """Start a job, and remember it: a worker that is killed now leaves it to the next attempt.

        If it is killed between the two, the next attempt asks with the same token, and gets the same job.
        """
        pages = tuple(sheet.number for sheet in sheets)
        token = _token(request, pages)
        call = Call(
            PROVIDER,
            self._textract.start,
            self._textract.model,
            key=f"{self._textract.start}:{token}",
            pages=len(pages),
            about=part.filename,
        )
        content = await asyncio.to_thread(pdf_of, sheets)

        async def send() -> Reply:
            await self._textract.put(token, content, part.filename)
            try:
                name = await self._textract.start_job(token, part.filename)
            except Permanent:
                await self._textract.remove(token)
                raise
            return Reply({"job": name}, pages=len(pages))

        job = PaidJob(part.number, request, pages, await self._paid(call, send, _job_id))
        if (who := caller.get()) is not None:
            await self._jobs.save(who, PROVIDER, job)
        return job

    async def _of_job(
        self, part: Part, job: PaidJob, sheets: Sequence[UnreadPage]
    ) -> tuple[list[Page], list[UnreadPage]]:
        """The pages that a job has read, and the sheets that it has not."""
        try:
            results = await self._textract.results(job.id, part.filename)
        except NoResults as error:
            log.warning("pages are read one by one instead", job=job.id, error=error)
            if (who := caller.get()) is not None:
                await self._jobs.drop(who, PROVIDER, job)
            await self._textract.remove(_token(job.request, job.pages))
            return [], list(sheets)
        await self._textract.remove(_token(job.request, job.pages))
        blocks = defaultdict(list)
        for block in results.blocks:
            blocks[block.page].append(block)
        pages, missing = [], []
        for sheet in sheets:
            number = job.pages.index(sheet.number) + 1
            if number in results.bad_pages or number not in blocks:
                missing.append(sheet)
            else:
                pages.append(_page(part, sheet, {"page": _frame(blocks[number], sheet)}))
        return pages, missing


class _Either:
    """What is in one of two containers."""

    def __init__(self, *containers: Container[int]) -> None:
        self._containers = containers

    def __contains__(self, number: object) -> bool:
        return any(number in container for container in self._containers)


def _token(request: str, pages: Sequence[int]) -> str:
    """Name a job before it is started: by content and pages, so that the same is not paid twice."""
    return hashlib.sha256(f"{request} {','.join(map(str, pages))}".encode()).hexdigest()


def _frame(blocks: Sequence[Block], sheet: UnreadPage) -> JsonObject:
    return frame_of(blocks, sheet.number, (sheet.width, sheet.height), sheet.rotation)


def _page(part: Part, sheet: UnreadPage, content: JsonObject) -> Page:
    """A page of a reply, or of its text layer where that has more."""
    try:
        page = replace(page_of(content["page"], part), number=sheet.number)
    except (LookupError, Transient) as error:
        raise BadReply(f"{part.filename}: a stored reply of Textract is damaged") from error
    if sheet.layer is not None and _characters(sheet.layer) >= _characters(page):
        return sheet.layer
    return page


def _characters(page: Page) -> int:
    return len("".join(page.text.split()))


def _job_id(content: JsonObject) -> str:
    if not isinstance(content.get("job"), str):
        raise BadReply("a stored reply of Textract names no job")
    return str(content["job"])
