"""Amazon Textract on the wire. Its blocks come from real recognition of the bytes that it was sent.

It knows what the service knows: which formats and sizes it takes, jobs by their token, results in pages, and that a
token which comes back with other inputs is refused. What a job does is told by :attr:`Textract.next_job`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from alfrd_events.errors import Unreadable
from alfrd_events.model import Page, Part
from alfrd_events.reading.local import LocalReader
from tests.cloud.models import WireModel
from tests.cloud.server import Answer, Fault, Request

TARGET = "Textract."
SYNC_BYTES = 10 * 1024 * 1024
_FORMATS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"%PDF-", b"II*\0", b"MM\0*")
_TOKEN = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TAG = re.compile(r"[a-zA-Z0-9_.\-:]{1,64}")
_model = WireModel("textract")

Objects = Callable[[str, str], Awaitable[bytes | None]]
Content = dict[str, Any]


class Refusal(Exception):
    """One of the service's errors."""


@dataclass
class Plan:
    """What becomes of a job."""

    looks: int = 1
    """How many times it is still in progress."""
    status: str = "SUCCEEDED"
    bad_pages: tuple[int, ...] = ()
    """With ``PARTIAL_SUCCESS``."""


@dataclass
class Job:
    """A job that was started."""

    id: str
    inputs: Content
    plan: Plan
    pages: int
    blocks: list[Content] = field(default_factory=list)
    starts: int = 1
    """How often it was asked for."""


class Textract:
    """The service.

    :param read: recognises a file; by default the ``local`` reader, in processes that :meth:`aclose` ends.
    :param objects: gives what is in S3.
    :param page_size: how many blocks one reply of a job holds.
    """

    name = "textract"

    def __init__(self, read: Read | None = None, objects: Objects | None = None, page_size: int = 40) -> None:
        self._read = read or Read()
        self._objects = objects
        self._page_size = page_size
        self._numbers = count(1)
        self.jobs: dict[str, Job] = {}
        """By id."""
        self._tokens: dict[str, Job] = {}
        self.next_job: deque[Plan] = deque()
        self.next_refusal: deque[str] = deque()
        """Error codes for the next requests."""
        self.pages_sold = 0
        """What AWS would charge for."""

    def takes(self, request: Request) -> bool:
        return request.headers.get("X-Amz-Target", "").startswith(TARGET)

    async def answer(self, request: Request) -> Answer:
        operation = _operation(request)
        _model.check_signature(request)
        content = request.json()
        _model.check_input(operation, content)
        try:
            if self.next_refusal:
                raise Refusal(self.next_refusal.popleft())
            reply = await self._perform(operation, content)
        except Refusal as refusal:
            return _refused(str(refusal))
        _model.check_output(operation, reply)
        return Answer(200, reply)

    def throttled(self, request: Request) -> Answer:
        codes = ("ThrottlingException", "ProvisionedThroughputExceededException", "LimitExceededException")
        named = [code for code in codes if code != "LimitExceededException" or "Start" in _operation(request)]
        return _refused(named[next(self._numbers) % len(named)])

    def failed(self, request: Request) -> Answer:
        return _refused("InternalServerError")

    def spoil(self, request: Request, answer: Answer, fault: Fault) -> Answer:
        assert isinstance(answer.content, dict)
        if fault == "truncated":
            return Answer(200, b'{"Blocks": [{"BlockType": "LINE", "Id": "')
        if "JobId" in answer.content:
            return Answer(200, {**answer.content, "JobId": None})
        return Answer(200, {**answer.content, "Blocks": [{"BlockType": "LINE"}], "JobStatus": None})

    async def aclose(self) -> None:
        """End the processes that read."""
        await self._read.aclose()

    async def _perform(self, operation: str, content: Content) -> Content:
        features = content.get("FeatureTypes", [])
        if operation in ("DetectDocumentText", "AnalyzeDocument"):
            document = base64.b64decode(content["Document"]["Bytes"], validate=True)
            if len(document) > SYNC_BYTES:
                raise Refusal("DocumentTooLargeException")
            pages = await self._pages(document)
            if len(pages) != 1:
                raise Refusal("UnsupportedDocumentException")
            self.pages_sold += 1
            return {"DocumentMetadata": {"Pages": 1}, "Blocks": blocks_of(pages, features, single=True)}
        if operation in ("StartDocumentTextDetection", "StartDocumentAnalysis"):
            return {"JobId": (await self._start(content)).id}
        return self._look(content)

    async def _start(self, content: Content) -> Job:
        token, tag = content["ClientRequestToken"], content["JobTag"]
        assert _TOKEN.fullmatch(token), f"no token: {token!r}"
        assert _TAG.fullmatch(tag), f"no tag: {tag!r}"
        if known := self._tokens.get(token):
            if known.inputs != content:
                raise Refusal("IdempotentParameterMismatchException")
            known.starts += 1
            return known
        place = content["DocumentLocation"]["S3Object"]
        assert self._objects is not None, "this Textract knows no S3"
        document = await self._objects(place["Bucket"], place["Name"])
        if document is None:
            raise Refusal("InvalidS3ObjectException")
        pages = await self._pages(document)
        plan = self.next_job.popleft() if self.next_job else Plan()
        job = Job(f"job-{next(self._numbers)}", content, plan, len(pages))
        job.blocks = [
            block
            for block in blocks_of(pages, content.get("FeatureTypes", []))
            if block["Page"] not in plan.bad_pages
        ]
        self.jobs[job.id] = self._tokens[token] = job
        self.pages_sold += len(pages)
        return job

    def _look(self, content: Content) -> Content:
        job = self.jobs.get(content["JobId"])
        if job is None:
            raise Refusal("InvalidJobIdException")
        if job.plan.looks > 0:
            job.plan.looks -= 1
            return {"JobStatus": "IN_PROGRESS"}
        if job.plan.status == "FAILED":
            return {"JobStatus": "FAILED", "StatusMessage": "INTERNAL_ERROR"}
        start = int(content.get("NextToken", 0))
        reply: Content = {
            "JobStatus": job.plan.status,
            "DocumentMetadata": {"Pages": job.pages},
            "Blocks": job.blocks[start : start + self._page_size],
        }
        if job.plan.bad_pages:
            reply["Warnings"] = [{"ErrorCode": "BAD_PAGE", "Pages": list(job.plan.bad_pages)}]
        if start + self._page_size < len(job.blocks):
            reply["NextToken"] = str(start + self._page_size)
        return reply

    async def _pages(self, document: bytes) -> list[Page]:
        if not document.startswith(_FORMATS):
            raise Refusal("UnsupportedDocumentException")
        try:
            return await self._read(document)
        except Unreadable as error:
            raise Refusal("BadDocumentException") from error


