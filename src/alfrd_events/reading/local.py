"""The ``local`` reader: text layers, plain text and recognition on this machine, without a network.

The parent imports no imaging library and looks at no byte of a document. Who is to blame when a process
fails decides what becomes of the part (:mod:`.conversation` judges):

- it crashes, or its memory limit is reached: once more in a fresh process, from the first page that is
  missing; the second time the part is refused (:class:`Unreadable`);
- a page uses up its processor time: refused at once, since it would use it up again;
- a page takes too long on the clock, or someone else kills the process: :class:`Transient`, since the
  machine was busy or short of memory; the engine tries again and counts.

Pages that were yielded before a failure are good and stay so; ``skip`` keeps them from being read again.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Container
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from alfrd_events.errors import SettingsInvalid, Transient, Unreadable
from alfrd_events.model import Invoice, Line, Page, Part, PartInfo
from alfrd_events.reading.conversation import Conversation, Failed
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.pool import Pool
from alfrd_events.sandbox.wire import Frame

_NEEDED = ("rapidocr", "onnxruntime", "pypdfium2", "PIL", "pillow_heif", "numpy", "cv2")


MAX_SHEET_BYTES = 16 * 1024 * 1024
"""More than any sheet has."""


@dataclass(frozen=True, slots=True)
class UnreadPage:
    """A page that another reader has to recognise, as an image: upright, on white."""

    number: int
    image: bytes
    pixels: tuple[int, int]
    """Width and height of the image."""
    width: float
    height: float
    """Size of the page in the source's own unit."""
    rotation: int = 0
    """Degrees clockwise by which the source was turned already."""
    is_original: bool = False
    """It is a PNG or JPEG as it came. All others are JPEG in colour."""
    layer: Page | None = None
    """The page as its poor text layer tells it, for when recognition finds even less."""


