"""The files of an ALFRD on the disk: where its rows say, or below a folder that is given.

Rows and ``meta.json`` name paths of another machine, and anybody could write them. So nothing outside of the document's
own folder is read, and with ``--files`` nothing outside of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

_PATHS = ("raw_document_path", "folder_path", "original_path")
_NO_ORIGINALS = {"meta.json"}


def originals(
    row: Mapping[str, Any], folder: Mapping[str, Any], root: Path | None
) -> list[tuple[str, bytes]]:
    """Names and bytes of a document's files, in the order of its ``meta.json``; none: they are not there.

    :param folder: its ``meta.json``.
    :param root: where the files of the former program are now; ``None``: where its rows say.
    """
    for name in _PATHS:
        place = _place(row.get(name), root)
        if place is not None and (found := _files(place, folder)):
            return [(path.name, path.read_bytes()) for path in found]
    return []


def text_of(row: Mapping[str, Any], root: Path | None) -> str:
    """What was read of a document: of its row, else of its file on the disk."""
    text = row.get("extracted_text")
    if text:
        return str(text)
    place = _place(row.get("extracted_text_path"), root)
    return place.read_bytes().decode("utf-8", "replace") if place is not None and place.is_file() else ""


def _place(written: Any, root: Path | None) -> Path | None:
    """Where a path of the former machine is here: its longest ending that is below the root."""
    if not written:
        return None
    if root is None:
        path = Path(str(written))
        return path if path.is_absolute() and path.exists() else None
    steps = [step for step in PurePosixPath(str(written)).parts if step not in ("/", "..", ".")]
    for begin in range(len(steps)):
        path = root.joinpath(*steps[begin:])
        if path.exists() and path.resolve().is_relative_to(root.resolve()):
            return path
    return None


def _files(place: Path, folder: Mapping[str, Any]) -> list[Path]:
    if place.is_file():
        return [place]
    inside = {
        path.name: path
        for path in sorted(place.iterdir())
        if path.is_file()
        and path.name not in _NO_ORIGINALS
        and path.resolve().is_relative_to(place.resolve())
    }
    told = folder.get("documents")
    ordered = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    ordered.sort(key=lambda each: each["order"] if isinstance(each.get("order"), int) else len(ordered))
    named = [inside.pop(str(each.get("file"))) for each in ordered if str(each.get("file")) in inside]
    return named or list(inside.values())
