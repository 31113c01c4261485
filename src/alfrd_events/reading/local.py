"""The ``local`` reader: text layers, plain text and recognition on this machine, without a network.

The parent imports no imaging library and looks at no byte of a document. Who is to blame when a process
fails decides what becomes of the part (:mod:`.conversation` judges):

- it crashes, or its memory limit is reached: the page at which it did once more, alone in a fresh process; the second
  time the part is refused (:class:`Unreadable`);
- a page uses up its processor time: refused at once, since it would use it up again;
- a page takes too long on the clock, or someone else kills the process: :class:`Transient`, since the
  machine was busy or short of memory; the engine tries again and counts.

Pages that were yielded before a failure are good and stay so; ``skip`` keeps them from being read again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Container
from contextlib import aclosing
from importlib.util import find_spec

from alfrd_events.errors import AlfrdError, SettingsInvalid, Unreadable
from alfrd_events.model import Line, Page, Part, PartInfo
from alfrd_events.observe import Log
from alfrd_events.reading.conversation import Conversation, Failed, refusal
from alfrd_events.reading.frames import UnreadPage, head_of
from alfrd_events.reading.inference.choice import choose
from alfrd_events.reading.spread import SharedReading
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.pool import Pool

log = Log("reader")

MOST_KNOWN = 2_000
"""Lines of a page's upper half that are sent to be painted over."""
_NEEDED = ("rapidocr", "pypdfium2", "PIL", "pillow_heif", "numpy", "cv2")


class LocalReader:
    """Reads parts in a small pool of processes; implements :class:`~alfrd_events.model.protocols.Reader`.

    All processes read the pages of a part that takes long, and change parts where several are read (:mod:`.spread`).
    """

    name = "local"
    is_paid = False

    def __init__(self, limits: ReaderLimits | None = None, *, processes: int | None = None) -> None:
        """
        :param processes: how many pages are read at a time; one per core if not given.
        :raise SettingsInvalid: the libraries of the extra ``local``, or the engine that is set, are not installed.
        """
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            raise SettingsInvalid(
                f"the reader 'local' needs {', '.join(missing)}; run: pip install 'alfrd-events[local]', "
                "or choose another reader with ALFRD_READER"
            )
        if processes is not None and processes < 1:
            raise SettingsInvalid(f"the reader 'local' needs at least 1 process, not {processes}")
        self._limits = limits or ReaderLimits()
        choose(self._limits.ocr_engine)
        self._processes = processes or os.cpu_count() or 1
        self._pool = Pool(self._processes, self._limits)

    async def inspect(self, part: Part) -> PartInfo:
        """Tell type and number of pages without reading them.

        :raise Unreadable: empty, damaged, protected, too large or of an unknown type.
        :raise Transient: the process was killed or too slow.
        """
        self._refuse_by_size(part)
        for last_try in (False, True):
            try:
                async with self._pool.child(fresh=last_try) as child:
                    return await Conversation(child, part, self._limits).open()
            except Failed as failure:
                if last_try:
                    raise refusal(part, failure) from None
        raise AssertionError("unreachable")

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        """Yield the pages, each as soon as it is read: where several processes read, not in their order.

        Leaving early (``aclose``, a cancelled task) kills the work and frees the processes' places.

        :param skip: numbers of pages that are not to be read.
        :raise Unreadable: as :meth:`inspect`, or found out at a page.
        :raise Transient: the process was killed or too slow.
        """
        self._refuse_by_size(part)
        shared = SharedReading(self._pool, part, self._limits, "read", processes=self._processes)
        async with aclosing(shared.pages(skip)) as pages:
            async for page in pages:
                assert isinstance(page, Page), "a process that recognises sends no sheets"
                yield page

    async def prepare(
        self, part: Part, *, skip: Container[int] = (), at_most: int | None = None
    ) -> AsyncGenerator[Page | UnreadPage]:
        """Yield, in their order, what another reader has to recognise as sheets, and all other pages read.

        :param at_most: so many of them, for callers who keep the sheets.
        :raise Unreadable, Transient: as :meth:`read`.
        """
        self._refuse_by_size(part)
        shared = SharedReading(self._pool, part, self._limits, "prepare", processes=1)
        async with aclosing(shared.pages(skip, at_most)) as pages:
            async for page in pages:
                yield page

    async def read_head(self, part: Part, page: Page) -> tuple[Line, ...]:
        """Recognise what the top of a page shows beside its text, such as a logo; implements ``ReadsHeads``.

        A picture that cannot be recognised is no reason to refuse a page that was read.

        :param page: as it was read of this part.
        :raise Transient: the process was killed or too slow.
        """
        known = [line.box for line in page.lines if line.box[1] <= 0.5][:MOST_KNOWN]
        request = {"kind": "head", "page": page.number, "rotation": page.rotation, "known": known}
        try:
            async with self._pool.child() as child:
                conversation = Conversation(child, part, self._limits)
                await conversation.open()
                await conversation.ask(request)
                return head_of(await conversation.receive(), part)
        except (Failed, Unreadable) as failure:
            log.warning("the pictures of a page were left out", part=part.filename, problem=str(failure))
            return ()

    async def warm_up(self) -> None:
        """Start a process and load the models, so that the first page need not wait for them.

        It takes one of the processes for a second or two. What goes wrong is told when a document is read.
        """
        try:
            async with self._pool.child() as child, asyncio.timeout(self._limits.page_seconds):
                await child.send({"kind": "warm"})
                answer = await child.receive()
            log.debug("the reader is warm", answer=str(answer.get("kind")))
        except (AlfrdError, TimeoutError) as error:
            log.debug("the reader could not be warmed up", problem=str(error) or type(error).__name__)

    async def aclose(self) -> None:
        """End all processes. A read that is under way fails as :class:`Transient`."""
        await self._pool.aclose()

    def _refuse_by_size(self, part: Part) -> None:
        size, limit = len(part.content), self._limits.max_bytes
        if size == 0:
            raise Unreadable(f"{part.filename}: the file is empty (0 bytes); send it again")
        if size > limit:
            raise Unreadable(
                f"{part.filename}: the file is too large: {size:,} bytes, and the limit is {limit:,}; "
                "split it, or raise the limit of bytes"
            )
