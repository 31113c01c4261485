"""The ``textract`` reader over the wire: what it sends, what it pays for, and what becomes of each error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pillow_heif
import pytest

from alfrd_events.errors import AlfrdError, Permanent, Throttled, Transient, Unreadable
from alfrd_events.model import Page, Task
from alfrd_events.providers.aws import Aws
from alfrd_events.providers.calls import BadReply, Call, Caller, Calls, Lost, NoLedger, Reply, caller
from alfrd_events.providers.jobs import Job
from alfrd_events.providers.readers.local import LocalReader
from alfrd_events.providers.readers.textract import TextractReader
from alfrd_events.providers.readers.textract.service import Textract as Requests
from tests.cloud.server import CloudServer
from tests.cloud.textract import Objects, Plan, Read, Textract
from tests.readers.reader_inputs import RECEIPT, encoded, part, pdf, picture, scan_page, text_page, tiff

BUCKET = "staging-area"


class Ledger(NoLedger):
    """Keeps what was paid, in memory."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int, str]] = []
        """Operation, pages, outcome."""
        self.replies: dict[str, Reply] = {}

    async def known(self, call: Call) -> Reply | None:
        return self.replies.get(call.key)

    async def settle(
        self, number: int, call: Call, reply: Reply | None, outcome: str, milliseconds: int
    ) -> None:
        self.lines.append((call.operation, call.pages, outcome))
        if reply and call.key:
            self.replies[call.key] = reply


class MemoryJobs:
    """Jobs of one document, in memory."""

    def __init__(self) -> None:
        self.saved: list[Job] = []

    async def known(self, who: Caller, provider: str, part: int, request: str) -> list[Job]:
        return [job for job in self.saved if (job.part, job.request) == (part, request)]

    async def save(self, who: Caller, provider: str, job: Job) -> None:
        self.saved.append(job)

    async def drop(self, who: Caller, provider: str, job: Job) -> None:
        self.saved.remove(job)


async def _not_at_all(_: float) -> None:
    """How long tests wait before another try."""


@dataclass
class World:
    """A reader, and the services that it speaks to."""

    reader: TextractReader
    cloud: CloudServer
    textract: Textract
    ledger: Ledger
    jobs: MemoryJobs

    async def read(
        self, content: bytes, filename: str = "given.bin", skip: Container[int] = ()
    ) -> list[Page]:
        return sorted(
            [page async for page in self.reader.read(part(content, filename), skip=skip)],
            key=lambda page: page.number,
        )

    @property
    def operations(self) -> list[str]:
        return [
            exchange.request.headers["X-Amz-Target"].removeprefix("Textract.") for exchange in self.cloud.log
        ]


@pytest.fixture(scope="module")
def recogniser() -> Iterator[tuple[asyncio.Runner, Read]]:
    """One process with the models for all tests here, and the loop that it lives in."""
    with asyncio.Runner() as runner:
        read = Read(processes=1)
        yield runner, read
        runner.run(read.aclose())


Play = Callable[..., Any]


