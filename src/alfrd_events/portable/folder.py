"""A folder that is whole or not there: it is written beside its place, and then renamed to it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from alfrd_events.errors import Refused
from alfrd_events.portable.manifest import FORMAT, MANIFEST, SUMS, VERSION, digest_of


class ExportFolder:
    """An export on its way: ``NAME.partial`` beside the folder NAME, until :meth:`finish` renames it.

    What an interrupted export has left there is removed and begun anew: it shows another moment of the database.

    :param replace: an export that is there already is replaced when the new one is whole.
    """

    def __init__(self, target: Path, *, replace: bool) -> None:
        self.target = target.absolute()
        self.path = self.target.with_name(self.target.name + ".partial")
        self.began_anew = False
        """Whether an interrupted export was found and removed."""
        self.files = 0
        self.bytes = 0
        self._replace = replace
        self._lock: int | None = None
        self._sums: IO[str] | None = None

    def __enter__(self) -> Self:
        """Make the folder.

        :raise Refused: something else is there, or another export is being written.
        """
        self._check_target()
        if self.path.is_symlink():
            raise Refused(f"{self.path} is a link: remove it")
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            self._lock = None
            raise Refused(f"another export is writing {self.path}: wait for it") from None
        left = list(self.path.iterdir())
        if left and not (self.path / SUMS).is_file():
            raise Refused(f"{self.path} is in the way, and no export that was interrupted: remove it")
        for entry in sorted(left, key=lambda entry: entry.name == SUMS):
            self.began_anew = True
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        self._sums = (self.path / SUMS).open("w", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sums is not None:
            self._sums.close()
        if self._lock is not None:
            os.close(self._lock)

    def _check_target(self) -> None:
        if not self.target.name:
            raise Refused(f"{self.target} cannot be exported to: name a folder")
        if self.target.is_symlink() or (self.target.exists() and not self.target.is_dir()):
            raise Refused(f"{self.target} is no folder: name another place")
        if not self.target.exists() or not any(self.target.iterdir()):
            return
        if not (self.target / MANIFEST).is_file():
            raise Refused(
                f"{self.target} holds other things than an export: name an empty folder or a new one"
            )
        if not self._replace:
            raise Refused(
                f"{self.target} holds an export already: replace it with --force, or name another folder"
            )

    def make_folder(self, *names: str) -> str:
        """A new folder, by the first of the names that is free; its name in the export."""
        for name in names:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return name
        raise Refused(f"{self.path / names[-1]} is there already: another program writes into the export")

    def write(self, name: str, content: bytes) -> None:
        """A file from bytes."""
        with self.open(name) as file:
            file.write(content)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[HashedFile]:
        """A new file to be written in pieces; its sum is noted at the end."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as raw:
            file = HashedFile(raw)
            yield file
        self._note(name, file.hexdigest(), file.size)

    def adopt(self, name: str) -> None:
        """Note a file that a library has written into the folder."""
        path = self.path / name
        self._note(name, digest_of(path), path.stat().st_size)

    def _note(self, name: str, digest: str, size: int) -> None:
        assert self._sums is not None, "within the with statement"
        self._sums.write(f"{digest}  {name}\n")
        self.files += 1
        self.bytes += size

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the manifest, and let the export take its place."""
        assert self._sums is not None, "within the with statement"
        self._sums.flush()
        os.fsync(self._sums.fileno())
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            **facts,
            "files": self.files,
            "sha256_of_sums": digest_of(self.path / SUMS),
        }
        with (self.path / MANIFEST).open("x", encoding="utf-8") as file:
            json.dump(manifest, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        self._check_target()
        replaced = self.target.exists() and any(self.target.iterdir())
        old = self.target.with_name(self.target.name + ".old")
        if replaced:
            if old.exists():
                raise Refused(f"{old} is in the way: remove it")
            self.target.rename(old)
        self.path.rename(self.target)
        if replaced:
            shutil.rmtree(old)


class HashedFile:
    """A file that keeps the SHA-256 of what is written to it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Append."""
        self._raw.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def hexdigest(self) -> str:
        """The sum so far."""
        return self._digest.hexdigest()
