"""A TCP proxy between a worker and its server, which can go deaf, reset, and delay."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal, Self

Mood = Literal["fine", "deaf", "slow"]


class Proxy:
    """Forwards bytes both ways, as its mood allows.

    ``deaf`` accepts and reads, and forwards nothing; ``slow`` forwards everything ``delay`` seconds later, as a long
    way does: what follows closely arrives as closely.
    """

    def __init__(self, target: int, delay: float = 2) -> None:
        self._target = target
        self._delay = delay
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.mood: Mood = "fine"
        self.accepted = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.reset()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def reset(self) -> None:
        """Cut every connection with an RST."""
        for writer in self._writers:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        for end in (writer, far_writer):
            end.close()
            self._writers.discard(end)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(due - clock())
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()

        async def collect() -> None:
            data = b"-"
            while data:
                data = await reader.read(65536)
                if self.mood != "deaf" or not data:
                    on_the_way.put_nowait((clock() + (self._delay if self.mood == "slow" else 0), data))

        await asyncio.gather(collect(), deliver())