@pytest.fixture
def play(recogniser: tuple[asyncio.Runner, Read], objects: Objects, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs a scenario with a world."""
    runner, read = recogniser

    @asynccontextmanager
    async def world(**wishes: Any) -> AsyncIterator[World]:
        textract = Textract(read, objects)
        ledger, jobs = Ledger(), MemoryJobs()
        async with CloudServer(textract) as cloud:
            monkeypatch.setenv("AWS_ENDPOINT_URL_TEXTRACT", cloud.url)
            aws = Aws()
            asked = Requests(aws, **{"look_seconds": 0.01, **wishes})
            reader = TextractReader(
                LocalReader(processes=1), aws, asked, Calls(ledger, sleep=_not_at_all), jobs
            )
            caller.set(Caller(1, Task(1, "ocr", "document", uuid4(), 1, 5)))
            try:
                yield World(reader, cloud, textract, ledger, jobs)
            finally:
                await reader.aclose()
            assert cloud.complaints == []

    def play(scenario: Callable[[World], Any], **wishes: Any) -> Any:
        async def run() -> Any:
            async with world(**wishes) as opened:
                return await scenario(opened)

        return runner.run(run())

    return play


def scans(*texts: tuple[str, ...]) -> bytes:
    return pdf([scan_page(picture(lines, size=(850, 1100))) for lines in texts])


def test_a_photo_is_sent_as_it_is_and_read_in_order_with_boxes(play: Play) -> None:
    content = encoded(picture(), "PNG")

    async def scenario(world: World) -> None:
        (page,) = await world.read(content)
        assert page.text.splitlines() == list(RECEIPT)
        assert (page.width, page.height, page.source) == (640, 480, "ocr")
        assert 0.8 < page.confidence <= 1
        tops = [line.box[1] for line in page.lines]
        assert tops == sorted(tops)
        assert all(0 <= edge <= 1 for line in page.lines for edge in line.box)
        assert world.operations == ["DetectDocumentText"]
        assert world.ledger.lines == [("DetectDocumentText", 1, "ok")]

    play(scenario)


def test_pages_with_a_text_layer_cost_nothing(play: Play) -> None:
    content = pdf([text_page([(72, 700, "A page of digital text")]), scan_page(picture(size=(850, 1100)))])

    async def scenario(world: World) -> None:
        digital, scanned = await world.read(content)
        assert (digital.text, digital.source) == ("A page of digital text", "text_layer")
        assert scanned.text.splitlines() == list(RECEIPT)
        assert (round(scanned.width), round(scanned.height)) == (612, 792)
        assert world.textract.pages_sold == 1

    play(scenario)


@pytest.mark.parametrize("content", [b"plain text\n", encoded(picture(()), "PNG")], ids=["text", "blank"])
def test_what_needs_no_recognition_is_not_sent(play: Play, content: bytes) -> None:
    async def scenario(world: World) -> None:
        (page,) = await world.read(content)
        assert page.text.strip() in ("plain text", "")
        assert world.cloud.log == []

    play(scenario)


@pytest.mark.parametrize("file_format", ["WEBP", "GIF", "BMP", "TIFF", "HEIF"])
def test_formats_that_textract_refuses_are_converted(play: Play, file_format: str) -> None:
    pillow_heif.register_heif_opener()

    async def scenario(world: World) -> None:
        (page,) = await world.read(encoded(picture(), file_format))
        assert page.text.splitlines() == list(RECEIPT)

    play(scenario)


def test_pages_that_are_stored_already_cost_nothing_again(play: Play) -> None:
    content = scans(("FIRST PAGE",), ("SECOND PAGE",), ("THIRD PAGE",))

    async def scenario(world: World) -> None:
        pages = await world.read(content, skip={1, 3})
        assert [(page.number, page.text) for page in pages] == [(2, "SECOND PAGE")]
        assert world.textract.pages_sold == 1

    play(scenario)


def test_the_same_image_is_not_paid_twice(play: Play) -> None:
    async def scenario(world: World) -> None:
        first = await world.read(encoded(picture(), "PNG"))
        assert await world.read(encoded(picture(), "PNG")) == first
        assert world.textract.pages_sold == 1

    play(scenario)


# --- jobs ----------------------------------------------------------------------------------------


def test_many_pages_are_one_job_by_way_of_s3_which_is_empty_afterwards(
    play: Play, bucket: Callable[[str], Any]
) -> None:
    staging = bucket(BUCKET)
    content = tiff([("FIRST PAGE", "one"), ("SECOND PAGE", "two"), ("THIRD PAGE", "three")])

    async def scenario(world: World) -> None:
        pages = await world.read(content)
        assert [(page.number, page.text) for page in pages] == [
            (1, "FIRST PAGE\none"),
            (2, "SECOND PAGE\ntwo"),
            (3, "THIRD PAGE\nthree"),
        ]
        assert world.operations[0] == "StartDocumentTextDetection"
        assert world.operations.count("StartDocumentTextDetection") == 1
        assert world.ledger.lines == [("StartDocumentTextDetection", 3, "ok")]
        (job,) = world.textract.jobs.values()
        place = job.inputs["DocumentLocation"]["S3Object"]
        assert (place["Bucket"], place["Name"]) == (
            BUCKET,
            f"alfrd/{job.inputs['ClientRequestToken']}.pdf",
        )
        assert list(staging.objects.all()) == []

    play(scenario, bucket=f"{BUCKET}/alfrd")


def test_a_paid_job_is_adopted_by_the_next_attempt(play: Play, bucket: Callable[[str], Any]) -> None:
    staging = bucket(BUCKET)
    content = scans(("FIRST PAGE",), ("SECOND PAGE",))

    async def scenario(world: World) -> None:
        world.textract.next_job.append(Plan(looks=10_000))
        reading = asyncio.ensure_future(world.read(content))
        while "GetDocumentTextDetection" not in world.operations:
            await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        (job,) = world.textract.jobs.values()
        assert [saved.id for saved in world.jobs.saved] == [job.id]
        job.plan.looks = 0

        pages = await world.read(content, skip={1})

        assert [(page.number, page.text) for page in pages] == [(2, "SECOND PAGE")]
        assert (len(world.textract.jobs), job.starts) == (1, 1)
        assert list(staging.objects.all()) == []

    play(scenario, bucket=BUCKET)


def test_a_job_whose_id_was_never_heard_is_found_by_its_token(
    play: Play, bucket: Callable[[str], Any]
) -> None:
    bucket(BUCKET)

    async def scenario(world: World) -> None:
        world.cloud.next("cut")
        pages = await world.read(scans(("FIRST PAGE",), ("SECOND PAGE",)))
        assert len(pages) == 2
        (job,) = world.textract.jobs.values()
        assert job.starts == 2
        assert world.textract.pages_sold == 2

    play(scenario, bucket=BUCKET)


@pytest.mark.parametrize(
    "plan", [Plan(status="FAILED"), Plan(status="PARTIAL_SUCCESS", bad_pages=(2,))], ids=["failed", "partial"]
)
def test_pages_that_a_job_could_not_read_are_read_one_by_one(
    play: Play, bucket: Callable[[str], Any], plan: Plan
) -> None:
    staging = bucket(BUCKET)

    async def scenario(world: World) -> None:
        world.textract.next_job.append(plan)
        pages = await world.read(scans(("FIRST PAGE",), ("SECOND PAGE",), ("THIRD PAGE",)))
        assert [page.text for page in pages] == ["FIRST PAGE", "SECOND PAGE", "THIRD PAGE"]
        assert world.operations.count("DetectDocumentText") == len(plan.bad_pages or (1, 2, 3))
        assert list(staging.objects.all()) == []

    play(scenario, bucket=BUCKET)


def test_a_job_that_is_forgotten_is_no_dead_end(play: Play, bucket: Callable[[str], Any]) -> None:
    bucket(BUCKET)
    content = scans(("FIRST PAGE",), ("SECOND PAGE",))

    async def scenario(world: World) -> None:
        await world.read(content)
        world.textract.jobs.clear()

        assert [page.text for page in await world.read(content)] == ["FIRST PAGE", "SECOND PAGE"]
        assert world.jobs.saved == []

    play(scenario, bucket=BUCKET)


def test_a_job_that_takes_long_is_left_and_looked_at_again_later(
    play: Play, bucket: Callable[[str], Any]
) -> None:
    bucket(BUCKET)
    content = scans(("FIRST PAGE",), ("SECOND PAGE",))

    async def scenario(world: World) -> None:
        world.textract.next_job.append(Plan(looks=10_000))
        with pytest.raises(Throttled, match="still reading"):
            await world.read(content)
        (job,) = world.textract.jobs.values()
        job.plan.looks = 0
        assert len(await world.read(content)) == 2
        assert job.starts == 1

    play(scenario, bucket=BUCKET, patience_seconds=0.2)


def test_results_survive_throttling_and_cut_connections(play: Play, bucket: Callable[[str], Any]) -> None:
    bucket(BUCKET)

    async def scenario(world: World) -> None:
        world.textract.next_job.append(Plan(looks=2))
        world.cloud.next(None, "throttle", "cut", None, "fail", "malformed", None, "truncated")
        pages = await world.read(scans(("FIRST PAGE",), ("SECOND PAGE",)))
        assert [page.text for page in pages] == ["FIRST PAGE", "SECOND PAGE"]
        assert world.textract.pages_sold == 2

    play(scenario, bucket=BUCKET)


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", Throttled),
        ("ProvisionedThroughputExceededException", Throttled),
        ("LimitExceededException", Throttled),
        ("ExpiredTokenException", Transient),
        ("BadDocumentException", Permanent),
        ("UnsupportedDocumentException", Permanent),
        ("DocumentTooLargeException", Permanent),
        ("InvalidParameterException", Permanent),
        ("AccessDeniedException", Permanent),
        ("SomethingNewException", Permanent),
    ],
)
def test_errors_are_sorted_by_whether_another_try_helps(
    play: Play, code: str, kind: type[AlfrdError]
) -> None:
    async def scenario(world: World) -> None:
        world.textract.next_refusal.extend([code] * 3)
        with pytest.raises(kind, match=rf"given\.bin: Textract DetectDocumentText: {code}: \S+") as raised:
            await world.read(encoded(picture(), "PNG"))
        assert type(raised.value) is kind
        assert world.textract.pages_sold == 0

    play(scenario)


@pytest.mark.parametrize(
    ("faults", "kind", "outcomes"),
    [
        (["throttle"] * 3, Throttled, ["throttled"] * 3),
        (["fail"] * 3, Transient, ["failed"] * 3),
        (["cut"] * 3, Lost, ["unknown"] * 3),
        (["malformed"] * 2, BadReply, ["malformed"] * 2),
        (["truncated"] * 2, BadReply, ["malformed"] * 2),
        (["cut", "fail", "malformed", None], None, ["unknown", "failed", "malformed", "ok"]),
    ],
)
def test_each_request_is_in_the_ledger_with_what_became_of_it(
    play: Play, faults: list[Any], kind: type[AlfrdError] | None, outcomes: list[str]
) -> None:
    async def scenario(world: World) -> None:
        world.cloud.next(*faults)
        if kind is None:
            assert len(await world.read(encoded(picture(), "PNG"))) == 1
        else:
            with pytest.raises(kind):
                await world.read(encoded(picture(), "PNG"))
        assert [outcome for _, _, outcome in world.ledger.lines] == outcomes
        assert len(world.cloud.log) == len(outcomes)

    play(scenario)


def test_a_bucket_that_textract_cannot_read_is_named(play: Play) -> None:
    async def scenario(world: World) -> None:
        with pytest.raises(Permanent, match="correct ALFRD_TEXTRACT_BUCKET"):
            await world.read(scans(("FIRST PAGE",), ("SECOND PAGE",)))

    play(scenario, bucket="nobodys-bucket")


def test_what_is_damaged_is_refused_here_and_costs_nothing(play: Play) -> None:
    whole = encoded(picture(), "JPEG", quality=90)

    async def scenario(world: World) -> None:
        with pytest.raises(Unreadable, match="damaged or truncated"):
            await world.read(whole[: len(whole) // 2])
        with pytest.raises(Unreadable, match="protected by a password"):
            await world.read(pdf([text_page([(72, 700, "secret")])], password="x"))
        assert world.cloud.log == []

    play(scenario)
