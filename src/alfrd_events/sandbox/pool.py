"""A few processes that are kept and lent out, for a unit of work or more.

A process goes back to the pool only when it has answered every request. In any other case (it died, was
late, or the borrower gave up) it is killed and the next borrower gets a new one, so that no part meets the
remains of another. Starting a process takes a tenth of a second. Loading the models, which only
recognition needs, takes about a second more. Who gets the next free process is said in :mod:`.line`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import alfrd_events
from alfrd_events.errors import AlfrdError, Transient, WorkerUnfit, no_process
from alfrd_events.sandbox import wire
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.line import Line
from alfrd_events.sandbox.turns import Turn, current_turn
from alfrd_events.sandbox.wire import Frame, Garbled

CHILD = "alfrd_events.reading.child"
START_SECONDS = 60.0
PING_SECONDS = 5.0

_NOT_OVER = ("page", "sheet", "result")
"""Replies after which more comes: another one, or bytes."""
_LAST_WORDS = 4_000
"""Bytes of a process's output that are kept; the error shows the last line."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
"""Environment variables passed on. Others may hold credentials, which no process with hostile files needs."""


class Died(AlfrdError):
    """The process ended in the middle of its work."""

    def __init__(self, returncode: int | None) -> None:
        super().__init__(f"return code {returncode}")
        self.returncode = returncode
        """Negative: the signal that ended it."""


class Child:
    """One process and the two pipes to it."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._requests = process.stdin
        self._replies = process.stdout
        self.busy = False
        """A request was sent and its last reply has not come."""
        self.holds = 0
        """The key of the part that it has open, as far as is known here; 0: none."""

    @classmethod
    async def start(cls, limits: ReaderLimits, module: str = CHILD) -> Child:
        """Start a process and wait until it answers.

        :param module: what it runs.
        :raise WorkerUnfit: it could not be started, or does not answer. It has seen no document by then.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", module, str(os.getpid()), json.dumps(asdict(limits))),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,  # until it answers; then it closes it
                env=_environment(),
                start_new_session=True,  # the terminal's Ctrl-C is for us
            )
        except (
            OSError,
            RuntimeError,
        ) as error:  # the latter: no thread, where one waits for the process's end
            raise no_process(error, sys.executable) from error
        child = cls(process)
        try:
            alive = await child.answers(START_SECONDS)
        except BaseException:
            child.kill()
            await child.ended()  # or nothing would wait for it
            raise
        if not alive:
            child.kill()
            raise WorkerUnfit(
                f"a process of this worker did not start ({await _last_words(process)}); mend the installation or its "
                f"limits. To see why, run: {sys.executable} -P -m {module} $$ '{{}}' </dev/null"
            )
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def answers(self, seconds: float) -> bool:
        """Whether the process is there and listens."""
        try:
            async with asyncio.timeout(seconds):
                await self.send({"kind": "ping"})
                return bool((await self.receive()).get("kind") == "pong")
        except (TimeoutError, Died, Garbled):
            return False

    async def send(self, frame: Frame, data: bytes = b"") -> None:
        """Send a request, and the bytes that belong to it.

        :raise Died: the process has ended.
        """
        self.busy = True
        try:
            self._requests.write(wire.encode(frame))
            self._requests.write(data)
            await self._requests.drain()
        except ConnectionError:
            raise Died(await self.ended()) from None

    async def receive(self) -> Frame:
        """Wait for the next reply.

        :raise Died: the process ended before it replied.
        :raise Garbled: it replied with nonsense.
        """
        try:
            head = await self._replies.readexactly(wire.LENGTH.size)
            frame = wire.decode(await self._replies.readexactly(wire.frame_length(head)))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Died(await self.ended()) from None
        if frame.get("kind") not in _NOT_OVER:
            self.busy = False
        return frame

    async def receive_data(self, size: int) -> bytes:
        """Wait for the bytes that belong to the last reply.

        :raise Died: the process ended before it had sent them.
        """
        try:
            return await self._replies.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Died(await self.ended()) from None

    def kill(self) -> None:
        """End the process now, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._requests.close()

    async def ended(self) -> int | None:
        """Wait for the process's end and give its return code; ``None`` if it only closed the pipe."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            return None


