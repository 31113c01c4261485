"""The requests to Textract, and those to S3 that they need."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from alfrd_events.clients.aws import Aws, error_code, sorted_errors
from alfrd_events.clients.calls import BadReply
from alfrd_events.errors import AlfrdError, Permanent, Throttled, Transient
from alfrd_events.observe import Log
from alfrd_events.reading.textract.blocks import Block, block_of

log = Log("textract")

Feature = Literal["layout", "tables", "forms"]

TRIES = 3
"""How often a request is sent while the way to the service is bad; being asked to slow down is left to the engine."""
JOB_TAG = "alfrd-events"
_READ = ("SUCCEEDED", "PARTIAL_SUCCESS")
_STATUSES = (*_READ, "IN_PROGRESS", "FAILED")
_MOST_SECONDS_BETWEEN_LOOKS = 10.0
_DENIED = (
    "allow textract:DetectDocumentText, AnalyzeDocument, StartDocumentTextDetection, GetDocumentTextDetection, "
    "StartDocumentAnalysis and GetDocumentAnalysis, and the bucket of ALFRD_TEXTRACT_BUCKET; see docs/providers.md"
)
_REMEDIES = {
    "BadDocumentException": "Textract cannot decode it; print it to a new PDF, or scan it again",
    "UnsupportedDocumentException": "Textract does not take this format; send it as PDF, PNG or JPEG",
    "DocumentTooLargeException": "too large for Textract; scan it at a lower resolution, or split it",
    "InvalidS3ObjectException": "Textract cannot read the bucket of ALFRD_TEXTRACT_BUCKET; it must be in the region "
    "of ALFRD_AWS_REGION, and readable with these credentials",
    "InvalidKMSKeyException": "Textract may not use the key of the bucket; allow kms:Decrypt for it",
    "InvalidParameterException": "Textract refuses the request; please report it",
    "ValidationException": "Textract refuses the request; please report it",
    "IdempotentParameterMismatchException": "a job for this content was started with other settings; "
    "it can be read anew when Textract has forgotten that, in a day, or with ALFRD_READER=local",
    "AccessDeniedException": _DENIED,
    "AccessDenied": _DENIED,
    "NoSuchBucket": "there is no such bucket; correct ALFRD_TEXTRACT_BUCKET",
}


class NoResults(AlfrdError):
    """A job that was started gives nothing: it failed, or its results are gone."""


@dataclass(frozen=True, slots=True)
class Results:
    """What a finished job gives."""

    blocks: tuple[Block, ...]
    bad_pages: frozenset[int]
    """Numbers of the pages, from 1, that it could not read."""


class Textract:
    """What the reader asks of AWS. Prices, limits and memory are not its business.

    :param features: of AnalyzeDocument; none: the text alone.
    :param bucket: where documents for jobs are put for a while, with an optional prefix: ``bucket/prefix``.
    :param look_seconds: the first pause between two looks at a job; they grow.
    :param patience_seconds: a job that takes longer is left alone, and looked at again with the task's next attempt.
    """

    def __init__(
        self,
        aws: Aws,
        *,
        features: Sequence[Feature] = (),
        bucket: str = "",
        look_seconds: float = 1.0,
        patience_seconds: float = 300.0,
    ) -> None:
        self._aws = aws
        self._features = [feature.upper() for feature in features]
        self.bucket, _, self._prefix = bucket.removeprefix("s3://").strip("/").partition("/")
        self._look_seconds = look_seconds
        self._patience_seconds = patience_seconds
        analysis = bool(features)
        self.detection = "AnalyzeDocument" if analysis else "DetectDocumentText"
        self.start = "StartDocumentAnalysis" if analysis else "StartDocumentTextDetection"
        self._get = "get_document_analysis" if analysis else "get_document_text_detection"

    @property
    def model(self) -> str:
        """The features, as prices go by them: ``FORMS+TABLES``."""
        return "+".join(sorted(self._features))

    @property
    def wishes(self) -> str:
        """What is asked for, as part of a request's digest: other wishes, another request."""
        return f"{','.join(self._features)} {self.bucket}/{self._prefix}"

    async def detect(self, image: bytes, filename: str) -> tuple[Block, ...]:
        """Read one page, for money."""
        client = await self._aws.client("textract", attempts=1)
        asked: dict[str, Any] = {"Document": {"Bytes": image}}
        with _sorted(filename, self.detection, paid=True):
            if self._features:
                reply = await client.analyze_document(**asked, FeatureTypes=self._features)
            else:
                reply = await client.detect_document_text(**asked)
        blocks = _blocks(reply, filename)
        if not any(block.kind == "PAGE" for block in blocks):
            raise BadReply(f"{filename}: Textract {self.detection}: the reply holds no page")
        return blocks

    async def start_job(self, token: str, filename: str) -> str:
        """Have the object of :meth:`put` read, for money; the job's id. The same token gives the same job."""
        client = await self._aws.client("textract")
        asked: dict[str, Any] = {
            "DocumentLocation": {"S3Object": {"Bucket": self.bucket, "Name": self._key(token)}},
            "ClientRequestToken": token,
            "JobTag": JOB_TAG,
        }
        with _sorted(filename, self.start):
            if self._features:
                reply = await client.start_document_analysis(**asked, FeatureTypes=self._features)
            else:
                reply = await client.start_document_text_detection(**asked)
        if not reply.get("JobId"):
            # Not a bad reply: asked again, the same job answers, and is paid once.
            raise Transient(f"{filename}: Textract {self.start}: the reply names no job")
        return str(reply["JobId"])

    async def results(self, job: str, filename: str) -> Results:
        """Wait for a job and fetch what it read.

        :raise NoResults: it failed, or is unknown or forgotten.
        :raise Throttled: it still runs after ``patience_seconds``.
        """
        reply = await self._finished(job, filename)
        blocks = list(_blocks(reply, filename))
        bad: set[int] = set()
        while True:
            for warning in reply.get("Warnings") or ():
                bad.update(int(page) for page in warning.get("Pages") or ())
            if not reply.get("NextToken"):
                return Results(tuple(blocks), frozenset(bad))
            reply = await patiently(self._look, job, filename, reply["NextToken"])
            blocks += _blocks(reply, filename)

    async def _finished(self, job: str, filename: str) -> Any:
        """The first page of a job's results, once there are any."""
        give_up_at = time.monotonic() + self._patience_seconds
        pause = self._look_seconds
        while True:
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))
            pause = min(pause * 1.5, _MOST_SECONDS_BETWEEN_LOOKS)
            reply = await patiently(self._look, job, filename)
            status = reply.get("JobStatus")
            if status in _READ:
                return reply
            if status == "FAILED":
                raise NoResults(
                    f"{filename}: the job failed: {reply.get('StatusMessage') or 'no reason is given'}"
                )
            if time.monotonic() > give_up_at:
                raise Throttled(
                    f"{filename}: Textract is still reading; it is looked at again in a moment",
                    retry_after=_MOST_SECONDS_BETWEEN_LOOKS,
                )

    async def _look(self, job: str, filename: str, next_token: str = "") -> Any:
        client = await self._aws.client("textract")
        asked = {"JobId": job} | ({"NextToken": next_token} if next_token else {})
        try:
            with _sorted(filename, "job"):
                reply = await getattr(client, self._get)(**asked)
        except Throttled:
            # Looking too often is no reason to let go of what was paid: the next look comes later.
            if next_token:
                raise
            return {"JobStatus": "IN_PROGRESS"}
        except Permanent as error:
            if error_code(error.__cause__) in ("InvalidJobIdException", "InvalidParameterException"):
                raise NoResults(f"{filename}: Textract does not know the job any more") from error
            raise
        # A reply that was cut off parses as an empty one.
        if reply.get("JobStatus") not in _STATUSES or ("Blocks" not in reply and reply["JobStatus"] in _READ):
            raise BadReply(f"{filename}: Textract job: the reply gives no status or no blocks")
        return reply

    # --- S3 ----------------------------------------------------------------------------------------

    async def put(self, token: str, content: bytes, filename: str) -> None:
        """Put a document where Textract can read it."""
        client = await self._aws.client("s3")
        with _sorted(filename, f"s3://{self.bucket}"):
            await client.put_object(
                Bucket=self.bucket, Key=self._key(token), Body=content, ContentType="application/pdf"
            )

    async def remove(self, token: str) -> None:
        """Remove it again. What cannot be removed is logged, and left to the bucket's lifecycle rule."""
        client = await self._aws.client("s3")
        try:
            with _sorted(self._key(token), f"s3://{self.bucket}"):
                await client.delete_object(Bucket=self.bucket, Key=self._key(token))
        except (Transient, Permanent) as error:
            log.warning("a temporary object is left behind", bucket=self.bucket, error=error)

    def _key(self, token: str) -> str:
        return "/".join(filter(None, (self._prefix, f"{token}.pdf")))


async def patiently(act: Any, *arguments: Any) -> Any:
    """Try again in a second or two where the way to the service was bad, or the reply."""
    async for attempt in AsyncRetrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.3, max=2),
        retry=retry_if_exception(_is_worth_another_try),
        reraise=True,
    ):
        with attempt:
            return await act(*arguments)
    raise AssertionError("unreachable")


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, Transient | BadReply) and not isinstance(error, Throttled)


def _sorted(filename: str, operation: str, *, paid: bool = False) -> Any:
    return sorted_errors(f"{filename}: Textract {operation}", _REMEDIES, _DENIED, paid=paid)


def _blocks(reply: Any, filename: str) -> tuple[Block, ...]:
    try:
        return tuple(block_of(raw) for raw in reply.get("Blocks") or ())
    except (LookupError, TypeError, ValueError) as error:
        raise BadReply(f"{filename}: Textract's blocks are not what they should be") from error
