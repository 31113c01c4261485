"""Objects in S3: read one, look one up, list many. Only buckets that were allowed are ever asked for.

A URI is ``s3://bucket/key``, the key as it is and not percent-encoded: ``s3://my-inbox/März 100%.pdf``. A version of
it is named by ``?versionId=…`` at the end.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from alfrd_events.clients.aws import Aws, sorted_errors
from alfrd_events.errors import Permanent, Transient
from alfrd_events.filenames import printable

SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_VERSION = re.compile(r"\?versionId=([A-Za-z0-9._-]+)\Z")
_CHUNK = 1024 * 1024

_DENIED = (
    "allow s3:GetObject (and s3:GetObjectVersion) for the bucket's objects and s3:ListBucket for the bucket; without "
    "the latter, S3 says the same of objects that do not exist"
)
_REMEDIES = {
    "NoSuchKey": "there is no such object; correct the key, or put it there and set the document to 'pending'",
    "NoSuchVersion": "there is no such version of the object",
    "NoSuchBucket": "there is no such bucket; correct its name, or ALFRD_AWS_REGION",
    "404": "there is no such object or bucket",
    "InvalidObjectState": "the object is archived; restore it, then set the document to 'pending'",
    "MethodNotAllowed": "that version is a delete marker: the object was deleted",
    "AccessDenied": _DENIED,
    "403": _DENIED,
}


def is_s3(uri: str) -> bool:
    """Whether it means an object or bucket, well written (``s3://…``, in letters of any size) or not (``s3:/…``)."""
    return uri[:4].lower() in ("s3:/", "s3:\\")


@dataclass(frozen=True, slots=True)
class ObjectUri:
    """What a URI names: an object, or with an empty key a bucket."""

    bucket: str
    key: str = ""
    version: str = ""

    @classmethod
    def of(cls, uri: str) -> Self:
        """Take a URI apart.

        :raise Permanent: it names no bucket.
        """
        bucket, _, key = uri[len(SCHEME) :].partition("/")
        if uri[: len(SCHEME)].lower() != SCHEME or not _BUCKET.fullmatch(bucket):
            raise Permanent(
                f"{printable(uri)}: not of the form s3://bucket/key, with the name of a bucket as S3 allows it"
            )
        version = _VERSION.search(key)
        if version is None:
            return cls(bucket, key)
        return cls(bucket, key[: version.start()], version[1])

    @property
    def uri(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}" + (f"?versionId={self.version}" if self.version else "")

    @property
    def name(self) -> str:
        """The key's last part, as a file name."""
        return self.key.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that exists."""

    place: ObjectUri
    etag: str
    size: int

    @property
    def fingerprint(self) -> str:
        """What makes it the same document when it is met again: its place and content, as far as S3 tells it."""
        return f"{SCHEME}{self.place.bucket}/{self.place.key}#{self.etag}"


class Buckets:
    """The buckets that may be read.

    :param aws: closed with this.
    :param allowed: their names; no other is asked for.
    :param max_bytes: a larger object is refused before it is read, and while it is.
    """

    def __init__(self, aws: Aws, allowed: Sequence[str], max_bytes: int = 100 * 1024 * 1024) -> None:
        self._aws = aws
        self._allowed = frozenset(allowed)
        self._max_bytes = max_bytes

    def place(self, uri: str) -> ObjectUri:
        """What a URI names, if it may be read.

        :raise Permanent: it may not, or names no bucket.
        """
        place = ObjectUri.of(uri)
        if place.bucket not in self._allowed:
            raise Permanent(
                f"{uri}: the bucket {place.bucket} may not be read here; allow it with ALFRD_S3_BUCKETS"
            )
        return place

    async def read(self, place: ObjectUri) -> bytes:
        """An object's bytes.

        :raise Permanent: it does not exist, may not be read, or is too large.
        :raise Throttled, Transient: S3 wants us to slow down; or it failed, or the connection did.
        """
        client = await self._aws.client("s3")
        asked = {"Bucket": place.bucket, "Key": place.key}
        with sorted_errors(place.uri, _REMEDIES, _DENIED):
            reply = await client.get_object(
                **asked, **({"VersionId": place.version} if place.version else {})
            )
            size = int(reply["ContentLength"])
            async with reply["Body"] as body:
                self._check_size(size, place)
                content = await self._drained(body, place)
        if len(content) != size:
            raise Transient(f"{place.uri}: S3 sent {len(content):,} of {size:,} bytes")
        return content

    async def _drained(self, body: Any, place: ObjectUri) -> bytes:
        content = bytearray()
        while chunk := await body.read(_CHUNK):
            content += chunk
            self._check_size(len(content), place)
        return bytes(content)

    def _check_size(self, size: int, place: ObjectUri) -> None:
        if size > self._max_bytes:
            raise Permanent(
                f"{place.uri}: {size:,} bytes is too large; the limit is {self._max_bytes:,} (ALFRD_MAX_FILE_BYTES)"
            )

    async def look_up(self, place: ObjectUri) -> StoredObject:
        """An object, without its bytes.

        :raise Permanent, Throttled, Transient: as :meth:`read`.
        """
        client = await self._aws.client("s3")
        asked = {"Bucket": place.bucket, "Key": place.key}
        with sorted_errors(place.uri, _REMEDIES, _DENIED):
            reply = await client.head_object(
                **asked, **({"VersionId": place.version} if place.version else {})
            )
        return StoredObject(place, reply["ETag"].strip('"'), int(reply["ContentLength"]))

    async def listed(self, place: ObjectUri) -> AsyncIterator[list[StoredObject]]:
        """Yield the objects whose keys begin with the place's, a thousand at a time, without folder markers.

        :raise Permanent, Throttled, Transient: as :meth:`read`.
        """
        client = await self._aws.client("s3")
        token: dict[str, str] = {}
        while True:
            with sorted_errors(place.uri, _REMEDIES, _DENIED):
                reply = await client.list_objects_v2(Bucket=place.bucket, Prefix=place.key, **token)
            yield [
                StoredObject(
                    ObjectUri(place.bucket, entry["Key"]), entry["ETag"].strip('"'), int(entry["Size"])
                )
                for entry in reply.get("Contents") or ()
                if not entry["Key"].endswith("/")
            ]
            if not reply.get("IsTruncated"):
                return
            token = {"ContinuationToken": reply["NextContinuationToken"]}

    async def aclose(self) -> None:
        """Release connections."""
        await self._aws.aclose()
