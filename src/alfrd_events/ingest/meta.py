"""A folder with a ``meta.json``: one document of several files in order.

``{"id": uuid, "created_at": ISO time, "documents": [{"file": "p1.jpg", "type": "image", "order": 1}],
"metadata": {"source": "…", "tags": ["home"]}}``. Only ``documents`` must be there; without ``order`` the
files count as listed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from alfrd_events.db.documents import NewDocument, NewPart
from alfrd_events.filenames import printable
from alfrd_events.ingest.files import META, Incomplete, NotSubmitted, read_file

_META_BYTES_AT_MOST = 1_000_000
_FOLDER_BYTES_AT_MOST = 500_000_000
"""All parts travel in one statement, of which PostgreSQL takes less than a gigabyte."""
_PROBLEMS_AT_MOST = 5
_SHOWN = 200
"""How many characters of what is wrong are shown."""


class MetaFile(BaseModel):
    """An entry of ``documents``."""

    file: Annotated[str, Field(min_length=1)]
    type: str = ""
    """A hint for people: the program finds the type in the content."""
    order: int | None = None

    @field_validator("file")
    @classmethod
    def _inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if "\0" in value or "\\" in value or path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"{value!r} leaves the folder: name a file inside it")
        return value


class MetaDetails(BaseModel):
    """``metadata``: the known entries; whatever else is there is kept."""

    model_config = ConfigDict(extra="allow")

    source: str = ""
    tags: tuple[str, ...] = ()


class Meta(BaseModel):
    """The content of a ``meta.json``."""

    id: UUID | None = None
    created_at: datetime | None = None
    documents: Annotated[tuple[MetaFile, ...], Field(min_length=1)]
    metadata: MetaDetails = MetaDetails()

    @model_validator(mode="after")
    def _each_once(self) -> Meta:
        names = [str(PurePosixPath(entry.file)) for entry in self.documents]
        orders = [entry.order for entry in self.documents if entry.order is not None]
        for what, values in (("file", names), ("order", [str(order) for order in orders])):
            # Counted at once: a list of the largest size, looked through for each of its entries, takes minutes.
            if values and (twice := Counter(values).most_common(1)[0])[1] > 1:
                raise ValueError(f"{what} {twice[0]} is given twice")
        if orders and len(orders) < len(names):
            raise ValueError("give every file an order, or none")
        return self

    @property
    def in_order(self) -> list[MetaFile]:
        """The files as they follow each other."""
        return sorted(self.documents, key=lambda entry: entry.order or 0)


def read_meta(folder: Path) -> Meta:
    """The checked content of a folder's ``meta.json``.

    :raise Incomplete: no such file, or no JSON (yet).
    :raise NotSubmitted: names every field that is wrong.
    """
    content = read_file(folder / META, _META_BYTES_AT_MOST, follow=False)
    try:
        document = json.loads(content, object_pairs_hook=_each_key_once)
        json.dumps(
            document, ensure_ascii=False
        ).encode()  # "\\ud800" is half a character, which no text can hold
    except (ValueError, RecursionError) as error:
        raise Incomplete(f"{META} is not valid JSON: {error}") from error
    try:
        return Meta.model_validate(document)
    except ValidationError as error:
        wrong = [_wording(problem) for problem in error.errors()[:_PROBLEMS_AT_MOST]]
        if more := error.error_count() - len(wrong):
            wrong.append(f"and {more:,} more")
        raise NotSubmitted(f"{META} is wrong: {'; '.join(wrong)}") from error


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Take no object that says two things of one name: the last would win, and the others be lost."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key[:_SHOWN]!r} is given twice in one object")
        found[key] = value
    return found


def _wording(problem: Any) -> str:
    place = ".".join(str(step) for step in problem["loc"]) or "the whole"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "uuid_parsing":
        message = f"{problem['input']!r} is not a UUID"
    elif problem["type"] == "missing":
        message = "is missing"
    return f"{place[:_SHOWN]}: {message[: 2 * _SHOWN]}"


def folder_document(folder: Path, max_bytes: int, tags: tuple[str, ...] = ()) -> NewDocument:
    """The document that a folder with a ``meta.json`` is.

    :raise Incomplete: something is not there (yet).
    :raise NotSubmitted: it will not do; the message says why.
    """
    meta = read_meta(folder)
    parts = tuple(_parts(folder, meta, max_bytes))
    details = meta.metadata.model_dump(mode="json", exclude={"tags"})
    if not details["source"]:
        del details["source"]
    if meta.created_at is not None:
        created = meta.created_at if meta.created_at.tzinfo else meta.created_at.replace(tzinfo=UTC)
        details["created_at"] = created.isoformat()
    return NewDocument(
        filename=parts[0].filename if len(parts) == 1 else printable(folder.resolve().name),
        parts=parts,
        tags=(*tags, *meta.metadata.tags),
        metadata=details,
        id=meta.id,
    )


def _parts(folder: Path, meta: Meta, max_bytes: int) -> Iterator[NewPart]:
    left = _FOLDER_BYTES_AT_MOST
    for entry in meta.in_order:
        content = read_file(_inside(folder, entry.file), max_bytes, follow=False)
        left -= len(content)
        if left < 0:
            raise NotSubmitted(f"its files have more than {_FOLDER_BYTES_AT_MOST:,} bytes together; split it")
        yield NewPart(printable(PurePosixPath(entry.file).name), content)


def _inside(folder: Path, name: str) -> Path:
    """The path of a file in the folder; a link on the way is refused, wherever it leads."""
    path = folder
    for step in PurePosixPath(name).parts:
        path = path / step
        if path.is_symlink():
            raise NotSubmitted(
                f"{name}: is a link, and links may leave the folder: put the file itself there"
            )
    return path
