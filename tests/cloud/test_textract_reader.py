"""The ``textract`` reader over the wire: what it sends, and what it pays for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pillow_heif
import pytest

from alfrd_events.errors import Throttled
from tests.cloud.textract import Plan
from tests.cloud.textract_world import Play, World, scans
from tests.readers.reader_inputs import RECEIPT, encoded, pdf, picture, scan_page, text_page, tiff

BUCKET = "staging-area"


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


def test_features_are_asked_for_one_by_one_and_by_a_job(play: Play, bucket: Callable[[str], Any]) -> None:
    bucket(BUCKET)

    async def scenario(world: World) -> None:
        (page,) = await world.read(encoded(picture(), "PNG"))
        assert page.text.splitlines() == list(RECEIPT)
        assert len(await world.read(scans(("FIRST PAGE",), ("SECOND PAGE",)))) == 2
        assert world.operations[:2] == ["AnalyzeDocument", "StartDocumentAnalysis"]
        assert set(world.operations[2:]) == {"GetDocumentAnalysis"}
        assert all(
            exchange.request.json()["FeatureTypes"] == ["TABLES", "LAYOUT"]
            for exchange in world.cloud.log[:2]
        )
        assert world.ledger.models == ["LAYOUT+TABLES"] * 2

    play(scenario, bucket=BUCKET, features=("tables", "layout"))


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
