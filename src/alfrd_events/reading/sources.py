"""Fetch a part's bytes: from the row itself, or from behind its URI.

The right to insert a row is no right to read the worker's disk: a ``file://`` URI is read only under the
configured roots, with all links resolved, and the file that was checked is the file that is read. An
``s3://`` URI is read only from buckets that were allowed (:mod:`.s3`).
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes

from alfrd_events.clients.s3 import Buckets, is_s3
from alfrd_events.errors import Permanent, Transient, shortage
from alfrd_events.filenames import printable
from alfrd_events.model import Part, PartSource

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FILE_URI = re.compile(r"file:(?://(?:localhost)?)?(/(?!/)[^?#\\\x00-\x1f\x7f]*)", re.IGNORECASE)


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
        if is_s3(source.uri):
            return await self._from_s3(source)
        scheme = _scheme(source.uri)
        if scheme != "file":
            raise Permanent(
                f"part {source.number}: cannot read {scheme or 'relative'} URIs; insert the bytes as content, "
                f"a file:// URI under ALFRD_FILE_ROOTS, or an s3:// URI of ALFRD_S3_BUCKETS"
            )
        path = self._allowed(source.uri)
        content = await asyncio.to_thread(self._read, path)
        return Part(source.number, source.filename or printable(path.name), content)

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
        decoded = _path_of(uri)
        if not self._roots:
            raise Permanent(
                f"{uri}: no file:// URI may be read here; allow directories with ALFRD_FILE_ROOTS"
            )
        try:
            path = Path(decoded).resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError) as error:
            # The same answer as for a file outside: an error must not tell which files exist.
            raise Permanent(f"{uri}: no such file under ALFRD_FILE_ROOTS") from error
        except (OSError, RuntimeError) as error:
            raise shortage(error) or Permanent(f"{uri}: cannot be resolved") from error
        if not any(path.is_relative_to(root) for root in self._roots):
            raise Permanent(f"{uri}: no such file under ALFRD_FILE_ROOTS")
        return path

    def _read(self, path: Path) -> bytes:
        name = printable(path.name)
        # The path has no links left; O_NOFOLLOW refuses one that was put there since, at its last step, and the
        # descriptor's own path is compared once more for the steps before.
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            refusal = Permanent(
                f"{name}: cannot be opened ({os.strerror(error.errno or 0)}); let the worker's user {os.geteuid()} "
                "read it, then replay"
            )
            raise shortage(error) or refusal from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Permanent(f"{name}: not a regular file")
            opened = Path(f"/proc/self/fd/{descriptor}")
            if opened.exists() and not any(opened.resolve().is_relative_to(root) for root in self._roots):
                raise Permanent(f"{name}: it moved out of ALFRD_FILE_ROOTS while it was opened")
            self._check_size(found.st_size, name)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(self._max_bytes + 1)
        except OSError as error:
            trouble = Transient(f"{name}: cannot be read ({os.strerror(error.errno or 0)})")
            raise shortage(error) or trouble from error
        finally:
            os.close(descriptor)
        self._check_size(len(content), name)  # it may have grown since
        return content

    def _check_size(self, size: int, name: str) -> None:
        if size > self._max_bytes:
            raise Permanent(
                f"{name}: {size:,} bytes is too large; the limit is {self._max_bytes:,} (ALFRD_MAX_FILE_BYTES)"
            )


def _scheme(uri: str) -> str:
    found = _SCHEME.match(uri)
    return found[1].lower() if found else ""


def _path_of(uri: str) -> str:
    """The path that a ``file:`` URI names: ``file:///a``, ``file://localhost/a`` or ``file:/a``.

    Not by ``urlsplit``, which raises on odd hosts and leaves out line ends, so that it names another file.

    :raise Permanent: it names none, or one of another machine.
    """
    shown = repr(uri)[1:-1]
    found = _FILE_URI.fullmatch(uri)
    if found is None:
        raise Permanent(
            f"{shown}: a file URI has three slashes, and no host, query, fragment, backslash or line end; "
            "write ? as %3F, # as %23: file:///inbox/bill.pdf"
        )
    path = os.fsdecode(unquote_to_bytes(found[1]))
    if "\0" in path:
        raise Permanent(f"{shown}: not a path: it holds a zero byte")
    return path
