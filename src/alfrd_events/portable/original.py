"""The original of a document back: one file, or, of several parts, a folder or a ZIP archive."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from uuid import UUID

from alfrd_events.db import console, queries
from alfrd_events.db.database import Database
from alfrd_events.model import Part, PartSource
from alfrd_events.portable.names import safe_name
from alfrd_events.portable.whole import what_is_there, write_bytes, write_whole

Fetch = Callable[[PartSource], Awaitable[Part]]
ZIP = ".zip"


@dataclass(frozen=True, slots=True)
class Got:
    """What was written."""

    path: Path
    kind: str
    """``file``, ``folder`` or ``zip``."""
    parts: int
    bytes: int
    changed: tuple[str, ...]
    """Parts behind a URI whose bytes are others than those that were read."""


async def get_original(
    database: Database, document: UUID, target: Path | None, fetch: Fetch, *, replace: bool = False
) -> Got:
    """Write the original of a document.

    A document of several parts becomes a folder, or an archive if ``target`` ends in ``.zip``. A file or a new folder
    appears whole or not at all.

    :param target: ``None``: under its own name, in the working directory.
    :param replace: a file that is there is replaced; into a folder that is there, the parts are written.
    :raise NotFound: there is no such document.
    :raise Refused: something is in the place.
    :raise Permanent, Transient: its bytes cannot be fetched.
    """
    found = await queries.document(database, document)
    rows = found["parts"] or [{"number": 1, "sha256": ""}]
    changed: list[str] = []

    async def parts() -> AsyncIterator[tuple[str, bytes]]:
        for row in rows:
            source = await console.part(database, document, row["number"])
            part = await fetch(
                PartSource(row["number"], source["filename"], source["content"], source["uri"])
            )
            name = safe_name(part.filename or found["filename"], f"part-{row['number']}")
            # Noted by readers as the digest of what they read; older rows have none.
            if len(row["sha256"]) == 64 and row["sha256"] != hashlib.sha256(part.content).hexdigest():
                changed.append(name)
            yield name, part.content

    if len(rows) == 1:
        ((name, content),) = [each async for each in parts()]
        path = target or Path(name)
        if path.is_dir():
            path = path / name
        write_bytes(path, content, replace)
        return Got(path, "file", 1, len(content), tuple(changed))
    path = target or Path(safe_name(found["filename"], str(document)))
    if path.suffix.lower() == ZIP:
        size = await _zip(path, parts(), replace)
        return Got(path, "zip", len(rows), size, tuple(changed))
    size = await _folder(path, parts(), replace)
    return Got(path, "folder", len(rows), size, tuple(changed))


async def _zip(path: Path, parts: AsyncIterator[tuple[str, bytes]], replace: bool) -> int:
    held = [each async for each in parts]

    def fill(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, (name, content) in enumerate(held, 1):
                archive.writestr(f"{number:04} {name}", content)

    write_whole(path, fill, replace)
    return sum(len(content) for _, content in held)


async def _folder(path: Path, parts: AsyncIterator[tuple[str, bytes]], replace: bool) -> int:
    held = [each async for each in parts]
    await asyncio.to_thread(_fill_folder, path, held, replace)
    return sum(len(content) for _, content in held)


def _fill_folder(path: Path, parts: list[tuple[str, bytes]], replace: bool) -> None:
    names = [(f"{number:04} {name}", content) for number, (name, content) in enumerate(parts, 1)]
    if replace and path.is_dir():
        for name, content in names:
            write_bytes(path / name, content, replace)
        return
    if path.exists() or path.is_symlink():
        raise what_is_there(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".alfrd-") as around:
        made = Path(around) / "whole"
        made.mkdir()
        for name, content in names:
            (made / name).write_bytes(content)
        made.rename(path)
