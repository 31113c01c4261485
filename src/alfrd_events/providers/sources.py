"""Fetch a part's bytes: from the row itself, or from behind its URI.

Whoever may insert a row may not read the worker's disk: a ``file://`` URI is read only under the
configured roots, with all links resolved, and the file that was checked is the file that is read. An
``s3://`` URI is read only from buckets that were allowed (:mod:`.s3`).
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from alfrd_events.errors import Permanent, Transient
from alfrd_events.model import Part, PartSource
from alfrd_events.providers.s3 import SCHEME, Buckets


class Sources:
    """Where parts may come from.

    :param file_roots: directories under which ``file://`` URIs may be read; none by default.
    :param max_bytes: a larger part is refused before it is read.
    :param buckets: those from which ``s3://`` URIs may be read; none by default.
    """

    def __init__(
        self,
        file_roots: Sequence[Path] = (),
        max_bytes: int = 100 * 1024 * 1024,
        buckets: Buckets | None = None,
    ) -> None:
        self._roots = tuple(Path(root).resolve() for root in file_roots)
        self._max_bytes = max_bytes
        self._buckets = buckets

    async def fetch(self, source: PartSource) -> Part:
        """The part with its bytes.

        :raise Permanent: no such file or object, not allowed, too large, or an unknown kind of URI.
        :raise Transient: the disk failed, or S3.
        """
        if source.content is not None:
            self._check_size(len(source.content), source.filename)
            return Part(source.number, source.filename, source.content)
        if not source.uri:
            raise Permanent(
                f"part {source.number} ({source.filename or 'no name'}) has neither content nor uri: insert one of them"
            )
        if source.uri.startswith(SCHEME):
            return await self._from_s3(source)
        scheme = urlsplit(source.uri).scheme
        if scheme != "file":
            raise Permanent(
                f"part {source.number}: cannot read {scheme or 'relative'} URIs; insert the bytes as content, "
                f"a file:// URI under ALFRD_FILE_ROOTS, or an s3:// URI of ALFRD_S3_BUCKETS"
            )
        path = self._allowed(source.uri)
        content = await asyncio.to_thread(self._read, path)
        return Part(source.number, source.filename or path.name, content)

    async def aclose(self) -> None:
        """Release connections."""
        if self._buckets is not None:
            await self._buckets.aclose()

    async def _from_s3(self, source: PartSource) -> Part:
        if self._buckets is None:
            raise Permanent(
                f"{source.uri}: no s3:// URI may be read here; allow buckets with ALFRD_S3_BUCKETS"
            )
        place = self._buckets.place(source.uri)
        return Part(source.number, source.filename or place.name, await self._buckets.read(place))

    def _allowed(self, uri: str) -> Path:
        parts = urlsplit(uri)
        if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
            raise Permanent(
                f"{uri}: a file URI has three slashes, and no host, query or fragment: file:///inbox/bill.pdf"
            )
        decoded = unquote(parts.path)
        if "\0" in decoded or not decoded.startswith("/"):
            raise Permanent(f"{uri}: not an absolute path")
        if not self._roots:
            raise Permanent(
                f"{uri}: no file:// URI may be read here; allow directories with ALFRD_FILE_ROOTS"
            )
        try:
            path = Path(decoded).resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError) as error:
            # The same answer as for a file outside, so that nobody can ask which files exist.
            raise Permanent(f"{uri}: no such file under ALFRD_FILE_ROOTS") from error
        except (OSError, RuntimeError) as error:
            raise Permanent(f"{uri}: cannot be resolved") from error
        if not any(path.is_relative_to(root) for root in self._roots):
            raise Permanent(f"{uri}: no such file under ALFRD_FILE_ROOTS")
        return path

    def _read(self, path: Path) -> bytes:
        # The path has no links left; O_NOFOLLOW refuses one that was put there since, at its last step, and the
        # descriptor's own path is compared once more for the steps before.
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise Permanent(f"{path.name}: cannot be opened ({os.strerror(error.errno or 0)})") from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Permanent(f"{path.name}: not a regular file")
            opened = Path(f"/proc/self/fd/{descriptor}")
            if opened.exists() and not any(opened.resolve().is_relative_to(root) for root in self._roots):
                raise Permanent(f"{path.name}: it moved out of ALFRD_FILE_ROOTS while it was opened")
            self._check_size(found.st_size, path.name)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(self._max_bytes + 1)
        except OSError as error:
            raise Transient(f"{path.name}: cannot be read ({os.strerror(error.errno or 0)})") from error
        finally:
            os.close(descriptor)
        self._check_size(len(content), path.name)  # it may have grown since
        return content

    def _check_size(self, size: int, name: str) -> None:
        if size > self._max_bytes:
            raise Permanent(
                f"{name}: {size:,} bytes is too large; the limit is {self._max_bytes:,} (ALFRD_MAX_FILE_BYTES)"
            )