class Pool:
    """Lends out at most ``size`` processes at a time; starts them when they are needed.

    :param module: what they run.
    """

    def __init__(self, size: int, limits: ReaderLimits, module: str = CHILD) -> None:
        self._limits = limits
        self._module = module
        self.line = Line(size)
        self._idle: list[Child] = []
        self._lent: set[Child] = set()
        self._ending: set[asyncio.Task[int | None]] = set()
        self._naps: dict[Child, asyncio.TimerHandle] = {}
        self._closed = False

    @asynccontextmanager
    async def child(
        self, *, turn: Turn | None = None, fresh: bool = False, holds: int = 0
    ) -> AsyncIterator[Child]:
        """Borrow a process; it is killed unless it has answered everything when it is given back.

        :param turn: whose turn counts for it; that of the attempt that runs if not given.
        :param fresh: one that has not read anything yet.
        :param holds: the key of a part: of the idle processes, rather one that has it open.
        :raise WorkerUnfit: it could not be started.
        :raise Transient: the pool is closed.
        """
        turn = turn or current_turn()
        await self.line.enter(turn)
        try:
            self._refuse_if_closed()
            child = await self._take(fresh, holds)
            if self._closed:  # while it was started
                self._end(child)
            self._refuse_if_closed()
            self._lent.add(child)
            try:
                yield child
            finally:
                self._lent.discard(child)
                self._give_back(child)
        finally:
            self.line.leave(turn)

    async def aclose(self) -> None:
        """End all processes, lent ones too, and wait until they are gone."""
        self._closed = True
        for child in (*self._idle, *self._lent):
            self._end(child)
        self._idle.clear()
        while self._ending:
            await asyncio.gather(*self._ending, return_exceptions=True)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Transient("the reader is closed; the part is read by the next worker")

    async def _take(self, fresh: bool, holds: int) -> Child:
        if fresh and self._idle:
            self._end(self._idle.pop(0))
        while self._idle and not fresh:
            child = next((each for each in self._idle if holds and each.holds == holds), self._idle[-1])
            self._idle.remove(child)
            self._naps.pop(child).cancel()
            try:
                alive = await child.answers(PING_SECONDS)
            except BaseException:
                self._end(child)
                raise
            if alive:
                return child
            self._end(child)
        return await Child.start(self._limits, self._module)

    def _give_back(self, child: Child) -> None:
        if child.busy or self._closed:
            self._end(child)
            return
        self._idle.append(child)
        loop = asyncio.get_running_loop()
        self._naps[child] = loop.call_later(self._limits.idle_seconds, self._retire, child)

    def _retire(self, child: Child) -> None:
        self._idle.remove(child)
        self._end(child)

    def _end(self, child: Child) -> None:
        """Kill a process, and see to it that it is reaped without anyone having to wait."""
        if nap := self._naps.pop(child, None):
            nap.cancel()
        child.kill()
        reaper = asyncio.ensure_future(child.ended())
        self._ending.add(reaper)
        reaper.add_done_callback(self._ending.discard)


async def _last_words(process: Process) -> str:
    """Why a process did not start: how it ended, and the last line that it wrote."""
    said = b""
    assert process.stderr is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PING_SECONDS):
            while more := await process.stderr.read(_LAST_WORDS):
                said = (said + more)[-_LAST_WORDS:]
            await process.wait()
    lines = said.decode(errors="replace").split("\n")
    line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    how = f"exit status {process.returncode}"
    if process.returncode == -signal.SIGKILL:
        how = f"it did not answer within {START_SECONDS:g} s"
    return f"{how}: {line}" if line else how


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    package_root = str(Path(alfrd_events.__file__).parent.parent)
    inherited = os.environ.get("PYTHONPATH", "")
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, (package_root, inherited))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
