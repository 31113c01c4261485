"""The ``local`` reader: text layers, plain text and recognition on this machine, without a network.

The parent imports no imaging library and looks at no byte of a document. Who is to blame when a process
fails decides what becomes of the part:

- it crashes, or its memory limit is reached: once more in a fresh process, from the first page that is
  missing; the second time the part is refused (:class:`Unreadable`);
- a page uses up its processor time: refused at once, since it would use it up again;
- a page takes too long on the clock, or someone else kills the process: :class:`Transient`, since the
  machine was busy or short of memory; the engine tries again and counts.

Pages that were yielded before a failure are good and stay so; ``skip`` keeps them from being read again.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Container
from contextlib import aclosing, asynccontextmanager
from importlib.util import find_spec
from typing import NoReturn

from alfrd_events.errors import AlfrdError, SettingsInvalid, Transient, Unreadable
from alfrd_events.model import Invoice, Line, Page, Part, PartInfo
from alfrd_events.providers.readers.limits import ReaderLimits
from alfrd_events.providers.readers.pool import Child, Died, Pool
from alfrd_events.providers.readers.wire import Frame, Garbled

_NEEDED = ("rapidocr", "onnxruntime", "pypdfium2", "PIL", "pillow_heif", "numpy", "cv2")
_CRASHES = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGABRT,
    signal.SIGTRAP,
    signal.SIGSYS,
}


class _Failed(AlfrdError):
    """A process crashed or ran out of memory: worth one more try in a fresh one."""


class LocalReader:
    """Reads parts in a small pool of processes; implements ``providers.base.Reader``.

    One part occupies one process. :meth:`read` waits while all are busy.
    """

    name = "local"

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
            except _Failed as failure:
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
        done: set[int] = set()
        for last_try in (False, True):
            try:
                async with aclosing(self._read(part, skip, done, fresh=last_try)) as pages:
                    async for page in pages:
                        done.add(page.number)
                        yield page
            except _Failed as failure:
                if last_try:
                    raise _refusal(part, failure) from None
            else:
                return

    async def aclose(self) -> None:
        """End all processes. A read that is under way fails as :class:`Transient`."""
        await self._pool.aclose()

    async def _read(
        self, part: Part, skip: Container[int], done: Container[int], *, fresh: bool
    ) -> AsyncGenerator[Page]:
        async with self._opened(part, more=True, fresh=fresh) as (conversation, info):
            wanted = [
                number
                for number in range(1, info.page_count + 1)
                if number not in skip and number not in done
            ]
            if not wanted:
                return
            await conversation.send({"kind": "read", "pages": wanted})
            while (frame := await conversation.receive())["kind"] == "page":
                yield _page(frame, part)

    @asynccontextmanager
    async def _opened(
        self, part: Part, *, more: bool, fresh: bool
    ) -> AsyncGenerator[tuple[_Conversation, PartInfo]]:
        self._refuse_by_size(part)
        async with self._pool.child(fresh=fresh) as child:
            conversation = _Conversation(child, part, self._limits)
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

    def _refuse_by_size(self, part: Part) -> None:
        size, limit = len(part.content), self._limits.max_bytes
        if size == 0:
            raise Unreadable(f"{part.filename}: the file is empty (0 bytes); send it again")
        if size > limit:
            raise Unreadable(
                f"{part.filename}: the file is too large: {size:,} bytes, and the limit is {limit:,}; "
                "split it, or raise the limit of bytes"
            )


class _Conversation:
    """Requests about one part and their replies, with the clock running while we wait."""

    def __init__(self, child: Child, part: Part, limits: ReaderLimits) -> None:
        self._child = child
        self._part = part
        self._limits = limits
        self._left = limits.part_seconds

    async def send(self, frame: Frame, data: bytes = b"") -> None:
        try:
            async with asyncio.timeout(self._limits.page_seconds):
                await self._child.send(frame, data)
        except TimeoutError:
            self._late(self._limits.page_seconds)
        except Died as death:
            self._judge(death)

    async def receive(self) -> Frame:
        """Wait for a reply; refusals and failures become exceptions."""
        clock = asyncio.get_running_loop().time
        started = clock()
        patience = min(self._limits.page_seconds, self._left)
        try:
            async with asyncio.timeout(patience):
                frame = await self._child.receive()
        except TimeoutError:
            self._late(patience)
        except Died as death:
            self._judge(death)
        except Garbled as error:
            raise Transient(f"{self._part.filename}: a reader process answered with {error}") from None
        self._left -= clock() - started
        self._raise_if_failed(frame)
        return frame

    def _raise_if_failed(self, frame: Frame) -> None:
        message = str(frame.get("message", ""))
        match frame.get("kind"):
            case "unreadable":
                raise Unreadable(message)
            case "memory":
                self._child.busy = True  # what it still holds is unknown: it is not lent again
                raise _Failed(f"needs more memory than the limit of {self._limits.memory_bytes:,} bytes")
            case "wordy":
                raise Unreadable(
                    f"{self._part.filename}: has more text than the limits of {self._limits.max_page_characters:,} "
                    f"characters for a page and {self._limits.max_part_characters:,} for a file; split it"
                )
            case "nested":
                raise Unreadable(
                    f"{self._part.filename}: what it holds is nested too deep to be read; save it anew, or print it "
                    "to a PDF"
                )
            case "setup":
                raise Transient(
                    f"{self._part.filename}: a library of the reader could not be loaded ({message}); "
                    "run: pip install --force-reinstall 'alfrd-events[local]'"
                )
            case "bug":
                raise Transient(
                    f"{self._part.filename}: the reader failed unexpectedly ({message}); please report it"
                )

    def _late(self, seconds: float) -> NoReturn:
        if seconds < self._limits.page_seconds:
            raise Unreadable(
                f"{self._part.filename}: reading takes longer than the limit of "
                f"{self._limits.part_seconds:g} seconds for one file; split it, or raise the limit"
            )
        raise Transient(
            f"{self._part.filename}: no answer for {seconds:g} seconds; the reader process was replaced. If "
            "this repeats, the machine is overloaded or the file is hostile"
        )

    def _judge(self, death: Died) -> NoReturn:
        code = death.returncode
        if code is not None and -code in _CRASHES:
            raise _Failed(
                f"makes the program that decodes it crash or run out of memory ({signal.Signals(-code).name})"
            )
        if code == -signal.SIGXCPU:
            raise Unreadable(
                f"{self._part.filename}: one page takes more than the limit of "
                f"{self._limits.page_cpu_seconds} seconds of processor time; simplify it, print it to a new "
                "PDF, or raise the limit"
            )
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        raise Transient(
            f"{self._part.filename}: the reader process was ended from outside ({how}) and was replaced; if "
            "this repeats, the machine may be short of memory"
        )


def _refusal(part: Part, failure: _Failed) -> Unreadable:
    return Unreadable(
        f"{part.filename}: {failure}, twice in fresh processes; the file may be damaged: "
        "print it to a new PDF, or scan it again"
    )


def _page(frame: Frame, part: Part) -> Page:
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