class LocalReader:
    """Reads parts in a small pool of processes; implements :class:`~alfrd_events.model.protocols.Reader`.

    One part occupies one process. :meth:`read` waits while all are busy.
    """

    name = "local"
    is_paid = False

    def __init__(self, limits: ReaderLimits | None = None, *, processes: int | None = None) -> None:
        """
        :param processes: how many parts are read at a time; one per core if not given.
        :raise SettingsInvalid: the libraries of the extra ``local`` are not installed.
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
        self._pool = Pool(processes or os.cpu_count() or 1, self._limits)

    async def inspect(self, part: Part) -> PartInfo:
        """Tell type and number of pages without reading them.

        :raise Unreadable: empty, damaged, protected, too large or of an unknown type.
        :raise Transient: the process was killed or too slow.
        """
        for last_try in (False, True):
            try:
                async with self._opened(part, more=False, fresh=last_try) as (_, info):
                    return info
            except Failed as failure:
                if last_try:
                    raise _refusal(part, failure) from None
        raise AssertionError("unreachable")

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        """Yield the pages in their order, each as soon as it is read.

        Leaving early (``aclose``, a cancelled task) kills the work and frees the process's place.

        :param skip: numbers of pages that are not to be read.
        :raise Unreadable: as :meth:`inspect`, or found out at a page.
        :raise Transient: the process was killed or too slow.
        """
        async with aclosing(self._turn_to("read", part, skip, None)) as pages:
            async for page in pages:
                assert isinstance(page, Page), "a process that recognises sends no sheets"
                yield page

    async def prepare(
        self, part: Part, *, skip: Container[int] = (), at_most: int | None = None
    ) -> AsyncGenerator[Page | UnreadPage]:
        """Yield what another reader has to recognise as sheets, and all other pages read.

        :param at_most: so many of them, for callers who keep the sheets.
        :raise Unreadable, Transient: as :meth:`read`.
        """
        async with aclosing(self._turn_to("prepare", part, skip, at_most)) as pages:
            async for page in pages:
                yield page

    async def _turn_to(
        self, kind: str, part: Part, skip: Container[int], at_most: int | None
    ) -> AsyncGenerator[Page | UnreadPage]:
        done: set[int] = set()
        for last_try in (False, True):
            try:
                left = None if at_most is None else at_most - len(done)
                pages = self._attempt(kind, part, skip, done, left, fresh=last_try)
                async with aclosing(pages):
                    async for page in pages:
                        done.add(page.number)
                        yield page
            except Failed as failure:
                if last_try:
                    raise _refusal(part, failure) from None
            else:
                return

    async def aclose(self) -> None:
        """End all processes. A read that is under way fails as :class:`Transient`."""
        await self._pool.aclose()

    async def _attempt(
        self,
        kind: str,
        part: Part,
        skip: Container[int],
        done: Container[int],
        at_most: int | None,
        *,
        fresh: bool,
    ) -> AsyncGenerator[Page | UnreadPage]:
        async with self._opened(part, more=True, fresh=fresh) as (conversation, info):
            wanted = [
                number
                for number in range(1, info.page_count + 1)
                if number not in skip and number not in done
            ][:at_most]
            if not wanted:
                return
            await conversation.send({"kind": kind, "pages": wanted})
            while (frame := await conversation.receive())["kind"] in ("page", "sheet"):
                if frame["kind"] == "page":
                    yield page_of(frame, part)
                else:
                    yield await self._sheet(frame, part, conversation)

    @asynccontextmanager
    async def _opened(
        self, part: Part, *, more: bool, fresh: bool
    ) -> AsyncGenerator[tuple[Conversation, PartInfo]]:
        self._refuse_by_size(part)
        async with self._pool.child(fresh=fresh) as child:
            conversation = Conversation(child, part, self._limits)
            size = len(part.content)
            await conversation.send(
                {"kind": "open", "filename": part.filename, "size": size, "more": more}, part.content
            )
            info = await conversation.receive()
            try:
                opened = PartInfo(str(info["media_type"]), int(info["page_count"]))
            except (KeyError, TypeError, ValueError):
                raise Transient(f"{part.filename}: a reader process answered with nonsense") from None
            yield conversation, opened

    async def _sheet(self, frame: Frame, part: Part, conversation: Conversation) -> UnreadPage:
        """Build the sheet that a frame announces; nothing of it is taken on trust."""
        try:
            size = int(frame["size"])
            if not 0 < size <= MAX_SHEET_BYTES:
                raise ValueError(size)
            across, down = frame["pixels"]
            return UnreadPage(
                number=int(frame["number"]),
                image=await conversation.receive_data(size),
                pixels=(int(across), int(down)),
                width=float(frame["width"]),
                height=float(frame["height"]),
                rotation=int(frame["rotation"]),
                is_original=bool(frame["is_original"]),
                layer=page_of(frame["layer"], part) if frame["layer"] else None,
            )
        except (KeyError, TypeError, ValueError):
            raise Transient(f"{part.filename}: a reader process answered with nonsense") from None

    def _refuse_by_size(self, part: Part) -> None:
        size, limit = len(part.content), self._limits.max_bytes
        if size == 0:
            raise Unreadable(f"{part.filename}: the file is empty (0 bytes); send it again")
        if size > limit:
            raise Unreadable(
                f"{part.filename}: the file is too large: {size:,} bytes, and the limit is {limit:,}; "
                "split it, or raise the limit of bytes"
            )


def _refusal(part: Part, failure: Failed) -> Unreadable:
    return Unreadable(
        f"{part.filename}: {failure}, twice in fresh processes; the file may be damaged: "
        "print it to a new PDF, or scan it again"
    )


def page_of(frame: Frame, part: Part) -> Page:
    """Build the page that a ``page`` frame describes; nothing of it is taken on trust."""
    try:
        return Page(
            number=int(frame["number"]),
            text=str(frame["text"]),
            confidence=float(frame["confidence"]),
            lines=tuple(
                Line(str(text), (float(left), float(top), float(right), float(bottom)), float(sure))
                for text, left, top, right, bottom, sure in frame["lines"]
            ),
            width=float(frame["width"]),
            height=float(frame["height"]),
            source=frame["source"],
            rotation=int(frame["rotation"]),
            invoice=Invoice.model_validate(frame["invoice"]) if frame["invoice"] else None,
        )
    except (KeyError, TypeError, ValueError):
        raise Transient(f"{part.filename}: a reader process answered with nonsense") from None
