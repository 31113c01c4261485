"""Apply the rules to long texts in processes of their own, where a stop and a time-out end the work.

A thread cannot be ended: it keeps its processor and its place after its task was given up, and a worker waits for it
before it stops. A process is killed, and the next one starts in half a second.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
from typing import NoReturn, cast

from alfrd_events.errors import Permanent, Transient
from alfrd_events.model.jobs import DocumentJob, ResultT
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.pool import Child, Died, Pool
from alfrd_events.sandbox.wire import Frame, Garbled

MODULE = "alfrd_events.analysis.rules.child"


class IsolatedRules:
    """A few processes that apply rules.

    :param processes: how many work at a time; one per core if not given.
    """

    def __init__(self, processes: int | None = None, limits: ReaderLimits | None = None) -> None:
        self._limits = limits or ReaderLimits()
        self._pool = Pool(processes or os.cpu_count() or 1, self._limits, MODULE)

    async def run(self, job: DocumentJob[ResultT]) -> ResultT:
        """Answer a question in a process; leaving early kills the work.

        :raise Permanent: it says so, or takes more processor time than is allowed.
        :raise Transient: its process ended, or took too long on the clock.
        :raise WorkerUnfit: no process could be started.
        """
        name = type(job).__name__
        data = pickle.dumps(job, pickle.HIGHEST_PROTOCOL)
        async with self._pool.child() as child:
            try:
                async with asyncio.timeout(self._limits.page_seconds):
                    await child.send({"kind": "work", "size": len(data)}, data)
                    reply = await child.receive()
                    if reply.get("kind") != "result":
                        self._refuse(name, reply, child)
                    result = await child.receive_data(int(reply["size"]))
                    child.busy = False
            except TimeoutError:
                raise Transient(
                    f"{name}: no answer for {self._limits.page_seconds:g} seconds; the machine is overloaded"
                ) from None
            except Died as death:
                self._judge(name, death)
            except (Garbled, KeyError, TypeError, ValueError):
                child.busy = True
                raise Transient(f"{name}: a process answered with nonsense") from None
        return cast(ResultT, job.answer.model_validate_json(result))

    async def aclose(self) -> None:
        """End all processes."""
        await self._pool.aclose()

    def _refuse(self, name: str, reply: Frame, child: Child) -> NoReturn:
        message = str(reply.get("message", ""))
        match reply.get("kind"):
            case "permanent":
                raise Permanent(message)
            case "transient":
                raise Transient(message)
            case "memory":
                child.busy = True  # what it still holds is unknown: it is not lent again
                raise Transient(f"{name}: needs more memory than {self._limits.memory_bytes:,} bytes")
        raise Transient(f"{name}: the rules failed unexpectedly ({message}); please report it")

    def _judge(self, name: str, death: Died) -> NoReturn:
        if death.returncode == -signal.SIGXCPU:
            raise Permanent(
                f"{name}: the text takes the rules more than {self._limits.page_cpu_seconds} seconds of processor "
                "time; please report it"
            )
        raise Transient(f"{name}: its process was ended from outside ({death}) and was replaced")
