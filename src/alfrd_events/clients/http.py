"""What all HTTP clients share: no reply is read without a limit.

The limit counts bytes as they are after decompression, so that neither an endless reply nor a small one that unpacks
to gigabytes fills the memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from alfrd_events.errors import Transient

if TYPE_CHECKING:
    from aiohttp import ClientResponse

MOST_BYTES = 32 * 1024 * 1024
"""Of one reply. The longest answers of models are some 100 kB, the largest pages of Textract some MB."""
_CHUNK = 64 * 1024


class ReplyTooLarge(Transient):
    """A server sent more than any answer can have; the rest was not read."""

    def __init__(self, host: str, most: int) -> None:
        super().__init__(
            f"{host} sent a reply of more than {most / 1024**2:,.0f} MB, and the rest was not read: is it the server "
            "that is meant?"
        )


async def read_at_most(response: ClientResponse, most: int = MOST_BYTES) -> bytes:
    """A reply's body. If it is longer than allowed the connection is closed.

    :raise ReplyTooLarge: it is longer.
    """
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > most:
            response.close()
            raise ReplyTooLarge(str(response.url.host), most)
    return bytes(content)


def bounded_session() -> Any:
    """The class of aiobotocore's HTTP sessions, with a limit on what is read and on how long that takes.

    An answer that is streamed (an object of S3) is counted by the one who reads it.
    """
    from aiobotocore.httpsession import AIOHTTPSession

    class BoundedSession(AIOHTTPSession):  # type: ignore[misc]
        async def send(self, request: Any) -> Any:
            if request.stream_output:
                return await super().send(request)
            request.stream_output = True  # so that reading it is left to us
            try:
                response = await super().send(request)
            finally:
                request.stream_output = False
            async with asyncio.timeout(self._timeout.sock_read):
                response._content = await read_at_most(response.raw)
            return response

    return BoundedSession
