"""S3 with faults: requests are handed on to moto, and what goes wrong on the way is ours."""

from __future__ import annotations

import aiohttp
from yarl import URL

from tests.cloud.server import Answer, Fault, Request

_OURS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect"}


class S3:
    """Hands every request on.

    :param url: where moto is.
    """

    name = "s3"

    def __init__(self, url: str) -> None:
        self._url = url

    def takes(self, request: Request) -> bool:
        return True

    async def answer(self, request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
        url = URL(self._url + request.path, encoded=True)
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(request.method, url, headers=headers, data=request.body) as reply,
        ):
            kept = {name: value for name, value in reply.headers.items() if name.lower() not in _OURS}
            return Answer(reply.status, await reply.read(), kept)

    def throttled(self, request: Request) -> Answer:
        return _refused(503, "SlowDown")

    def failed(self, request: Request) -> Answer:
        return _refused(500, "InternalError")

    def spoil(self, request: Request, answer: Answer, fault: Fault) -> Answer:
        assert isinstance(answer.content, bytes)
        return Answer(answer.status, answer.content[: len(answer.content) // 2], answer.headers)


def _refused(status: int, code: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>as you wished</Message></Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})
