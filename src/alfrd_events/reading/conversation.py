"""Talk with a reader process about one part, and judge who is to blame when it fails."""

from __future__ import annotations

import asyncio
import itertools
import signal
import weakref
from typing import NoReturn

from alfrd_events.errors import AlfrdError, Transient, Unreadable, WorkerUnfit
from alfrd_events.model import Part, PartInfo
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.pool import Child, Died
from alfrd_events.sandbox.wire import Frame, Garbled

_CRASHES = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGABRT,
    signal.SIGTRAP,
    signal.SIGSYS,
}


class Failed(AlfrdError):
    """A process crashed or ran out of memory: worth one more try in a fresh one."""


class PartClosed(Transient):
    """The process does not have the part open any more: it had no request for a while, or opened another one."""

    def __init__(self, part: Part) -> None:
        super().__init__(
            f"{part.filename}: its process closed it meanwhile; it is opened again at the next try"
        )


class Clock:
    """How long processes may still work for one part, in seconds."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds


class Conversation:
    """Requests about one part and their replies, with the clock running while we wait.

    :param clock: that of the part, where several processes read it; one of its own if not given.
    """

    def __init__(self, child: Child, part: Part, limits: ReaderLimits, clock: Clock | None = None) -> None:
        self._child = child
        self._part = part
        self._key = key_of(part)
        self._limits = limits
        self._clock = clock or Clock(limits.part_seconds)

    async def open(self) -> PartInfo:
        """Have the process open the part, and tell what it is.

        :raise Unreadable: empty, damaged, protected, too large or of an unknown type.
        :raise Failed: the process crashed, or ran out of memory.
        :raise Transient: the process was killed or too slow.
        """
        self._child.holds = 0
        content, name = self._part.content, self._part.filename
        opening = {"kind": "open", "part": self._key, "filename": name, "size": len(content)}
        await self.send(opening, content)
        info = await self.receive()
        try:
            opened = PartInfo(str(info["media_type"]), int(info["page_count"]))
        except (KeyError, TypeError, ValueError):
            raise nonsense(self._part) from None
        self._child.holds = self._key
        return opened

    async def ask(self, frame: Frame) -> None:
        """Send a request about the part that is open."""
        await self.send(frame | {"part": self._key})

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
        patience = min(self._limits.page_seconds, self._clock.left)
        try:
            async with asyncio.timeout(patience):
                frame = await self._child.receive()
        except TimeoutError:
            self._late(patience)
        except Died as death:
            self._judge(death)
        except Garbled as error:
            raise Transient(f"{self._part.filename}: a reader process answered with {error}") from None
        self._clock.left -= clock() - started
        self._raise_if_failed(frame)
        return frame

    async def receive_data(self, size: int) -> bytes:
        """Wait for the bytes that belong to the last reply."""
        try:
            async with asyncio.timeout(self._limits.page_seconds):
                return await self._child.receive_data(size)
        except TimeoutError:
            self._late(self._limits.page_seconds)
        except Died as death:
            self._judge(death)

    def _raise_if_failed(self, frame: Frame) -> None:
        message = str(frame.get("message", ""))
        match frame.get("kind"):
            case "unreadable":
                raise Unreadable(message)
            case "closed":
                self._child.holds = 0
                raise PartClosed(self._part)
            case "memory":
                self._child.busy = True  # what it still holds is unknown: it is not lent again
                raise Failed(f"needs more memory than the limit of {self._limits.memory_bytes:,} bytes")
            case "wordy":
                raise too_much_text(self._part, self._limits)
            case "nested":
                raise Unreadable(
                    f"{self._part.filename}: what it holds is nested too deep to be read; save it anew, or print it "
                    "to a PDF"
                )
            case "setup":
                raise WorkerUnfit(
                    f"a library or a model of the reader could not be loaded ({message}); "
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
            raise Failed(
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


def refusal(part: Part, failure: Failed) -> Unreadable:
    """What becomes of a part at which processes failed twice."""
    return Unreadable(
        f"{part.filename}: {failure}, twice in fresh processes; the file may be damaged: "
        "print it to a new PDF, or scan it again"
    )


def too_much_text(part: Part, limits: ReaderLimits) -> Unreadable:
    """What becomes of a part that has more text than is kept."""
    return Unreadable(
        f"{part.filename}: has more text than the limits of {limits.max_page_characters:,} "
        f"characters for a page and {limits.max_part_characters:,} for a file; split it"
    )


def nonsense(part: Part) -> Transient:
    """What a process answered cannot be: it is broken, or in the hands of the file."""
    return Transient(f"{part.filename}: a reader process answered with nonsense")


_numbers = itertools.count(1)
_keys: dict[int, tuple[weakref.ref[Part], int]] = {}
"""By the address of the part, as long as it lives."""


def key_of(part: Part) -> int:
    """The number by which processes know a part: the same for the same object, and never used again."""
    address = id(part)
    if address in _keys:
        return _keys[address][1]
    key = next(_numbers)
    _keys[address] = weakref.ref(part, lambda _: _keys.pop(address, None)), key
    return key
