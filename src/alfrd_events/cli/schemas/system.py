"""The answers about the system: its work, its set-up, its prompts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from alfrd_events.cli.schemas.shared import Counts, Json, Share, Usd


class StepRow(TypedDict):
    """The work of a step."""

    step: str
    max_running: int | None
    paused_at: datetime | None
    ready: int
    scheduled: int
    running: int
    dead: int
    oldest_wait_seconds: float | None


class WorkerRow(TypedDict):
    """A worker."""

    id: int
    name: str
    version: str
    steps: list[str]
    started_at: datetime
    heartbeat_age_seconds: float
    lease_seconds: float
    locked: bool
    running: int


class LimitRow(TypedDict):
    """A limit of a step or a provider."""

    step: str
    provider: str
    max_running: int | None
    rate: float | None
    under_way: int | None


class Money(TypedDict):
    """What was spent today, and what waits for room under a cap."""

    today_usd: Usd
    under_way: int
    held: Counts
    cap_day_usd: Usd | None
    cap_document_usd: Usd | None


class ComplaintRow(TypedDict):
    """What is wrong with the server or the set-up."""

    what: str
    cause: str
    remedy: str


class ReadingRow(TypedDict):
    """How far a document is that is being read now."""

    id: UUID
    filename: str
    pages_read: int
    pages_total: int
    started_at: datetime
    updated_at: datetime
    seconds_left: float | None
    in_words: str


class Status(TypedDict):
    """``status``."""

    documents: Counts
    files: Counts
    steps: list[StepRow]
    workers: list[WorkerRow]
    limits: list[LimitRow]
    readings: list[ReadingRow]
    money: Money
    woken_by: Counts
    complaints: list[ComplaintRow]
    missed_notifications: int
    evolution: str


class UsageRow(TypedDict):
    """``usage``."""

    group: str
    calls: int
    cached: int
    failed: int
    pages: int
    input_tokens: int
    output_tokens: int
    usd: Usd
    unpriced: int
    milliseconds: int


class HeartbeatRow(TypedDict):
    """The sign of life of a worker."""

    name: str
    age_seconds: float
    lease_seconds: float
    alive: bool


class Health(TypedDict):
    """``health``."""

    alive: bool
    host: str | None
    workers: list[HeartbeatRow]


class Replayed(TypedDict):
    """``replay``: with ``--prompt`` without ``subject_type`` and ``reason``."""

    id: UUID
    name: str | None
    status: str
    step: str
    subject_type: NotRequired[Literal["document", "file", "series"]]
    reason: NotRequired[str]


class Pruned(TypedDict):
    """``prune``: rows that went."""

    events: int
    usage: int


class Diagnosis(TypedDict):
    """``doctor``."""

    check: str
    good: bool
    detail: str
    hint: str


class Scores(TypedDict):
    """``eval``: each score is 0 to 1, or null where nothing could be judged."""

    overall: dict[str, float | None]
    by_source: dict[str, dict[str, float | None]]
    by_type: dict[str, dict[str, float | None]]
    reliability: Json
    robustness: Json


class VersionRow(TypedDict):
    """``prompts list``, ``prompts show``."""

    id: int
    kind: str
    document_type: str
    version: int
    text: str
    is_active: bool
    origin: Literal["seed", "code", "person", "import", "evolution"]
    can_evolve: bool
    score_ceiling: Share
    max_words: int
    created_at: datetime
    created_by: str
    note: str
    parent: int | None
    performance_score: Share | None
    scored_documents: int


class ActivationRow(TypedDict):
    """``prompts history``."""

    at: datetime
    kind: str
    document_type: str
    version: int
    previous: int | None
    reason: str
    by: str


class WouldChange(TypedDict):
    """A value that a version would change."""

    id: UUID
    filename: str
    field: str
    now: Any
    then: Any


class Impact(TypedDict):
    """``prompts impact``."""

    changes: list[WouldChange]
    documents: int
    known: int
    changed: int
    corrected: int
    usd_per_document: Usd | None
