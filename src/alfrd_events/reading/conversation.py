"""Talk with a reader process about one part, and judge who is to blame when it fails."""

from __future__ import annotations

import asyncio
import signal
from typing import NoReturn

from alfrd_events.errors import AlfrdError, Transient, Unreadable, WorkerUnfit
from alfrd_events.model import Part
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


class Conversation:
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
            case "memory":
                self._child.busy = True  # what it still holds is unknown: it is not lent again
                raise Failed(f"needs more memory than the limit of {self._limits.memory_bytes:,} bytes")
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
