"""What becomes of each error of Textract, and what the ledger says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alfrd_events.clients.calls import BadReply, Lost
from alfrd_events.errors import AlfrdError, Permanent, Throttled, Transient, Unreadable
from tests.cloud.textract_world import Play, World, scans
from tests.readers.reader_inputs import encoded, pdf, picture, text_page


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


def test_a_job_that_is_refused_leaves_nothing_in_s3(play: Play, bucket: Callable[[str], Any]) -> None:
    staging = bucket("staging-area")

    async def scenario(world: World) -> None:
        world.textract.next_refusal.append("AccessDeniedException")
        with pytest.raises(
            Permanent, match="StartDocumentTextDetection: AccessDeniedException: allow textract:"
        ):
            await world.read(scans(("FIRST PAGE",), ("SECOND PAGE",)))
        assert list(staging.objects.all()) == []

    play(scenario, bucket="staging-area")


def test_what_is_damaged_is_refused_here_and_costs_nothing(play: Play) -> None:
    whole = encoded(picture(), "JPEG", quality=90)

    async def scenario(world: World) -> None:
        with pytest.raises(Unreadable, match="damaged or truncated"):
            await world.read(whole[: len(whole) // 2])
        with pytest.raises(Unreadable, match="protected by a password"):
            await world.read(pdf([text_page([(72, 700, "secret")])], password="x"))
        assert world.cloud.log == []

    play(scenario)