class Read:
    """Recognises each file once, however often it is sent."""

    def __init__(self, processes: int = 2) -> None:
        self._reader = LocalReader(processes=processes)
        self._known: dict[str, asyncio.Task[list[Page]]] = {}

    async def __call__(self, document: bytes) -> list[Page]:
        digest = hashlib.sha256(document).hexdigest()
        if digest not in self._known:
            self._known[digest] = asyncio.create_task(self._pages(document))
        # Whoever hangs up does not stop the reading: the next request is about the same file.
        return await asyncio.shield(self._known[digest])

    async def aclose(self) -> None:
        await self._reader.aclose()

    async def _pages(self, document: bytes) -> list[Page]:
        return [page async for page in self._reader.read(Part(1, "sent", document))]


def blocks_of(pages: Sequence[Page], features: Sequence[str], *, single: bool = False) -> list[Content]:
    """What Textract would say of pages; lines come from top to bottom and mix columns, as they do there."""
    blocks: list[Content] = []
    for page in pages:
        lines, words = [], []
        for n, line in enumerate(sorted(page.lines, key=lambda line: (line.box[1], line.box[0]))):
            name = f"p{page.number}l{n}"
            children = list(_words(name, line.text, line.box, line.confidence))
            words += children
            lines.append(_block("LINE", name, line.box, line.confidence, line.text, children))
        found = [*lines, *words]
        if "LAYOUT" in features and lines:
            found.append(_block("LAYOUT_TEXT", f"p{page.number}t", (0, 0, 1, 1), 1.0, None, lines))
        whole = _block("PAGE", f"p{page.number}", (0, 0, 1, 1), 1.0, None, lines)
        del whole["Confidence"]
        for block in (whole, *found):
            _turn_back(block, page.rotation)
            blocks.append({**block, **({} if single else {"Page": page.number})})
    return blocks


def _words(line: str, text: str, box: Sequence[float], confidence: float) -> list[Content]:
    """The words of a line, each as wide as its letters."""
    per_letter = (box[2] - box[0]) / max(len(text), 1)
    words = []
    for match in re.finditer(r"\S+", text):
        left, right = box[0] + match.start() * per_letter, box[0] + match.end() * per_letter
        place = (left, box[1], right, box[3])
        words.append(_block("WORD", f"{line}w{match.start()}", place, confidence, match[0], []))
    return words


def _block(
    kind: str,
    name: str,
    box: Sequence[float],
    confidence: float,
    text: str | None,
    children: Sequence[Content],
) -> Content:
    left, top, right, bottom = box
    block: Content = {
        "BlockType": kind,
        "Id": name,
        "Confidence": confidence * 100,
        "Geometry": {
            "BoundingBox": {"Left": left, "Top": top, "Width": right - left, "Height": bottom - top},
            "Polygon": [
                {"X": x, "Y": y} for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))
            ],
        },
    }
    if text is not None:
        block["Text"] = text
    if children:
        block["Relationships"] = [{"Type": "CHILD", "Ids": [child["Id"] for child in children]}]
    return block


def _turn_back(block: Content, rotation: int) -> None:
    """Tell a block's place on the page as it was sent, not as it was turned to be read."""
    turn: Callable[[float, float], tuple[float, float]] = {
        0: lambda x, y: (x, y),
        90: lambda x, y: (y, 1 - x),
        180: lambda x, y: (1 - x, 1 - y),
        270: lambda x, y: (1 - y, x),
    }[rotation]
    corners = [turn(point["X"], point["Y"]) for point in block["Geometry"]["Polygon"]]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    block["Geometry"] = {
        "BoundingBox": {
            "Left": min(xs),
            "Top": min(ys),
            "Width": max(xs) - min(xs),
            "Height": max(ys) - min(ys),
        },
        "Polygon": [{"X": x, "Y": y} for x, y in corners],
    }


def _operation(request: Request) -> str:
    return request.headers["X-Amz-Target"].removeprefix(TARGET)


def _refused(code: str) -> Answer:
    status = 400 if code != "InternalServerError" else 500
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    return Answer(status, {"__type": code, "message": f"{code}, as you wished"}, headers)
